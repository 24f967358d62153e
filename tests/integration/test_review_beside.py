"""A sitting while others write the same library: no answer is lost, and none goes astray."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facesort.catalog import decisions
from facesort.domain import FaceId, PersonId
from facesort.errors import DecisionConflict, LibraryLocked, StaleQuestion, UsageError
from facesort.jobs import decide
from facesort.jobs.grouping.options import GroupOptions
from facesort.jobs.review.session import ReviewSession
from facesort.jobs.review.shown import SideShown
from facesort.library import Library
from facesort.review.questions import Answer, Given, Kind
from tests.reviewed import (
    in_pieces,
    let_go,
    open_pieces,
    partition,
    random_answer,
    remembered,
    spoil,
)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of people in pieces, some with strangers among their faces."""
    folder = tmp_path_factory.mktemp("pieces") / "library"
    in_pieces(folder)
    spoil(folder)
    return folder


@pytest.fixture
def folder(pieces: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(pieces, tmp_path / "library"))


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    """It, open."""
    with open_pieces(folder) as opened:
        yield opened


@pytest.fixture
def other(folder: Path) -> Iterator[Library]:
    """The same one, opened by somebody else."""
    with open_pieces(folder) as opened:
        yield opened


def largest(library: Library, count: int) -> list[PersonId]:
    """Return those with most faces."""
    found = library.situation().people.by_id.values()
    return [person.id for person in sorted(found, key=lambda p: (-len(p.faces), p.id))[:count]]


def faces_of(library: Library, person: PersonId) -> list[FaceId]:
    """Return theirs."""
    return list(library.situation().person(person).faces)


def decided(library: Library) -> int:
    """Return the number of the last decision."""
    return decisions.last_id(library._db)


def in_step(session: ReviewSession, library: Library) -> None:
    """Check that memory and catalog say the same, once the sitting has looked."""
    session.refresh()
    shown = {
        person: what
        for person, what in partition(library)["people"].items()  # type: ignore[attr-defined]
        if what[0] or what[2]
    }
    assert remembered(session._queue.state) == shown


def _ids(side: SideShown) -> set[FaceId]:
    return {face.id for face in side.shown}


@pytest.mark.parametrize("kind", [Kind.BELONGS, Kind.TWO])
@pytest.mark.parametrize("answer", [Answer.YES, Answer.NO, Answer.NAME])
def test_faces_that_somebody_else_has_moved_are_left_where_they_are(library, other, kind, answer):
    session = library.review(min_photos=2)
    one, two = largest(library, 2)
    moved = tuple(faces_of(library, one)[-2:])
    shown = session.ask(kind, (one,), moved)
    other.confirm(list(moved), reference=two)
    after, last = partition(library), decided(library)
    name = "Anna" if answer is Answer.NAME else None
    with pytest.raises(StaleQuestion):
        session.answer(Given(shown.question.id, answer, name))
    assert decided(library) == last
    assert partition(library) == after


def test_a_face_of_nobody_that_somebody_else_has_given_away_is_left_there(library, other):
    one, two = largest(library, 2)
    loose = faces_of(library, one)[-1]
    let_go(library, [loose])
    session = library.review(min_photos=2)
    session.name(one, "Anna")
    shown = session.ask(Kind.ALSO, (one,), (loose,))
    other.confirm([loose], reference=two)
    after = partition(library)
    for answer in (Answer.YES, Answer.NO):
        with pytest.raises((StaleQuestion, UsageError)):
            session.answer(Given(shown.question.id, answer))
        assert partition(library) == after
        shown = session.ask(Kind.ALSO, (one,), (loose,)) if answer is Answer.YES else shown


@pytest.mark.parametrize("answer", [Answer.YES, Answer.NO, Answer.UNSURE])
def test_two_faces_of_a_photo_say_nothing_of_somebody_who_got_one_meanwhile(library, other, answer):
    one, two = largest(library, 2)
    face, loose = faces_of(library, one)[0], faces_of(library, two)[-1]
    let_go(library, [loose])
    library.name(one, "Anna")
    library.name(two, "Bert")
    session = library.review(min_photos=2)
    shown = session.ask(Kind.MIRROR, (one,), (face, loose))
    assert [side.person for side in shown.sides] == [one, None]
    other.confirm([loose], reference="Bert")
    after, last = partition(library), decided(library)
    with pytest.raises(StaleQuestion, match="given to somebody"):
        session.answer(Given(shown.question.id, answer))
    assert (decided(library), partition(library)) == (last, after)


