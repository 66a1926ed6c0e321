"""Many classes: softmax with cross-entropy, and why the error of the output layer is a - y."""

from __future__ import annotations

import numpy as np

from chainrule import Adam, Network, data
from chainrule.language import Message
from chainrule.lessons.held_out import train_and_test
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.softmax_error import tell_error
from chainrule.lessons.story import Story
from chainrule.plots import confusion_matrix

__all__ = ["LESSON"]


def tell(story: Story, hidden: int, rate: float, epochs: int, splits: int) -> None:
    """One example through softmax and back, then many networks on iris."""
    story.say(
        "Three species of iris are told apart by the length and width of two kinds of leaves. There is one output for"
        " each species, and softmax turns the outputs' sums z into probabilities: all above 0, adding up to 1. The"
        " cross-entropy is the negative logarithm of the probability that the true class got."
    )
    story.formula(
        "aₖ = exp(zₖ) / Σⱼ exp(zⱼ),   L = −Σₖ yₖ ln aₖ",
        r"a_k = \frac{e^{z_k}}{\sum_j e^{z_j}}, \qquad L = -\sum_k y_k \ln a_k",
    )
    iris = data.load("iris")
    network = Network.from_sizes([4, hidden, 3], hidden="tanh", output="softmax")
    tell_error(story, network.init(seed=0), np.asarray(iris.X)[:1], np.array([[1.0, 0.0, 0.0]]), iris.classes or ())

    story.heading("Iris")
    story.say(
        "A 4-{hidden}-3 network, tanh inside, Adam at rate {rate}, {epochs} epochs in batches of 32. A set of 150"
        " flowers is small, so that the result depends on which of them are held out: {splits} times three tenths are"
        " drawn, each species with its share, and a new network learns from the others.",
        hidden=hidden,
        rate=rate,
        epochs=epochs,
        splits=splits,
    )
    trials = [
        train_and_test(network, iris, seed=seed, test=0.3, optimizer=Adam(rate), epochs=epochs, batch_size=32)
        for seed in range(splits)
    ]
    accuracies = np.array([trial.accuracy for trial in trials])
    story.say(
        "Right on held-out flowers: {mean:.1f} % on average, from {worst:.1f} % to {best:.1f} %.",
        mean=100 * accuracies.mean(),
        worst=100 * accuracies.min(),
        best=100 * accuracies.max(),
    )
    story.value("test_accuracy", accuracies.mean())
    story.series("test_accuracy", accuracies)
    if story.as_told:
        story.check("at least 95 % are right, held out, as the mean over 20 splits", accuracies.mean() >= 0.95)
        story.say("Nearly all errors are between versicolor and virginica, which overlap.")
    truth, answers = (np.concatenate(column) for column in list(zip(*trials, strict=True))[-2:])
    story.picture(
        lambda: confusion_matrix(truth, answers, iris.classes or (), title=Message("Held-out flowers of all splits"))
    )
    story.try_next("After 5 epochs the network has not learned enough.", command="softmax --epochs 5")
    story.try_next("One hidden neuron has to put three species on one line.", command="softmax --hidden 1")


LESSON = Lesson(
    name="softmax",
    title=Message("Many classes"),
    summary=Message("softmax on iris; why the output error is just a − y"),
    tell=tell,
    settings=(
        Setting("hidden", 8, "the number of hidden neurons", least=1, most=1000),
        Setting("rate", 0.01, "the learning rate", above=0),
        Setting("epochs", 60, "passes over the training part", least=1, most=10_000),
        Setting("splits", 20, "how many times flowers are held out", least=1, most=1000),
    ),
)
