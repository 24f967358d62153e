from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from facesort.domain import Anchor, Box, Decision, DecisionFace, FaceRole, PersonId, Verdict
from facesort.grouping.standing import History, Standing, replay, standing

A, B, C, D = (PersonId(f"p{letter}") for letter in "abcd")
PEOPLE = (A, B, C, D)
ANCHORS = tuple(Anchor("test:1", Box(i / 10, 0, (i + 1) / 10, 0.1)) for i in range(5))

said = st.builds(
    DecisionFace, st.sampled_from(ANCHORS), st.sampled_from(PEOPLE), st.sampled_from(FaceRole)
)
verdicts = st.sampled_from([v for v in Verdict if v not in {Verdict.UNDO, Verdict.REDO}])
names = st.sampled_from(["Anna", "Bert", None])
several = st.lists(st.sampled_from(PEOPLE), min_size=2, max_size=3, unique=True)


@dataclass
class Log:
    """Writes decisions one after the other."""

    entries: list[Decision] = field(default_factory=list)

    def add(
        self,
        verdict: Verdict,
        *people: PersonId,
        name: str | None = None,
        faces: tuple[DecisionFace, ...] = (),
        target: int | None = None,
    ) -> int:
        number = len(self.entries) + 1
        self.entries.append(Decision(number, "", verdict, people, name, faces, target))
        return number

    def undo(self, target: int) -> int:
        return self.add(Verdict.UNDO, target=target)

    def redo(self, target: int) -> int:
        return self.add(Verdict.REDO, target=target)

    @property
    def history(self) -> History:
        return replay(self.entries)

    @property
    def standing(self) -> Standing:
        return standing(self.history)


def vote(anchor: Anchor, person: PersonId) -> DecisionFace:
    return DecisionFace(anchor, person, FaceRole.VOTE)


def confirm(anchor: Anchor, person: PersonId) -> DecisionFace:
    return DecisionFace(anchor, person, FaceRole.CONFIRMED)


def reject(anchor: Anchor, person: PersonId) -> DecisionFace:
    return DecisionFace(anchor, person, FaceRole.REJECTED)


# Undo and redo, against a list and a stack


class UndoAndRedo(RuleBasedStateMachine):
    """What an editor does: a list of what stands, and a stack of what can come back."""

    @initialize()
    def nothing_said(self) -> None:
        self.log = Log()
        self.active: list[int] = []
        self.undone: list[int] = []

    @rule(verdict=verdicts, people=several, name=names, faces=st.lists(said, max_size=4))
    def decide(self, verdict, people, name, faces):
        self.active.append(self.log.add(verdict, *people, name=name, faces=tuple(faces)))
        self.undone.clear()

    @precondition(lambda self: self.active)
    @rule()
    def undo_the_last(self):
        self.undone.append(self.active.pop())
        self.log.undo(self.undone[-1])

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def undo_any(self, data):
        number = data.draw(st.sampled_from(self.active))
        self.active.remove(number)
        self.undone.append(number)
        self.log.undo(number)

    @precondition(lambda self: self.undone)
    @rule()
    def redo_the_last(self):
        number = self.undone.pop()
        self.active = sorted([*self.active, number])
        self.log.redo(number)

    @rule(number=st.integers(0, 60))
    def undo_what_does_not_stand(self, number):
        if number not in self.active:
            self.log.undo(number)

    @rule(number=st.integers(0, 60))
    def redo_what_was_not_undone(self, number):
        if number not in self.undone:
            self.log.redo(number)

    @precondition(lambda self: self.active)
    @rule()
    def undo_everything_and_redo_it(self):
        before, waiting = self.log.standing, list(self.undone)
        for number in reversed(self.active):
            self.log.undo(number)
        assert self.log.standing == Standing()
        for _ in self.active:
            self.log.redo(self.log.history.undone[-1].id)
        assert self.log.standing == before
        assert [entry.id for entry in self.log.history.undone] == waiting

    @invariant()
    def history_is_the_list_and_the_stack(self):
        history = self.log.history
        assert [entry.id for entry in history.active] == self.active
        assert [entry.id for entry in history.undone] == self.undone
        assert all(self.log.entries[e.id - 1] == e for e in (*history.active, *history.undone))

    @invariant()
    def only_what_is_active_counts(self):
        shorter = [entry for entry in self.log.entries if entry.id in self.active]
        assert standing(replay(shorter)) == self.log.standing


