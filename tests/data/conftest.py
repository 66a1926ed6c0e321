"""Files to read, and a server that gives them, on the loopback only."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file into the test's own folder; texts in UTF-8, with line ends as they are."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return write_file


@pytest.fixture
def idx() -> Callable[[np.ndarray], bytes]:
    """Make the bytes of an IDX file."""
    codes = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}

    def make(array: np.ndarray) -> bytes:
        head = bytes([0, 0, codes[array.dtype.str[1:]], array.ndim])
        sizes = np.array(array.shape, dtype=">u4").tobytes()
        return head + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()

    return make


Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers by path; what is asked for is remembered."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                if self.path in server.answers:
                    server.answers[self.path](self)
                else:
                    self.send_error(404)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/"

    def give(self, name: str, content: bytes, *, promise: int | None = None, length: bool = True) -> None:
        """Answer with this content; ``promise`` is a Content-Length that lies, ``length=False`` leaves it out."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            if length:
                handler.send_header("Content-Length", str(len(content) if promise is None else promise))
            handler.end_headers()
            handler.wfile.write(content)

        self.answers[f"/{name}"] = answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


@pytest.fixture
def four_files(idx: Callable[[np.ndarray], bytes]) -> dict[str, bytes]:
    """A tiny set of images in the shape of MNIST: 20 to train with, 10 to test with, 3 x 2 pixels."""
    pixels = np.arange(30 * 6, dtype=np.uint8).reshape(30, 3, 2)
    labels = np.arange(30, dtype=np.uint8) % 10
    return {
        "train-images-idx3-ubyte": idx(pixels[:20]),
        "train-labels-idx1-ubyte": idx(labels[:20]),
        "t10k-images-idx3-ubyte": idx(pixels[20:]),
        "t10k-labels-idx1-ubyte": idx(labels[20:]),
    }


@pytest.fixture
def packed(four_files: dict[str, bytes]) -> dict[str, bytes]:
    """The same, gzipped."""
    return {f"{name}.gz": gzip.compress(content) for name, content in four_files.items()}
