"""The words facesort thinks in: photo, place, face, person, decision.

Everything here is frozen and knows nothing of files, models or SQL.

Conventions, everywhere: boxes are left, top, right, bottom in pixels, half-open. *Raster* means the
picture as it is coded in the file, before its orientation tag is applied; *upright* means after.
What is stored is raster (so that correcting the tag moves nothing); what is shown is upright.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NewType

import numpy as np

from facesort.errors import ModelMismatch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "Anchor",
    "Box",
    "Decision",
    "DecisionFace",
    "Face",
    "FaceId",
    "FaceMatrix",
    "FaceRole",
    "FaceStatus",
    "Person",
    "PersonId",
    "Photo",
    "PhotoId",
    "Place",
    "PlaceState",
    "Verdict",
    "frame_key",
    "photo_key",
    "short_hash",
]

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
_AT = "@"


def frame_key(content_key: str, seconds: float | None) -> str:
    """Name one picture: a photo by its content key, a frame of a video by key and time."""
    return content_key if seconds is None else f"{content_key}{_AT}{seconds:.3f}"


def photo_key(picture_key: str) -> str:
    """Return the content key of the photo or video that a picture is (from)."""
    return picture_key.partition(_AT)[0]


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle: left, top, right, bottom, in pixels (or relative, in an anchor), half-open."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Right minus left; negative for a box turned inside out."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Bottom minus top; negative for a box turned inside out."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Width times height, zero for an empty or inverted box."""
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def shorter_side(self) -> float:
        """The smaller of width and height: what `--min-face` is compared with."""
        return min(self.width, self.height)

    def overlap(self, other: Box) -> float:
        """Intersection over union with another box, 0..1."""
        common = Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        ).area
        union = self.area + other.area - common
        return common / union if union > 0 else 0.0


class PlaceState(StrEnum):
    """What the last scan saw at a place."""

    PRESENT = "present"
    MISSING = "missing"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file was seen.

    Args:
        path: absolute.
        size: bytes.
        mtime_ns: nanoseconds since 1970.
        orientation: EXIF orientation, 1..8.
        state: what the last scan saw.
        reason: why it failed or was skipped; empty otherwise.
    """

    path: Path
    size: int
    mtime_ns: int
    orientation: int
    state: PlaceState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Photo:
    """One picture, or one video, whatever the number of its copies.

    Args:
        id: row id, only meaningful inside one library.
        content_key: `algo:hash` of what is coded, without metadata (`imaging.content`).
        width: raster pixels.
        height: raster pixels.
        taken_at: ISO 8601 without zone as the camera wrote it, or empty.
        camera: maker's model name, or empty.
        places: present places first, then by path.
    """

    id: PhotoId
    content_key: str
    width: int
    height: int
    taken_at: str
    camera: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One detected face; in a video, one appearance of a person: the best of its pictures.

    Args:
        id: short hash of the picture's key and rounded raster box; equal on every machine.
        photo_id: its photo or video.
        anchor: the picture's key and the relative raster box: what decisions hold on to.
        box: raster pixels.
        landmarks: (5, 2) float32 raster pixels: the two eyes, the nose tip, the two mouth corners.
        score: the detector's, 0..1.
        quality: 0..1, higher is better (`vision.quality`).
        measures: what the quality was made from, by name; in a video also `seconds`, `from` and
            `until`.
    """

    id: FaceId
    photo_id: PhotoId
    anchor: Anchor
    box: Box
    landmarks: NDArray[np.float32]
    score: float
    quality: float
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """When in its video this picture of the face is; None on a photo."""
        return self.measures.get("seconds")

    @property
    def span(self) -> tuple[float, float] | None:
        """From when to when, in seconds, its video shows it without a break; None on a photo."""
        seconds = self.seconds
        if seconds is None:
            return None
        return self.measures.get("from", seconds), self.measures.get("until", seconds)


