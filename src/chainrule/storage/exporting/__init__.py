"""Export: a model as an ONNX graph, as a Python file that needs NumPy only or nothing at all, or as a header of C99.

The activations are the catalogue's own formulas, lifted as the compiled engine lifts them and written out again, so
there is no second copy of their mathematics, and an activation of one's own is exported like any other.
"""

from chainrule.storage.exporting.formats import FORMATS, default_name, export, format_of

__all__ = ["FORMATS", "default_name", "export", "format_of"]
