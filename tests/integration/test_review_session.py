"""A sitting on a real catalog: answers are kept at once, survive others, and can be taken back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facesort.catalog import doubts, people
from facesort.domain import FaceStatus, PersonId
from facesort.errors import (
    AmbiguousPerson,
    DecisionConflict,
    NameTaken,
    StaleQuestion,
    UnknownPerson,
    UsageError,
)
from facesort.jobs.grouping.options import GroupOptions
from facesort.jobs.review.session import ReviewSession
from facesort.jobs.review.shown import Asked
from facesort.library import Library
from facesort.review.questions import Answer, Given, Kind
from tests.albums import Album
from tests.fakes import open_library, png
from tests.reviewed import (
    in_pieces,
    let_go,
    open_pieces,
    partition,
    random_answer,
    remembered,
    spoil,
)
from tests.stored import Stock, store
from tests.terminal import REPOSITORY

KILLED = 9

# Answers, and ends without any clean-up after the n-th commit.
DRIVER = """
import os, sys
from pathlib import Path
from facesort.review.questions import Answer, Given
from tests.reviewed import open_pieces
left = int(sys.argv[2])
def after_commit():
    global left
    left -= 1
    if left == 0:
        os._exit(9)
with open_pieces(Path(sys.argv[1])) as library:
    session = library.review(min_photos=2)
    library._db._after_commit = after_commit
    for number in range(20):
        question = session.question().question
        session.answer(Given(question.id, Answer.NAME, f"Name {number}"))
        print(number, flush=True)
"""


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of people in pieces, some with strangers among their faces."""
    folder = tmp_path_factory.mktemp("pieces") / "library"
    in_pieces(folder)
    spoil(folder)
    return folder


