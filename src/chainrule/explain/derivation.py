"""`explain`: where one number of a step comes from, unfolded as deep as the reader wants."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np

from chainrule.engines import Draw
from chainrule.errors import ShapeError, UnknownName, UsageError
from chainrule.explain.anatomy import PARAMETERS, Anatomy
from chainrule.explain.asking import check_name, find_name
from chainrule.explain.expressions import Ref
from chainrule.explain.names import COST, Name, by
from chainrule.explain.nudging import Nudged, nudge
from chainrule.explain.origins import View
from chainrule.explain.page import Block, Equation, Heading, Page, Prose
from chainrule.explain.paths import Expanded, expand
from chainrule.explain.rows import rows_grid
from chainrule.explain.scene import scene
from chainrule.explain.step import step_page
from chainrule.explain.telling import told_by_update
from chainrule.explain.trace import Trace, trace
from chainrule.explain.unfolding import origin_of, unfold
from chainrule.explain.updates.equations import update_equations, update_shares
from chainrule.explain.words import all_at_once, last_words
from chainrule.explain.writing.notation import NOTATIONS
from chainrule.formulas import Loss, Optimizer, Penalty
from chainrule.language import Message
from chainrule.model import Model
from chainrule.training.memory import Memory

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation(Page):
    """Where a number comes from: a page, with the number itself.

    Args:
        name: which number it is.
        value: the number, as the reference engine has it.
        check: the numerical derivative beside it, or None.
        expanded: the derivative as a sum over paths; None where there is none, or its own line says the same.
        steps: the number's own line and, level by level, what it is made of; of a whole step all of it; without the
            sentence that names the network.
        paths: the derivative all at once, as a sum over paths; empty where it is none.

    >>> from chainrule import Network
    >>> model = Network.from_sizes([2, 2, 1], "sigmoid", "sigmoid").init(seed=0)
    >>> found = explain(model, [[0.5, 1.0]], [[1.0]], "dC/dW2[0,1]")
    >>> found.value == model.gradient([[0.5, 1.0]], [[1.0]])["W2[0,1]"]
    True
    """

    name: Name | None = None
    value: float = math.nan
    check: Nudged | None = None
    expanded: Expanded | None = None
    steps: tuple[Block, ...] = ()
    paths: tuple[Block, ...] = ()

    def __repr__(self) -> str:
        return self._line(f"value={self.value:.8g}, ")


def explain(
    model: Model | Trace,
    X: Any = None,
    Y: Any = None,
    of: str | Name | None = None,
    *,
    depth: int = 3,
    most: int = 6,
    notation: str = "index",
    digits: int = 8,
    weights: Any = None,
    loss: str | Loss | None = None,
    draw: Draw | None = None,
    optimizer: str | Optimizer | None = None,
    penalties: str | Penalty | Iterable[str | Penalty] | None = None,
    clip: float | None = None,
    memory: Memory | None = None,
) -> Explanation:
    """Say where a number of a model comes from: in symbols, in numbers, and in words.

    Args:
        model: trained or not; or a `Trace` of it, for several numbers of one step.
        X: shape (m, N_0), or raw rows where the model has an encoder; one row for the simplest picture.
        Y: labels or values, as in training; not needed for numbers of the forward pass.
        of: the number: ``dC/dW2[1,0]``, ``a1[0]``, ``delta1[2]``, ``dC/dx[3]``, ``W1[0,1] after``, ``C``; in small
            networks also ``w5``, ``net_h1``, ``out_o1``. None explains the whole step, layer by layer.
        depth: how deep it is unfolded, 1 for the number's own line only.
        most: how many terms of a long sum are shown one by one; the others are added up.
        notation: "index" (W1[0,1]), "textbook" (w2, net_h1; one example, at most one hidden layer) or "rows" (whole
            rows and columns, (0.15, 0.2) · (0.05, 0.1)).
        digits: how many decimals are shown; a line that would not multiply out gets more.
        weights: one weight per row, or None.
        loss: another loss than the model's own.
        draw: the dropout masks of a training pass, ``Draw(seed, update)``; None computes as in prediction.
        optimizer: how the update is made; None: as the model was trained, else plain gradient descent.
        penalties: prices on weights and limits; None: as the model was trained.
        clip: largest Euclidean norm of the gradient; None: as the model was trained.
        memory: a `Memory` with the optimizer's vectors and count of updates; None begins anew.

    Returns:
        A page: ``print`` shows it, notebooks show it by themselves; ``text()``, ``markdown()``, ``latex()``, ``html()``
        and ``json()`` write it. ``value`` is the number, that of a whole step its cost.

    Raises:
        UnknownName: for a number that does not exist; the sentence offers the nearest one.
        ShapeError, DataError: for an index, rows or targets that do not fit.
        UsageError: for an error or a derivative without targets, or settings that cannot be.

    >>> from chainrule import Network
    >>> model = Network.from_sizes([2, 1], output="identity").init()
    >>> model["W1"], model["b1"] = [[2.0, 3.0]], [1.0]
    >>> print(explain(model, [[0.5, 0.25]], of="z1[0]", depth=1))
    Where z1[0] comes from
    ══════════════════════
    <BLANKLINE>
    A 2-1 network with identity, one example.
    <BLANKLINE>
    The weighted sum of what comes in: every input times its weight, and the bias.
    <BLANKLINE>
      z1[0] = W1[0,0] × x[0] + W1[0,1] × x[1] + b1[0]
            = 2 × 0.5 + 3 × 0.25 + 1
            = 2.75
    <BLANKLINE>
    """
    view = _view(depth, most, notation, digits)
    rest: dict[str, Any] = {"loss": loss, "draw": draw, "optimizer": optimizer, "penalties": penalties}
    rest |= {"weights": weights, "clip": clip, "memory": memory}
    step, of = _step(model, X, Y, of, rest)
    _check_notation(step, notation)
    with np.errstate(all="ignore"):  # what is not finite is shown as it is
        if of is None:
            return _whole(step, view, digits)
        name = check_name(of, step) if isinstance(of, Name) else find_name(of, step, notation)
        if name == COST and notation == "textbook":
            name = Name("L")  # texts call both E, and say of the loss what it is made of
        return _explanation(Anatomy(step), name, view, depth, digits)


def _step(
    model: Model | Trace, X: Any, Y: Any, of: str | Name | None, rest: dict[str, Any]
) -> tuple[Trace, str | Name | None]:
    """Give the step, and the number that is asked for."""
    if isinstance(model, Trace):
        if of is None and isinstance(X, str | Name):
            X, of = None, X
        given = [name for name, value in {"X": X, "Y": Y, **rest}.items() if value is not None]
        if given:
            raise UsageError(
                "a trace has its rows and settings already; leave {given} out, or give the model instead of the trace",
                given=", ".join(given),
            )
        return model, of
    asked = X if isinstance(X, str | Name) else Y
    if of is None and isinstance(asked, str | Name):
        raise UsageError('the number to explain stands behind of=: explain(model, X, Y, of="{asked}")', asked=asked)
    return trace(model, X, Y, **rest), of


def _whole(step: Trace, view: View, digits: int) -> Explanation:
    """Explain a whole step; its value is the cost."""
    page = step_page(step, view, digits)
    value = math.nan if step.cost is None else step.cost
    shown = (page.title, page.blocks, page.notation, page.digits, page.data, page.sizes)
    return Explanation(*shown, value=value, steps=page.blocks[1:])


def _view(depth: int, most: int, notation: str, digits: int) -> View:
    if notation not in NOTATIONS:
        raise UnknownName.among(Message("notation"), notation, NOTATIONS)
    for what, number, least, top in (("depth", depth, 1, 1000), ("most", most, 1, 1000), ("digits", digits, 1, 15)):
        if isinstance(number, bool) or not isinstance(number, Integral) or not least <= number <= top:
            raise UsageError(
                "{what} is {number!r}; it must be a whole number from {least} to {top}",
                what=what,
                number=number,
                least=least,
                top=top,
            )
    return View(int(most), notation)


def _check_notation(step: Trace, notation: str) -> None:
    network = step.model.network
    if notation == "textbook" and (network.depth > 2 or step.m > 1 or len(network.layers) != network.depth):
        raise ShapeError(
            "textbooks have names for one example in a network of at most one hidden layer; this one is {sizes} with "
            "{m} rows. Use notation='index'",
            sizes="-".join(map(str, network.sizes)),
            m=step.m,
        )


def _explanation(body: Anatomy, name: Name, view: View, depth: int, digits: int) -> Explanation:
    if (told := told_by_update(body.step, name)) is not None:
        blocks, value = told
        return _page(body, name, value, blocks, view, digits)
    if name.mark == "after":
        return _updated(body, name, view, depth, digits)
    found = origin_of(body, name, view)
    if found is None or found.given:
        left = _given(body, name) if found is None else found.left
        blocks = (Prose(_said_of(body, name)), Equation(left, (), left.value))
        return _page(body, name, left.value, blocks, view, digits)
    steps = tuple(unfold(body, name, view, depth))
    target = _differentiated(name)
    if target is None:
        return _page(body, name, found.left.value, steps, view, digits)
    check, expanded = nudge(body, target), expand(body, target, view.most)
    if expanded is not None and expanded.form == found.forms[-1]:
        expanded = None
    paths = () if expanded is None else tuple(all_at_once(body, found.left, expanded, view))
    rows: tuple[Block, ...] = ()
    if body.step.m > 1 and target.symbol in PARAMETERS:
        rows = (Heading(Message("Row by row")), rows_grid(body, target, view.most))
    words = tuple(last_words(found, expanded, check))
    page = _page(body, name, found.left.value, steps, view, digits, check, expanded)
    return replace(page, blocks=(*page.blocks, *paths, *rows, *words), paths=paths[1:])


def _updated(body: Anatomy, name: Name, view: View, depth: int, digits: int) -> Explanation:
    """Explain a parameter after the update: how it moved, then where its derivative comes from."""
    before = Name(name.symbol, name.layer, name.index)
    blocks: tuple[Block, ...] = update_equations(body.step, before)
    last = blocks[-1]
    assert isinstance(last, Equation)
    blocks += (update_shares(body.step, before),)
    if depth > 1:
        unfolded = unfold(body, by(before), view, depth - 1)
        blocks += (Heading(Message("The derivative that it follows")), *unfolded)
    return _page(body, name, last.left.value, blocks, view, digits)


def _page(
    body: Anatomy,
    name: Name,
    value: float,
    steps: Iterable[Block],
    view: View,
    digits: int,
    check: Nudged | None = None,
    expanded: Expanded | None = None,
) -> Explanation:
    title = Message("Where {name} comes from", name=name)
    data = {"value": value, "network": list(body.step.model.network.sizes)}
    if check is not None:
        data["numerical"] = {"step": check.step, "slope": check.slope, "uncertainty": check.uncertainty}
    steps, sizes = tuple(steps), body.step.model.network.sizes
    page = (Prose(scene(body.step)), *steps)
    return Explanation(title, page, view.notation, digits, data, sizes, name, value, check, expanded, steps)


def _given(body: Anatomy, name: Name) -> Ref:
    """Give a number that is not made of others: an input, a target, or a parameter before the update."""
    index = [int(i) for i in name.index]
    return body.ref(name.symbol, name.layer, *index, row=None if name.row is None else int(name.row))


def _said_of(body: Anatomy, name: Name) -> Message:
    """Say where a number comes from that is not made of others."""
    if name.symbol == "x" and body.step.columns:
        return Message("An input: {how}.", how=body.step.columns[int(name.index[0])].how)
    given = {
        "x": Message("An input: it comes from the data."),
        "y": Message("A target: it comes from the data."),
        "mean": Message("A running mean: training has kept it, batch by batch."),
        "var": Message("A running variance: training has kept it, batch by batch."),
        "d": Message("The slope of an activation of one's own, as its function gives it."),
    }
    return given.get(
        name.symbol,
        Message(
            "A parameter: training has made it what it is, update by update. How the cost depends on it says {slope}; "
            "what an update makes of it, {after}.",
            slope=by(name),
            after=name.after(),
        ),
    )


def _differentiated(name: Name) -> Name | None:
    """Give what the cost is differentiated by, where the number is such a derivative."""
    if name.symbol == "delta":
        return Name("z", name.layer, name.index, row=name.row)
    return name.by if name.symbol == "d" and name.of == COST else None
