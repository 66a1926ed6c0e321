"""The series of a history stay in step with the epochs, and look-ups behave as in a dictionary."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import UnknownName
from chainrule.history import History

EPOCHS = st.lists(st.dictionaries(st.sampled_from(["loss", "penalty", "accuracy"]), st.floats(0, 1)), max_size=6)


def test_a_series_is_read_by_name() -> None:
    history = History({"loss": [0.5, 0.25]})
    assert history["loss"] == [0.5, 0.25]
    assert (list(history), len(history), history.epochs) == (["loss"], 1, 2)


def test_a_name_that_was_not_recorded() -> None:
    history = History({"validation_loss": [0.5]})
    with pytest.raises(UnknownName, match="unknown series 'validation_los'; did you mean 'validation_loss'"):
        history["validation_los"]
    assert "loss" not in history
    assert "validation_loss" in history
    assert history.get("loss") is None
    assert history.get("loss", []) == []


@given(EPOCHS)
def test_all_series_have_the_same_length(epochs: list[dict[str, float]]) -> None:
    history = History()
    for values in epochs:
        history.append(values)
    recorded = [values for values in epochs if values or history.series]
    names = {name for values in epochs for name in values}
    assert set(history) == names
    assert {len(series) for series in history.values()} <= {history.epochs}
    for name, series in history.items():
        wanted = [values.get(name, math.nan) for values in recorded][-len(series) :]
        assert series == pytest.approx(wanted, nan_ok=True)


def test_a_series_that_begins_later_stands_beside_its_own_epochs() -> None:
    history = History()
    history.append({"loss": 1.0})
    history.append({"loss": 0.5, "validation_loss": 0.75})
    history.append({"validation_loss": 0.5})
    assert history["validation_loss"] == pytest.approx([math.nan, 0.75, 0.5], nan_ok=True)
    assert history["loss"] == pytest.approx([1.0, 0.5, math.nan], nan_ok=True)


def test_the_table_shows_the_last_epochs_and_why_it_ended() -> None:
    history = History({"loss": [1 / k for k in range(1, 13)]}, stopped="all 12 epochs done")
    lines = str(history.table(last=2)).split("\n")
    assert lines[1:] == [
        "epoch       loss",
        "----------------",
        "   11  0.0909091",
        "   12  0.0833333",
        "-" * 16,
        lines[-1],
    ]
    assert lines[-1] == "all 12 epochs done"
    assert len(history.table().rows) == 10
    assert len(history.table(last=99).rows) == 12
    assert "<table>" in history._repr_html_()


def test_an_empty_history_shows_itself() -> None:
    assert repr(History()) == "History(0 epochs: )"
    assert History().table().rows == []


def test_values_are_kept_as_plain_numbers() -> None:
    history = History()
    history.append({"loss": True})
    assert history["loss"] == [1.0]
    assert type(history["loss"][0]) is float


def test_histories_with_the_same_series_are_equal() -> None:
    assert History({"loss": [1.0]}) == History({"loss": [1.0]})
    assert History({"loss": [1.0]}) != History({"loss": [2.0]})


def test_several_epochs_at_once_leave_nan_where_a_series_has_no_value() -> None:
    history = History()
    history.extend({"loss": [4.0, 3.0]}, 2)
    history.extend({"loss": [2.0], "rmse": [1.0]}, 1)
    history.extend({"rmse": [0.5, 0.25]}, 2)
    expected = {"loss": [4.0, 3.0, 2.0, math.nan, math.nan], "rmse": [math.nan, math.nan, 1.0, 0.5, 0.25]}
    assert str(history.series) == str(expected)
