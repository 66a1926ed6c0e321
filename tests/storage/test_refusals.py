"""Whatever is no whole, valid model file is refused with a message that says what is wrong."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import random
import re
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

from chainrule.data.encoder import TableEncoder
from chainrule.data.targets import TargetEncoder
from chainrule.errors import ModelFileError, UsageError
from chainrule.formulas import LOSSES
from chainrule.model import Model
from chainrule.network import Network
from chainrule.storage import load, save


def refuse(path: Path, reason: str | None = None) -> str:
    with pytest.raises(ModelFileError, match=reason) as caught:
        load(path)
    return check_message(path, caught.value)


def check_message(path: Path, error: ModelFileError) -> str:
    """It names the file, fits on a screen and holds nothing that steers a terminal."""
    message = str(error)
    assert message.startswith(f"{path}: ")
    assert message.removeprefix(str(path)).isprintable()
    assert len(message) < 2000
    return message


# What is no model at all


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("data.pkl", b"x")
    return content.getvalue()


def npz() -> bytes:
    content = io.BytesIO()
    np.savez(content, a=np.ones(3))
    return content.getvalue()


def npy() -> bytes:
    content = io.BytesIO()
    np.save(content, np.ones(3))
    return content.getvalue()


class Trap:
    """What a malicious pickle is: it would make a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("trapped"),)


