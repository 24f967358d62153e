"""The order of questions: what settles most faces for an answer comes first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facesort.domain import FaceId, PersonId
from facesort.grouping.likeness import OnePerson
from facesort.review.chances import Chances
from facesort.review.crowd import NO_MOMENT, Crowd, Doubt, Part, Suspect, Twice
from facesort.review.questions import Answer, Given, Kind, Question
from facesort.review.queue import Queue
from tests.shaped import SHAPED_CALIBRATION

CHANCES = Chances(replace(SHAPED_CALIBRATION, one_person=OnePerson(0.7, 0.02)))
DIMENSION = 64


def like(one: np.ndarray, cosine: float, axis: int) -> np.ndarray:
    """Return a unit vector of that cosine to another one, with a direction of its own."""
    other = np.zeros(DIMENSION, dtype=np.float32)
    other[axis] = 1
    made = cosine * one + np.sqrt(1 - cosine**2) * other
    return np.asarray(made, dtype=np.float32)


def stranger(axis: int) -> np.ndarray:
    """Return a unit vector that is like nobody's."""
    return like(np.zeros(DIMENSION, dtype=np.float32), 0.0, axis)


ANNA = stranger(0)


def crowd(*people: tuple[str, int, np.ndarray], photo: dict[str, int] | None = None) -> Crowd:
    """Return people as (id, faces, mean vector); each face is on a photo of its own."""
    first = np.concatenate([[0], np.cumsum([count for _, count, _ in people])]).astype(np.int64)
    faces = tuple(FaceId(f"{person}.{k}") for person, count, _ in people for k in range(count))
    sizes = np.array([count for _, count, _ in people], dtype=np.int64)
    moments = np.arange(len(faces))
    for face, moment in (photo or {}).items():
        moments[faces.index(FaceId(face))] = moment
    return Crowd(
        tuple(PersonId(person) for person, _, _ in people),
        np.stack([count * mean for _, count, mean in people]).astype(np.float32),
        sizes,
        faces,
        first,
        moments,
        sizes,
    )


def asked(queue: Queue) -> Question:
    """Return the next question, which is there."""
    question = queue.question()
    assert question is not None
    return question


def every(queue: Queue) -> list[Question]:
    """Skip through all that is asked."""
    found = []
    while (question := queue.question()) is not None:
        found.append(question)
        queue.answer(Given(question.id, Answer.SKIP))
        assert len(found) < 100
    return found


def name(queue: Queue, text: str) -> Question:
    """Name whoever is asked about."""
    question = asked(queue)
    assert question.kind is Kind.WHO
    queue.answer(Given(question.id, Answer.NAME, text))
    return question


def test_the_largest_unnamed_person_is_asked_about_first():
    queue = Queue(crowd(("a", 3, ANNA), ("b", 9, stranger(1)), ("c", 5, stranger(2))), CHANCES)
    assert [question.people for question in every(queue)] == [("b",), ("c",), ("a",)]


def test_a_question_stays_until_it_is_answered_and_its_id_stays_for_ever():
    people = crowd(("a", 3, ANNA), ("b", 9, stranger(1)))
    queue = Queue(people, CHANCES)
    assert queue.question() is queue.question()
    assert asked(queue).id == asked(Queue(people, CHANCES)).id


def test_somebody_who_may_be_known_is_asked_about_with_guesses():
    people = crowd(("a", 9, ANNA), ("b", 6, like(ANNA, 0.42, 1)), ("c", 6, stranger(2)))
    queue = Queue(people, CHANCES)
    name(queue, "Anna")
    question = asked(queue)
    assert question.people == ("b",)  # as many faces as c, and one key where that takes a name
    assert [guess.name for guess in question.guesses] == ["Anna"]
    assert question.cost < 2
    queue.answer(Given(question.id, Answer.PERSON, person=PersonId("a")))
    assert len(queue.state.faces_of(PersonId("a"))) == 15


def test_two_unnamed_people_are_not_asked_about_as_one_while_they_may_be_named():
    people = crowd(("a", 9, ANNA), ("b", 8, like(ANNA, 0.42, 1)))
    assert asked(Queue(people, CHANCES)).kind is Kind.WHO


