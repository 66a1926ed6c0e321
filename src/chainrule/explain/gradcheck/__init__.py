"""Is a gradient the derivative of its value? Networks and hand-written backpropagation, held against values alone."""

from chainrule.explain.gradcheck.checking import gradcheck
from chainrule.explain.gradcheck.files import check_file
from chainrule.explain.gradcheck.report import CheckedArray, CheckedEntry, GradientReport

__all__ = ["CheckedArray", "CheckedEntry", "GradientReport", "check_file", "gradcheck"]
