"""Event files for TensorBoard, read back as records of protocol buffers."""

from __future__ import annotations

import errno
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboardX.crc32c import crc32c
from tensorboardX.proto.event_pb2 import Event, SessionLog

from chainrule import Network, TensorBoard, train
from chainrule.errors import MissingExtra, SaveError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(20, 3))
y = RNG.integers(0, 2, 20)
NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax")


def masked(data: bytes) -> int:
    """The checksum as the format has it."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def read_events(path: Path) -> list[Any]:
    """Every record: length, its checksum, an event, its checksum."""
    content, found, at = path.read_bytes(), [], 0
    while at < len(content):
        head = content[at : at + 8]
        (length,) = struct.unpack("<Q", head)
        data = content[at + 12 : at + 12 + length]
        assert struct.unpack("<I", content[at + 8 : at + 12])[0] == masked(head)
        assert struct.unpack("<I", content[at + 12 + length : at + 16 + length])[0] == masked(data)
        found.append(Event.FromString(data))
        at += 16 + length
    return found


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """What TensorBoard shows: files in the order of their names; a start takes back what is of its step and later."""
    shown: dict[str, dict[int, float]] = {}
    for path in sorted(folder.iterdir()):
        for event in read_events(path):
            if event.session_log.status == SessionLog.START:
                shown = {name: {k: v for k, v in at.items() if k < event.step} for name, at in shown.items()}
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    assert event.step not in shown.setdefault(value.tag, {}), "it would be drawn twice"
                    shown[value.tag][event.step] = value.simple_value
    return shown


def as_float32(series: list[float]) -> dict[int, float]:
    return {k + 1: float(np.float32(value)) for k, value in enumerate(series)}


def test_every_series_with_the_epoch_as_step(tmp_path: Path) -> None:
    model = train(NETWORK, X, y, epochs=4, validation=(X, y), callbacks=TensorBoard(tmp_path / "new" / "folder"))
    (path,) = (tmp_path / "new" / "folder").iterdir()
    assert read_events(path)[0].file_version == "brain.Event:2"
    expected = {name: as_float32(series) for name, series in model.history.items()}
    assert scalars(tmp_path / "new" / "folder") == expected


def test_going_on_shows_no_epoch_twice(tmp_path: Path) -> None:
    """Two files of one second have names of their own, and the second takes back what it makes anew."""
    board = TensorBoard(tmp_path)
    first = train(NETWORK, X, y, epochs=3, callbacks=board)
    train(first, X, y, epochs=4, callbacks=board)  # this one crashes, and nothing of it is kept
    more = train(first, X, y, epochs=2, callbacks=board)
    assert len(list(tmp_path.iterdir())) == 3
    assert scalars(tmp_path)["loss"] == as_float32(more.history["loss"])


def test_histograms_of_the_parameters(tmp_path: Path) -> None:
    model = train(NETWORK, X, y, epochs=2, callbacks=TensorBoard(tmp_path, histograms=True))
    (path,) = tmp_path.iterdir()
    values = {value.tag: value.histo for event in read_events(path) for value in event.summary.value if event.step == 2}
    assert {name for name in values if name in model} == {"W1", "b1", "W2", "b2"}
    assert values["W1"].num == 12
    assert values["W1"].sum == pytest.approx(model.W[1].sum())
    assert (values["b2"].min, values["b2"].max) == (model.b[2].min(), model.b[2].max())


def test_each_epoch_is_there_as_soon_as_it_is_done(tmp_path: Path) -> None:
    seen = []

    class Look:
        def epoch(self, info: Any) -> None:
            seen.append(len(scalars(tmp_path)["loss"]))

    train(NETWORK, X, y, epochs=3, callbacks=[TensorBoard(tmp_path), Look()])
    assert seen == [1, 2, 3]


def test_without_the_library_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtra, match=r'tensorboardX.*pip install "chainrule\[tensorboard\]"'):
        TensorBoard("runs")


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(SaveError, match="name another folder"):
        train(NETWORK, X, y, epochs=1, callbacks=TensorBoard(tmp_path / "taken"))


def test_a_full_disk_costs_no_training(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)

    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            pass

    class FillUp:
        def begin(self, info: Any) -> None:
            board._file.close()
            board._file = Full()

    with pytest.warns(RuntimeWarning, match="No space left on device; training goes on") as told:
        model = train(NETWORK, X, y, epochs=5, callbacks=[board, FillUp()])
    assert len(told) == 1
    assert model.history.epochs == 5
    assert isinstance(board.lost, OSError)