@pytest.mark.parametrize("answer", [Answer.YES, Answer.NO])
def test_people_whom_somebody_else_has_merged_stay_one(library, other, answer):
    session = library.review(min_photos=2)
    one, two = largest(library, 2)
    shown = session.ask(Kind.SAME, (one, two))
    other.merge([two, one], anyway=True)
    after = partition(library)
    with pytest.raises(StaleQuestion):
        session.answer(Given(shown.question.id, answer))
    assert partition(library) == after
    in_step(session, library)


@pytest.mark.parametrize("answer", [Answer.NAME, Answer.IGNORE, Answer.NOT_A_FACE])
def test_who_was_merged_away_elsewhere_is_asked_about_anew(library, other, answer):
    session = library.review(min_photos=2)
    one, two = largest(library, 2)
    shown = session.ask(Kind.WHO, (two,))
    other.merge([one, two], anyway=True)
    after = partition(library)
    name = "Anna" if answer is Answer.NAME else None
    with pytest.raises(StaleQuestion, match="merged"):  # the faces of the other were not shown
        session.answer(Given(shown.question.id, answer, name))
    assert partition(library) == after
    in_step(session, library)


@pytest.mark.parametrize("kind", [Kind.WHO, Kind.SAME, Kind.BELONGS])
@pytest.mark.parametrize("act", ["name", "ignore"])
def test_somebody_of_whom_more_was_said_elsewhere_is_asked_about_anew(library, other, kind, act):
    session = library.review(min_photos=2)
    one, two = largest(library, 2)
    face = faces_of(library, one)[-1]
    shown = {
        Kind.WHO: lambda: session.ask(kind, (one,)),
        Kind.SAME: lambda: session.ask(kind, (two, one)),
        Kind.BELONGS: lambda: session.ask(kind, (one,), (face,)),
    }[kind]()
    if act == "name":
        other.name(one, "Bert")
    else:
        other.ignore([one])
    after = partition(library)
    answer = Answer.NAME if kind is Kind.WHO else Answer.NO
    with pytest.raises(StaleQuestion):
        session.answer(Given(shown.question.id, answer, "Anna" if kind is Kind.WHO else None))
    assert partition(library) == after
    in_step(session, library)


def test_somebody_listed_under_another_name_than_they_have_now_is_not_meant(library, other):
    session = library.review(min_photos=2)
    for number, person in enumerate(largest(library, 30)):
        session.name(person, f"Name {number}")
    while (shown := session.question()) is not None and not shown.question.guesses:
        session.answer(Given(shown.question.id, Answer.SKIP))
    assert shown is not None
    guess = shown.question.guesses[0].person
    other.name(guess, "Somebody else")
    after = partition(library)
    with pytest.raises(StaleQuestion, match="Somebody else"):
        session.answer(Given(shown.question.id, Answer.PERSON, person=guess))
    assert partition(library) == after
    again = session.asked(shown.question.id)
    assert again.guesses[0].name == "Somebody else"


@pytest.mark.parametrize("answer", [Answer.NAME, Answer.IGNORE, Answer.NOT_A_FACE])
def test_who_has_become_more_people_since_they_were_shown_is_asked_about_anew(
    library, other, answer
):
    session = library.review(min_photos=2)
    one, two = largest(library, 2)
    shown = session.ask(Kind.WHO, (one,))
    other.merge([one, two], anyway=True)
    after = partition(library)
    given = Given(shown.question.id, answer, "Anna" if answer is Answer.NAME else None)
    with pytest.raises(StaleQuestion, match="merged"):  # the faces of the other were not shown
        session.answer(given, shown.version)
    assert partition(library) == after
    again = session.ask(Kind.WHO, (one,))
    assert again.version != shown.version
    session.answer(given, again.version)
    in_step(session, library)


