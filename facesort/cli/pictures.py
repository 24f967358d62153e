"""Pictures in a terminal: real ones where it can show them, otherwise blocks of colour or shade.

Kitty, Sixel  through textual-image, where that is installed and the terminal says that it can
              (iTerm2, WezTerm, foot, Konsole, xterm -ti vt340 and others know Sixel)
half blocks   one character is two pixels, in as many colours as there are
shades        without colour: five greys, or letters where the encoding knows no blocks
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image as PilImage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleRenderable

    from facesort.domain import Box
    from facesort.protocols import Image

__all__ = ["CELL_PIXELS", "Painter", "boxed", "open_painter", "side_by_side"]

# What a character cell is taken for where its true size does not matter: width, height.
CELL_PIXELS = (10, 20)

# The share of a cut face that holds eyes and mouth: hair and shoulders cost pixels that blocks have
# not got. Fourteen across are a face that one knows, with all around it they are not.
_CLOSER = 0.72

_GREY = (72, 72, 72)
_BOX_COLOUR = np.array([255, 210, 0], dtype=np.uint8)
_SHADES, _LETTERS = " \u2591\u2592\u2593\u2588", " .:-=+*#%@"
_HALF = "\u2580"


class _Graphic(Protocol):
    """One of textual-image's pictures."""

    def cleanup(self) -> None:
        """Let the terminal forget it."""


class _Graphics(Protocol):
    """What makes them."""

    def __call__(self, image: PilImage.Image, width: int, height: int) -> _Graphic:
        """Make one, so many cells wide and high."""


def side_by_side(tiles: Sequence[Image | None], columns: int, *, closer: bool = False) -> Image:
    """Put square pictures into a row with a cell between them; None becomes a grey square.

    Args:
        tiles: at least one, (s, s, 3) RGB of any sizes.
        columns: cells that each is wide; half as many high.
        closer: only what is around the middle, for few pixels.

    Returns:
        (h, w, 3) RGB in `CELL_PIXELS`.
    """
    size, gap = columns * CELL_PIXELS[0], CELL_PIXELS[0]
    row = np.zeros((size, len(tiles) * (size + gap) - gap, 3), dtype=np.uint8)
    for place, tile in enumerate(tiles):
        left = place * (size + gap)
        if tile is None:
            row[:, left : left + size] = _GREY
        else:
            shown = _middle(tile) if closer else tile
            resized = PilImage.fromarray(shown).resize((size, size), PilImage.Resampling.BOX)
            row[:, left : left + size] = np.asarray(resized)
    return row


def _middle(tile: Image) -> Image:
    off = round(len(tile) * (1 - _CLOSER) / 2)
    return tile[off : len(tile) - off, off : len(tile) - off]


def boxed(image: Image, box: Box, width: int) -> Image:
    """Return a copy with a frame around a box.

    Args:
        image: (h, w, 3) RGB.
        box: in its pixels; may reach beyond it.
        width: of the frame, pixels.
    """
    drawn = image.copy()
    high, wide = image.shape[:2]
    left, right = (min(max(round(x), 0), wide - 1) for x in (box.left, box.right))
    top, bottom = (min(max(round(y), 0), high - 1) for y in (box.top, box.bottom))
    outer = (slice(max(0, top - width), bottom + width + 1),
             slice(max(0, left - width), right + width + 1))  # fmt: skip
    inner = drawn[top : bottom + 1, left : right + 1].copy()
    drawn[outer] = _BOX_COLOUR
    drawn[top : bottom + 1, left : right + 1] = inner
    return drawn