UndoAndRedo.TestCase.settings = hypothesis_settings(
    max_examples=60, stateful_step_count=30, deadline=None
)
test_undo_and_redo_behave_as_in_any_editor = UndoAndRedo.TestCase


def test_undo_by_number_takes_back_that_decision_only():
    log = Log()
    first = log.add(Verdict.NAME, A, name="Anna")
    log.add(Verdict.NAME, A, name="Berta")
    last = log.add(Verdict.NAME, B, name="Carl")
    log.undo(first)
    assert log.standing.names == {A: ("Berta", 2), B: ("Carl", 3)}
    log.redo(first)
    log.undo(2)
    assert log.standing.names == {A: ("Anna", 1), B: ("Carl", last)}


def test_a_decision_that_comes_back_counts_where_it_was_made_not_last():
    log = Log()
    first = log.add(Verdict.NAME, A, name="Anna")
    log.add(Verdict.NAME, A, name="Berta")
    log.undo(first)
    log.redo(first)
    assert log.standing.names[A] == ("Berta", 2)


def test_a_new_decision_ends_what_can_be_redone():
    log = Log()
    log.undo(log.add(Verdict.NAME, A, name="Anna"))
    log.add(Verdict.NAME, B, name="Carl")
    assert log.history.undone == ()
    log.redo(1)
    assert log.standing.names == {B: ("Carl", 3)}


def test_an_empty_log_says_nothing():
    assert replay([]) == History((), ())
    assert standing(replay([])) == Standing()


# Merges and names


@given(st.lists(several, max_size=8))
def test_merges_join_whoever_they_name_and_nobody_else(merges):
    log = Log()
    groups = {person: {person} for person in PEOPLE}
    for people in merges:
        log.add(Verdict.MERGE, *people)
        joined = set().union(*(groups[person] for person in people))
        for person in joined:
            groups[person] = joined
    stands = log.standing
    for person in PEOPLE:
        together = {p for p in PEOPLE if stands.survivor(p) == stands.survivor(person)}
        assert together == groups[person]
        if stands.survivor(person) == person:
            assert set(stands.members().get(person, [])) == groups[person] - {person}


def test_the_first_of_a_merge_survives():
    log = Log()
    log.add(Verdict.MERGE, B, A, C)
    assert {p: log.standing.survivor(p) for p in PEOPLE} == {A: B, B: B, C: B, D: D}
    log.add(Verdict.MERGE, D, C)
    assert {log.standing.survivor(p) for p in PEOPLE} == {D}


def test_merging_the_same_people_again_changes_nothing():
    log = Log()
    log.add(Verdict.MERGE, A, B)
    before = log.standing
    log.add(Verdict.MERGE, B, A)
    assert log.standing == before


def test_only_the_merges_between_two_people_made_them_one():
    log = Log()
    first = log.add(Verdict.MERGE, A, B)
    second = log.add(Verdict.MERGE, A, C)
    third = log.add(Verdict.MERGE, D, A)
    assert log.standing.joined_by(A, B) == (first,)
    assert log.standing.joined_by(C, A) == (second,)
    assert log.standing.joined_by(B, C) == (first, second)
    assert log.standing.joined_by(D, B) == (first, third)
    assert log.standing.joined_by(B, B) == ()
    log.undo(second)
    assert log.standing.joined_by(B, C) == ()


@given(st.lists(several, max_size=6))
def test_taking_back_a_merge_between_two_people_parts_them_and_no_other_merge_does(merges):
    log = Log()
    for people in merges:
        shown = list(dict.fromkeys(log.standing.survivor(person) for person in people))
        if len(shown) > 1:  # as `merge` has it
            log.add(Verdict.MERGE, *shown)
    stands = log.standing
    for one, other in combinations(PEOPLE, 2):
        together = stands.survivor(one) == stands.survivor(other)
        between = stands.joined_by(one, other)
        assert bool(between) == together
        for number in range(1, len(log.entries) + 1) if together else ():
            without = standing(replay([*log.entries, _undo_of(log, number)]))
            parted = without.survivor(one) != without.survivor(other)
            assert parted == (number in between)


def _undo_of(log: Log, target: int) -> Decision:
    return Decision(len(log.entries) + 1, "", Verdict.UNDO, target=target)


