"""Bursts: pictures of one moment, told by time and likeness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.descriptors.bursts import BurstRule, burst_labels, camera_runs, within_reach

seeds = st.integers(0, 10_000)
RULE = BurstRule()


def _unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def _at(*cosines):
    """Vectors in a plane with given cosines to the first axis."""
    return np.array([[c, np.sqrt(1 - c * c), 0, 0] for c in cosines], dtype=np.float32)


def _pictures(seed, n, d=8):
    """Pictures of a few moments, some alike, some blurred, some without a time, some copies."""
    rng = np.random.default_rng(seed)
    moments = rng.integers(0, max(2, n // 4), n)
    vectors = rng.standard_normal((n + 2, d)) + 2 * rng.standard_normal(d)
    vectors = 3 * vectors[moments] + rng.uniform(0.1, 1.5) * rng.standard_normal((n, d))
    seconds = 30.0 * moments + rng.integers(0, 15, n)
    seconds[rng.uniform(size=n) < rng.choice([0.0, 0.3, 1.0])] = np.nan
    return _unit(vectors), seconds, np.round(rng.uniform(0, 1, n), 1).astype(np.float32)


def _plain(vectors, seconds, quality, ids, photos, rule):
    """The definition: the best that nobody took takes all in its reach that nobody took."""
    labels = np.full(len(vectors), -1)
    runs = camera_runs(seconds, rule)
    order = sorted(range(len(vectors)), key=lambda row: (-quality[row], ids[row]))
    for number, row in enumerate(order):
        if labels[row] < 0:
            reach = within_reach(
                vectors @ vectors[row],
                seconds - seconds[row],
                rule,
                runs == runs[row],
                photos == photos[row],
            )
            labels[reach & (labels < 0)] = number
            labels[row] = number
    kept = sorted(set(labels.tolist()))
    return [kept.index(label) for label in labels.tolist()]


@given(seeds, st.integers(0, 60), st.sampled_from([None, 0.95, 0.5]))
@settings(max_examples=150, deadline=None)
def test_bursts_are_those_that_are_written_down(seed, n, twin_cosine):
    vectors, seconds, quality = _pictures(seed, n)
    rng = np.random.default_rng(seed)
    ids = [f"{number:03}" for number in rng.permutation(n)]
    photos = rng.integers(0, 3 * n, n) if n else np.zeros(0, dtype=np.int64)
    rule = replace(RULE, twin_cosine=twin_cosine)
    found = burst_labels(vectors, seconds, quality=quality, ids=ids, photos=photos, rule=rule)
    assert found.tolist() == _plain(vectors, seconds, quality, ids, photos, rule)


@pytest.mark.parametrize("timed", [0.0, 0.5, 1.0])
def test_bursts_of_more_pictures_than_a_block_are_the_same(timed):
    rng = np.random.default_rng(4)
    vectors, seconds, quality = _pictures(4, 1500, d=16)
    seconds = np.where(rng.uniform(size=1500) < timed, rng.integers(0, 6000, 1500), np.nan)
    ids = [f"{number:05}" for number in range(1500)]
    found = burst_labels(vectors, seconds, quality=quality, ids=ids)
    assert found.tolist() == _plain(vectors, seconds, quality, ids, np.arange(1500), RULE)


def test_hundreds_of_pictures_of_one_second_are_no_trouble():
    vectors, _, quality = _pictures(5, 400)
    seconds = np.zeros(400)
    ids = [f"{number:05}" for number in range(400)]
    found = burst_labels(vectors, seconds, quality=quality, ids=ids)
    assert found.tolist() == _plain(vectors, seconds, quality, ids, np.arange(400), RULE)
    some = np.arange(0, 400, 3)
    of_some = burst_labels(vectors, seconds[some], quality=quality[some], rows=some)
    alone = burst_labels(vectors[some], seconds[some], quality=quality[some])
    assert of_some.tolist() == alone.tolist()


@given(seeds, st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_pictures_does_not_matter(seed, n):
    vectors, seconds, quality = _pictures(seed, n)
    ids = np.array([f"{number:03}" for number in range(n)])
    order = np.random.default_rng(seed).permutation(n)
    straight = burst_labels(vectors, seconds, quality=quality, ids=ids)
    mixed = burst_labels(vectors[order], seconds[order], quality=quality[order], ids=ids[order])
    assert mixed.tolist() == straight[order].tolist()


@given(seeds, st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_the_best_burst_comes_first(seed, n):
    vectors, seconds, quality = _pictures(seed, n)
    labels = burst_labels(vectors, seconds, quality=quality)
    best = [quality[labels == number].max() for number in range(labels.max() + 1)]
    assert best == sorted(best, reverse=True)


def test_alike_within_seconds_is_one_burst_and_alike_an_hour_later_is_not():
    vectors = _at(1.0, 0.9, 0.99)
    assert burst_labels(vectors, np.array([0.0, 8.0, 3600.0])).tolist() == [0, 0, 1]


def test_two_poses_within_seconds_are_two_pictures():
    assert burst_labels(_at(1.0, 0.6), np.array([0.0, 8.0])).tolist() == [0, 1]


def test_a_blurred_picture_of_the_same_moment_is_of_its_burst():
    assert burst_labels(_at(1.0, 0.5), np.array([0.0, 1.0])).tolist() == [0, 0]
    assert burst_labels(_at(1.0, 0.1), np.array([0.0, 1.0])).tolist() == [0, 1]


def test_what_a_running_camera_took_within_seconds_is_of_one_burst_blurred_or_not():
    vectors = _at(1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.5)
    quality = np.linspace(0.9, 0.3, 7, dtype=np.float32)
    running = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert burst_labels(vectors, running, quality=quality).tolist() == [0] * 7
    stopped = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 4.0, 6.0])
    assert burst_labels(vectors, stopped, quality=quality).tolist() == [0] * 6 + [1]
    numbers = camera_runs(np.array([5.0, np.nan, 4.0, 9.0]), RULE)
    assert numbers[[0, 2, 3]].tolist() == [0, 0, 1]


def test_without_a_time_only_copies_are_of_one_burst():
    vectors = _at(1.0, 0.99, 0.9)
    assert burst_labels(vectors, None).tolist() == [0, 0, 1]
    assert burst_labels(vectors, np.array([5.0, np.nan, np.nan])).tolist() == [0, 0, 1]
    nobody = replace(RULE, twin_cosine=None)
    assert burst_labels(vectors, None, rule=nobody).tolist() == [0, 1, 2]


def test_an_hour_of_one_picture_every_two_seconds_is_no_single_burst():
    seconds = np.arange(0, 3600, 2.0)
    labels = burst_labels(np.repeat(_at(1.0), len(seconds), axis=0), seconds)
    assert labels.max() + 1 >= 3600 / 20 - 1
    assert np.bincount(labels).max() <= 11


def test_faces_of_one_photo_are_of_one_burst_however_unlike():
    vectors = np.eye(3, dtype=np.float32)
    found = burst_labels(vectors, None, photos=np.array([7, 8, 7]))
    assert found.tolist() == [0, 1, 0]


def test_no_pictures_have_no_bursts():
    assert burst_labels(np.zeros((0, 4), np.float32), np.zeros(0)).tolist() == []


def test_vectors_of_zeros_are_bursts_of_their_own():
    assert burst_labels(np.zeros((3, 4), np.float32), None).tolist() == [0, 1, 2]
