from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from facesort.domain import (
    DecisionFace,
    FaceRole,
    FaceStatus,
    PersonId,
    Verdict,
)
from facesort.errors import UsageError
from facesort.grouping.calibration import MinCosineRule, WrongMergesRule
from facesort.grouping.methods import METHODS
from facesort.grouping.policy import Policy
from facesort.grouping.regroup import regroup
from facesort.grouping.standing import Standing, replay, standing
from facesort.search.exact import ExactNeighbours
from tests.strategies import seeds
from tests.vectors import (
    CALIBRATION,
    Album,
    columns_of,
    identity_vectors,
    make_face,
    partition,
    random_vectors,
    unit,
)

cosines = st.floats(-1, 1)
every_method = pytest.mark.parametrize("method", METHODS)


def made(seed: int, sizes: list[int], *, spread: float = 0.5, method: str = "linkage") -> Album:
    """An album of clear people, one face a photo, grouped once."""
    vectors, truth = identity_vectors(sizes, seed=seed, spread=spread)
    album = Album([make_face(row) for row in range(len(truth))], vectors, method=method)
    album.rule = MinCosineRule(0.45)
    album.group()
    assert album.seen() == partition(truth.tolist())
    return album


@st.composite
def messy_albums(draw) -> Album:
    """Random faces, several on a photo, good and poor; not grouped yet."""
    n = draw(st.integers(1, 24))
    vectors = random_vectors(n, draw(st.integers(2, 10)), draw(seeds), lean=draw(st.floats(0, 2)))
    photos = draw(st.lists(st.integers(0, n), min_size=n, max_size=n))
    places: dict[int, int] = {}
    faces = []
    for photo in photos:
        place = places[photo] = places.get(photo, -1) + 1
        photo_number = photo + 100 * (place // 8)
        quality = draw(st.sampled_from([0.1, 0.5, 0.9]))
        faces.append(make_face(photo_number, place % 8, quality=quality))
    album = Album(faces, vectors, method=draw(st.sampled_from(METHODS)))
    album.repeat_cosine = draw(st.sampled_from([None, 0.6]))
    album.rule = draw(
        st.one_of(
            st.builds(MinCosineRule, cosines),
            st.just(WrongMergesRule(CALIBRATION, 1.0)),
        )
    )
    return album


def assigned(album: Album) -> list[int]:
    people = album.people()
    return [row for row, face in enumerate(album.faces) if people.owners[face.id] is not None]


# Stability


@given(messy_albums())
def test_grouping_the_same_faces_again_changes_nothing(album):
    album.group()
    before = album.people()
    grouping = album.group()
    assert grouping.new_people == {}
    assert album.people() == before


@given(messy_albums(), st.data())
def test_names_change_no_group_and_groups_change_no_name(album, data):
    album.group()
    rows = assigned(album)
    if not rows:
        return
    for number, row in enumerate(data.draw(st.lists(st.sampled_from(rows), max_size=3))):
        album.name(row, f"Guest {number}")
    before = album.people()
    album.group()
    assert album.people() == before


@given(messy_albums(), seeds, cosines)
def test_people_do_not_depend_on_the_order_of_the_faces(album, seed, min_cosine):
    album.group()
    order = np.random.default_rng(seed).permutation(len(album.faces)).tolist()
    existing, assignments = set(album.existing), dict(album.assignments)
    straight = album.group(min_cosine=min_cosine)
    album.existing, album.assignments = existing, assignments
    shuffled = album.group(min_cosine=min_cosine, order=order)
    assert shuffled.owners == straight.owners
    assert shuffled.new_people == straight.new_people


@every_method
def test_faces_added_later_go_to_the_people_they_are_of_and_names_stay(method):
    vectors, truth = identity_vectors([12, 9, 6, 4], seed=3, spread=0.5)
    first = np.arange(len(truth)) % 3 == 0  # a third of everybody
    faces = [make_face(row) for row in range(len(truth))]
    album = Album([f for f, early in zip(faces, first, strict=True) if early], vectors[first])
    album.method, album.rule = method, MinCosineRule(0.45)
    album.group()
    for person in range(4):
        row = int(np.flatnonzero(truth[first] == person)[0])
        album.name(row, f"Person {person}")
    ids = {p.name: p.id for p in album.people().by_id.values()}
    album.faces, album.vectors = faces, vectors
    album.group()
    assert {p.name: p.id for p in album.people().by_id.values()} == ids
    for row, person in enumerate(truth.tolist()):
        assert album.person_of(row).name == f"Person {person}"


def test_a_person_whose_photos_are_gone_keeps_the_name_and_gets_later_photos_back():
    album = made(1, [5, 4])
    album.name(0, "Anna")
    anna = album.called("Anna").id
    faces, vectors = album.faces, album.vectors
    album.faces, album.vectors = faces[5:], vectors[5:]
    album.group()
    assert album.called("Anna").faces == ()
    album.faces, album.vectors = faces, vectors
    album.group()
    assert album.called("Anna").id == anna
    assert album.rows_of(album.called("Anna")) == {0, 1, 2, 3, 4}


def test_an_id_that_the_user_spoke_of_is_not_given_to_others():
    album = made(1, [3])
    first = album.person_of(0).id
    album.assignments = {}
    album.group()  # nothing was said: grouping from nothing gives what it gave before
    assert album.person_of(0).id == first
    album.decide(Verdict.NAME, [first], name="Anna")  # she has no face that could speak for her
    album.assignments = {}
    album.group()
    assert album.person_of(0).id != first
    assert album.called("Anna").faces == ()


# Another threshold


@every_method
@given(low=cosines, high=cosines)
@hypothesis_settings(max_examples=25)
def test_names_survive_any_threshold_and_the_way_back(method, low, high):
    album = made(2, [6, 5, 4], method=method)
    album.name(0, "Anna")
    album.name(6, "Bert")
    before = {p.id: (p.name, set(p.faces)) for p in album.people().by_id.values() if p.name}
    for min_cosine in (low, high):
        album.group(min_cosine=min_cosine)
        assert {p.id: p.name for p in album.people().by_id.values() if p.name} == {
            person: name for person, (name, _) in before.items()
        }
    album.group()
    after = {p.id: (p.name, set(p.faces)) for p in album.people().by_id.values() if p.name}
    assert after == before


@every_method
@given(min_cosine=cosines, seed=seeds)
@hypothesis_settings(max_examples=25)
def test_two_named_people_are_never_fused_however_alike_they_look(method, min_cosine, seed):
    album = made(5, [4, 4], method=method)
    album.name(0, "Anna")
    album.name(4, "Bert")
    album.vectors = random_vectors(8, 3, seed, lean=4)  # now everybody looks like everybody
    album.group(min_cosine=min_cosine)
    anna, bert = album.called("Anna"), album.called("Bert")
    assert anna.id != bert.id
    assert anna.faces
    assert bert.faces
    album.vectors = np.repeat(unit(np.ones((1, 4))), 8, axis=0)
    album.group(min_cosine=-1.0)
    assert album.rows_of(album.called("Anna")) == {0, 1, 2, 3}
    assert album.rows_of(album.called("Bert")) == {4, 5, 6, 7}


# Rejections


@every_method
@given(min_cosine=cosines)
@hypothesis_settings(max_examples=25)
def test_a_rejected_face_never_comes_back_at_any_threshold(method, min_cosine):
    album = made(1, [5, 3], method=method)
    anna = album.person_of(0).id
    album.reject(2)
    album.group(min_cosine=min_cosine)
    assert album.owner(2) != anna
    assert album.assignments.get(album.face(2).id) != anna
    assert album.rows_of(album.people().by_id[anna])  # somebody is left to be Anna


def test_a_rejected_face_goes_to_whom_it_resembles_next():
    vectors = unit(np.array([[1, 0, 0], [1, 0.1, 0], [1, 0.5, 0], [1, 0.9, 0], [1, 1, 0.0]]))
    album = Album([make_face(row) for row in range(5)], vectors, MinCosineRule(0.95))
    album.group()
    assert album.seen() == {frozenset({0, 1}), frozenset({2, 3, 4})}
    album.reject(2)
    album.group(min_cosine=0.85)
    assert album.owner(2) == album.owner(0)
    assert album.owner(3) == album.owner(4) != album.owner(2)


def test_a_face_rejected_from_somebody_does_not_join_whom_they_turned_out_to_be():
    # Two looks of one woman, 0-2 and 3-5; face 6 resembles the second but was rejected from the
    # first, before the two were merged.
    vectors, _ = identity_vectors([3, 4], seed=6, spread=0.4)
    album = Album([make_face(row) for row in range(7)], vectors, MinCosineRule(0.45))
    album.vectors[6] = vectors[0]
    album.group()
    assert album.owner(6) == album.owner(0)
    album.reject(6)
    album.vectors[6] = vectors[3]  # what it looks like to a better model
    album.merge(0, 3)
    album.group()
    assert album.owner(6) not in {None, album.owner(0)}
    album.undo()  # they are two after all
    album.group()
    assert album.owner(6) == album.owner(3) != album.owner(0)


def test_a_rejection_holds_when_nobody_who_was_there_then_is_left():
    # Anna's faces of that day are gone. A new face of hers, with no vote, and the rejected one,
    # whose own vote was lost, form a group: it may not become Anna with the rejected face in it.
    album = made(1, [4])
    anna = album.person_of(0).id
    said = DecisionFace(album.face(2).anchor, anna, FaceRole.REJECTED)
    album.decide(Verdict.REJECT, [anna], [said])
    album.group()
    assert album.owner(2) not in {None, anna}
    assert album.rows_of(album.people().by_id[anna]) == {0, 1, 3}
    assert anna not in {album.assignments[album.face(2).id]}


# Merges


@given(messy_albums(), st.data(), st.booleans())
def test_a_merge_and_its_undo_leave_exactly_the_people_before(album, data, meanwhile):
    album.group()
    rows = assigned(album)
    if len({album.owner(row) for row in rows}) < 2:
        return
    for number, row in enumerate(data.draw(st.lists(st.sampled_from(rows), max_size=2))):
        album.name(row, f"Guest {number}")
    album.group()
    before, seen = album.people(), album.seen()
    for _ in range(data.draw(st.integers(1, 3))):
        one, other = data.draw(st.permutations(assigned(album)))[:2]
        if album.owner(one) == album.owner(other):
            continue
        apart = len(album.people().by_id)
        number = album.merge(one, other)
        assert len(album.people().by_id) == apart - 1
        if meanwhile:
            album.group()
            assert album.owner(one) == album.owner(other)
            assert len(album.people().by_id) == apart - 1
        assert album.log[number - 1].verdict is Verdict.MERGE
    while replay(album.log).active and replay(album.log).active[-1].verdict is Verdict.MERGE:
        album.undo()
    if meanwhile:
        album.group()
    assert album.seen() == seen
    assert album.people() == before


def test_new_faces_go_to_a_merged_person_by_either_look_and_part_with_it_again():
    vectors, truth = identity_vectors([4, 4, 4], seed=8, spread=0.4)
    early = [0, 1, 4, 5, 8, 9]
    faces = [make_face(row) for row in range(12)]
    album = Album([faces[row] for row in early], vectors[early], MinCosineRule(0.45))
    album.group()
    album.merge(0, 2)
    album.faces, album.vectors = faces, vectors
    album.group()
    assert album.seen() == {frozenset(range(8)), frozenset(range(8, 12))}
    album.undo()
    album.group()
    assert album.seen() == partition(truth.tolist())


# Votes and confirmations


def test_a_vote_that_lost_against_the_evidence_lets_the_face_go():
    album = made(1, [4, 4])
    anna, bert = album.person_of(0).id, album.person_of(4).id
    votes = [DecisionFace(album.face(r).anchor, anna, FaceRole.VOTE) for r in (0, 1, 2, 3, 7)]
    album.decide(Verdict.NAME, [anna], votes, name="Anna")  # 7 was shown with Anna by mistake
    album.name(4, "Bert")
    votes = [DecisionFace(album.face(r).anchor, anna, FaceRole.VOTE) for r in (7,)]
    album.decide(Verdict.NAME, [anna], votes, name="Anna")
    album.group()
    assert album.rows_of(album.called("Bert")) == {4, 5, 6, 7}
    assert album.rows_of(album.called("Anna")) == {0, 1, 2, 3}
    assert (album.called("Anna").id, album.called("Bert").id) == (anna, bert)


def test_votes_that_lost_do_not_take_the_name_of_those_they_went_to():
    # Nine faces vote for Anna: three in her own group, and two groups of three that look like
    # Bert's only face, once they need not be Anna. Six lost votes must not make his group hers.
    home, left, right, bert = (0, 1, 2), (3, 4, 5), (6, 7, 8), 9
    vectors = np.zeros((10, 4))
    vectors[list(home)] = [0, 0, 0, 1]
    vectors[bert] = [1, 0, 0, 0]
    for rows, side in ((left, 1.0), (right, -1.0)):
        vectors[list(rows)] = [1, side * 0.75, 0, 0]  # cosine .8 with Bert, .28 with each other
    album = Album([make_face(row) for row in range(10)], unit(vectors), MinCosineRule(0.4))
    album.group(min_cosine=0.9)
    anna, person = album.person_of(0).id, album.person_of(bert).id
    votes = [DecisionFace(album.face(r).anchor, anna, FaceRole.VOTE) for r in range(9)]
    album.decide(Verdict.NAME, [anna], votes, name="Anna")
    album.name(bert, "Bert")
    album.group()
    assert album.rows_of(album.called("Anna")) == set(home)
    assert album.rows_of(album.called("Bert")) == {*left, *right, bert}
    assert (album.owner(0), album.owner(bert)) == (anna, person)


@every_method
@given(album=messy_albums(), data=st.data(), min_cosine=cosines)
@hypothesis_settings(max_examples=40)
def test_a_confirmed_face_never_moves(method, album, data, min_cosine):
    album.method = method
    album.group()
    rows = assigned(album)
    if not rows:
        return
    chosen = data.draw(st.lists(st.sampled_from(range(len(album.faces))), max_size=6, unique=True))
    placed = {}
    for row in chosen:
        person = album.person_of(data.draw(st.sampled_from(rows)))
        album.confirm(row, person.id)
        placed[row] = person.id
    grouping = album.group(min_cosine=min_cosine)
    for row, person in placed.items():
        assert grouping.owners[album.face(row).id] == person
        assert album.owner(row) == person
        assert album.people().status[album.face(row).id] is FaceStatus.CONFIRMED


def test_a_confirmed_poor_face_takes_part_like_a_good_one():
    album = made(1, [3, 1])
    album.faces[3] = make_face(3, quality=0.0)
    album.group()
    assert album.owner(3) is None
    anna = album.person_of(0).id
    album.confirm(3, anna)
    album.group()
    assert album.assignments[album.face(3).id] == anna


# Another detector, another model


@pytest.mark.parametrize("shift", [-0.1, 0.1])
def test_every_name_survives_another_detector(shift):
    album = made(3, [5, 4, 3])
    album.name(0, "Anna")
    album.name(5, "Bert")
    album.name(9, "Cleo")
    album.reject(2)
    album.confirm(9, album.called("Bert").id)
    album.group()

    def named() -> dict[str, tuple[PersonId, set[int]]]:
        people = album.people().by_id.values()
        return {p.name: (p.id, album.rows_of(p)) for p in people if p.name is not None}

    before, seen = named(), album.seen()
    assert set(before) == {"Anna", "Bert", "Cleo"}
    album.look_again(shift)
    album.group()
    assert named() == before
    assert album.seen() == seen


def test_every_name_survives_another_model():
    album = made(3, [5, 4, 3])
    album.name(0, "Anna")
    album.name(5, "Bert")
    before = album.people()
    album.vectors = identity_vectors([5, 4, 3], seed=99, spread=0.5, dimension=48)[0]
    album.group()
    assert album.people() == before


# What takes part


def test_a_face_that_is_none_takes_no_part():
    album = made(1, [4])
    said = DecisionFace(album.face(0).anchor, album.person_of(0).id, FaceRole.NOT_A_FACE)
    album.decide(Verdict.NOT_A_FACE, [], [said])
    assert album.face(0).id not in album.group().owners


def test_a_face_that_this_model_has_not_seen_stays_where_it_was():
    album = made(1, [4])
    anna = album.person_of(0).id
    said = DecisionFace(album.face(1).anchor, anna, FaceRole.REJECTED)
    for decisions, expected in (([], {0, 1, 2, 3}), ([said], {0, 2, 3})):
        for decision in decisions:
            album.decide(Verdict.REJECT, [anna], [decision])
        grouping = regroup(
            *columns_of(album.faces, album.vectors, seen={3}),
            standing(replay(album.log)),
            album.assignments,
            Policy(album.rule, ExactNeighbours, min_quality=0.3),
            person_exists=album.existing.__contains__,
        )
        assert grouping.owners == {album.face(row).id: anna for row in expected}


def test_a_new_face_that_this_model_has_not_seen_is_left_out():
    album = made(1, [4])
    grouping = regroup(
        *columns_of(album.faces, album.vectors, seen={1, 2, 3}),
        Standing(),
        {},
        Policy(album.rule, ExactNeighbours, min_quality=0.3),
        person_exists=lambda _: False,
    )
    assert set(grouping.owners) == {f.id for f in album.faces[1:]}


def test_poor_faces_alone_make_nobody():
    album = Album([make_face(row, quality=0.1) for row in range(4)], random_vectors(4, 4, 1))
    for method in METHODS:
        album.method = method
        grouping = album.group()
        assert (grouping.owners, grouping.people) == ({}, 0)


def test_an_empty_library_has_nobody():
    album = Album([], random_vectors(0, 4, 1))
    for method in METHODS:
        album.method = method
        assert album.group().owners == {}


def test_every_good_face_belongs_to_somebody():
    album = Album([make_face(row) for row in range(6)], random_vectors(6, 4, 1))
    assert len(album.group(min_cosine=1.0).owners) == 6


def test_an_unknown_method_is_refused_with_the_known_ones():
    album = Album([make_face(0)], random_vectors(1, 4, 1), method="magic")
    with pytest.raises(UsageError, match="magic") as error:
        album.group()
    assert all(method in error.value.hint for method in METHODS)


# Everything at once


class PhotographersEvening(RuleBasedStateMachine):
    """Decisions, undos, re-groupings and new photos in any order; the promises hold throughout."""

    @initialize(album=messy_albums())
    def open_album(self, album: Album) -> None:
        self.album = album
        self.album.group()
        self.names = 0

    def _rows(self) -> list[int]:
        return assigned(self.album)

    @precondition(lambda self: bool(self._rows()))
    @rule(data=st.data())
    def name(self, data):
        self.names += 1
        self.album.name(data.draw(st.sampled_from(self._rows())), f"Guest {self.names}")

    @precondition(lambda self: bool(self._rows()))
    @rule(data=st.data())
    def merge(self, data):
        one, other = (data.draw(st.sampled_from(self._rows())) for _ in range(2))
        people = self.album.person_of(one), self.album.person_of(other)
        denied = standing(replay(self.album.log)).rejections()
        for person, rival in (people, people[::-1]):
            for row in self.album.rows_of(person):
                if rival.id in denied.get(self.album.face(row).anchor, ()):
                    return  # refused by jobs.decide
        if people[0].id != people[1].id:
            self.album.merge(one, other)

    @precondition(lambda self: bool(self._rows()))
    @rule(data=st.data())
    def reject(self, data):
        row = data.draw(st.sampled_from(self._rows()))
        person = self.album.person_of(row)
        if person.name is not None or len(person.faces) > 1:
            self.album.reject(row)

    @precondition(lambda self: bool(self._rows()))
    @rule(data=st.data())
    def ignore(self, data):
        self.album.ignore(data.draw(st.sampled_from(self._rows())))

    @precondition(lambda self: bool(self._rows()))
    @rule(data=st.data())
    def confirm(self, data):
        person = self.album.person_of(data.draw(st.sampled_from(self._rows())))
        row = data.draw(st.sampled_from(range(len(self.album.faces))))
        self.album.confirm(row, person.id)

    @precondition(lambda self: bool(replay(self.album.log).active))
    @rule(data=st.data())
    def undo(self, data):
        active = [decision.id for decision in replay(self.album.log).active]
        self.album.undo(data.draw(st.sampled_from([active[-1], *active])))
        self.album.group()

    @precondition(lambda self: bool(replay(self.album.log).undone))
    @rule()
    def redo(self):
        self.album.redo()
        self.album.group()

    @rule(min_cosine=cosines, method=st.sampled_from(METHODS))
    def group(self, min_cosine, method):
        self.album.method = method
        self.album.group(min_cosine=min_cosine)

    @rule(seed=seeds, quality=st.sampled_from([0.1, 0.9]))
    def add_a_photo(self, seed, quality):
        album = self.album
        new = random_vectors(1, album.vectors.shape[1], seed)
        album.faces = [*album.faces, make_face(1000 + len(album.faces), quality=quality)]
        album.vectors = np.concatenate([album.vectors, new])
        album.group()

    @invariant()
    def a_confirmed_face_is_where_it_was_confirmed(self):
        stands = standing(replay(self.album.log))
        people = self.album.people()
        by_anchor = {face.anchor: face.id for face in self.album.faces}
        for anchor in stands.confirmed:
            assert people.identities[by_anchor[anchor]] == stands.votes[anchor]

    @invariant()
    def a_rejected_face_is_not_with_whom_it_was_rejected_from(self):
        stands = standing(replay(self.album.log))
        people = self.album.people()
        by_anchor = {face.anchor: face.id for face in self.album.faces}
        for anchor, denied in stands.rejected.items():
            if anchor not in stands.confirmed:
                owner = people.owners[by_anchor[anchor]]
                assert owner not in {stands.survivor(person) for person in denied}

    @invariant()
    def no_name_is_lost(self):
        stands = standing(replay(self.album.log))
        people = self.album.people()
        for person, (name, number) in stands.names.items():
            shown = people.by_id[stands.survivor(person)]
            assert shown.name is not None
            if shown.id == person:
                assert (shown.name, people.named_at[person]) == (name, number)

    @invariant()
    def nobody_is_twice_in_a_photo_unless_somebody_said_so(self):
        stands = standing(replay(self.album.log))
        people = self.album.people()
        seen: set[tuple[object, object]] = set()
        for face in self.album.faces:
            identity = people.identities[face.id]
            if identity is None or face.anchor in stands.confirmed:
                continue
            assert (face.photo_id, identity) not in seen
            seen.add((face.photo_id, identity))

    @invariant()
    def every_face_and_person_is_accounted_for(self):
        people = self.album.people()
        for person in people.by_id.values():
            assert person.faces or person.name is not None
            assert person.cover in (person.faces or (None,))
            assert all(people.owners[face] == person.id for face in person.faces)
        owned = {face for face, owner in people.owners.items() if owner is not None}
        assert owned == {face for p in people.by_id.values() for face in p.faces}


PhotographersEvening.TestCase.settings = hypothesis_settings(
    max_examples=50, stateful_step_count=20, deadline=None
)
test_the_promises_hold_through_a_photographer_s_evening = PhotographersEvening.TestCase


def test_a_named_person_with_none_but_poor_faces_keeps_them():
    album = made(1, [5, 3])
    gone = album.face(0)
    album.faces[0] = replace(gone, quality=0.1)
    album.reject(0)
    album.name(0, "Zoe")
    album.group()
    assert album.called("Zoe").faces == (gone.id,)
    album.add([], album.vectors[:0])
    assert album.called("Zoe").faces == (gone.id,)
