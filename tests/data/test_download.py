"""Downloads against a server on the loopback: what goes wrong is said, nothing half-done is left behind."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from chainrule.data.download import Published, download
from chainrule.errors import NetworkError, SaveError

CONTENT = b"what was published" * 100
FILE = Published("thing", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
PACKED = gzip.compress(CONTENT)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fetch(server: Any, folder: Path, **options: Any) -> Path:
    return download(FILE, folder, (server.url,), timeout=options.pop("timeout", 5.0), **options)


def test_a_file_arrives_whole_and_as_it_was_sent(server: Any, tmp_path: Path) -> None:
    server.give("thing.gz", PACKED)
    seen: list[tuple[str, int, int | None]] = []
    path = fetch(server, tmp_path / "new" / "folder", progress=lambda *step: seen.append(step))
    assert path == tmp_path / "new" / "folder" / "thing.gz"
    assert path.read_bytes() == PACKED
    assert names_in(path.parent) == ["thing.gz"]
    assert seen[-1] == ("thing", len(PACKED), len(PACKED))


def test_length_need_not_be_promised(server: Any, tmp_path: Path) -> None:
    server.give("thing.gz", PACKED, length=False)
    seen: list[tuple[str, int, int | None]] = []
    assert fetch(server, tmp_path, progress=lambda *step: seen.append(step)).exists()
    assert seen[-1] == ("thing", len(PACKED), None)


def flipped() -> bytes:
    return gzip.compress(CONTENT[:-1] + b"!")


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        (flipped(), {}, "not the published file"),
        (gzip.compress(CONTENT + b"more"), {}, "not the published file"),
        (gzip.compress(CONTENT[:-4]), {}, "not the published file"),
        (PACKED[:-5], {}, "no gzip file"),
        (PACKED[: len(PACKED) // 2], {"promise": len(PACKED)}, "broke off after|IncompleteRead"),
        (b"<html>please log in</html>", {}, "no gzip file"),
        (b"", {}, "not the published file|no gzip file"),
        (os.urandom(200_000), {}, "sends more than"),
    ],
    ids=["flipped", "longer", "shorter", "cut", "truncated body", "page", "nothing", "too much"],
)
def test_what_is_not_the_published_file_is_not_kept(
    server: Any, tmp_path: Path, content: bytes, options: dict[str, Any], reason: str
) -> None:
    server.give("thing.gz", content, **options)
    with pytest.raises(NetworkError, match=f"thing could not be downloaded .*{server.url}thing.gz: .*({reason})"):
        fetch(server, tmp_path)
    assert names_in(tmp_path) == []


def test_a_gzip_bomb_is_not_unpacked(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0
    original = gzip.GzipFile.read

    def counting(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        nonlocal read
        chunk = original(self, size)
        read += len(chunk)
        return chunk

    monkeypatch.setattr(gzip.GzipFile, "read", counting)
    server.give("thing.gz", gzip.compress(bytes(20_000_000)))
    with pytest.raises(NetworkError, match="not the published file"):
        fetch(server, tmp_path)
    assert read < 200_000


def test_404(server: Any, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"thing\.gz: status 404 Not Found"):
        fetch(server, tmp_path)
    assert names_in(tmp_path) == []


def test_connection_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with pytest.raises(NetworkError, match=r"thing\.gz: .*refused"):
        download(FILE, tmp_path, (url,), timeout=5.0)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("after", [0, 20])
def test_time_out(server: Any, tmp_path: Path, after: int) -> None:
    done = threading.Event()

    def dawdle(handler: BaseHTTPRequestHandler) -> None:
        if after:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(PACKED)))
            handler.end_headers()
            handler.wfile.write(PACKED[:after])
            handler.wfile.flush()
        done.wait(60)

    server.answers["/thing.gz"] = dawdle
    with pytest.raises(NetworkError, match=r"thing\.gz: no answer in time"):
        fetch(server, tmp_path, timeout=0.2)
    done.set()
    assert names_in(tmp_path) == []


def test_the_next_mirror_is_tried(server: Any, tmp_path: Path) -> None:
    server.give("bad/thing.gz", flipped())
    server.give("good/thing.gz", PACKED)
    mirrors = tuple(server.url + name for name in ("missing/", "bad/", "good/", "never/"))
    path = download(FILE, tmp_path, mirrors, timeout=5.0)
    assert path.read_bytes() == PACKED
    assert server.asked == ["/missing/thing.gz", "/bad/thing.gz", "/good/thing.gz"]
    assert names_in(tmp_path) == ["thing.gz"]


def test_all_failures_are_named(server: Any, tmp_path: Path) -> None:
    server.give("bad/thing.gz", flipped())
    with pytest.raises(NetworkError, match=r"missing/thing\.gz: status 404.*; .*bad/thing\.gz: what it sends is not"):
        download(FILE, tmp_path, (server.url + "missing/", server.url + "bad/"), timeout=5.0)


def test_what_was_there_stays_until_the_new_one_is_whole(server: Any, tmp_path: Path) -> None:
    (tmp_path / "thing.gz").write_bytes(b"old")
    server.give("thing.gz", flipped())
    with pytest.raises(NetworkError):
        fetch(server, tmp_path)
    assert (tmp_path / "thing.gz").read_bytes() == b"old"
    server.give("thing.gz", PACKED)
    fetch(server, tmp_path)
    assert (tmp_path / "thing.gz").read_bytes() == PACKED


def test_a_folder_that_cannot_be(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    server.give("thing.gz", PACKED)
    with pytest.raises(SaveError, match=r"the folder .*file.* cannot be written to: .*--data-dir"):
        fetch(server, tmp_path / "file")
    assert server.asked == []


def test_a_full_disk(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    server.give("thing.gz", PACKED)
    with pytest.raises(SaveError, match=r"cannot be written to: No space left on device; make room"):
        fetch(server, tmp_path)
    assert names_in(tmp_path) == []


def test_an_interrupt_leaves_nothing(server: Any, tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    server.give("thing.gz", PACKED)
    interrupted: Callable[..., None] = stop
    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path, progress=interrupted)
    assert names_in(tmp_path) == []
