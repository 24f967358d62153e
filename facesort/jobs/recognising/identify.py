"""`identify`: who is on pictures, among the people of a library or none of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import photos as catalog
from facesort.catalog import vectors
from facesort.errors import UsageError
from facesort.grouping.openset import DEFAULT_WRONG, OpenSetRule, match
from facesort.jobs.describing.aggregating import tell_if_unusable
from facesort.jobs.describing.coreset_rule import min_quality
from facesort.jobs.describing.descriptors import store
from facesort.jobs.grouping.calibrated import calibration_of
from facesort.jobs.recognising.gallery import known_people
from facesort.jobs.recognising.identified import (
    Candidate,
    Identification,
    IdentifiedFace,
    IdentifiedPhoto,
)
from facesort.jobs.recognising.seeing import check_images, see
from facesort.jobs.showing.shown import ensure_fresh

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.domain import PersonId, VectorCode
    from facesort.grouping.openset import Matches
    from facesort.jobs.looking import Looking
    from facesort.jobs.recognising.gallery import Known
    from facesort.jobs.recognising.seeing import SeenFace
    from facesort.protocols import Progress, Vectors

__all__ = ["IdentifyOptions", "identify"]


@dataclass(frozen=True, slots=True)
class IdentifyOptions:
    """How careful to be.

    Args:
        wrong: faces of strangers that may be given a person, of 1,000; None: the default.
        min_cosine: a fixed mean cosine instead; for models without calibration.
    """

    wrong: float | None = None
    min_cosine: float | None = None

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises:
            UsageError: both are given, or one is out of range.
        """
        if self.wrong is not None and self.min_cosine is not None:
            raise UsageError("--wrong and --min-cosine exclude each other", hint="Give one.")
        if self.wrong is not None and not 0 < self.wrong <= 1000:
            raise UsageError(f"--wrong {self.wrong:g} is not between 0 and 1000")
        if self.min_cosine is not None and not -1 <= self.min_cosine <= 1:
            raise UsageError(f"--min-cosine {self.min_cosine:g} is not between -1 and 1")

    def rule(self, looking: Looking, db: Database) -> OpenSetRule:
        """Return the rule for a library.

        Raises:
            UsageError: the embedder's card has no calibration, and no cosine is given.
        """
        calibration = calibration_of(db, looking.embedder)
        if calibration is None and self.min_cosine is None:
            raise UsageError(
                f"the card of {looking.embedder.name} has no calibration",
                hint="Give a fixed --min-cosine.",
            )
        wrong = DEFAULT_WRONG if self.wrong is None else self.wrong
        return OpenSetRule(calibration, wrong, self.min_cosine)


def identify(
    db: Database,
    looking: Looking,
    paths: Sequence[Path],
    options: IdentifyOptions,
    *,
    min_face: int,
    progress: Progress,
) -> Identification:
    """Say who is on pictures; nothing is stored.

    Args:
        db: the catalog.
        looking: how its library looks.
        paths: picture files or videos, anywhere.
        options: how careful to be.
        min_face: smallest face of the library that counts, pixels.
        progress: is told of pictures.

    Raises:
        UsageError: a path does not exist or is a folder, or an option makes no sense.
        ModelMismatch: all faces of the library come from other models.
        ModelError: the models cannot be loaded.
    """
    check_images(paths)
    options.check()
    rule = options.rule(looking, db)
    progress.start("Looking at pictures", len(paths), "photo")
    photos = []
    try:
        for photo in see(looking, paths):
            photos.append(photo)
            progress.advance()
    finally:
        progress.finish()
    faces = [face for photo in photos for face in photo.faces]
    tell_if_unusable(db, looking.embedder, progress)
    ensure_fresh(db, min_face=min_face)
    with db.snapshot():
        probes = _probes(faces, vectors.code_of(db, looking.embedder.model_key))
        known = known_people(db, looking.embedder, min_face=min_face)
        there = {
            photo.content_key
            for photo in photos
            if catalog.photo_by_key(db, photo.content_key) is not None
        }
    store(db, known.made)
    qualities = np.array([face.quality for face in faces], dtype=np.float32)
    told = iter(_told(faces, match(probes, qualities, known.gallery, rule), known, looking))
    return Identification(
        tuple(
            IdentifiedPhoto(
                photo, tuple(islice(told, len(photo.faces))), photo.content_key in there
            )
            for photo in photos
        ),
        known.gallery.people,
        float(rule.needed(len(known.gallery), np.ones(1, dtype=np.int64))[0]),
        looking.embedder.name,
    )


def _probes(faces: Sequence[SeenFace], code: VectorCode | None) -> Vectors:
    """Return the (n, d) vectors of faces, as the library's descriptors compare with."""
    if not faces:
        return np.zeros((0, 1), dtype=np.float32)
    seen = np.stack([face.vector for face in faces])
    return seen if code is None else code.project(seen)


def _told(
    faces: Sequence[SeenFace], found: Matches, known: Known, looking: Looking
) -> Iterator[IdentifiedFace]:
    least = min_quality(looking.embedder)
    for row, face in enumerate(faces):
        candidates = tuple(
            _candidate(
                known.persons[number],
                known,
                float(found.cosine[row, place]),
                float(found.probability[row, place]),
            )
            for place, number in enumerate(found.nearest[row].tolist())
            if number >= 0
        )
        yield IdentifiedFace(face, found.findings[row], candidates, face.quality < least)


def _candidate(person: PersonId, known: Known, similarity: float, chance: float) -> Candidate:
    return Candidate(
        person,
        known.names.get(person),
        similarity,
        None if math.isnan(chance) else chance,
        person in known.ignored,
    )
