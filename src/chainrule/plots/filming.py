"""Animations into files, GIF or MP4: whole or not at all."""

from __future__ import annotations

import os
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from chainrule.errors import SaveError, UsageError
from chainrule.plots.checks import positive
from chainrule.plots.style import rendered
from chainrule.storage import atomic_write

if TYPE_CHECKING:
    from matplotlib.animation import AbstractMovieWriter
    from matplotlib.figure import Figure

__all__ = ["save_animation"]

DOTS_PER_INCH = 100
SUFFIXES = (".gif", ".mp4")

_SECONDS_A_FRAME, _LONGEST = 0.4, 15.0
# The last picture stays, or a film that begins anew would hide what it led to.
_SECONDS_AT_THE_END = 1.5


def save_animation(
    figure: Figure,
    update: Callable[[int], Any],
    frames: int,
    path: str | os.PathLike[str],
    *,
    seconds: float | None = None,
) -> Path:
    """Film a figure that changes, and write it to ``path`` as GIF or MP4, whichever its suffix says.

    The film is made in a temporary folder first and then takes the place of ``path`` in one step. Words and axes keep
    the places that they have in the first frame, and the last frame is held for a moment.

    Args:
        figure: what is filmed; leave room in it for the longest words that ``update`` sets.
        update: ``update(k)`` changes what is drawn, for frame k = 0, 1, …; it moves what ``figure`` has, and adds
            nothing to it.
        frames: how many frames, at least 1.
        path: where to; ends in ``.gif``, or in ``.mp4`` where there is the program ffmpeg. The folder must exist.
        seconds: how long all frames last together; by default 0.4 s a frame, and at most 15 s.

    Returns:
        The path that was written.

    Raises:
        UsageError: the suffix is another one, ffmpeg is missing, or ``frames`` or ``seconds`` cannot be.
        SaveError: the file cannot be written; nothing is left behind, and an older film stays.

    >>> from tempfile import TemporaryDirectory
    >>> from chainrule.plots.style import drawing
    >>> with drawing(2, 2) as figure:
    ...     (dot,) = figure.subplots().plot([0.0], [0.0], "o")
    >>> with TemporaryDirectory() as folder:
    ...     save_animation(figure, lambda k: dot.set_xdata([k]), 2, Path(folder) / "film.gif").name
    'film.gif'
    """
    target, frames = Path(path), positive(frames, "frames")
    length = min(_SECONDS_A_FRAME * frames, _LONGEST) if seconds is None else _checked(seconds)
    writer = _writer(target, frames / length)
    held = max(1, round(_SECONDS_AT_THE_END * frames / length))
    with TemporaryDirectory() as folder:
        film = Path(folder) / f"film{target.suffix.lower()}"
        try:
            _shoot(figure, update, [*range(frames), *[frames - 1] * held], writer, film)
        except (subprocess.SubprocessError, OSError) as error:
            raise SaveError("{path}: the film could not be made: {reason}", path=str(target), reason=error) from error
        return atomic_write(target, film.read_bytes())


def _checked(seconds: float) -> float:
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 < seconds <= 3600:
        raise UsageError("seconds is {seconds!r}; expected a number above 0 and at most 3600", seconds=seconds)
    return float(seconds)


def _writer(path: Path, frames_a_second: float) -> AbstractMovieWriter:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            "{path} does not say in which format to save the animation; let the name end in one of: {allowed}",
            path=str(path),
            allowed=", ".join(SUFFIXES),
        )
    from matplotlib.animation import FFMpegWriter, PillowWriter

    if suffix == ".gif":
        return PillowWriter(fps=frames_a_second)  # type: ignore[arg-type]  # a fraction does as well
    if not FFMpegWriter.isAvailable():
        raise UsageError(
            "{path}: MP4 needs the program ffmpeg, which was not found; install it, or let the name end in .gif",
            path=str(path),
        )
    # Most players show only this way of keeping colours.
    return FFMpegWriter(fps=frames_a_second, codec="h264", extra_args=["-pix_fmt", "yuv420p"])  # type: ignore[arg-type]


def _shoot(figure: Figure, update: Callable[[int], Any], frames: list[int], writer: Any, film: Path) -> None:
    """Write one frame after another, all with the layout of the first."""
    import matplotlib

    update(frames[0])
    layout = figure.get_layout_engine()
    rendered(figure, "png", dpi=DOTS_PER_INCH)  # finds the layout, and warns of letters that no font has
    figure.set_layout_engine("none")
    try:
        with matplotlib.rc_context({"savefig.bbox": None}), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            with writer.saving(figure, film, DOTS_PER_INCH):
                for frame in frames:
                    update(frame)
                    writer.grab_frame()
    finally:
        figure.set_layout_engine(layout)
