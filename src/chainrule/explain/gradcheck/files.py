"""A function in a file of one's own, with the arguments to try it with, which stand in the file as well."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import inspect
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chainrule.errors import DataError, UnknownName, UsageError
from chainrule.explain.gradcheck.calling import Failure, called, copied, of_a_class, quiet
from chainrule.explain.gradcheck.checking import gradcheck
from chainrule.explain.gradcheck.report import GradientReport

__all__ = ["check_file"]

_MODULE = "chainrule_checked_file"


def check_file(place: str, gradient: str | None = None, **settings: Any) -> GradientReport:
    """Check the gradient of a function in a Python file, which is run.

    The function's arguments are taken from the file: for each, a variable of its name, else its default. The parameters
    come first, as many as there are gradients; or the first argument holds them all.

    Args:
        place: FILE.py:function.
        gradient: the function of the file that gives the gradient, where the first gives the value alone.
        **settings: further arguments of `gradcheck`.

    Raises:
        DataError: for a file that cannot be run.
        UnknownName: for a function that is not in it.
        UsageError: for a function that cannot be checked.
    """
    path, _, name = place.rpartition(":")
    if path and "." in name and all(part.isidentifier() for part in name.split(".")):
        raise of_a_class(name)
    if not path or "/" in name or "\\" in name or not name.isidentifier():
        raise UsageError("{place!r} names no function; expected FILE.py:function, such as network.py:step", place=place)
    with _running(Path(path)) as names:
        f, other = _found(names, name), None if gradient is None else _found(names, gradient)
        arguments = _arguments(f, name, names, path)
        theta, data = _split(f, other, name, arguments)
        return gradcheck(f, theta, *data, gradient=other, **settings)


@contextlib.contextmanager
def _running(path: Path) -> Iterator[dict[str, Any]]:
    """Run a file as a module of its own, and give its names.

    Its folder stays in reach until the end: functions may import when they are called.
    """
    path.read_bytes()  # a file that cannot be opened says so itself
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    if spec is None or spec.loader is None:
        raise DataError("{path} is no Python file; expected a name that ends in .py", path=path)
    module = importlib.util.module_from_spec(spec)
    folder, wrote = str(path.resolve().parent), sys.dont_write_bytecode
    sys.path.insert(0, folder)
    sys.modules[_MODULE], sys.dont_write_bytecode = module, True
    try:
        _execute(spec.loader, module, path)
        yield vars(module)
    finally:
        sys.dont_write_bytecode = wrote
        if folder in sys.path:
            sys.path.remove(folder)
        sys.modules.pop(_MODULE, None)


def _execute(loader: importlib.abc.Loader, module: types.ModuleType, path: Path) -> None:
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what it prints is not the result
            loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise DataError(
            "{path} cannot be run: {kind}: {error} (line {line})",
            path=path,
            kind=type(error).__name__,
            error=error.msg if isinstance(error, SyntaxError) else error,
            line=_line(error, path),
        ) from error


def _line(error: BaseException, path: Path) -> int | str:
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return error.lineno
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == path.name]
    return lines[-1] or "?" if lines else "?"


def _found(names: Mapping[str, Any], name: str) -> Callable[..., Any]:
    own = [key for key, value in names.items() if inspect.isfunction(value) and value.__module__ == _MODULE]
    found = names.get(name)
    if not callable(found):
        raise UnknownName.among("function", name, own)
    if inspect.isclass(found):
        raise of_a_class(name)
    return found


def _arguments(f: Callable[..., Any], name: str, names: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Give the arguments to try a function with."""
    found = {}
    for key, parameter in inspect.signature(f).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if key in names:
            found[key] = names[key]
        elif parameter.default is not parameter.empty:
            found[key] = parameter.default
        else:
            raise UsageError(
                "{name} takes {key}, and {path} has no variable of that name to try it with; write {key} = … in the "
                "file, outside of any function",
                name=name,
                key=key,
                path=path,
            )
    if not found:
        raise UsageError(
            "{name} takes no arguments, so there is nothing to differentiate by; let it take the parameters, such as "
            "{name}(W1, b1, X, Y), and keep values for them as variables in the file",
            name=name,
        )
    return found


def _split(
    f: Callable[..., Any], other: Callable[..., Any] | None, name: str, arguments: Mapping[str, Any]
) -> tuple[Any, Sequence[Any]]:
    """Tell parameters from data: there are as many parameters as gradients, and they come first."""
    values = [*arguments.values()]
    if isinstance(values[0], (dict, list, tuple)):
        return values[0], values[1:]
    try:
        with quiet():
            result = called(lambda: (other or f)(*copied(values)))
    except Failure as failure:
        raise UsageError("{name} fails: {what}", name=name, what=failure.told()) from failure.error
    if other is None and isinstance(result, (tuple, list)) and len(result) > 1:
        result = result[1] if len(result) == 2 else result[1:]
    if isinstance(result, dict):
        theta = {key: value for key, value in arguments.items() if key in result or f"d{key}" in result}
        if theta:
            return theta, [value for key, value in arguments.items() if key not in theta]
    if isinstance(result, (tuple, list)) and 1 < len(result) <= len(values):
        return tuple(values[: len(result)]), values[len(result) :]
    return values[0], values[1:]