def test_two_people_whom_nobody_could_name_are_asked_about_as_one():
    people = crowd(("a", 9, ANNA), ("b", 8, like(ANNA, 0.42, 1)))
    kinds = [(question.kind, question.people) for question in every(Queue(people, CHANCES))]
    assert kinds == [(Kind.WHO, ("a",)), (Kind.WHO, ("b",)), (Kind.SAME, ("a", "b"))]


def test_pieces_that_are_almost_surely_one_person_are_named_together():
    people = crowd(("a", 9, ANNA), ("b", 1, like(ANNA, 0.68, 1)), ("c", 2, stranger(2)))
    queue = Queue(people, CHANCES)
    question = asked(queue)
    assert question.people == ("a", "b")
    assert question.chances[0] > 0.8
    queue.answer(Given(question.id, Answer.NAME, "Anna", but_people=(PersonId("b"),)))
    assert queue.state.faces_of(PersonId("b")) == ("b.0",)
    queue.undo()
    queue.answer(Given(question.id, Answer.NAME, "Anna"))
    assert len(queue.state.faces_of(PersonId("a"))) == 10


def test_several_likely_pieces_of_a_known_person_are_one_question():
    people = crowd(
        ("a", 9, ANNA),
        *((f"b{k}", 2, like(ANNA, 0.62, k + 1)) for k in range(3)),
    )
    queue = Queue(replace(people, names={PersonId("a"): "Anna"}), CHANCES)
    question = asked(queue)
    assert question.kind is Kind.SAME
    assert question.people[0] == "a"
    assert set(question.people[1:]) == {"b0", "b1", "b2"}
    applied = queue.answer(Given(question.id, Answer.YES))
    assert applied.settled == 6
    assert queue.question() is None


def test_two_pieces_on_one_photo_are_not_shown_as_one_person():
    people = crowd(
        ("a", 9, ANNA),
        ("b", 2, like(ANNA, 0.62, 1)),
        ("c", 2, like(ANNA, 0.62, 2)),
        photo={"b.0": 100, "c.0": 100},
    )
    queue = Queue(replace(people, names={PersonId("a"): "Anna"}), CHANCES)
    for question in every(queue):
        assert not {"b", "c"} <= set(question.people)


def test_nobody_is_guessed_to_be_somebody_on_the_same_photo():
    people = crowd(("a", 9, ANNA), ("b", 6, like(ANNA, 0.6, 1)), photo={"a.0": 7, "b.0": 7})
    queue = Queue(replace(people, names={PersonId("a"): "Anna"}), CHANCES)
    assert asked(queue).guesses == ()
    video = replace(people, moments=np.full(15, NO_MOMENT), names={PersonId("a"): "Anna"})
    assert [guess.name for guess in asked(Queue(video, CHANCES)).guesses] == ["Anna"]


def test_who_was_declared_different_is_not_guessed():
    people = crowd(("a", 9, ANNA), ("b", 6, like(ANNA, 0.6, 1)))
    said = replace(
        people, names={PersonId("a"): "Anna"}, different=((PersonId("a"), PersonId("b")),)
    )
    assert asked(Queue(said, CHANCES)).guesses == ()


def test_different_from_one_is_different_from_whoever_is_the_same():
    people = crowd(("a", 9, ANNA), ("b", 8, like(ANNA, 0.5, 1)), ("c", 7, like(ANNA, 0.5, 2)))
    queue = Queue(replace(people, names={PersonId("a"): "Anna"}), CHANCES)
    same = queue.ask(Kind.SAME, (PersonId("b"), PersonId("c")))
    queue.answer(Given(same.id, Answer.NO), same)
    same = queue.ask(Kind.SAME, (PersonId("a"), PersonId("b")))
    queue.answer(Given(same.id, Answer.YES), same)
    question = asked(queue)
    assert (question.people, question.guesses) == (("c",), ())


def test_an_unsure_answer_is_remembered_until_there_is_more_to_see():
    people = crowd(("a", 4, ANNA))
    doubt = Doubt(Kind.WHO, (PersonId("a"),), (), (4,))
    assert Queue(replace(people, doubts=(doubt,)), CHANCES).question() is None
    seven = replace(crowd(("a", 7, ANNA)), doubts=(doubt,))
    assert Queue(seven, CHANCES).question() is None
    grown = replace(crowd(("a", 8, ANNA)), doubts=(doubt,))
    assert asked(Queue(grown, CHANCES)).people == ("a",)


