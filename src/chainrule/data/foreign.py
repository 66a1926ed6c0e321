"""What a file is that is neither data nor a model, so that the message can say it."""

from __future__ import annotations

from chainrule.language import Message

__all__ = ["LOOK_AT", "binary_name_of", "name_of"]

LOOK_AT = 16  # bytes at the beginning

_PICKLE = Message("a Python pickle (which could run code and is never opened here)")
_BEGINNINGS = {
    b"\x89PNG": Message("a PNG picture"),
    b"\xff\xd8\xff": Message("a JPEG picture"),
    b"GIF87a": Message("a GIF picture"),
    b"GIF89a": Message("a GIF picture"),
    b"%PDF-": Message("a PDF document"),
    b"PK\x03\x04": Message("a ZIP archive, such as NumPy's .npz or PyTorch's .pt"),
    b"\x1f\x8b": Message("a gzip archive"),
    **{b"BZh" + str(level).encode() + b"1AY&SY": Message("a bzip2 archive") for level in range(1, 10)},
    b"\xfd7zXZ\x00": Message("an xz archive"),
    b"\x28\xb5\x2f\xfd": Message("a Zstandard archive"),
    b"7z\xbc\xaf": Message("a 7-Zip archive"),
    b"\xd0\xcf\x11\xe0": Message("an old Excel or Word file"),
    b"\x93NUMPY": Message("a NumPy array (.npy)"),
    b"\x89HDF": Message("an HDF5 file, such as Keras's .h5"),
    b"PAR1": Message("a Parquet table"),
    b"SQLite format 3": Message("an SQLite database"),
    **{b"\x80" + bytes([protocol]): _PICKLE for protocol in range(2, 6)},
}


def binary_name_of(beginning: bytes) -> str | None:
    """Name the kind of a file by its first bytes, or None where they are those of no kind known here.

    >>> binary_name_of(b"%PDF-1.7"), binary_name_of(b"age,income")
    ('a PDF document', None)
    """
    # A length of less than 2^40 in eight bytes, then the header's brace.
    if beginning[5:9] == b"\x00\x00\x00{":
        return Message("a chainrule model (or another safetensors file)")
    return next((name for magic, name in _BEGINNINGS.items() if beginning.startswith(magic)), None)


def name_of(beginning: bytes) -> str:
    """Name the kind of a file from its first bytes, whatever it is.

    >>> name_of(b"age,income")
    'a text file'
    """
    readable = all(byte >= 32 or byte in b"\t\r\n" for byte in beginning)
    return binary_name_of(beginning) or Message("a text file" if readable else "a file of another format")