def test_a_merged_person_bears_the_survivor_s_name_whatever_came_first():
    log = Log()
    log.add(Verdict.NAME, A, name="Anna")
    log.add(Verdict.NAME, B, name="Berta")
    log.add(Verdict.MERGE, B, A)
    assert log.standing.shown_names()[B] == ("Berta", 2)


def test_an_unnamed_survivor_takes_the_first_name_merged_into_it():
    log = Log()
    log.add(Verdict.NAME, C, name="Carl")
    log.add(Verdict.NAME, B, name="Berta")
    log.add(Verdict.MERGE, A, B)
    log.add(Verdict.MERGE, A, C)
    assert log.standing.shown_names()[A] == ("Berta", 2)


def test_whoever_takes_over_a_merged_person_takes_over_the_name_that_was_shown():
    log = Log()
    log.add(Verdict.NAME, A, name="Anna")
    log.add(Verdict.NAME, B, name="Berta")
    log.add(Verdict.MERGE, A, B)
    assert log.standing.shown_names()[A] == ("Anna", 1)
    log.add(Verdict.MERGE, C, A)  # C has no name of its own: still Anna
    assert log.standing.shown_names()[C] == ("Anna", 1)


def test_a_long_chain_of_merges_is_followed():
    log = Log()
    chain = [PersonId(f"p{i}") for i in range(3000)]
    log.add(Verdict.NAME, chain[0], name="Anna")
    for old, new in pairwise(chain):
        log.add(Verdict.MERGE, new, old)
    assert log.standing.survivor(chain[0]) == chain[-1]
    assert log.standing.shown_names()[chain[-1]] == ("Anna", 1)


def test_nobody_named_has_no_name():
    log = Log()
    log.add(Verdict.MERGE, A, B)
    assert log.standing.shown_names().get(A) is None
    assert log.standing.shown_names().get(D) is None


def test_only_survivors_are_shown_with_a_name():
    log = Log()
    log.add(Verdict.NAME, A, name="Anna")
    log.add(Verdict.NAME, B, name="Berta")
    log.add(Verdict.MERGE, A, B)
    assert log.standing.shown_names() == {A: ("Anna", 1)}


def test_a_merge_with_somebody_named_ends_being_ignored():
    log = Log()
    log.add(Verdict.IGNORE, A)
    log.add(Verdict.NAME, B, name="Berta")
    log.add(Verdict.MERGE, A, B)
    assert log.standing.ignored == set()


def test_the_later_name_wins():
    log = Log()
    log.add(Verdict.NAME, A, name="Anna")
    log.add(Verdict.NAME, A, name="Anne")
    assert log.standing.shown_names()[A] == ("Anne", 2)


def test_whoever_gets_a_name_is_no_longer_ignored():
    log = Log()
    log.add(Verdict.IGNORE, A, B)
    assert log.standing.ignored == {A, B}
    log.add(Verdict.NAME, A, name="Anna")
    assert log.standing.ignored == {B}


# Faces


def test_the_latest_vote_counts():
    log = Log()
    log.add(Verdict.NAME, A, name="Anna", faces=(vote(ANCHORS[0], A),))
    log.add(Verdict.NAME, B, name="Bert", faces=(vote(ANCHORS[0], B),))
    assert log.standing.votes == {ANCHORS[0]: B}
    assert log.standing.confirmed == set()


def test_a_vote_does_not_move_a_confirmed_face():
    log = Log()
    log.add(Verdict.CONFIRM, A, faces=(confirm(ANCHORS[0], A),))
    log.add(Verdict.NAME, B, name="Bert", faces=(vote(ANCHORS[0], B),))
    assert log.standing.votes == {ANCHORS[0]: A}
    assert log.standing.confirmed == {ANCHORS[0]}


def test_a_later_confirmation_moves_a_confirmed_face():
    log = Log()
    log.add(Verdict.CONFIRM, A, faces=(confirm(ANCHORS[0], A),))
    log.add(Verdict.CONFIRM, B, faces=(confirm(ANCHORS[0], B),))
    assert log.standing.votes == {ANCHORS[0]: B}


def test_a_rejection_takes_back_vote_and_confirmation():
    for first in (vote, confirm):
        log = Log()
        log.add(Verdict.CONFIRM, A, faces=(first(ANCHORS[0], A),))
        log.add(Verdict.REJECT, A, faces=(reject(ANCHORS[0], A),))
        stands = log.standing
        assert (stands.votes, stands.confirmed) == ({}, set())
        assert stands.rejected == {ANCHORS[0]: {A: 2}}