def test_an_answer_counts_for_what_its_own_window_has_shown(library):
    session = library.review(min_photos=2)  # one sitting with two windows, as the page has it
    one, two = largest(library, 2)
    old = session.ask(Kind.WHO, (one,))
    session.merge([one, two])
    new = session.ask(Kind.WHO, (one,))
    assert old.question.id == new.question.id
    after = partition(library)
    named = Given(old.question.id, Answer.NAME, "Anna")
    with pytest.raises(StaleQuestion, match="merged"):
        session.answer(named, old.version)
    assert partition(library) == after
    assert session.asked(new.question.id, new.version).sides == new.sides
    session.answer(named, new.version)
    assert library.situation().person(one).name == "Anna"


def test_a_button_means_the_name_that_its_own_window_has_shown(library):
    session = library.review(min_photos=2)
    for number, person in enumerate(largest(library, 30)):
        session.name(person, f"Name {number}")
    while (old := session.question()) is not None and not old.question.guesses:
        session.answer(Given(old.question.id, Answer.SKIP))
    assert old is not None
    guess = old.question.guesses[0].person
    session.name(guess, "Somebody else")
    new = session.ask(old.question.kind, old.question.people, old.question.faces)
    new = session.asked(old.question.id) if new.question.id != old.question.id else new
    after = partition(library)
    given = Given(old.question.id, Answer.PERSON, person=guess)
    with pytest.raises(StaleQuestion, match="Somebody else"):
        session.answer(given, old.version)
    assert partition(library) == after


def test_new_faces_alone_make_no_answer_void(library, other):
    one = largest(library, 1)[0]
    loose = faces_of(library, one)[-1]
    let_go(library, [loose])
    session = library.review(min_photos=2)
    shown = session.ask(Kind.WHO, (one,))
    other.confirm([loose], reference=one)
    session.answer(Given(shown.question.id, Answer.NAME, "Anna"), shown.version)
    assert library.situation().person(one).name == "Anna"
    assert loose in faces_of(library, one)


def test_a_version_that_was_never_shown_is_refused_and_the_same_one_holds_after_a_restart(library):
    session = library.review(min_photos=2)
    shown = session.question()
    assert shown is not None
    named = Given(shown.question.id, Answer.SKIP)
    with pytest.raises(StaleQuestion):
        session.answer(named, "abcdefgh")
    again = library.review(min_photos=2)
    assert again.asked(shown.question.id, shown.version) == shown
    again.answer(named, shown.version)


@pytest.mark.parametrize("answer", [Answer.NAME, Answer.IGNORE])
def test_taking_out_all_that_was_shown_leaves_nothing_to_answer(library, answer):
    session = library.review(min_photos=2)
    one, two, three = largest(library, 3)
    session.merge([one, two, three], anyway=True)
    shown = session.ask(Kind.WHO, (one,))
    seen = tuple(face.id for face in shown.sides[0].shown)
    assert len(seen) < len(faces_of(library, one))
    after = partition(library)
    name = "Bert" if answer is Answer.NAME else None
    with pytest.raises(UsageError, match="all that was shown"):
        session.answer(Given(shown.question.id, answer, name, but_faces=seen))
    assert partition(library) == after
    session.answer(Given(shown.question.id, answer, name, but_faces=seen[1:]))


def test_whoever_was_chosen_by_a_name_has_it_still_or_is_not_meant(library, other):
    session = library.review(min_photos=2)
    one, two = largest(library, 2)
    session.name(one, "Anna")
    shown = session.ask(Kind.WHO, (two,))
    other.name(one, "Bert")
    given = Given(shown.question.id, Answer.PERSON, person=one, known_as="Anna")
    after = partition(library)
    with pytest.raises(StaleQuestion, match="Bert"):
        session.answer(given)
    assert partition(library) == after


def test_a_question_that_is_stale_does_not_come_again_as_it_was(library, other):
    session = library.review(min_photos=2)
    for _ in range(5):
        shown = session.question()
        assert shown is not None
        seen = [face.id for side in shown.sides for face in side.shown]
        other.reject(seen[:1])
        given = Given(
            shown.question.id, Answer.NAME if shown.question.kind is Kind.WHO else Answer.YES,
            "Anna" if shown.question.kind is Kind.WHO else None,
        )  # fmt: skip
        with pytest.raises(StaleQuestion):
            session.answer(given)
        again = session.question()
        assert again is not None
        was = shown.sides[0].person
        assert not any(side.person == was and seen[0] in _ids(side) for side in again.sides)


