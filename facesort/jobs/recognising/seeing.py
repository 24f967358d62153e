"""Looks at single pictures, in a library or not, and stores nothing of them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facesort.errors import PhotoError, UsageError
from facesort.evaluation.truth import DetectedPhoto, TruthRow, match_faces
from facesort.files import PathKind, kind_of
from facesort.imaging.geometry import to_upright, upright_size
from facesort.stages import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from facesort.domain import Box, FaceId
    from facesort.jobs.looking import Looking
    from facesort.stages import Looked

__all__ = ["SeenFace", "SeenPhoto", "check_images", "see"]


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """One face of a picture that was looked at.

    Args:
        id: what it would have in a library.
        box: upright pixels.
        score: the detector's, 0..1.
        quality: 0..1.
        seconds: when in its video it is; None in a photo.
        vector: (d,) unit float32, as the model makes it.
    """

    id: FaceId
    box: Box
    score: float
    quality: float
    seconds: float | None
    vector: NDArray[np.float32]

    def to_json(self) -> dict[str, object]:
        """Return what `verify` and `identify` say of every face."""
        box = self.box
        said: dict[str, object] = {
            "box": [round(v, 1) for v in (box.left, box.top, box.right, box.bottom)],
            "score": round(self.score, 4),
            "quality": round(self.quality, 4),
        }
        return said if self.seconds is None else {**said, "seconds": self.seconds}


@dataclass(frozen=True, slots=True, eq=False)
class SeenPhoto:
    """One picture, or video, that was looked at.

    Args:
        path: as the user gave it.
        content_key: of what is coded in it; empty when it could not be read.
        width: upright pixels.
        height: upright pixels.
        faces: from left to right.
        error: why it could not be looked at.
    """

    path: Path
    content_key: str
    width: int
    height: int
    faces: tuple[SeenFace, ...]
    error: PhotoError | None = None

    @property
    def central_face(self) -> SeenFace | None:
        """The largest central face, as LFW's protocol chooses it; None without any."""
        found = DetectedPhoto(self.width, self.height, [(f.id, f.box) for f in self.faces])
        (wanted,) = match_faces([TruthRow(self.path, "", None)], {self.path: found})
        return next((face for face in self.faces if face.id == wanted), None)


def check_images(paths: Sequence[Path]) -> None:
    """Refuse what is no file; before any work.

    Raises:
        UsageError: a path does not exist, or is a folder.
    """
    for path in paths:
        kind = kind_of(path)
        if kind is PathKind.NOTHING:
            raise UsageError(
                f"{path} does not exist",
                hint="Check the spelling, and that the drive is connected.",
            )
        if kind is not PathKind.FILE:
            raise UsageError(f"{path} is not a file", hint="Name picture files.")


def see(looking: Looking, paths: Sequence[Path]) -> Iterator[SeenPhoto]:
    """Look at pictures, in the given order; a failed one is an answer with an error.

    Raises:
        ModelError: the models cannot be loaded.
    """
    pipeline = looking.glance()
    tasks = [Task(number, path) for number, path in enumerate(paths)]
    try:
        run = pipeline.run_alone(tasks) if len(tasks) <= 2 else pipeline.run(tasks)
        with closing(run) as answers:
            for looked in answers:
                yield _seen(looked)
    finally:
        pipeline.close()


def _seen(looked: Looked) -> SeenPhoto:
    photo = looked.photo
    if photo is None:
        return SeenPhoto(looked.task.path, looked.content_key, 0, 0, (), looked.error)
    turned = (photo.width, photo.height, looked.orientation)
    faces = [
        SeenFace(
            face.id,
            to_upright(face.box, *turned),
            face.score,
            face.quality,
            face.measures.get("seconds"),
            face.vector,
        )
        for face in photo.faces
    ]
    return SeenPhoto(
        looked.task.path,
        looked.content_key,
        *upright_size(*turned),
        tuple(sorted(faces, key=lambda face: (face.seconds or 0.0, face.box))),
    )
