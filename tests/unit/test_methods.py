from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.errors import UsageError
from facesort.evaluation.clustering import judge_clusters
from facesort.grouping import agglomerative
from facesort.grouping.agglomerative import agglomerate
from facesort.grouping.attach import UNASSIGNED, attach_poor
from facesort.grouping.calibration import MergeRule, MinCosineRule, OnePerson, WrongMergesRule
from facesort.grouping.constraints import NOBODY, Constraints, fixed_groups
from facesort.grouping.linkage import average_linkage
from facesort.grouping.moments import Moments
from facesort.grouping.threshold import connected_components
from facesort.search.exact import ExactNeighbours
from tests.strategies import Scene, scenes, seeds
from tests.vectors import CALIBRATION, identity_vectors, partition, random_vectors, unit

Method = Callable[[np.ndarray, Constraints, MergeRule], np.ndarray]

cosines = st.floats(-1, 1)


def threshold(vectors: np.ndarray, constraints: Constraints, rule: MergeRule) -> np.ndarray:
    return connected_components(vectors, ExactNeighbours(vectors), constraints, rule)


def linkage(vectors: np.ndarray, constraints: Constraints, rule: MergeRule) -> np.ndarray:
    return average_linkage(vectors, ExactNeighbours(vectors), constraints, rule)


every_method = pytest.mark.parametrize("method", [threshold, agglomerate, linkage])


def circle(*degrees: float) -> np.ndarray:
    """Unit vectors in the plane, at these angles."""
    angles = np.deg2rad(degrees)
    return unit(np.column_stack([np.cos(angles), np.sin(angles)]))


def facts(
    n: int,
    *,
    photos: list[int] | None = None,
    claims: list[int] | None = None,
    rejected: dict[int, frozenset[int]] | None = None,
    fixed: list[bool] | None = None,
) -> Constraints:
    return Constraints(
        Moments(np.array(photos or list(range(n)), dtype=np.int64)),
        np.array(claims or [NOBODY] * n, dtype=np.int64),
        rejected or {},
        np.array(fixed or [False] * n, dtype=bool),
    )


# What every method promises


@every_method
@given(scene=scenes(), min_cosine=cosines)
def test_no_method_breaks_what_photos_and_decisions_say(method: Method, scene: Scene, min_cosine):
    labels = method(scene.vectors, scene.constraints, MinCosineRule(min_cosine))
    assert scene.violations(labels) == []


@every_method
@given(scene=scenes(), min_cosine=cosines)
def test_every_method_keeps_confirmed_faces_together(method: Method, scene: Scene, min_cosine):
    labels = method(scene.vectors, scene.constraints, MinCosineRule(min_cosine))
    for rows in fixed_groups(scene.constraints):
        assert len({int(labels[row]) for row in rows}) == 1


@every_method
@given(scene=scenes(), min_cosine=cosines)
def test_every_method_numbers_clusters_by_their_first_face(method: Method, scene, min_cosine):
    labels = method(scene.vectors, scene.constraints, MinCosineRule(min_cosine)).tolist()
    assert list(dict.fromkeys(labels)) == list(range(len(set(labels))))


@every_method
@given(scene=scenes(), min_cosine=cosines, seed=seeds)
def test_the_order_of_the_faces_changes_only_numbers(method: Method, scene, min_cosine, seed):
    n = len(scene.vectors)
    order = np.random.default_rng(seed).permutation(n)
    straight = method(scene.vectors, scene.constraints, MinCosineRule(min_cosine))
    shuffled = np.empty(n, dtype=np.int64)
    shuffled[order] = method(
        scene.vectors[order], scene.constraints.subset(order), MinCosineRule(min_cosine)
    )
    assert partition(shuffled.tolist()) == partition(straight.tolist())


@every_method
@pytest.mark.parametrize("n", [0, 1, 2])
def test_tiny_libraries_are_no_special_case(method: Method, n):
    labels = method(random_vectors(n, 8, 1), Constraints.none(n), MinCosineRule(0.999))
    assert labels.tolist() == list(range(n))


@every_method
def test_clear_people_are_found_exactly(method: Method):
    vectors, truth = identity_vectors([9, 5, 3, 1, 1], seed=4, spread=0.5)
    labels = method(vectors, Constraints.none(len(truth)), MinCosineRule(0.45))
    assert partition(labels.tolist()) == partition(truth.tolist())


