"""What can be measured of a face: separate numbers, each with a meaning of its own.

Everything comes from the aligned crop, the five landmarks, the box, the detector's score and the
length of the embedding: nothing is decoded again. How much each number counts is not decided here
but in the embedder's card (`vision.quality`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from facesort.imaging.align import TEMPLATE, TEMPLATE_SIZE
from facesort.imaging.geometry import fit_similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.domain import Box
    from facesort.protocols import Image, Landmarks

__all__ = ["MEASURES", "frontal", "measure"]

# What a card's table may speak of: what `measure` gives, and `robustness` where it is asked for.
MEASURES = (
    "clipped", "contrast", "dark", "eyes", "frontal", "light", "mouth", "norm", "pitch", "pixels",
    "robustness", "roll", "score", "sharpness",
)  # fmt: skip

# What counts as the face in a crop of 112 x 112: rows and columns. Forehead to chin, cheek to
# cheek: never the background, nor the black beyond the edges of the photo.
_ROWS, _COLUMNS = slice(34, 104), slice(28, 84)

# Sharpness compares how much the luminance changes over so many of the photo's pixels: over the
# closest pair noise and the blocks of JPEG say as much as the face.
_NEAR, _FAR = 2, 4
_MOST_ENLARGED = 4.0  # beyond, the far step would be as long as what it looks at

# Where an eye or the mouth should be: so many rows up and down, and columns to both sides. A row
# of it changes along its length, however closely one looks at it; a row of a bar or hand does not.
_EYE, _MOUTH = (3, 9), (3, 17)

_DARK, _CLIPPED = 16, 245  # luminance, 0..255; white with a trace of noise is white too


def measure(
    crop: Image, landmarks: Landmarks, box: Box, score: float, norm: float | None = None
) -> dict[str, float]:
    """Measure one face.

    Args:
        crop: (s, s, 3) RGB, aligned to the five-point template.
        landmarks: (5, 2) upright pixels of the photo.
        box: in the same pixels.
        score: the detector's, 0..1.
        norm: length of the embedding before scaling, once it is known.

    Returns:
        `norm` if given, `pixels` (shorter side of the box), `score` and

        - `frontal`: 1 facing the camera, 0 in profile.
        - `pitch`: where the nose tip lies from the line of the eyes (0) to that of the mouth (1);
          about .5 facing the camera.
        - `roll`: degrees by which the line of the eyes is turned clockwise.
        - `sharpness`: how steep the luminance is at the scale of the photo's own pixels, whatever
          the contrast: .5 for a blurred face, .6 for a common one, .7 for hard edges.
        - `light`: the brightest parts of the face (98th percentile of the luminance), 0..1.
        - `contrast`: between its light and dark parts (5th to 95th percentile), 0..1.
        - `clipped`, `dark`: share of the face that is white or black without detail, 0..1.
        - `eyes`, `mouth`: how much there is to see where they should be, of the contrast: 0 for a
          bar, .05 for a common face. Of the eyes the poorer one counts.
    """
    grey = _luminance(crop)
    face = grey[_ROWS, _COLUMNS]
    low, high, light = np.percentile(face, (5, 95, 98)).tolist()
    contrast = max(high - low, 1.0)
    values = {
        "score": score,
        "frontal": frontal(landmarks),
        **_pose(landmarks),
        "sharpness": _sharpness(face, _enlarged(landmarks)),
        "light": light / 255,
        "contrast": contrast / 255,
        "clipped": float(np.mean(face >= _CLIPPED)),
        "dark": float(np.mean(face <= _DARK)),
        "eyes": min(_seen(grey, eye, _EYE) for eye in TEMPLATE[:2]) / contrast,
        "mouth": _seen(grey, TEMPLATE[3:].mean(axis=0), _MOUTH) / contrast,
    }
    if norm is not None:
        values["norm"] = norm
    measures = {name: round(value, 4) for name, value in values.items()}
    return {**measures, "pixels": round(box.shorter_side, 1)}


def frontal(landmarks: Landmarks) -> float:
    """Say how frontal a face is, 0..1.

    1 when the nose lies midway between the eyes, 0 when it lies at or past one of them.

    Args:
        landmarks: (5, 2) pixels; any rotation in the picture plane.
    """
    eye_line = (landmarks[1] - landmarks[0]).astype(np.float64)
    length = float(eye_line @ eye_line)
    if length < 1e-9:
        return 0.0
    along = float((landmarks[2] - landmarks[0]).astype(np.float64) @ eye_line) / length
    return float(np.clip(1 - abs(2 * along - 1), 0.0, 1.0))


def _luminance(crop: Image) -> NDArray[np.float32]:
    """Return (112, 112) of 0..255 (Rec. 601)."""
    import cv2  # noqa: PLC0415 - heavy

    if crop.shape[0] != TEMPLATE_SIZE:
        size = (TEMPLATE_SIZE, TEMPLATE_SIZE)
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _pose(landmarks: Landmarks) -> dict[str, float]:
    points = landmarks.astype(np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down, across = mouth - eyes, points[1] - points[0]
    height = float(down @ down)
    return {
        "pitch": float((points[2] - eyes) @ down) / height if height > 1e-9 else 0.0,
        "roll": math.degrees(math.atan2(across[1], across[0])),
    }


def _enlarged(landmarks: Landmarks) -> float:
    """Return how many pixels of the crop were made of one of the photo's, 1 where it was shrunk."""
    try:
        matrix = fit_similarity(landmarks, TEMPLATE)
    except ValueError:
        return 1.0  # they coincide
    pixels = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    return min(max(pixels, 1.0), _MOST_ENLARGED)


def _sharpness(face: NDArray[np.float32], enlarged: float) -> float:
    """Compare the change of luminance over two near and two far pixels.

    Where it is blurred, the change grows as fast as the distance, and the ratio is a half; at an
    edge both are the same. Of the four directions the worst counts: the one a motion went.
    """
    near, far = _NEAR * enlarged, _FAR * enlarged
    return min(
        _change(face, step, near) / _change(face, step, far)
        for step in ((0, 1), (1, 0), (1, 1), (1, -1))
    )


def _change(face: NDArray[np.float32], step: tuple[int, int], length: float) -> float:
    """Return the root mean square change over so many steps, which need not be whole."""
    whole = math.floor(length)
    at = _change_over(face, step[0] * whole, step[1] * whole)
    if length == whole:
        return at
    after = _change_over(face, step[0] * (whole + 1), step[1] * (whole + 1))
    return at + (after - at) * (length - whole)


def _change_over(face: NDArray[np.float32], down: int, right: int) -> float:
    rows, columns = face.shape
    left, first = max(0, -right), max(0, right)
    moved = face[down:, first : columns - left] - face[: rows - down, left : columns - first]
    return math.sqrt(float(np.mean(moved * moved)) + 1e-3)  # a plain surface is not divided by 0


def _seen(grey: NDArray[np.float32], point: NDArray[np.float32], half: tuple[int, int]) -> float:
    """Return the mean change along that row about a point that changes least."""
    x, y = round(float(point[0])), round(float(point[1]))
    window = grey[y - half[0] - 1 : y + half[0] + 2, x - half[1] : x + half[1] + 1]
    rows = (window[:-2] + window[1:-1] + window[2:]) / 3  # the grain of a bar is not an eye
    return float(np.abs(rows[:, 2:] - rows[:, :-2]).mean(axis=1).min())
