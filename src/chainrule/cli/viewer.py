"""Showing a picture in a window: by whatever program the system opens pictures with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError

__all__ = ["find_viewer"]

_PATIENCE = 2.0  # seconds in which a program that cannot open a picture says so


def find_viewer() -> Callable[[Path], Any]:
    """Give a function that opens a picture in a window.

    Raises:
        ChainruleError: where there is no display, or no program that opens pictures.
    """
    if sys.platform == "win32":
        return os.startfile
    name = "open" if sys.platform == "darwin" else "xdg-open"
    if sys.platform != "darwin" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise ChainruleError("there is no display to show the picture on; write it to a file: --plot picture.png")
    program = shutil.which(name)
    if program is None:
        raise ChainruleError(
            "showing the picture needs the program {program}, which was not found; write it to a file: --plot"
            " picture.png",
            program=name,
        )
    return lambda path: _open(program, path)


def _open(program: str, path: Path) -> None:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([program, str(path)], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        code = process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        return  # it is the viewer itself, and shows the picture
    if code:
        raise ChainruleError(
            "{program} could not show the picture (exit code {code}); it is in {path}",
            program=program,
            code=code,
            path=path,
        )
