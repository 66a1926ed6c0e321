from __future__ import annotations

from math import nan
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule import Network, train
from chainrule.errors import ShapeError, UsageError
from chainrule.plots import learning_curves
from chainrule.plots.palette import TRAINING, VALIDATION


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


@pytest.mark.parametrize("epochs", [1, 3, 20, 21, 300])
def test_line_data_is_the_history(make_history, epochs):
    history = make_history(epochs)
    figure = learning_curves(history)
    for axes, name in zip(figure.axes, ["loss", "accuracy"], strict=True):
        drawn = lines(axes)
        for label, key in {"training": name, "validation": f"validation_{name}"}.items():
            np.testing.assert_array_equal(drawn[label].get_xdata(), np.arange(1, epochs + 1))
            np.testing.assert_array_equal(drawn[label].get_ydata(), history.series[key])


@pytest.mark.parametrize("epochs", [1, 3, 300])
def test_texts_do_not_overlap(make_history, check_texts, epochs):
    check_texts(learning_curves(make_history(epochs), title="Digits, 64-30-10, " * 6))


def test_training_and_validation_differ_in_more_than_colour(make_history):
    drawn = lines(learning_curves(make_history(3)).axes[0])
    assert drawn["training"].get_color() == TRAINING
    assert drawn["validation"].get_color() == VALIDATION
    assert drawn["training"].get_linestyle() != drawn["validation"].get_linestyle()


def test_few_epochs_have_markers(make_history):
    assert lines(learning_curves(make_history(1)).axes[0])["training"].get_marker() == "o"
    assert lines(learning_curves(make_history(300)).axes[0])["training"].get_marker() in ("", "None")


def test_the_first_best_epoch_is_marked():
    series = {"loss": [3.0, 2.0, 1.0, 0.5], "validation_loss": [3.0, 1.5, 1.5, 2.0], "rmse": [4.0, 3.0, 2.0, 1.0]}
    figure = learning_curves(SimpleNamespace(series=series))
    ring = lines(figure.axes[0])["best epoch"]
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([2], [1.5])
    for axes in figure.axes:
        assert "best epoch: 2" in [text.get_text() for text in axes.get_legend().get_texts()]
    assert figure.get_suptitle().endswith("best epoch 2 of 4: validation loss 1.5")


def test_the_epoch_that_early_stopping_kept_is_the_best():
    series = {"loss": [3.0, 2.0], "validation_loss": [3.0, 1.5], "accuracy": [0.9, 0.5]}
    figure = learning_curves(SimpleNamespace(series=series, best_epoch=1))
    assert lines(figure.axes[0])["best epoch"].get_ydata() == [3.0]
    figure = learning_curves(SimpleNamespace(series={"accuracy": [0.9, 0.5]}, best_epoch=1))
    assert figure.get_suptitle().endswith("best epoch 1 of 2")


def test_the_legend_hides_no_curve(make_history):
    figure = learning_curves(make_history(300))
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert axes.get_legend().get_window_extent().x0 >= axes.get_window_extent().x1


@pytest.mark.parametrize(
    ("last", "scale"), [(0.011, "linear"), (0.009, "log"), (0.0, "linear"), (-1.0, "linear"), (1e-300, "log")]
)
def test_log_scale_beyond_two_decades(last, scale):
    figure = learning_curves(SimpleNamespace(series={"loss": [1.0, 0.5, last], "mae": [100.0, 1.0, 0.01]}))
    assert [axes.get_yscale() for axes in figure.axes] == [scale, "linear"]
    figure.draw_without_rendering()


def test_penalty_is_drawn_where_there_is_one():
    series = {"loss": [0.5, 0.4], "penalty": [0.1, 0.2]}
    drawn = lines(learning_curves(SimpleNamespace(series=series)).axes[0])
    assert list(drawn["penalty"].get_ydata()) == [0.1, 0.2]
    series["penalty"] = [0.0, 0.0]
    assert "penalty" not in lines(learning_curves(SimpleNamespace(series=series)).axes[0])


