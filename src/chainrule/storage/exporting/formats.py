"""`export`, and what there is to export to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.errors import UnknownName, UsageError
from chainrule.model import Model
from chainrule.storage.atomic import atomic_write

if TYPE_CHECKING:
    from chainrule.storage.exporting.plan import Plan

__all__ = ["FORMATS", "content_of", "default_name", "export", "format_of"]

# What an export is called, and how its file's name ends.
FORMATS = {"onnx": ".onnx", "numpy": ".py", "python": ".py", "c": ".h"}


def default_name(stem: str, to: str) -> str:
    """Give what a file is called where nobody said it: no two formats' files have one name.

    >>> [default_name("iris", to) for to in FORMATS]
    ['iris.onnx', 'iris.py', 'iris_plain.py', 'iris.h']
    """
    return f"{stem}{'_plain' if to == 'python' else ''}{FORMATS[to]}"


def export(model: Model, path: str | os.PathLike[str], to: str | None = None, *, code: int | None = None) -> Path:
    """Write a model as a file that works without chainrule.

    Args:
        model: trained or not; its functions predict as it does, labels and units included.
        path: where to; an older file is replaced. The name of the file is the name of the module, or the prefix in C.
        to: "onnx", "numpy" (a Python file that needs NumPy only), "python" (one that needs nothing) or "c" (a header of
            C99); None takes "onnx" or "c" by the path's suffix, .onnx or .h.
        code: the layer whose activations the file gives as well, as ``transform``: the code of an autoencoder.

    Returns:
        The path.

    Raises:
        UnknownName: for another format.
        UsageError: where the suffix does not say the format, or says another; for the name of a module of Python's own,
            which the file would hide; for parameters that are not finite, an activation that
            cannot be written down in it, or a layer that is none.
        MissingExtra: for "onnx" without the package of that name.
        SaveError: the file cannot be written. An older file is still there, untouched.

    >>> from tempfile import TemporaryDirectory
    >>> from chainrule import Network
    >>> model = Network.from_sizes([2, 3, 1], hidden="tanh").init(seed=1)
    >>> with TemporaryDirectory() as folder:
    ...     print(export(model, Path(folder) / "net.h").read_text(encoding="utf-8")[:28])
    /* net.h: a neural network.
    """
    # By the name of their package: storage knows nothing of estimators.
    if any(base.__module__.startswith("chainrule.estimators") for base in type(model).__mro__):
        raise UsageError(
            "export takes a Model, not {given}; give its model_, which fit() makes", given=type(model).__name__
        )
    if not isinstance(model, Model):
        raise UsageError(
            "export takes a Model, not {given}; train() and network.init() make one", given=type(model).__name__
        )
    if not isinstance(path, (str, os.PathLike)):
        raise UsageError("path is {path!r}; expected a text or a Path, such as 'model.onnx'", path=path)
    # What writes files reads the compiled engine's tools, which loading a model should not wait for.
    from chainrule.storage.exporting.plan import make_plan

    shown = Path(path)
    chosen, _ = format_of(to, shown)
    _check_name(shown, chosen)
    return atomic_write(shown, content_of(make_plan(model, shown.stem, code), chosen, shown.name))


def format_of(to: str | None, path: Path | None) -> tuple[str, str]:
    """Give the format that is asked for by name or, without one, by a path's suffix; and the suffix of its files.

    Raises:
        UnknownName: for another format.
        UsageError: where the suffix fits none, or more than one.

    >>> format_of(None, Path("net.onnx")), format_of("numpy", None)
    (('onnx', '.onnx'), ('numpy', '.py'))
    """
    if to is None:
        fitting = [name for name, suffix in FORMATS.items() if path is not None and path.suffix.lower() == suffix]
        if len(fitting) != 1:
            raise UsageError(
                "{path} does not say what to export to; give one of: {formats}",
                path=str(path),
                formats=", ".join(FORMATS),
            )
        to = fitting[0]
    if not isinstance(to, str):
        raise UsageError("to is {to!r}; give one of: {formats}", to=to, formats=", ".join(FORMATS))
    if to not in FORMATS:
        raise UnknownName.among("export format", to, FORMATS)
    return to, FORMATS[to]


def _check_name(path: Path, to: str) -> None:
    """Refuse a name that belongs to another format, or that would hide a module which the file itself may import."""
    suffix = path.suffix.lower()
    if suffix != FORMATS[to] and suffix in FORMATS.values():
        raise UsageError(
            "{path} ends in {suffix}, but a file for {to!r} ends in {expected}; rename it, or choose another format",
            path=str(path),
            suffix=suffix,
            to=to,
            expected=FORMATS[to],
        )
    if suffix == ".py" and (path.stem in sys.stdlib_module_names or path.stem == "numpy"):
        raise UsageError(
            "{path} would hide the module {module!r} from Python, and nothing beside it could import that; choose "
            "another name",
            path=str(path),
            module=path.stem,
        )


def content_of(plan: Plan, to: str, file: str) -> bytes:
    """Give the content of a file.

    Args:
        plan: the model.
        to: one of `FORMATS`.
        file: the file's name, for its own text.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> content_of(make_plan(Network.from_sizes([2, 1]).init(), "net"), "numpy", "net.py")[:6]
    b'\"\"\"net'
    """
    if to == "onnx":
        from chainrule.storage.exporting.onnx_file import write_onnx

        return write_onnx(plan)
    if to == "c":
        from chainrule.storage.exporting.c_file import write_c

        return write_c(plan, file).encode("utf-8")
    from chainrule.storage.exporting.numpy_file import write_numpy
    from chainrule.storage.exporting.python_file import write_python

    return (write_numpy if to == "numpy" else write_python)(plan, file).encode("utf-8")
