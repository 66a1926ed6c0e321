"""Products of matrices, the work that everything else waits for: three shapes of product, two micro-kernels.

A layer needs three products, each with all matrices row by row as they lie in memory:

    forward   Z = A W^T   (m, N) = (m, K) (K, N)     a row of A times a row of W: `dots`
    backward  G = D W     (m, K) = (m, N) (N, K)     numbers of D times rows of W: `sums_of_rows`
    gradient  dW = D^T A  (N, K) = (N, m) (m, K)     numbers of D times rows of A: `sums_of_rows`

A micro-kernel computes a tile of the result that fits into the registers, so that each number read from memory is used
many times. What becomes of a finished tile (add a bias, update the weights) the caller says, and it is done while the
tile is in the registers. Each number of a result is computed by the same operations in the same order whatever the
tile, the number of rows or the number of threads: the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from chainrule.engines.compiled.code import Code, Value, Variable

__all__ = ["Part", "Stripes", "dots", "over_tiles", "sums_of_rows", "tile_rows", "totals"]

# So many bytes of rows are gone through again and again; a first-level cache holds two to three times as many.
_NEAR = 32768
# A part of a loop: (first, last + 1), for threads that share it.
Part: TypeAlias = tuple[Value | int, Value | int]


def tile_rows(m: int, columns: int, registers: int) -> tuple[int, ...]:
    """Give the heights of tiles for m rows, tallest first, so that a tile of so many columns fits into the registers.

    The tallest divides m where that costs little; what is left of m rows is a tile, too, and 1 comes last, so that any
    number of rows can be made up.
    """
    most = max(1, registers // columns)
    tallest = min(range(1, most + 1), key=lambda rows: (-(-m // rows)) * (rows * columns + columns + 2))
    return tuple(sorted({tallest, m % tallest, 1} - {0}, reverse=True))


def over_tiles(
    c: Code, rows: Value | int, sizes: Sequence[int], body: Callable[[Value, int], None], first: Value | int = 0
) -> None:
    """Cut rows into tiles, as many of the tallest as there are room for, then of the next."""
    done = Variable(c, c.whole, c.index(first))
    for size in sizes:
        if isinstance(rows, int) and isinstance(first, int):
            count = (rows - first) // size
            if count:
                with c.loop(first + count * size, first, size) as start:
                    body(start, size)
            first += count * size
            continue
        last = c.plus(rows, 1 - size)
        with c.loop(last, done.get(), size) as start:
            body(start, size)
            done.set(c.plus(start, size))


def sums_of_rows(
    c: Code,
    rows: Value | int,
    columns: int,
    depth: Value | int,
    number: Callable[[Value, Value], Value],
    row: Callable[[Value], Value],
    finish: Callable[[Value, Value, Value, int], None],
    *,
    heights: Sequence[int],
    vectors: int,
    part: Part | None = None,
    pack: Value | None = None,
    shallow: int = 1,
    aside: Callable[[Value, int], None] | None = None,
) -> None:
    """Write C[i, :] = sum_k number(i, k) row(k)[:], tile by tile.

    Args:
        c: where to.
        rows: how many rows C has.
        columns: how many columns.
        depth: how many rows are summed.
        number: gives the address of the factor of row k in row i.
        row: gives the address of the first number of row k.
        finish: called with (i, j, value, used): the vector of C[i, j : j + used], in registers.
        heights: of tiles, from `tile_rows`.
        vectors: a tile is so many vectors wide.
        part: which rows are computed, for threads that share the work; None for all.
        pack: for many rows, the address of room for depth * vectors * lanes numbers, into which they are brought
            together; None reads them where they are.
        shallow: about how many rows are summed, where they are not packed.
        aside: what else is done before each row of tiles, given its first row of C and how many there are.
    """
    first, last = part or (0, rows)
    if pack is None:
        # What is read again and again, a part of the rows, stays in the nearest cache, and pieces of C are long.
        many = max(1, _NEAR // (shallow * c.bytes * vectors * c.lanes)) * vectors

        def piece(start: Value, widths: list[int]) -> None:
            stripes = Stripes(c, sum(widths), vectors)

            def across(i: Value, height: int) -> None:
                if aside is not None:
                    aside(i, height)
                stripes.over(lambda j, w: _tile(c, i, height, c.plus(start, j), w, depth, number, row, finish))

            over_tiles(c, last, heights, across, first)

        Stripes(c, columns, many).over(piece)
        return
    stripes = Stripes(c, columns, vectors)

    def down(j: Value, widths: list[int]) -> None:
        packed = _packed(c, depth, j, widths, row, pack)
        whole = [c.lanes] * len(widths)

        def finish_here(i: Value, at: Value, value: Value, used: int) -> None:
            finish(i, c.plus(j, at), value, used)

        def tile(i: Value, height: int) -> None:
            _tile(c, i, height, c.index(0), whole, depth, number, packed, finish_here, widths)

        over_tiles(c, last, heights, tile, first)

    stripes.over(down)


class Stripes:
    """Columns cut into stripes of so many vectors; the last may have fewer, and the last vector fewer lanes."""

    def __init__(self, c: Code, columns: int, vectors: int) -> None:
        self._c, self._columns, self._vectors = c, columns, vectors

    def over(self, body: Callable[[Value, list[int]], None]) -> None:
        """Go over the stripes: ``body(first column, lanes used of each vector)``."""
        c, wide = self._c, self._vectors * self._c.lanes
        whole, rest = divmod(self._columns, wide)
        if whole == 1:
            body(c.index(0), [c.lanes] * self._vectors)
        elif whole:
            with c.loop(whole * wide, 0, wide) as j:
                body(j, [c.lanes] * self._vectors)
        if rest:
            full, lanes = divmod(rest, c.lanes)
            body(c.index(whole * wide), [c.lanes] * full + [lanes] * (lanes > 0))


def _packed(
    c: Code, depth: Value | int, j: Value, widths: list[int], row: Callable[[Value], Value], pack: Value
) -> Callable[[Value], Value]:
    """Bring a stripe of all rows together; gives, by row, the address of its part."""
    wide = len(widths) * c.lanes
    with c.loop(depth) as k:
        for v, width in enumerate(widths):
            there = c.at(pack, c.plus(c.times(k, wide), v * c.lanes))
            c.store(c.load(c.at(row(k), c.plus(j, v * c.lanes)), c.lanes, width), there)
    return lambda k: c.at(pack, c.times(k, wide))


def _tile(
    c: Code,
    i: Value,
    height: int,
    j: Value,
    widths: list[int],
    depth: Value | int,
    number: Callable[[Value, Value], Value],
    row: Callable[[Value], Value],
    finish: Callable[[Value, Value, Value, int], None],
    used: list[int] | None = None,
) -> None:
    """Sum ``height`` rows of a stripe in the registers."""
    kind = c.vector(c.lanes)
    sums = [[Variable(c, kind, c.constant(0.0, c.lanes)) for _ in widths] for _ in range(height)]
    with c.loop(depth) as k:
        start = row(k)
        those = [c.load(c.at(start, c.plus(j, v * c.lanes)), c.lanes, width) for v, width in enumerate(widths)]
        for r in range(height):
            factor = c.splat(c.load(number(c.plus(i, r), k)), c.lanes)
            for v, other in enumerate(those):
                sums[r][v].set(c.fma(factor, other, sums[r][v].get()))
    for r in range(height):
        for v, width in enumerate(used or widths):
            finish(c.plus(i, r), c.plus(j, v * c.lanes), sums[r][v].get(), width)


def dots(
    c: Code,
    rows: Value | int,
    columns: int,
    depth: int,
    left: Callable[[Value], Value],
    right: Callable[[Value], Value],
    finish: Callable[[Value, Value, Value, int], None],
    *,
    heights: Sequence[int],
    across: int,
    part: Part | None = None,
    aside: Callable[[Value, int], None] | None = None,
) -> None:
    """Write C[i, j] = left(i) · right(j), tile by tile: each a row of ``depth`` numbers.

    Args:
        c: where to.
        rows: how many rows C has.
        columns: how many columns.
        depth: how many numbers a row of either factor has.
        left: gives the address of row i of the left factor.
        right: gives the address of row j of the right factor.
        finish: called with (i, j, value, used): the vector of C[i, j : j + used]; its other lanes hold anything.
        heights: of tiles, from `tile_rows`.
        across: how many columns a tile has, a power of two, at most as many as a vector has lanes.
        part: which rows are computed, for threads that share the work; None for all.
        aside: what else is done before each stripe of columns, given its first column and how many there are.
    """
    assert across <= c.lanes
    whole, rest = divmod(depth, c.lanes)

    def stripe(j: Value | int, count: int) -> None:
        if aside is not None:
            aside(c.index(j), count)

        def tile(i: Value, height: int) -> None:
            kind = c.vector(c.lanes)
            sums = [[Variable(c, kind, c.constant(0.0, c.lanes)) for _ in range(count)] for _ in range(height)]
            lefts = [left(c.plus(i, r)) for r in range(height)]
            rights = [right(c.plus(j, s)) for s in range(count)]

            def add(k: Value | int, used: int) -> None:
                those = [c.load(c.at(place, k), c.lanes, used) for place in lefts]
                for s, place in enumerate(rights):
                    other = c.load(c.at(place, k), c.lanes, used)
                    for r in range(height):
                        sums[r][s].set(c.fma(those[r], other, sums[r][s].get()))

            if whole == 1:
                add(0, c.lanes)
            elif whole:
                with c.loop(whole * c.lanes, 0, c.lanes) as k:
                    add(k, c.lanes)
            if rest:
                add(whole * c.lanes, rest)
            for r in range(height):
                finish(c.plus(i, r), c.index(j), totals(c, [each.get() for each in sums[r]]), count)

        first, last = part or (0, rows)
        over_tiles(c, last, heights, tile, first)

    full, left_over = divmod(columns, across)
    if full == 1:
        stripe(0, across)
    elif full:
        with c.loop(full * across, 0, across) as j:
            stripe(j, across)
    if left_over:
        stripe(full * across, left_over)


def totals(c: Code, vectors: Sequence[Value]) -> Value:
    """Add up the lanes of each vector: lane s of the result is the total of vector s.

    Vectors are folded in halves, two at a time, so that the lanes that become free hold the other vector's half. All
    are folded in the same order, wherever they stand: a total does not depend on its neighbours.
    """
    lanes = c.lanes
    folded = list(vectors)
    folded += [c.constant(0.0, lanes)] * (_power_of_two(len(folded)) - len(folded))
    piece = lanes  # each vector holds lanes // piece numbers of `piece` partial sums
    while piece > 1:
        half = piece // 2
        if len(folded) > 1:
            low = [k for k in range(2 * lanes) if k % piece < half]
            high = [k + half for k in low]
            folded = [
                c.add(c.shuffle(a, b, low), c.shuffle(a, b, high))
                for a, b in zip(folded[::2], folded[1::2], strict=True)
            ]
        else:
            low = [k for k in range(lanes) if k % piece < half]
            low, (last,) = low + low, folded
            folded = [c.add(c.shuffle(last, last, low), c.shuffle(last, last, [k + half for k in low]))]
        piece = half
    return folded[0]


def _power_of_two(n: int) -> int:
    return 1 << (n - 1).bit_length()
