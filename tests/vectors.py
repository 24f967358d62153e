"""Seeded faces, vectors and decisions: grouping can be tested without a photo or a database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import (
    Anchor,
    Box,
    Decision,
    DecisionFace,
    Face,
    FaceColumns,
    FaceId,
    FaceRole,
    GroupedFaces,
    PersonId,
    PhotoId,
    Verdict,
    short_hash,
)
from facesort.grouping.calibration import Calibration, MinCosineRule
from facesort.grouping.clusters import sums_of
from facesort.grouping.identity import unused_person
from facesort.grouping.past import Crowd
from facesort.grouping.people import see_people
from facesort.grouping.policy import Policy
from facesort.grouping.regroup import regroup
from facesort.grouping.standing import replay, standing
from facesort.grouping.update import Newcomers, group_new
from facesort.search.exact import ExactNeighbours

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from facesort.domain import Person
    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.people import People
    from facesort.grouping.regroup import Grouping
    from facesort.grouping.update import Update
    from facesort.protocols import Vectors

__all__ = [
    "CALIBRATION",
    "MODEL",
    "Album",
    "identity_vectors",
    "make_face",
    "partition",
    "random_vectors",
    "unit",
]

MODEL = "synthetic@1"

# Near SFace's, so that rules get limits of the usual size.
CALIBRATION = Calibration(impostor_mean=0.08, person_variance=0.004, face_variance=0.0035)


def unit(vectors: NDArray[np.float64]) -> Vectors:
    """Scale rows to length one."""
    scaled: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def random_vectors(n: int, dimension: int, seed: int, *, lean: float = 0.0) -> Vectors:
    """Make unit vectors in all directions; `lean` draws them towards a common one."""
    raw = np.random.default_rng(seed).standard_normal((n, dimension))
    raw[:, 0] += lean
    return unit(raw)


def identity_vectors(
    sizes: Sequence[int], *, seed: int, spread: float = 0.9, dimension: int = 64
) -> tuple[Vectors, NDArray[np.int64]]:
    """Make the faces of several people.

    Args:
        sizes: faces of each person.
        seed: of the random numbers.
        spread: length of what a photo adds to a person; two faces of one person have a cosine
            near 1 / (1 + spread ** 2).
        dimension: of the vectors.

    Returns:
        (n, d) vectors and the (n,) number of the person.
    """
    random = np.random.default_rng(seed)
    people = unit(random.standard_normal((len(sizes), dimension))).astype(np.float64)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    noise = unit(random.standard_normal((len(truth), dimension))).astype(np.float64)
    return unit(people[truth] + spread * noise), truth.astype(np.int64)


def partition(labels: Sequence[object]) -> set[frozenset[int]]:
    """Return which rows are together, whatever the labels are called; None is nobody's."""
    groups: dict[object, set[int]] = {}
    for row, label in enumerate(labels):
        if label is not None:
            groups.setdefault(label, set()).add(row)
    return {frozenset(rows) for rows in groups.values()}


def make_face(photo: int, place: int = 0, *, quality: float = 0.9, shift: float = 0.0) -> Face:
    """Make a face.

    Args:
        photo: number of its photo.
        place: faces of one photo stand side by side, at most eight.
        quality: 0..1.
        shift: moves the box by that share of its side, as another detector would.
    """
    left, top, side = 0.02 + 0.12 * place + 0.1 * shift, 0.3 + 0.1 * shift, 0.1
    anchor = Anchor(f"test:{photo:04}", Box(left, top, left + side, top + side))
    box = Box(left * 1000, top * 1000, (left + side) * 1000, (top + side) * 1000)
    return Face(
        id=FaceId("f" + short_hash(f"{photo} {place} {shift}", 12)),
        photo_id=PhotoId(photo),
        anchor=anchor,
        box=box,
        landmarks=np.zeros((5, 2), dtype=np.float32),
        score=0.9,
        quality=quality,
    )


def columns_of(
    faces: Sequence[Face], vectors: Vectors, seen: Collection[int] | None = None
) -> tuple[FaceColumns, Vectors, NDArray[np.bool_]]:
    """Return faces and their vectors in anchor order, and which of them a model has seen."""
    columns = FaceColumns.of(faces)
    row_of = {face.id: row for row, face in enumerate(faces)}
    rows = [row_of[face] for face in columns.ids]
    known = np.array([seen is None or row in seen for row in rows], dtype=bool)
    return columns, np.where(known[:, None], vectors[rows], np.float32(0)), known


