from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facesort.domain import DecisionFace, FaceId, FaceRole, FaceStatus, Verdict
from facesort.grouping.calibration import MinCosineRule
from facesort.grouping.people import see_people
from facesort.grouping.standing import replay, standing
from tests.vectors import Album, identity_vectors, make_face, partition

ANNA, BERT, CLEO = range(4), range(4, 7), range(7, 9)  # rows of the three people


@pytest.fixture
def album() -> Album:
    """Three people of four, three and two faces, grouped once; nothing is said yet."""
    vectors, truth = identity_vectors([4, 3, 2], seed=1, spread=0.4)
    faces = [make_face(row, quality=0.9 - row / 100) for row in range(len(truth))]
    made = Album(faces, vectors, MinCosineRule(0.45))
    made.group()
    assert made.seen() == {frozenset(ANNA), frozenset(BERT), frozenset(CLEO)}
    return made


def test_without_decisions_people_are_what_the_grouping_found(album):
    people = album.people()
    assert {face: person for face, person in people.owners.items() if person} == album.assignments
    assert set(people.status.values()) == {FaceStatus.AUTOMATIC}
    assert people.named_at == {}
    assert [p.name for p in people.by_id.values()] == [None] * 3


def test_faces_are_listed_best_first_and_the_best_is_the_cover(album):
    album.faces[0] = replace(album.faces[0], quality=0.1)
    person = album.person_of(0)
    assert person.faces == tuple(album.face(row).id for row in (1, 2, 3, 0))
    assert person.cover == album.face(1).id


def test_photos_are_counted_not_faces(album):
    album.faces[1] = replace(album.faces[1], photo_id=album.face(0).photo_id)
    assert len(album.person_of(0).faces) == 4
    assert album.person_of(0).photos == 3


def test_a_name_is_shown_with_the_decision_that_gave_it(album):
    number = album.name(0, "Anna")
    person = album.person_of(0)
    assert person.name == "Anna"
    assert album.people().named_at == {person.id: number}


def test_a_merge_shows_two_people_as_one_and_remembers_who_came_in(album):
    anna, bert = album.person_of(0), album.person_of(4)
    album.merge(0, 4)
    people = album.people()
    assert set(people.by_id) == {anna.id, album.person_of(7).id}
    together = people.by_id[anna.id]
    assert set(together.faces) == {*anna.faces, *bert.faces}
    assert together.aliases == (bert.id,)
    assert people.identities[album.face(4).id] == bert.id
    assert people.owners[album.face(4).id] == anna.id


def test_undoing_a_merge_shows_exactly_the_people_before(album):
    album.name(0, "Anna")
    album.name(4, "Bert")
    before = album.people()
    album.merge(0, 4)
    album.merge(7, 0)
    assert album.people() != before
    album.undo()
    album.undo()
    assert album.people() == before


def test_a_named_person_without_faces_is_still_a_person(album):
    album.name(7, "Cleo")
    cleo = album.called("Cleo").id
    album.assignments = {f: p for f, p in album.assignments.items() if p != cleo}
    person = album.people().by_id[cleo]
    assert (person.name, person.faces, person.photos, person.cover) == ("Cleo", (), 0, None)


def test_an_unnamed_person_without_faces_is_nobody(album):
    cleo = album.person_of(7).id
    album.assignments = {f: p for f, p in album.assignments.items() if p != cleo}
    people = album.people()
    assert cleo in album.existing
    assert cleo not in people.by_id
    assert people.owners[album.face(7).id] is None
    assert people.status[album.face(7).id] is FaceStatus.UNASSIGNED


def test_a_named_person_merged_into_an_empty_one_is_still_shown(album):
    album.name(7, "Cleo")
    album.merge(0, 7)
    album.assignments = {}
    (person,) = album.people().by_id.values()
    assert (person.name, person.faces) == ("Cleo", ())


def test_ignored_people_are_marked_and_so_are_their_faces(album):
    album.ignore(4)
    people = album.people()
    ignored = {p.id for p in people.by_id.values() if p.ignored}
    assert ignored == {album.person_of(4).id}
    assert {people.status[album.face(row).id] for row in BERT} == {FaceStatus.IGNORED}
    assert {people.status[album.face(row).id] for row in ANNA} == {FaceStatus.AUTOMATIC}
    album.name(4, "Bert")
    assert not any(p.ignored for p in album.people().by_id.values())


def test_a_rejected_face_is_on_its_own_at_once(album):
    anna = album.person_of(0)
    album.reject(2)
    assert album.seen() == {
        frozenset({0, 1, 3}),
        frozenset({2}),
        frozenset(BERT),
        frozenset(CLEO),
    }
    assert album.person_of(0).id == anna.id
    assert album.owner(2) not in {anna.id, None}


def test_a_face_rejected_from_merged_people_is_with_none_of_them(album):
    album.merge(0, 4, 7)
    album.reject(4)
    assert album.rows_of(album.person_of(0)) == {*ANNA, *BERT, *CLEO} - {4}
    for number in (2, 1):
        album.undo(number)
    assert album.seen() == {frozenset(ANNA), frozenset(BERT), frozenset(CLEO)}


