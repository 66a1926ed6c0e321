"""What a check found: a verdict on each array, its worst entries, and what the probes could not see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from chainrule.language import Message, told, tr
from chainrule.table import Table
from chainrule.text import wrap

__all__ = ["VERDICTS", "CheckedArray", "CheckedEntry", "GradientReport"]

VERDICTS = {
    "right": Message("right"),
    "unseen": Message("not seen"),
    "vague": Message("could not be compared"),
    "inexact": Message("inexact"),
    "shape": Message("wrong shape"),
    "wrong": Message("wrong"),
}
_METHODS = {"complex step": Message("complex step"), "central difference": Message("central difference")}
_NONE = "–"
_WIDTH = 100
_HINTS = 5


@dataclass(frozen=True)
class CheckedEntry:
    """One derivative, as given and as computed from values.

    Args:
        name: such as ``dW1[0,2]``.
        yours: the gradient's number.
        numerical: the numerical derivative.
        error: their difference, in units of the array's largest derivative.
    """

    name: str
    yours: float
    numerical: float
    error: float


@dataclass(frozen=True)
class CheckedArray:
    """What was found of the gradient by one array, over all probes.

    Args:
        name: such as ``dW1``.
        shape: of the parameters.
        verdict: "right"; "unseen", where no probe could tell; "vague", where most entries could not be compared;
            "inexact", off by little that is no rounding; "shape"; "wrong".
        error: largest difference, in units of the array's largest derivative.
        checked: how many derivatives were compared, over all probes.
        kinks: at how many the left and the right slope differ, so that they were set aside.
        undecided: how many others said nothing: too small beside the rounding.
        method: how numerical derivatives were found, "complex step" or "central difference".
        where: the probe that the next two are about.
        worst: its worst entries, the worst first; empty where all is right.
        hint: what may be wrong, or empty.
    """

    name: str
    shape: tuple[int, ...]
    verdict: str
    error: float
    checked: int
    kinks: int
    undecided: int
    method: str
    where: str = ""
    worst: tuple[CheckedEntry, ...] = ()
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it, as far as it could be compared."""
        return self.verdict in ("right", "unseen")

    def describe(self) -> dict[str, Any]:
        """Give it as plain data, in English."""
        return {
            **{key: value for key, value in vars(self).items() if key not in ("worst", "where", "hint")},
            "shape": list(self.shape),
            "where": str(self.where),
            "worst": [vars(entry) for entry in self.worst],
            "hint": str(self.hint),
        }


