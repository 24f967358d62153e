"""Finds the keyframes of a video without reading what lies between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["Keyframes"]

# Packets in a row without a keyframe that is of use: an hour of them.
_MAX_PACKETS = 100_000


# Times are rounded to milliseconds.
_TOLERANCE_SECONDS = 0.001

# FFmpeg's names of containers whose index leads to the very keyframe. Others jump by decoding times
# or by guess: straight at a frame they miss it.
_INDEXED = frozenset(("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi"))
_RUN_UP_SECONDS = 1.0


class Keyframes:
    """Finds keyframes, by jumping from one to the next where the container lets it.

    Args:
        container: open, at its beginning.
        stream: which of its streams.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        self._start = stream.start_time or 0
        self._base = float(stream.time_base or 1)
        self._packets = container.demux(stream)
        self._run_up = 0.0 if container.format.name in _INDEXED else _RUN_UP_SECONDS
        self._last = 0.0
        self._jumps = True

    def seconds(self, packet: av.Packet[VideoStream]) -> float:
        """When a packet is shown, since the video's beginning; whole milliseconds."""
        ticks = packet.pts if packet.pts is not None else packet.dts
        return round(((ticks if ticks is not None else self._start) - self._start) * self._base, 3)

    def next(self, wanted: float, *, exactly: bool = False) -> av.Packet[VideoStream] | None:
        """Return the next keyframe at that time or later, None after the last.

        Args:
            wanted: seconds since the video's beginning.
            exactly: one is known to be there, and no other will do.
        """
        run_up = _RUN_UP_SECONDS if exactly else self._run_up
        if wanted > run_up and self._jumps:
            self._jump(wanted - run_up)
        for _, packet in zip(range(_MAX_PACKETS), self._packets, strict=False):
            if not packet.size or not packet.is_keyframe or packet.is_corrupt:
                continue
            at = self.seconds(packet)
            if at >= wanted - _TOLERANCE_SECONDS:
                self._last = at
                return packet
            if at < self._last - 2 * _RUN_UP_SECONDS:
                self._jumps = False  # they lead far back: all of it would be read for every frame
        return None

    def _jump(self, wanted: float) -> None:
        import av  # noqa: PLC0415 - an extra

        ticks = self._start + math.ceil((wanted - _TOLERANCE_SECONDS) / self._base)
        try:
            self._container.seek(ticks, stream=self._stream, backward=False)
        except av.FFmpegError:
            self._jumps = False  # behind the last keyframe, or there is no way: read on from here
        self._packets = self._container.demux(self._stream)
