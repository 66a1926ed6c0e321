"""Are the estimators as good as scikit-learn's, and sooner done? Both with their defaults, on standardized inputs.

Each seed splits off a quarter of the rows to score on; both estimators get the same split and seed. The table shows the
mean score with its standard deviation over the seeds, and processor time of `fit`: elapsed time on a busy machine says
little, but on an idle one with several cores it is less than this for either.

    python benchmarks/scikit_learn.py [NAME ...] [--seeds 5] [--tabular FOLDER]

FOLDER holds NAME.csv.gz with a column "target"; without names the four sets that scikit-learn brings are used.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn import datasets, neural_network
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import chainrule

BUNDLED = {
    "digits": datasets.load_digits,
    "breast_cancer": datasets.load_breast_cancer,
    "iris": datasets.load_iris,
    "diabetes": datasets.load_diabetes,
}


def read(name: str, folder: Path):
    """Give X, y and whether y are classes."""
    if name in BUNDLED:
        X, y = BUNDLED[name](return_X_y=True)
        return X, y, name != "diabetes"
    import pandas as pd

    frame = pd.read_csv(folder / f"{name}.csv.gz")
    y = frame.pop("target")
    return (
        frame,
        y.to_numpy(),
        y.dtype == object or (y.nunique() < 30 and name not in ("wine_quality", "abalone", "skillcraft")),
    )


def prepared(X, X_test):
    """Give both as standardized numbers, categories one-hot."""
    if isinstance(X, np.ndarray):
        scaler = StandardScaler().fit(X)
        return scaler.transform(X), scaler.transform(X_test)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    both = make_column_transformer(
        (numbers, make_column_selector(dtype_include=np.number)),
        (categories, make_column_selector(dtype_exclude=np.number)),
    ).fit(X)
    return both.transform(X), both.transform(X_test)


def measure(name: str, seeds: int, folder: Path) -> str:
    """Give one row of the table."""
    X, y, classes = read(name, folder)
    kind = "MLPClassifier" if classes else "MLPRegressor"
    found = {module: [] for module in (neural_network, chainrule)}
    for seed in range(seeds):
        parts = train_test_split(X, y, random_state=seed, stratify=y if classes else None)
        A, B = prepared(*parts[:2])
        for module, trials in found.items():
            estimator = getattr(module, kind)(random_state=seed)
            began = time.process_time()
            estimator.fit(A, parts[2])
            trials.append((estimator.score(B, parts[3]), time.process_time() - began, estimator.n_iter_))
    cells = []
    for trials in found.values():
        scores, seconds, epochs = np.array(trials).T
        cells += [f"{scores.mean():.3f} ± {scores.std(ddof=1):.3f}", f"{seconds.mean():.2f} s", f"{epochs.mean():.0f}"]
    return f"| {name} | {len(y):,} | {'accuracy' if classes else 'R²'} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(BUNDLED), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tabular", type=Path, default=Path("../shared/data/tabular"), metavar="FOLDER")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| data | rows | score | scikit-learn | processor | epochs | chainrule | processor | epochs |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in given.names:
        print(measure(name, given.seeds, given.tabular), flush=True)


if __name__ == "__main__":
    main()
