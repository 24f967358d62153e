"""From the catalog to the crowd that a review starts with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import columns, crowd, decisions, doubts, people, reviewing, showing, shown
from facesort.catalog import vectors as stored
from facesort.domain import PersonId
from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.standing import replay, standing
from facesort.jobs.grouping.calibrated import calibration_of
from facesort.jobs.showing.part import owners_of
from facesort.review.candidates import find_part, find_suspects, may_be_two
from facesort.review.chances import Chances
from facesort.review.crowd import NO_MOMENT, Crowd, Doubt, Part, Suspect, Twice
from facesort.review.questions import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.catalog.showing import FaceRow
    from facesort.domain import Anchor, FaceId
    from facesort.inference.card import ModelCard
    from facesort.protocols import Vectors

__all__ = ["chances_of", "read_crowd"]

# Libraries of so many faces are looked at face by face for what may not belong. In larger ones only
# people who are looked at anyway are: reading a million vectors takes longer than a user waits.
_LOOKED_AT_EACH = 60_000

# People whose faces are divided to see whether they are two, the least alike first.
_MOST_DIVIDED = 500

# Without a calibration: what single faces were joined at, if nothing was ever grouped.
_ANY_THRESHOLD = 0.4


def chances_of(db: Database, card: ModelCard) -> Chances:
    """Return what likenesses mean in a library."""
    threshold = db.meta("threshold")
    return Chances(calibration_of(db, card), float(threshold) if threshold else _ANY_THRESHOLD)


def read_crowd(
    db: Database, card: ModelCard, *, min_face: int, held: Iterable[Doubt] = ()
) -> tuple[Crowd, Chances]:
    """Read everybody; inside a snapshot of tables that are up to date.

    Args:
        db: the catalog.
        card: the embedder's.
        min_face: smaller faces do not count, pixels.
        held: what is not asked in this sitting.
    """
    chances = chances_of(db, card)
    owned = _Owned.read(db, min_face)
    said = _Said.read(db, min_face, owned)
    sums, weights, suspects, parts = _looks(db, card, owned, chances)
    names = showing.names(db)
    made = Crowd(
        tuple(owned.people),
        sums,
        weights,
        tuple(owned.faces),
        owned.first,
        owned.moments,
        owned.photos,
        {person: names[person] for person in owned.people if person in names},
        frozenset(showing.ignored(db).intersection(owned.people)),
        said.different,
        (*said.doubts, *held),
        suspects,
        parts,
        _twice(db, card, chances, owned, said.kept_apart),
        owned.prominence,
        _vector_of(db, card),
    )
    return made, chances


def _vector_of(db: Database, card: ModelCard) -> Callable[[FaceId], NDArray[np.float32] | None]:
    def find(face: FaceId) -> NDArray[np.float32] | None:
        found, has = stored.aligned(db, card.model_key, [face])
        return found[0] if has[0] else None

    return find


@dataclass(frozen=True, slots=True, eq=False)
class _Owned:
    """The faces of everybody, those of one person together.

    Args:
        people: p ids, sorted.
        number: of each id, also of those merged away, its place in `people`.
        faces: n ids.
        first: (p + 1,) where each one's begin.
        moments: (n,) photos, NO_MOMENT for videos.
        photos: (p,) on how many photos each is.
        prominence: (p,) quality of each one's best face.
        confirmed: (n,) bool.
    """

    people: list[PersonId]
    number: Mapping[PersonId, int]
    faces: list[FaceId]
    first: NDArray[np.int64]
    moments: NDArray[np.int64]
    photos: NDArray[np.int64]
    prominence: NDArray[np.float32]
    confirmed: NDArray[np.bool_]

    @classmethod
    def read(cls, db: Database, min_face: int) -> _Owned:
        rows = sorted(showing.people(db), key=lambda row: row.id)
        ids = [row.id for row in rows]
        number = {person: place for place, person in enumerate(ids)}
        merged = showing.merges(db).items()
        number |= {person: number[to] for person, to in merged if to in number}
        found: list[FaceRow] = []
        for block in shown.all_face_rows(db, shown.said(db), min_face=min_face):
            found += block
        owner = np.array([number[face.person] for face in found], dtype=np.int64)
        order = np.argsort(owner, kind="stable")
        videos = np.array(sorted(reviewing.videos(db)), dtype=np.int64)
        photo = np.array([face.photo for face in found], dtype=np.int64)[order]
        return cls(
            ids,
            number,
            [found[row].id for row in order.tolist()],
            np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(ids)))]),
            np.where(np.isin(photo, videos), NO_MOMENT, photo),
            np.array([row.photos for row in rows], dtype=np.int64),
            _best(owner, [face.quality for face in found], len(ids)),
            np.array([bool(found[row].confirmed) for row in order.tolist()], dtype=bool),
        )

    @property
    def owner(self) -> NDArray[np.int64]:
        """(n,) whose each face is."""
        return np.repeat(np.arange(len(self.people)), np.diff(self.first))


def _best(owner: NDArray[np.int64], quality: list[float], people: int) -> NDArray[np.float32]:
    best = np.zeros(people, dtype=np.float32)
    np.maximum.at(best, owner, np.array(quality, dtype=np.float32))
    return best


# -- what the vectors say ------------------------------------------------------------------------


def _looks(
    db: Database, card: ModelCard, owned: _Owned, chances: Chances
) -> tuple[Vectors, NDArray[np.int64], tuple[Suspect, ...], tuple[Part, ...]]:
    """Return everybody's sums and of how many faces, doubtful faces, and people who may be two."""
    if len(owned.faces) > _LOOKED_AT_EACH:
        sums, weights = _stored_sums(db, card, owned)
        return sums, weights, (), _parts(db, card, owned, sums, weights, chances)
    vectors, has = stored.aligned(db, card.model_key, owned.faces)
    rows = np.flatnonzero(has)
    owner = owned.owner
    p = len(owned.people)
    dimension = vectors.shape[1] if vectors.ndim == 2 else 0
    sums = np.zeros((p, dimension), dtype=np.float32)
    np.add.at(sums, owner[rows], vectors[rows])
    weights = np.bincount(owner[rows], minlength=p)
    looked, belongs = find_suspects(vectors[rows], owner[rows], sums, weights, chances)
    suspects = tuple(
        Suspect(owned.faces[row], owned.people[int(owner[row])], vectors[row], chance)
        for row, chance in zip(rows[looked].tolist(), belongs.tolist(), strict=True)
        if not owned.confirmed[row]
    )
    return sums, weights, suspects, _parts(db, card, owned, sums, weights, chances)


