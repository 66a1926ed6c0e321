"""What is no whole, valid checkpoint is refused, and so is a damaged model file."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import Checkpoint, EarlyStopping, Network, load, save, train
from chainrule.errors import ModelFileError, UsageError
from chainrule.storage.checkpoint_file import PARTS, Kept, read_checkpoint, write_checkpoint

# `make campaign-safety` flips every bit of a header and 10,000 bits of a payload.
CASES = int(os.environ.get("CHAINRULE_CASES", "0"))
X, y = [[0.0, 1.0], [1.0, 0.5], [2.0, 0.1], [0.3, 0.2]], [0, 1, 1, 0]
NETWORK = Network.from_sizes([2, 3, 1], hidden="tanh", output="sigmoid", batch_norm=True)
SETTINGS: dict[str, Any] = {"batch_size": 2, "epochs": 3, "engine": "reference"}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "run.checkpoint"
    train(NETWORK, X, y, callbacks=[Checkpoint(path, about={"a": [1, None]}), EarlyStopping("loss")], **SETTINGS)
    return path


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return save(train(NETWORK, X, y, **SETTINGS), tmp_path / "model.safetensors")


READERS: dict[str, Callable[[Path], object]] = {"checkpoint": read_checkpoint, "model_file": load}


@pytest.fixture(params=READERS)
def kind(request: pytest.FixtureRequest) -> tuple[Path, Callable[[Path], object]]:
    return request.getfixturevalue(request.param), READERS[request.param]


def test_round_trip(tmp_path: Path) -> None:
    tensors = {"theta": np.array([1.0, np.nan, -np.inf]), "b": np.ones(3, np.float32), "state": np.zeros(0)}
    parts = {name: {"of": name, "numbers": [1, 0.5, None]} for name in PARTS}
    path = write_checkpoint(tmp_path / "file", tensors, parts, "reference")
    kept = read_checkpoint(path)
    assert {name: array.tobytes() for name, array in kept.tensors.items()} == {
        name: array.tobytes() for name, array in tensors.items()
    }
    assert (kept.parts, kept.versions["engine"], kept.versions["numpy"]) == (parts, "reference", np.__version__)
    assert write_checkpoint(tmp_path / "again", tensors, parts, "reference").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("value", [float("nan"), {1}, object(), {3: 1}])
def test_what_is_no_plain_data_is_not_written(tmp_path: Path, value: object) -> None:
    with pytest.raises(UsageError):
        write_checkpoint(tmp_path / "file", {}, dict.fromkeys(PARTS) | {"about": value}, "reference")
    assert not list(tmp_path.iterdir())


def test_one_kind_is_not_taken_for_the_other(checkpoint: Path, model_file: Path) -> None:
    with pytest.raises(ModelFileError, match="a safetensors file, but not a chainrule checkpoint; give a file that"):
        read_checkpoint(model_file)
    with pytest.raises(ModelFileError, match="a safetensors file, but not a chainrule model"):
        load(checkpoint)


@pytest.mark.parametrize(
    "content", [b"", b"age,income\n1,2\n", b"\x80\x04.", b"PK\x03\x04" + bytes(40), bytes(8) + b"{"]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ModelFileError, match="file cannot be gone on from: "):
        read_checkpoint(tmp_path / "file")


def refuse_flips(path: Path, read: Callable[[Path], object], bits: Iterable[int]) -> int:
    """Flip one bit of a file after the other; gives how many."""
    good, count = path.read_bytes(), 0
    with path.open("r+b", buffering=0) as file:
        for bit in bits:
            file.seek(bit // 8)
            file.write(bytes([good[bit // 8] ^ 1 << bit % 8]))
            with pytest.raises(ModelFileError):
                read(path)
            file.seek(bit // 8)
            file.write(good[bit // 8 : bit // 8 + 1])
            count += 1
    read(path)
    return count


def end_of_header(path: Path) -> int:
    return 8 + int.from_bytes(path.read_bytes()[:8], "little")


def test_every_prefix_is_refused(kind: Any, tally: Any) -> None:
    path, read = kind
    size = path.stat().st_size
    for length in reversed(range(0, size, 1 if CASES else 5)):
        os.truncate(path, length)
        with pytest.raises(ModelFileError):
            read(path)
        tally("prefixes refused", 1)


def test_every_flipped_bit_of_the_header_is_refused(kind: Any, tally: Any) -> None:
    path, read = kind
    tally(
        "flipped bits of headers refused",
        refuse_flips(path, read, range(0, 8 * end_of_header(path), 1 if CASES else 29)),
    )


def test_flipped_bits_of_the_payload_are_refused(kind: Any, tally: Any) -> None:
    path, read = kind
    bits = range(8 * end_of_header(path), 8 * path.stat().st_size)
    chosen = random.Random(0).choices(bits, k=10 * CASES or 300)
    tally("flipped bits of payloads refused", refuse_flips(path, read, chosen))


# With a right checksum


def go_on(path: Path) -> str:
    """Take up a training from a forged file: the documented errors or a model."""
    try:
        train(NETWORK, X, y, callbacks=EarlyStopping("loss"), resume=path, **SETTINGS)
    except (ModelFileError, UsageError) as error:
        return type(error).__name__
    return "went on"


@pytest.fixture
def forge(checkpoint: Path, seal: Callable[..., bytes]) -> Callable[..., Path]:
    content = checkpoint.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    fields = json.loads(content[8:end])
    fields["__metadata__"]["checksum"] = "0" * 64

    def make(part: str, change: Callable[[Any], Any]) -> Path:
        mine = json.loads(json.dumps(fields))
        data = json.loads(mine["__metadata__"][part])
        changed = change(data)
        mine["__metadata__"][part] = json.dumps(data if changed is None else changed)
        checkpoint.write_bytes(seal(mine, content[end:]))
        return checkpoint

    return make


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested data."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def put(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return data


@pytest.mark.parametrize("part", ["settings", "fingerprint", "standing", "callbacks", "about"])
@pytest.mark.parametrize("value", [None, -1, 10**30, 1e300, "", [], {}, {"a": {}}, True])
def test_other_contents_are_refused_or_go_on(checkpoint: Path, forge: Any, part: str, value: Any) -> None:
    data = read_checkpoint(checkpoint).parts[part]
    found = {go_on(forge(part, lambda data, at=at: put(data, at, value))) for at in places(data)}
    assert found <= {"ModelFileError", "UsageError", "went on"}
    if part in ("settings", "fingerprint") and value not in (None, [], True):
        assert found <= {"UsageError", "ModelFileError"}


def test_a_missing_or_a_further_tensor_is_refused(checkpoint: Path) -> None:
    kept = read_checkpoint(checkpoint)
    for name in kept.tensors:
        for tensors in (
            {key: array for key, array in kept.tensors.items() if key != name},
            {**kept.tensors, name: kept.tensors[name][:-1]},
            {**kept.tensors, name + "x": kept.tensors[name]},
        ):
            if len(kept.tensors[name]) or len(tensors) != len(kept.tensors):
                assert go_on(rewrite(checkpoint, kept, tensors)) == "ModelFileError", name
        if name.split(".")[0] != "memory":
            narrow = {**kept.tensors, name: kept.tensors[name].astype(np.float32)}
            assert go_on(rewrite(checkpoint, kept, narrow)) == "ModelFileError"


def rewrite(path: Path, kept: Kept, tensors: Any) -> Path:
    return write_checkpoint(path, tensors, kept.parts, kept.versions["engine"])


def test_half_a_character_in_the_header_is_refused(checkpoint: Path, seal: Callable[..., bytes]) -> None:
    """Python's JSON takes it, the library of the container does not."""
    content = checkpoint.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    digest = json.loads(content[8:end])["__metadata__"]["checksum"].encode()
    header = content[8:end].replace(digest, b"0" * 64).replace(b'"theta":', b'"theta\\ud800":')
    checkpoint.write_bytes(seal(header, content[end:]))
    with pytest.raises(ModelFileError, match="the header cannot be read"):
        read_checkpoint(checkpoint)
