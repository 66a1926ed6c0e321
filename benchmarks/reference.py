"""What does one epoch of the reference engine cost, beside a straightforward NumPy script?

The job: 784-30-10, sigmoid, half squared error, batches of 10, 50,000 images, float32. The script does what a person
would write by hand for this very network: shuffle, take a batch, forward, loss, finite check, backward, update. Both
run in turns in one process; the figures are ratios, since single times on a busy machine say little.

    python benchmarks/reference.py [--data-dir FOLDER] [--repeats 15]

Without the four MNIST files it uses random images, which cost the same.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule.errors import ChainruleError

ROWS, BATCH, RATE = 50_000, 10, 3.0


def images(folder: Path | None) -> tuple[np.ndarray, np.ndarray, str]:
    """Give 50,000 rows of 784 numbers in [0, 1], and their class numbers."""
    try:
        mnist = cr.data.load("mnist", data_dir=folder)
        return np.asarray(mnist.X[:ROWS], dtype=np.float32) / 255, np.asarray(mnist.y[:ROWS]), "MNIST"
    except ChainruleError:
        rng = np.random.default_rng(0)
        return rng.random((ROWS, 784), dtype=np.float32), rng.integers(0, 10, ROWS), "random images"


def script_epoch(X: np.ndarray, Y: np.ndarray, W1, b1, W2, b2, seed: int) -> float:
    """One epoch as a person would write it; the parameters are changed in place."""
    order = np.random.default_rng(seed).permutation(len(X))
    total = 0.0
    for start in range(0, len(X), BATCH):
        rows = order[start : start + BATCH]
        x, y = X[rows], Y[rows]
        a1 = 1 / (1 + np.exp(-(x @ W1.T + b1)))
        a2 = 1 / (1 + np.exp(-(a1 @ W2.T + b2)))
        error = a2 - y
        loss = 0.5 * (error * error).sum() / len(x)
        if not np.isfinite(loss):
            raise FloatingPointError("the loss is not finite")
        total += loss
        d2 = error * a2 * (1 - a2) / len(x)
        d1 = (d2 @ W2) * a1 * (1 - a1)
        W2 -= RATE * (d2.T @ a1)
        b2 -= RATE * d2.sum(axis=0)
        W1 -= RATE * (d1.T @ x)
        b1 -= RATE * d1.sum(axis=0)
    return total * BATCH / len(X)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args()
    X, labels, what = images(given.data_dir)
    Y = np.eye(10, dtype=np.float32)[labels]
    network = cr.Network.from_sizes(
        [784, 30, 10], hidden="sigmoid", output="sigmoid", initializer="normal", bias_initializer="normal"
    )
    start = network.init(seed=0, dtype=np.float32)
    ours, theirs = [], []
    for repeat in range(given.repeats):
        began = time.perf_counter()
        model = cr.train(
            start,
            X,
            Y,
            optimizer=cr.SGD(RATE),
            loss="half_squared_error",
            batch_size=BATCH,
            epochs=1,
            seed=repeat,
            metrics=(),
            engine="reference",
        )
        ours.append(time.perf_counter() - began)
        W1, b1, W2, b2 = (start[name].copy() for name in ("W1", "b1", "W2", "b2"))
        began = time.perf_counter()
        loss = script_epoch(X, Y, W1, b1, W2, b2, repeat)
        theirs.append(time.perf_counter() - began)
        assert model.history is not None
        print(
            f"epoch {repeat}: chainrule {ours[-1]:.3f} s (loss {model.history['loss'][0]:.4f}), "
            f"script {theirs[-1]:.3f} s (loss {loss:.4f})"
        )
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"\n784-30-10, sigmoid, batch {BATCH}, {ROWS:,} rows of {what}, float32, NumPy {np.__version__}")
    print(f"chainrule.train  median {statistics.median(ours):.3f} s, fastest {min(ours):.3f} s")
    print(f"NumPy script     median {statistics.median(theirs):.3f} s, fastest {min(theirs):.3f} s")
    print(f"ratio of medians {statistics.median(ours) / statistics.median(theirs):.2f}")
    print(f"ratio of fastest {min(ours) / min(theirs):.2f}, which other programs on the machine disturb least")
    print(f"ratios of pairs  {ratios[0]:.2f} to {ratios[-1]:.2f}")


if __name__ == "__main__":
    main()
