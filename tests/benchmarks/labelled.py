"""The faces of a scanned folder, with the names that its truth gives them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from facesort.domain import Box, FaceId
from facesort.evaluation.truth import DetectedPhoto, match_faces, read_truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.protocols import Vectors
    from tests.watched import Facesort

__all__ = ["Labelled", "is_even", "read_labelled"]


def is_even(person: str) -> bool:
    """Whether a person is of the half that calibrations are fitted on."""
    return int(hashlib.sha256(person.encode()).hexdigest(), 16) % 2 == 0


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The faces of a library, in order of photo and box.

    Args:
        ids: of the faces.
        vectors: (n, d) unit float32.
        qualities: (n,) 0..1.
        photos: (n,) paths.
        people: (n,) names; empty for a face that the truth does not speak of.
    """

    ids: tuple[FaceId, ...]
    vectors: Vectors
    qualities: NDArray[np.float64]
    photos: NDArray[np.str_]
    people: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.people)

    @property
    def stems(self) -> NDArray[np.str_]:
        """(n,) names of the photo files without suffix."""
        return np.array([Path(photo).stem for photo in self.photos])

    @property
    def folders(self) -> NDArray[np.str_]:
        """(n,) names of the folders that the photos lie in."""
        return np.array([Path(photo).parent.name for photo in self.photos])

    def take(self, which: NDArray[np.bool_]) -> Labelled:
        """Return some of the faces."""
        rows = np.flatnonzero(which)
        return Labelled(
            tuple(self.ids[row] for row in rows.tolist()),
            self.vectors[rows],
            self.qualities[rows],
            self.photos[rows],
            self.people[rows],
        )

    def named(self, *, even: bool) -> Labelled:
        """Return the faces of half of the people that the truth names."""
        half = [bool(person) and is_even(person) == even for person in self.people.tolist()]
        return self.take(np.array(half, dtype=bool))

    def and_of(self, other: Labelled) -> Labelled:
        """Return the faces of both."""
        return Labelled(
            self.ids + other.ids,
            np.concatenate([self.vectors, other.vectors]),
            np.concatenate([self.qualities, other.qualities]),
            np.concatenate([self.photos, other.photos]),
            np.concatenate([self.people, other.people]),
        )


def read_labelled(facesort: Facesort, model_key: str, truth: Path) -> Labelled:
    """Read the faces of a library, and find those that a truth speaks of.

    Args:
        facesort: the library.
        model_key: of the embedder.
        truth: a CSV file, or a folder whose subfolders are people.
    """
    lines = [json.loads(line) for line in facesort.run("faces").stdout.splitlines()]
    lines.sort(key=lambda line: (line["photo"], line["box"]))
    boxes: dict[str, list[tuple[FaceId, Box]]] = {}
    for line in lines:
        boxes.setdefault(line["photo"], []).append((FaceId(line["face"]), Box(*line["box"])))
    rows = read_truth(truth)
    photos = {row.photo: _detected(row.photo, boxes.get(str(row.photo), [])) for row in rows}
    person = {
        face: row.person
        for row, face in zip(rows, match_faces(rows, photos), strict=True)
        if face is not None
    }
    matrix = facesort.vectors(model_key)
    position = {face: row for row, face in enumerate(matrix.face_ids)}
    return Labelled(
        tuple(FaceId(line["face"]) for line in lines),
        matrix.vectors[[position[FaceId(line["face"])] for line in lines]],
        np.array([line["quality"] for line in lines], dtype=np.float64),
        np.array([line["photo"] for line in lines]),
        np.array([person.get(FaceId(line["face"]), "") for line in lines]),
    )


def _detected(photo: Path, faces: list[tuple[FaceId, Box]]) -> DetectedPhoto:
    with Image.open(photo) as opened:
        return DetectedPhoto(*opened.size, faces)
