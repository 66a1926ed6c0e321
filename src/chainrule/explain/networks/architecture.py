"""Which network and loss are meant, and what the arrays of its layers are called."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.errors import UsageError
from chainrule.formulas import LOSSES, Loss
from chainrule.model import Model, default_loss
from chainrule.network import BatchNorm, Dense, Dropout, Layer, Network

__all__ = ["Place", "find_network", "find_places", "has_biases", "network_of", "short_sizes"]

_MOST_SIZES = 12  # in a title


@dataclass(frozen=True)
class Place:
    """A layer of a program, and what its arrays are called.

    Args:
        layer: the layer; a `Dropout` that never drops anything is left out.
        l: its number.
        before: what comes in.
        Z: its weighted sums: U where a batch normalization follows.
        A: what goes out.
    """

    layer: Layer
    l: int
    before: str
    Z: str
    A: str


def find_places(network: Network) -> list[Place]:
    """Name the arrays of each layer.

    >>> from chainrule import BatchNorm, Dense
    >>> [(place.Z, place.A) for place in find_places(Network([Dense(3), BatchNorm("relu"), Dense(1)], inputs=2))]
    [('U1', 'U1'), ('Z1', 'A1'), ('Z2', 'A2')]
    """
    normed = {l for layer, l in network.steps if isinstance(layer, BatchNorm)}
    places: list[Place] = []
    before = "X"
    for layer, l in network.steps:
        if isinstance(layer, Dropout):
            if not layer.rate:
                continue
            places.append(Place(layer, l, before, "", f"drop{l}"))
        elif isinstance(layer, Dense) and l in normed:
            plain = layer.activation.name == "identity"
            places.append(Place(layer, l, before, f"U{l}", f"U{l}" if plain else f"Q{l}"))
        else:
            places.append(Place(layer, l, before, f"Z{l}", f"A{l}"))
        before = places[-1].A
    return places


def has_biases(network: Network) -> bool:
    """Say whether any layer adds a bias.

    >>> has_biases(Network.from_sizes([2, 1])), has_biases(Network([Dense(1, bias="none")], inputs=2))
    (True, False)
    """
    return any(isinstance(layer, Dense) and layer.bias != "none" for layer in network.layers)


def short_sizes(network: Network) -> str:
    """Give the sizes for a title: of a deep network the first and the last ones.

    >>> short_sizes(Network.from_sizes([784, 30, 10])), short_sizes(Network.from_sizes([4] + 30 * [2] + [1]))
    ('784-30-10', '4-2-2-2-…-2-2-1')
    """
    sizes = [str(size) for size in network.sizes]
    return "-".join(sizes if len(sizes) <= _MOST_SIZES else [*sizes[:4], "…", *sizes[-3:]])


def network_of(given: Network | Model) -> Network:
    """Give a network, or that of a model.

    Raises:
        UsageError: for anything else.

    >>> network_of(Network.from_sizes([2, 1]).init()).sizes
    (2, 1)
    """
    if isinstance(given, Model):
        return given.network
    if not isinstance(given, Network):
        raise UsageError(
            "{given} is neither a Network nor a Model; Network.from_sizes and train() make them, and an estimator's is "
            "its model_",
            given=type(given).__name__,
        )
    return given


def find_network(given: Network | Model, loss: str | Loss | None = None) -> tuple[Network, Loss]:
    """Give the network and the loss: the one asked for, the model's own, or the one that suits the outputs.

    Args:
        given: a network or a model.
        loss: a loss, by name or as a record, or None.

    Raises:
        UsageError: for anything else, or a loss that does not suit the output activation.
        UnknownName: for a loss that is in no catalogue.

    >>> find_network(Network.from_sizes([2, 1], output="sigmoid"))[1].name
    'binary_cross_entropy'
    """
    network = network_of(given)
    own = given.loss if isinstance(given, Model) else default_loss(network)
    found = own if loss is None else LOSSES.find(loss)
    found.pair_for(network.output_activation)  # refuses what does not belong together
    return network, found