@pytest.fixture
def library(pieces: Path, tmp_path: Path) -> Iterator[Library]:
    """A copy of it, open."""
    shutil.copytree(pieces, tmp_path / "library")
    with open_pieces(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def album(tmp_path: Path) -> Album:
    """Four people, five photos each."""
    return Album(tmp_path)


def asked(session: ReviewSession) -> Asked:
    """Return the next question, which is there."""
    found = session.question()
    assert found is not None
    return found


def name(session: ReviewSession, text: str) -> PersonId:
    """Name whoever is asked about; returns whom."""
    question = asked(session).question
    assert question.kind is Kind.WHO
    session.answer(Given(question.id, Answer.NAME, text))
    return question.people[0]


def living(session: ReviewSession, library: Library) -> None:
    """Check that memory and catalog say the same."""
    shown = {
        person: what
        for person, what in partition(library)["people"].items()  # type: ignore[attr-defined]
        if what[0] or what[2]
    }
    assert remembered(session._queue.state) == shown


def test_people_are_asked_about_with_their_faces_and_named(album):
    with album.open() as library:
        session = library.review()
        assert (session.progress().settled, session.progress().total) == (0, 20)
        shown = asked(session)
        side = shown.sides[0]
        assert (side.faces, side.photos, len(side.shown)) == (5, 5, 5)
        assert side.shown[0].path.parent == album.photos
        assert side.shown[0].box.width > 10
        answered = session.answer(Given(shown.question.id, Answer.NAME, "Anna"))
        assert (answered.settled, len(answered.decisions)) == (5, 1)
        assert library.situation().person("Anna").id == shown.question.people[0]
        for other in ("Bert", "Cleo", "Dora"):
            name(session, other)
        assert session.question() is None
        assert session.progress().answers_to_99 == 0


def test_a_sitting_is_taken_up_where_it_was_left(album):
    with album.open() as library:
        name(library.review(), "Anna")
    with album.open() as library:
        session = library.review()
        assert session.progress().settled == 5
        assert "Anna" not in {side.name for side in asked(session).sides}


def test_five_hundred_answers_and_as_many_undos_leave_the_people_as_they_were(library):
    large = sorted(library.situation().people.by_id.values(), key=lambda p: -len(p.faces))[:30]
    let_go(library, [face for person in large for face in person.faces[1::3]])
    before = partition(library)
    session = library.review(min_photos=2)
    random = np.random.default_rng(2)
    kinds: Counter[Kind] = Counter()
    while len(session._steps) < 500:
        shown = session.question()
        if shown is None or random.random() < 0.2:  # from the lists, between questions and at last
            _random_act(session, library, random)
            continue
        answer = random_answer(shown.question, session._queue.state, random, sum(kinds.values()))
        try:
            session.answer(answer)
            kinds[shown.question.kind] += answer.answer is not Answer.SKIP
        except DecisionConflict:
            session.answer(Given(shown.question.id, Answer.SKIP))
        if len(session._steps) % 100 == 0:
            living(session, library)
    assert kinds[Kind.WHO] > 50
    assert kinds[Kind.ALSO] > 10
    assert kinds[Kind.BELONGS]
    living(session, library)
    undone = 0
    while session._steps:
        assert session.undo() is not None
        undone += 1
    assert undone >= 500
    assert partition(library) == before
    assert doubts.standing(library._db) == []
    living(session, library)


def _random_act(session: ReviewSession, library: Library, random: np.random.Generator) -> None:
    """Do something from the lists; what is refused changes nothing."""
    listed = [person for person in session.people(0, 40)[0] if person.faces]
    one, other = (listed[int(row)] for row in random.choice(len(listed), 2, replace=False))
    faces = [face.id for face in session.faces_of(one.id)[0]]
    acts = [
        lambda: session.merge([one.id, other.id], anyway=True),
        lambda: session.reject(faces[:1]),
        lambda: session.split(one.id, faces[:1]),
        lambda: session.name(one.id, f"Again {len(session._steps)}"),
        lambda: session.ignore([one.id]),
        lambda: session.not_a_face(faces[:1]),
        lambda: session.confirm(faces[:1], reference=other.id, anyway=True),
        lambda: session.different([one.id, other.id]),
        lambda: session.confirm(faces),
        lambda: session.cover(one.id, faces[-1]),
        lambda: session.split(one.id, faces[:2], name=f"Split {len(session._steps)}"),
    ]
    try:
        acts[int(random.integers(len(acts)))]()
    except (UsageError, DecisionConflict):
        assert partition(library) is not None


@pytest.mark.parametrize("seed", range(3))
def test_acts_from_the_lists_change_memory_and_catalog_alike(library, seed):
    before = partition(library)
    session = library.review(min_photos=2)
    random = np.random.default_rng(seed)
    for number in range(40):
        _random_act(session, library, random)
        if number % 8 == 0:
            living(session, library)
    living(session, library)
    while session._steps:
        session.undo()
    assert partition(library) == before
    living(session, library)


def test_what_was_taken_back_can_be_brought_back(library):
    session = library.review(min_photos=2)
    first = name(session, "Anna")
    session.answer(Given(asked(session).question.id, Answer.UNSURE))
    after = partition(library)
    unsure = len(doubts.standing(library._db))
    session.undo()
    session.undo()
    assert library.situation().person(first).name is None
    assert session.redo() is not None
    assert session.redo() is not None
    assert session.redo() is None
    assert partition(library) == after
    assert len(doubts.standing(library._db)) == unsure == 1
    living(session, library)


def test_a_skip_holds_for_the_sitting_and_can_be_taken_back(album):
    with album.open() as library:
        session = library.review()
        first = asked(session).question
        session.answer(Given(first.id, Answer.SKIP))
        assert asked(session).question.id != first.id
        session.undo()
        assert asked(session).question.id == first.id
        session.answer(Given(first.id, Answer.SKIP))
        library.name(asked(session).question.people[0], "Bert")  # everything is read anew
        seen = set()
        session._read()
        while (shown := session.question()) is not None:
            seen.add(shown.question.id)
            session.answer(Given(shown.question.id, Answer.SKIP))
        assert first.id not in seen
        assert asked(library.review()).question.id == first.id


def test_not_sure_is_remembered_by_the_library(album):
    with album.open() as library:
        session = library.review()
        first = asked(session).question
        answered = session.answer(Given(first.id, Answer.UNSURE))
        assert answered.doubt is not None
        assert not answered.decisions
    with album.open() as library:
        again = library.review()
        seen = [asked(again).question.people]
        while (shown := again.question()) is not None:
            again.answer(Given(shown.question.id, Answer.SKIP))
            seen.append(shown.question.people)
        assert first.people not in seen
        library._db.rows("SELECT 1")
        assert again.undo() is not None  # the skips first


def test_what_an_earlier_sitting_was_not_sure_of_is_taken_back_before_the_decision_before_it(album):
    with album.open() as library:
        session = library.review()
        named = name(session, "Anna")
        session.answer(Given(asked(session).question.id, Answer.UNSURE))
    with album.open() as library:
        later = library.review()
        first, second = later.undo(), later.undo()
        assert first is not None
        assert second is not None
        assert first.doubt is not None
        assert second.decisions
        assert library.situation().person(named).name is None
        assert later.undo() is None


def test_doubts_are_only_added_to(album):
    with album.open() as library:
        session = library.review()
        session.answer(Given(asked(session).question.id, Answer.UNSURE))
        for table in ("doubts", "doubt_people", "doubt_anchors"):
            if not library._db.rows(f"SELECT 1 FROM {table}"):
                continue
            with pytest.raises(sqlite3.IntegrityError), library._db.transaction():
                library._db.execute(f"DELETE FROM {table}")
        with pytest.raises(sqlite3.IntegrityError), library._db.transaction():
            library._db.execute("UPDATE doubts SET answer = 'no'")
        assert len(doubts.standing(library._db)) == 1


def test_a_name_that_is_taken_is_refused_and_the_question_stays(album):
    with album.open() as library:
        session = library.review()
        name(session, "Anna")
        question = asked(session).question
        with pytest.raises(NameTaken):
            session.answer(Given(question.id, Answer.NAME, "Anna"))
        assert asked(session).question.id == question.id
        session.answer(Given(question.id, Answer.NAME, "Anna", another=True))
        assert len(library.situation().called("Anna")) == 2
        with pytest.raises(AmbiguousPerson):
            session.person("Anna")
        living(session, library)


def test_an_answer_to_nothing_that_was_asked_is_refused(album):
    with album.open() as library:
        session = library.review()
        with pytest.raises(UnknownPerson, match="q1234"):
            session.answer(Given("q1234", Answer.YES))
        question = asked(session).question
        name(session, "Anna")
        with pytest.raises(UnknownPerson, match=question.id):
            session.answer(Given(question.id, Answer.NAME, "Anna"))


def test_an_answer_about_faces_that_have_gone_elsewhere_is_refused(album):
    with album.open() as library, album.open() as other:
        session = library.review()
        shown = asked(session)
        before = partition(library)
        gone = shown.sides[0].shown[0].id
        other.reject([gone])
        after = partition(library)
        assert after != before
        with pytest.raises(StaleQuestion):
            session.answer(Given(shown.question.id, Answer.NAME, "Anna"))
        assert partition(library) == after
        assert gone not in {face.id for face in asked(session).sides[0].shown}


def test_whoever_was_named_elsewhere_meanwhile_keeps_that_name(album):
    with album.open() as library, album.open() as other:
        session = library.review()
        question = asked(session).question
        other.name(question.people[0], "Bert")
        with pytest.raises(StaleQuestion, match="Bert"):
            session.answer(Given(question.id, Answer.NAME, "Anna"))
        assert asked(session).question.people != question.people
        assert session.progress().settled == 5


def test_an_answer_holds_where_somebody_else_has_decided_about_others(album):
    with album.open() as library, album.open() as other:
        session = library.review()
        question = asked(session).question
        people_now, _ = session.people()
        another = next(p.id for p in people_now if p.id not in question.people)
        other.name(another, "Bert")
        session.answer(Given(question.id, Answer.NAME, "Anna"))
        living(session, library)
        assert session.undo() is not None
        assert library.situation().person(another).name == "Bert"


def test_a_scan_beside_the_review_brings_new_people_and_loses_no_answer(album):
    with album.open() as library:
        session = library.review()
        name(session, "Anna")
        question = asked(session).question
        for number in range(10, 14):
            png(album.photos / f"{number}.png", "emil", "anna", number=number)
        with album.open() as other:
            other.scan([album.photos])
        session.answer(Given(question.id, Answer.NAME, "Bert"))
        assert session.progress().total == 28
        living(session, library)
        names = {person.name for person in session.people()[0]}
        assert {"Anna", "Bert"} <= names


def test_new_faces_of_ignored_people_do_not_come_back(album):
    with album.open() as library:
        session = library.review()
        question = asked(session).question
        session.answer(Given(question.id, Answer.IGNORE))
        ignored = question.people[0]
        faces = len(library.situation().person(ignored).faces)
        for number in range(20, 26):
            png(album.photos / f"{number}.png", "anna", "bert", "cleo", "dora", number=number)
        library.scan([album.photos])
        assert len(library.situation().person(ignored).faces) == faces + 6
        library.group(GroupOptions(), everything=True)
        assert len(library.situation().person(ignored).faces) == faces + 6
        session = library.review()
        while (shown := session.question()) is not None:
            assert ignored not in shown.question.people
            session.answer(Given(shown.question.id, Answer.SKIP))


@pytest.mark.parametrize("commit", [1, 2, 3, 5])
def test_whatever_was_answered_before_the_power_went_is_kept(pieces, tmp_path, commit):
    shutil.copytree(pieces, tmp_path / "library")
    ended = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path / "library"), str(commit)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == KILLED, ended.stderr
    answered = len(ended.stdout.split())
    with open_pieces(tmp_path / "library") as library:
        named = sum(p.name is not None for p in library.situation().people.by_id.values())
        assert answered <= named <= answered + 1
        living(library.review(), library)


