"""Which person a new cluster is: names and ids survive every re-grouping.

Clusters are recomputed; people are not. The best one-to-one overlap decides, in which a confirmed
face outweighs any number of votes, and a vote any number of faces that merely were there before.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import PersonId, short_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.domain import Anchor, FaceColumns, FaceId
    from facesort.grouping.said import Said

__all__ = ["Settled", "gather_evidence", "identify", "match_people", "person_id", "unused_person"]

# Weights of one face's evidence. A cluster would need a million merely present faces to outvote a
# vote.
_PRESENT, _VOTE, _CONFIRMED = 1, 10**6, 10**12


def person_id(anchor: Anchor) -> PersonId:
    """Return the id of a person founded on that face: equal on every machine."""
    box = anchor.box
    place = f"{anchor.content_key} {box.left:.4f} {box.top:.4f} {box.right:.4f} {box.bottom:.4f}"
    return PersonId("p" + short_hash(place, 8))


@dataclass(frozen=True, slots=True)
class Settled:
    """A person who is in a cluster as a whole.

    Args:
        label: the cluster.
        person: who.
        faces: how many.
        spoken_of: the user has: the cluster is this person, whoever joins.
    """

    label: int
    person: PersonId
    faces: int
    spoken_of: bool


def identify(
    faces: FaceColumns,
    labels: NDArray[np.int64],
    said: Said,
    votes: Mapping[int, PersonId],
    before: Mapping[FaceId, PersonId],
    person_exists: Callable[[PersonId], bool],
    settled: Sequence[Settled] = (),
) -> tuple[list[PersonId], dict[FaceId, PersonId], dict[PersonId, Anchor]]:
    """Say who each cluster is.

    Args:
        faces: in anchor order.
        labels: (n,) their clusters, negative for faces that are in none.
        said: the user's decisions.
        votes: those that still count, by row; those that lost would carry their person's name
            along.
        before: the identity of each face until now.
        person_exists: whether an id was ever given.
        settled: people who are in the clusters as a whole.

    Returns:
        The person of each cluster, the owner of each face that has one, and the founding anchors of
        new people.
    """
    count = max(int(labels.max(initial=-1)), *(one.label for one in settled), -1) + 1
    numbers = labels.tolist()
    evidence = gather_evidence(
        count,
        numbers,
        [said.unless_rejected(row, before.get(face)) for row, face in enumerate(faces.ids)],
        [votes.get(row) for row in range(len(faces))],
        said.confirmed,
    )
    for one in settled:
        evidence[one.label][one.person] += one.faces * _PRESENT + one.spoken_of * _CONFIRMED
    founders: list[list[int]] = [[] for _ in range(count)]
    for row in np.flatnonzero(labels >= 0).tolist():
        founders[numbers[row]].append(row)
    people, new = match_people(evidence, founders, faces.anchor, person_exists)
    owners = {face: people[k] for face, k in zip(faces.ids, numbers, strict=True) if k >= 0}
    astray = [
        row
        for row, rejected in said.rejected.items()
        if numbers[row] >= 0 and people[numbers[row]] in rejected
    ]
    if not astray:
        return people, owners, new
    # Nobody claims the person, so that nothing kept the face from the others who were there before.
    parted = labels.copy()
    parted[sorted(astray)] = np.arange(count, count + len(astray))
    return identify(faces, parted, said, votes, before, person_exists, settled)


def gather_evidence(
    clusters: int,
    labels: Sequence[int],
    present: Sequence[PersonId | None],
    votes: Sequence[PersonId | None],
    confirmed: Collection[int],
) -> list[Counter[PersonId]]:
    """Count, for each cluster, who its faces were and who the user said they are.

    Args:
        clusters: number of clusters; labels are below it, or negative for unassigned faces.
        labels: one per face.
        present: the person each face was with before.
        votes: the person the user's decisions put each face with.
        confirmed: the faces whose vote is a confirmation.
    """
    evidence: list[Counter[PersonId]] = [Counter() for _ in range(clusters)]
    for face, (label, was, vote) in enumerate(zip(labels, present, votes, strict=True)):
        if label < 0:
            continue
        if was is not None:
            evidence[label][was] += _PRESENT
        if vote is not None:
            evidence[label][vote] += _CONFIRMED if face in confirmed else _VOTE
    return evidence


def match_people(
    evidence: Sequence[Mapping[PersonId, int]],
    founders: Sequence[Sequence[int]],
    anchor: Callable[[int], Anchor],
    exists: Callable[[PersonId], bool],
) -> tuple[list[PersonId], dict[PersonId, Anchor]]:
    """Give each cluster a person, known or new.

    Args:
        evidence: per cluster, how strongly its faces speak for each known person.
        founders: per cluster its faces, in anchor order; the first gives a new person its id.
        anchor: of a face.
        exists: whether an id is somebody's; it is not given to others.

    Returns:
        One id per cluster, and the founding anchor of each new person.
    """
    chosen: dict[int, PersonId] = {}
    for component in _components(evidence):
        chosen.update(_best_one_to_one(component, evidence))
    taken = set(chosen.values())
    new: dict[PersonId, Anchor] = {}
    people = []
    for cluster, faces in enumerate(founders):
        person = chosen.get(cluster)
        if person is None:
            person, founder = _found(map(anchor, faces), lambda p: p in taken or exists(p))
            new[person] = founder
            taken.add(person)
        people.append(person)
    return people, new


def unused_person(anchor: Anchor, used: Callable[[PersonId], bool]) -> PersonId:
    """Return an id founded on a face, counting on where that id is somebody else's."""
    person, round_ = person_id(anchor), 0
    while used(person):
        round_ += 1
        person = PersonId("p" + short_hash(f"{anchor.content_key} {anchor.box} {round_}", 8))
    return person


def _found(anchors: Iterable[Anchor], used: Callable[[PersonId], bool]) -> tuple[PersonId, Anchor]:
    first: Anchor | None = None
    for anchor in anchors:
        first = first or anchor
        person = person_id(anchor)
        if not used(person):
            return person, anchor
    if first is None:
        raise ValueError("a cluster without faces founds nobody")
    # Every face of the cluster stands for somebody else.
    return unused_person(first, used), first


def _components(evidence: Sequence[Mapping[PersonId, int]]) -> list[list[int]]:
    """Clusters that compete for the same people, directly or through others."""
    first_with: dict[PersonId, int] = {}
    parents = list(range(len(evidence)))

    def find(i: int) -> int:
        while parents[i] != i:
            parents[i] = parents[parents[i]]
            i = parents[i]
        return i

    for cluster, people in enumerate(evidence):
        for person in people:
            other = first_with.setdefault(person, cluster)
            parents[find(cluster)] = find(other)
    groups: dict[int, list[int]] = {}
    for cluster, people in enumerate(evidence):
        if people:
            groups.setdefault(find(cluster), []).append(cluster)
    return list(groups.values())


def _best_one_to_one(
    component: list[int], evidence: Sequence[Mapping[PersonId, int]]
) -> dict[int, PersonId]:
    people = sorted({person for cluster in component for person in evidence[cluster]})
    if len(component) == 1:
        cluster = component[0]
        best = max(people, key=lambda person: (evidence[cluster][person], person))
        return {cluster: best}
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - heavy, and rarely needed

    weights = np.array(
        [[evidence[cluster].get(person, 0) for person in people] for cluster in component],
        dtype=np.float64,
    )
    rows, columns = linear_sum_assignment(weights, maximize=True)
    return {
        component[r]: people[c]
        for r, c in zip(rows.tolist(), columns.tolist(), strict=True)
        if weights[r, c] > 0
    }
