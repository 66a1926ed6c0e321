"""What a compiled function is given: one table of addresses and counts, and where in the workspace things lie."""

from __future__ import annotations

from chainrule.engines.compiled.code import Code, Value
from chainrule.network import BatchNorm, Dropout, Layer, Network

__all__ = ["ENTRIES", "LINE", "Table", "Workspace", "in_lines", "pieces"]

# Addresses and whole numbers, eight bytes each, in this order; a function reads what it needs.
ENTRIES = (
    "X",  # inputs, (n, N_0); where they are sparse, the stored numbers
    "Y",  # targets, (n, N_K)
    "weights",  # one per row
    "order",  # which row comes when, int64
    "theta",
    "state",
    "g",  # dC/dtheta
    "dX",  # dC/dX, (m, N_0)
    "out",  # outputs, (n, N_K)
    "slot0",
    "slot1",
    "slot2",
    "slot3",
    "work",  # the workspace, see `Workspace`
    "rows",  # addresses of a batch's rows: m of X, then m of Y
    "numbers",  # parameters of formulas, float64
    "rates",  # learning rates of updates first + 1, first + 2, …, float64
    "sums",  # float64: loss, penalty, weight; then the newest cost and penalty
    "size",  # rows in a batch
    "n",  # rows in all
    "start",  # first batch to do
    "stop",  # the batch after the last one to do
    "update",  # updates made before batch ``start``
    "seed",  # for dropout
    "masks",  # what is added to an update's number to give that of its dropout mask
    "me",  # this thread
    "of",  # how many threads
    "trail",  # float64: cost and penalty of each update from ``start`` on, where they are asked for
    "gate",  # two int64 for threads to meet at
    "check",  # whether to stop at a cost that is not finite
    "columns",  # of sparse inputs: the column of each stored number, int64
    "ends",  # of sparse inputs: where each row's numbers begin, int64, one more than rows
)


# Pieces of the workspace begin at multiples of so many numbers: a vector that lies in two cache lines is read twice.
LINE = 16


def in_lines(count: int) -> int:
    """Round a number of numbers up to whole cache lines."""
    return -(-count // LINE) * LINE


def pieces(layer: Layer) -> tuple[str, ...]:
    """Name the pieces of a step that have rows."""
    if isinstance(layer, Dropout):
        return "A", "D", "factors"
    return ("Z", "A", "D", "zhat") if isinstance(layer, BatchNorm) else ("Z", "A", "D")


class Table:
    """Reads entries of the table that a function was given.

    Args:
        c: the code of the function.
        place: the table's address.
    """

    def __init__(self, c: Code, place: Value) -> None:
        self._c, self._place = c, place

    def _entry(self, name: str) -> Value:
        c = self._c
        return c.builder.gep(self._place, [c.index(ENTRIES.index(name))], source_etype=c.whole)

    def address(self, name: str) -> Value:
        """Read an address."""
        return self._c.builder.load(self._entry(name), typ=self._c.pointer)

    def whole(self, name: str) -> Value:
        """Read a whole number."""
        return self._c.builder.load(self._entry(name), typ=self._c.whole)


class Workspace:
    """Where the pieces of a forward and backward pass lie: for each, (how many numbers a row, how many before it).

    A piece of N numbers a row begins at number (rows in a batch, rounded up to whole cache lines) * (numbers before it)
    and is laid out row by row.

    Args:
        network: the network.
        copies: for how many batches inputs are brought together here, each row from a cache line on.
        turned: how many numbers the first layer takes where its weights lie turned.
    """

    def __init__(self, network: Network, copies: int = 0, turned: int = 0) -> None:
        self._before: dict[tuple[str, int], int] = {}
        self.per_row = 0
        self.columns = 0  # numbers that do not depend on the rows
        self._fixed: dict[tuple[str, int], int] = {}
        self.stride = in_lines(network.sizes[0])
        for copy in range(copies):
            self._add("X", copy, self.stride)
        for s, (layer, l) in enumerate(network.steps):
            N = network.sizes[l]
            for kind in pieces(layer):
                self._add(kind, s, -(-(N + 8) // 8) * 8 if kind == "factors" else N)
            if isinstance(layer, BatchNorm):
                self._fixed["scale", s] = self.columns
                self.columns += in_lines(N)
        if network.outputs == 1:
            self._add("Y", 0, 1)
        self._add("losses", 0, 1)
        self._add("share", 0, 1)
        self._fixed["turned", 0] = self.columns
        self.columns += in_lines(turned)

    def _add(self, kind: str, s: int, N: int) -> None:
        self._before[kind, s] = self.per_row
        self.per_row += N

    def before(self, kind: str, s: int) -> int:
        """How many numbers a row lie before this piece."""
        return self._before[kind, s]

    def fixed(self, kind: str, s: int) -> int:
        """Where a piece without rows begins behind all others."""
        return self._fixed[kind, s]
