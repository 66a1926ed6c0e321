"""The Autoencoder: scikit-learn's own checks, and that it learns, goes on, and takes what it says it takes."""

from __future__ import annotations

import math
import os
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from chainrule import L2, LBFGS, SGD, Adam, Autoencoder, Dense, DivergenceError, EarlyStopping, Network, train
from chainrule.errors import DataError, ShapeError, UnknownName, UsageError

RNG = np.random.default_rng(0)
# Four numbers a row that two would do for.
CODE = RNG.normal(size=(80, 2))
X = np.concatenate([CODE, CODE @ [[1.0, -1.0], [0.5, 2.0]]], axis=1)

# The ordinary suite makes the checks where they are quick; CHAINRULE_CASES, of any value, everywhere.
EVERYWHERE = "CHAINRULE_CASES" in os.environ
ENGINES = ["reference", "compiled"] if EVERYWHERE else ["reference"]
DTYPES = [None, "float32", "float64"] if EVERYWHERE else [None, "float32"]


def made(*sizes: int, **settings: Any) -> Autoencoder:
    return Autoencoder(sizes or (2,), **{"random_state": 0, "max_iter": 30, "learning_rate_init": 0.02} | settings)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("engine", ENGINES)
def test_scikit_learns_checks(engine: str, dtype: Any) -> None:
    estimator = Autoencoder((3,), max_iter=5, engine=engine, dtype=dtype)
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    others = [(each["check_name"], each["exception"]) for each in results if each["status"] != "passed"]
    assert [name for name, _ in others] in ([], ["check_array_api_input"]), others  # skipped for scikit-learn's, too
    assert len(results) > 40


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_learns_to_give_rows_back(engine: str, dtype: Any) -> None:
    rows = X.astype(dtype)
    encoder = made(engine=engine, max_iter=300).fit(rows)
    code = encoder.transform(rows)
    assert (code.shape, code.dtype) == ((80, 2), dtype)
    assert encoder.history_.engine == engine
    back = encoder.inverse_transform(code)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, encoder.reconstruct(rows), atol=1e-6)
    assert encoder.score(rows) == pytest.approx(-np.mean((back - rows) ** 2), rel=1e-4)
    assert encoder.score(rows) > -0.01


def test_a_linear_one_comes_close_to_pca() -> None:
    images = load_digits().data / 16
    pca = PCA(8).fit(images)
    best = -np.mean((pca.inverse_transform(pca.transform(images)) - images) ** 2)
    score = Autoencoder((8,), learning_rate_init=0.003, max_iter=100, random_state=0).fit(images).score(images)
    assert 1.1 * best < score <= best + 1e-9


def test_is_the_training_that_train_makes() -> None:
    ours = made(5, 2, activation="tanh", tol=0.0, n_iter_no_change=1000).fit(X)
    network = Network.from_sizes([4, 5, 2, 5, 4], hidden="tanh").init(0).network
    layers = list(network.layers)
    layers[1] = Dense(2)
    model = train(Network(layers, 4), X, X, optimizer=Adam(0.02), loss="mean_squared_error", batch_size=80, epochs=30,
                  callbacks=EarlyStopping("loss", 1000))  # fmt: skip
    assert np.array_equal(model.theta, ours.model_.theta)


def test_the_network_is_what_the_parameters_say() -> None:
    given = made(
        *(6, 3), activation=["relu", "tanh", "elu"], decoder_layer_sizes=(5, 7), code_activation="sigmoid",
        loss="binary_cross_entropy", input_dropout=0.25, dropout=0.5, initializer="he_normal", max_iter=1,
    )  # fmt: skip
    network = given.fit(RNG.random((20, 4))).model_.network
    assert repr(network.layers).replace(", initializer='he_normal'", "") == (
        "(Dropout(0.25), Dense(6, 'relu'), Dropout(0.5), Dense(3, 'sigmoid'), Dense(5, 'tanh'), Dropout(0.5), "
        "Dense(7, 'elu'), Dropout(0.5), Dense(4, 'sigmoid'))"
    )
    assert (given.encoder_.network.depth, given.decoder_.network.depth, given.n_components_) == (2, 3, 3)


