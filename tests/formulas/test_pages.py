"""docs/formulas.md shows the catalogue: each table is made from it (python tests/formulas/test_pages.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from chainrule.formulas import CATALOGUES, Activation, Catalogue, Formula, Loss, Metric, Optimizer, Penalty

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formulas.md"


def math_of(*latex: str) -> str:
    """LaTeX for a table's cell, in which a bar would end the cell."""
    return "<br>".join("$" + text.replace("|", r"{\vert}") + "$" for text in latex if text)


def range_of(record: Activation) -> str:
    return " to ".join(f"{end:.4g}".replace("inf", "∞").replace("-", "−") for end in record.range)


def parameters_of(record: Formula) -> str:
    """Each parameter with its value, and what it may be."""
    parts = [f"rate = {record.rate:g}"] if isinstance(record, Optimizer) else []
    for name, number in record.parameters.items():
        allowed = record.limits[name].around(name) if name in record.limits else ""
        parts.append(f"{name} = {number:g}" + (f" ({allowed})" if allowed else ""))
    return ", ".join(parts)


def columns_of(record: Formula) -> dict[str, str]:
    """The cells of a formula's row, by the heads of the columns."""
    cells = {"name": f"`{record.name}`", "formula": math_of(record.latex)}
    if isinstance(record, (Activation, Loss, Penalty)):
        cells["formula and slope"] = math_of(cells.pop("formula")[1:-1], record.slope_latex)
    if isinstance(record, Activation):
        cells["formula and slope"] += f"<br>from {range_of(record)}; weights start as `{record.initializer}`"
    if isinstance(record, Loss):
        cells["targets"] = record.targets
        cells["outputs"] = "any" if record.slope else ", ".join(f"`{name}`" for name in record.pairs)
    if isinstance(record, Metric):
        cells["better"] = record.better
    said = parameters_of(record)
    cells["use"] = " ".join(part for part in (record.use, record.source and f"*{record.source}*") if part)
    cells["use"] += f"<br>Parameters: {said}" if said else ""
    cells["use"] = cells["use"].replace("|", r"\|")
    return cells


def table_of(catalogue: Catalogue[Formula]) -> str:
    rows = [columns_of(record) for record in catalogue.values()]
    lines: list[Iterable[str]] = [rows[0], ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def block_of(catalogue: Catalogue[Formula]) -> re.Pattern[str]:
    """Where a catalogue's table stands in the page."""
    return re.compile(f"(<!-- table: {catalogue.what} -->)(.*?)(<!-- end of table -->)", re.DOTALL)


def renew() -> None:
    """Write the tables of the page anew."""
    text = PAGE.read_text(encoding="utf-8")
    for catalogue in CATALOGUES:
        head, _, end = block_of(catalogue).search(text).groups()
        block = f"{head}\n\n{table_of(catalogue)}\n\n{end}"
        text = block_of(catalogue).sub(lambda _, block=block: block, text)
    PAGE.write_text(text, encoding="utf-8", newline="\n")


# Made when the tests are collected: a test that registers a formula comes later.
TABLES = {catalogue.what: (catalogue, table_of(catalogue)) for catalogue in CATALOGUES}


@pytest.mark.parametrize("what", TABLES)
def test_table_is_that_of_the_catalogue(what: str) -> None:
    catalogue, table = TABLES[what]
    ((_, shown, _),) = block_of(catalogue).findall(PAGE.read_text(encoding="utf-8"))
    assert shown.strip() == table, "write the tables anew: python tests/formulas/test_pages.py"


def test_every_name_use_and_parameter_is_shown() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for catalogue in CATALOGUES:
        for record in (catalogue[name] for name in catalogue._built_in):
            (row,) = [
                line
                for line in text.splitlines()
                if line.startswith(f"| `{record.name}` |") and record.use[:20] in line
            ]
            assert record.use.replace("|", r"\|") in row
            assert all(f"{name} = {number:g}" in row for name, number in record.parameters.items())


def test_a_row_has_as_many_cells_as_its_head() -> None:
    for _, table in TABLES.values():
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


if __name__ == "__main__":
    renew()
