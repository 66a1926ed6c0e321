"""MNIST and Fashion-MNIST: found in folders, downloaded once, and never one taken for the other."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.data import images, load, load_images
from chainrule.data.download import Published
from chainrule.errors import DataError, NetworkError, UnknownName

Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_DATA_DIR", raising=False)


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, Any]:
    """Options under which nothing is found and nothing can be downloaded."""
    return {"cache": tmp_path / "cache", "mirrors": ()}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def put(folder: Path, files: Files) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("form", ["raw", "gz", "dotted", "mixed"])
@pytest.mark.parametrize("place", ["itself", "subfolder"])
def test_found_in_a_folder(
    tmp_path: Path, four_files: Files, packed: Files, nowhere: dict[str, Any], name: str, form: str, place: str
) -> None:
    files = {
        "raw": four_files,
        "gz": packed,
        "dotted": {key.replace("-idx", ".idx"): value for key, value in four_files.items()},
        "mixed": dict([*list(four_files.items())[:2], *list(packed.items())[2:]]),
    }[form]
    put(tmp_path / name if place == "subfolder" else tmp_path, files)
    dataset = load_images(name, data_dir=tmp_path, **nowhere)
    assert dataset.X.shape == (20, 6)
    assert dataset.X.dtype == np.uint8
    assert dataset.y.dtype == np.int64
    assert dataset.y.tolist() == [*range(10), *range(10)]
    assert dataset.image_shape == (3, 2)
    assert dataset.test[0].shape == (10, 6)
    assert dataset.test[0][0].tolist() == [120, 121, 122, 123, 124, 125]
    assert dataset.test[1].tolist() == list(range(10))
    assert len(dataset.classes) == 10
    assert not (tmp_path / "cache").exists()


def test_the_environment_variable_names_a_folder(
    tmp_path: Path, four_files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "mnist", four_files)
    monkeypatch.setenv("CHAINRULE_DATA_DIR", str(tmp_path))
    assert load("mnist").X.shape == (20, 6)
    monkeypatch.setenv("CHAINRULE_DATA_DIR", str(tmp_path / "wrong"))
    with pytest.raises(
        DataError, match=r"there is no folder .*wrong \(from the environment variable CHAINRULE_DATA_DIR"
    ):
        load("mnist")
    assert load("mnist", data_dir=tmp_path).X.shape == (20, 6), "what is given comes before the variable"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder .*wrong \(from --data-dir\); name the folder"):
        load("mnist", data_dir=tmp_path / "wrong")


def test_a_folder_that_lacks_some_of_the_files(tmp_path: Path, four_files: Files, nowhere: dict[str, Any]) -> None:
    del four_files["train-labels-idx1-ubyte"]
    put(tmp_path, four_files)
    with pytest.raises(DataError, match=r"lacks train-labels-idx1-ubyte \(with or without \.gz\); put it beside"):
        load_images("mnist", data_dir=tmp_path, **nowhere)


def test_files_of_the_other_set_are_not_taken(
    tmp_path: Path, four_files: Files, nowhere: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sets' files have the same names; the published checksum of the test labels tells them apart."""
    labels = four_files["t10k-labels-idx1-ubyte"]
    known = images.IMAGE_SETS["mnist"]
    last = Published(known.files[3].name, len(labels), hashlib.sha256(labels).hexdigest())
    monkeypatch.setitem(images.IMAGE_SETS, "mnist", replace(known, files=(*known.files[:3], last)))
    put(tmp_path, four_files)
    assert load_images("mnist", data_dir=tmp_path, **nowhere).name == "mnist"
    with pytest.raises(NetworkError, match="fashion-mnist could not be downloaded"):
        load_images("fashion-mnist", data_dir=tmp_path, **nowhere)


def publish(monkeypatch: pytest.MonkeyPatch, files: Files) -> None:
    """Let these files be the published ones."""
    published = tuple(Published(n, len(c), hashlib.sha256(c).hexdigest()) for n, c in files.items())
    monkeypatch.setitem(images.IMAGE_SETS, "mnist", replace(images.IMAGE_SETS["mnist"], files=published))


