"""The whole step, layer by layer: forward, loss, backward, update."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.explain.anatomy import Anatomy, Key
from chainrule.explain.backward import backward_origin
from chainrule.explain.forward import forward_origin, has_parts
from chainrule.explain.names import COST, Name, by, slope_of
from chainrule.explain.origins import Origin, View, largest
from chainrule.explain.page import Block, Equation, Grid, Heading, Page, Prose
from chainrule.explain.paths import expand
from chainrule.explain.scene import scene
from chainrule.explain.trace import Trace
from chainrule.explain.updates.equations import update_equations, update_grid, update_words
from chainrule.explain.updates.one_parameter import name_at
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.network import BatchNorm, Dense, Dropout

__all__ = ["step_page"]

# A network with so few parameters has every number spelled out; of a larger one, a neuron of each layer.
_SMALL = 24


def step_page(step: Trace, view: View, digits: int) -> Page:
    """Write a whole step as a page.

    Args:
        step: the step.
        view: how much is shown; of a batch, the first row is shown.
        digits: how many decimals are shown.

    Returns:
        A page that spells out every number of a small network; of a larger one a neuron of each layer, and the others
        in tables.
    """
    body = Anatomy(step)
    title = Message("One step of a {sizes} network", sizes="-".join(map(str, step.model.network.sizes)))
    blocks: list[Block] = [Prose(scene(step))]
    if step.m > 1:
        blocks.append(
            Prose(
                Message(
                    "Of the {m} rows, row 0 is shown; cost, derivatives by parameters and update are of all.", m=step.m
                )
            )
        )
    if not _is_small(body):
        blocks.append(Prose(Message("Of each layer one neuron is spelled out, that with the largest number.")))
    blocks += [Heading(Message("Forward")), *_inputs(body, view)]
    for k in range(len(body.stages)):
        blocks += _forward(body, k, view)
    if step.Y is not None:
        blocks += [Heading(Message("How wrong it is")), *_loss(body, view)]
    if step.Y is not None and step.gradient is None:
        blocks.append(
            Prose(Message("Nothing comes back: an activation of this network has a slope of 0 wherever it has one."))
        )
    if step.gradient is not None:
        for k in range(len(body.stages) - 1, -1, -1):
            blocks += _backward(body, k, view)
        blocks += [Heading(Message("One update")), *_update(body)]
    data = {"network": list(step.model.network.sizes), "cost": step.cost}
    return Page(title, tuple(blocks), view.notation, digits, data, step.model.network.sizes)


def _is_small(body: Anatomy) -> bool:
    return body.step.model.network.parameter_count <= _SMALL


def _spelled(body: Anatomy, values: Array) -> list[int]:
    """Which neurons of a layer are spelled out: all of a small network, the one with the largest number of others."""
    return list(range(len(values))) if _is_small(body) else [int(np.argmax(np.abs(values)))]


def _told(origins: Iterator[Origin]) -> Iterator[Block]:
    """Write what is said of some numbers of a kind, with the sentence that they share once."""
    said = None
    for origin in origins:
        if origin.why and origin.why != said:
            said = origin.why
            yield Prose(said)
        yield origin.equation(0)


def _inputs(body: Anatomy, view: View) -> Iterator[Block]:
    X, columns = body.step.X[0], body.step.columns
    places, rest = largest(X, 2 * view.most)
    names = [body.ref("x", None, j, row=0).name for j in places]
    note = "" if rest is None else Message("Of the {n} inputs only the largest are shown.", n=len(X))
    if columns:
        rows = tuple((name, columns[j].name, float(X[j])) for name, j in zip(names, places, strict=True))
        yield Prose(Message("The encoder has made the inputs of the data: numbers are centred and scaled, say."))
        yield Grid((Message("input"), Message("column"), Message("its number")), rows, note)
    else:
        yield Grid(
            (Message("input"), Message("its number")),
            tuple((name, float(X[j])) for name, j in zip(names, places, strict=True)),
            note,
        )


def _answers(body: Anatomy, view: View) -> Iterator[Block]:
    """Which output stands for which class, and what each says."""
    step = body.step
    classes, last = step.model.classes, body.out(len(body.stages) - 1)
    A = body.forward[last][0]
    if classes is not None and len(classes) == 2 and len(A) == 1:
        classes = classes[1:]  # one output is the probability of the second class
    if classes is None or len(classes) != len(A):
        return
    places, rest = largest(A, 2 * view.most)
    note = "" if rest is None else Message("Of the {n} outputs only the largest are shown.", n=len(A))
    heads: tuple[object, ...] = (Message("output"), Message("class"), Message("its number"))
    rows = [(body.ref(*last, i, row=0).name, str(classes[i]), float(A[i])) for i in places]
    if step.Y is not None:
        heads = (*heads, Message("target"))
        targets = [float(step.Y[0, i]) for i in places]
        yield Grid(heads, tuple((*row, target) for row, target in zip(rows, targets, strict=True)), note)
    else:
        yield Grid(heads, tuple(rows), note)


def _forward(body: Anatomy, k: int, view: View) -> Iterator[Block]:
    """The neurons of a layer: spelled out, the others in a table."""
    stage, l = body.stages[k], body.stages[k].l
    if isinstance(stage.layer, Dropout) and stage.factors is None:
        return
    yield Heading(_called(body, k))
    keys = [key for key, maker in body.makers.items() if maker == k]
    statistics: list[Key] = [("mean", l), ("var", l)] if stage.of_batch else []
    neurons = _spelled(body, stage.A[0])
    for symbol, layer in [*statistics, *keys]:
        names = [Name(symbol, layer, (i,)) for i in neurons]
        named = [each if (symbol, layer) in statistics else body.named(each, 0) for each in names]
        yield from _told(forward_origin(body, each, view) for each in named)
    if len(neurons) < stage.A.shape[1]:
        yield _grid(keys, [body.forward[key][0] for key in keys], view)
    if k == len(body.stages) - 1:
        yield from _answers(body, view)


def _called(body: Anatomy, k: int) -> Message:
    """Give the heading of a layer."""
    stage = body.stages[k]
    if isinstance(stage.layer, Dense):
        if k == len(body.stages) - 1:
            return Message("Layer {l}, the outputs", l=stage.l)
        return Message("Layer {l}, neurons: {n}", l=stage.l, n=stage.layer.units)
    if isinstance(stage.layer, BatchNorm):
        return Message("Batch normalization of layer {l}", l=stage.l)
    return Message("Dropout behind layer {l}", l=stage.l)


def _grid(keys: list[Key], columns: list[Array], view: View) -> Grid:
    """A table of a layer's neurons; of a wide layer, those with the largest last column."""
    places, rest = largest(columns[-1], 2 * view.most)
    heads = (Message("neuron"), *(Name(symbol, layer) for symbol, layer in keys))
    rows = tuple((str(i), *(float(column[i]) for column in columns)) for i in places)
    note = "" if rest is None else Message("Of the {n} neurons only the largest are shown.", n=len(columns[-1]))
    return Grid(heads, rows, note)


