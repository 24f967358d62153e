"""Contact sheets of questions: numbered pictures to answer on paper or in an e-mail."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from facesort.review.answer_words import WORDS
from facesort.review.questions import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from facesort.domain import FaceId
    from facesort.protocols import Image

__all__ = ["draw_sheets"]

# A4 at 150 dots an inch, pixels.
_WIDTH, _HEIGHT = 1240, 1754
_MARGIN, _GAP = 50, 8
_FACE, _SMALL = 104, 52
_TITLE, _TEXT = 26, 18  # size of letters
_LINE = _TEXT + 8
# Where the system has one of these, names keep their accents: Pillow's own font has few letters.
_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf")
_GROUND, _INK, _WEAK, _RULE = (255, 255, 255), (20, 20, 20), (95, 95, 95), (190, 190, 190)


@dataclass(frozen=True, slots=True)
class _Strip:
    """One row of a question: a line of text, or pictures with a letter below each.

    Args:
        height: pixels.
        text: a line.
        size: of its letters.
        pictures: face and what is written below it.
        side: of each picture, pixels.
    """

    height: int
    text: str = ""
    size: int = _TEXT
    pictures: tuple[tuple[str, str], ...] = ()
    side: int = _FACE


def draw_sheets(
    questions: Sequence[Mapping[str, Any]], faces: Mapping[FaceId, Image]
) -> Iterator[bytes]:
    """Yield JPEG files of one size, A4 upright; no question is torn apart.

    Args:
        questions: as in questions.json.
        faces: square pictures; faces without one leave a grey square.
    """
    sheet = _Sheet(faces)
    for question in questions:
        strips = list(_strips(question))
        height = sum(strip.height for strip in strips)
        if sheet.y > _MARGIN and sheet.y + height > _HEIGHT - _MARGIN:
            yield sheet.done()
            sheet = _Sheet(faces)
        for strip in strips:
            sheet.add(strip)
        sheet.end_question()
    if sheet.y > _MARGIN:
        yield sheet.done()


class _Sheet:
    """A page being drawn."""

    def __init__(self, faces: Mapping[FaceId, Image]) -> None:
        self._faces: Mapping[Any, Image] = faces
        self._page = PilImage.new("RGB", (_WIDTH, _HEIGHT), _GROUND)
        self._draw = ImageDraw.Draw(self._page)
        self.y = _MARGIN

    def add(self, strip: _Strip) -> None:
        """Draw a row below the last one."""
        if strip.text:
            colour = _INK if strip.size == _TITLE else _WEAK
            self._write(_MARGIN, self.y, strip.text, strip.size, colour)
        for place, (face, below) in enumerate(strip.pictures):
            wide = strip.side + _GAP if strip.side == _FACE else 260
            x = _MARGIN + place * wide
            self._paste(face, x, strip.side)
            if strip.side == _FACE:
                self._write(x + 2, self.y + strip.side + 1, below, _TEXT, _INK)
            else:
                self._write(x + strip.side + _GAP, self.y + 14, below, _TEXT, _INK)
        self.y += strip.height

    def _paste(self, face: str, x: int, side: int) -> None:
        picture = self._faces.get(face)
        if picture is None:
            self._draw.rectangle((x, self.y, x + side, self.y + side), fill=_RULE)
            return
        small = PilImage.fromarray(picture).resize((side, side), PilImage.Resampling.LANCZOS)
        self._page.paste(small, (x, self.y))

    def _write(self, x: int, y: int, text: str, size: int, colour: tuple[int, int, int]) -> None:
        self._draw.text((x, y), _fitting(text, size, _WIDTH - _MARGIN - x), colour, _font(size))

    def end_question(self) -> None:
        """Draw a rule."""
        y = self.y - 2 * _GAP
        self._draw.line((_MARGIN, y, _WIDTH - _MARGIN, y), fill=_RULE)

    def done(self) -> bytes:
        """Return the page as a JPEG file."""
        data = BytesIO()
        self._page.save(data, "JPEG", quality=85, dpi=(150, 150))
        return data.getvalue()


def _strips(question: Mapping[str, Any]) -> Iterator[_Strip]:
    yield _Strip(_TITLE + 14, f"{question['number']}.  {question['asked']}", _TITLE)
    for place, side in enumerate(question["sides"]):
        if not side["shown"]:
            continue
        told = _side(question, side, place)
        if told:
            yield _Strip(_LINE, told)
        yield _Strip(
            _FACE + _LINE,
            pictures=tuple((one["face"], one["letter"] or "") for one in side["shown"]),
        )
    listed = question["listed"] if Answer.PERSON in question["answers"] else []
    for start in range(0, len(listed), 4):
        row = listed[start : start + 4]
        yield _Strip(_SMALL + _GAP, pictures=tuple(map(_named, row)), side=_SMALL)
    words = [
        WORDS[answer]
        for answer in map(Answer, question["answers"])
        if answer not in {Answer.PERSON, Answer.NAME, Answer.SKIP}
    ]
    words = [f"1-{len(listed)}"] * bool(listed) + words
    words = ["a name"] * (Answer.NAME in question["answers"]) + words
    has_letters = any(one["letter"] for side in question["sides"] for one in side["shown"])
    but = "   not these: __________" if has_letters else ""
    yield _Strip(_LINE + 3 * _GAP, f"Answer: ____________________{but}   ({', '.join(words)})")


def _side(question: Mapping[str, Any], side: Mapping[str, Any], place: int) -> str:
    told = str(side["name"] or "")
    if question["kind"] == "two":
        told = "the second" if place else "the first"
    elif question["kind"] in {"belongs", "also"}:
        told = (told or "this person") if place else "in question"
    if side["letter"]:
        told = f"{side['letter']}: {told or 'all of these'}"
    return told


def _named(one: Mapping[str, Any]) -> tuple[str, str]:
    shown = one["shown"]
    name = one["name"] or ("nobody of interest" if one["ignored"] else "without a name")
    return (shown[0]["face"] if shown else "", f"{one['digit']}  {name}")


# -- letters ---------------------------------------------------------------------------------------


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size=size)


def _drawable(text: str, size: int) -> str:
    """Return a text in letters that the font has: without accents, or a dot, where it must be.

    What cannot be seen is left out.
    """
    font = _font(size)
    missing = bytes(font.getmask("\U0010ffff"))
    shown = []
    for letter in unicodedata.normalize("NFC", text):
        if not letter.isprintable():  # what turns text round, Pillow's layout may stumble over
            continue
        plain = unicodedata.normalize("NFKD", letter)[0]
        for one in (letter, plain):
            if one.isascii() or bytes(font.getmask(one)) != missing:
                shown.append(one)
                break
        else:
            shown.append("\u00b7")
    return "".join(shown)


def _fitting(text: str, size: int, width: int) -> str:
    """Return what can be written in that width."""
    font = _font(size)
    shown = _drawable(text, size)
    if font.getlength(shown) <= width:
        return shown
    while shown and font.getlength(f"{shown}...") > width:
        shown = shown[:-1]
    return f"{shown}..."
