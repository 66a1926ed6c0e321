"""Films: GIF and MP4, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.animation import FFMpegWriter
from PIL import Image, ImageSequence

from chainrule.errors import SaveError, UsageError
from chainrule.plots.filming import save_animation
from chainrule.plots.style import drawing


class Film:
    """A dot that moves, and what was asked of it."""

    def __init__(self) -> None:
        self.frames: list[int] = []
        with drawing(2.0, 1.5) as self.figure:
            axes = self.figure.subplots()
            axes.set_xlim(-1, 5)
            axes.set_ylim(-1, 1)
            (self.dot,) = axes.plot([0.0], [0.0], "o")
            self.words = axes.set_title("frame 0")

    def update(self, frame: int) -> None:
        self.frames.append(frame)
        self.dot.set_xdata([frame])
        self.words.set_text(f"frame {frame}")


@pytest.fixture
def film() -> Film:
    return Film()


def test_gif_shows_each_frame_and_holds_the_last(film: Film, tmp_path: Path) -> None:
    path = save_animation(film.figure, film.update, 3, tmp_path / "film.GIF", seconds=1.5)
    assert path == tmp_path / "film.GIF"
    assert [each.name for each in tmp_path.iterdir()] == ["film.GIF"]
    with Image.open(path) as image:
        pictures = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
        lengths = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert len(pictures) == 3
    assert not any(np.array_equal(pictures[0], other) for other in pictures[1:])
    assert lengths[0] == lengths[1] == 500
    assert sum(lengths) == pytest.approx(1500 + 1500, abs=10)
    assert list(dict.fromkeys(film.frames)) == [0, 1, 2]


def test_same_film_same_bytes(tmp_path: Path) -> None:
    once, again = Film(), Film()
    first = save_animation(once.figure, once.update, 2, tmp_path / "a.gif").read_bytes()
    assert save_animation(again.figure, again.update, 2, str(tmp_path / "b.gif")).read_bytes() == first


def test_words_keep_their_places(film: Film, tmp_path: Path) -> None:
    """The layout is that of the first frame; afterwards the figure lays itself out again."""
    engine = film.figure.get_layout_engine()
    boxes = []

    def update(frame: int) -> None:
        film.words.set_text("long\n" * frame + "words")
        boxes.append(film.figure.axes[0].get_position().bounds)

    save_animation(film.figure, update, 3, tmp_path / "film.gif")
    assert len(set(boxes[2:])) == 1
    assert film.figure.get_layout_engine() is engine


def test_one_frame_is_a_film(film: Film, tmp_path: Path) -> None:
    assert save_animation(film.figure, film.update, 1, tmp_path / "film.gif").read_bytes().startswith(b"GIF8")


@pytest.mark.parametrize("name", ["film", "film.png", "film.gif.gz", "gif"])
def test_unknown_suffix(film: Film, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.gif, \.mp4"):
        save_animation(film.figure, film.update, 1, tmp_path / name)
    assert not list(tmp_path.iterdir())
    assert not film.frames


@pytest.mark.parametrize("frames", [0, -1, 1.5, True])
def test_frames_that_cannot_be(film: Film, tmp_path: Path, frames: Any) -> None:
    with pytest.raises(UsageError, match="frames is"):
        save_animation(film.figure, film.update, frames, tmp_path / "film.gif")


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf"), "2", True])
def test_seconds_that_cannot_be(film: Film, tmp_path: Path, seconds: Any) -> None:
    with pytest.raises(UsageError, match="seconds is"):
        save_animation(film.figure, film.update, 1, tmp_path / "film.gif", seconds=seconds)


def test_missing_folder_and_a_folder_in_the_way(film: Film, tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="there is no folder"):
        save_animation(film.figure, film.update, 1, tmp_path / "missing" / "film.gif")
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(SaveError, match="folder"):
        save_animation(film.figure, film.update, 1, tmp_path / "folder.gif")
    assert [each.name for each in tmp_path.iterdir()] == ["folder.gif"]


def test_a_full_disk_leaves_the_old_film(film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "film.gif"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(SaveError, match="no space left"):
        save_animation(film.figure, film.update, 1, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_update_raises_leaves_nothing(film: Film, tmp_path: Path) -> None:
    def update(frame: int) -> None:
        if frame == 1:
            raise KeyboardInterrupt

    engine = film.figure.get_layout_engine()
    with pytest.raises(KeyboardInterrupt):
        save_animation(film.figure, update, 3, tmp_path / "film.gif")
    assert not list(tmp_path.iterdir())
    assert film.figure.get_layout_engine() is engine


def test_letters_that_no_font_has_give_one_warning(film: Film, tmp_path: Path) -> None:
    film.figure.axes[0].set_xlabel(chr(0xE000))
    with pytest.warns(UserWarning, match="no installed font") as caught:
        save_animation(film.figure, film.update, 3, tmp_path / "film.gif")
    assert len(caught) == 1


def test_mp4_without_ffmpeg(film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    with pytest.raises(UsageError, match=r"ffmpeg.*\.gif"):
        save_animation(film.figure, film.update, 1, tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="a program made of one line of shell")
def test_an_ffmpeg_that_fails(film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "ffmpeg").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (programs / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SaveError, match="could not be made"):
        save_animation(film.figure, film.update, 3, tmp_path / "film.mp4")
    assert [each.name for each in tmp_path.iterdir()] == ["programs"]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_mp4(film: Film, tmp_path: Path) -> None:
    path = save_animation(film.figure, film.update, 3, tmp_path / "film.mp4")
    assert path.read_bytes()[4:8] == b"ftyp"
