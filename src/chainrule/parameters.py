"""Named views of a flat vector: W[l], b[l] and single numbers by name, all in the same memory."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import ShapeError, UnknownName, UsageError
from chainrule.language import Message
from chainrule.network import Entry, Network
from chainrule.streams import check_seed, normals, uniforms

__all__ = ["Parameters", "Views", "draw_parameters", "start_state"]

_KINDS = ("W", "b", "gamma", "beta", "mean", "var")
_NAME = re.compile(rf"(?P<array>({'|'.join(_KINDS)})\d+)(\[(?P<index>\s*\d+\s*(,\s*\d+\s*)?)\])?")
_FLAT = re.compile(r"w(?P<number>\d+)")
# Made once: parameters are looked at with every pass of a network.
_THETA, _STATE = Message("parameter"), Message("state")


class Parameters(Mapping[str, Any]):
    """A flat vector with the views that a network's entries name; parameters, gradients and states all have this form.

    Args:
        network: whose entries lay the vector out.
        vector: the numbers, shape (network.parameter_count,); kept, not copied.
        entries: other entries than those of theta (the state's).

    Attributes:
        theta: the vector.
        W, b, gamma, beta: views by layer, ``W[l]`` of shape (N_l, N_{l-1}), ``b[l]`` of shape (N_l,) or None without
            bias. Plain dictionaries, for speed: write into an array, ``W[l][...] = …``; ``p["W1"] = …`` and `Views` set
            a whole one.
        mean, var: the same for running statistics.
        shared: for each layer with ``bias="layer"`` the one number of theta that is its bias, a view of shape (1,),
            which can be written where ``b[l]`` is read-only.

    Raises:
        ShapeError: for a vector of another length.
        UsageError: for a vector that is no array of floating-point numbers.

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
        self._what = _THETA if entries is None else _STATE
        if not isinstance(vector, np.ndarray) or vector.dtype.kind not in "fc":
            raise UsageError(
                "the {what} vector is {given}; expected a NumPy array of floating-point numbers",
                what=self._what,
                given=reprlib.repr(vector),
            )
        expected = network.parameter_count if entries is None else sum(entry.stored for entry in entries)
        if vector.shape != (expected,):
            raise ShapeError(
                "the {what} vector has shape {given}; the network {network} needs ({expected},)",
                what=self._what,
                given=vector.shape,
                network="-".join(map(str, network.sizes)),
                expected=expected,
            )
        self.theta = vector
        found: dict[str, dict[int, Any]] = {kind: {} for kind in _KINDS}
        self.shared: dict[int, npt.NDArray[Any]] = {}
        if entries is None:
            found["b"] = dict.fromkeys(range(1, network.depth + 1))
        for entry in self.entries:
            found[entry.kind][entry.layer] = entry.view(vector)
            if entry.kind == "b" and network.dense[entry.layer - 1].bias == "layer":
                self.shared[entry.layer] = vector[entry.place]
        self.W, self.b, self.gamma, self.beta, self.mean, self.var = (found[kind] for kind in _KINDS)

    def __iter__(self) -> Iterator[str]:
        return (entry.name for entry in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        """Say whether this name can be read; a single number's name counts, too."""
        try:
            self._locate(name)
        except UsageError:
            return False
        return True

    def get(self, name: str, default: Any = None) -> Any:
        """Read what `__getitem__` reads, or give the default where there is no such name."""
        try:
            return self[name]
        except UsageError:
            return default

    def __getitem__(self, name: str) -> Any:
        """Read an array (``W2``), a number of it (``W2[1,0]``, ``b1[0]``) or a weight by its textbook name (``w5``).

        Textbook names count all weights of the network from 1, W[1] row by row, then W[2], and so on.

        Raises:
            UnknownName: for an array that the network does not have.
            ShapeError: for an index out of range.
        """
        entry, index = self._locate(name)
        value = entry.view(self.theta)[index]
        return value if isinstance(value, np.ndarray) else value.item()

    def __setitem__(self, name: str, value: npt.ArrayLike) -> None:
        """Set what `__getitem__` reads; a single number fills a whole array. A shared bias is one number.

        Raises:
            UnknownName, ShapeError: as in reading, and for an array of another shape.
            UsageError: for what is no number, or too large for the vector's number type.
        """
        entry, index = self._locate(name)
        _write(self.theta, entry, index, value)

    def fill(self, numbers: npt.ArrayLike) -> None:
        """Copy numbers into the whole vector; all views see them.

        Raises:
            ShapeError: for another number of them.
            UsageError: for what is no number, or too large for the vector's number type.
        """
        given = _as_numbers(numbers, self.theta.dtype, Message("the {what} vector", what=self._what))
        if given.shape != self.theta.shape:
            raise ShapeError(
                "the {what} vector has shape {expected}, the given value {given}",
                what=self._what,
                expected=self.theta.shape,
                given=given.shape,
            )
        self.theta[:] = given

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameters):
            return NotImplemented
        same = self.network == other.network and self.entries == other.entries
        return same and np.array_equal(self.theta, other.theta)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        # Views that were copied one by one would be views no longer.
        return Parameters, (self.network, self.theta, None if self.entries == self.network.entries else self.entries)

    def _locate(self, name: object) -> tuple[Entry, tuple[int, ...]]:
        if not isinstance(name, str):
            raise UsageError("a parameter is named by a text, such as 'W2[1,0]' or 'w5', not by {name!r}", name=name)
        flat = _FLAT.fullmatch(name.strip())
        if flat:
            return self._locate_flat(int(flat["number"]), name)
        match = _NAME.fullmatch(name.strip())
        entry = next((e for e in self.entries if match and e.name == match["array"]), None)
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


class Views(Mapping[int, Any]):
    """The arrays of one kind by layer, as a model hands them out: setting one copies its numbers into the vector.

    There is no other way to change it: no array can be taken out or put beside the vector.

    Args:
        parameters: whose arrays they are.
        kind: "W", "b", "gamma", "beta", "mean" or "var".

    >>> import numpy as np
    >>> p = Parameters(Network.from_sizes([2, 1]), np.zeros(3))
    >>> W = Views(p, "W")
    >>> W[1] = [[4, 5]]; p.theta.tolist()
    [4.0, 5.0, 0.0]
    >>> W[2]
    Traceback (most recent call last):
      ...
    chainrule.errors.UnknownName: there is no W[2]; W is there for layer 1
    """

    def __init__(self, parameters: Parameters, kind: str) -> None:
        self._parameters, self._kind = parameters, kind
        self._arrays: dict[int, Any] = getattr(parameters, kind)

    def __getitem__(self, l: int) -> Any:
        """Give the view of layer l.

        Raises:
            UnknownName: where the layer has none.
        """
        try:
            return self._arrays[l]
        except (KeyError, TypeError):  # TypeError: a slice or a list, which is no key
            raise UnknownName(
                "there is no {kind}[{l!r}]; {kind} is there for layer {known}",
                kind=self._kind,
                l=l,
                known=", ".join(map(str, self._arrays)) or "none",
            ) from None

    def __setitem__(self, l: int, value: npt.ArrayLike) -> None:
        """Copy numbers into the view of layer l; one number fills it.

        Raises:
            UnknownName: where the layer has none.
            ShapeError, UsageError: for what does not fit, as in `Parameters`.
        """
        if self[l] is not None and value is self[l]:
            return  # W[l] += … has changed the view already, and hands it back
        self._parameters[f"{self._kind}{int(l)}"] = value

    def __contains__(self, l: object) -> bool:
        return l in self._arrays

    def get(self, l: int, default: Any = None) -> Any:
        """Give the view of layer l, or the default where there is none."""
        return self._arrays.get(l, default)

    def __iter__(self) -> Iterator[int]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __reduce__(self) -> tuple[Any, ...]:
        # Arrays that were copied one by one would be views no longer.
        return Views, (self._parameters, self._kind)

    def __repr__(self) -> str:
        return repr(self._arrays)


def _write(vector: npt.NDArray[Any], entry: Entry, index: tuple[int, ...], value: npt.ArrayLike) -> None:
    """Write a number or an array into the place of an entry, or of one row or number of it."""
    name = entry.name + (f"[{','.join(map(str, index))}]" if index else "")
    given = _as_numbers(value, vector.dtype, name)
    if not vector.flags.writeable:
        raise UsageError("{name} is read-only here; model.copy() gives a model that can be changed", name=name)
    shape = entry.shape[len(index) :]
    if given.shape not in ((), shape):
        raise ShapeError(
            "{name} has shape {expected}, the given value {given}", name=name, expected=shape, given=given.shape
        )
    piece = vector[entry.place]
    if not entry.shared:
        piece.reshape(entry.shape)[index] = given
    elif given.ndim == 0 or (given == given[0]).all():
        piece[0] = given.flat[0]
    else:
        raise ShapeError(
            "{name} is one bias shared by its layer; it takes one number, not {value}", name=name, value=given.tolist()
        )


def _as_numbers(value: npt.ArrayLike, dtype: np.dtype[Any], name: str) -> npt.NDArray[Any]:
    """Give what a parameter is set to in the vector's number type."""
    try:
        raw = np.asarray(value)
    except ValueError:  # rows of different lengths
        raw = np.asarray(None)
    if raw.dtype.kind not in ("biufc" if dtype.kind == "c" else "biuf"):
        raise UsageError("{name} is set to {value}; it takes numbers", name=name, value=reprlib.repr(value))
    with np.errstate(over="ignore"):
        given = raw.astype(dtype)
    if not np.isfinite(given).all() and np.isfinite(raw).all():
        raise UsageError("{name} is set to a number that is too large for {dtype}", name=name, dtype=dtype.name)
    return given


def draw_parameters(network: Network, seed: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Draw theta: W and b by their initializers, gamma = 1, beta = 0; each array from a stream of (seed, l, kind).

    Raises:
        UsageError: for a seed that cannot be, an initializer that does not suit its array, or too many parameters.

    >>> import numpy as np
    >>> draw_parameters(Network.from_sizes([2, 3, 1]), 0, np.float32).shape
    (13,)
    """
    check_seed(seed)
    try:
        theta = np.ones(network.parameter_count)
    except (MemoryError, OverflowError, ValueError) as error:
        raise UsageError(
            "the network has {count:,} parameters, which do not fit into memory; give its layers fewer neurons",
            count=network.parameter_count,
        ) from error
    for entry in network.entries:
        if entry.kind in ("W", "b"):
            theta[entry.place] = _draw(network, entry, seed).reshape(-1)
        elif entry.kind == "beta":
            theta[entry.place] = 0
    with np.errstate(over="ignore"):  # what overflows is named
        drawn = theta.astype(dtype)
    for entry in network.entries:
        if not np.isfinite(drawn[entry.place]).all():
            raise UsageError(
                "the initializer of {name} gives numbers that are not finite as {dtype}; choose a smaller scale",
                name=entry.name,
                dtype=drawn.dtype.name,
            )
    return drawn


def _draw(network: Network, entry: Entry, seed: int) -> npt.NDArray[np.float64]:
    """Draw one W[l], or one b[l] as a column."""
    l, weights = entry.layer, entry.kind == "W"
    initializer = network.initializer_of(l) if weights else network.dense[l - 1].bias_initializer
    shape = entry.shape if weights else (entry.stored, 1)
    make = {"normal": normals, "uniform": uniforms}.get(initializer.draw)
    draw = np.zeros(shape) if make is None else make(seed, "init", l, int(not weights), shape=shape)
    drawn: npt.NDArray[np.float64] = initializer.bound(initializer.value)(draw, network.sizes[l - 1], network.sizes[l])
    if drawn.shape != shape:
        raise UsageError(
            "the initializer {initializer!r} gives shape {given} for {name}, expected {expected}; choose another one,"
            " such as 'zeros' for biases",
            initializer=initializer.name,
            given=drawn.shape,
            name=entry.name,
            expected=shape,
        )
    return drawn


def start_state(network: Network, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Give the state before training: running mean 0, running variance 1.

    >>> import numpy as np
    >>> start_state(Network.from_sizes([2, 3, 1], batch_norm=True), np.float64).tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    """
    state = np.zeros(network.state_count, dtype=dtype)
    for entry in network.state_entries:
        state[entry.place] = entry.kind == "var"
    return state
