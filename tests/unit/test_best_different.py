"""The best different pictures: good ones first, one a burst, and as many as there are."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.descriptors.best import best_different
from facesort.descriptors.coreset import Rule
from facesort.grouping.likeness import OnePerson

seeds = st.integers(0, 10_000)


def _unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def _ids(n):
    return [f"{number:05}" for number in range(n)]


def _person(seed, n, d=32, noise=0.6):
    rng = np.random.default_rng(seed)
    vectors = _unit(rng.standard_normal(d) + noise * rng.standard_normal((n, d)))
    return vectors, rng.uniform(0.3, 1.0, n).astype(np.float32)


def _bursts(seed, bursts, each=6):
    """Some moments, an hour apart, of each of which several pictures are there."""
    vectors, _ = _person(seed, bursts)
    rng = np.random.default_rng(seed + 1)
    vectors = np.repeat(vectors, each, axis=0)
    vectors = _unit(vectors + 0.02 * rng.standard_normal(vectors.shape))
    seconds = np.repeat(3600.0 * np.arange(bursts), each) + rng.integers(0, 3, bursts * each)
    return vectors, rng.uniform(0.3, 1.0, bursts * each).astype(np.float32), seconds


@given(seeds, st.integers(1, 12), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_each_burst_gives_its_best_picture_until_all_have(seed, bursts, count):
    vectors, quality, seconds = _bursts(seed, bursts)
    best = best_different(vectors, quality, count, ids=_ids(len(quality)), seconds=seconds)
    quality[best.odd] = -1
    there = quality.reshape(bursts, 6).max(axis=1)
    moments = best.rows // 6
    assert len(set(moments.tolist())) == len(moments) == min(count, (there > 0).sum())
    assert quality[best.rows].tolist() == there[moments].tolist()
    assert best.sizes.tolist() == [6] * len(best.rows)


@given(seeds, st.integers(1, 40), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_pictures_does_not_matter(seed, n, count):
    vectors, quality = _person(seed, n)
    quality = np.round(quality, 1)  # ties
    vectors[n // 2 :] = vectors[: n - n // 2]  # copies
    ids = np.array(_ids(n))
    order = np.random.default_rng(seed).permutation(n)
    straight = best_different(vectors, quality, count, ids=ids.tolist())
    mixed = best_different(vectors[order], quality[order], count, ids=ids[order].tolist())
    assert ids[order][mixed.rows].tolist() == ids[straight.rows].tolist()
    assert ids[order][mixed.odd].tolist() == ids[straight.odd].tolist()


def test_the_best_picture_comes_first_and_then_a_different_one():
    vectors = _unit(np.array([[1, 0, 0], [0.88, 0.475, 0], [0.6, 0, 0.8]]))
    best = best_different(vectors, np.array([0.9, 0.8, 0.7], np.float32), 3, ids=_ids(3))
    assert best.rows.tolist() == [0, 2, 1]
    assert best.gain == pytest.approx([0.5, 0.2, 0.06], abs=0.01)


def test_a_good_picture_comes_before_a_stranger_but_much_poorer_one():
    vectors = _unit(np.array([[1, 0, 0], [0.75, 0.66, 0], [0.6, 0, 0.8]]))
    best = best_different(vectors, np.array([0.9, 0.8, 0.4], np.float32), 3, ids=_ids(3))
    assert best.rows.tolist() == [0, 1, 2]


def test_ten_alike_pictures_of_ten_hours_are_ten_pictures():
    vectors, _ = _person(3, 1)
    vectors = _unit(vectors + 0.01 * np.random.default_rng(3).standard_normal((10, 32)))
    hours = 3600.0 * np.arange(10.0)
    best = best_different(vectors, np.full(10, 0.8, np.float32), 10, ids=_ids(10), seconds=hours)
    assert sorted(best.rows.tolist()) == list(range(10))


def test_poor_pictures_come_after_good_ones_and_missing_ones_last():
    vectors, _ = _person(4, 6)
    quality = np.array([0.1, 0.9, 0.05, 0.5, 0.95, 0.6], np.float32)
    later = np.array([0, 0, 0, 0, 1, 0], bool)
    best = best_different(vectors, quality, 9, ids=_ids(6), floor=0.3, later=later)
    assert best.rows[0] == 1
    assert sorted(best.rows[:3].tolist()) == [1, 3, 5]
    assert sorted(best.rows[3:5].tolist()) == [0, 2]
    assert best.rows[5] == 4


def test_a_missing_picture_leads_no_burst_of_one_that_is_there():
    vectors = np.repeat(_person(5, 1)[0], 2, axis=0)
    quality = np.array([0.9, 0.4], np.float32)
    gone = np.array([True, False])
    assert best_different(vectors, quality, 2, ids=_ids(2), later=gone).rows.tolist() == [1]


def test_one_photo_gives_one_face():
    vectors, quality = _person(6, 4)
    photos = np.array([1, 2, 1, 1])
    best = best_different(vectors, quality, 9, ids=_ids(4), photos=photos)
    assert len(best.rows) == 2
    assert photos[best.rows].tolist() in ([1, 2], [2, 1])


@pytest.mark.parametrize("n", [10, 60])
def test_a_stranger_is_left_out_and_named_unless_the_user_has_said_who_it_is(n):
    vectors, quality = _person(7, n, d=64, noise=0.5)
    vectors[4] = _unit(np.random.default_rng(8).standard_normal(64))
    quality[4] = 0.99
    rule = Rule(one_person=OnePerson(0.6, 0.04))
    best = best_different(vectors, quality, n, ids=_ids(n), rule=rule)
    assert best.odd.tolist() == [4]
    assert sorted(best.rows.tolist()) == [row for row in range(n) if row != 4]
    trusted = np.arange(n) == 4
    assert 4 in best_different(vectors, quality, n, ids=_ids(n), rule=rule, trusted=trusted).rows


def test_nothing_gives_nothing_and_a_single_picture_itself():
    none = best_different(np.zeros((0, 8), np.float32), np.zeros(0, np.float32), 5, ids=[])
    assert none.rows.tolist() == none.burst.tolist() == []
    vectors, quality = _person(9, 1)
    assert best_different(vectors, quality, 5, ids=_ids(1)).rows.tolist() == [0]
    assert best_different(vectors, quality, 0, ids=_ids(1)).rows.tolist() == []


def test_copies_only_give_one_and_say_how_many_there_are():
    vectors = np.repeat(_person(10, 1)[0], 7, axis=0)
    quality = np.linspace(0.3, 0.9, 7, dtype=np.float32)
    best = best_different(vectors, quality, 5, ids=_ids(7))
    assert (best.rows.tolist(), best.sizes.tolist()) == ([6], [7])


def test_faces_without_any_quality_are_chosen_where_there_are_no_others():
    vectors, _ = _person(11, 4)
    best = best_different(vectors, np.zeros(4, np.float32), 3, ids=_ids(4))
    assert len(best.rows) == 3
    assert np.isfinite(best.gain).all()


def _copies(cosine, seed=12):
    """A picture, the same once more, and a copy that is only so alike."""
    random = np.random.default_rng(seed)
    one, other = np.linalg.qr(random.standard_normal((32, 2)))[0].T
    return _unit(np.array([one, one, cosine * one + np.sqrt(1 - cosine**2) * other]))


def test_of_copies_the_larger_one_with_a_time_is_chosen_not_the_one_better_by_a_hair():
    vectors = _copies(0.92)
    quality = np.array([0.80, 0.816, 0.81], np.float32)  # original, compressed again, halved
    seconds = np.array([1000.0, np.nan, np.nan], np.float64)
    pixels = np.array([200, 202, 101], np.float32)
    best = best_different(vectors, quality, 3, ids=_ids(3), seconds=seconds, pixels=pixels)
    assert (best.rows.tolist(), best.sizes.tolist()) == ([0], [3])
    undated = best_different(vectors, quality, 3, ids=_ids(3), pixels=pixels)
    assert undated.rows.tolist() == [1]
    halved = best_different(vectors, quality, 3, ids=_ids(3), pixels=np.array([101, 101, 200]))
    assert halved.rows.tolist() == [2]


def test_a_clearly_better_copy_is_chosen_however_small_and_undated():
    quality = np.array([0.80, 0.84, 0.2], np.float32)
    seconds = np.array([1000.0, np.nan, np.nan], np.float64)
    pixels = np.array([400, 100, 100], np.float32)
    best = best_different(_copies(0.92), quality, 3, ids=_ids(3), seconds=seconds, pixels=pixels)
    assert best.rows.tolist() == [1]


def test_an_undated_picture_is_a_copy_from_a_cosine_of_nine_tenths_on():
    quality = np.array([0.8, 0.8, 0.7], np.float32)
    seconds = np.array([1000.0, np.nan, np.nan], np.float64)
    for cosine, pictures in ((0.91, 1), (0.89, 2)):
        best = best_different(_copies(cosine), quality, 3, ids=_ids(3), seconds=seconds)
        assert len(best.rows) == pictures
    dated = np.array([1000.0, np.nan, 9000.0], np.float64)  # times tell two pictures
    best = best_different(_copies(0.97), quality, 3, ids=_ids(3), seconds=dated)
    assert len(best.rows) == 2


def test_an_original_that_is_missing_is_not_chosen_for_its_size():
    gone = np.array([True, False])
    pixels = np.array([400, 100], np.float32)
    quality = np.array([0.8, 0.8], np.float32)
    best = best_different(_copies(1)[:2], quality, 2, ids=_ids(2), later=gone, pixels=pixels)
    assert best.rows.tolist() == [1]


@given(seeds, st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_poor_pictures_come_in_order_of_quality(seed, n):
    vectors, _ = _person(seed, n)
    quality = np.random.default_rng(seed).uniform(0, 0.29, n).astype(np.float32)
    later = np.arange(n) % 3 == 2
    best = best_different(vectors, quality, n, ids=_ids(n), floor=0.3, later=later)
    for rows in (best.rows[~later[best.rows]], best.rows[later[best.rows]]):
        assert (np.diff(quality[rows]) <= 0).all()
    assert (np.diff(later[best.rows].astype(int)) >= 0).all()


def test_all_of_twenty_thousand_pictures_are_put_in_order_in_a_moment():
    n = 20_000
    vectors, quality = _person(13, n)
    days = 86_400.0 * np.arange(n, dtype=np.float64)
    start = time.process_time()
    best = best_different(vectors, quality, n, ids=_ids(n), seconds=days)
    assert time.process_time() - start < 5  # a pass for each picture takes far longer
    assert len(best.rows) + len(best.odd) == n
    assert (np.diff(quality[best.rows[256:]]) <= 0).all()
    early = best_different(vectors, quality, 300, ids=_ids(n), seconds=days)
    assert early.rows.tolist() == best.rows[:300].tolist()
