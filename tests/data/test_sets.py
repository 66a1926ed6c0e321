"""The built-in sets: the catalogue says what loading gives, and the worked examples are those of the course."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from chainrule.data import Dataset, load, names
from chainrule.errors import DataError, UnknownName

HERE = [record for record in names() if record.name not in ("mnist", "fashion-mnist")]


@pytest.mark.parametrize("record", HERE, ids=lambda record: record.name)
def test_catalogue_tells_the_truth(record: object) -> None:
    dataset = load(record.name)
    assert dataset.name == record.name
    assert dataset.task == record.task
    assert dataset.X.shape == (record.rows, record.columns)
    assert dataset.X.dtype == np.float64
    assert dataset.X.flags.c_contiguous
    assert len(dataset.features) == record.columns
    assert len(dataset.y) == record.rows
    assert np.isfinite(dataset.X).all()
    assert dataset.description
    assert dataset.source
    if record.classes is None:
        assert dataset.classes is None
        assert dataset.y.dtype == np.float64
    else:
        assert len(np.unique(dataset.y)) == record.classes == len(dataset.classes)


def test_the_names_that_people_know() -> None:
    wanted = (
        "digits breast-cancer iris wine diabetes xor circles moons spirals gaussians mnist fashion-mnist and or not"
    )
    assert {record.name for record in names()} >= {*wanted.split(), "gender", "linear", "step-by-step"}


def test_labels_are_the_classes_names() -> None:
    assert set(load("iris").y.tolist()) == {"setosa", "versicolor", "virginica"}
    cancer = load("breast-cancer")
    assert cancer.classes == ("benign", "malignant")
    assert (cancer.y == "benign").sum() == 357


def test_digits_are_images() -> None:
    digits = load("digits")
    assert digits.image_shape == (8, 8)
    assert digits.classes == tuple(range(10))
    assert (digits.X.min(), digits.X.max()) == (0, 16)


def test_diabetes_is_raw() -> None:
    diabetes = load("diabetes")
    assert 18 < diabetes.X[:, diabetes.features.index("age")].mean() < 80


@pytest.mark.parametrize(
    ("name", "outputs"), [("and", [0, 0, 0, 1]), ("or", [0, 1, 1, 1]), ("xor-table", [0, 1, 1, 0]), ("not", [1, 0])]
)
def test_truth_tables(name: str, outputs: list[int]) -> None:
    dataset = load(name)
    rows = [[0], [1]] if name == "not" else [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert dataset.X.tolist() == rows
    assert dataset.y.tolist() == outputs


def test_worked_examples() -> None:
    gender = load("gender")
    assert gender.X.tolist() == [[-2, -1], [25, 6], [17, 4], [-15, -6]]
    assert gender.y.tolist() == [1, 0, 0, 1]
    assert gender.classes == ("male", "female")
    linear = load("linear")
    assert linear.X[:, 0].tolist() == list(range(1, 19))
    assert np.allclose(np.polyfit(linear.X[:, 0], linear.y, 1), [1.47678019, 0.1372549])
    step = load("step-by-step")
    assert step.X.tolist() == [[0.05, 0.10]]
    assert step.y.tolist() == [[0.01, 0.99]]


def test_seed_matters_to_what_is_made_only() -> None:
    assert (load("moons", seed=1).X != load("moons", seed=2).X).any()
    assert (load("moons", seed=1).X == load("moons", seed=1).X).all()
    assert (load("iris", seed=1).X == load("iris", seed=2).X).all()


def test_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"'dgits'; did you mean 'digits'\? Known: digits, breast-cancer"):
        load("dgits")


def test_target_of_a_built_in_set_is_fixed() -> None:
    with pytest.raises(
        DataError, match="iris is a built-in set, whose target is 'class'; leave the target 'petal' out"
    ):
        load("iris", target="petal")
    assert isinstance(load("iris", target="class"), Dataset)


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, chainrule.data as d; d.names(); d.load('moons'); d.split([0, 1] * 9, seed=0, stratify=True);"
        "heavy = ('pandas', 'sklearn', 'pyarrow', 'platformdirs', 'urllib.request', 'scipy');"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
