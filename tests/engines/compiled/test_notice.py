"""What is said while code is compiled."""

from __future__ import annotations

import io
import sys
import threading

import pytest

pytest.importorskip("llvmlite")

from chainrule.engines import notice as notices
from chainrule.engines.compiled import notice


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and notes the third dot."""

    def __init__(self) -> None:
        super().__init__()
        self.third = threading.Event()
        self._dots = 0

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._dots += text == "."
        if self._dots == 3:
            self.third.set()
        return super().write(text)


def test_a_terminal_shows_dots_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(notice, "_PAUSE", 0.001)
    threads = threading.active_count()
    with notice.compiling(kept=True):
        assert terminal.third.wait(60)
    assert terminal.getvalue().startswith("compiling kernels for this CPU, once …...")
    assert terminal.getvalue().endswith(" s\n")
    assert threading.active_count() == threads


def test_elsewhere_one_line_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    monkeypatch.setattr(notices, "_told", set())
    for _ in range(3):
        with notice.compiling(kept=False):
            pass
    assert pipe.getvalue() == "compiling kernels for this CPU …\n"


def test_without_a_standard_error_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(notices, "_told", set())
    with notice.compiling(kept=True):
        pass


class Full(io.StringIO):
    """A stream on a device that is full."""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        raise OSError("no space left")


class Bare:
    """An object that can only write."""

    def write(self, text: str) -> None:
        """Take it."""


@pytest.mark.parametrize("stream", [Full(), Bare(), object(), io.StringIO()], ids=["full", "bare", "none", "closed"])
def test_who_cannot_be_told_ends_nothing(monkeypatch: pytest.MonkeyPatch, stream: object) -> None:
    if isinstance(stream, io.StringIO) and not isinstance(stream, Full):
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(notices, "_told", set())
    with notice.compiling(kept=True):
        pass
    notices.tell_once("a", "text")
