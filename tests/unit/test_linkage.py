from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.evaluation.clustering import judge_clusters
from facesort.grouping.calibration import FalseMatchRule, MergeRule, MinCosineRule, WrongMergesRule
from facesort.grouping.constraints import NOBODY, Constraints, Membership, fixed_groups
from facesort.grouping.linkage import average_linkage
from facesort.grouping.moments import Moments
from facesort.search.exact import ExactNeighbours
from tests.strategies import Scene, scenes, seeds
from tests.vectors import CALIBRATION, identity_vectors, partition, random_vectors, unit

rules = st.one_of(
    st.builds(MinCosineRule, st.floats(-1, 1)),
    st.builds(FalseMatchRule, st.just(CALIBRATION), st.floats(1e-9, 0.4)),
    st.builds(WrongMergesRule, st.just(CALIBRATION), st.floats(1e-3, 1000)),
)


def link(vectors: np.ndarray, constraints: Constraints, rule: MergeRule) -> np.ndarray:
    return average_linkage(vectors, ExactNeighbours(vectors), constraints, rule)


def brute_force(
    vectors: np.ndarray, constraints: Constraints, rule: MergeRule
) -> set[frozenset[int]]:
    """Average linkage by definition: all pairs of clusters, all pairs of faces, again each time."""
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    clusters = [{row} for row in range(len(vectors))]
    for group in fixed_groups(constraints):
        clusters = [c for c in clusters if c.isdisjoint(group)] + [set(group)]

    while True:
        best: tuple[float, int, int] | None = None
        for i, a in enumerate(clusters):
            for j, b in enumerate(clusters[:i]):
                mean = cosines[np.ix_(sorted(a), sorted(b))].mean()
                sizes = np.array([float(len(a))])
                score = float(rule.score(np.array([mean]), sizes, float(len(b)))[0])
                if allowed(constraints, a, b) and (best is None or score > best[0]):
                    best = (score, i, j)
        if best is None or best[0] < rule.limit(len(clusters)):
            return {frozenset(cluster) for cluster in clusters}
        _, i, j = best
        clusters[j] |= clusters[i]
        del clusters[i]


# Against the definition

# A fixed mean cosine: no merge raises a score above both that it replaces, so that rounds of mutual
# best partners merge exactly what one best pair after the other does.
fixed = st.builds(MinCosineRule, st.floats(-1, 1))


@given(st.integers(1, 16), st.integers(2, 8), seeds, fixed)
def test_merges_are_those_of_average_linkage_by_definition(n, dimension, seed, rule):
    vectors = random_vectors(n, dimension, seed)
    labels = link(vectors, Constraints.none(n), rule)
    assert partition(labels.tolist()) == brute_force(vectors, Constraints.none(n), rule)


@given(scenes(largest=14), fixed)
def test_constrained_merges_are_those_of_the_definition_too(scene, rule):
    labels = link(scene.vectors, scene.constraints, rule)
    assert partition(labels.tolist()) == brute_force(scene.vectors, scene.constraints, rule)


def allowed(facts: Constraints, a: set[int], b: set[int]) -> bool:
    """Whether nothing forbids that the faces of two clusters are one person."""
    seen = [moment for row in (*a, *b) for moment in facts.moments.of(row)]
    claims = {int(facts.claims[row]) for row in a | b} - {NOBODY}
    denied: set[int] = set()
    for row in a | b:
        denied |= facts.rejected.get(row, frozenset())
    return len(set(seen)) == len(seen) and len(claims) < 2 and not claims & denied


@given(scenes(), rules)
def test_no_pair_that_may_merge_and_passes_the_rule_is_left(scene: Scene, rule):
    labels = link(scene.vectors, scene.constraints, rule)
    cosines = scene.vectors.astype(np.float64) @ scene.vectors.astype(np.float64).T
    found = [set(np.flatnonzero(labels == label).tolist()) for label in range(labels.max() + 1)]
    for i, a in enumerate(found):
        for b in found[:i]:
            mean = cosines[np.ix_(sorted(a), sorted(b))].mean()
            score = rule.score(np.array([mean]), np.array([float(len(a))]), float(len(b)))[0]
            if allowed(scene.constraints, a, b):
                assert score < rule.limit(len(found)) + 1e-9


def test_clusters_that_the_graph_of_faces_does_not_connect_are_still_compared():
    vectors, truth = identity_vectors([6, 6, 6], seed=8, spread=0.5)

    class Blind:
        def neighbours(self, k):
            return np.full((18, 1), -1), np.full((18, 1), -np.inf, dtype=np.float32)

        def nearest(self, queries, k):
            raise AssertionError

    labels = average_linkage(vectors, Blind(), Constraints.none(18), MinCosineRule(0.45))
    assert partition(labels.tolist()) == partition(truth.tolist())


