"""NumPy, plain Python and C: how each writes a number and what it calls the functions that formulas use."""

from __future__ import annotations

import math

import numpy as np

from chainrule.storage.exporting.printing import AND, COMPARISON, NOT, OR, SIGN, Dialect

__all__ = ["NUMPY", "PYTHON", "c_dialect", "c_number"]

_BEYOND = float(np.finfo(np.float32).max) * (1 + 2.0**-25)  # from here on, float32 rounds to infinity

_FUNCTIONS = ("ceil", "cos", "exp", "expm1", "floor", "log", "log10", "log1p", "log2", "sin", "sqrt", "tanh", "trunc")


def _python_number(module: str) -> object:
    def write(x: float, whole: bool) -> str:
        if not math.isfinite(x):
            return f"{module}.nan" if x != x else f"{'-' * (x < 0)}{module}.inf"
        short = whole and x.is_integer() and abs(x) < 1e6 and math.copysign(1, x or 1.0) == math.copysign(1, x)
        return repr(int(x)) if short and (x or math.copysign(1, x) > 0) else repr(x)

    return write


NUMPY = Dialect(
    number=_python_number("np"),  # type: ignore[arg-type]
    calls={
        **{name: f"np.{name}" for name in (*_FUNCTIONS, "maximum", "minimum", "where", "rint", "power")},
        **{name: f"np.{name}" for name in ("logical_and", "logical_or", "logical_xor", "logical_not")},
        "absolute": "np.abs",
        "erfc": "erfc",
        "erfcx": "erfcx",
        "indicator": "{0}.astype(z.dtype)",
        "round": "z.dtype.type({0})",
        "pick": "{0}[:, {1}:{2}]",
        **{name: f"np.{name}({{0}}, axis=-1, keepdims=True)" for name in ("sum", "max", "min")},
    },
    width="{0}.shape[-1]",
)

PYTHON = Dialect(
    number=_python_number("math"),  # type: ignore[arg-type]
    calls={
        **{name: f"math.{name}" for name in _FUNCTIONS},
        **{name: f"float(math.{name}({{0}}))" for name in ("ceil", "floor", "trunc")},
        "absolute": "abs",
        "erfc": "math.erfc",
        "erfcx": "erfcx",
        "maximum": "max",
        "minimum": "min",
        "power": "power",
        "rint": "float(round({0}))",
        "sum": "sum({0})",
        "max": "max({0})",
        "min": "min({0})",
        "pick": "{0}[{1}]",
    },
    operators={
        "logical_and": ("and", AND),
        "logical_or": ("or", OR),
        "logical_not": ("not ", NOT),
        "logical_xor": ("!=", COMPARISON),
    },
    choice="{1} if {0} else {2}",
    width="len({0})",
    guards={name: name for name in ("exp", "expm1", "log", "log10", "log1p", "log2", "sqrt", "divide", "power")},
)


def c_number(x: float, single: bool) -> str:
    """Write a number of C, exactly; a float has an f behind it.

    >>> c_number(0.1, single=True), c_number(-2.0, single=False)
    ('0.1f', '-2.0')
    """
    if not math.isfinite(x):
        return "NAN" if x != x else f"{'-' * (x < 0)}INFINITY"
    if single and abs(x) >= _BEYOND:
        return f"{'-' * (x < 0)}INFINITY"
    text = str(np.float32(x)) if single else repr(x)
    return f"{text}{'' if '.' in text or 'e' in text else '.0'}{'f' * single}"


def c_dialect(single: bool, prefix: str) -> Dialect:
    """Give C99 for float or double; the file's own functions begin with the prefix."""
    f = "f" * single
    return Dialect(
        number=lambda x, whole: c_number(x, single),
        calls={
            **{name: f"{name}{f}" for name in (*_FUNCTIONS, "erfc", "rint")},
            "absolute": f"fabs{f}",
            "erfcx": f"{prefix}_erfcx",
            "maximum": f"{prefix}_max",
            "minimum": f"{prefix}_min",
            "power": f"pow{f}",
            "pick": "{0}[{1}]",
        },
        operators={
            "logical_and": ("&&", AND),
            "logical_or": ("||", AND),  # so that && within it gets the brackets that compilers ask for
            "logical_not": ("!", SIGN),
            "logical_xor": ("!=", COMPARISON),
        },
        choice="{0} ? {1} : {2}",
        width="n",
        whole=False,
    )
