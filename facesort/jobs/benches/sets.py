"""`bench sets`: how well sets of faces are told apart by the one vector that stands for each."""

from __future__ import annotations

from collections import Counter
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
from facesort.jobs.benches.bench import face_owners
from facesort.jobs.benches.copies import embed_copies
from facesort.jobs.benches.set_cost import measure_cost
from facesort.training.data import is_for_training

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.descriptors.coreset import Rule
    from facesort.evaluation.sets import Draw, SetsResult
    from facesort.jobs.benches.bench import Seen
    from facesort.jobs.benches.copies import Copies, Recipe
    from facesort.jobs.benches.set_cost import Cost
    from facesort.jobs.describing.aggregating import Trained
    from facesort.jobs.looking import Looking
    from facesort.protocols import Image, Progress, Vectors

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
        trained: the trained network that was judged too; None: there was none.
        left_out: people who were not judged on because a training may have seen them.
    """

    result: SetsResult
    cost: tuple[Cost, ...]
    model: str
    copies: int
    missing: int
    trained: Trained | None
    left_out: int

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
            "learned": None if self.trained is None else self._of_trained(self.trained),
            "pairs": {"same": found.same, "different": found.different},
            "rows": [row.to_json() for row in found.rows],
            "cost": [asdict(one) for one in self.cost],
        }

    def _of_trained(self, trained: Trained) -> dict[str, object]:
        return {
            "model": str(trained.card.path.parent / trained.card.weights.file),
            "model_key": trained.card.model_key,
            "in_use": trained.in_use,
            "people_left_out": self.left_out,
            "surely_unseen": trained.knows_folders,
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
    trained: Trained | None,
    progress: Progress,
) -> SetsReport:
    """Judge all aggregators on the people of a folder.

    Args:
        looking: models and settings.
        folder: NAME/*.jpg, scanned.
        seen: what was found there; the largest central face of each photo counts.
        rule: how the library chooses faces.
        seeds: how often templates are drawn.
        trained: a network to compare with the plain ways, on people of the half by name that a
            training leaves out; None: all ways are plain, and judged on everybody.
        progress: told of every copy and comparison.

    Raises:
        UsageError: too few people have enough photos.
        ModelError: the models cannot be loaded.
    """
    gathered = gather_sets(
        looking, folder, seen, seeds=seeds, progress=progress, unseen=trained is not None
    )
    methods = plain_methods(rule)
    if trained is not None:
        methods = (*methods, trained.aggregator)
    progress.start("Comparing sets", len(methods) * len(CONDITIONS) * seeds, "comparison")
    try:
        result = judge_sets(gathered.faces, methods, seeds=seeds, on_step=progress.advance)
    finally:
        progress.finish()
    timed = [method for method in methods if method.name in _COST_METHODS]
    cost = measure_cost(timed, seen.matrix.vectors.shape[1], progress)
    return SetsReport(
        result,
        cost,
        seen.matrix.model_key,
        gathered.copies,
        gathered.missing,
        trained,
        gathered.left_out,
    )


@dataclass(frozen=True, slots=True)
class Gathered:
    """What to judge with.

    Args:
        faces: with their copies.
        copies: how many were made.
        missing: photos that show no face.
        left_out: people with enough photos whom a training may have seen.
    """

    faces: SetFaces
    copies: int
    missing: int
    left_out: int


def gather_sets(
    looking: Looking,
    folder: Path,
    seen: Seen,
    *,
    seeds: int,
    progress: Progress,
    unseen: bool = False,
) -> Gathered:
    """Find the faces of a folder's people, and make the copies that the draws ask for.

    Args:
        looking: models and settings.
        folder: NAME/*.jpg, scanned.
        seen: what was found there.
        seeds: how often templates are drawn.
        progress: told of every copy.
        unseen: leave out people of the half by name that a training learns from.

    Raises:
        UsageError: too few people have enough photos.
        ModelError: the models cannot be loaded.
    """
    known = set(seen.matrix.face_ids)
    owners, missing = face_owners(folder, seen.faces, seen.photos, known=known)
    left_out = 0
    if unseen:
        counts = Counter(owners.values())
        left_out = sum(n >= MIN_FACES and is_for_training(name) for name, n in counts.items())
        owners = {face: name for face, name in owners.items() if not is_for_training(name)}
    chosen = sorted((face for face in seen.faces if face.id in owners), key=lambda face: face.id)
    people = [owners[face.id] for face in chosen]
    draws = [draw_templates(people, seed) for seed in range(seeds)]
    _check_enough(folder, draws[0], seeds, left_out)
    wanted = wanted_copies(draws, len(chosen))
    made = embed_copies(looking, chosen, seen.photos, wanted, recipes(), progress)
    row = {face: i for i, face in enumerate(seen.matrix.face_ids)}
    own = seen.matrix.vectors[[row[face.id] for face in chosen]]
    quality = np.array([face.quality for face in chosen], dtype=np.float32)
    return Gathered(set_faces(own, quality, people, made), len(made.face), missing, left_out)


def _check_enough(folder: Path, draw: Draw, seeds: int, left_out: int) -> None:
    needed, have = least_people(1e-3, seeds), len(draw.people)
    if have < needed:
        but = f", and {left_out} more are left out, whom the network may have seen"
        raise UsageError(
            f"{folder}: {have} of its people have {MIN_FACES} photos or more that show a face"
            f"{but if left_out else ''}; a false accept rate of 1e-3 takes {needed} such people",
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
