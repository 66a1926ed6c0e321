"""IDX files: every type and shape comes back, and nothing is believed that the file does not hold."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.data import load, read_rows
from chainrule.data.idx import is_idx, read_idx
from chainrule.errors import DataError

Idx = Callable[[np.ndarray], bytes]
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


@given(data=st.data(), kind=st.sampled_from(sorted(CODES)))
def test_round_trip(data: st.DataObject, kind: str) -> None:
    array = data.draw(hnp.arrays(np.dtype(kind), hnp.array_shapes(max_dims=4, min_side=0, max_side=4)))
    head = bytes([0, 0, CODES[kind], array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    content = head + array.astype(array.dtype.newbyteorder(">")).tobytes()
    for size in (len(content), None):
        read = read_idx(io.BytesIO(content), "some.idx", size=size)
        assert read.dtype == array.dtype
        assert read.dtype.isnative
        np.testing.assert_array_equal(read, array)
    for cut in range(len(content)):
        with pytest.raises(DataError):
            read_idx(io.BytesIO(content[:cut]), "some.idx", size=cut)
        with pytest.raises(DataError):
            read_idx(io.BytesIO(content[:cut]), "some.idx")


@pytest.mark.parametrize(
    "head", [b"", b"\0\0", b"\0\0\x08", b"\0\0\x08\0", b"\0\0\x08\x05", b"\0\0\x0a\x01", b"\0\1\x08\1", b"a,b\n"]
)
def test_what_is_no_idx_file(head: bytes) -> None:
    assert not is_idx(head)
    with pytest.raises(DataError, match=r"some\.idx begins with the bytes .*an IDX file begins with 00 00"):
        read_idx(io.BytesIO(head + b"\0" * 40), "some.idx") if len(head) == 4 else read_idx(
            io.BytesIO(head), "some.idx"
        )


def test_sizes_are_checked_before_anything_is_allocated() -> None:
    """A header of 16 bytes that promises 10^18 values costs no more memory than it has."""
    head = bytes([0, 0, 8, 3]) + np.array([10**6, 10**6, 10**6], dtype=">u4").tobytes()
    tracemalloc.start()
    for size in (len(head) + 5, None):
        with pytest.raises(DataError, match="1000000 x 1000000 x 1000000 values"):
            read_idx(io.BytesIO(head + b"12345"), "bomb.idx", size=size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


@pytest.mark.parametrize(("shape", "message"), [((0, 2**31), "has no rows"), ((0, 2**31, 2**31), "has no rows")])
def test_no_rows_of_very_many_columns(write: Callable[..., object], shape: tuple[int, ...], message: str) -> None:
    """No values at all are needed for that, so the size is right."""
    head = bytes([0, 0, 8, len(shape)]) + np.array(shape, dtype=">u4").tobytes()
    with pytest.raises(DataError, match=message):
        read_rows(write("t.idx", head))


def test_very_many_columns(write: Callable[..., object], idx: Idx) -> None:
    with pytest.raises(DataError, match="more than 1000000 columns; are rows and columns swapped"):
        read_rows(write("t.idx", idx(np.zeros((1, 10**6 + 1), dtype=np.uint8))))


def test_a_packed_file_is_unpacked_no_further_than_its_header_says(write: Callable[..., object], idx: Idx) -> None:
    """20 kB that unpack to 20 MB, of which the header accounts for 100 bytes."""
    content = gzip.compress(idx(np.zeros((1, 100), dtype=np.uint8)) + bytes(20 * 10**6))
    path = write("bomb-idx2-ubyte.gz", content)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"1 x 100 values, which take 100 bytes, but 101 or more follow"):
        read_rows(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * 10**6


def test_images_become_rows(write: Callable[..., object], idx: Idx) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    path = write("some-images-idx3-ubyte", idx(images))
    write("some-labels-idx1-ubyte", idx(np.array([0, 1, 0, 1], dtype=np.uint8)))
    assert read_rows(path).tolist() == images.reshape(4, 6).tolist()
    dataset = load(path)
    assert dataset.X.dtype == np.uint8
    assert dataset.image_shape == (3, 2)
    assert dataset.y.tolist() == [0, 1, 0, 1]
    assert dataset.y.dtype == np.int64
    assert dataset.target_choice == "the file some-labels-idx1-ubyte"


def test_labels_may_lie_elsewhere(write: Callable[..., object], idx: Idx) -> None:
    path = write("pictures.idx", idx(np.zeros((2, 2, 2), dtype=np.uint8)))
    with pytest.raises(
        DataError, match=r"pictures\.idx holds images, but there is no file .* with their labels: name it"
    ):
        load(path)
    labels = write("other/answers.idx", idx(np.array([3, 4], dtype=np.uint8)))
    assert load(path, target=str(labels)).y.tolist() == [3, 4]
    short = write("short.idx", idx(np.array([3], dtype=np.uint8)))
    with pytest.raises(DataError, match=r"expected are as many targets as rows"):
        load(path, target=str(short))


def test_labels_alone_cannot_be_learnt(write: Callable[..., object], idx: Idx) -> None:
    path = write("some-labels-idx1-ubyte", idx(np.array([3, 4], dtype=np.uint8)))
    with pytest.raises(DataError, match="is one IDX array; to train, name the file with the images"):
        load(path)
