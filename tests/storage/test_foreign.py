"""What is no model or no network is refused by the functions that exchange weights, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import Network
from chainrule.errors import UsageError
from chainrule.storage.torch_state import torch_names

NETWORK = Network.from_sizes([2, 1])
TAKE_A_MODEL: list[Callable[[Any], Any]] = [
    chainrule.to_sklearn,
    chainrule.to_keras_weights,
    chainrule.to_torch_state_dict,
]
TAKE_A_NETWORK: list[Callable[..., Any]] = [chainrule.from_keras_weights, chainrule.from_torch_state_dict]


@pytest.mark.parametrize("function", TAKE_A_MODEL)
@pytest.mark.parametrize(
    "wrong", [None, "m.safetensors", NETWORK, chainrule.MLPClassifier()], ids=lambda wrong: type(wrong).__name__
)
def test_what_is_no_model_is_refused(function: Callable[[Any], Any], wrong: Any) -> None:
    with pytest.raises(UsageError) as caught:
        function(wrong)
    said = f"{function.__name__} takes a Model, not {type(wrong).__name__}; "
    assert str(caught.value).startswith(said)
    assert "model_" in str(caught.value)


@pytest.mark.parametrize("wrong", [None, [2, 1], NETWORK.init()], ids=lambda wrong: type(wrong).__name__)
def test_what_is_no_network_is_refused(wrong: Any) -> None:
    calls = [(function, (wrong, [np.ones((2, 1))])) for function in TAKE_A_NETWORK]
    for function, arguments in [*calls, (torch_names, (wrong,))]:
        said = f"{function.__name__} takes a Network, not {type(wrong).__name__}; "
        with pytest.raises(UsageError, match=said):
            function(*arguments)
