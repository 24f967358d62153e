"""From what was seen of a face to the face that is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog.photos import NewFace
from facesort.domain import FaceId, frame_key, short_hash
from facesort.imaging.geometry import points_to_raster, to_raster
from facesort.vision.tracks import Sighting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from facesort.domain import Box
    from facesort.protocols import QualityScorer
    from facesort.vision.batches import Embedded
    from facesort.vision.multiscale import PhotoFace
    from facesort.vision.tracks import Appearance

__all__ = ["Turned", "face_id", "faces_of_photo", "faces_of_video", "sightings"]

Turned = tuple[int, int, int]  # raster width, raster height, EXIF orientation


def face_id(key: str, box: Box) -> FaceId:
    """Return the id of a face: a short hash of its picture's key and rounded raster box."""
    corners = (round(box.left), round(box.top), round(box.right), round(box.bottom))
    return FaceId("f" + short_hash(f"{key} {corners}", 12))


def sightings(
    faces: Sequence[PhotoFace],
    measures: Sequence[Mapping[str, float]],
    embedded: Embedded,
    quality: QualityScorer,
) -> list[Sighting]:
    """Join faces with their vectors.

    Args:
        faces: n of them.
        measures: of each, without the length of its embedding.
        embedded: of the same faces.
        quality: combines the measures.
    """
    joined = []
    for row, (face, seen) in enumerate(zip(faces, measures, strict=True)):
        measured = {**seen, "norm": round(float(embedded.norms[row]), 4)}
        if embedded.robustness is not None:
            measured["robustness"] = round(float(embedded.robustness[row]), 4)
        joined.append(Sighting(face, embedded.vectors[row], quality.score(measured), measured))
    return joined


def faces_of_photo(key: str, turned: Turned, seen: Iterable[Sighting]) -> tuple[NewFace, ...]:
    """Return what is stored of a photo's faces; two whose boxes round to the same are one.

    Args:
        key: the photo's content key.
        turned: how its raster lies.
        seen: in upright pixels.
    """
    faces: dict[FaceId, NewFace] = {}
    for sighting in seen:
        face = _new_face(key, turned, sighting, {})
        faces.setdefault(face.id, face)
    return tuple(faces.values())


def faces_of_video(key: str, turned: Turned, found: Iterable[Appearance]) -> tuple[NewFace, ...]:
    """Return what is stored of a video: one face for each appearance, with its time."""
    return tuple(
        _new_face(
            frame_key(key, one.seconds),
            turned,
            one.best,
            {"seconds": one.seconds, "from": one.start, "until": one.stop},
        )
        for one in found
    )


def _new_face(key: str, turned: Turned, seen: Sighting, times: dict[str, float]) -> NewFace:
    box = to_raster(seen.face.box, *turned)
    return NewFace(
        face_id(key, box),
        box,
        points_to_raster(seen.face.landmarks, *turned),
        seen.face.score,
        seen.quality,
        {**seen.measures, **times},
        seen.vector,
    )
