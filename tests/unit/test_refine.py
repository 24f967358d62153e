"""What a library's own photos say about how alike different people look in it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.grouping.calibration import (
    Calibration,
    FalseMatchRule,
    MinCosineRule,
    WrongMergesRule,
)
from facesort.grouping.moments import Moments
from facesort.grouping.refine import MIN_ANSWERS, Answer, refine, with_calibration
from tests.vectors import unit

DIMENSION = 128
# Random directions in so many dimensions: mean 0, standard deviation 1 / sqrt(128).
CARD = Calibration(0.0, 0.7 / DIMENSION, 0.3 / DIMENSION)


def _crowd(photos: int, each: int, *, people: int, common: float = 0.0, seed: int = 3):
    """Take photos of some people of a crowd that has something in common.

    Returns:
        Vectors, who is who, and the photo of each face.
    """
    rng = np.random.default_rng(seed)
    base = unit(rng.standard_normal((1, DIMENSION))).astype(np.float64)
    own = unit(rng.standard_normal((people, DIMENSION))).astype(np.float64)
    who = np.concatenate([rng.choice(people, each, replace=False) for _ in range(photos)])
    noise = unit(rng.standard_normal((len(who), DIMENSION))).astype(np.float64)
    vectors = unit(math.sqrt(common) * base + math.sqrt(1 - common) * own[who] + 0.4 * noise)
    return vectors, who.astype(np.int64), Moments(np.repeat(np.arange(photos), each))


def _refined(crowd, answers=()):
    return refine(CARD, *crowd, answers=answers)


def test_a_library_whose_people_are_more_alike_gets_a_higher_threshold():
    plain = _refined(_crowd(300, 4, people=80))
    alike = _refined(_crowd(300, 4, people=80, common=0.15))
    assert alike.shift > plain.shift + 0.1
    assert alike.calibration.min_cosine(1e-5) > plain.calibration.min_cosine(1e-5) + 0.01


def test_a_library_like_the_card_s_people_changes_next_to_nothing():
    refined = _refined(_crowd(300, 4, people=80))
    assert refined.pairs > 1000
    before, after = CARD.min_cosine(1e-5), refined.calibration.min_cosine(1e-5)
    assert after == pytest.approx(before, abs=0.01)


def test_the_weight_grows_with_the_pairs_of_people_and_not_with_their_photos():
    few = _refined(_crowd(40, 3, people=3))
    many = _refined(_crowd(400, 3, people=3))
    assert few.pairs == many.pairs == 3
    assert few.weight == many.weight == 3 / 2003


def test_nobody_on_a_photo_with_another_leaves_the_card_as_it_is():
    refined = _refined(_crowd(50, 1, people=10))
    assert (refined.pairs, refined.weight, refined.shift) == (0, 0.0, 0.0)
    assert refined.calibration == CARD
    none = np.zeros((0, DIMENSION), dtype=np.float32), np.zeros(0, dtype=np.int64)
    assert refine(CARD, *none, Moments(np.zeros(0, dtype=np.int64))).calibration == CARD


def test_people_seen_together_once_are_not_compared_across_that_photo():
    # Two people, one photo: what they share is the photo, and no merge would compare those faces.
    vectors, who, moments = _crowd(1, 2, people=2)
    assert _refined((vectors, who, moments)).pairs == 0
    # Another photo of one of them gives a pair to compare.
    more = np.concatenate([vectors, vectors[:1]])
    refined = _refined((more, np.append(who, who[0]), Moments(np.array([0, 0, 1]))))
    assert refined.pairs == 1


def test_light_that_the_faces_of_a_photo_share_is_not_taken_for_likeness():
    vectors, who, moments = _crowd(200, 3, people=60)
    rng = np.random.default_rng(8)
    light = unit(rng.standard_normal((200, DIMENSION))).astype(np.float64)
    lit = unit(vectors + 0.5 * light[moments.first])
    same_photo = np.einsum("ij,ij->i", lit[0::3], lit[1::3]).mean()
    assert same_photo > 0.12
    assert abs(_refined((lit, who, moments)).shift) < 0.05


def test_a_photo_that_shows_one_person_twice_is_asked_about_and_does_not_count():
    vectors, who, moments = _crowd(30, 3, people=12)
    mirrored = np.concatenate([vectors, vectors[:1]])
    labels = np.append(who, 99)
    refined = _refined((mirrored, labels, Moments(np.append(moments.first, moments.first[0]))))
    assert refined.doubtful == ((0, len(who)),)
    assert _refined((vectors, who, moments)).doubtful == ()


def _families(count: int, size: int, photos: int):
    """Take photos of families, each photo of one of them."""
    rng = np.random.default_rng(2)
    own = unit(rng.standard_normal((count * size, DIMENSION))).astype(np.float64)
    shared = unit(rng.standard_normal((count, DIMENSION))).astype(np.float64)
    who = np.concatenate(
        [rng.choice(size, 3, replace=False) + size * (photo % count) for photo in range(photos)]
    )
    noise = unit(rng.standard_normal((len(who), DIMENSION))).astype(np.float64)
    vectors = unit(0.9 * own[who] + 0.45 * shared[who // size] + 0.4 * noise)
    return vectors, who.astype(np.int64), Moments(np.repeat(np.arange(photos), 3))


def test_families_on_every_photo_do_not_move_the_threshold_of_all():
    # Kin are two deviations more alike than strangers, and photos show nobody else together.
    refined = _refined(_families(40, 5, photos=2000))
    assert refined.weight > 0.15
    assert refined.shift == pytest.approx(0, abs=0.03)  # in cosine, that is .003


def test_one_family_alone_moves_nothing_that_matters():
    refined = _refined(_families(1, 6, photos=400))
    assert refined.pairs == 15
    assert refined.calibration.min_cosine(1e-3) == pytest.approx(CARD.min_cosine(1e-3), abs=0.001)


def test_people_in_many_pieces_count_no_more_often_than_they_are():
    # Each face a cluster of its own, of eight people at most: a library knows its sizes, not names.
    vectors, who, moments = _families(1, 6, photos=400)
    pieces = np.where(np.arange(len(who)) % 9 == 0, 100 + np.arange(len(who)), who)
    refined = _refined((vectors, pieces, moments))
    assert refined.pairs < 40


@given(st.integers(0, 2**31), st.integers(2, 5))
def test_the_result_does_not_depend_on_the_order_of_faces_or_the_names_of_clusters(seed, each):
    vectors, who, moments = _crowd(12, each, people=9, seed=seed % 50)
    order = np.random.default_rng(seed).permutation(len(who))
    turned = refine(CARD, vectors[order], 100 - who[order], Moments(moments.first[order]))
    straight = refine(CARD, vectors, who, moments)
    assert (turned.pairs, turned.weight) == (straight.pairs, straight.weight)
    assert turned.shift == pytest.approx(straight.shift, abs=1e-9)


@given(st.integers(0, 40), st.floats(0, 0.9))
def test_a_library_is_never_believed_more_than_its_weight(seed, common):
    refined = refine(CARD, *_crowd(20, 4, people=15, common=common, seed=seed))
    assert abs(refined.shift) <= refined.weight
    assert 0 <= refined.weight < 1


def test_faces_of_nobody_take_no_part():
    vectors, who, moments = _crowd(60, 3, people=20)
    nobody = np.where(who < 5, -1, who)
    keep = who >= 5
    kept = refine(CARD, vectors[keep], who[keep], Moments(moments.first[keep]))
    assert refine(CARD, vectors, nobody, moments).shift == pytest.approx(kept.shift)


def test_a_face_of_a_video_has_many_moments_and_is_still_one_person():
    vectors, who, _ = _crowd(2, 2, people=2)
    moments = Moments(np.array([-1, -2, 5, 6]), {0: frozenset({-1, -2}), 1: frozenset({-2})})
    refined = refine(CARD, vectors, np.array([0, 1, 0, 1]), moments)
    assert refined.pairs == 1  # seen together at moment -2; compared elsewhere
    assert who.shape == (4,)


# The user's answers


def _answers(rows: tuple[int, int], same: bool, times: int) -> list[Answer]:
    return [Answer(rows[0], rows[1], same) for _ in range(times)]


def test_answers_count_from_fifty_of_each_kind_on():
    vectors, who, moments = _crowd(40, 1, people=40, seed=7)
    apart = [Answer(row, row + 1, same=False) for row in range(38)]
    apart = [a for a in apart if who[a.row] != who[a.other]] * 2
    same = _answers((0, 0), True, MIN_ANSWERS)
    assert len(apart) >= MIN_ANSWERS
    assert refine(CARD, vectors, who, moments, answers=apart + same[1:]).pairs == 0
    counted = refine(CARD, vectors, who, moments, answers=apart + same)
    assert counted.answers == counted.pairs > 10
    assert refine(CARD, vectors, who, moments, answers=apart[: MIN_ANSWERS - 1] + same).pairs == 0


def test_an_answer_about_two_faces_of_one_cluster_says_nothing_about_strangers():
    vectors, who, moments = _crowd(40, 1, people=40)
    one = np.zeros_like(who)
    answers = _answers((0, 1), False, 60) + _answers((0, 1), True, 60)
    assert refine(CARD, vectors, one, moments, answers=answers).pairs == 0


# Using it


def test_a_rule_keeps_its_number_on_another_calibration():
    other = CARD.shifted(0.5)
    assert with_calibration(WrongMergesRule(CARD, 3.0), other) == WrongMergesRule(other, 3.0)
    assert with_calibration(FalseMatchRule(CARD, 1e-4), other) == FalseMatchRule(other, 1e-4)
    assert with_calibration(MinCosineRule(0.4), other) == MinCosineRule(0.4)