def _loss(body: Anatomy, view: View) -> Iterator[Block]:
    """The loss of the first row, output by output where it is a sum over few, and the cost."""
    step = body.step
    outputs = step.model.network.outputs
    if _is_small(body) and has_parts(body):
        yield from _told(forward_origin(body, body.named(Name("L", index=(i,)), 0), view) for i in range(outputs))
    yield from _told(iter([forward_origin(body, body.named(Name("L"), 0), view)]))
    if step.m > 1 or view.notation != "textbook":  # texts call both E
        yield from _told(iter([forward_origin(body, COST, view)]))


def _backward(body: Anatomy, k: int, view: View) -> Iterator[Block]:
    """The errors of a layer, and the derivatives by its parameters."""
    stage = body.stages[k]
    if stage.D is None:
        return
    yield Heading(Message("Backward: {layer}", layer=_called(body, k)))
    key, width = body.sums(k), stage.D.shape[1]
    neurons = _spelled(body, stage.D[0])
    yield from _told(backward_origin(body, by(body.ref(*key, i, row=0).name), view) for i in neurons)
    if width > len(neurons):
        places, rest = largest(stage.D[0], 2 * view.most)
        note = "" if rest is None else Message("Of the {n} neurons only the largest are shown.", n=width)
        rows = tuple((str(i), float(stage.D[0, i])) for i in places)
        yield Grid((Message("neuron"), by(Name(*key))), rows, note)
    for names in _parameters_of(body, k):
        yield from _told(backward_origin(body, slope_of(COST, name), view) for name in names)
        whole = expand(body, names[0], view.most) if names[0].symbol == "W" else None
        origin = backward_origin(body, slope_of(COST, names[0]), view)
        if whole is not None and whole.form != origin.forms[-1]:
            yield Prose(Message("The same in one line, from the cost to the weight:"))
            yield Equation(origin.left, (whole.form,), origin.left.value)
    if k == 0:
        yield from _by_inputs(body, view)


def _by_inputs(body: Anatomy, view: View) -> Iterator[Block]:
    """The derivatives by the inputs of the first row."""
    slopes = body.step.dX[0]
    shown = _spelled(body, slopes)
    names = [by(body.ref("x", None, j, row=0).name) for j in range(len(slopes))]
    yield from _told(backward_origin(body, names[j], view) for j in shown)
    if len(slopes) > len(shown):
        places, rest = largest(slopes, 2 * view.most)
        note = "" if rest is None else Message("Of the {n} inputs only the largest are shown.", n=len(slopes))
        yield Grid(
            (Message("derivative"), Message("its number")), tuple((names[j], float(slopes[j])) for j in places), note
        )


def _parameters_of(body: Anatomy, k: int) -> Iterator[list[Name]]:
    """Give the parameters of a layer that are spelled out, kind by kind, without biases that are held fixed."""
    stage = body.stages[k]
    if isinstance(stage.layer, Dropout):
        return
    held = {entry.name for entry in body.step.model.network.entries if not entry.trained}
    for kind in ("W", "b") if isinstance(stage.layer, Dense) else ("gamma", "beta"):
        array = getattr(body.step.model.parameters, kind).get(stage.l)
        if array is not None and f"{kind}{stage.l}" not in held:
            assert stage.D is not None
            columns = _spelled(body, stage.before[0]) if kind == "W" else [0]
            places = [(i, j) if kind == "W" else (i,) for i in _spelled(body, stage.D[0]) for j in columns]
            yield [Name(kind, stage.l, place) for place in places]


def _update(body: Anatomy) -> Iterator[Block]:
    """What one update does: to every parameter of a small network, to the one that moves most of a larger one."""
    yield from update_words(body.step)
    said: set[str] = set()
    if _is_small(body):
        chosen = [name for k in range(len(body.stages)) for names in _parameters_of(body, k) for name in names]
    else:
        change = body.step.update.change
        chosen = [name_at(change.network, int(np.argmax(np.abs(change.theta))))]
    for name in chosen:
        for block in update_equations(body.step, name, notes=False):
            if isinstance(block, Prose) and block.text in said:
                continue
            said.add(block.text if isinstance(block, Prose) else "")
            yield block
    yield update_grid(body.step)
