"""The pictures that commands draw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.files import beside
from chainrule.language import Message

if TYPE_CHECKING:
    from chainrule.model import Model

__all__ = ["draw_curve", "draw_predictions"]

_ROWS = {
    "all": Message("all rows"),
    "train": Message("train rows"),
    "validation": Message("validation rows"),
    "test": Message("test rows"),
}


def draw_curve(model: Model, path: Path) -> Path:
    """Draw the learning curve of a model that was trained."""
    from chainrule.plots import learning_curves, save_figure

    assert model.history is not None
    return save_figure(learning_curves(model.history), path)


def draw_predictions(model: Model, predicted: Any, truth: Any, part: str, path: Path, *, aside: bool = True) -> Path:
    """Draw the confusion matrix, or predictions beside true values.

    Args:
        model: gives classes and the target's name.
        predicted: labels or values.
        truth: likewise.
        part: which rows they are, for the title.
        path: the picture, or with ``aside`` the learning curve that it is named after.
        aside: see ``path``.
    """
    from chainrule.plots import confusion_matrix, predictions_beside_truth, save_figure

    rows = _ROWS[part]
    if model.classes is not None and model.target is not None:
        # Labels of a file may be written otherwise than those of the model: 1 and "1" are one class.
        labels = model.target.inverse(model.target.transform(truth))
        if not isinstance(model.classes[0], (int, float)):
            labels, predicted = model.target.transform(labels), model.target.transform(predicted)
        figure = confusion_matrix(
            labels, predicted, model.classes, title=Message("Confusion matrix, {rows}", rows=rows)
        )
        return save_figure(figure, beside(path, "confusion") if aside else path)
    name = model.target.name if model.target is not None else Message("target")
    title = Message("Predictions beside the truth, {rows}", rows=rows)
    figure = predictions_beside_truth(truth, predicted, name=name, title=title)
    return save_figure(figure, beside(path, "predictions") if aside else path)
