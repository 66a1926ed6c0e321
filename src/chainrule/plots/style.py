"""The one look of all pictures: a fresh figure, its heading, its legend, and how text and numbers are set.

matplotlib keeps its settings in a global table. Here the table is changed only while a picture is drawn and put back
afterwards, and figures are made without pyplot, so that drawing works without a screen and leaves no trace.
"""

from __future__ import annotations

import functools
import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["beside", "drawing", "heading", "rendered", "shorten", "significant", "text_width"]

TITLE_POINTS = 12.0

STYLE: dict[str, Any] = {
    "font.size": 10.0,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444444",
    "figure.titlesize": TITLE_POINTS,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    # A dollar sign in the name of a class or a column starts no formula.
    "text.parse_math": False,
}

# DejaVu Sans, which comes with matplotlib, has no Chinese; class names may have.
_CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "WenQuanYi Micro Hei",
    "SimHei",
    "Arial Unicode MS",
)


@functools.cache
def _font_families() -> tuple[str, ...]:
    """Return the font families to look for a glyph in: installed ones only, since matplotlib logs about the others."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return ("DejaVu Sans", *(name for name in _CHINESE_FONTS if name in installed))


@contextmanager
def drawing(width: float, height: float, margin: float = 0.08) -> Iterator[Figure]:
    """Give a new figure to draw on, under the package's style.

    Args:
        width: the figure's width in inches.
        height: its height in inches.
        margin: the room around each panel with its words, in inches.

    >>> with drawing(4, 3) as figure:
    ...     axes = figure.subplots()
    >>> len(figure.axes)
    1
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with matplotlib.rc_context():
        # A user's own style (dark, xkcd, TeX) is made for other pictures; begin from matplotlib's defaults.
        matplotlib.rcdefaults()
        settings: Any = matplotlib.rcParams
        settings.update(STYLE)
        settings["font.family"] = list(_font_families())
        layout = ConstrainedLayoutEngine(w_pad=margin, h_pad=margin)
        figure = Figure(figsize=(width, height), layout=layout)
        yield figure
        _settle(figure)


def _settle(figure: Figure) -> None:
    """Make what matplotlib would make later, after the style is gone, and let notebooks show the figure."""
    for axes in figure.axes:
        axes.get_xticklabels()
        axes.get_yticklabels()
    # Notebooks know pyplot's figures; any other object they ask for this method.
    figure._repr_png_ = functools.partial(_png, figure)  # type: ignore[attr-defined]


def _png(figure: Figure) -> bytes:
    return rendered(figure, "png")


def rendered(figure: Figure, kind: str, **keywords: Any) -> bytes:
    """Return ``figure`` as a file of this ``kind``, with one warning if letters are missing from all fonts."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(buffer, format=kind, **keywords)
    others = [each for each in caught if "missing from font" not in str(each.message)]
    for each in others:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    if len(others) < len(caught):
        text = "no installed font has all letters of this picture; install one that does, such as Noto Sans CJK SC"
        warnings.warn(text, UserWarning, stacklevel=3)
    return buffer.getvalue()


def heading(figure: Figure, title: str, detail: str = "") -> None:
    """Set the figure's title, and ``detail`` on a line below it; lines longer than the figure is wide are wrapped."""
    letters = max(20, int(figure.get_figwidth() * 72 / (0.6 * TITLE_POINTS)))
    lines = [line for text in (title, detail) for line in textwrap.wrap(text, letters)]
    figure.suptitle("\n".join(lines))


def beside(axes: Axes, handles: Sequence[Any], **keywords: Any) -> None:
    """Add a legend to the right of ``axes``, where it hides nothing."""
    axes.legend(handles=list(handles), loc="upper left", bbox_to_anchor=(1.01, 1.02), borderaxespad=0.0, **keywords)


def shorten(name: object, longest: int = 24) -> str:
    """Return ``name`` as one line of at most ``longest`` characters, its middle left out where it is longer.

    >>> shorten("Married-spouse-absent", 12)
    'Marrie…bsent'
    """
    text = " ".join(str(name).split())
    if len(text) <= longest:
        return text
    head = longest // 2
    return text[:head] + "…" + text[len(text) - (longest - head - 1) :]


def text_width(text: str, points: float) -> float:
    """Return about how many points wide ``text`` is at a font size of ``points``, rather too many than too few."""
    return points * sum(1.0 if ord(letter) > 0x2E7F else 0.66 for letter in text)


def significant(value: float, digits: int = 4) -> str:
    """Return ``value`` with so many significant digits and a real minus sign.

    >>> significant(-0.123456), significant(31.0)
    ('−0.1235', '31')
    """
    # Adding 0 turns −0 into 0.
    return f"{value + 0.0:.{digits}g}".replace("-", "−")
