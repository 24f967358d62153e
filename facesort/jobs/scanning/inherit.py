"""Edits and crops of known photos: what was said of a face may be meant of its other picture too.

Only explicit words are offered (confirmed, rejected, no face); who was merely there follows from
looks anyway. Nothing is taken over without being asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import columns, places, vectors
from facesort.domain import Box, Verdict, photo_key
from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.inherit import FaceSet, Picture, alike_photos, same_faces
from facesort.imaging.geometry import swaps_axes, to_upright
from facesort.jobs.grouping.calibrated import calibration_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.domain import Anchor, FaceColumns, FaceId, PersonId, Photo, PhotoId
    from facesort.grouping.standing import Standing
    from facesort.inference.card import ModelCard
    from facesort.jobs.showing.situation import Situation
    from facesort.protocols import Vectors

__all__ = ["Resemblance", "Suggestion", "resemblances", "suggestions"]

# Two strangers are so much alike once in a million times.
_STRANGERS_RATE = 1e-6


@dataclass(frozen=True, slots=True)
class Resemblance:
    """A face that is the same as one of another photo, about which something was said.

    Args:
        face: of the edited photo.
        source: the face that was spoken of.
        cosine: of the two.
        photos: where the two are.
    """

    face: FaceId
    source: FaceId
    cosine: float
    photos: tuple[Path, Path]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What was said of a face's other picture.

    Args:
        like: the two faces.
        verdict: CONFIRM, REJECT or NOT_A_FACE.
        person: who the face is, or is not; None for what is no face.
    """

    like: Resemblance
    verdict: Verdict
    person: PersonId | None


@dataclass(frozen=True, slots=True, eq=False)
class _Faces:
    """Faces with vectors, and which of them were spoken of."""

    found: FaceColumns
    vectors: Vectors
    spoken: NDArray[np.bool_]

    def of(self, photo: PhotoId) -> NDArray[np.int64]:
        """Return the rows of a photo's faces."""
        return np.flatnonzero(self.found.photo_ids == photo)


def resemblances(
    db: Database,
    standing: Standing,
    card: ModelCard,
    *,
    min_face: int,
    newer_than: PhotoId | None = None,
) -> list[Resemblance]:
    """Find the faces that look like others that were spoken of; call it inside a snapshot.

    Args:
        db: the catalog.
        standing: what the decisions add up to.
        card: of the embedder in use.
        min_face: smaller faces do not count, pixels.
        newer_than: only faces on photos that the catalog got to know after this one.
    """
    anchors = _spoken_of(standing)
    calibration = calibration_of(db, card)
    if not anchors or calibration is None:
        return []
    min_cosine = calibration.min_cosine(_STRANGERS_RATE)
    known = _faces(
        db, card, columns.columns_on(db, {a.photo_key for a in anchors}, min_face=min_face), anchors
    )
    found = (
        columns.columns(db, min_face=min_face)
        if newer_than is None
        else columns.columns_on(db, places.keys_since(db, newer_than), min_face=min_face)
    )
    others = _faces(db, card, found, anchors)
    spoken = np.flatnonzero(known.spoken)
    silent = np.flatnonzero(~others.spoken)
    pairs = alike_photos(_set(known, spoken), _set(others, silent), min_cosine=min_cosine)
    photos = places.photos(db, {photo for pair in pairs for photo in pair})
    best: dict[FaceId, Resemblance] = {}
    for one, other in pairs:
        for like in _between((known, one), (others, other), photos, min_cosine):
            if like.face not in best or best[like.face].cosine < like.cosine:
                best[like.face] = like
    return [best[face] for face in sorted(best)]


def _spoken_of(standing: Standing) -> set[Anchor]:
    rejected = {anchor for anchor, people in standing.rejected.items() if people}
    said = {*standing.confirmed, *standing.not_faces, *rejected}
    # A frame of a video is no photo that somebody would edit.
    return {anchor for anchor in said if anchor.seconds is None}


