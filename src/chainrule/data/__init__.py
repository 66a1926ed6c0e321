"""Data: built-in sets, files, encoders, splits. Knows nothing of networks; loads pandas and scikit-learn when used.

>>> from chainrule.data import TableEncoder, load, split
>>> iris = load("iris")
>>> parts = split(iris.y, seed=0, stratify=True)
>>> encoder = TableEncoder.fit(iris.X[parts.train], names=iris.features)
>>> encoder.transform(iris.X[parts.test]).shape
(30, 4)
"""

from __future__ import annotations

from chainrule.data.dataset import Dataset
from chainrule.data.description import ColumnSummary, Description, describe
from chainrule.data.encoder import TableEncoder
from chainrule.data.files import load_file, read_rows
from chainrule.data.images import load_images
from chainrule.data.loading import load
from chainrule.data.sets import BuiltIn, names
from chainrule.data.shifts import shifted, shifted_copies
from chainrule.data.splits import Split, split
from chainrule.data.targets import TargetEncoder

__all__ = [
    "BuiltIn",
    "ColumnSummary",
    "Dataset",
    "Description",
    "Split",
    "TableEncoder",
    "TargetEncoder",
    "describe",
    "load",
    "load_file",
    "load_images",
    "names",
    "read_rows",
    "shifted",
    "shifted_copies",
    "split",
]