@given(seeds, st.integers(1, 30), st.integers(1, 30))
def test_the_mean_cosine_of_clusters_is_the_product_of_their_sums(seed, a, b):
    vectors = random_vectors(a + b, 16, seed).astype(np.float64)
    one, other = vectors[:a], vectors[a:]
    closed = one.sum(axis=0) @ other.sum(axis=0) / (a * b)
    assert closed == pytest.approx(float((one @ other.T).mean()), abs=1e-12)


# Rows that belong together from the start


@given(scenes(), rules, st.data())
def test_what_starts_together_stays_together(scene: Scene, rule, data):
    n = len(scene.vectors)
    start = np.array(data.draw(st.lists(st.integers(-1, 6), min_size=n, max_size=n)))
    labels = average_linkage(
        scene.vectors, ExactNeighbours(scene.vectors), scene.constraints, rule, start=start
    )
    for label in set(start.tolist()) - {-1}:
        assert len(set(labels[start == label].tolist())) == 1
    for rows in fixed_groups(scene.constraints):
        assert len({int(labels[row]) for row in rows}) == 1


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), seeds, fixed)
def test_one_row_can_stand_for_many_faces(sizes, seed, rule):
    vectors = random_vectors(sum(sizes), 5, seed)
    start = np.repeat(np.arange(len(sizes)), sizes)
    means = np.stack([vectors[start == k].mean(axis=0) for k in range(len(sizes))])
    weights = np.array(sizes, dtype=np.float64)
    whole = average_linkage(
        means, ExactNeighbours(means), Constraints.none(len(sizes)), rule, weights=weights
    )
    every = average_linkage(
        vectors, ExactNeighbours(vectors), Constraints.none(len(start)), rule, start=start
    )
    assert partition(whole[start].tolist()) == partition(every.tolist())


def test_a_first_strict_pass_shows_what_is_sure_and_the_rest_goes_by_the_refined_rule():
    vectors = unit(np.array([[1.0, 0], [1, 0.1], [1, 0.6], [-1, 0]]))
    seen = []

    def refine(labels: np.ndarray) -> MergeRule:
        seen.append(labels.tolist())
        return MinCosineRule(0.8)

    labels = average_linkage(
        vectors,
        ExactNeighbours(vectors),
        Constraints.none(4),
        MinCosineRule(0.5),
        core=MinCosineRule(0.99),
        refine=refine,
    )
    assert seen == [[0, 0, 1, 2]]
    assert labels.tolist() == [0, 0, 0, 1]


def test_a_rule_stricter_than_the_first_pass_governs_that_pass_too():
    vectors = unit(np.array([[1.0, 0], [1, 0.1], [1, 0.6]]))
    seen = []

    def refine(labels: np.ndarray) -> MergeRule:
        seen.append(labels.tolist())
        return MinCosineRule(0.999)

    average_linkage(
        vectors,
        ExactNeighbours(vectors),
        Constraints.none(3),
        MinCosineRule(0.999),
        core=MinCosineRule(0.5),
        refine=refine,
    )
    assert seen == [[0, 1, 2]]


# Constraints


@given(scenes(), rules)
def test_no_cluster_breaks_what_photos_and_decisions_say(scene: Scene, rule):
    assert scene.violations(link(scene.vectors, scene.constraints, rule)) == []


@given(scenes(), rules)
def test_confirmed_faces_of_one_identity_are_always_together(scene: Scene, rule):
    labels = link(scene.vectors, scene.constraints, rule)
    for rows in fixed_groups(scene.constraints):
        assert len({int(labels[row]) for row in rows}) == 1


def test_everything_merges_when_nothing_forbids_it():
    vectors = random_vectors(12, 4, 1, lean=5)
    assert set(link(vectors, Constraints.none(12), MinCosineRule(-1)).tolist()) == {0}


def test_confirmed_faces_are_together_however_different_they_look():
    vectors = unit(np.array([[1.0, 0], [-1, 0], [0, 1]]))
    facts = Constraints(
        Moments(np.arange(3)), np.array([0, 0, NOBODY]), {}, np.array([True, True, False])
    )
    assert link(vectors, facts, MinCosineRule(0.9)).tolist() == [0, 0, 1]


def test_two_votes_for_one_identity_do_not_join_faces_that_look_different():
    vectors = unit(np.array([[1.0, 0], [0, 1]]))
    facts = Constraints(Moments(np.arange(2)), np.array([0, 0]), {}, np.zeros(2, dtype=bool))
    assert link(vectors, facts, MinCosineRule(0.3)).tolist() == [0, 1]


