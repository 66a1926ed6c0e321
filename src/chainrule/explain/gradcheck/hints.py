"""What a wrong gradient may have gone wrong by: ratios, transposes, other arrays and penalties tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.explain.gradcheck.comparing import Compared
from chainrule.formulas import Array
from chainrule.language import Message

__all__ = ["hint_of", "is_multiple", "overall_hint", "ratio_of"]

_SAME = 1e-6  # how close numbers must be to count as the same
_COARSELY_SAME = 1e-3  # and where values are rounded as float32 is


def _same(one: Compared) -> float:
    return _COARSELY_SAME if one.noise.coarse else _SAME


def ratio_of(one: Compared) -> float | None:
    """Give yours / numerical where that is the same for every entry, else None."""
    n = one.found.values
    if len(one.yours) != len(n):
        return None
    # Of small derivatives the ratio is less sure where values are rounded coarsely.
    least = 0.05 if one.noise.coarse else 1e-6
    same, most = _same(one), np.abs(n).max(initial=0)
    sure = np.isfinite(one.yours) & ~one.undecided & (np.abs(n) > least * most)
    if sure.sum() < min(2, len(n)):
        return None
    ratios = one.yours[sure] / n[sure]
    middle = float(np.median(ratios))
    rest = np.abs(one.yours - middle * n)[~sure & ~one.undecided] <= same * most
    return middle if np.all(np.abs(ratios - middle) <= same * max(abs(middle), same)) and rest.all() else None


def is_multiple(one: Compared, ratio: float) -> bool:
    """Whether yours is so many times the numerical derivative, for every entry."""
    if one.verdict == "shape":
        return False
    apart = np.abs(one.yours - ratio * one.found.values)[~one.undecided]
    return bool(np.all(apart <= _same(one) * max(abs(ratio), 1) * np.abs(one.found.values).max()))


def overall_hint(found: Sequence[Compared], sizes: Sequence[int]) -> Message | None:
    """Say what the wrong arrays have in common: one factor, or that all lie before one place on the way back.

    Args:
        found: the arrays, in the order of their layers.
        sizes: numbers of rows and columns of the data, which a factor may be.
    """
    wrong = [one for one in found if one.verdict == "wrong"]
    right = [one for one in found if one.verdict == "right"]
    if len(wrong) < 2:
        return None
    return _one_factor(wrong, sizes) if not right else _one_place(found, wrong, right)


def _one_factor(wrong: Sequence[Compared], sizes: Sequence[int]) -> Message | None:
    one, ratio = next(((one, found) for one in wrong if (found := ratio_of(one)) is not None), (wrong[0], None))
    if ratio is None:
        return None
    if not all(is_multiple(one, ratio) for one in wrong):
        return None
    if ratio == 0:
        return Message("Your whole gradient is 0: it was never computed, or multiplied by 0, as 1 // m is.")
    return Message(
        "Your whole gradient is {ratio} times the numerical one. {why}",
        ratio=_text(ratio, _same(one)),
        why=_why(ratio, sizes, _same(one)),
    )


def _one_place(found: Sequence[Compared], wrong: Sequence[Compared], right: Sequence[Compared]) -> Message | None:
    """Tell where the error goes wrong on its way back: all before that place is wrong, all behind it right."""
    judged = [one for one in found if one.verdict in ("right", "wrong")]
    if [one.verdict for one in judged] != ["wrong"] * len(wrong) + ["right"] * len(right):
        return None
    return Message(
        "From d{right} on all is right, and all before it is wrong: look at how the error gets from d{right} back to "
        "d{wrong}, at the weights that it is multiplied by and at the slope f' there.",
        right=right[0].name,
        wrong=wrong[-1].name,
    )


def hint_of(one: Compared, others: Sequence[Compared], sizes: Sequence[int]) -> Message | str:
    """Say what may be wrong with one array, or give an empty text.

    Args:
        one: an array that is wrong.
        others: the other arrays of the same gradient.
        sizes: numbers of rows and columns of the data.
    """
    name = f"d{one.name}"
    if one.verdict == "shape":
        return _of_shape(one, name)
    if one.verdict == "vague":
        return _of_vague(one, name)
    if not np.isfinite(one.yours).all():
        return Message("{name} has numbers that are not finite.", name=name)
    if one.verdict == "inexact":
        return Message(
            "Off by a little, which is no rounding of {kind}: a narrower number type on the way (float32?), or an "
            "epsilon or a clip in the value that the gradient leaves out. Training will not suffer from it.",
            kind=one.given.dtype.name,
        )
    if not np.any(one.yours):
        return Message("{name} is 0 everywhere: it was never computed, or multiplied by 0.", name=name)
    ratio = ratio_of(one)
    why = "" if ratio is None else _why(ratio, sizes, _same(one))
    if ratio is not None and (why or len(one.yours) > 1):  # of one number, any ratio is the same for every entry
        return Message(
            "{name} = {ratio} × numerical, for every entry. {why}",
            name=name,
            ratio=_text(ratio, _same(one)),
            why=why or Message("A factor is missing, or there twice."),
        )
    for look in (_transposed, _of_another, _penalty, _clipped, _partly):
        found = look(one, others, name)
        if found:
            return found
    return ""


def _text(ratio: float, same: float) -> str:
    inverse = 1 / ratio
    if abs(ratio) < 1 and abs(inverse - round(inverse)) < 10 * same * abs(inverse):
        return f"{'-' if ratio < 0 else ''}1/{abs(round(inverse))}"
    return f"{ratio:.6g}" if same == _SAME else f"{ratio:.3g}"


def _why(ratio: float, sizes: Sequence[int], same: float) -> Message | str:
    if abs(ratio + 1) < same:
        return Message("The sign is wrong: y - a where a - y is meant, or the way down instead of the gradient?")
    if abs(ratio - 2) < same and 2 not in sizes:
        return Message("Half squares in the value, whole squares in the gradient?")
    if abs(ratio - 0.5) < same and 2 not in sizes:
        return Message("Whole squares in the value, half squares in the gradient?")
    for size in sizes:
        if size > 1 and abs(ratio - size) < same * size:
            return Message("{n} is a size of your data: the gradient of a sum, where the value is a mean?", n=size)
        if size > 1 and abs(ratio * size - 1) < same:
            return Message(
                "{n} is a size of your data: the gradient of a mean, where the value is a sum, or 1/m twice?", n=size
            )
    return ""


def _of_shape(one: Compared, name: str) -> Message:
    if one.given.size != np.prod(one.shape):
        return Message(
            "{name} has shape {given}, the parameters have {expected}: a sum over the wrong axis, or another array's "
            "gradient?",
            name=name,
            given=one.given.shape,
            expected=one.shape,
        )
    turned = one.given.T
    if turned.shape == one.shape and _matches(one, turned.ravel()):
        why: Message | str = Message("Its numbers are right: transpose it.")
    elif _matches(one, one.given.ravel()):
        why = Message("Its numbers are right, but an update would go wrong by broadcasting; reshape it.")
    else:
        why = Message("Its numbers are wrong as well.")
    return Message(
        "{name} has shape {given}, the parameters have {expected}. {why}",
        name=name,
        given=one.given.shape,
        expected=one.shape,
        why=why,
    )


def _of_vague(one: Compared, name: str) -> Message:
    if one.noise.coarse:
        return Message(
            "Most of {name} could not be compared: the values are rounded to {noise}, as if computed in float32 or "
            "narrower on the way. Compute in float64, without .astype(np.float32), and check again.",
            name=name,
            noise=f"± {one.noise.size:.0e}",
        )
    return Message(
        "Most of {name} could not be compared: the value has a kink there, or is not finite beside it. Start "
        "elsewhere, or check without what rounds, counts or cuts.",
        name=name,
    )


def _matches(one: Compared, flat: Array) -> bool:
    n = one.found.values
    sure = ~one.found.kinks & np.isfinite(n)
    close = np.abs(flat.astype(np.float64)[one.entries] - n) <= _same(one) * np.abs(n[sure]).max(initial=0)
    return bool(close[sure].all())


def _transposed(one: Compared, others: Sequence[Compared], name: str) -> Message | None:
    if one.given.ndim == 2 and one.given.shape[0] == one.given.shape[1] and _matches(one, one.given.T.ravel()):
        return Message("{name} is transposed.", name=name)
    return None


def _of_another(one: Compared, others: Sequence[Compared], name: str) -> Message | None:
    for other in others:
        if other is not one and other.given.shape == one.given.shape and _matches(one, other.given.ravel()):
            return Message("What you give as d{other} is right for {name}: mixed up?", other=other.name, name=name)
        if other is not one and other.shape == one.shape and _matches(other, one.given.ravel()):
            return Message("{name} is the gradient of {other}.", name=name, other=other.name)
    return None


def _penalty(one: Compared, others: Sequence[Compared], name: str) -> Message | None:
    for weight, text in ((one.theta, one.name), (np.sign(one.theta), f"sign({one.name})")):
        factor = _constant(lambda w: one.yours - one.found.values, weight, one)
        if factor is not None:
            return Message(
                "{name} - numerical = {factor} × {text}, for every entry: the slope of a penalty that only one of "
                "value and gradient has, or has in another form?",
                name=name,
                factor=f"{factor:.4g}",
                text=text,
            )
    return None


def _constant(difference: Callable[[Array], Array], weight: Array, one: Compared) -> float | None:
    if np.sum(np.abs(weight) > 0) < 3 or one.undecided.any():
        return None
    apart = difference(weight)
    factor = float(apart @ weight) / float(weight @ weight)
    off = np.abs(apart - factor * weight).max()
    return factor if off <= 1e-5 * np.abs(apart).max() else None


def _clipped(one: Compared, others: Sequence[Compared], name: str) -> Message | None:
    limits = np.abs(one.yours[one.bad])
    if len(one.yours) > 1 and np.ptp(one.yours) == 0:
        return Message("All entries of {name} are the same: one sum for all of them?", name=name)
    if len(limits) > 1 and np.ptp(limits) <= 1e-12 * limits[0] and np.abs(one.yours).max() <= limits[0] * (1 + 1e-12):
        return Message("All wrong entries of {name} are ±{limit}: clipped?", name=name, limit=f"{limits[0]:.6g}")
    return None


def _partly(one: Compared, others: Sequence[Compared], name: str) -> Message | None:
    if len(one.shape) != 2 or len(one.entries) != np.prod(one.shape) or not one.bad.any():
        return None
    wrong = one.bad.reshape(one.shape)
    rows, columns = np.flatnonzero(wrong.any(axis=1)), np.flatnonzero(wrong.any(axis=0))
    if len(rows) == 1 and one.shape[0] > 1:
        return Message("Only row {k} of {name} is wrong.", k=int(rows[0]), name=name)
    if len(columns) == 1 and one.shape[1] > 1:
        return Message("Only column {k} of {name} is wrong.", k=int(columns[0]), name=name)
    return None
