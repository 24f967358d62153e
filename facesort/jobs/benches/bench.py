"""Benchmarks of accuracy on labelled photos: `bench lfw` and `bench clusters`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog import photos as catalog
from facesort.catalog import places, vectors
from facesort.descriptors.compact import fit_code
from facesort.domain import FaceMatrix
from facesort.errors import UsageError
from facesort.evaluation.clustering import ClusterResult, judge_clusters
from facesort.evaluation.pairs import read_pairs
from facesort.evaluation.truth import DetectedPhoto, TruthRow, match_faces, read_truth
from facesort.evaluation.verification import LfwResult, judge_all_pairs, judge_folds
from facesort.imaging.geometry import to_upright, upright_size

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.domain import Box, Face, FaceId, Photo, PhotoId
    from facesort.inference.card import ModelCard
    from facesort.jobs.showing.situation import Situation

__all__ = [
    "Seen",
    "bench_clusters",
    "bench_lfw",
    "compacted",
    "detected_photos",
    "face_owners",
    "labelled_faces",
    "seen",
]


def detected_photos(
    faces: Iterable[Face], photos: Mapping[PhotoId, Photo]
) -> dict[Path, DetectedPhoto]:
    """Return what was found on every photo, under each of its places."""
    by_photo: dict[PhotoId, list[Face]] = {}
    for face in faces:
        by_photo.setdefault(face.photo_id, []).append(face)
    found: dict[Path, DetectedPhoto] = {}
    for photo in photos.values():
        for place in photo.places:
            turn = (photo.width, photo.height, place.orientation)
            boxes: list[tuple[FaceId, Box]] = [
                (face.id, to_upright(face.box, *turn)) for face in by_photo.get(photo.id, ())
            ]
            found[place.path] = DetectedPhoto(*upright_size(*turn), boxes)
    return found


def bench_clusters(
    truth: Path, situation: Situation, photos: Mapping[PhotoId, Photo]
) -> ClusterResult:
    """Judge the people of a library against the truth.

    Args:
        truth: a CSV file, or a folder whose subfolders are people.
        situation: who is who.
        photos: all of them.

    Raises:
        UsageError: the truth cannot be read, or the library knows none of its photos.
    """
    rows = [_resolved(row) for row in read_truth(truth)]
    known = detected_photos(situation.faces.values(), photos)
    if not any(row.photo in known for row in rows):
        raise UsageError(
            f"this library has none of the photos of {truth}",
            hint="Scan them first, or name their library with --library.",
        )
    matched = match_faces(rows, known)
    return judge_clusters(
        [row.person for row in rows],
        [None if face is None else situation.people.owners[face] for face in matched],
        found=[face is not None for face in matched],
    )


def _resolved(row: TruthRow) -> TruthRow:
    # Places are stored under real folders; the file itself may be a link.
    real = row.photo.parent.resolve() / row.photo.name
    return TruthRow(real, row.person, row.box)


class Seen(NamedTuple):
    """Everything that a library has seen: faces, their vectors, and the photos."""

    faces: list[Face]
    matrix: FaceMatrix
    photos: dict[PhotoId, Photo]


def seen(db: Database, card: ModelCard, *, min_face: int) -> Seen:
    """Read all faces of a library with the vectors of one model.

    Args:
        db: the catalog.
        card: the embedder's.
        min_face: smaller faces do not count, pixels.
    """
    with db.snapshot():
        return Seen(
            list(catalog.faces(db, min_face=min_face)),
            vectors.matrix(db, card.model_key),
            places.photos(db),
        )


def labelled_faces(
    truth: Path, faces: Iterable[Face], photos: Mapping[PhotoId, Photo]
) -> list[tuple[TruthRow, FaceId | None]]:
    """Find the face that each line of a truth means, None where there is none.

    Args:
        truth: a CSV file, or a folder whose subfolders are people: of each of their photos the
            largest central face.
        faces: all that were found.
        photos: all of them.

    Raises:
        UsageError: the truth cannot be read.
    """
    rows = [_resolved(row) for row in read_truth(truth)]
    return list(zip(rows, match_faces(rows, detected_photos(faces, photos)), strict=True))


def face_owners(
    truth: Path, seen: Iterable[Face], photos: Mapping[PhotoId, Photo], *, known: Container[FaceId]
) -> tuple[dict[FaceId, str], int]:
    """Return whose each face of a truth is, and how many of its lines mean no known face.

    A photo that lies there twice is one; in the folders of two people it is nobody's.

    Args:
        truth: a CSV file, or a folder whose subfolders are people.
        seen: all faces that were found.
        photos: all of them.
        known: the faces that count.

    Raises:
        UsageError: the truth cannot be read.
    """
    owners: dict[FaceId, set[str]] = {}
    missing = 0
    for line, face in labelled_faces(truth, seen, photos):
        if face is None or face not in known:
            missing += 1
        else:
            owners.setdefault(face, set()).add(line.person)
    return {face: names.pop() for face, names in owners.items() if len(names) == 1}, missing


def compacted(matrix: FaceMatrix) -> FaceMatrix:
    """Return vectors as `library compact` would keep them in a library of just these faces."""
    if not len(matrix):
        return matrix
    code = fit_code(matrix.vectors, matrix.model_key)
    return FaceMatrix(matrix.face_ids, code.seen(matrix.vectors), matrix.model_key)


def bench_lfw(
    folder: Path,
    pairs_file: Path,
    faces: Iterable[Face],
    matrix: FaceMatrix,
    photos: Mapping[PhotoId, Photo],
) -> LfwResult:
    """Run FaceNet's LFW protocol, and count all pairs of the folder.

    Args:
        folder: NAME/NAME_0001.jpg and so on, scanned.
        pairs_file: LFW's pairs.txt.
        faces: all faces found there; the largest central one of each photo counts.
        matrix: their vectors.
        photos: all of them.
    """
    folds = read_pairs(pairs_file)
    labelled = labelled_faces(folder, faces, photos)
    chosen = {os.fspath(row.photo): face for row, face in labelled}
    position = {face: i for i, face in enumerate(matrix.face_ids)}
    root = folder.resolve()

    def row_of(relative: str) -> int | None:
        face = chosen.get(os.fspath(root / relative))
        return None if face is None else position.get(face)

    cosines: list[list[float | None]] = []
    for fold in folds:
        ends = [(row_of(p.first.relative_path), row_of(p.second.relative_path)) for p in fold]
        cosines.append(
            [
                None if a is None or b is None else float(matrix.vectors[a] @ matrix.vectors[b])
                for a, b in ends
            ]
        )
    judged = judge_folds(cosines, [[pair.same for pair in fold] for fold in folds])
    found = [
        (position[face], row.person)
        for row, face in labelled
        if face is not None and face in position
    ]
    everything = judge_all_pairs(
        matrix.vectors[[i for i, _ in found]], [person for _, person in found]
    )
    return LfwResult(judged, everything)
