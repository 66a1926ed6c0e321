"""Same seed, same bits: in one process and in fresh ones, whoever watches and whatever is measured."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from chainrule import L2, BatchNorm, Callback, Dense, Dropout, EarlyStopping, Network, TimeLimit, train
from chainrule.model import Model

SCRIPT = """
import hashlib
import numpy as np
from chainrule import L2, BatchNorm, Dense, Dropout, Network, train

network = Network([Dense(8), BatchNorm("relu"), Dropout(0.3), Dense(3, "softmax")], inputs=4)
rng = np.random.default_rng(0)
X, y = rng.normal(size=(50, 4)), rng.integers(0, 3, 50)
model = train(network, X, y, epochs=4, batch_size=7, seed=11, penalties=L2(1e-3), validation=0.2, dtype="{dtype}")
print(hashlib.sha256(model.theta.tobytes() + model.state.tobytes()).hexdigest())
"""

NETWORK = Network([Dense(8), BatchNorm("relu"), Dropout(0.3), Dense(3, "softmax")], inputs=4)
RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(50, 4)), RNG.integers(0, 3, 50)


def run(**changed: Any) -> Model:
    settings: dict[str, Any] = {
        "epochs": 4,
        "batch_size": 7,
        "seed": 11,
        "penalties": L2(1e-3),
        "validation": 0.2,
        "dtype": "float64",
    }
    return train(NETWORK, X, y, **(settings | changed))


def bits(model: Model) -> str:
    return hashlib.sha256(model.theta.tobytes() + model.state.tobytes()).hexdigest()


def losses(model: Model) -> list[float]:
    assert model.history is not None
    return [*model.history["loss"], *model.history["validation_loss"]]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_same_seed_same_bits(dtype: str) -> None:
    """Twice here, and in two processes of other hash seeds."""
    here = {bits(run(dtype=dtype)), bits(run(dtype=dtype))}
    for hash_seed in ("1", "2"):
        command = [sys.executable, "-c", SCRIPT.format(dtype=dtype)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONHASHSEED": hash_seed}
        )
        here.add(done.stdout.strip())
    assert len(here) == 1


def test_other_seeds_give_other_bits() -> None:
    assert len({bits(run(seed=seed)) for seed in (0, 1, 11, 2**64 - 1)}) == 4


class Nosy(Callback):
    """Uses random numbers and makes models at every turn."""

    def batch(self, info: Any) -> None:
        np.random.default_rng().random()
        info.model.theta[:] = 0  # a copy
        info.model.predict(X)

    def epoch(self, info: Any) -> None:
        info.model.state[:] = 0


@pytest.mark.parametrize(
    "changed",
    [
        {"metrics": ()},
        {"callbacks": [Nosy()]},
        {"callbacks": [TimeLimit(1e9), EarlyStopping("loss", patience=99)]},
        {"check_finite": False},
        {"seed": np.int64(11)},
    ],
    ids=["no metrics", "nosy", "idle", "unchecked", "numpy seed"],
)
def test_who_watches_does_not_matter(changed: dict[str, Any]) -> None:
    plain, watched = run(), run(**changed)
    if "callbacks" in changed and isinstance(changed["callbacks"][-1], EarlyStopping):
        assert losses(watched) == losses(plain)  # the parameters are those of the best epoch
    else:
        assert bits(watched) == bits(plain)
        assert losses(watched) == losses(plain)


def test_nothing_global_is_read_or_written() -> None:
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].tobytes()  # type: ignore[union-attr]  # noqa: NPY002
    first = bits(run())
    assert np.random.get_state()[1].tobytes() == before  # type: ignore[union-attr]  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert bits(run()) == first


def test_layout_and_type_of_the_data_do_not_matter() -> None:
    model = bits(run())
    for inputs in (np.asfortranarray(X), X.tolist(), X[::-1][::-1]):
        again = train(
            NETWORK, inputs, y, epochs=4, batch_size=7, seed=11, penalties=L2(1e-3), validation=0.2, dtype="float64"
        )
        assert bits(again) == model
