"""In which order a row is gone over: reductions in rounds, and what is worth keeping from one round to the next."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from chainrule.engines.compiled.graph import ENTRY, NUMBER, REDUCTIONS, Node

__all__ = ["entries", "needed_again", "rounds"]

CHEAP = {"add", "subtract", "multiply", "maximum", "minimum", "where", "indicator", "negative", "absolute", "input"}


def entries(nodes: Sequence[Node], roots: Iterable[int], until: Container[int] = ()) -> list[int]:
    """Give the nodes that differ from entry to entry, from these on down, and these themselves."""
    found: list[int] = []
    open_ = list(roots)
    while open_:
        k = open_.pop()
        if k not in found:
            found.append(k)
            if nodes[k].extent == ENTRY and k not in until:
                open_ += nodes[k].args
    return found


def rounds(nodes: Sequence[Node]) -> list[list[int]]:
    """Give the reductions, those first that need no other one."""
    depth: list[int] = []
    found: list[list[int]] = []
    for k, node in enumerate(nodes):
        depth.append(max((depth[a] for a in node.args), default=0))
        if node.op in REDUCTIONS:
            if depth[k] == len(found):
                found.append([])
            found[depth[k]].append(k)
            depth[k] += 1
    return found


def needed_again(nodes: Sequence[Node], results: Iterable[int]) -> set[int]:
    """Give the entries that cost more than arithmetic and are needed in more than one round."""
    costly = {k for k, node in enumerate(nodes) if node.op not in CHEAP and node.type == NUMBER}
    arguments = [[nodes[k].args[0] for k in reductions] for reductions in rounds(nodes)]
    again: set[int] = set()
    before: set[int] = set()
    for roots in [*arguments, list(results)]:
        seen = costly & before
        needed = [k for k in entries(nodes, roots, seen) if nodes[k].extent == ENTRY]
        again |= seen.intersection(needed)
        before.update(needed)
    return again
