"""The one look of all pictures: a fresh figure, its heading, its legend, and how text and numbers are set.

matplotlib keeps its settings in a global table. Here the table is changed only while a picture is drawn and put back
afterwards, and figures are made without pyplot, so that drawing works without a screen and leaves no trace.
"""

from __future__ import annotations

import contextlib
import functools
import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chainrule.language import language, speaking, told, tr

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["beside", "drawing", "heading", "rendered", "shorten", "significant", "text_width"]

TITLE_POINTS = 12.0
_LAST_NARROW = 0x2E7F  # beyond are Chinese characters and their like, as wide as high

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

# DejaVu Sans, which comes with matplotlib, has no Chinese; class names may have, and labels told in Chinese do.
_CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "WenQuanYi Micro Hei",
    "SimHei",
    "Arial Unicode MS",
    "Noto Sans CJK JP",  # as which matplotlib before 3.11 knows the file that has all of them
)

# How their files are called, in part.
_CHINESE_FILES = ("notosanscjk", "notosanssc", "sourcehansans", "msyh", "pingfang", "hiragino", "wqy-", "simhei")


@functools.cache
def _font_families() -> tuple[str, ...]:
    """Return the font families to look for a glyph in: installed ones only, since matplotlib logs about the others."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    def found() -> list[str]:
        installed = {font.name for font in fontManager.ttflist}
        return [name for name in _CHINESE_FONTS if name in installed]

    if not found():
        # matplotlib remembers which fonts there were when it ran first; one that came since is in no list of its own.
        for path in findSystemFonts():
            if any(part in path.lower() for part in _CHINESE_FILES):
                with contextlib.suppress(OSError, RuntimeError):
                    fontManager.addfont(path)
    return ("DejaVu Sans", *found())


def _language_of_labels() -> str:
    """Say in which language a picture is labelled; where that is not the one in use, say so to the user, too."""
    if language() != "zh" or len(_font_families()) > 1:
        return language()
    text = tr(
        "no Chinese font is installed, so pictures are labelled in English; install Noto Sans CJK ({package})",
        package="fonts-noto-cjk, google-noto-sans-cjk-fonts, noto-fonts-cjk",
    )
    warnings.warn(text, UserWarning, stacklevel=1)  # one place, so that Python says it once
    return "en"


@contextmanager
def drawing(width: float, height: float, margin: float = 0.08) -> Iterator[Figure]:
    """Give a new figure to draw on, under the package's style.

    What is drawn is told in the language in use, but in English where that is Chinese and no installed font has it.

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

    with matplotlib.rc_context(), speaking(_language_of_labels()):
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
        text = tr("no installed font has all letters of this picture; install one that does, such as Noto Sans CJK SC")
        warnings.warn(text, UserWarning, stacklevel=3)
    return buffer.getvalue()


def heading(figure: Figure, title: str, detail: str = "") -> None:
    """Set the figure's title, and ``detail`` on a line below it; lines longer than the figure is wide are wrapped."""
    width = figure.get_figwidth() * 72 / TITLE_POINTS
    texts = (told(title), told(detail))
    lines = [line for text in texts for line in textwrap.wrap(text, max(20, int(width / _widest_letter(text))))]
    figure.suptitle("\n".join(lines))


def _widest_letter(text: str) -> float:
    """Return how wide a letter of this text may be on average, in parts of the font size."""
    return 1.0 if any(ord(letter) > _LAST_NARROW for letter in text) else 0.6


def beside(axes: Axes, handles: Sequence[Any], **keywords: Any) -> None:
    """Add a legend to the right of ``axes``, where it hides nothing."""
    axes.legend(handles=list(handles), loc="upper left", bbox_to_anchor=(1.01, 1.02), borderaxespad=0.0, **keywords)


def shorten(name: object, longest: int = 24) -> str:
    """Return ``name`` as one line of at most ``longest`` characters, its middle left out where it is longer.

    A message is given in the language in use.

    >>> shorten("Married-spouse-absent", 12)
    'Marrie…bsent'
    """
    text = " ".join((told(name) if isinstance(name, str) else str(name)).split())
    if len(text) <= longest:
        return text
    head = longest // 2
    return text[:head] + "…" + text[len(text) - (longest - head - 1) :]


def text_width(text: str, points: float) -> float:
    """Return about how many points wide ``text`` is at a font size of ``points``, rather too many than too few."""
    return points * sum(1.0 if ord(letter) > _LAST_NARROW else 0.66 for letter in text)


def significant(value: float, digits: int = 4) -> str:
    """Return ``value`` with so many significant digits and a real minus sign.

    >>> significant(-0.123456), significant(31.0)
    ('−0.1235', '31')
    """
    # Adding 0 turns −0 into 0.
    return f"{value + 0.0:.{digits}g}".replace("-", "−")