@dataclass(frozen=True, slots=True, eq=False)
class FaceMatrix:
    """The embeddings of many faces, from one model.

    Args:
        face_ids: n ids, in row order.
        vectors: (n, d) float32, unit length.
        model_key: names the model and its weights; matrices with different keys are not compared.
    """

    face_ids: tuple[FaceId, ...]
    vectors: NDArray[np.float32]
    model_key: str

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.face_ids) != len(self.vectors):
            raise ValueError(f"{len(self.face_ids)} ids for vectors of {self.vectors.shape}")

    def __len__(self) -> int:
        return len(self.face_ids)

    def cosine(self, other: FaceMatrix) -> NDArray[np.float32]:
        """Return the (n, m) cosine similarities with another matrix.

        Raises:
            ModelMismatch: the two come from different models.
        """
        if self.model_key != other.model_key:
            raise ModelMismatch(
                f"vectors of {self.model_key} cannot be compared with those of {other.model_key}",
                hint="Scan again with one model.",
            )
        similarity: NDArray[np.float32] = self.vectors @ other.vectors.T
        return similarity


class FaceStatus(StrEnum):
    """How a face stands to its person."""

    CONFIRMED = "confirmed"
    AUTOMATIC = "automatic"
    UNASSIGNED = "unassigned"
    IGNORED = "ignored"
    NOT_A_FACE = "not-a-face"


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the user sees them: clusters plus decisions.

    Args:
        id: short hash of the founding anchor; kept for ever.
        name: a label, not unique, or None.
        faces: best first.
        photos: number of distinct photos.
        cover: the face that stands for the person, or None when no face is left.
        confirmed: how many of the faces the user has confirmed.
        ignored: the user asked not to be shown this person.
        aliases: ids of people that were merged into this one.
    """

    id: PersonId
    name: str | None
    faces: tuple[FaceId, ...]
    photos: int
    cover: FaceId | None
    confirmed: int
    ignored: bool = False
    aliases: tuple[PersonId, ...] = ()


class Verdict(StrEnum):
    """What the user said. The catalog accepts every one of these from its first schema on."""

    NAME = "name"
    MERGE = "merge"
    SPLIT = "split"
    REJECT = "reject"
    CONFIRM = "confirm"
    IGNORE = "ignore"
    NOT_A_FACE = "not-a-face"
    COVER = "cover"
    SAME = "same"
    DIFFERENT = "different"
    UNDO = "undo"
    REDO = "redo"


class FaceRole(StrEnum):
    """What a decision says about one face."""

    VOTE = "vote"  # was there; stays automatic
    CONFIRMED = "confirmed"  # never moves by itself
    REJECTED = "rejected"  # is not this person
    COVER = "cover"
    NOT_A_FACE = "not-a-face"


@dataclass(frozen=True, slots=True, order=True)
class Anchor:
    """Where a decision holds on: a place in a picture, not a row in a table.

    It survives another detector, another model and a lost cache.

    Args:
        content_key: of the photo; of a video, `frame_key` of the picture.
        box: raster, relative (0..1).
    """

    content_key: str
    box: Box

    @property
    def photo_key(self) -> str:
        """The content key of the photo or video."""
        return photo_key(self.content_key)

    @property
    def seconds(self) -> float | None:
        """When in its video the picture is; None on a photo."""
        _, at, seconds = self.content_key.partition(_AT)
        return float(seconds) if at else None


@dataclass(frozen=True, slots=True)
class DecisionFace:
    """One face that a decision speaks about, and for which person."""

    anchor: Anchor
    person: PersonId
    role: FaceRole


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the append-only log.

    Args:
        id: grows by one with every decision.
        made_at: ISO 8601, UTC.
        verdict: what was said.
        people: the people spoken of; the first is the subject (a merge's survivor).
        name: for `name`: the label. None when it has been erased (`forget`) or does not apply.
        faces: the faces spoken of.
        target: for `undo` and `redo`: the decision taken back or brought back.
    """

    id: int
    made_at: str
    verdict: Verdict
    people: tuple[PersonId, ...] = ()
    name: str | None = None
    faces: tuple[DecisionFace, ...] = ()
    target: int | None = None