def _faces(db: Database, card: ModelCard, found: FaceColumns, anchors: set[Anchor]) -> _Faces:
    """Read the vectors of faces; those without one, and those of videos, are left out."""
    aligned, seen = vectors.aligned(db, card.model_key, found.ids)
    on_photos = np.array([key == photo_key(key) for key in found.picture_keys], dtype=bool)
    rows = np.flatnonzero(seen & on_photos)
    found, aligned = found.subset(rows), aligned[rows]
    index = AnchorIndex(found)
    spoken = np.zeros(len(found), dtype=bool)
    spoken[[row for anchor in anchors if (row := index.find(anchor)) is not None]] = True
    return _Faces(found, aligned, spoken)


def _set(faces: _Faces, rows: NDArray[np.int64]) -> FaceSet:
    """Return faces without boxes: they are read for the few photos that need them."""
    return FaceSet(faces.found.photo_ids[rows], (), faces.vectors[rows])


def _between(
    known: tuple[_Faces, PhotoId],
    other: tuple[_Faces, PhotoId],
    photos: Mapping[PhotoId, Photo],
    min_cosine: float,
) -> Iterator[Resemblance]:
    rows = known[0].of(known[1]), other[0].of(other[1])
    pictures = photos[known[1]], photos[other[1]]
    same = same_faces(
        _upright(known[0], rows[0], pictures[0]),
        _upright(other[0], rows[1], pictures[1]),
        (_picture(pictures[0]), _picture(pictures[1])),
        min_cosine=min_cosine,
    )
    for mine, theirs, cosine in same:
        source, face = rows[0][mine], rows[1][theirs]
        if known[0].spoken[source] and not other[0].spoken[face]:
            yield Resemblance(
                other[0].found.ids[face],
                known[0].found.ids[source],
                cosine,
                (pictures[1].places[0].path, pictures[0].places[0].path),
            )


def _upright(faces: _Faces, rows: NDArray[np.int64], photo: Photo) -> FaceSet:
    turn = photo.places[0].orientation
    boxes = []
    for left, top, right, bottom in faces.found.boxes[rows].tolist():
        raster = Box(
            left * photo.width, top * photo.height, right * photo.width, bottom * photo.height
        )
        boxes.append(to_upright(raster, photo.width, photo.height, turn))
    return FaceSet(faces.found.photo_ids[rows], boxes, faces.vectors[rows])


def _picture(photo: Photo) -> Picture:
    sides = (photo.width, photo.height)
    width, height = sides[::-1] if swaps_axes(photo.places[0].orientation) else sides
    stems = tuple(sorted({place.path.stem for place in photo.places}))
    return Picture(width, height, photo.taken_at, photo.camera, stems)


def suggestions(situation: Situation, found: list[Resemblance]) -> list[Suggestion]:
    """Say what follows for each face, where that would change something.

    Args:
        situation: with the faces of both photos.
        found: from `resemblances`.
    """
    standing, owners = situation.standing, situation.people.owners
    by_face: dict[FaceId, list[Anchor]] = {}
    taken: set[tuple[PhotoId, PersonId]] = set()  # nobody is on a photo twice
    for anchor, face in situation.find(_spoken_of(standing)).items():
        by_face.setdefault(face, []).append(anchor)
        if anchor in standing.confirmed and face in owners:
            person = standing.survivor(standing.votes[anchor])
            taken.add((situation.faces[face].photo_id, person))
    made = []
    for like in sorted(found, key=lambda like: (-like.cosine, like.face)):
        for anchor in by_face.get(like.source, ()) if like.face in owners else ():
            suggested = _suggested(standing, like, anchor, owners[like.face])
            if suggested is None:
                continue
            if suggested.verdict is Verdict.CONFIRM and suggested.person is not None:
                place = (situation.faces[like.face].photo_id, suggested.person)
                if place in taken:
                    continue
                taken.add(place)
            made.append(suggested)
    return sorted(made, key=lambda one: (one.like.photos[0], one.like.face))


def _suggested(
    standing: Standing, like: Resemblance, anchor: Anchor, owner: PersonId | None
) -> Suggestion | None:
    if anchor in standing.not_faces:
        return Suggestion(like, Verdict.NOT_A_FACE, None)
    if anchor in standing.confirmed:
        return Suggestion(like, Verdict.CONFIRM, standing.survivor(standing.votes[anchor]))
    denied = {standing.survivor(person) for person in standing.rejected.get(anchor, ())}
    return Suggestion(like, Verdict.REJECT, owner) if owner in denied else None
