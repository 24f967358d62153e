"""Which photo is an edit or a crop of which, and which of their faces are the same one. Pure.

An edited photo has another content key, so that decisions about the original say nothing of it.
Nothing follows from that alone: the same people, photographed twice, look as much alike. So two
photos count as one picture only when their faces fit one scale and shift, and either several faces
do, or the camera's time or the file's name says that they belong together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.domain import PhotoId
    from facesort.protocols import Vectors

__all__ = ["FaceSet", "Picture", "alike_photos", "same_faces"]

# Without the camera's time or the file's name, faces must be almost equal. SFace, 2026-11-22, 80
# photos of portraits and public figures, each cropped, made smaller, and made grey: the median
# cosine of a face and its edit is .93 to .96; two photos of one person have .74, 3.6 % of them .85
# or more. With names, 2,927 pairs of other photos of these people gave no false match.
_NEARLY_EQUAL = 0.85

_WITHOUT_EVIDENCE = 2  # that many of them

# A mapped box and the detector's box of the edited photo overlap at least this much.
_MIN_OVERLAP = 0.35

# A crop lies in its original; retouching and straightening move its edges by less than this share.
_SLACK = 0.1

_BLOCK = 2048  # rows compared at a time

# What editors, copies and exports add to a name: "IMG_1-2", "IMG_1 (2)", "IMG_1_edit".
_ADDED = re.compile(r"[ ._\-(~+]")


@dataclass(frozen=True, slots=True)
class Picture:
    """What tells whether two photos show one picture.

    Args:
        width: upright pixels.
        height: upright pixels.
        taken_at: as the camera wrote it, or empty.
        camera: its model, or empty.
        stems: names of its files, without folder and extension.
    """

    width: float
    height: float
    taken_at: str
    camera: str
    stems: tuple[str, ...]

    def belongs_to(self, other: Picture) -> bool:
        """Whether time and camera, or a name made from the other's, connect the two."""
        if self.taken_at and other.taken_at:
            # Names alone repeat: every camera has its IMG_0001, again and again.
            return (self.taken_at, self.camera) == (other.taken_at, other.camera)
        return any(_made_from(a, b) for a in self.stems for b in other.stems)


def _made_from(one: str, other: str) -> bool:
    short, long = sorted((one.casefold(), other.casefold()), key=len)
    return long == short or (long.startswith(short) and bool(_ADDED.match(long[len(short)])))


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Faces in row order.

    Args:
        photo_ids: (n,) their photos.
        boxes: n boxes, upright pixels.
        vectors: (n, d) unit length.
    """

    photo_ids: NDArray[np.int64]
    boxes: Sequence[Box]
    vectors: Vectors


def alike_photos(
    known: FaceSet, others: FaceSet, *, min_cosine: float
) -> list[tuple[PhotoId, PhotoId]]:
    """Return the pairs of different photos that have a face each that is that much alike."""
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(others.photo_ids), _BLOCK):
        cosines = known.vectors @ others.vectors[start : start + _BLOCK].T
        rows, columns = np.nonzero(cosines >= min_cosine)
        one, other = known.photo_ids[rows], others.photo_ids[start + columns]
        apart = one != other
        pairs.update(zip(one[apart].tolist(), other[apart].tolist(), strict=True))
    return sorted(pairs)  # type: ignore[arg-type]  # row ids, as they were given


def same_faces(
    one: FaceSet, other: FaceSet, pictures: tuple[Picture, Picture], *, min_cosine: float
) -> list[tuple[int, int, float]]:
    """Return which faces of two photos are the same, if the two show the same picture.

    Args:
        one: all faces of the one photo.
        other: all faces of the other.
        pictures: what is known of the two.
        min_cosine: less alike faces are not the same.

    Returns:
        Row in the one, row in the other, cosine; nothing when they do not show one picture.
    """
    if pictures[0].taken_at and pictures[1].taken_at and not pictures[0].belongs_to(pictures[1]):
        return []  # taken at different times, however alike they are: a tripod does that
    pairs = _one_to_one(one.vectors @ other.vectors.T, min_cosine)
    fitting: list[tuple[int, int, float]] = []
    for mine, theirs, _ in pairs:
        found = _Map.of(one.boxes[mine], other.boxes[theirs])
        if not found.keeps_frame(*pictures):
            continue
        fit = [pair for pair in pairs if found.fits(one.boxes[pair[0]], other.boxes[pair[1]])]
        fitting = max(fitting, fit, key=len)
    if pictures[0].belongs_to(pictures[1]):
        return fitting
    # A tripod, or a row of people for the school's photographer: everybody stands where they stood.
    equal = sum(cosine >= _NEARLY_EQUAL for _, _, cosine in fitting)
    return fitting if equal >= _WITHOUT_EVIDENCE else []


def _one_to_one(cosines: NDArray[np.float32], min_cosine: float) -> list[tuple[int, int, float]]:
    """Pair the rows with the columns, the most alike first, each once."""
    rows, columns = np.nonzero(cosines >= min_cosine)
    best_first = np.argsort(-cosines[rows, columns], kind="stable")
    pairs: list[tuple[int, int, float]] = []
    taken: tuple[set[int], set[int]] = (set(), set())
    for row, column in _picked(rows, columns, best_first):
        if row not in taken[0] and column not in taken[1]:
            taken[0].add(row)
            taken[1].add(column)
            pairs.append((row, column, float(cosines[row, column])))
    return pairs


def _picked(
    rows: NDArray[np.intp], columns: NDArray[np.intp], order: NDArray[np.intp]
) -> Iterator[tuple[int, int]]:
    yield from zip(rows[order].tolist(), columns[order].tolist(), strict=True)


@dataclass(frozen=True, slots=True)
class _Map:
    """From pixels of the one picture to pixels of the other: times scale, plus shift."""

    scale: float
    right: float
    down: float

    @classmethod
    def of(cls, box: Box, other: Box) -> _Map:
        """Return the map that puts a box onto another, centre on centre and size on size."""
        scale = (other.area / box.area) ** 0.5
        return cls(
            scale,
            (other.left + other.right) / 2 - scale * (box.left + box.right) / 2,
            (other.top + other.bottom) / 2 - scale * (box.top + box.bottom) / 2,
        )

    def __call__(self, box: Box) -> Box:
        return Box(
            self.scale * box.left + self.right,
            self.scale * box.top + self.down,
            self.scale * box.right + self.right,
            self.scale * box.bottom + self.down,
        )

    def fits(self, box: Box, other: Box) -> bool:
        """Whether it puts the one face's box on the other's."""
        return self(box).overlap(other) >= _MIN_OVERLAP

    def keeps_frame(self, one: Picture, other: Picture) -> bool:
        """Whether one picture lies in the other: a crop does, another photo hardly ever."""
        frame = self(Box(0, 0, one.width, one.height))
        whole = Box(0, 0, other.width, other.height)
        return _within(frame, whole) or _within(whole, frame)


def _within(inner: Box, outer: Box) -> bool:
    across, down = _SLACK * inner.width, _SLACK * inner.height
    return (
        inner.left >= outer.left - across
        and inner.right <= outer.right + across
        and inner.top >= outer.top - down
        and inner.bottom <= outer.bottom + down
    )
