"""What is offered where a number does not exist: the nearest that does, and one example of each kind."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator

from chainrule.errors import ShapeError, UnknownName
from chainrule.explain.anatomy import Anatomy
from chainrule.explain.spellings import plainly
from chainrule.explain.trace import Trace

__all__ = ["example_names", "held", "unknown"]


def unknown(body: Anatomy, asked: str, text: str, there: Callable[[str], bool], known: str) -> UnknownName:
    """Say that there is no such number, and which one is nearest.

    Args:
        body: the step's anatomy.
        asked: all that was asked.
        text: the part of it that names no number.
        there: says whether a number of some name exists: only such are offered.
        known: examples of what can be asked for.
    """
    close = next((each for each in _tries(body, asked, text) if there(each)), None)
    if close is None:
        return UnknownName("there is no number {asked!r}; there are, among others: {known}", asked=asked, known=known)
    return UnknownName(
        "there is no number {asked!r}; did you mean {close!r}? There are, among others: {known}",
        asked=asked,
        close=close,
        known=known,
    )


def _tries(body: Anatomy, asked: str, text: str) -> Iterator[str]:
    """Give what might have been meant, the likeliest first."""
    asked = asked.strip()
    if asked.count("[") > asked.count("]"):
        yield f"{asked}]"
    number, _, last = asked.rpartition(" ")
    if difflib.get_close_matches(last.lower(), ["after"], cutoff=0.6):
        yield f"{number} after"
    if re.match(r"d[A-Za-z]+\d", asked):
        yield f"dC/{asked}"
    front, found, back = asked.rpartition(text) if text else ("", "", "")
    if not found:
        front = back = ""
    match = re.match(r"([A-Za-z]+)(\d*)", text)
    index = inside[0] if (inside := re.search(r"\[[^\]]*\]?", text)) else "[0]"
    arrays = list(_arrays(body))
    alike = [array for array in arrays if match and array.rstrip("0123456789") == match[1]][::-1]
    for array in alike or difflib.get_close_matches(text, arrays, n=3, cutoff=0.5):
        for place in (index, "[0]", "[0,0]", ""):
            yield f"{front}{array}{place}{back}"


def _arrays(body: Anatomy) -> Iterator[str]:
    """Give the names of all arrays that have numbers to ask for."""
    for symbol, layer in body.forward:
        yield f"{symbol}{'' if layer is None else layer}"
    yield from (f"{symbol}{layer}" for symbol, layer in body.statistics)
    yield from (f"delta{stage.l}" for stage in body.stages if stage.D is not None)
    yield from body.step.model.parameters


def example_names(step: Trace) -> list[str]:
    """Give one name for each kind of number that a step has, as examples of what can be asked for.

    >>> from chainrule import Network
    >>> from chainrule.explain.trace import trace
    >>> example_names(trace(Network.from_sizes([2, 1]).init(), [[1, 2]], [[0.5]]))
    ['x[0]', 'z1[0]', 'a1[0]', 'y[0]', 'L', 'C', 'delta1[0]', 'dC/dx[0]', 'dC/dW1[0,0]', 'W1[0,0] after', 'W1[0,0]']
    """
    body, front = Anatomy(step), "0," if step.m > 1 else ""
    names = [f"{symbol}{'' if l is None else l}[{front}0]" for symbol, l in body.forward]
    if step.Y is not None:
        names += ["L[0]" if step.m > 1 else "L", "C"]
        names += [f"delta{stage.l}[{front}0]" for stage in step.stages[-1:]]
        names += [f"dC/dx[{front}0]", "dC/dW1[0,0]", "W1[0,0] after"]
    return [*names, "W1[0,0]"]


def held(asked: str, index: tuple[int, ...], shape: tuple[int, ...], text: str) -> tuple[int, ...]:
    """Hold an index to the shape of its array.

    Args:
        asked: all that was asked.
        index: the index in it.
        shape: of the array.
        text: the part of it that names the array, with the index.

    Raises:
        ShapeError: for an index that is out of range, or missing.
    """
    if len(index) == len(shape) and all(i < n for i, n in zip(index, shape, strict=True)):
        return index
    array = text.split("[")[0].strip()
    front, found, back = plainly(asked).rpartition(text)
    first, last = ",".join("0" for _ in shape), ",".join(str(n - 1) for n in shape)
    if len(index) == len(shape):
        raise ShapeError(
            "there is no {asked!r}: {array} has shape {shape}, and goes from {array}[{first}] to {array}[{last}]",
            asked=asked,
            array=array,
            shape=shape,
            first=first,
            last=last,
        )
    raise ShapeError(
        "{asked!r} is no single number: {array} has shape {shape}; ask for one of {first} to {last}",
        asked=asked,
        array=array,
        shape=shape,
        first=f"{front if found else ''}{array}[{first}]{back if found else ''}",
        last=f"{front if found else ''}{array}[{last}]{back if found else ''}",
    )
