"""`chainrule inspect`: what is in a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli import parameters as p

if TYPE_CHECKING:
    from chainrule.cli.output import Output
    from chainrule.history import History
    from chainrule.model import Model

__all__ = ["inspect"]

_MOST = 20
_LAST_EPOCHS = 5


def inspect(model: p.ModelFile, as_json: p.AsJson = False) -> None:
    """Show what a model is, how it was trained and how good it was."""
    from chainrule.cli.files import model_versions
    from chainrule.cli.output import Output
    from chainrule.storage import load

    loaded = load(model)
    versions = model_versions(model)
    output = Output(as_json)
    made = f"chainrule {versions['chainrule']}, NumPy {versions['numpy']}, Python {versions['python']}"
    output.say(f"{model}: {loaded.task}, written by {made}")
    output.say()
    output.say(str(loaded.summary()))
    _tell_target(output, loaded)
    _tell_columns(output, loaded)
    _tell_training(output, loaded)
    output.result(_as_json(model, loaded, versions))


def _tell_target(output: Output, model: Model) -> None:
    if model.target is None:
        return
    output.heading(f"Target {model.target.name}")
    if model.classes is not None:
        shown = ", ".join(map(str, model.classes[:_MOST]))
        output.say(f"{len(model.classes)} classes: {shown}{', …' if len(model.classes) > _MOST else ''}")
    else:
        pairs = zip(model.target.center or (), model.target.scale or (), strict=True)
        output.say("; ".join(f"value = {scale:.6g} * output + {center:.6g}" for center, scale in pairs))


def _tell_columns(output: Output, model: Model) -> None:
    if model.encoder is None:
        output.heading("Inputs")
        output.say(f"{model.network.inputs} numbers, used as they are")
        return
    columns = model.encoder.columns
    output.heading(f"Columns ({len(columns)}, encoded as {len(model.encoder.outputs)} inputs)")
    rows = [(column.name, *_column(column.to_dict())) for column in columns[:_MOST]]
    if len(columns) > _MOST:
        rows.append((f"… and {len(columns) - _MOST} more", "", ""))
    output.rows(rows, ("column", "kind", "encoding"))


def _column(data: dict[str, Any]) -> tuple[str, str]:
    """Give the kind of a column, and what becomes of it."""
    if data["kind"] == "number":
        if data["scale"] == 0:
            return "number", "constant, not used"
        gaps = f"; missing: {data['fill']:.4g}" if data["gaps"] else ""
        return "number", f"(x - {data['center']:.4g}) / {data['scale']:.4g}{gaps}"
    categories = data["categories"]
    more = " + others" * data["rare"] + " + missing" * data["gaps"]
    shown = ", ".join(categories[:4]) + (", …" if len(categories) > 4 else "")
    return "category", f"{len(categories)} categories{more}: {shown}"


def _tell_training(output: Output, model: Model) -> None:
    from chainrule.cli.measured import tell_metrics
    from chainrule.cli.output import value_text

    settings = model.settings
    if settings:
        output.heading("Training")
        names = ("optimizer", "schedule", "loss", "penalties", "clip", "batch_size", "epochs", "seed", "rows")
        output.rows([(name, _setting(settings[name], value_text)) for name in names if name in settings])
    data = settings.get("data")
    if isinstance(data, dict):
        output.say(f"data: {data.get('name')}, {data.get('rows')} rows")
    if isinstance(settings.get("metrics"), dict):
        output.heading("Result")
        split = data.get("split") if isinstance(data, dict) else None
        base = settings.get("baseline")
        tell_metrics(output, settings["metrics"], base.get("metrics") if isinstance(base, dict) else None, split)
    if model.history is not None and model.history.epochs:
        _tell_history(output, model.history)


def _tell_history(output: Output, history: History) -> None:
    from chainrule.cli.output import number

    output.heading(f"The last of {history.epochs} epochs: {history.stopped}")
    names = [name for name in history if name != "seconds"]
    first = max(0, history.epochs - _LAST_EPOCHS)
    rows = [
        (str(epoch + 1), *(number(history[name][epoch]) if epoch < len(history[name]) else "" for name in names))
        for epoch in range(first, history.epochs)
    ]
    short = [name.replace("validation_", "val. ").replace("accuracy", "acc.") for name in names]
    output.rows(rows, ("epoch", *short), right=range(len(names) + 1))


def _setting(value: Any, value_text: Any) -> str:
    """Write a training setting, which may be the description of a formula."""
    if isinstance(value, dict):
        rest = ", ".join(f"{key} {number}" for key, number in value.items() if key != "name")
        return f"{value.get('name', '')}{', ' if rest else ''}{rest}"
    if isinstance(value, list):
        return "; ".join(_setting(entry, value_text) for entry in value) or "none"
    return str(value_text(value))


def _as_json(path: Path, model: Model, versions: dict[str, Any]) -> dict[str, Any]:
    history = model.history
    return {
        "model": str(path),
        "task": model.task,
        "versions": versions,
        "network": {
            **model.network.describe(),
            "sizes": list(model.network.sizes),
            "parameters": model.network.parameter_count,
        },
        "dtype": str(model.dtype),
        "loss": model.loss.describe(),
        "classes": None if model.classes is None else list(model.classes),
        "target": None if model.target is None else model.target.to_dict(),
        "encoder": None if model.encoder is None else model.encoder.to_dict(),
        "settings": model.settings,
        "metrics": model.settings.get("metrics"),
        "history": None
        if history is None
        else {
            "engine": history.engine,
            "stopped": history.stopped,
            "best_epoch": history.best_epoch,
            "updates": history.updates,
            "series": history.series,
        },
    }
