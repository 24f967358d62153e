"""Everybody as a sitting begins: what `ReviewState` is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from facesort.domain import FaceId, PersonId
    from facesort.protocols import Vectors
    from facesort.review.questions import Kind

__all__ = ["NO_MOMENT", "Crowd", "Doubt", "Loose", "Part", "Suspect", "Twice"]

# Of a face that may be on the same picture as another one of its person: in a video.
NO_MOMENT = -1


@dataclass(frozen=True, slots=True, eq=False)
class Suspect:
    """A face that may not be whose it is.

    Args:
        face: which.
        person: whose it is now.
        vector: (d,) unit float32.
        chance: that it belongs, 0..1.
    """

    face: FaceId
    person: PersonId
    vector: NDArray[np.float32]
    chance: float


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some of a person's faces that may be another one.

    Args:
        person: whose they are now.
        faces: the smaller part, at least two, in the order they should be shown.
        total: (d,) sum of their vectors.
        chance: that they are somebody else, 0..1.
    """

    person: PersonId
    faces: tuple[FaceId, ...]
    total: NDArray[np.float32]
    chance: float


@dataclass(frozen=True, slots=True, eq=False)
class Twice:
    """Two faces of one photo that look like one person.

    Args:
        faces: the two.
        people: whose each is; None for nobody's.
        chance: that they are one person, 0..1.
    """

    faces: tuple[FaceId, FaceId]
    people: tuple[PersonId | None, PersonId | None]
    chance: float


@dataclass(frozen=True, slots=True, eq=False)
class Loose:
    """Faces that grouping left with nobody.

    Args:
        faces: m ids.
        vectors: (m, d) unit float32.
        moments: (m,) as in `Crowd`.
        denied: of faces of which that was said, the people that they are not.
        quality: (m,) 0..1; None: not known. What is with nobody is poor as a rule, and poor faces
            are alike for that.
    """

    faces: tuple[FaceId, ...]
    vectors: Vectors
    moments: NDArray[np.int64]
    denied: Mapping[FaceId, tuple[PersonId, ...]] = field(default_factory=dict)
    quality: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if not len(self.faces) == len(self.vectors) == len(self.moments):
            raise ValueError("faces, vectors and moments are not of one length")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that the user could not say.

    Args:
        kind: what was asked.
        people: of whom, the subject first; of WHO also those who were listed as guesses.
        faces: which faces were asked about.
        sizes: how many faces each of the people had; None: it is not asked in this sitting.
    """

    kind: Kind
    people: tuple[PersonId, ...]
    faces: tuple[FaceId, ...] = ()
    sizes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """People, their faces, and what is to be asked.

    Args:
        people: p ids, as shown.
        sums: (p, d) float32, the vectors of each added up.
        weights: (p,) of how many faces; 0 where none has a vector.
        faces: n ids, those of one person together, in the order of `people`.
        first: (p + 1,) where each one's faces begin.
        moments: (n,) faces of equal moments are on one picture, so that they are two people as a
            rule; NO_MOMENT where that is not so. Most often the photo.
        photos: (p,) on how many photos each one is.
        names: of those who have one.
        ignored: those whom the user does not want to see.
        different: pairs who were declared different, or kept apart by rejected faces.
        doubts: what the user could not say before.
        suspects: faces that may not be whose they are.
        parts: people who may be two.
        twice: photos that may show one person twice.
        prominence: (p,) 0..1, quality of each best face: strangers in the background are small
            and blurred. None: not known.
        vector_of: finds the vector of any face that is neither suspect nor loose; None: no vector.
        loose: faces that are with nobody.
    """

    people: tuple[PersonId, ...]
    sums: Vectors
    weights: NDArray[np.int64]
    faces: tuple[FaceId, ...]
    first: NDArray[np.int64]
    moments: NDArray[np.int64]
    photos: NDArray[np.int64]
    names: Mapping[PersonId, str] = field(default_factory=dict)
    ignored: frozenset[PersonId] = frozenset()
    different: tuple[tuple[PersonId, PersonId], ...] = ()
    doubts: tuple[Doubt, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    parts: tuple[Part, ...] = ()
    twice: tuple[Twice, ...] = ()
    prominence: NDArray[np.float32] | None = None
    vector_of: Callable[[FaceId], NDArray[np.float32] | None] | None = None
    loose: Loose | None = None

    def __post_init__(self) -> None:
        p = len(self.people)
        lengths = {len(self.sums), len(self.weights), len(self.photos), len(self.first) - 1}
        if lengths != {p} or len(self.moments) != len(self.faces):
            raise ValueError("the columns of people or of faces are not of one length")
