"""What `train` says at its end about what went wrong, and the one command to try next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chainrule.language import told, tr

if TYPE_CHECKING:
    from chainrule.cli.output import Output
    from chainrule.recipes import Outcome, Prepared, Recipe
    from chainrule.training import Diagnosis, UpdateRatios

__all__ = ["diagnose_outcome", "suggestion", "tell_findings"]

_MOST = 5  # findings that are told; the rest are in the JSON


def diagnose_outcome(outcome: Outcome, prepared: Prepared, updates: UpdateRatios) -> Diagnosis:
    """Look at the model with the rows that it was trained on."""
    from chainrule.training import diagnose_training

    bare = replace(outcome.model, encoder=None)  # the rows are encoded already
    return diagnose_training(bare, *prepared.parts["train"], updates=updates, names=prepared.encoder.outputs)


def tell_findings(output: Output, diagnosis: Diagnosis) -> None:
    """Print the findings that matter, the most severe first."""
    output.heading(tr("Diagnosis"))
    found = [finding for finding in diagnosis if finding.severity != "note"][:_MOST]
    if not found:
        output.say(tr("nothing out of the ordinary was measured"))
    for finding in found:
        output.say(tr("{what} Try: {remedy}", what=told(finding.what), remedy=told(finding.remedy)))


def suggestion(outcome: Outcome, diagnosis: Diagnosis, recipe: Recipe) -> tuple[list[str], str]:
    """Give one thing to try: options, and why, by what was measured."""
    if outcome.interrupted:
        return [], tr("from the beginning, without Ctrl-C")
    for finding in diagnosis:
        options = _options(finding.key, recipe)
        if finding.severity != "note" and options is not None:
            return options
    train, test = outcome.metrics["train"], outcome.metrics["test"]
    chance = tr("how much does it depend on chance?")
    if train is None or test is None:
        return ["--seed", "1"], chance
    key = "accuracy" if "accuracy" in train else "r2"
    if train[key] - test[key] > 0.03:
        return _less_freedom(recipe), tr("training rows are predicted better than new ones: less freedom")
    if test[key] < 0.97:
        return ["--layers", "512,256"], tr("room for improvement: a larger network")
    return ["--seed", "1"], chance


def _less_freedom(recipe: Recipe) -> list[str]:
    """Give the options that hold weights back; L-BFGS takes no dropout."""
    return ["--dropout", "0.4"] if hasattr(recipe["optimizer"], "rate") else ["--l2", "0.001"]


def _options(key: str, recipe: Recipe) -> tuple[list[str], str] | None:
    """Give the options by which a finding can be answered, and why; None where no option does."""
    rate = float(getattr(recipe["optimizer"], "rate", 0.0))  # L-BFGS has none
    if key in ("rate_too_high", "rate_too_low") and not rate:
        return None
    if key == "rate_too_high":
        return ["--rate", f"{rate / 10:g}"], tr("the loss rose again and again: a lower rate")
    if key == "rate_too_low":
        return ["--rate", f"{rate * 10:g}"], tr("the loss hardly moved: a higher rate")
    if key == "still_falling":
        return ["--epochs", str(2 * recipe["epochs"])], tr("the loss was still falling: more epochs")
    if key == "overfitting":
        return _less_freedom(recipe), tr("training rows are predicted better than new ones: less freedom")
    if key == "dead_units":
        return ["--activation", "leaky_relu"], tr("many neurons are dead: an activation that lets errors through")
    if key in ("saturated_units", "vanishing_gradient"):
        return ["--activation", "relu", "--batch-norm"], tr("errors hardly come back: activations that are not flat")
    if key == "unscaled_inputs":
        return ["--scaling", "standard"], tr("columns are on very different scales: scale them")
    return None
