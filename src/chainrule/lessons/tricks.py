"""What each trick gives on the same problem: initialization, ReLU, momentum, adaptive rates, normalization, dropout."""

from __future__ import annotations

from typing import Any

from chainrule.formulas import SGD
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.small_digits import small_digits
from chainrule.lessons.story import Story
from chainrule.lessons.trick_variants import outcomes, seven_tricks
from chainrule.plots.lines import Panel, line_panels, mean_curves
from chainrule.training.variants import train_variants

__all__ = ["LESSON"]


def tell(
    story: Story, examples: int, noise: float, hidden: int, rate: float, epochs: int, goal: float, seeds: int
) -> None:
    """Train a network with one trick more or another, several times each, and compare."""
    story.say(
        "Seven networks 64-{hidden}-{hidden}-10 learn the same small digits, which have noise added (standard deviation"
        " {noise:g} where a pixel goes from 0 to 1) and of which only {examples} are for training: hard enough to set"
        " the tricks apart, and few enough to be learned by heart. All have softmax and cross-entropy at the end,"
        " batches of 15, {epochs} epochs and rate {rate:g} (Adam a tenth of it), and each starts from {seeds} seeds.",
        hidden=hidden,
        noise=noise,
        examples=examples,
        epochs=epochs,
        rate=rate,
        seeds=seeds,
    )
    X, y, X_test, y_test = small_digits(test=1 - examples / 1797, noise=noise)
    tricks = seven_tricks(hidden, rate)
    training: dict[str, Any] = {"optimizer": SGD(rate), "batch_size": 15, "epochs": epochs, "seeds": range(seeds)}
    training["listener"] = lambda name, _: story.line("{name}: {words}", name=name, words=tricks[name].words)
    trials = train_variants(tricks, X, y, validation=(X_test, y_test), **training)

    story.say(
        "Right answers on the test part, after how many epochs they first were {goal:.0%} (a dash where some seed never"
        " got there), the gap (training accuracy less test accuracy) and the test loss; mean ± standard deviation over"
        " the seeds:",
        goal=goal,
    )
    found = outcomes(trials, goal)
    story.table(
        (Message("variant"), Message("test accuracy"), Message("epochs"), Message("gap"), Message("test loss")),
        found.rows(),
    )
    final = {name: each.last.mean for name, each in found.accuracy.items()}
    gap = {name: each.last.mean for name, each in found.gap.items()}
    story.value("test_accuracy", {str(name): share for name, share in final.items()})
    story.value("gap", {str(name): share for name, share in gap.items()})
    if story.as_told:
        plain, normalized, glorot, relu, momentum, adam, dropout = trials
        worst = min(final[name] for name in (normalized, glorot, relu))
        story.check("each trick helps the plain network", final[plain] < worst)
        slower = max(found.epochs[momentum].mean, found.epochs[adam].mean)
        story.check("momentum and Adam need less than half the epochs", 2 * slower < found.epochs[relu].mean)
        story.check("dropout narrows the gap", gap[dropout] < gap[adam])
        story.check("dropout lowers the test loss", found.loss[dropout].mean < found.loss[adam].mean)
        story.say(
            "The plain network learns nothing: its sigmoids' slopes and its small weights leave next to nothing of the"
            " error. Batch normalization or a better start wakes it; ReLU makes it quick. Momentum and Adam do not end"
            " much higher, but they are there in a third of the epochs. All quick networks know their training digits"
            " by heart, and the gap shows what that is worth. Their test loss says more: they are sure even where they"
            " are wrong. Dropout takes longer and leaves less to learn by heart: a smaller gap and a much smaller test"
            " loss. No trick helps everywhere: on the ReLU networks of this problem batch normalization costs 2 to 5"
            " points of accuracy, and on digits without noise dropout costs about 1."
        )
    above = Panel(mean_curves(found.accuracy), Message("epoch"), Message("test accuracy"))
    apart = Panel(mean_curves(found.gap), Message("epoch"), Message("training less test accuracy"))
    title = Message("Seven ways to train, means and standard deviations over {seeds} seeds", seeds=seeds)
    story.picture(lambda: line_panels([above, apart], title=title))
    story.try_next("With more examples there is less to learn by heart.", command="tricks --examples 1200 --epochs 20")
    story.try_next("Without noise the gaps are small.", command="tricks --noise 0 --goal 0.9")


LESSON = Lesson(
    name="tricks",
    title=Message("What each trick gives"),
    summary=Message("what each trick gives on one problem, over three seeds"),
    tell=tell,
    settings=(
        Setting("examples", 300, "digits to train with", least=30, most=1700),
        Setting("noise", 0.3, "standard deviation of the noise, pixels being from 0 to 1", least=0, most=10),
        Setting("hidden", 64, "neurons of each hidden layer", least=1, most=1000),
        Setting("rate", 0.03, "the learning rate; Adam takes a tenth", above=0),
        Setting("epochs", 60, "passes over the training part", least=1, most=1000),
        Setting("goal", 0.7, "the accuracy up to which epochs are counted", above=0, most=1),
        Setting("seeds", 3, "how many seeds", least=3, most=100),
    ),
)
