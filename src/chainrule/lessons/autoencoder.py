"""An autoencoder: a network taught to give back its input through a narrow middle, held against PCA."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.formulas import LOSSES, Adam
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.small_digits import SHAPE, small_digits
from chainrule.lessons.story import Story
from chainrule.network import Network
from chainrule.plots.image_rows import image_rows
from chainrule.training.variants import train_variants

__all__ = ["LESSON"]


def tell(story: Story, middle: int, hidden: str, output: str, epochs: int, seed: int) -> None:
    """Pass digits through a narrow middle, by a network and by PCA, and compare."""
    story.say(
        "This network has its inputs for targets: 64 pixels in, {middle} numbers in the middle, 64 pixels out. The"
        " {middle} numbers must say as much of a digit as they can. No labels are needed. The first layer is the"
        " encoder, the second the decoder.",
        middle=middle,
    )
    X, _, X_test, y_test = small_digits()
    networks = {
        Message("linear autoencoder"): Network.from_sizes([64, middle, 64], hidden="identity", output="identity"),
        Message("autoencoder"): Network.from_sizes([64, middle, 64], hidden=hidden, output=output),
    }
    training: dict[str, Any] = {"loss": "mean_squared_error", "optimizer": Adam(0.003), "epochs": epochs, "metrics": ()}
    trials = train_variants(networks, X, X, seeds=range(seed, seed + 3), **training)
    errors = {name: each.evaluate(X_test, X_test)["loss"] for name, each in trials.items()}
    linear, error = (each.mean for each in errors.values())

    story.say(
        "PCA, principal component analysis, does the same without a network: it projects the images, less their mean,"
        " on the {middle} directions in which the training images vary most, the first right singular vectors V. No"
        " linear way through {middle} numbers has a smaller squared error on the training part.",
        middle=middle,
    )
    story.formula("X̂ = mean + (X − mean) V Vᵀ", r"\hat X = \bar x + (X - \bar x) V V^\top")
    mean = X.mean(axis=0)
    V = np.linalg.svd(X - mean, full_matrices=False)[2][:middle].T
    by_pca = mean + (X_test - mean) @ V @ V.T
    pca_mse = LOSSES["mean_squared_error"].value(by_pca, X_test).mean()

    story.say("The mean squared error of a pixel (0 white, 1 black) on digits that neither has seen; three seeds each:")
    story.table(
        (Message("through {middle} numbers by", middle=middle), Message("test error")),
        [(name, f"{mse:.5f}") for name, mse in {Message("PCA"): pca_mse, **errors}.items()],
    )
    story.value("test_mse", error)
    story.value("linear_mse", linear)
    story.value("pca_mse", pca_mse)
    if story.as_told:
        story.check("a linear autoencoder comes within 5 % of PCA and stays above it", 1 < linear / pca_mse < 1.05)
        story.check("with a sigmoid at the end the error is at least 20 % below that of PCA", error < 0.8 * pca_mse)
        story.say(
            "Without activation functions the network finds what PCA finds, by descent in place of a closed form. A"
            " sigmoid at the output changes little in the network and much in the result: pixels lie between 0 and 1,"
            " half of them are 0, and where a linear decoder must hit 0 exactly, a sigmoid has only to go far enough to"
            " the left. PCA gives some pixels numbers below 0 and above 1, which no image has.",
        )
    digits, shown = np.unique(y_test, return_index=True)  # the first image of each digit
    rows = [X_test[shown], [*trials.values()][-1].models[0].outputs(X_test[shown]), by_pca[shown]]
    labels = [Message("original"), Message("autoencoder"), Message("PCA")]
    title = Message("Ten test digits through {middle} numbers", middle=middle)
    story.picture(lambda: image_rows(rows, SHAPE, labels, names=digits.tolist(), title=title))
    story.try_next("How much is left through 4 numbers?", command="autoencoder --middle 4")
    story.try_next(
        "With sigmoids in the middle, too, these epochs leave it behind PCA.", command="autoencoder --hidden sigmoid"
    )


LESSON = Lesson(
    name="autoencoder",
    title=Message("An autoencoder"),
    summary=Message("digits through a narrow middle and back, beside PCA"),
    tell=tell,
    settings=(
        Setting("middle", 16, "numbers in the middle", least=1, most=64),
        Setting("hidden", "identity", "activation of the middle", choices=("identity", "sigmoid", "tanh", "relu")),
        Setting("output", "sigmoid", "activation of the output", choices=("identity", "sigmoid", "tanh", "relu")),
        Setting("epochs", 80, "passes over the training part", least=1, most=1000),
        Setting("seed", 0, "the first of three seeds", least=0),
    ),
)
