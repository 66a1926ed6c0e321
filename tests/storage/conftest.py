"""What the tests of model files share: small models, and files that say anything with a right checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.data.targets import TargetEncoder
from chainrule.history import History
from chainrule.model import Model
from chainrule.network import BatchNorm, Dense, Network
from chainrule.storage import save

Fields = dict[str, Any]


def seal(fields: Fields | bytes, payload: bytes) -> bytes:
    """Make a file of this header (as it is, where it is bytes) and payload, without the package's help."""
    text = fields if isinstance(fields, bytes) else json.dumps(fields).encode("ascii")
    text += b" " * (-len(text) % 8)
    head = len(text).to_bytes(8, "little") + text
    digest = hashlib.sha256(head + payload).hexdigest()
    return head.replace(b"0" * 64, digest.encode(), 1) + payload


def unseal(content: bytes) -> tuple[Fields, bytes]:
    """Give header and payload of a file, with zeros where the checksum was."""
    end = 8 + int.from_bytes(content[:8], "little")
    fields = json.loads(content[8:end])
    fields["__metadata__"]["checksum"] = "0" * 64
    return fields, content[end:]


class Forger:
    """Makes files that differ from a good one, with a right checksum, so that what refuses them is not the checksum."""

    def __init__(self, folder: Path, good: bytes) -> None:
        self.folder, self.good = folder, good

    def write(self, content: bytes) -> Path:
        path = self.folder / "forged.safetensors"
        path.write_bytes(content)
        return path

    def forge(self, change: Callable[[Fields], object], payload: bytes | None = None) -> Path:
        """Change the header's fields in place."""
        fields, kept = unseal(self.good)
        change(fields)
        return self.write(seal(fields, kept if payload is None else payload))

    def forge_part(self, part: str, change: Callable[[Any], object]) -> Path:
        """Change the JSON in one of the metadata in place."""
        data = json.loads(unseal(self.good)[0]["__metadata__"][part])
        change(data)
        return self.forge_text(part, json.dumps(data))

    def forge_text(self, part: str, text: str) -> Path:
        """Put any text in the place of one of the metadata."""
        return self.forge(lambda fields: fields["__metadata__"].update({part: text}))

    def parts(self) -> Fields:
        """Give the metadata of the good file."""
        return unseal(self.good)[0]["__metadata__"]  # type: ignore[no-any-return]


@pytest.fixture
def small() -> Model:
    """A model that has one of everything, all that a test needs for quick changes."""
    network = Network([Dense(2, "leaky_relu"), BatchNorm("tanh"), Dense(2, "softmax")], inputs=3)
    model = network.init(seed=3)
    model.target = TargetEncoder("classes", name="pet", classes=("cat", "dog"))
    model.history = History({"loss": [0.5, 0.25], "rate": [0.1, 0.1]}, "reference", "all 2 epochs done", 2, 10)
    model.settings = {"seed": 3, "rates": [0.5, None, True], "where": {"file": "Zürich.csv"}}
    return model


@pytest.fixture
def forger(small: Model, tmp_path: Path) -> Forger:
    return Forger(tmp_path, save(small, tmp_path / "good.safetensors").read_bytes())


def same(one: Model, other: Model) -> bool:
    """Whether two models agree in everything, to the bit."""
    facts = [
        (m.network, m.loss, m.target, m.encoder, m.settings, m.theta.dtype, m.theta.tobytes(), m.state.tobytes())
        for m in (one, other)
    ]
    return facts[0] == facts[1] and _bits(one.history) == _bits(other.history)


def _bits(history: History | None) -> object:
    if history is None:
        return None
    series = [(name, np.array(values).tobytes()) for name, values in history.series.items()]
    return series, history.engine, history.stopped, history.best_epoch, history.updates


@pytest.fixture(name="same")
def _same() -> Callable[[Model, Model], bool]:
    return same


@pytest.fixture(name="seal")
def _seal() -> Callable[[Fields | bytes, bytes], bytes]:
    return seal
