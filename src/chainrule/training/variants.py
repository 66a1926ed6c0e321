"""Many trainings to compare: several variants of a network or its training, each from several seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from chainrule.errors import UsageError
from chainrule.formulas import Array
from chainrule.model import Model
from chainrule.network import Network
from chainrule.streams import check_seed
from chainrule.training.loop import train

__all__ = ["MeanSpread", "Trials", "Variant", "train_variants"]

Name = TypeVar("Name", bound=str)


class MeanSpread(NamedTuple):
    """What several trials of one thing came to: their mean, and the standard deviation (n - 1) around it.

    A format applies to both numbers: ``f"{result:.1%}"`` gives ``"96.3% ± 0.4%"``.

    Where one of the numbers is nan, what they came to is nan, too, and is shown as a dash.

    >>> f"{MeanSpread.of([1.0, 2.0, 3.0]):.2f}"
    '2.00 ± 1.00'
    """

    mean: Any
    spread: Any

    @classmethod
    def of(cls, values: npt.ArrayLike) -> MeanSpread:
        """Give mean and spread over the first axis: of numbers two numbers, of series two series."""
        trials = np.asarray(values, dtype=np.float64)
        return cls(trials.mean(axis=0), trials.std(axis=0, ddof=1) if len(trials) > 1 else np.zeros(trials.shape[1:]))

    @property
    def last(self) -> MeanSpread:
        """What a series came to in the end."""
        return MeanSpread(self.mean[-1], self.spread[-1])

    @property
    def points(self) -> list[MeanSpread]:
        """The points of a series, one by one, such as for the cells of a table.

        >>> [f"{point:.1f}" for point in MeanSpread.of([[0.0, 1.0], [2.0, 1.0]]).points]
        ['1.0 ± 1.4', '1.0 ± 0.0']
        """
        return [MeanSpread(mean, spread) for mean, spread in zip(self.mean, self.spread, strict=True)]

    def __format__(self, how: str) -> str:
        return f"{self.mean:{how}} ± {self.spread:{how}}" if np.isfinite(self.mean) else "–"


@dataclass(frozen=True)
class Variant:
    """A network, and in what its training differs from that of the others.

    Args:
        network: what is trained.
        arguments: arguments of `train`, such as ``{"optimizer": SGD(0.5)}``; they come before those of all.

    >>> Variant(Network.from_sizes([64, 10]), {"optimizer": "sgd"}).arguments
    {'optimizer': 'sgd'}
    """

    network: Network
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trials:
    """What became of one variant: a model of each seed.

    Args:
        models: the trained models, in the order of the seeds.

    >>> trials = train_variants({"a": Network.from_sizes([1, 1])}, [[0.0], [1.0]], [0.0, 1.0], epochs=4)["a"]
    >>> trials.series("loss").shape, trials.course("loss").mean.shape
    ((3, 4), (4,))
    """

    models: tuple[Model, ...]

    def series(self, name: str) -> Array:
        """Give a series of the histories, shape (seeds, epochs).

        Raises:
            UnknownName: where it was not recorded.
            UsageError: where the trainings had different numbers of epochs.
        """
        series = [model.history[name] for model in self.models if model.history is not None]
        if len({len(each) for each in series}) != 1:
            raise UsageError(
                "the trainings stopped after {epochs} epochs; series of different lengths have no mean",
                epochs=", ".join(str(len(each)) for each in series),
            )
        return np.array(series)

    def course(self, name: str) -> MeanSpread:
        """Give the mean and the spread of a series, epoch by epoch."""
        return MeanSpread.of(self.series(name))

    def last(self, name: str) -> MeanSpread:
        """Give the mean and the spread of a series after the last epoch."""
        return self.course(name).last

    def difference(self, name: str, other: str) -> MeanSpread:
        """Give the mean and the spread, epoch by epoch, of what one series is above another."""
        return MeanSpread.of(self.series(name) - self.series(other))

    def epochs_to(self, name: str, least: float) -> MeanSpread:
        """Give after how many epochs a series was at least so large; nan where it never was in some trial."""
        reached = self.series(name) >= least
        return MeanSpread.of(np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.nan))

    def evaluate(self, X: Any, Y: Any) -> dict[str, MeanSpread]:
        """Give the mean and the spread of what `Model.evaluate` measures on these rows."""
        measured = [model.evaluate(X, Y) for model in self.models]
        return {name: MeanSpread.of([each[name] for each in measured]) for name in measured[0]}

    def evaluate_each(self, parts: Iterable[tuple[Any, Any]]) -> dict[str, MeanSpread]:
        """Give the mean and the spread of the same on each of several parts (X, Y), as series over the parts."""
        measured = [self.evaluate(X, Y) for X, Y in parts]
        return {
            name: MeanSpread(*np.array([each[name] for each in measured]).T)
            for name in (measured[0] if measured else ())
        }


def train_variants(
    variants: Mapping[Name, Variant | Network],
    X: Any,
    Y: Any,
    *,
    seeds: Iterable[int] = (0, 1, 2),
    listener: Callable[[Name, Trials], None] | None = None,
    **arguments: Any,
) -> dict[Name, Trials]:
    """Train every variant from every seed and give what became of each.

    One training says little about a method: another seed starts from other weights and ends elsewhere. Means and
    spreads over seeds say whether one variant is better than another or was lucky.

    Args:
        variants: by name, a network, or a `Variant` whose training differs, too.
        X: inputs, as `train` takes them.
        Y: targets, likewise.
        seeds: where each variant begins; three or more for a spread that means something.
        listener: called with name and trials as each variant is done.
        **arguments: of `train`, for all variants.

    Raises:
        UsageError: where there is no seed; and whatever `train` raises.

    >>> network = Network.from_sizes([2, 3, 1], hidden="tanh", output="sigmoid")
    >>> slow, quick = ({"optimizer": "adam", "schedule": "constant"}, {"optimizer": "sgd"})
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 1]
    >>> found = train_variants({"adam": Variant(network, slow), "sgd": Variant(network, quick)}, X, y, epochs=3)
    >>> [len(trials.models) for trials in found.values()]
    [3, 3]
    """
    numbers = [check_seed(seed) for seed in seeds]
    if not numbers:
        raise UsageError("there is no seed to train from; give at least one, such as seeds=[0, 1, 2]")
    found: dict[Name, Trials] = {}
    for name, variant in variants.items():
        chosen = variant if isinstance(variant, Variant) else Variant(variant)
        settings = {**arguments, **chosen.arguments}
        found[name] = Trials(tuple(train(chosen.network, X, Y, seed=seed, **settings) for seed in numbers))
        if listener is not None:
            listener(name, found[name])
    return found
