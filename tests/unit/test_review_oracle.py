from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.domain import FaceId, PersonId
from facesort.evaluation.answerer import Answerer
from facesort.evaluation.review import LabelledFaces, judge_review, review_once
from facesort.evaluation.simulated import Album
from facesort.grouping.calibration import Calibration
from facesort.grouping.likeness import OnePerson
from facesort.jobs.review.oracle import _Oracle, queue_order
from facesort.review.candidates import crowd_of
from facesort.review.chances import Chances
from facesort.review.questions import Answer, Guess, Kind, Question
from facesort.review.queue import Queue

CHANCES = Chances(Calibration(0.1, 0.004, 0.01, None, OnePerson(0.65, 0.01)))


def crowd_and_faces(sizes, *, seed=0, strangers=0, spread=0.9):
    """People in pieces: `sizes` has one tuple of piece sizes for each; the last are strangers."""
    rng = np.random.default_rng(seed)
    owners: list[int] = []
    names: list[str | None] = []
    vectors = []
    piece = 0
    for number, pieces in enumerate(sizes):
        centre = rng.standard_normal(64)
        for size in pieces:
            for _ in range(size):
                vectors.append(centre + spread * rng.standard_normal(64))
                owners.append(piece)
                names.append(f"P{number}" if number < len(sizes) - strangers else None)
            piece += 1
    stacked = np.array(vectors, dtype=np.float32)
    stacked /= np.linalg.norm(stacked, axis=1, keepdims=True)
    ids = [FaceId(f"f{row}") for row in range(len(owners))]
    crowd = crowd_of(stacked, np.array(owners), np.arange(len(owners)), CHANCES, face_ids=ids)
    keys = [PersonId(f"p{owner}") for owner in owners]
    return crowd, LabelledFaces(stacked, keys, names), ids


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple), min_size=1, max_size=6
    ),
    st.sampled_from([0.0, 0.3]),
    st.integers(0, 5),
)
def test_the_album_follows_every_answer_that_the_queue_is_given(sizes, mistakes, seed):
    crowd, faces, ids = crowd_and_faces(sizes, seed=seed)
    album = Album(faces)
    made: list[Queue] = []

    class Watched(Queue):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facesort.jobs.review.oracle.Queue", Watched)
        for cost in queue_order(crowd, CHANCES, ids)(album, Answerer(mistakes, seed)):
            assert cost >= 1
            state = made[0].state
            held = {person for person in state.people() if state.faces_of(person)}
            assert set(album.people()) == held  # a name without faces stays, in both
            for person in state.people():
                assert sorted(ids[row] for row in album.rows(person)) == sorted(
                    state.faces_of(person)
                )
                assert album.name(person) == state.name_of(person)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple), min_size=2, max_size=6
    ),
    st.integers(0, 5),
)
def test_right_answers_put_every_face_right_before_the_questions_end(sizes, seed):
    crowd, faces, ids = crowd_and_faces(sizes, seed=seed, strangers=1)
    review = review_once(Album(faces), queue_order(crowd, CHANCES, ids), Answerer())
    assert review.reached == 1
    assert review.costs["0.99"] <= review.answers


@pytest.mark.parametrize("seed", range(3))
def test_faces_of_nobody_that_look_like_somebody_cost_less_asked_about_than_by_hand(seed):
    crowd, faces, ids = crowd_and_faces([(18,), (14,), (6,)], seed=seed, spread=0.7)
    left = {row for row in range(len(ids)) if row % 3 == 0}
    owners = [None if row in left else owner for row, owner in enumerate(faces.owners)]
    number = np.array([-1 if owner is None else int(str(owner)[1:]) for owner in owners])
    some = crowd_of(faces.vectors, number, np.arange(len(ids)), CHANCES, face_ids=ids)
    lost = LabelledFaces(faces.vectors, owners, faces.truth)
    assert len(crowd.people) == len(some.people)
    without = review_once(
        Album(lost), queue_order(replace(some, loose=None), CHANCES, ids), Answerer()
    )
    asks = review_once(Album(lost), queue_order(some, CHANCES, ids), Answerer())
    assert asks.reached == 1
    assert without.costs["0.99"] >= 6 + len(left) - 1  # each by itself
    assert asks.costs["0.99"] <= 6 + 5


def test_a_person_in_pieces_is_named_once():
    crowd, faces, ids = crowd_and_faces([(8, 3), (6, 2), (4,)], spread=0.6)
    costs = judge_review(faces, queue_order(crowd, CHANCES, ids)).orders
    assert costs["queue"].costs["0.99"] <= costs["similarity"].costs["0.99"]
    assert costs["queue"].costs["0.8"] <= costs["size"].costs["0.8"]


# Single answers.


def oracle_of(truth: str, owners: str, mistakes: float = 0.0, named=None) -> _Oracle:
    blank = {".": None}
    rows = len(truth)
    album = Album(
        LabelledFaces(
            np.eye(rows, dtype=np.float32), list(owners), [blank.get(name, name) for name in truth]
        )
    )
    for person, name in (named or {}).items():
        album.call(person, name)
    return _Oracle(album, Answerer(mistakes, 1), {FaceId(f"f{row}"): row for row in range(rows)})


def asked(kind: Kind, people: str, faces=(), guesses=()) -> Question:
    ids = tuple(FaceId(f"f{row}") for row in faces)
    return Question("q1", kind, tuple(map(PersonId, people)), ids, guesses=guesses)


EVERY = [FaceId(f"f{row}") for row in range(9)]


def test_who_is_not_the_same_is_taken_out_of_a_yes():
    given = oracle_of("AABAC", "aabcd").answer(asked(Kind.SAME, "abcd"), EVERY[:5])
    assert (given.answer, given.but_people) == (Answer.YES, ("b", "d"))


