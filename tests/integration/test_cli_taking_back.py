"""`facesort undo`, `redo` and `log` know whatever was said in a review, not only decisions."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from facesort.catalog import doubts
from facesort.errors import DecisionConflict, UsageError
from facesort.jobs.review.session import ReviewSession
from facesort.library import Library
from facesort.review.questions import Answer, Given, Kind
from tests.albums import Album
from tests.keyed import call, ended, review, wait
from tests.reviewed import in_pieces, open_pieces, partition, random_answer
from tests.terminal import facesort, facesort_process


def name_of(person: str) -> str | None:
    """Return what somebody is called."""
    found = {row["person"]: row["name"] for row in facesort("people", "--all", "--json").json()}
    name = found[person]
    assert name is None or isinstance(name, str)
    return name


def unsure(session: ReviewSession) -> int:
    """Answer the next question with not-sure."""
    shown = session.question()
    assert shown is not None
    noted = session.answer(Given(shown.question.id, Answer.UNSURE)).doubt
    assert noted is not None
    return noted


@pytest.fixture
def noted(album: Album, ids: dict[str, str]) -> dict[str, str]:
    """Anna has a name, and then somebody was not sure."""
    facesort("name", ids["anna"], "Anna")
    with album.open() as library:
        unsure(library.review())
    return ids


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_after_a_not_sure_undo_takes_back_that_and_the_name_stays(album):
    with review() as child:
        wait(child, 0)
        call(child, "Bea")
        wait(child, 5)
        child.send("q")
        assert ended(child)[0] == 0
    with review() as child:
        wait(child, 5)
        child.send("?")
        child.expect("noted as not sure")
        wait(child, 5)
        child.send("q")
        code, shown = ended(child)
    assert (code, "facesort undo takes back the last answer" in shown) == (0, True)
    assert facesort("undo").err.startswith("Undone: not sure who ")
    assert {row["name"] for row in facesort("people", "--json").json()} == {"Bea", None}
    assert facesort("undo").err.endswith(" is Bea.\n")
    assert {row["name"] for row in facesort("people", "--json").json()} == {None}


def test_a_not_sure_is_taken_back_and_brought_back_by_other_processes(album, noted):
    def standing() -> int:
        with album.open() as library:
            return len(doubts.standing(library._db))

    assert standing() == 1
    for _ in range(2):  # also what was brought back before
        undone = facesort_process("undo", "--json").json()["undone"]
        assert [(row["verdict"], row["decision"], row["doubt"]) for row in undone] == [
            ("unsure", None, 1)
        ]
        assert (standing(), name_of(noted["anna"])) == (0, "Anna")
        assert len(facesort_process("redo", "--json").json()["redone"]) == 1
        assert (standing(), name_of(noted["anna"])) == (1, "Anna")
    assert facesort("redo").err == "There is nothing to redo.\n"
    assert len(facesort("undo", "5", "--json").json()["undone"]) == 2
    assert (standing(), name_of(noted["anna"])) == (0, None)
    assert len(facesort("redo", "5", "--json").json()["redone"]) == 2
    assert (standing(), name_of(noted["anna"])) == (1, "Anna")


def test_the_log_lists_not_sures_where_they_were_said(noted):
    facesort("name", noted["bert"], "Bert")
    facesort("undo")
    facesort("undo")
    facesort("redo")
    told = facesort("log", "--json").json()
    assert [(e["verdict"], e["decision"], e["stands"]) for e in told] == [
        ("name", 1, True),
        ("unsure", None, True),
        ("name", 2, False),
        ("undo", 3, False),
        ("undo", None, False),
        ("redo", None, False),
    ]
    assert [e["target"] for e in told] == [None, None, None, 2, None, None]
    assert [e["target_doubt"] for e in told if e["decision"] is None] == [None, 1, 1]
    assert {"made_at", "people", "name", "asked", "doubt"} <= set(told[1])
    lines = facesort("log").out.splitlines()
    assert "-  " in lines[1]
    assert "not sure who" in lines[1]
    assert not lines[1].endswith("(undone)")
    assert "undo of: not sure who" in lines[4]
    assert "redo of: not sure who" in lines[5]


def test_decisions_are_undone_by_number_whatever_was_noted_since(noted):
    assert facesort("undo", "--decision", "1").code == 0
    assert name_of(noted["anna"]) is None
    assert facesort("redo").err.endswith(" is Anna.\n")
    # What is brought back is as old as it was: what was said after it is taken back first.
    assert facesort("undo").err.startswith("Undone: not sure")
    assert facesort("undo").err.endswith(" is Anna.\n")


def test_a_not_sure_that_the_command_took_back_is_refused_in_the_review_it_was_said_in(album, ids):
    with album.open() as library:
        session = library.review()
        unsure(session)
        facesort("name", ids["anna"], "Anna")
        assert facesort("undo", "2").code == 0
        with pytest.raises(DecisionConflict, match="taken back already"):
            session.undo()
        assert session.undo() is None


def test_a_review_says_whether_the_command_takes_back_its_last_answer(album, ids):
    with album.open() as library:
        session = library.review()
        assert not session.last_answer_is_newest()
        unsure(session)
        assert session.last_answer_is_newest()
        facesort("name", ids["anna"], "Anna")
        assert not session.last_answer_is_newest()
        facesort("undo")
        assert session.last_answer_is_newest()
        shown = session.question()
        assert shown is not None
        session.answer(Given(shown.question.id, Answer.SKIP))
        assert not session.last_answer_is_newest()
        session.undo()
        assert session.last_answer_is_newest()
        session.undo()
        assert not session.last_answer_is_newest()
        session.redo()
        assert session.last_answer_is_newest()
        assert not library.review().last_answer_is_newest()


def test_a_later_review_takes_back_in_the_order_of_the_command(album, noted):
    facesort("undo", "--decision", "1")
    facesort("redo")  # as old as it was: older than the not-sure
    with album.open() as library:
        session = library.review()
        undone = session.undo()
        assert undone is not None
        assert undone.doubt == 1
        undone = session.undo()
        assert undone is not None
        assert undone.decisions == (1,)
        assert session.undo() is None


def test_what_was_said_since_ends_what_a_review_could_bring_back(album, ids):
    with album.open() as library, album.open() as other:
        session = library.review()
        session.name(ids["anna"], "Anna")
        session.undo()
        unsure(other.review())
        with pytest.raises(DecisionConflict, match="something else"):
            session.redo()
        assert session.redo() is None
        assert name_of(ids["anna"]) is None


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of people in pieces."""
    folder = tmp_path_factory.mktemp("pieces") / "library"
    in_pieces(folder)
    return folder


