"""How far a review has come, and what an answer did to it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Applied", "Progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Faces that are settled, of those that matter.

    What matters are the faces of people with a name, of ignored people, and of whoever is on at
    least `min_photos` photos. Settled are those of people with a name and of ignored ones.

    Args:
        settled: faces.
        total: faces.
        answers_to_99: how many more answers it takes, about, until 99 of 100 are settled; as many
            as there are to come where some of them cannot be, because the user was not sure.
    """

    settled: int
    total: int
    answers_to_99: int

    @property
    def share(self) -> float:
        """Settled of all, 0..1; 1 where nothing matters."""
        return self.settled / self.total if self.total else 1.0


@dataclass(frozen=True, slots=True)
class Applied:
    """What an answer changed.

    Args:
        rows: how many people.
        settled: by how many faces what is settled has grown.
    """

    rows: int
    settled: int