def test_panels_follow_the_metrics(check_texts):
    names = ["rmse", "mae", "r2", "validation_r2", "my_metric", "seconds", "rate"]
    figure = learning_curves(SimpleNamespace(series={name: [1.0, 2.0] for name in names}))
    assert [axes.get_ylabel() for axes in figure.axes] == ["RMSE", "MAE", "R²", "my metric"]
    check_texts(figure)


@pytest.mark.parametrize(("last", "texts"), [(0.95, {"70", "80", "90"}), (0.704, {"70.1", "70.2", "70.3"})])
def test_accuracy_has_as_many_digits_as_it_needs(last, texts):
    axes = learning_curves(SimpleNamespace(series={"accuracy": [0.7, last]})).axes[0]
    assert texts <= {label.get_text() for label in axes.get_yticklabels()}


def test_epochs_begin_at_one(make_history):
    for epochs in (1, 2, 7, 300):
        axes = learning_curves(make_history(epochs)).axes[-1]
        low, high = axes.get_xlim()
        shown = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert shown
        assert min(shown) >= 1
        assert all(tick == int(tick) for tick in shown)


@pytest.mark.parametrize("series", [{}, {"loss": []}, {"rate": [0.1], "seconds": [1.0]}, {"loss": [nan]}])
def test_empty_history(series):
    with pytest.raises(UsageError, match="empty"):
        learning_curves(SimpleNamespace(series=series))


def test_lengths_that_differ():
    with pytest.raises(ShapeError, match="loss: 2, accuracy: 1"):
        learning_curves(SimpleNamespace(series={"loss": [1.0, 2.0], "accuracy": [0.5]}))


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_infinite_values(value):
    with pytest.raises(UsageError, match=r"'loss'.*row 1, and 1 value"):
        learning_curves(SimpleNamespace(series={"loss": [1.0, value], "accuracy": [nan, 0.5]}))


def test_what_was_not_measured_is_a_gap(check_texts):
    series = {
        "loss": [4.0, 3.0, 2.0, 1.0, 0.5, 0.001],
        "validation_loss": [nan, nan, 1.5, 0.01, 1.8, nan],
        "penalty": [nan, 0.0, 0.0, 0.0, 0.0, 0.0],
        "rmse": [nan] * 6,
        "accuracy": [nan, 0.5, nan, nan, 0.8, nan],
    }
    figure = learning_curves(SimpleNamespace(series=series))
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy (%)"]
    drawn = lines(figure.axes[0])
    np.testing.assert_array_equal(drawn["validation"].get_ydata(), series["validation_loss"])
    assert drawn["best epoch"].get_xdata() == [4]
    assert figure.axes[0].get_yscale() == "log"
    assert "penalty" not in drawn
    assert figure.get_suptitle().endswith("best epoch 4 of 6: validation loss 0.01")
    check_texts(figure)


def test_a_best_epoch_without_validation_has_no_ring():
    series = {"loss": [3.0, 2.0, 1.0], "validation_loss": [1.5, nan, nan]}
    figure = learning_curves(SimpleNamespace(series=series, best_epoch=3))
    assert "best epoch" not in lines(figure.axes[0])
    assert figure.get_suptitle().endswith("best epoch 3 of 3")


def test_a_value_between_gaps_is_seen():
    accuracy = [0.5, *[nan] * 28, 0.9, 0.9]
    curve = lines(learning_curves(SimpleNamespace(series={"accuracy": accuracy})).axes[0])["training"]
    assert (curve.get_marker(), curve.get_markevery()) == ("o", [0])


def test_a_training_that_went_on_with_validation():
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    network = Network.from_sizes([1, 1], output="sigmoid")
    model = train(train(network, X, y, epochs=2), X, y, epochs=3, validation=(X, y))
    drawn = lines(learning_curves(model.history).axes[0])
    assert np.isnan(drawn["validation"].get_ydata()).tolist() == [True, True, False, False, False]


def test_something_else_than_a_history():
    with pytest.raises(UsageError, match=r"given dict; give it that of a trained model, model\.history"):
        learning_curves({"loss": [1.0]})