def test_lists_can_be_read_right_after_memory_was_lost(library, other):
    session = library.review(min_photos=2)
    one, two = largest(library, 2)
    session.name(one, "Anna")
    other.name(two, "Bert")
    assert session.undo() is not None
    assert session._stale
    assert session.faces_of(one)[1] == len(faces_of(library, one))
    session._distrust()
    assert session.person(one).name is None
    session._distrust()
    face = session.faces_of(two)[0][0]
    session._distrust()
    assert session.faces_on(face.photo)
    session._distrust()
    assert session.face(face.id).id == face.id
    in_step(session, library)


def test_what_could_not_be_taken_back_for_a_moment_is_taken_back_later(library, monkeypatch):
    session = library.review(min_photos=2)
    before = partition(library)
    one, two = largest(library, 2)
    session.name(one, "Anna")
    session.name(two, "Bert")
    after = partition(library)
    real = decide.undo_word

    def locked(*_: object) -> None:
        raise LibraryLocked("somebody else is writing")

    monkeypatch.setattr("facesort.jobs.review.taking_back.decide.undo_word", locked)
    with pytest.raises(LibraryLocked):
        session.undo()
    assert partition(library) == after
    monkeypatch.setattr("facesort.jobs.review.taking_back.decide.undo_word", real)
    assert session.undo() is not None
    assert library.situation().person(two).name is None
    assert library.situation().person(one).name == "Anna"
    assert session.undo() is not None
    assert partition(library) == before
    in_step(session, library)


def test_what_somebody_else_took_back_is_an_error_once_and_the_rest_can_be_taken_back(
    library, other
):
    session = library.review(min_photos=2)
    before = partition(library)
    one, two = largest(library, 2)
    session.name(one, "Anna")
    session.name(two, "Bert")
    other.undo()
    with pytest.raises(DecisionConflict):
        session.undo()
    assert session.undo() is not None
    assert partition(library) == before
    in_step(session, library)


def test_a_new_grouping_between_question_and_answer_loses_nothing(library, other):
    session = library.review(min_photos=2)
    shown = session.question()
    assert shown is not None
    other.group(GroupOptions(), everything=True)  # pieces become people: many ids are gone
    try:
        session.answer(Given(shown.question.id, Answer.NAME, "Anna"))
    except StaleQuestion:
        assert library.situation().called("Anna") == []
    else:
        (anna,) = library.situation().called("Anna")
        assert {face.id for face in shown.sides[0].shown} <= set(anna.faces)
    in_step(session, library)
    for number in range(10):
        shown = session.question()
        if shown is None:
            break
        if shown.question.kind is Kind.WHO:
            session.answer(Given(shown.question.id, Answer.NAME, f"Name {number}"))
        else:
            session.answer(Given(shown.question.id, Answer.SKIP))
    in_step(session, library)


@pytest.mark.parametrize("seed", range(3))
def test_two_who_review_at_once_see_what_the_other_said(library, other, seed):
    before = partition(library)
    sittings = [library.review(min_photos=2), other.review(min_photos=2)]
    random = np.random.default_rng(seed)
    refused = 0
    waiting: list[Given | None] = [None, None]
    for number in range(120):
        which = int(random.integers(2))
        session = sittings[which]
        if waiting[which] is None:  # look now, answer later
            shown = session.question()
            if shown is None:
                break
            state = session._queue.state
            waiting[which] = random_answer(shown.question, state, random, number)
            continue
        given, waiting[which] = waiting[which], None
        last, was = decided(library), partition(library)
        try:
            session.answer(given)
        except (StaleQuestion, DecisionConflict, UsageError):
            refused += 1
            assert decided(library) == last
            assert partition(library) == was
        if random.random() < 0.1 and session._steps:
            try:
                session.undo()
            except DecisionConflict:
                refused += 1
        if number % 20 == 0:
            in_step(sittings[0], library)
            in_step(sittings[1], other)
    in_step(sittings[0], library)
    in_step(sittings[1], other)
    while library.undo():
        pass
    assert partition(library) == before
    in_step(sittings[1], other)