@dataclass(frozen=True)
class AlbumPast:
    """What an album's last grouping left, as `grouping.past.Past`."""

    assignments: dict[FaceId, PersonId]
    faces: FaceColumns
    found: Vectors

    def crowd(self) -> Crowd:
        people = sorted(set(self.assignments.values()))
        person = [
            people.index(self.assignments[face]) if face in self.assignments else -1
            for face in self.faces.ids
        ]
        labels = np.array(person, dtype=np.int64)
        sums, sizes = sums_of(self.found, labels, len(people), np.flatnonzero(labels >= 0))
        return Crowd(people, (sums / sizes[:, None]).astype(np.float32), sizes)

    def owners(self, faces: Collection[FaceId]) -> dict[FaceId, PersonId]:
        return {face: self.assignments[face] for face in faces if face in self.assignments}

    def members(self, people: Collection[PersonId]) -> GroupedFaces:
        rows = [r for r, f in enumerate(self.faces.ids) if self.assignments.get(f) in set(people)]
        ids = [self.faces.ids[row] for row in rows]
        order = sorted(set(people))
        whose = [order.index(self.assignments[face]) for face in ids]
        person = np.array(whose, dtype=np.int32)
        return GroupedFaces(ids, self.faces.photo_ids[rows], order, person)

    def columns(self, faces: Collection[FaceId]) -> FaceColumns:
        rows = [row for row, face in enumerate(self.faces.ids) if face in set(faces)]
        return self.faces.subset(np.array(rows, dtype=np.int64))

    def vectors(self, faces: Sequence[FaceId]) -> Vectors:
        return self.found[[self.faces.ids.index(face) for face in faces]]


