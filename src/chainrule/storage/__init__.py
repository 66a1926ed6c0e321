"""Model files: `save` writes a model whole or not at all, `load` gives back exactly what was saved.

`export` writes one for others: ONNX, source in Python or C. What is in a file, docs/models.md and docs/export.md say.
"""

from chainrule.storage.atomic import atomic_write
from chainrule.storage.exporting import export
from chainrule.storage.model_file import load, save

__all__ = ["atomic_write", "export", "load", "save"]
