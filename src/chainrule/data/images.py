"""MNIST and Fashion-MNIST: four IDX files out of a folder, or downloaded once into the user's cache folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chainrule.data.dataset import Array, Dataset, feature_names
from chainrule.data.download import Progress, Published, download
from chainrule.data.idx import read_idx
from chainrule.data.sources import open_source, read_all
from chainrule.errors import DataError, NetworkError, UnknownName
from chainrule.language import Message

__all__ = ["IMAGE_SETS", "VARIABLE", "ImageSet", "load_images"]

# The environment variable that names a folder with the files.
VARIABLE = "CHAINRULE_DATA_DIR"

_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_SIZES = (47_040_016, 60_008, 7_840_016, 10_008)


@dataclass(frozen=True)
class ImageSet:
    """Where a set's four files are, and what they must be.

    Args:
        name: the set's name.
        files: training images and labels, test images and labels.
        mirrors: base addresses to download from, the first one first.
        target: what the labels are.
        classes: the classes' names.
        description: one or two sentences.
        source: who made it.
    """

    name: str
    files: tuple[Published, ...]
    mirrors: tuple[str, ...]
    target: str
    classes: tuple[str | int, ...]
    description: str
    source: str


def _files(*sums: str) -> tuple[Published, ...]:
    return tuple(Published(name, size, sha256) for name, size, sha256 in zip(_NAMES, _SIZES, sums, strict=True))


IMAGE_SETS = {
    "mnist": ImageSet(
        "mnist",
        _files(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        "digit",
        tuple(range(10)),
        Message(
            "Handwritten digits, 60,000 images to train with and 10,000 to test with, 28 x 28 pixels from 0 to 255."
        ),
        "Y. LeCun, C. Cortes, C. J. C. Burges: The MNIST database of handwritten digits",
    ),
    "fashion-mnist": ImageSet(
        "fashion-mnist",
        _files(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        (
            "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        "article",
        (
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        Message(
            "Articles of clothing, 60,000 images to train with and 10,000 to test with, 28 x 28 pixels from 0 to 255."
        ),
        "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST, arXiv:1708.07747 (2017)",
    ),
}


def load_images(
    name: str,
    *,
    data_dir: str | Path | None = None,
    progress: Progress | None = None,
    cache: Path | None = None,
    mirrors: tuple[str, ...] | None = None,
    timeout: float = 20.0,
) -> Dataset:
    """Load MNIST or Fashion-MNIST.

    The four files, gzipped or not, are looked for in ``data_dir`` (or else the folder that the environment variable
    CHAINRULE_DATA_DIR names): in its subfolder called like the set, then in the folder itself. Then in the cache
    folder. What is not there is downloaded into the cache folder and checked against the published SHA-256.

    Args:
        name: "mnist" or "fashion-mnist".
        data_dir: a folder.
        progress: called while something is downloaded.
        cache: the cache folder; None is this system's usual place.
        mirrors: base addresses to download from instead of the published ones.
        timeout: seconds without an answer after which a mirror is given up.

    Returns:
        X and the test part's: uint8 (n, 784); y: int64.

    Raises:
        DataError: where the folder lacks some of the files, or they do not fit together.
        NetworkError: where nothing could be downloaded; says what to put where.
    """
    if name not in IMAGE_SETS:
        raise UnknownName.among("set of images", name, IMAGE_SETS)
    images = IMAGE_SETS[name]
    paths = _local_files(images, data_dir)
    if paths is None:
        paths = _cached_files(images, cache or _cache_folder(), progress, mirrors or images.mirrors, timeout)
    X, y, shape = _read_part(paths[0], paths[1], images)
    X_test, y_test, test_shape = _read_part(paths[2], paths[3], images)
    if test_shape != shape:
        raise DataError(
            "{path}: the images are {got} pixels large, those to train with {expected}; get the four files again",
            path=paths[2],
            got=test_shape,
            expected=shape,
        )
    return Dataset(
        name=name,
        X=X,
        y=y,
        task="classification",
        features=feature_names(X.shape[1]),
        target=images.target,
        classes=images.classes,
        image_shape=shape,
        description=images.description,
        source=images.source,
        test=(X_test, y_test),
    )


def _read_part(images_path: Path, labels_path: Path, images: ImageSet) -> tuple[Array, Array, tuple[int, int]]:
    """Read images and labels, and check that they are such and as many."""
    pixels, labels = _read(images_path), _read(labels_path)
    if pixels.ndim != 3 or pixels.dtype != np.uint8:
        raise DataError(
            "{path} holds {got}; images are expected, (n, height, width) in bytes: is it the right file?",
            path=images_path,
            got=f"{pixels.dtype} {pixels.shape}",
        )
    if labels.ndim != 1 or labels.dtype != np.uint8 or len(labels) != len(pixels) or len(labels) == 0:
        raise DataError(
            "{path} holds {got}; {count} labels are expected, as many as there are images, in bytes",
            path=labels_path,
            got=f"{labels.dtype} {labels.shape}",
            count=len(pixels),
        )
    if labels.max() >= len(images.classes):
        row = int(labels.argmax())
        raise DataError(
            "{path}, row {row}: the label is {label}; labels from 0 to {last} are expected",
            path=labels_path,
            row=row,
            label=int(labels[row]),
            last=len(images.classes) - 1,
        )
    return pixels.reshape(len(pixels), -1), labels.astype(np.int64), (pixels.shape[1], pixels.shape[2])


def _read(path: Path) -> Array:
    with open_source(path) as opened:
        return read_idx(opened.file, opened.name, size=opened.size)


def _local_files(images: ImageSet, data_dir: str | Path | None) -> list[Path] | None:
    """Find the four files in the folder that the user named; None where there is nothing like them."""
    named = data_dir if data_dir is not None else os.environ.get(VARIABLE) or None
    if named is None:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise DataError(
            "there is no folder {path} (from {origin}); name the folder in which the files are",
            path=folder,
            origin="--data-dir" if data_dir is not None else Message("the environment variable {name}", name=VARIABLE),
        )
    return _files_in(folder / images.name, images) or _files_in(folder, images)


def _files_in(folder: Path, images: ImageSet) -> list[Path] | None:
    """Find the four files in a folder; None where there are none, or another set's, which have the same names."""
    found = [_find(folder, file.name) for file in images.files]
    if not any(found) or _is_another_set(found[3], images):
        return None
    missing = [file.name for file, path in zip(images.files, found, strict=True) if path is None]
    if missing:
        raise DataError(
            "the folder {path} lacks {missing} (with or without .gz); put it beside the others",
            path=folder,
            missing=", ".join(missing),
        )
    return [path for path in found if path is not None]


