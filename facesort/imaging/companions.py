"""Which files belong to a photo beside them, and are no photos of their own.

The camera's RAW beside its JPEG, the moving half of a Live Photo, the sidecar of an editor. A scan
opens none of them; an export takes them along with their photo. Told from names alone: same folder,
same stem, suffix in any case.

Standard library only: it is imported before anything heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.imaging.formats import RAW_SUFFIXES, VIDEO_SUFFIXES, skip_reason

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RAW", "VIDEO", "Neighbours", "raw_stem", "still_stem"]

RAW, VIDEO = "raw", "video"  # kinds of companions that are photos when they are alone

_SIDECARS = frozenset(("xmp", "aae"))

# What phones give to the moving half of a Live Photo, and the still that it moves. Any still reads
# here: the video of a HEIC that this installation does not read is still no video of its own.
_MOVING = frozenset(("mov", "mp4"))
_MOVED = frozenset(("jpg", "jpeg", "jpe", "heic", "heif", "hif"))


class Neighbours:
    """The files of one folder.

    Args:
        names: of its files; links and hidden files that a scan passes over left out.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_stem: dict[str, list[str]] = {}
        for name in names:
            self._by_stem.setdefault(_divided(name)[0], []).append(name)

    def photo_of(self, name: str) -> tuple[str, str] | None:
        """Return the photo that a RAW or a video belongs to, and which of the two it is.

        Several photos may share it; the first by name stands for them. None for a file that is a
        photo (or a video) by itself.
        """
        stem, suffix = _divided(name)
        kind = RAW if suffix in RAW_SUFFIXES else VIDEO if suffix in _MOVING else None
        if kind is None:
            return None
        leads = _leads_raw if kind == RAW else _leads_video
        photo = min((other for other in self._by_stem.get(stem, ()) if leads(other)), default=None)
        return None if photo is None else (photo, kind)

    def of(self, photo: str) -> list[str]:
        """Return the names of everything that goes along with a photo or video, sorted."""
        stem = _divided(photo)[0]
        found = {
            other
            for other in self._by_stem.get(stem, ())
            if _divided(other)[1] in _SIDECARS or _belongs(other, photo)
        }
        # IMG_1.xmp (Adobe) and IMG_1.jpg.xmp (darktable, digiKam) both belong to IMG_1.jpg, and
        # IMG_1.cr2.xmp to its RAW.
        for name in (photo, *tuple(found)):
            found.update(
                other for other in self._by_stem.get(name, ()) if _divided(other)[1] in _SIDECARS
            )
        return sorted(found - {photo})


def raw_stem(path: str) -> str:
    """Return a RAW's path without its suffix, '' for any other file."""
    stem, suffix = _divided(path)
    return stem if suffix in RAW_SUFFIXES else ""


def still_stem(path: str) -> str:
    """Return the path, without suffix, of a photo that may have had a RAW; '' for others."""
    stem, suffix = _divided(path)
    return "" if suffix in RAW_SUFFIXES | VIDEO_SUFFIXES else stem


def _belongs(name: str, photo: str) -> bool:
    suffix = _divided(name)[1]
    if suffix in RAW_SUFFIXES:
        return _leads_raw(photo)
    return suffix in _MOVING and _leads_video(photo)


def _leads_raw(name: str) -> bool:
    """Whether a RAW beside this file is its companion: only a photo that can be read stands in."""
    suffix = _divided(name)[1]
    return suffix not in RAW_SUFFIXES | VIDEO_SUFFIXES and skip_reason(name) is None


def _leads_video(name: str) -> bool:
    return _divided(name)[1] in _MOVED


def _divided(name: str) -> tuple[str, str]:
    """Return stem and suffix: lower case, without the dot."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, suffix.lower()) if stem and dot else (name, "")
