"""Named views of a flat vector: W[l], b[l] and single numbers by name, all in the same memory."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import ShapeError, UnknownName
from chainrule.network import Entry, Network
from chainrule.streams import check_seed, normals, uniforms

__all__ = ["Parameters", "draw_parameters", "start_state"]

_NAME = re.compile(r"(?P<kind>W|b|gamma|beta|mean|var)(?P<layer>\d+)(\[(?P<index>\s*\d+\s*(,\s*\d+\s*)?)\])?")
_FLAT = re.compile(r"w(?P<number>\d+)")


class Parameters(Mapping[str, Any]):
    """A flat vector with the views that a network's entries name; parameters, gradients and states all have this form.

    Args:
        network: whose entries lay the vector out.
        vector: the numbers, shape (network.parameter_count,); kept, not copied.
        entries: other entries than those of theta (the state's).

    Attributes:
        W, b, gamma, beta: views by layer, ``W[l]`` of shape (N_l, N_{l-1}), ``b[l]`` of shape (N_l,) or None without bias.

    Raises:
        ShapeError: for a vector of another length.

    >>> import numpy as np
    >>> p = Parameters(Network.from_sizes([2, 2, 2]), np.arange(12.0))
    >>> p.W[2].tolist(), p["W2[1,0]"], p["w5"]
    ([[6.0, 7.0], [8.0, 9.0]], 8.0, 6.0)
    >>> p["W2[1,0]"] = -1; p.theta.tolist()[8]
    -1.0
    """

    def __init__(self, network: Network, vector: npt.NDArray[Any], entries: tuple[Entry, ...] | None = None) -> None:
        self.network = network
        self.entries = network.entries if entries is None else entries
        expected = sum(entry.stored for entry in self.entries)
        if vector.shape != (expected,):
            raise ShapeError(
                "the parameter vector has shape {given}; the network {network} needs ({expected},)",
                given=vector.shape,
                network="-".join(map(str, network.sizes)),
                expected=expected,
            )
        self.theta = vector
        views: dict[str, dict[int, Any]] = {kind: {} for kind in ("W", "b", "gamma", "beta", "mean", "var")}
        if entries is None:
            views["b"] = dict.fromkeys(range(1, network.depth + 1))
        for entry in self.entries:
            views[entry.kind][entry.layer] = entry.view(vector)
        self.W, self.b, self.gamma, self.beta, self.mean, self.var = views.values()

    def __iter__(self) -> Iterator[str]:
        return (entry.name for entry in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, name: str) -> Any:
        """Read an array (``W2``), a number of it (``W2[1,0]``, ``b1[0]``) or a weight by its flat textbook name (``w5``)."""
        entry, index = self._locate(name)
        value = entry.view(self.theta)[index]
        return value if isinstance(value, np.ndarray) else value.item()

    def __setitem__(self, name: str, value: npt.ArrayLike) -> None:
        """Set what `__getitem__` reads; a single number fills a whole array. A shared bias is one number."""
        entry, index = self._locate(name)
        given = np.asarray(value, dtype=self.theta.dtype)
        target = self.theta[entry.start : entry.start + entry.stored]
        if entry.stored != math.prod(entry.shape):
            if given.size and np.any(given != given.flat[0]):
                raise ShapeError("{name} is one bias shared by its layer; it takes one number, not {value}", name=name, value=value)
            target[0] = given.flat[0]
            return
        place = target.reshape(entry.shape)
        if given.shape not in ((), place[index].shape):
            raise ShapeError(
                "{name} has shape {expected}, the given value {given}", name=name, expected=place[index].shape, given=given.shape
            )
        place[index] = given

    def _locate(self, name: str) -> tuple[Entry, tuple[int, ...]]:
        flat = _FLAT.fullmatch(name.strip())
        if flat:
            return self._locate_flat(int(flat["number"]), name)
        match = _NAME.fullmatch(name.strip())
        entry = next((e for e in self.entries if match and e.name == match["kind"] + match["layer"]), None)
        if match is None or entry is None:
            raise UnknownName.among("parameter", name, [*self, *self._flat_range()])
        index = tuple(int(part) for part in match["index"].split(",")) if match["index"] else ()
        if len(index) > len(entry.shape) or any(i >= n for i, n in zip(index, entry.shape, strict=False)):
            raise ShapeError(
                "{name} is out of range: {array} has shape {shape}, rows and columns count from 0",
                name=name,
                array=entry.name,
                shape=entry.shape,
            )
        return entry, index

    def _locate_flat(self, number: int, name: str) -> tuple[Entry, tuple[int, ...]]:
        left = number - 1
        for entry in self.entries:
            if entry.kind == "W":
                if 0 <= left < entry.stored:
                    return entry, divmod(left, entry.shape[1])
                left -= entry.stored
        raise UnknownName.among("weight", name, self._flat_range())

    def _flat_range(self) -> list[str]:
        count = sum(entry.stored for entry in self.entries if entry.kind == "W")
        return [f"w1 … w{count}"] if count else []

    def __repr__(self) -> str:
        parts = (f"{entry.name} {entry.shape}" for entry in self.entries)
        return f"Parameters({', '.join(parts)}; {self.theta.dtype})"


def draw_parameters(network: Network, seed: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Draw theta: W and b by their initializers, gamma = 1, beta = 0; each array from a stream of (seed, l, kind).

    >>> import numpy as np
    >>> draw_parameters(Network.from_sizes([2, 3, 1]), 0, np.float32).shape
    (13,)
    """
    check_seed(seed)
    theta = np.empty(network.parameter_count)
    for entry in network.entries:
        layer = network.dense[entry.layer - 1]
        piece = theta[entry.start : entry.start + entry.stored]
        if entry.kind in ("gamma", "beta"):
            piece[:] = entry.kind == "gamma"
            continue
        fan_out, fan_in = network.sizes[entry.layer], network.sizes[entry.layer - 1]
        initializer = network.initializer_of(entry.layer) if entry.kind == "W" else layer.bias_initializer
        shape = entry.shape if entry.kind == "W" else (entry.stored, 1)
        make = {"normal": normals, "uniform": uniforms}.get(initializer.draw)
        counters = (entry.layer, int(entry.kind == "b"))
        draw = np.zeros(shape) if make is None else make(seed, "init", *counters, shape=shape)
        piece[:] = initializer.bound(initializer.value)(draw, fan_in, fan_out).reshape(-1)
    return theta.astype(dtype)


def start_state(network: Network, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Give the state before training: running mean 0, running variance 1.

    >>> import numpy as np
    >>> start_state(Network.from_sizes([2, 3, 1], batch_norm=True), np.float64).tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    """
    state = np.zeros(network.state_count, dtype=dtype)
    for entry in network.state_entries:
        state[entry.start : entry.start + entry.stored] = entry.kind == "var"
    return state
