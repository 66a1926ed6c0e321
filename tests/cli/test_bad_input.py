"""Bad input, one by one: an exit code, a sentence that says what and where and what to do, and nothing left behind."""

from __future__ import annotations

import errno
import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from .conftest import PEOPLE, Run, Runner

HEADER, *ROWS = PEOPLE.splitlines()
QUICK = ("--epochs", "2")


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def many(rows: list[str] = ROWS, *, at: int = 7, instead: str) -> bytes:
    """The table with another row number ``at``, which is line ``at + 2`` of the file."""
    return table(*rows[:at], instead, *rows[at + 1 :])


def idx(magic: int, *shape: int, payload: int | None = None) -> bytes:
    count = int(np.prod(shape)) if payload is None else payload
    return struct.pack(f">I{len(shape)}I", magic, *shape) + bytes(count)


def state_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check(run: Run, code: int, *words: str) -> None:
    text = run.err
    assert run.code == code, text
    assert "Traceback" not in run.out + text
    assert text.splitlines()[-1].startswith("Error: ")
    assert not [word for word in words if word not in text], text


class Bad(NamedTuple):
    """A file that cannot be trained on."""

    content: bytes
    words: tuple[str, ...]
    name: str = "bad.csv"
    options: tuple[str, ...] = ()


BAD_DATA = {
    "empty file": Bad(b"", ("bad.csv", "is empty")),
    "only a header": Bad(table(), ("bad.csv", "no rows")),
    "wrong target column": Bad(
        table(*ROWS), ("bad.csv", "'gruop'", "did you mean 'group'"), options=("--target", "gruop")
    ),
    "target position": Bad(table(*ROWS), ("bad.csv", "no column 9", "0 to 3"), options=("--target", "#9")),
    "target with one class": Bad(
        table(*(row.rpartition(",")[0] + ",old" for row in ROWS)),
        ("bad.csv", "'group'", "'old'", "200 rows", "--target"),
    ),
    "target without values": Bad(many(instead="30,cat,1.7,"), ("bad.csv", "'group'", "missing", "line 9")),
    "target with as many classes as rows": Bad(
        table(*(f"{row.rpartition(',')[0]},name{k}" for k, row in enumerate(ROWS))), ("bad.csv", "200", "--target")
    ),
    "all-missing column": Bad(
        table(*(f"{row.partition(',')[0]},,{row.split(',', 2)[2]}" for row in ROWS)),
        ("bad.csv", "'pet'", "missing", "remove"),
    ),
    "infinite number": Bad(many(instead="inf,cat,1.7,old"), ("bad.csv", "line 9", "'age'", "inf", "correct")),
    "text among numbers": Bad(many(instead="forty,cat,1.7,old"), ("bad.csv", "line 9", "'age'", "'forty'", "correct")),
    "ragged rows": Bad(many(instead="40,cat,1.7"), ("bad.csv", "line 9", "3 cells", "expected 4")),
    "too many cells": Bad(many(instead="40,cat,1,7,old"), ("bad.csv", "line 9", "5 cells", "expected 4")),
    "open quotation mark": Bad(many(instead='40,"cat,1.7,old'), ("bad.csv", "line 9", "quotation mark")),
    "Latin-1 bytes": Bad(
        many(instead="40,kätzchen,1.7,old").decode().encode("latin-1"), ("bad.csv", "line 9", "--encoding latin-1")
    ),
    "unknown encoding": Bad(table(*ROWS), ("'klingon'", "utf-8"), options=("--encoding", "klingon")),
    "no header": Bad("\n".join(f"{k},{k}.5,{k % 2}" for k in range(50)).encode(), ("bad.csv", "line 1", "names")),
    "one column": Bad(b"group\nold\nyoung\n", ("bad.csv", "'group'")),
    "two columns of one name": Bad(table(*ROWS, header="age,age,height,group"), ("bad.csv", "line 1", "'age'")),
    "truncated gzip": Bad(gzip.compress(table(*ROWS), mtime=0)[:-200], ("bad.csv.gz", "cut off"), "bad.csv.gz"),
    "damaged gzip": Bad(b"\x1f\x8b" + bytes(100), ("bad.csv.gz", "gzip"), "bad.csv.gz"),
    "picture": Bad(b"\x89PNG\r\n\x1a\n" + bytes(100), ("bad.csv",)),
    "IDX with wrong magic": Bad(idx(0xDEADBEEF, 2, 2, 2), ("bad.idx",), "bad.idx"),
    "IDX with wrong size": Bad(idx(0x803, 1000, 28, 28, payload=99), ("bad.idx",), "bad.idx"),
    "IDX without labels": Bad(idx(0x803, 2, 2, 2), ("train-images-idx3-ubyte", "labels"), "train-images-idx3-ubyte"),
    "NPY with objects": Bad(
        b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (3, 2), }".ljust(117) + b"\n",
        ("bad.npy", "objects"),
        "bad.npy",
    ),
    "no NPZ": Bad(b"PK\x03\x04" + bytes(60), ("bad.npz",), "bad.npz"),
    "text called Parquet": Bad(table(*ROWS), ("bad.parquet",), "bad.parquet"),
}


