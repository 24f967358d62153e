"""A review's desk in a terminal: draws questions and whole photos, and reads keys."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from rich.text import Text

from facesort.cli.layout import arrange, key_lines, share
from facesort.cli.phrases import (
    ASKS_FACES,
    called,
    headline,
    how_far,
    key_words,
    listed,
    scene_lines,
    side_line,
)
from facesort.cli.pictures import CELL_PIXELS, boxed, side_by_side
from facesort.cli.printable import visible, width_of
from facesort.cli.quiet import quiet_libraries
from facesort.cli.typed import end_of
from facesort.errors import FacesortError
from facesort.review.questions import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from facesort.cli.facing import View
    from facesort.cli.keys import Keyboard
    from facesort.cli.layout import Layout
    from facesort.cli.pictures import Painter
    from facesort.domain import FaceId, PersonId
    from facesort.jobs.review.picturing import Pictures
    from facesort.jobs.review.session import ReviewSession
    from facesort.jobs.review.shown import Asked, FaceShown
    from facesort.protocols import Image

__all__ = ["TerminalDesk"]

# Pixels of a cut face: enough for the widest tile on a fine screen, and one size is cached once.
_FACE_PIXELS = 320

# Faces kept in memory, 300 kB each: those on the screen, those to come, and those before.
_KEPT_CROPS = 200

# What is left of the keys where there is one line for them: h lists the others.
_SHORTEST_KEYS = ("h keys", "q quit")

# On fewer rows only the keys that are wanted most are listed: the rest is for faces.
_FEW_ROWS = 20

_PLAIN, _BOLD, _DIM, _OUT = "", "bold", "dim", "strike"
_TOO_SMALL = "> (not all fits into this window: w goes through the faces) "
_ERASE_LINE = "\r\x1b[2K"


class TerminalDesk:
    """See `facing.Desk`.

    Args:
        console: where to draw.
        keyboard: where keys come from.
        painter: how pictures are drawn.
        pictures: where they come from.
        session: says who else is on a photo.
    """

    def __init__(
        self,
        console: Console,
        keyboard: Keyboard,
        painter: Painter,
        pictures: Pictures,
        session: ReviewSession,
    ) -> None:
        self._console, self._keyboard, self._painter = console, keyboard, painter
        self._pictures, self._session = pictures, session
        self._drawn_at = (0, 0)
        self._has_line = False
        self._view: View | None = None
        self._crops: dict[FaceId, Image] = {}
        self._ahead: list[FaceId] | None = None  # to be cut out while nobody presses a key

    # -- the screen --------------------------------------------------------------------------------

    def _clear(self) -> None:
        self._has_line = False
        self._drawn_at = self._size()
        self._console.size = self._drawn_at
        self._painter.forget()
        if self._console.is_dumb_terminal:
            self._say("")
        else:
            self._console.clear()

    def _size(self) -> tuple[int, int]:
        """Return columns and rows of the window as it is now, whatever COLUMNS says."""
        try:
            columns, rows = os.get_terminal_size(self._console.file.fileno())
        except (OSError, ValueError):
            columns = rows = 0
        if columns < 1 or rows < 1:
            columns, rows = shutil.get_terminal_size()
        return columns, rows

    def _say(self, text: str, style: str = _PLAIN, *, cut: bool = False) -> None:
        shown = Text(visible(text), style=style)
        if cut:
            shown.truncate(max(1, self._drawn_at[0]), overflow="ellipsis")
        self._console.print(shown, soft_wrap=False)

    def _rows_of(self, text: str) -> int:
        """Return how many rows a text takes that is not cut."""
        return max(1, len(self._wrapped(text)))

    def _wrapped(self, text: str) -> list[str]:
        lines = Text(visible(text)).wrap(self._console, max(1, self._drawn_at[0]))
        return [line.plain.rstrip() for line in lines]

    def _say_within(self, text: str, rows: int, style: str = _PLAIN) -> None:
        """Write a text on at most so many rows."""
        lines = self._wrapped(text)
        if len(lines) > rows > 0:
            lines[rows - 1] = " ".join(lines[rows - 1 :])
        for line in lines[: max(0, rows)]:
            self._say(line, style, cut=True)

    def _line(self, text: str) -> None:
        """Write the last line anew; the cursor stays behind it."""
        width = self._drawn_at[0]
        shown = Text(visible(text if len(text) < width else text.rstrip()))
        shown.truncate(max(1, width - 1), overflow="ellipsis")
        if self._has_line and not self._console.is_dumb_terminal:
            self._console.file.write(_ERASE_LINE)
        elif self._has_line:
            self._console.file.write("\n")
        self._has_line = True
        self._console.print(shown, end="")
        self._console.file.flush()

    # -- what Asking calls -------------------------------------------------------------------------

    def key(self) -> str:
        """Wait for a key; until it comes, the faces of the next question are cut out."""
        while not self._keyboard.is_waiting():
            if self._ahead is None:
                self._ahead = self._faces_to_come()
            if not self._ahead:
                break
            self._crop(self._ahead.pop())
        return self._keyboard.key(lambda: self._size() != self._drawn_at)

    def hint(self, text: str) -> None:
        """Say something below what is drawn."""
        self._line(f"{text} ")

    def typing(
        self, label: str, typed: str, offers: Sequence[str] = (), chosen: int | None = None
    ) -> None:
        """Draw the line that is being typed, and what it may become."""
        marked = [f">{one}<" if place == chosen else one for place, one in enumerate(offers)]
        more = f"   (Tab: {' | '.join(marked)})" if marked else ""
        # What is typed last has to be seen, however long the line is.
        room = max(1, self._drawn_at[0] - width_of(label) - 3)
        self._line(f"{label} {end_of(visible(typed), room)}_{more}")

    def page(self, title: str, lines: Sequence[str]) -> None:
        """Draw lines instead of the question."""
        self._clear()
        room = self._drawn_at[1] - self._rows_of(title) - 1
        is_low = sum(map(self._rows_of, lines)) > room
        if is_low:
            lines = key_lines([" ".join(line.split()) for line in lines if line], self._drawn_at[0])
        self._say_within(title, self._drawn_at[1] - 2, _BOLD)
        for line in lines[: max(1, room)]:
            self._say(line, cut=is_low)
        self._line("")
        self._keyboard.forget()

    def show(self, view: View) -> None:
        """Draw a question."""
        is_new, self._view = view is not self._view, view
        pictures = {} if view.asked is None else self._cut(view.asked)
        self._clear()
        prompt = "> "
        if view.asked is None:
            if view.note:
                self._say(view.note, _DIM)
            self._say(how_far(view.progress), cut=True)
            self._say("Nothing left to ask.", _BOLD)
            self._say("u undo  r redo  q quit")
        elif not self._question(view.asked, view, pictures):
            short = _TOO_SMALL.partition(":")[0] + ") "
            room = self._drawn_at[0]
            prompt = next((one for one in (_TOO_SMALL, short) if room > len(one)), prompt)
        self._line(prompt)
        if is_new:
            self._keyboard.forget()
            self._ahead = None

    def _crop(self, face: FaceId) -> Image | None:
        known = self._crops.get(face)
        if known is not None:
            return known
        with quiet_libraries():
            crop = self._pictures.crop(face, _FACE_PIXELS)
        if crop is not None:
            while len(self._crops) >= _KEPT_CROPS:
                self._crops.pop(next(iter(self._crops)))
            self._crops[face] = crop
        return crop

    def _cut(self, asked: Asked) -> dict[FaceId, Image | None]:
        """Cut out all faces before the screen is cleared: it is empty for a moment only."""
        faces = {face.id for side in asked.sides for face in side.shown}
        return {face: self._crop(face) for face in faces}

    def _faces_to_come(self) -> list[FaceId]:
        """Return the faces of the question that is likely to be next, last first."""
        if self._view is None or self._view.asked is None:
            return []
        now = self._view.asked.question.id
        try:
            coming = [one for one in self._session.upcoming(2) if one.id != now]
            sides = self._session.asked(coming[0].id).sides if coming else ()
        except FacesortError:  # somebody else changes the library at this moment
            return []
        return [face.id for side in reversed(sides) for face in reversed(side.shown)]

    def look(self, face: FaceShown) -> None:
        """Draw the whole photo of a face."""
        self._clear()
        columns, rows = self._drawn_at
        with quiet_libraries():
            scene = self._pictures.scene(face.id, max(columns, 2 * rows) * CELL_PIXELS[0])
        others = [
            called(person) if person is not None else "nobody yet"
            for one, person in self._session.faces_on(face.photo)
            if one.id != face.id
        ]
        lines = scene_lines(face, scene, others)
        if scene is not None and scene.image is not None:
            high, wide = scene.image.shape[:2]
            most_rows = max(1, rows - sum(map(self._rows_of, lines)) - 3)
            across = min(columns - 1, round(most_rows * 2 * wide / high))
            down = max(1, min(most_rows, round(across * high / wide / 2)))
            # Two cells of the screen, however large the picture is.
            frame = max(1, round(wide / max(1, across)))
            framed = boxed(scene.image, scene.box, frame)
            self._console.print(self._painter.paint(framed, max(1, across), down), end="")
        for line in lines:
            self._say(line)
        self._line("arrows, space, w: next face   any other key: back ")
        self._keyboard.forget()

    # -- a question --------------------------------------------------------------------------------

    def _question(self, asked: Asked, view: View, pictures: dict[FaceId, Image | None]) -> bool:
        """Draw a question; returns whether all of it fits."""
        columns, rows = self._drawn_at
        title, far = headline(asked), how_far(view.progress, asks=True)
        few = rows < _FEW_ROWS
        keys, guesses = key_lines(key_words(asked, few=few), columns), listed(asked)
        # With room for a note even where there is none: the same question looks the same.
        shares = share(
            rows,
            title=self._rows_of(title),
            note=self._rows_of(view.note) if view.note or not few else 0,
            keys=len(keys),
            guesses=len(guesses),
        )
        if shares.guesses < len(guesses):
            guesses = key_lines(guesses, columns)
        if shares.keys < len(keys):
            keys = key_lines([*_SHORTEST_KEYS, *key_words(asked, few=True)], columns)
        lost = _lost(asked, pictures)
        counts = [len(side.shown) for side in asked.sides]
        whole_first = asked.question.kind in ASKS_FACES
        layout = arrange(counts, columns, shares.faces - bool(lost), whole_first=whole_first)
        if view.note:
            self._say_within(view.note, shares.note, _DIM)
        if shares.progress:
            self._say(far, cut=True)
        self._say_within(title, shares.title, _BOLD)
        for place in range(layout.lines):
            self._side(asked, place, view, layout, pictures)
        if layout.flows:
            self._others(asked, view, layout, pictures)
        if lost and shares.faces:
            self._say(f"cannot be read now: {lost}", _DIM, cut=True)
        for line in guesses[: shares.guesses]:
            self._say(line, cut=True)
        for line in keys[: shares.keys]:
            self._say(line, _DIM, cut=True)
        return layout.fits and shares.guesses >= len(guesses)

    def _side(
        self,
        asked: Asked,
        place: int,
        view: View,
        layout: Layout,
        pictures: dict[FaceId, Image | None],
    ) -> None:
        """Draw a person, or the faces in question."""
        side = asked.sides[place]
        number = _number_of(side.person, view) if place else 0
        is_out = number in view.out
        mark = f"#{number} " if number else ""
        line = mark + side_line(asked, place) + (" - taken out" if is_out else "")
        drawn, is_asked = layout.drawn[place], place == 0 and asked.question.kind in ASKS_FACES
        if is_asked and drawn < len(side.shown):
            line += f", {drawn:,} of {len(side.shown):,} on the screen"
        self._say(line, _OUT if is_out else _PLAIN, cut=True)
        faces = side.shown[:drawn]
        self._faces([(face, _label(face, view)) for face in faces], layout.tile, pictures)

    def _others(
        self, asked: Asked, view: View, layout: Layout, pictures: dict[FaceId, Image | None]
    ) -> None:
        """Draw a face of each person after the first beside each other."""
        tiles = []
        for side, drawn in zip(asked.sides[1:], layout.drawn[1:], strict=True):
            number = _number_of(side.person, view)
            state = "out" if number in view.out else f"x{side.faces:,}"
            tiles += [(face, f"#{number} {state}" if number else "") for face in side.shown[:drawn]]
        self._faces(tiles, layout.tile, pictures)

    def _faces(
        self,
        faces: Sequence[tuple[FaceShown, str]],
        tile: int,
        pictures: dict[FaceId, Image | None],
    ) -> None:
        """Draw faces in rows, each above what is said of it."""
        count = max(1, (self._drawn_at[0] + 1) // (tile + 1))
        for start in range(0, len(faces), count):
            row = faces[start : start + count]
            crops = [pictures.get(face.id) for face, _ in row]
            across = len(row) * (tile + 1) - 1
            drawn = side_by_side(crops, tile, closer=not self._painter.is_fine)
            self._console.print(self._painter.paint(drawn, across, max(1, tile // 2)), end="")
            labels = [label[:tile] for _, label in row]
            if any(labels):
                self._say(" ".join(label.ljust(tile) for label in labels).rstrip(), cut=True)


def _lost(asked: Asked, pictures: Mapping[FaceId, Image | None]) -> str:
    """Return the names of the photos whose faces cannot be drawn."""
    faces = [face for side in asked.sides for face in side.shown]
    return ", ".join(dict.fromkeys(f.path.name for f in faces if pictures.get(f.id) is None))


def _number_of(person: PersonId | None, view: View) -> int:
    """Return by which number somebody can be taken out; 0 where they cannot."""
    found = (item.number for item in view.items if person is not None and item.person == person)
    return next(found, 0)


def _label(face: FaceShown, view: View) -> str:
    """Return what is written below a face."""
    if view.asked is not None and view.asked.question.kind is Kind.MIRROR:
        return "here" if face.id in view.asked.question.faces else ""
    number = next((item.number for item in view.items if item.face == face.id), 0)
    mark = f"#{number}" if number else ""
    if number in view.out:
        return f"{mark} out"
    return f"{mark} odd?".strip() if face.doubt > 0 else mark
