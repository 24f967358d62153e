"""Videos for tests: painted frames, each a keyframe, one a second unless a test asks otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

from tests.fakes import paint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from PIL import Image

__all__ = ["film", "film_of", "grey"]

_CODECS = {".webm": "libvpx-vp9", ".avi": "mpeg4", ".mpg": "mpeg2video", ".wmv": "wmv2"}


def film(
    path: Path,
    frames: Iterable[Image.Image],
    *,
    rate: int = 1,
    gop: int = 1,
    codec: str = "",
    rotation: int = 0,
    pixels: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a video of these frames.

    Args:
        path: its suffix says which container.
        frames: all of one size, both sides even.
        rate: frames a second.
        gop: frames from one keyframe to the next.
        codec: FFmpeg's name; "" for the container's usual one.
        rotation: degrees, counterclockwise, by which a player turns it.
        pixels: FFmpeg's name of the pixel format; "" for the usual one.
        metadata: of the container.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = codec or _CODECS.get(path.suffix, "libx264")
    options = {"crf": "12", "preset": "ultrafast"} if codec == "libx264" else {}
    muxing = {"movflags": "use_metadata_tags"} if path.suffix in {".mp4", ".mov"} else {}
    with av.open(str(path), "w", options=muxing) as file:
        file.metadata.update(metadata or {})
        stream = file.add_stream(codec, rate=max(rate, 1), options=options)
        assert isinstance(stream, av.VideoStream)
        for number, frame in enumerate(frames):
            if not number:
                stream.width, stream.height = frame.size
                stream.pix_fmt = pixels or "yuv420p"
                stream.gop_size = gop
                if rotation:
                    stream.set_display_rotation(rotation)
            picture = av.VideoFrame.from_ndarray(np.asarray(frame.convert("RGB")), format="rgb24")
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
    return path


def film_of(path: Path, *scenes: Sequence[str], **how: object) -> Path:
    """Write a video with one frame a second; each scene says who is in it, from left to right."""
    frames = [paint(*people, number=number) for number, people in enumerate(scenes)]
    return film(path, frames, **how)  # type: ignore[arg-type]  # as in `film`


def grey(number: int = 0) -> Image.Image:
    """Paint a frame with nobody in it."""
    return paint(number=number)
