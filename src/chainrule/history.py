"""What training leaves behind to look at: named series, one value an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import UnknownName
from chainrule.language import Message, told
from chainrule.table import Table

__all__ = ["History", "short_name"]

_SHORT = {
    "accuracy": Message("acc."),
    "loss": Message("loss"),
    "penalty": Message("penalty"),
    "rate": Message("rate"),
    "seconds": Message("seconds"),
}


@dataclass
class History(Mapping[str, "list[float]"]):
    """The separate, named series of a training run; ``history["loss"][0]`` is that of the first epoch.

    All series have the same length. Where training went on with other measurements than before, an epoch that lacks one
    holds nan in its place.

    Args:
        series: by name, one value an epoch: ``loss`` (mean data loss of the epoch's batches, each measured before its
            update, without penalties), ``penalty``, ``validation_loss``, each metric (``accuracy``, ``rmse`` …,
            measured after the epoch on the training part) and ``validation_`` before its name, ``rate`` (learning rate
            of the epoch's last update; L-BFGS has none) and ``seconds`` (spent in that epoch). An epoch of L-BFGS is an
            iteration, and its loss that after it.
        engine: which engine computed it.
        stopped: why training ended, in words.
        best_epoch: the epoch whose parameters were kept, where early stopping chose one (counted from 1).
        updates: how many updates were made.
        engine_reason: why this engine computed it, in words; empty in a model that was loaded from a file.

    >>> history = History({"loss": [0.5, 0.25]})
    >>> history["loss"][-1], history.epochs, "accuracy" in history
    (0.25, 2, False)
    """

    series: dict[str, list[float]] = field(default_factory=dict)
    engine: str = ""
    stopped: str = ""
    best_epoch: int | None = None
    updates: int = 0
    engine_reason: str = ""

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.series:
            raise UnknownName.among("series", name, self.series)
        return self.series[name]

    def __contains__(self, name: object) -> bool:
        return name in self.series

    def get(self, name: str, default: Any = None) -> Any:
        """Give a series, or the default where it was not recorded."""
        return self.series.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)

    @property
    def epochs(self) -> int:
        """How many epochs were recorded, an unfinished last one included."""
        return max(map(len, self.series.values()), default=0)

    def append(self, values: Mapping[str, float]) -> None:
        """Record one epoch."""
        before = self.epochs
        for name in values:
            self.series.setdefault(name, [math.nan] * before)
        for name, series in self.series.items():
            series.append(float(values.get(name, math.nan)))

    def extend(self, columns: Mapping[str, list[float]], count: int) -> None:
        """Record several epochs, each column holding ``count`` values; a series that begins is the column itself."""
        before = self.epochs
        for name, series in self.series.items():
            series.extend(columns.get(name, [math.nan] * count))
        for name, column in columns.items():
            if name not in self.series:
                self.series[name] = [math.nan] * before + column if before else column

    def table(self, last: int = 10) -> Table:
        """Give the last epochs as a table.

        >>> print(History({"loss": [0.5, 0.25]}).table())
        Training history
        epoch  loss
        -----------
            1   0.5
            2  0.25
        """
        epochs = range(1, self.epochs + 1)[-max(last, 1) :]
        rows = [(epoch, *(values[epoch - 1] for values in self.series.values())) for epoch in epochs]
        return Table(Message("Training history"), (Message("epoch"), *self.series), rows, self.stopped)

    def __repr__(self) -> str:
        return f"History({self.epochs} epochs: {', '.join(self.series)})"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def short_name(name: str) -> str:
    """Give the name of a series as a narrow table shows it, in the language in use.

    >>> short_name("validation_accuracy"), short_name("rmse")
    ('val. acc.', 'rmse')
    """
    base = name.removeprefix("validation_")
    shown = _SHORT.get(base, base)
    return told(shown if base == name else Message("val. {name}", name=shown))
