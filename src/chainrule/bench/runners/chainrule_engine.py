"""This package's engines."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._version import __version__
from chainrule.bench.contenders import Way
from chainrule.bench.examples import Examples
from chainrule.bench.runners import Runner
from chainrule.bench.workloads import Workload
from chainrule.engines import choose
from chainrule.formulas import OPTIMIZERS
from chainrule.language import Message
from chainrule.model import Model
from chainrule.training import train

__all__ = ["Predicting", "Training", "make"]

Array = npt.NDArray[Any]

_VERSIONS = {"chainrule": __version__, "numpy": np.__version__}


def make(workload: Workload, way: Way, examples: Examples) -> Runner:
    """Make the runner that a workload needs."""
    return (Training if workload.trains else Predicting)(workload, way, examples)


class Training:
    """Calls `train` as users do. The form "repeated" makes one epoch of the row repeated, else there are epochs."""

    def __init__(self, workload: Workload, way: Way, examples: Examples) -> None:
        self.versions, self.note = _VERSIONS, Message("")
        self._engine = way.contender
        targets = examples.labels if len(examples.labels) else examples.Y
        times = workload.epochs if way.form == "repeated" else 1
        self._X, self._Y = np.repeat(examples.X, times, axis=0), np.repeat(targets, times, axis=0)
        self._settings: dict[str, Any] = {
            "optimizer": OPTIMIZERS.find(workload.optimizer, rate=workload.rate),
            "loss": workload.loss,
            "batch_size": workload.batch_size,
            "epochs": workload.epochs // times,
            "metrics": (),
            "engine": way.contender,
        }

    def begin(self, start: Model, seed: int) -> None:
        """Keep the first parameters."""
        self._model, self._seed = start, seed

    def go(self) -> None:
        """Train."""
        self._model = train(self._model, self._X, self._Y, seed=self._seed, **self._settings)

    def outputs(self, X: Array) -> Array:
        """Give the trained network's outputs."""
        model = self._model
        return choose(self._engine).predict(model.network, model.theta, model.state, X)


class Predicting:
    """Calls the engine, without the checks of ``model.outputs``, as the other libraries are called; or just that."""

    def __init__(self, workload: Workload, way: Way, examples: Examples) -> None:
        self.versions, self.note = _VERSIONS, Message("")
        self._checks = way.contender == "outputs"
        self._engine = choose("auto" if self._checks else way.contender)
        self._X, self._calls = examples.X, workload.calls

    def begin(self, start: Model, seed: int) -> None:
        """Keep the parameters."""
        self._model = start

    def go(self) -> None:
        """Predict."""
        call = self._model.outputs if self._checks else self._predict
        for _ in range(self._calls):
            call(self._X)

    def outputs(self, X: Array) -> Array:
        """Give the outputs."""
        return self._predict(X)

    def _predict(self, X: Array) -> Array:
        return self._engine.predict(self._model.network, self._model.theta, self._model.state, X)
