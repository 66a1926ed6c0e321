"""What a program tries itself with: first parameters, random data, a check by central differences, some updates."""

from __future__ import annotations

from chainrule.formulas import Loss
from chainrule.network import BatchNorm, Dropout, Network

__all__ = ["trial_blocks"]

# Random targets of the kind that a loss asks for; m rows of N numbers.
TARGETS = {
    "values": "rng.normal(size=(m, {N}))",
    "probabilities": "rng.integers(0, 2, (m, {N})).astype(float)",
    "distribution": "np.eye({N})[rng.integers(0, {N}, m)]",
    "counts": "rng.poisson(2, (m, {N})).astype(float)",
}


def trial_blocks(network: Network, loss: Loss) -> list[list[str]]:
    r"""Write the functions ``start``, ``sample``, ``check`` and ``train``, and what calls them.

    >>> from chainrule.formulas import LOSSES
    >>> print(*trial_blocks(Network.from_sizes([2, 1]), LOSSES["huber"])[1], sep="\n")
    def sample(rng, m):
        ...
        X = rng.normal(size=(m, 2))
        Y = rng.normal(size=(m, 1))
        return X, Y
    """
    masks = [(l, layer.rate) for layer, l in network.steps if isinstance(layer, Dropout) and layer.rate]
    return [
        _start(network),
        [
            "def sample(rng, m):",
            '    """Give random rows and targets, to try the network on."""',
            f"    X = rng.normal(size=(m, {network.inputs}))",
            f"    Y = {TARGETS[loss.targets].format(N=network.outputs)}",
            "    return X, Y",
        ],
        _masks(network, masks) if masks else [],
        _check(bool(masks)),
        _train(network, bool(masks)),
        [
            'if __name__ == "__main__":',
            '    print(f"largest error of the gradient: {check(seed=0):.1e}")',
            "    train(seed=0)",
        ],
    ]


def _start(network: Network) -> list[str]:
    lines = []
    for entry in network.entries:
        if entry.kind == "W":
            lines.append(f'"W{entry.layer}": rng.normal(0, {entry.shape[1] ** -0.5:.2g}, {entry.shape}),')
        elif entry.shared:
            lines.append(f'"{entry.name}": np.zeros(1),  # one for the whole layer')
        else:
            lines.append(f'"{entry.name}": np.{"ones" if entry.kind == "gamma" else "zeros"}({entry.shape[0]}),')
    for entry in network.state_entries:
        lines.append(f'"{entry.name}": np.{"zeros" if entry.kind == "mean" else "ones"}({entry.shape[0]}),')
    return [
        "def start(seed):",
        '    """Give parameters to begin with: small random weights, biases of 0."""',
        "    rng = np.random.default_rng(seed)",
        "    return {",
        *(f"        {line}" for line in lines),
        "    }",
    ]


def _masks(network: Network, masks: list[tuple[int, float]]) -> list[str]:
    return [
        "def draw_masks(rng, m):",
        '    """Draw dropout\'s factors: 0 as often as its rate says, else 1 / (1 - rate)."""',
        "    return {",
        *(f"        {l}: (rng.random((m, {network.sizes[l]})) >= {rate!r}) / (1 - {rate!r})," for l, rate in masks),
        "    }",
    ]


def _check(masked: bool) -> list[str]:
    given = "p, X, Y" + ", masks" * masked
    return [
        "def check(seed):",
        '    """Give the largest error of the gradient beside central differences."""',
        "    rng = np.random.default_rng(seed)",
        "    # A little off: with biases of 0 a z may be 0, where slopes such as relu's jump.",
        "    p = {k: v + rng.uniform(0, 0.1, v.shape) for k, v in start(seed).items()}",
        "    X, Y = sample(rng, 8)",
        *(["    masks = draw_masks(rng, 8)"] if masked else []),
        f"    g = gradient({given})[1]",
        "    h, largest, size = 1e-5, 0.0, 1e-9",
        "    for name in g:",
        "        numbers = p[name].reshape(-1)  # the same numbers in one row",
        "        size = max(size, np.abs(g[name]).max())",
        "        for k in rng.permutation(len(numbers))[:20]:",
        "            kept = numbers[k]",
        "            numbers[k] = kept + h",
        f"            above = gradient({given})[0]",
        "            numbers[k] = kept - h",
        f"            below = gradient({given})[0]",
        "            numbers[k] = kept",
        "            error = (above - below) / (2 * h) - g[name].flat[k]",
        "            largest = max(largest, abs(error))",
        "    return largest / size  # in units of the largest derivative",
    ]


def _train(network: Network, masked: bool) -> list[str]:
    given = "p, X, Y" + ", draw_masks(rng, len(X))" * masked
    normed = any(isinstance(layer, BatchNorm) for layer in network.layers)
    return [
        "def train(seed, rate=0.01, updates=200):",
        '    """Descend on random data, printing the cost."""',
        "    rng = np.random.default_rng(seed)",
        "    p = start(seed)",
        "    X, Y = sample(rng, 50)",
        "    for t in range(1, updates + 1):",
        f"        C, g{', running' * normed} = gradient({given})",
        "        for name in g:",
        "            p[name] = p[name] - rate * g[name]",
        *(["        p.update(running)"] if normed else []),
        "        if t == 1 or t % 50 == 0:",
        '            print(f"update {t}: cost {C:.6f}")',
        "    return p",
    ]
