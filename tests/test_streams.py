"""Random streams: their words are Philox's, every number is a function of seed, purpose and counters, and stays so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chainrule import streams
from chainrule.errors import UnknownName, UsageError
from chainrule.streams import PURPOSES, check_seed, mask, normals, permutation, uniforms, words

seeds = st.integers(0, 2**64 - 1)
counters = st.lists(st.integers(0, 2**32), max_size=2)
purposes = st.sampled_from(sorted(PURPOSES))

MASK64 = 2**64 - 1


def philox_block(counter: list[int], key: list[int]) -> list[int]:
    """Four 64-bit words of Philox-4x64-10, written from the paper's figure 3 and table 2."""
    a, b, c, d = counter
    k, l = key
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * a, 0xCA5A826395121157 * c
        a, b, c, d = (second >> 64) ^ b ^ k, second & MASK64, (first >> 64) ^ d ^ l, first & MASK64
        k, l = (k + 0x9E3779B97F4A7C15) & MASK64, (l + 0xBB67AE8584CAA73B) & MASK64
    return [a, b, c, d]


def test_philox_has_its_authors_known_answer() -> None:
    answer = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert philox_block([0, 0, 0, 0], [0, 0]) == answer


@given(seed=seeds, purpose=purposes, counters=counters)
def test_words_are_philox_with_the_documented_key_and_counter(seed: int, purpose: str, counters: list[int]) -> None:
    first, second = [*counters, 0, 0][:2]
    # NumPy steps the counter before each block, so that the first block enciphers 1.
    key = [seed, PURPOSES[purpose]]
    expected = [word for block in (1, 2, 3) for word in philox_block([block, 0, first, second], key)]
    assert words(seed, purpose, *counters, count=10).tolist() == expected[:10]


def test_purposes_keep_their_numbers() -> None:
    assert list(PURPOSES.items())[:6] == [
        ("init", 1),
        ("shuffle", 2),
        ("dropout", 3),
        ("split", 4),
        ("data", 5),
        ("test", 6),
    ]
    assert len(set(PURPOSES.values())) == len(PURPOSES)


@given(seed=seeds, purpose=purposes, counters=counters, short=st.integers(0, 20), more=st.integers(0, 20))
def test_short_stream_is_the_beginning_of_the_long_one(
    seed: int, purpose: str, counters: list[int], short: int, more: int
) -> None:
    long = words(seed, purpose, *counters, count=short + more)
    assert np.array_equal(words(seed, purpose, *counters, count=short), long[:short])
    u = uniforms(seed, purpose, *counters, shape=short + more)
    assert np.array_equal(uniforms(seed, purpose, *counters, shape=short), u[:short])


def test_streams_never_meet() -> None:
    keys = [(s, p, a, b) for s in (0, 1, 2**63) for p in PURPOSES for a in (0, 1, 7) for b in (0, 1, 7)]
    drawn = np.array([words(seed, purpose, a, b, count=8) for seed, purpose, a, b in keys])
    assert len(np.unique(drawn)) == drawn.size
    # … and neighbours have nothing to do with each other: no correlation between their uniforms.
    u = np.array([uniforms(0, "test", counter, shape=2000) for counter in range(10)])
    off_diagonal = np.corrcoef(u)[~np.eye(10, dtype=bool)]
    assert np.abs(off_diagonal).max() < 5 / math.sqrt(2000)


def test_missing_counters_are_0() -> None:
    assert np.array_equal(words(3, "init", count=4), words(3, "init", 0, 0, count=4))
    assert np.array_equal(words(3, "init", 5, count=4), words(3, "init", 5, 0, count=4))


def test_order_of_calls_does_not_matter() -> None:
    first = normals(1, "init", 1, shape=5)
    permutation(1, "shuffle", 1, n=100)
    np.random.default_rng(0).random()
    assert np.array_equal(normals(1, "init", 1, shape=5), first)


@given(seed=seeds, n=st.integers(0, 50), counter=st.integers(0, 1000))
def test_permutation_has_each_number_once(seed: int, n: int, counter: int) -> None:
    order = permutation(seed, "shuffle", counter, n=n)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))
    assert np.array_equal(order, np.argsort(words(seed, "shuffle", counter, count=n), kind="stable"))


