"""The forward equations of a layer, as in training."""

from __future__ import annotations

from chainrule.explain.expressions import Call, Expr, MatrixProduct, Number, Ref, Transposed
from chainrule.explain.names import Name
from chainrule.explain.networks.architecture import Place
from chainrule.explain.networks.layer_forms import array, call_of, entrywise, over
from chainrule.explain.page import Block, Equation, Prose
from chainrule.language import Message, template
from chainrule.network import BatchNorm, Dense, Dropout, Network

__all__ = ["SHARE", "deviation", "forward_equations", "with_shape"]

# Each row's part in the cost, shape (m, 1).
SHARE = Ref(Name("share"))

_DROPOUT = template("Dropout multiplies by its mask: 0 where a number is dropped, {kept} where it is kept.")
_NORM = template(
    "Batch normalization takes off the batch's mean and divides by its deviation, then scales by {gamma} and shifts by "
    "{beta}."
)


def forward_equations(place: Place, network: Network) -> list[Block]:
    """Give the equations of a layer's way forward, as in training.

    >>> from chainrule.explain.networks.architecture import find_places
    >>> network = Network.from_sizes([2, 1], output="sigmoid")
    >>> len(forward_equations(find_places(network)[0], network))
    2
    """
    l, N, before = place.l, network.sizes[place.l], array(place.before)
    shape = with_shape(f"(m, {N})")
    if isinstance(place.layer, Dropout):
        return [
            Prose(Message(_DROPOUT, kept=1 / (1 - Number(place.layer.rate)))),
            Equation(array(place.A), (entrywise([before, array(f"mask{l}")]),), because=shape),
        ]
    blocks: list[Block] = []
    if isinstance(place.layer, Dense):
        Z: Expr = MatrixProduct((before, Transposed(array(f"W{l}"))))
        if place.layer.bias != "none":
            Z = Z + array(f"b{l}")
    else:
        mean = array(f"mean{l}")
        centred = before - mean
        row = with_shape(f"({N},)")
        blocks = [
            Prose(Message(_NORM, gamma=Name("gamma"), beta=Name("beta"))),
            Equation(mean, (over("rows", entrywise([SHARE, before])),), because=row),
            Equation(array(f"var{l}"), (over("rows", entrywise([SHARE, centred, centred])),), because=row),
            Equation(array(f"zhat{l}"), (centred / deviation(place),), because=shape),
        ]
        Z = entrywise([array(f"gamma{l}"), array(f"zhat{l}")]) + array(f"beta{l}")
    blocks.append(Equation(array(place.Z), (Z,), because=shape))
    if place.A != place.Z:
        blocks.append(Equation(array(place.A), (call_of(place.layer.activation, array(place.Z)),), because=shape))
    return blocks


def deviation(place: Place) -> Call:
    """Give the deviation of a batch normalization, sqrt(var + epsilon).

    >>> from chainrule.explain.networks.architecture import find_places
    >>> network = Network([Dense(1), BatchNorm()], inputs=2)
    >>> deviation(find_places(network)[1]).function
    'sqrt'
    """
    assert isinstance(place.layer, BatchNorm)
    return Call("sqrt", (array(f"var{place.l}") + Number(place.layer.epsilon),))


def with_shape(shape: str) -> Message:
    """Say what shape an array has.

    >>> with_shape("(m, 2)")
    'shape (m, 2)'
    """
    return Message("shape {shape}", shape=shape)
