"""What is left of a training that Ctrl-C or SIGTERM ended before its results were measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.language import tr
from chainrule.training import INTERRUPTED, Callback, EarlyStopping, Info

if TYPE_CHECKING:
    from chainrule.data import Dataset
    from chainrule.model import Model
    from chainrule.recipes import Outcome, Prepared, Recipe
    from chainrule.training import Checkpoint
    from chainrule.training.interrupt import Interrupt

__all__ = ["Keeper", "train_and_save"]


class Keeper(Callback):
    """Holds on to the model, so that it can be saved without being measured; the best one, as the recipe has it.

    Args:
        recipe: says whether training stops by the validation rows.
    """

    def __init__(self, recipe: Recipe) -> None:
        patience = recipe["patience"]
        self._best = None if patience is None else EarlyStopping("validation_loss", patience=patience)
        self._info: Info | None = None

    def begin(self, info: Info) -> None:
        """Begin anew."""
        if self._best is not None:
            self._best.begin(info)

    def state(self) -> dict[str, Any]:
        """Give what is known of the best."""
        return {} if self._best is None else self._best.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        if self._best is not None:
            self._best.restore(state)

    def epoch(self, info: Info) -> None:
        """Look whether the epoch is the best; whether to stop, others say."""
        if self._best is not None:
            self._best.epoch(info)

    def end(self, info: Info) -> None:
        """Keep what a model can be made of."""
        self._info = info

    @property
    def model(self) -> Model | None:
        """The model, if training had begun."""
        if self._info is None or self._info.carry.updates == 0:
            return None
        carry = self._info.carry
        kept = None if self._best is None else self._best.end(self._info)
        if kept is not None:
            carry = carry._replace(theta=kept.theta, state=kept.state)
        model = self._info.make(carry)
        assert model.history is not None
        model.history.stopped = INTERRUPTED
        model.history.best_epoch = kept.epoch if kept is not None else model.history.best_epoch
        return model


def train_and_save(
    dataset: Dataset,
    recipe: Recipe,
    prepared: Prepared,
    source: str,
    out: Path,
    presses: Interrupt,
    callbacks: Iterable[Callback] = (),
    checkpoint: Checkpoint | None = None,
    resume: Path | None = None,
) -> Outcome:
    """Train, measure and save; a Ctrl-C that comes late skips the measuring, but never loses the model.

    Args:
        dataset: the rows.
        recipe: what was decided.
        prepared: the encoded rows.
        source: where the rows come from.
        out: where the model goes.
        presses: what has hold of Ctrl-C.
        callbacks: what else looks at the training.
        checkpoint: what is kept in order to go on, or None.
        resume: the checkpoint to go on from, or None.

    Raises:
        KeyboardInterrupt: with what to tell, where results could not be measured.
    """
    from chainrule.cli.failures import ignore_interrupts
    from chainrule.cli.output import stderr
    from chainrule.recipes import fingerprint, run
    from chainrule.storage import save
    from chainrule.training import Progress

    keeper, mark = Keeper(recipe), fingerprint(source)
    try:
        watching = [Progress(stderr()), keeper, *callbacks, *([] if checkpoint is None else [checkpoint])]
        outcome = run(dataset, recipe, prepared, watching, mark, resume)
        save(outcome.model, out)
    except KeyboardInterrupt as interrupt:
        ignore_interrupts()
        model = keeper.model
        if model is None:
            raise
        save(_unmeasured(model, dataset, recipe, prepared, mark), out)
        told = tr("the model as it stood is saved in {path}; it was not measured.", path=out)
        raise type(interrupt)(told) from None
    return replace(outcome, interrupted=outcome.interrupted or presses.asked)


def _unmeasured(model: Model, dataset: Dataset, recipe: Recipe, prepared: Prepared, mark: str | None) -> Model:
    """Give the model all that the file of a measured one says, but for the results."""
    from chainrule.recipes.running import PARTS, Baseline, Outcome, record_run

    whole = replace(model, encoder=prepared.encoder)
    seconds = sum(model.history["seconds"]) if model.history is not None and "seconds" in model.history else 0.0
    outcome = Outcome(whole, dict.fromkeys(PARTS), Baseline("", None, {}), seconds, True)
    whole.settings.update(record_run(dataset, recipe, prepared, outcome, mark))
    del whole.settings["metrics"], whole.settings["baseline"]
    return whole