def test_a_face_rejected_from_somebody_is_not_shown_with_whom_they_turned_out_to_be(album):
    # Rejected from Anna; Cleo turns out to be Anna; later the face is grouped with Cleo's.
    album.reject(2)
    album.merge(0, 7)
    cleo = album.people().identities[album.face(7).id]
    assert cleo is not None
    album.assignments[album.face(2).id] = cleo
    assert album.owner(2) != album.owner(0)
    assert album.owner(2) is not None


def test_a_rejected_face_does_not_fall_back_to_whom_it_had_left(album):
    album.name(0, "Anna")  # face 2 was there
    bert = album.people().identities[album.face(4).id]
    assert bert is not None
    album.assignments[album.face(2).id] = bert  # a grouping knew better
    album.reject(2)
    assert album.owner(2) not in {None, album.owner(0), album.owner(4)}


def test_undoing_a_rejection_brings_the_face_back(album):
    before = album.people()
    album.undo(album.reject(2))
    assert album.people() == before


def test_a_confirmed_face_is_with_its_person_whatever_the_grouping_said(album):
    anna = album.person_of(0)
    album.confirm(7, anna.id)
    people = album.people()
    assert people.owners[album.face(7).id] == anna.id
    assert people.status[album.face(7).id] is FaceStatus.CONFIRMED
    assert people.by_id[anna.id].confirmed == 1
    album.assignments = {}
    assert album.owner(7) == anna.id


def test_a_face_that_is_none_belongs_to_nobody(album):
    face = album.face(0)
    said = DecisionFace(face.anchor, album.person_of(0).id, FaceRole.NOT_A_FACE)
    album.decide(Verdict.NOT_A_FACE, [], [said])
    people = album.people()
    assert people.owners[face.id] is None
    assert people.status[face.id] is FaceStatus.NOT_A_FACE
    assert album.rows_of(album.person_of(1)) == {1, 2, 3}


def test_a_chosen_cover_stands_for_the_person_while_it_is_theirs(album):
    person = album.person_of(0)
    said = DecisionFace(album.face(3).anchor, person.id, FaceRole.COVER)
    album.decide(Verdict.COVER, [person.id], [said])
    assert album.person_of(0).cover == album.face(3).id
    assert album.person_of(0).faces == person.faces
    album.reject(3)
    assert album.person_of(0).cover == album.face(0).id


def test_a_chosen_cover_goes_along_where_its_person_is_merged_into_somebody(album):
    person = album.person_of(4)
    said = DecisionFace(album.face(6).anchor, person.id, FaceRole.COVER)
    album.decide(Verdict.COVER, [person.id], [said])
    merge = album.merge(0, 4)
    assert album.person_of(0).cover == album.face(6).id
    album.undo(merge)
    assert album.person_of(0).cover == album.face(0).id
    assert album.person_of(4).cover == album.face(6).id


def test_where_the_best_face_is_no_good_cover_another_one_is_unless_the_user_chose(album):
    person = album.person_of(0)
    stands, existing = standing(replay(album.log)), album.existing

    def cover(instead: int) -> FaceId | None:
        covers = {person.id: album.face(instead).id}
        seen = see_people(album.faces, album.assignments, stands, existing, covers)
        return seen.by_id[person.id].cover

    assert cover(2) == album.face(2).id
    assert cover(5) == album.face(0).id  # somebody else's by now
    said = DecisionFace(album.face(3).anchor, person.id, FaceRole.COVER)
    album.decide(Verdict.COVER, [person.id], [said])
    stands = standing(replay(album.log))
    assert cover(2) == album.face(3).id


@pytest.mark.parametrize("shift", [-0.1, 0.1])
def test_decisions_hold_when_another_detector_drew_the_boxes(album, shift):
    anna = album.person_of(0).id
    album.name(0, "Anna")
    album.reject(2)
    album.confirm(7, anna)
    shown = album.seen()
    old = album.assignments
    faces = list(album.faces)
    album.look_again(shift)
    renamed = {before.id: after.id for before, after in zip(faces, album.faces, strict=True)}
    assert not set(renamed) & set(renamed.values())
    album.assignments = {renamed[face]: person for face, person in old.items()}
    assert album.seen() == shown
    assert album.called("Anna").id == anna
    assert album.people().status[album.face(7).id] is FaceStatus.CONFIRMED


def test_faces_that_are_gone_are_no_obstacle(album):
    album.name(0, "Anna")
    album.confirm(4, album.person_of(0).id)
    album.reject(2)
    keep = [1, 3, 5, 6]
    album.faces = [album.faces[row] for row in keep]
    album.vectors = album.vectors[keep]
    assert album.seen() == partition(["Anna", "Anna", "Bert", "Bert"])


def test_everybody_s_faces_are_exactly_the_faces_they_own(album):
    album.name(0, "Anna")
    album.merge(4, 7)
    album.reject(1)
    album.ignore(4)
    people = album.people()
    for person in people.by_id.values():
        owned = {face for face, owner in people.owners.items() if owner == person.id}
        assert set(person.faces) == owned
        assert person.cover in owned
    assert np.sum([len(p.faces) for p in people.by_id.values()]) == len(album.faces)
