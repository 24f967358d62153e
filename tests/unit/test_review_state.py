"""The people of a review in memory: answers change them, and taking back is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.domain import FaceId, PersonId
from facesort.errors import NameTaken, UnknownPerson, UsageError
from facesort.review.answering import apply
from facesort.review.candidates import crowd_of
from facesort.review.chances import Chances
from facesort.review.crowd import Crowd
from facesort.review.questions import Answer, Given, Kind, Question, cost
from facesort.review.queue import Queue
from facesort.review.state import ReviewState
from tests.reviewed import random_answer, remembered
from tests.shaped import SHAPED_CALIBRATION, shaped_faces

CHANCES = Chances(SHAPED_CALIBRATION)


def _crowd(faces: int = 60, seed: int = 3, pieces: int = 3, *, loose: bool = True) -> Crowd:
    """Return people in pieces, one face of each of the first two swapped, some with nobody."""
    made = shaped_faces(faces, seed)
    owner = made.person * pieces + np.arange(faces) % pieces
    owner[[0, -1]] = owner[[-1, 0]]
    _, codes = np.unique(owner, return_inverse=True)
    codes = codes.astype(np.int64)
    sizes = np.bincount(codes)
    if loose:  # every seventh face, where somebody else of its group is left
        codes[[row for row in range(3, faces, 7) if sizes[codes[row]] > 2]] = -1
    return crowd_of(made.vectors, codes, made.photo, CHANCES)


def _everything(state: ReviewState) -> tuple[object, ...]:
    n = len(state)
    columns = (state.sums, state.weights, state.sizes, state.photos, state.alive, state.named)
    return (
        list(state.ids),
        [column[:n].tolist() for column in (*columns, state.ignored)],
        remembered(state),
        {row: state.apart_from(row) for row in range(n)},
        dict(state.suspects),
        dict(state.parts),
        dict(state.twice),
        state.holds.copy(),
        state.loose.free.tolist(),
        [state.loose.denied(place) for place in range(len(state.loose))],
    )


def _held(state: ReviewState) -> list[FaceId]:
    return [face for person in state.people() for face in state.faces_of(person)]


def _free(state: ReviewState) -> list[FaceId]:
    return [face for face, free in zip(state.loose.faces, state.loose.free, strict=True) if free]


def _question(kind: Kind, *people: str, faces: tuple[str, ...] = ()) -> Question:
    return Question("q", kind, tuple(map(PersonId, people)), tuple(map(FaceId, faces)))


@pytest.fixture
def state() -> ReviewState:
    """Four people: p0 (f0, f1, f2), p1 (f3), p2 (f4, f5), p3 (f6); f2 and f3 on one photo."""
    vectors = np.eye(8, dtype=np.float32)[:7]
    owner = np.array([0, 0, 0, 1, 2, 2, 3])
    photo = np.array([0, 1, 2, 2, 3, 4, 5])
    return ReviewState(crowd_of(vectors, owner, photo, CHANCES))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_after_any_answers_taking_all_back_gives_what_was_before(seed):
    queue = Queue(_crowd(), CHANCES, min_photos=1)
    before = _everything(queue.state)
    first = queue.question()
    random = np.random.default_rng(seed)
    steps = [before]
    for number in range(40):
        question = queue.question()
        if question is None:
            break
        queue.answer(random_answer(question, queue.state, random, number))
        steps.append(_everything(queue.state))
    while queue.state.changes:
        assert _everything(queue.state) == steps.pop()
        queue.undo()
    assert _everything(queue.state) == before
    assert queue.undo() is None
    again = queue.question()
    assert (again and again.id) == (first and first.id)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_no_answer_loses_or_doubles_a_face(seed):
    queue = Queue(_crowd(), CHANCES, min_photos=1)
    every = sorted([*_held(queue.state), *_free(queue.state)])
    random = np.random.default_rng(seed)
    for number in range(30):
        question = queue.question()
        if question is None:
            break
        given_ = random_answer(question, queue.state, random, number)
        queue.answer(given_)
        if given_.answer is Answer.NOT_A_FACE:
            queue.undo()
            queue.answer(Given(question.id, Answer.SKIP), question)
        assert sorted([*_held(queue.state), *_free(queue.state)]) == every


def test_a_merge_adds_up_faces_photos_and_vectors(state):
    apply(state, _question(Kind.SAME, "p0", "p1"), Given("q", Answer.YES))
    row = state.row(PersonId("p1"))
    assert state.ids[row] == "p0"
    assert state.faces_of(PersonId("p1")) == ("f0", "f1", "f2", "f3")
    assert (state.sizes[row], state.photos[row], state.weights[row]) == (4, 3, 4)
    assert state.sums[row].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]


def test_who_is_one_person_is_apart_from_whoever_the_other_was_apart_from(state):
    apply(state, _question(Kind.SAME, "p1", "p2"), Given("q", Answer.NO))
    apply(state, _question(Kind.SAME, "p0", "p1"), Given("q", Answer.YES))
    assert state.are_apart(state.row(PersonId("p0")), state.row(PersonId("p2")))
    state.undo()
    assert not state.are_apart(state.row(PersonId("p0")), state.row(PersonId("p2")))


def test_those_taken_out_of_a_yes_are_different_people(state):
    given_ = Given("q", Answer.YES, but_people=(PersonId("p2"),))
    apply(state, _question(Kind.SAME, "p0", "p1", "p2"), given_)
    assert len(state.faces_of(PersonId("p0"))) == 4
    assert state.are_apart(state.row(PersonId("p0")), state.row(PersonId("p2")))
    assert cost(given_) == 2


def test_a_face_taken_out_is_a_person_of_its_own_and_not_that_one(state):
    given_ = Given("q", Answer.NAME, "Anna", but_faces=(FaceId("f1"),))
    apply(state, _question(Kind.WHO, "p0"), given_, {FaceId("f1"): PersonId("pnew")})
    assert state.name_of(PersonId("p0")) == "Anna"
    assert state.faces_of(PersonId("p0")) == ("f0", "f2")
    assert state.faces_of(PersonId("pnew")) == ("f1",)
    assert state.are_apart(state.row(PersonId("p0")), state.row(PersonId("pnew")))
    assert cost(given_) == 3


def test_a_part_becomes_somebody_else(state):
    question = _question(Kind.TWO, "p0", faces=("f1", "f2"))
    apply(state, question, Given("q", Answer.NAME, "Bert"), {FaceId("f1"): PersonId("pnew")})
    assert state.faces_of(PersonId("p0")) == ("f0",)
    assert state.name_of(PersonId("pnew")) == "Bert"


def test_doubted_faces_go_to_whom_the_user_says(state):
    apply(state, _question(Kind.WHO, "p2"), Given("q", Answer.NAME, "Cleo"))
    question = _question(Kind.BELONGS, "p0", faces=("f2",))
    apply(state, question, Given("q", Answer.PERSON, person=PersonId("p2")))
    assert state.faces_of(PersonId("p2")) == ("f4", "f5", "f2")


def test_what_is_no_face_is_nobodys(state):
    apply(state, _question(Kind.WHO, "p1"), Given("q", Answer.NOT_A_FACE))
    assert "p1" not in set(state.people())
    state.undo()
    assert state.faces_of(PersonId("p1")) == ("f3",)


def test_a_name_that_somebody_has_is_refused_and_changes_nothing(state):
    apply(state, _question(Kind.WHO, "p0"), Given("q", Answer.NAME, "Anna"))
    before = _everything(state)
    with pytest.raises(NameTaken):
        apply(state, _question(Kind.WHO, "p1"), Given("q", Answer.NAME, "anna"))
    assert _everything(state) == before
    apply(state, _question(Kind.WHO, "p1"), Given("q", Answer.NAME, "anna", another=True))
    assert state.name_of(PersonId("p1")) == "anna"


def test_a_name_is_kept_in_memory_as_the_catalog_stores_it(state):
    one, other = list(state.people())[:2]
    typed = f" Anna{chr(0xA0)} Berg{chr(0x200B)}"
    apply(state, Question("q1", Kind.WHO, (one,)), Given("q1", Answer.NAME, typed))
    assert state.name_of(one) == "Anna Berg"
    question = Question("q2", Kind.WHO, (other,))
    with pytest.raises(NameTaken):
        apply(state, question, Given("q2", Answer.NAME, "anna  BERG"))


def test_the_name_of_somebody_merged_away_is_free_again(state):
    apply(state, _question(Kind.WHO, "p0"), Given("q", Answer.NAME, "Anna"))
    apply(state, _question(Kind.WHO, "p1"), Given("q", Answer.NAME, "Bert"))
    apply(state, _question(Kind.SAME, "p0", "p1"), Given("q", Answer.YES))
    apply(state, _question(Kind.WHO, "p2"), Given("q", Answer.NAME, "Bert"))
    assert state.name_of(PersonId("p2")) == "Bert"


def test_a_named_person_is_not_hidden_by_a_merge_and_a_stranger_is(state):
    apply(state, _question(Kind.WHO, "p0"), Given("q", Answer.IGNORE))
    apply(state, _question(Kind.WHO, "p1"), Given("q", Answer.PERSON, person=PersonId("p0")))
    assert state.ignored[state.row(PersonId("p1"))]
    apply(state, _question(Kind.WHO, "p2"), Given("q", Answer.NAME, "Cleo"))
    apply(state, _question(Kind.SAME, "p0", "p2"), Given("q", Answer.YES))
    assert not state.ignored[state.row(PersonId("p0"))]
    assert state.name_of(PersonId("p0")) == "Cleo"


@pytest.mark.parametrize(
    ("question", "given_"),
    [
        (_question(Kind.SAME, "p0", "p1"), Given("other", Answer.YES)),
        (_question(Kind.SAME, "p0", "p1"), Given("q", Answer.IGNORE)),
        (_question(Kind.WHO, "p0"), Given("q", Answer.YES)),
        (_question(Kind.WHO, "p0"), Given("q", Answer.NAME)),
        (_question(Kind.WHO, "p0"), Given("q", Answer.PERSON)),
        (_question(Kind.WHO, "p0"), Given("q", Answer.IGNORE, "Anna")),
        (_question(Kind.SAME, "p0", "p1"), Given("q", Answer.YES, but_people=(PersonId("p2"),))),
        (_question(Kind.SAME, "p0", "p1"), Given("q", Answer.YES, but_people=(PersonId("p0"),))),
        (_question(Kind.SAME, "p0", "p1"), Given("q", Answer.YES, but_people=(PersonId("p1"),))),
        (_question(Kind.SAME, "p0", "p1"), Given("q", Answer.NO, but_people=(PersonId("p1"),))),
        (
            _question(Kind.BELONGS, "p0", faces=("f0",)),
            Given("q", Answer.YES, but_faces=(FaceId("f0"),)),
        ),
        (
            _question(Kind.BELONGS, "p0", faces=("f0",)),
            Given("q", Answer.YES, but_faces=(FaceId("f1"),)),
        ),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_and_changes_nothing(state, question, given_):
    before = _everything(state)
    with pytest.raises(UsageError):
        apply(state, question, given_)
    assert _everything(state) == before


def test_a_stranger_to_the_review_is_an_error(state):
    with pytest.raises(UnknownPerson, match="p9"):
        apply(state, _question(Kind.WHO, "p9"), Given("q", Answer.IGNORE))


def test_rows_are_changed_only_where_they_can_be_taken_back(state):
    with pytest.raises(RuntimeError, match="changing"):
        state.rename(0, "Anna")