def test_what_the_command_takes_out_of_an_answer_comes_back_by_itself(pieces, tmp_path):
    folder = Path(shutil.copytree(pieces, tmp_path / "library"))
    with open_pieces(folder) as library:
        found = library.situation().people.by_id.values()
        two = tuple(person.id for person in sorted(found, key=lambda p: -len(p.faces))[:2])
        session = library.review()
        asked = session.ask(Kind.WHO, two).question
        first, second = session.answer(Given(asked.id, Answer.NAME, "Anna")).decisions
        library.undo(decision=second)
        library.undo()
        assert [entry.id for entry in library.redo()] == [first]
        assert [entry.id for entry in library.redo()] == [second]


@pytest.mark.parametrize("answers", [60, pytest.param(500, marks=pytest.mark.slow)])
def test_hundreds_of_answers_are_taken_back_by_the_command(pieces, tmp_path, answers):
    folder = Path(shutil.copytree(pieces, tmp_path / "library"))
    with open_pieces(folder) as library:
        before = partition(library)
        _answer_at_random(library, answers)
        after = partition(library)
        noted = len(doubts.standing(library._db))
    assert noted > answers / 10
    rest, steps = answers, random.Random(3)
    while rest:
        count = min(rest, steps.randint(1, answers // 3))
        assert facesort("undo", str(count), "--library", folder).code == 0
        rest -= count
    with open_pieces(folder) as library:
        assert partition(library) == before
        assert doubts.standing(library._db) == []
    assert facesort("undo", "--library", folder).err == "There is nothing to undo.\n"
    assert facesort("redo", str(answers), "--library", folder).code == 0
    with open_pieces(folder) as library:
        assert partition(library) == after
        assert len(doubts.standing(library._db)) == noted


def _answer_at_random(library: Library, count: int) -> None:
    """Answer so many questions at random: those that come, and others about whoever is there."""
    session = library.review(min_photos=2)
    chance = np.random.default_rng(4)
    kept = tried = 0
    while kept < count:
        tried += 1
        assert tried < 5 * count
        shown = session.question() if chance.random() < 0.5 else None
        if shown is None:
            people = list(session._queue.state.people())
            one, other = chance.permutation(len(people))[:2]
            kind = Kind.SAME if chance.random() < 0.5 else Kind.WHO
            asked = (people[one], people[other]) if kind is Kind.SAME else (people[one],)
            shown = session.ask(kind, asked)
        try:
            given = random_answer(shown.question, session._queue.state, chance, tried)
            answered = session.answer(given)
        except (DecisionConflict, UsageError):
            continue
        kept += bool(answered.decisions or answered.doubt)
