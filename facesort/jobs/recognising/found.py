"""What `find --probe` tells: a face of a picture, and those of the library most like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.jobs.recognising.seeing import SeenPhoto
    from facesort.jobs.viewing import SeenFace

__all__ = ["Found", "FoundFace"]


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face of the library.

    Args:
        similarity: cosine, -1..1.
        probability: that both are one person when both answers were as likely before, as `verify`
            gives it; None where the embedder's card does not say.
        seen: the face, whose it is, and its photo.
    """

    similarity: float
    probability: float | None
    seen: SeenFace


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The faces that are most like one.

    Args:
        photo: the picture, with all that was found on it.
        is_known: the library has this very picture.
        model: the embedder's name.
        face: which face of it was taken, 1 is the first; 0: it shows none.
        is_poor: the face is below what starts a person in a library.
        faces: nearest first.
        ignored: nearer faces of ignored people that were left out.
        compared: how many faces were searched.
        search: `exact`, or `hnsw`: the stored index, which may miss some.
        note: why an index that should be there was not used; mostly ''.
    """

    photo: SeenPhoto
    is_known: bool
    model: str
    face: int = 0
    is_poor: bool = False
    faces: tuple[FoundFace, ...] = ()
    ignored: int = 0
    compared: int = 0
    search: str = "exact"
    note: str = ""
