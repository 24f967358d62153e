"""Faces: one by one, as columns of many, and their vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain.pictures import Anchor, Box
from facesort.errors import ModelMismatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Self

    from numpy.typing import NDArray

    from facesort.domain.keys import FaceId, PersonId, PhotoId

__all__ = ["Face", "FaceColumns", "FaceMatrix", "GroupedFaces"]


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
class GroupedFaces:
    """Faces as the last grouping assigned them.

    Args:
        ids: n face ids, in any order.
        photo_ids: (n,) int64 row ids of their photos.
        person_ids: p identities.
        person: (n,) int32 whose each is: a place in `person_ids`.
        spans: by row, from when to when a video shows the face.
    """

    ids: Sequence[FaceId]
    photo_ids: NDArray[np.int64]
    person_ids: Sequence[PersonId]
    person: NDArray[np.int32]
    spans: Mapping[int, tuple[float, float]] = field(default_factory=dict)

    def subset(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the faces."""
        chosen = rows.tolist()
        return type(self)(
            [self.ids[row] for row in chosen],
            self.photo_ids[rows],
            self.person_ids,
            self.person[rows],
            {new: self.spans[old] for new, old in enumerate(chosen) if old in self.spans},
        )


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


@dataclass(frozen=True, slots=True, eq=False)
class FaceColumns:
    """Many faces as columns, in anchor order: a million of them take about 250 MB.

    Args:
        ids: n face ids.
        photo_ids: (n,) int64 row ids of their photos.
        picture_keys: n anchors' keys (`frame_key`); faces of one picture share the string.
        boxes: (n, 4) float64 left, top, right, bottom, raster, relative (0..1).
        quality: (n,) float32, 0..1.
        spans: by row, from when to when a video shows the face; faces on photos are left out.
    """

    ids: tuple[FaceId, ...]
    photo_ids: NDArray[np.int64]
    picture_keys: tuple[str, ...]
    boxes: NDArray[np.float64]
    quality: NDArray[np.float32]
    spans: Mapping[int, tuple[float, float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def anchor(self, row: int) -> Anchor:
        """Return what a decision about the face holds on to."""
        return Anchor(self.picture_keys[row], Box(*self.boxes[row].tolist()))

    def subset(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the faces; `rows` rise, so that the order stays."""
        chosen = rows.tolist()
        spans = (
            {new: self.spans[old] for new, old in enumerate(chosen) if old in self.spans}
            if self.spans
            else {}
        )
        return type(self)(
            tuple(self.ids[row] for row in chosen),
            self.photo_ids[rows],
            tuple(self.picture_keys[row] for row in chosen),
            self.boxes[rows],
            self.quality[rows],
            spans,
        )

    @classmethod
    def merged(cls, parts: Sequence[Self]) -> tuple[Self, NDArray[np.int64]]:
        """Return the faces of several columns, no face twice, as one; and where each came from.

        Returns:
            The columns; (n,) for each row its row in the parts laid end to end.
        """
        ids = [face for part in parts for face in part.ids]
        keys = [key for part in parts for key in part.picture_keys]
        boxes = np.concatenate([part.boxes for part in parts])
        order = sorted(range(len(ids)), key=lambda row: (keys[row], *boxes[row].tolist()))
        rows = np.array(order, dtype=np.int64)
        spans: dict[int, tuple[float, float]] = {}
        place = np.argsort(rows)
        start = 0
        for part in parts:
            spans |= {int(place[start + row]): span for row, span in part.spans.items()}
            start += len(part)
        merged = cls(
            tuple(ids[row] for row in order),
            np.concatenate([part.photo_ids for part in parts])[rows],
            tuple(keys[row] for row in order),
            boxes[rows],
            np.concatenate([part.quality for part in parts])[rows],
            spans,
        )
        return merged, rows

    @classmethod
    def of(cls, faces: Iterable[Face]) -> Self:
        """Return the columns of faces in any order."""
        ordered = sorted(faces, key=lambda face: face.anchor)
        boxes = [tuple(getattr(f.anchor.box, side) for side in Box.__slots__) for f in ordered]
        return cls(
            tuple(face.id for face in ordered),
            np.array([face.photo_id for face in ordered], dtype=np.int64),
            tuple(face.anchor.content_key for face in ordered),
            np.array(boxes, dtype=np.float64).reshape(-1, 4),
            np.array([face.quality for face in ordered], dtype=np.float32),
            {row: face.span for row, face in enumerate(ordered) if face.span is not None},
        )