def test_partial_fit_is_fit_pass_by_pass() -> None:
    """With the optimizer's memory kept, and with shuffles of their own."""
    by_pass = made(batch_size=16, schedule="constant")
    for _ in range(4):
        by_pass.partial_fit(X)
    whole = made(batch_size=16, max_iter=4, n_iter_no_change=1000).fit(X)
    assert by_pass.n_iter_ == 1
    assert by_pass.history_["loss"] == whole.history_["loss"]
    assert len(set(by_pass.history_["loss"])) == 4


def test_warm_start_goes_on_and_refuses_other_layers() -> None:
    encoder = made(warm_start=True, max_iter=3).fit(X)
    first = encoder.history_["loss"]
    encoder.fit(X)
    assert encoder.history_["loss"][:3] == first
    assert (encoder.history_.epochs, encoder.n_iter_) == (6, 3)
    with pytest.raises(UsageError, match="go on with the same layers"):
        encoder.set_params(hidden_layer_sizes=(3,)).fit(X)
    assert made(max_iter=3).fit(X).fit(X).history_.epochs == 3


def test_early_stopping_keeps_the_best_parameters() -> None:
    encoder = made(early_stopping=True, n_iter_no_change=3, max_iter=2000, learning_rate_init=0.2).fit(X)
    losses = encoder.history_["validation_loss"]
    assert len(losses) < 2000
    assert encoder.history_.best_epoch == int(np.argmin(losses)) + 1
    held_out = X[:10]
    encoder = made(validation_data=held_out, early_stopping=True, max_iter=50).fit(X[10:])
    assert min(encoder.history_["validation_loss"]) == pytest.approx(-encoder.score(held_out))
    with pytest.raises(UsageError, match="does not support early_stopping"):
        encoder.partial_fit(X)


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("settings", [{}, {"input_dropout": 0.2}, {"engine": "compiled"}])
def test_sparse_rows_are_dense_rows(kind: Any, settings: dict[str, Any]) -> None:
    dense = X * (np.abs(X) > 1)
    rows, encoder = kind(dense), made(max_iter=3, **settings).fit(dense)
    other = made(max_iter=3, **settings).fit(rows)
    np.testing.assert_allclose(other.transform(rows), encoder.transform(dense), atol=1e-12)
    assert other.score(rows) == pytest.approx(encoder.score(dense))


