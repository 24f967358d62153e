"""Names a video by its coded streams, reading it in pieces: videos do not fit into memory.

An MP4 or MOV keeps its streams in `mdat` boxes; titles, places, dates, ratings and the rotation lie
in other boxes and may change without changing the name. Other containers are named by all of their
bytes: there a changed title is another video.
"""

from __future__ import annotations

import stat
import struct
from concurrent.futures import CancelledError
from hashlib import blake2b
from typing import TYPE_CHECKING, BinaryIO

from facesort.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["video_key"]

_CHUNK_BYTES = 1 << 20
# The boxes that an MP4 or MOV may begin with. QuickTime files of old have no `ftyp`.
_FIRST_BOXES = frozenset((b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
# A fragmented recording has two boxes a second or so; twelve days of it.
_MAX_BOXES = 1 << 21


def _never() -> bool:
    return False


def video_key(path: Path, stopped: Callable[[], bool] = _never) -> str:
    """Hash a video's coded streams without its metadata.

    Args:
        path: the file.
        stopped: asked before each MiB is read, whether nobody wants the result any more: a long
            recording takes minutes.

    Returns:
        `video1:` and 40 hex digits; `file1:` and the hash of all bytes where the container is no
        MP4 or MOV, or a damaged one.

    Raises:
        Unreadable: with the operating system's reason.
        CancelledError: `stopped` said so.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable(f"{path}: not a file")  # opening a pipe would wait for ever
        with path.open("rb") as file:
            return _streams_key(file, stopped) or f"file1:{_hash_all(file, stopped)}"
    except OSError as error:
        raise Unreadable(
            f"{path}: {error.strerror or error}",
            hint="Check the file's permissions and its drive.",
        ) from error


def _streams_key(file: BinaryIO, stopped: Callable[[], bool]) -> str | None:
    """Hash the payload of all `mdat` boxes in file order; None where there is nothing such."""
    digest = blake2b(digest_size=20)
    total = 0
    try:
        for kind, length in _boxes(file):
            if kind == b"mdat":
                total += _feed(digest, _pieces(file, length, stopped))
    except (ValueError, struct.error):
        return None
    if not total:
        return None
    digest.update(struct.pack(">Q", total))
    return f"video1:{digest.hexdigest()}"


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield type and payload length of each box at the top, the file at the payload's start.

    Raises:
        ValueError, struct.error: these are no boxes, or the last one is cut off.
    """
    end = file.seek(0, 2)
    at = 0
    for number in range(_MAX_BOXES):
        if at >= end:
            return
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            header = 16
        elif size == 0:
            size = end - at  # "up to the end"
        if size < header or at + size > end or (number == 0 and kind not in _FIRST_BOXES):
            raise ValueError("no box")
        yield kind, size - header
        at += size
    raise ValueError("more boxes than any video has")


def _feed(digest: blake2b, pieces: Iterator[bytes]) -> int:
    length = 0
    for piece in pieces:
        digest.update(piece)
        length += len(piece)
    return length


def _hash_all(file: BinaryIO, stopped: Callable[[], bool]) -> str:
    digest = blake2b(digest_size=20)
    length = file.seek(0, 2)
    file.seek(0)
    _feed(digest, _pieces(file, length, stopped))
    return digest.hexdigest()


def _pieces(file: BinaryIO, length: int, stopped: Callable[[], bool]) -> Iterator[bytes]:
    """Read so many bytes from where the file stands, or as many as there are.

    Raises:
        CancelledError: `stopped` said so.
    """
    while length:
        if stopped():
            raise CancelledError
        piece = file.read(min(length, _CHUNK_BYTES))
        if not piece:
            return
        yield piece
        length -= len(piece)
