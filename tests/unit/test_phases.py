"""A photo that shows somebody twice does not pull that person to pieces."""

from __future__ import annotations

import numpy as np

from facesort.grouping.attach import UNASSIGNED
from facesort.grouping.calibration import MinCosineRule
from facesort.grouping.constraints import NOBODY, Constraints
from facesort.grouping.linkage import average_linkage
from facesort.grouping.moments import Moments
from facesort.grouping.phases import cluster_in_phases, repeated_faces, repeated_pairs
from facesort.search.exact import ExactNeighbours

RULE = MinCosineRule(0.5)


def people(*sizes: int, spread: float = 0.05, seed: int = 1):
    """Return unit vectors of people at right angles, and who each row is."""
    rng = np.random.default_rng(seed)
    rows, who = [], []
    for person, size in enumerate(sizes):
        for _ in range(size):
            vector = np.eye(32)[person] + spread * rng.standard_normal(32)
            rows.append(vector / np.linalg.norm(vector))
            who.append(person)
    return np.array(rows, dtype=np.float32), np.array(who)


def grouped(vectors, photos, good=None, repeat_cosine=0.8):
    n = len(vectors)
    return cluster_in_phases(
        vectors,
        good=np.ones(n, dtype=bool) if good is None else good,
        repeated=repeated_faces(vectors, Moments(photos), repeat_cosine),
        constraints=Constraints(Moments(photos), np.full(n, NOBODY), {}, np.zeros(n, dtype=bool)),
        rule=RULE,
        cluster=lambda part: average_linkage(
            part.vectors, ExactNeighbours(part.vectors), part.constraints, part.rule
        ),
    )


def test_a_contact_sheet_leaves_the_person_in_one_piece():
    vectors, _ = people(9 + 9)
    originals, sheet = np.arange(9), np.full(9, 100)
    labels = grouped(vectors, np.concatenate([originals, sheet]))
    assert len(set(labels[:9].tolist())) == 1
    joined = labels[9:] == labels[0]
    assert joined.sum() == 1  # faces of one photo stay apart: one of the sheet's may join
    assert len(set(labels[9:].tolist())) == 9


def test_without_the_phases_the_sheet_would_have_torn_the_person():
    vectors, _ = people(9 + 9)
    photos = np.concatenate([np.arange(9), np.full(9, 100)])
    torn = grouped(vectors, photos, repeat_cosine=None)
    assert len(set(torn[:9].tolist())) > 1


def test_two_different_people_of_one_photo_are_not_repeated():
    vectors, who = people(3, 3)
    photos = np.array([0, 1, 2, 0, 1, 2])
    assert not repeated_faces(vectors, Moments(photos), 0.8).any()
    labels = grouped(vectors, photos)
    assert len({(a, b) for a, b in zip(who.tolist(), labels.tolist(), strict=True)}) == 2


def test_twins_who_are_always_on_one_photo_are_still_two_people():
    vectors, _ = people(3, 3, spread=0.02)
    twins = vectors.copy()
    twins[3:] = 0.9 * vectors[:3] + 0.4 * vectors[3:]  # cosine about .9 between the two
    twins /= np.linalg.norm(twins, axis=1, keepdims=True)
    photos = np.array([0, 1, 2, 0, 1, 2])
    assert repeated_faces(twins, Moments(photos), 0.8).all()
    labels = grouped(twins, photos)
    assert len(set(labels[:3].tolist())) == len(set(labels[3:].tolist())) == 1
    assert labels[0] != labels[3]


def test_poor_faces_join_last_and_start_nobody():
    vectors, _ = people(4, 2)
    good = np.array([True, True, True, False, False, False])
    labels = grouped(vectors, np.arange(6), good)
    assert len(set(labels[:4].tolist())) == 1
    assert (labels[4:] == UNASSIGNED).all()


def test_no_faces_give_no_labels():
    empty = np.zeros((0, 32), dtype=np.float32)
    assert grouped(empty, np.zeros(0, dtype=np.int64)).shape == (0,)


def test_pairs_that_show_one_person_twice_are_named_so_that_somebody_can_be_asked():
    vectors, _ = people(3, 2)
    photos = np.array([5, 5, 6, 7, 5])  # two of the first person and one of the second on a photo
    assert repeated_pairs(vectors, Moments(photos), 0.8).tolist() == [[0, 1]]
    assert repeated_pairs(vectors, Moments(photos), None).tolist() == []


def test_repeated_pairs_are_those_of_comparing_every_two_faces_of_a_moment():
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((60, 3))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    more = {row: frozenset(rng.integers(0, 20, 2).tolist()) for row in range(0, 60, 7)}
    moments = Moments(rng.integers(0, 20, 60), more)
    expected = [
        [a, b]
        for a in range(60)
        for b in range(a + 1, 60)
        if moments.of(a) & moments.of(b) and vectors[a] @ vectors[b] >= 0.5
    ]
    assert repeated_pairs(vectors, moments, 0.5).tolist() == expected


def test_the_rule_that_a_first_pass_leads_to_governs_everything_after_it():
    vectors, _ = people(3, 2)
    tilted = vectors[0] + 0.8 * vectors[3]  # cosine .8 with the first person
    poor = np.concatenate([vectors, tilted[None] / np.linalg.norm(tilted)]).astype(np.float32)
    good = np.array([True] * 5 + [False])
    seen = []

    def refined(limit: float):
        def refine(labels):
            seen.append(labels.tolist())
            return MinCosineRule(limit)

        return cluster_in_phases(
            poor,
            good=good,
            repeated=np.zeros(6, dtype=bool),
            constraints=Constraints.none(6),
            rule=MinCosineRule(0.7),
            cluster=lambda part: average_linkage(
                part.vectors,
                ExactNeighbours(part.vectors),
                part.constraints,
                part.rule,
                core=MinCosineRule(0.9),
                refine=part.refine,
            ),
            refine=refine,
        )

    assert refined(0.6).tolist() == [0, 0, 0, 1, 1, 0]
    assert refined(0.95).tolist() == [0, 0, 0, 1, 1, UNASSIGNED]
    assert seen == [[0, 0, 0, 1, 1, UNASSIGNED]] * 2


def test_a_poor_face_of_few_is_held_to_the_centre_of_the_whole_library_s_poor_faces():
    vectors, _ = people(3)
    blurred = vectors[0] + np.eye(32)[20].astype(np.float32)  # cosine .7 with the person
    faces = np.concatenate([vectors, blurred[None] / np.linalg.norm(blurred)]).astype(np.float32)

    def label(centre):
        return cluster_in_phases(
            faces,
            good=np.array([True, True, True, False]),
            repeated=np.zeros(4, dtype=bool),
            constraints=Constraints.none(4),
            rule=RULE,
            cluster=lambda part: average_linkage(
                part.vectors, ExactNeighbours(part.vectors), part.constraints, part.rule
            ),
            centre=centre,
        )[3]

    assert label(None) == 0
    towards_blur = (0.5 * vectors[0] + np.eye(32)[20]) / np.linalg.norm(
        0.5 * vectors[0] + np.eye(32)[20]
    )
    assert label(towards_blur.astype(np.float32)) == UNASSIGNED
