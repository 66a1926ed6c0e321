"""Batch, stochastic and mini-batch descent on the same problem."""

from __future__ import annotations

import math

import numpy as np

from chainrule.data import load
from chainrule.formulas import LOSSES, SGD, Array
from chainrule.language import Message
from chainrule.lessons.batch_sizes_valleys import tell_valleys
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.network import Dense, Network
from chainrule.plots.contours import paths_on_contours
from chainrule.training import train
from chainrule.training.paths import ThetaPath, cost_of_theta

__all__ = ["LESSON"]


def tell(story: Story, mini: int, rate: float, epochs: int, seed: int, examples: int, batch: int) -> None:
    """The same line fitted with batches of three sizes; what noise is good for; what an epoch is."""
    story.say(
        "The gradient of a cost is a mean over examples. How many of them one update looks at is ours to choose: all"
        " (batch descent), a few (mini-batch descent) or one (stochastic descent). Here all three fit a line w x + b to"
        " the same 18 points, with x brought to mean 0 and deviation 1."
    )
    points = load("linear")
    X, y = (points.X - points.X.mean(axis=0)) / points.X.std(axis=0), points.y
    line = Network([Dense(1, "identity", initializer="zeros")], inputs=1).init()
    line.loss = LOSSES["half_squared_error"]
    cost, best = cost_of_theta(line, X, y), np.linalg.lstsq(np.insert(X, 1, 1.0, axis=1), y, rcond=None)[0]
    rows = []
    paths: dict[str, Array] = {}
    for name, m in ((Message("batch"), len(X)), (Message("mini-batch"), mini), (Message("stochastic"), 1)):
        path = ThetaPath()
        train(line, X, y, optimizer=SGD(rate), batch_size=m, epochs=epochs, seed=seed, metrics=(), callbacks=path)
        costs = cost(path.points)
        rows.append((name, m, path.per_epoch, costs[path.per_epoch], costs[-1], path.unrest))
        paths[Message("{name}, {n} updates", name=name, n=len(costs) - 1)] = path.points
        story.series(f"path_{name.replace('-', '_')}", path.points)
    told = ("m", Message("updates per epoch"), Message("C after 1 epoch"), Message("C at the end"), Message("unrest"))
    story.table((Message("descent"), *told), rows, digits=4)
    story.say(
        "The lowest cost there is: {lowest:.4f}. Unrest is how far w and b still wander within the last epoch. An epoch"
        " looks at every example once, whatever m is, so all three had equally many looks.",
        lowest=cost(best),
    )
    if story.as_told:
        story.check("after one epoch, smaller batches are further down", rows[0][3] > rows[1][3] > rows[2][3])
        story.check("at the end, smaller batches are less at rest", rows[0][5] < rows[1][5] < rows[2][5])
    single = [line.gradient(X[[i]], y[[i]]).theta for i in range(len(X))]
    mean = np.allclose(np.mean(single, axis=0), line.gradient(X, y).theta)
    story.check("the gradient of all examples is the mean of the gradients of each", mean)
    story.say(
        "This mean is why small batches work: the gradient of a few examples drawn at random is right on average,"
        " and scatters around it in proportion to 1/√m. An update costs m times the work of one example, and that"
        " work runs in parallel, as one matrix product; updates cannot, as each begins where the last one ended."
        " Tiny batches keep a machine idle, huge ones make few updates; some dozens to some hundreds of examples are"
        " usual."
    )
    tell_valleys(story)
    story.heading("Epochs and iterations")
    iterations = math.ceil(examples / batch)
    story.value("iterations", iterations, expected=10_000)
    story.say(
        "An iteration is one update, an epoch one pass over the data. With {n:,} examples in batches of {m:,} an epoch"
        " has {k:,} iterations; a last batch that is not full counts as one.",
        n=examples,
        m=batch,
        k=iterations,
    )
    title = Message("{epochs} epochs each, with the learning rate {rate:g}", epochs=epochs, rate=rate)
    story.picture(lambda: paths_on_contours(cost, paths, names=("w", "b"), best=best, title=title))
    story.try_next(
        "A tenth of the rate: descent takes longer, and single examples make less unrest.",
        command="batch-sizes --rate 0.03",
    )
    story.try_next("Another seed, another order of the examples.", command="batch-sizes --seed 1")


LESSON = Lesson(
    name="batch-sizes",
    title=Message("Batch, mini-batch and stochastic descent"),
    summary=Message("how many examples one update looks at: path, noise, work"),
    tell=tell,
    settings=(
        Setting("mini", 6, "examples in a mini-batch", least=1, most=18),
        Setting("rate", 0.3, "the learning rate", above=0),
        Setting("epochs", 20, "passes over the data", least=1, most=1000),
        Setting("seed", 0, "for the order of the examples", least=0),
        Setting("examples", 2_560_000, "examples of a large data set", least=1),
        Setting("batch", 256, "examples in one of its batches", least=1),
    ),
)
