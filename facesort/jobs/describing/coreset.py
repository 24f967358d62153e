"""The few faces that stand for a person, what they leave out, and which faces to check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import photos as catalog
from facesort.catalog import showing
from facesort.errors import UsageError
from facesort.jobs.describing.aggregating import library_aggregator
from facesort.jobs.describing.coreset_rule import coreset_rule
from facesort.jobs.describing.making import describe_faces
from facesort.jobs.describing.picks import Why
from facesort.jobs.showing.faces import seen_faces
from facesort.registry import quality_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from facesort.catalog.connection import Database
    from facesort.catalog.showing import FaceRow
    from facesort.descriptors.coreset import Rule
    from facesort.descriptors.described import Described
    from facesort.domain import FaceId, Person, PhotoId
    from facesort.inference.card import ModelCard
    from facesort.jobs.viewing import SeenFace

__all__ = ["ChosenFace", "CoresetReport", "Look", "OddFace", "report"]


@dataclass(frozen=True, slots=True)
class ChosenFace:
    """A face that stands for a person.

    Args:
        seen: the face.
        score: what it was chosen by: its quality for the first, then that times the gain.
        gain: distance, (1 - cosine) / 2, to the nearest one chosen before; None for the first of a
            look.
        pinned: the user asked for it.
        why: it was chosen.
    """

    seen: SeenFace
    score: float
    gain: float | None
    pinned: bool
    why: Why


@dataclass(frozen=True, slots=True)
class Look:
    """One look of a person, or the only one.

    Args:
        number: from 1.
        faces: how many look so.
        since: when the first of them was taken: ISO 8601 without zone, empty if not known.
        until: likewise the last.
        chosen: those that stand for it, in the order of their choice.
        radius: largest distance, (1 - cosine) / 2, of a face to the nearest chosen one.
        cohesion: how much of one mind the chosen are: length of their mean, 0..1.
    """

    number: int
    faces: int
    since: str
    until: str
    chosen: tuple[ChosenFace, ...]
    radius: float
    cohesion: float


@dataclass(frozen=True, slots=True)
class OddFace:
    """A face that is less like the person than the others are.

    Args:
        seen: the face.
        likeness: its mean cosine to the other faces of its look.
        is_suspect: that is less than it should be. Otherwise it is one of the few least alike of
            many, which are not chosen.
    """

    seen: SeenFace
    likeness: float
    is_suspect: bool


@dataclass(frozen=True, slots=True)
class CoresetReport:
    """The faces that stand for a person.

    Args:
        person: whose; without the tuple of faces.
        model: key of the model whose vectors were compared.
        size: faces that may be chosen for a look.
        faces: how many the person has.
        described: how many of them have a vector of this model.
        good: how many of those are good enough to stand for somebody.
        looks: one at least, unless there is no vector.
        check: the odd faces, suspects first, of these the least alike.
    """

    person: Person
    model: str
    size: int
    faces: int
    described: int
    good: int
    looks: tuple[Look, ...]
    check: tuple[OddFace, ...]

    @property
    def chosen(self) -> tuple[ChosenFace, ...]:
        """All chosen faces, look by look."""
        return tuple(face for look in self.looks for face in look.chosen)


def report(
    db: Database,
    card: ModelCard,
    person: Person,
    *,
    size: int | None,
    pinned: Sequence[str],
    min_face: int,
) -> CoresetReport:
    """Choose the faces that stand for a person; inside a snapshot of tables that are up to date.

    Args:
        db: the catalog.
        card: the embedder's.
        person: whose.
        size: faces at most; None: as everywhere.
        pinned: faces that are chosen whatever comes of it.
        min_face: smaller faces do not count, pixels.

    Raises:
        UsageError: a pinned face is not this person's.
    """
    rows = sorted(showing.face_rows(db, (person.id, *person.aliases), min_face=min_face))  # by id
    wanted = _pinned(rows, pinned, person)
    rule = coreset_rule(db, card, size=size)
    moments = catalog.taken_at(db, {row.photo for row in rows})
    known, described = _describe(db, card, rows, moments, rule, wanted)
    empty = CoresetReport(person, card.model_key, rule.size, len(rows), len(known), 0, (), ())
    if described is None:
        return empty
    suspects = set(described.odd.tolist())
    if suspects and rule.one_person is not None:
        # Of many faces the share of `odd_share` is left out whatever they look like.
        _, strict = _describe(db, card, rows, moments, replace(rule, odd_share=0.0), wanted)
        suspects = set() if strict is None else set(strict.odd.tolist())
    asked = sorted({*described.chosen[described.chosen >= 0].tolist(), *described.odd.tolist()})
    shown = seen_faces(db, person, [known[row] for row in asked], min_face=min_face)
    telling = _Telling(card, described, known, rule, frozenset(wanted), moments)
    seen = dict(zip(asked, shown, strict=True))
    return replace(
        empty,
        good=sum(row.quality >= rule.floor for row in known),
        looks=tuple(telling.look(number, seen) for number in range(len(described.look))),
        check=telling.check(seen, suspects),
    )


def _describe(
    db: Database,
    card: ModelCard,
    rows: Sequence[FaceRow],
    moments: Mapping[PhotoId, str],
    rule: Rule,
    pinned: Sequence[FaceId],
) -> tuple[list[FaceRow], Described | None]:
    """Choose as everywhere, with what the user asks for."""
    return describe_faces(
        db,
        card,
        rows,
        np.zeros(len(rows), dtype=np.int64),
        moments,
        rule,
        pinned=pinned,
        aggregator=library_aggregator(db, card),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Telling:
    """Puts a choice in words.

    Args:
        card: the embedder's.
        described: the choice.
        known: the faces that it was made of.
        rule: how.
        pinned: the faces that the user asked for.
        moments: when each photo was taken.
    """

    card: ModelCard
    described: Described
    known: Sequence[FaceRow]
    rule: Rule
    pinned: frozenset[FaceId]
    moments: Mapping[PhotoId, str]

    def look(self, number: int, seen: Mapping[int, SeenFace]) -> Look:
        rows = [row for row in self.described.chosen[number].tolist() if row >= 0]
        gains = self.described.gains[number].tolist()[: len(rows)]
        taken = sorted(
            moment
            for face, label in zip(self.known, self.described.label.tolist(), strict=True)
            if label == number and (moment := self.moments[face.photo])
        )
        return Look(
            int(self.described.look[number]) + 1,
            int(self.described.faces[number]),
            taken[0] if taken else "",
            taken[-1] if taken else "",
            tuple(
                self._chosen(seen[row], turn, gain)
                for turn, (row, gain) in enumerate(zip(rows, gains, strict=True))
            ),
            float(self.described.radius[number]),
            float(self.described.cohesion[number]),
        )

    def _chosen(self, seen: SeenFace, turn: int, gain: float) -> ChosenFace:
        held = max(seen.face.quality, self.rule.floor)
        is_pinned = seen.face.id in self.pinned
        return ChosenFace(
            seen,
            held**self.rule.gamma * gain if turn else held,
            gain if turn else None,
            is_pinned,
            _why(self.card, seen, turn, gain, is_pinned=is_pinned),
        )

    def check(self, seen: Mapping[int, SeenFace], suspects: Collection[int]) -> tuple[OddFace, ...]:
        odd = [
            OddFace(seen[row], float(likeness), row in suspects)
            for row, likeness in zip(
                self.described.odd.tolist(), self.described.odd_likeness.tolist(), strict=True
            )
            if not self.known[row].confirmed
        ]
        return tuple(
            sorted(odd, key=lambda one: (not one.is_suspect, one.likeness, one.seen.face.id))
        )


def _pinned(rows: Sequence[FaceRow], pinned: Sequence[str], person: Person) -> list[FaceId]:
    by_name = {str(row.id): row.id for row in rows}
    wanted = [by_name.get(face.strip().lower()) for face in pinned]
    for asked, face in zip(pinned, wanted, strict=True):
        if face is None:
            raise UsageError(
                f"{asked} is no face of {person.name or person.id}",
                hint=f"facesort show {person.id} lists the faces.",
            )
    return list(dict.fromkeys(face for face in wanted if face is not None))


def _why(card: ModelCard, seen: SeenFace, turn: int, gain: float, *, is_pinned: bool) -> Why:
    if is_pinned:
        said = "pinned"
    elif not turn:
        said = "the best"
    else:
        said = f"different: cosine {1 - 2 * gain:.2f} to the nearest one chosen"
    return Why((said,), quality_of(card).reasons(seen.face.measures))
