"""Whatever people pass becomes the right matrix, or an error that says where and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.arrays import (
    as_inputs,
    as_targets,
    as_weights,
    check_dtype,
    check_finite,
    check_target,
    fit_target,
    one_hot,
    truth_of,
)
from chainrule.data.encoder import TableEncoder
from chainrule.data.targets import TargetEncoder
from chainrule.errors import ChainruleError, DataError, ShapeError, UsageError
from chainrule.formulas import LOSSES
from chainrule.model import default_loss
from chainrule.network import Network

pd = pytest.importorskip("pandas")
sparse = pytest.importorskip("scipy.sparse")


def wrong_indices() -> Any:
    """A sparse matrix of two columns with a number in the sixth."""
    matrix = sparse.csr_array(np.eye(2))
    matrix.indices[1] = 5
    return matrix


DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)
TWO = Network.from_sizes([2, 1])
MATRIX = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def softmax(outputs: int) -> Network:
    return Network.from_sizes([2, outputs], output="softmax")


def sigmoid(outputs: int = 1) -> Network:
    return Network.from_sizes([2, outputs], output="sigmoid")


def identity(outputs: int = 1) -> Network:
    return Network.from_sizes([2, outputs])


def prepare(network: Network, Y: Any, rows: int | None = None, loss: str | None = None) -> tuple[TargetEncoder, Any]:
    """What Y means to the network, and its matrix."""
    chosen = default_loss(network) if loss is None else LOSSES.find(loss)
    rows = len(Y) if rows is None else rows
    target = fit_target(network, chosen, Y, rows)
    return target, as_targets(Y, rows, network, chosen, target, DOUBLE).tolist()


# Inputs.

READ_ONLY = np.array(MATRIX)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    "X",
    [
        MATRIX,
        tuple(map(tuple, MATRIX)),
        np.array(MATRIX),
        np.asfortranarray(MATRIX),
        np.array(MATRIX, dtype=np.uint8),
        np.array(MATRIX, dtype=np.int64),
        np.array(MATRIX, dtype=np.float16),
        np.array(MATRIX, dtype=np.longdouble),
        np.array(MATRIX, dtype=">f4"),
        np.array(MATRIX, dtype=object),
        np.array([[1.0, 0.0, 2.0], [3.0, 0.0, 4.0], [5.0, 0.0, 6.0]])[:, ::2],
        READ_ONLY,
        [["1", "2"], ["3", "4.0"], ["5", "6e0"]],
        [np.array(row) for row in MATRIX],
        pd.DataFrame(MATRIX),
        pd.DataFrame({"a": [1, 3, 5], "b": [2.0, 4.0, 6.0]}),
        pd.DataFrame({"a": [1, 3, 5], "b": [2.0, 4.0, 6.0]}).convert_dtypes(),
    ],
)
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE])
def test_inputs_become_a_matrix(X: Any, dtype: np.dtype[Any]) -> None:
    matrix = as_inputs(X, TWO, dtype)
    assert matrix.tolist() == MATRIX
    assert matrix.dtype == dtype
    assert matrix.flags.c_contiguous
    assert np.asarray(X).shape == (3, 2)


def test_inputs_that_fit_are_not_copied() -> None:
    X = np.array(MATRIX)
    assert as_inputs(X, TWO, DOUBLE) is X


def test_truth_values_are_zeros_and_ones() -> None:
    assert as_inputs([[True, False]], TWO, DOUBLE).tolist() == [[1, 0]]


def test_a_vector_is_one_row_or_one_column() -> None:
    assert as_inputs([1, 2], TWO, DOUBLE).tolist() == [[1, 2]]
    assert as_inputs([1, 2, 3], Network.from_sizes([1, 1]), DOUBLE).tolist() == [[1], [2], [3]]
    assert as_inputs([1], Network.from_sizes([1, 1]), DOUBLE).tolist() == [[1]]


def test_no_rows_are_rows() -> None:
    assert as_inputs(np.zeros((0, 2)), TWO, DOUBLE).shape == (0, 2)
    assert as_inputs(pd.DataFrame({"a": [], "b": []}), TWO, DOUBLE).shape == (0, 2)


def test_what_is_not_finite_passes_and_is_found() -> None:
    X = as_inputs([[1, 2], [3, None], [np.inf, 1e200]], TWO, SINGLE)
    assert np.isnan(X[1, 1])
    assert np.isinf(X[2]).all()
    with pytest.raises(DataError, match=r"row 1, column 1 of X is nan \(counted from 0, as float32\); correct it"):
        check_finite(X)
    with pytest.raises(DataError, match="row 0, column 0 of X is inf"):
        check_finite(X[2:])
    check_finite(X[:1])
    check_finite(X[:0])


@pytest.mark.parametrize(
    ("X", "kind", "message"),
    [
        (np.zeros((3, 3)), ShapeError, r"X has shape \(3, 3\); the network takes rows of 2 numbers, shape \(n, 2\)$"),
        ([1, 2, 3], ShapeError, r"X has shape \(3,\)"),
        ([], ShapeError, r"X has shape \(0,\)"),
        (1.0, ShapeError, r"X has shape \(\)"),
        (np.zeros((3, 2, 1)), ShapeError, r"give X.reshape\(len\(X\), -1\)"),
        (np.zeros((0, 2, 1)), ShapeError, "X.reshape"),
        (np.zeros((3, 2, 2)), ShapeError, r"shape \(n, 2\)$"),
        ([[1, 2], [3]], DataError, "the rows of X have different lengths; each needs the same"),
        (
            [[1, 2], [3, "three"]],
            DataError,
            "X holds 'three' in row 1, column 1, which is no number; give numbers, or train",
        ),
        (pd.DataFrame({"a": [1, 2], "pet": [3, "dog"]}), DataError, "X holds 'dog' in row 1, column 'pet'"),
        (pd.DataFrame({"a": [1, None], "b": [3, 4]}, dtype="Int64"), DataError, "X holds <NA> in row 1, column 'a'"),
        (["one", 2], DataError, "X holds 'one' in row 0, which"),
        ("abc", DataError, "X is str; expected rows of numbers"),
        (None, DataError, "X is NoneType"),
        ({"a": 1}, DataError, "X is dict"),
        (np.zeros((1, 2), dtype=complex), DataError, "X is an array of type complex128; expected rows of numbers"),
        (np.zeros((1, 2), dtype="M8[D]"), DataError, "X is an array of type datetime64"),
        (sparse.eye(3), ShapeError, r"X has shape \(3, 3\); the network takes rows of 2 numbers"),
        (sparse.csr_array(1j * np.eye(2)), DataError, r"X is a sparse matrix of type complex128; expected rows"),
        (wrong_indices(), DataError, r"X is a sparse matrix with wrong indices \(.*\); make it anew"),
    ],
)
def test_inputs_that_cannot_be(X: Any, kind: type[ChainruleError], message: str) -> None:
    with pytest.raises(kind, match=message):
        as_inputs(X, TWO, DOUBLE)


def test_an_encoder_takes_no_sparse_matrix() -> None:
    encoder = TableEncoder.fit(np.eye(2))
    with pytest.raises(DataError, match=r"X is a sparse matrix \(csr_array\), and an encoder .* give X.toarray\(\)"):
        as_inputs(sparse.csr_array(np.eye(2)), TWO, DOUBLE, encoder)


def test_raw_rows_go_through_the_encoder() -> None:
    frame = pd.DataFrame({"age": [20.0, 40.0], "pet": ["cat", "dog"]})
    encoder = TableEncoder.fit(frame)
    matrix = as_inputs(frame, Network.from_sizes([3, 1]), SINGLE, encoder)
    assert matrix.tolist() == [[-1, 1, 0], [1, 0, 1]]
    assert matrix.dtype == np.float32
    with pytest.raises(ShapeError, match=r"X has shape \(2, 3\); the network takes rows of 2 numbers"):
        as_inputs(frame, TWO, SINGLE, encoder)


# What targets mean.


@pytest.mark.parametrize(
    ("network", "Y", "classes", "matrix"),
    [
        # Class numbers, also where some classes are not among them.
        (softmax(3), [0, 2], (0, 1, 2), [[1, 0, 0], [0, 0, 1]]),
        (softmax(3), [0.0, 2.0], (0, 1, 2), [[1, 0, 0], [0, 0, 1]]),
        (softmax(3), np.array([0, 2], dtype=np.uint8), (0, 1, 2), [[1, 0, 0], [0, 0, 1]]),
        (softmax(3), [[0], [2]], (0, 1, 2), [[1, 0, 0], [0, 0, 1]]),
        (softmax(3), np.array([0, 2], dtype=object), (0, 1, 2), [[1, 0, 0], [0, 0, 1]]),
        (softmax(3), pd.Series([0, 2], index=[5, 6]), (0, 1, 2), [[1, 0, 0], [0, 0, 1]]),
        (softmax(3), pd.Series([0, 2], dtype="Int64"), (0, 1, 2), [[1, 0, 0], [0, 0, 1]]),
        (softmax(3), pd.DataFrame({"y": [0, 2]}), (0, 1, 2), [[1, 0, 0], [0, 0, 1]]),
        (sigmoid(), [1, 1], (0, 1), [[1], [1]]),
        (sigmoid(), [[0.0], [1.0]], (0, 1), [[0], [1]]),
        (sigmoid(), [0.0, 1.0], (0, 1), [[0], [1]]),
        # Other labels, in their sorted order.
        (softmax(3), [3, 1, 2], (1, 2, 3), [[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
        (sigmoid(), [1, -1], (-1, 1), [[1], [0]]),
        (sigmoid(), [1, 2], (1, 2), [[0], [1]]),
        (softmax(2), [1, -1], (-1, 1), [[0, 1], [1, 0]]),
        (sigmoid(), ["no", "yes"], ("no", "yes"), [[0], [1]]),
        (sigmoid(), np.array(["yes", "no"]), ("no", "yes"), [[1], [0]]),
        (sigmoid(), [np.str_("yes"), np.str_("no")], ("no", "yes"), [[1], [0]]),
        (sigmoid(), np.array(["yes", "no"], dtype=object), ("no", "yes"), [[1], [0]]),
        (sigmoid(), pd.Series(["yes", "no"], dtype="category"), ("no", "yes"), [[1], [0]]),
        (softmax(2), ["0", "1"], ("0", "1"), [[1, 0], [0, 1]]),
        # Truth values.
        (sigmoid(), [True, False], (False, True), [[1], [0]]),
        (sigmoid(), [True, True], (False, True), [[1], [1]]),
        (softmax(2), np.array([True, False], dtype=object), (False, True), [[0, 1], [1, 0]]),
        (identity(), [True, False], (False, True), [[1], [0]]),
        # A row for each example: one-hot, or the share of each class.
        (softmax(2), [[0, 1], [1, 0]], (0, 1), [[0, 1], [1, 0]]),
        (softmax(2), [[False, True]], (0, 1), [[0, 1]]),
        (softmax(2), [[0.25, 0.75]], (0, 1), [[0.25, 0.75]]),
        (softmax(2), pd.DataFrame({"a": [0.25], "b": [0.75]}), (0, 1), [[0.25, 0.75]]),
        # Values, also whole ones.
        (identity(), [3, 1], None, [[3], [1]]),
        (identity(), [0, 1], None, [[0], [1]]),
        (identity(), np.array([1.5, 2], dtype=object), None, [[1.5], [2]]),
        (identity(2), [[3, 1], [0, 1]], None, [[3, 1], [0, 1]]),
        (sigmoid(2), [[0, 1], [1, 1]], None, [[0, 1], [1, 1]]),
        (sigmoid(2), [[True, False]], None, [[1, 0]]),
        (sigmoid(), [0.25, 0.5], None, [[0.25], [0.5]]),
        (Network.from_sizes([2, 1], output="softplus"), [0, 3], None, [[0], [3]]),
        # Class numbers for several outputs that are no softmax.
        (sigmoid(3), [0, 2], (0, 1, 2), [[1, 0, 0], [0, 0, 1]]),
        (identity(3), [0, 2], (0, 1, 2), [[1, 0, 0], [0, 0, 1]]),
    ],
)
def test_targets_mean_what_they_look_like(network: Network, Y: Any, classes: Any, matrix: list[list[float]]) -> None:
    target, found = prepare(network, Y)
    assert target.classes == classes
    assert found == matrix
    if classes is not None and np.ndim(Y) == 1:
        labels = target.inverse(truth_of(np.array(matrix), True))
        assert labels.tolist() == list(np.asarray(Y).tolist())


def test_rows_of_a_softmax_are_classes_whatever_the_loss() -> None:
    assert prepare(softmax(2), [[0, 1], [1, 0]], loss="half_squared_error")[0].classes == (0, 1)
    assert prepare(softmax(2), [[0.01, 0.98]], loss="half_squared_error")[0].classes is None
    assert prepare(sigmoid(2), [[0, 1], [1, 0]], loss="half_squared_error")[0].classes is None


def test_one_example_may_come_as_a_vector() -> None:
    assert prepare(identity(2), [0.01, 0.99], rows=1)[1] == [[0.01, 0.99]]
    assert prepare(softmax(2), [0.25, 0.75], rows=1)[1] == [[0.25, 0.75]]
    assert prepare(softmax(3), 2, rows=1)[1] == [[0, 0, 1]]
    assert prepare(identity(), 0.5, rows=1)[1] == [[0.5]]
    assert prepare(identity(), [0.5], rows=1)[1] == [[0.5]]
    with pytest.raises(ShapeError, match="Y has 1 column"):
        prepare(identity(2), [0.01, 0.99], rows=2)


@pytest.mark.parametrize(
    ("network", "Y", "kind", "message"),
    [
        (
            softmax(2),
            ["a", "b", "c"],
            ShapeError,
            "Y holds 3 classes, the network has 2 output.* the last layer 3 neurons",
        ),
        (softmax(3), ["a", "b", "b"], ShapeError, "Y holds 2 classes, the network has 3 output.*target=TargetEncoder"),
        (softmax(3), [4, 5, 6, 7], ShapeError, "Y holds 4 classes"),
        (sigmoid(), [0, 1, 2], ShapeError, "Y holds 3 classes, the network has 1 output"),
        (sigmoid(), ["a", "a"], DataError, "has 1 class"),
        (sigmoid(), ["a", None], DataError, "missing in some rows"),
        (identity(2), [0.5, 1.5], ShapeError, r"Y has 1 column\(s\), the network 2 output\(s\); they must agree"),
        (identity(), [[0.5, 1.5]], ShapeError, r"Y has 2 column\(s\), the network 1 output"),
        (identity(), [0.5, np.nan], DataError, "Y, row 1: the target 'target' is nan"),
        (identity(3), [0.0, np.inf], DataError, "Y, row 1: .* inf"),
        (softmax(2), [0, np.nan], DataError, "Y, row 1: .* nan"),
        (softmax(2), [], DataError, "has 0 class"),
        (identity(), [], DataError, "there are no rows"),
        (identity(), ["1.5", "2.5", "much"], ShapeError, "Y holds 3 classes"),
        (identity(2), [["a", "b"]], DataError, "Y holds 'a' in row 0, column 0, which is no number; give numbers$"),
        (
            softmax(2),
            [[0.5, 0.6]],
            DataError,
            r"row 0 of Y is \[0.5, 0.6\]; .* rows of numbers from 0 to 1 that add up to 1",
        ),
        (softmax(2), [[0, 1], [-1, 2]], DataError, r"row 1 of Y is \[-1, 2\]"),
        (softmax(2), [[0, np.nan]], DataError, "row 0 of Y"),
        (
            sigmoid(),
            [0.5, 1.5],
            DataError,
            r"row 1 of Y is 1\.5; the loss 'binary_cross_entropy' takes numbers from 0",
        ),
        (sigmoid(2), [[0, 1], [2, 0]], DataError, r"row 1 of Y is \[2.?0?, 0.?0?\]"),
        (Network.from_sizes([2, 1], output="softplus"), [1, -3], DataError, "'poisson' takes numbers of 0 or more"),
        (identity(), np.zeros((2, 1, 1)), DataError, "shape"),
        (identity(), np.zeros(2, dtype=complex), DataError, "complex"),
        (identity(), np.zeros(2, dtype="M8[D]"), DataError, "datetime64"),
        (identity(), [[1], [2, 3]], DataError, "the rows of Y have different lengths"),
        (identity(2), sparse.csr_matrix(np.eye(2)), DataError, r"Y is a sparse matrix .* give Y.toarray\(\)"),
    ],
)
def test_targets_that_cannot_be(network: Network, Y: Any, kind: type[ChainruleError], message: str) -> None:
    with pytest.raises(kind, match=message):
        prepare(network, Y, rows=Y.shape[0] if sparse.issparse(Y) else None)


def test_each_example_needs_its_target() -> None:
    target = TargetEncoder("classes", classes=(0, 1))
    for Y in ([0, 1], 1, [[0, 1], [1, 0]]):
        with pytest.raises(ShapeError, match=r"X has 3 row\(s\) and Y \(.*\); each example needs its target"):
            as_targets(Y, 3, softmax(2), default_loss(softmax(2)), target, DOUBLE)


def test_a_label_that_training_has_not_seen() -> None:
    target = TargetEncoder("classes", classes=("no", "yes"))
    with pytest.raises(
        DataError, match=r"Y: the target 'target' has the label 'maybe', .* classes in training: 'no', 'yes'"
    ):
        as_targets(["no", "maybe"], 2, sigmoid(), default_loss(sigmoid()), target, DOUBLE)


def test_standardized_values_are_shown_as_they_were_given() -> None:
    target = TargetEncoder("values", center=(10.0,), scale=(2.0,))
    network = Network.from_sizes([2, 1], output="softplus")
    with pytest.raises(DataError, match=r"row 1 of Y is 8\.0; the loss"):
        as_targets([12.0, 8.0], 2, network, default_loss(network), target, DOUBLE)


@given(st.integers(2, 200), st.sampled_from([np.float16, np.float32, np.float64]))
def test_rounded_distributions_are_taken(classes: int, dtype: type) -> None:
    share = np.random.default_rng(classes).dirichlet(np.ones(classes), size=3).astype(dtype)
    target, _ = prepare(softmax(classes), share)
    assert target.outputs == classes


def test_targets_have_the_networks_number_type() -> None:
    network = softmax(2)
    for Y in ([0, 1], [[0.5, 0.5], [0, 1]]):
        target = fit_target(network, default_loss(network), Y)
        matrix = as_targets(Y, 2, network, default_loss(network), target, SINGLE)
        assert matrix.dtype == np.float32
        assert matrix.flags.c_contiguous


def test_a_target_is_held_to_the_outputs() -> None:
    check_target(TargetEncoder("classes", classes=(0, 1)), sigmoid())
    check_target(TargetEncoder("classes", classes=(0, 1)), softmax(2))
    check_target(TargetEncoder("values", center=(0.0,), scale=(1.0,)), identity())
    for target, network in (
        (TargetEncoder("classes", classes=(0, 1)), softmax(3)),
        (TargetEncoder("classes", classes=(0, 1, 2)), sigmoid()),
        (TargetEncoder("values", center=(0.0,), scale=(1.0,)), identity(2)),
    ):
        with pytest.raises(ShapeError):
            check_target(target, network)


@given(st.lists(st.integers(0, 4), min_size=1))
def test_one_hot_and_back(numbers: list[int]) -> None:
    rows = one_hot(np.array(numbers), 5, float)
    assert rows.sum(axis=1).tolist() == [1] * len(numbers)
    assert truth_of(rows, True).tolist() == numbers
    assert truth_of(rows, False) is rows
    assert truth_of(one_hot(np.array([0, 1]), 1, float), True).tolist() == [0, 1]


def test_one_output_of_one_half_is_the_second_class() -> None:
    assert truth_of(np.array([[0.5], [0.49]]), True).tolist() == [1, 0]


# Weights and number types.


@pytest.mark.parametrize("weights", [[1, 0, 2], (1.0, 0.0, 2.0), np.array([1, 0, 2], np.uint8), pd.Series([1, 0, 2])])
def test_weights_become_a_vector(weights: Any) -> None:
    vector = as_weights(weights, 3, SINGLE)
    assert vector is not None
    assert vector.tolist() == [1, 0, 2]
    assert vector.dtype == np.float32


def test_messages_name_the_part() -> None:
    part, loss = "the validation part's ", LOSSES["binary_cross_entropy"]
    target = TargetEncoder("values", center=(0.0,), scale=(1.0,))
    calls: list[tuple[str, Callable[[], object]]] = [
        ("X has shape (1, 3)", lambda: as_inputs([[1, 2, 3]], TWO, DOUBLE, None, part)),
        ("X holds 'a' in row 0, column 1", lambda: as_inputs([[1, "a"]], TWO, DOUBLE, None, part)),
        ("X has 2 row(s) and Y (1,)", lambda: as_targets([0], 2, sigmoid(), loss, target, DOUBLE, part)),
        ("Y", lambda: as_targets([0, np.nan], 2, sigmoid(), loss, target, DOUBLE, part)),
        ("Y is 2;", lambda: as_targets([0, 2], 2, sigmoid(), loss, target, DOUBLE, part)),
        ("Y have different lengths", lambda: as_targets([[0], None], 2, sigmoid(), loss, target, DOUBLE, part)),
        ("weights have shape (1,)", lambda: as_weights([1], 2, DOUBLE, part)),
        ("weights is -1", lambda: as_weights([1, -1], 2, DOUBLE, part)),
        ("weights are all 0", lambda: as_weights([0, 0], 2, DOUBLE, part)),
    ]
    for message, call in calls:
        with pytest.raises(ChainruleError) as caught:
            call()
        assert f"{part}{message}" in str(caught.value)


def test_no_weights_stay_none() -> None:
    assert as_weights(None, 3, DOUBLE) is None


@pytest.mark.parametrize(
    ("weights", "kind", "message"),
    [
        ([1, 2], ShapeError, r"weights have shape \(2,\); one for each of the 3 rows is expected"),
        ([[1], [2], [3]], ShapeError, r"weights have shape \(3, 1\)"),
        (1.0, ShapeError, r"shape \(\)"),
        ([1, -1, 1], DataError, "row 1 of weights is -1; weights are finite numbers of 0 or more"),
        ([1, 1, np.nan], DataError, "row 2 of weights is nan"),
        ([1, 1, 1e39], DataError, "row 2 of weights is 1e"),
        ([0, 0, 0], DataError, "weights are all 0"),
        ([1, "two", 3], DataError, "weights holds 'two' in row 1, which is no number"),
        ("balanced", DataError, "weights is str; expected"),
    ],
)
def test_weights_that_cannot_be(weights: Any, kind: type[ChainruleError], message: str) -> None:
    with pytest.raises(kind, match=message):
        as_weights(weights, 3, SINGLE)


@pytest.mark.parametrize("dtype", ["float32", np.float32, "f4", np.dtype("float64"), float])
def test_number_types_that_are_taken(dtype: Any) -> None:
    assert check_dtype(dtype) in (DOUBLE, SINGLE)


@pytest.mark.parametrize("dtype", ["float16", int, "nonsense", complex, object(), ">f8"])
def test_number_types_that_are_not(dtype: Any) -> None:
    with pytest.raises(UsageError, match="it must be float64 or float32"):
        check_dtype(dtype)


JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.complex_numbers(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=9,
)


@pytest.mark.parametrize(
    "use",
    [
        lambda value: as_inputs(value, TWO, DOUBLE),
        lambda value: as_weights(value, 3, DOUBLE),
        *(
            lambda value, network=network: prepare(network, value, rows=2)
            for network in (softmax(2), sigmoid(), identity(2))
        ),
    ],
)
@given(value=JUNK)
def test_whatever_comes_is_taken_or_refused(use: Callable[[Any], Any], value: Any) -> None:
    try:
        use(value)
    except ChainruleError as error:
        str(error)
