"""What `identify` tells: pictures, their faces, and who those may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.grouping.openset import Finding

if TYPE_CHECKING:
    from facesort.domain import PersonId
    from facesort.jobs.recognising.seeing import SeenFace, SeenPhoto

__all__ = ["Candidate", "Identification", "IdentifiedFace", "IdentifiedPhoto"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person that a face may be.

    Args:
        person: their id.
        name: theirs, if they have one.
        similarity: mean cosine to the faces that stand for them.
        probability: of being them; None where the card does not say.
        is_ignored: the user asked not to be shown them.
    """

    person: PersonId
    name: str | None
    similarity: float
    probability: float | None
    is_ignored: bool

    def to_json(self) -> dict[str, object]:
        """Return its part of the document."""
        return {
            "person": self.person,
            "name": self.name,
            "similarity": self.similarity,
            "probability": self.probability,
            "ignored": self.is_ignored,
        }


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedFace:
    """A face and who it may be.

    Args:
        face: where it is.
        finding: whether the first candidate is close enough, and clearly ahead of the second.
        candidates: the two nearest people, nearest first; fewer where there are fewer people.
        is_poor: its quality is below what starts a person in a library.
    """

    face: SeenFace
    finding: Finding
    candidates: tuple[Candidate, ...]
    is_poor: bool

    @property
    def person(self) -> Candidate | None:
        """Who it is: None for somebody unknown, ambiguous or ignored."""
        if self.finding is not Finding.KNOWN or self.candidates[0].is_ignored:
            return None
        return self.candidates[0]

    @property
    def verdict(self) -> str:
        """`known`, `ambiguous`, `unknown`; or `ignored` for who is known but not to be shown."""
        if self.finding is Finding.KNOWN and self.candidates[0].is_ignored:
            return "ignored"
        return self.finding.value

    def to_json(self) -> dict[str, object]:
        """Return its part of the document."""
        known = self.person
        return {
            **self.face.to_json(),
            "low_quality": self.is_poor,
            "verdict": self.verdict,
            "person": known.person if known else None,
            "name": known.name if known else None,
            "similarity": known.similarity if known else None,
            "probability": known.probability if known else None,
            "nearest": [candidate.to_json() for candidate in self.candidates],
        }


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedPhoto:
    """A picture and who is on it.

    Args:
        photo: what was seen.
        faces: from left to right.
        is_known: the library has this very picture.
    """

    photo: SeenPhoto
    faces: tuple[IdentifiedFace, ...]
    is_known: bool

    def to_json(self) -> dict[str, object]:
        """Return its part of the document."""
        error = self.photo.error
        return {
            "photo": str(self.photo.path),
            "error": None if error is None else error.message,
            "in_library": self.is_known,
            "faces": [face.to_json() for face in self.faces],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """What `identify` found.

    Args:
        photos: in the given order.
        people: how many people the faces were compared with.
        min_cosine: the mean cosine that a person of one photo needed.
        model: the embedder's name.
    """

    photos: tuple[IdentifiedPhoto, ...]
    people: int
    min_cosine: float
    model: str

    @property
    def failed(self) -> int:
        """How many pictures could not be read."""
        return sum(one.photo.error is not None for one in self.photos)

    def to_json(self) -> dict[str, object]:
        """Return the document of `identify --json`."""
        return {
            "photos": [photo.to_json() for photo in self.photos],
            "people": self.people,
            "threshold": self.min_cosine,
            "model": self.model,
        }
