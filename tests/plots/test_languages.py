"""Pictures in Chinese: labelled so where a font has the letters, else in English, and the user is told."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from chainrule.language import Message, language, speaking
from chainrule.plots import (
    confusion_matrix,
    decision_regions,
    digits,
    first_layer_weights,
    learning_curves,
    predictions_beside_truth,
    save_figure,
    style,
)

HISTORY = SimpleNamespace(
    series={"loss": [0.7, 0.4], "penalty": [0.1, 0.1], "validation_loss": [0.8, 0.5], "accuracy": [0.5, 0.9]}
)
PICTURES: dict[str, Callable[[], Figure]] = {
    "learning_curves": lambda: learning_curves(HISTORY),
    "confusion_matrix": lambda: confusion_matrix(["a", "b"], ["a", "b"], ["a", "b"]),
    "decision_regions": lambda: decision_regions(lambda points: points[:, 0] > 0.5, [[0, 0], [1, 1]], [False, True]),
    "digits": lambda: digits([[0, 1, 1, 0], [1, 0, 0, 1]], [7, 4], [7, 9]),
    "first_layer_weights": lambda: first_layer_weights([[0.5, -1.0, 0.0, 0.2]], (2, 2)),
    "predictions_beside_truth": lambda: predictions_beside_truth([1.0, 2.0], [1.1, 1.9], name="€"),
}
each_picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)


@pytest.fixture
def with_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a Chinese font were installed; nothing is rendered."""
    monkeypatch.setattr(style, "_font_families", lambda: ("DejaVu Sans", "Noto Sans CJK SC"))


@pytest.fixture
def without_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "_font_families", lambda: ("DejaVu Sans",))


def words(figure: Figure) -> list[str]:
    """All texts of a picture, without numbers and names of data."""
    return [text for each in figure.findobj(Text) if len(text := each.get_text()) > 2 and any(map(str.isalpha, text))]


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


@each_picture
@pytest.mark.usefixtures("with_font")
def test_labels_are_chinese(draw: Callable[[], Figure]) -> None:
    with speaking("zh"):
        figure = draw()
    known = ("x1", "x2", "RMSE", "best epoch", "True", "False")
    assert [text for text in words(figure) if not is_chinese(text) and not text.startswith(known)] == []


@each_picture
@pytest.mark.usefixtures("without_font")
def test_labels_are_english_where_there_is_no_font(draw: Callable[[], Figure]) -> None:
    with speaking("zh"):
        with pytest.warns(UserWarning, match="fonts-noto-cjk"):
            figure = draw()
        assert language() == "zh"
    assert words(figure) == words(draw())
    assert not any(map(is_chinese, words(figure)))


@pytest.mark.usefixtures("without_font")
def test_english_needs_no_font() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learning_curves(HISTORY)


@pytest.mark.usefixtures("without_font")
def test_messages_in_names_follow_the_labels() -> None:
    X, name = [[0, 0], [1, 1]], Message("weight")
    with speaking("zh"), pytest.warns(UserWarning, match="fonts-noto-cjk"):
        figure = decision_regions(lambda points: points[:, 0] > 0.5, X, [0, 1], features=[name, "y"])
    assert figure.axes[0].get_xlabel() == "weight"


@pytest.mark.usefixtures("without_font")
def test_messages_in_titles_follow_the_labels() -> None:
    title = Message("Confusion matrix, {rows}", rows=Message("test rows"))
    with speaking("zh"), pytest.warns(UserWarning, match="fonts-noto-cjk"):
        figure = confusion_matrix([0, 1], [0, 1], [0, 1], title=title)
    assert figure.get_suptitle().startswith("Confusion matrix, test rows")


@pytest.mark.usefixtures("with_font")
def test_chinese_titles_are_broken_into_lines() -> None:
    with speaking("zh"):
        figure = confusion_matrix([0, 1], [0, 1], [0, 1], title="很长的标题" * 12)
    lines = figure.get_suptitle().split("\n")
    assert all(len(line) <= figure.get_figwidth() * 72 / style.TITLE_POINTS for line in lines)


@pytest.mark.usefixtures("without_font")
def test_a_saved_picture_has_all_its_letters(tmp_path: Path) -> None:
    """The English labels are in every font: saving warns of nothing more."""
    with speaking("zh"):
        with pytest.warns(UserWarning, match="fonts-noto-cjk"):
            figure = learning_curves(HISTORY)
        save_figure(figure, tmp_path / "curve.png")
