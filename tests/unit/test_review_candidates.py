"""How likely groups of faces are one person, and which faces are worth a question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import FaceId, PersonId
from facesort.grouping.likeness import Calibration, OnePerson
from facesort.review.candidates import crowd_of, find_part, find_suspects, may_be_two, two_parts
from facesort.review.chances import Chances
from tests.shaped import SHAPED_CALIBRATION, shaped_faces

CHANCES = Chances(replace(SHAPED_CALIBRATION, one_person=OnePerson(0.7, 0.02)))

calibrations = st.builds(
    Calibration,
    st.floats(-0.2, 0.2),
    st.floats(0.001, 0.02),
    st.floats(0.001, 0.02),
    one_person=st.builds(OnePerson, st.floats(0.3, 0.9), st.floats(0.0, 0.1)),
)
sizes = st.integers(1, 50).map(float)
cosines = st.floats(-1, 1)


def _one(number: float) -> np.ndarray:
    return np.array([number])


@given(calibrations, sizes, sizes, cosines, cosines)
def test_more_alike_is_never_less_likely_one_person(calibration, size, other, one, two):
    low, high = sorted((one, two))
    chances = Chances(calibration)
    ratios = [float(chances.log_ratio(_one(c), _one(size), other)[0]) for c in (low, high)]
    assert ratios[0] <= ratios[1]
    assert ratios[0] >= -13.8
    assert ratios[1] <= 13.8


@given(calibrations, sizes, sizes, cosines)
def test_which_of_two_groups_is_which_does_not_matter(calibration, size, other, cosine):
    chances = Chances(calibration)
    assert chances.log_ratio(_one(cosine), _one(size), other) == pytest.approx(
        chances.log_ratio(_one(cosine), _one(other), size)
    )


@given(st.lists(st.tuples(cosines, sizes), min_size=1, max_size=8), sizes)
def test_the_chances_of_being_somebody_never_add_up_to_more_than_one(neighbours, size):
    for chances in (CHANCES, Chances(None)):
        found = chances.of_neighbours(
            np.array([cosine for cosine, _ in neighbours]),
            np.array([count for _, count in neighbours]),
            size,
            1000.0,
        )
        assert (found >= 0).all()
        assert found.sum() < 1


def test_of_two_equally_alike_the_larger_one_is_likelier():
    found = CHANCES.of_neighbours(np.array([0.5, 0.5]), np.array([50.0, 5.0]), 1.0, 1000.0)
    assert found[0] > found[1]


def test_without_a_calibration_the_order_is_that_of_the_cosines():
    found = Chances(None, 0.4).of_neighbours(
        np.array([0.3, 0.5, 0.4]), np.array([50.0, 1.0, 5.0]), 1.0, 1000.0
    )
    assert np.argsort(found).tolist() == [0, 2, 1]


def test_a_face_like_its_own_person_belongs_and_one_like_somebody_else_does_not():
    belongs = CHANCES.belongs(
        np.array([0.7, 0.1, 0.1]),
        np.array([9.0, 9.0, 9.0]),
        np.array([0.1, 0.7, -np.inf]),
        np.array([9.0, 9.0, 1.0]),
        100.0,
    )
    assert belongs[0] > 0.99
    assert belongs[1] < belongs[2] < 0.5


def _people(people: int = 12, faces: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return faces of people: of one about .7 alike, of two about .09."""
    random = np.random.default_rng(5)
    person = np.repeat(np.arange(people), faces)
    own = random.standard_normal((people, 128))
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    picture = random.standard_normal((len(person), 128))
    picture /= np.linalg.norm(picture, axis=1, keepdims=True)
    common = np.zeros(128)
    common[0] = 1
    made = 0.3 * common + 0.95 * (0.82 * own[person] + 0.57 * picture)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32), person


def test_faces_put_with_strangers_are_suspects_and_others_hardly_ever():
    vectors, person = _people()
    owner = person.copy()
    wrong = [10 * one for one in range(4)]
    owner[wrong] = [1, 2, 3, 0]
    sums = np.zeros((person.max() + 1, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, owner, vectors)
    rows, belongs = find_suspects(
        vectors, owner, sums, np.bincount(owner, minlength=len(sums)), CHANCES
    )
    doubtful = set(rows[belongs < 0.5].tolist())
    assert set(wrong) <= doubtful
    assert len(doubtful) <= len(wrong) + 2


def test_two_people_in_one_are_found_and_one_person_is_not_divided():
    vectors, person = _people()
    one, other, third = range(3)
    rows = np.concatenate([np.flatnonzero(person == who)[:8] for who in (one, other)])
    small, cosine = two_parts(vectors[rows])
    assert set(np.flatnonzero(small)) in ({*range(8)}, {*range(8, 16)})
    assert cosine < 0.3
    ids = [FaceId(f"f{row}") for row in rows]
    part = find_part(PersonId("p"), ids, vectors[rows], CHANCES)
    assert part is not None
    assert part.chance > 0.9
    assert len(part.faces) == 8
    alone = np.flatnonzero(person == third)
    single = find_part(PersonId("p"), [FaceId(str(row)) for row in alone], vectors[alone], CHANCES)
    assert single is None or single.chance < 0.1


def test_only_people_of_several_unlike_faces_are_divided():
    sums = np.zeros((3, 4), dtype=np.float32)
    sums[0, 0] = 4  # four equal faces
    sums[1, :2] = 2  # two and two unlike ones
    sums[2, :2] = 1  # two unlike ones
    assert may_be_two(sums, np.array([4, 4, 2]), CHANCES).tolist() == [1]


def test_a_crowd_of_vectors_holds_every_face_once():
    made = shaped_faces(80, 2)
    crowd = crowd_of(made.vectors, made.person, made.photo, CHANCES, names={0: "Anna"}, ignored=[1])
    assert sorted(crowd.faces) == sorted(f"f{row}" for row in range(80))
    assert crowd.names == {"p0": "Anna"}
    assert crowd.ignored == {"p1"}
    assert crowd.photos.tolist() == np.bincount(made.person).tolist()
    own = crowd.faces[crowd.first[0] : crowd.first[1]]
    assert {int(face[1:]) for face in own} == set(np.flatnonzero(made.person == 0))
    assert crowd.vector_of is not None
    vector = crowd.vector_of(FaceId("f7"))
    assert vector is not None
    assert (vector == made.vectors[7]).all()
