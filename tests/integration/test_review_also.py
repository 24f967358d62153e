"""Faces of nobody in a library: given to somebody, or never given to them again."""

from __future__ import annotations

import pytest

from facesort.errors import UsageError
from facesort.jobs.grouping.options import GroupOptions
from facesort.review.questions import Answer, Given, Kind, Question
from tests.reviewed import in_pieces, let_go, open_pieces, partition


@pytest.fixture
def library(tmp_path):
    in_pieces(tmp_path / "library", 480)
    with open_pieces(tmp_path / "library") as opened:
        opened.group(GroupOptions(), everything=True)  # whole people: pieces are rivals
        yield opened


def largest(library):
    people = library.situation().people.by_id.values()
    return min(people, key=lambda person: (-len(person.faces), person.id))


def owners(library, faces):
    found = library.situation().people.owners
    return {found.get(face) for face in faces}


def asked_about(library):
    """Let some faces of the largest person go; return a sitting, the person, and the question."""
    person = largest(library)
    assert len(person.faces) > 3
    let_go(library, person.faces[-2:])
    session = library.review(min_photos=2)
    session.name(person.id, "Anna")
    return session, person.id, session.ask(Kind.ALSO, (person.id,), tuple(person.faces[-2:]))


def test_a_queue_asks_about_them_by_itself(library):
    session, person, shown = asked_about(library)
    kinds: dict[str, Question] = {}
    while (asked := session.question()) is not None and len(kinds) < 200:
        kinds[asked.question.id] = asked.question
        session.answer(Given(asked.question.id, Answer.SKIP))
    also = [question for question in kinds.values() if question.kind is Kind.ALSO]
    assert any(
        question.people == (person,) and set(question.faces) & set(shown.question.faces)
        for question in also
    )


def test_yes_gives_all_but_those_taken_out_which_never_come_to_them_again(library):
    session, person, shown = asked_about(library)
    *taken, out = shown.question.faces
    before = partition(library)
    answered = session.answer(Given(shown.question.id, Answer.YES, but_faces=(out,)))
    assert (len(answered.decisions), answered.settled) == (2, 1)
    assert owners(library, taken) == {person}
    assert owners(library, [out]) == {None}
    for everything in (False, True):
        library.group(GroupOptions(), everything=everything)
        assert owners(library, taken) == {person}
        assert person not in owners(library, [out])
    session.undo()
    assert partition(library)["rejected"] == before["rejected"]


def test_no_is_never_asked_again_and_kept_by_every_grouping(library):
    session, person, shown = asked_about(library)
    faces = shown.question.faces
    answered = session.answer(Given(shown.question.id, Answer.NO))
    assert (len(answered.decisions), answered.settled) == (1, 0)
    again = library.review(min_photos=2)
    while (asked := again.question()) is not None:
        question = asked.question
        assert question.people != (person,) or not set(faces) & set(question.faces)
        again.answer(Given(question.id, Answer.SKIP))
    for everything in (False, True):
        library.group(GroupOptions(), everything=everything)
        assert person not in owners(library, faces)


def test_a_name_makes_them_somebody_new_and_a_person_somebody_known(library):
    session, person, shown = asked_about(library)
    faces = shown.question.faces
    session.answer(Given(shown.question.id, Answer.NAME, "Berta"))
    (berta,) = owners(library, faces)
    assert berta not in {None, person}
    assert session.person(berta).name == "Berta"
    session.undo()
    assert owners(library, faces) == {None}
    other = next(p.id for p in session.people()[0] if p.id != person)
    shown = session.ask(Kind.ALSO, (person,), faces)
    session.answer(Given(shown.question.id, Answer.PERSON, person=other))
    assert owners(library, faces) == {other}


def test_what_is_no_face_is_asked_about_no_more(library):
    session, _, shown = asked_about(library)
    session.answer(Given(shown.question.id, Answer.NOT_A_FACE))
    assert owners(library, shown.question.faces) == {None}
    with pytest.raises(UsageError):
        session.ask(Kind.ALSO, (largest(library).id,), ())
