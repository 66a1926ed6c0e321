"""Shapes of arrays whose number of rows, and sometimes of columns, is not known."""

from __future__ import annotations

from typing import Any, NoReturn, TypeAlias

from chainrule.engines.compiled.graph import NotLiftable

__all__ = ["MANY", "WIDE", "Shape", "Unknown", "joined", "same"]


class Unknown:
    """A size that a formula may compare with itself, and nothing else."""

    def __init__(self, what: str) -> None:
        self._what = what

    def asked(self, *_: object) -> NoReturn:
        """Refuse to say what it is."""
        raise NotLiftable(f"asks for the {self._what}")

    __index__ = __int__ = __float__ = __bool__ = __lt__ = __gt__ = __le__ = __ge__ = asked
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = asked
    __eq__ = __ne__ = asked
    __hash__ = object.__hash__


MANY = Unknown("number of rows")
WIDE = Unknown("number of columns")
Shape: TypeAlias = tuple[Any, ...]


def joined(*shapes: Shape) -> Shape:
    """Give the shape that arrays have together, by NumPy's rules; rows stay in front."""
    ndim = max(map(len, shapes))
    together: list[Any] = []
    for sizes in zip(*((1,) * (ndim - len(shape)) + shape for shape in shapes), strict=True):
        more = [size for size in sizes if not _equal(size, 1)] or [1]
        if not all(_equal(size, more[0]) for size in more):
            raise NotLiftable("arrays whose shapes do not fit in every batch")
        together.append(more[0])
    if any(size is MANY for size in together[1:]):
        raise NotLiftable("an array with as many columns as rows")
    return tuple(together)


def same(a: Shape, b: Shape) -> bool:
    """Whether two shapes are the same in every batch."""
    return len(a) == len(b) and all(map(_equal, a, b))


def _equal(a: Any, b: Any) -> bool:
    return a is b or (isinstance(a, int) and isinstance(b, int) and a == b)
