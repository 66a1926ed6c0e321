"""From scikit-learn's arguments to what `train` takes: the network, the optimizer, the rate's course, the penalties."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import (
    ACTIVATIONS,
    INITIALIZERS,
    L1,
    L2,
    OPTIMIZERS,
    SCHEDULES,
    SGD,
    Activation,
    Adam,
    Initializer,
    MaxNorm,
    Momentum,
    Nesterov,
    Penalty,
    Schedule,
)
from chainrule.language import tr
from chainrule.network import BatchNorm, Dense, Dropout, Layer, Network
from chainrule.training import LBFGS

__all__ = [
    "batch_rows",
    "build_network",
    "check_same_layers",
    "each_layer",
    "find_course",
    "find_optimizer",
    "find_penalties",
    "goes_by_epochs",
    "hidden_sizes",
    "is_adaptive",
    "uses_lbfgs",
]


def hidden_sizes(given: Any) -> list[int]:
    """Give the numbers of hidden neurons as a list: one number is one layer.

    Raises:
        UsageError: for what is neither a whole number nor a sequence of them.

    >>> hidden_sizes(30), hidden_sizes((30, 10)), hidden_sizes(())
    ([30], [30, 10], [])
    """
    sizes = list(given) if np.iterable(given) and not isinstance(given, str) else [given]
    if not all(isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size >= 1 for size in sizes):
        raise UsageError(
            "hidden_layer_sizes is {given!r}; it must be whole numbers of at least 1 (hidden_layer_sizes must be > 0), "
            "such as (100,)",
            given=given,
        )
    return [int(size) for size in sizes]


def each_layer(name: str, given: Any, count: int) -> list[Any]:
    """Give one value for each hidden layer: a sequence as it is, anything else for all of them.

    Raises:
        ShapeError: for a sequence of another length.

    >>> each_layer("dropout", 0.5, 2), each_layer("activation", ["relu", "tanh"], 2)
    ([0.5, 0.5], ['relu', 'tanh'])
    """
    if not isinstance(given, (Sequence, np.ndarray)) or isinstance(given, str):
        return [given] * count
    if len(given) != count:
        raise ShapeError(
            "{name} has {given} entries for {count} hidden layer(s); give one for each, or a single one for all",
            name=name,
            given=len(given),
            count=count,
        )
    return list(given)


def build_network(own: Any, inputs: int, outputs: int, output_activation: str) -> Network:
    """Make the network that an estimator's arguments describe.

    Args:
        own: the estimator.
        inputs: N_0.
        outputs: N_K.
        output_activation: by name.
    """
    sizes = hidden_sizes(own.hidden_layer_sizes)
    activations = [ACTIVATIONS.find(each) for each in each_layer("activation", own.activation, len(sizes))]
    dropouts = each_layer("dropout", own.dropout, len(sizes))
    norms = each_layer("batch_norm", own.batch_norm, len(sizes))
    widths = [inputs, *sizes, outputs]
    names = [each.name for each in activations] or [_name_of(own.activation)]
    layers: list[Layer] = []
    for l, units in enumerate(sizes, start=1):
        start = _initializers(own.initializer, widths[l - 1], units, names[l - 1])
        if norms[l - 1]:
            layers += [Dense(units, "identity", bias="none", initializer=start[0]), BatchNorm(activations[l - 1])]
        else:
            layers.append(Dense(units, activations[l - 1], "neuron", *start))
        if dropouts[l - 1]:
            layers.append(Dropout(dropouts[l - 1]))
    start = _initializers(own.initializer, widths[-2], outputs, names[-1])
    return Network([*layers, Dense(outputs, output_activation, "neuron", *start)], inputs=inputs)


def check_same_layers(old: Network, new: Network) -> None:
    """See that training goes on with the layers that stand; how they started does not matter any more.

    Raises:
        UsageError: where sizes, activations, dropout or batch normalization are others.

    >>> check_same_layers(Network.from_sizes([4, 7, 3]), Network.from_sizes([4, 7, 3]))
    """
    if [_bare(layer) for layer in old.layers] == [_bare(layer) for layer in new.layers] and old.inputs == new.inputs:
        return
    first, second = _details(old), _details(new)
    differ = [k for k, pair in enumerate(zip(first, second, strict=True)) if k < 2 or pair[0] != pair[1]]
    raise UsageError(
        "the fitted model has the layers {old}, and the parameters now describe {new}; warm_start and partial_fit go "
        "on with the same layers: set warm_start=False, or fit a clone",
        old=" ".join(first[k] for k in differ if first[k]),
        new=" ".join(second[k] for k in differ if second[k]),
    )


def _bare(layer: Layer) -> Layer:
    """Give a layer without how it starts."""
    return Dense(layer.units, layer.activation, layer.bias) if isinstance(layer, Dense) else layer


def _details(network: Network) -> list[str]:
    """Give in words what a network is: sizes, hidden activations, and what is told only where it differs."""
    ends = [n for n, layer in enumerate(network.layers) if isinstance(layer, Dense)][1:]
    hidden = [next(each for each in reversed(network.layers[:n]) if not isinstance(each, Dropout)) for n in ends]
    names = [_shown(layer.activation) for layer in hidden if not isinstance(layer, Dropout)]
    others = ", ".join(repr(layer) for layer in network.layers if not isinstance(layer, Dense))
    return [
        "-".join(map(str, network.sizes)),
        ", ".join(names[:1] if len(set(names)) == 1 else names),
        f"({others})" if others else "",
        f"→ {_shown(network.output_activation)}",
    ]


def _shown(activation: Activation) -> str:
    own = ", ".join(f"{name}={value:g}" for name, value in activation.parameters.items())
    return f"{activation.name}({own})" if own else activation.name


def _name_of(activation: Any) -> str:
    """Give the name of the one activation that no hidden layer has, but which scikit-learn's rule of starting asks."""
    return ACTIVATIONS.find(activation).name if not isinstance(activation, (list, tuple)) else "identity"