@every_method
@pytest.mark.parametrize("seed", [1, 2])
def test_people_are_found_to_a_floor(method: Method, seed):
    sizes = [30, 20, 10] + [5] * 8 + [1] * 30
    vectors, truth = identity_vectors(sizes, seed=seed, spread=0.85, dimension=96)
    rule = WrongMergesRule(CALIBRATION, 1.0)
    labels = method(vectors, Constraints.none(len(truth)), rule)
    score = judge_clusters([str(x) for x in truth], [str(x) for x in labels])
    assert score.pairwise.f >= 0.97


# FaceNet's connected components


def test_a_chain_of_similar_faces_is_one_person_to_the_threshold_method_only():
    chain = circle(0, 20, 40, 60, 80)
    rule = MinCosineRule(0.9)  # cosine of 20 degrees is .94, of 40 degrees .77
    assert len(set(threshold(chain, facts(5), rule).tolist())) == 1
    assert len(set(linkage(chain, facts(5), rule).tolist())) > 1


def test_a_chain_of_one_look_alike_pair_does_not_fuse_two_people():
    # Two people of five close faces each, joined by one pair of faces alone.
    one = circle(-28, -26, -24, -22, 0)
    other = circle(24, 46, 48, 50, 52)
    vectors = np.concatenate([one, other])
    rule = WrongMergesRule(replace(CALIBRATION, one_person=OnePerson(0.85, 0.02)), 1.0)
    assert vectors[4] @ vectors[5] >= rule.min_cosine(10)
    assert partition(threshold(vectors, facts(10), rule).tolist()) == {
        frozenset(range(5)),
        frozenset(range(5, 10)),
    }
    unlimited = WrongMergesRule(replace(CALIBRATION, one_person=None), 1.0)
    assert len(set(threshold(vectors, facts(10), unlimited).tolist())) == 1


def test_a_connection_that_breaks_a_rule_is_left_out_and_the_others_stand():
    faces = circle(0, 10, 20, 35)
    labels = threshold(faces, facts(4, photos=[0, 1, 0, 2]), MinCosineRule(0.9))
    assert labels.tolist() == [0, 0, 1, 1]


@given(st.integers(2, 40), seeds, cosines)
def test_components_are_those_of_the_graph(n, seed, min_cosine):
    vectors = random_vectors(n, 4, seed)
    alike = vectors @ vectors.T >= min_cosine
    reach = np.eye(n, dtype=bool) | alike
    for _ in range(n):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    labels = threshold(vectors, Constraints.none(n), MinCosineRule(min_cosine))
    assert partition(labels.tolist()) == {frozenset(np.flatnonzero(row).tolist()) for row in reach}


# scikit-learn's agglomeration


@given(st.integers(2, 16), st.integers(3, 8), seeds, st.floats(0, 0.99))
def test_agglomeration_agrees_with_linkage_where_nothing_is_forbidden(n, d, seed, min_cosine):
    vectors = np.abs(random_vectors(n, d, seed))
    rule = MinCosineRule(min_cosine)
    assert partition(agglomerate(vectors, Constraints.none(n), rule).tolist()) == partition(
        linkage(vectors, Constraints.none(n), rule).tolist()
    )


def test_confirmed_faces_that_look_different_are_still_one_cluster():
    faces = circle(0, 5, 90, 95)
    confirmed = facts(4, claims=[2, NOBODY, 2, NOBODY], fixed=[True, False, True, False])
    labels = agglomerate(faces, confirmed, MinCosineRule(0.95)).tolist()
    assert labels[0] == labels[2]


def test_a_cluster_with_two_faces_of_one_photo_is_divided_by_likeness():
    faces = circle(0, 2, 10, 12)
    labels = agglomerate(faces, facts(4, photos=[0, 1, 0, 2]), MinCosineRule(0.5))
    assert labels.tolist() == [0, 0, 1, 1]


def test_too_many_faces_for_all_pairs_are_refused(monkeypatch):
    monkeypatch.setattr(agglomerative, "MAX_FACES", 3)
    with pytest.raises(UsageError, match="4 faces are over 3") as error:
        agglomerate(circle(0, 1, 2, 3), facts(4), MinCosineRule(0.5))
    assert "--method linkage" in error.value.hint


# Poor faces


def attach(
    vectors: np.ndarray, good: list[bool], labels: list[int], constraints: Constraints, rule: float
) -> list[int]:
    all_labels = np.full(len(vectors), UNASSIGNED)
    all_labels[good] = labels
    poor = ~np.array(good, dtype=bool)
    found: list[int] = attach_poor(
        vectors, all_labels, poor, constraints, MinCosineRule(rule)
    ).tolist()
    return found


