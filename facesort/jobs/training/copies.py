"""Copies of faces for a training, kept on the disk piece by piece: they take longest of all."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from facesort.evaluation.sets import BURST
from facesort.files import atomic_write
from facesort.imaging.spoil import KINDS
from facesort.jobs.benches.copies import Copies, embed_copies
from facesort.jobs.benches.sets import recipes
from facesort.training.data import FaceViews

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from facesort.jobs.looking import Looking
    from facesort.jobs.training.faces import KnownFaces
    from facesort.protocols import Progress

__all__ = ["CopyMaker", "views_of"]

# Faces of a piece: a kill loses half a minute's work at most, and the models are loaded for
# each anew.
_PIECE = 256

# Of each face that is trained on: so many of the near copies, and each way to spoil it.
_NEAR_COPIES = 3
_TRAINED = (*range(_NEAR_COPIES), *range(BURST - 1, BURST - 1 + len(KINDS)))


def views_of(known: KnownFaces, maker: CopyMaker) -> FaceViews:
    """Return faces together with the copies that a training draws from.

    Args:
        known: who is trained on.
        maker: makes the copies.
    """
    made = maker.make(known, [_TRAINED] * len(known.faces))
    place = {recipe: 1 + i for i, recipe in enumerate(_TRAINED)}
    shape = (len(known.faces), 1 + len(_TRAINED))
    vectors = np.zeros((*shape, known.vectors.shape[1]), dtype=np.float32)
    quality = np.zeros(shape, dtype=np.float32)
    vectors[:, 0], quality[:, 0] = known.vectors, known.quality
    if len(made.face):
        columns = np.array([place[recipe] for recipe in made.recipe.tolist()])
        vectors[made.face, columns], quality[made.face, columns] = made.vectors, made.quality
    return FaceViews(vectors, quality, _NEAR_COPIES, known.people)


class CopyMaker:
    """Makes copies of faces, and finds those that an earlier run made.

    Args:
        folder: where they are kept.
        looking: with which models.
        progress: told of every copy.
    """

    def __init__(self, folder: Path, looking: Looking, progress: Progress) -> None:
        self._folder = folder
        self._looking = looking
        self._progress = progress

    def make(self, known: KnownFaces, wanted: Sequence[Sequence[int]]) -> Copies:
        """Return the copies; of faces whose photos are gone there are none.

        Args:
            known: the faces.
            wanted: for each the places in `jobs.benches.sets.recipes`.

        Raises:
            ModelError: the models cannot be loaded, or fail.
            OSError: a piece cannot be written.
        """
        starts = range(0, len(known.faces), _PIECE)
        pieces = [wanted[start : start + _PIECE] for start in starts]
        paths = [self._path(known, one, start) for one, start in zip(pieces, starts, strict=True)]
        stored = [_read(path) for path in paths]
        # Only what is left: what an earlier run made says nothing of how fast this one is.
        left = sum(
            sum(map(len, one)) for one, has in zip(pieces, stored, strict=True) if has is None
        )
        self._progress.start("Making copies of faces", left, "face")
        parts = []
        try:
            for start, some, path, has in zip(starts, pieces, paths, stored, strict=True):
                part = self._piece(known, some, start, path) if has is None else has
                if len(part.face):
                    parts.append((part.face + start, part.recipe, part.vectors, part.quality))
        finally:
            self._progress.finish()
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return Copies(none, none, known.vectors[:0], np.zeros(0, dtype=np.float32))
        return Copies(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _path(self, known: KnownFaces, wanted: Sequence[Sequence[int]], start: int) -> Path:
        ids = [face.id for face in known.faces[start : start + _PIECE]]
        named = repr((ids, wanted, self._looking.embedder.model_key))
        return self._folder / f"copies-{hashlib.sha256(named.encode()).hexdigest()[:24]}.npz"

    def _piece(
        self, known: KnownFaces, wanted: Sequence[Sequence[int]], start: int, path: Path
    ) -> Copies:
        faces = known.faces[start : start + _PIECE]
        told = _Within(self._progress)
        made = embed_copies(self._looking, faces, known.photos, wanted, recipes(), told)
        packed = io.BytesIO()
        np.savez(
            packed, face=made.face, recipe=made.recipe, vectors=made.vectors, quality=made.quality
        )
        atomic_write(path, packed.getvalue(), mode=0o600)
        return made


class _Within:
    """A part of a longer stage: its steps count, its beginning and end do not."""

    def __init__(self, whole: Progress) -> None:
        self._whole = whole

    def start(self, label: str, total: int | None, unit: str = "") -> None:
        """Say nothing."""

    def advance(self, n: int = 1) -> None:
        self._whole.advance(n)

    def note(self, message: str) -> None:
        self._whole.note(message)

    def finish(self) -> None:
        """Say nothing."""


def _read(path: Path) -> Copies | None:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            return Copies(stored["face"], stored["recipe"], stored["vectors"], stored["quality"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not made yet, or damaged: made again
