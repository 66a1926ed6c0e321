"""Does `chainrule.MLPClassifier` do as well as scikit-learn's, in less time? Both with their defaults, on real tables.

Numbers are standardized, categories one-hot, missing numbers replaced by the median: fitted on the training rows, the
same for both. For each seed another quarter of the rows is held out, and both learn the rest, one after the other. A
score is the accuracy or R² on what was held out; its mean and standard deviation over the seeds are shown, and the
median of the ratios of the two times.

    python benchmarks/estimators.py [--tables FOLDER] [--seeds 5] [--rows 5000] [--only iris,digits] [--json FILE]

The tables are `NAME.csv` or `NAME.csv.gz` with a column `target`; scikit-learn brings the other data.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn.datasets
import sklearn.neural_network as theirs
from sklearn.base import is_classifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import chainrule as ours
from chainrule.training import MeanSpread

BUNDLED: dict[str, Callable[..., Any]] = {
    "iris": sklearn.datasets.load_iris,
    "wine": sklearn.datasets.load_wine,
    "breast-cancer": sklearn.datasets.load_breast_cancer,
    "digits": sklearn.datasets.load_digits,
    "diabetes": sklearn.datasets.load_diabetes,
}


class Table(NamedTuple):
    """Rows and what is to be predicted."""

    name: str
    X: Any
    y: Any
    classes: bool


class Line(NamedTuple):
    """What one table came to."""

    name: str
    rows: int
    columns: int
    ours: list[float]
    theirs: list[float]
    seconds: list[float]
    their_seconds: list[float]

    @property
    def ratio(self) -> float:
        """How many times longer scikit-learn took."""
        return statistics.median(b / a for a, b in zip(self.seconds, self.their_seconds, strict=True))


def tables(folder: Path | None, only: set[str]) -> Iterator[Table]:
    """Give the tables that are there."""
    import pandas as pd

    for name, load in BUNDLED.items():
        if not only or name in only:
            X, y = load(return_X_y=True)
            yield Table(name, X, y, name != "diabetes")
    for path in sorted(folder.glob("*.csv*")) if folder else ():
        name = path.name.partition(".")[0]
        if not only or name in only:
            frame = pd.read_csv(path)
            y = frame.pop("target").to_numpy()
            yield Table(name, frame, y, y.dtype.kind not in "fi" or len(np.unique(y)) == 2)


def encode(train: Any, test: Any) -> tuple[np.ndarray, np.ndarray]:
    """Turn rows into numbers as both estimators are to see them."""
    if isinstance(train, np.ndarray):
        scaler = StandardScaler().fit(train)
        return scaler.transform(train), scaler.transform(test)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    encoder = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_exclude="number")),
    ).fit(train)
    return encoder.transform(train), encoder.transform(test)


def fit(estimator: Any, X: np.ndarray, y: np.ndarray, held_out: tuple[Any, Any]) -> tuple[float, float]:
    """Give the score on what was held out, and the seconds that learning took."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        began = time.perf_counter()
        estimator.fit(X, y)
        seconds = time.perf_counter() - began
    return float(estimator.score(*held_out)), seconds


def measure(table: Table, seeds: int, rows: int, settings: dict[str, Any]) -> Line:
    """Fit both, seed by seed."""
    found = Line(table.name, min(rows, len(table.y)), 0, [], [], [], [])
    for seed in range(seeds):
        some = np.random.default_rng(seed).permutation(len(table.y))[:rows]
        X = table.X[some] if isinstance(table.X, np.ndarray) else table.X.iloc[some]
        y = table.y[some]
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
        X_train, X_test = encode(X_train, X_test)
        if not table.classes:  # the defaults' rate reaches no target in the thousands
            center, scale = y_train.mean(), y_train.std()
            y_train, y_test = (y_train - center) / scale, (y_test - center) / scale
        kind = "MLPClassifier" if table.classes else "MLPRegressor"
        mine, other = getattr(ours, kind)(random_state=seed, **settings), getattr(theirs, kind)(random_state=seed)
        assert is_classifier(mine) == is_classifier(other)
        for estimator, scores, seconds in (
            (mine, found.ours, found.seconds),
            (other, found.theirs, found.their_seconds),
        )[:: 1 if seed % 2 else -1]:
            score, took = fit(estimator, X_train, y_train, (X_test, y_test))
            scores.append(score)
            seconds.append(took)
        found = found._replace(columns=X_train.shape[1])
    return found


def tell(line: Line) -> None:
    """Print one line of the table."""
    print(
        f"| {line.name} | {line.rows:,} × {line.columns} | {MeanSpread.of(line.ours):.3f} | "
        f"{MeanSpread.of(line.theirs):.3f} | {statistics.median(line.seconds):.2f} s | {line.ratio:.1f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, default=None)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--only", default="")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    only = {name for name in given.only.split(",") if name}
    print("| data | rows × columns | chainrule | scikit-learn | seconds | scikit-learn takes, times longer |")
    print("|---|---|---|---|---|---|")
    lines = []
    for table in tables(given.tables, only):
        lines.append(measure(table, given.seeds, given.rows, {"engine": given.engine}))
        tell(lines[-1])
    if given.json is not None:
        given.json.write_text(json.dumps([line._asdict() for line in lines], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
