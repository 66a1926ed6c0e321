"""Model files: `save` writes a model whole or not at all, `load` gives back exactly what was saved.

What is in a file, docs/models.md says. What training keeps in order to go on, `checkpoint_file` writes likewise.
"""

from chainrule.storage.atomic import atomic_write
from chainrule.storage.model_file import load, save

__all__ = ["atomic_write", "load", "save"]
