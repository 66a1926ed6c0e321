"""From lifted formulas to functions that can be called: written, compiled, kept on disk, loaded once."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.engines.compiled import cache
from chainrule.engines.compiled.code import Code
from chainrule.engines.compiled.lifted import Lifted
from chainrule.engines.compiled.machine import LLVM, Compiled, this_machine
from chainrule.engines.compiled.notice import compiling
from chainrule.engines.compiled.table import ENTRIES
from chainrule.formulas import Array
from chainrule.sparse import Inputs, SparseRows

__all__ = ["PLACES", "Kernel", "fill", "inputs_of", "kernel", "place_of"]

PLACES = {name: k for k, name in enumerate(ENTRIES)}
_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
# Compiled code by what it was made from, for as long as the program runs.
_loaded: dict[tuple[object, ...], Kernel] = {}


class Kernel:
    """A compiled function, called with the address of a table.

    Args:
        compiled: the code, kept alive.
        name: of the function.
    """

    def __init__(self, compiled: Compiled, name: str) -> None:
        self._compiled = compiled
        self.call = _SIGNATURE(compiled.address(name))

    def __call__(self, table: Array) -> int:
        """Run it on a table from `fill`; other threads go on meanwhile."""
        return int(self.call(table.ctypes.data))


def kernel(
    name: str, write: Callable[..., None], lifted: Lifted, dtype: np.dtype[Any], tall: int, **options: int
) -> Kernel:
    """Give a function for a network: from this program's memory, from disk, or newly compiled.

    Args:
        name: of the function.
        write: writes its code: ``write(code, lifted, tall, **options)``.
        lifted: the network with its formulas.
        dtype: float32 or float64.
        tall: how many rows a batch has, for which tiles are chosen.
        **options: what else the writer is told.
    """
    single = dtype == np.float32
    key = name, single, tall, *sorted(options.items()), lifted.text
    if key in _loaded:
        return _loaded[key]
    with LLVM:  # of threads that want the same code, one compiles it
        if key not in _loaded:
            machine = this_machine()
            digest = cache.digest(repr((name, single, tall, sorted(options.items()), machine)), lifted.text)
            compiled = cache.read(digest)
            if compiled is None:
                with compiling(kept=cache.keeps()):
                    code: Code = machine.code(single)
                    write(code, lifted, tall, **options)
                    compiled = machine.compile(code)
                cache.write(digest, compiled)
            _loaded[key] = Kernel(machine.load(compiled), name)
    return _loaded[key]


def fill(begun: Array | None = None, /, **given: Any) -> Array:
    """Make a table of addresses and numbers, or finish one; whoever uses it keeps the arrays alive."""
    table = np.zeros(len(ENTRIES), dtype=np.int64) if begun is None else begun.copy()
    for name, value in given.items():
        table[PLACES[name]] = value.ctypes.data if isinstance(value, np.ndarray) else value
    return table


def inputs_of(X: Inputs) -> dict[str, Array]:
    """Give the entries of a table that say where the inputs are."""
    return {"X": X.data, "columns": X.columns, "ends": X.ends} if isinstance(X, SparseRows) else {"X": X}


def place_of(name: str) -> int:
    """Give where an entry stands in a table."""
    return PLACES[name]
