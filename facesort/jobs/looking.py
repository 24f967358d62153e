"""How photos are searched: part of what makes a stored look current. Imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.inference.card import ModelCard

__all__ = ["SCALES", "largest_face", "pipeline_key"]

# Long sides at which a photo is searched. At 1920 a face of 24 px in a 12-megapixel group photo
# still has 11; at 480 a face that fills the frame stays inside YuNet's range. YuNet takes 25 ns a
# pixel.
SCALES = (1920, 480)


def pipeline_key(detector: ModelCard) -> str:
    """Name the detector and every setting that changes what it finds."""
    settings = detector.detection
    scales = ",".join(str(scale) for scale in SCALES)
    score = settings.min_score if settings else 0
    overlap = settings.max_overlap if settings else 0
    return f"{detector.model_key};scales={scales};score={score:g};overlap={overlap:g}"


def largest_face(detector: ModelCard) -> float:
    """Return the widest face that the detector finds reliably, pixels of its input."""
    return float(detector.detection.face_pixels[1]) if detector.detection else float("inf")
