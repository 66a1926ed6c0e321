"""L-BFGS: SciPy's own run and scikit-learn's come to the same; everything around it works as with other optimizers."""

from __future__ import annotations

import signal
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize

from chainrule import (
    L1,
    L2,
    LBFGS,
    BatchNorm,
    Callback,
    Dense,
    Dropout,
    EarlyStopping,
    MaxNorm,
    Model,
    Network,
    ReduceOnPlateau,
    TimeLimit,
    load,
    save,
    train,
)
from chainrule.engines import ENGINES, Objective, reference
from chainrule.errors import DivergenceError, UnknownName, UsageError
from chainrule.formulas import LOSSES
from chainrule.training import INTERRUPTED, Info, Progress, Snapshot, run

RNG = np.random.default_rng(10)
X = RNG.normal(size=(60, 3))
y = (X[:, 0] * X[:, 1] > 0).astype(int)
NETWORK = Network.from_sizes([3, 6, 2], hidden="tanh", output="softmax")
LINE = Network.from_sizes([3, 1])
VALUES = X @ [1.0, -2.0, 3.0] + 0.5


def fit(network: Any = NETWORK, inputs: Any = X, targets: Any = y, **settings: Any) -> Model:
    return train(network, inputs, targets, **({"optimizer": "lbfgs", "epochs": 30} | settings))


# The descent itself


