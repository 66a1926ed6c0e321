"""Sparse inputs: the numbers of dense ones, in all that a model and the engines do, without ever becoming dense."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import chainrule as cr
from chainrule import BatchNorm, Dense, Dropout, Model, Network, engines
from chainrule.engines import Carry, Draw, Job, Objective, choose, reference
from chainrule.errors import DataError, DivergenceError
from chainrule.formulas import LOSSES, OPTIMIZERS
from chainrule.parameters import draw_parameters, start_state
from chainrule.sparse import SparseRows, dense_rows, first_not_finite
from chainrule.streams import mask, mask_at, permutation

Array = npt.NDArray[Any]
ENGINES = ["reference", *(["compiled"] if choose("compiled").name == "compiled" else [])]
# The two ways of adding up a row round differently.
WITHIN = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}
FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]
FIRST: dict[str, list[Any]] = {
    "dense": [Dense(5, "tanh")],
    "dropout": [Dropout(0.4), Dense(5, "tanh"), Dropout(0.2)],
    "batch norm": [BatchNorm("tanh"), Dense(5, "relu")],
    "dropout and batch norm": [Dropout(0.4), BatchNorm("tanh"), Dense(5, "relu")],
}


def random_matrix(seed: int, rows: int, columns: int, share: float, dtype: Any = float) -> Any:
    """A CSR array with rows and columns of zeros, and some zeros that are stored."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < share)
    matrix[rng.random(rows) < 0.2] = 0
    matrix[:, rng.random(columns) < 0.2] = 0
    found = sparse.csr_array(matrix.astype(dtype))
    found.data[rng.random(len(found.data)) < 0.1] = 0
    return found


def close(ours: Any, theirs: Any, same_bits: bool) -> None:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype
    if same_bits:
        assert np.array_equal(ours, theirs)
    else:
        np.testing.assert_allclose(
            ours, theirs, atol=WITHIN[ours.dtype] * max(1, np.abs(theirs).max(initial=0)), rtol=0
        )


# The matrix.


@given(st.integers(0, 2**16), st.integers(1, 9), st.integers(1, 20), st.floats(0, 1))
def test_rows_are_those_of_the_dense_matrix(seed: int, rows: int, columns: int, share: float) -> None:
    matrix = random_matrix(seed, rows, columns, share)
    whole, taken = matrix.toarray(), SparseRows.of(matrix, np.dtype(float))
    assert taken.shape == whole.shape
    assert np.array_equal(taken.dense(), whole)
    assert np.array_equal(taken.tocsr().toarray(), whole)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, rows, size=rng.integers(0, 12))
    slices = [slice(None), slice(1, 3), slice(2, 1), slice(-2, None), slice(None, None, 2), slice(None, None, -1)]
    for which in [chosen, *slices]:
        assert np.array_equal(taken[which].dense(), whole[which])
    np.testing.assert_allclose(taken @ np.ones((columns, 2)), whole @ np.ones((columns, 2)), atol=1e-12)
    np.testing.assert_allclose(np.ones((2, rows)) @ taken, np.ones((2, rows)) @ whole, atol=1e-12)


def test_only_dense_makes_an_array() -> None:
    rows = SparseRows.of(sparse.csr_array(np.eye(2)), np.dtype(float))
    with pytest.raises(TypeError, match="only where"):
        np.asarray(rows)
    assert dense_rows(rows).tolist() == np.eye(2).tolist()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("form", ["matrix", "array"])
def test_every_format(kind: str, form: str) -> None:
    whole = random_matrix(0, 6, 4, 0.5).toarray()
    given = getattr(sparse, f"{kind}_{form}")(whole)
    model = Network.from_sizes([4, 3, 1], hidden="tanh").init()
    np.testing.assert_allclose(model.predict(given), model.predict(whole), atol=1e-15)
    assert np.array_equal(given.toarray(), whole)


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f4", "f8"])
@pytest.mark.parametrize("index", ["i4", "i8"])
def test_every_type_of_numbers(dtype: str, index: str) -> None:
    whole = np.array([[0, 1, 0], [1, 0, 1]], dtype=dtype)
    given = sparse.csr_array(whole)
    given.indices, given.indptr = given.indices.astype(index), given.indptr.astype(index)
    for wanted in (np.dtype("f4"), np.dtype("f8")):
        taken = SparseRows.of(given, wanted)
        assert taken.dtype == wanted
        assert taken.dense().tolist() == whole.astype(float).tolist()