def test_works_among_scikit_learns() -> None:
    y = (X[:, 0] > 0).astype(int)
    chain = make_pipeline(StandardScaler(), made(max_iter=5), LogisticRegression())
    search = GridSearchCV(chain, {"autoencoder__hidden_layer_sizes": [(1,), (3, 2)]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.5
    names = [f"column {k}" for k in range(4)]
    frame = pd.DataFrame(X, columns=names)
    encoder = made(max_iter=5).set_output(transform="pandas").fit(frame)
    assert list(encoder.transform(frame).columns) == ["autoencoder0", "autoencoder1"]
    assert encoder.feature_names_in_.tolist() == names
    again = pickle.loads(pickle.dumps(encoder))
    assert again.transform(frame).equals(encoder.transform(frame))
    assert clone(encoder).get_params() == encoder.get_params()
    assert "Autoencoder" in encoder._repr_html_()


def test_penalties_clip_and_callbacks_reach_the_training() -> None:
    seen = []

    class See:
        def epoch(self, info: Any) -> None:
            seen.append(info.epoch)

    encoder = made(l1=0.1, l2=0.2, clip=1.0, callbacks=See(), max_iter=3, optimizer=SGD(0.1)).fit(X)
    assert seen == [1, 2, 3]
    settings = encoder.model_.settings
    assert [each["name"] for each in settings["penalties"]] == ["l1", "l2"]
    assert settings["penalties"][1] == L2(0.2).describe()
    assert (settings["clip"], settings["optimizer"]["rate"]) == (1.0, 0.02)


def test_verbose_tells_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    made(verbose=True, max_iter=2).fit(X)
    assert capsys.readouterr().out.count("loss = ") == 2


def test_verbose_calls_the_validation_loss_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    encoder = made(verbose=True, max_iter=2, early_stopping=True).fit(X)
    said = capsys.readouterr().out
    assert f"Validation loss: {encoder.history_['validation_loss'][1]:.6f}" in said
    assert "score" not in said


@pytest.mark.parametrize("optimizer", ["L-BFGS", LBFGS(tolerance=1e-12)])
def test_lbfgs_comes_to_what_principal_components_leave(optimizer: Any) -> None:
    """A linear autoencoder can do no better than they, and L-BFGS gets there."""
    rows = X + np.random.default_rng(1).normal(scale=0.1, size=X.shape)
    encoder = made(optimizer=optimizer, max_iter=500, n_iter_no_change=math.inf).fit(rows)
    components = PCA(2).fit(rows)
    left = np.mean((components.inverse_transform(components.transform(rows)) - rows) ** 2)
    assert -encoder.score(rows) == pytest.approx(left, rel=1e-2 if isinstance(optimizer, str) else 1e-4)
    assert encoder.model_.settings["optimizer"]["name"] == "lbfgs"
    with pytest.raises(UsageError, match="partial_fit makes one pass in batches"):
        encoder.partial_fit(rows)


def test_infinite_patience_makes_every_epoch_and_keeps_the_best() -> None:
    settings = {"learning_rate_init": 0.5, "max_iter": 60}
    assert made(n_iter_no_change=5, **settings).fit(X).n_iter_ < 60
    encoder = made(n_iter_no_change=math.inf, **settings).fit(X)
    losses = encoder.history_["loss"]
    assert encoder.n_iter_ == 60
    assert encoder.history_.best_epoch == 1 + int(np.argmin(losses))


@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        ({"hidden_layer_sizes": ()}, UsageError, "hidden_layer_sizes is empty"),
        ({"hidden_layer_sizes": "ten"}, UsageError, "hidden_layer_sizes"),
        ({"activation": ["relu"], "hidden_layer_sizes": (4, 2)}, ShapeError, "activation has 1 entries"),
        (
            {"activation": ["relu"], "hidden_layer_sizes": (4, 2)},
            ShapeError,
            r"2 hidden layer\(s\) besides the code; .* code_activation",
        ),
        ({"early_stopping": "roc_auc"}, UsageError, "early_stopping is 'roc_auc'; it must be True or False"),
        ({"optimizer": "lbfgs", "input_dropout": 0.1}, UsageError, "L-BFGS cannot train so: dropout"),
        ({"optimizer": "adm"}, UnknownName, "unknown optimizer 'adm'"),
        ({"activation": "rleu", "hidden_layer_sizes": (4, 2)}, UnknownName, "did you mean 'relu'"),
        ({"loss": "binary_cross_entropy"}, DataError, "numbers from 0 to 1"),
        ({"input_dropout": 1.0}, UsageError, "dropout rate is 1.0"),
        ({"l2": -1.0}, UsageError, "l2 is -1.0"),
        ({"max_iter": 0}, UsageError, "max_iter is 0"),
        ({"validation_fraction": 2.0, "early_stopping": True}, UsageError, "validation_fraction is 2.0"),
        ({"optimizer": SGD(1e9), "learning_rate_init": 1e9}, DivergenceError, "diverged"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        made(**settings).fit(X) if "hidden_layer_sizes" not in settings else Autoencoder(**settings).fit(X)


def test_codes_of_another_length_are_refused() -> None:
    with pytest.raises(ShapeError, match="X has 3 columns, but a code of this Autoencoder has 2 numbers"):
        made(max_iter=1).fit(X).inverse_transform(np.ones((2, 3)))
