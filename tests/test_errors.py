"""Errors: their sentences, what they are besides, how they travel, and the tree that the docstring draws."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

from chainrule import errors
from chainrule.errors import (
    ChainruleError,
    DataError,
    DivergenceError,
    FormulaError,
    MissingExtra,
    ModelFileError,
    NetworkError,
    SaveError,
    ShapeError,
    UnknownName,
    UsageError,
)

CLASSES = [getattr(errors, name) for name in errors.__all__]
each_class = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)


def test_every_class_is_public() -> None:
    defined = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BaseException)]
    assert sorted(errors.__all__) == sorted(kind.__name__ for kind in defined)


def test_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    """Each line is (branches) Name (BuiltIn) meaning; the indentation says whose child it is."""
    path: list[tuple[int, str]] = []
    drawn = {}
    for line in errors.__doc__.splitlines():
        if match := re.match(r"(?P<branch>[ │├└─]*)(?P<name>[A-Z]\w+)(?: +\((?P<other>\w+)\))?( |$)", line):
            if match["name"] not in errors.__all__:
                continue
            depth = len(match["branch"])
            path = [(d, name) for d, name in path if d < depth]
            drawn[match["name"]] = [name for name in (path[-1][1] if path else "Exception", match["other"]) if name]
            path.append((depth, match["name"]))
    assert drawn == {kind.__name__: [base.__name__ for base in kind.__bases__] for kind in CLASSES}


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (UsageError, ValueError),
        (UnknownName, LookupError),
        (ShapeError, UsageError),
        (SaveError, OSError),
        (DivergenceError, ArithmeticError),
        (MissingExtra, ImportError),
    ],
)
def test_is_also_what_python_programs_catch(kind: type[ChainruleError], other: type[BaseException]) -> None:
    with pytest.raises(other, match=r"^it is 7$"):
        raise kind("it is {x}", x=7)
    with pytest.raises(ChainruleError):
        raise kind("it is {x}", x=7)


@each_class
def test_sentence_is_made_from_key_and_fields(kind: type[ChainruleError]) -> None:
    error = kind("{path} line {line} has {got:.3g} cells, not {name!r}", path="a.csv", line=17, got=1 / 3, name="é")
    assert str(error) == "a.csv line 17 has 0.333 cells, not 'é'"
    assert error.key == "{path} line {line} has {got:.3g} cells, not {name!r}"
    assert error.fields == {"path": "a.csv", "line": 17, "got": 1 / 3, "name": "é"}


@each_class
def test_survives_pickling_and_copying(kind: type[ChainruleError]) -> None:
    error = kind("{a} and {b!r}", a=1, b="two")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert (twin.key, twin.fields, str(twin)) == (error.key, error.fields, str(error))


@each_class
def test_braces_in_fields_are_left_alone(kind: type[ChainruleError]) -> None:
    assert str(kind("in {path}", path="{odd} {0} name")) == "in {odd} {0} name"
    assert str(kind("{{literal}} braces")) == "{literal} braces"


@each_class
def test_shows_its_sentence_in_a_traceback(kind: type[ChainruleError]) -> None:
    with pytest.raises(kind, match=r"^row 3$") as caught:
        raise kind("row {row}", row=3)
    assert caught.exconly().endswith(f"{kind.__name__}: row 3")


def test_divergence_carries_the_last_good_model() -> None:
    model = object()
    assert DivergenceError("epoch {epoch}", epoch=3, model=model).model is model


@pytest.mark.parametrize(
    ("name", "known", "sentence"),
    [
        ("rleu", ["relu", "tanh"], "unknown activation 'rleu'; did you mean 'relu'? Known: relu, tanh"),
        ("RELU ", ["relu", "tanh"], "unknown activation 'RELU '; did you mean 'relu'? Known: relu, tanh"),
        ("qqq", ["relu", "tanh"], "unknown activation 'qqq'. Known: relu, tanh"),
        (7, ["relu"], "unknown activation 7. Known: relu"),
        ("x{y}", ["relu"], "unknown activation 'x{y}'. Known: relu"),
    ],
)
def test_unknown_name(name: Any, known: list[str], sentence: str) -> None:
    error = UnknownName.among("activation", name, known)
    assert str(error) == sentence
    assert type(error) is UnknownName
    assert error.fields["name"] == name
    assert str(pickle.loads(pickle.dumps(error))) == sentence


def test_unknown_name_takes_any_iterable() -> None:
    assert str(UnknownName.among("x", "aa", (name for name in ("aaa", "b")))).endswith("Known: aaa, b")


def test_missing_extra_says_how_to_get_it() -> None:
    error = MissingExtra.of("exporting", "onnx", "onnx")
    assert str(error) == 'exporting needs onnx, which is not installed. Install it with: pip install "chainrule[onnx]"'
    assert error.fields["extra"] == "onnx"


def test_kinds_are_not_each_other() -> None:
    for kind in (FormulaError, ModelFileError, NetworkError):
        assert not issubclass(kind, (UsageError, ValueError, OSError))
    assert not issubclass(DataError, (UsageError, OSError))
    assert issubclass(DataError, ValueError)  # what scikit-learn's callers expect of rows that cannot be used
