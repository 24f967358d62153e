"""Strips of faces with a caption, so that a photographer sees who is who."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.protocols import Image

__all__ = ["SHEET_MARK", "draw_strip"]

# The comment inside each strip: facesort replaces and removes only what bears it.
SHEET_MARK = b"A strip of faces, drawn by facesort"

_GAP = 6
_CAPTION = 34
_BACKGROUND, _INK = (250, 250, 250), (20, 20, 20)


def draw_strip(pictures: Sequence[Image], caption: str, *, columns: int) -> bytes:
    """Draw faces side by side below a caption.

    Args:
        pictures: square RGB pictures of one size, at least one.
        caption: one line.
        columns: faces in a row; more go into further rows.

    Returns:
        A JPEG file.
    """
    size = pictures[0].shape[0]
    rows = -(-len(pictures) // columns)
    width = _GAP + columns * (size + _GAP)
    strip = PilImage.new("RGB", (width, _CAPTION + rows * (size + _GAP)), _BACKGROUND)
    font = ImageFont.load_default(size=20)
    ImageDraw.Draw(strip).text((_GAP, 5), caption, fill=_INK, font=font)
    for i, picture in enumerate(pictures):
        x = _GAP + i % columns * (size + _GAP)
        strip.paste(PilImage.fromarray(picture), (x, _CAPTION + i // columns * (size + _GAP)))
    data = BytesIO()
    strip.save(data, "JPEG", quality=90, comment=SHEET_MARK)
    return data.getvalue()