def test_an_unsure_pair_stays_unasked_after_one_of_them_was_merged():
    people = crowd(("a", 9, ANNA), ("b", 8, like(ANNA, 0.42, 1)), ("c", 1, stranger(5)))
    queue = Queue(people, CHANCES)
    for _ in range(2):
        queue.answer(Given(asked(queue).id, Answer.UNSURE))
    question = asked(queue)
    assert question.kind is Kind.SAME
    queue.answer(Given(question.id, Answer.UNSURE))
    merge = queue.ask(Kind.SAME, (PersonId("c"), PersonId("b")))
    queue.answer(Given(merge.id, Answer.YES), merge)
    assert not any(
        question.kind is Kind.SAME and {"a", "c"} <= set(question.people)
        for question in every(queue)
    )


def test_strangers_like_ignored_ones_are_asked_about_late_and_may_join_them():
    people = crowd(
        ("a", 9, ANNA), ("b", 4, like(ANNA, 0.6, 1)), ("c", 3, stranger(2)), ("d", 3, stranger(3))
    )
    queue = Queue(replace(people, ignored=frozenset([PersonId("a")])), CHANCES)
    first, second, last = every(queue)
    assert {first.people, second.people} == {("c",), ("d",)}
    assert (last.kind, last.people) == (Kind.SAME, ("a", "b"))


def test_whoever_comes_back_whom_nobody_wants_to_see_is_never_asked_about_by_name():
    people = replace(
        crowd(("a", 9, ANNA), ("b", 4, like(ANNA, 0.6, 1))), ignored=frozenset([PersonId("a")])
    )
    queue = Queue(people, CHANCES)
    queue.answer(Given(asked(queue).id, Answer.YES))
    assert queue.state.ignored[queue.state.row(PersonId("b"))]
    assert (queue.question(), queue.progress().share) == (None, 1.0)
    queue.undo()
    queue.answer(Given(asked(queue).id, Answer.UNSURE))
    assert queue.question() is None
    queue.undo()
    queue.answer(Given(asked(queue).id, Answer.NO))
    assert (asked(queue).kind, asked(queue).people) == (Kind.WHO, ("b",))  # somebody else after all


def test_several_strangers_like_an_ignored_one_are_one_question():
    people = crowd(("a", 9, ANNA), *((f"b{k}", 2, like(ANNA, 0.62, k + 1)) for k in range(3)))
    queue = Queue(replace(people, ignored=frozenset([PersonId("a")])), CHANCES)
    question = asked(queue)
    assert (question.kind, len(question.people)) == (Kind.SAME, 4)
    queue.answer(Given(question.id, Answer.YES))
    assert queue.state.ignored[queue.state.row(PersonId("b1"))]
    assert queue.question() is None


def test_whoever_is_on_few_photos_comes_after_those_on_more_and_after_likely_pieces():
    people = crowd(
        ("a", 9, ANNA), ("b", 1, like(ANNA, 0.5, 1)), ("c", 2, stranger(2)), ("d", 3, stranger(3))
    )
    queue = Queue(replace(people, names={PersonId("a"): "Anna"}), CHANCES)
    assert [question.people for question in every(queue)] == [("d",), ("b",), ("c",)]


def test_among_strangers_the_best_face_comes_first():
    people = crowd(("a", 1, stranger(1)), ("b", 1, stranger(2)), ("c", 1, stranger(3)))
    queue = Queue(replace(people, prominence=np.array([0.2, 0.9, 0.5], dtype=np.float32)), CHANCES)
    assert [question.people for question in every(queue)] == [("b",), ("c",), ("a",)]


def _with_suspects(*chances: float) -> Crowd:
    people = crowd(("a", 9, ANNA), ("b", 6, stranger(1)))
    suspects = tuple(
        Suspect(FaceId(f"a.{k}"), PersonId("a"), like(stranger(1), 0.7, 3 + k), chance)
        for k, chance in enumerate(chances)
    )
    return replace(
        people,
        names={PersonId("a"): "Anna", PersonId("b"): "Bert"},
        suspects=suspects,
    )


