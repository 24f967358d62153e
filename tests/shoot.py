"""A shoot of one or two people as real files: when each frame was taken, how good, how alike."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.fakes import open_library, paint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from facesort.library import Library

__all__ = ["Frame", "Shoot", "burst"]

_START = datetime(2024, 6, 1, 14, 0, 0)  # noqa: DTZ001 - cameras write no zone
_DIMENSION = 128


@dataclass(frozen=True, slots=True)
class Frame:
    """One photo of a person.

    Args:
        name: of the file, without its end.
        quality: of the face.
        look: frames of one look have a cosine of about .99, of two of about .67.
        second: when it was taken; None: the file does not say.
        measures: what the quality was made from.
        strange: the face is as like the person as a stranger is.
        who: whose colour the square has.
        spread: how much the frame differs from all others; of .5, frames of a look have about .8.
    """

    name: str
    quality: float = 0.8
    look: int = 0
    second: float | None = 0.0
    measures: Mapping[str, float] = field(default_factory=dict)
    strange: bool = False
    who: str = "anna"
    spread: float = 0.06


def burst(name: str, count: int, *, best: int, look: int = 0, second: float = 0.0) -> list[Frame]:
    """Return frames of one second each, of which one is good."""
    return [
        Frame(f"{name}{i:03d}", 0.95 if i == best else 0.6, look, second + i) for i in range(count)
    ]


class Shoot:
    """Frames on the disk and in a library that the command line finds too."""

    def __init__(self, root: Path, frames: Sequence[Frame]) -> None:
        self.photos = root / "photos"
        self.folder = type(root)(os.environ["FACESORT_LIBRARY"])
        self.photos.mkdir(parents=True)
        for number, frame in enumerate(frames):
            _write(self.photos / f"{frame.name}.jpg", number, frame)
        with self.open() as library:
            library.scan([self.photos], group=False)
        self._shape(frames)
        with self.open() as library:
            library.group(None, everything=True)

    def open(self) -> Library:
        """Open its library with fake models."""
        return open_library(self.folder)

    def path(self, name: str) -> Path:
        """Return where a frame is."""
        return self.photos / f"{name}.jpg"

    def face(self, name: str) -> str:
        """Return the id of the face on a frame."""
        return self._column("f.id", name)

    def person(self, name: str) -> str:
        """Return who was grouped on a frame."""
        return self._column("a.person_id", name)

    def _column(self, column: str, name: str) -> str:
        with contextlib.closing(sqlite3.connect(self.folder / "catalog.db")) as catalog:
            ((value,),) = catalog.execute(
                f"SELECT {column} {_FACES} WHERE l.path = ?",
                (f"{name}.jpg".encode(),),
            ).fetchall()
        return str(value)

    def _shape(self, frames: Sequence[Frame]) -> None:
        """Give each face the quality and the vector that its frame asks for."""
        vectors = _vectors(frames)
        with contextlib.closing(sqlite3.connect(self.folder / "catalog.db")) as catalog, catalog:
            for frame, vector in zip(frames, vectors, strict=True):
                ((face,),) = catalog.execute(
                    f"SELECT f.id {_FACES} WHERE l.path = ?", (f"{frame.name}.jpg".encode(),)
                ).fetchall()
                catalog.execute(
                    "UPDATE faces SET quality = ?, measures = ? WHERE id = ?",
                    (frame.quality, json.dumps(dict(frame.measures)), face),
                )
                catalog.execute(
                    "UPDATE vectors SET vector = ? WHERE face_id = ?",
                    (vector.astype("<f2").tobytes(), face),
                )


_FACES = """FROM faces f JOIN places l ON l.photo_id = f.photo_id
    LEFT JOIN assignments a ON a.face_id = f.id"""


def _write(path: Path, number: int, frame: Frame) -> None:
    exif = Image.Exif()
    if frame.second is not None:
        taken = _START + timedelta(seconds=frame.second)
        exif.get_ifd(0x8769)[0x9003] = f"{taken:%Y:%m:%d %H:%M:%S}"
    written = io.BytesIO()
    paint(frame.who, number=number).save(
        written, format="JPEG", quality=95, subsampling=0, exif=exif
    )
    path.write_bytes(written.getvalue())


def _vectors(frames: Sequence[Frame]) -> np.ndarray:
    random = np.random.default_rng(7)
    people = {who: random.standard_normal(_DIMENSION) for who in sorted({f.who for f in frames})}
    looks = random.standard_normal((max(f.look for f in frames) + 1, _DIMENSION))
    vectors = np.stack(
        [
            _unit(people[f.who]) * (0.1 if f.strange else 0.82)
            + _unit(looks[f.look]) * (0.0 if f.strange else 0.57)
            + _unit(random.standard_normal(_DIMENSION)) * (1.0 if f.strange else f.spread)
            for f in frames
        ]
    )
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _unit(vector: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vector / np.linalg.norm(vector)
    return unit
