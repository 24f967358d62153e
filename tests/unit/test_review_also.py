"""Faces of nobody: whom they are offered to, and what answers do with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.domain import FaceId, PersonId
from facesort.errors import NameTaken, UsageError
from facesort.grouping.probability import PairEvidence
from facesort.review.candidates import crowd_of
from facesort.review.chances import Chances
from facesort.review.crowd import NO_MOMENT, Crowd, Doubt, Loose, Twice
from facesort.review.questions import ALLOWED, Answer, Given, Kind, Question
from facesort.review.queue import Queue
from tests.reviewed import random_answer
from tests.shaped import shaped_faces
from tests.unit.test_review_queue import ANNA, CHANCES, asked, crowd, every, like, stranger

BERTA = like(ANNA, 0.1, 40)


def face_like(*near: tuple[np.ndarray, float], axis: int) -> np.ndarray:
    """Return a unit vector of these cosines to some that are nearly at right angles."""
    made = np.sum([cosine * one for one, cosine in near], axis=0)
    own = stranger(axis) * np.sqrt(max(0.0, 1 - float(made @ made)))
    return np.asarray((made + own) / np.linalg.norm(made + own), dtype=np.float32)


def alone(
    *faces: tuple[str, np.ndarray],
    moments: Mapping[str, int] | None = None,
    denied: Mapping[str, tuple[str, ...]] | None = None,
    quality: float | None = None,
) -> Loose:
    """Return faces of nobody, each on a photo of its own."""
    where = [(moments or {}).get(face, 1000 + place) for place, (face, _) in enumerate(faces)]
    return Loose(
        tuple(FaceId(face) for face, _ in faces),
        np.stack([vector for _, vector in faces]).astype(np.float32),
        np.array(where, dtype=np.int64),
        {FaceId(f): tuple(map(PersonId, people)) for f, people in (denied or {}).items()},
        None if quality is None else np.full(len(faces), quality, dtype=np.float32),
    )


def named(made: Crowd, loose: Loose, **names: str) -> Crowd:
    return replace(made, loose=loose, names={PersonId(p): name for p, name in names.items()})


def also(queue: Queue) -> list[Question]:
    """Skip through all that is asked; return what is asked about faces of nobody."""
    return [question for question in every(queue) if question.kind is Kind.ALSO]


def test_faces_that_look_like_a_named_person_are_shown_together_the_likeliest_first():
    loose = alone(("x", like(ANNA, 0.4, 1)), ("y", like(ANNA, 0.42, 2)), ("z", stranger(3)))
    queue = Queue(named(crowd(("a", 9, ANNA)), loose, a="Anna"), CHANCES)
    question = asked(queue)
    assert (question.kind, question.people, question.faces) == (Kind.ALSO, ("a",), ("y", "x"))
    assert question.chances == tuple(sorted(question.chances, reverse=True))
    assert question.chance == pytest.approx(np.prod(question.chances))
    assert question.settles == pytest.approx(sum(question.chances))
    assert question.cost == pytest.approx(1 + 2 - question.settles)
    assert ALLOWED[Kind.ALSO] == ALLOWED[Kind.BELONGS]


def test_more_than_eight_faces_are_asked_about_in_turn():
    faces = [(f"x{k:02d}", like(ANNA, 0.66, k + 1)) for k in range(11)]
    queue = Queue(named(crowd(("a", 9, ANNA)), alone(*faces), a="Anna"), CHANCES)
    shown: list[FaceId] = []
    for count in (8, 3):
        question = asked(queue)
        assert len(question.faces) == count
        shown += question.faces
        queue.answer(Given(question.id, Answer.YES))
    assert sorted(shown) == [face for face, _ in faces]
    assert queue.question() is None
    assert len(queue.state.faces_of(PersonId("a"))) == 20


def test_faces_of_nobody_are_offered_only_to_people_who_are_known():
    loose = alone(("x", like(ANNA, 0.7, 1)))
    queue = Queue(replace(crowd(("a", 9, ANNA)), loose=loose), CHANCES)
    who = asked(queue)
    assert who.kind is Kind.WHO
    queue.answer(Given(who.id, Answer.NAME, "Anna"))
    assert asked(queue).faces == ("x",)
    queue.undo()
    queue.answer(Given(who.id, Answer.UNSURE))
    assert asked(queue).kind is Kind.ALSO  # nobody could say who it is


def test_a_face_like_somebody_ignored_is_asked_about_for_nobody():
    both = face_like((ANNA, 0.5), (stranger(40), 0.42), axis=1)
    loose = alone(("x", both))
    people = named(crowd(("a", 9, ANNA), ("b", 9, stranger(40))), loose, b="Berta")
    assert also(Queue(replace(people, ignored=frozenset([PersonId("a")])), CHANCES)) == []
    queue = Queue(named(crowd(("b", 9, stranger(40))), loose, b="Berta"), CHANCES)
    assert len(also(queue)) == 1  # without the other one it would be Berta's


def test_who_else_it_may_be_counts_against_a_person_though_nobody_asks_about_them():
    both = face_like((ANNA, 0.6), (stranger(40), 0.6), axis=1)
    people = crowd(("a", 9, ANNA), ("b", 9, stranger(40)), ("c", 9, stranger(41)))
    queue = Queue(named(people, alone(("x", both)), a="Anna"), CHANCES)
    assert also(queue) == []  # one as likely as the other: likely neither
    gone = crowd(("a", 9, ANNA), ("c", 9, stranger(41)))
    assert also(Queue(named(gone, alone(("x", both)), a="Anna"), CHANCES))


def test_a_rejected_face_is_offered_to_whoever_is_next():
    both = face_like((ANNA, 0.46), (stranger(40), 0.42), axis=1)
    people = named(
        crowd(("a", 9, ANNA), ("b", 9, stranger(40))), alone(("x", both)), a="Anna", b="Berta"
    )
    queue = Queue(people, CHANCES)
    first = asked(queue)
    assert (first.kind, first.people) == (Kind.ALSO, ("a",))
    assert [guess.name for guess in first.guesses] == ["Berta"]
    queue.answer(Given(first.id, Answer.NO))
    second = asked(queue)
    assert (second.kind, second.people, second.faces) == (Kind.ALSO, ("b",), ("x",))
    assert second.guesses == ()
    queue.answer(Given(second.id, Answer.NO))
    assert queue.question() is None
    assert queue.state.loose.free.all()


def test_who_was_said_before_not_to_be_somebody_is_not_asked_about():
    loose = alone(("x", like(ANNA, 0.7, 1)), denied={"x": ("a", "somebody gone")})
    assert also(Queue(named(crowd(("a", 9, ANNA)), loose, a="Anna"), CHANCES)) == []


def test_not_one_of_two_who_are_merged_is_not_both():
    loose = alone(("x", like(ANNA, 0.7, 1)), denied={"x": ("b",)})
    people = crowd(("a", 9, ANNA), ("b", 4, like(ANNA, 0.6, 2)))
    queue = Queue(named(people, loose, a="Anna", b="Berta"), CHANCES)
    assert asked(queue).kind is Kind.ALSO
    merge = queue.ask(Kind.SAME, (PersonId("a"), PersonId("b")))
    queue.answer(Given(merge.id, Answer.YES), merge)
    assert queue.question() is None
    queue.undo()
    assert asked(queue).kind is Kind.ALSO


def test_nobody_is_offered_a_face_of_a_photo_they_are_on_and_no_two_of_one_photo():
    people = crowd(("a", 3, ANNA), photo={"a.1": 7})
    likely = [(face, like(ANNA, 0.7, k + 1)) for k, face in enumerate("vxyz")]
    moments = {"v": 7, "x": 8, "y": 8, "z": NO_MOMENT}
    queue = Queue(named(people, alone(*likely, moments=moments), a="Anna"), CHANCES)
    question = asked(queue)
    assert set(question.faces) == {"x", "z"} or set(question.faces) == {"y", "z"}
    queue.answer(Given(question.id, Answer.YES))
    assert queue.question() is None  # the other one of photo 8 is somebody else


def test_faces_of_a_video_may_be_one_persons_together():
    likely = [(face, like(ANNA, 0.7, k + 1)) for k, face in enumerate("xy")]
    loose = alone(*likely, moments={"x": NO_MOMENT, "y": NO_MOMENT})
    queue = Queue(named(crowd(("a", 3, ANNA)), loose, a="Anna"), CHANCES)
    assert set(asked(queue).faces) == {"x", "y"}


def test_few_faces_that_settle_less_than_they_cost_come_at_the_end():
    loose = alone(("x", like(ANNA, 0.6, 1)))
    people = crowd(("a", 9, ANNA), ("b", 2, stranger(40)))
    kinds = [question.kind for question in every(Queue(named(people, loose, a="A"), CHANCES))]
    assert kinds == [Kind.WHO, Kind.ALSO]


def test_poor_faces_need_more_likeness():
    assert CHANCES.calibration is not None
    evidence = PairEvidence(-9.0, 0.0, 20.0, 12.0, 0.0, 0.0)
    chances = Chances(replace(CHANCES.calibration, evidence=evidence))
    for quality, kinds in ((None, [Kind.ALSO]), (0.05, [])):
        loose = alone(("x", like(ANNA, 0.55, 1)), quality=quality)
        queue = Queue(named(crowd(("a", 9, ANNA)), loose, a="Anna"), chances)
        assert [question.kind for question in every(queue)] == kinds


def test_answers_do_with_the_faces_what_they_say():
    faces = [(face, like(ANNA, 0.7, k + 1)) for k, face in enumerate("xyz")]
    people = named(
        crowd(("a", 9, ANNA), ("b", 9, stranger(40))), alone(*faces), a="Anna", b="Berta"
    )

    def after(answer: Answer, **more: object) -> Queue:
        queue = Queue(people, CHANCES)
        queue.answer(Given(asked(queue).id, answer, **more))  # type: ignore[arg-type]
        return queue

    yes = after(Answer.YES, but_faces=(FaceId("y"),))
    assert set(yes.state.faces_of(PersonId("a"))) >= {"x", "z"}
    assert yes.state.loose.free.tolist() == [False, True, False]
    assert yes.state.weights[0] == 11
    assert yes.state.photos[0] == 11
    assert yes.question() is None  # y is not Anna
    other = after(Answer.PERSON, person=PersonId("b"), but_faces=(FaceId("y"),))
    assert set(other.state.faces_of(PersonId("b"))) >= {"x", "z"}
    new = after(Answer.NAME, name="Carla")
    assert {new.state.name_of(p) for p in new.state.people()} == {"Anna", "Berta", "Carla"}
    none = after(Answer.NOT_A_FACE)
    assert none.question() is None
    assert not none.state.loose.free.any()
    for queue in (yes, other, new, none):
        queue.undo()
        assert queue.state.loose.free.all()
        assert asked(queue).faces == ("x", "y", "z")
    with pytest.raises(NameTaken):
        after(Answer.NAME, name="anna")
    with pytest.raises(UsageError, match="all faces"):
        after(Answer.YES, but_faces=tuple(map(FaceId, "xyz")))


def test_not_sure_holds_the_faces_until_there_is_more_of_the_person_to_see():
    faces = [(face, like(ANNA, 0.7, k + 1)) for k, face in enumerate("xy")]
    people = named(crowd(("a", 4, ANNA)), alone(*faces), a="Anna")
    queue = Queue(people, CHANCES)
    queue.answer(Given(asked(queue).id, Answer.UNSURE))
    assert queue.question() is None
    doubt = Doubt(Kind.ALSO, (PersonId("a"),), (FaceId("x"), FaceId("y")), (4,))
    assert Queue(replace(people, doubts=(doubt,)), CHANCES).question() is None
    grown = named(crowd(("a", 8, ANNA)), alone(*faces), a="Anna")
    assert asked(Queue(replace(grown, doubts=(doubt,)), CHANCES)).kind is Kind.ALSO


def test_not_sure_of_one_person_leaves_open_whether_it_is_another():
    loose = alone(("x", like(ANNA, 0.75, 1)))
    people = named(crowd(("a", 4, ANNA), ("b", 4, like(ANNA, 0.2, 2))), loose, a="Anna", b="Bert")
    queue = Queue(people, CHANCES)
    for kind in (Kind.ALSO, Kind.BELONGS):
        with queue.state.changing():
            queue.state.hold(kind, [queue.state.row(PersonId("a"))], [FaceId("x")], for_now=True)
        rows = [queue.state.row(PersonId(one)) for one in "ab"]
        assert [queue.state.is_held(kind, [row], [FaceId("x")]) for row in rows] == [True, False]


def test_not_sure_of_somebody_goes_on_to_whom_they_are_merged_with_and_back():
    people = named(
        crowd(("a", 4, ANNA), ("b", 4, like(ANNA, 0.2, 2))), alone(("x", stranger(7))), a="Anna"
    )
    state = Queue(people, CHANCES).state
    a, b = (state.row(PersonId(one)) for one in "ab")
    with state.changing():
        state.hold(Kind.BELONGS, [b], [FaceId("b.0")], for_now=True)
    before = state.holds.copy()
    with state.changing():
        state.merge([a, b])
    assert state.is_held(Kind.BELONGS, [a], [FaceId("b.0")])
    state.undo()
    assert state.holds.copy() == before
    assert not state.is_held(Kind.BELONGS, [a], [FaceId("b.0")])


def test_a_face_of_nobody_in_a_mirror_joins_the_person_beside_it():
    loose = alone(("x", like(ANNA, 0.9, 1)), moments={"x": 3})
    twice = Twice((FaceId("a.0"), FaceId("x")), (PersonId("a"), None), 0.7)
    people = named(crowd(("a", 5, ANNA), photo={"a.0": 3}), loose, a="Anna")
    queue = Queue(replace(people, twice=(twice,)), CHANCES)
    question = asked(queue)
    assert question.kind is Kind.MIRROR
    queue.answer(Given(question.id, Answer.YES))
    assert "x" in queue.state.faces_of(PersonId("a"))


def _shaped(seed: int) -> tuple[Crowd, dict[FaceId, int]]:
    made = shaped_faces(90, seed)
    _, codes = np.unique(made.person, return_inverse=True)
    owner = codes.astype(np.int64)
    random = np.random.default_rng(seed)
    for row in random.permutation(len(owner))[:30].tolist():
        if (owner == owner[row]).sum() > 2:
            owner[row] = -1
    _, owner[owner >= 0] = np.unique(owner[owner >= 0], return_inverse=True)
    people = crowd_of(made.vectors, owner, made.photo, CHANCES)
    named_ = {person: f"Known {k}" for k, person in enumerate(people.people) if k % 2}
    return replace(people, names=named_), {
        FaceId(f"f{row}"): int(person) for row, person in enumerate(made.person)
    }


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_whatever_is_answered_questions_are_about_free_faces_that_may_be_theirs(seed):
    people, _ = _shaped(seed)
    queue = Queue(people, CHANCES, min_photos=1)
    random = np.random.default_rng(seed)
    state = queue.state
    for number in range(40):
        question = queue.question()
        if question is None:
            break
        if question.kind is Kind.ALSO:
            (row,) = (state.row(person) for person in question.people)
            places = [state.loose.place(face) for face in question.faces]
            assert 0 < len(places) <= 8
            assert all(place is not None and state.loose.free[place] for place in places)
            for place in places:
                assert place is not None
                assert row not in {state.find(other) for other in state.loose.denied(place)}
                assert state.loose.moments[place] not in state.moments(row)
            assert state.named[row] or state.is_held(Kind.WHO, [row])
            assert not state.ignored[row]
            assert all(a >= b for a, b in pairwise(question.chances))
        queue.answer(random_answer(question, state, random, number))
        if random.random() < 0.2:
            queue.undo()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_same_is_asked_after_answers_as_by_a_queue_that_begins_with_them(seed):
    people, person = _shaped(seed)
    queue = Queue(replace(people, names={}), CHANCES, min_photos=1)
    fresh = Queue(people, CHANCES, min_photos=1)
    for one, name in people.names.items():
        queue.change(lambda state, who=(one, name): state.rename(state.row(who[0]), who[1]))  # type: ignore[misc]
    assert {(q.people, q.faces) for q in also(queue)} == {(q.people, q.faces) for q in also(fresh)}
    assert person
