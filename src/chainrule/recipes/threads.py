"""How many processor threads NumPy's matrix products may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.engines.blas import limited
from chainrule.network import Network

__all__ = ["one_thread", "one_thread_for_small_products"]

# Multiplications of one product above which a second thread pays for its start.
_LARGE = 2**25


@contextmanager
def one_thread_for_small_products(network: Network, batch_size: int) -> Iterator[bool]:
    """Hold the linear algebra library to one thread while the products of a training step are small.

    A thread that has nothing to do waits in a loop for the next product. Where other programs want the processor too,
    these loops take it away from the thread that works: a training step of 0.3 ms was seen to take 20 ms.

    Args:
        network: the network.
        batch_size: rows in a batch.

    Yields:
        Whether it is held to one thread.
    """
    largest = batch_size * max(a * b for a, b in zip(network.sizes, network.sizes[1:], strict=False))
    if largest > _LARGE:
        yield False
        return
    with one_thread():
        yield True


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the linear algebra library to one thread."""
    with limited(1):
        yield
