"""The few faces that stand for a person: who is chosen, and how well they cover the others."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.descriptors.coreset import Rule, choose, choose_each

NO_GUARD = Rule(odd_share=0.0)


def _unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _faces(seed, n, d=16):
    rng = np.random.default_rng(seed)
    centre = rng.standard_normal(d)
    vectors = _unit(centre + 0.8 * rng.standard_normal((n, d)))
    return vectors, rng.uniform(0.05, 1.0, n).astype(np.float32)


def _plain(vectors, quality, rule):
    """The choice as science writes it, one person and one face at a time."""
    ok = quality >= rule.floor if (quality >= rule.floor).any() else np.ones(len(quality), bool)
    worth = np.maximum(quality, rule.floor) ** rule.gamma
    chosen = [int(np.argmax(np.where(ok, quality, -1)))]
    distance = (1 - vectors @ vectors[chosen[0]]) / 2
    while len(chosen) < rule.size:
        far = int(np.argmax(np.where(ok, worth * distance, -1)))
        if distance[far] < rule.min_gain:
            break
        chosen.append(far)
        distance = np.minimum(distance, (1 - vectors @ vectors[far]) / 2)
    return chosen


def _cost(vectors, worth, centres):
    """Largest weighted chord of a face to the nearest of some centres."""
    cosine = np.clip(vectors @ vectors[list(centres)].T, -1, 1)
    chord = np.sqrt(np.maximum(2 - 2 * cosine, 0)).min(axis=1)
    return float((np.sqrt(worth) * chord).max())


seeds = st.integers(0, 10_000)


@given(seeds, st.integers(1, 40), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_the_choice_is_the_one_that_is_written_down(seed, n, size):
    vectors, quality = _faces(seed, n)
    rule = Rule(size=size, odd_share=0.0)
    chosen = choose(vectors, quality, rule).rows[0]
    assert chosen[chosen >= 0].tolist() == _plain(vectors, quality, rule)


@given(seeds, st.integers(2, 40))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_faces_does_not_matter(seed, n):
    vectors, quality = _faces(seed, n)
    order = np.random.default_rng(seed + 1).permutation(n)
    straight, mixed = choose(vectors, quality), choose(vectors[order], quality[order])
    found = mixed.rows[0][mixed.rows[0] >= 0]
    assert order[found].tolist() == straight.rows[0][straight.rows[0] >= 0].tolist()
    assert mixed.descriptors == pytest.approx(straight.descriptors, abs=1e-5)


@given(seeds, st.integers(1, 60), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_many_people_at_once_get_what_each_gets_alone(seed, n, people):
    vectors, quality = _faces(seed, n)
    person = np.random.default_rng(seed).integers(0, people, n)
    person = np.unique(person, return_inverse=True)[1].astype(np.int64)
    together = choose_each(vectors, quality, person)
    for number in range(person.max() + 1):
        rows = np.flatnonzero(person == number)
        alone = choose(vectors[rows], quality[rows])
        chosen = together.rows[number]
        assert chosen[chosen >= 0].tolist() == rows[alone.rows[0][alone.rows[0] >= 0]].tolist()
        assert together.descriptors[number] == pytest.approx(alone.descriptors[0], abs=1e-6)
        assert together.radius[number] == pytest.approx(alone.radius[0], abs=1e-6)
        assert together.cohesion[number] == pytest.approx(alone.cohesion[0], abs=1e-6)


@given(seeds, st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_a_poor_face_is_never_chosen_beside_good_ones(seed, n):
    vectors, quality = _faces(seed, n)
    chosen = choose(vectors, quality).rows[0]
    if (quality >= 0.25).any():
        assert (quality[chosen[chosen >= 0]] >= 0.25).all()


def test_of_poor_faces_only_the_best_come_first():
    vectors, _ = _faces(3, 5)
    quality = np.array([0.02, 0.2, 0.1, 0.05, 0.11], dtype=np.float32)
    assert choose(vectors, quality).rows[0, 0] == 1


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_no_face_is_farther_than_the_guarantee_says(gamma):
    ratios = []
    for seed in range(120):
        vectors, quality = _faces(seed, 9, d=4)
        quality = np.maximum(quality, np.float32(0.25))
        rule = Rule(size=3, gamma=gamma, min_gain=0.0, odd_share=0.0)
        worth = quality**gamma
        chosen = choose(vectors, quality, rule).rows[0]
        best = min(_cost(vectors, worth, three) for three in itertools.combinations(range(9), 3))
        ratios.append(_cost(vectors, worth, chosen) / best)
        alpha = (quality.max() / quality.min()) ** (gamma / 2)
        # Centres may lie anywhere for the guarantee; among the faces the best is at most as good.
        assert ratios[-1] <= 1 + alpha + 1e-6
    assert np.mean(ratios) < 1.35


def test_a_burst_counts_once():
    rng = np.random.default_rng(5)
    looks = _unit(rng.standard_normal((3, 32)) + 2 * rng.standard_normal(32))
    burst = _unit(np.repeat(looks[:1], 50, axis=0) + 0.005 * rng.standard_normal((50, 32)))
    vectors = np.concatenate([burst, looks[1:]])
    quality = np.full(len(vectors), 0.5, dtype=np.float32)
    quality[0] = 0.9
    chosen = choose(vectors, quality, NO_GUARD)
    assert sorted(chosen.rows[0][:3].tolist()) == [0, 50, 51]
    assert chosen.sizes.tolist() == [3]
    assert chosen.radius[0] < 0.02


def test_a_stranger_among_many_faces_is_not_chosen_and_is_named():
    rng = np.random.default_rng(6)
    centre = rng.standard_normal(64)
    vectors = _unit(centre + 0.5 * rng.standard_normal((60, 64)))
    vectors[17] = _unit(rng.standard_normal((1, 64)))[0]
    quality = np.full(60, 0.8, dtype=np.float32)
    quality[17] = 0.99
    guarded, unguarded = choose(vectors, quality), choose(vectors, quality, NO_GUARD)
    assert guarded.odd.tolist() == [17]
    assert 17 not in guarded.rows[0]
    assert 17 in unguarded.rows[0]


def test_of_few_faces_none_is_called_odd():
    vectors, quality = _faces(8, 49)
    assert not len(choose(vectors, np.maximum(quality, 0.3)).odd)


def test_equal_scores_go_to_the_better_face_and_then_to_the_first():
    axes = np.eye(4, dtype=np.float32)
    rule = Rule(size=2, gamma=0.0, odd_share=0.0)
    first_best = choose(axes, np.array([0.9, 0.5, 0.6, 0.6], np.float32), rule)
    assert first_best.rows[0].tolist() == [0, 2]


def test_the_mean_cosine_to_the_chosen_is_that_to_the_descriptor_times_cohesion():
    vectors, quality = _faces(11, 30)
    chosen = choose(vectors, quality)
    rows = chosen.rows[0][chosen.rows[0] >= 0]
    weights = quality[rows]
    probe = _faces(12, 1)[0][0]
    mean = float((weights * (vectors[rows] @ probe)).sum() / weights.sum())
    assert float(chosen.descriptors[0] @ probe) * chosen.cohesion[0] == pytest.approx(
        mean, abs=1e-5
    )


def test_a_single_face_stands_for_itself():
    vectors, quality = _faces(13, 1)
    alone = choose(vectors, quality)
    assert alone.rows[0].tolist() == [0, -1, -1, -1, -1]
    assert alone.descriptors[0] == pytest.approx(vectors[0], abs=1e-6)
    assert alone.cohesion[0] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("person", [[], [0, 2]])
def test_a_person_without_a_face_is_refused(person):
    vectors = np.eye(2, dtype=np.float32)[: len(person)]
    with pytest.raises(ValueError, match="needs a face"):
        choose_each(vectors, np.ones(len(person), np.float32), np.array(person, dtype=np.int64))