def test_duplicates_and_disorder_are_put_right_in_a_copy() -> None:
    data, columns, ends = np.array([1.0, 2.0, 4.0, 8.0]), np.array([2, 0, 2, 1], dtype="i4"), np.array([0, 3, 4])
    given = sparse.csr_matrix((data, columns, ends), shape=(2, 3))
    given.has_canonical_format = True  # which is not so
    for array in (given.data, given.indices, given.indptr):
        array.flags.writeable = False
    taken = SparseRows.of(given, np.dtype(float))
    assert taken.dense().tolist() == [[2, 0, 5], [0, 8, 0]]
    assert taken.columns.tolist() == [0, 2, 1]
    assert given.data.tolist() == data.tolist()
    assert given.indices.tolist() == columns.tolist()


def test_one_row_and_one_column() -> None:
    row = sparse.coo_array(np.array([0.0, 2.0, 0.0]))  # of one dimension
    model = Network.from_sizes([3, 1]).init()
    assert model.predict(row).tolist() == model.predict([0.0, 2.0, 0.0]).tolist()
    line = Network.from_sizes([1, 1]).init()
    assert line.predict(row).tolist() == line.predict([0.0, 2.0, 0.0]).tolist()


@given(st.integers(0, 2**16), st.floats(0, 1), st.sampled_from([3, 1000, 3_000_000]))
@settings(max_examples=20)
def test_masks_of_places_are_those_of_all(seed: int, rate: float, count: int) -> None:
    places = np.unique(np.random.default_rng(seed).integers(0, count, size=40))
    whole = mask(seed, 2, 7, shape=(count,), rate=rate)
    assert np.array_equal(mask_at(seed, 2, 7, places=places, rate=rate), whole[places])


# The engines.


class Verbs:
    """Both engines' verbs on sparse and dense rows with the same numbers."""

    def __init__(self, engine: str, first: str, dtype: Any, seed: int, rows: int, columns: int, weighted: bool) -> None:
        rng = np.random.default_rng(seed)
        self.verbs, self.exact, self.dtype, self.seed = choose(engine), engine == "compiled", dtype, seed
        self.network = Network([*FIRST[first], Dense(3, "softmax")], inputs=columns)
        self.theta, self.state = draw_parameters(self.network, seed, dtype), start_state(self.network, dtype)
        X = SparseRows.of(random_matrix(seed, rows, columns, float(rng.random())), np.dtype(dtype))
        self.both = X, X.dense()
        self.Y = np.eye(3, dtype=dtype)[rng.integers(0, 3, rows)]
        self.weights = rng.random(rows).astype(dtype) if weighted else None
        self.objective = Objective(self.network, LOSSES["categorical_cross_entropy"])

    def measure(self) -> None:
        """Outputs and costs."""
        close(*(self.verbs.predict(self.network, self.theta, self.state, X) for X in self.both), self.exact)
        given = self.Y, self.weights
        close(
            *(self.dtype(self.verbs.loss(self.objective, self.theta, self.state, X, *given)) for X in self.both),
            self.exact,
        )

    def differentiate(self, draw: Draw | None, *, inputs: bool) -> None:
        """Gradients."""
        given = self.Y, self.weights, draw
        ours, theirs = (
            self.verbs.gradient(self.objective, self.theta, self.state, X, *given, inputs=inputs) for X in self.both
        )
        close(ours.theta, theirs.theta, self.exact)
        close(ours.state, theirs.state, self.exact)
        assert (ours.inputs is None) == (not inputs)
        if inputs:
            close(ours.inputs, theirs.inputs, self.exact)

    def train(self, batch: int) -> None:
        """An epoch."""
        # By SGD where roundings differ, since Adam magnifies those of gradients near 0.
        optimizer, n = OPTIMIZERS["adam" if self.exact else "sgd"], len(self.Y)
        order = None if batch >= n else permutation(self.seed, "shuffle", 1, n=n)
        carry = Carry(self.theta, self.state, optimizer.start(self.theta))
        made = []
        for X in self.both:
            job = Job(self.objective, X, self.Y, self.weights, optimizer, lambda t: 0.01 / t, batch, None, self.seed)
            made.append(self.verbs.epoch(job, carry, order, each=False))
        close(*(result.carry.theta for result in made), self.exact)
        close(*(result.carry.state for result in made), self.exact)
        close(*(self.dtype(result.loss) for result in made), self.exact)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first", FIRST)
