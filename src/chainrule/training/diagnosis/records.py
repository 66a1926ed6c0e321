"""What a diagnosis is: findings, each with its figures and what to try, and what was measured of each layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.language import Message, told, tr
from chainrule.table import Table
from chainrule.text import wrap
from chainrule.training.diagnosis.units import LayerSigns

__all__ = ["SEVERITIES", "Diagnosis", "Finding"]

SEVERITIES = {"severe": Message("severe"), "mild": Message("mild"), "note": Message("note")}
_WIDTH = 100
_NOTHING = Message("Nothing out of the ordinary was measured.")


@dataclass(frozen=True)
class Finding:
    """One thing that was measured and is out of the ordinary.

    Args:
        key: what it is, such as "dead_units", for programs.
        severity: "severe" where it keeps the network from learning what it could, "mild" where it may cost something,
            "note" where it is good to know.
        what: what was measured, a sentence with its figures.
        remedy: what to try, a sentence.
        layer: l, where it is about one layer.

    >>> what = Message("{dead} of {units} neurons are dead.", dead=3, units=4)
    >>> Finding("dead_units", "severe", what, Message("Begin anew."), layer=1).figures
    {'dead': 3, 'units': 4}
    """

    key: str
    severity: str
    what: Message
    remedy: Message
    layer: int | None = None

    @property
    def figures(self) -> Mapping[str, float]:
        """The numbers in the sentence, by name."""
        return _figures(self.what)

    def describe(self) -> dict[str, Any]:
        """Give it as plain data, in English."""
        facts = {"key": self.key, "severity": self.severity, "layer": self.layer}
        return {**facts, "what": str(self.what), "remedy": str(self.remedy), "figures": dict(self.figures)}


@dataclass(frozen=True)
class Diagnosis:
    """What a look at a trained model found.

    Args:
        findings: the most severe first.
        layers: what was measured of each layer.
        rows: how many rows were looked at.
        epochs: how many epochs the history has.
        stopped: why training ended.

    >>> what = Message("{dead} of {units} neurons are dead.", dead=3, units=4)
    >>> found = Diagnosis((Finding("dead_units", "severe", what, Message("Begin anew.")),), (), 150, 0, "")
    >>> "dead_units" in found, len(found.severe), found["dead_units"].figures["dead"]
    (True, 1, 3)
    """

    findings: tuple[Finding, ...]
    layers: tuple[LayerSigns, ...]
    rows: int
    epochs: int
    stopped: str

    @property
    def severe(self) -> tuple[Finding, ...]:
        """The findings that keep the network from learning what it could."""
        return tuple(finding for finding in self.findings if finding.severity == "severe")

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        return True  # a diagnosis without findings is one, too

    def __contains__(self, key: object) -> bool:
        return any(finding.key == key for finding in self.findings)

    def __getitem__(self, key: str) -> Finding:
        """Give the first finding of this key."""
        for finding in self.findings:
            if finding.key == key:
                return finding
        raise KeyError(key)

    @property
    def summary(self) -> Message:
        """One sentence: what was looked at, and why training ended."""
        looked = Message("Looked at {rows:,} rows and {layers} layers", rows=self.rows, layers=len(self.layers))
        if not self.epochs:
            return Message("{looked}; the model is untrained.", looked=looked)
        return Message(
            "{looked}; {epochs:,} epochs, ended: {stopped}.", looked=looked, epochs=self.epochs, stopped=self.stopped
        )

    def table(self) -> Table:
        """Give the findings as a table."""
        header = (Message("severity"), Message("measured"), Message("try"))
        rows: list[tuple[str, ...]] = [(SEVERITIES[each.severity], each.what, each.remedy) for each in self.findings]
        return Table(Message("Diagnosis"), header, rows or [("", _NOTHING, "")], self.summary)

    def layer_table(self) -> Table:
        """Give what was measured of each layer as a table."""
        header = (
            Message("layer"),
            Message("activation"),
            Message("neurons"),
            Message("dead"),
            Message("saturated"),
            Message("error, of the last layer's"),
            Message("update / weight"),
        )
        rows = [
            (each.layer, each.activation, each.units, each.dead, each.saturated, each.error, _known(each.update))
            for each in self.layers
        ]
        return Table(Message("Layers"), header, rows)

    def describe(self) -> dict[str, Any]:
        """Give it as plain data, in English."""
        layers = [vars(each) for each in self.layers]
        facts = {"rows": self.rows, "epochs": self.epochs, "stopped": str(self.stopped)}
        return {"findings": [each.describe() for each in self.findings], "layers": layers, **facts}

    def __str__(self) -> str:
        lines = [told(self.summary), *([] if self.findings else [told(_NOTHING)])]
        for each in self.findings:
            mark = f"[{told(SEVERITIES[each.severity])}] "
            lines += wrap(mark + told(each.what), _WIDTH, hanging="  ")
            lines += wrap(tr("Try: {remedy}", remedy=each.remedy), _WIDTH, indent="  ", hanging="  ")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table()._repr_html_() + self.layer_table()._repr_html_()


def _known(number: float) -> float | str:
    return "" if number != number else number


def _figures(text: Message) -> dict[str, float]:
    """Give the numbers that fill a sentence in, and those of the sentences in it."""
    found: dict[str, float] = {}
    for name, value in text.fields.items():
        if isinstance(value, Message):
            found |= _figures(value)
        elif isinstance(value, (int, float)):
            found[name] = value
    return found
