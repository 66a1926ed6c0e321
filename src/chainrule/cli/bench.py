"""`chainrule bench`: how fast this machine's engines are, beside other libraries that are installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli import parameters as p
from chainrule.language import Message, told, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.bench import Comparison, Measured, Peak
    from chainrule.cli.output import Output

__all__ = ["bench"]

_QUICK = 3


def _names(incomplete: str) -> list[str]:
    from chainrule.bench import WORKLOADS

    return [name for name in WORKLOADS if name.startswith(incomplete)]


Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Only this workload; may be given several times. Default: all.", autocompletion=_names
    ),
]
Quick = Annotated[
    bool, typer.Option("--quick", help="Only three rounds, and PyTorch without its compiler: a rough answer soon.")
]
Repeats = Annotated[
    int | None, typer.Option(metavar="N", help="Rounds, in each of which everybody runs once. Default: 5 to 9.")
]
Threads = Annotated[int | None, typer.Option(metavar="N", help="Cores to use. Default: all of them.")]
Picture = Annotated[
    Path | None,
    typer.Option(metavar="FILE", readable=False, help="Draw the ratios (PNG, SVG or PDF).", rich_help_panel=p.RESULTS),
]


def bench(
    only: Only = None,
    quick: Quick = False,
    repeats: Repeats = None,
    threads: Threads = None,
    data_dir: p.DataDir = None,
    plot: Picture = None,
    as_json: p.AsJson = False,
) -> None:
    """Time this machine's engines, and other libraries that are installed, side by side."""
    from chainrule.bench import WORKLOADS, compare, find, measure
    from chainrule.bench.peak import cores
    from chainrule.cli.files import check_picture_place
    from chainrule.cli.output import Output
    from chainrule.errors import UsageError

    workloads = [find(name) for name in only or WORKLOADS]
    _at_least_one("--repeats", repeats)
    _at_least_one("--threads", threads)
    if data_dir is not None and not data_dir.is_dir():
        raise UsageError("--data-dir is {path}, which is no folder; give the one with the MNIST files", path=data_dir)
    if plot is not None:
        check_picture_place(plot)
    output = Output(as_json)
    peak = measure(min(threads or cores(), cores()))
    _tell_peak(output, peak)
    comparisons = []
    for workload in workloads:
        found = compare(
            workload,
            peak,
            threads=threads or 0,
            repeats=repeats or (_QUICK if quick else 0),
            compiling=not quick,
            data_dir=data_dir,
            tell=_tell_progress,
        )
        comparisons.append(found)
        _tell(output, found)
    _tell_absent(output, comparisons)
    pictures = [] if plot is None else [_draw(comparisons, plot)]
    for picture in pictures:
        output.say(tr("plot   {path}", path=picture))
    output.result(_as_json(comparisons, peak, pictures))


def _at_least_one(option: str, value: int | None) -> None:
    from chainrule.errors import UsageError

    if value is not None and value < 1:
        raise UsageError("{option} is {value}; expected 1 or more", option=option, value=value)


def _tell_progress(text: Message) -> None:
    """Say what is going on to whoever watches."""
    import sys

    from chainrule.cli.output import make_console

    if sys.stderr.isatty():
        make_console(sys.stderr).print(tr(text), style="dim")


def _tell_peak(output: Output, peak: Peak) -> None:
    ways = {"fma": Message("a loop of fused multiply-adds"), "blas": Message("products of large matrices")}
    output.say(
        tr(
            "This machine does at most {single:.0f} GFLOP/s in float32 and {double:.0f} in float64 with one core,"
            " {single_all:.0f} and {double_all:.0f} with {cores} (measured by {way}).",
            single=peak.single,
            double=peak.double,
            single_all=peak.single_all,
            double_all=peak.double_all,
            cores=peak.cores,
            way=ways[peak.by],
        )
    )


def _tell(output: Output, found: Comparison) -> None:
    """Print the table of a workload."""
    from chainrule.bench.results import duration

    output.heading(found.workload.name)
    output.say(told(found.workload.title))
    output.say(
        tr(
            "Data: {data}. Arithmetic: {operations:.3g} GFLOP, at one core's peak {one}, at that of {cores} {all}.",
            data=found.data,
            operations=found.workload.operations / 1e9,
            one=duration(found.limit(1)),
            cores=found.peak.cores,
            all=duration(found.limit(found.peak.cores)),
        )
    )
    if found.ran:
        header = (
            "",
            tr("median"),
            tr("range"),
            tr("ratio"),
            tr("reached"),
            tr("of peak"),
            tr("how"),
        )
        output.rows([_row(found, each) for each in found.ran], header, right=(1, 2, 3, 5))
    for each in found.measured:
        name = each.contender.label
        if each.note:
            output.say(tr("{name}: {note}", name=name, note=each.note))
        if each.failed:
            output.say(tr("{name} failed: {reason}", name=name, reason=each.failed))


def _row(found: Comparison, each: Measured) -> tuple[str, ...]:
    from chainrule.bench.results import duration, span

    first = Message("first run {time}", time=duration(each.first))
    how = Message("{form}; {first}", form=each.way.text, first=first) if each.way.text else first
    return (
        told(each.contender.label),
        duration(each.median),
        span(each.seconds),
        f"{found.ratio(each)[0]:.2f}",
        _reached(each),
        f"{100 * found.share(each):.1f} %",
        tr(how),
    )


def _reached(each: Measured) -> str:
    """Say how good a result is: the accuracy with the seeds' spread, or the loss, or how far off outputs are."""
    if (difference := each.score("difference")) is not None:
        return tr("off by {difference:.1e}", difference=difference)
    accuracy = each.score("accuracy")
    if accuracy is None:
        return tr("loss {loss:.3g}", loss=each.score("loss"))
    low, high = min(each.scores["accuracy"]), max(each.scores["accuracy"])
    return f"{100 * accuracy:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def _tell_absent(output: Output, comparisons: Sequence[Comparison]) -> None:
    """Say what could be compared with, too."""
    from chainrule.cli.output import command_line

    absent = {contender.name: contender for found in comparisons for contender in found.absent}
    if absent:
        packages = [package for contender in absent.values() for package in contender.pip.split()]
        output.say()
        output.say(
            tr(
                "Not installed, and so not compared with: {names}. To install: {command}",
                names=", ".join(told(contender.label) for contender in absent.values()),
                command=command_line("pip", "install", *packages),
            )
        )


def _draw(comparisons: Sequence[Comparison], path: Path) -> Path:
    from chainrule.plots import save_figure
    from chainrule.plots.ratios import Ratios, ratio_chart

    rows = []
    for found in comparisons:
        others: dict[str, tuple[float, float, float]] = {
            each.contender.label: found.ratio(each) for each in found.ran if each is not found.base
        }
        rows += [Ratios(found.workload.name, others)] if others else []
    bases = {found.base.contender.label for found in comparisons if found.base is not None}
    base = bases.pop() if len(bases) == 1 else Message("the fastest engine")
    title = Message("Time, beside that of {base}", base=Message("chainrule, {engine}", engine=base))
    detail = Message("markers: medians of runs in turns; lines: from the smallest to the largest ratio")
    return save_figure(ratio_chart(rows, base, title=title, detail=detail), path)


def _as_json(comparisons: Sequence[Comparison], peak: Peak, pictures: Sequence[Path]) -> dict[str, Any]:
    import platform
    from dataclasses import asdict

    return {
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "peak": asdict(peak),
        },
        "comparisons": [found.to_dict() for found in comparisons],
        "plots": [str(path) for path in pictures],
    }
