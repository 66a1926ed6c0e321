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
from chainrule.engines.compiled.panels import Panel

__all__ = ["BETWEEN", "Part", "Stripes", "dots", "over_tiles", "sums_of_rows", "tile_rows", "totals"]

# So many bytes of rows are gone through again and again; a first-level cache holds two to three times as many.
_NEAR = 32768
# A part of a loop: (first, last + 1), for threads that share it.
Part: TypeAlias = tuple[Value | int, Value | int]
Meanwhile: TypeAlias = Callable[[Value, Value, int, Value], None]
# After so many rows, memory is asked for ahead of its use: few requests at a time, which is all that can be under way.
BETWEEN = 16


def tile_rows(m: int, columns: int, registers: int) -> tuple[int, ...]:
    """Give the heights of tiles for m rows, tallest first, so that a tile of so many columns fits into the registers.

    The tallest divides m where that costs little; what is left of m rows is a tile, too, and 1 comes last, so that any
    number of rows can be made up.
    """
    most = max(1, registers // columns)
    tallest = min(range(1, most + 1), key=lambda rows: (-(-m // rows)) * (rows * columns + columns + 2))
    halves = [tallest >> k for k in range(tallest.bit_length())]
    return tuple(sorted({*halves, m % tallest} - {0}, reverse=True))


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
    number: Callable[[Value], Callable[[Value], Value]],
    source: Callable[[Value], Value] | Panel,
    finish: Callable[[Value, Value, Value, int], None],
    *,
    heights: Callable[[int], Sequence[int]],
    vectors: int,
    part: Part | None = None,
    stripes: Callable[[int], Part] | None = None,
    shallow: int = 1,
    aside: Callable[[Value, int], None] | None = None,
    meanwhile: Meanwhile | None = None,
) -> None:
    """Write C[i, :] = sum_k number(i)(k) row(k)[:], tile by tile.

    Args:
        c: where to.
        rows: how many rows C has.
        columns: how many columns.
        depth: how many rows are summed.
        number: gives, by row i of C, where the factor of row k is.
        source: gives the address of row k; or a panel into which the rows are brought, stripe by stripe.
        finish: called with (i, j, value, used): the vector of C[i, j : j + used], in registers.
        heights: of tiles so many vectors wide, from `tile_rows`.
        vectors: a tile is at most so many vectors wide.
        part: which rows are computed, for threads that share the work; None for all.
        stripes: likewise which of so many stripes of a panel.
        shallow: about how many rows are summed, where they are not brought together.
        aside: what else is done before each row of tiles, given its first row of C and how many there are; only where
            rows are not brought together.
        meanwhile: what else is done all the while, given a tile's row and column of C, its height, and the number of
            rows already summed: memory is asked for ahead of its use.
    """
    first, last = part or (0, rows)
    if isinstance(source, Panel):
        _down_stripes(c, (first, last), columns, depth, number, source, finish, heights, vectors, stripes, meanwhile)
        return
    # What is read again and again, a part of the rows, stays in the nearest cache, and pieces of C are long.
    many = max(1, _NEAR // (shallow * c.bytes * vectors * c.lanes)) * vectors

    def piece(start: Value, widths: list[int]) -> None:
        def across(i: Value, height: int) -> None:
            if aside is not None:
                aside(i, height)

            def tile(j: Value, w: list[int]) -> None:
                at = c.plus(start, j)
                _tile(c, (i, height), (at, w, w), depth, number, lambda k: c.at(source(k), at), finish, None)

            Stripes(c, sum(widths), vectors).over(tile)

        over_tiles(c, last, heights(vectors), across, first)

    Stripes(c, columns, many).over(piece)


def _down_stripes(
    c: Code,
    part: Part,
    columns: int,
    depth: Value | int,
    number: Callable[[Value], Callable[[Value], Value]],
    panel: Panel,
    finish: Callable[[Value, Value, Value, int], None],
    heights: Callable[[int], Sequence[int]],
    vectors: int,
    stripes: Callable[[int], Part] | None,
    meanwhile: Meanwhile | None,
) -> None:
    """Go down each stripe of C with rows that were brought together for it."""

    def down(j: Value, widths: list[int]) -> None:
        wide = len(widths) * c.lanes
        panel.bring(j, widths)
        between = None if meanwhile is None else lambda i, height, k: meanwhile(i, j, height, k)

        def row(k: Value) -> Value:
            return c.at(panel.room, c.times(k, wide))

        def tile(i: Value, height: int) -> None:
            place = (j, [c.lanes] * len(widths), widths)
            _tile(c, (i, height), place, depth, number, row, finish, between)

        over_tiles(c, part[1], heights(len(widths)), tile, part[0])

    Stripes(c, columns, vectors).over(down, stripes)


class Stripes:
    """Columns cut into stripes of at most so many vectors, nearly equal; the last vector may have fewer lanes."""

    def __init__(self, c: Code, columns: int, vectors: int) -> None:
        self._c, self._columns, self._most = c, columns, vectors

    def over(self, body: Callable[[Value, list[int]], None], share: Callable[[int], Part] | None = None) -> None:
        """Go over the stripes: ``body(first column, lanes used of each vector)``; of several alike, over a share."""
        c = self._c
        whole, rest = divmod(self._columns, c.lanes)
        count = -(-(whole + (rest > 0)) // self._most)
        narrow, wider = divmod(whole + (rest > 0), count)
        start = 0
        for width, times in ((narrow + 1, wider), (narrow, count - wider)):
            ragged = rest > 0 and times > 0 and start + width * times > whole
            times -= ragged
            self._alike(start, width, times, [c.lanes] * width, body, share)
            start += width * times
            self._alike(start, width, int(ragged), [c.lanes] * (width - 1) + [rest], body, share)

    def _alike(
        self,
        start: int,
        width: int,
        times: int,
        used: list[int],
        body: Callable[[Value, list[int]], None],
        share: Callable[[int], Part] | None,
    ) -> None:
        c = self._c
        if times == 1 and share is None:
            body(c.index(start * c.lanes), used)
        elif times:
            first, last = (0, times) if share is None else share(times)
            with c.loop(last, first) as k:
                body(c.times(c.plus(c.times(k, width), start), c.lanes), used)


def _tile(
    c: Code,
    rows: tuple[Value, int],
    columns: tuple[Value, list[int], list[int]],
    depth: Value | int,
    number: Callable[[Value], Callable[[Value], Value]],
    row: Callable[[Value], Value],
    finish: Callable[[Value, Value, Value, int], None],
    between: Callable[[Value, int, Value], None] | None,
) -> None:
    """Sum a tile in the registers: so many rows of C, and so many vectors of which lanes are read and used."""
    (i, height), (j, read, used) = rows, columns
    kind = c.vector(c.lanes)
    sums = [[Variable(c, kind, c.constant(0.0, c.lanes)) for _ in read] for _ in range(height)]
    factors = [number(c.plus(i, r)) for r in range(height)]

    def step(k: Value) -> None:
        start = row(k)
        those = [c.load(c.at(start, v * c.lanes), c.lanes, width) for v, width in enumerate(read)]
        for r in range(height):
            factor = c.splat(c.load(factors[r](k)), c.lanes)
            for v, other in enumerate(those):
                sums[r][v].set(c.fma(factor, other, sums[r][v].get()))

    if between is None:
        with c.loop(depth) as k:
            step(k)
    else:
        with c.loop(depth, 0, BETWEEN) as start:
            between(i, height, start)
            with c.loop(c.least(c.plus(start, BETWEEN), c.index(depth)), start) as k:
                step(k)
    for r in range(height):
        for v, width in enumerate(used):
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
