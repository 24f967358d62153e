"""What a video's container says: which stream to show, its size, rotation, time and camera."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, cast

from facesort.errors import PhotoError, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import av
    from av.container import InputContainer
    from av.sidedata.sidedata import SideData
    from av.video.stream import VideoStream

__all__ = [
    "orientation_of",
    "reporting",
    "square_size",
    "video_camera",
    "video_stream",
    "video_taken_at",
]

# What PyAV raises on damaged files beside FFmpeg's own errors: seen when files were altered at
# random (a stream that turns up late, a length below zero), or possible by its source.
_FAILURES = (ValueError, LookupError, ArithmeticError, RuntimeError, TypeError, AttributeError)

_LOCAL_TIME, _UTC = "com.apple.quicktime.creationdate", "creation_time"
_MODELS = ("com.apple.quicktime.model", "com.android.model", "model")
_MATRIX_BYTES = 36
_STRAIGHT = {(True, True): 1, (False, True): 2, (False, False): 3, (True, False): 4}
_CROSSED = {(True, True): 5, (False, True): 6, (False, False): 7, (True, False): 8}

_OLDEST_VIDEO = 1980  # camcorders; containers count from 1904 or 1970, which is an unset clock


@contextmanager
def reporting(name: str) -> Iterator[None]:
    """Say what FFmpeg raises on damaged files in facesort's words."""
    import av  # noqa: PLC0415 - an extra

    try:
        yield
    except PhotoError:
        raise
    except MemoryError:
        raise Unreadable(f"{name}: not enough memory") from None
    except (av.FFmpegError, *_FAILURES) as error:
        # Not "from error": some of FFmpeg's errors look like the operating system's refusals, after
        # which a file would be tried again at every scan.
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreadable(
            f"{name}: {reason.lower()}", hint="See whether a video player shows it."
        ) from None


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """Choose the video to look at: no cover picture, the default one, else the largest.

    Raises:
        Unreadable: there is none, or its coding is not known.
    """
    from av.stream import Disposition  # noqa: PLC0415 - an extra

    cover = Disposition.attached_pic | Disposition.timed_thumbnails
    films = [s for s in container.streams.video if not s.disposition & cover]
    if not films:
        raise Unreadable(f"{name}: there is no video in it")
    # A stream whose coding FFmpeg does not know has no codec, whatever PyAV's stubs say.
    known = [s for s in films if cast("object", s.codec_context) is not None and s.width]
    if not known:
        raise Unreadable(f"{name}: its video is coded in a way that is not known")
    return max(known, key=lambda s: (s.disposition & Disposition.default, s.width * s.height))


def square_size(stream: VideoStream) -> tuple[int, int]:
    """Return the coded (width, height) with square pixels: DV and AVCHD are shown wider."""
    width, height = stream.codec_context.width, stream.codec_context.height
    shape = stream.sample_aspect_ratio
    if shape and 0.1 < shape < 10 and shape != 1:
        return (round(width * shape), height) if shape > 1 else (width, round(height / shape))
    return width, height


def orientation_of(frame: av.VideoFrame) -> int:
    """Return EXIF's orientation, 1..8, for the display matrix of a frame.

    Source: ISO 14496-12, 8.2.2 (matrix {a b u c d v x y w}: x' = a x + c y, y' = b x + d y);
    `imaging.geometry` for the eight cases.
    """
    # PyAV's stubs describe another type than the one that it hands out.
    side_data = cast("Iterable[SideData]", frame.side_data)
    data = next((bytes(part) for part in side_data if part.type.name == "DISPLAYMATRIX"), b"")
    if len(data) < _MATRIX_BYTES:
        return 1
    a, b, _, c, d = struct.unpack_from("=5i", data)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _STRAIGHT[a >= 0, d >= 0]
    return _CROSSED[c >= 0, b >= 0]


def video_taken_at(metadata: Mapping[str, str]) -> str:
    """Return when it was recorded: local time where the phone says it, else what it calls UTC."""
    for key in (_LOCAL_TIME, _UTC):
        try:
            moment = datetime.fromisoformat(metadata.get(key, ""))
        except ValueError:
            continue
        if moment.year >= _OLDEST_VIDEO:
            return moment.replace(tzinfo=None, microsecond=0).isoformat()
    return ""


def video_camera(metadata: Mapping[str, str]) -> str:
    """Return the model of the phone or camera, or ''."""
    return next((" ".join(metadata[key].split()) for key in _MODELS if metadata.get(key)), "")
