"""Merging many pairs at once: what a round may do, and what it may not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.grouping.calibration import FalseMatchRule, MinCosineRule, WrongMergesRule
from facesort.grouping.clusters import Clusters, sums_of
from facesort.grouping.constraints import NOBODY, Constraints
from facesort.grouping.edges import Bars, Edges, NeighbourGraph
from facesort.grouping.likeness import OnePerson
from facesort.grouping.linkage import average_linkage
from facesort.grouping.means import close_means
from facesort.grouping.moments import Moments
from facesort.grouping.rounds import Rounds
from facesort.search.exact import ExactNeighbours
from tests.strategies import seeds
from tests.vectors import CALIBRATION, identity_vectors, partition, random_vectors, unit


def graph(vectors: np.ndarray) -> NeighbourGraph:
    rows, cosines = ExactNeighbours(vectors).neighbours(len(vectors))
    return NeighbourGraph(rows.astype(np.int32), cosines)


@pytest.mark.parametrize("size", [60, 400])
def test_somebody_with_hundreds_of_photos_is_one_person(size):
    vectors, truth = identity_vectors([size, 5, 3], seed=4, spread=0.8, dimension=128)
    labels = average_linkage(
        vectors,
        ExactNeighbours(vectors),
        Constraints.none(len(truth)),
        WrongMergesRule(CALIBRATION, 1.0),
    )
    assert partition(labels.tolist()) == partition(truth.tolist())


def test_large_clusters_take_in_several_at_once_but_nobody_who_is_forbidden():
    # 300 faces of one person, of which every third is on a photo with the one after it.
    vectors, _ = identity_vectors([300], seed=4, spread=0.6, dimension=64)
    photos = np.arange(300)
    photos[2::3] = photos[1::3]
    facts = Constraints(Moments(photos), np.full(300, NOBODY), {}, np.zeros(300, dtype=bool))
    labels = average_linkage(vectors, ExactNeighbours(vectors), facts, MinCosineRule(0.3))
    for label in set(labels.tolist()):
        inside = photos[labels == label]
        assert len(set(inside.tolist())) == len(inside)
    assert np.bincount(labels).max() > 64  # large enough to take in several at once


def test_many_photos_take_few_rounds(monkeypatch):
    vectors, _ = identity_vectors([2000], seed=1, spread=0.7, dimension=64)
    rounds = 0
    best_partners = Rounds._best_partners

    def counted(self, edges, scores):
        nonlocal rounds
        rounds += 1
        return best_partners(self, edges, scores)

    monkeypatch.setattr(Rounds, "_best_partners", counted)
    rule = FalseMatchRule(CALIBRATION, 1e-6)
    labels = average_linkage(vectors, ExactNeighbours(vectors), Constraints.none(2000), rule)
    assert set(labels.tolist()) == {0}
    assert rounds < 200  # one at a time would take a thousand and more


@given(st.integers(2, 30), seeds, st.floats(-0.5, 0.9))
def test_among_equally_good_partners_the_lower_row_wins(n, seed, min_cosine):
    # Three copies of each vector: ties everywhere.
    vectors = np.repeat(random_vectors(n, 4, seed), 3, axis=0)
    facts = Constraints.none(3 * n)
    first = average_linkage(vectors, ExactNeighbours(vectors), facts, MinCosineRule(min_cosine))
    again = average_linkage(vectors, ExactNeighbours(vectors), facts, MinCosineRule(min_cosine))
    np.testing.assert_array_equal(first, again)
    assert (first.reshape(-1, 3) == first.reshape(-1, 3)[:, :1]).all()


def test_what_waits_in_the_graph_comes_out_once_and_only_when_it_can_pass():
    vectors = unit(np.array([[1.0, 0], [1, 0.2], [0, 1]]))
    clusters = Clusters(vectors, Constraints.none(3))
    waiting, rule = graph(vectors), MinCosineRule(0.0)
    high = waiting.reaching(0.9, clusters, rule)
    assert set(zip(high.u.tolist(), high.v.tolist(), strict=True)) == {(0, 1)}
    assert len(waiting.reaching(0.9, clusters, rule)) == 0
    low = waiting.reaching(-1.0, clusters, rule)
    assert set(zip(low.u.tolist(), low.v.tolist(), strict=True)) == {(0, 2), (1, 2)}


@given(st.integers(1, 25), seeds, st.floats(-1, 1), st.data())
def test_means_that_are_close_enough_are_found_among_all(n, seed, score, data):
    vectors = random_vectors(n, 3, seed)
    start = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)))
    asked = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    clusters = Clusters(vectors, Constraints.none(n), start=start)
    names = clusters.live().tolist()
    sums = {name: vectors[clusters.find_all() == name].astype(np.float64) for name in names}
    rule = MinCosineRule(0.0)
    for some in (None, asked):
        found = close_means(clusters, rule, score, some)
        pairs = set(zip(found.u.tolist(), found.v.tolist(), strict=True))
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                mean = float((sums[a] @ sums[b].T).mean())
                wanted = some is None or bool(some[a] or some[b])
                if abs(mean - score) > 1e-4:
                    assert ((a, b) in pairs) == (wanted and mean > score)


guarded = st.builds(
    FalseMatchRule,
    st.just(replace(CALIBRATION, one_person=OnePerson(0.6, 0.043))),
    st.floats(1e-6, 1e-2),
)


@given(guarded, st.integers(1, 500), st.integers(1, 500), st.integers(0, 500))
def test_no_pair_below_the_bar_reaches_the_score(rule, size, least, more):
    # The rule asks more of single faces, and from another side more of large clusters.
    bars, limit = Bars(rule, rule.limit(1)), rule.limit(1)
    sizes = np.array([float(size)])
    bar = bars.between(sizes, least, least + more)
    for other in (least, least + more // 2, least + more):
        for below in (bar - 1e-6, np.array([bars.lowest() - 1e-6])):
            assert rule.score(below, sizes, float(other))[0] < limit


@given(guarded, st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0]), st.sampled_from([1.0, 2.0, 5.0]))
def test_the_bar_of_small_clusters_is_exact(rule, size, other):
    limit = rule.limit(1)
    bar = Bars(rule, limit).between(np.array([size]), other, other)
    assert rule.score(bar + 1e-6, np.array([size]), other)[0] >= limit


@pytest.mark.parametrize("n", [2, 12])
def test_a_guard_against_loose_clusters_hides_no_pair_of_single_faces(n):
    # Cosine .37 between single faces passes; large clusters of one person would need .39.
    rule = FalseMatchRule(replace(CALIBRATION, one_person=OnePerson(0.6, 0.043)), 1e-3)
    vectors = np.zeros((n, n), dtype=np.float32)
    vectors[np.arange(n), np.arange(n)] = 1
    vectors[1, :2] = 0.37, np.sqrt(1 - 0.37**2)
    labels = average_linkage(vectors, ExactNeighbours(vectors), Constraints.none(n), rule)
    assert labels[0] == labels[1]
    assert labels.max() == n - 2


def test_the_best_known_cosine_of_parallel_edges_is_kept():
    edges = Edges(
        np.array([0, 0, 1, 1], dtype=np.int32),
        np.array([2, 2, 2, 2], dtype=np.int32),
        np.array([0.3, 0.6, 0.9, 0.5]),
        np.array([False, False, False, True]),
    ).unique(3)
    assert edges.u.tolist() == [0, 1]
    assert edges.mean.tolist() == [0.6, 0.5]  # the exact one, though an estimate was higher
    assert edges.exact.tolist() == [False, True]


@given(st.lists(st.integers(-1, 5), min_size=1, max_size=30), seeds)
def test_sums_and_sizes_are_those_of_adding_up(labels, seed):
    n = len(labels)
    vectors, weights = random_vectors(n, 4, seed), np.arange(1.0, n + 1)
    which = np.array(labels)
    rows = np.flatnonzero(which >= 0)
    sums, sizes = sums_of(vectors, which, 6, rows, weights)
    for label in range(6):
        inside = which == label
        np.testing.assert_allclose(
            sums[label], (vectors[inside] * weights[inside, None]).sum(axis=0), atol=1e-5
        )
        assert sizes[label] == weights[inside].sum()
