"""The two passes of a program, line by line: forward, and the chain rule back."""

from __future__ import annotations

from chainrule.explain.networks.architecture import Place, find_places
from chainrule.explain.networks.functions import WIDTH, Formulas, LossSource, product
from chainrule.network import BatchNorm, Dense, Dropout, Network

__all__ = ["commented", "indented", "prediction_lines", "training_lines", "way_back"]

# All lines stand in a function.
INDENT = 4


def prediction_lines(network: Network, formulas: Formulas) -> list[str]:
    """Write the forward pass as in prediction: running statistics, no dropout."""
    lines: list[str] = []
    renamed: dict[str, str] = {}  # what a dropout would have left is what came into it
    for place in find_places(network):
        before = renamed.get(place.before, place.before)
        if isinstance(place.layer, Dropout):
            renamed[place.A] = before
        elif isinstance(place.layer, Dense):
            lines += _dense(place, before, network, formulas)
        else:
            l = place.l
            lines.append(f'deviation{l} = np.sqrt(p["var{l}"] + {place.layer.epsilon!r})')
            lines.append(f'zhat{l} = ({before} - p["mean{l}"]) / deviation{l}')
            lines += _scaled(place, network, formulas)
    return lines


def training_lines(network: Network, formulas: Formulas) -> list[str]:
    """Write the forward pass as in training: statistics of the batch, and dropout."""
    lines: list[str] = []
    for place in find_places(network):
        l = place.l
        if isinstance(place.layer, Dense):
            lines += _dense(place, place.before, network, formulas)
        elif isinstance(place.layer, Dropout):
            lines.append(f"{place.A} = {place.before} * masks[{l}]")
        else:
            N = network.sizes[l]
            lines += commented(f"mean{l} = np.sum(share * {place.before}, axis=0)", f"({N},)")
            lines.append(f"var{l} = np.sum(share * ({place.before} - mean{l}) ** 2, axis=0)")
            lines.append(f"deviation{l} = np.sqrt(var{l} + {place.layer.epsilon!r})")
            lines.append(f"zhat{l} = ({place.before} - mean{l}) / deviation{l}")
            lines += _scaled(place, network, formulas)
    return lines


def _dense(place: Place, before: str, network: Network, formulas: Formulas) -> list[str]:
    assert isinstance(place.layer, Dense)
    l = place.l
    bias = "" if place.layer.bias == "none" else f' + p["b{l}"]'
    lines = commented(f'{place.Z} = {before} @ p["W{l}"].T{bias}', f"(m, {place.layer.units})")
    if place.A != place.Z:
        lines.append(f"{place.A} = {formulas.value(place.layer.activation, network.sizes[l], place.Z)}")
    return lines


def _scaled(place: Place, network: Network, formulas: Formulas) -> list[str]:
    assert isinstance(place.layer, BatchNorm)
    l, N = place.l, network.sizes[place.l]
    lines = commented(f'Z{l} = p["gamma{l}"] * zhat{l} + p["beta{l}"]', f"(m, {N})")
    return [*lines, f"{place.A} = {formulas.value(place.layer.activation, N, place.Z)}"]


def way_back(network: Network, formulas: Formulas, loss: LossSource) -> tuple[list[str], list[str]]:
    """Write the chain rule, from the last layer to the first.

    Returns:
        The lines, and the names of the parameters whose derivatives they find, in theta's order.
    """
    places = find_places(network)
    lines: list[str] = []
    found: list[str] = []
    G: list[str] = []  # the factors of dC/dA, on its way back; empty at the outputs
    for k, place in reversed(list(enumerate(places))):
        if isinstance(place.layer, Dropout):
            G = [*G, f"masks[{place.l}]"]
            continue
        lines += [""] if lines else []
        lines += _error(place, network, formulas, loss, G)
        first = not any(isinstance(each.layer, Dense | BatchNorm) for each in places[:k])
        new, names, G = (_dense_back if isinstance(place.layer, Dense) else _norm_back)(place, network, first)
        lines += new
        found = names + found
    return lines, found