def test_faces_that_are_doubted_are_listed_first_and_can_be_moved(library):
    session = library.review(min_photos=2)
    doubtful = next(p for p in session.people(order="doubt")[0] if p.doubts)
    faces, total = session.faces_of(doubtful.id)
    assert total == doubtful.faces
    assert faces[0].doubt > 0.02
    assert faces[0].doubt >= faces[-1].doubt
    done = session.split(doubtful.id, [faces[0].id], name="Somebody")
    assert done.person is not None
    assert session.person("Somebody").faces == 1
    assert session.face(faces[0].id).status is FaceStatus.CONFIRMED
    living(session, library)


def test_a_photo_shows_all_its_faces_with_whose_they_are(album):
    with album.open() as library:
        session = library.review()
        first = name(session, "Anna")
        face = session.faces_of(first)[0][0]
        beside = session.faces_on(face.photo)
        assert len(beside) == 4
        assert [shown.box.left for shown, _ in beside] == sorted(s.box.left for s, _ in beside)
        assert {person.name for _, person in beside if person is not None} == {"Anna", None}


def test_people_are_found_by_text_and_completed_by_name(album):
    with album.open() as library:
        session = library.review()
        first = name(session, "Anna Lena Müller")
        name(session, "Bert")
        assert [person.id for person in session.names("müll")] == [first]
        assert session.names("lena")[0].id == first
        assert session.names("ena") == []
        assert session.people(text="LENA")[0][0].id == first
        listed, total = session.people(1, 2, order="name")
        assert (listed[0].name, total) == ("Bert", 4)
        session.ignore([listed[1].id])
        assert session.people()[1] == 3
        assert session.people(ignored=True)[0][0].id == listed[1].id


