"""Is a gradient the derivative of its value? Asked of a network, or of anybody's function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.engines import Draw
from chainrule.errors import ChainruleError, UsageError
from chainrule.explain.gradcheck.calling import Failure, copied, name_of, of_a_class, quiet
from chainrule.explain.gradcheck.comparing import Compared, Plan, Unusable, compare, one_by_one
from chainrule.explain.gradcheck.hints import is_multiple, overall_hint
from chainrule.explain.gradcheck.networks import network_points, network_subject, own_point
from chainrule.explain.gradcheck.probing import blind_spots, points_around, several
from chainrule.explain.gradcheck.report import GradientReport
from chainrule.explain.gradcheck.subjects import Point, Subject, subject_of
from chainrule.explain.gradcheck.summing import BAD, sizes_of, summed
from chainrule.formulas import Array, Loss
from chainrule.language import Message
from chainrule.model import Model
from chainrule.network import Network
from chainrule.streams import check_seed

__all__ = ["gradcheck"]


def gradcheck(
    subject: Network | Model | Callable[..., Any],
    *arguments: Any,
    gradient: Callable[..., Any] | None = None,
    step: Callable[..., Any] | None = None,
    rate: float | None = None,
    loss: str | Loss | None = None,
    draw: Draw | None = None,
    engine: str = "reference",
    entries: int | None = None,
    tolerance: float | None = None,
    seed: int = 0,
) -> GradientReport:
    """Check a gradient against derivatives computed from values alone.

    A function is called as ``f(theta, *data)``, as ``f(W1, b1, …, *data)`` where theta is a tuple or list of arrays, or
    by name where theta is a dict of argument names. It gives the value and its gradient, in theta's form; or the value
    alone, with ``gradient=`` or ``step=`` beside it. Besides the point that it is given, it is tried at random ones.

    Args:
        subject: a function; a `Model`, with rows and targets or without; or a `Network`, which brings its own probes.
        *arguments: of a function: theta (an array, or a dict, list or tuple of arrays), then its other arguments, such
            as X and Y. Of a model: X, Y and weights, as in ``model.gradient``, or nothing.
        gradient: a function of the same arguments that gives the gradient.
        step: a function of the same arguments that makes one step of gradient descent: it gives the new parameters, or
            changes the given ones in place. The gradient is (before - after) / rate.
        rate: the learning rate of that step.
        loss: of a model or network: another loss than its own.
        draw: of a model: the dropout masks of a training pass, ``Draw(seed, update)``.
        engine: of a model or network: whose gradient is checked.
        entries: of larger arrays, how many entries are looked at one by one, the others all at once; None: 50, or 10
            where there are more than 100,000 in all.
        tolerance: how far a gradient may be off, in units of the array's largest derivative; None goes by the number
            type: 1e-11 for float64, 1e-4 for float32, also where values are rounded so. Rounding that is measured comes
            on top.
        seed: of the random probes.

    Returns:
        A `GradientReport`; ``report.ok`` says whether all is right.

    Raises:
        UsageError: for a function that cannot be called so, fails, or gives what is no value or no gradient.

    Source: A. Griewank and A. Walther, "Evaluating Derivatives", SIAM 2008, for differences and their errors.

    >>> import numpy as np
    >>> def loss_and_gradient(w, X, y):
    ...     e = X @ w - y
    ...     return np.mean(e**2), 2 * X.T @ e  # forgets the mean
    >>> X, y = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]), np.array([1.0, 0.0, 2.0])
    >>> report = gradcheck(loss_and_gradient, np.zeros(2), X, y)
    >>> report.ok
    False
    >>> print(report["w"].hint)
    dw = 3 × numerical, for every entry. 3 is a size of your data: the gradient of a sum, where the value is a mean?
    """
    plan = _plan(entries, tolerance, seed)
    if isinstance(subject, Network):
        subject = subject.init(seed=seed)
        if arguments:
            raise UsageError(
                "a network has no parameters, so X and Y say little; give gradcheck(network) alone, or a model: "
                "gradcheck(network.init(seed=0), X, Y)"
            )
    if isinstance(subject, Model):
        if gradient is not None or step is not None:
            raise UsageError("a model has a gradient of its own; gradient= and step= belong to a function")
        return _check_model(subject, arguments, loss, draw, engine, plan)
    if inspect.isclass(subject) or (not callable(subject) and hasattr(subject, "__dict__")):
        raise of_a_class(name_of(subject))
    if not callable(subject):
        raise UsageError(
            "what is checked must be a function, a Model or a Network, not {given}", given=type(subject).__name__
        )
    if not arguments:
        raise UsageError(
            "gradcheck({name}) lacks the parameters to start from: gradcheck({name}, theta, X, Y)",
            name=name_of(subject),
        )
    if (step is None) != (rate is None) or (step is not None and gradient is not None) or rate == 0:
        raise UsageError("give gradient=, or step= together with its rate=, such as rate=0.1; or none of them")
    with quiet():
        made, own = subject_of(subject, arguments[0], arguments[1:], gradient, step, rate)
        return _check_function(made, own, plan)


def _plan(entries: int | None, tolerance: float | None, seed: int) -> Plan:
    whole = isinstance(entries, (int, np.integer)) and not isinstance(entries, bool)
    if entries is not None and (not whole or entries < 1):
        raise UsageError("entries is {entries!r}; it must be a whole number of at least 1", entries=entries)
    if tolerance is not None and not 0 < tolerance < 1:
        raise UsageError("tolerance is {tolerance!r}; it must be between 0 and 1, or None", tolerance=tolerance)
    return Plan(None if entries is None else int(entries), tolerance, check_seed(seed))


def _check_model(
    model: Model, arguments: Sequence[Any], loss: str | Loss | None, draw: Draw | None, engine: str, plan: Plan
) -> GradientReport:
    if len(arguments) not in (0, 2, 3):
        raise UsageError(
            "gradcheck(model, …) takes X and Y, and weights if there are any, or nothing; it was given {n} positions",
            n=len(arguments),
        )
    if not isinstance(draw, Draw | None):
        raise UsageError("draw is {draw!r}; expected Draw(seed, update), such as Draw(0, 1), or None", draw=draw)
    made, model = network_subject(model, engine, loss)
    weights = arguments[2] if len(arguments) == 3 else None
    points = [own_point(model, arguments[0], arguments[1], weights, draw)] if arguments else []
    with quiet():
        return _report(made, [*points, *network_points(model, plan.seed)], plan, [])


def _check_function(subject: Subject, own: Point, plan: Plan) -> GradientReport:
    notes = _tried_out(subject, own)
    if not own.data:
        notes.append(
            Message(
                "Data that the function takes from elsewhere could not be varied; where they hide a mistake it stays "
                "hidden. Make them arguments: gradcheck(f, theta, X, Y)."
            )
        )
    return _report(subject, [own, *points_around(own, plan.seed)], plan, notes)


def _tried_out(subject: Subject, own: Point) -> list[Message]:
    """Call the functions at the user's point, and tell what is the matter where they cannot be used.

    Raises:
        UsageError: then.
    """
    data = copied(own.data)
    try:
        first = complex(subject.value(own.arrays, data)).real
        second = complex(subject.value(own.arrays, data)).real
        given = subject.gradient(own.arrays, data)
        changed = subject.changes(own.arrays, data)
    except Failure as failure:
        raise UsageError(
            "{name} fails at the point it was given: {what}", name=subject.name, what=failure.told()
        ) from failure.error
    if not np.isfinite(first):
        raise UsageError(
            "the value of {name} at the point it was given is {value}; start where it is finite",
            name=subject.name,
            value=first,
        )
    if abs(first - second) > 1e-6 * abs(first):
        raise UsageError(
            "{name} gives {first:.10g} and then {second:.10g} for the same arguments, so it has no derivative to "
            "compare with; draw its random numbers from np.random.default_rng(0), made within it",
            name=subject.name,
            first=first,
            second=second,
        )
    notes = [
        Message(
            "d{name} is of type {given}, though the parameters are of type {kind}; it is held to what {given} can "
            "hold.",
            name=name,
            given=array.dtype.name,
            kind=theta.dtype.name,
        )
        for name, array, theta in zip(subject.names, given, own.arrays, strict=True)
        if array.dtype.kind == "f" and array.dtype.itemsize < theta.dtype.itemsize
    ]
    if changed:
        notes.append(
            Message(
                "{name} changes its arguments in place ({changed}). Here it was handed copies; whoever calls it twice "
                "elsewhere gets other numbers.",
                name=subject.name,
                changed=", ".join(changed),
            )
        )
    return notes


def _report(subject: Subject, points: Iterable[Point], plan: Plan, notes: list[Message]) -> GradientReport:
    probes: list[tuple[Point, list[Compared]]] = []
    skipped, hidden = [], []
    for turn, point in enumerate(points):
        try:
            found = compare(subject, point, plan, turn)
        except (Failure, Unusable, UsageError) as error:
            if point.own and isinstance(error, UsageError):
                raise
            skipped.append(Message("{point}: {why}", point=point.label, why=_reason(error)))
            continue
        if point.rows and _of_one_example(subject, probes[0][0], found, point.rows):
            why = Message("wrong there, and not by a factor: the function seems to be made for one example at a time")
            skipped.append(Message("{point}: {why}", point=point.label, why=why))
            continue
        probes.append((point, found))
        if point.own:
            hidden = blind_spots(point, subject.names, subject.data_names, [one.found.values for one in found])
    if not probes:
        raise UsageError("{name} could be checked nowhere: {why}", name=subject.name, why=skipped[0])
    arrays = tuple(summed([(point, found[k]) for point, found in probes], probes) for k in range(len(subject.names)))
    wrong_at = {point.label for point, found in probes for one in found if one.verdict in BAD}
    if wrong_at and probes[0][0].own and probes[0][0].label not in wrong_at:
        notes = [*notes, Message("At your own point every number agrees: the mistake does not show there.")]
    hint = next((h for point, found in probes if (h := overall_hint(found, sizes_of(point)))), "")
    if large := _of_large(probes[0][0].arrays, subject.names, plan):
        notes = [*notes, large]
    labels = tuple(point.label for point, _ in probes)
    return GradientReport(subject.name, arrays, labels, tuple(skipped), tuple(hidden), tuple(notes), hint)


def _of_large(arrays: Sequence[Array], names: Sequence[str], plan: Plan) -> Message | None:
    """Say of which arrays some entries only were looked at one by one."""
    most = one_by_one(sum(array.size for array in arrays), plan)
    listed = [f"d{name}: {most:,} / {a.size:,}" for name, a in zip(names, arrays, strict=True) if a.size > most]
    if not listed:
        return None
    return Message(
        "At each probe some entries of the large arrays were looked at one by one ({listed}), the others all at once "
        "along a random direction.",
        listed=", ".join(listed),
    )


def _of_one_example(subject: Subject, own: Point, found: Sequence[Compared], rows: int) -> bool:
    """Whether what is wrong for several examples is no mistake, as the function takes one: ``db = D[0]``, say.

    A function whose value is a mean takes several, and so does one whose gradient is only off by their number.
    """
    wrong = [one for one in found if one.verdict in BAD]
    if any(all(is_multiple(one, ratio) for one in wrong) for ratio in (rows, 1 / rows, 0)):
        return False
    try:
        value, of_copies = (complex(subject.value(own.arrays, data)) for data in (own.data, several(own.data)))
    except (Failure, UsageError):
        return True
    return abs(of_copies - value) > 1e-6 * abs(value)


def _reason(error: Exception) -> Message | str:
    if isinstance(error, Failure):
        return error.told()
    if isinstance(error, ChainruleError):  # to be told in the language of whoever reads it
        return Message(error.key, **error.fields)
    return Message("the value is not finite there")