def test_doubtful_faces_of_a_known_person_are_shown_together_with_who_else_it_may_be():
    queue = Queue(_with_suspects(0.4, 0.3, 0.97), CHANCES)
    question = asked(queue)
    assert (question.kind, question.faces) == (Kind.BELONGS, ("a.1", "a.0", "a.2"))
    assert question.guesses[0].name == "Bert"
    queue.answer(Given(question.id, Answer.YES, but_faces=(FaceId("a.1"),)))
    assert len(queue.state.faces_of(PersonId("a"))) == 8
    # What was taken out is somebody else now, most likely Bert.
    question = asked(queue)
    assert (question.kind, question.guesses[0].name) == (Kind.WHO, "Bert")
    assert question.guesses[0].name != "Anna"


def test_faces_that_surely_belong_are_not_asked_about():
    assert Queue(_with_suspects(0.995, 0.9999), CHANCES).question() is None


def test_doubtful_faces_are_pointed_out_where_somebody_is_named_and_not_asked_about_again():
    people = replace(_with_suspects(0.4), names={})
    queue = Queue(people, CHANCES)
    question = asked(queue)
    assert (question.kind, question.faces) == (Kind.WHO, ("a.0",))
    assert queue.to_show(question)[PersonId("a")][0] == "a.0"
    queue.answer(Given(question.id, Answer.NAME, "Anna"))
    assert all(question.kind is not Kind.BELONGS for question in every(queue))


def test_two_people_in_one_are_worth_the_faces_of_the_smaller_part():
    part = Part(PersonId("a"), (FaceId("a.0"), FaceId("a.1")), 2 * ANNA, 0.6)
    people = replace(crowd(("a", 9, ANNA), ("b", 3, stranger(1))), parts=(part,))
    questions = every(Queue(replace(people, names={PersonId("a"): "Anna"}), CHANCES))
    assert [question.kind for question in questions] == [Kind.WHO, Kind.TWO]
    assert questions[1].faces == ("a.0", "a.1")
    assert questions[1].settles == pytest.approx(1.2)


def parted(chance: float) -> Crowd:
    faces = tuple(FaceId(f"a.{k}") for k in range(4))
    part = Part(PersonId("a"), faces, 4 * ANNA, chance)
    return replace(crowd(("a", 9, ANNA), ("b", 3, stranger(1))), parts=(part,))


def test_who_is_likely_two_people_is_not_named_before_it_is_known():
    queue = Queue(parted(0.6), CHANCES)
    assert (asked(queue).kind, asked(queue).people) == (Kind.TWO, ("a",))
    queue.answer(Given(asked(queue).id, Answer.YES))
    kinds = [(question.kind, question.settles) for question in every(queue)]
    assert kinds == [(Kind.WHO, 5), (Kind.WHO, 4), (Kind.WHO, 3)]
    for answer in (Answer.NO, Answer.UNSURE, Answer.SKIP):
        queue = Queue(parted(0.6), CHANCES)
        queue.answer(Given(asked(queue).id, answer))
        assert [(question.kind, question.settles) for question in every(queue)] == [
            (Kind.WHO, 9),
            (Kind.WHO, 3),
        ]
    assert asked(Queue(parted(0.4), CHANCES)).kind is Kind.WHO


def test_a_part_that_some_faces_have_left_or_that_was_merged_is_still_asked_about():
    queue = Queue(parted(0.4), CHANCES)
    out = (FaceId("a.1"),)
    queue.answer(Given(asked(queue).id, Answer.NAME, "Anna", but_faces=out))
    two = next(question for question in every(queue) if question.kind is Kind.TWO)
    assert two.faces == ("a.0", "a.2", "a.3")
    queue = Queue(replace(parted(0.4), names={PersonId("b"): "Berta"}), CHANCES)
    queue.answer(Given(asked(queue).id, Answer.PERSON, person=PersonId("b")))
    two = next(question for question in every(queue) if question.kind is Kind.TWO)
    assert (two.people, len(two.faces)) == (("b",), 4)


def test_a_photo_that_may_show_one_person_twice_is_asked_about_once():
    twice = Twice((FaceId("a.0"), FaceId("b.0")), (PersonId("a"), PersonId("b")), 0.7)
    people = crowd(("a", 5, ANNA), ("b", 1, ANNA), photo={"a.0": 3, "b.0": 3})
    queue = Queue(replace(people, twice=(twice,), names={PersonId("a"): "Anna"}), CHANCES)
    question = asked(queue)
    assert (question.kind, set(question.faces)) == (Kind.MIRROR, {"a.0", "b.0"})
    queue.answer(Given(question.id, Answer.NO))
    assert all(question.kind is not Kind.MIRROR for question in every(queue))
    assert queue.state.are_apart(0, 1)


