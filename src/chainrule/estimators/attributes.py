"""The fitted attributes that are read out of the model: scikit-learn's names for what a `Model` holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import Array
from chainrule.history import History
from chainrule.model import Model

__all__ = ["OUTPUT_NAMES", "Fitted"]

# What scikit-learn calls these activations.
OUTPUT_NAMES = {"sigmoid": "logistic", "exponential": "exp"}


class _Writable(list[Array]):
    """A list of arrays that writes into the model what is put in an array's place; a copy of it is a plain list."""

    def __init__(self, arrays: Sequence[Array], write: Callable[[int, Any], None]) -> None:
        super().__init__(arrays)
        self._write = write

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            for place, each in list(zip(range(len(self))[index], value, strict=True)):
                self._write(place, each)
        else:
            self._write(range(len(self))[index], value)

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


class Fitted:
    """Attributes of a fitted estimator, read from its ``model_``; before fitting there are none.

    Attributes:
        model_: the `Model`; its parameters are what predicts.
    """

    model_: Model

    @property
    def coefs_(self) -> list[Array]:
        """The weights, ``coefs_[l - 1]`` being W[l].T of shape (N_{l-1}, N_l): views, so that writing changes them."""
        return _Writable([self.model_.W[l].T for l in sorted(self.model_.W)], self._write_weights)

    @coefs_.setter
    def coefs_(self, values: Sequence[Any]) -> None:
        own = self.coefs_
        _check_count("coefs_", values, own)
        for index, value in enumerate(values):
            self._write_weights(index, value)

    def _write_weights(self, index: int, value: Any) -> None:
        self.model_.W[index + 1] = np.asarray(value).T

    @property
    def intercepts_(self) -> list[Array]:
        """The biases, ``intercepts_[l - 1]`` being b[l] of shape (N_l,): views.

        A layer before a batch normalization has none, and zeros stand here.
        """
        model = self.model_
        own = [np.zeros(model.network.sizes[l], model.dtype) if b is None else b for l, b in sorted(model.b.items())]
        return _Writable(own, self._write_biases)

    @intercepts_.setter
    def intercepts_(self, values: Sequence[Any]) -> None:
        _check_count("intercepts_", values, self.intercepts_)
        for index, value in enumerate(values):
            self._write_biases(index, value)

    def _write_biases(self, index: int, value: Any) -> None:
        if self.model_.b[index + 1] is not None:
            self.model_.b[index + 1] = np.asarray(value)
        elif np.any(value):
            raise UsageError(
                "intercepts_[{index}] is of a layer before a batch normalization, which has no biases; write its beta "
                "instead, in model_.beta",
                index=index,
            )

    @property
    def history_(self) -> History:
        """All series of all epochs since the parameters were drawn, over warm starts and partial fits, too."""
        history = self.model_.history
        assert history is not None
        return history

    @property
    def n_layers_(self) -> int:
        """How many layers there are, inputs included: K + 1."""
        return self.model_.network.depth + 1

    @property
    def n_outputs_(self) -> int:
        """N_K."""
        return self.model_.network.outputs

    @property
    def out_activation_(self) -> str:
        """The activation of the outputs: "logistic", "softmax", "identity" or "exp", or another one's name here."""
        name = self.model_.network.output_activation.name
        return OUTPUT_NAMES.get(name, name)


def _check_count(name: str, values: Sequence[Any], own: Sequence[Any]) -> None:
    if len(values) != len(own):
        raise ShapeError(
            "{name} has {given} arrays; the network has {expected} layers",
            name=name,
            given=len(values),
            expected=len(own),
        )
