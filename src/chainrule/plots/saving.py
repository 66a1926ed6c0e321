"""Pictures into files: whole or not at all, and the same bytes for the same figure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import UsageError
from chainrule.plots.style import rendered
from chainrule.storage import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["save_figure"]

DOTS_PER_INCH = 150

# A date in a file would make two runs of the same seed differ.
_METADATA: dict[str, dict[str, Any]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write ``figure`` to ``path`` as PNG, SVG or PDF, whichever its suffix says.

    The picture goes to a temporary file in the same folder first, which then takes the place of ``path`` in one step: a
    reader sees the old picture or the new one, never half of one. The file holds no date.

    Args:
        figure: what one of this package's functions returned, or any matplotlib figure.
        path: where to; ends in ``.png``, ``.svg`` or ``.pdf``. The folder must exist.

    Returns:
        The path that was written.

    Raises:
        UsageError: the suffix is another one.
        SaveError: the file cannot be written; nothing is left behind, and an older picture stays.

    >>> from tempfile import TemporaryDirectory
    >>> from chainrule.plots import first_layer_weights
    >>> with TemporaryDirectory() as folder:
    ...     save_figure(first_layer_weights([[0.5, -0.5]], (1, 2)), Path(folder) / "weights.svg").name
    'weights.svg'
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in _METADATA:
        raise UsageError(
            "{path} does not say in which format to save the picture; let the name end in one of: {allowed}",
            path=str(target),
            allowed=", ".join(_METADATA),
        )
    return atomic_write(target, _render(figure, suffix))


def _render(figure: Figure, suffix: str) -> bytes:
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "chainrule", "svg.fonttype": "path", "savefig.bbox": None}):
        return rendered(figure, suffix[1:], dpi=DOTS_PER_INCH, metadata=_METADATA[suffix])
