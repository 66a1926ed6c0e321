from __future__ import annotations

import numpy as np

from chainrule.formulas import SGD
from chainrule.network import Network
from chainrule.training import train
from chainrule.training.counting import RightAnswers

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = ["no", "yes", "yes", "yes"]
NETWORK = Network.from_sizes([2, 3, 1], hidden="tanh", output="sigmoid")


def test_counts_are_the_accuracy_times_the_rows() -> None:
    heard: list[tuple[int, int]] = []
    count = RightAnswers(X, Y, lambda epoch, right: heard.append((epoch, right)))
    model = train(NETWORK, X, Y, optimizer=SGD(0.5), epochs=30, validation=(X, Y), callbacks=count)
    assert model.history is not None
    assert [right / 4 for right in count.counts] == model.history["validation_accuracy"]
    assert len(set(count.counts)) > 1
    assert heard == list(enumerate(count.counts, start=1))


def test_a_second_training_counts_anew_and_nobody_need_listen() -> None:
    count = RightAnswers(X, Y)
    for epochs in (5, 2):
        train(NETWORK, X, Y, epochs=epochs, callbacks=count)
        assert len(count.counts) == epochs
