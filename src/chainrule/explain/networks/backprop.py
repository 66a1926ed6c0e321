"""The backward equations of one architecture, in the notation."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule.explain.expressions import Expr, MatrixProduct, Ref, Transposed
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.networks.architecture import Place, find_network, find_places, has_biases, short_sizes
from chainrule.explain.networks.forward_equations import SHARE, deviation, forward_equations, with_shape
from chainrule.explain.networks.layer_forms import (
    array,
    back_of,
    cancelled,
    entrywise,
    loss_of,
    loss_slope_of,
    over,
    slope_note,
    slope_of_loss_by_z,
)
from chainrule.explain.page import Block, Equation, Heading, Page, Prose
from chainrule.formulas import Loss, activations
from chainrule.language import Message, template
from chainrule.model import Model
from chainrule.network import BatchNorm, Dense, Dropout, Network

__all__ = ["backprop"]

Y = array("Y")

_FORWARD = template("Each layer adds up what comes in, weighted, and bends the sum by its activation.")
_FORWARD_BIASED = template(
    "Each layer adds up what comes in, weighted, and bends the sum by its activation; a bias is added to every row."
)
_COST = template(
    "{L} is the loss of each example. The cost is their mean: {share} is each row's part in it, {equal}, or, with "
    "weights of the rows, the row's weight over the sum of all weights."
)
_NORMED_INPUTS = template("Batch normalization of the inputs")
_BP1 = template(
    "How the cost changes with the outputs, times the slope of {activation}, is the error of the last layer."
)
_BP1_IDENTITY = template(
    "The outputs are what the last layer computes, without an activation that bends it, so the derivative by them is "
    "the error of the last layer already."
)
_BP1_PAIRED = template(
    "The loss is computed from the weighted sums, so its derivative by them is the error of the last layer."
)
_BP2 = template(
    "The error of layer {l} is that of layer {behind}, sent back along the same weights, times the slope of "
    "{activation}."
)
_BP2_IDENTITY = template(
    "The error of layer {l} is that of layer {behind}, sent back along the same weights; its own slope is 1."
)
_BP2_ROW = template(
    "The error of layer {l} is that of layer {behind}, sent back along the same weights and through {activation}, of "
    "which every output depends on every {z} of its row."
)
_BEFORE_NORM = template("Times the slope of {activation}, that is the error of {U}, the weighted sums of layer {l}.")
_BP3 = template("A bias is added to every row, so its derivative is the sum of the rows' errors.")
_BP3_SHARED = template("One bias serves the whole layer, so the errors of all its neurons add up.")
_BP4 = template(
    "A weight's derivative is the error that it leads to times the activation that it comes from, over all rows."
)
_BACK_DROPOUT = template(
    "What dropout dropped on the way forward sends no error back: the same mask multiplies the error."
)
_BACK_SCALE = template(
    "{gamma} multiplies {zhat} and {beta} is added, in every row: their derivatives are sums over the rows."
)
_BACK_NORM = template(
    "The batch's mean and deviation depend on every row. That takes two means off the error: its own, and that of its "
    "product with {zhat}."
)


def backprop(network: Network | Model, loss: str | Loss | None = None) -> Page:
    """Write the backward equations of an architecture: (BP1) to (BP4) of each layer, as in training.

    Args:
        network: a network, or a model.
        loss: what training minimizes; None takes the model's own, or the one that belongs to the output activation.

    Returns:
        A page. U is the weighted sum of a dense layer and Q its activation where a batch normalization follows; drop is
        what a dropout leaves, mask its factors; share is each row's part in the cost, shape (m, 1).

    Raises:
        UsageError: for what is no network, an activation without a usable slope, or a loss that does not suit the
            output activation.

    >>> page = backprop(Network.from_sizes([2, 3, 1], hidden="tanh", output="sigmoid"))
    >>> [block.left.name.symbol for block in page.blocks if isinstance(block, Equation)][-3:]
    ['D', 'd', 'd']
    """
    architecture, found = find_network(network, loss)
    places = find_places(architecture)
    writer = _Writer(architecture, found)
    forward = Message(_FORWARD_BIASED if has_biases(architecture) else _FORWARD)
    blocks: list[Block] = [Heading(Message("Forward")), Prose(forward)]
    for place in places:
        blocks += [block for block in forward_equations(place, architecture) if block not in blocks]
    cost = Message(_COST, L=array("L"), share=SHARE, equal=1 / array("m"))
    blocks += [Heading(Message("Cost")), Prose(cost)]
    A = array(places[-1].A)
    blocks.append(Equation(array("L"), (loss_of(found, A, Y, architecture.outputs),), because=with_shape("(m, 1)")))
    blocks.append(Equation(Ref(COST), (over("rows", entrywise([SHARE, array("L")])),)))
    for place in reversed(places):
        writer.add(place)
    title = Message("Backpropagation through {sizes}", sizes=short_sizes(architecture))
    return Page(title, (*blocks, *writer.blocks))


def _numbered(equation: str, shape: str) -> Message:
    return Message("{equation}, shape {shape}", equation=equation, shape=shape)


def _by(name: str) -> Ref:
    return Ref(slope_of(COST, array(name).name))


@dataclass
class _Writer:
    """Writes the way back, layer by layer from the last one.

    Attributes:
        G: the factors of dC/dA of the layer at hand; empty at the outputs.
        said: texts that are said only once.
    """

    network: Network
    loss: Loss
    blocks: list[Block] = field(default_factory=list)
    G: list[Expr] = field(default_factory=list)
    said: set[str] = field(default_factory=set)

    def add(self, place: Place) -> None:
        """Write a layer."""
        if isinstance(place.layer, Dropout):
            self.G = [*self.G, array(f"mask{place.l}")]
            return
        kind = Message("Layer {l}", l=place.l)
        if isinstance(place.layer, BatchNorm):
            kind = Message("Batch normalization of layer {l}", l=place.l) if place.l else Message(_NORMED_INPUTS)
        self.blocks.append(Heading(kind))
        if any(isinstance(factor, Ref) and factor.name.symbol == "mask" for factor in self.G):
            self._say(Message(_BACK_DROPOUT))
        D = _by(place.Z) if place.Z.startswith("U") else array(f"D{place.l}")
        self._error(place, D)
        if isinstance(place.layer, Dense):
            self._dense(place, D)
        else:
            self._norm(place, D)

    def _say(self, text: Message) -> None:
        if text.key not in self.said:
            self.said.add(text.key)
            self.blocks.append(Prose(text))

    def _error(self, place: Place, D: Ref) -> None:
        if not self.G:
            self._output_error(place, D)
        elif self.G != [D]:
            assert not isinstance(place.layer, Dropout)
            activation = place.layer.activation
            back = back_of(activation, array(place.Z), array(place.A), self.G)
            shape = f"(m, {self.network.sizes[place.l]})"
            sent = isinstance(self.G[0], MatrixProduct)
            identity = activation.value is activations.identity
            text = _BEFORE_NORM if not identity else None
            if sent:
                text = _BP2_IDENTITY if identity else _BP2 if activation.pullback is None else _BP2_ROW
            if text is not None:
                names = {"activation": activation.name, "U": array(place.Z), "z": Name("z")}
                self.blocks.append(Prose(Message(text, l=place.l, behind=place.l + 1, **names)))
            self._note(place)
            self.blocks.append(Equation(D, (back,), because=_numbered("BP2", shape) if sent else with_shape(shape)))

    def _note(self, place: Place) -> None:
        assert not isinstance(place.layer, Dropout)
        if note := slope_note(place.layer.activation):
            self._say(note)

    def _output_error(self, place: Place, D: Ref) -> None:
        """Write (BP1), in its short form where slopes cancel."""
        assert not isinstance(place.layer, Dropout)
        activation, N = place.layer.activation, self.network.outputs
        Z, A, because = array(place.Z), array(place.A), _numbered("BP1", f"(m, {N})")
        short = slope_of_loss_by_z(self.loss, activation, Z, A, Y)
        if short is not None:
            steps: tuple[Expr, ...] = ()
            if found := cancelled(self.loss, activation, A, Y):
                self.blocks.append(Prose(found[0]))
                steps = found[1]
            else:
                self.blocks.append(Prose(Message(_BP1_PAIRED)))
            forms = tuple(entrywise([SHARE, step]) for step in (*steps, short))
            self.blocks.append(Equation(D, forms, because=because))
            return
        text = _BP1_IDENTITY if activation.value is activations.identity else _BP1
        self.blocks.append(Prose(Message(text, activation=activation.name)))
        by_outputs = _by(place.A)
        slope = loss_slope_of(self.loss, A, Y, N)
        self.blocks.append(Equation(by_outputs, (entrywise([SHARE, slope]),), because=with_shape(f"(m, {N})")))
        self._note(place)
        self.blocks.append(Equation(D, (back_of(activation, Z, A, [by_outputs]),), because=because))

    def _dense(self, place: Place, D: Ref) -> None:
        """Write (BP3) and (BP4)."""
        assert isinstance(place.layer, Dense)
        l, N = place.l, place.layer.units
        W = f"({N}, {self.network.sizes[l - 1]})"
        product = MatrixProduct((Transposed(D), array(place.before)))
        self._say(Message(_BP4))
        self.blocks.append(Equation(_by(f"W{l}"), (product,), because=_numbered("BP4", W)))
        match place.layer.bias:
            case "neuron":
                self._say(Message(_BP3))
                self.blocks.append(Equation(_by(f"b{l}"), (over("rows", D),), because=_numbered("BP3", f"({N},)")))
            case "layer":
                self._say(Message(_BP3_SHARED))
                whole = over("rows", over("columns", D))
                self.blocks.append(Equation(_by(f"b{l}"), (whole,), because=_numbered("BP3", "(1,)")))
            case "fixed":
                self.blocks.append(Prose(Message("The bias of layer {l} is held where it is.", l=l)))
        self.G = [MatrixProduct((D, array(f"W{l}")))]

    def _norm(self, place: Place, D: Ref) -> None:
        """Write the chain rule of a batch normalization."""
        l, row = place.l, with_shape(f"({self.network.sizes[place.l]},)")
        zhat, gamma, beta = array(f"zhat{l}"), _by(f"gamma{l}"), _by(f"beta{l}")
        self._say(Message(_BACK_SCALE, gamma=Name("gamma"), zhat=Name("zhat"), beta=Name("beta")))
        self.blocks.append(Equation(gamma, (over("rows", entrywise([D, zhat])),), because=row))
        self.blocks.append(Equation(beta, (over("rows", D),), because=row))
        if place.before == "X":
            return
        self._say(Message(_BACK_NORM, zhat=Name("zhat")))
        means = entrywise([SHARE, beta + entrywise([zhat, gamma])])
        back = entrywise([array(f"gamma{l}") / deviation(place), D - means])
        G = _by(place.before)
        self.blocks.append(Equation(G, (back,), because=with_shape(f"(m, {self.network.sizes[l]})")))
        self.G = [G]
