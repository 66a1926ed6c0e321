"""A MkDocs hook that turns the formulas of a page into MathML, which every browser shows without scripts or network."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

# What pymdownx.arithmatex leaves of $…$ and $$…$$.
INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
DISPLAY = re.compile(r'<div class="arithmatex">\\\[(.*?)\\\]</div>', re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Replace each formula of a finished page."""
    content = INLINE.sub(lambda match: convert(html.unescape(match[1]).strip()), content)
    return DISPLAY.sub(lambda match: convert(html.unescape(match[1]).strip(), display="block"), content)