@pytest.mark.parametrize("what", BAD_DATA)
def test_bad_data(what: str, chainrule: Runner, tmp_path: Path) -> None:
    bad = BAD_DATA[what]
    (tmp_path / bad.name).write_bytes(bad.content)
    before = state_of(tmp_path)
    code = 2 if what == "unknown encoding" else 3
    check(chainrule("train", bad.name, *QUICK, *bad.options, "--plot", "curve.png"), code, *bad.words)
    check(chainrule("train", bad.name, *QUICK, *bad.options, "--json"), code, *bad.words)
    assert state_of(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.csv"], ["nothing.csv", "check its name"]),
        (["nowhere/nothing.csv"], ["nothing.csv"]),
        (["."], [". is a folder"]),
        (["irsi"], ["'irsi'", "did you mean 'iris'"]),
        (["mnist", "--data-dir", "nowhere"], ["nowhere", "--data-dir"]),
        (["iris", "--target", "colour"], ["iris", "'colour'"]),
        (["iris", "--test", "nothing.csv"], ["nothing.csv"]),
    ],
)
def test_no_such_data(arguments: list[str], words: list[str], chainrule: Runner, tmp_path: Path) -> None:
    check(chainrule("train", *arguments), 3, *words)
    assert not state_of(tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", "0"], ["epochs", "0", "at least 1"]),
        (["--epochs", "-3"], ["epochs", "-3", "at least 1"]),
        (["--epochs", "many"], ["--epochs", "integer"]),
        (["--rate", "0"], ["learning rate", "above 0"]),
        (["--rate", "-0.1"], ["learning rate", "-0.1", "above 0"]),
        (["--rate", "nan"], ["learning rate", "nan", "above 0"]),
        (["--rate", "inf"], ["learning rate", "inf", "above 0"]),
        (["--batch-size", "0"], ["batch size", "at least 1"]),
        (["--batch-size", "-1"], ["batch size", "-1"]),
        (["--layers", "0"], ["layers", "'0'", "at least 1"]),
        (["--layers", "-5"], ["'-5'", "at least 1"]),
        (["--layers", "30,,x"], ["'30,,x'", "such as 30"]),
        (["--layers", ""], ["layers"]),
        (["--layers", "1000000,1000000"], ["parameters", "memory", "--layers"]),
        (["--activation", "rleu"], ["'rleu'", "did you mean 'relu'"]),
        (["--activation", "step"], ["'step'", "slope"]),
        (["--activation", "relu:alpha=1"], ["relu", "'alpha'"]),
        (["--activation", "leaky_relu:alpha"], ["leaky_relu:alpha"]),
        (["--loss", "mes"], ["'mes'"]),
        (["--loss", "poisson"], ["poisson", "counts"]),
        (["--loss", "mean_squared_error", "--task", "regression"], ["needs numbers", "classification"]),
        (["--task", "clasification"], ["did you mean 'classification'"]),
        (["--optimizer", "adma"], ["did you mean 'adam'"]),
        (["--optimizer", "momentum:mu=2"], ["mu", "2"]),
        (["--schedule", "cosin"], ["did you mean 'cosine'"]),
        (["--initializer", "hee"], ["'hee'"]),
        (["--scaling", "standart"], ["did you mean 'standard'"]),
        (["--engine", "warp"], ["engine", "'warp'"]),
        (["--threads", "0"], ["n_threads is 0", "at least 1"]),
        (["--dtype", "float16"], ["float16", "float64 or float32"]),
        (["--dropout", "1"], ["dropout", "1.0"]),
        (["--dropout", "-0.1"], ["dropout", "-0.1"]),
        (["--l2", "-1"], ["L2", "-1"]),
        (["--clip", "0"], ["clip", "above 0"]),
        (["--patience", "0"], ["patience", "at least 1"]),
        (["--patience", "5", "--validation-share", "0"], ["patience", "--validation-share"]),
        (["--time-limit", "0"], ["time limit", "above 0"]),
        (["--seed", "-1"], ["seed", "-1"]),
        (["--test-share", "1"], ["test share", "1.0"]),
        (["--test-share", "0.6", "--validation-share", "0.5"], ["test share", "validation share"]),
        (["--nonsense"], ["--nonsense", "chainrule train --help"]),
        (["--plot", "curve.jpg"], ["curve.jpg", ".png, .svg, .pdf"]),
        (["--plot", "curve"], ["curve", ".png, .svg, .pdf"]),
        (["--out", "people.csv"], ["people.csv"]),
        (["--out", "x.png", "--plot", "x.png"], ["x.png", "two files"]),
        (["--out", "notes.txt"], ["notes.txt", "no model file", "--out"]),
    ],
    ids=" ".join,
)
def test_wrong_options(options: list[str], words: list[str], chainrule: Runner, people: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("what nobody wants to lose", encoding="utf-8")
    before = state_of(tmp_path)
    expected = 3 if "needs numbers" in words else 2
    check(chainrule("train", people.name, *options), expected, *words)
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("arguments", [["train"], ["trian", "iris"], ["evaluate", "x"], ["data", "lits"]])
def test_wrong_commands(arguments: list[str], chainrule: Runner) -> None:
    check(chainrule(*arguments), 2, "--help")


def test_diverging_training_says_what_to_change(chainrule: Runner, people: Path, tmp_path: Path) -> None:
    before = state_of(tmp_path)
    run = chainrule("train", people.name, "--optimizer", "sgd", "--rate", "1e30", "--plot", "curve.png")
    check(run, 1, "epoch 1", "batch", "layer", "1e+30", "--rate", "Nothing was saved")
    assert state_of(tmp_path) == before


# Rows at prediction.

BAD_ROWS = {
    "text in a numeric column": (
        table("30,cat,1.7", "old,cat,1.7", header="age,pet,height"),
        ("line 3", "'age'", "'old'"),
    ),
    "infinite number": (table("30,cat,inf", header="age,pet,height"), ("line 2", "'height'", "inf")),
    "missing column": (table("30,1.7", header="age,height"), ("lacks", "'pet'")),
    "extra column": (table("30,cat,1.7,9", header="age,pet,height,shoes"), ("'shoes'", "remove")),
    "ragged rows": (table("30,cat", header="age,pet,height"), ("line 2", "2 cells")),
    "empty file": (b"", ("empty",)),
}


@pytest.mark.parametrize("what", BAD_ROWS)
@pytest.mark.parametrize("place", ["file", "standard input"])
def test_bad_rows_at_prediction(what: str, place: str, chainrule: Runner, model: Path, tmp_path: Path) -> None:
    content, words = BAD_ROWS[what]
    (tmp_path / "rows.csv").write_bytes(content)
    before = state_of(tmp_path)
    name = "rows.csv" if place == "file" else "-"
    run = chainrule("predict", model.name, name, "--out", "answers.csv", stdin=content)
    check(run, 3, "rows.csv" if place == "file" else "standard input", *words)
    assert run.out == ""
    assert state_of(tmp_path) == before


def test_unknown_category_is_predicted_and_named(chainrule: Runner, model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(table("30,cat,1.7", "31,parrot,1.6", header="age,pet,height"))
    run = chainrule("predict", model.name, "rows.csv")
    assert run.code == 0
    assert len(run.out.splitlines()) == 3
    assert "rows.csv line 3, column 'pet': 'parrot' was not there in training" in run.err


def test_a_class_that_the_model_does_not_know(chainrule: Runner, model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(many(instead="30,cat,1.7,ancient"))
    check(chainrule("evaluate", model.name, "rows.csv"), 1, "rows.csv", "'ancient'", "old, young")


def test_evaluation_without_the_target(chainrule: Runner, model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(table("30,cat,1.7", header="age,pet,height"))
    check(chainrule("evaluate", model.name, "rows.csv"), 3, "rows.csv", "'group'")


def test_part_of_data_that_the_model_has_not_seen(chainrule: Runner, model: Path, people: Path) -> None:
    people.write_bytes(people.read_bytes() + b"30,cat,1.7,old\n")
    check(chainrule("evaluate", model.name, people.name, "--part", "test"), 2, "people.csv", "--part")
    check(chainrule("evaluate", model.name, people.name, "--part", "tset"), 2, "did you mean 'test'")


@pytest.mark.parametrize("change", ["byte order mark", "carriage returns", "Latin-1, said so", "semicolons"])
def test_what_is_only_unusual_works(change: str, chainrule: Runner, tmp_path: Path) -> None:
    content, options = table(*ROWS), list(QUICK)
    if change == "byte order mark":
        content = b"\xef\xbb\xbf" + content
    elif change == "carriage returns":
        content = content.replace(b"\n", b"\r\n")
    elif change == "semicolons":
        content = content.replace(b",", b";")
    else:
        content = content.replace(b"dog", "Rüde".encode("latin-1"))
        options += ["--encoding", "latin-1"]
    (tmp_path / "unusual.csv").write_bytes(content)
    run = chainrule("train", "unusual.csv", *options)
    assert run.code == 0, run.err
    again = chainrule("evaluate", "unusual.safetensors", "unusual.csv", *options[2:])
    assert again.code == 0, again.err


# Model files.


def flip(content: bytes) -> bytes:
    return content[:-10] + bytes([content[-10] ^ 4]) + content[-9:]


BAD_MODELS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "truncated header": lambda content: content[:100],
    "bit-flipped": flip,
    "of a newer version": lambda content: content.replace(b'"format_version":"1"', b'"format_version":"9"'),
    "a table": lambda content: PEOPLE.encode(),
    "a picture": lambda content: b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a pickle": lambda content: b"\x80\x04\x95" + bytes(100),
    "with a byte too many": lambda content: content + b"\0",
}


@pytest.mark.parametrize("what", BAD_MODELS)
def test_bad_model_files(what: str, chainrule: Runner, model: Path, people: Path, tmp_path: Path) -> None:
    content = model.read_bytes()
    spoilt = BAD_MODELS[what](content)
    assert spoilt != content
    model.write_bytes(spoilt)
    before = state_of(tmp_path)
    words = [model.name, *(["version"] if "version" in what else [])]
    for command in (["inspect"], ["evaluate", people.name], ["predict", people.name, "--out", "answers.csv"]):
        check(chainrule(command[0], model.name, *command[1:]), 3, *words)
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("name", ["nothing.safetensors", "."])
def test_no_such_model(name: str, chainrule: Runner, people: Path) -> None:
    for command in (["inspect", name], ["evaluate", name, people.name], ["predict", name, people.name]):
        check(chainrule(*command), 3, name)


# Places that cannot be written to.


@pytest.mark.parametrize(
    "command", [["train", "people.csv", *QUICK, "--out"], ["predict", "people.safetensors", "people.csv", "--out"]]
)
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nowhere/result", ["nowhere", "no folder"]),
        ("folder", ["folder", "is a folder"]),
        ("people.csv/x", ["people.csv"]),
    ],
)
def test_places_that_are_no_places(
    command: list[str], place: str, words: list[str], chainrule: Runner, people: Path, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    before = state_of(tmp_path)
    check(chainrule(*command, place), 1, *words)
    assert state_of(tmp_path) == before


def test_unwritable_folder_is_found_before_training(
    chainrule: Runner, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("chainrule.training.train", lambda *_, **__: pytest.fail("it trained"))
    before = state_of(tmp_path)
    for option in (["--out", "x.safetensors"], ["--plot", "x.png"], []):
        check(
            chainrule("train", people.name, *option), 1, "cannot be written to", "Permission denied", "another folder"
        )
    assert state_of(tmp_path) == before


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_folder_without_right_to_write(chainrule: Runner, people: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked").chmod(0o500)
    check(chainrule("train", people.name, "--out", "locked/x.safetensors"), 1, "locked", "cannot be written to")


@pytest.mark.parametrize("older", [True, False])
def test_full_disk_leaves_the_older_model(
    older: bool, chainrule: Runner, people: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if not older:
        model.unlink()
    before = state_of(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_room)
        check(chainrule("train", people.name, *QUICK), 1, "people.safetensors", "no space left")
        if older:
            check(
                chainrule("predict", model.name, people.name, "--out", "answers.csv"), 1, "answers.csv", "no space left"
            )
    assert state_of(tmp_path) == before


def test_an_unforeseen_error_is_one_line(chainrule: Runner, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("[bold]who divides[/]")

    monkeypatch.setattr("chainrule.recipes.decide", fail)
    run = chainrule("train", people.name)
    check(run, 1, "ZeroDivisionError: [bold]who divides[/]", "CHAINRULE_DEBUG=1")
    assert len(run.err.splitlines()) == 1
    monkeypatch.setenv("CHAINRULE_DEBUG", "1")
    assert "Traceback" in chainrule("train", people.name).err


def test_too_little_memory(chainrule: Runner, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr("chainrule.recipes.run", fail)
    check(chainrule("train", people.name), 1, "memory", "--layers")
