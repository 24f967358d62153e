"""Grouping new faces into the people who are there; see `incremental` for the idea."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import FaceColumns
from facesort.grouping.attach import UNASSIGNED
from facesort.grouping.constraints import NOBODY, Constraints
from facesort.grouping.earlier import Earlier
from facesort.grouping.identity import Settled, identify
from facesort.grouping.incremental import LibraryRule, may_change, touched
from facesort.grouping.methods import cluster_with_votes
from facesort.grouping.moments import Moments, moments_of
from facesort.grouping.past import Crowd
from facesort.grouping.said import Said

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.domain import Anchor, FaceId, GroupedFaces, PersonId
    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.past import Past
    from facesort.grouping.policy import Policy
    from facesort.grouping.standing import Standing
    from facesort.protocols import Vectors

__all__ = ["Newcomers", "Update", "group_new"]


@dataclass(frozen=True, slots=True, eq=False)
class Newcomers:
    """Faces that no grouping has seen.

    Args:
        faces: in anchor order.
        vectors: (n, d) unit vectors.
    """

    faces: FaceColumns
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Update:
    """What changes by the new faces.

    Args:
        owners: the identity of every face that is new or goes to somebody else.
        unassigned: faces, new or not, that are with nobody now.
        new_people: founding anchors of the people that this grouping found first.
        people: how many identities have a face now.
        min_cosine: the lowest cosine that joined two single faces, for the report.
        touched: people who were looked at again.
        repeats: pairs of faces by which a photo seems to show one person twice.
        crowd: everybody who has changed, as they are now.
    """

    owners: dict[FaceId, PersonId]
    unassigned: set[FaceId]
    new_people: dict[PersonId, Anchor]
    people: int
    min_cosine: float
    touched: int
    repeats: list[tuple[FaceId, FaceId]]
    crowd: Crowd


def group_new(
    new: Newcomers, past: Past, spoken: FaceColumns, standing: Standing, policy: Policy
) -> Update:
    """Group new faces, and again what they touch.

    Args:
        new: the new faces.
        past: what the last grouping left.
        spoken: the faces on all photos that explicit decisions are about.
        standing: what the user's decisions add up to.
        policy: how to group; by linkage, whatever its method.
    """
    old = Earlier.of(past, spoken, standing)
    crowd, spoken_of = old.crowd, standing.spoken_of()
    loose = past.columns(old.loose)
    newcomers = _stacked(new.vectors, past.vectors(loose.ids))
    near, counts = touched(newcomers, crowd, policy.rule)
    free = np.array([crowd.ids[row] not in spoken_of for row in near.tolist()], dtype=bool)
    apart = near[free & may_change(crowd.sizes[near], counts)]
    split = past.columns(old.members(past, [crowd.ids[row] for row in apart.tolist()]).ids)
    faces, came_from = FaceColumns.merged([new.faces, loose, split])
    vectors = _stacked(newcomers, past.vectors(split.ids))[came_from]
    said = Said.about(faces, standing)
    claimed = np.array([old.place[p] for p in said.identities() if p in old.place], dtype=np.int64)
    whole = np.setdiff1d(np.union1d(near, claimed), apart)
    part = _Part(faces, vectors, said, whole[crowd.sizes[whole] > 0], old, past, spoken_of)
    there = int((crowd.sizes > 0).sum())
    others = there - len(apart) - len(part.whole)
    labels, votes = part.cluster(LibraryRule(policy.rule, others), policy)
    return part.update(labels, votes, apart, there, policy.rule)


def _stacked(one: Vectors, other: Vectors) -> Vectors:
    """Lay vectors end to end; where there are none, they have no length either."""
    return np.concatenate([part for part in (one, other) if len(part)] or [one])


class _Part:
    """What is clustered: faces one by one, and people as a whole behind them."""

    def __init__(
        self,
        faces: FaceColumns,
        vectors: Vectors,
        said: Said,
        whole: NDArray[np.int64],
        old: Earlier,
        past: Past,
        spoken_of: Collection[PersonId],
    ) -> None:
        self._faces = faces
        self._said = said
        self._old = old
        self._spoken_of = spoken_of
        self.whole = whole
        self._repeats = np.zeros((0, 2), dtype=np.int64)
        self._past = past
        self._ids = [old.crowd.ids[row] for row in whole.tolist()]
        self._members = old.members(past, self._ids)
        self._vectors = _stacked(vectors, old.crowd.means[whole])
        self._weights = np.concatenate([np.ones(len(faces)), old.crowd.sizes[whole]])
        self._constraints = self._facts()

    def _facts(self) -> Constraints:
        """The constraints of the faces, and of the people as the union of their faces'."""
        n, members = len(self._faces), self._members
        moments = moments_of(_behind(self._faces, members))
        place = {person: k for k, person in enumerate(self._ids)}
        seen: list[set[int]] = [set() for _ in self._ids]
        for row, whose in enumerate(members.person.tolist()):
            seen[place[members.person_ids[whose]]].update(moments.of(n + row))
        first = np.concatenate(
            [moments.first[:n], np.array([min(s) for s in seen], dtype=np.int64)]
        )
        more = {row: extra for row, extra in moments.more.items() if row < n}
        more |= {n + k: frozenset(s) for k, s in enumerate(seen)}
        everybody = {
            *self._said.identities(),
            *(p for p in self._ids if p in self._spoken_of),
            *(p for person in self._ids for p in self._old.rejected.get(person, ())),
        }
        numbers = {person: k for k, person in enumerate(sorted(everybody))}
        own = self._said.constraints(self._faces, numbers)
        claims = [numbers[p] if p in self._spoken_of else NOBODY for p in self._ids]
        rejected = dict(own.rejected)
        for k, person in enumerate(self._ids):
            if person in self._old.rejected:
                denied = self._old.rejected[person]
                rejected[n + k] = frozenset(numbers[p] for p in denied)
        return Constraints(
            Moments(first, more),
            np.concatenate([own.claims, np.array(claims, dtype=np.int64)]),
            rejected,
            # A person whom the user has spoken of is as sure as a confirmed face.
            np.concatenate([own.fixed, np.array(claims, dtype=np.int64) != NOBODY]),
        )

    def cluster(
        self, rule: MergeRule, policy: Policy
    ) -> tuple[NDArray[np.int64], dict[int, PersonId]]:
        """Return the label of each row, and the votes that still count."""
        everybody = np.ones(len(self.whole), dtype=bool)
        labels, claims, repeats = cluster_with_votes(
            self._vectors,
            np.concatenate([self._faces.quality >= policy.min_quality, everybody]),
            self._constraints,
            replace(policy, method="linkage", calibration=None),
            rule=rule,
            weights=self._weights,
        )
        # A person of one face is a row of weight one, but stays whole.
        n = len(self._faces)
        self._repeats = repeats[(repeats < n).all(axis=1)]
        votes = {row: p for row, p in self._said.votes.items() if claims[row] != NOBODY}
        return labels, votes

    def update(
        self,
        labels: NDArray[np.int64],
        votes: Mapping[int, PersonId],
        apart: NDArray[np.int64],
        there: int,
        rule: MergeRule,
    ) -> Update:
        """Say who the clusters are, and what is different now."""
        old, n = self._old, len(self._faces)
        taken_apart = {old.crowd.ids[row] for row in apart.tolist()}
        # Whoever is not looked at, or stays whole, keeps the id; so does whom the user spoke of.
        whole_people = set(old.place) - taken_apart
        kept = whole_people | set(self._spoken_of)
        before = {
            face: person
            for face, person in self._past.owners(self._faces.ids).items()
            if person in taken_apart
        }
        settled = [
            Settled(int(labels[n + k]), p, int(self._weights[n + k]), p in self._spoken_of)
            for k, p in enumerate(self._ids)
        ]
        people, owners, new = identify(
            self._faces, labels[:n], self._said, votes, before, kept.__contains__, settled
        )
        moved = {
            one.person: people[one.label] for one in settled if people[one.label] != one.person
        }
        if moved:
            members = self._members
            for face, whose in zip(members.ids, members.person.tolist(), strict=True):
                person = members.person_ids[whose]
                if person in moved:
                    owners[face] = moved[person]
        found = set(owners.values()) - whole_people
        count = there - len(apart) - len(moved) + len(found)
        unassigned = {
            face
            for face, label in zip(self._faces.ids, labels[:n].tolist(), strict=True)
            if label == UNASSIGNED
        } - set(owners)
        return Update(
            owners,
            unassigned | set(old.dropped),
            new,
            count,
            rule.min_cosine(count),
            len(apart) + len(self.whole),
            [(self._faces.ids[a], self._faces.ids[b]) for a, b in self._repeats.tolist()],
            self._crowd([owners.get(face) for face in self._faces.ids], people, settled),
        )

    def _crowd(
        self,
        owners: Sequence[PersonId | None],
        people: Sequence[PersonId],
        settled: Sequence[Settled],
    ) -> Crowd:
        """Add up who is there now, from the rows that were clustered."""
        whose = [*owners, *(people[one.label] for one in settled)]
        ids = sorted({person for person in whose if person is not None})
        place = {person: k for k, person in enumerate(ids)}
        rows = np.array([row for row, person in enumerate(whose) if person is not None], dtype=int)
        at = np.array([place[person] for person in whose if person is not None], dtype=int)
        sums = np.zeros((len(ids), self._vectors.shape[1]))
        np.add.at(sums, at, self._vectors[rows] * self._weights[rows, None])
        sizes = np.bincount(at, self._weights[rows], minlength=len(ids)).astype(np.float64)
        return Crowd(ids, (sums / np.maximum(sizes, 1.0)[:, None]).astype(np.float32), sizes)


def _behind(faces: FaceColumns, grouped: GroupedFaces) -> FaceColumns:
    """Put grouped faces behind others, so that the moments of both are numbered alike.

    Of the grouped ones only photos and times are there: nothing else matters to moments.
    """
    n = len(faces)
    spans = {**faces.spans, **{n + row: span for row, span in grouped.spans.items()}}
    photos = np.concatenate([faces.photo_ids, grouped.photo_ids])
    return FaceColumns(faces.ids, photos, faces.picture_keys, faces.boxes, faces.quality, spans)
