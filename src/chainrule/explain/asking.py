"""What a user asks for, such as "dC/dW2[1,0]", "a1[0]", "W1[0,1] after" or "net_h1", as a `Name`."""

from __future__ import annotations

import re

from chainrule.errors import ChainruleError, ShapeError, UnknownName, UsageError
from chainrule.explain.anatomy import PARAMETERS, Anatomy
from chainrule.explain.flat_names import flat_bias, flat_weight
from chainrule.explain.forward import has_parts
from chainrule.explain.names import COST, Name, by, slope_of
from chainrule.explain.nearest import example_names, held, unknown
from chainrule.explain.settings import settings_of
from chainrule.explain.spellings import plainly
from chainrule.explain.trace import Trace
from chainrule.explain.updates.numbers import find_update_number
from chainrule.explain.writing.notation import Notation
from chainrule.network import BatchNorm, Dropout

__all__ = ["check_name", "example_names", "find_name"]

_DERIVATIVE = re.compile(r"[d∂]\s*(?P<of>[^/]+?)\s*/\s*[d∂]\s*(?P<by>.+)")
_ARRAY = re.compile(r"(?P<symbol>[A-Za-z]+?)(?P<layer>\d+)?\s*(\[(?P<index>[\d\s,]*)\])?")
_NEGATIVE = re.compile(r"(?P<array>[A-Za-z]+\d*)\s*\[(?P<index>[\d\s,-]*-\s*\d[\d\s,-]*)\]")
_FLAT = re.compile(r"(?P<kind>[wb])(?P<number>\d+)")
_TEXTBOOK = re.compile(r"(?:(?P<kind>net|out|target|delta|E)_?)?(?P<side>[hio])(?P<number>\d+)")
# Settings and the numbers of an update: of no layer.
_NO_LAYER = re.compile(r"[a-z]+(_\d|\[|$)")
# A number of one parameter's update, such as m[W1[0,0]] after.
_OF_UPDATE = re.compile(r"(?P<symbol>[a-z]+)\[(?P<through>[A-Za-z]\w*\s*(?:\[[\d\s,]*\])?)\](?P<mark> before| after)?")


