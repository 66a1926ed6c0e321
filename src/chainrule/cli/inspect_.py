"""`chainrule inspect`: what is in a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli import parameters as p
from chainrule.language import Message, template, tr

if TYPE_CHECKING:
    from chainrule.cli.output import Output
    from chainrule.history import History
    from chainrule.model import Model

__all__ = ["inspect"]

_MOST = 20
_LAST_EPOCHS = 5
_TASKS = {
    "classification": Message("classification"),
    "multilabel": Message("multilabel"),
    "regression": Message("regression"),
}
_SETTINGS = (
    template("optimizer"),
    template("schedule"),
    template("loss"),
    template("penalties"),
    template("clip"),
    template("batch_size"),
    template("epochs"),
    template("seed"),
    template("rows"),
)


def inspect(model: p.ModelFile, as_json: p.AsJson = False) -> None:
    """Show what a model is, how it was trained and how good it was."""
    from chainrule.cli.files import model_versions
    from chainrule.cli.output import Output
    from chainrule.storage import load

    loaded = load(model)
    versions = model_versions(model)
    output = Output(as_json)
    made = f"chainrule {versions['chainrule']}, NumPy {versions['numpy']}, Python {versions['python']}"
    output.say(tr("{path}: {task}, written by {versions}", path=model, task=_TASKS[loaded.task], versions=made))
    output.say()
    output.say(str(loaded.summary()))
    _tell_target(output, loaded)
    _tell_columns(output, loaded)
    _tell_training(output, loaded)
    output.result(_as_json(model, loaded, versions))


def _tell_target(output: Output, model: Model) -> None:
    if model.target is None:
        return
    output.heading(tr("Target {name}", name=model.target.name))
    if model.classes is not None:
        shown = ", ".join(map(str, model.classes[:_MOST]))
        more = ", …" if len(model.classes) > _MOST else ""
        output.say(tr("{k} classes: {classes}", k=len(model.classes), classes=shown + more))
    else:
        pairs = zip(model.target.center or (), model.target.scale or (), strict=True)
        equation = template("value = {scale:.6g} * output + {center:.6g}")
        output.say("; ".join(tr(equation, scale=scale, center=center) for center, scale in pairs))


def _tell_columns(output: Output, model: Model) -> None:
    if model.encoder is None:
        output.heading(tr("Inputs"))
        output.say(tr("{n} numbers, used as they are", n=model.network.inputs))
        return
    columns = model.encoder.columns
    outputs = len(model.encoder.outputs)
    output.heading(tr("Columns ({n}, encoded as {inputs} inputs)", n=len(columns), inputs=outputs))
    rows = [(column.name, *_column(column.to_dict())) for column in columns[:_MOST]]
    if len(columns) > _MOST:
        rows.append((tr("… and {n:,} more", n=len(columns) - _MOST), "", ""))
    output.rows(rows, (tr("column"), tr("kind"), tr("encoding")))


def _column(data: dict[str, Any]) -> tuple[str, str]:
    """Give the kind of a column, and what becomes of it."""
    if data["kind"] == "number":
        if data["scale"] == 0:
            return tr("number"), tr("constant, not used")
        gaps = tr("; missing: {value:.4g}", value=data["fill"]) if data["gaps"] else ""
        return tr("number"), f"(x - {data['center']:.4g}) / {data['scale']:.4g}{gaps}"
    categories = data["categories"]
    more = [tr(" + others")] * bool(data["rare"]) + [tr(" + missing")] * bool(data["gaps"])
    shown = ", ".join(categories[:4]) + (", …" if len(categories) > 4 else "")
    return tr("category"), tr("{k} categories{more}: {shown}", k=len(categories), more="".join(more), shown=shown)


def _tell_training(output: Output, model: Model) -> None:
    from chainrule.cli.measured import tell_metrics
    from chainrule.cli.output import value_text

    settings = model.settings
    if settings:
        output.heading(tr("Training"))
        output.rows([(tr(name), _setting(settings[name], value_text)) for name in _SETTINGS if name in settings])
    data = settings.get("data")
    if isinstance(data, dict):
        output.say(tr("data: {name}, {rows} rows", name=data.get("name"), rows=data.get("rows")))
    if isinstance(settings.get("metrics"), dict):
        output.heading(tr("Result"))
        split = data.get("split") if isinstance(data, dict) else None
        base = settings.get("baseline")
        tell_metrics(output, settings["metrics"], base.get("metrics") if isinstance(base, dict) else None, split)
    if model.history is not None and model.history.epochs:
        _tell_history(output, model.history)


def _tell_history(output: Output, history: History) -> None:
    from chainrule.cli.output import number
    from chainrule.history import short_name

    output.heading(tr("The last of {epochs} epochs: {stopped}", epochs=history.epochs, stopped=history.stopped))
    names = [name for name in history if name != "seconds"]
    first = max(0, history.epochs - _LAST_EPOCHS)
    rows = [
        (str(epoch + 1), *(number(history[name][epoch]) if epoch < len(history[name]) else "" for name in names))
        for epoch in range(first, history.epochs)
    ]
    output.rows(rows, (tr("epoch"), *map(short_name, names)), right=range(len(names) + 1))


def _setting(value: Any, value_text: Any) -> str:
    """Write a training setting, which may be the description of a formula."""
    if isinstance(value, dict):
        rest = ", ".join(f"{key} {number}" for key, number in value.items() if key != "name")
        return f"{value.get('name', '')}{', ' if rest else ''}{rest}"
    if isinstance(value, list):
        return "; ".join(_setting(entry, value_text) for entry in value) or tr("none")
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
