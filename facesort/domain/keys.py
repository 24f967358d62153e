"""Ids and keys: short, and equal on every machine."""

from __future__ import annotations

import hashlib
from typing import NewType

__all__ = ["AT", "FaceId", "PersonId", "PhotoId", "frame_key", "photo_key", "short_hash"]

# No i, l, o, u: ids are read aloud and typed.
_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

PhotoId = NewType("PhotoId", int)
FaceId = NewType("FaceId", str)
PersonId = NewType("PersonId", str)


def short_hash(text: str, letters: int) -> str:
    """Return a hash of that many letters, five bits each: equal on every machine."""
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())
    return "".join(_ID_ALPHABET[(number >> (5 * i)) & 31] for i in range(letters))


# Stands in no content key: those are `algo:hash`.
AT = "@"


def frame_key(content_key: str, seconds: float | None) -> str:
    """Name one picture: a photo by its content key, a frame of a video by key and time."""
    return content_key if seconds is None else f"{content_key}{AT}{seconds:.3f}"


def photo_key(picture_key: str) -> str:
    """Return the content key of the photo or video that a picture is (from)."""
    return picture_key.partition(AT)[0]
