"""A review's desk in a terminal: draws questions and whole photos, and reads keys."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rich.text import Text

from facesort.cli.phrases import (
    called,
    headline,
    how_far,
    key_words,
    listed,
    scene_lines,
    side_line,
)
from facesort.cli.pictures import CELL_PIXELS, boxed, side_by_side
from facesort.cli.printable import visible
from facesort.cli.quiet import quiet_libraries
from facesort.review.questions import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from facesort.cli.asking import View
    from facesort.cli.keys import Keyboard
    from facesort.cli.phrases import Item
    from facesort.cli.pictures import Painter
    from facesort.domain import FaceId
    from facesort.jobs.review.picturing import Pictures
    from facesort.jobs.review.session import ReviewSession
    from facesort.jobs.review.shown import Asked, FaceShown

__all__ = ["TerminalDesk"]

# Cells that a face is wide: at best, and so that one still recognises it.
_WIDEST, _NARROWEST = 32, 8

# Pixels of a cut face: enough for the widest tile on a fine screen, and one size is cached once.
_FACE_PIXELS = 320

_PLAIN, _BOLD, _DIM, _OUT = "", "bold", "dim", "strike"
_ERASE_LINE = "\r\x1b[2K"


class TerminalDesk:
    """See `asking.Desk`.

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
        self._ahead: list[FaceId] = []  # to be cut out while nobody presses a key

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

    @staticmethod
    def _size() -> tuple[int, int]:
        return tuple(shutil.get_terminal_size())  # type: ignore[return-value]

    def _say(self, text: str, style: str = _PLAIN) -> None:
        self._console.print(Text(visible(text), style=style), soft_wrap=False)

    def _line(self, text: str) -> None:
        """Write the last line anew; the cursor stays behind it."""
        width = self._drawn_at[0]
        shown = Text(visible(text))
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
        while self._ahead and not self._keyboard.is_waiting():
            with quiet_libraries():
                self._pictures.crop(self._ahead.pop(), _FACE_PIXELS)
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
        self._line(f"{label} {typed}_{more}")

    def page(self, title: str, lines: Sequence[str]) -> None:
        """Draw lines instead of the question."""
        self._clear()
        self._say(title, _BOLD)
        for line in lines:
            self._say(line)
        self._line("")
        self._keyboard.forget()

    def show(self, view: View) -> None:
        """Draw a question."""
        self._clear()
        if view.note:
            self._say(view.note, _DIM)
        self._say(how_far(view.progress))
        if view.asked is None:
            self._say("Nothing left to ask.", _BOLD)
            self._say("u undo  r redo  q quit")
        else:
            self._question(view.asked, view)
        self._line("> ")
        self._keyboard.forget()
        self._ahead = self._faces_to_come(view.asked)

    def _faces_to_come(self, asked: Asked | None) -> list[FaceId]:
        """Return the faces of the question that is likely to be next, last first."""
        if asked is None:
            return []
        coming = [one for one in self._session.upcoming(2) if one.id != asked.question.id]
        if not coming:
            return []
        sides = self._session.asked(coming[0].id).sides
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
            most_rows = max(1, rows - len(lines) - 3)
            across = min(columns - 1, round(most_rows * 2 * wide / high))
            down = max(1, min(most_rows, round(across * high / wide / 2)))
            # Two cells of the screen, however large the picture is.
            frame = max(1, round(wide / max(1, across)))
            framed = boxed(scene.image, scene.box, frame)
            self._console.print(self._painter.paint(framed, max(1, across), down), end="")
        for line in lines:
            self._say(line)
        self._line("arrows: the next face's photo   any other key: back ")
        self._keyboard.forget()

    # -- a question --------------------------------------------------------------------------------

    def _question(self, asked: Asked, view: View) -> None:
        self._say(headline(asked), _BOLD)
        numbers = {item.face: item for item in view.items}
        people = {item.person: item for item in view.items}
        columns = self._tile_columns(asked)
        asks_faces = asked.question.kind in {Kind.BELONGS, Kind.TWO}
        for place, side in enumerate(asked.sides):
            item = people.get(side.person) if place and side.person else None
            is_out = item is not None and item.number in view.out
            mark = "" if item is None else f"#{item.number} "
            self._say(
                mark + side_line(asked, place) + (" - taken out" if is_out else ""),
                _OUT if is_out else _PLAIN,
            )
            faces = side.shown
            if columns <= _NARROWEST and not (asks_faces and place == 0):
                faces = faces[: self._in_a_row(columns)]  # no room: those asked about matter
            self._faces(faces, columns, numbers, view)
        for line in listed(asked):
            self._say(line)
        for line in self._keys(asked):
            self._say(line, _DIM)

    def _tile_columns(self, asked: Asked) -> int:
        """Return how wide a face is: as large as everything still fits on the screen."""
        columns, rows = self._drawn_at
        text = 5 + len(asked.question.guesses) + len(asked.sides) + len(self._keys(asked))
        for tile in range(_WIDEST, _NARROWEST, -2):
            count = columns // (tile + 1)
            drawn = sum(-(-len(side.shown) // max(1, count)) for side in asked.sides)
            if count and drawn * (tile // 2 + 1) <= rows - text:
                return tile
        return max(1, min(_NARROWEST, columns - 1))

    def _keys(self, asked: Asked) -> list[str]:
        """Return the keys on as many lines as they take; a key stays with its meaning."""
        lines = [""]
        for key in key_words(asked):
            longer = f"{lines[-1]}  {key}".strip()
            if len(longer) < self._drawn_at[0] or not lines[-1]:
                lines[-1] = longer
            else:
                lines.append(key)
        return lines

    def _in_a_row(self, tile: int) -> int:
        return max(1, self._drawn_at[0] // (tile + 1))

    def _faces(
        self, faces: Sequence[FaceShown], tile: int, items: dict[FaceId | None, Item], view: View
    ) -> None:
        count = self._in_a_row(tile)
        for start in range(0, len(faces), count):
            row = faces[start : start + count]
            with quiet_libraries():
                crops = [self._pictures.crop(face.id, _FACE_PIXELS) for face in row]
            across = len(row) * (tile + 1) - 1
            drawn = side_by_side(crops, tile)
            self._console.print(self._painter.paint(drawn, across, max(1, tile // 2)), end="")
            labels = [_label(face, items.get(face.id), view)[:tile] for face in row]
            if any(labels):
                self._say(" ".join(label.ljust(tile) for label in labels).rstrip())
            lost = [f.path.name for f, crop in zip(row, crops, strict=True) if crop is None]
            if lost:
                self._say(f"cannot be read now: {', '.join(dict.fromkeys(lost))}", _DIM)


def _label(face: FaceShown, item: Item | None, view: View) -> str:
    """Return what is written below a face."""
    if view.asked is not None and view.asked.question.kind is Kind.MIRROR:
        return "here" if face.id in view.asked.question.faces else ""
    mark = "" if item is None else f"#{item.number}"
    if item is not None and item.number in view.out:
        return f"{mark} out"
    return f"{mark} odd?".strip() if face.doubt > 0 else mark