def test_the_history_tells_what_was_said_newest_first(album):
    with album.open() as library:
        session = library.review()
        name(session, "Anna")
        session.answer(Given(asked(session).question.id, Answer.UNSURE))
        session.undo()
        entries = session.history()
        assert [entry.stands for entry in entries] == [False, True]
        assert "Anna" in entries[1].sentence
        session.undo()
        assert [entry.stands for entry in session.history()] == [True, False, False]


def _stock(cosine: float) -> Stock:
    """Return two people on one photo each time, whose faces have that cosine."""
    one = np.zeros(128, dtype=np.float32)
    one[0] = 1
    other = cosine * one
    other[1] = np.sqrt(1 - cosine**2)
    count = 4
    return Stock(
        np.tile(np.stack([one, other]), (count, 1)),
        np.tile([0, 1], count),
        np.repeat(np.arange(count), 2),
        np.full(2 * count, 0.9, dtype=np.float32),
    )


@pytest.mark.parametrize("answer", [Answer.YES, Answer.NO])
def test_a_mirror_is_asked_about_and_both_answers_last(tmp_path, answer):
    with open_library(tmp_path / "library") as library:
        stock = _stock(0.97)
        store(library, stock, [0, 1, 2, 3], model_key=library._embedder.model_key)
        library.group(GroupOptions())
        with library._db.transaction():
            one, other = stock.ids()[:2]
            people.put_repeats(library._db, [(one, other)], everything=True)
        session = library.review()
        shown = asked(session)
        while shown.question.kind is not Kind.MIRROR:
            session.answer(Given(shown.question.id, Answer.SKIP))
            shown = asked(session)
        assert [side.shown[0].id for side in shown.sides] == list(shown.question.faces)
        before = len(list(session._queue.state.people()))
        session.answer(Given(shown.question.id, answer))
        living(session, library)
        after = len(list(session._queue.state.people()))
        assert after == (before - 1 if answer is Answer.YES else before)
        library.group(GroupOptions(), everything=True)
        again = library.review()
        assert len(list(again._queue.state.people())) == after
        while (next_one := again.question()) is not None:
            assert next_one.question.kind is not Kind.MIRROR
            again.answer(Given(next_one.question.id, Answer.SKIP))