def test_nobody_the_same_is_a_no_and_strangers_are_skipped():
    assert oracle_of("AB", "ab").answer(asked(Kind.SAME, "ab"), ()).answer is Answer.NO
    assert oracle_of("A.", "ab").answer(asked(Kind.SAME, "ab"), ()).answer is Answer.NO
    assert oracle_of("..", "ab").answer(asked(Kind.SAME, "ab"), ()).answer is Answer.SKIP


def test_only_faces_that_are_shown_are_taken_out():
    oracle = oracle_of("AAAB", "aaaa")
    assert oracle.answer(asked(Kind.WHO, "a"), EVERY[:2]).but_faces == ()
    assert oracle.answer(asked(Kind.WHO, "a"), EVERY[:4]).but_faces == ("f3",)


def test_a_known_name_is_chosen_and_a_new_one_typed():
    oracle = oracle_of("AAB", "abc", named={"a": "A"})
    assert oracle.answer(asked(Kind.WHO, "b"), ()).person == "a"
    assert oracle.answer(asked(Kind.WHO, "c"), ()).name == "B"


def test_a_stranger_is_ignored_and_people_of_interest_are_taken_out():
    given = oracle_of("..A", "abc").answer(asked(Kind.WHO, "abc"), ())
    assert (given.answer, given.but_people) == (Answer.IGNORE, ("c",))


def test_faces_that_belong_stay_and_others_go_to_whom_they_are():
    named = {"a": "A", "b": "B"}
    oracle = oracle_of("AABBBC.", "aaabbaa", named=named)
    assert oracle.answer(asked(Kind.BELONGS, "a", [0, 1, 6]), ()).answer is Answer.YES
    part = oracle.answer(asked(Kind.BELONGS, "a", [1, 2]), ())
    assert (part.answer, part.but_faces) == (Answer.YES, ("f2",))
    assert oracle.answer(asked(Kind.BELONGS, "a", [2]), ()).person == "b"
    assert oracle.answer(asked(Kind.BELONGS, "a", [2, 5]), ()).answer is Answer.NO


def test_faces_of_nobody_join_whom_they_are_and_others_are_taken_out():
    oracle = oracle_of("AABBC.A", "ab.....", named={"a": "A", "b": "B"})
    asks = oracle.answer(asked(Kind.ALSO, "a", [6, 3, 5]), ())
    assert (asks.answer, asks.but_faces) == (Answer.YES, ("f3", "f5"))
    assert oracle.answer(asked(Kind.ALSO, "a", [6]), ()).but_faces == ()
    assert oracle.answer(asked(Kind.ALSO, "a", [4, 5]), ()).answer is Answer.NO
    assert oracle.answer(asked(Kind.ALSO, "a", [2, 3]), ()).person == "b"
    assert oracle.answer(asked(Kind.ALSO, "a", [2, 5]), ()).answer is Answer.NO
    stranger = oracle_of("..", "a.")
    assert stranger.answer(asked(Kind.ALSO, "a", [1]), ()).answer is Answer.SKIP
    wrong = oracle_of("AAB", "a..", mistakes=1.0, named={"a": "A"})
    assert wrong.answer(asked(Kind.ALSO, "a", [1]), ()).answer is Answer.NO
    assert wrong.answer(asked(Kind.ALSO, "a", [2]), ()).answer is Answer.YES


def test_two_people_in_one_are_parted_and_one_person_is_not():
    oracle = oracle_of("AAAAB", "aaaaa")
    assert oracle.answer(asked(Kind.TWO, "a", [0, 1]), ()).answer is Answer.NO
    assert oracle.answer(asked(Kind.TWO, "a", [4]), ()).answer is Answer.YES
    equal = oracle_of("AABB", "aaaa")
    for part in ([0, 1], [2, 3]):
        assert equal.answer(asked(Kind.TWO, "a", part), ()).answer is Answer.YES
    assert (
        oracle_of("AAB", "aaa", named={"a": "A"}).answer(asked(Kind.TWO, "a", [0]), ()).answer
        is Answer.NO
    )


def test_one_person_twice_on_a_photo_is_known_from_the_truth():
    oracle = oracle_of("AAB.", "abcd")
    assert oracle.answer(asked(Kind.MIRROR, "ab", [0, 1]), ()).answer is Answer.YES
    assert oracle.answer(asked(Kind.MIRROR, "ac", [0, 2]), ()).answer is Answer.NO
    assert oracle.answer(asked(Kind.MIRROR, "ad", [0, 3]), ()).answer is Answer.SKIP


def test_somebody_who_is_always_wrong_never_gives_the_right_answer():
    oracle = oracle_of("AABB..", "aabbcc", mistakes=1.0, named={"b": "B"})
    assert oracle.answer(asked(Kind.SAME, "ab"), ()).answer is Answer.YES
    assert oracle.answer(asked(Kind.MIRROR, "ab", [0, 1]), ()).answer is Answer.NO
    assert oracle.answer(asked(Kind.BELONGS, "b", [2]), ()).answer is Answer.NO
    assert oracle.answer(asked(Kind.BELONGS, "b", [0]), ()).answer is Answer.YES
    assert oracle.answer(asked(Kind.TWO, "b", [2]), ()).answer is Answer.YES
    guesses = (Guess(PersonId("b"), "B", 0.5),)
    wrong = Counter(
        given.answer
        for _ in range(60)
        if (given := oracle.answer(asked(Kind.WHO, "a", guesses=guesses), ())).name != "A"
    )
    assert set(wrong) == {Answer.NAME, Answer.PERSON, Answer.IGNORE}
    assert sum(wrong.values()) == 60
    assert oracle.answer(asked(Kind.WHO, "c"), ()).answer is Answer.SKIP
