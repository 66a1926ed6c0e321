"""The sets that have names: those that scikit-learn brings, those made from equations, those of worked examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.data import generators
from chainrule.data.dataset import Array, Dataset, feature_names
from chainrule.errors import UnknownName
from chainrule.language import Message

__all__ = ["BuiltIn", "load_built_in", "names"]


@dataclass(frozen=True)
class BuiltIn:
    """What the catalogue says about a set without loading it.

    Args:
        name: what it is called by.
        task: "classification" or "regression".
        rows: how many rows there are, a given test part not counted.
        columns: how many columns there are, without the target.
        classes: how many classes; None for regression.
        description: one line.
        source: where it comes from.
    """

    name: str
    task: str
    rows: int
    columns: int
    classes: int | None
    description: str
    source: str


_SKLEARN = Message("bundled with scikit-learn")
_MADE = Message("made from equations and the seed (chainrule.data.generators)")
_EXAMPLE = Message("a worked example")
_IMAGES = Message("downloaded once, or read from a local folder")

_CATALOGUE = {
    record.name: record
    for record in (
        BuiltIn(
            "digits",
            "classification",
            1797,
            64,
            10,
            Message("handwritten digits, images of 8 x 8 in 17 greys"),
            _SKLEARN,
        ),
        BuiltIn(
            "breast-cancer", "classification", 569, 30, 2, Message("tumours, measured under the microscope"), _SKLEARN
        ),
        BuiltIn(
            "iris", "classification", 150, 4, 3, Message("three species of iris by the sizes of their leaves"), _SKLEARN
        ),
        BuiltIn("wine", "classification", 178, 13, 3, Message("wines of three growers by chemical analysis"), _SKLEARN),
        BuiltIn(
            "diabetes",
            "regression",
            442,
            10,
            None,
            Message("progression of diabetes a year after ten measures"),
            _SKLEARN,
        ),
        BuiltIn("mnist", "classification", 60_000, 784, 10, Message("handwritten digits, images of 28 x 28"), _IMAGES),
        BuiltIn("fashion-mnist", "classification", 60_000, 784, 10, Message("clothes, images of 28 x 28"), _IMAGES),
        BuiltIn(
            "xor", "classification", 400, 2, 2, Message("four squares of which opposite ones belong together"), _MADE
        ),
        BuiltIn("circles", "classification", 400, 2, 2, Message("a circle inside a circle"), _MADE),
        BuiltIn("moons", "classification", 400, 2, 2, Message("two half circles that reach into each other"), _MADE),
        BuiltIn("spirals", "classification", 400, 2, 2, Message("two spirals wound around each other"), _MADE),
        BuiltIn("gaussians", "classification", 400, 2, 4, Message("four round clouds"), _MADE),
        BuiltIn("and", "classification", 4, 2, 2, Message("the truth table of AND"), _EXAMPLE),
        BuiltIn("or", "classification", 4, 2, 2, Message("the truth table of OR"), _EXAMPLE),
        BuiltIn("not", "classification", 2, 1, 2, Message("the truth table of NOT"), _EXAMPLE),
        BuiltIn("xor-table", "classification", 4, 2, 2, Message("the truth table of XOR"), _EXAMPLE),
        BuiltIn("gender", "classification", 4, 2, 2, Message("four people by weight and height"), _EXAMPLE),
        BuiltIn("linear", "regression", 18, 1, None, Message("18 points near a straight line"), _EXAMPLE),
        BuiltIn("step-by-step", "regression", 1, 2, None, Message("one example with two targets"), _EXAMPLE),
    )
}


def names() -> tuple[BuiltIn, ...]:
    """List the built-in sets without loading any.

    >>> [record.rows for record in names() if record.name == "iris"]
    [150]
    """
    return tuple(_CATALOGUE.values())


def load_built_in(name: str, *, seed: int = 0) -> Dataset:
    """Load a set that needs no file of its own: every one but mnist and fashion-mnist.

    Args:
        name: what the catalogue calls it.
        seed: for the sets made from equations.

    Raises:
        UnknownName: where there is no such set.

    >>> load_built_in("and").y.tolist()
    [0, 0, 0, 1]
    """
    if name in _BUNDLED:
        return _bundled(_CATALOGUE[name])
    if name in _GENERATORS:
        X, y = _GENERATORS[name](seed=seed)
        return _made(name, X, y, ("x0", "x1"), "class", tuple(range(int(y.max()) + 1)))
    if name in _EXAMPLES:
        return _EXAMPLES[name]()
    raise UnknownName.among("data set", name, [*_BUNDLED, *_GENERATORS, *_EXAMPLES])


_BUNDLED = {
    "digits": "load_digits",
    "breast-cancer": "load_breast_cancer",
    "iris": "load_iris",
    "wine": "load_wine",
    "diabetes": "load_diabetes",
}

_GENERATORS: dict[str, Callable[..., generators.Points]] = {
    "xor": generators.xor,
    "circles": generators.circles,
    "moons": generators.moons,
    "spirals": generators.spirals,
    "gaussians": generators.gaussians,
}


def _bundled(record: BuiltIn) -> Dataset:
    """Load one of scikit-learn's sets; classes with names have their names as labels."""
    import sklearn.datasets

    # Diabetes comes scaled by its makers unless told otherwise; raw numbers say more, and scaling is the encoder's.
    options = {"scaled": False} if record.name == "diabetes" else {}
    bunch = getattr(sklearn.datasets, _BUNDLED[record.name])(**options)
    X = np.ascontiguousarray(bunch.data, dtype=np.float64)
    features = tuple(str(name) for name in bunch.feature_names)
    if record.classes is None:
        return _made(record.name, X, bunch.target.astype(np.float64), features, "progression", None)
    if record.name == "digits":
        y = bunch.target.astype(np.int64)
        return _made(record.name, X, y, features, "digit", tuple(range(10)), image_shape=(8, 8))
    y = bunch.target_names[bunch.target].astype(str)
    return _made(record.name, X, y, features, "class", tuple(sorted(set(y.tolist()))))


