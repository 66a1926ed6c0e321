"""What a file is that is no model file, so that the message can say it."""

from __future__ import annotations

__all__ = ["LOOK_AT", "name_of"]

LOOK_AT = 16  # bytes at the beginning

_PICKLE = "a Python pickle (which could run code and is never opened here)"
_BEGINNINGS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive, such as NumPy's .npz or PyTorch's .pt",
    b"\x1f\x8b": "a gzip archive",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"\x89HDF": "an HDF5 file, such as Keras's .h5",
    b"PAR1": "a Parquet table",
    b"SQLite": "an SQLite database",
    **{b"\x80" + bytes([protocol]): _PICKLE for protocol in range(2, 6)},
}


def name_of(beginning: bytes) -> str:
    """Name the kind of a file from its first bytes.

    >>> name_of(b"age,income")
    'a text file'
    """
    for magic, name in _BEGINNINGS.items():
        if beginning.startswith(magic):
            return name
    readable = all(byte >= 32 or byte in b"\t\r\n" for byte in beginning)
    return "a text file" if readable else "a file of another format"
