"""What questions about single faces are worth: doubted ones, nobody's, parts, and mirrors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.review.crowd import NO_MOMENT
from facesort.review.questions import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from facesort.review.claims import Claims
    from facesort.review.crowd import Part, Suspect
    from facesort.review.state import ReviewState

__all__ = ["MOST_SHOWN", "NOTHING", "Singles", "matters_to_join"]

# A face is asked about if it may not belong; a part if it may be another person, and before their
# name is if that is likely.
_DOUBTED, _MAY_BE_TWO, _LIKELY_TWO = 0.98, 0.05, 0.5
_DOUBTS_WORTH_ASKING = 0.02

# What faces matter of somebody whom the user does not want to see, or could not name.
_IGNORED, _UNNAMED = 0.25, 0.5

# And what faces of nobody do where more answers are expected than faces settled: poor pictures,
# asked about at the end, among strangers.
_WORTH_LESS = 0.1

MOST_SHOWN = 8

# Of a question that is not asked: what it settles, what it costs, how much that matters.
NOTHING = (0.0, 1.0, 0.0)


def matters_to_join(state: ReviewState, row: int) -> float:
    """Return how much it matters to know more faces of a row."""
    if state.ignored[row]:
        return _IGNORED
    return 1.0 if state.named[row] else _UNNAMED


class Singles:
    """Values questions about faces.

    Args:
        state: people and faces.
        claims: whose the faces of nobody may be.
    """

    def __init__(self, state: ReviewState, claims: Claims) -> None:
        self._state = state
        self._claims = claims
        self.photos = list(state.twice)

    def expected(self, kind: Kind, subject: int) -> tuple[float, float, float]:
        """Return expected faces settled, expected cost, and how much these faces matter."""
        if kind is Kind.BELONGS:
            wrong = sum(1 - suspect.chance for suspect in self.doubted(subject))
            return (wrong, 1 + wrong, 1.0) if wrong >= _DOUBTS_WORTH_ASKING else NOTHING
        if kind is Kind.ALSO:
            return self._also(subject)
        return self._two(subject) if kind is Kind.TWO else self._mirror(subject)

    def doubted(self, row: int) -> list[Suspect]:
        """Return the faces of a known person that may not be theirs, the least likely first."""
        state = self._state
        if not state.named[row] or not state.alive[row] or row not in state.suspects:
            return []
        doubted = [
            suspect
            for suspect in state.suspects[row]
            if suspect.chance < _DOUBTED and not state.is_held(Kind.BELONGS, [row], [suspect.face])
        ]
        return sorted(doubted, key=lambda suspect: (suspect.chance, suspect.face))[:MOST_SHOWN]

    def can_be_joined(self, row: int) -> bool:
        """Whether faces of nobody are offered to a row: others are asked about by name first."""
        state = self._state
        # What is with nobody is not shown: somebody ignored does not come back in it.
        if not state.alive[row] or state.ignored[row]:
            return False
        return bool(state.named[row]) or state.is_held(Kind.WHO, [row])

    def likely_theirs(self, row: int) -> list[tuple[int, float]]:
        """Return places of faces of nobody that are likely a row's, no two of them on a picture."""
        if row >= len(self._state) or not self.can_be_joined(row):
            return []
        loose = self._state.loose
        chosen: list[tuple[int, float]] = []
        seen: set[int] = set()
        for place in self._claims.of(row).tolist():
            moment = int(loose.moments[place])
            if moment in seen or self._state.is_held(Kind.ALSO, [row], [loose.faces[place]]):
                continue
            chosen.append((place, self._claims.chance(place)))
            if len(chosen) == MOST_SHOWN:
                break
            if moment != NO_MOMENT:
                seen.add(moment)
        return chosen

    def may_also_be(self, row: int, likely: Sequence[tuple[int, float]]) -> dict[int, float]:
        """Return who else some faces of nobody may be, and how likely the likeliest of them."""
        found: dict[int, float] = {}
        for place, _ in likely:
            for other, chance in self._claims.may_be(place).items():
                if other != row:
                    found[other] = max(found.get(other, 0.0), chance)
        return found

    def _also(self, row: int) -> tuple[float, float, float]:
        likely = self.likely_theirs(row)
        if not likely:
            return NOTHING
        settles = sum(chance for _, chance in likely)
        cost = 1 + len(likely) - settles
        matters = matters_to_join(self._state, row)
        return settles, cost, matters if settles > cost else _WORTH_LESS * matters

    def is_likely_two(self, row: int) -> bool:
        """Whether it is to be asked first whether somebody without a name is two people."""
        part = self._part(row)
        return part is not None and part.chance >= _LIKELY_TWO and not self._state.named[row]

    def _part(self, row: int) -> Part | None:
        """Return the faces of a row that may be another person's, if that is to be asked."""
        state, part = self._state, self._state.parts.get(row)
        if part is None or part.chance < _MAY_BE_TWO or not state.alive[row]:
            return None
        return None if state.ignored[row] or state.is_held(Kind.TWO, [row]) else part

    def _two(self, row: int) -> tuple[float, float, float]:
        part = self._part(row)
        if part is None:
            return NOTHING
        if self.is_likely_two(row):
            # Two people cannot be named as one: both names depend on it.
            return float(self._state.sizes[row]), 3 + 4 * part.chance, 1.0
        return part.chance * len(part.faces), 1 + 2 * part.chance, 1.0

    def _mirror(self, number: int) -> tuple[float, float, float]:
        state = self._state
        faces = self.photos[number]
        twice = state.twice.get(faces)
        if twice is None or state.is_held(Kind.MIRROR, [], tuple(faces)):
            return NOTHING
        rows = [state.row(person) for person in twice.people if person is not None]
        if not rows or (len(rows) == 2 and (rows[0] == rows[1] or state.are_apart(*rows))):
            return NOTHING
        if all(state.ignored[row] for row in rows):
            return NOTHING  # nobody wants to see either
        if len(rows) == 1 and not state.loose.free_places(faces):
            return NOTHING  # the one of nobody is somebody's now
        joins = min(int(state.sizes[row]) for row in rows) if len(rows) == 2 else 1
        return twice.chance * joins, 1.0, 1.0

    def photos_of(self, rows: Iterable[int]) -> list[int]:
        """Return which photos that may show one person twice show one of these rows."""
        wanted = set(rows)
        return [
            number
            for number, faces in enumerate(self.photos)
            if (twice := self._state.twice.get(faces)) is None
            or any(p is not None and self._state.row(p) in wanted for p in twice.people)
        ]
