"""New faces join the people who are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from facesort.domain import DecisionFace, FaceRole, FaceStatus, Verdict
from facesort.grouping.calibration import MinCosineRule, WrongMergesRule
from facesort.grouping.past import ChosenMeans, Crowd
from facesort.grouping.standing import replay, standing
from facesort.grouping.update import Newcomers, group_new
from tests.strategies import seeds
from tests.vectors import (
    CALIBRATION,
    Album,
    AlbumPast,
    columns_of,
    identity_vectors,
    make_face,
    partition,
    random_vectors,
    unit,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.domain import Face, PersonId
    from facesort.protocols import Vectors


def shuffled(seed: int, n: int, parts: int) -> list[NDArray[np.int64]]:
    return np.array_split(np.random.default_rng(seed).permutation(n), parts)


def empty(dimension: int, **options: object) -> Album:
    return Album([], np.zeros((0, dimension), dtype=np.float32), **options)  # type: ignore[arg-type]


@st.composite
def messy_parts(draw) -> tuple[Album, list[tuple[list[Face], Vectors]]]:
    """An empty album, and random faces in several parts, some on one photo, some poor."""
    n = draw(st.integers(2, 24))
    vectors = random_vectors(n, draw(st.integers(2, 10)), draw(seeds), lean=draw(st.floats(0, 2)))
    photos = draw(st.lists(st.integers(0, n), min_size=n, max_size=n))
    places: dict[int, int] = {}
    faces = []
    for photo in photos:
        place = places[photo] = places.get(photo, -1) + 1
        quality = draw(st.sampled_from([0.1, 0.5, 0.9]))
        faces.append(make_face(photo + 100 * (place // 8), place % 8, quality=quality))
    rule = draw(
        st.one_of(
            st.builds(MinCosineRule, st.floats(-1, 1)),
            st.just(WrongMergesRule(CALIBRATION, 1.0)),
        )
    )
    album = empty(vectors.shape[1], rule=rule)
    album.repeat_cosine = draw(st.sampled_from([None, 0.6]))
    parts = [
        ([faces[row] for row in rows.tolist()], vectors[rows])
        for rows in shuffled(draw(seeds), n, draw(st.integers(1, 4)))
    ]
    return album, parts


def clear_people(sizes: list[int], seed: int = 3) -> tuple[list[Face], Vectors, NDArray[np.int64]]:
    vectors, truth = identity_vectors(sizes, seed=seed, spread=0.5)
    return [make_face(row) for row in range(len(truth))], vectors, truth


@given(messy_parts())
def test_the_first_faces_are_grouped_as_all_faces_are(messy):
    album, parts = messy
    faces = [face for part, _ in parts for face in part]
    vectors = np.concatenate([part for _, part in parts])
    album.add(faces, vectors)
    anew = Album(faces, vectors, rule=album.rule, repeat_cosine=album.repeat_cosine)
    anew.group()
    assert album.assignments == anew.assignments
    assert album.existing == anew.existing


@given(messy_parts())
def test_without_new_faces_nothing_changes(messy):
    album, parts = messy
    for faces, vectors in parts:
        album.add(faces, vectors)
    update = album.add([], parts[0][1][:0])
    assert (update.owners, update.unassigned, update.new_people) == ({}, set(), {})


@given(messy_parts())
def test_no_photo_shows_a_person_twice(messy):
    album, parts = messy
    for faces, vectors in parts:
        album.add(faces, vectors)
    together = [
        (album.assignments[face.id], face.photo_id)
        for face in album.faces
        if face.id in album.assignments
    ]
    assert len(set(together)) == len(together)


@given(messy_parts(), st.data())
def test_named_people_keep_their_faces_and_are_never_one(messy, data):
    album, parts = messy
    for number, (faces, vectors) in enumerate(parts):
        album.add(faces, vectors)
        held = {p.id: (p.name, set(p.faces)) for p in album.people().by_id.values() if p.name}
        rows = [r for r, f in enumerate(album.faces) if f.id in album.assignments]
        if rows and data.draw(st.booleans()):
            album.name(data.draw(st.sampled_from(rows)), f"Guest {number}")
        now = album.people().by_id
        for person, (_, before) in held.items():
            assert before <= set(now[person].faces)
    named = [p for p in album.people().by_id.values() if p.name]
    assert sum(len(p.faces) for p in named) == len({f for p in named for f in p.faces})


@given(messy_parts(), st.data())
def test_a_confirmed_face_stays_and_a_rejected_one_stays_away(messy, data):
    album, parts = messy
    album.add(*parts[0])
    rows = [r for r, f in enumerate(album.faces) if f.id in album.assignments]
    assume(rows)
    sure = data.draw(st.sampled_from(rows))
    home = album.person_of(sure).id
    album.confirm(sure, home)
    others = [r for r in rows if r != sure and len(album.person_of(r).faces) > 1]
    away = data.draw(st.sampled_from(others)) if others else None
    left = album.person_of(away).id if away is not None else None
    if away is not None:
        album.reject(away)
    for faces, vectors in parts[1:]:
        album.add(faces, vectors)
        assert album.owner(sure) == home
        assert away is None or album.owner(away) != left


def test_people_whom_nobody_new_resembles_are_not_looked_at():
    faces, vectors, truth = clear_people([9, 7, 5, 3])
    album = empty(vectors.shape[1], rule=MinCosineRule(0.45))
    early = truth != 2
    album.add([f for f, e in zip(faces, early, strict=True) if e], vectors[early])
    before = dict(album.assignments)
    update = album.add([f for f, e in zip(faces, early, strict=True) if not e], vectors[~early])
    assert update.touched == 0
    assert {face: album.assignments[face] for face in before} == before
    assert update.people == 4


@pytest.mark.parametrize("seed", range(4))
def test_the_order_in_which_photos_come_hardly_matters(seed):
    faces, vectors, truth = clear_people([30, 20, 12, 9, 6, 4, 3, 2, 1, 1], seed=seed)
    album = empty(vectors.shape[1], rule=MinCosineRule(0.45))
    for rows in shuffled(seed, len(faces), 10):
        album.add([faces[row] for row in rows.tolist()], vectors[rows])
    row_of = {face.id: row for row, face in enumerate(faces)}
    who: list[PersonId | None] = [None] * len(faces)
    for face, person in album.assignments.items():
        who[row_of[face]] = person
    assert partition(who) == partition(truth.tolist())


def test_two_halves_of_a_person_become_one_when_the_faces_between_them_come():
    # A profile and a frontal view that are too far from each other, and the views between.
    angles = np.deg2rad([0, 5, 10, 80, 85, 90, 35, 45, 55])
    vectors = np.zeros((9, 4), dtype=np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    faces = [make_face(row) for row in range(9)]
    album = empty(4, rule=MinCosineRule(0.6))
    album.add(faces[:6], vectors[:6])
    assert len(set(album.assignments.values())) == 2
    ids = set(album.assignments.values())
    album.add(faces[6:], vectors[6:])
    anew = Album(faces, vectors, rule=album.rule)
    anew.group()
    assert partition([album.assignments[f.id] for f in faces]) == partition(
        [anew.assignments[f.id] for f in faces]
    )
    assert set(album.assignments.values()) & ids


def test_what_was_said_since_the_last_grouping_counts():
    faces, vectors, _ = clear_people([6, 5])
    album = empty(vectors.shape[1], rule=MinCosineRule(0.45))
    album.add(faces[:-1], vectors[:-1])
    anna = album.person_of(0)
    album.name(0, "Anna")
    album.reject(1)
    nobody = DecisionFace(faces[2].anchor, anna.id, FaceRole.NOT_A_FACE)
    album.decide(Verdict.NOT_A_FACE, [anna.id], [nobody])
    album.confirm(7, anna.id)
    album.add(faces[-1:], vectors[-1:])
    assert album.owner(1) != anna.id
    assert album.people().status[faces[2].id] is FaceStatus.NOT_A_FACE
    assert faces[2].id in album.unassigned
    assert album.owner(7) == anna.id
    assert album.owner(10) == album.owner(8)


def test_a_new_face_that_was_confirmed_before_it_was_gone_comes_back_to_its_person():
    faces, vectors, _ = clear_people([5, 4])
    album = empty(vectors.shape[1], rule=MinCosineRule(0.45))
    album.add(faces, vectors)
    anna = album.person_of(0).id
    album.name(0, "Anna")
    album.confirm(8, anna)  # looks like the other person
    gone = album.faces.pop()
    vector, album.vectors = album.vectors[-1:], album.vectors[:-1]
    album.assignments.pop(gone.id)
    album.add([], vector[:0])
    album.add([gone], vector)
    assert album.assignments[gone.id] == anna


def test_who_is_confirmed_on_a_photo_makes_room_there():
    # Pat's photo shows somebody else too; that one is Pat, says the user.
    vectors, _ = identity_vectors([5, 5], seed=5, spread=0.5)
    faces = [make_face(row % 5, row // 5) for row in range(10)]
    album = empty(vectors.shape[1], rule=MinCosineRule(0.45))
    album.add(faces, vectors)
    pat = album.person_of(0).id
    album.name(0, "Pat")
    album.confirm(5, pat)  # on the photo of face 0
    album.add([], vectors[:0])
    assert album.owner(5) == pat
    assert album.owner(0) != pat
    assert {album.owner(row) for row in range(1, 5)} == {pat}


# -- bursts ----------------------------------------------------------------------------------------


class BurstPast(AlbumPast):
    """A past in which only some faces of the first person stand for them."""

    rows: tuple[int, ...] = ()

    def crowd(self) -> Crowd:
        crowd = super().crowd()
        chosen = self.found[list(self.rows)].mean(axis=0, keepdims=True)
        person = list(crowd.ids).index(self.assignments[self.faces.ids[self.rows[0]]])
        stands = ChosenMeans(np.array([person]), chosen, np.array([float(len(self.rows))]))
        return Crowd(crowd.ids, crowd.means, crowd.sizes, stands)


def test_a_burst_does_not_hide_a_person_from_a_new_face():
    """Twelve copies of one frame and four other photos: the mean of all is hardly the four's."""
    axes = np.eye(8)
    burst = np.tile(axes[0], (12, 1))
    others = 0.35 * axes[0] + 0.9 * axes[1] + 0.2 * axes[2:6]
    vectors = unit(np.concatenate([burst, others]))
    album = Album([make_face(row) for row in range(16)], vectors, rule=MinCosineRule(0.3))
    album.group()
    assert len(set(album.assignments.values())) == 1
    new = unit((0.9 * axes[1] - 0.03 * axes[0] + 0.8 * axes[6])[None])
    whole = Album([*album.faces, make_face(16)], np.concatenate([vectors, new]), rule=album.rule)
    whole.group()
    anew = partition([whole.assignments[face.id] for face in whole.faces])
    columns, found, _ = columns_of(whole.faces, whole.vectors)
    newcomer = Newcomers(columns.subset(np.array([16])), found[16:])
    nobody = columns.subset(np.zeros(0, dtype=np.int64))

    def joined(past: AlbumPast) -> set[frozenset[int]]:
        stands = standing(replay([]))
        update = group_new(newcomer, past, nobody, stands, album.policy())
        owners = {**album.assignments, **update.owners}
        return partition([owners[face.id] for face in whole.faces])

    past = AlbumPast(album.assignments, columns, found)
    assert joined(past) != anew  # the mean of all is too far away for anybody to look
    by_few = BurstPast(album.assignments, columns, found)
    object.__setattr__(by_few, "rows", (0, 12, 13, 14, 15))
    assert joined(by_few) == anew