def _parts(
    db: Database,
    card: ModelCard,
    owned: _Owned,
    sums: Vectors,
    weights: NDArray[np.int64],
    chances: Chances,
) -> tuple[Part, ...]:
    found: list[Part] = []
    for row in may_be_two(sums, weights, chances)[:_MOST_DIVIDED].tolist():
        members = range(owned.first[row], owned.first[row + 1])
        # A part of which a face was confirmed has been asked about, or was put together by hand.
        faces = [owned.faces[member] for member in members]
        sure = {faces[k] for k, member in enumerate(members) if owned.confirmed[member]}
        vectors, has = stored.aligned(db, card.model_key, faces)
        known = np.flatnonzero(has)
        if len(known) < 2:
            continue
        part = find_part(
            owned.people[row], [faces[k] for k in known.tolist()], vectors[known], chances
        )
        if part is not None and not sure.intersection(part.faces):
            found.append(part)
    return tuple(found)


def _stored_sums(db: Database, card: ModelCard, owned: _Owned) -> tuple[Vectors, NDArray[np.int64]]:
    """Add up people from the sums of identities, and move the faces that decisions have moved."""
    read = [part for part in crowd.read(db, card.model_key) if len(part.ids)]
    dimension = max((part.sums.shape[1] for part in read), default=0)
    sums = np.zeros((len(owned.people), dimension), dtype=np.float32)
    weights = np.zeros(len(owned.people), dtype=np.int64)
    for part in read:
        there = [row for row, person in enumerate(part.ids) if person in owned.number]
        rows = np.array([owned.number[part.ids[row]] for row in there], dtype=np.int64)
        np.add.at(sums, rows, part.sums[there])
        np.add.at(weights, rows, part.sizes[there])
    said = shown.said(db)
    before = people.assigned(db, said)
    moved = [
        (face, owned.number.get(before[face]) if face in before else None, _now(owned, row))
        for face, row in said.items()
    ]
    moved = [one for one in moved if one[1] != one[2]]
    vectors, has = stored.aligned(db, card.model_key, [face for face, _, _ in moved])
    for place, (_, left, joined) in enumerate(moved):
        for row, sign in ((left, -1), (joined, 1)):
            if has[place] and row is not None:
                sums[row] += sign * vectors[place]
                weights[row] += sign
    return sums, weights


