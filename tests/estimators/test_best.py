"""The best parameters are those that the best figure was measured with, and what goes on from them begins there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import EarlyStopping, MLPRegressor, Network, train
from chainrule.training import Memory

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def shaken(**more: Any) -> MLPRegressor:
    """A regressor whose rate is so large that its loss rises again."""
    settings = {"hidden_layer_sizes": (6,), "solver": "sgd", "learning_rate_init": 0.35, "max_iter": 5, "alpha": 0.0}
    return MLPRegressor(**settings | {"activation": "tanh", "random_state": 0} | more)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("watched", [False, "loss"])
def test_with_one_batch_the_best_loss_is_that_of_the_best_parameters(engine: str, watched: Any) -> None:
    made = shaken(engine=engine, early_stopping=watched).fit(X, Y)
    best = int(np.argmin(made.loss_curve_))
    assert 0 < best < len(made.loss_curve_) - 1
    assert made.history_.best_epoch == best + 1
    assert np.mean((made.predict(X) - Y) ** 2) / 2 == pytest.approx(made.loss_curve_[best], rel=1e-12)


def test_with_one_batch_a_loss_that_fell_to_the_end_keeps_the_newest() -> None:
    made = shaken(learning_rate_init=0.01).fit(X, Y)
    assert made.history_.best_epoch == 5
    assert np.mean((made.predict(X) - Y) ** 2) / 2 < made.loss_


def test_lbfgs_keeps_where_its_loss_was_lowest() -> None:
    made = shaken(solver="lbfgs", early_stopping="loss", max_iter=5).fit(X, Y)
    assert np.mean((made.predict(X) - Y) ** 2) / 2 == pytest.approx(min(made.loss_curve_), rel=1e-12)


def test_what_goes_on_from_an_earlier_epoch_begins_the_optimizer_anew() -> None:
    network, memory = Network.from_sizes([3, 6, 1], hidden="tanh"), Memory()
    kept: dict[str, Any] = {"optimizer": "momentum", "batch_size": 10, "seed": 0, "loss": "half_squared_error"}
    stopping = EarlyStopping("loss", patience=3)
    model = train(network, X, Y, epochs=60, callbacks=stopping, memory=memory, **kept, schedule=_rising())
    assert model.history is not None
    assert 1 < (model.history.best_epoch or 0) < model.history.epochs
    assert (memory.optimizer, memory.slots, memory.updates) == ("", (), 0)
    again = train(model, X, Y, epochs=2, memory=memory, **kept)
    anew = train(model, X, Y, epochs=2, **kept)
    assert np.array_equal(again.theta, anew.theta)
    assert memory.updates == 8


def _rising() -> Any:
    from chainrule.formulas import Schedule

    return Schedule(name="rising", value=lambda e, E: 0.2 * 1.3**e, parameters={}, latex="r", use="To shake.")


def test_inverse_scaling_counts_the_epochs_that_the_memory_forgot() -> None:
    made = shaken(warm_start=True, learning_rate="invscaling", power_t=0.01, learning_rate_init=0.36).fit(X, Y)
    assert made.history_.best_epoch < 5
    made.fit(X, Y)
    expected = [0.36 / (40 * e + 1) ** 0.01 for e in range(10)]
    np.testing.assert_allclose(made.history_["rate"], expected)
