"""Metrics as a table: parts below each other, the baseline beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainrule.language import Message, told, tr

if TYPE_CHECKING:
    from chainrule.cli.output import Output

__all__ = ["tell_metrics"]

_PARTS = {
    "all": Message("all"),
    "train": Message("train"),
    "validation": Message("validation"),
    "test": Message("test"),
}
_METRICS = {"accuracy": Message("accuracy")}


def tell_metrics(
    output: Output,
    metrics: Mapping[str, Mapping[str, float | None] | None],
    baseline: Mapping[str, Mapping[str, float | None]] | None = None,
    split: Mapping[str, Any] | None = None,
) -> None:
    """Print the metrics of each part."""
    from chainrule.cli.output import number, percent

    known = {part: values for part, values in metrics.items() if values is not None}
    names = [name for name in next(iter(known.values()), {}) if name != "loss"]
    beside = ["accuracy"] if "accuracy" in names else ["rmse"]
    has_base = bool(baseline)
    shown = {name: told(_METRICS.get(name, name)) for name in [*names, *beside]}
    base = [tr("baseline {metric}", metric=shown[beside[0]])] if has_base else []
    header = ["", tr("rows"), *(shown[name] for name in names), *base, tr("loss")]
    rows = []
    for part, values in known.items():
        cells = [told(_PARTS.get(part, part)), f"{(split or {}).get(f'{part}_rows', ''):,}" if split else ""]
        cells += [percent(values[name]) if name == "accuracy" else number(values[name]) for name in names]
        if baseline:
            value = baseline.get(part, {}).get(beside[0])
            cells.append(percent(value) if beside[0] == "accuracy" else number(value))
        rows.append([*cells, number(values.get("loss"))])
    if rows:
        output.rows(rows, header, right=range(1, len(header)))