@given(scenes(), st.data(), cosines)
def test_attaching_breaks_no_rule_and_moves_no_good_face(scene: Scene, data, min_cosine):
    n = len(scene.vectors)
    poor = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    good = ~np.array(poor, dtype=bool) | scene.constraints.fixed
    rule = MinCosineRule(min_cosine)
    inner = linkage(scene.vectors[good], scene.constraints.subset(np.flatnonzero(good)), rule)
    before = np.full(n, UNASSIGNED)
    before[good] = inner
    labels = attach_poor(scene.vectors, before, ~good, scene.constraints, rule)
    assert scene.violations(labels) == []
    np.testing.assert_array_equal(labels[good], inner)
    assert set(labels[~good].tolist()) <= {UNASSIGNED, *inner.tolist()}


def test_a_poor_face_joins_who_it_resembles():
    faces = circle(0, 5, 90, 2)
    assert attach(faces, [True, True, True, False], [0, 0, 1], facts(4), 0.5) == [0, 0, 1, 0]


def test_a_poor_face_that_resembles_nobody_enough_is_nobody_s():
    faces = circle(0, 90, 200)
    assert attach(faces, [True, True, False], [0, 1], facts(3), 0.5) == [0, 1, UNASSIGNED]


def test_a_poor_face_between_two_people_is_nobody_s():
    faces = circle(0, 40, 20.5)  # cosines .936 and .943
    assert attach(faces, [True, True, False], [0, 1], facts(3), 0.5) == [0, 1, UNASSIGNED]
    nearer = circle(0, 40, 26)  # cosines .899 and .970
    assert attach(nearer, [True, True, False], [0, 1], facts(3), 0.5) == [0, 1, 1]


def test_a_poor_face_goes_with_the_identity_that_the_user_gave_it():
    faces = circle(0, 90, 20)
    said = facts(3, claims=[NOBODY, 7, 7])
    assert attach(faces, [True, True, False], [0, 1], said, 0.5) == [0, 1, 1]


def test_a_poor_face_follows_most_of_its_identity_not_a_stray():
    # Row 0 claims the identity too, but sits alone: the other three are its home.
    faces = circle(90, 0, 2, 4, 50)
    said = facts(5, claims=[7, 7, 7, 7, 7])
    labels = attach(faces, [True, True, True, True, False], [0, 1, 1, 1], said, 0.99)
    assert labels == [0, 1, 1, 1, 1]


def test_a_poor_face_follows_the_confirmed_face_of_its_identity():
    faces = circle(0, 2, 4, 90, 50)
    said = facts(5, claims=[7] * 5, fixed=[False, False, False, True, False])
    labels = attach(faces, [True, True, True, True, False], [0, 0, 0, 1], said, 0.99)
    assert labels == [0, 0, 0, 1, 1]


def test_a_poor_face_does_not_join_another_face_of_its_photo():
    faces = circle(0, 90, 1)
    same_photo = facts(3, photos=[4, 5, 4])
    assert attach(faces, [True, True, False], [0, 1], same_photo, 0.5) == [0, 1, UNASSIGNED]


def test_of_two_poor_faces_of_one_photo_the_more_alike_joins():
    faces = circle(0, 6, 3)
    one_photo = facts(3, photos=[1, 2, 2])
    assert attach(faces, [True, False, False], [0], one_photo, 0.5) == [0, UNASSIGNED, 0]


def test_poor_faces_that_resemble_each_other_more_than_anybody_stay_out():
    # 25 blurred faces around 30 degrees, the person at 0: alike enough, but not who they are.
    poor = [28 + 4 * i / 24 for i in range(25)]
    faces = circle(0, *poor)
    good = [True] + [False] * 25
    assert attach(faces, good, [0], facts(26), 0.5) == [0] + [UNASSIGNED] * 25
    # The same few, too few for a common centre, are taken.
    few = circle(0, *poor[:5])
    assert attach(few, [True] + [False] * 5, [0], facts(6), 0.5) == [0] * 6


def test_without_good_faces_every_poor_one_is_nobody_s():
    assert attach(circle(0, 1), [False, False], [], facts(2), -1.0) == [UNASSIGNED] * 2


def test_without_poor_faces_nothing_changes():
    assert attach(circle(0, 1), [True, True], [0, 1], facts(2), -1.0) == [0, 1]
