"""A model that cannot be kept whole is not saved at all, and the message says why."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.data.targets import TargetEncoder
from chainrule.errors import SaveError, UsageError
from chainrule.formulas import ACTIVATIONS, LOSSES, Activation
from chainrule.history import History
from chainrule.model import Model
from chainrule.network import Dense, Network
from chainrule.storage import load, save


def refuse(model: Model, path: Path, reason: str) -> None:
    """Saving fails, and neither touches an old file nor leaves anything behind."""
    path.write_bytes(b"old")
    with pytest.raises(SaveError, match=reason) as caught:
        save(model, path)
    assert str(caught.value).startswith(f"{path} was not written")
    assert path.read_bytes() == b"old"
    assert [other.name for other in path.parent.iterdir()] == [path.name]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "model.safetensors"


def change_theta(model: Model) -> None:
    model["W2[1,0]"] = np.nan


def change_state(model: Model) -> None:
    model.state[0] = np.inf


def change_variance(model: Model) -> None:
    model.state[-1] = -1


def change_settings(model: Model) -> None:
    model.settings["report"] = {"r2": float("nan")}


def change_target(model: Model) -> None:
    model.target = TargetEncoder("classes", classes=("a", "b", "c"))


def change_series(model: Model) -> None:
    model.history = History({"lo\nss": [1.0]})


def change_best_epoch(model: Model) -> None:
    model.history = History({"loss": [1.0]}, best_epoch=0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_theta, "W2 of the model holds a number that is not finite; .* smaller learning rate"),
        (change_state, "mean1 of the model holds a number that is not finite"),
        (change_variance, "var1 of the model holds a negative variance"),
        (change_settings, r"settings\['report'\]\['r2'\] is nan, which a model file cannot hold; use"),
        (change_target, "nobody could load it: .* 3 classes, the network has 2 output"),
        (change_series, "nobody could load it: .* history"),
        (change_best_epoch, "nobody could load it: .* history"),
    ],
)
def test_broken_model_is_not_saved(small: Model, path: Path, change: Callable[[Model], None], reason: str) -> None:
    change(small)
    refuse(small, path, reason)


def test_statistics_of_another_type(small: Model, path: Path) -> None:
    refuse(replace(small, state=small.state.astype(np.float16)), path, "state is of type float16; it must be float64")


def own(name: str) -> Activation:
    return Activation(name=name, value=lambda z: z * z, slope=lambda z, a: 2 * z, latex="z^2", use="")


def test_formula_that_is_not_registered(path: Path) -> None:
    model = Network([Dense(2, own("square"))], inputs=2).init()
    refuse(model, path, "activation 'square', which is not registered here; .* register it with chainrule.register")


def test_formula_under_the_name_of_another(path: Path) -> None:
    model = Network([Dense(2, own("relu"))], inputs=2).init()
    refuse(model, path, "its network would come back changed; give a formula of your own a name of its own")
    other = replace(LOSSES["absolute_error"], slope=lambda a, y: a)
    refuse(replace(Network.from_sizes([2, 1]).init(), loss=other), path, "its loss would come back changed")


def test_formula_that_is_registered_no_longer(path: Path) -> None:
    ACTIVATIONS.register(own("square"))
    model = Network([Dense(2, "square")], inputs=2).init()
    try:
        save(model, path)
    finally:
        ACTIVATIONS.unregister("square")
    refuse(model, path, "not registered")


def test_only_models_are_saved(path: Path) -> None:
    with pytest.raises(UsageError, match="save takes a Model, not Network"):
        save(Network.from_sizes([2, 1]), path)  # type: ignore[arg-type]
    assert not path.exists()


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_full_disk_keeps_the_old_model(small: Model, path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    before = save(small, path).read_bytes()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    small["W1[0,0]"] = 7.0
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(SaveError, match="no space left on the device"):
            save(small, path)
    assert path.read_bytes() == before
    assert load(path)["W1[0,0]"] != 7.0
    assert [other.name for other in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(("name", "reason"), [("", "it is a folder"), ("missing/model", "there is no folder")])
def test_path_that_cannot_be(small: Model, tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(SaveError, match=reason):
        save(small, tmp_path / name)
    assert not list(tmp_path.iterdir())
