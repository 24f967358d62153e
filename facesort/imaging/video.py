"""Opens videos: what their headers say, and single frames as if they were photos. Extra [video].

Only keyframes are decoded: they need no other frame, and one every second or so is enough to see
who is there. FFmpeg (inside PyAV) reads files and nothing else: a playlist that is called a video
leads nowhere.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import TooLarge, Unreadable, Unsupported
from facesort.imaging.colour import Colours
from facesort.imaging.content_video import video_key
from facesort.imaging.formats import VIDEO, unreadable_reason
from facesort.imaging.header import megapixels
from facesort.imaging.keyframes import Keyframes
from facesort.imaging.raster import OpenPhoto
from facesort.imaging.reduce import ArrayRaster
from facesort.imaging.video_header import (
    orientation_of,
    reporting,
    square_size,
    video_camera,
    video_stream,
    video_taken_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import av
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

__all__ = [
    "MAX_FRAMES",
    "Frame",
    "Video",
    "open_frame",
    "open_video",
    "video_key",
]

# Frames looked at: one a second; of long recordings as many, evenly spread (of an hour one every
# six seconds). A frame of 1080p or 4K takes .2 to .3 s of one core (2026-11-22, YuNet and SFace,
# H.264 made of photos), so a video takes three minutes at most.
MAX_FRAMES = 600
_SPACING_SECONDS = 1.0

# FFmpeg's names of the containers that cameras and phones write. Not here: playlists and scripts
# (hls, dash, concat...) that name other files or addresses, and formats of single pictures.
_CONTAINERS = ",".join(
    (
        *("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts", "mpeg", "mpegvideo", "asf"),
        *("flv", "ogg", "mxf", "dv", "rm", "m4v", "h264", "hevc"),
    )
)
# A drive that does not answer, or a file that is searched for streams for ever. Seconds.
_TIMEOUT = 60.0

# Keyframes in a row that may fail.
_MAX_BAD_FRAMES = 8

# Memory that decoding takes, bytes per pixel: the decoder's few frames, RGB, and a copy of it.
_DECODING_BYTES = 16

_UNSPECIFIED, _HD_LINES = 2, 720  # a colour space of 2 is none; HD is BT.709 where nothing is said


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a video.

    Args:
        seconds: since the video's beginning, whole milliseconds.
        photo: the picture, at its full size.
    """

    seconds: float
    photo: OpenPhoto


