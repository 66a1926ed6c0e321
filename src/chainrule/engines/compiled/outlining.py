"""Parts of a function that are written as functions of their own: once for all parts that are alike.

What LLVM does with a function takes longer than in proportion to its size, and a deep network repeats itself. A part is
written like any other code. Whatever it uses of the function around it becomes an argument of its own function.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from chainrule.engines.compiled.code import Code, Value

__all__ = ["hand_over", "outline"]


def outline(c: Code, key: Hashable, own: Sequence[Value], body: Callable[[], None]) -> None:
    """Call a part of the function at hand, which ``body`` writes where no part with this key was written before.

    Args:
        c: where to.
        key: what the part's code depends on, besides the values that it uses.
        own: the values of which each part has its own, in the same order for each; all else that parts with the same
            key use must be the same values.
        body: writes the part; it gives nothing back and ends where it ends.
    """
    outer = c.builder.function
    place = outer.name, key
    if place not in c.parts:
        name = f"{outer.name}_{len(c.parts)}"
        with c.function(name, []):
            body()
        c.parts[place] = name, hand_over(c, c.written(name), outer, own)
    name, needed = c.parts[place]
    c.call(name, [own[each] if isinstance(each, int) else each for each in needed])


def hand_over(c: Code, made: Any, outer: Any, own: Sequence[Value]) -> list[Value | int]:
    """Make what a new function uses of another one its arguments; gives them: a value, or its place in ``own``."""
    places = {id(value): k for k, value in enumerate(own)}
    assert len(places) == len(own), "two of a part's own values are one"
    needed: dict[int, Value] = {}
    arguments: dict[int, Any] = {}
    for instruction, value in list(_foreign(c, made)):
        assert _home(c, value) is outer, "a part uses a value of another function"
        if id(value) not in arguments:
            needed[id(value)] = value
            arguments[id(value)] = c.ir.Argument(made, value.type)
        _use(instruction, value, arguments[id(value)])
    made.args = tuple(arguments.values())
    made.ftype = c.ir.FunctionType(c.ir.VoidType(), [value.type for value in needed.values()])
    made.attributes.add("noinline")
    return [places.get(id(value), value) for value in needed.values()]


def _foreign(c: Code, made: Any) -> Iterator[tuple[Any, Value]]:
    """Give each use of another function's value, with the instruction that uses it."""
    for block in made.blocks:
        for instruction in block.instructions:
            for value in instruction.operands:
                if _home(c, value) not in (None, made):
                    yield instruction, value


def _home(c: Code, value: Value) -> Any:
    """Give the function that a value is computed in; None for constants, functions and places to jump to."""
    if isinstance(value, c.ir.Argument):
        return value.parent
    return value.function if isinstance(value, c.ir.Instruction) else None


def _use(instruction: Any, old: Value, new: Value) -> None:
    """Have an instruction use another value."""
    instruction.replace_usage(old, new)
    if instruction.opname == "getelementptr":  # keeps them a second time
        instruction.pointer, *indices = instruction.operands
        instruction.indices = indices