def test_a_rejection_from_one_leaves_the_vote_for_another():
    log = Log()
    log.add(Verdict.CONFIRM, A, faces=(confirm(ANCHORS[0], A),))
    log.add(Verdict.REJECT, B, faces=(reject(ANCHORS[0], B),))
    assert log.standing.votes == {ANCHORS[0]: A}
    assert log.standing.confirmed == {ANCHORS[0]}


def test_a_confirmation_takes_back_the_rejection():
    log = Log()
    log.add(Verdict.REJECT, A, faces=(reject(ANCHORS[0], A), reject(ANCHORS[0], B)))
    log.add(Verdict.CONFIRM, A, faces=(confirm(ANCHORS[0], A),))
    assert log.standing.rejected == {ANCHORS[0]: {B: 1}}
    assert log.standing.votes == {ANCHORS[0]: A}


def test_the_identity_that_a_rejected_face_waits_in_is_no_vote():
    log = Log()
    log.add(Verdict.NAME, A, name="Anna", faces=(vote(ANCHORS[0], A), vote(ANCHORS[1], A)))
    log.add(
        Verdict.REJECT,
        A,
        faces=(reject(ANCHORS[0], A), vote(ANCHORS[0], C), vote(ANCHORS[1], A)),
    )
    stands = log.standing
    assert stands.votes == {ANCHORS[1]: A}
    assert stands.shelters == {ANCHORS[0]: C}
    assert stands.spoken_of() == {A, C}


def test_a_face_that_is_not_somebody_is_not_whom_they_are_merged_with():
    log = Log()
    log.add(Verdict.REJECT, B, faces=(reject(ANCHORS[0], B),))
    assert log.standing.rejections() == {ANCHORS[0]: {B}}
    log.add(Verdict.MERGE, A, B)
    log.add(Verdict.MERGE, C, A)
    assert log.standing.rejections() == {ANCHORS[0]: {A, B, C}}
    assert log.standing.rejected == {ANCHORS[0]: {B: 1}}


@given(st.lists(st.lists(said, max_size=4), max_size=10))
def test_nothing_is_both_voted_or_confirmed_for_a_person_and_rejected_from_them(decisions):
    log = Log()
    for faces in decisions:
        # A vote for whom a face was rejected from is never recorded: nobody is shown so.
        sensible = tuple(
            face
            for face in faces
            if not (
                face.role is FaceRole.VOTE
                and face.person in log.standing.rejected.get(face.anchor, {})
            )
        )
        single = {face.anchor: face for face in sensible}
        log.add(Verdict.CONFIRM, A, faces=tuple(single.values()))
    stands = log.standing
    for anchor, people in stands.rejected.items():
        assert stands.votes.get(anchor) not in people
    assert stands.confirmed <= set(stands.votes)


def test_covers_and_pictures_of_nobody_are_remembered():
    log = Log()
    log.add(Verdict.COVER, A, faces=(DecisionFace(ANCHORS[0], A, FaceRole.COVER),))
    log.add(Verdict.COVER, A, faces=(DecisionFace(ANCHORS[1], A, FaceRole.COVER),))
    log.add(Verdict.NOT_A_FACE, faces=(DecisionFace(ANCHORS[2], A, FaceRole.NOT_A_FACE),))
    assert log.standing.covers == {A: ANCHORS[1]}
    assert log.standing.not_faces == {ANCHORS[2]}


def test_a_merge_takes_chosen_covers_along_and_the_survivor_s_own_comes_first():
    log = Log()
    log.add(Verdict.COVER, B, faces=(DecisionFace(ANCHORS[0], B, FaceRole.COVER),))
    log.add(Verdict.COVER, C, faces=(DecisionFace(ANCHORS[1], C, FaceRole.COVER),))
    log.add(Verdict.MERGE, B, C)
    merge = log.add(Verdict.MERGE, A, B)
    assert log.standing.shown_covers() == {A: [ANCHORS[0], ANCHORS[1]]}
    log.add(Verdict.COVER, A, faces=(DecisionFace(ANCHORS[2], A, FaceRole.COVER),))
    assert log.standing.shown_covers() == {A: [ANCHORS[2], ANCHORS[0], ANCHORS[1]]}
    log.undo(merge)
    assert log.standing.shown_covers() == {A: [ANCHORS[2]], B: [ANCHORS[0], ANCHORS[1]]}