class Video:
    """An open video; from `open_video`. For one thread.

    Its coordinates are a photo's: the raster is the coded frame (its pixels made square), and
    `orientation` says how it is turned upright.
    """

    def __init__(self, container: InputContainer, name: str, max_megapixels: float) -> None:
        self._name = name
        self._stream = video_stream(container, name)
        self._codec: VideoCodecContext = self._stream.codec_context
        self.width, self.height = square_size(self._stream)
        _check_size(name, self.width, self.height, max_megapixels)
        self._max_pixels = round(max_megapixels * 1e6)
        self._whole_seconds = (container.duration or 0) / 1e6
        self.taken_at = video_taken_at(container.metadata)
        self.camera = video_camera(container.metadata)
        self.orientation = 0  # not known yet: only frames tell
        self._set_up()
        self._packets = Keyframes(container, self._stream)
        first = self._next_frame(0.0)
        if first is None:
            raise Unreadable(
                f"{name}: no frame of it can be decoded",
                hint="See whether a video player shows it.",
            )
        self._first = first

    def _set_up(self) -> None:
        from av.stream import Discard  # noqa: PLC0415 - an extra

        # On one thread: the scan looks at several files at once.
        self._codec.thread_count = 1
        self._codec.options = {"max_pixels": str(self._max_pixels)}
        self._codec.skip_frame = "NONKEY"
        self._stream.discard = Discard.nonkey  # where the container allows it, nothing else is read

    @property
    def decoded_bytes(self) -> int:
        """Memory that decoding one frame takes."""
        return self.width * self.height * _DECODING_BYTES

    @property
    def seconds(self) -> float:
        """How long it lasts; 0 where its container does not say."""
        stream = self._stream
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        return max(0.0, self._whole_seconds)

    def frames(self) -> Iterator[Frame]:
        """Yield keyframes, at least a second apart and at most MAX_FRAMES of them; only once."""
        step = max(_SPACING_SECONDS, self.seconds / MAX_FRAMES)
        frame: Frame | None = self._first
        for _ in range(MAX_FRAMES):
            if frame is None:
                return
            yield frame
            frame = self._next_frame(frame.seconds + step)

    def frame_at(self, seconds: float) -> Frame:
        """Return the frame that `frames` gave at that time.

        Raises:
            Unreadable: there is none.
        """
        if seconds <= self._first.seconds:
            return self._first
        frame = self._next_frame(seconds, exactly=True)
        if frame is None or frame.seconds - seconds >= _SPACING_SECONDS:
            raise Unreadable(f"{self._name}: no frame at {seconds:.1f} seconds can be decoded")
        return frame

    def _next_frame(self, wanted: float, *, exactly: bool = False) -> Frame | None:
        """Decode the first keyframe at a time or after it that can be decoded, None at the end.

        Raises:
            Unreadable: the container is damaged there, and beyond what can be stepped over.
        """
        damage: Unreadable | None = None
        for _ in range(_MAX_BAD_FRAMES):
            try:
                with reporting(self._name):
                    packet = self._packets.next(wanted, exactly=exactly)
                    if packet is None:
                        return None
                    frame = self._decode(packet)
            except Unreadable as error:
                damage = error
                wanted += _SPACING_SECONDS  # a damaged place; what is behind it may be fine
                continue
            at = self._packets.seconds(packet)
            if frame is not None:
                return Frame(at, self._picture(frame))
            wanted = at + _SPACING_SECONDS
        if damage is not None:
            raise damage
        return None

    def _decode(self, packet: av.Packet[VideoStream]) -> av.VideoFrame | None:
        import av  # noqa: PLC0415 - an extra

        try:
            frames = [*self._codec.decode(packet), *self._codec.decode(None)]
        except (av.FFmpegError, ValueError):
            frames = []
        self._codec.flush_buffers()
        return next((f for f in frames if f.width * f.height <= self._max_pixels), None)

    def _picture(self, frame: av.VideoFrame) -> OpenPhoto:
        if not self.orientation:
            # Once: a frame that was asked for its side data is freed by garbage collection only.
            self.orientation = orientation_of(frame)
        guessed = frame.colorspace == _UNSPECIFIED and frame.height >= _HD_LINES
        with reporting(self._name):
            pixels = frame.to_ndarray(
                format="rgb24",
                width=self.width,
                height=self.height,
                src_colorspace="ITU709" if guessed else None,
            )
        return OpenPhoto(
            name=self._name,
            format="video",
            width=self.width,
            height=self.height,
            orientation=self.orientation,
            taken_at=self.taken_at,
            camera=self.camera,
            raster=ArrayRaster(pixels.astype(np.uint8, copy=False)),
            turn=self.orientation,
            colours=Colours(1.0, 0.0, None),
        )


@contextmanager
def open_video(path: Path, *, max_megapixels: float) -> Iterator[Video]:
    """Open a video, and close it afterwards.

    Args:
        path: the file.
        max_megapixels: larger frames are refused before one is decoded.

    Raises:
        Unreadable: it is damaged, or no video.
        Unsupported: the extra [video] is not installed.
        TooLarge: its frames have too many pixels.
    """
    unreadable = unreadable_reason(VIDEO)
    if unreadable:
        raise Unsupported(f"{path}: {unreadable}")
    import av  # noqa: PLC0415 - an extra, and heavy

    _check_file(path)
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    with reporting(str(path)):
        file = av.open(str(path), options=options, metadata_errors="replace", timeout=_TIMEOUT)
    with file:
        with reporting(str(path)):
            video = Video(file, str(path), max_megapixels)
        yield video  # what is raised there is the caller's


def open_frame(path: Path, seconds: float, *, max_megapixels: float) -> OpenPhoto:
    """Decode the frame of a video that was looked at, at that time.

    Raises:
        As `open_video` and `Video.frame_at`.
    """
    with open_video(path, max_megapixels=max_megapixels) as video:
        return video.frame_at(seconds).photo


def _check_file(path: Path) -> None:
    """Say in the system's words why a file cannot be read; FFmpeg's errors tell less."""
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise Unreadable(f"{path}: the file is empty", hint="Restore it from a backup.")
    except OSError as error:
        raise Unreadable(
            f"{path}: {error.strerror or error}",
            hint="Check the file's permissions and its drive.",
        ) from error


def _check_size(name: str, width: int, height: int, max_megapixels: float) -> None:
    if width * height / 1e6 > max_megapixels:
        raise TooLarge(
            f"{name}: frames of {width:,} x {height:,} pixels, more than "
            f"{megapixels(max_megapixels)}",
            hint="If that is a real video, make a smaller copy of it.",
        )