def _initializers(given: Any, fan_in: int, fan_out: int, activation: str) -> tuple[Initializer, Initializer | str]:
    """Give how W and b of a layer start.

    By default as in scikit-learn: both uniform in [-r, r) with r = sqrt(6 / (fan_in + fan_out)), and sqrt(2 / …) with
    the logistic activation.
    """
    if given is not None:
        return INITIALIZERS.find(given), "zeros"
    r = math.sqrt((2 if activation == "sigmoid" else 6) / (fan_in + fan_out))
    uniform = INITIALIZERS.find("uniform", low=-r, high=r)
    return uniform, uniform


def batch_rows(given: Any, rows: int) -> int:
    """Give how many rows are in a batch: "auto" is 200, and there are never more than there are rows.

    >>> batch_rows("auto", 1000), batch_rows("auto", 50), batch_rows(32, 1000)
    (200, 50, 32)
    """
    if isinstance(given, str):
        return min(200, rows)
    if given > rows:
        warnings.warn(
            tr(
                "batch_size is {given}, but there are {rows} rows to train on; all make one batch",
                given=given,
                rows=rows,
            ),
            stacklevel=5,
        )
    return min(int(given), rows)


def find_optimizer(own: Any) -> Any:
    """Give the optimizer: the one named by ``optimizer``, else the solver with scikit-learn's arguments.

    A name takes its learning rate from ``learning_rate_init``; a record has its own.
    """
    rate = float(own.learning_rate_init)
    if isinstance(own.optimizer, str) and own.optimizer in OPTIMIZERS:
        return OPTIMIZERS.find(own.optimizer, rate=rate)
    if own.optimizer == "lbfgs" or (own.optimizer is None and own.solver == "lbfgs"):
        # A tolerance of 0 asks for a gradient that is 0, which the smallest number above it says as well.
        return LBFGS(tolerance=max(float(own.tol), 5e-324), max_evaluations=own.max_fun)
    if own.optimizer is not None:
        return own.optimizer
    if own.solver == "adam":
        return Adam(rate, own.beta_1, own.beta_2, own.epsilon)
    if own.momentum == 0:
        return SGD(rate)
    return Nesterov(rate, own.momentum) if own.nesterovs_momentum else Momentum(rate, own.momentum)


