"""Synthetic faces shaped like measured ones, up to a million: for scale, not for accuracy.

SFace on photos of people: two pictures of one person have a cosine of .70 +- .08, of two people
.09 +- .09; few people have many photos and many people few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.calibration import Calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["SHAPED_CALIBRATION", "ShapedFaces", "shaped_faces"]

# What these faces' strangers look like, from the construction below: person_variance is that of
# people, face_variance what single pictures add (checked in tests/unit/test_shaped.py).
SHAPED_CALIBRATION = Calibration(impostor_mean=0.09, person_variance=0.0037, face_variance=0.0044)

_DIMENSION = 128
_COMMON = 0.09  # share of what all faces have in common: the mean cosine of strangers
_PERSON = 0.82  # how much of the rest is the person, the other part is the picture
_PERSON_SPREAD = 0.07
_POOR = 0.03  # share of blurred faces
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class ShapedFaces:
    """Faces ordered by photo.

    Args:
        vectors: (n, 128) unit vectors.
        person: (n,) who each is.
        photo: (n,) on which photo; nobody is on one twice.
        quality: (n,) 0..1; below .3 the face is blurred and resembles other blurred ones.
    """

    vectors: Vectors
    person: NDArray[np.int64]
    photo: NDArray[np.int64]
    quality: NDArray[np.float32]


def shaped_faces(n: int, seed: int = 1) -> ShapedFaces:
    """Make n faces, equal for equal arguments; a million take about ten seconds."""
    random = np.random.default_rng(seed)
    person = np.repeat(np.arange(n), _sizes(n, random))[:n]
    people = random.standard_normal((int(person[-1]) + 1 if n else 0, _DIMENSION - 1), np.float32)
    person, photo = _photos(person, random)
    quality = random.uniform(0.35, 1.0, n).astype(np.float32)
    quality[random.random(n) < _POOR] = 0.1
    # Directions of unequal importance: strangers differ in about 100 of 127, which gives their sd.
    scale = np.sqrt(np.linspace(0.14, 1.86, _DIMENSION - 1, dtype=np.float32))
    people = _unit(people * scale)
    blur = _unit(random.standard_normal((1, _DIMENSION - 1), np.float32) * scale)
    vectors = np.empty((n, _DIMENSION), dtype=np.float32)
    vectors[:, 0] = np.sqrt(_COMMON)
    for at in range(0, n, _BLOCK):
        rows = slice(at, min(at + _BLOCK, n))
        who = person[rows]
        own = _unit(random.standard_normal((len(who), _DIMENSION - 1), np.float32) * scale)
        share = random.normal(_PERSON, _PERSON_SPREAD, len(who)).clip(0.5, 0.98)
        poor = quality[rows] < 0.3
        share[poor] *= 0.75
        own[poor] = _unit(own[poor] + blur)
        rest = np.sqrt(1 - share**2)
        mixed = share[:, None] * people[who] + rest[:, None] * own
        vectors[rows, 1:] = np.sqrt(1 - _COMMON) * _unit(mixed.astype(np.float32))
    return ShapedFaces(vectors, person, photo, quality)


def _sizes(n: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Photos of each person: one for about half of them, at most a hundredth of all for anybody."""
    sizes = np.floor(random.pareto(1.1, max(1, n)) + 1)
    largest = max(3, n // 100)
    kept: NDArray[np.int64] = np.minimum(sizes, largest).astype(np.int64)
    return kept


def _photos(
    person: NDArray[np.int64], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Put people of one circle on photos of one to five faces, and shuffle the photos."""
    n = len(person)
    order = np.argsort(person // 25 + random.random(n), kind="stable")
    person = person[order]
    faces = random.choice([1, 1, 1, 2, 2, 3, 5], max(1, n))
    photo = np.repeat(np.arange(len(faces)), faces)[:n]
    # Whoever is on a photo already gets one of their own.
    by_photo = np.lexsort((person, photo))
    again = np.zeros(n, dtype=bool)
    again[by_photo[1:]] = (np.diff(photo[by_photo]) == 0) & (np.diff(person[by_photo]) == 0)
    photo[again] = len(faces) + np.arange(int(again.sum()))
    place = random.permutation(len(faces) + int(again.sum()))[photo]
    rows = np.argsort(place, kind="stable")
    return person[rows], place[rows].astype(np.int64)


def _unit(vectors: Vectors) -> Vectors:
    scaled: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled
