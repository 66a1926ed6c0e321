"""Handwritten digits by the book: 784-30-10, sigmoids, half the squared error, mini-batches of 10."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.formulas import SGD
from chainrule.language import Message
from chainrule.lessons.digit_parts import digit_parts
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.network import Network
from chainrule.plots import digits
from chainrule.training import train
from chainrule.training.counting import RightAnswers

__all__ = ["LESSON"]


def tell(
    story: Story, data: str, data_dir: str | None, hidden: int, epochs: int, batch_size: int, rate: float, seed: int
) -> None:
    """Train on images of digits and count the right answers after each epoch."""
    story.say(
        "A network of sigmoids reads handwritten digits: one input for each pixel, one output for each digit, and the"
        " largest output is the answer. Weights and biases start from N(0, 1), the loss is half the squared error, a"
        " batch has {batch_size} images, and the rate is {rate:g}.",
        batch_size=batch_size,
        rate=rate,
    )
    (X, y), (X_count, y_count), (X_test, y_test), shape = digit_parts(data, data_dir)
    network = Network.from_sizes(
        [X.shape[1], hidden, 10], hidden="sigmoid", output="sigmoid", initializer="normal", bias_initializer="normal"
    )
    story.say(
        "The network is {sizes}. It learns from {n:,} images. After each epoch the right answers to {k:,} others are"
        " counted, the validation part, by which one would choose rate and size. The {m:,} images of the test part are"
        " used once, at the end.",
        sizes="-".join(map(str, network.sizes)),
        n=len(X),
        k=len(y_count),
        m=len(y_test),
    )

    def tell_epoch(j: int, n: int) -> None:
        story.line("Epoch {j}: {n} / {all}", j=j, n=n, all=len(y_count))

    count = RightAnswers(X_count, y_count, tell_epoch)
    training: dict[str, Any] = {"optimizer": SGD(rate), "loss": "half_squared_error", "batch_size": batch_size}
    model = train(network, X, y, **training, epochs=epochs, seed=seed, callbacks=count, metrics=(), dtype=np.float32)
    answers = model.predict(X_test)
    accuracy = float(np.mean(answers == y_test))
    story.series("right", count.counts)
    story.value("test_accuracy", accuracy)
    story.say("Of the test part {accuracy:.2%} are read right.", accuracy=accuracy)
    if (data, hidden, epochs, batch_size, rate) == ("mnist", 30, 30, 10, 3.0):
        story.check("about 95 % of the test part are right", 0.94 <= accuracy <= 0.96)
        story.say(
            "Nobody told the network what a stroke is: it had pixels, answers and the chain rule. Most is learned in"
            " the first epochs; the rest is a slow gain with ups and downs, since batches of 10 give noisy gradients."
        )
    order, title = np.argsort(answers == y_test, kind="stable"), Message("Test images, wrong answers first")
    story.picture(lambda: digits(X_test[order], y_test[order], answers[order], shape, title=title))
    story.try_next("With 50 hidden neurons fewer epochs do more.", command="digits-mnist --hidden 50 --epochs 10")
    story.try_next(
        "With 100, sums of weights from N(0, 1) are so large that sigmoids saturate; some digits are hardly learned.",
        command="digits-mnist --hidden 100 --epochs 10",
    )
    story.try_next("The small digits take a few seconds.", command="digits-mnist --data digits")


LESSON = Lesson(
    name="digits-mnist",
    title=Message("Handwritten digits"),
    summary=Message("784-30-10 by mini-batches: Epoch j: n / 10000"),
    tell=tell,
    settings=(
        Setting("data", "mnist", "the images: MNIST, or the small digits", choices=("mnist", "digits")),
        Setting("data_dir", None, "the folder with the four files of MNIST; without it they are downloaded", kind=str),
        Setting("hidden", 30, "the number of hidden neurons", least=1, most=10_000),
        Setting("epochs", 30, "passes over the training part", least=1, most=1000),
        Setting("batch_size", 10, "images in a batch", least=1, most=60_000),
        Setting("rate", 3.0, "the learning rate", above=0),
        Setting("seed", 0, "the seed", least=0),
    ),
)
