from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule.errors import DivergenceError, UsageError
from chainrule.formulas import SGD
from chainrule.network import Dense, Network
from chainrule.training import train
from chainrule.training.paths import ThetaPath, UntilFlat, cost_of_theta

X = np.array([[-1.0], [0.0], [1.0], [2.0], [3.0]])
Y = np.array([-1.0, 1.5, 3.0, 4.5, 7.0])
LINE = Network([Dense(1, "identity")], inputs=1).init(3)


def trained(**options: Any) -> Any:
    return train(LINE, X, Y, optimizer=SGD(0.05), **options)


def test_the_path_holds_the_start_and_every_update() -> None:
    path = ThetaPath()
    model = trained(batch_size=2, epochs=4, callbacks=path)
    assert path.per_epoch == 3
    assert path.points.shape == (13, 2)
    assert (path.points[0] == LINE.theta).all()
    assert (path.points[-1] == model.theta).all()
    for epochs in (1, 2, 3):
        assert (path.points[3 * epochs] == trained(batch_size=2, epochs=epochs).theta).all()


def test_each_step_of_the_path_is_the_rate_times_the_gradient() -> None:
    path = ThetaPath()
    trained(batch_size=5, epochs=3, callbacks=path)
    model = LINE.copy()
    for before, after in zip(path.points, path.points[1:], strict=False):
        model.theta = before
        np.testing.assert_allclose(after, before - 0.05 * model.gradient(X, Y).theta, rtol=1e-13)


def test_the_path_keeps_copies_for_engines_that_update_in_place() -> None:
    path, theta = ThetaPath(), np.zeros(2)
    info: Any = SimpleNamespace(carry=SimpleNamespace(theta=theta), batches=1)
    path.begin(info)
    for _ in range(2):
        theta += 1.0
        path.batch(info)
    assert path.points.tolist() == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]


def test_a_second_training_begins_a_new_path() -> None:
    path = ThetaPath()
    trained(batch_size=1, epochs=2, callbacks=path)
    trained(batch_size=5, epochs=2, callbacks=path)
    assert (path.per_epoch, len(path.points)) == (1, 3)


def test_unrest_is_that_of_the_last_epoch() -> None:
    path = ThetaPath()
    trained(batch_size=2, epochs=5, callbacks=path)
    last = path.points[-4:]
    assert path.unrest == pytest.approx(math.sqrt(((last - last.mean(axis=0)) ** 2).sum() / 4))


def test_training_ends_after_the_first_epoch_at_which_the_cost_is_flat() -> None:
    model = trained(batch_size=5, epochs=5000, callbacks=UntilFlat(X, Y, 1e-6))
    assert str(model.history.stopped) == "no component of the gradient is larger than 1e-06"
    assert np.abs(model.gradient(X, Y).theta).max() <= 1e-6
    before = trained(batch_size=5, epochs=model.history.epochs - 1)
    assert np.abs(before.gradient(X, Y).theta).max() > 1e-6


def test_training_that_diverges_is_not_called_flat() -> None:
    with pytest.raises(DivergenceError):
        train(LINE, X, Y, optimizer=SGD(1e6), batch_size=5, epochs=1000, callbacks=UntilFlat(X, Y))


@pytest.mark.parametrize("tolerance", [0, -1.0, math.nan, math.inf, True, "small", None])
def test_tolerances_that_cannot_be(tolerance: Any) -> None:
    with pytest.raises(UsageError, match=r"the tolerance is .*above 0, such as 1e-05"):
        UntilFlat(X, Y, tolerance)


def test_the_cost_of_theta_is_that_of_the_model_and_leaves_it_alone() -> None:
    cost, before = cost_of_theta(LINE, X, Y), LINE.theta.copy()
    thetas = np.arange(12.0).reshape(2, 3, 2)
    costs = cost(thetas)
    assert costs.shape == (2, 3)
    model = LINE.copy()
    for place in np.ndindex(2, 3):
        model.theta = thetas[place]
        assert costs[place] == pytest.approx(model.evaluate(X, Y)["loss"], rel=1e-14)
    assert (LINE.theta == before).all()
    assert float(cost(before)) == LINE.gradient(X, Y).cost