def test_downloaded_once(
    tmp_path: Path, server: Any, four_files: Files, packed: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(monkeypatch, four_files)
    for name, content in packed.items():
        server.give(name, content)
    options = {"cache": tmp_path, "mirrors": (server.url,), "timeout": 5.0}
    seen: list[str] = []
    dataset = load_images("mnist", progress=lambda name, *_: seen.append(name), **options)
    assert dataset.X.shape == (20, 6)
    assert seen == list(four_files)
    assert names_in(tmp_path / "mnist") == sorted(packed)
    assert load_images("mnist", **options).y.tolist() == dataset.y.tolist()
    assert len(server.asked) == 4, "the second time nothing is asked for"
    (tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz").unlink()
    load_images("mnist", **options)
    assert server.asked[4:] == ["/t10k-images-idx3-ubyte.gz"], "only what is missing is asked for"


def test_no_network_says_what_to_put_where(
    tmp_path: Path, server: Any, four_files: Files, packed: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(monkeypatch, four_files)
    server.give("train-images-idx3-ubyte.gz", packed["train-images-idx3-ubyte.gz"])
    with pytest.raises(NetworkError) as caught:
        load_images("mnist", cache=tmp_path, mirrors=(server.url,), timeout=5.0)
    message = str(caught.value)
    assert "train-labels-idx1-ubyte.gz: status 404" in message
    for name in [*four_files, "--data-dir FOLDER", "CHAINRULE_DATA_DIR"]:
        assert name in message
    assert names_in(tmp_path / "mnist") == ["train-images-idx3-ubyte.gz"], "what came whole is kept for next time"


def test_a_damaged_file_in_the_cache_is_named(tmp_path: Path, packed: Files, nowhere: dict[str, Any]) -> None:
    content = packed["t10k-images-idx3-ubyte.gz"]
    packed["t10k-images-idx3-ubyte.gz"] = content[: len(content) // 2]
    put(tmp_path / "cache" / "mnist", packed)
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz is gzipped, but ends before its content does"):
        load_images("mnist", **nowhere)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-labels-idx1-ubyte", np.zeros(19, dtype=np.uint8), r"holds uint8 \(19,\); 20 labels are expected"),
        ("train-labels-idx1-ubyte", np.zeros((20, 2), dtype=np.uint8), r"20 labels are expected"),
        ("train-labels-idx1-ubyte", np.zeros(20, dtype=np.int32), r"20 labels are expected"),
        ("train-labels-idx1-ubyte", np.arange(20, dtype=np.uint8), r"row 19: the label is 19; labels from 0 to 9"),
        ("train-images-idx3-ubyte", np.zeros((20, 6), dtype=np.uint8), r"images are expected, \(n, height, width\)"),
        ("train-images-idx3-ubyte", np.zeros((20, 3, 2), dtype=np.float32), r"images are expected"),
        ("t10k-images-idx3-ubyte", np.zeros((10, 2, 2), dtype=np.uint8), r"\(2, 2\) pixels large, .* \(3, 2\)"),
    ],
)
def test_files_that_do_not_fit_together(
    tmp_path: Path,
    four_files: Files,
    idx: Callable[[np.ndarray], bytes],
    nowhere: dict[str, Any],
    name: str,
    array: np.ndarray,
    message: str,
) -> None:
    four_files[name] = idx(array)
    put(tmp_path, four_files)
    with pytest.raises(DataError, match=message) as caught:
        load_images("mnist", data_dir=tmp_path, **nowhere)
    assert name in str(caught.value)


def test_unknown_set() -> None:
    with pytest.raises(UnknownName, match="Known: mnist, fashion-mnist"):
        load_images("imagenet")


def test_the_published_sums_are_those_of_mnist(shared: Path) -> None:
    folder = shared / "data" / "mnist"
    if not folder.is_dir():
        pytest.skip(f"no MNIST in {folder}")
    for file in images.IMAGE_SETS["mnist"].files:
        content = gzip.decompress((folder / f"{file.name}.gz").read_bytes())
        assert len(content) == file.size
        assert hashlib.sha256(content).hexdigest() == file.sha256


def test_mnist(shared: Path) -> None:
    dataset = load("mnist", data_dir=shared / "data")
    assert dataset.X.shape == (60_000, 784)
    assert dataset.test[0].shape == (10_000, 784)
    assert dataset.image_shape == (28, 28)
    assert np.bincount(dataset.y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert dataset.y[:5].tolist() == [5, 0, 4, 1, 9]


def test_mirrors_are_https() -> None:
    for images_set in images.IMAGE_SETS.values():
        assert len(images_set.mirrors) >= 2
        assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in images_set.mirrors)
