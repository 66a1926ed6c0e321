from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from chainrule.errors import SaveError, UsageError
from chainrule.plots import confusion_matrix, first_layer_weights, learning_curves, network_diagram, save_figure

STARTS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".PNG": b"\x89PNG"}


@pytest.fixture
def figure():
    return first_layer_weights([[0.5, -0.5]], (1, 2))


@pytest.mark.parametrize("suffix", STARTS)
def test_suffix_decides_the_format(figure, tmp_path, suffix):
    path = save_figure(figure, tmp_path / f"weights{suffix}")
    assert path.read_bytes().startswith(STARTS[suffix])
    assert [each.name for each in tmp_path.iterdir()] == [f"weights{suffix}"]


def test_a_path_may_be_text(figure, tmp_path):
    assert save_figure(figure, str(tmp_path / "a.b.png")) == tmp_path / "a.b.png"


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_same_picture_same_bytes(tmp_path, make_history, make_model, suffix):
    draw = [
        lambda: learning_curves(make_history(30)),
        lambda: confusion_matrix([0, 1], [0, 0], ["a", "b"]),
        lambda: network_diagram(make_model(3, 4)),
    ]
    for each in draw:
        once = save_figure(each(), tmp_path / f"once{suffix}").read_bytes()
        assert once == save_figure(each(), tmp_path / f"again{suffix}").read_bytes()


@pytest.mark.parametrize("name", ["picture", "picture.jpg", "picture.png.gz", "png"])
def test_unknown_suffix(figure, tmp_path, name):
    with pytest.raises(UsageError, match=r"\.png, \.svg, \.pdf"):
        save_figure(figure, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_missing_folder_and_a_file_for_a_folder(figure, tmp_path):
    with pytest.raises(SaveError, match="there is no folder"):
        save_figure(figure, tmp_path / "missing" / "a.png")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SaveError, match=r"a\.png"):
        save_figure(figure, tmp_path / "file" / "a.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(SaveError):
        save_figure(figure, tmp_path / "folder.png")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_full_disk_leaves_the_old_picture(figure, tmp_path, monkeypatch):
    def fails(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(SaveError, match="no space left"):
        save_figure(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_leaves_nothing(figure, tmp_path, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_figure(figure, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_others_may_read_the_picture_as_any_new_file(figure, tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    path = save_figure(figure, tmp_path / "a.png")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_letters_that_no_font_has_give_one_warning(tmp_path):
    names = [chr(0xE000), chr(0xE001)]
    drawn = confusion_matrix(np.array([0, 1]), [0, 1], names)
    with pytest.warns(UserWarning, match="no installed font") as caught:
        save_figure(drawn, tmp_path / "a.png")
    assert len(caught) == 1
