"""Looks: one is the answer unless several stand out from what chance makes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.descriptors.looks import LooksRule, Verdict, find_looks

DAY = 86_400.0
YEAR = 365 * DAY


def _unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def _spread(rng, d, kind):
    """How much faces vary in each direction: alike in all, or in few more than in most."""
    if kind == "round":
        return np.full(d, np.sqrt(0.35 / d))
    powers = np.arange(1, d + 1) ** -1.0
    return rng.permutation(np.sqrt(0.35 * powers / powers.sum()))


def _person(seed, sizes, cosine=0.2, d=64, kind="round"):
    """Faces of a person of some looks; the cosine of faces of one look is .65, of two as given."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((d, len(sizes) + 1)))[0].T
    middles = [np.sqrt(cosine) * axes[0] + np.sqrt(0.65 - cosine) * one for one in axes[1:]]
    means = np.repeat(np.array(middles), sizes, axis=0)
    faces = _unit(means + _spread(rng, d, kind) * rng.standard_normal(means.shape))
    return faces, rng.uniform(0.35, 1.0, len(faces)).astype(np.float32)


def _agree(labels, sizes):
    """The share of faces that are in the look of most of their own."""
    right, start = 0, 0
    for size in sizes:
        right += np.bincount(labels[start : start + size]).max()
        start += size
    return right / len(labels)


@pytest.mark.parametrize("kind", ["round", "long"])
def test_a_person_of_one_look_has_one_in_95_of_100_cases(kind):
    drawn = [find_looks(*_person(seed, [12 + seed // 2], kind=kind)) for seed in range(100)]
    assert sum(len(found.looks) == 1 for found in drawn) >= 95


def test_poor_pictures_are_no_look():
    one = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        faces, _ = _person(seed, [40])
        quality = np.where(np.arange(40) < 15, 0.35, 0.9).astype(np.float32)
        blur = _unit(rng.standard_normal(64))
        faces = _unit(faces + np.where(quality < 0.5, 0.6, 0.0)[:, None] * blur)
        one.append(len(find_looks(faces, quality).looks) == 1)
        told = find_looks(faces, np.full(40, 0.8, np.float32))
        assert len(told.looks) == 2  # the same faces, had the quality not said so
    assert np.mean(one) >= 0.95


def test_child_and_grown_up_are_two_looks():
    found = []
    for seed in range(20):
        sizes = [24, 16]
        looks = find_looks(*_person(seed, sizes))
        found.append(len(looks.looks) == 2 and _agree(looks.labels, sizes) > 0.97)
    assert np.mean(found) >= 0.9


def test_three_looks_are_three():
    sizes = [40, 30, 25]
    looks = find_looks(*_person(3, sizes, cosine=0.1))
    assert [look.faces for look in looks.looks] == sizes
    assert looks.labels.tolist() == np.repeat([0, 1, 2], sizes).tolist()
    assert looks.verdict is Verdict.SEVERAL


@given(st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_faces_does_not_matter(seed):
    faces, quality = _person(seed, [24, 16])
    ids = np.array([f"{number:03}" for number in range(40)])
    order = np.random.default_rng(seed).permutation(40)
    straight = find_looks(faces, quality, ids=ids)
    mixed = find_looks(faces[order], quality[order], ids=ids[order])
    assert mixed.labels.tolist() == straight.labels[order].tolist()
    assert mixed.silhouette == straight.silhouette


@pytest.mark.parametrize("n", [0, 1, 11])
def test_of_few_faces_one_look_is_said(n):
    faces, quality = _person(1, [20, 20])
    found = find_looks(faces[20 - n : 20], quality[:n])
    assert found.verdict is Verdict.FEW_FACES
    assert found.labels.tolist() == [0] * n
    assert [look.faces for look in found.looks] == ([n] if n else [])


def test_faces_without_quality_and_copies_are_few_faces():
    faces, quality = _person(2, [30, 30])
    assert find_looks(faces, np.zeros(60, np.float32)).verdict is Verdict.FEW_FACES
    copies = np.repeat(faces[[0, 59]], 30, axis=0)
    assert find_looks(copies, quality).verdict is Verdict.FEW_FACES
    assert find_looks(faces, np.full(60, np.nan, np.float32)).verdict is Verdict.FEW_FACES


def test_poor_faces_go_to_the_look_that_they_are_like():
    sizes = [40, 30]
    faces, quality = _person(5, sizes, cosine=0.1)
    quality[::7] = 0.1
    looks = find_looks(faces, quality)
    assert len(looks.looks) == 2
    assert _agree(looks.labels, sizes) > 0.97


def test_of_very_many_faces_a_sample_decides_and_all_have_a_look():
    sizes = [4000, 2000]
    looks = find_looks(*_person(6, sizes, cosine=0.1))
    assert len(looks.looks) == 2
    assert _agree(looks.labels, sizes) > 0.99
    assert sum(look.faces for look in looks.looks) == 6000


def test_a_look_that_is_an_interval_of_time_is_an_era():
    sizes = [24, 16]
    faces, quality = _person(7, sizes, cosine=0.1)
    rng = np.random.default_rng(7)
    years = np.concatenate([rng.uniform(20, 30, 24), rng.uniform(2, 8, 16)])
    seconds = years * YEAR
    seconds[[3, 30]] = np.nan
    looks = find_looks(faces, quality, seconds=seconds).looks
    assert [look.is_era for look in looks] == [True, True]
    assert looks[0].since == np.nanmin(seconds[:24])
    assert looks[1].until == np.nanmax(seconds[24:])


def test_looks_that_come_and_go_are_no_eras():
    faces, quality = _person(8, [24, 16], cosine=0.1)
    seconds = np.random.default_rng(8).uniform(0, 10, 40) * YEAR
    looks = find_looks(faces, quality, seconds=seconds).looks
    assert [look.is_era for look in looks] == [False, False]
    undated = find_looks(faces, quality).looks
    assert [(look.since, look.until, look.is_era) for look in undated] == [(None, None, False)] * 2


def test_a_handful_of_other_faces_is_no_look():
    faces, quality = _person(9, [60, 2], cosine=0.05)
    found = find_looks(faces, quality)
    assert all(look.faces >= 3 for look in found.looks)


def test_a_person_without_a_second_look_has_no_era():
    faces, quality = _person(10, [30])
    found = find_looks(faces, quality, seconds=DAY * np.arange(30.0))
    assert [look.is_era for look in found.looks] == [False]
    assert (found.looks[0].since, found.looks[0].until) == (0.0, 29 * DAY)


def test_nothing_is_looked_for_among_fewer_faces_than_asked():
    faces, quality = _person(11, [24, 16], cosine=0.1)
    assert find_looks(faces, quality, rule=LooksRule(min_faces=41)).verdict is Verdict.FEW_FACES