def test_a_face_between_two_people_of_one_photo_goes_to_the_nearer():
    vectors = unit(np.array([[1.0, 0], [0, 1], [1, 0.9]]))
    facts = Constraints(
        Moments(np.array([0, 0, 1])), np.full(3, NOBODY), {}, np.zeros(3, dtype=bool)
    )
    assert link(vectors, facts, MinCosineRule(-1)).tolist() == [0, 1, 0]


def test_a_refused_pair_does_not_end_the_merging():
    # The most alike pair shares a photo; the next pair must still be joined.
    vectors = unit(np.array([[1.0, 0, 0], [1, 0.01, 0], [0, 0, 1], [0, 0.3, 1]]))
    facts = Constraints(
        Moments(np.array([0, 0, 1, 2])), np.full(4, NOBODY), {}, np.zeros(4, dtype=bool)
    )
    assert link(vectors, facts, MinCosineRule(0.5)).tolist() == [0, 1, 2, 2]


@given(scenes())
def test_what_is_forbidden_stays_forbidden_when_clusters_grow(scene: Scene):
    members = Membership(scene.constraints)
    n = len(scene.vectors)
    alive = list(range(n))
    forbidden: set[tuple[int, int]] = set()
    for row in range(1, n):
        forbidden |= {(a, b) for a in alive for b in alive if a < b and members.forbidden(a, b)}
        if not members.forbidden(0, row):
            members.merge(0, row)
            alive.remove(row)
        assert all(members.forbidden(a, b) for a, b in forbidden if a in alive and b in alive)


@given(scenes(), st.data())
def test_a_part_of_the_facts_is_about_the_same_faces(scene: Scene, data):
    facts = scene.constraints
    chosen = data.draw(st.lists(st.integers(0, len(facts.moments) - 1), unique=True))
    part = facts.subset(np.array(chosen, dtype=np.int64))
    for new, old in enumerate(chosen):
        assert part.moments.of(new) == facts.moments.of(old)
        assert part.claims[new] == facts.claims[old]
        assert part.fixed[new] == facts.fixed[old]
        assert part.rejected.get(new) == facts.rejected.get(old)
    assert set(part.rejected) <= set(range(len(chosen)))


# Determinism


@given(scenes(), rules, seeds)
def test_the_order_of_the_faces_changes_only_the_numbers(scene: Scene, rule, seed):
    n = len(scene.vectors)
    order = np.random.default_rng(seed).permutation(n)
    straight = link(scene.vectors, scene.constraints, rule)
    shuffled = np.empty(n, dtype=np.int64)
    shuffled[order] = link(scene.vectors[order], scene.constraints.subset(order), rule)
    assert partition(shuffled.tolist()) == partition(straight.tolist())


@given(scenes(), rules)
def test_clusters_are_numbered_by_their_first_face(scene: Scene, rule):
    labels = link(scene.vectors, scene.constraints, rule).tolist()
    assert list(dict.fromkeys(labels)) == list(range(len(set(labels))))


@given(scenes(), rules)
def test_nothing_that_was_handed_in_is_written_to(scene: Scene, rule):
    vectors, facts = scene.vectors.copy(), scene.constraints
    moments, claims, rejected = list(facts.moments.all()), facts.claims.copy(), dict(facts.rejected)
    link(scene.vectors, facts, rule)
    np.testing.assert_array_equal(scene.vectors, vectors)
    assert list(facts.moments.all()) == moments
    np.testing.assert_array_equal(facts.claims, claims)
    assert facts.rejected == rejected


@pytest.mark.parametrize("n", [0, 1])
def test_no_face_and_one_face_are_no_special_case_for_the_caller(n):
    labels = link(random_vectors(n, 4, 0), Constraints.none(n), MinCosineRule(0.3))
    assert labels.tolist() == list(range(n))


# A floor on people whose truth is known


def names(values: Iterable[int]) -> list[str]:
    return [str(value) for value in values]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_people_of_all_sizes_are_found(seed):
    # The sizes of an album: few people with many photos, many with few.
    sizes = [70, 40, 20] + [8] * 5 + [3] * 10 + [1] * 40
    vectors, truth = identity_vectors(sizes, seed=seed, spread=1.1, dimension=128)
    rule = WrongMergesRule(CALIBRATION, 1.0)
    labels = link(vectors, Constraints.none(len(truth)), rule)
    score = judge_clusters(names(truth), names(labels))
    # Two photos of a person have a cosine of .45. Seen 2026-11-22: F .993 to .998, precision 1.
    assert score.pairwise.f >= 0.985
    assert score.pairwise.precision >= 0.995
