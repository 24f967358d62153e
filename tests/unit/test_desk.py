"""A question on a screen of any size: what is asked and the keys are always on it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from facesort.cli.desk import TerminalDesk
from facesort.cli.facing import View
from facesort.cli.phrases import headline, how_far, items_of
from facesort.cli.pictures import Painter
from facesort.domain import Box, FaceId, FaceStatus, PersonId, PhotoId
from facesort.jobs.review.shown import Asked, FaceShown, SideShown
from facesort.protocols import Image
from facesort.review.progress import Progress
from facesort.review.questions import Guess, Kind, Question

SIZES = [(24, 80), (40, 120), (10, 30), (12, 200), (60, 20), (6, 40), (5, 80), (80, 300)]
PROGRESS = Progress(120, 4000, 86)


def face(name: str) -> FaceShown:
    return FaceShown(
        FaceId(name), PhotoId(1), Path(f"{name}.jpg"), False, "", Box(0, 0, 10, 10), (100, 100),
        0.5, FaceStatus.AUTOMATIC,
    )  # fmt: skip


def asked(kind: Kind, *counts: int, guesses: int = 0, name: str | None = "Anna") -> Asked:
    sides = tuple(
        SideShown(
            PersonId("p0" if kind is Kind.TWO else f"p{place}"),
            name,
            False,
            count,
            count,
            tuple(face(f"f{place}-{number}") for number in range(count)),
        )
        for place, count in enumerate(counts)
    )
    people = tuple(dict.fromkeys(one.person for one in sides if one.person is not None))
    listed = tuple(Guess(PersonId(f"g{n}"), f"Guess number {n}", 0.5) for n in range(guesses))
    return Asked(Question("q1", kind, people, (), guesses=listed), sides)


class Hands:
    """A keyboard that nobody touches."""

    def forget(self) -> None:
        """Nothing was pressed."""


class Album:
    """Pictures of some faces."""

    def __init__(self, are_there: bool = True) -> None:
        self._are_there = are_there

    def crop(self, face: FaceId, size: int) -> Image | None:
        return np.full((32, 32, 3), 99, dtype=np.uint8) if self._are_there else None


def _desk(console: Console, album: Any) -> TerminalDesk:
    hands: Any = Hands()
    session: Any = None  # nobody looks at a whole photo
    return TerminalDesk(console, hands, Painter(colour=False, blocks=False), album, session)


Draw = Callable[..., list[str]]


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Draw a question on a screen of some size; return the rows."""

    def drawn(
        size: tuple[int, int], shown: Asked, note: str = "", *, are_there: bool = True
    ) -> list[str]:
        rows, columns = size
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(rows))
        file = io.StringIO()
        console = Console(file=file, color_system=None, highlight=False, emoji=False, markup=False)
        desk = _desk(console, Album(are_there))
        desk.show(View(shown, PROGRESS, note, items_of(shown)))
        return file.getvalue().split("\n")

    return drawn


QUESTIONS = {
    "two": asked(Kind.TWO, 142, 8),
    "two of a long name": asked(Kind.TWO, 20, 8, name="Maximiliane von und zu Hohenfels " * 3),
    "who": asked(Kind.WHO, 8, 8, 8, guesses=9),
    "same": asked(Kind.SAME, *[8] * 9),
    "belongs": asked(Kind.BELONGS, 60, 1),
}
NOTE = "merged 3 people into Anna: 41 faces (+41 settled)"


@pytest.mark.parametrize("shown", QUESTIONS.values(), ids=QUESTIONS)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("are_there", [True, False])
def test_what_is_asked_said_and_how_far_it_is_stay_on_the_screen(draw, shown, size, are_there):
    rows, columns = size
    for note in ("", NOTE, NOTE * 9):
        drawn = draw(size, shown, note, are_there=are_there)
        assert len(drawn) <= rows
        assert all(len(line) <= columns for line in drawn)
        said = " ".join(line.rstrip("\u2026") for line in drawn)
        assert how_far(PROGRESS)[: columns - 1] in said
        assert headline(shown).split()[0] in said
        assert not note or "merged" in said
        assert "q quit" in said
        assert drawn[-1].startswith(">")


def test_of_many_faces_asked_about_it_says_how_many_are_on_the_screen(draw):
    drawn = draw((40, 120), QUESTIONS["two"])
    assert "one, 65 of 142 on the screen" in drawn
    assert drawn[-1] == "> (not all fits into this window: w goes through the faces) "
    assert sum(line.count("#") for line in drawn) == 65


def test_what_fits_is_not_said_to_be_cut(draw):
    drawn = draw((40, 120), asked(Kind.TWO, 6, 8))
    assert not any("on the screen" in line for line in drawn)
    assert drawn[-1] == "> "


def test_every_guess_has_its_number_on_a_low_screen_too(draw):
    drawn = " ".join(draw((16, 200), QUESTIONS["who"]))
    assert all(f"[{number}] Guess number {number - 1}" in drawn for number in range(1, 10))


def test_help_fits_on_a_low_screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "10")
    file = io.StringIO()
    console = Console(file=file, color_system=None)
    desk = _desk(console, Album())
    desk.page("Keys", [f"{letter}      what it does" for letter in "abcdefghijklmnop"])
    assert len(file.getvalue().split("\n")) <= 10
    assert "p what it does" in file.getvalue()