class Painter:
    """Makes pictures that a console prints.

    Args:
        colour: whether there is any.
        blocks: whether the encoding knows block characters.
        every_colour: whether there are all of 24 bits.
        graphics: makes real pictures, or None.
    """

    def __init__(
        self,
        *,
        colour: bool,
        blocks: bool,
        every_colour: bool = False,
        graphics: _Graphics | None = None,
    ) -> None:
        self._colour, self._blocks, self._graphics = colour, blocks, graphics
        self._every_colour = every_colour
        self._shown: list[_Graphic] = []

    @property
    def is_fine(self) -> bool:
        """Whether pictures have more pixels than there are characters."""
        return self._graphics is not None

    def paint(self, image: Image, columns: int, rows: int) -> ConsoleRenderable:
        """Return a picture that takes so many cells, its last line ended.

        Args:
            image: (h, w, 3) RGB, upright.
            columns: at least 1.
            rows: at least 1.
        """
        if self._graphics is not None:
            graphic = self._graphics(PilImage.fromarray(image), columns, rows)
            self._shown.append(graphic)
            return graphic  # type: ignore[return-value]  # they render themselves
        if self._colour and self._blocks:
            draw = _coloured_blocks if self._every_colour else _half_blocks
            return draw(image, columns, rows)
        return _shades(image, columns, rows, _SHADES if self._blocks else _LETTERS)

    def forget(self) -> None:
        """Let the terminal forget the pictures it was sent: they are not on the screen any more."""
        for graphic in self._shown:
            graphic.cleanup()
        self._shown.clear()


def open_painter(console: Console) -> Painter:
    """Return what suits a terminal: it is asked once, before the first key is read."""
    return Painter(
        colour=console.color_system is not None,
        blocks=_can_encode(_HALF + _SHADES, console.encoding),
        every_colour=console.color_system == "truecolor",
        graphics=_graphics(),
    )


def _graphics() -> _Graphics | None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    try:
        # Reading it asks the terminal, for a tenth of a second where that does not answer.
        from textual_image import renderable  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    if renderable.Image in {renderable.SixelImage, renderable.TGPImage}:
        return renderable.Image  # type: ignore[no-any-return,unused-ignore]
    return None


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _resized(image: Image, width: int, height: int) -> Image:
    resized = PilImage.fromarray(image).resize((width, height), PilImage.Resampling.BOX)
    return np.asarray(resized)


def _coloured_blocks(image: Image, columns: int, rows: int) -> ConsoleRenderable:
    """Draw as `_half_blocks` does, several times as fast: no styles for thousands of cells."""
    from rich.segment import ControlType, Segment, Segments  # noqa: PLC0415 - rich is heavy

    pixels = _resized(image, columns, 2 * rows).tolist()
    lines = []
    for row in range(rows):
        cells = zip(pixels[2 * row], pixels[2 * row + 1], strict=True)
        drawn = (
            f"\x1b[38;2;{r};{g};{b};48;2;{red};{green};{blue}m{_HALF}"
            for (r, g, b), (red, green, blue) in cells
        )
        lines.append("".join(drawn) + "\x1b[0m\n")
    # As a control it is sent as it is.
    return Segments([Segment("".join(lines), None, [(ControlType.HOME,)])])


def _half_blocks(image: Image, columns: int, rows: int) -> ConsoleRenderable:
    from rich.color import Color  # noqa: PLC0415 - rich is heavy
    from rich.segment import Segment, Segments  # noqa: PLC0415 - as above
    from rich.style import Style  # noqa: PLC0415 - as above

    pixels = _resized(image, columns, 2 * rows).tolist()
    segments = []
    for row in range(rows):
        for upper, lower in zip(pixels[2 * row], pixels[2 * row + 1], strict=True):
            style = Style.from_color(Color.from_rgb(*upper), Color.from_rgb(*lower))
            segments.append(Segment(_HALF, style))
        segments.append(Segment.line())
    return Segments(segments)


def _shades(image: Image, columns: int, rows: int, steps: str) -> ConsoleRenderable:
    from rich.text import Text  # noqa: PLC0415 - as above

    small = np.asarray(PilImage.fromarray(_resized(image, columns, rows)).convert("L"))
    levels = (small.astype(np.int64) * len(steps)) // 256
    lines = ["".join(steps[level] for level in row) for row in levels.tolist()]
    return Text("".join(f"{line}\n" for line in lines), no_wrap=True)
