"""Run as a script: read files that were changed in every way that their structure offers.

    python mutations.py READER GOOD FIRST COUNT

READER is "model" or "checkpoint", GOOD a whole file of that kind; a checkpoint that is not there is made. Change
number FIRST to FIRST + COUNT - 1 of it is each written beside it under another name and read. Allowed is the
documented error, or what can be used; not another exception, another file that is opened, code that is imported,
compiled or run, more than 2 s of processor time, or more memory than four times the file and 64 MB. What was counted
is printed as JSON.
"""

from __future__ import annotations

import copy
import gzip
import hashlib
import io
import json
import pickle
import random
import sys
import time
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DivergenceError, ModelFileError, UsageError
from chainrule.model import Model
from chainrule.network import BatchNorm, Dense, Dropout, Network
from chainrule.storage import load
from chainrule.training import Checkpoint, EarlyStopping, Info, train

Chance = random.Random
ZEROS = b"0" * 64


class Trap:
    """Unpickled, it would end the process."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os._exit, (42,)


VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2**31, 2**63, -(2**63), 2**64, 10**30, 0.5, -0.0, 1e308, 1e-320, 3.0, "", "0", "1"),
    *("os.system", "__import__", "builtins.eval", "../../etc/passwd", "\x00", "\x1b[2J", "relu", "Relu", "softmax"),
    *("dense", "Dense", "lambda", "x" * 10_000, "ſ", "💣", [], {}, [[]], [{}], {"": 0}, {"__class__": "os.system"}),
    *([0] * 1000, [[[[]]]], {"kind": "pickle", "value": "gASVAAAA"}, [1, 2, 3], ["a"], {"name": "relu"}),
]
RAW = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "0x1", "01", "1_000", "'a'", "[1,]", "{,}", "nul"]


def split(content: bytes) -> tuple[bytes, bytes]:
    """Give header and payload, with zeros in the checksum's place."""
    end = 8 + int.from_bytes(content[:8], "little")
    text = content[8:end]
    digest = json.loads(text)["__metadata__"]["checksum"].encode()
    return text.replace(digest, ZEROS), content[end:]


def seal(text: bytes, payload: bytes) -> bytes:
    """Give a file of this header and payload with a right checksum, so that it is not that which refuses it."""
    text += b" " * (-len(text) % 8)
    head = len(text).to_bytes(8, "little") + text
    return head.replace(ZEROS, hashlib.sha256(head + payload).hexdigest().encode(), 1) + payload


