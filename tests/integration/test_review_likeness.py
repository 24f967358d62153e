"""What vectors say as a review begins: who may be two people, whatever was confirmed of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from facesort.library import Library
from facesort.review.questions import Answer, Given, Kind
from tests.reviewed import in_pieces, open_pieces, spoil


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """People in pieces, two of them joined by mistake."""
    in_pieces(tmp_path / "library")
    spoil(tmp_path / "library")
    with open_pieces(tmp_path / "library") as opened:
        yield opened


def test_one_confirmed_face_does_not_hide_that_somebody_is_two(library):
    before = library.review(min_photos=2)._queue.state
    row, part = max(before.parts.items(), key=lambda found: len(found[1].faces))
    assert len(part.faces) >= 3
    session = library.review(min_photos=2)
    session.confirm(part.faces[:1])
    assert row in session._queue.state.parts
    after = library.review(min_photos=2)._queue.state.parts
    assert {one.person for one in after.values()} == {one.person for one in before.parts.values()}


def test_that_somebody_is_not_two_is_said_once(library):
    session = library.review(min_photos=2)
    part = max(session._queue.state.parts.values(), key=lambda one: len(one.faces))
    shown = session.ask(Kind.TWO, (part.person,), part.faces)
    session.answer(Given(shown.question.id, Answer.NO))
    for one in (session, library.review(min_photos=2)):
        assert part.person not in {found.person for found in one._queue.state.parts.values()}
