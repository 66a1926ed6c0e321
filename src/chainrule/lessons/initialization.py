"""Where weights start: all alike, too small, too large, and the two sizes that keep a deep network alive."""

from __future__ import annotations

from typing import Any

from chainrule.formulas import SGD
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.small_digits import small_digits
from chainrule.lessons.starts import blocked, five_starts, look_at, neurons_alike, spreads
from chainrule.lessons.story import Story
from chainrule.network import Network
from chainrule.plots.layer_spread import Spread, layer_spread
from chainrule.training.variants import train_variants

__all__ = ["LESSON"]


def tell(story: Story, activation: str, same: float, depth: int, rate: float, epochs: int, seed: int) -> None:
    """One deep network from five starts."""
    story.say(
        "In a deep network the start decides whether anything is learned: the signal must come forward through all"
        " layers, and the error must come back through all of them. A weighted sum z of N inputs a, with independent"
        " random weights w around 0, has this mean square:"
    )
    story.formula("mean(z²) = N · Var(w) · mean(a²)", r"\overline{z^2} = N \, \mathrm{Var}(w) \, \overline{a^2}")
    story.say(
        "If N · Var(w) is below 1, each layer shrinks the signal; if it is far above 1, the sums grow until sigmoid and"
        " tanh are flat. Glorot's rule, Var(w) = 2 / (N_in + N_out), suits the way forward and the way back alike. He's"
        " rule, Var(w) = 2 / N_in, makes up for the half of the signal that ReLU cuts off. Five starts are compared on"
        " the small digits, each with three seeds; all are trained alike. A gradient longer than 1 is shortened to 1,"
        " so that the huge gradients of large weights do not throw the weights far off in one update."
    )
    X, y, X_test, y_test = small_digits()
    networks = {
        name: Network.from_sizes([64, *[50] * depth, 10], activation, "softmax", initializer=start)
        for name, start in five_starts(same).items()
    }
    looks = {name: look_at(network, seed, activation, X, y) for name, network in networks.items()}
    training: dict[str, Any] = {"optimizer": SGD(rate), "clip": 1.0, "epochs": epochs, "validation": (X_test, y_test)}
    trials = train_variants(networks, X, y, seeds=range(seed, seed + 3), **training)

    story.say(
        "Before training: the standard deviation of the activations A in the first and the last hidden layer, and of"
        " the gradient of the first weights; the mean slope f'(z) in the last hidden layer, near 0 where neurons"
        " saturate. After {epochs} epochs: right answers on the test part, mean ± standard deviation over the seeds.",
        epochs=epochs,
    )
    ends = {name: each.last("validation_accuracy") for name, each in trials.items()}
    story.table(
        (Message("start"), "A1", f"A{depth}", "∂C/∂W1", "f'(z)", Message("test accuracy")),
        [(name, *look.sizes(), f"{ends[name]:.1%}") for name, look in looks.items()],
        digits=2,
    )
    story.value("test_accuracy", {str(name): end.mean for name, end in ends.items()})
    if same == 0 and blocked(next(iter(looks.values()))):
        story.say(
            "Weights that are all 0 stop everything but the output's bias. The hidden activations are 0, so the weights"
            " behind them have no gradient, and the error is multiplied by weights of 0 on its way back, so the hidden"
            " layers have none either. Only the output's bias learns: every image gets the same answer."
        )
    alike = neurons_alike(next(iter(trials.values())).models[0])
    story.check("neurons of a layer that start alike are still alike after training", alike)
    story.say(
        "Sameness is a fault of its own. Weights that are all the same number, 0 or not, make the neurons of a layer"
        " copies of one another: the same inputs, output, error and update. Training never tells them apart, so each"
        " layer is worth one neuron at most."
    )
    if story.as_told:
        story.say(
            "0.01 N(0, 1) vanishes: with 50 inputs N · Var(w) is 0.005, so each layer leaves √0.005 = 0.07 of the"
            " signal, and the gradient that comes back is as small. N(0, 1) saturates: a sum is about √50 = 7 times as"
            " large as its inputs, tanh is nearly flat there, and descent stumbles. With Glorot and He signal and"
            " gradient keep about one size through all layers, and both work; tanh hardly tells them apart."
        )
    accuracies = {name: list(each.series("validation_accuracy").T) for name, each in trials.items()}
    rows = spreads(looks, log=activation == "relu")  # ReLU lets activations grow without bound
    rows.append(Spread(Message("test accuracy"), accuracies, x=Message("epoch")))
    title = Message("Signal and gradient before training, and what training makes of them")
    story.picture(lambda: layer_spread(rows, title=title))
    story.try_next("All alike but not 0: signals pass, a little is learned.", command="initialization --same 0.02")
    story.try_next("ReLU lets the signal of N(0, 1) explode and wants He.", command="initialization --activation relu")
    story.try_next("With one hidden layer small weights work, too.", command="initialization --depth 1")


LESSON = Lesson(
    name="initialization",
    title=Message("Where weights start"),
    summary=Message("starts at which signals vanish, neurons saturate or learn"),
    tell=tell,
    settings=(
        Setting("activation", "tanh", "activation of the hidden layers", choices=("tanh", "relu", "sigmoid")),
        Setting("same", 0.0, "the number that all weights of the first start have"),
        Setting("depth", 5, "the number of hidden layers", least=1, most=20),
        Setting("rate", 0.1, "the learning rate", above=0),
        Setting("epochs", 15, "passes over the training part", least=1, most=1000),
        Setting("seed", 0, "the first of three seeds", least=0),
    ),
)
