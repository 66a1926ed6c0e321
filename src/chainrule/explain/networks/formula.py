"""A whole network as one formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrule.explain.expressions import Call, Expr, MatrixProduct, Negative, Number, Ref, Transposed, sum_of
from chainrule.explain.names import Name
from chainrule.explain.networks.architecture import Place, find_places, has_biases, network_of, short_sizes
from chainrule.explain.networks.forward_equations import deviation
from chainrule.explain.networks.layer_forms import array, call_of, definition_of, entrywise
from chainrule.explain.page import Block, Equation, Grid, Heading, Page, Prose
from chainrule.formulas import Activation, activations
from chainrule.language import Message, template
from chainrule.model import Model
from chainrule.network import BatchNorm, Dense, Dropout, Network

__all__ = ["formula"]

# Numbers and names of one output that still fit on a board, and outputs.
LONGEST, MOST = 60, 4
# Layers that are nested within each other before each gets an equation of its own.
NESTED = 6
# Digits of a model's numbers.
DIGITS = 4

_ROWS = template("One row of X is one example.")
_ROWS_BIASED = template("One row of X is one example; a bias is added to every row.")
_WHOLE = template("The outputs, {outputs}, are the predictions, all at once:")
_LAYERS = template("Layer by layer, until the outputs, {outputs}, are the predictions:")
_PREDICTION = template(
    "This is the network as it predicts: dropout does nothing, and batch normalization uses its running mean and var."
)
_WRITTEN_OUT = template("For one example x, number by number:")
_NUMBERS = template("The same with the model's own numbers, rounded to {digits} digits:")


def formula(network: Network | Model) -> Page:
    """Write a whole network as one formula, as it predicts, with the shapes of its arrays.

    Small networks are also written out number by number; small models with their own weights, too.

    Args:
        network: a network, or a model.

    Returns:
        A page. Its first equation is the network, A2 = f(f(X W1^T + b1) W2^T + b2) for two layers; a deep one has an
        equation for each layer, the last of which gives the outputs.

    Raises:
        UsageError: for what is no network.

    >>> page = formula(Network.from_sizes([2, 2, 1], hidden="sigmoid"))
    >>> first, *_, last = [block.left for block in page.blocks if isinstance(block, Equation)]
    >>> first.name.symbol, first.name.layer, last.name.symbol, last.name.index
    ('A', 2, 'a', (0,))
    """
    architecture = network_of(network)
    model = network if isinstance(network, Model) else None
    blocks: list[Block] = []
    if any(not isinstance(layer, Dense) for layer in architecture.layers):
        blocks.append(Prose(Message(_PREDICTION)))
    blocks.append(Prose(Message(_ROWS_BIASED if has_biases(architecture) else _ROWS)))
    blocks += _whole(architecture)
    blocks += _definitions(architecture)
    blocks += _written_out(architecture, model)
    blocks += [Heading(Message("Shapes")), _shapes(architecture)]
    title = Message("The network {sizes} as one formula", sizes=short_sizes(architecture))
    return Page(title, tuple(blocks))


def _whole(network: Network) -> list[Block]:
    """Write the outputs for whole arrays: as one formula, or a deep network layer by layer."""
    places, outputs = _computing(network), array(f"A{network.depth}")
    A: Expr = array("X")
    if len(places) <= NESTED:
        for place in places:
            A = _layer(place, A)
        return [Prose(Message(_WHOLE, outputs=outputs)), Equation(outputs, (A,))]
    blocks: list[Block] = [Prose(Message(_LAYERS, outputs=outputs))]
    for place in places:
        blocks.append(Equation(array(place.A), (_layer(place, A),)))
        A = array(place.A)
    return blocks


def _layer(place: Place, A: Expr) -> Expr:
    """Write what a layer makes of what comes in."""
    l = place.l
    assert not isinstance(place.layer, Dropout)
    if isinstance(place.layer, Dense):
        Z: Expr = MatrixProduct((A, Transposed(array(f"W{l}"))))
        if place.layer.bias != "none":
            Z = Z + array(f"b{l}")
    else:
        Z = entrywise([array(f"gamma{l}"), (A - array(f"mean{l}")) / deviation(place)]) + array(f"beta{l}")
    return call_of(place.layer.activation, Z)


def _definitions(network: Network) -> list[Block]:
    """Say what each activation is, once."""
    blocks: list[Block] = []
    z = Ref(Name("z"))
    used = {str(layer.activation): layer.activation for layer in network.layers if not isinstance(layer, Dropout)}
    for activation in used.values():
        definition = definition_of(activation, z)
        if definition is not None:
            blocks.append(Equation(call_of(activation, z), (definition,)))
        elif activation.value is activations.softmax:
            text = template("softmax makes {power} of each {z} of a row and divides by their sum.")
            blocks.append(Prose(Message(text, power=Call("exp", (z,)), z=z)))
        elif activation.value is activations.step:
            blocks.append(Prose(Message("step is 1 where {z} is 0 or more, and 0 elsewhere.", z=z)))
    return [Heading(Message("Activations")), *blocks] if blocks else []


def _written_out(network: Network, model: Model | None) -> list[Block]:
    """Write each output for one example, where that is short."""
    kinds = [layer.activation for layer in network.layers if not isinstance(layer, Dropout)]
    mixed = [activation.pullback is not None for activation in kinds]
    if network.outputs > MOST or any(mixed[:-1]) or _length(network) > LONGEST:
        return []
    values = {} if model is None else {**model.parameters, **model.statistics}

    def named(name: Name) -> Expr:
        held = values.get(f"{name.symbol}{name.layer}")
        return Ref(name) if held is None else Ref(name, float(held[name.index]))

    def numbered(name: Name) -> Expr:
        x = float(f"{values[f'{name.symbol}{name.layer}'][name.index]:.{DIGITS}g}")
        return Number(x) if x >= 0 else Negative(Number(-x))

    blocks: list[Block] = [Heading(Message("Written out")), Prose(Message(_WRITTEN_OUT))]
    blocks += _outputs(network, named)
    if model is not None:
        blocks += [Prose(Message(_NUMBERS, digits=DIGITS)), *_outputs(network, numbered)]
    return blocks


def _computing(network: Network) -> list[Place]:
    """Give the layers that do something in prediction."""
    return [place for place in find_places(network) if not isinstance(place.layer, Dropout)]


def _length(network: Network) -> int:
    """Count the names and numbers of one output that is written out."""
    length = 1
    for place in _computing(network):
        length = network.sizes[place.l - 1] * (1 + length) + 1 if isinstance(place.layer, Dense) else length + 5
    return length


def _outputs(network: Network, named: Callable[[Name], Expr]) -> list[Equation]:
    """Write the outputs for one example x; ``named`` gives what a parameter of this name is written as."""
    K = network.depth
    a: list[Expr] = [Ref(Name("x", index=(j,))) for j in range(network.inputs)]
    for place in _computing(network):
        layer, l = place.layer, place.l
        if isinstance(layer, Dense):
            z = [_neuron(a, layer, l, i, named) for i in range(layer.units)]
        else:
            assert isinstance(layer, BatchNorm)
            z = [_normalized(each, layer, l, i, named) for i, each in enumerate(a)]
        if layer.activation.pullback is None:
            a = [call_of(layer.activation, each) for each in z]
    names = [Name("a", K, (i,)) for i in range(network.outputs)]
    if network.output_activation.pullback is None:
        return [Equation(Ref(name), (each,)) for name, each in zip(names, a, strict=True)]
    # Each output depends on all weighted sums, which would be written again and again.
    logits = [Ref(Name("z", K, (i,))) for i in range(network.outputs)]
    sums = [Equation(logit, (each,)) for logit, each in zip(logits, z, strict=True)]
    outputs = [_mixed(network.output_activation, logits, i) for i in range(network.outputs)]
    return [*sums, *(Equation(Ref(name), (each,)) for name, each in zip(names, outputs, strict=True))]


def _neuron(a: list[Expr], layer: Dense, l: int, i: int, named: Callable[[Name], Expr]) -> Expr:
    terms = [_times(named(Name("W", l, (i, j))), each) for j, each in enumerate(a)]
    return sum_of(terms if layer.bias == "none" else [*terms, named(Name("b", l, (i,)))])


def _times(weight: Expr, a: Expr) -> Expr:
    return -(weight.of * a) if isinstance(weight, Negative) else weight * a


def _mixed(activation: Activation, z: Sequence[Expr], i: int) -> Expr:
    """Write output i of a function of a whole row."""
    if activation.value is activations.softmax:
        return Call("exp", (z[i],)) / sum_of([Call("exp", (each,)) for each in z])
    return Call(f"{activation.name}_{i}", tuple(z))


def _normalized(a: Expr, layer: BatchNorm, l: int, i: int, named: Callable[[Name], Expr]) -> Expr:
    gamma, beta, mean, var = (named(Name(kind, l, (i,))) for kind in ("gamma", "beta", "mean", "var"))
    return gamma * ((a - mean) / Call("sqrt", (var + layer.epsilon,))) + beta


def _shapes(network: Network) -> Grid:
    """List the arrays with their shapes."""
    rows: list[tuple[object, ...]] = [(Name("X"), f"(m, {network.inputs})", Message("inputs, one example a row"))]
    what = {
        "W": Message("weights"),
        "b": Message("biases"),
        "gamma": Message("scale"),
        "beta": Message("shift"),
        "mean": Message("running mean"),
        "var": Message("running variance"),
    }
    for layer, l in network.steps:
        kinds = ("W", "b") if isinstance(layer, Dense) else ("gamma", "beta", "mean", "var")
        if isinstance(layer, Dropout):
            continue
        for entry in (*network.entries, *network.state_entries):
            if entry.layer == l and entry.kind in kinds:
                told = Message("biases, one number for all") if entry.shared else what[entry.kind]
                rows.append((Name(entry.kind, l), str(entry.shape), told))
        if isinstance(layer, Dense):
            last = l == network.depth
            told = Message("outputs") if last else Message("activations of layer {l}", l=l)
            rows.append((Name("A", l), f"(m, {layer.units})", told))
    return Grid((Message("array"), Message("shape"), Message("what it is")), tuple(rows))
