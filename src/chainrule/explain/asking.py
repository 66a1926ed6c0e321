"""What a user asks for, such as "dC/dW2[1,0]", "a1[0]", "W1[0,1] after" or "net_h1", as a `Name`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from chainrule.errors import ShapeError, UnknownName, UsageError
from chainrule.explain.anatomy import PARAMETERS, Anatomy
from chainrule.explain.names import COST, Name, by, slope_of
from chainrule.explain.trace import Trace
from chainrule.language import Message
from chainrule.network import Dropout

__all__ = ["example_names", "find_name"]

_DERIVATIVE = re.compile(r"[d∂]\s*(?P<of>[^/]+?)\s*/\s*[d∂]\s*(?P<by>.+)")
_ARRAY = re.compile(r"(?P<symbol>[A-Za-z]+?)(?P<layer>\d+)?\s*(\[(?P<index>[\d\s,]*)\])?")
_FLAT = re.compile(r"w(\d+)")
_TEXTBOOK = re.compile(r"(?:(?P<kind>net|out|target|delta|E)_?)?(?P<side>[hio])(?P<number>\d+)")
# Other ways to write the letters.
_SPELLINGS = {"δ": "delta", "D": "delta", "ẑ": "zhat", "γ": "gamma", "β": "beta"}


def find_name(asked: str, step: Trace) -> Name:
    """Find the number that is asked for among those of a step.

    Args:
        asked: ``a1[0]``, ``z2[1]``, ``x[3]``, ``C``, ``L``; ``delta1[2]``; ``dC/dW2[1,0]``, ``dC/dx[3]``,
            ``dC/da1[0]``; ``da1[0]/dz1[0]``; ``W1[0,1]``, ``W1[0,1] after``; in small networks the names of
            textbooks: ``w5``, ``net_h1``, ``out_o1``, ``dE/dw5``. With several rows the row comes
            first: ``a1[3,0]`` is neuron 0 in row 3.
        step: the step that has the number.

    Raises:
        UnknownName: where there is no such number; the sentence offers the nearest one.
        ShapeError: for an index that is out of range, or missing.
        UsageError: for an error or a derivative without targets, and for what is no text.

    >>> from chainrule import Network
    >>> from chainrule.explain.trace import trace
    >>> step = trace(Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid").init(), [[1, 2]], [[0, 1]])
    >>> find_name("dC/dw5", step) == find_name("dC/dW2[0,0]", step)
    True
    >>> find_name("net_h1", step)
    Name(symbol='z', layer=1, index=(0,), row=None, mark='', of=None, by=None, through=None)
    """
    if not isinstance(asked, str):
        raise UsageError("the number to explain is {asked!r}; name it by a text, such as 'dC/dW1[0,1]'", asked=asked)
    text = asked.strip()
    for letter, spelling in _SPELLINGS.items():
        text = re.sub(rf"(?<![A-Za-z]){letter}(?=[\d_])", spelling, text)
    return _Finder(asked, Anatomy(step)).find(text)


class _Finder:
    def __init__(self, asked: str, body: Anatomy) -> None:
        self.asked, self.body, self.step = asked, body, body.step

    def find(self, text: str) -> Name:
        if text.lower().endswith(" after") or text.lower().startswith("after "):
            name = self._number(re.sub(r"(?i)^after | after$", "", text).strip())
            if name.symbol not in PARAMETERS:
                raise UsageError(
                    "{asked!r}: only parameters change in an update, such as {example}",
                    asked=self.asked,
                    example=f"{example_names(self.step)[-1]} after",
                )
            self.step.need_errors()
            return name.after()
        if match := _DERIVATIVE.fullmatch(text):
            number = self._number(match["by"].strip())
            if match["of"] in ("C", "E", "E_total"):
                self.step.need_errors()
                return self._derivative(number)
            return self._slope(self._number(match["of"]), number)
        return self._number(text)

    def _slope(self, of: Name, number: Name) -> Name:
        """Give da/dz within one layer: other derivatives than those of the cost are not kept."""
        k = self.body.makers.get((of.symbol, of.layer), -1)
        layer = None if k < 0 else self.body.stages[k].layer
        within = layer is not None and self.body.out(k) == (of.symbol, of.layer) and of.row == number.row
        if not within or isinstance(layer, Dropout) or (number.symbol, number.layer) != self.body.sums(k):
            raise UsageError(
                "{asked!r}: besides derivatives of the cost, dC/d…, there are only the slopes of activations, such as "
                "da1[0]/dz1[0]",
                asked=self.asked,
            )
        assert layer is not None
        if of.index != number.index and layer.activation.pullback is None:
            raise UsageError(
                "{asked!r} is 0: an activation depends on the weighted sum of its own neuron only", asked=self.asked
            )
        return slope_of(of, number)

    def _derivative(self, name: Name) -> Name:
        if name.symbol in PARAMETERS or (name.symbol, name.layer) in self.body.backward:
            return by(name)
        if name.symbol in ("L", "C", "delta", "y", "mean", "var", "mask"):
            raise UsageError(
                "{asked!r}: there is no such derivative in backpropagation; ask for dC by an input, a "
                "weighted sum, an activation or a parameter, such as {example}",
                asked=self.asked,
                example=f"dC/d{example_names(self.step)[-1]}",
            )
        # The loss and the output activation are one function of the logits, so nothing is sent back through a.
        raise UsageError(
            "{asked!r} is never computed: {loss} and {activation} are one function of the weighted sums z, whose slope "
            "is taken directly; ask for {instead}",
            asked=self.asked,
            loss=self.step.model.loss.name,
            activation=self.step.model.network.output_activation.name,
            instead=f"delta{name.layer}[{name.index[-1]}]",
        )

    def _number(self, text: str) -> Name:
        if match := _FLAT.fullmatch(text):
            return self._flat(int(match[1]))
        if match := _TEXTBOOK.fullmatch(text):
            return self._textbook(match)
        if text in ("E", "E_total", "C"):
            self.step.need_targets()
            return COST
        match = _ARRAY.fullmatch(text)
        if match is None:
            raise self._unknown(text)
        symbol, layer = match["symbol"], None if match["layer"] is None else int(match["layer"])
        index = tuple(int(part) for part in re.findall(r"\d+", match["index"] or ""))
        if (symbol, layer) == ("a", 0) and ("a", 0) not in self.body.forward:
            symbol, layer = "x", None
        if symbol == "delta":
            self.step.need_errors()
            found = self._entry("z", layer, index, text)
            return by(found)
        if symbol == "L" and layer is None:
            return self._loss(index, text)
        return self._entry(symbol, layer, index, text)

    def _entry(self, symbol: str, layer: int | None, index: tuple[int, ...], text: str) -> Name:
        """Give the entry of an array, held to its shape."""
        parameters = self.step.model.parameters
        if symbol in PARAMETERS and layer is not None and getattr(parameters, symbol).get(layer) is not None:
            return Name(symbol, layer, self._held(index, getattr(parameters, symbol)[layer].shape, text))
        if (symbol, layer) in self.body.statistics:
            return Name(symbol, layer, self._held(index, self.body.statistics[symbol, layer].shape, text))
        if symbol == "y":
            self.step.need_targets()
        if (symbol, layer) not in self.body.forward:
            raise self._unknown(text)
        m, width = self.body.forward[symbol, layer].shape
        if len(index) == 2 or m > 1:
            row, i = self._held(index, (m, width), text)
            return self.body.named(Name(symbol, layer, (i,)), row)
        return Name(symbol, layer, self._held(index, (width,), text))

    def _loss(self, index: tuple[int, ...], text: str) -> Name:
        self.step.need_targets()
        if not index and self.step.m == 1:
            return Name("L")
        row, *k = self._held(index, (self.step.m, self.step.model.network.outputs)[: max(1, len(index))], text)
        return self.body.named(Name("L", index=tuple(k)), row)

    def _held(self, index: tuple[int, ...], shape: tuple[int, ...], text: str) -> tuple[int, ...]:
        if len(index) == len(shape) and all(i < n for i, n in zip(index, shape, strict=True)):
            return index
        array = text.split("[")[0]
        fields = {
            "asked": self.asked,
            "array": array,
            "shape": shape,
            "first": ",".join("0" for _ in shape),
            "last": ",".join(str(n - 1) for n in shape),
        }
        if len(index) == len(shape):
            raise ShapeError(
                "there is no {asked!r}: {array} has shape {shape}, and goes from {array}[{first}] to {array}[{last}]",
                **fields,
            )
        raise ShapeError(
            "{asked!r} is no single number: {array} has shape {shape}; ask for one of {array}[{first}] to "
            "{array}[{last}]",
            **fields,
        )

    def _flat(self, number: int) -> Name:
        left = number - 1
        for l, W in self.step.model.parameters.W.items():
            if 0 <= left < W.size:
                return Name("W", l, divmod(left, W.shape[1]))
            left -= W.size
        count = sum(W.size for W in self.step.model.parameters.W.values())
        raise UnknownName.among(Message("weight"), self.asked, [f"w1 … w{count}"])

    def _textbook(self, match: re.Match[str]) -> Name:
        """Give what a textbook calls net_h1, out_o1, target_o1, E_o1 or i1."""
        network = self.step.model.network
        if network.depth > 2 or self.step.m > 1:
            raise UsageError(
                "{asked!r} is a name of textbooks, for one example and at most one hidden layer; here ask for "
                "{example}",
                asked=self.asked,
                example=example_names(self.step)[1],
            )
        side, i, kind = match["side"], int(match["number"]) - 1, match["kind"] or "out"
        layer = {"h": 1 if network.depth == 2 else -1, "o": network.depth, "i": 0}[side]
        if layer < 0 or (kind in ("target", "E") and side != "o") or (side == "i" and kind != "out"):
            raise self._unknown(self.asked)
        if not 0 <= i < network.sizes[layer]:
            front = self.asked.strip()[: -len(match["number"])]
            raise ShapeError(
                "there is no {asked}; textbook names count from 1, and here they go from {front}1 to {front}{last}",
                asked=self.asked,
                front=front,
                last=network.sizes[layer],
            )
        if kind == "E":
            return self._loss((0, i), self.asked)
        if kind == "target" or not layer:
            return self._entry("y" if layer else "x", None, (i,), self.asked)
        name = self._entry("a" if kind == "out" else "z", layer, (i,), self.asked)
        return by(name) if kind == "delta" else name

    def _unknown(self, text: str) -> UnknownName:
        """Say that there is no such number, and which one is nearest: the same kind in another layer, if any."""
        match = re.match(r"([A-Za-z]+)(\d*)", text)
        index = found[0] if (found := re.search(r"\[.*\]", text)) else "[0]"
        front = self.asked[: self.asked.rfind(text)] if text and text in self.asked else ""
        arrays = [array for array in _arrays(self.body) if not front.startswith("d") or array != "y"]
        alike = [array for array in arrays if match and array.rstrip("0123456789") == match[1]]
        known = ", ".join(example_names(self.step))
        if not alike:
            near = difflib.get_close_matches(text, arrays, n=1, cutoff=0.5)
            alike = near or []
        if not alike:
            return UnknownName(
                "there is no number {asked!r}; there are, among others: {known}", asked=self.asked, known=known
            )
        return UnknownName(
            "there is no number {asked!r}; did you mean {close!r}? There are, among others: {known}",
            asked=self.asked,
            close=f"{front}{alike[-1]}{index}",
            known=known,
        )


def _arrays(body: Anatomy) -> Iterator[str]:
    """Give the names of all arrays that have numbers to ask for."""
    for symbol, layer in body.forward:
        yield f"{symbol}{'' if layer is None else layer}"
    yield from (f"{symbol}{layer}" for symbol, layer in body.statistics)
    yield from (f"delta{stage.l}" for stage in body.stages if stage.D is not None)
    yield from body.step.model.parameters


def example_names(step: Trace) -> list[str]:
    """Give one name for each kind of number that a step has, as examples of what can be asked for.

    >>> from chainrule import Network
    >>> from chainrule.explain.trace import trace
    >>> example_names(trace(Network.from_sizes([2, 1]).init(), [[1, 2]], [[0.5]]))
    ['x[0]', 'z1[0]', 'a1[0]', 'y[0]', 'L', 'C', 'delta1[0]', 'dC/dx[0]', 'dC/dW1[0,0]', 'W1[0,0] after', 'W1[0,0]']
    """
    body, front = Anatomy(step), "0," if step.m > 1 else ""
    names = [f"{symbol}{'' if l is None else l}[{front}0]" for symbol, l in body.forward]
    if step.Y is not None:
        names += ["L[0]" if step.m > 1 else "L", "C"]
        names += [f"delta{stage.l}[{front}0]" for stage in step.stages[-1:]]
        names += [f"dC/dx[{front}0]", "dC/dW1[0,0]", "W1[0,0] after"]
    return [*names, "W1[0,0]"]