def test_permutations_are_all_as_likely() -> None:
    counts = np.unique([permutation(0, "test", i, n=3) for i in range(3000)], axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 0.01


def test_uniforms_are_uniform() -> None:
    u = uniforms(0, "test", shape=(100, 200))
    assert u.shape == (100, 200)
    assert 0 <= u.min() < 1e-3
    assert 0.999 < u.max() < 1
    assert stats.kstest(u.ravel(), "uniform").pvalue > 0.01
    assert np.array_equal(u * 2**53, np.floor(u * 2**53))


def test_normals_are_normal() -> None:
    x = normals(0, "test", shape=100_000)
    assert abs(x.mean()) < 4 / math.sqrt(x.size)
    assert x.var() == pytest.approx(1, abs=0.02)
    assert stats.skew(x) == pytest.approx(0, abs=0.03)
    assert stats.kurtosis(x) == pytest.approx(0, abs=0.06)
    assert stats.kstest(x, "norm").pvalue > 0.01
    # Sine and cosine of the same angle: the two halves are independent none the less.
    assert abs(np.corrcoef(x[:50_000], x[50_000:])[0, 1]) < 4 / math.sqrt(50_000)


@pytest.mark.parametrize("shape", [0, 1, 2, 3, (3, 5), (2, 0), ()])
def test_shapes(shape: Any) -> None:
    expected = (shape,) if isinstance(shape, int) else shape
    for draw in (normals, uniforms):
        drawn = draw(0, "test", shape=shape)
        assert drawn.shape == expected
        assert drawn.dtype == np.float64


def test_normals_by_hand() -> None:
    u = uniforms(9, "test", shape=4)
    r, angle = np.sqrt(-2 * np.log(1 - u[:2])), 2 * np.pi * u[2:]
    np.testing.assert_allclose(normals(9, "test", shape=4), [*(r * np.cos(angle)), *(r * np.sin(angle))], rtol=1e-14)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_mask_keeps_its_share(rate: float) -> None:
    kept = mask(0, 1, 2, shape=(200, 501), rate=rate)
    assert kept.shape == (200, 501)
    assert kept.dtype == np.bool_
    assert abs(kept.mean() - (1 - rate)) <= 4 * math.sqrt(rate * (1 - rate) / kept.size)


@given(seed=seeds, rate=st.floats(0, 0.99))
def test_mask_halves_words_the_low_half_first(seed: int, rate: float) -> None:
    halves = [half for w in words(seed, "dropout", 4, count=3).tolist() for half in (w & 0xFFFFFFFF, w >> 32)]
    assert mask(seed, 4, shape=(5,), rate=rate).tolist() == [half >= round(rate * 2**32) for half in halves[:5]]


def test_half_that_equals_the_threshold_is_kept() -> None:
    half = int(words(0, "dropout", count=1)[0]) & 0xFFFFFFFF
    assert mask(0, shape=(1,), rate=half / 2**32).tolist() == [True]
    assert mask(0, shape=(1,), rate=(half + 1) / 2**32).tolist() == [False]


def test_higher_rate_drops_more_and_never_others() -> None:
    masks = [mask(0, shape=(1000,), rate=rate) for rate in (0.0, 0.3, 0.6)]
    assert masks[0].all()
    assert np.all(masks[1] | ~masks[2])


# What a seed gives is part of every saved result: these numbers may never change.
# What a seed gives is part of every saved result: these numbers may never change.
PINNED: dict[str, list[Any]] = {
    "words 0 init": [15003734204198539638, 13859618513508960101, 12389738016430293093],
    "words max shuffle 3 4": [2861828256017012554, 9811142277437693817],
    "permutation 0 shuffle 1": [9, 8, 5, 7, 2, 1, 3, 6, 0, 4],
    "uniforms 7 split": [0.551791328987202, 0.0208967681298744, 0.9134109933303731],
    "normals 7 init 2": [1.774222391240222, -0.4867290334933599, 1.1694963203756032],
    "mask 7 1": [0, 1, 2, 3, 6, 10, 15],
}


def test_pinned() -> None:
    assert words(0, "init", count=3).tolist() == PINNED["words 0 init"]
    assert words(2**64 - 1, "shuffle", 3, 4, count=2).tolist() == PINNED["words max shuffle 3 4"]
    assert permutation(0, "shuffle", 1, n=10).tolist() == PINNED["permutation 0 shuffle 1"]
    assert uniforms(7, "split", shape=3).tolist() == PINNED["uniforms 7 split"]
    np.testing.assert_allclose(normals(7, "init", 2, shape=3), PINNED["normals 7 init 2"], rtol=1e-14)
    assert np.flatnonzero(mask(7, 1, shape=(20,), rate=0.5)).tolist() == PINNED["mask 7 1"]


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, 1.0, "7", None, True, np.float64(3), math.nan])
def test_bad_seed_is_refused(seed: Any) -> None:
    message = r"seed is .*; it must be a whole number from 0 to 2\*\*64 - 1"
    for draw in (
        lambda: check_seed(seed),
        lambda: words(seed, "test", count=1),
        lambda: permutation(seed, "shuffle", n=3),
        lambda: mask(seed, shape=(2,), rate=0.5),
    ):
        with pytest.raises(UsageError, match=message):
            draw()


@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1, np.int32(7), np.uint64(2**64 - 1)])
def test_good_seed_comes_back_as_a_python_int(seed: Any) -> None:
    assert check_seed(seed) == seed
    assert type(check_seed(seed)) is int
    assert np.array_equal(words(seed, "test", count=2), words(int(seed), "test", count=2))


def test_unknown_purpose_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown random stream 'shufle'; did you mean 'shuffle'"):
        words(0, "shufle", count=1)


def test_every_public_name_is_there() -> None:
    functions = {"check_seed", "mask", "mask_at", "mask_threshold", "normals", "permutation", "uniforms", "words"}
    assert set(streams.__all__) == {"PURPOSES", *functions}