def _now(owned: _Owned, row: shown.SaidRow) -> int | None:
    if row.not_face or row.person is None:
        return None
    return owned.number.get(row.person)


# -- what was said -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What the user said of people and faces.

    Args:
        different: pairs of people.
        doubts: what they were not sure of.
        kept_apart: pairs of faces of one photo that are not one person.
    """

    different: tuple[tuple[PersonId, PersonId], ...]
    doubts: tuple[Doubt, ...]
    kept_apart: frozenset[frozenset[FaceId]]

    @classmethod
    def read(cls, db: Database, min_face: int, owned: _Owned) -> _Said:
        stands = standing(replay(decisions.log(db, votes=False)))
        unsure = doubts.standing(db)
        anchors = {anchor for row in unsure for anchor in row.anchors} | stands.rejected.keys()
        found = _faces_of(db, anchors, min_face)
        owners = owners_of(db, set(found.values()))
        pairs = {frozenset(stands.survivor(person) for person in p) for p in stands.different}
        for anchor, persons in stands.rejected.items():
            face = found.get(anchor)
            owner = None if face is None else owners[face].owner
            pairs |= {frozenset((owner, stands.survivor(p))) for p in persons if owner is not None}
        different = [
            (one, other)
            for pair in pairs
            if len(pair) == 2
            for one, other in [sorted(pair)]
            if one in owned.number and other in owned.number
        ]
        return cls(
            tuple(sorted(different)),
            tuple(_doubt(owned, row, found) for row in unsure if row.answer == "unsure"),
            frozenset(
                frozenset(found[a] for a in row.anchors if a in found)
                for row in unsure
                if row.answer == "no"
            ),
        )


def _doubt(owned: _Owned, row: doubts.DoubtRow, found: Mapping[Anchor, FaceId]) -> Doubt:
    # Of those merged since the first one stands for all.
    persons: dict[PersonId, int] = {}
    for person, size in zip(row.people, row.sizes, strict=True):
        now = owned.people[owned.number[person]] if person in owned.number else person
        persons.setdefault(now, size)
    faces = [found[anchor] for anchor in row.anchors if anchor in found]
    return Doubt(Kind(row.kind), tuple(persons), tuple(faces), tuple(persons.values()))


def _faces_of(db: Database, anchors: Iterable[Anchor], min_face: int) -> dict[Anchor, FaceId]:
    wanted = list(anchors)
    if not wanted:
        return {}
    index = AnchorIndex(
        columns.columns_on(db, {anchor.photo_key for anchor in wanted}, min_face=min_face)
    )
    return {anchor: face for anchor in wanted if (face := index.find_id(anchor)) is not None}


def _twice(
    db: Database,
    card: ModelCard,
    chances: Chances,
    owned: _Owned,
    kept_apart: frozenset[frozenset[FaceId]],
) -> tuple[Twice, ...]:
    pairs = [pair for pair in people.repeats(db) if frozenset(pair) not in kept_apart]
    faces = [face for pair in pairs for face in pair]
    vectors, has = stored.aligned(db, card.model_key, faces)
    owners = owners_of(db, faces)
    there = has[0::2] & has[1::2]
    return tuple(
        Twice(
            pair,
            (_known(owned, owners[pair[0]].owner), _known(owned, owners[pair[1]].owner)),
            chances.one_photo(float(vectors[2 * k] @ vectors[2 * k + 1])),
        )
        for k, pair in enumerate(pairs)
        if there[k] and not any(owners[face].not_face for face in pair)
    )


def _known(owned: _Owned, person: PersonId | None) -> PersonId | None:
    return person if person in owned.number else None
