"""What `data show` says of a set."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from chainrule.data import ColumnSummary, describe, load, names


@pytest.mark.parametrize("name", [r.name for r in names() if r.name not in ("mnist", "fashion-mnist")])
def test_every_built_in_set_has_a_description(name: str) -> None:
    dataset = load(name)
    found = describe(dataset)
    assert found.rows == len(dataset.y)
    assert [column.name for column in found.columns] == list(dataset.features)
    assert (found.classes is None) == (found.task == "regression")
    assert json.loads(json.dumps(dataclasses.asdict(found)))["name"] == name
    if found.classes:
        assert sum(count for _, count in found.classes) == found.rows


def test_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "size,colour,paid,target\n1,red,True,u\n?,blue,False,v\n3,red,True,u\n4,,True,u\n", encoding="utf-8"
    )
    found = describe(load(path))
    assert found.columns == (
        ColumnSummary("size", "number", 1, 1.0, 8 / 3, 4.0),
        ColumnSummary("colour", "category", 1, distinct=2, most_frequent="red"),
        ColumnSummary("paid", "category", 0, distinct=2, most_frequent="True"),
    )
    assert found.classes == (("u", 3), ("v", 1))
    assert found.target_columns is None
    assert found.task is None
    assert found.target_choice == "the column named 'target'"


def test_numeric_targets_without_a_task(tmp_path: Path) -> None:
    few, many = tmp_path / "few.csv", tmp_path / "many.csv"
    few.write_text("a,y\n" + "".join(f"{k},{k % 2}\n" for k in range(10)), encoding="utf-8")
    many.write_text("a,y\n" + "".join(f"{k},{k / 2}\n" for k in range(1000)), encoding="utf-8")
    assert describe(load(few)).classes == (("0", 5), ("1", 5))
    assert describe(load(few)).target_columns == (ColumnSummary("y", "number", 0, 0.0, 0.5, 1.0),)
    assert describe(load(many)).classes is None
    assert describe(load(many)).target_columns[0].maximum == 499.5


def test_classes_are_shown_by_their_names() -> None:
    assert describe(load("gender")).classes == (("male", 2), ("female", 2))


def test_several_targets() -> None:
    assert [column.name for column in describe(load("step-by-step")).target_columns] == ["o1", "o2"]


def test_gaps_in_an_array() -> None:
    dataset = dataclasses.replace(load("and"), X=np.array([[1.0, np.nan], [3.0, np.nan], [np.nan] * 2, [5.0, np.nan]]))
    assert describe(dataset).columns == (
        ColumnSummary("x0", "number", 1, 1.0, 3.0, 5.0),
        ColumnSummary("x1", "number", 4),
    )
