"""Reads explanations back from text, LaTeX and MathML, and computes what they say with 60 digits.

Nothing here knows the renderers: a line "expression = number" is parsed as a reader would parse it, computed by mpmath
and compared with the number within one unit of its last digit. A number that is written short, such as 0.5, claims to
be exact within the page's digits. Behind ≈ only the digits that are written count; `noise` says how large a unit may be
there, as a part of the largest number on the line, so that no mistake passes for rounding.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from typing import Any, NamedTuple

from mpmath import mp, mpf

mp.dps = 60

Value = Any  # mpf, or a list of them: a vector
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


class Symbolic(Exception):
    """There is a name in it: it is no expression of numbers."""


# What functions mean.


def _exp(x: mpf) -> mpf:
    """What is beyond all floats takes mpmath minutes."""
    return mp.exp(x) if abs(x) < 1e5 else mpf("inf" if x > 0 else 0)


def _logistic(x: mpf) -> mpf:
    return 1 / (1 + _exp(-x))


_SELU = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")
BRANCHED = {"relu", "leaky_relu", "elu", "selu"}
ORACLES: dict[str, Callable[..., mpf]] = {
    "exp": _exp,
    "ln": mp.log,
    "tanh": mp.tanh,
    "sqrt": mp.sqrt,
    "abs": abs,
    "sign": mp.sign,
    "max": max,
    "min": min,
    "σ": _logistic,
    "sigmoid": _logistic,
    "Φ": mp.ncdf,
    "φ": mp.npdf,
    "identity": lambda x: x,
    "step": lambda x: mpf(x >= 0),
    "relu": lambda x: max(x, mpf(0)),
    "leaky_relu": lambda x: x if x > 0 else x / 100,
    "elu": lambda x: x if x > 0 else mp.expm1(max(x, mpf(-1000))),
    "selu": lambda x: _SELU[0] * (x if x > 0 else _SELU[1] * mp.expm1(max(x, mpf(-1000)))),
    "softplus": lambda x: max(x, mp.mpf(0)) + mp.log1p(_exp(-abs(x))),
    "exponential": _exp,
    "silu": lambda x: x * _logistic(x),
    "gelu": lambda x: x * mp.ncdf(x),
    "gelu_tanh": lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3))),
    "mish": lambda x: x * mp.tanh(mp.log1p(_exp(x))),
}


def apply(name: str, args: Sequence[mpf]) -> mpf:
    plain = name.rstrip("'′")
    assert plain in ORACLES, f"the function {name} is not known"
    if plain == name:
        return ORACLES[name](*args)
    (x,) = args
    return mp.diff(ORACLES[plain], x, direction=-1 if plain in BRANCHED and x <= 0 else 0)


# Expressions: every format's tokens come here.


class Token(NamedTuple):
    """A kind, "number", "power", "function", "name", "text" or an operator; and what it is."""

    kind: str
    value: Any = None


class Expression:
    """A parser of tokens by recursive descent, which computes as it goes."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens, self.at = [token for token in tokens if token.kind != "text"], 0

    def whole(self) -> Value:
        value = self.sum()
        assert self.at == len(self.tokens), f"{self.tokens[self.at]} stands behind the expression's end"
        return value

    def peek(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def take(self, kind: str = "") -> Token:
        assert self.at < len(self.tokens), "the expression ends too soon"
        token = self.tokens[self.at]
        assert not kind or token.kind == kind, f"{token} stands where {kind} should"
        self.at += 1
        return token

    def sum(self) -> Value:
        value = self.product()
        while self.peek() in ("+", "-"):
            sign = self.take().kind
            assert self.peek() != "-", "two operators in a row"
            other = self.product()
            value = value + other if sign == "+" else value - other
        return value

    def product(self) -> Value:
        value = self.signed()
        while self.peek() in ("*", "/"):
            operator = self.take().kind
            assert self.peek() != "-", "two operators in a row"
            other = self.signed()
            if isinstance(value, list):
                assert len(value) == len(other), "vectors of different lengths"
                value = mp.fsum(a * b for a, b in zip(value, other, strict=True))
            else:
                value = value * other if operator == "*" else value / other
        return value

    def signed(self) -> Value:
        if self.peek() == "-":
            self.take()
            return -self.signed()
        value = self.primary()
        if self.peek() == "power":
            value = value ** self.take().value
        elif self.peek() == "^":
            self.take()
            value = value ** self.primary()
        return value

    def primary(self) -> Value:
        token = self.take()
        if token.kind == "number":
            return token.value
        if token.kind == "(":
            return self.bracket()
        if token.kind == "|":
            value = self.sum()
            self.take("|")
            return abs(value)
        if token.kind == "[":
            if self.peek() == "]":
                raise Symbolic  # terms that are not shown, without their sum
            value = self.sum()
            self.take("]")
            return value
        if token.kind == "function":
            self.take("(")
            inner = self.bracket()
            return apply(token.value, inner if isinstance(inner, list) else [inner])
        if token.kind == "name":
            raise Symbolic
        raise AssertionError(f"{token} begins no number")

    def bracket(self) -> Value:
        """What stands in brackets: a number, or several between commas; dots among them stand for nothing."""
        values, several = [self.sum()], False
        while self.peek() == ",":
            several = True
            self.take()
            if self.peek() == "…":
                self.take()
            else:
                values.append(self.sum())
        self.take(")")
        return values if several else values[0]


# Equations.


class Result(NamedTuple):
    """A number that a line ends in, and one unit of its last digit."""

    value: mpf
    unit: mpf


class Side(NamedTuple):
    """One right side: the sign before it, what it says, and how it is read."""

    sign: str
    shown: str
    tokens: Callable[[], list[Token]]
    number: str | None  # where it is nothing but a number: -1.5, 1.5e-7, "inf", "nan", "0±-15"


def read_result(side: Side, digits: int) -> Result:
    assert side.number is not None
    if "±" in side.number:
        return Result(mpf(0), mpf(10) ** int(side.number.partition("±")[2]))
    if side.number.lstrip("-") in ("inf", "nan"):
        return Result(mpf(side.number), mpf("nan"))
    mantissa, _, exponent = side.number.partition("e")
    decimals = len(mantissa.partition(".")[2])
    if side.sign == "=":
        decimals = max(decimals, digits - 1 if exponent else digits)
    return Result(mpf(side.number), mpf(10) ** (int(exponent or 0) - decimals))


def check_sides(sides: Sequence[Side], digits: int, noise: float | None, where: str) -> int:
    """Check an equation: whatever is no number and has no names in it must come to the number in the end."""
    if not sides or sides[-1].number is None:
        for side in sides:
            assert is_symbolic(side, where), f"nothing says what this comes to: {where}"
        return 0
    result = read_result(sides[-1], digits)
    checked = 0
    for side in sides[:-1]:
        try:
            tokens = side.tokens()
            value = Expression(tokens).whole()
        except Symbolic:
            continue
        except AssertionError as error:
            raise AssertionError(f"{error}: {where}") from error
        checked += 1
        if sides[-1].sign == "≈" and noise is not None:
            largest = max(abs(result.value), *(abs(token.value) for token in tokens if token.kind == "number"))
            assert result.unit <= noise * largest, f"that is more than rounding: {where}"
        if mp.isnan(result.unit):
            continue
        off = abs(value - result.value)
        assert off <= result.unit * (1 + mpf(10) ** -12), (
            f"{side.shown} is {mp.nstr(value, 20)}, not {sides[-1].shown}, in {where}"
        )
    return checked


def is_symbolic(side: Side, where: str) -> bool:
    try:
        Expression(side.tokens()).whole()
    except Symbolic:
        return True
    except AssertionError as error:
        raise AssertionError(f"{error}: {where}") from error
    return False


# Text.

_NUMBER = r"\d+(?:\.\d+)?(?:×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?"
_TEXT_TOKEN = re.compile(
    rf"\s+|(?P<number>{_NUMBER}|∞|NaN)|(?P<power>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)|(?P<rest>\[…[^\]]*\])"
    r"|(?P<root>√)|(?P<exp>e\^(?=\())|(?P<function>[^\W\d]\w*'*)(?=\()|(?P<operator>[-+−×/·^(),…|⊙])|(?P<name>.)"
)
_OPERATORS = {"−": "-", "×": "*", "·": "*", "⊙": "*"}


def text_number(text: str) -> mpf:
    if text in ("∞", "NaN"):
        return mpf("inf" if text == "∞" else "nan")
    mantissa, _, exponent = text.partition("×10")
    return mpf(f"{mantissa}e{exponent.translate(SUPERSCRIPTS) or 0}")


def text_tokens(text: str) -> Iterator[Token]:
    for found in _TEXT_TOKEN.finditer(text):
        kind, shown = found.lastgroup, found[0]
        if kind == "number":
            yield Token("number", text_number(shown))
        elif kind == "power":
            yield Token("power", int(shown.translate(SUPERSCRIPTS)))
        elif kind == "rest":
            numbers = re.findall(rf"−?(?:{_NUMBER}|∞|NaN)", shown.replace(",", ""))
            inner = text_tokens(numbers[-1]) if len(numbers) > 1 else ()
            yield from (Token("["), *inner, Token("]"))
        elif kind in ("root", "exp", "function"):
            yield Token("function", {"root": "sqrt", "exp": "exp"}.get(kind, shown))
        elif kind == "operator":
            yield Token(_OPERATORS.get(shown, shown))
        elif kind == "name":
            yield Token("name", shown)


def text_side(sign: str, shown: str) -> Side:
    found = re.fullmatch(rf"(−?)({_NUMBER}|∞|NaN)", shown)
    number = None
    if found:
        value = {"∞": "inf", "NaN": "nan"}.get(found[2], re.sub("×10(.*)", lambda power: f"e{power[1]}", found[2]))
        number = found[1].replace("−", "-") + value.translate(SUPERSCRIPTS)
    if spread := re.fullmatch("0 ± 10(.*)", shown):
        number = f"0±{spread[1].translate(SUPERSCRIPTS)}"
    return Side(sign, shown, lambda: list(text_tokens(shown)), number)


def text_equations(text: str) -> Iterator[tuple[str, list[Side]]]:
    """The equations of a page of text: each left side with the right sides below it."""
    left, sides, remark_at = "", [], -1
    for line in text.splitlines():
        content, indent = line.strip(), len(line) - len(line.lstrip())
        if remark_at >= 0 and content and indent > remark_at:
            continue
        remark_at = -1
        if not line.startswith("  ") or not content:
            if left:
                yield left, [text_side(*side) for side in sides]
            left, sides = "", []
            continue
        content = re.sub(r"\s{3,}\(.*\)$", "", content)
        depth = sum((sides[-1][1].count(a) - sides[-1][1].count(b)) for a, b in ("()", "[]")) if sides else 0
        if sides and (depth or re.match(r"[+−×/·⊙] ", content)):
            sides[-1] = (sides[-1][0], f"{sides[-1][1]} {content}")
        elif found := re.match("([=≈]) (.*)", content):
            sides.append((found[1], found[2]))
        elif content.startswith("("):
            remark_at = indent
        else:
            if left:
                yield left, [text_side(*side) for side in sides]
            found = re.match("(.*?) ([=≈]) (.*)", content)
            left, sides = (found[1], [(found[2], found[3])]) if found else (content, [])
    if left:
        yield left, [text_side(*side) for side in sides]


def check_text(text: str, digits: int = 8, noise: float | None = None) -> int:
    """Check every equation of a page of text; gives how many lines with numbers were computed."""
    return sum(
        check_sides(sides, digits, noise, f"{left} {' '.join(f'{side.sign} {side.shown}' for side in sides)}")
        for left, sides in text_equations(text)
    )


# LaTeX.

_LATEX_TOKEN = re.compile(r"\\(?:text|mathrm)\{((?:[^{}\\]|\\.)*)\}|\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|\S", re.DOTALL)
_LATEX_DROPPED = {r"\left", r"\right", r"\quad", r"\,", r"\\", "&", r"\begin", r"\end"}
_LATEX_OPERATORS = {r"\times": "*", r"\cdot": "*", r"\odot": "*", r"\lvert": "|", r"\rvert": "|", r"\dots": "…"}
_LATEX_FUNCTIONS = {r"\sigma": "σ", r"\Phi": "Φ", r"\varphi": "φ", r"\ln": "ln", r"\tanh": "tanh"} | {
    r"\max": "max",
    r"\min": "min",
}


def latex_words(source: str) -> list[str]:
    source = re.sub(r"\\(begin|end)\{aligned\}", " ", source)
    return [found[0] for found in _LATEX_TOKEN.finditer(source) if found[0] not in _LATEX_DROPPED]


class Latex:
    """Makes tokens of LaTeX's words; what stands in braces is computed at once."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words, self.at = list(words), 0

    def group(self) -> mpf:
        """Compute what the braces hold that begin here."""
        assert self.words[self.at] == "{", f"{self.words[self.at]} stands where a brace should"
        depth, start = 0, self.at
        while True:
            depth += {"{": 1, "}": -1}.get(self.words[self.at], 0)
            self.at += 1
            if not depth:
                return Expression(Latex(self.words[start + 1 : self.at - 1]).tokens()).whole()

    def tokens(self) -> list[Token]:
        tokens = []
        while self.at < len(self.words):
            tokens.append(self.token())
        return tokens

    def token(self) -> Token:
        word = self.words[self.at]
        if word == "{":
            return Token("number", self.group())
        self.at += 1
        following = self.words[self.at] if self.at < len(self.words) else ""
        if word == r"\frac":
            return Token("number", self.group() / self.group())
        if word == r"\sqrt":
            return Token("number", mp.sqrt(self.group()))
        if word == "^":
            return Token("power", self.group())
        if word == "e" and following == "^":
            self.at += 1
            return Token("number", _exp(self.group()))
        if word[0].isdigit():
            return Token("number", mpf(word))
        if word in (r"\infty", r"\text{NaN}"):
            return Token("number", mpf("inf" if word == r"\infty" else "nan"))
        if word.startswith(r"\text{"):
            return Token("text")
        return self.named(word)

    def named(self, word: str) -> Token:
        name = _LATEX_FUNCTIONS.get(word, "")
        if word.startswith(r"\mathrm{"):
            name = word[8:-1].replace("\\", "")
        if name and self.at < len(self.words):
            while self.words[self.at] == "'":
                name += "'"
                self.at += 1
            if self.words[self.at] == "(":
                return Token("function", name)
        if word in "+-/(),[]|" or word in _LATEX_OPERATORS:
            return Token(_LATEX_OPERATORS.get(word, word))
        raise Symbolic  # before its indices are computed


def latex_side(sign: str, words: Sequence[str]) -> Side:
    shown = " ".join(words)
    plain = shown.replace("{ ", "").replace(" }", "").replace("- ", "-").replace(" ^", "^")
    number = None
    if found := re.fullmatch(r"(-?)(\d+(?:\.\d+)?)(?: \\times 10\^ ?(-?\d+))?", plain):
        number = found[1] + found[2] + (f"e{found[3]}" if found[3] else "")
    elif found := re.fullmatch(r"(-?)(\\infty|\\text\{NaN\})", plain):
        number = found[1] + ("inf" if "infty" in found[2] else "nan")
    elif found := re.fullmatch(r"0 \\pm 10\^ ?(-?\d+)", plain):
        number = f"0±{found[1]}"
    return Side(sign, shown, lambda: Latex(words).tokens(), number)


def check_latex(source: str, digits: int = 8, noise: float | None = None) -> int:
    """Check every displayed equation of LaTeX or Markdown; gives how many lines with numbers were computed."""
    checked = 0
    for found in re.finditer(r"\\\[\n(.*?)\n\\\]|\$\$\n(.*?)\n\$\$", source, re.DOTALL):
        sides: list[tuple[str, list[str]]] = []
        # A remark stands in a row of its own, as words.
        for word in latex_words(re.sub(r" \\\\\n&\\parbox.*", "", found[1] or found[2])):
            if word in ("=", r"\approx"):
                sides.append(("=" if word == "=" else "≈", []))
            elif sides:
                sides[-1][1].append(word)
        checked += check_sides([latex_side(*side) for side in sides], digits, noise, found[0])
    return checked


# MathML.

_MATHML_OPERATORS = {"−": "-", "×": "*", "⋅": "*", "⊙": "*"}


def mathml_tokens(elements: Sequence[ElementTree.Element]) -> Iterator[Token]:
    for at, element in enumerate(elements):
        following = elements[at + 1] if at + 1 < len(elements) else None
        called = following is not None and following.tag == "mo" and following.text == "("
        yield from mathml_token(element, called)


def mathml_token(element: ElementTree.Element, called: bool) -> Iterator[Token]:
    tag, text, inner = element.tag, element.text or "", list(element)
    if tag in ("mrow", "mtable", "mtr", "mtd", "math"):
        yield from mathml_tokens(inner)
    elif tag == "mn":
        yield Token("number", mpf(text))
    elif tag == "mi" and text in ("∞", "NaN"):
        yield Token("number", mpf("inf" if text == "∞" else "nan"))
    elif tag == "mi":
        yield Token("function" if called else "name", text)
    elif tag == "mo":
        yield Token(_MATHML_OPERATORS.get(text, text)) if text in "−×⋅⊙+/(),[]|…" else Token("name", text)
    elif tag == "mtext":
        yield Token("text")
    elif tag == "mfrac":
        yield Token("number", mathml_value(inner[0]) / mathml_value(inner[1]))
    elif tag == "msqrt":
        yield Token("number", Expression(list(mathml_tokens(inner))).whole())
        yield Token("power", mpf("0.5"))
    elif tag == "msup" and inner[0].tag == "mi" and inner[0].text == "e":
        yield Token("number", _exp(mathml_value(inner[1])))
    elif tag == "msup" and inner[0].tag == "mi" and called:
        yield Token("function", f"{inner[0].text}{inner[1].text}")
    elif tag == "msup":
        yield Token("number", mathml_value(inner[0]) ** mathml_value(inner[1]))
    elif tag != "mspace":
        yield Token("name", tag)


def mathml_value(element: ElementTree.Element) -> mpf:
    return Expression(list(mathml_tokens([element]))).whole()


def mathml_side(sign: str, cells: Sequence[ElementTree.Element]) -> Side:
    shown = "".join("".join(cell.itertext()) for cell in cells)
    markup = "".join(ElementTree.tostring(cell, encoding="unicode") for cell in cells)
    markup = re.sub("</?(mtd|mrow)[^>]*>", "", markup)
    power = "<msup><mn>10</mn>((?:<mo[^>]*>−</mo>)?)<mn>(.*?)</mn></msup>"
    number = None
    if found := re.fullmatch(rf"(<mo[^>]*>−</mo>)?<mn>([0-9.]+)</mn>(?:<mo[^>]*>×</mo>{power})?", markup):
        exponent = f"e{'-' if found[3] else ''}{found[4]}" if found[4] else ""
        number = ("-" if found[1] else "") + found[2] + exponent
    elif found := re.fullmatch("(<mo[^>]*>−</mo>)?<mi>(∞|NaN)</mi>", markup):
        number = ("-" if found[1] else "") + ("inf" if found[2] == "∞" else "nan")
    elif found := re.fullmatch(f"<mn>0</mn><mo>±</mo>{power}", markup):
        number = f"0±{'-' if found[1] else ''}{found[2]}"
    return Side(sign, shown, lambda: list(mathml_tokens(cells)), number)


class _Balance(HTMLParser):
    """Sees that every element of a page that is opened is closed."""

    EMPTY = ("meta", "br", "hr", "link")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag != "script", "a script"
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"


def check_html(page: str, digits: int = 8, noise: float | None = None) -> int:
    """Check that HTML is well-formed, and every displayed equation; gives how many lines with numbers were computed."""
    balance = _Balance()
    balance.feed(page)
    balance.close()
    assert not balance.open, f"never closed: {balance.open}"
    checked = 0
    for source in re.findall("<math.*?</math>", page, re.DOTALL):
        math = ElementTree.fromstring(source)
        if math.get("display") != "block":
            continue
        sides: list[tuple[str, list[ElementTree.Element]]] = []
        for row in math[0]:
            sign = "".join(row[1].itertext()).strip()
            if sign:
                sides.append((sign, []))
            sides[-1:] = [(sides[-1][0], [*sides[-1][1], row[2]])] if sides else []
        checked += check_sides([mathml_side(*side) for side in sides], digits, noise, "".join(math.itertext()))
    return checked
