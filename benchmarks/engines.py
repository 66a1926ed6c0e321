"""How fast are this package's engines beside JAX, PyTorch, scikit-learn and ONNX Runtime, and are the goals met?

The same workloads and turns as `chainrule bench`, told as tables for docs/benchmarks.md, with the goal of each: how
many times as fast the engine is to be at least. The other libraries in the versions that the tables stand for:

    pip install --editable . --requirement benchmarks/requirements.txt
    python benchmarks/engines.py [NAME ...] [--data-dir FOLDER] [--repeats N] [--quick] [--json FILE] [--plot FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

from chainrule.bench import WORKLOADS, Comparison, Measured, compare, find, measure
from chainrule.bench.peak import cores
from chainrule.bench.results import duration, span
from chainrule.plots import save_figure
from chainrule.plots.ratios import Ratios, ratio_chart

# How many times as fast as the others the engine is to be, at least.
GOALS = {
    "784-30-10": {"jax": 3.0, "pytorch": 20.0, "scikit-learn": 15.0},
    "784-100-10": {"jax": 2.0, "pytorch": 4.0, "scikit-learn": 12.0},
    "784-800-800-10": {"jax": 1.2, "pytorch": 3.0, "scikit-learn": 5.0},
    "30-20-10-5-1": {"jax": 2.0, "pytorch": 10.0, "scikit-learn": 10.0},
    "2-2-2": {"jax": 0.5, "pytorch": 300.0},
    "100-256-256-256-1": {"jax": 1.5, "pytorch": 3.0},
    "predict-1": {"pytorch": 2.0, "scikit-learn": 10.0, "onnxruntime": 1.0},
    "predict-10000": {"pytorch": 1.5, "scikit-learn": 3.0, "onnxruntime": 1.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--repeats", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="three rounds, and PyTorch without its compiler")
    parser.add_argument("--json", type=Path, default=None)
    parser.add_argument("--plot", type=Path, default=None)
    given = parser.parse_args()
    peak = measure(cores())
    print(
        f"{peak.cores} cores, Python {platform.python_version()}, {platform.machine()}; peak in GFLOP/s: float32"
        f" {peak.single:.0f} with one core and {peak.single_all:.0f} with all, float64 {peak.double:.0f} and"
        f" {peak.double_all:.0f}\n"
    )
    comparisons = []
    for name in given.names or WORKLOADS:
        comparisons.append(
            compare(
                find(name),
                peak,
                repeats=given.repeats or (3 if given.quick else 0),
                compiling=not given.quick,
                data_dir=given.data_dir,
                tell=lambda text: print(text, file=sys.stderr),
            )
        )
        print_table(comparisons[-1])
    if given.json:
        given.json.write_text(json.dumps([each.to_dict() for each in comparisons], indent=1), encoding="utf-8")
    if given.plot:
        draw(comparisons, given.plot)


def print_table(found: Comparison) -> None:
    """Print a Markdown table, and what must be known to read it."""
    print(f"### {found.workload.name}\n\n{found.workload.title}. Data: {found.data}.")
    print(f"Arithmetic at the peak: {duration(found.limit(1))} on one core, {duration(found.limit(2))} on all.\n")
    print("| | median | range | ratio (range) | goal | reached | of the peak | how |")
    print("|---|---|---|---|---|---|---|---|")
    for each in found.ran:
        ratio, low, high = found.ratio(each)
        goal = GOALS.get(found.workload.name, {}).get(each.way.contender)
        met = "" if goal is None else f"{goal:g}, {'met' if ratio >= goal else 'not met'}"
        first = f"first run {duration(each.first)}"
        print(
            f"| {each.contender.label} {' '.join(map(str, each.versions.values()))} | {duration(each.median)} |"
            f" {span(each.seconds)} | {ratio:.2f} ({low:.2f}–{high:.2f}) | {met} | {reached(each)} |"
            f" {100 * found.share(each):.1f} % | {'; '.join(filter(None, (each.way.text, first)))} |"
        )
    for each in found.measured:
        for text in filter(None, (each.note, each.failed)):
            print(f"\n{each.contender.label}: {text}.")
    print(flush=True)


def reached(each: Measured) -> str:
    """Say how good the result is: the median, and the smallest and the largest of the seeds."""
    return "; ".join(
        f"{name} {each.score(name):.4g} ({min(values):.4g}–{max(values):.4g})" for name, values in each.scores.items()
    )


def draw(comparisons: list[Comparison], path: Path) -> None:
    rows = [
        Ratios(c.workload.name, {str(each.contender.label): c.ratio(each) for each in c.ran if each is not c.base})
        for c in comparisons
        if len(c.ran) > 1
    ]
    save_figure(ratio_chart(rows, "chainrule", title="Time, beside that of chainrule's compiled engine"), path)


if __name__ == "__main__":
    main()
