"""Model files: `save` writes a model whole or not at all, `load` gives back exactly what was saved.

What is in a file, docs/models.md says. What training keeps in order to go on, `checkpoint_file` writes likewise.
`export` writes a model for others, as ONNX or as source in Python or C: docs/export.md. Weights to and from
scikit-learn, PyTorch and Keras, docs/interchange.md shows.
"""

from chainrule.storage.atomic import atomic_write
from chainrule.storage.exporting import export
from chainrule.storage.keras_weights import from_keras_weights, to_keras_weights
from chainrule.storage.model_file import load, save
from chainrule.storage.parity import Parity, check_parity
from chainrule.storage.sklearn_mlp import from_sklearn
from chainrule.storage.torch_state import from_torch_state_dict, to_torch_state_dict, torch_names

__all__ = [
    "Parity",
    "atomic_write",
    "check_parity",
    "export",
    "from_keras_weights",
    "from_sklearn",
    "from_torch_state_dict",
    "load",
    "save",
    "to_keras_weights",
    "to_torch_state_dict",
    "torch_names",
]
