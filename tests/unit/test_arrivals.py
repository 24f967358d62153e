"""A coreset that is kept while faces come and go equals the one that is chosen anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.descriptors.arrivals import Standing
from facesort.descriptors.coreset import Rule, choose
from facesort.grouping.likeness import OnePerson

seeds = st.integers(0, 10_000)
rules = st.builds(
    Rule,
    size=st.integers(1, 6),
    gamma=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    floor=st.sampled_from([0.0, 0.25, 0.6]),
    min_gain=st.sampled_from([0.0, 0.02, 0.1]),
    odd_share=st.just(0.0),
    odd_deviations=st.just(math.inf),
)


def _faces(seed, n, d=8):
    """Faces of a person of a few looks, with copies among them and all qualities from 0 on."""
    rng = np.random.default_rng(seed)
    looks = rng.standard_normal((3, d)) + 1.5 * rng.standard_normal(d)
    vectors = looks[rng.integers(0, 3, n)] + rng.uniform(0, 0.8) * rng.standard_normal((n, d))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    quality = rng.uniform(0.0, 1.0, n).astype(np.float32)
    for row in np.flatnonzero(rng.uniform(size=n) < 0.2):
        vectors[row], quality[row] = vectors[0], quality[0]
    if seed % 5 == 0:
        quality *= np.float32(0.2)  # poor faces only
    return vectors, quality


def _rows(vectors, quality, rule, ids):
    rows = choose(vectors, quality, rule, ids=ids).rows[0]
    return rows[rows >= 0].tolist()


@given(seeds, st.integers(1, 40), st.integers(1, 20), rules)
@settings(max_examples=200, deadline=None)
def test_faces_that_may_not_enter_change_nothing(seed, n, more, rule):
    vectors, quality = _faces(seed, n + more)
    ids = [f"{number:03}" for number in range(n + more)]
    stood = Standing.of(vectors[:n], quality[:n], rule, ids=ids[:n])
    entering = stood.may_enter(vectors[n:], quality[n:], rule)
    kept = np.concatenate([np.arange(n), n + np.flatnonzero(~entering)])
    anew = _rows(vectors[kept], quality[kept], rule, [ids[row] for row in kept])
    assert kept[anew].tolist() == _rows(vectors[:n], quality[:n], rule, ids[:n])


@given(seeds, st.integers(1, 30), st.integers(1, 10), rules)
@settings(max_examples=100, deadline=None)
def test_what_stands_after_arrivals_is_what_a_choice_anew_gives(seed, n, more, rule):
    vectors, quality = _faces(seed, n + more)
    stood = Standing.of(vectors[:n], quality[:n], rule)
    few = np.flatnonzero(~stood.may_enter(vectors[n:], quality[n:], rule)) + n
    joined = stood.joined_by(vectors[few], quality[few], rule)
    both = np.concatenate([np.arange(n), few])
    anew = Standing.of(vectors[both], quality[both], rule)
    assert (joined.vectors == anew.vectors).all()
    assert joined.radius == pytest.approx(anew.radius, abs=1e-6)
    assert joined.total == pytest.approx(anew.total, abs=1e-9)
    assert joined.weight == pytest.approx(anew.weight)
    assert joined.faces == anew.faces


@given(seeds, st.integers(1, 30), rules)
@settings(max_examples=100, deadline=None)
def test_taking_away_faces_that_were_not_chosen_changes_nothing_but_the_sums(seed, n, rule):
    vectors, quality = _faces(seed, n)
    stood = Standing.of(vectors, quality, rule)
    copies = (vectors[:, None] == stood.vectors[None]).all(axis=2).any(axis=1)
    gone = np.flatnonzero(~copies)[::2]
    left = np.setdiff1d(np.arange(n), gone)
    anew = Standing.of(vectors[left], quality[left], rule)
    stays = stood.left_by(vectors[gone], quality[gone], rule)
    assert (stays.vectors == anew.vectors).all()
    assert stays.total == pytest.approx(anew.total, abs=1e-9)
    assert stays.faces == anew.faces
    assert stays.radius >= anew.radius - 1e-6


def test_a_pinned_face_keeps_its_place():
    vectors, quality = _faces(7, 30)
    rule = Rule().unguarded()
    for seed in range(40):
        more, their_quality = _faces(1000 + seed, 5)
        stood = Standing.of(vectors, quality, rule, pinned=[3, 9])
        few = ~stood.may_enter(more, their_quality, rule)
        anew = choose(
            np.concatenate([vectors, more[few]]),
            np.concatenate([quality, their_quality[few]]),
            rule,
            pinned=[3, 9],
        )
        rows = anew.rows[0][anew.rows[0] >= 0]
        assert rows[:2].tolist() == [3, 9]
        assert rows.max() < 30


def test_a_better_or_a_different_face_may_enter():
    vectors, quality = _faces(11, 30)
    rule = Rule().unguarded()
    stood = Standing.of(vectors, np.minimum(quality, np.float32(0.9)), rule)
    other = -vectors[:1]
    assert stood.may_enter(vectors[:1], np.array([0.95], np.float32), rule).all()
    assert stood.may_enter(other, np.array([0.8], np.float32), rule).all()
    assert not stood.may_enter(other, np.array([0.1], np.float32), rule).any()


def test_what_may_enter_is_not_joined_and_what_was_chosen_does_not_leave():
    vectors, quality = _faces(12, 30)
    rule = Rule().unguarded()
    stood = Standing.of(vectors, quality, rule)
    with pytest.raises(ValueError, match="not chosen anew"):
        stood.joined_by(-vectors[:1], np.ones(1, np.float32), rule)
    with pytest.raises(ValueError, match="chosen face is gone"):
        stood.left_by(stood.vectors[:1], quality[:1], rule)


def test_of_many_arrivals_few_make_a_choice_anew_necessary():
    rng = np.random.default_rng(0)
    rule = Rule().unguarded()
    counts = []
    for _ in range(5):
        centre = 0.6 * rng.standard_normal(64)
        vectors = centre + 0.5 * rng.standard_normal((1000, 64))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        quality = rng.uniform(0.2, 1, 1000).astype(np.float32)
        stood, anew = Standing.of(vectors[:1], quality[:1], rule), 0
        for n in range(1, 1000):
            one = slice(n, n + 1)
            if stood.may_enter(vectors[one], quality[one], rule)[0]:
                stood, anew = Standing.of(vectors[: n + 1], quality[: n + 1], rule), anew + 1
            else:
                stood = stood.joined_by(vectors[one], quality[one], rule)
        counts.append(anew)
    # Each place changes hands about as often as a record is broken: 7.5 times in 1,000.
    assert np.mean(counts) < rule.size * 7.5


def test_a_newcomer_who_is_unlike_the_person_is_odd():
    rng = np.random.default_rng(3)
    centre = rng.standard_normal(64)
    vectors = centre + 0.7 * rng.standard_normal((11, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    stranger = rng.standard_normal((1, 64)).astype(np.float32)
    stranger /= np.linalg.norm(stranger)
    rule = Rule(odd_share=0.0, one_person=OnePerson(0.6, 0.04))
    stood = Standing.of(vectors[:10], np.full(10, 0.8, np.float32), rule)
    assert not stood.odd(vectors[10:], rule).any()
    assert stood.odd(stranger, rule).all()
    assert not stood.odd(stranger, Rule()).any()