FOREIGN = {
    "a PNG picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01",
    "a JPEG picture": b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01",
    "a PDF document": b"%PDF-1.7\n1 0 obj\n",
    "a ZIP archive, such as NumPy's .npz or PyTorch's .pt": zipped(),
    "a NumPy array": npy(),
    "a gzip archive": gzip.compress(b"a,b\n1,2\n" * 10),
    "a text file": b"age,income,bought\r\n20,1000,yes\r\n",
    "a file of another format": bytes(range(1, 30)),
    "a Parquet table": b"PAR1\x15\x04\x15\x10\x15\x14\x4c\x15\x02\x15\0",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_other_formats_are_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(FOREIGN[kind])
    message = refuse(path, f"this is {re.escape(kind)}")
    assert "not a chainrule model; give a file that chainrule.save or `chainrule train` made" in message


def test_npz_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(npz())
    refuse(tmp_path / "file", "a ZIP archive")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "file"
    path.write_bytes(pickle.dumps(Trap(), protocol))
    refuse(path, "a Python pickle" if protocol >= 2 else "a text file")
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}, {"network": "{}"}])
def test_safetensors_of_others_are_named(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "file"
    safetensors.numpy.save_file({"weight": np.ones((2, 3), np.float16)}, path, metadata)
    refuse(path, "a safetensors file, but not a chainrule model; give a file")


def test_missing_file(tmp_path: Path) -> None:
    refuse(tmp_path / "missing", "there is no such file; check its name")


@pytest.mark.parametrize("path", [None, 3, b"model", ["model"]])
def test_paths_that_are_none(path: Any) -> None:
    for use in (load, lambda path: save(Network.from_sizes([2, 1]).init(), path)):
        with pytest.raises(UsageError, match=r"path is .*; expected a text or a Path, such as 'model.safetensors'"):
            use(path)


def test_file_in_a_file(forger: Any) -> None:
    refuse(forger.write(b"x") / "model", "there is no such file")


def test_folder(tmp_path: Path) -> None:
    refuse(tmp_path, "this is a folder; give the model file in it")


def test_empty_file(forger: Any) -> None:
    refuse(forger.write(b""), "the file is empty")


def test_unreadable_file(forger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_opening(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse_opening)
    refuse(forger.folder / "good.safetensors", "cannot be read: Permission denied; check its access rights")


def test_null_character() -> None:
    refuse(Path("a\0b"), "cannot be read")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device here")
def test_device() -> None:
    refuse(Path("/dev/zero"), "a device or a pipe")


# What was a model once


def test_every_truncation_is_refused(forger: Any) -> None:
    path = forger.write(forger.good)
    for length in reversed(range(len(forger.good))):
        os.truncate(path, length)
        message = refuse(path)
        assert "truncated" in message or length == 0


def test_appended_bytes_are_refused(forger: Any) -> None:
    refuse(forger.write(forger.good + b"\0"), "damaged: it has .* bytes, its header says")


def refuse_flips(path: Path, bits: Iterable[int], reason: str | None = None) -> None:
    """Flip one bit of a file, try it, and flip the bit back."""
    good = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for bit in bits:
            file.seek(bit // 8)
            file.write(bytes([good[bit // 8] ^ 1 << bit % 8]))
            refuse(path, reason)
            file.seek(bit // 8)
            file.write(good[bit // 8 : bit // 8 + 1])
    load(path)


def test_every_flipped_bit_of_the_header_is_refused(tmp_path: Path) -> None:
    path = save(Network.from_sizes([1, 1]).init(), tmp_path / "smallest")
    end = 8 + int.from_bytes(path.read_bytes()[:8], "little")
    refuse_flips(path, range(8 * end))


def test_flipped_bits_of_the_payload_are_refused(forger: Any) -> None:
    end = 8 + int.from_bytes(forger.good[:8], "little")
    bits = random.Random(0).sample(range(8 * end, 8 * len(forger.good)), 500)
    refuse_flips(forger.write(forger.good), bits, "checksum does not fit .*; copy it again")


def test_changed_bytes_are_refused(forger: Any) -> None:
    refuse(forger.write(forger.good.replace(b"leaky_relu", b"leaky-relu")), "checksum")
    refuse(forger.write(forger.good[:-8] + b"12345678"), "checksum")


def test_right_checksum_is_needed_only_once(forger: Any) -> None:
    assert load(forger.forge(lambda fields: None)).settings["seed"] == 3  # the forger's checksum is right


@pytest.mark.parametrize(
    "checksum", ["", "0" * 64, "A" * 64, "g" * 64, "1" * 63, "\ud800" * 64, "é" * 64], ids=lambda text: text[:1]
)
def test_impossible_checksum(forger: Any, checksum: str, seal: Callable[..., bytes]) -> None:
    path = forger.forge(lambda fields: fields["__metadata__"].update(checksum="?" + checksum))
    refuse(path, "checksum|ASCII")


@pytest.mark.parametrize("version", ["2", "10", "999999999"])
def test_newer_version_is_named(forger: Any, version: str) -> None:
    def change(fields: dict[str, Any]) -> None:
        fields["__metadata__"] |= {"format_version": version, "chainrule": "7.1.0", "new": "thing"}
        fields["new"] = {"dtype": "I8", "shape": [2, 2], "data_offsets": [0, 4], "unknown": True}

    message = refuse(forger.forge(change), f"written by a newer chainrule .*7.1.0, its format {version}; .* format 1")
    assert "upgrade with: pip install --upgrade chainrule" in message


@pytest.mark.parametrize("version", ["0", "", "1.0", "01", "-1", "x", "٢", "9" * 5000])
def test_impossible_version(forger: Any, version: str) -> None:
    refuse(forger.forge(lambda fields: fields["__metadata__"].update(format_version=version)), "damaged")


# The closed schema, behind a right checksum

PARTS = ("format", "format_version", "checksum", "chainrule", "numpy", "python")
JSON_PARTS = ("network", "loss", "target", "encoder", "settings", "history")


@pytest.mark.parametrize("key", [*PARTS, *JSON_PARTS])
def test_missing_metadata(forger: Any, key: str) -> None:
    refuse(forger.forge(lambda fields: fields["__metadata__"].pop(key)))


def test_unknown_metadata(forger: Any) -> None:
    path = forger.forge(lambda fields: fields["__metadata__"].update(code="print()"))
    refuse(path, "the metadata has the keys .*code.*, expected")


@pytest.mark.parametrize("value", [1, None, ["1"], {"a": "1"}, True])
@pytest.mark.parametrize("key", ["settings", "chainrule"])
def test_metadata_that_are_no_text(forger: Any, key: str, value: object) -> None:
    refuse(forger.forge(lambda fields: fields["__metadata__"].update({key: value})), "not all texts")


@pytest.mark.parametrize(
    "value", ["", "{", "[1,]", '{"a":1,"a":2}', '{"a":NaN}', '{"a":1e400}', "[" * 5000 + "]" * 5000]
)
@pytest.mark.parametrize("part", JSON_PARTS)
def test_metadata_that_are_no_strict_json(forger: Any, part: str, value: str) -> None:
    refuse(forger.forge_text(part, value), f"damaged: the part '{part}' cannot be read")


def paths_of(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every object in plain data, as the keys that lead there."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = [path] if isinstance(data, dict) else []
    return found + [each for key, value in inner for each in paths_of(value, (*path, key))]


def reach(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


CLOSED = ("network", "loss", "target", "encoder", "history")
OTHER_VALUES = (None, True, -1, 0, 3, 0.5, 10**39, -1e308, "", "relu", "x", [], {}, [[]], {"name": "relu"}, {"name": 1})


@pytest.fixture
def rich(tmp_path: Path, forger: Any) -> Any:
    """A forger whose model has an encoder, values as its target and a loss with a parameter."""
    frame = pd.DataFrame({"age": [1.0, None, 3.0], "pet": ["cat", "dog", "cat"]})
    encoder = TableEncoder.fit(frame)
    model = Network.from_sizes([len(encoder.outputs), 2, 1], dropout=0.5, batch_norm=True).init()
    model.encoder = encoder
    model.target = TargetEncoder("values", center=(1.0,), scale=(2.0,))
    model.loss = LOSSES.find("huber", delta=2)
    return type(forger)(tmp_path, save(model, tmp_path / "rich.safetensors").read_bytes())


@pytest.mark.parametrize("part", CLOSED)
def test_every_key_is_needed_and_none_is_added(forger: Any, rich: Any, part: str) -> None:
    good = forger if part == "history" else rich
    data = json.loads(good.parts()[part])
    for path in paths_of(data):
        for key in reach(data, path):
            refuse(good.forge_part(part, lambda whole, p=path, k=key: reach(whole, p).pop(k)))
        for key in ("extra", "self", "__class__", ""):
            refuse(good.forge_part(part, lambda whole, p=path, k=key: reach(whole, p).update({k: 1})))


@pytest.mark.parametrize("part", CLOSED)
def test_wrong_types_are_refused_or_make_a_sound_model(forger: Any, rich: Any, part: str) -> None:
    """Any value in any place: a `ModelFileError`, or a model that works; never another exception."""
    good = forger if part == "history" else rich
    data = json.loads(good.parts()[part])
    for path in paths_of(data):
        for key in reach(data, path):
            for value in OTHER_VALUES:
                check(good.forge_part(part, lambda whole, p=path, k=key, v=value: reach(whole, p).update({k: v})))


def check(path: Path) -> None:
    """A file is refused with a message, or the model in it can work."""
    try:
        model = load(path)
    except ModelFileError as error:
        check_message(path, error)
        return
    with np.errstate(all="ignore"):
        model.network.summary()
        model.copy()
        if model.encoder is None:
            model.outputs(np.zeros((2, model.network.inputs)))


@pytest.mark.parametrize(
    ("part", "change", "reason"),
    [
        (
            "network",
            lambda data: data["layers"][0]["activation"].update(name="bent"),
            "not registered here; .* register",
        ),
        ("network", lambda data: data["layers"][0]["activation"].update(name="os.system"), "not registered"),
        ("network", lambda data: data["layers"][0]["activation"].update(name="Leaky ReLU"), "not registered"),
        ("network", lambda data: data["layers"][0]["activation"].update(alpha="0.1"), "alpha is '0.1'"),
        ("network", lambda data: data["layers"][0]["activation"].pop("alpha"), "keys"),
        ("network", lambda data: data["layers"][0].update(units=3), "theta has .* numbers, the architecture needs"),
        ("network", lambda data: data["layers"][0].update(units=2.0), "2.0"),
        ("network", lambda data: data["layers"][0].update(units=10**30), "number of neurons"),
        ("network", lambda data: data["layers"][0].update(bias="some"), "bias is 'some'"),
        ("network", lambda data: data["layers"].pop(1), "theta has"),
        ("network", lambda data: data.update(layers=[]), "no Dense"),
        ("network", lambda data: data.update(layers=data["layers"] * 500), "at most 1000 layers"),
        ("network", lambda data: data.update(inputs=0), "inputs"),
        ("loss", lambda data: data.update(name="bce"), "not registered"),
        ("loss", lambda data: data.update(name="binary_cross_entropy"), "needs an output layer with 'sigmoid'"),
        ("target", lambda data: data.update(classes=["cat", "dog", "emu"]), "3 classes, the network has 2 output"),
        ("target", lambda data: data.update(classes=["cat", 1]), "target encoder"),
        ("target", lambda data: data.update(classes=["cat", "cat"]), "target encoder"),
        ("history", lambda data: data.update(best_epoch=0), "history has impossible contents"),
        ("history", lambda data: data.update(best_epoch=True), "history"),
        ("history", lambda data: data.update(updates=-1), "history has impossible contents"),
        ("history", lambda data: data.update(series=["loss", "loss"]), "twice"),
        ("history", lambda data: data.update(series=["loss", "rate", "new"]), "tensors .*, expected"),
        ("history", lambda data: data.update(series=["loss"]), "tensors .*, expected"),
        ("history", lambda data: data.update(series=["loss", "ra\nte"]), "history has impossible contents"),
    ],
)
def test_impossible_contents(forger: Any, part: str, change: Callable[[Any], Any], reason: str) -> None:
    refuse(forger.forge_part(part, change), reason)


@pytest.mark.parametrize("value", ["null", "[]", "{}", '"relu"', "1", "true", "[{}]"])
@pytest.mark.parametrize("part", JSON_PARTS)
def test_parts_of_another_kind(forger: Any, part: str, value: str) -> None:
    path = forger.forge_text(part, value)
    if (part, value) in [("settings", "{}"), ("target", "null"), ("encoder", "null")]:
        load(path)
    else:
        refuse(path, "damaged")


def test_encoder_that_does_not_fit(rich: Any) -> None:
    refuse(rich.forge_part("encoder", lambda data: data["columns"].pop()), "encoder gives .* columns")


HOSTILE = ("x" * 100_000, "\x1b[2J\x1b]0;title\x07", "a\nb\r\tc\u202e", "{path} {0} {}", "%s%n", "../../etc/passwd")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("part", CLOSED)
def test_messages_quote_texts_tamely(forger: Any, rich: Any, part: str, text: str) -> None:
    good = forger if part == "history" else rich
    data = json.loads(good.parts()[part])
    for path in paths_of(data):
        refuse(good.forge_part(part, lambda whole, p=path: reach(whole, p).update({text: 1})))
        for key in {"name", "kind", "bias", "series", "numbers"} & set(reach(data, path)):
            check(good.forge_part(part, lambda whole, p=path, k=key: reach(whole, p).update({k: text})))
    check(good.forge(lambda fields: fields.update({text: fields["theta"]})))
    check(good.forge(lambda fields: fields["__metadata__"].update({"chainrule": text, "format_version": "2"})))


def test_long_descriptions_are_not_read(forger: Any) -> None:
    path = forger.forge_part("network", lambda data: data["layers"][0]["activation"].update(name="x" * 2**20))
    refuse(path, "its network is described by .* characters")


# Tensors


def tensor(fields: dict[str, Any], name: str, **changes: object) -> None:
    fields[name] |= changes


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("theta", {"dtype": "F16"}),
        ("theta", {"dtype": "I64"}),
        ("theta", {"dtype": "F32"}),
        ("theta", {"dtype": 64}),
        ("theta", {"shape": []}),
        ("theta", {"shape": [18, 1]}),
        ("theta", {"shape": [17]}),
        ("theta", {"shape": [-18]}),
        ("theta", {"shape": [18.0]}),
        ("theta", {"shape": [True]}),
        ("theta", {"shape": "18"}),
        ("theta", {"shape": [2**61 + 18]}),
        ("theta", {"shape": [2**64]}),
        ("theta", {"data_offsets": [0, 144]}),
        ("theta", {"data_offsets": [8, 152]}),
        ("theta", {"data_offsets": [152, 8]}),
        ("theta", {"data_offsets": [-8, 136]}),
        ("theta", {"data_offsets": [2**63, 2**63 + 144]}),
        ("theta", {"data_offsets": [64, 208, 0]}),
        ("theta", {"data_offsets": [64]}),
        ("theta", {"data_offsets": ["64", "208"]}),
        ("theta", {"data_offsets": None}),
        ("theta", {"extra": 1}),
        ("state", {"data_offsets": [0, 32]}),
        ("history.loss", {"dtype": "F32", "shape": [4]}),
    ],
)
def test_impossible_places_of_tensors(forger: Any, name: str, changes: dict[str, object]) -> None:
    refuse(forger.forge(lambda fields: tensor(fields, name, **changes)), "damaged|truncated")


@pytest.mark.parametrize("name", ["theta", "state", "history.loss"])
def test_missing_tensor(forger: Any, name: str) -> None:
    refuse(forger.forge(lambda fields: fields.pop(name)), "damaged")


def test_unknown_tensor(forger: Any) -> None:
    new = {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]}
    refuse(forger.forge(lambda fields: fields.update(new=new)), "holds the tensors .*new.*, expected")


def test_tensors_that_share_bytes(forger: Any) -> None:
    refuse(forger.forge(lambda fields: fields.update({"history.loss": fields["history.rate"]})), "begins at byte")


def test_tensors_in_any_order_are_read(forger: Any, same: Callable[[Model, Model], bool]) -> None:
    def reverse(fields: dict[str, Any]) -> None:
        for name in sorted(set(fields) - {"__metadata__"}):
            fields[name] = fields.pop(name)

    assert same(load(forger.forge(reverse)), load(forger.write(forger.good)))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["theta", "state"])
def test_numbers_that_are_not_finite(forger: Any, name: str, number: float) -> None:
    fields = json.loads(forger.good[8 : 8 + int.from_bytes(forger.good[:8], "little")])
    payload = bytearray(forger.good[8 + int.from_bytes(forger.good[:8], "little") :])
    start = fields[name]["data_offsets"][0]
    payload[start : start + 8] = np.array([number]).tobytes()
    refuse(forger.forge(lambda fields: None, bytes(payload)), "damaged: (W1|mean1) holds a number that is not finite")


def test_negative_variance(forger: Any) -> None:
    fields = json.loads(forger.good[8 : 8 + int.from_bytes(forger.good[:8], "little")])
    payload = bytearray(forger.good[8 + int.from_bytes(forger.good[:8], "little") :])
    end = fields["state"]["data_offsets"][1]
    payload[end - 8 : end] = np.array([-1.0]).tobytes()
    refuse(forger.forge(lambda fields: None, bytes(payload)), "damaged: var1 holds a negative variance")


# The header itself


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"{", "cannot be read"),
        (b"{}", "not a chainrule model"),
        (b'{"__metadata__":{"format":"chainrule-model","format":"x"}}', "stands there twice"),
        ('{"größe":{}}'.encode(), "not in ASCII"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too deeply"),
        (b'{"__metadata__":[]}', "not a chainrule model"),
    ],
    ids=["open", "empty", "twice", "utf-8", "deep", "list"],
)
def test_impossible_header(forger: Any, seal: Callable[..., bytes], header: bytes, reason: str) -> None:
    refuse(forger.write(seal(header, b"")), reason)


@pytest.mark.parametrize("length", [8 * 2**20 + 1, 2**31, 2**63, 2**64 - 1])
def test_length_of_the_header_is_bounded(forger: Any, length: int) -> None:
    refuse(forger.write(length.to_bytes(8, "little") + forger.good[8:]), "its header would have .* bytes")


def test_header_beyond_the_end(forger: Any) -> None:
    refuse(forger.write((100_000).to_bytes(8, "little") + forger.good[8:]), "truncated")


# Bombs

BOMBS = {
    "empty lists": lambda n: '{"a":[' + ",".join(["[]"] * (n // 3)) + "]}",
    "small objects": lambda n: '{"a":[' + ",".join(['{"":0}'] * (n // 7)) + "]}",
    "many keys": lambda n: "{" + ",".join(f'"{i:x}":0' for i in range(n // 9)) + "}",
    "short texts": lambda n: '{"a":[' + ",".join(['"ab"'] * (n // 5)) + "]}",
    "wide characters": lambda n: '{"a":"' + r"\ud83d\ude00" + "x" * n + '"}',
}


@pytest.mark.parametrize("megabytes", [0.5, 7])
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_take_little_memory(forger: Any, bomb: str, megabytes: float) -> None:
    text = BOMBS[bomb](int(megabytes * 2**20))
    path = forger.forge_text("settings", text)
    tracemalloc.start()
    try:
        load(path)
    except ModelFileError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4 * path.stat().st_size + 64 * 2**20


def test_large_models_are_not_copied_more_than_needed(tmp_path: Path) -> None:
    path = save(Network.from_sizes([1000, 1000, 1]).init(), tmp_path / "large")
    tracemalloc.start()
    load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * path.stat().st_size + 2**20


# Whatever else


def test_mutations_with_a_right_checksum(forger: Any, seal: Callable[..., bytes]) -> None:
    """Bytes changed, removed, doubled at random: a `ModelFileError` or a model that works, and nothing else."""
    chance = random.Random(1)
    end = 8 + int.from_bytes(forger.good[:8], "little")
    header, payload = forger.good[8:end], forger.good[end:]
    digest = json.loads(header)["__metadata__"]["checksum"].encode()
    header = header.replace(digest, b"0" * 64)
    for _ in range(500):
        check(forger.write(seal(mutate(header, chance), payload)))


def mutate(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        i, j = sorted(chance.sample(range(len(changed)), 2))
        j = min(j, i + 20)
        match chance.randrange(5):
            case 0:
                changed[i] = chance.randrange(32, 127)
            case 1:
                del changed[i:j]
            case 2:
                changed[i:i] = changed[i:j]
            case 3:
                changed[i:j] = chance.choice(
                    (b"null", b"0", b"-1", b"1e9", b"[]", b"{}", b'\\"relu\\"', b"true", b'\\"')
                )
            case 4:
                if 48 <= changed[i] < 58:
                    changed[i] = chance.randrange(48, 58)
    return bytes(changed)


AUDIT = """
import sys
from chainrule.errors import ModelFileError
from chainrule.storage import load

good, *paths = sys.argv[1:]
load(good)  # what is imported on first use is there from now on
with open(good, "rb"):
    pass
events = []
sys.addaudithook(lambda event, args: events.append((event, args)))
for path in [good, *paths]:
    try:
        load(path)
    except ModelFileError:
        pass
seen = list(events)
allowed = {"open", "object.__getattr__", "object.__setattr__", "sys._getframe", "builtins.id"}
opened = {str(args[0]) for event, args in seen if event == "open"}
assert opened <= {good, *paths}, opened
assert {event for event, _ in seen} <= allowed, {event for event, _ in seen}
"""


def test_loading_opens_and_runs_nothing_else(forger: Any, tmp_path: Path) -> None:
    paths = []
    for i, name in enumerate(["os.system", "../other", "bent"]):
        forged = forger.forge_part("network", lambda data, n=name: data["layers"][0]["activation"].update(name=n))
        paths.append(str(forged.rename(tmp_path / f"{i}.safetensors")))
    (tmp_path / "pickle").write_bytes(pickle.dumps(Trap()))
    command = [sys.executable, "-c", AUDIT, str(tmp_path / "good.safetensors"), *paths, str(tmp_path / "pickle")]
    run = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
