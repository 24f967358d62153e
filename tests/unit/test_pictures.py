"""Pictures in a terminal: rows of faces, frames, blocks and shades."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from facesort.cli.pictures import CELL_PIXELS, Painter, boxed, side_by_side
from facesort.domain import Box
from facesort.protocols import Image

RED, BLUE = (250, 0, 0), (0, 0, 250)


def plain(colour: tuple[int, int, int], size: int = 8) -> Image:
    return np.full((size, size, 3), colour, dtype=np.uint8)


def printed(painter: Painter, image: Image, columns: int, rows: int, *, colour: bool) -> str:
    """Return what a terminal gets."""
    file = io.StringIO()
    console = Console(
        file=file,
        force_terminal=True,
        width=80,
        color_system="truecolor" if colour else None,
        legacy_windows=False,
    )
    console.print(painter.paint(image, columns, rows), end="")
    return file.getvalue()


def test_faces_stand_beside_each_other_with_a_gap_and_a_missing_one_is_grey():
    row = side_by_side([plain(RED), None, plain(BLUE)], 6)
    size, gap = 6 * CELL_PIXELS[0], CELL_PIXELS[0]
    assert row.shape == (size, 3 * size + 2 * gap, 3)
    assert tuple(row[5, 5]) == RED
    assert not row[:, size : size + gap].any()
    missing = row[:, size + gap : 2 * size + gap]
    assert len(np.unique(missing)) == 1
    assert missing[0, 0, 0] > 0
    assert tuple(row[5, -5]) == BLUE


def test_for_few_pixels_only_the_middle_of_a_face_is_drawn():
    tile = plain(RED, 100)
    tile[20:80, 20:80] = BLUE
    whole, closer = (side_by_side([tile], 10, closer=closer) for closer in (False, True))
    assert whole.shape == closer.shape
    assert (closer[..., 2] > 100).sum() > 1.5 * (whole[..., 2] > 100).sum()
    assert tuple(closer[0, 0]) == RED


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.tuples(*[st.floats(-50, 90, allow_nan=False)] * 4),
    st.integers(1, 5),
)
def test_a_frame_leaves_what_is_inside_and_the_original_alone(high, wide, sides, width):
    image = np.zeros((high, wide, 3), dtype=np.uint8)
    left, right = sorted(sides[:2])
    top, bottom = sorted(sides[2:])
    drawn = boxed(image, Box(left, top, right, bottom), width)
    assert not image.any()
    assert drawn.shape == image.shape
    x = min(max(round((left + right) / 2), 0), wide - 1)
    y = min(max(round((top + bottom) / 2), 0), high - 1)
    assert not drawn[y, x].any()


def test_a_frame_is_drawn_around_a_face():
    drawn = boxed(plain((0, 0, 0), 40), Box(10, 10, 20, 20), 2)
    assert drawn[9, 15].any()
    assert drawn[15, 8].any()
    assert drawn[21, 15].any()
    assert not drawn[15, 15].any()
    assert not drawn[5, 5].any()


@pytest.mark.parametrize("every_colour", [True, False])
def test_half_blocks_hold_two_pixels_each_in_their_colours(every_colour):
    image = np.concatenate([plain(RED), plain(BLUE)])
    painter = Painter(colour=True, blocks=True, every_colour=every_colour)
    shown = printed(painter, image, 3, 1, colour=True)
    assert shown.endswith("\x1b[0m\n")
    assert shown.count("\u2580") == 3
    assert "38;2;250;0;0" in shown
    assert "48;2;0;0;250" in shown


@pytest.mark.parametrize("blocks", [True, False])
def test_without_colours_there_are_shades(blocks):
    image = np.concatenate([plain((0, 0, 0)), plain((255, 255, 255))], axis=1)
    shown = printed(Painter(colour=False, blocks=blocks), image, 4, 2, colour=False)
    assert "\x1b[3" not in shown
    light = "\u2588" if blocks else "@"
    assert shown == f"  {light * 2}\n" * 2
    assert blocks or shown.isascii()


@given(st.integers(1, 30), st.integers(1, 20), st.booleans())
def test_a_picture_takes_exactly_its_cells(columns, rows, colour):
    shown = printed(Painter(colour=colour, blocks=True), plain(RED), columns, rows, colour=False)
    lines = shown.split("\n")
    assert lines[-1] == ""
    assert [len(line) for line in lines[:-1]] == [columns] * rows


def test_real_pictures_are_forgotten_when_they_leave_the_screen():
    made = []

    class Graphic:
        def __init__(self, image: object, width: int, height: int) -> None:
            self.size, self.is_gone = (width, height), False
            made.append(self)

        def cleanup(self) -> None:
            self.is_gone = True

    painter = Painter(colour=True, blocks=True, graphics=Graphic)
    painter.paint(plain(RED), 7, 3)
    assert [(one.size, one.is_gone) for one in made] == [((7, 3), False)]
    painter.forget()
    painter.forget()
    assert made[0].is_gone
