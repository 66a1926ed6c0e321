"""Spellings: the signs that pages print, such as δ, ẑ and ∂, as the letters that the names are made of."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["plainly"]

# What is written for a symbol on pages: the symbol. A letter with an accent is two characters here.
_SIGNS = {
    "z\u0302": "zhat",
    "m\u0302": "mhat",
    "v\u0302": "vhat",
    "a\u0303": "drop",
    "β₁": "beta_1",
    "β₂": "beta_2",
    "‖g‖": "norm",
    "γ": "gamma",
    "β": "beta",
    "δ": "delta",
    "η": "eta",
    "μ": "mu",
    "ρ": "rho",
    "ε": "epsilon",
    "λ": "lambda",
    "α": "alpha",
    "∂": "d",
}
# Letters that stand for a symbol only before the number of a layer.
_BEFORE_A_LAYER = {"D": "delta", "r": "mask"}


def plainly(text: str) -> str:
    """Write a name without signs that keyboards lack.

    >>> plainly("∂C/∂ẑ1[0]"), plainly("v̂[W1[0,0]]"), plainly("δ_o1"), plainly("r1[2]")
    ('dC/dzhat1[0]', 'vhat[W1[0,0]]', 'delta_o1', 'mask1[2]')
    """
    text = unicodedata.normalize("NFD", text.strip())
    for sign, letters in _SIGNS.items():
        text = text.replace(sign, letters)
    for letter, letters in _BEFORE_A_LAYER.items():
        text = re.sub(rf"(?:(?<![A-Za-z])|(?<=/d)|(?<=^d)){letter}(?=\d)", letters, text)
    return text
