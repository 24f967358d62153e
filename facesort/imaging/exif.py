"""What a photo's EXIF block says that facesort needs: orientation, time, camera.

Metadata never costs the photo: a damaged block says nothing.
"""

from __future__ import annotations

import re
from datetime import datetime
from io import BytesIO
from typing import Protocol

from PIL import Image

from facesort.imaging.pillow import PILLOW_FAILURES

__all__ = ["ExifBlock", "Tagged", "read_camera", "read_orientation", "read_taken_at"]

_ORIENTATION, _MODEL, _DATE_TIME, _EXIF_IFD = 0x0112, 0x0110, 0x0132, 0x8769
_DATE_TIME_ORIGINAL, _DATE_TIME_DIGITIZED = 0x9003, 0x9004

_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OLDEST_PHOTO = 1826  # Niépce's view from his window; anything before is an unset clock


class Tagged(Protocol):
    """Something that has an EXIF block: a picture opened by Pillow, or an `ExifBlock`."""

    def getexif(self) -> Image.Exif:
        """Parse it."""


class ExifBlock:
    """An EXIF block by itself.

    Args:
        block: its bytes, with or without "Exif" before them; or a whole file of TIFF's structure.
    """

    def __init__(self, block: bytes) -> None:
        self._block = block

    def getexif(self) -> Image.Exif:
        """Parse it."""
        exif = Image.Exif()
        start = 6 if self._block.startswith(b"Exif\0\0") else 0
        exif.load_from_fp(BytesIO(self._block[start:]))
        return exif


def read_orientation(image: Tagged) -> int:
    """Return EXIF's (or else XMP's) orientation, 1..8; 1 where it is absent or nonsense.

    For a PNG this decodes the pixels, since its EXIF may follow them.
    """
    try:
        value = image.getexif().get(_ORIENTATION, 1)
        # A whole number in another dress (6.0, a ratio of 6/1) counts, as it does for Pillow.
        return int(value) if value in range(1, 9) else 1
    except PILLOW_FAILURES:
        return 1


def read_taken_at(image: Tagged) -> str:
    """Return when the photo was taken, `YYYY-MM-DDTHH:MM:SS` as the camera wrote it, or ''."""
    try:
        exif = image.getexif()
        details = exif.get_ifd(_EXIF_IFD)
        candidates = (
            details.get(_DATE_TIME_ORIGINAL),
            details.get(_DATE_TIME_DIGITIZED),
            exif.get(_DATE_TIME),
        )
    except PILLOW_FAILURES:
        return ""
    return next((date for date in map(_iso_date, candidates) if date), "")


def read_camera(image: Tagged) -> str:
    """Return the camera's model name, or ''."""
    try:
        return _text(image.getexif().get(_MODEL))
    except PILLOW_FAILURES:
        return ""


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    # Cameras pad with NULs and blanks; what follows a NUL is left over from a longer name.
    return " ".join(value.partition("\0")[0].split())


def _iso_date(value: object) -> str:
    match = _DATE.match(_text(value))
    if not match:
        return ""
    try:
        moment = datetime(*map(int, match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001  # six numbers; cameras write no zone
    except ValueError:
        return ""
    return moment.isoformat() if moment.year >= _OLDEST_PHOTO else ""
