"""`bench sets`: how well sets of faces are told apart by the one vector that stands for each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import UsageError
from facesort.evaluation.aggregators import plain_methods
from facesort.evaluation.bootstrap import least_people
from facesort.evaluation.sets import (
    BURST,
    CONDITIONS,
    MIN_FACES,
    SetFaces,
    draw_templates,
    judge_sets,
)
from facesort.imaging.spoil import KINDS, Spoilt, near_copy, spoil
from facesort.jobs.benches.bench import labelled_faces
from facesort.jobs.benches.copies import embed_copies
from facesort.jobs.benches.set_cost import measure_cost

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.descriptors.coreset import Rule
    from facesort.evaluation.sets import Draw, SetsResult
    from facesort.jobs.benches.bench import Seen
    from facesort.jobs.benches.copies import Copies, Recipe
    from facesort.jobs.benches.set_cost import Cost
    from facesort.jobs.looking import Looking
    from facesort.protocols import Aggregator, Image, Progress, Vectors

__all__ = [
    "Gathered",
    "SetsReport",
    "bench_sets",
    "gather_sets",
    "recipes",
    "set_faces",
    "wanted_copies",
]

_COST_METHODS = ("mean", "default", "learned")


@dataclass(frozen=True, slots=True)
class SetsReport:
    """What `bench sets` says.

    Args:
        result: the accuracies.
        cost: time and memory.
        model: key of the embedder.
        copies: faces that were changed and embedded again.
        missing: faces of the truth that were not found on their photos.
    """

    result: SetsResult
    cost: tuple[Cost, ...]
    model: str
    copies: int
    missing: int

    def to_json(self) -> dict[str, object]:
        """Return the document of `bench sets --json`; shares are 0..1, intervals hold 95 %."""
        found = self.result
        return {
            "model": self.model,
            "people": found.people,
            "faces": found.faces,
            "missing": self.missing,
            "copies": self.copies,
            "seeds": found.seeds,
            "pairs": {"same": found.same, "different": found.different},
            "rows": [row.to_json() for row in found.rows],
            "cost": [asdict(one) for one in self.cost],
        }


def recipes() -> tuple[Recipe, ...]:
    """Return what is made of a face: the other pictures of a burst, then each way to spoil it."""

    def again(crop: Image, rng: np.random.Generator) -> Spoilt:
        return Spoilt(near_copy(crop, rng), 1.0)

    def worse(crop: Image, rng: np.random.Generator, *, kind: str) -> Spoilt:
        return spoil(crop, kind, rng)

    return (*[again] * (BURST - 1), *(partial(worse, kind=kind) for kind in KINDS))


def bench_sets(
    looking: Looking,
    folder: Path,
    seen: Seen,
    rule: Rule,
    *,
    seeds: int,
    learned: Sequence[Aggregator],
    progress: Progress,
) -> SetsReport:
    """Judge all aggregators on the people of a folder.

    Args:
        looking: models and settings.
        folder: NAME/*.jpg, scanned.
        seen: what was found there; the largest central face of each photo counts.
        rule: how the library chooses faces.
        seeds: how often templates are drawn.
        learned: aggregators to compare with the plain ones.
        progress: told of every copy and comparison.

    Raises:
        UsageError: too few people have enough photos.
        ModelError: the models cannot be loaded.
    """
    gathered = gather_sets(looking, folder, seen, seeds=seeds, progress=progress)
    methods = (*plain_methods(rule), *learned)
    progress.start("Comparing sets", len(methods) * len(CONDITIONS) * seeds, "comparison")
    try:
        result = judge_sets(gathered.faces, methods, seeds=seeds, on_step=progress.advance)
    finally:
        progress.finish()
    timed = [method for method in methods if method.name in _COST_METHODS]
    cost = measure_cost(timed, seen.matrix.vectors.shape[1], progress)
    return SetsReport(result, cost, seen.matrix.model_key, gathered.copies, gathered.missing)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The faces to judge with, how many copies were made, and how many photos show no face."""

    faces: SetFaces
    copies: int
    missing: int


def gather_sets(
    looking: Looking, folder: Path, seen: Seen, *, seeds: int, progress: Progress
) -> Gathered:
    """Find the faces of a folder's people, and make the copies that the draws ask for.

    Raises:
        UsageError: too few people have enough photos.
        ModelError: the models cannot be loaded.
    """
    owners, missing = _owners(folder, seen)
    chosen = sorted((face for face in seen.faces if face.id in owners), key=lambda face: face.id)
    people = [owners[face.id] for face in chosen]
    draws = [draw_templates(people, seed) for seed in range(seeds)]
    _check_enough(folder, draws[0], seeds)
    wanted = wanted_copies(draws, len(chosen))
    made = embed_copies(looking, chosen, seen.photos, wanted, recipes(), progress)
    row = {face: i for i, face in enumerate(seen.matrix.face_ids)}
    own = seen.matrix.vectors[[row[face.id] for face in chosen]]
    quality = np.array([face.quality for face in chosen], dtype=np.float32)
    return Gathered(set_faces(own, quality, people, made), len(made.face), missing)


def _owners(folder: Path, seen: Seen) -> tuple[dict[str, str], int]:
    """Return whose each face is, and how many photos show none; a face of two people is nobody's.

    A photo that lies there twice is one.
    """
    known = set(seen.matrix.face_ids)
    owners: dict[str, set[str]] = {}
    missing = 0
    for line, face in labelled_faces(folder, seen.faces, seen.photos):
        if face is None or face not in known:
            missing += 1
        else:
            owners.setdefault(face, set()).add(line.person)
    return {face: names.pop() for face, names in owners.items() if len(names) == 1}, missing


def _check_enough(folder: Path, draw: Draw, seeds: int) -> None:
    needed, have = least_people(1e-3, seeds), len(draw.people)
    if have < needed:
        raise UsageError(
            f"{folder}: {have} of its people have {MIN_FACES} photos or more that show a face; a "
            f"false accept rate of 1e-3 takes {needed} such people",
            hint="Name a folder with more people: NAME/*.jpg, four photos or more of each.",
        )


def wanted_copies(draws: Sequence[Draw], faces: int) -> list[list[int]]:
    """Return by face which copies the draws ask for: the places in `recipes`."""
    wanted: list[set[int]] = [set() for _ in range(faces)]
    for draw in draws:
        for row in draw.burst.tolist():
            wanted[row].update(range(BURST - 1))
        for rows in draw.degraded:
            for row in rows.tolist():
                wanted[row].add(BURST - 1 + int(draw.version[row]) % len(KINDS))
    return [sorted(some) for some in wanted]


def set_faces(
    vectors: Vectors, quality: NDArray[np.float32], people: Sequence[str], made: Copies
) -> SetFaces:
    """Join faces with the copies that were made of them by `recipes`.

    Args:
        vectors: (n, d) unit float32, of the faces themselves.
        quality: (n,) theirs.
        people: n names.
        made: the copies.
    """
    copies = np.full((len(people), BURST - 1), -1, dtype=np.int64)
    spoilt = np.full((len(people), len(KINDS)), -1, dtype=np.int64)
    rows = np.arange(len(made.face)) + len(people)
    again = made.recipe < BURST - 1
    copies[made.face[again], made.recipe[again]] = rows[again]
    spoilt[made.face[~again], made.recipe[~again] - (BURST - 1)] = rows[~again]
    if not len(rows):
        return SetFaces(vectors, quality, people, copies, spoilt)
    return SetFaces(
        np.concatenate([vectors, made.vectors]),
        np.concatenate([quality, made.quality]),
        people,
        copies,
        spoilt,
    )
