"""What stands for a person: the faces chosen of each look, and the vector made of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.descriptors.coreset import Rule, choose_each
from facesort.descriptors.described import describe
from tests.strategies import seeds
from tests.vectors import identity_vectors, unit


class Likeness:
    """What the faces of one person hardly ever miss."""

    def least(self, sizes, size):
        return np.full(np.broadcast(sizes, size).shape, 0.2)


class Nearest:
    """An aggregator that takes the first face."""

    name = "first"

    def __init__(self) -> None:
        self.given: list[int] = []

    def aggregate(self, vectors, quality):
        self.given.append(len(vectors))
        assert (np.diff(quality) <= 0).all()
        return vectors[0]


def two_looks(child: int, grown_up: int, *, strangers: int = 0, seed: int = 5):
    """Faces of one person, child and grown-up: .65 within each look, .25 between; and strangers."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(random.standard_normal((128, 8)))[0].T
    common, own, other = axes[:3]
    parts = [
        0.5 * common + 0.63 * own + 0 * other,
        0.5 * common + 0.63 * other,
        axes[3],
    ]
    centre = np.repeat(parts, (child, grown_up, strangers), axis=0)
    noise = unit(random.standard_normal(centre.shape))
    vectors = unit(centre + 0.594 * noise)
    return vectors, np.full(len(vectors), 0.8, dtype=np.float32)


@given(seeds, st.lists(st.integers(1, 9), min_size=1, max_size=5))
@settings(max_examples=30)
def test_people_of_few_faces_have_one_look_which_is_their_coreset(seed, sizes):
    vectors, person = identity_vectors(sizes, seed=seed)
    quality = np.random.default_rng(seed).uniform(0, 1, len(vectors)).astype(np.float32)
    found, plain = describe(vectors, quality, person), choose_each(vectors, quality, person)
    assert found.person.tolist() == list(range(len(sizes)))
    assert found.faces.tolist() == sizes
    assert not found.look.any()
    assert np.array_equal(found.chosen, plain.rows)
    assert np.array_equal(found.descriptors, plain.descriptors)
    assert np.array_equal(found.cohesion, plain.cohesion)
    assert np.array_equal(found.label, person)
    for row, chosen in enumerate(plain.rows):
        assert found.quality[row] == pytest.approx(quality[chosen[chosen >= 0]].mean(), abs=1e-6)


def test_numbers_of_people_may_have_gaps():
    vectors, person = identity_vectors([3, 2], seed=1)
    found = describe(vectors, np.full(5, 0.9, dtype=np.float32), person * 7 + 2)
    assert found.person.tolist() == [2, 9]


def test_a_child_and_the_grown_up_are_two_looks_with_a_vector_each():
    vectors, quality = two_looks(20, 30)
    found = describe(vectors, quality, np.zeros(50, dtype=np.int64))
    assert found.person.tolist() == [0, 0]
    assert found.look.tolist() == [0, 1]
    assert found.faces.tolist() == [30, 20]  # most faces first
    assert found.label.tolist() == [1] * 20 + [0] * 30
    assert set(found.chosen[1][found.chosen[1] >= 0].tolist()) <= set(range(20))
    assert set(found.chosen[0][found.chosen[0] >= 0].tolist()) <= set(range(20, 50))
    one = choose_each(vectors, quality, np.zeros(50, dtype=np.int64))
    each = (vectors * found.descriptors[found.label]).sum(axis=1)
    assert each.mean() > (vectors @ one.descriptors[0]).mean() + 0.05


def test_no_looks_are_looked_for_where_one_vector_stands_for_all():
    vectors, quality = two_looks(20, 30)
    person = np.zeros(50, dtype=np.int64)
    cosine = float((vectors @ vectors.T)[np.triu_indices(50, 1)].mean())
    assert describe(vectors, quality, person, alike=cosine + 0.01).look.tolist() == [0, 1]
    assert describe(vectors, quality, person, alike=cosine - 0.01).look.tolist() == [0]


def test_looks_of_one_person_do_not_change_who_stands_for_others():
    vectors, quality = two_looks(20, 30)
    others, numbers = identity_vectors([4, 6], seed=2, dimension=128)
    alone = describe(others, np.full(10, 0.7, dtype=np.float32), numbers)
    both = describe(
        np.concatenate([vectors, others]),
        np.concatenate([quality, np.full(10, 0.7, dtype=np.float32)]),
        np.concatenate([np.full(50, 1), numbers * 2]),
    )
    assert both.person.tolist() == [0, 1, 1, 2]
    assert both.look.tolist() == [0, 0, 1, 0]
    assert np.array_equal(both.descriptors[[0, 3]], alone.descriptors)


def test_a_stranger_is_in_no_look_and_is_told():
    vectors, quality = two_looks(20, 30, strangers=1)
    person = np.zeros(51, dtype=np.int64)
    found = describe(vectors, quality, person, Rule(one_person=Likeness(), odd_share=0))
    assert found.look.tolist() == [0, 1]
    assert 50 in found.odd
    assert 50 not in found.chosen
    assert found.odd_likeness[found.odd.tolist().index(50)] < 0.2
    trusted = np.arange(51) == 50
    sure = describe(vectors, quality, person, Rule(one_person=Likeness()), trusted=trusted)
    assert 50 not in sure.odd


def test_a_pinned_face_is_chosen_first_in_its_look():
    vectors, quality = two_looks(20, 30, strangers=1)
    person = np.zeros(51, dtype=np.int64)
    rule = Rule(one_person=Likeness())
    found = describe(vectors, quality, person, rule, pinned=[3, 50])
    assert 3 in found.chosen[:, 0]
    assert 50 in found.chosen[:, 0]
    assert not {3, 50} & set(found.odd.tolist())


def test_an_aggregator_makes_the_vectors_of_the_faces_that_are_not_odd_best_first():
    vectors, person = identity_vectors([60, 1], seed=4, spread=0.5)
    quality = np.linspace(0.3, 1, 61).astype(np.float32)
    first = Nearest()
    found = describe(vectors, quality, person, aggregator=first)
    plain = describe(vectors, quality, person)
    assert np.array_equal(found.chosen, plain.chosen)
    assert found.descriptors[1].tolist() == vectors[60].tolist()
    odd = set(plain.odd.tolist()) - set(plain.chosen.ravel().tolist())
    best = max(set(range(60)) - odd, key=lambda row: quality[row])
    assert found.descriptors[0].tolist() == vectors[best].tolist()
    assert first.given == [60 - len(odd), 1]
    # A face that is the descriptor itself is as like the chosen ones as this says.
    means = plain.descriptors * plain.cohesion[:, None]
    exact = (found.descriptors * means).sum(axis=1)
    np.testing.assert_allclose(found.cohesion, exact, atol=1e-6)


def test_where_nobody_is_like_anybody_nothing_is_strange():
    random = np.random.default_rng(3)
    vectors = unit(random.standard_normal((40, 64)))

    class Never:
        def least(self, sizes, size):
            return np.full(np.broadcast(sizes, size).shape, 0.99)

    found = describe(
        vectors,
        np.full(40, 0.9, dtype=np.float32),
        np.zeros(40, dtype=np.int64),
        Rule(one_person=Never()),
    )
    assert (found.chosen >= 0).any()