@given(seed=st.integers(0, 2**16), rows=st.integers(1, 40), columns=st.integers(1, 30), batch=st.integers(1, 41))
def test_the_reference_engine(dtype: Any, first: str, seed: int, rows: int, columns: int, batch: int) -> None:
    verbs = Verbs("reference", first, dtype, seed, rows, columns, weighted=seed % 2 == 0)
    verbs.measure()
    verbs.differentiate(None, inputs=True)
    verbs.differentiate(Draw(seed, 3), inputs=False)
    verbs.differentiate(Draw(seed, 3), inputs=True)
    verbs.train(batch)


# Each size is compiled anew: few of them.
@pytest.mark.skipif("compiled" not in ENGINES, reason="LLVM cannot run here")
@pytest.mark.parametrize(
    ("first", "dtype", "rows", "columns", "batch"),
    [
        ("dense", np.float32, 40, 17, 7),
        ("dense", np.float64, 40, 33, 40),
        ("dropout", np.float32, 40, 17, 40),
        ("dropout and batch norm", np.float64, 40, 17, 7),
        ("batch norm", np.float32, 33, 1, 33),
        ("dense", np.float32, 1, 5, 1),
    ],
)
@given(seed=st.integers(0, 2**16))
@settings(max_examples=20)
def test_the_compiled_engine(first: str, dtype: Any, rows: int, columns: int, batch: int, seed: int) -> None:
    verbs = Verbs("compiled", first, dtype, seed, rows, columns, weighted=dtype == np.float32)
    verbs.measure()
    verbs.differentiate(None, inputs=True)
    verbs.differentiate(Draw(seed, 3), inputs=False)
    verbs.train(batch)


@pytest.mark.skipif("compiled" not in ENGINES, reason="LLVM cannot run here")
def test_several_threads_and_many_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    import chainrule.engines.compiled.epochs as epochs

    monkeypatch.setattr(epochs, "_BATCH_WORTH_SHARING", 1)
    X, y = random_matrix(0, 101, 200, 0.1), np.arange(101) % 3
    network = Network.from_sizes([200, 40, 3], hidden="relu", output="softmax")
    for threads in ("1", "3"):
        monkeypatch.setenv("CHAINRULE_THREADS", threads)
        for size in (20, 101):
            made = [
                cr.train(network, each, y, batch_size=size, epochs=5, metrics=(), engine="compiled", dtype="float32")
                for each in (X, X.toarray())
            ]
            assert made[0].theta.tobytes() == made[1].theta.tobytes()
            assert made[0].history is not None
            assert made[0].history.engine == "compiled"


# The library.


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("validation", [None, 0.25, "parts"])
def test_training_and_what_a_model_does(engine: str, validation: Any) -> None:
    X, y = random_matrix(1, 90, 30, 0.2), np.array(["cat", "dog", "owl"])[np.arange(90) % 3]
    network = Network.from_sizes([30, 8, 3], hidden="tanh", output="softmax")
    models = []
    for each in (X, X.toarray()):
        held_out = (each[:20], y[:20]) if validation == "parts" else validation
        models.append(cr.train(network, each, y, validation=held_out, epochs=3, engine=engine, weights=np.ones(90)))
    ours, theirs = models
    close(ours.theta, theirs.theta, engine == "compiled")
    assert ours.history is not None
    assert theirs.history is not None
    for name in set(ours.history) - {"seconds"}:
        assert ours.history[name] == pytest.approx(theirs.history[name], rel=1e-9)
    whole = X.toarray()
    assert ours.predict(X).tolist() == ours.predict(whole).tolist()
    close(ours.outputs(X), ours.outputs(whole), False)
    close(ours.predict_proba(X), ours.predict_proba(whole), False)
    assert ours.evaluate(X, y) == pytest.approx(ours.evaluate(whole, y), rel=1e-9)
    close(ours.gradient(X, y).theta, ours.gradient(whole, y).theta, False)
    close(ours.gradient(X, y, draw=Draw(0, 1)).theta, ours.gradient(whole, y, draw=Draw(0, 1)).theta, False)
    assert ours.gradient(X, y).inputs is None
    passed, expected = ours.forward(X), ours.forward(whole)
    close(passed.A[2], expected.A[2], False)
    close(passed.Z[1], expected.Z[1], False)
    assert sparse.issparse(passed.A[0])
    assert np.array_equal(passed.A[0].toarray(), whole)
    assert np.array_equal(ours.predict(ours.inputs(X)), ours.predict(X))
    cr.train(ours, X, y, epochs=1, engine=engine)  # goes on