@dataclass(repr=False)
class Album:
    """A library in memory: it records decisions as `jobs.decide` does and groups as a job does.

    Args:
        faces: the faces of the library.
        vectors: (n, d), in their order.
        rule: when clusters are alike enough.
    """

    faces: list[Face]
    vectors: Vectors
    rule: MergeRule = field(default_factory=lambda: MinCosineRule(0.3))
    min_quality: float = 0.3
    method: str = "linkage"
    repeat_cosine: float | None = None
    log: list[Decision] = field(default_factory=list)
    assignments: dict[FaceId, PersonId] = field(default_factory=dict)
    existing: set[PersonId] = field(default_factory=set)
    unassigned: set[FaceId] = field(default_factory=set)

    def __repr__(self) -> str:
        # Short, because Hypothesis prints every album of a failing example.
        photos = [(int(face.photo_id), face.quality) for face in self.faces]
        options = f"{self.method}, {self.rule}, repeats from {self.repeat_cosine}"
        return f"<album of {self.vectors.shape}: {options}, photos and qualities {photos}>"

    # -- looking ---------------------------------------------------------------------------------

    def people(self) -> People:
        stands = standing(replay(self.log))
        return see_people(self.faces, self.assignments, stands, self.existing)

    def face(self, row: int) -> Face:
        return self.faces[row]

    def owner(self, row: int) -> PersonId | None:
        return self.people().owners[self.faces[row].id]

    def person_of(self, row: int) -> Person:
        owner = self.owner(row)
        assert owner is not None, f"face {row} is with nobody"
        return self.people().by_id[owner]

    def called(self, name: str) -> Person:
        (person,) = [p for p in self.people().by_id.values() if p.name == name]
        return person

    def rows_of(self, person: Person) -> set[int]:
        return {row for row, face in enumerate(self.faces) if face.id in person.faces}

    def seen(self) -> set[frozenset[int]]:
        """Return which faces are shown together."""
        owners = self.people().owners
        return partition([owners[face.id] for face in self.faces])

    # -- deciding --------------------------------------------------------------------------------

    def decide(
        self,
        verdict: Verdict,
        people: Sequence[PersonId] = (),
        faces: Sequence[DecisionFace] = (),
        *,
        name: str | None = None,
        target: int | None = None,
    ) -> int:
        number = len(self.log) + 1
        self.log.append(
            Decision(number, "", verdict, tuple(people), name, tuple(faces), target),
        )
        return number

    def _votes(self, faces: Sequence[FaceId]) -> list[DecisionFace]:
        anchors = {face.id: face.anchor for face in self.faces}
        identities = self.people().identities
        return [
            DecisionFace(anchors[face], identity, FaceRole.VOTE)
            for face in faces
            if (identity := identities[face]) is not None
        ]

    def name(self, row: int, text: str) -> int:
        person = self.person_of(row)
        return self.decide(Verdict.NAME, [person.id], self._votes(person.faces), name=text)

    def merge(self, *rows: int) -> int:
        people = [self.person_of(row) for row in rows]
        faces = [face for person in people for face in person.faces]
        return self.decide(Verdict.MERGE, [p.id for p in people], self._votes(faces))

    def ignore(self, row: int) -> int:
        person = self.person_of(row)
        return self.decide(Verdict.IGNORE, [person.id], self._votes(person.faces))

    def reject(self, row: int) -> int:
        face, person = self.face(row), self.person_of(row)
        own = unused_person(face.anchor, self.existing.__contains__)
        self.existing.add(own)
        said = [
            DecisionFace(face.anchor, person.id, FaceRole.REJECTED),
            DecisionFace(face.anchor, own, FaceRole.VOTE),
        ]
        said += self._votes([other for other in person.faces if other != face.id])
        return self.decide(Verdict.REJECT, [person.id], said)

    def confirm(self, row: int, person: PersonId) -> int:
        said = [DecisionFace(self.face(row).anchor, person, FaceRole.CONFIRMED)]
        return self.decide(Verdict.CONFIRM, [person], said)

    def undo(self, number: int | None = None) -> int:
        target = replay(self.log).active[-1].id if number is None else number
        return self.decide(Verdict.UNDO, target=target)

    def redo(self) -> int:
        return self.decide(Verdict.REDO, target=replay(self.log).undone[-1].id)

    # -- grouping --------------------------------------------------------------------------------

    def group(self, *, min_cosine: float | None = None, order: Sequence[int] = ()) -> Grouping:
        """Group everything anew and publish it; `order` hands the faces over in another order."""
        rows = list(order) or list(range(len(self.faces)))
        faces = [self.faces[row] for row in rows]
        stands = standing(replay(self.log))
        spoken_of = stands.spoken_of()
        grouping = regroup(
            *columns_of(faces, self.vectors[rows]),
            stands,
            self.assignments,
            self.policy(min_cosine),
            person_exists=spoken_of.__contains__,
        )
        assert spoken_of.isdisjoint(grouping.new_people), "somebody's id was given to others"
        self.existing |= set(grouping.new_people)
        self.assignments = dict(grouping.owners)
        self.unassigned = set(grouping.unassigned)
        return grouping

    def policy(self, min_cosine: float | None = None) -> Policy:
        return Policy(
            self.rule if min_cosine is None else MinCosineRule(min_cosine),
            ExactNeighbours,
            min_quality=self.min_quality,
            method=self.method,
            repeat_cosine=self.repeat_cosine,
        )

    def add(self, faces: Sequence[Face], vectors: Vectors) -> Update:
        """Add faces, and group only what is new and what it touches."""
        self.faces = [*self.faces, *faces]
        self.vectors = np.concatenate([self.vectors, vectors])
        columns, found, _ = columns_of(self.faces, self.vectors)
        row_of = {face: row for row, face in enumerate(columns.ids)}

        def look_up(wanted: Collection[FaceId]) -> FaceColumns:
            return columns.subset(np.array(sorted(row_of[f] for f in wanted), dtype=np.int64))

        new = [f for f in columns.ids if f not in self.assignments and f not in self.unassigned]
        newcomers = look_up(new)
        stands = standing(replay(self.log))
        update = group_new(
            Newcomers(newcomers, found[[row_of[face] for face in newcomers.ids]]),
            AlbumPast(self.assignments, columns, found),
            look_up(self.assignments),
            stands,
            self.policy(),
        )
        assert stands.spoken_of().isdisjoint(update.new_people), "somebody's id was given to others"
        assert update.unassigned.isdisjoint(update.owners)
        self.existing |= set(update.new_people)
        for face in update.unassigned:
            self.assignments.pop(face, None)
        self.assignments |= update.owners
        self.unassigned = (self.unassigned | update.unassigned) - set(update.owners)
        assert update.people == len(set(self.assignments.values()))
        now = AlbumPast(self.assignments, columns, found).crowd()
        for person, mean, size in zip(
            update.crowd.ids, update.crowd.means, update.crowd.sizes, strict=True
        ):
            row = list(now.ids).index(person)
            assert size == now.sizes[row]
            np.testing.assert_allclose(mean, now.means[row], atol=1e-5)
        return update

    def look_again(self, shift: float) -> None:
        """Replace every face by what another detector sees: other boxes, other ids."""
        places = [round((f.anchor.box.left - 0.02) / 0.12) for f in self.faces]
        self.faces = [
            replace(make_face(int(f.photo_id), place, shift=shift), quality=f.quality)
            for f, place in zip(self.faces, places, strict=True)
        ]
        self.assignments = {}
