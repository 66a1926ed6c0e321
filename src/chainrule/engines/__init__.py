"""How it is computed: engines with the same verbs, of which the reference engine is the definition."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from chainrule.engines import reference
from chainrule.engines.notice import tell_once
from chainrule.engines.protocol import (
    NOTHING,
    Carry,
    ConstantRate,
    Draw,
    Engine,
    EpochResult,
    Gradient,
    Job,
    Objective,
    Sums,
)
from chainrule.engines.threads import check_threads, limit_threads
from chainrule.errors import UnknownName
from chainrule.language import Message, tr
from chainrule.network import Dense, Network

__all__ = [
    "ENGINES",
    "NOTHING",
    "Carry",
    "ConstantRate",
    "Draw",
    "Engine",
    "EpochResult",
    "Gradient",
    "Job",
    "Objective",
    "Sums",
    "check_threads",
    "choose",
    "compiling",
    "effort",
    "limit_threads",
    "why",
]

# By name; None stands for an engine that is loaded when it is first asked for.
ENGINES: dict[str, Engine | None] = {"reference": cast(Engine, reference), "compiled": None}

# Compiling takes about a second, once on a machine, for up to three kinds of layers, and so much for each further kind.
_COMPILING, _FEW_KINDS, _A_KIND = 1.0, 3, 0.6


def effort(network: Network, rows: int, batch_size: int = 2**31, epochs: int = 1, stored: float | None = None) -> float:
    """Estimate how many seconds the reference engine takes to train, from shapes alone.

    Each update costs about 40 µs for calls, and each weight and row three products' worth of arithmetic. Where inputs
    are sparse, ``stored`` numbers a row, it multiplies only these; what the compiled engine would spend on the zeros is
    taken off.

    >>> effort(Network.from_sizes([784, 30, 10]), rows=50_000, batch_size=10, epochs=30) > 5
    True
    """
    updates = epochs * -(-rows // max(1, min(batch_size, rows)))
    product = 6 * epochs * rows / 60e9
    zeros = 0.0 if stored is None else (network.sizes[0] - stored) * network.sizes[1]
    seconds = updates * (40e-6 + 2e-9 * network.parameter_count) + product * (network.parameter_count - zeros)
    return seconds - product * zeros


def compiling(network: Network) -> float:
    """Estimate how many seconds compiling takes, from the network alone: layers that are alike are compiled once.

    >>> compiling(Network.from_sizes([784, 30, 10])), compiling(Network.from_sizes([100, *[64] * 20, 1]))
    (1.0, 1.0)
    >>> compiling(Network.from_sizes([100, 60, 50, 40, 30, 20, 10]))
    2.8
    """
    kinds = {
        (network.sizes[l - 1 : l + 1], layer.activation.name) for layer, l in network.steps if isinstance(layer, Dense)
    }
    return _COMPILING + _A_KIND * max(0, len(kinds) - _FEW_KINDS)


def why(name: str, seconds: float, engine: Engine, worth: float = _COMPILING) -> Message:
    """Say why `choose` gave this engine for this name, so many seconds and what they must be worth.

    >>> str(why("auto", 0.02, choose("auto", 0.02)))
    'auto: it takes about 0.02 s, less than compiling'
    """
    expected = ("reference" if seconds < worth else "compiled") if name == "auto" else name
    if engine.name != expected:
        return Message("the compiled engine cannot run here")
    if name != "auto":
        return Message("asked for")
    told = f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"
    if engine.name == "reference":
        return Message("auto: it takes about {seconds} s, less than compiling", seconds=told)
    return Message("auto: the reference engine would take about {seconds} s, for which compiling pays", seconds=told)


def choose(name: str = "auto", seconds: float = 0.0, worth: float = _COMPILING) -> Engine:
    """Give the engine of this name; "auto" takes the one that suits the work.

    Args:
        name: one of `ENGINES`, or "auto".
        seconds: what `effort` says. It depends on shapes alone, so that the same call gives the same bits.
        worth: from how many seconds on compiling pays, which `compiling` says.

    Raises:
        UnknownName: for an engine that is not there.

    >>> choose("auto").name, choose("reference", seconds=100).name
    ('reference', 'reference')
    """
    if name != "auto" and (not isinstance(name, str) or name not in ENGINES):
        raise UnknownName.among(Message("engine"), name, ["auto", *ENGINES])
    if name == "auto":
        name = "reference" if seconds < worth else "compiled"
    if (ready := ENGINES[name]) is not None:
        return ready
    compiled = import_module("chainrule.engines.compiled")
    if compiled.works():
        return cast(Engine, compiled)
    text = tr(
        "the compiled engine cannot run here (is llvmlite installed? has the processor fused multiply-adds?); the"
        " reference engine computes instead"
    )
    tell_once("no compiled engine", text)
    return cast(Engine, reference)