def paths_of(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the way to each value."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(each for key, value in items for each in paths_of(value, (*path, key)))]


def change_tree(data: Any, chance: Chance) -> Any:
    """Replace, remove, double, swap or nest some value in plain data."""
    paths = [path for path in paths_of(data) if path]
    if not paths:
        return chance.choice(VALUES)
    path = chance.choice(paths)
    parent = data
    for key in path[:-1]:
        parent = parent[key]
    key = path[-1]
    match chance.randrange(6):
        case 0 | 1:
            parent[key] = copy.deepcopy(chance.choice(VALUES))
        case 2:
            del parent[key]
        case 3 if isinstance(parent, list):
            parent.extend([parent[key]] * chance.choice((1, 2, 2000)))
        case 3:
            parent[chance.choice(("extra", str(key) + " ", str(key).upper(), "__class__"))] = parent[key]
        case 4:
            other = data
            for step in (way := chance.choice(paths))[:-1]:
                other = other[step]
            parent[key], other[way[-1]] = other[way[-1]], parent[key]
        case 5:
            for _ in range(chance.choice((1, 40, 900))):
                parent[key] = [parent[key]] if chance.random() < 0.5 else {"a": parent[key]}
    return data


def of_part(good: bytes, chance: Chance) -> bytes:
    """Change the JSON in one of the metadata."""
    text, payload = split(good)
    fields = json.loads(text)
    metadata = fields["__metadata__"]
    inner = {name: value for name, value in metadata.items() if value[:1] in "{["}
    name = chance.choice(sorted(inner))
    data = json.loads(inner[name])
    try:
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            data = change_tree(data, chance)
        metadata[name] = json.dumps(data)
    except (ValueError, RecursionError):  # a value was put into itself, or too deep for Python to write
        metadata[name] = "[" * 100_000
    return seal(json.dumps(fields).encode(), payload)


def of_header(good: bytes, chance: Chance) -> bytes:
    """Change the header's own tree: metadata, tensors, their shapes and places."""
    text, payload = split(good)
    fields = json.loads(text)
    try:
        return seal(json.dumps(change_tree(fields, chance)).encode(), payload)
    except (ValueError, RecursionError):
        return seal(b"[" * 100_000, payload)


def of_tensor(good: bytes, chance: Chance) -> bytes:
    """Move a tensor, make it huge, overlap, negative, or of another type."""
    text, payload = split(good)
    fields = json.loads(text)
    names = [name for name in fields if name != "__metadata__"]
    tensor = fields[chance.choice(names)]
    start, end = tensor["data_offsets"]
    huge = chance.choice((2**31, 2**32, 2**61, 2**63, 2**64 - 8, 10**30))
    options: list[dict[str, Any]] = [
        {"data_offsets": [start + 8, end + 8]},
        {"data_offsets": [end, start]},
        {"data_offsets": [-8, end]},
        {"data_offsets": [start, huge]},
        {"data_offsets": [huge, huge]},
        {"data_offsets": fields[chance.choice(names)]["data_offsets"]},
        {"shape": [huge]},
        {"shape": [huge, huge]},
        {"shape": [2**32, 2**32, 0]},
        {"shape": [-1]},
        {"shape": []},
        {"shape": [huge], "data_offsets": [0, huge * 8]},
        {"shape": tensor["shape"] * 2},
        {"dtype": chance.choice(("F32", "F16", "I64", "BOOL", "O", "U8", "F64 ", ""))},
    ]
    tensor.update(chance.choice(options))
    return seal(json.dumps(fields).encode(), payload)


def of_text(good: bytes, chance: Chance) -> bytes:
    """Write what no JSON library writes: a key twice, NaN, numbers beyond all, deep nests, broken syntax."""
    text, payload = split(good)
    fields = json.loads(text)
    written = json.dumps(fields)
    match chance.randrange(4):
        case 0:
            name = chance.choice([name for name in fields if name != "__metadata__"])
            written = written[:-1] + "," + json.dumps(name) + ":" + json.dumps(fields[name]) + "}"
        case 1:
            written = written.replace('"__metadata__": {', '"__metadata__": {"format": "x", ', 1)
        case 2:
            depth = chance.choice((33, 500, 100_000))
            written = written[:-1] + ',"deep":' + "[" * depth + "]" * depth + "}"
        case 3:
            metadata = fields["__metadata__"]
            name = chance.choice(sorted(metadata))
            metadata[name] = with_raw(metadata[name], chance)
            written = json.dumps(fields)
    return seal(written.encode(), payload)


def with_raw(text: str, chance: Chance) -> str:
    """Put something that is no strict JSON in place of a number or a word, or say a key twice."""
    places = [i for i, letter in enumerate(text) if letter in ":,["]
    if not places or chance.random() < 0.2:
        return chance.choice(RAW)
    i = chance.choice(places) + 1
    j = min([k for k in (text.find(mark, i) for mark in ",]}") if k > 0], default=len(text))
    return text[:i] + chance.choice([*RAW, text[i:j] + "," + text[i:j], "[" * 100_000]) + text[j:]


def of_bytes(good: bytes, chance: Chance) -> bytes:
    """Change, remove, double bytes of the header under a right checksum."""
    text, payload = split(good)
    changed = bytearray(text)
    for _ in range(chance.choice((1, 1, 2, 5))):
        i = chance.randrange(len(changed))
        j = min(len(changed), i + chance.randrange(1, 20))
        match chance.randrange(4):
            case 0:
                changed[i] = chance.randrange(256)
            case 1:
                del changed[i:j]
            case 2:
                changed[i:i] = changed[i:j]
            case 3:
                changed[i:j] = chance.choice((b"null", b"0", b"-1", b"1e9", b"[]", b"{}", b'\\"', b"\\ud800"))
    return seal(bytes(changed), payload)


def of_payload(good: bytes, chance: Chance) -> bytes:
    """Change numbers (to any bits, which may be NaN), or the payload's length, under a right checksum."""
    text, payload = split(good)
    changed = bytearray(payload)
    match chance.randrange(4):
        case 0:
            i = chance.randrange(max(1, len(changed) // 8)) * 8
            changed[i : i + 8] = chance.randbytes(8)
        case 1:
            i = chance.randrange(max(1, len(changed) // 8)) * 8
            changed[i : i + 8] = chance.choice((b"\xff" * 8, b"\x00" * 6 + b"\xf0\x7f", b"\x00" * 6 + b"\xf0\xff"))
        case 2:
            del changed[chance.randrange(len(changed)) :]
        case 3:
            changed += chance.randbytes(chance.choice((1, 8, 4096)))
    return seal(text, bytes(changed))


def of_file(good: bytes, chance: Chance) -> bytes:
    """Change the file as it is, without another checksum: cut it, turn bits, lie about the header's length."""
    changed = bytearray(good)
    match chance.randrange(4):
        case 0:
            return bytes(changed[: chance.randrange(len(changed))])
        case 1:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        case 2:
            lengths = (0, 1, 7, len(good), len(good) - 8, 2**23, 2**23 + 1, 2**31, 2**63, 2**64 - 1)
            changed[:8] = chance.choice(lengths).to_bytes(8, "little")
        case 3:
            i = chance.randrange(len(changed))
            changed[i : i + chance.randrange(1, 64)] = chance.randbytes(chance.randrange(1, 64))
    return bytes(changed)


def foreign(good: bytes, chance: Chance) -> bytes:
    """Put another kind of file there, some of which would run code in a careless reader."""
    room = io.BytesIO()
    match chance.randrange(6):
        case 0:
            return pickle.dumps(Trap(), protocol=chance.randrange(pickle.HIGHEST_PROTOCOL + 1))
        case 1:
            with zipfile.ZipFile(room, "w") as archive:  # as PyTorch, Keras and NumPy write
                archive.writestr("archive/data.pkl", pickle.dumps(Trap()))
                archive.writestr("../outside", b"x")
            return room.getvalue()
        case 2:
            return gzip.compress(b"\x00" * chance.choice((10, 10_000_000)))
        case 3:
            return b"\x89HDF\r\n\x1a\n" + chance.randbytes(200)
        case 4:
            return b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,)}" + pickle.dumps(
                Trap()
            )
        case _:
            return good[:8] + pickle.dumps(Trap()) + good[8:]


WAYS: list[Callable[[bytes, Chance], bytes]] = [
    *(of_part, of_part, of_part, of_header, of_tensor, of_text, of_bytes, of_payload, of_file, foreign),
]


def change(good: bytes, number: int) -> bytes:
    """Give change number so-and-so of a good file."""
    chance = Chance(number)
    return chance.choice(WAYS)(good, chance)


def use_model(path: Path) -> None:
    """Read a model, and see that what is read can be used."""
    model = load(path)
    assert isinstance(model, Model)
    _ = model.summary(), repr(model), model.theta.sum()


def learn(resume: Path | None = None, callbacks: tuple[Any, ...] = ()) -> Model:
    """Train a small network, or go on with it."""
    network = Network([Dense(2, "tanh"), BatchNorm("relu"), Dropout(0.2), Dense(2, "softmax")], inputs=2)
    X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [2.0, 0.0], [0.0, 2.0]], [0, 1, 1, 0, 1, 1]
    stop = EarlyStopping("loss", patience=5)
    return train(network, X, y, batch_size=4, epochs=4, callbacks=[stop, *callbacks], resume=resume, engine="reference")


def make_checkpoint(path: Path) -> None:
    """Leave a training within its last epoch but one."""

    class Leave:
        def batch(self, info: Info) -> str | None:
            return "left" if (info.epoch, info.batch) == (3, 1) else None

    learn(callbacks=(Checkpoint(path), Leave()))


def use_checkpoint(path: Path) -> None:
    """Go on from a checkpoint, and see that a sound model comes of it."""
    model = learn(resume=path)
    assert np.isfinite(model.theta).all()


READERS: dict[str, Callable[[Path], Any]] = {"model": use_model, "checkpoint": use_checkpoint}
# What Python itself reports of the work that is allowed.
HARMLESS = {"open", "object.__getattr__", "object.__setattr__", "sys._getframe", "builtins.id"}


def main(reader: str, good: str, first: int, count: int) -> None:
    if reader == "checkpoint" and not Path(good).exists():
        make_checkpoint(Path(good))
    read, content, path = READERS[reader], Path(good).read_bytes(), Path(good).with_name("changed.bin")
    read(Path(good))  # what is imported on first use is there from now on
    for number in range(-20, 0):
        path.write_bytes(change(content, number))
        attempt(read, path)
    seen: list[tuple[str, str]] = []
    watching = False
    sys.addaudithook(lambda event, given: seen.append((event, str(given[:1]))) if watching else None)
    found: Counter[str] = Counter()
    slowest, most = 0.0, 0.0
    for number in range(first, first + count):
        changed = change(content, number)
        path.write_bytes(changed)
        began = time.process_time()
        watching = True
        found[attempt(read, path)] += 1
        watching = False
        slowest = max(slowest, time.process_time() - began)
        for event, given in seen:
            assert event in HARMLESS, f"change {number}: {event} {given}"
            assert event != "open" or str(path) in given, f"change {number}: opened {given}"
        seen.clear()
        if number % 5 == 0:
            most = max(most, (peak(read, path) - 64 * 2**20) / len(changed) if changed else 0.0)
    print(json.dumps({**found, "slowest": slowest, "memory": most}))


def attempt(read: Callable[[Path], Any], path: Path) -> str:
    """Read a file and say how it went."""
    try:
        read(path)
    except (ModelFileError, UsageError, DivergenceError) as error:
        if isinstance(error, DivergenceError):  # huge numbers, which a training may have come to
            return "read"
        return "refused" if str(error).startswith(str(path)) else f"refused without its name: {error}"
    return "read"


def peak(read: Callable[[Path], Any], path: Path) -> int:
    """Give how many bytes reading takes at most."""
    tracemalloc.start()
    try:
        attempt(read, path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
