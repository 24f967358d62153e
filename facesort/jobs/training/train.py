"""`train coreset`: learns how to make one vector of several faces, and whether that is any better.

    faces    of a labelled folder, or those of the library that the user has confirmed
    halves   by a hash of the name: one is trained on, the other measured on
    copies   of their crops, spoilt and nearly equal, embedded once
    train    with a checkpoint every few seconds
    judge    against the plain coreset, on the people who were not trained on: do two sets show one
             person, and does `identify` find people as before
    install  beside the catalog; in use only if it is better somewhere and worse nowhere

Everything that takes long lies in `models/work` of the library until it is finished: after an
interruption, or a kill, the same command goes on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from facesort.errors import ProviderUnavailable, UsageError
from facesort.evaluation.aggregators import FarthestPoint
from facesort.evaluation.sets import CONDITIONS, draw_templates, judge_sets
from facesort.evaluation.verdict import decide
from facesort.files import make_private_dir
from facesort.jobs.benches.sets import set_faces, wanted_copies
from facesort.jobs.describing.aggregating import (
    WORK,
    Facts,
    are_projected,
    coreset_folder,
    forget_work,
    is_chosen,
    models_folder,
    not_used_folder,
    use,
    write_model,
)
from facesort.jobs.describing.coreset_rule import coreset_rule
from facesort.jobs.training.copies import CopyMaker, views_of
from facesort.jobs.training.faces import Halves, from_folder, from_library
from facesort.jobs.training.recognition import judge_recognition, recognition_steps
from facesort.jobs.training.trained import TrainReport
from facesort.registry import load_aggregator
from facesort.training.export import to_onnx
from facesort.training.loop import train
from facesort.training.net import Shape
from facesort.training.recipe import Recipe
from facesort.vision.aggregator import LEARNED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.evaluation.recognition import Recognition
    from facesort.evaluation.sets import SetsResult
    from facesort.evaluation.verdict import Verdict
    from facesort.inference.card import ModelCard
    from facesort.jobs.looking import Looking
    from facesort.jobs.training.faces import KnownFaces
    from facesort.protocols import Aggregator, Progress

__all__ = ["TrainOptions", "check_torch", "train_coreset"]

_PLAIN = "default"

# Templates are drawn so often for the verdict, as in `bench sets`.
_SEEDS = 5


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What can be chosen about a training.

    Args:
        seed: of everything random: the same seed on the same faces gives the same network.
        steps: of the optimiser; None: as many as the recipe says.
    """

    seed: int = 0
    steps: int | None = None

    def recipe(self, dimension: int) -> Recipe:
        """Return how to train on vectors of so many numbers."""
        plain = Recipe(Shape(dimension), seed=self.seed)
        return plain if self.steps is None else replace(plain, steps=self.steps)


def check_torch() -> None:
    """Check that there is something to train with.

    Raises:
        ProviderUnavailable: PyTorch is not installed, or does not load.
    """
    try:
        import_module("torch")
    except (ImportError, OSError) as error:  # OSError: a library that it links to is missing
        what = "is not installed" if find_spec("torch") is None else f"does not load ({error})"
        raise ProviderUnavailable(
            f"training needs PyTorch, which {what}",
            hint='pip install "facesort[train]"; what is trained then runs without it.',
        ) from error


def train_coreset(
    db: Database,
    looking: Looking,
    folder: Path | None,
    options: TrainOptions,
    *,
    min_face: int,
    progress: Progress,
) -> TrainReport:
    """Train a network for a library, and use it from now on if it is better.

    Args:
        db: the catalog.
        looking: the models and settings of the library.
        folder: NAME/*.jpg; None: the faces of the library that the user has confirmed.
        options: seed and steps.
        min_face: smaller faces of the library do not count, pixels.
        progress: told of every stage.

    Raises:
        ProviderUnavailable: PyTorch is not installed, or does not load.
        UsageError: the folder does not exist, people are too few, or the library's vectors are
            projected on fewer numbers.
        ModelError: the models cannot be loaded.
        LibraryUnwritable: the network cannot be written.
    """
    check_torch()
    if are_projected(db, looking.embedder):
        raise UsageError(
            "library compact has cut the vectors of this library, and a network learns whole ones",
            hint="Train in a library that is not compacted.",
        )
    clock, earlier = _Clock(), is_chosen(db)
    work = make_private_dir(make_private_dir(models_folder(db)) / WORK)
    try:
        halves = _halves(db, looking, folder, work, min_face=min_face, progress=progress)
    except UsageError:
        forget_work(db)  # vectors of people from whom nothing can be learned
        raise
    clock.stop("faces")
    maker = CopyMaker(work, looking, progress)
    views = views_of(halves.trained, maker)
    clock.stop("copies")
    recipe = options.recipe(views.vectors.shape[2])
    graph = to_onnx(recipe.shape, train(views, recipe, work / "checkpoint", progress))
    clock.stop("training")
    facts = _facts(looking.embedder, folder, recipe, halves)
    trial = write_model(work / "trial", graph, facts)
    # Measured is the very file that would be used, on the runtime that would run it.
    learned = load_aggregator(trial, trial.path.parent / trial.weights.file)
    plain = FarthestPoint(_PLAIN, coreset_rule(db, looking.embedder))
    result = _judged(halves.measured, (plain, learned), maker, progress)
    recognition = _recognised(db, looking.embedder, halves.measured, learned, progress)
    verdict = decide(result, new=LEARNED, old=_PLAIN, recognition=recognition)
    clock.stop("measuring")
    card = _settle(db, graph, facts, verdict)
    forget_work(db)
    return TrainReport(
        card,
        verdict,
        halves.trained.count,
        halves.measured.count,
        len(halves.trained.faces) + len(halves.measured.faces),
        clock.seconds,
        earlier,
    )


