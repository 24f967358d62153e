"""Faces cut out of their photos again, changed, and embedded: for measuring and for training."""

from __future__ import annotations

import math
import zlib
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import PlaceState
from facesort.errors import PhotoError
from facesort.imaging.align import align_in, source_box
from facesort.imaging.decode import open_photo, read_file
from facesort.imaging.geometry import points_to_upright, scale_box, to_upright
from facesort.vision.measures import measure
from facesort.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from typing import TypeAlias

    from numpy.typing import NDArray

    from facesort.domain import Box, Face, Photo, PhotoId
    from facesort.imaging.spoil import Spoilt
    from facesort.jobs.looking import Looking
    from facesort.protocols import Image, Landmarks, Progress, Vectors
    from facesort.registry import Models

__all__ = ["Copies", "Cut", "Recipe", "copies_of", "cut_out", "embed_copies"]

Recipe: TypeAlias = "Callable[[Image, np.random.Generator], Spoilt]"

_AHEAD = 8  # faces begun before the first is taken in, for each thread


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """An aligned face, and what its measures need besides.

    Args:
        crop: (s, s, 3) RGB.
        landmarks: (5, 2) upright pixels of the photo.
        box: in the same pixels.
        score: the detector's.
    """

    crop: Image
    landmarks: Landmarks
    box: Box
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """What became of m copies; those of faces whose photos are gone are missing.

    Args:
        face: (m,) of which of the faces.
        recipe: (m,) made by which of the recipes.
        vectors: (m, d) unit float32.
        quality: (m,) 0..1, measured on the copy.
    """

    face: NDArray[np.int64]
    recipe: NDArray[np.int64]
    vectors: Vectors
    quality: NDArray[np.float32]


def embed_copies(
    looking: Looking,
    faces: Sequence[Face],
    photos: Mapping[PhotoId, Photo],
    wanted: Sequence[Sequence[int]],
    recipes: Sequence[Recipe],
    progress: Progress,
) -> Copies:
    """Cut faces out of their photos again, change them, and embed what comes of it.

    Equal faces and recipes give equal copies, whatever else is asked for.

    Args:
        looking: the models and settings.
        faces: n of them; on a video's frames none are made.
        photos: where they are.
        wanted: for each face the numbers of the recipes.
        recipes: what to make of a crop.
        progress: told of every copy.

    Raises:
        ModelError: the models cannot be loaded, or fail.
    """
    models, limit = looking.models(), looking.settings.max_megapixels

    def cut(number: int) -> Cut | None:
        face = faces[number]
        photo = photos.get(face.photo_id)
        size = models.embedder.crop_size
        return None if photo is None else cut_out(face, photo, size, max_megapixels=limit)

    seeds = [zlib.crc32(face.id.encode()) for face in faces]
    threads = looking.settings.worker_threads
    return copies_of(cut, seeds, wanted, recipes, models, progress, threads=threads)


def copies_of(
    cut: Callable[[int], Cut | None],
    seeds: Sequence[int],
    wanted: Sequence[Sequence[int]],
    recipes: Sequence[Recipe],
    models: Models,
    progress: Progress,
    *,
    threads: int,
) -> Copies:
    """Make and embed copies of faces; see `embed_copies`.

    Args:
        cut: returns one face by its number, called on any thread.
        seeds: of the chance in the copies of each face.
        wanted: for each face the numbers of the recipes.
        recipes: what to make of a crop.
        models: embedder and quality.
        progress: told of every copy.
        threads: how many faces are worked on at a time.
    """
    progress.start("Making copies of faces", sum(len(some) for some in wanted), "face")
    try:
        with Workers(threads, name="facesort-copies") as workers:
            begun = (
                workers.submit(0, partial(_make, number, cut, seeds[number], some, recipes, models))
                for number, some in enumerate(wanted)
                if some
            )
            parts = []
            for made, asked in _in_turn(begun, (len(some) for some in wanted if some), threads):
                parts += [] if made is None else [made]
                progress.advance(asked)
    finally:
        progress.finish()
    return _joined(parts)


def _in_turn(
    coming: Iterator[Future[Copies | None]], asked: Iterator[int], threads: int
) -> Iterator[tuple[Copies | None, int]]:
    """Yield what comes and how much was asked for, a few steps behind what is begun."""
    begun: deque[tuple[Future[Copies | None], int]] = deque()
    for entry in zip(coming, asked, strict=True):
        begun.append(entry)
        if len(begun) >= _AHEAD * threads:
            future, count = begun.popleft()
            yield future.result(), count
    for future, count in begun:
        yield future.result(), count


def _make(
    number: int,
    cut: Callable[[int], Cut | None],
    seed: int,
    wanted: Sequence[int],
    recipes: Sequence[Recipe],
    models: Models,
) -> Copies | None:
    """Make all copies of one face."""
    face = cut(number)
    if face is None:
        return None
    spoilt = [recipes[which](face.crop, np.random.default_rng([seed, which])) for which in wanted]
    vectors, norms = models.embedder.embed(np.stack([one.crop for one in spoilt]))
    quality = [
        # A blurred face is as large as before; one of fewer pixels is what it is far away.
        models.quality.score(
            measure(
                one.crop,
                (face.landmarks * one.scale).astype(np.float32),
                scale_box(face.box, one.scale),
                face.score,
                norm,
            )
        )
        for one, norm in zip(spoilt, norms.tolist(), strict=True)
    ]
    return Copies(
        np.full(len(wanted), number, dtype=np.int64),
        np.array(wanted, dtype=np.int64),
        vectors,
        np.array(quality, dtype=np.float32),
    )


def _joined(parts: Sequence[Copies]) -> Copies:
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Copies(none, none, np.zeros((0, 0), np.float32), np.zeros(0, np.float32))
    return Copies(
        np.concatenate([part.face for part in parts]),
        np.concatenate([part.recipe for part in parts]),
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.quality for part in parts]),
    )


def cut_out(face: Face, photo: Photo, size: int, *, max_megapixels: float) -> Cut | None:
    """Cut an aligned face out of the first readable original; None where there is none.

    Args:
        face: on a photo; of a video's frames nothing is cut.
        photo: its.
        size: side of the crop in pixels.
        max_megapixels: larger photos give nothing.
    """
    if face.seconds is not None:
        return None
    for place in photo.places:
        if place.state is not PlaceState.PRESENT:
            continue
        turn = (photo.width, photo.height, place.orientation)
        landmarks = points_to_upright(face.landmarks, *turn)
        try:
            pixels = source_box(landmarks, size)[1]
            opened = open_photo(
                read_file(place.path),
                name=str(place.path),
                max_megapixels=max_megapixels,
                long_side=math.ceil(max(photo.width, photo.height) / max(1.0, pixels)),
            )
            crop = align_in(opened, landmarks, size)
        except (PhotoError, ValueError):  # gone, damaged, or landmarks that coincide
            continue
        return Cut(crop, landmarks, to_upright(face.box, *turn), face.score)
    return None