def _find(folder: Path, name: str) -> Path | None:
    """Find a file, packed or not, with a dash or (as some archives have it) a dot before idx."""
    stems = (name, name.replace("-idx", ".idx"))
    return next((path for stem in stems for end in ("", ".gz") if (path := folder / f"{stem}{end}").is_file()), None)


def _is_another_set(labels: Path | None, images: ImageSet) -> bool:
    """Tell by the test labels' checksum."""
    if labels is None:
        return False
    with open_source(labels) as opened:
        digest = hashlib.sha256(read_all(opened)).hexdigest()
    return any(digest == other.files[3].sha256 for other in IMAGE_SETS.values() if other.name != images.name)


def _cache_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("chainrule") / "data"


def _cached_files(
    images: ImageSet, cache: Path, progress: Progress | None, mirrors: tuple[str, ...], timeout: float
) -> list[Path]:
    """Find the four files in the cache folder, and download those that are not there."""
    folder = cache / images.name
    paths = []
    for file in images.files:
        path = _find(folder, file.name)
        try:
            paths.append(path or download(file, folder, mirrors, progress=progress, timeout=timeout))
        except NetworkError as error:
            raise NetworkError(
                "{set} could not be downloaded ({reasons}). Without a network, put the files {files} (with or without"
                " .gz) into a folder and name it: --data-dir FOLDER, or the environment variable {variable}",
                set=images.name,
                reasons=error.fields["reasons"],
                files=", ".join(file.name for file in images.files),
                variable=VARIABLE,
                folder=folder,
            ) from error
    return paths