def _halves(
    db: Database,
    looking: Looking,
    folder: Path | None,
    work: Path,
    *,
    min_face: int,
    progress: Progress,
) -> Halves:
    if folder is None:
        return Halves.of(from_library(db, looking, min_face=min_face), "those you have confirmed")
    return Halves.of(from_folder(looking, folder, work / "library", progress), f"those in {folder}")


def _judged(
    known: KnownFaces, methods: Sequence[Aggregator], maker: CopyMaker, progress: Progress
) -> SetsResult:
    """Compare aggregators on people who were not trained on; the first is what is in use."""
    draws = [draw_templates(known.people, seed) for seed in range(_SEEDS)]
    made = maker.make(known, wanted_copies(draws, len(known.faces)))
    sets = set_faces(known.vectors, known.quality, known.people, made)
    progress.start("Comparing sets", len(methods) * len(CONDITIONS) * _SEEDS, "comparison")
    try:
        return judge_sets(
            sets, methods, seeds=_SEEDS, baseline=methods[0].name, on_step=progress.advance
        )
    finally:
        progress.finish()


def _recognised(
    db: Database, embedder: ModelCard, known: KnownFaces, learned: Aggregator, progress: Progress
) -> Recognition | None:
    progress.start("Identifying people", recognition_steps(_SEEDS), "comparison")
    try:
        return judge_recognition(
            db, embedder, known, learned, seeds=_SEEDS, on_step=progress.advance
        )
    finally:
        progress.finish()


def _facts(embedder: ModelCard, folder: Path | None, recipe: Recipe, halves: Halves) -> Facts:
    source = (
        "faces confirmed in this library"
        if folder is None
        else f"the labelled folder {folder.name}"
    )
    return Facts(
        embedder,
        recipe.shape.dimension,
        f"{len(halves.trained.faces)} faces of {halves.trained.count} people, {source}",
        {
            "date": datetime.now().astimezone().date().isoformat(),
            "seed": recipe.seed,
            "steps": recipe.steps,
            "faces_chosen": recipe.shape.size,
            "people_by": "decisions" if folder is None else "folder names",
            "people_trained": halves.trained.count,
            "people_measured": halves.measured.count,
        },
    )


def _settle(db: Database, graph: bytes, facts: Facts, verdict: Verdict) -> ModelCard:
    """Keep the network, and use it if it is better; one that is in use already stays otherwise."""
    measured = {
        f"{one.condition}_{one.rate.replace('-', '')}_{whose}": round(tar.mean, 6)
        for one in verdict.contests
        for whose, tar in ((LEARNED, one.new), (_PLAIN, one.old))
    }
    if verdict.recognition is not None:
        measured["identified_learned"] = round(verdict.recognition.new.mean, 6)
        measured["identified_default"] = round(verdict.recognition.old.mean, 6)
    adopted = "yes" if verdict.adopt else "no"
    facts = replace(facts, metrics={**facts.metrics, "adopted": adopted, **measured})
    if not verdict.adopt:
        return write_model(not_used_folder(db, facts.embedder), graph, facts)
    card = write_model(coreset_folder(db, facts.embedder), graph, facts)
    use(db, card)
    return card


class _Clock:
    """How long each stage took."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def stop(self, stage: str) -> None:
        """Say that a stage is over."""
        now = time.perf_counter()
        self.seconds[stage] = now - self._last
        self._last = now
