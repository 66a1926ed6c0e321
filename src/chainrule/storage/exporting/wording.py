"""What exported files say about themselves: what they are for, what the rows hold, what each function gives."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.storage.exporting.functions import plain_text
from chainrule.storage.exporting.literals import filled
from chainrule.storage.exporting.plan import DenseStep, Plan

__all__ = ["about_columns", "joined", "purpose", "results", "summary"]

LISTED = 30  # columns


def joined(words: list[str]) -> str:
    """Write a list as people do.

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def summary(plan: Plan) -> str:
    """Say what the network is.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> summary(make_plan(Network.from_sizes([4, 10, 3], output="softmax").init(), "net"))
    '4-10-3, relu and softmax, 83 parameters, float64'
    """
    names = list(dict.fromkeys("identity" if s.function is None else s.function.name for s in plan.steps))
    norms = " with batch normalization" if any(not isinstance(s, DenseStep) for s in plan.steps) else ""
    count = plan.model.network.parameter_count
    kind = "float32" if plan.single else "float64"
    return f"{'-'.join(map(str, plan.sizes))}, {joined(names)}{norms}, {_many(count, 'parameter')}, {kind}"


def purpose(plan: Plan) -> str:
    """Say what the network is for.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> purpose(make_plan(Network.from_sizes([4, 3]).init(), "net"))
    'a neural network'
    """
    if plan.kind == "classes" and plan.classes is not None:
        labels = [plain_text(str(label)) for label in plan.classes]
        few = len(labels) <= 6 and sum(map(len, labels)) < 60
        return f"a neural network that tells {joined(labels) if few else f'{len(labels)} classes'} apart"
    if plan.kind == "multilabel":
        return f"a neural network that answers {_many(plan.outputs, 'yes-or-no question')}"
    if plan.kind == "values":
        return f"a neural network that predicts {'a value' if plan.outputs == 1 else f'{plan.outputs} values'}"
    return "a neural network"


def about_columns(plan: Plan) -> list[str]:
    """Say what a row holds.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> about_columns(make_plan(Network.from_sizes([4, 3]).init(), "net"))
    ['A row has 4 numbers.']
    """
    if plan.encoder is None:
        return [f"A row has {_many(plan.sizes[0], 'number')}."]
    names = [plain_text(name) for name in plan.encoder.inputs]
    shown = names if len(names) <= LISTED else [*names[:LISTED], f"… ({len(names)} in all)"]
    return filled("A row has these columns, in this order: ", shown, ".", "")


def results(plan: Plan) -> Iterator[tuple[str, str]]:
    """Say what each function of a file gives.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> list(results(make_plan(Network.from_sizes([4, 3]).init(), "net")))
    [('predict', 'the outputs')]
    """
    answers = {
        "classes": "the label of the likeliest class",
        "multilabel": "1 for yes and 0 for no, for each question",
        "values": "the value" if plan.outputs == 1 else f"the {plan.outputs} values",
        "outputs": "the outputs",
    }
    yield "predict", answers[plan.kind]
    if plan.probabilities is not None:
        yield "predict_proba", f"the probability of each {'yes' if plan.kind == 'multilabel' else 'class'}"
    if plan.code is not None:
        yield "transform", f"the code: the activations of layer {plan.code}"
    if plan.kind != "outputs":
        yield "outputs", "what the last layer gives, as it is"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