def _error(place: Place, network: Network, formulas: Formulas, loss: LossSource, G: list[str]) -> list[str]:
    """Write D of a layer: (BP1) at the outputs, (BP2) before them."""
    layer, l, D = place.layer, place.l, _error_name(place)
    assert not isinstance(layer, Dropout)
    if G == [D]:
        return []  # the batch normalization behind it gave it that name already
    cancelled = not G and loss.paired
    why = ["# The slopes of the loss and of the output activation cancel, but for a - y."]
    lines = why if cancelled and loss.slope is None else []
    behind = "(BP1), " if not G else "(BP2), " * any(" @ " in factor for factor in G)
    comment = f"{behind}(m, {network.sizes[l]})"
    factors = G or [loss.call_slope(place.Z, place.A), "share"]

    def through(factors: list[str]) -> str:
        if cancelled:
            return product(factors)
        return formulas.back(layer.activation, network.sizes[l], place.Z, place.A, factors)

    line = f"{D} = {through(factors)}"
    if len(line) > WIDTH - INDENT:
        lines = [*lines, f"G{l} = {product(factors)}"]
        line = f"{D} = {through([f'G{l}'])}"
    return [*lines, *commented(line, comment)]


def _error_name(place: Place) -> str:
    return f"d{place.Z}" if place.Z.startswith("U") else f"D{place.l}"


def _dense_back(place: Place, network: Network, first: bool) -> tuple[list[str], list[str], list[str]]:
    """Write (BP3) and (BP4); give the lines, the parameters and the factors of dC/dA of what came in."""
    assert isinstance(place.layer, Dense)
    l, D, N = place.l, _error_name(place), place.layer.units
    lines = commented(f"dW{l} = {D}.T @ {place.before}", f"(BP4), ({N}, {network.sizes[l - 1]})")
    names = [f"W{l}"]
    match place.layer.bias:
        case "neuron":
            lines += commented(f"db{l} = {D}.sum(axis=0)", f"(BP3), ({N},)")
            names.append(f"b{l}")
        case "layer":
            lines += commented(f"db{l} = {D}.sum().reshape(1)", "(BP3): one bias for the whole layer")
            names.append(f"b{l}")
        case "fixed":
            lines.append(f"# b{l} is held where it is.")
    return lines, names, [] if first else [f'{D} @ p["W{l}"]']


def _norm_back(place: Place, network: Network, first: bool) -> tuple[list[str], list[str], list[str]]:
    """Write the chain rule of a batch normalization; give the same."""
    l, N = place.l, network.sizes[place.l]
    lines = [
        *commented(f"dgamma{l} = np.sum(D{l} * zhat{l}, axis=0)", f"({N},)"),
        *commented(f"dbeta{l} = D{l}.sum(axis=0)", f"({N},)"),
    ]
    names = [f"gamma{l}", f"beta{l}"]
    if first:
        return lines, names, []
    G = f"d{place.before}" if place.before.startswith("U") else f"G{l}"
    two_means = f"share * (dbeta{l} + zhat{l} * dgamma{l})"
    return (
        [
            *lines,
            "# The batch's mean and deviation depend on every row, which takes two means off.",
            f'{G} = p["gamma{l}"] / deviation{l} * (D{l} - {two_means})',
        ],
        names,
        [G],
    )


def commented(line: str, comment: str) -> list[str]:
    """Put a comment behind a line, or above it where there is no room.

    >>> commented("a = 1", "one")
    ['a = 1  # one']
    """
    if INDENT + len(line) + len(comment) + 4 > WIDTH:
        return [f"# {comment}", line]
    return [f"{line}  # {comment}"]


def indented(lines: list[str]) -> list[str]:
    """Write the lines of a function; a call that is too long gets a line for its arguments.

    >>> indented(["a = 1", "", "return f(a)"])
    ['    a = 1', '', '    return f(a)']
    """
    written: list[str] = []
    for line in lines:
        if INDENT + len(line) > WIDTH and line.endswith(")") and not line.startswith("#"):
            start = _opening(line)
            written += [f"    {line[:start]}", f"        {line[start:-1]}", "    )"]
        else:
            written.append(f"    {line}".rstrip())
    return written


def _opening(line: str) -> int:
    """Give where the arguments of the call begin that a line ends with."""
    depth = 0
    for k in range(len(line) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(line[k], 0)
        if not depth:
            return k + 1
    raise AssertionError(line)