@pytest.mark.parametrize("role", list(FaceRole))
def test_whatever_was_said_of_a_face_is_gone_when_it_is_undone(role):
    log = Log()
    number = log.add(Verdict.CONFIRM, A, faces=(DecisionFace(ANCHORS[0], A, role),))
    assert log.standing != Standing()
    log.undo(number)
    assert log.standing == Standing()


# Different people, splits, and what a later word takes the place of


def test_people_declared_different_are_so_two_by_two_until_a_merge_says_otherwise():
    log = Log()
    number = log.add(Verdict.DIFFERENT, A, B, C)
    pairs = {frozenset(pair) for pair in ((A, B), (A, C), (B, C))}
    assert log.standing.different == dict.fromkeys(pairs, number)
    assert log.standing.spoken_of() == {A, B, C}
    merge = log.add(Verdict.MERGE, A, D)
    assert set(log.standing.different) == pairs
    log.add(Verdict.MERGE, D, B)  # D is A: the later word is that A and B are one
    assert set(log.standing.different) == pairs - {frozenset((A, B))}
    log.undo(merge)
    assert set(log.standing.different) == pairs


def test_the_faces_of_a_split_are_confirmed_with_the_new_person_and_not_the_old_one():
    log = Log()
    log.add(Verdict.NAME, A, name="Anna", faces=(vote(ANCHORS[0], A), vote(ANCHORS[1], A)))
    log.add(
        Verdict.SPLIT,
        B,
        A,
        name="Berta",
        faces=(reject(ANCHORS[0], A), confirm(ANCHORS[0], B), vote(ANCHORS[1], A)),
    )
    stands = log.standing
    assert stands.votes == {ANCHORS[0]: B, ANCHORS[1]: A}
    assert stands.confirmed == {ANCHORS[0]}
    assert stands.rejections() == {ANCHORS[0]: {A}}
    assert stands.shown_names() == {A: ("Anna", 1), B: ("Berta", 2)}
    log.undo(2)
    assert log.standing.votes == {ANCHORS[0]: A, ANCHORS[1]: A}
    assert log.standing.shown_names() == {A: ("Anna", 1)}


@pytest.mark.parametrize("first", [vote, confirm])
def test_a_face_rejected_from_a_merged_person_is_none_of_them_until_the_merge_is_undone(first):
    log = Log()
    log.add(Verdict.CONFIRM, B, faces=(first(ANCHORS[0], B),))
    merge = log.add(Verdict.MERGE, A, B)
    log.add(Verdict.REJECT, A, faces=(reject(ANCHORS[0], A),))
    assert (log.standing.votes, log.standing.confirmed) == ({}, set())
    log.undo(merge)
    assert log.standing.votes == {ANCHORS[0]: B}


def test_a_confirmation_takes_back_the_rejection_from_anybody_merged_with_the_person():
    log = Log()
    log.add(Verdict.REJECT, B, faces=(reject(ANCHORS[0], B), reject(ANCHORS[0], C)))
    log.add(Verdict.MERGE, A, B)
    log.add(Verdict.CONFIRM, A, faces=(confirm(ANCHORS[0], A),))
    assert log.standing.rejections() == {ANCHORS[0]: {C}}


def test_what_is_no_face_is_nobody_s_until_it_is_confirmed():
    log = Log()
    log.add(Verdict.CONFIRM, A, faces=(confirm(ANCHORS[0], A),))
    none = log.add(Verdict.NOT_A_FACE, faces=(DecisionFace(ANCHORS[0], A, FaceRole.NOT_A_FACE),))
    stands = log.standing
    assert (stands.votes, stands.confirmed, stands.not_faces) == ({}, set(), {ANCHORS[0]})
    log.add(Verdict.CONFIRM, B, faces=(confirm(ANCHORS[0], B),))
    assert (log.standing.votes, log.standing.not_faces) == ({ANCHORS[0]: B}, set())
    log.undo(3)
    log.undo(none)
    assert log.standing.votes == {ANCHORS[0]: A}


def test_a_name_that_somebody_took_over_ends_being_ignored_too():
    log = Log()
    log.add(Verdict.IGNORE, A)
    log.add(Verdict.NAME, C, name="Carl")
    log.add(Verdict.MERGE, B, C)  # B has no name of its own
    log.add(Verdict.MERGE, A, B)
    assert log.standing.ignored == set()
    assert log.standing.shown_names()[A] == ("Carl", 2)
