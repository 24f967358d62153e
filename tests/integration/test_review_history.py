"""What a review says of answers and acts, at once and in its history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from facesort.domain import PersonId
from facesort.library import Library
from facesort.review.questions import Answer, Given, Kind
from tests.reviewed import in_pieces, let_go, open_pieces


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A library of people in pieces."""
    in_pieces(tmp_path / "library")
    with open_pieces(tmp_path / "library") as opened:
        yield opened


def people(library: Library, count: int) -> list[PersonId]:
    """Return those with most faces."""
    found = library.situation().people.by_id.values()
    return [person.id for person in sorted(found, key=lambda p: (-len(p.faces), p.id))[:count]]


def test_the_history_says_each_act_as_it_was(library):
    session = library.review(min_photos=2)
    one, two, three, four = people(library, 4)
    faces = {who: list(library.situation().person(who).faces) for who in (one, two, three, four)}
    loose = faces[four].pop()
    let_go(library, [loose])
    session = library.review(min_photos=2)
    session.name(one, "Anna")
    session.merge([one, two])
    annas = faces[one] + faces[two]
    split = session.split(one, annas[:2], name="Bert").person
    session.reject(annas[2:3])
    session.confirm(annas[3:5])
    session.confirm([loose], reference=four)
    session.ignore([three])
    session.not_a_face(annas[5:6])
    session.different([one, four])
    session.undo()
    told = [entry.sentence for entry in session.history()][::-1]
    assert told == [
        f"{one} is Anna",
        f"merged {two} into Anna",
        "2 faces split off Anna: Bert",
        "1 face taken out of Anna",
        "2 faces confirmed as Anna",
        f"1 face confirmed as {four}",
        f"ignored {three}",
        "1 is not a face",
        f"kept apart: Anna, {four}",
        f"taken back: kept apart: Anna, {four} (decision 9)",
    ]
    assert split is not None


def test_faces_of_nobody_that_are_not_somebodys_were_not_taken_out(library):
    one = people(library, 1)[0]
    loose = library.situation().person(one).faces[-2:]
    let_go(library, loose)
    session = library.review(min_photos=2)
    session.name(one, "Anna")
    for count, faces in ((2, loose), (1, loose[:1])):
        shown = session.ask(Kind.ALSO, (one,), tuple(faces))
        answered = session.answer(Given(shown.question.id, Answer.NO))
        is_are = "is" if count == 1 else "are"
        assert answered.sentence.startswith(f"{count} {is_are} not ")
    assert session.history()[1].sentence == "2 faces are not Anna"
    assert session.history()[0].sentence == "1 face is not Anna"


def test_ignored_are_those_that_were_not_taken_out(library):
    session = library.review(min_photos=2)
    one = people(library, 1)[0]
    shown = session.ask(Kind.WHO, (one,))
    seen = [face.id for face in shown.sides[0].shown]
    count = shown.sides[0].faces
    given = Given(shown.question.id, Answer.IGNORE, but_faces=tuple(seen[:1]))
    assert session.answer(given).sentence == f"ignored: {count - 1} faces"
    assert len(library.situation().person(one).faces) == count - 1


@pytest.mark.parametrize("count", [1, 2])
def test_what_is_no_face_is_counted_as_one_speaks(library, count):
    session = library.review(min_photos=2)
    one = people(library, 1)[0]
    faces = tuple(library.situation().person(one).faces[:count])
    shown = session.ask(Kind.BELONGS, (one,), faces)
    sentence = session.answer(Given(shown.question.id, Answer.NOT_A_FACE)).sentence
    assert sentence == ("1 is not a face" if count == 1 else "2 are not faces")
