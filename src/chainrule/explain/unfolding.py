"""Unfolding: a number, below it the numbers that it is made of, below them theirs, as deep as is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.explain.anatomy import Anatomy
from chainrule.explain.backward import backward_origin
from chainrule.explain.expressions import Call, Ref
from chainrule.explain.forward import forward_origin
from chainrule.explain.names import Name
from chainrule.explain.origins import Origin, View
from chainrule.explain.page import Block, Prose
from chainrule.language import Message
from chainrule.network import BatchNorm

__all__ = ["origin_of", "unfold"]

# The numbers that the forward pass makes.
_FORWARD = frozenset(("z", "a", "u", "q", "zhat", "drop", "mask", "mean", "var", "L", "C", "share"))


def origin_of(body: Anatomy, name: Name, view: View) -> Origin | None:
    """Say where a number comes from; None for what is given, such as an input or a parameter.

    Args:
        body: the step's anatomy.
        name: the number.
        view: how much is shown.
    """
    if name.of is not None and name.by is not None and (name.of.symbol, name.by.symbol) == ("z", "u"):
        return _normalizing(body, name, name.of)
    if name.symbol == "d" or (name.symbol == "delta" and name.layer is not None):
        return backward_origin(body, name, view)
    if name.symbol in _FORWARD:
        return forward_origin(body, name, view)
    return None


def _normalizing(body: Anatomy, name: Name, z: Name) -> Origin:
    """The slope of a batch normalization in prediction, dz/du: its statistics are fixed numbers there."""
    l, i = z.layer, int(z.index[0])
    layer = body.stages[body.makers["z", l]].layer
    assert isinstance(layer, BatchNorm)
    epsilon = Ref(Name("epsilon"), layer.epsilon)
    form = body.ref("gamma", l, i) / Call("sqrt", (body.ref("var", l, i) + epsilon,))
    why = Message("The slope of the normalization, whose running statistics are fixed numbers here.")
    return Origin(Ref(name, form.value), (form,), why)


def unfold(body: Anatomy, name: Name, view: View, depth: int) -> Iterator[Block]:
    """Explain a number, and below it what it is made of; each number and each sentence once.

    Args:
        body: the step's anatomy.
        name: the number.
        view: how much is shown.
        depth: how many levels, 1 for the number's own line.
    """
    origins, parts = _tree(body, name, view, depth)
    said = {""}

    left = [(name, 0)]  # a stack, since a network may be deeper than Python's own
    while left:
        each, level = left.pop()
        if (origin := origins[each]) is None:
            continue
        if origin.why not in said:
            said.add(origin.why)
            yield Prose(origin.why)
        yield origin.equation(level)
        left += [(part, level + 1) for part in reversed(parts[each])]


def _tree(
    body: Anatomy, name: Name, view: View, depth: int
) -> tuple[dict[Name, Origin | None], dict[Name, list[Name]]]:
    """Find where a number and its parts come from, level by level, and which number each is told below.

    A number that several are made of is told once, below the first of the uppermost of them.
    """
    origins: dict[Name, Origin | None] = {}
    parts: dict[Name, list[Name]] = {}
    seen, level = {name}, [name]
    for _ in range(depth):
        for each in level:
            origin = origin_of(body, each, view)
            origins[each] = None if origin is None or origin.given else origin
            parts[each] = []
        following = []
        for each in level:
            for part in () if (origin := origins[each]) is None else origin.parts():
                if part not in seen:
                    seen.add(part)
                    parts[each].append(part)
                    following.append(part)
        level = following
    for each in parts:
        parts[each] = [part for part in parts[each] if part in origins]
    return origins, parts