def find_name(asked: str, step: Trace, notation: str = "index") -> Name:
    """Find the number that is asked for among those of a step.

    Args:
        asked: ``a1[0]``, ``z2[1]``, ``x[3]``, ``C``, ``L``; ``delta1[2]``; ``dC/dW2[1,0]``, ``dC/dx[3]``,
            ``dC/da1[0]``; ``da1[0]/dz1[0]``; ``W1[0,1]``, ``W1[0,1] after``; in small networks the names of
            textbooks: ``w5``, ``net_h1``, ``out_o1``, ``dE/dw5``. With several rows the row comes
            first: ``a1[3,0]`` is neuron 0 in row 3. Also what stands on the lines of an update, ``m[W1[0,0]] after``,
            and a setting, ``beta_1``.
        step: the step that has the number.
        notation: how the asking person writes: in "textbook" ``b1`` is the first bias of all, else the array b[1].

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
    return _Finder(asked, Anatomy(step), notation).find(plainly(asked))


def check_name(name: Name, step: Trace) -> Name:
    """Hold a name to the numbers of a step.

    Returns:
        The name as `find_name` gives it, without a row where there is only one.

    Raises:
        UnknownName, ShapeError, UsageError: as `find_name`; also for a name that is put together wrongly.
    """
    try:
        text = Notation().text(name)
    except (AttributeError, TypeError):
        raise UsageError("there is no number with the name {name!r}", name=name) from None
    return find_name(text, step)


class _Finder:
    def __init__(self, asked: str, body: Anatomy, notation: str) -> None:
        self.asked, self.body, self.step, self.notation = asked, body, body.step, notation
        network = self.step.model.network
        self.has_textbook_names = network.depth <= 2 and self.step.m == 1

    def find(self, text: str) -> Name:
        if (found := self._of_update(text)) is not None:
            return found
        if text.lower().endswith(" after") or text.lower().startswith("after "):
            return self._after(self._number(re.sub(r"(?i)^after | after$", "", text).strip()))
        if match := _DERIVATIVE.fullmatch(text):
            number = self._number(match["by"].strip())
            if match["of"] in ("C", "E", "E_total"):
                self.step.need_errors()
                return self._derivative(number)
            return self._slope(self._number(match["of"]), number)
        return self._number(text)

    def _after(self, name: Name) -> Name:
        if name.symbol not in (*PARAMETERS, "C"):
            raise UsageError(
                "{asked!r}: only parameters change in an update, such as {example}",
                asked=self.asked,
                example=f"{example_names(self.step)[-1]} after",
            )
        self.step.need_errors()
        return name.after()

    def _of_update(self, text: str) -> Name | None:
        """Give a setting, or a number on the lines of one parameter's update; None for anything else."""
        if not _NO_LAYER.match(text):
            return None
        for name, _, _ in settings_of(self.step):
            if plainly(Notation().text(name)) == text:
                return name
        if text == "norm" and self.step.gradient is not None:
            return find_update_number(self.step, Name("W", 1, (0, 0)), "norm")
        if (match := _OF_UPDATE.fullmatch(text)) is None:
            return None
        self.step.need_errors()
        through = self._number(match["through"].strip())
        if through.symbol not in PARAMETERS:
            return None
        return find_update_number(self.step, through, match["symbol"], (match["mark"] or "").strip())

    def _slope(self, of: Name, number: Name) -> Name:
        """Give da/dz within one layer: other derivatives than those of the cost are not kept."""
        k = self.body.makers.get((of.symbol, of.layer), -1)
        layer = None if k < 0 else self.body.stages[k].layer
        alike = (of.layer, of.row, of.index) == (number.layer, number.row, number.index)
        normalizes = isinstance(layer, BatchNorm) and (of.symbol, number.symbol) == ("z", "u")
        if normalizes and alike and not self.body.stages[k].of_batch:  # else mean and deviation move with u
            return slope_of(of, number)
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
            number, p = int(match["number"]), self.step.model.parameters
            if match["kind"] == "w":
                return flat_weight(p, number, self.asked)
            if self.has_textbook_names and (self.notation == "textbook" or text not in p):
                if (bias := flat_bias(p, number)) is not None:
                    return bias
                raise self._unknown(text)
        if match := _TEXTBOOK.fullmatch(text):
            return self._textbook(match)
        if text in ("E", "E_total", "C"):
            self.step.need_targets()
            return COST
        match = _ARRAY.fullmatch(text)
        if match is None:
            raise self._negative(text) or self._unknown(text)
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
        if symbol == "share" and layer is None and self.step.Y is not None:
            return self._share(index, text)
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
        if len(index) == 1 and self.step.m == 1 and has_parts(self.body):
            return Name("L", index=self._held(index, (self.step.model.network.outputs,), text))
        row, *k = self._held(index, (self.step.m, self.step.model.network.outputs)[: max(1, len(index))], text)
        return self.body.named(Name("L", index=tuple(k)), row)

    def _share(self, index: tuple[int, ...], text: str) -> Name:
        if not index and self.step.m == 1:
            return Name("share")
        (row,) = self._held(index, (self.step.m,), text)
        return self.body.named(Name("share"), row)

    def _held(self, index: tuple[int, ...], shape: tuple[int, ...], text: str) -> tuple[int, ...]:
        return held(self.asked, index, shape, text)

    def _negative(self, text: str) -> ShapeError | None:
        """Say of an index below 0 that there is none; None for what has another fault."""
        match = _NEGATIVE.fullmatch(text)
        if match is None:
            return None
        try:
            self._number(f"{match['array']}[{re.sub('[^,]+', '0', match['index'])}]")
        except ChainruleError:
            return None
        return ShapeError("there is no {asked!r}: rows and neurons count from 0, up", asked=self.asked)

    def _textbook(self, match: re.Match[str]) -> Name:
        """Give what a textbook calls net_h1, out_o1, target_o1, E_o1 or i1."""
        network = self.step.model.network
        if not self.has_textbook_names:
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
        """Say that there is no such number, and which one is nearest."""

        def there(other: str) -> bool:
            try:
                self._again(other)
            except ChainruleError:
                return False
            return True

        return unknown(self.body, self.asked, text, there, ", ".join(self._examples()))

    def _again(self, asked: str) -> Name:
        return _Once(asked, self.body, self.notation).find(plainly(asked))

    def _examples(self) -> list[str]:
        names = example_names(self.step)
        if self.notation != "textbook":
            return names
        written = Notation("textbook", self.step.model.network.sizes)
        texts = (written.text(self._again(each)).replace("∂", "d").replace("δ", "delta") for each in names)
        return list(dict.fromkeys(texts))


class _Once(_Finder):
    """A finder that offers nothing, for trying what might be offered."""

    def _unknown(self, text: str) -> UnknownName:
        return UnknownName("there is no number {asked!r}; there are, among others: {known}", asked=text, known="")
