"""docs/data.md says what is so."""

from __future__ import annotations

from pathlib import Path

from chainrule.data import load, names
from chainrule.data.columns import MISSING
from chainrule.data.encoder import SCALINGS
from chainrule.data.images import IMAGE_SETS, VARIABLE

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def rows_between(start: str, end: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line for line in PAGE.partition(start)[2].partition(end)[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_of_built_in_sets_is_the_catalogue():
    shown = rows_between("<!-- table: built-in sets -->", "<!-- end of table -->")
    assert shown == [
        [f"`{s.name}`", s.task, f"{s.rows:,}", f"{s.columns:,}", str(s.classes or ""), s.description] for s in names()
    ]


def test_the_catalogue_is_what_loads():
    for record in names():
        if record.name not in IMAGE_SETS:
            dataset = load(record.name)
            assert dataset.X.shape == (record.rows, record.columns)
            assert dataset.task == record.task
            assert len(dataset.classes or ()) == (record.classes or 0)


def test_every_scaling_is_named():
    shown = rows_between("scales numbers in another way", "Pass it to")
    assert [row[0].strip('`"') for row in shown] == list(SCALINGS)


def test_every_missing_word_is_named():
    words = {word.lower() for word in MISSING if word}
    assert {word for word in words if f"`{word}`" in PAGE.lower()} == words


def test_the_variable_and_the_files_of_images_are_named():
    assert f"`{VARIABLE}`" in PAGE
    for images in IMAGE_SETS.values():
        assert f"`{images.name}`" in PAGE
        assert all(f"`{file.name}`" in PAGE for file in images.files)
