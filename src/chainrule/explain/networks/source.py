"""A network as a plain NumPy program, forward and backward, such as a person would write by hand for it alone."""

from __future__ import annotations

import ast
import shlex
import textwrap
from collections.abc import Iterator

from chainrule._version import __version__
from chainrule.explain.networks.architecture import find_network, find_places
from chainrule.explain.networks.functions import WIDTH, Formulas, helpers, loss_source
from chainrule.explain.networks.passes import indented, prediction_lines, training_lines, way_back
from chainrule.explain.networks.trial import trial_blocks
from chainrule.formulas import Loss
from chainrule.model import Model
from chainrule.network import BatchNorm, Dropout, Network
from chainrule.storage.exporting.functions import plain_text
from chainrule.storage.exporting.python_parts import arrange
from chainrule.storage.exporting.wording import joined

__all__ = ["Source", "source"]


class Source(str):
    r"""The text of a program; notebooks show it in colour.

    >>> Source("import numpy as np\n")
    'import numpy as np\n'
    """

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return f"```python\n{self}```"


def source(network: Network | Model, loss: str | Loss | None = None, *, name: str = "net") -> Source:
    """Write a network as a plain NumPy program: its forward pass, the chain rule back, line by line, and a trial.

    The program has the functions ``start(seed)``, which draws parameters, a dictionary p; ``forward(p, X)``, which
    gives the outputs; ``loss``; and ``gradient(p, X, Y)``, which gives the cost and a dictionary of its derivatives, W1
    for dC/dW1 and so on. Run alone, it compares its gradient with central differences and trains on random data. The
    weights of a model are not in it, since it is there to be read: ``{**model.parameters, **model.statistics}`` is a p,
    and `export` writes programs with their weights. X and Y are what the network itself sees, numbers.

    Args:
        network: a network, or a model.
        loss: what training minimizes; None takes the model's own, or the one that belongs to the output activation.
        name: what the program is called.

    Returns:
        A text, to print or to write into a file.

    Raises:
        UsageError: for what is no network, an activation without a usable slope, a loss that does not suit the output
            activation, or a formula of one's own that cannot be written down.

    >>> from chainrule import Network
    >>> text = source(Network.from_sizes([2, 3, 1], hidden="tanh", output="sigmoid"))
    >>> print(text[text.index("    D2 =") : text.index("    g =")].rstrip())
        D2 = (A2 - Y) * share  # (BP1), (m, 1)
        dW2 = D2.T @ A1  # (BP4), (1, 3)
        db2 = D2.sum(axis=0)  # (BP3), (1,)
    <BLANKLINE>
        D1 = (D2 @ p["W2"]) * tanh_slope(A1)  # (BP2), (m, 3)
        dW1 = D1.T @ X  # (BP4), (3, 2)
        db1 = D1.sum(axis=0)  # (BP3), (3,)
    """
    architecture, found = find_network(network, loss)
    formulas = Formulas()
    last = loss_source(found, architecture.output_activation, architecture.outputs)
    front = prediction_lines(architecture, formulas)
    passes = training_lines(architecture, formulas)
    back, names = way_back(architecture, formulas, last)
    shown = find_places(architecture)[-1]
    operations = formulas.operations | last.operations
    blocks = [
        _opening(architecture, found, name),
        [*(["import math", ""] if operations & {"erfc", "erfcx"} else []), "import numpy as np"],
        *helpers(operations),
        *formulas.blocks(),
        *last.blocks(),
        _forward(architecture, front, shown.A),
        _gradient(architecture, passes, last.call(shown.Z, shown.A), back, names),
        *trial_blocks(architecture, found),
    ]
    return Source(arrange(blocks))


