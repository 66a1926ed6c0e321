"""Notation: how a `Name` is written as text, LaTeX and MathML.

index       W1[0,1], a2[0], ∂C/∂W1[0,1]: the names of docs/notation.md, from 0
textbook    w2, out_o1, ∂E/∂w2: the flat names of texts with small networks, from 1
rows        as index; the sums are written with whole rows and columns
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import escape

from chainrule.errors import UnknownName, UsageError
from chainrule.explain.names import Name

__all__ = ["NOTATIONS", "Notation", "escape_latex", "notation_of"]

NOTATIONS = ("index", "textbook", "rows")

# Symbol: what is written for it, accents apart; all others stand for themselves.
_BASES = {
    "zhat": "z",
    "mask": "r",
    "drop": "a",
    "delta": "δ",
    "alpha": "α",
    "gamma": "γ",
    "beta": "β",
    "eta": "η",
    "mu": "μ",
    "rho": "ρ",
    "epsilon": "ε",
    "lambda": "λ",
    "theta": "θ",
}
_NUMBERED = {"beta1": ("β", "1"), "beta2": ("β", "2")}
_ACCENTS = {"zhat": "hat", "drop": "tilde"}
_COMBINING = {"": "", "hat": "\u0302", "tilde": "\u0303"}
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LOWERED_LETTERS = str.maketrans("ijklmn", "ᵢⱼₖₗₘₙ")  # δ_oₖ, not δ_ok
_GREEK = {
    "γ": r"\gamma",
    "β": r"\beta",
    "δ": r"\delta",
    "η": r"\eta",
    "μ": r"\mu",
    "ρ": r"\rho",
    "ε": r"\epsilon",
    "λ": r"\lambda",
    "θ": r"\theta",
    "α": r"\alpha",
    "σ": r"\sigma",
}
_SIGNS = {
    "−": "-",
    "×": r"\times",
    "·": r"\cdot",
    "⊙": r"\odot",
    "≈": r"\approx",
    "≠": r"\neq",
    "≤": r"\leq",
    "≥": r"\geq",
    "→": r"\to",
    "∞": r"\infty",
    "∂": r"\partial",
    "√": r"\surd",
    "Σ": r"\Sigma",
    "Φ": r"\Phi",
    "φ": r"\varphi",
    "²": "^2",
    "³": "^3",
    "ᵀ": r"^\top",
}
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{sign: f"${command}$" for sign, command in _SIGNS.items()},
    **{letter: f"${command}$" for letter, command in _GREEK.items()},
    **{letter: rf"\{letter}" for letter in "&%$#_{}"},
}


def escape_latex(text: str) -> str:
    r"""Give a text as LaTeX shows it, whatever characters are in it.

    >>> print(escape_latex("5 % of {a_b}"))
    5 \% of \{a\_b\}
    """
    return "".join(_SPECIAL.get(character, character) for character in text)


@dataclass(frozen=True, slots=True)
class _Look:
    """What stands where in a name: W with 1 above and 0,1 below."""

    base: str
    accent: str = ""
    upper: str = ""
    lower: tuple[str, ...] = ()
    mark: str = ""
    through: Name | None = None


@dataclass(frozen=True, slots=True)
class Notation:
    """A way to write names.

    Args:
        name: one of `NOTATIONS`.
        sizes: the number of neurons of each layer, N_0 … N_K; textbook names need them.

    >>> weight = Name("W", 2, (0, 0))
    >>> Notation().text(weight), Notation("textbook", (2, 2, 2)).text(weight)
    ('W2[0,0]', 'w5')
    """

    name: str = "index"
    sizes: tuple[int, ...] = ()

    def text(self, name: Name) -> str:
        """Give a name as Unicode text, such as ``∂C/∂W1[0,1]``."""
        if name.symbol == "d" and name.of and name.by:
            return f"∂{self.text(name.of)}/∂{self.text(name.by)}"
        if self.name == "textbook" and (found := _textbook(name, self.sizes)):
            base, part, row = found
            part = part[:1] + part[1:].translate(_LOWERED_LETTERS)
            return base + ("_" if part[:1].isalpha() else "") + part + (f"[{row}]" if row else "") + _spaced(name.mark)
        if name.symbol == "norm":
            return "‖g‖"
        look = _look(name)
        base = unicodedata.normalize("NFC", look.base + _COMBINING[look.accent])
        if name.symbol in _NUMBERED:
            return base + "".join(look.lower).translate(_LOWERED)
        index = self.text(look.through) if look.through else ",".join(look.lower)
        return base + look.upper + (f"[{index}]" if index else "") + _spaced(look.mark)

    def latex(self, name: Name) -> str:
        r"""Give a name as LaTeX, such as ``W^{1}_{0,1}``."""
        if name.symbol == "d" and name.of and name.by:
            return rf"\frac{{\partial {self.latex(name.of)}}}{{\partial {self.latex(name.by)}}}"
        if self.name == "textbook" and (found := _textbook(name, self.sizes)):
            base, part, row = found
            lower = f"{part[0]}_{{{part[1:]}}}" if part[:1].isalpha() and part[1:] else part
            upper = _above("", name.mark)
            return _latex_base(base) + (f"_{{{lower}}}" if part else "") + upper + (f"[{row}]" if row else "")
        if name.symbol == "norm":
            return r"\lVert g \rVert"
        look = _look(name)
        base = _latex_base(look.base)
        if look.accent:
            base = rf"\{look.accent}{{{base}}}"
        lower = self.latex(look.through) if look.through else ",".join(map(_latex_base, look.lower))
        return base + _above(look.upper, look.mark) + (f"_{{{lower}}}" if lower else "")

    def mathml(self, name: Name) -> str:
        """Give a name as an element of MathML."""
        if name.symbol == "d" and name.of and name.by:
            parts = (f"<mrow><mo>∂</mo>{self.mathml(part)}</mrow>" for part in (name.of, name.by))
            return f"<mfrac>{''.join(parts)}</mfrac>"
        if self.name == "textbook" and (found := _textbook(name, self.sizes)):
            base, part, row = found
            letter = part[:1].isalpha() and part[1:]
            lower = f"<msub><mi>{part[0]}</mi>{_mathml_base(part[1:])}</msub>" if letter else _mathml_base(part)
            whole = _scripts(_mathml_base(base), lower if part else "", _mark(name.mark))
            return f"<mrow>{whole}<mo>[</mo>{_mathml_base(row)}<mo>]</mo></mrow>" if row else whole
        if name.symbol == "norm":
            return "<mrow><mo>‖</mo><mi>g</mi><mo>‖</mo></mrow>"
        look = _look(name)
        base = _mathml_base(look.base)
        if look.accent:
            base = f'<mover accent="true">{base}<mo>{"^" if look.accent == "hat" else "~"}</mo></mover>'
        if look.through:
            lower = self.mathml(look.through)
        else:
            lower = "<mo>,</mo>".join(map(_mathml_base, look.lower))
            lower = f"<mrow>{lower}</mrow>" if len(look.lower) > 1 else lower
        above = [*([_mathml_base(look.upper)] if look.upper else []), *([_mark(look.mark)] if look.mark else [])]
        return _scripts(base, lower, f"<mrow>{'<mo>,</mo>'.join(above)}</mrow>" if len(above) > 1 else "".join(above))


def notation_of(name: str, sizes: tuple[int, ...] = ()) -> Notation:
    """Give a notation by its name.

    Args:
        name: one of `NOTATIONS`.
        sizes: the number of neurons of each layer, N_0 … N_K.

    Raises:
        UnknownName: for a name that is none of them.
        UsageError: for textbook names of a network that has none.

    >>> notation_of("index").latex(Name("a", 2, (0,)))
    'a^{2}_{0}'
    """
    if name not in NOTATIONS:
        raise UnknownName.among("notation", name, NOTATIONS)
    if name == "textbook" and len(sizes) not in (2, 3):
        raise UsageError(
            "textbook names such as w5 and out_h1 are for networks with at most one hidden layer; this one has the "
            'sizes {sizes}; use the notation "index"',
            sizes="-".join(map(str, sizes)) or "?",
        )
    return Notation(name, sizes)


def _look(name: Name) -> _Look:
    if name.symbol in _NUMBERED:
        letter, number = _NUMBERED[name.symbol]
        return _Look(letter, lower=(number,))
    accent = "hat" if name.mark == "hat" else _ACCENTS.get(name.symbol, "")
    lower = tuple(map(str, (name.row, *name.index) if name.row is not None else name.index))
    mark = name.mark if name.mark != "hat" else ""
    upper = "" if name.layer is None else str(name.layer)
    return _Look(_BASES.get(name.symbol, name.symbol), accent, upper, lower, mark, name.through)


def _textbook(name: Name, sizes: tuple[int, ...]) -> tuple[str, str, str] | None:
    """Give base, part below and row of a textbook name; None for what texts have no other name for."""
    row = "" if name.row is None else str(name.row)
    if name.symbol == "C":
        return "E", "", ""
    if name.symbol == "L":
        return "E", _neuron("o", name.index) if name.index else "", row
    if name.symbol == "x":
        return "i", _neuron("", name.index), row
    if name.symbol == "y":
        return "target", _neuron("o", name.index) if name.index else "", row
    l, depth = name.layer, len(sizes) - 1
    if l is None or name.through:
        return None
    if name.symbol in ("z", "a", "delta"):
        base = {"z": "net", "a": "out", "delta": "δ"}[name.symbol]
        return base, _neuron("o" if l == depth else "h", name.index), row
    if name.symbol == "b" and not name.index:
        return "b", str(l), ""
    numbers = sum(isinstance(each, int) for each in name.index)
    if name.symbol in ("W", "b") and numbers == (2 if name.symbol == "W" else 1):
        return name.symbol.lower(), str(_flat(name, l, sizes)), ""
    return None


def _neuron(letter: str, index: tuple[int | str, ...]) -> str:
    return letter + "".join(str(each + 1) if isinstance(each, int) else each for each in index)


def _flat(name: Name, l: int, sizes: tuple[int, ...]) -> int:
    """Number W[1], W[2], … through, row by row; the biases likewise."""
    i = int(name.index[0])
    if name.symbol == "b":
        return sum(sizes[1:l]) + i + 1
    before = sum(sizes[k] * sizes[k - 1] for k in range(1, l))
    return before + i * sizes[l - 1] + int(name.index[1]) + 1


def _spaced(mark: str) -> str:
    return f" {mark}" if mark and mark != "hat" else ""


def _above(layer: str, mark: str) -> str:
    parts = [*([layer] if layer else []), *([rf"\text{{{mark}}}"] if mark and mark != "hat" else [])]
    return "^{" + r",\,".join(parts) + "}" if parts else ""


def _latex_base(base: str) -> str:
    plain = base.rstrip("'")
    primes = base[len(plain) :]
    if plain in _GREEK:
        return _GREEK[plain] + primes
    if len(plain) == 1 or re.fullmatch(r"[\d:]*", plain):
        return escape_latex(plain) + primes
    return rf"\mathrm{{{escape_latex(plain)}}}{primes}"


def _mathml_base(base: str) -> str:
    if base.isdigit():
        return f"<mn>{base}</mn>"
    return f"<mi>{escape(base)}</mi>"


def _mark(mark: str) -> str:
    return f"<mtext>{mark}</mtext>" if mark and mark != "hat" else ""


def _scripts(base: str, lower: str, upper: str) -> str:
    if lower and upper:
        return f"<msubsup>{base}{lower}{upper}</msubsup>"
    if lower or upper:
        tag = "msub" if lower else "msup"
        return f"<{tag}>{base}{lower or upper}</{tag}>"
    return base