def _made(
    name: str,
    X: Array,
    y: Array,
    features: tuple[str, ...],
    target: str,
    classes: tuple[str | int, ...] | None,
    image_shape: tuple[int, int] | None = None,
) -> Dataset:
    record = _CATALOGUE[name]
    return Dataset(
        name, X, y, record.task, features, target, classes, image_shape, record.description, source=record.source
    )


def _truth_table(name: str, *outputs: int) -> Dataset:
    """Make a truth table; its rows are 0 0, 0 1, 1 0, 1 1, or 0, 1 for one input."""
    columns = len(outputs) // 2
    X = np.array(
        [[row >> (columns - 1 - j) & 1 for j in range(columns)] for row in range(len(outputs))], dtype=np.float64
    )
    return _made(name, X, np.array(outputs, dtype=np.int64), feature_names(columns), name.upper(), (0, 1))


def _gender() -> Dataset:
    """Four people; weight in pounds less 135, height in inches less 66."""
    X = np.array([[-2.0, -1.0], [25.0, 6.0], [17.0, 4.0], [-15.0, -6.0]])
    y = np.array([1, 0, 0, 1], dtype=np.int64)
    return _made("gender", X, y, ("weight - 135 lb", "height - 66 in"), "gender", ("male", "female"))


def _linear() -> Dataset:
    y = np.array([2, 3, 3, 5, 8, 10, 10, 13, 15, 15, 16, 19, 19, 20, 22, 22, 25, 28], dtype=np.float64)
    return _made("linear", np.arange(1.0, 19.0)[:, None], y, ("x",), "y", None)


def _step_by_step() -> Dataset:
    return _made("step-by-step", np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]]), ("i1", "i2"), "o1, o2", None)


_EXAMPLES: dict[str, Callable[[], Dataset]] = {
    "and": lambda: _truth_table("and", 0, 0, 0, 1),
    "or": lambda: _truth_table("or", 0, 1, 1, 1),
    "not": lambda: _truth_table("not", 1, 0),
    "xor-table": lambda: _truth_table("xor-table", 0, 1, 1, 0),
    "gender": _gender,
    "linear": _linear,
    "step-by-step": _step_by_step,
}
