from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection

from chainrule.errors import ShapeError, UsageError
from chainrule.plots import predictions_beside_truth


def answers(m, outputs=None, seed=0):
    random = np.random.default_rng(seed)
    truth = random.normal(100, 20, m if outputs is None else (m, outputs))
    return truth, truth + random.normal(0, 5, truth.shape)


@settings(max_examples=10, deadline=None)
@given(m=st.integers(2, 50), seed=st.integers(0, 1000))
def test_scores_equal_those_of_scikit_learn(m, seed):
    from sklearn.metrics import r2_score, root_mean_squared_error

    truth, predicted = answers(m, seed=seed)
    title = predictions_beside_truth(truth, predicted).axes[0].get_title()
    rmse, r2 = root_mean_squared_error(truth, predicted), r2_score(truth, predicted)
    assert title == f"RMSE {rmse:.4g}, R² {r2:.4g}".replace("-", "−")


@pytest.mark.parametrize("m", [1, 10, 400, 6_000])
def test_texts_do_not_overlap(check_texts, m):
    check_texts(predictions_beside_truth(*answers(m), name="disease progression after one year (points)"))


@pytest.mark.parametrize(("outputs", "panels"), [(2, 2), (3, 3), (4, 4), (8, 6)])
def test_one_panel_for_each_output(check_texts, outputs, panels):
    truth, predicted = answers(50, outputs)
    figure = predictions_beside_truth(truth, predicted)
    assert len(figure.axes) == panels
    for output, axes in enumerate(figure.axes):
        points = np.asarray(axes.collections[0].get_offsets())
        np.testing.assert_array_equal(points, np.column_stack([truth[:, output], predicted[:, output]]))
        assert axes.get_xlabel() == f"true target {output}"
    assert ("first 6 of 8" in figure.get_suptitle()) == (outputs == 8)
    check_texts(figure)


def test_points_diagonal_and_residuals():
    truth, predicted = answers(100)
    scatter, residuals = predictions_beside_truth(truth, predicted, name="price (€)").axes
    np.testing.assert_array_equal(scatter.collections[0].get_offsets(), np.column_stack([truth, predicted]))
    np.testing.assert_array_equal(*scatter.lines[0].get_data())
    assert scatter.get_xlim() == scatter.get_ylim()
    assert sum(bar.get_height() for bar in residuals.patches) == 100
    assert residuals.get_xlabel() == "predicted − true price (€)"


def test_many_points_become_a_density():
    figure = predictions_beside_truth(*answers(6_000))
    (cells,) = figure.axes[0].collections
    assert isinstance(cells, PolyCollection)
    assert np.sum(cells.get_array()) == 6_000
    assert len(figure.axes) == 3


def test_a_column_is_as_good_as_a_row():
    truth, predicted = answers(10)
    assert len(predictions_beside_truth(truth, predicted[:, np.newaxis]).axes) == 2


@pytest.mark.parametrize("value", [0.0, 3.0, 1e12])
def test_values_that_are_all_equal(value):
    figure = predictions_beside_truth(np.full(5, value), np.full(5, value))
    assert figure.axes[0].get_title() == "RMSE 0, R² 1"
    figure.draw_without_rendering()


def test_residuals_that_differ_by_rounding_only():
    predicted = np.where(np.arange(50) % 2 == 0, 0.5, np.nextafter(0.5, 1.0))
    predictions_beside_truth(np.zeros(50), predicted).draw_without_rendering()


@pytest.mark.parametrize(
    ("truth", "predicted", "keywords", "error", "message"),
    [
        ([1.0, 2.0], [1.0], {}, ShapeError, r"\(2,\) and predicted has \(1,\)"),
        ([], [], {}, UsageError, "truth is empty"),
        ([1.0, np.nan], [1.0, 2.0], {}, UsageError, "truth has nan in row 1"),
        ([1.0, 2.0], [1.0, np.inf], {}, UsageError, "predicted has inf in row 1"),
        (["a"], [1.0], {}, UsageError, "truth must be numbers"),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2)), {}, ShapeError, "1 or 2"),
        ([[1.0, 2.0]], [[1.0, 2.0]], {"name": ["one"]}, ShapeError, "1 names for 2 outputs"),
    ],
)
def test_wrong_arguments(truth, predicted, keywords, error, message):
    with pytest.raises(error, match=message):
        predictions_beside_truth(truth, predicted, **keywords)
