"""Whoever is ignored stays so: new photos of them bring no question."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facesort.domain import FaceId, PersonId
from facesort.jobs.grouping.options import GroupOptions
from facesort.jobs.review.session import ReviewSession
from facesort.library import Library
from facesort.review.questions import Answer, Given, Kind
from tests.fakes import open_library
from tests.reviewed import let_go, open_pieces
from tests.stored import Stock, shaped_stock, store


def half_stored(folder: Path, seed: int) -> tuple[Stock, set[int], list[int]]:
    """Store and group a library of which half of the photos of three people are left.

    Returns:
        All faces, who these three are, and the photos that are left.
    """
    stock = shaped_stock(600, seed)
    who = set(np.argsort(-np.bincount(stock.person), kind="stable")[:3].tolist())
    left: list[int] = []
    for person in sorted(who):
        theirs = np.unique(stock.photo[stock.person == person])
        left += theirs[len(theirs) // 2 :].tolist()
    with open_library(folder) as library:
        kept = [photo for photo in stock.photos.tolist() if photo not in left]
        store(library, stock, kept, model_key=library._embedder.model_key)
        library.group(GroupOptions())
    return stock, who, left


def faces_of(stock: Stock, who: set[int], photos: list[int]) -> list[FaceId]:
    """Return their faces on some photos."""
    return [
        face
        for face, person, photo in zip(stock.ids(), stock.person, stock.photo, strict=True)
        if int(person) in who and photo in photos
    ]


def whose(library: Library, faces: list[FaceId]) -> set[PersonId]:
    """Return whom faces are with, nobody left out."""
    owners = library.situation().people.owners
    return {person for face in faces if (person := owners.get(face)) is not None}


def never_asks_about(
    session: ReviewSession, people: set[PersonId], faces: list[FaceId], answer: Answer
) -> int:
    """Answer everything, and see that nothing is about these; returns how many questions came."""
    asked = 0
    while (shown := session.question()) is not None:
        asked += 1
        question = shown.question
        assert people.isdisjoint(question.people)
        assert set(faces).isdisjoint(question.faces)
        assert set(faces).isdisjoint(face.id for side in shown.sides for face in side.shown)
        if question.kind is Kind.WHO and answer is Answer.NAME:
            session.answer(Given(question.id, answer, f"Name {asked}"))
        else:
            session.answer(Given(question.id, Answer.SKIP))
    return asked


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("everything", [False, True])
def test_new_photos_of_somebody_ignored_are_swallowed(tmp_path, seed, everything):
    stock, who, left = half_stored(tmp_path / "library", seed)
    known = faces_of(stock, who, sorted(set(stock.photos.tolist()) - set(left)))
    new = faces_of(stock, who, left)
    with open_pieces(tmp_path / "library") as library:
        ignored = whose(library, known)
        library.review(min_photos=1).ignore(sorted(ignored))
        store(library, stock, left, model_key=library._embedder.model_key)
        library.group(GroupOptions(), everything=everything)
        assert len(new) >= 9
        assert whose(library, new) <= ignored
        poor = sum(library.situation().people.owners.get(face) is None for face in new)
        assert poor < len(new) / 2
        session = library.review(min_photos=1)
        assert never_asks_about(session, ignored, known + new, Answer.NAME) > 20
        assert session.person(min(ignored)).ignored


def test_faces_of_nobody_that_are_likely_somebody_ignored_are_not_asked_about(tmp_path):
    stock, who, left = half_stored(tmp_path / "library", 1)
    with open_pieces(tmp_path / "library") as library:
        store(library, stock, left, model_key=library._embedder.model_key)
        library.group(GroupOptions())
        theirs = faces_of(stock, who, stock.photos.tolist())
        loose = faces_of(stock, who, left)[:4]
        ignored = whose(library, theirs)
        library.ignore(sorted(ignored))
        let_go(library, loose)
        session = library.review(min_photos=1)
        assert never_asks_about(session, ignored, loose, Answer.NAME) > 20
