"""Splits: disjoint, complete, decided by the seed alone, fair to every class."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import Split, split
from chainrule.errors import UsageError

SHARES = st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.25, 1 / 3, 0.4])
SEEDS = st.integers(0, 2**64 - 1)
LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=80)


def check_whole(parts: Split, n: int) -> None:
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))
    for part in parts:
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


@given(n=st.integers(1, 200), seed=SEEDS, test=SHARES, validation=SHARES)
def test_sizes(n: int, seed: int, test: float, validation: float) -> None:
    parts = split(np.zeros((n, 2)), seed=seed, test=test, validation=validation, stratify=False)
    check_whole(parts, n)
    assert len(parts.train) >= 1
    assert len(parts.test) == min(round(test * n), n - 1)
    assert len(parts.validation) == min(round(validation * n), n - 1 - len(parts.test))


@given(labels=LABELS, seed=SEEDS, test=SHARES, validation=SHARES)
def test_every_class_has_its_share(labels: list[int], seed: int, test: float, validation: float) -> None:
    y = np.array(labels)
    parts = split(y, seed=seed, test=test, validation=validation, stratify=True)
    check_whole(parts, len(y))
    whole = True
    for label in set(labels):
        size = labels.count(label)
        counts = {name: int((y[part] == label).sum()) for name, part in parts._asdict().items()}
        assert counts["train"] >= 1
        enough = size - 1 >= math.ceil(test * size) + math.ceil(validation * size)
        whole = whole and enough
        for name, share in (("test", test), ("validation", validation)):
            assert counts[name] < share * size + 1
            assert counts[name] > share * size - 1 or not enough
    if whole:
        assert len(parts.test) == round(test * len(y))
        assert len(parts.validation) == round(validation * len(y))


def test_rare_classes_go_to_training_first() -> None:
    y = ["common"] * 97 + ["pair", "pair", "single"]
    for seed in range(20):
        parts = split(y, seed=seed, test=0.4, validation=0.3, stratify=True)
        assert 99 in parts.train
        assert ({97, 98} & set(parts.train.tolist())) != set()


@given(labels=LABELS, seed=SEEDS)
def test_kinds_of_labels_do_not_matter(labels: list[int], seed: int) -> None:
    forms = [np.array(labels), np.array(labels, dtype=np.float64), np.array([f"c{k}" for k in labels])]
    forms += [np.array([f"c{k}" for k in labels], dtype=object)]
    parts = [split(form, seed=seed, stratify=True) for form in forms]
    for other in parts[1:]:
        assert all((a == b).all() for a, b in zip(parts[0], other, strict=True))


def test_the_seed_decides() -> None:
    y = np.arange(100) % 3
    for stratify in (True, False):
        one, again, other = (split(y, seed=seed, stratify=stratify) for seed in (1, 1, 2))
        assert all((a == b).all() for a, b in zip(one, again, strict=True))
        assert (one.test != other.test).any()


def test_a_split_stays_what_it_was() -> None:
    """A saved result names its seed: another split for the same seed would make it wrong."""
    parts = split(np.arange(20) % 2, seed=0, stratify=True)
    assert parts.test.tolist() == [5, 6, 10, 19]
    assert parts.validation.tolist() == [14, 15]


def test_every_row_gets_into_every_part() -> None:
    seen = [set(), set(), set()]
    for seed in range(100):
        for rows, part in zip(seen, split([0] * 10, seed=seed, stratify=False), strict=True):
            rows |= set(part.tolist())
    assert all(rows == set(range(10)) for rows in seen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": 1.0}, "the test share is 1.0; it must be from 0 to below 1"),
        ({"test": -0.1}, "the test share is -0.1"),
        ({"validation": float("nan")}, "the validation share is nan"),
        ({"validation": True}, "the validation share is True"),
        ({"test": 0.5, "validation": 0.5}, "leave none for training; lower the shares"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_shares_that_cannot_be(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        split([0, 1], **({"seed": 0, "stratify": False} | options))


def test_nothing_to_split() -> None:
    with pytest.raises(UsageError, match="of 0 rows leave none for training"):
        split([], seed=0, stratify=False)
    with pytest.raises(UsageError, match=r"one label for each row is needed; the shape is \(2, 2\)"):
        split(np.eye(2), seed=0, stratify=True)
