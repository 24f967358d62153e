"""Faces that sit with the wrong people move, and clusters of two people are divided."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from facesort.evaluation.clustering import judge_clusters
from facesort.grouping.calibration import MinCosineRule, WrongMergesRule
from facesort.grouping.constraints import NOBODY, Constraints
from facesort.grouping.linkage import average_linkage
from facesort.grouping.moments import Moments
from facesort.grouping.repair import moved, split
from facesort.search.exact import ExactNeighbours
from tests.strategies import Scene, scenes, seeds
from tests.vectors import CALIBRATION, identity_vectors

RULE = WrongMergesRule(CALIBRATION, 1.0)


def neighbours(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, cosines = ExactNeighbours(vectors).neighbours(32)
    return rows.astype(np.int32), cosines


def facts(n: int, claims: dict[int, int] | None = None, photos: dict[int, int] | None = None):
    claiming = np.full(n, NOBODY)
    for row, claim in (claims or {}).items():
        claiming[row] = claim
    first = np.arange(n)
    for row, photo in (photos or {}).items():
        first[row] = photo
    return Constraints(Moments(first), claiming, {}, np.zeros(n, dtype=bool))


def two_people(spread: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    return identity_vectors([12, 12], seed=2, spread=spread, dimension=128)


def test_a_face_with_the_wrong_people_goes_to_its_own():
    vectors, truth = two_people()
    wrong = truth.copy()
    wrong[3] = 1
    labels = moved(vectors, wrong, neighbours(vectors), Constraints.none(24), RULE)
    np.testing.assert_array_equal(labels, truth)


def test_a_face_that_the_user_has_spoken_of_stays_where_it_is():
    vectors, truth = two_people()
    wrong = truth.copy()
    wrong[3] = 1
    said = facts(24, claims={3: 7})
    np.testing.assert_array_equal(moved(vectors, wrong, neighbours(vectors), said, RULE), wrong)


def test_a_face_does_not_move_to_another_one_of_its_photo():
    vectors, truth = two_people()
    wrong = truth.copy()
    wrong[3] = 1
    one_photo = facts(24, photos={3: 100, 5: 100})
    labels = moved(vectors, wrong, neighbours(vectors), one_photo, RULE)
    np.testing.assert_array_equal(labels, wrong)


def test_of_two_faces_of_one_photo_only_one_moves_to_the_same_people():
    vectors, truth = two_people()
    wrong = truth.copy()
    wrong[[3, 4]] = 1
    one_photo = facts(24, photos={3: 100, 4: 100})
    labels = moved(vectors, wrong, neighbours(vectors), one_photo, RULE)
    assert (labels[[3, 4]] == labels[0]).sum() == 1


def test_two_parts_of_one_person_do_not_take_faces_from_each_other():
    vectors, _ = identity_vectors([24], seed=5, spread=0.8, dimension=128)
    halves = np.arange(24) // 12
    labels = moved(vectors, halves, neighbours(vectors), Constraints.none(24), RULE)
    np.testing.assert_array_equal(labels, halves)


def test_two_people_in_one_cluster_are_divided():
    vectors, truth = two_people()
    labels = split(vectors, np.zeros(24, dtype=np.int64), Constraints.none(24), RULE)
    np.testing.assert_array_equal(labels, truth)


def test_one_person_is_not_divided():
    vectors, _ = identity_vectors([40], seed=6, spread=1.1, dimension=128)
    whole = np.zeros(40, dtype=np.int64)
    np.testing.assert_array_equal(split(vectors, whole, Constraints.none(40), RULE), whole)


def test_whom_the_user_put_together_is_not_divided():
    vectors, _ = two_people()
    said = facts(24, claims={0: 7, 20: 7})
    whole = np.zeros(24, dtype=np.int64)
    np.testing.assert_array_equal(split(vectors, whole, said, RULE), whole)


@given(scenes(), st.floats(-1, 1))
def test_repair_breaks_no_rule_and_parts_no_confirmed_faces(scene: Scene, min_cosine):
    rule = MinCosineRule(min_cosine)
    vectors, facts = scene.vectors, scene.constraints
    labels = average_linkage(vectors, ExactNeighbours(vectors), facts, rule, repair=True)
    assert scene.violations(labels) == []
    for claim in {int(claim) for claim in facts.claims[facts.fixed]}:
        together = labels[facts.fixed & (facts.claims == claim)]
        assert len(set(together.tolist())) == 1
    assert list(dict.fromkeys(labels.tolist())) == list(range(int(labels.max()) + 1))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), seeds)
def test_clear_people_need_no_repair(sizes, seed):
    vectors, truth = identity_vectors(sizes, seed=seed, spread=0.4, dimension=64)
    facts, rule = Constraints.none(len(truth)), MinCosineRule(0.5)
    np.testing.assert_array_equal(split(vectors, truth, facts, rule), truth)
    np.testing.assert_array_equal(moved(vectors, truth, neighbours(vectors), facts, rule), truth)


def test_a_grouping_with_mistakes_is_better_after_the_repair():
    vectors, truth = identity_vectors([20, 15, 10, 8, 8, 5], seed=9, spread=0.8, dimension=128)
    random = np.random.default_rng(1)
    wrong = np.where(random.random(len(truth)) < 0.1, random.integers(0, 6, len(truth)), truth)
    facts = Constraints.none(len(truth))
    parts = split(vectors, wrong, facts, RULE)
    labels = moved(vectors, parts, neighbours(vectors), facts, RULE)
    names = [str(who) for who in truth]
    before = judge_clusters(names, [str(label) for label in wrong]).pairwise.f
    after = judge_clusters(names, [str(label) for label in labels]).pairwise.f
    assert after > before
    assert after >= 0.97


def test_no_faces_need_no_repair():
    empty = np.zeros((0, 8), dtype=np.float32)
    none = np.zeros(0, dtype=np.int64)
    facts = Constraints.none(0)
    assert split(empty, none, facts, RULE).shape == (0,)
    assert moved(empty, none, neighbours(empty), facts, RULE).shape == (0,)