def test_any_question_can_be_asked_and_senseless_ones_are_refused(album):
    with album.open() as library:
        session = library.review()
        one, other = (person.id for person in session.people()[0][:2])
        shown = session.ask(Kind.SAME, (one, other))
        assert len(shown.sides) == 2
        answered = session.answer(Given(shown.question.id, Answer.NO))
        assert answered.decisions
        with pytest.raises(UsageError):
            session.ask(Kind.SAME, (one,))
        with pytest.raises(UsageError):
            session.ask(Kind.BELONGS, (one,))
        with pytest.raises(UnknownPerson):
            session.ask(Kind.WHO, (PersonId("p00000000"),))


@pytest.mark.parametrize("described", [True, False])
def test_a_library_too_large_to_look_at_each_face_is_asked_about_alike(
    library, monkeypatch, described
):
    if not described:
        monkeypatch.setattr("facesort.jobs.review.odd.reviewing.odd_faces", lambda *_: [])
    small = library.review(min_photos=2)
    monkeypatch.setattr("facesort.jobs.review.likeness._LOOKED_AT_EACH", 10)
    large = library.review(min_photos=2)
    assert remembered(large._queue.state) == remembered(small._queue.state)
    n = len(small._queue.state)
    np.testing.assert_allclose(large._queue.state.sums[:n], small._queue.state.sums[:n], atol=1e-4)
    odd = {s.face for found in large._queue.state.suspects.values() for s in found}
    assert odd <= {s.face for found in small._queue.state.suspects.values() for s in found}
    assert bool(odd) is described
    name(large, "Anna")
    assert large.undo() is not None
    living(large, library)