def _opening(network: Network, loss: Loss, name: str) -> list[str]:
    kinds = [layer.activation.name for layer in network.layers if not isinstance(layer, Dropout)]
    made = f"Activations are {joined(list(dict.fromkeys(kinds)))}, the loss is {loss.name}."
    if len(set(kinds)) == 1:
        made = f"The activation is {kinds[0]}, the loss is {loss.name}."
    call = f"`python {shlex.quote(f'{name}.py')}`"
    shapes = joined([f"{key} {shape}" for key, shape in _shapes(network)])
    paragraphs = [
        f"{made} Written by chainrule {__version__}; needs NumPy only. {call} compares the gradient with central "
        "differences and trains on random data.",
        f"X has one example a row, shape (m, {network.inputs}), Y its targets, shape (m, {network.outputs}). p is a "
        f"dictionary of parameters: {shapes}.",
    ]
    lines = [f'"""{plain_text(name)}: a {"-".join(map(str, network.sizes))} network, forward and backward, by hand.']
    for paragraph in paragraphs:
        lines += ["", *textwrap.wrap(plain_text(paragraph), WIDTH)]
    return [*lines, '"""']


def _shapes(network: Network) -> Iterator[tuple[str, str]]:
    for entry in (*network.entries, *network.state_entries):
        yield entry.name, "(1,)" if entry.shared else str(entry.shape)


def _forward(network: Network, lines: list[str], outputs: str) -> list[str]:
    stood = [word for word, kind in (("running statistics", BatchNorm), ("no dropout", Dropout)) if _has(network, kind)]
    how = f", as in prediction: {', '.join(stood)}" if stood else ""
    doc = f'"""Give the outputs, (m, {network.outputs}){how}."""'
    return ["def forward(p, X):", *indented([doc, *lines, f"return {outputs}"])]


def _gradient(network: Network, passes: list[str], loss: str, back: list[str], names: list[str]) -> list[str]:
    masks = ", masks" * _has(network, Dropout)
    normed = _has(network, BatchNorm)
    doc = ['"""Give the cost C and its derivatives, W1 for dC/dW1 and so on.', ""]
    if masks:
        doc.append("masks holds dropout's factors by layer, as draw_masks gives them.")
    if normed:
        doc.append("Statistics are those of the batch; running ones that take it in come third.")
    doc += ["weights says how much each example counts, shape (m,).", '"""']
    body = [
        *doc,
        "weights = np.ones(len(X)) if weights is None else weights",
        "share = (weights / weights.sum())[:, None]  # of each row in the cost, (m, 1)",
        "",
        "# Forward, keeping what the way back needs.",
        *_used(passes, [loss, *back, *_running(network)]),
        f"C = np.sum(share[:, 0] * {loss})",
        "",
        "# Backward: D is dC/dZ of its layer.",
        *back,
        "",
        "g = {",
        *(f'    "{name}": d{name},' for name in names),
        "}",
        *(_running(network) if normed else []),
        f"return C, g{', running' * normed}",
    ]
    return [f"def gradient(p, X, Y{masks}, weights=None):", *indented(body)]


def _used(lines: list[str], behind: list[str]) -> list[str]:
    """Leave out what nothing behind it reads, such as outputs where loss and slope work with the logits."""
    read = _names_in("\n".join(behind))
    kept: list[str] = []
    wanted = False
    for line in reversed(lines):
        if not line.startswith("#"):  # a comment goes with the line below it
            name, value = line.split(" = ", 1)
            wanted = name in read
            read |= _names_in(value) if wanted else set()
        if wanted:
            kept.append(line)
    return kept[::-1]


def _names_in(program: str) -> set[str]:
    """Give the names that a program reads or writes, not those in its comments and texts."""
    return {node.id for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Name)}


def _running(network: Network) -> list[str]:
    """Write the running statistics after this batch."""
    lines = ["unbiased = 1 - np.sum(share**2)  # (m - 1) / m where all examples count alike", "running = {"]
    for layer, l in network.steps:
        if isinstance(layer, BatchNorm):
            old, new = 1 - layer.momentum, layer.momentum
            lines.append(f'    "mean{l}": {old!r} * p["mean{l}"] + {new!r} * mean{l},')
            lines.append(f'    "var{l}": {old!r} * p["var{l}"] + {new!r} * var{l} / unbiased,')
    return [*lines, "}"]


def _has(network: Network, kind: type) -> bool:
    return any(isinstance(layer, kind) and getattr(layer, "rate", 1) for layer in network.layers)
