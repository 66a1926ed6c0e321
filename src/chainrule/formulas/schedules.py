"""Schedules: the factor on the optimizer's learning rate after e epochs of E, fractions of an epoch included.

The rate of an update is ``optimizer.rate * schedule(e, E)``, e being the epochs done before it (updates done,
divided by the updates of one epoch); so a schedule fits any optimizer and any batch size.
"""

from __future__ import annotations

import math

from chainrule.formulas.intervals import POSITIVE, SHARE, Interval
from chainrule.formulas.records import Schedule

__all__ = ["RECORDS", "constant", "cosine", "exponential", "inverse_scaling", "one_cycle", "step", "warm_up"]


def constant(e: float, E: float) -> float:
    """factor = 1."""
    return 1.0


def step(e: float, E: float, factor: float = 0.5, every: float = 10.0) -> float:
    """factor^floor(e / every)."""
    return factor ** math.floor(e / every)


def exponential(e: float, E: float, factor: float = 0.95) -> float:
    """factor^e."""
    return factor**e


def inverse_scaling(e: float, E: float, power: float = 0.5) -> float:
    """1 / (1 + e)^power."""
    return (1 + e) ** -power


def cosine(e: float, E: float, floor: float = 0.0) -> float:
    """floor + (1 - floor) (1 + cos(pi e / E)) / 2."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(e / E, 1.0)))


def warm_up(e: float, E: float, epochs: float = 1.0, start: float = 0.01) -> float:
    """From start to 1 in a straight line over the first epochs, then 1."""
    return start + (1 - start) * min(e / epochs, 1.0)


def one_cycle(e: float, E: float, peak: float = 0.3, start: float = 0.04, end: float = 4e-6) -> float:
    """Up from start to 1 along a cosine until peak E, then down to end along another."""
    done = min(e / E, 1.0)
    if done < peak:
        return 1 + (start - 1) * 0.5 * (1 + math.cos(math.pi * done / peak))
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * (done - peak) / (1 - peak)))


RECORDS = (
    Schedule(
        name="constant",
        value=constant,
        latex=r"\eta_e = \eta",
        use="Short runs, adaptive optimizers and everything that is to be understood step by step.",
    ),
    Schedule(
        name="step",
        value=step,
        parameters={"factor": 0.5, "every": 10.0},
        limits={"factor": POSITIVE, "every": POSITIVE},
        latex=r"\eta_e = \eta \, \gamma^{\lfloor e / k \rfloor}",
        use="When one knows from earlier runs where the loss stops falling.",
    ),
    Schedule(
        name="exponential",
        value=exponential,
        parameters={"factor": 0.95},
        limits={"factor": POSITIVE},
        latex=r"\eta_e = \eta \, \gamma^e",
        use="A smooth fall at a steady pace.",
    ),
    Schedule(
        name="inverse_scaling",
        value=inverse_scaling,
        parameters={"power": 0.5},
        latex=r"\eta_e = \eta / (1 + e)^p",
        use="Stochastic descent that should settle without a known end.",
        source="H. Robbins and S. Monro, 1951; here e counts epochs, fractions included.",
    ),
    Schedule(
        name="cosine",
        value=cosine,
        parameters={"floor": 0.0},
        limits={"floor": SHARE},
        latex=r"\eta_e = \eta \left( f + (1 - f) \tfrac{1}{2} (1 + \cos(\pi e / E)) \right)",
        use="The first choice when the number of epochs is known.",
        source="I. Loshchilov and F. Hutter, ICLR 2017, without restarts.",
    ),
    Schedule(
        name="warm_up",
        value=warm_up,
        parameters={"epochs": 1.0, "start": 0.01},
        limits={"epochs": POSITIVE, "start": SHARE},
        latex=r"\eta_e = \eta \left( s + (1 - s) \min(e / k, 1) \right)",
        use="Large rates or large batches, whose first steps would otherwise diverge.",
    ),
    Schedule(
        name="one_cycle",
        value=one_cycle,
        parameters={"peak": 0.3, "start": 0.04, "end": 4e-6},
        limits={"peak": Interval(0, 1), "start": SHARE, "end": SHARE},
        latex=r"\eta_e \text{ rises from } s \eta \text{ to } \eta \text{ until } e = p E,"
        r" \text{ then falls to } f \eta, \text{ along cosines}",
        use="Short runs at a high rate; often the best result in few epochs.",
        source="L. Smith and N. Topin, 2019; with cosines for both parts.",
    ),
)