@dataclass(frozen=True)
class GradientReport:
    """What `gradcheck` found. Shows itself as text and, in notebooks, as HTML.

    Args:
        subject: the name of what was checked.
        arrays: one for each array of parameters.
        probes: the points at which value and gradient were compared.
        skipped: points of gradcheck's own that could not be used, each with the reason.
        hidden: what the user's own point could not see.
        notes: what else one should know.
        hint: what may be wrong with the gradient as a whole, or empty.

    >>> entry = CheckedEntry("db[0]", 2.0, 1.0, 1.0)
    >>> wrong = CheckedArray("db", (1,), "wrong", 1.0, 1, 0, 0, "complex step", "your own point", (entry,), "")
    >>> GradientReport("f", (wrong,), ("your own point",)).ok
    False
    """

    subject: str
    arrays: tuple[CheckedArray, ...]
    probes: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether no array is wrong, and all could be compared or have no influence."""
        return all(array.ok for array in self.arrays)

    @property
    def wrong(self) -> tuple[CheckedArray, ...]:
        """The arrays with which something is wrong."""
        return tuple(array for array in self.arrays if not array.ok and array.verdict != "vague")

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[CheckedArray]:
        return iter(self.arrays)

    def __getitem__(self, name: str) -> CheckedArray:
        """Give what was found of an array by its name, ``W1`` or ``dW1``."""
        for array in self.arrays:
            if name in (array.name, array.name[1:]):
                return array
        raise KeyError(name)

    @property
    def summary(self) -> Message:
        """One sentence."""
        if self.ok:
            unseen = [array.name for array in self.arrays if array.verdict == "unseen"]
            if not unseen:
                return Message("The gradient of {name} is right at every probe.", name=self.subject)
            return Message(
                "Nothing is wrong with the gradient of {name}, but {arrays} could not be seen.",
                name=self.subject,
                arrays=", ".join(unseen),
            )
        names = ", ".join(array.name for array in self.wrong)
        if not names:
            vague = ", ".join(array.name for array in self.arrays if not array.ok)
            return Message(
                "The gradient of {name} is neither right nor wrong: {arrays} could not be compared.",
                name=self.subject,
                arrays=vague,
            )
        if all(array.verdict == "inexact" for array in self.wrong):
            return Message("The gradient of {name} is not exact: {arrays}.", name=self.subject, arrays=names)
        return Message("The gradient of {name} is wrong: {arrays}.", name=self.subject, arrays=names)

    def table(self) -> Table:
        """Give the arrays as a table."""
        header = (
            Message("array"),
            Message("shape"),
            Message("compared"),
            Message("set aside"),
            Message("largest error"),
            Message("compared with"),
            Message("verdict"),
        )
        rows = [
            (
                array.name,
                " x ".join(map(str, array.shape)) or "1",
                array.checked,
                array.kinks + array.undecided,
                _size(array.error) if array.checked else _NONE,
                _NONE if array.verdict == "shape" and not array.checked else _METHODS[array.method],
                VERDICTS[array.verdict],
            )
            for array in self.arrays
        ]
        return Table(self.summary, header, rows, Message("errors: in units of the array's largest derivative"))

    def worst_table(self, array: CheckedArray) -> Table:
        """Give the worst entries of an array as a table."""
        header = (Message("derivative"), Message("yours"), Message("numerical"), Message("error"))
        # 0 added: of -0 nobody needs to know.
        rows = [(e.name, f"{e.yours + 0:.10g}", f"{e.numerical + 0:.10g}", _size(e.error)) for e in array.worst]
        title = Message("{name}, worst entries at {where}", name=array.name, where=array.where)
        return Table(title, header, rows)

    def remarks(self) -> list[str]:
        """Give the sentences beside the tables: hints, set-aside entries, hidden mistakes, probes."""
        # A factor of the whole gradient says it all; of a place on the way back, the arrays may tell more.
        whole = bool(self.hint) and not any(array.verdict == "right" for array in self.arrays)
        hints = [array.hint for array in self.arrays if not array.ok and not (whole and array.verdict != "vague")]
        found = [*dict.fromkeys(filter(None, [self.hint, *hints]))][:_HINTS]
        if kinks := sum(array.kinks for array in self.arrays):
            found.append(
                Message(
                    "Set aside: {n} derivatives at a kink, where the left and the right slope differ (a ReLU at 0).",
                    n=kinks,
                )
            )
        if undecided := sum(array.undecided for array in self.arrays):
            found.append(
                Message(
                    "Not decided: {n} derivatives that are 0, or too small beside the rounding to be compared.",
                    n=undecided,
                )
            )
        found += self.notes
        return found

    def describe(self) -> dict[str, Any]:
        """Give it as plain data, in English."""
        return {
            "subject": self.subject,
            "ok": self.ok,
            "summary": str(self.summary),
            "hint": str(self.hint),
            "arrays": [array.describe() for array in self.arrays],
            "probes": [*map(str, self.probes)],
            "skipped": [*map(str, self.skipped)],
            "hidden": [*map(str, self.hidden)],
            "notes": [*map(str, self.notes)],
        }

    def __str__(self) -> str:
        parts = [str(self.table())]
        for remark in self.remarks():
            parts.append("\n".join(wrap(told(remark), _WIDTH)))
        parts += [str(self.worst_table(array)) for array in self.wrong if array.worst]
        for title, lines in self.lists():
            parts.append("\n".join([title, *(line for text in lines for line in _item(text))]))
        return "\n\n".join(parts)

    __repr__ = __str__

    def lists(self) -> list[tuple[str, tuple[str, ...]]]:
        """Give the lists below the tables, each with its heading: probes, what was skipped, what was hidden."""
        titles = (
            (tr("Compared at"), self.probes),
            (tr("Could not be used"), self.skipped),
            (tr("What your own point does not show, so that the other probes had to"), self.hidden),
        )
        return [(title, texts) for title, texts in titles if texts]

    def _repr_html_(self) -> str:
        html = [self.table()._repr_html_()]
        html += [f"<p>{escape(told(remark))}</p>" for remark in self.remarks()]
        html += [self.worst_table(array)._repr_html_() for array in self.wrong if array.worst]
        for title, texts in self.lists():
            items = "".join(f"<li>{escape(told(text))}</li>" for text in texts)
            html.append(f"<p>{escape(title)}</p><ul>{items}</ul>")
        return "".join(html)


def _item(text: str) -> list[str]:
    return wrap(f"- {told(text)}", _WIDTH, hanging="  ")


def _size(error: float) -> str:
    """Write an error: large ones as numbers, tiny ones by their power of ten."""
    return f"{error:.3g}" if error >= 1e-3 or error == 0 else f"{error:.0e}"
