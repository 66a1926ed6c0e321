"""Files that commands read and write: what is there, and whether there is room for what will come."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import DataError, SaveError, UnknownName, UsageError
from chainrule.language import template, tr

if TYPE_CHECKING:
    from chainrule.data import Dataset
    from chainrule.model import Model

__all__ = [
    "PICTURES",
    "beside",
    "check_checkpoint_place",
    "check_export_place",
    "check_model_place",
    "check_picture_place",
    "check_place",
    "check_table_place",
    "default_model_path",
    "is_built_in",
    "load_data",
    "load_for",
    "model_versions",
    "tell_if_waiting",
]

PICTURES = (".png", ".svg", ".pdf")
_NO_TABLES = (b"\x89PNG", b"%PDF", b"<?xml", b"<svg", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"PAR1")
_NOT_YOURS = template("{path} cannot be used: {reason}; name another file, in a folder that is yours")


def load_data(
    source: str,
    *,
    target: str | None = None,
    test: str | None = None,
    data_dir: Path | None = None,
    encoding: str | None = None,
    text: Collection[str] = (),
) -> Dataset:
    """Load a built-in set or a file; classes that have names are called by them.

    Raises:
        DataError: where there is nothing of that name, or it cannot be read.
    """
    from chainrule.cli.download import show_download
    from chainrule.data import load
    from chainrule.recipes import with_class_names

    if encoding is not None and test is None and is_built_in(source):
        raise UsageError("{source} is a built-in set, not a text file; leave --encoding out", source=source)
    tell_if_waiting(source)
    try:
        with show_download() as progress:
            dataset = load(
                source,
                target=_position_or_name(target),
                data_dir=data_dir,
                test=test,
                progress=progress,
                encoding=encoding,
                text=text,
            )
    except UnknownName as error:
        raise DataError(error.key, **error.fields) from None
    return with_class_names(dataset)


def is_built_in(source: str) -> bool:
    """Say whether this is the name of a built-in set."""
    from chainrule.data import names

    return any(record.name == source for record in names())


def load_for(model: Model, source: str, target: str | None, data_dir: Path | None, encoding: str | None) -> Dataset:
    """Load data with the target that a model was trained to predict."""
    from chainrule.data.idx import is_idx
    from chainrule.data.sources import open_source

    text = model.encoder.text_columns if model.encoder is not None else ()
    if is_built_in(source):
        target = None
    elif target is None and model.target is not None:
        with_labels_beside = False
        if source != "-" and Path(source).is_file():
            with open_source(source) as opened:
                with_labels_beside = is_idx(opened.head)
        target = None if with_labels_beside else model.target.name
    return load_data(source, target=target, data_dir=data_dir, encoding=encoding, text=text)


def tell_if_waiting(source: str) -> None:
    """Say so where a person at a terminal would wonder what the command is waiting for."""
    if source == "-" and sys.stdin.isatty():
        from chainrule.cli.output import make_console

        text = tr("Reading a table from standard input, up to Ctrl-D (Ctrl-Z on Windows) …")
        make_console(sys.stderr).print(text)


def _position_or_name(target: str | None) -> str | int | None:
    """Read "#3" as the position of a column, counted from 0, and anything else as its name."""
    if target is not None and target.startswith("#") and target[1:].lstrip("-").isdigit():
        return int(target[1:])
    return target


def default_model_path(source: str) -> Path:
    """Name the model after the data, in the current folder.

    >>> str(default_model_path("tables/adult.csv.gz")), str(default_model_path("digits"))
    ('adult.safetensors', 'digits.safetensors')
    """
    name = "model" if source == "-" else Path(source).name
    name = name.removesuffix(".gz")
    for suffix in (".csv", ".tsv", ".tab", ".txt", ".data", ".parquet", ".npz", ".npy", ".idx"):
        name = name.removesuffix(suffix)
    return Path(f"{name or 'model'}.safetensors")


def check_place(path: Path, inputs: Collection[str | Path] = ()) -> None:
    """See that a file can be written here, before any work is done for it.

    Args:
        path: where to.
        inputs: files that are read, and must not be written over.

    Raises:
        SaveError: where there is no such folder, it cannot be written to, or a folder has that name.
        UsageError: where it is one of the inputs.
    """
    try:
        _check_kind(path, inputs)
    except PermissionError as error:
        raise SaveError(_NOT_YOURS, path=path, reason=error.strerror or error) from error
    folder = path.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SaveError(
            "the folder {folder} cannot be written to: {reason}; name a file in another folder",
            folder=folder.resolve(),
            reason=error.strerror or error,
        ) from error


def _check_kind(path: Path, inputs: Collection[str | Path]) -> None:
    """See that this is no input and no folder, and lies in one."""
    there = path.exists()
    for given in inputs:
        if str(given) != "-" and there and _is_there(Path(given)) and path.samefile(given):
            raise UsageError("{path} is read by this command and cannot be written over; name another file", path=path)
    if path.is_dir():
        raise SaveError("{path} is a folder; name a file in it, such as {example}", path=path, example=path / "result")
    folder = path.parent
    if not folder.is_dir():
        raise SaveError("there is no folder {folder} to write {path} to; make it first", folder=folder, path=path.name)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # whoever reads it says so
        return False


def check_table_place(path: Path, inputs: Collection[str | Path]) -> None:
    """See that a table can be written here, and that it takes the place of no model, picture or archive.

    Raises:
        SaveError: see `check_place`.
        UsageError: likewise, and for a file that is there and holds no plain text.
    """
    check_place(path, inputs)
    head = _head(path, 4096)
    if b"\0" in head or head.lstrip().startswith(_NO_TABLES):
        raise UsageError(
            "{path} is there already and is no table; name another file (--out), or remove it first", path=path
        )


def check_model_place(path: Path, inputs: Collection[str | Path]) -> None:
    """See that a model can be written here, and that it takes the place of nothing but another model."""
    check_place(path, inputs)
    head = _head(path, 9)
    # A brace begins the header of a model file; an empty file is nobody's loss.
    if head and head[8:] != b"{":
        raise UsageError(
            "{path} is there already and is no model file; name another file (--out), or remove it first", path=path
        )


def check_checkpoint_place(path: Path, inputs: Collection[str | Path]) -> None:
    """See that a checkpoint can be written here, and that it takes the place of nothing but another one."""
    check_place(path, inputs)
    head = _head(path, 9)
    if head and head[8:] != b"{":
        raise UsageError(
            "{path} is there already and is no checkpoint; name another file (--checkpoint), or remove it first",
            path=path,
        )


def check_export_place(path: Path, inputs: Collection[str | Path]) -> None:
    """See that an export can be written here, and that it takes the place of nothing but another one."""
    check_place(path, inputs)
    head = _head(path, 4096)
    # An ONNX file begins with its version, tagged by the byte 8, and the name of what made it.
    graph = head.startswith(b"\x08") and b"chainrule" in head[:32]
    if head and not graph and b"Written by chainrule" not in head:
        raise UsageError(
            "{path} is there already and was not exported by chainrule; name another file (--out), or remove it first",
            path=path,
        )


def _head(path: Path, length: int) -> bytes:
    """Give how an older file begins; empty where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(length)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise SaveError(_NOT_YOURS, path=path, reason=error.strerror or error) from error


def check_picture_place(path: Path, inputs: Collection[str | Path] = ()) -> None:
    """See that a picture can be written here.

    Raises:
        UsageError: for a name that says no format.
    """
    if path.suffix.lower() not in PICTURES:
        raise UsageError(
            "{path} does not say in which format to draw; let the name end in one of: {allowed}",
            path=path,
            allowed=", ".join(PICTURES),
        )
    check_place(path, inputs)


def beside(path: Path, what: str) -> Path:
    """Name a second picture after the first.

    >>> str(beside(Path("digits.png"), "confusion"))
    'digits-confusion.png'
    """
    return path.with_name(f"{path.stem}-{what}{path.suffix}")


def model_versions(path: Path) -> dict[str, Any]:
    """Give the versions that wrote a model file, which has been loaded before."""
    from chainrule.storage.container import PREFIX, header_length, parse

    size = path.stat().st_size
    with path.open("rb") as file:
        header = parse(file.read(header_length(file.read(PREFIX), size)), size)
    return {name: header.metadata[name] for name in ("chainrule", "numpy", "python", "format_version")}
