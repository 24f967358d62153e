"""`verify`: are the faces on two pictures one person?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from facesort.catalog.opening import catalog_exists, open_database
from facesort.errors import PhotoError, Unsupported
from facesort.imaging.formats import is_video
from facesort.jobs.grouping.calibrated import card_calibration
from facesort.jobs.looking import Looking
from facesort.jobs.recognising.seeing import check_images, see

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.config import Settings
    from facesort.grouping.calibration import Calibration
    from facesort.jobs.recognising.seeing import SeenFace, SeenPhoto
    from facesort.protocols import Progress
    from facesort.registry import LoadModels

__all__ = ["Side", "Verdict", "Verification", "verdict_of", "verify", "verify_pictures"]

# Sure enough to say so in a word. Of LFW's pairs of one person 99.0 % are called the same, 1.0 %
# unsure and .02 % different; of strangers .02 % the same, 6 % unsure and 94 % different. At .99 it
# would be 98.3, 1.7 and .01 %; .01, 16 and 84 % (tests/benchmarks/identify.py, SFace, 2026-11-22).
_SURE = 0.95

# Nor are two faces called the same where strangers are as alike more often than that: for poor
# faces, of which LFW has few, the probability is extrapolated.
_MAX_FALSE_MATCH_RATE = 1e-3


class Verdict(StrEnum):
    """The answer in a word."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two pictures.

    Args:
        photo: all that was found on it.
        face: the one that was compared: the largest central one.
        is_poor: its quality is below what starts a person in a library.
    """

    photo: SeenPhoto
    face: SeenFace
    is_poor: bool

    def to_json(self) -> dict[str, object]:
        """Return its part of the document."""
        return {
            "photo": str(self.photo.path),
            "faces": len(self.photo.faces),
            **self.face.to_json(),
            "low_quality": self.is_poor,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """How alike two faces are, and what that means.

    Args:
        similarity: cosine, -1..1.
        probability: that they are one person when both answers were as likely before; None when the
            embedder's card does not say.
        false_match_rate: how often two strangers are at least this alike; None likewise.
        verdict: in a word.
        sides: the two faces.
        same_picture: both files hold one picture.
        model: the embedder's name.
    """

    similarity: float
    probability: float | None
    false_match_rate: float | None
    verdict: Verdict
    sides: tuple[Side, Side]
    same_picture: bool
    model: str

    def to_json(self) -> dict[str, object]:
        """Return the document of `verify --json`."""
        return {
            "similarity": self.similarity,
            "probability": self.probability,
            "false_match_rate": self.false_match_rate,
            "verdict": self.verdict.value,
            "a": self.sides[0].to_json(),
            "b": self.sides[1].to_json(),
            "same_picture": self.same_picture,
            "model": self.model,
        }


def verify_pictures(
    settings: Settings,
    first: Path,
    second: Path,
    progress: Progress,
    load_models: LoadModels | None = None,
) -> Verification:
    """Compare two pictures with the models of a library, or with the default ones without any.

    Raises:
        LibraryError: there is a library, and it cannot be opened.
        UsageError, PhotoError, ModelError: see `verify`.
    """
    check_images([first, second])  # before a library is opened
    if not catalog_exists(settings.library):
        return verify(Looking(None, settings, progress, load_models), first, second)
    db = open_database(settings.library, create=False)
    try:
        return verify(Looking(db, settings, progress, load_models), first, second)
    finally:
        db.close()


def verify(looking: Looking, first: Path, second: Path) -> Verification:
    """Compare the largest central faces of two pictures. Nothing is stored.

    Args:
        looking: how to look; of a library, or of none.
        first: a picture file.
        second: another, or the same.

    Raises:
        UsageError: one does not exist or is a folder.
        PhotoError: one cannot be read, is a video, or shows no face.
        ModelError: the models cannot be loaded.
    """
    check_images([first, second])
    for path in (first, second):
        if is_video(path.name):
            raise Unsupported(
                f"{path}: two pictures are compared, and this is a video",
                hint="Save the frame that you mean as a picture.",
            )
    photos = list(see(looking, [first, second]))
    a, b = (_side(looking, photo) for photo in photos)
    similarity = float(a.face.vector @ b.face.vector)
    calibration = card_calibration(None, looking.embedder)
    probability = _probability(calibration, similarity, a.face, b.face)
    rate = calibration.false_match_rate(similarity) if calibration else None
    return Verification(
        similarity,
        probability,
        rate,
        verdict_of(probability, rate),
        (a, b),
        same_picture=a.photo.content_key == b.photo.content_key,
        model=looking.embedder.name,
    )


def _side(looking: Looking, photo: SeenPhoto) -> Side:
    if photo.error is not None:
        raise photo.error
    face = photo.central_face
    if face is None:
        smallest = looking.freshness.min_face
        raise PhotoError(
            f"{photo.path}: no face was found",
            hint=f"Faces of less than {smallest} pixels are not looked for; --min-face changes it.",
        )
    least = float(str(looking.embedder.quality.get("min_quality", 0.0)))
    return Side(photo, face, face.quality < least)


def _probability(
    calibration: Calibration | None, similarity: float, a: SeenFace, b: SeenFace
) -> float | None:
    if calibration is None:
        return None
    probability = calibration.probability(similarity, a.quality, b.quality)
    return None if probability is None else float(probability)


def verdict_of(probability: float | None, false_match_rate: float | None) -> Verdict:
    """Put a probability and a false match rate into a word; None where the card gives none."""
    if probability is None or false_match_rate is None:
        return Verdict.UNSURE
    if probability >= _SURE and false_match_rate <= _MAX_FALSE_MATCH_RATE:
        return Verdict.SAME
    return Verdict.DIFFERENT if probability <= 1 - _SURE else Verdict.UNSURE
