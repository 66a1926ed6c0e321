"""What all tests share: no display, no network, the same examples on every run, and where larger data lie."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

os.environ["MPLBACKEND"] = "Agg"
os.environ["CHAINRULE_LANG"] = "en"  # on a Chinese desktop, too

# A red test must be red again on the next run. New examples: pytest --hypothesis-profile=explore
settings.register_profile("same", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("explore", deadline=None, max_examples=500)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Connections leave this machine in no test; a test that plays the server does so on the loopback."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to connect to {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that holds larger data sets in ``data``; tests that use it are skipped where there is none."""
    folder = Path(os.environ.get("CHAINRULE_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no larger data sets in {folder}; CHAINRULE_SHARED names another folder")
    return folder


@pytest.fixture(autouse=True)
def _no_formula_stays_registered() -> Iterator[None]:
    """Take out of the catalogue what a test put in, so that no test depends on those before it."""
    from chainrule.formulas import CATALOGUES

    before = [set(catalogue) for catalogue in CATALOGUES]
    yield
    for catalogue, names in zip(CATALOGUES, before, strict=True):
        for name in set(catalogue) - names:
            catalogue.unregister(name)
