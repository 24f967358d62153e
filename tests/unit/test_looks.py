"""Looks: one is the answer unless several stand out from what chance makes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.descriptors.looks import LooksRule, Verdict, find_looks


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
    assert sum(len(found.sizes) == 1 for found in drawn) >= 95


def test_poor_pictures_are_no_look():
    one, otherwise = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        faces, _ = _person(seed, [40])
        quality = np.where(np.arange(40) < 15, 0.35, 0.9).astype(np.float32)
        blur = _unit(rng.standard_normal(64))
        faces = _unit(faces + np.where(quality < 0.5, 0.6, 0.0)[:, None] * blur)
        one.append(len(find_looks(faces, quality).sizes) == 1)
        told = find_looks(faces, np.full(40, 0.8, np.float32))
        otherwise.append(len(told.sizes) == 2)
    assert np.mean(one) >= 0.95
    assert np.mean(otherwise) >= 0.9  # the same faces, had the quality not said so


def test_child_and_grown_up_are_two_looks():
    found = []
    for seed in range(20):
        sizes = [24, 16]
        looks = find_looks(*_person(seed, sizes))
        found.append(len(looks.sizes) == 2 and _agree(looks.labels, sizes) > 0.97)
    assert np.mean(found) >= 0.9


@pytest.mark.parametrize("kind", ["round", "long"])
@pytest.mark.parametrize("sizes", [(50, 50), (67, 33), (80, 20), (48, 12), (90, 10)])
def test_two_looks_are_found_however_unequal_they_are(sizes, kind):
    found = []
    for seed in range(10):
        looks = find_looks(*_person(seed, sizes, cosine=0.3, kind=kind))
        found.append(len(looks.sizes) == 2 and _agree(looks.labels, sizes) > 0.97)
    assert np.mean(found) >= 0.9


def test_one_afternoon_is_no_look():
    for seed in range(10):
        faces, quality = _person(seed, [60])
        random = np.random.default_rng(seed)
        others = _unit(random.standard_normal((12, 64)))
        faces[48:] = _unit(np.sqrt(0.85) * faces[59] + np.sqrt(0.15) * others)
        assert find_looks(faces, quality).sizes.tolist() == [60]


def test_a_look_that_is_two_is_told_apart():
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.standard_normal((64, 4)))[0].T
    child, young, old = (
        0.3 * axes[0] + 0.75 * axes[1],
        0.7 * axes[0] + 0.4 * axes[2],
        0.7 * axes[0] + 0.4 * axes[3],
    )
    means = np.repeat([child, young, old], [40, 40, 40], axis=0)
    faces = _unit(means + 0.074 * rng.standard_normal(means.shape))
    assert find_looks(faces, np.full(120, 0.8, np.float32)).sizes.tolist() == [40, 40, 40]


def test_three_looks_are_three():
    sizes = [40, 30, 25]
    looks = find_looks(*_person(3, sizes, cosine=0.1))
    assert looks.sizes.tolist() == sizes
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


@pytest.mark.parametrize("n", [0, 1, 11])
def test_of_few_faces_one_look_is_said(n):
    faces, quality = _person(1, [20, 20])
    found = find_looks(faces[20 - n : 20], quality[:n])
    assert found.verdict is Verdict.FEW_FACES
    assert found.labels.tolist() == [0] * n
    assert found.sizes.tolist() == ([n] if n else [])


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
    assert len(looks.sizes) == 2
    assert _agree(looks.labels, sizes) > 0.97


def test_of_very_many_faces_a_sample_decides_and_all_have_a_look():
    sizes = [4000, 2000]
    looks = find_looks(*_person(6, sizes, cosine=0.1))
    assert len(looks.sizes) == 2
    assert _agree(looks.labels, sizes) > 0.99
    assert looks.sizes.sum() == 6000


def test_a_handful_of_other_faces_is_no_look():
    faces, quality = _person(9, [60, 2], cosine=0.05)
    found = find_looks(faces, quality)
    assert (found.sizes >= 3).all()


def test_nothing_is_looked_for_among_fewer_faces_than_asked():
    faces, quality = _person(11, [24, 16], cosine=0.1)
    assert find_looks(faces, quality, rule=LooksRule(min_faces=41)).verdict is Verdict.FEW_FACES
