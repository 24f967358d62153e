"""Which photos of a person were chosen as the best different ones, and why each was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from facesort.registry import quality_of

if TYPE_CHECKING:
    from facesort.domain import Face, FaceId, Person, PhotoId
    from facesort.inference.card import ModelCard
    from facesort.jobs.viewing import SeenFace

__all__ = ["BestFace", "BestFaces", "Chosen", "Pick", "Why", "why"]


# Words about a face in one line of text.
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Pick:
    """One photo that was chosen.

    Args:
        face: its best face of the person.
        photo: the photo.
        burst: how many of the person's photos are of one burst with it, itself included.
        has_time: the burst is known by time; otherwise its photos are nearly the same.
        gain: (1 - cosine) / 2 to the nearest one chosen before; None for the first.
        is_poor: its quality is below that of a face that could stand for somebody.
        is_last: no good picture is left that was not chosen before.
        is_missing: the original is not there.
    """

    face: FaceId
    photo: PhotoId
    burst: int
    has_time: bool
    gain: float | None
    is_poor: bool
    is_last: bool
    is_missing: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """The best different photos of a person.

    Args:
        picks: in the order of their choice.
        photos: among how many photos they were chosen; without those of `odd`.
        bursts: how many different pictures these are.
        odd: faces whose photos were left out because they may show somebody else, the least alike
            first.
    """

    picks: tuple[Pick, ...]
    photos: int
    bursts: int
    odd: tuple[FaceId, ...]


class Why(NamedTuple):
    """Why a photo was chosen.

    Args:
        choice: what was decisive.
        looks: how well the face is seen: what is bad first, then what is good.
    """

    choice: tuple[str, ...]
    looks: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """All of it."""
        return self.choice + self.looks

    @property
    def text(self) -> str:
        """The most telling, as one line."""
        looks = ", ".join(self.looks[:_MOST_TOLD])
        return "; ".join((*self.choice, looks) if looks else self.choice)


@dataclass(frozen=True, slots=True)
class BestFace:
    """A chosen face with all that is known of it, and why it was chosen."""

    seen: SeenFace
    pick: Pick
    why: Why


@dataclass(frozen=True, slots=True)
class BestFaces:
    """The best faces of a person.

    Args:
        person: whose; without the tuple of faces.
        faces: how many there are in all.
        best: those chosen, in order.
        chosen: among what.
    """

    person: Person
    faces: int
    best: tuple[BestFace, ...]
    chosen: Chosen


def why(card: ModelCard, face: Face, pick: Pick, rank: int) -> Why:
    """Say why a photo was chosen.

    Args:
        card: the embedder's.
        face: the one that stands for the photo.
        pick: what the choice says of it.
        rank: its place in the order, from 1.
    """
    said = ["the best" if rank == 1 else "a different picture"]
    if pick.burst > 1:
        said = ["the best"] if rank == 1 else []
        alike = f"a burst of {pick.burst:,}" if pick.has_time else f"{pick.burst:,} nearly the same"
        said.append(f"best of {alike}")
    if pick.is_poor:
        said.append("poor, and no good one is left" if pick.is_last else "poor")
    if pick.is_missing:
        said.append("the original is missing")
    return Why(tuple(said), quality_of(card).reasons(face.measures))