def find_course(own: Any, rows: int, done: float, *, anew: bool) -> str | Schedule:
    """Give the learning rate's course: ``schedule`` for any optimizer, else ``learning_rate`` for the solver "sgd".

    "adaptive" is constant here; the callback that watches the loss lowers it. "invscaling" goes on over warm starts,
    any other course begins anew with each; over calls of ``partial_fit`` it is one of ``max_iter`` epochs.

    Args:
        own: the estimator.
        rows: to train on.
        done: epochs that the optimizer's memory counts.
        anew: whether they are no part of the course. "invscaling" counts rows instead, whatever the memory knows.
    """
    course = own.schedule
    if course is None:
        course = own.learning_rate if own.solver == "sgd" and own.optimizer is None else "constant"
    if isinstance(course, str) and course == "invscaling":
        return _INVERSE_SCALING.with_parameters(
            rows=float(rows), power=float(own.power_t), seen=float(own.t_), begun=done
        )
    if isinstance(course, str) and course == "adaptive":
        return "constant"
    found, epochs, begun = SCHEDULES.find(course), own.max_iter, done if anew else 0.0

    def shifted(e: float, E: float, **parameters: float) -> float:
        return float(found.value(e - begun, epochs, **parameters))

    return found if found.name == "constant" else replace(found, value=shifted)


def is_adaptive(own: Any) -> bool:
    """Say whether the learning rate falls where the loss no longer does."""
    if own.schedule is not None:
        return isinstance(own.schedule, str) and own.schedule == "adaptive"
    return bool(own.learning_rate == "adaptive" and own.solver == "sgd" and own.optimizer is None)


def _inverse_scaling(
    e: float, E: float, rows: float = 1.0, power: float = 0.5, seen: float = 0.0, begun: float = 0.0
) -> float:
    """1 / (t + 1)^power, where t counts the rows seen in the epochs before; 1 in the first epoch."""
    epochs = math.floor(e - begun + 1e-9)  # of this training; thirds of an epoch do not subtract exactly
    return (rows * epochs + seen + 1) ** -power


_INVERSE_SCALING = Schedule(
    name="invscaling",
    value=_inverse_scaling,
    parameters={"rows": 1.0, "power": 0.5, "seen": 0.0, "begun": 0.0},
    latex=r"\eta_e = \eta / (n \lfloor e - e_0 \rfloor + t_0 + 1)^p",
    use="As scikit-learn's learning_rate='invscaling'.",
)


def find_penalties(own: Any, share: float) -> tuple[Penalty, ...]:
    """Give the penalties: alpha divided by the weight of a batch, as scikit-learn does, and l2 and l1 undivided.

    Args:
        own: the estimator.
        share: 1 / (rows in a batch times their mean weight).
    """
    strength = own.alpha * share + own.l2
    found = [L2(strength)] if strength else []
    found += [L1(own.l1)] if own.l1 else []
    return tuple(found + ([] if own.max_norm is None else [MaxNorm(own.max_norm)]))


def uses_lbfgs(own: Any) -> bool:
    """Say whether L-BFGS trains."""
    if own.optimizer is None:
        return bool(own.solver == "lbfgs")
    return isinstance(own.optimizer, LBFGS) or (isinstance(own.optimizer, str) and own.optimizer == "lbfgs")


def goes_by_epochs(own: Any) -> bool:
    """Say whether training goes epoch by epoch, as ``partial_fit`` needs.

    Raises:
        AttributeError: where it does not: scikit-learn then shows the method as missing, with this reason.
    """
    if uses_lbfgs(own):
        raise AttributeError(tr("partial_fit goes epoch by epoch, and L-BFGS does not; choose solver='adam' or 'sgd'"))
    return True