def test_of_two_whom_nobody_wants_to_see_it_is_not_asked_whether_they_are_one():
    twice = Twice((FaceId("a.0"), FaceId("b.0")), (PersonId("a"), PersonId("b")), 0.7)
    people = crowd(("a", 5, ANNA), ("b", 1, stranger(1)), photo={"a.0": 3, "b.0": 3})
    people = replace(people, twice=(twice,))
    both = frozenset([PersonId("a"), PersonId("b")])
    assert Queue(replace(people, ignored=both), CHANCES).question() is None
    one = Queue(replace(people, ignored=frozenset([PersonId("a")])), CHANCES)
    assert any(question.kind is Kind.MIRROR for question in every(one))


def test_a_collage_takes_an_answer_for_each_copy_and_none_for_pairs_among_them():
    faces = ["a.0", "b.0", "c.0", "d.0"]
    pairs = [(one, other) for k, one in enumerate(faces) for other in faces[k + 1 :]]
    twice = tuple(
        Twice((FaceId(one), FaceId(other)), (PersonId(one[0]), PersonId(other[0])), 0.9)
        for one, other in pairs
    )
    people = crowd(
        ("a", 5, ANNA), ("b", 1, ANNA), ("c", 1, ANNA), ("d", 1, ANNA),
        photo=dict.fromkeys(faces, 7),
    )  # fmt: skip
    queue = Queue(replace(people, twice=twice, names={PersonId("a"): "Anna"}), CHANCES)
    for _ in range(3):
        assert asked(queue).kind is Kind.MIRROR
        queue.answer(Given(asked(queue).id, Answer.YES))
    assert queue.question() is None
    assert len(queue.state.faces_of(PersonId("a"))) == 8


def test_progress_counts_what_matters_and_how_many_answers_it_takes():
    people = crowd(("a", 90, ANNA), ("b", 9, stranger(1)), ("c", 1, stranger(2)))
    queue = Queue(people, CHANCES)
    assert (queue.progress().settled, queue.progress().total) == (0, 99)
    assert queue.progress().answers_to_99 == 2
    name(queue, "Anna")
    assert queue.progress().settled == 90
    assert queue.progress().share == pytest.approx(90 / 99)
    name(queue, "Bert")
    assert queue.progress().answers_to_99 == 0


def test_who_is_skipped_is_no_answer_to_come():
    queue = Queue(crowd(("a", 90, ANNA), ("b", 90, stranger(1))), CHANCES)
    queue.answer(Given(asked(queue).id, Answer.SKIP))
    assert queue.progress().answers_to_99 == 1
    name(queue, "Bert")
    assert (queue.progress().settled, queue.progress().answers_to_99) == (90, 0)


def test_without_a_calibration_the_likest_come_first():
    people = crowd(
        ("a", 9, ANNA), ("b", 4, like(ANNA, 0.5, 1)), ("c", 4, like(ANNA, 0.3, 2)),
        ("d", 4, stranger(3)),
    )  # fmt: skip
    queue = Queue(replace(people, names={PersonId("a"): "Anna"}), Chances(None, 0.4))
    assert [question.people for question in every(queue)] == [("b",), ("c",), ("d",)]


def test_nobody_is_asked_about_without_faces_or_vectors():
    nobody = Crowd(
        (),
        np.zeros((0, 0), dtype=np.float32),
        np.zeros(0, dtype=np.int64),
        (),
        np.zeros(1, dtype=np.int64),
        np.zeros(0, dtype=np.int64),
        np.zeros(0, dtype=np.int64),
    )
    assert Queue(nobody, CHANCES).question() is None
    assert Queue(nobody, CHANCES).progress().share == 1
    people = crowd(("a", 4, ANNA))
    blind = replace(people, sums=np.zeros((1, 0), dtype=np.float32), weights=np.zeros(1, np.int64))
    assert asked(Queue(blind, CHANCES)).people == ("a",)
