"""Who is timed: this package's engines and the other libraries, each in every way in which its users would run it.

A *contender* is a library. It may have several *ways*, such as one or two threads; all are tried, and the fastest goes
into the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from chainrule.bench.workloads import Workload
from chainrule.errors import UnknownName
from chainrule.language import Message

__all__ = ["CONTENDERS", "Contender", "Way", "absent", "engines", "find", "taking_part", "ways"]


@dataclass(frozen=True)
class Way:
    """One way to run a library.

    Args:
        contender: the name of the library.
        threads: how many threads it may use; 0 leaves it to the library.
        form: how the program is written, where there are several ways; see the runners.
    """

    contender: str
    threads: int = 0
    form: str = ""

    @property
    def text(self) -> Message:
        """What tells it from the others of its library, empty where nothing does."""
        form = FORMS[self.form]
        if not self.threads:
            return form
        threads = Message("1 thread") if self.threads == 1 else Message("{n} threads", n=self.threads)
        return Message("{form}, {threads}", form=form, threads=threads) if form else threads


# Forms by the names that runners know.
FORMS = {
    "": Message(""),
    "compiled": Message("compiled"),
    "eager": Message("eager"),
    "epochs": Message("epochs"),
    "gather": Message("rows gathered by batch"),
    "repeated": Message("the row repeated"),
    "sorted": Message("rows sorted by epoch"),
}


@dataclass(frozen=True)
class Contender:
    """A library that can do workloads.

    Args:
        name: its name.
        label: how people write it; this package's own are told in the language in use.
        runner: the module in `chainrule.bench.runners`.
        packages: what it needs, as Python imports it.
        pip: what installs it.
    """

    name: str
    label: str
    runner: str
    packages: tuple[str, ...] = ()
    pip: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can run here, as far as one sees without loading it."""
        return all(find_spec(package) is not None for package in self.packages)


_ALL = (
    Contender("compiled", Message("compiled engine"), "chainrule_engine"),
    Contender("reference", Message("reference engine"), "chainrule_engine"),
    Contender("outputs", "model.outputs", "chainrule_engine"),
    Contender("jax", "JAX", "jax_scan", ("jax",), "jax"),
    Contender("pytorch", "PyTorch", "pytorch", ("torch",), "torch"),
    Contender("scikit-learn", "scikit-learn", "scikit_learn", ("sklearn",), "scikit-learn"),
    Contender("onnxruntime", "ONNX Runtime", "onnx_runtime", ("onnxruntime", "onnx"), "onnxruntime onnx"),
)

# The contenders by name.
CONTENDERS = {contender.name: contender for contender in _ALL}


def find(name: str) -> Contender:
    """Give the contender of this name.

    Raises:
        UnknownName: where there is none.

    >>> find("jax").label
    'JAX'
    """
    if name not in CONTENDERS:
        raise UnknownName.among("contender", name, CONTENDERS)
    return CONTENDERS[name]


def engines() -> list[str]:
    """Give the names of this package's engines that run here, the fastest first.

    >>> engines()[-1]
    'reference'
    """
    from chainrule.engines import choose

    # Where the compiled engine cannot run, the reference engine takes its place.
    return [name for name in ("compiled", "reference") if choose(name).name == name]


def taking_part(workload: Workload) -> list[Contender]:
    """Give the contenders of a workload that are installed here.

    >>> from chainrule.bench.workloads import WORKLOADS
    >>> taking_part(WORKLOADS["2-2-2"])[-1].name in ("reference", "jax", "pytorch")
    True
    """
    # A model checks the rows that it is given, which the other libraries do not; what that costs is shown beside them.
    own = engines() if workload.trains else [*engines(), "outputs"]
    names = [*own, *workload.against]
    return [contender for contender in map(find, names) if contender.installed]


def absent(workload: Workload) -> list[Contender]:
    """Give the libraries that a workload is compared with and that are not installed here."""
    return [contender for contender in map(find, workload.against) if not contender.installed]


def ways(contender: Contender, workload: Workload, threads: int, *, compiling: bool = True) -> list[Way]:
    """Give the ways in which a contender may do a workload.

    Args:
        contender: which.
        workload: what to do.
        threads: how many threads may work.
        compiling: whether PyTorch's compiler, which takes up to a minute, is tried too.

    >>> from chainrule.bench.workloads import WORKLOADS
    >>> [str(way.text) for way in ways(CONTENDERS["scikit-learn"], WORKLOADS["784-30-10"], 2)]
    ['1 thread', '2 threads']
    """
    forms = _forms(contender.name, workload, compiling)
    # How many threads the work is worth, the compiled engine decides; --threads says how many cores it sees.
    several = (0,) if contender.name in ("compiled", "outputs") else (1,) if threads == 1 else (1, threads)
    return [Way(contender.name, count, form) for form in forms for count in several]


def _forms(name: str, workload: Workload, compiling: bool) -> tuple[str, ...]:
    if name in ("compiled", "reference") and workload.trains and workload.rows == 1:
        return ("epochs", "repeated")
    if name == "pytorch":
        return ("eager", "compiled") if compiling else ("eager",)
    if name == "jax":
        return ("gather", "sorted") if workload.batch_size < workload.rows else ("",)
    return ("",)
