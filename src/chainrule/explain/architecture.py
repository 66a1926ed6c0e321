"""Which network and loss are meant, where a network or a model may be given."""

from __future__ import annotations

from chainrule.errors import UsageError
from chainrule.formulas import LOSSES, Loss
from chainrule.model import Model, default_loss
from chainrule.network import Network

__all__ = ["find_network"]


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
    if not isinstance(given, Network | Model):
        raise UsageError(
            "{given} is neither a Network nor a Model; Network.from_sizes and train() make them, and an estimator's is "
            "its model_",
            given=type(given).__name__,
        )
    network = given.network if isinstance(given, Model) else given
    if loss is not None:
        found = LOSSES.find(loss)
    else:
        found = given.loss if isinstance(given, Model) else default_loss(network)
    found.pair_for(network.output_activation)  # refuses what does not belong together
    return network, found
