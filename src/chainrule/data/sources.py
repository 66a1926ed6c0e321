"""Opening what people name as data: a file, packed or not, an open stream, or "-" for the standard input."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, TypeAlias, cast

from chainrule.errors import DataError
from chainrule.language import Message

__all__ = ["MAX_UNPACKED", "Opened", "Source", "open_source", "read_all", "read_up_to", "source_name"]

Source: TypeAlias = "str | Path | TextIO | BinaryIO"

# A gzip file of 1 MB can unpack to 1 GB. More than this is refused; nothing is allocated before it has really come.
MAX_UNPACKED = 2**30
_CHUNK = 2**20


@dataclass(frozen=True)
class Opened:
    """A source that is open.

    Args:
        name: what messages call it.
        file: the bytes, unpacked, at their beginning; can be read and sought.
        head: the first 16 bytes.
        size: how many bytes there are; None for a packed file.
        path: where it lies; None for a stream.
    """

    name: str
    file: BinaryIO
    head: bytes
    size: int | None
    path: Path | None


def source_name(source: Source) -> str:
    """Say what messages call a source.

    >>> source_name("-"), source_name(Path("people.csv"))
    ('standard input', 'people.csv')
    """
    if source == "-":
        return Message("standard input")
    if isinstance(source, (str, Path)):
        return str(source)
    name = getattr(source, "name", None)
    return Message("the input") if name is None else str(name)


@contextmanager
def open_source(source: Source) -> Iterator[Opened]:
    """Open a source, unpack it if it is gzipped (its content decides, not its name), and look at its first bytes.

    Args:
        source: a path, "-" for the standard input, or an open text or binary stream.

    Raises:
        DataError: where there is no such file, or it is a folder, empty, unreadable or damaged.
    """
    name = source_name(source)
    with _open_raw(source, name) as (raw, path):
        size = raw.seek(0, io.SEEK_END)
        raw.seek(0)
        if size == 0:
            raise DataError("{path} is empty; a table needs a line with the columns' names and rows below", path=name)
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file = cast(BinaryIO, gzip.GzipFile(fileobj=raw, mode="rb")) if packed else raw
        head = bytes(read_up_to(file, 16, name))
        if not head:
            raise DataError("{path} is empty once it is unpacked; it must hold data", path=name)
        file.seek(0)
        yield Opened(name, file, head, None if packed else size, path)


@contextmanager
def _open_raw(source: Source, name: str) -> Iterator[tuple[BinaryIO, Path | None]]:
    """Open a path, or read a stream whole, so that what comes out can be sought."""
    if isinstance(source, (str, Path)) and source != "-":
        path = Path(source)
        if path.is_dir():
            raise DataError(
                "{path} is a folder; name a file in it (a folder with the four MNIST files: mnist --data-dir {path})",
                path=name,
            )
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise DataError(
                "there is no file {path} (seen from the folder {folder}); check its name", path=name, folder=Path.cwd()
            ) from None
        except OSError as error:
            raise DataError("{path} cannot be opened: {reason}", path=name, reason=error.strerror or error) from error
        with file:
            yield file, path
        return
    stream = sys.stdin.buffer if isinstance(source, (str, Path)) else source
    content = stream.read()
    yield io.BytesIO(content.encode("utf-8") if isinstance(content, str) else content), None


def read_up_to(file: BinaryIO, count: int, name: str) -> bytearray:
    """Read ``count`` bytes, or as many as there are; no more memory is taken than what has come.

    Raises:
        DataError: where the gzip stream is cut off or damaged, or the disk fails.
    """
    data = bytearray()
    try:
        while len(data) < count and (chunk := file.read(min(_CHUNK, count - len(data)))):
            data += chunk
    except EOFError:
        raise DataError(
            "{path} is gzipped, but ends before its content does: it is cut off, get it again", path=name
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            "{path} is gzipped, but damaged ({reason}): get it again", path=name, reason=str(error)
        ) from error
    except OSError as error:
        raise DataError("{path} cannot be read: {reason}", path=name, reason=error.strerror or error) from error
    return data


def read_all(opened: Opened) -> bytes:
    """Read a source to its end.

    Raises:
        DataError: where a packed file unpacks to more than `MAX_UNPACKED` bytes, besides what `read_up_to` raises.
    """
    limit = MAX_UNPACKED if opened.size is None else opened.size
    data = read_up_to(opened.file, limit + 1, opened.name)
    if opened.size is None and len(data) > limit:
        raise DataError(
            "{path} unpacks to more than {limit} bytes: unpack it first, if that is right",
            path=opened.name,
            limit=limit,
        )
    return bytes(data)
