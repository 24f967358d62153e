"""An answer is one thing to take back, also for those who come later; the history says it so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from facesort.catalog import decisions
from facesort.domain import PersonId
from facesort.jobs.review.session import ReviewSession
from facesort.library import Library
from facesort.review.questions import Answer, Given, Kind
from tests.reviewed import in_pieces, open_pieces, partition, remembered


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of people in pieces."""
    folder = tmp_path_factory.mktemp("pieces") / "library"
    in_pieces(folder)
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


def people(library: Library, count: int) -> list[PersonId]:
    """Return those with most faces."""
    found = library.situation().people.by_id.values()
    return [person.id for person in sorted(found, key=lambda p: (-len(p.faces), p.id))[:count]]


def name_several(session: ReviewSession, library: Library) -> tuple[int, ...]:
    """Answer a question with several decisions: three are Anna, one is not, nor is a face."""
    three = people(library, 4)
    shown = session.ask(Kind.WHO, tuple(three))
    stray = shown.sides[0].shown[-1].id
    given = Given(
        shown.question.id, Answer.NAME, "Anna", but_people=(three[3],), but_faces=(stray,)
    )
    made = session.answer(given).decisions
    assert len(made) >= 4  # name, merge, apart, reject
    return made


def in_step(session: ReviewSession, library: Library) -> None:
    """Check that memory and catalog say the same."""
    shown = {
        person: what
        for person, what in partition(library)["people"].items()  # type: ignore[attr-defined]
        if what[0] or what[2]
    }
    assert remembered(session._queue.state) == shown


def test_a_later_sitting_takes_back_a_whole_answer_and_brings_it_back(folder):
    with open_pieces(folder) as library:
        before = partition(library)
        session = library.review()
        session.ignore(people(library, 6)[5:])
        between = partition(library)
        made = name_several(session, library)
        after = partition(library)
    with open_pieces(folder) as library:
        session = library.review()
        undone = session.undo()
        assert undone is not None
        assert undone.decisions == made
        assert partition(library) == between
        in_step(session, library)
        redone = session.redo()
        assert redone is not None
        assert partition(library) == after
        in_step(session, library)
        assert session.undo() is not None
        assert session.undo() is not None
        assert partition(library) == before
        assert session.undo() is None


def test_the_command_takes_back_and_brings_back_a_whole_answer(library):
    before = partition(library)
    session = library.review()
    made = name_several(session, library)
    after = partition(library)
    assert [entry.id for entry in library.undo()] == list(reversed(made))
    assert partition(library) == before
    assert [entry.id for entry in library.redo()] == list(made)
    assert partition(library) == after
    session.refresh()
    in_step(session, library)


def test_as_many_answers_are_taken_back_as_were_asked_for(library):
    before = partition(library)
    session = library.review()
    first = name_several(session, library)
    library.name(people(library, 8)[7], "Bert")
    assert len(library.undo(2)) == len(first) + 1
    assert partition(library) == before
    assert len(library.redo(1)) == len(first)
    assert len(library.redo(1)) == 1
    assert library.redo(1) == []


def test_what_is_left_of_an_answer_can_be_taken_back(library, folder):
    before = partition(library)
    session = library.review()
    made = name_several(session, library)
    with open_pieces(folder) as other:
        other.undo(decision=made[1])
    undone = session.undo()
    assert undone is not None
    assert partition(library) == before
    in_step(session, library)
    assert session.undo() is None


def test_what_the_command_took_back_of_an_answer_is_not_brought_back_with_the_rest(library, folder):
    session = library.review()
    made = name_several(session, library)
    with open_pieces(folder) as other:
        other.undo(decision=made[1])
        without = partition(other)
    assert session.undo() is not None
    redone = session.redo()
    assert redone is not None
    assert redone.decisions == tuple(one for one in made if one != made[1])
    assert partition(library) == without
    in_step(session, library)
    assert session.undo() is not None
    assert session.redo() is not None
    assert partition(library) == without
    in_step(session, library)


def test_one_answer_is_one_line_of_the_history(library):
    session = library.review()
    made = name_several(session, library)
    (line,) = session.history()
    assert line.stands
    assert "Anna" in line.sentence
    assert line.decision == made[-1]
    session.undo()
    newest, line = session.history()
    assert not line.stands
    assert all(str(number) in newest.sentence for number in made)
    session.redo()
    assert [entry.stands for entry in session.history()] == [True, True, True]


def test_acts_and_single_decisions_are_lines_of_their_own(library):
    session = library.review()
    one, two, three = people(library, 3)
    session.name(one, "Anna")
    library.name(two, "Bert")
    session.ignore([three])
    assert [entry.stands for entry in session.history()] == [True] * 3
    assert decisions.answers(library._db) == {}
    assert len(library.undo()) == 1


def test_what_belongs_together_is_only_added_to(library):
    name_several(library.review(), library)
    with pytest.raises(Exception, match="only added to"), library._db.transaction():
        library._db.execute("DELETE FROM answer_decisions")