@pytest.mark.parametrize("memory", [1, 10])
@pytest.mark.parametrize("weighted", [False, True])
def test_scipy_comes_to_the_same(memory: int, weighted: bool) -> None:
    weights = np.linspace(0.5, 2, 60) if weighted else None
    objective = Objective(NETWORK, LOSSES["categorical_cross_entropy"], (L2(0.01),))
    start, targets = NETWORK.init(3), np.eye(2)[y]

    def cost(theta: Any) -> Any:
        found = reference.gradient(objective, theta, start.state, X, targets, weights)
        return found.cost + found.penalty, found.theta

    options = {"gtol": 1e-5, "maxiter": 200, "maxcor": memory, "maxfun": 15000}
    expected = minimize(cost, start.theta.copy(), jac=True, method="L-BFGS-B", options=options)
    model = fit(start, optimizer=LBFGS(memory, 1e-5), epochs=200, penalties=L2(0.01), weights=weights)
    assert model.theta.tobytes() == expected.x.tobytes()
    assert model.history.epochs == model.history.updates == expected.nit
    assert model.history["loss"][-1] + model.history["penalty"][-1] == expected.fun
    assert model.history["loss"][-1] == pytest.approx(model.evaluate(X, y, weights)["loss"], rel=1e-14)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_scikit_learn_comes_to_the_same(engine: str) -> None:
    from sklearn.neural_network import MLPClassifier

    labels = np.digitize(X[:, 0] + X[:, 1] ** 2, [0.3, 1.2])
    network, alpha = Network.from_sizes([3, 5, 3], hidden="tanh", output="softmax"), 3.0
    start = network.init(1)
    peer = MLPClassifier((5,), activation="tanh", solver="lbfgs", alpha=alpha, max_iter=1, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one iteration, to have arrays to fill in
        peer.fit(X, labels)
    peer.coefs_ = [start.W[l].T.copy() for l in (1, 2)]
    peer.intercepts_ = [start.b[l].copy() for l in (1, 2)]
    peer.set_params(max_iter=1000, tol=1e-6).fit(X, labels)
    optimizer = LBFGS(tolerance=1e-6)
    model = fit(start, targets=labels, optimizer=optimizer, epochs=1000, penalties=L2(alpha / 60), engine=engine)
    reached = model.history["loss"][-1] + model.history["penalty"][-1]
    assert reached == pytest.approx(peer.loss_, rel=1e-6)
    np.testing.assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize(("dtype", "error"), [("float64", 1e-4), ("float32", 1e-3)])
def test_least_squares_are_solved(engine: str, dtype: str, error: float) -> None:
    optimizer = LBFGS(tolerance=1e-5)
    model = fit(LINE, targets=VALUES, optimizer=optimizer, epochs=200, engine=engine, dtype=dtype)
    assert model.dtype == dtype
    np.testing.assert_allclose(model.W[1][0], [1, -2, 3], atol=error)
    assert model.b[1][0] == pytest.approx(0.5, abs=error)
    assert model.history.engine == engine


def test_same_bits() -> None:
    one, two = (fit(engine="compiled", penalties=L2(0.01), seed=4) for _ in range(2))
    assert one.theta.tobytes() == two.theta.tobytes()
    assert one.history["loss"] == two.history["loss"]


def test_batch_size_does_not_matter() -> None:
    one, two = fit(batch_size=7), fit(batch_size=60)
    assert one.theta.tobytes() == two.theta.tobytes()
    assert one.settings == two.settings
    assert (one.settings["batch_size"], one.settings["rows"]) == (60, 60)
    assert one.settings["optimizer"] == {"name": "lbfgs", "memory": 10, "tolerance": 1e-4, "max_evaluations": 15000}


# Why it ended


def test_why_it_ended() -> None:
    assert fit(epochs=3).history.stopped == "all 3 epochs done"
    assert fit(epochs=3).history.epochs == 3
    model = fit(optimizer=LBFGS(tolerance=0.01), epochs=500)
    assert model.history.stopped == "converged: no component of the gradient is larger than 0.01"
    assert np.abs(model.gradient(X, y).theta).max() <= 0.01
    model = fit(LINE, targets=VALUES, optimizer=LBFGS(tolerance=1e-300), epochs=500)
    assert model.history.stopped == "converged: an iteration lowered the cost by a share of less than 2.2e-09"
    model = fit(optimizer=LBFGS(max_evaluations=5), epochs=500)
    assert model.history.stopped == "all 5 evaluations used up"
    assert 1 <= model.history.epochs <= 6


def test_a_kink_is_said() -> None:
    """Where no lower cost is found the parameters are those of the last iteration, and the reason says so."""
    flat = Network.from_sizes([1, 1])
    start = flat.init()
    start.theta = [1e-3, 0.0]
    model = fit(start, [[1.0], [-1.0]], [0.0, 0.0], loss="absolute_error", penalties=L1(1.0))
    assert "no lower cost found" in model.history.stopped or "converged" in model.history.stopped
    assert np.abs(model.theta).max() <= 1e-3


def test_why_it_ended_survives_a_file(tmp_path: Any) -> None:
    from chainrule.language import Message

    model = fit(optimizer=LBFGS(tolerance=0.5), epochs=500)
    save(model, tmp_path / "m.safetensors")
    stopped = load(tmp_path / "m.safetensors").history.stopped
    assert stopped == model.history.stopped
    assert isinstance(stopped, Message)


def test_a_start_that_is_flat_is_recorded() -> None:
    """One epoch that leaves all as it is: a history without any would have no loss."""
    first = fit(optimizer=LBFGS(tolerance=0.01), epochs=500)
    again = fit(first, optimizer=LBFGS(tolerance=0.01), callbacks=EarlyStopping("loss"), validation=(X, y))
    assert again.theta.tobytes() == first.theta.tobytes()
    assert again.history.epochs == first.history.epochs + 1
    assert again.history.updates == first.history.updates
    assert again.history["loss"][-1] == pytest.approx(first.history["loss"][-1], rel=1e-12)
    assert again.history["validation_loss"][-1] == again.evaluate(X, y)["loss"]
    assert again.history.stopped == "converged: no component of the gradient is larger than 0.01"


# What stands around it


def test_what_is_recorded() -> None:
    own = {"largest": lambda model, X, Y, weights: np.abs(model.theta).max()}
    model = fit(epochs=5, validation=0.25, penalties=[L2(0.01)], metrics=["accuracy", own])
    names = ["loss", "penalty", "accuracy", "largest", "validation_loss", "validation_accuracy", "validation_largest"]
    assert list(model.history) == [*names, "seconds"]
    assert model.history.epochs == 5
    assert model.history["largest"][-1] == np.abs(model.theta).max()
    assert all(seconds > 0 for seconds in model.history["seconds"])
    assert model.settings["rows"] == 45


def test_what_callbacks_see() -> None:
    seen: list[Any] = []

    class Look(Callback):
        def begin(self, info: Info) -> None:
            seen.append(("begin", info.epoch, info.batch, info.batches, info.carry.updates))

        def batch(self, info: Info) -> None:
            assert info.values == {}
            seen.append(("batch", info.epoch, info.batch, info.batches, info.carry.updates))

        def epoch(self, info: Info) -> None:
            assert info.series == tuple(info.values) == tuple(info.history)
            assert info.values["loss"] == info.loss
            assert info.model.evaluate(X, y)["loss"] == pytest.approx(info.loss, rel=1e-12)
            seen.append(("epoch", info.epoch, info.batch, info.batches, info.carry.updates))

        def end(self, info: Info) -> Snapshot | None:
            seen.append(("end", info.epoch, info.batch, info.batches, info.carry.updates))
            return None

    fit(epochs=2, callbacks=[Look(), Progress()])
    rows = [(method, epoch, 1, 1, epoch) for epoch in (1, 2) for method in ("batch", "epoch")]
    assert seen == [("begin", 1, 0, 1, 0), *rows, ("end", 2, 1, 1, 2)]


def test_callbacks_stop_it() -> None:
    enough = SimpleNamespace(epoch=lambda info: "enough" if info.epoch == 4 else None)
    model = fit(callbacks=enough)
    assert (model.history.epochs, model.history.stopped) == (4, "enough")
    assert model.theta.tobytes() == fit(epochs=4).theta.tobytes()
    model = fit(callbacks=TimeLimit(1e-9))
    assert (model.history.epochs, model.history.stopped) == (1, "time limit of 1e-09 s")
    with pytest.raises(ZeroDivisionError):
        fit(callbacks=SimpleNamespace(epoch=lambda info: 1 / 0))


def test_early_stopping_gives_the_best() -> None:
    rows = np.random.default_rng(3)
    held_out = rows.normal(size=(40, 3)), rows.integers(0, 2, 40)  # labels by chance: it can only get worse
    stopping = EarlyStopping("validation_loss", patience=4)
    model = fit(epochs=200, validation=held_out, callbacks=stopping)
    losses, best = model.history["validation_loss"], model.history.best_epoch
    assert best is not None
    assert losses[best - 1] == min(losses) == model.evaluate(*held_out)["loss"]
    assert model.history.epochs == best + 4
    assert model.theta.tobytes() == fit(epochs=best).theta.tobytes()


def test_ctrl_c_ends_it_after_the_iteration() -> None:
    press = SimpleNamespace(epoch=lambda info: signal.raise_signal(signal.SIGINT) if info.epoch == 3 else None)
    model = fit(callbacks=press)
    assert model.history.stopped == INTERRUPTED
    assert model.history.epochs == 3
    assert model.theta.tobytes() == fit(epochs=3).theta.tobytes()


@pytest.mark.parametrize("evaluation", [1, 4])
def test_ctrl_c_within_an_iteration(evaluation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends after the evaluation, with the parameters of the last iteration and a history that is never empty."""
    count = 0

    def gradient(*given: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == evaluation:
            signal.raise_signal(signal.SIGINT)
        return reference.gradient(*given, **more)

    engine: Any = SimpleNamespace(
        name="pressed", gradient=gradient, predict=reference.predict, loss=reference.loss, epoch=reference.epoch
    )
    monkeypatch.setitem(ENGINES, "pressed", engine)
    model = fit(engine="pressed")
    assert count == evaluation
    assert model.history.stopped == INTERRUPTED
    done = model.history.updates
    assert model.history.epochs == max(done, 1)
    expected = NETWORK.init(0) if done == 0 else fit(epochs=done, engine="reference")
    assert model.theta.tobytes() == expected.theta.tobytes()


def test_going_on() -> None:
    model = fit(train(NETWORK, X, y, epochs=2, seed=1), epochs=3)
    assert model.history.epochs == 5
    assert np.isnan(model.history["rate"][2:]).all()
    assert model.history.updates == 2 * 2 + 3
    last = train(model, X, y, epochs=1)
    assert last.history.epochs == 6


def test_sparse_inputs_and_smoothed_labels() -> None:
    few = np.where(np.abs(X) > 0.8, X, 0.0)
    dense, thin = fit(inputs=few, label_smoothing=0.1), fit(inputs=sparse.csr_array(few), label_smoothing=0.1)
    np.testing.assert_allclose(thin.history["loss"][:5], dense.history["loss"][:5], rtol=1e-9)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_batch_normalization_takes_all_rows(engine: str) -> None:
    network = Network([Dense(5), BatchNorm("tanh", momentum=1.0), Dense(2, "softmax")], inputs=3)
    model = fit(network, epochs=40, engine=engine)
    # With a momentum of 1 the running statistics are those of all rows, so prediction is what was trained.
    m = len(X)
    whole = reference.gradient(Objective(network, model.loss), model.theta, model.state, X, np.eye(2)[y])
    assert model.history["loss"][-1] == pytest.approx(whole.cost, rel=0.5 / m + 0.05)
    assert model.history["loss"][-1] < 0.2 * model.history["loss"][0]
    np.testing.assert_allclose(
        model.state[:5], (X @ model.W[1].T).mean(axis=0) + (model.b[1] if model.b[1] is not None else 0), atol=1e-9
    )


# What it refuses


@pytest.mark.parametrize(
    ("network", "changed", "message"),
    [
        (NETWORK, {"clip": 1.0}, "a clipped gradient is not that of the cost"),
        (NETWORK, {"penalties": [L2(0.1), MaxNorm(2)]}, "max_norm moves weights after a step"),
        (NETWORK, {"schedule": "cosine"}, "it has no learning rate"),
        (NETWORK, {"callbacks": ReduceOnPlateau()}, "it has no learning rate"),
        (Network([Dense(4, "tanh"), Dropout(0.5), Dense(2, "softmax")], inputs=3), {}, "dropout makes the cost"),
    ],
)
def test_what_does_not_suit(network: Network, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        fit(network, **changed)
    assert str(caught.value).startswith("L-BFGS cannot train so: " + message)
    assert str(caught.value).endswith("or take another optimizer such as Adam()")


def test_dropout_of_nothing_is_none() -> None:
    network = Network([Dense(4, "tanh"), Dropout(0.0), Dense(2, "softmax")], inputs=3)
    assert fit(network).history["loss"][-1] < 0.5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"memory": 0}, "memory is 0; it must be a whole number"),
        ({"memory": 2.5}, "memory is 2.5"),
        ({"max_evaluations": True}, "max_evaluations is True"),
        ({"tolerance": 0}, "tolerance is 0; it must be a finite number above 0"),
        ({"tolerance": float("inf")}, "tolerance is inf"),
    ],
)
def test_settings_that_cannot_be(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        LBFGS(**changed)
    assert message in str(caught.value)


def test_names() -> None:
    for name in ("lbfgs", "LBFGS", "L-BFGS", "l_bfgs"):
        assert fit(optimizer=name, epochs=1).settings["optimizer"]["name"] == "lbfgs"
    with pytest.raises(UnknownName, match="did you mean 'lbfgs'"):
        fit(optimizer="lbgfs")
    with pytest.raises(UnknownName, match=r"Known: sgd, .*, lbfgs$"):
        fit(optimizer="newton")


# Divergence


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_a_gap_in_the_data_is_named(engine: str) -> None:
    bad = X.copy()
    bad[17, 2] = np.nan
    with pytest.raises(DivergenceError, match="epoch 1, batch 1, layer 0: row 17 of X holds nan in column 2") as caught:
        fit(inputs=bad, engine=engine)
    assert caught.value.model.theta.tobytes() == NETWORK.init(0).theta.tobytes()


def test_numbers_that_explode_are_named() -> None:
    """Without a word about a learning rate, which L-BFGS does not have."""
    with pytest.raises(DivergenceError, match="unscaled inputs, as large as") as caught:
        fit(LINE, X * 1e200, VALUES)
    assert "rate" not in str(caught.value)
    assert np.isfinite(caught.value.model.theta).all()


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_trial_that_is_not_finite(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model in the error is that of the last iteration, and the error says how far training had come."""
    count = 0
    looked_at: list[Any] = []
    diagnose = run.diagnose
    monkeypatch.setattr(
        run,
        "diagnose",
        lambda job, carry, *rest, **more: looked_at.append(carry) or diagnose(job, carry, *rest, **more),
    )

    def gradient(*given: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        found = reference.gradient(*given, **more)
        if count == at:
            found.theta[0] = np.inf
        return found

    engine: Any = SimpleNamespace(
        name="broken", gradient=gradient, predict=reference.predict, loss=reference.loss, epoch=reference.epoch
    )
    monkeypatch.setitem(ENGINES, "broken", engine)
    ended: list[Info] = []
    with pytest.raises(DivergenceError) as caught:
        fit(engine="broken", callbacks=SimpleNamespace(end=ended.append))
    model = caught.value.model
    assert len(ended) == 1
    assert np.isfinite(model.theta).all()
    assert caught.value.fields["epoch"] == model.history.epochs + 1 == model.history.updates + 1
    assert "diverged in epoch" in model.history.stopped
    # Only of the very first evaluation may the parameters be to blame that training began with.
    assert (looked_at[0].updates == 0) == (at == 1)