def test_what_is_not_finite_is_named_as_in_dense_inputs() -> None:
    matrix = random_matrix(2, 8, 5, 0.8)
    row = int(np.flatnonzero(np.diff(matrix.indptr))[2])
    place = int(matrix.indptr[row])
    matrix.data[place] = np.nan
    assert first_not_finite(SparseRows.of(matrix, np.dtype(float)))[:2] == (row, int(matrix.indices[place]))  # type: ignore[index]
    model: Model = Network.from_sizes([5, 1], output="sigmoid").init()
    y = np.arange(8) % 2
    for kind, call in [
        (DataError, lambda X: model.predict(X)),
        (DataError, lambda X: cr.train(model, np.ones((8, 5)), y, validation=(X, y))),
        *((DivergenceError, lambda X, e=e: cr.train(model, X, y, batch_size=3, engine=e)) for e in ENGINES),
    ]:
        errors = []
        for X in (matrix, matrix.toarray()):
            with pytest.raises(kind) as caught:
                call(X)
            errors.append(str(caught.value))
        assert errors[0] == errors[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_divergence_is_diagnosed(engine: str) -> None:
    X = random_matrix(3, 40, 6, 0.5) * 1e6
    network = Network.from_sizes([6, 4, 1], hidden="relu")
    with pytest.raises(DivergenceError, match="unscaled inputs"):
        cr.train(network, X, np.arange(40.0), optimizer=cr.SGD(1.0), epochs=50, batch_size=10, engine=engine)


def test_sparse_targets_are_refused() -> None:
    with pytest.raises(DataError, match=r"Y is a sparse matrix .* give Y.toarray\(\)"):
        cr.train(Network.from_sizes([2, 2]), np.eye(2), sparse.csr_array(np.eye(2)))


# The memory.

N, K = 20_000, 50_000  # 8 GB, were it dense


@pytest.fixture(scope="module")
def huge() -> Any:
    rng = np.random.default_rng(0)
    return sparse.csr_matrix((rng.normal(size=5 * N), rng.integers(0, K, 5 * N), np.arange(N + 1) * 5), shape=(N, K))


def peak(call: Any) -> float:
    """Megabytes that a call takes at most."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [100, N])
def test_training_stays_small(huge: Any, engine: str, batch_size: int) -> None:
    network = Network.from_sizes([K, 4, 1], hidden="relu", output="sigmoid")

    def train() -> None:
        rows = huge if batch_size == N else huge[:1000]
        cr.train(network, rows, np.arange(rows.shape[0]) % 2, batch_size=batch_size, epochs=2, engine=engine)

    assert peak(train) < 300


@pytest.mark.parametrize("engine", ENGINES)
def test_dropped_inputs_stay_sparse(huge: Any, engine: str) -> None:
    network = Network([Dropout(0.5), Dense(2, "softmax")], inputs=K)
    few, y = huge[:4000], np.arange(4000) % 2  # 1.6 GB
    assert peak(lambda: cr.train(network, few, y, batch_size=4000, epochs=1, metrics=(), engine=engine)) < 150


@pytest.mark.parametrize("engine", ENGINES)
def test_using_a_model_stays_small(huge: Any, engine: str) -> None:
    model = Network.from_sizes([K, 4, 1], hidden="relu", output="sigmoid").init()
    y = np.arange(N) % 2
    for call in (model.predict, model.forward, lambda X: model.evaluate(X, y), lambda X: model.gradient(X, y)):
        assert peak(lambda call=call: call(huge)) < 60
    rows, verbs = model.inputs(huge[:3000]), engines.choose(engine)
    assert peak(lambda: verbs.predict(model.network, model.theta, model.state, rows)) < 300


def test_too_many_dense_rows_are_the_reference_engines(huge: Any) -> None:
    network = Network.from_sizes([K, 4, 1], output="sigmoid")
    y = np.arange(N) % 2
    model = cr.train(network, huge, y, batch_size=N, epochs=1, metrics=(), engine="compiled")
    assert model.history is not None
    assert model.history.engine == reference.name
