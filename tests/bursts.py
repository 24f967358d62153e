"""Makes a burst of one good photo: frames that are blurred, shaken, covered, or wrongly exposed.

Everything is done to the whole photo, and in proportion to the face, so that the frames go through
decoding, detection, alignment and embedding like any others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Frame = Callable[["Pixels", "Subject", np.random.Generator], "Pixels"]

__all__ = ["FRAMES", "GROUPS", "Subject", "frames_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """The face that the burst is of.

    Args:
        landmarks: (5, 2) pixels of the photo.
        width: of the face, pixels.
    """

    landmarks: NDArray[np.float32]
    width: float


def frames_of(photo: Pixels, subject: Subject, *, seed: int = 0) -> dict[str, Pixels]:
    """Return the frames of a burst by name; the photo itself is not among them."""
    rng = np.random.default_rng(seed)
    return {name: make(photo, subject, rng) for name, make in FRAMES.items()}


def _bytes(pixels: NDArray[np.floating]) -> Pixels:
    values: Pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return values


def _blurred(photo: Pixels, subject: Subject, _: np.random.Generator, *, sigma: float) -> Pixels:
    """Blur; sigma in hundredths of the face's width."""
    spread = sigma * subject.width / 100
    return np.asarray(cv2.GaussianBlur(photo, (0, 0), spread), dtype=np.uint8)


def _shaken(photo: Pixels, subject: Subject, rng: np.random.Generator, *, length: float) -> Pixels:
    """Move the camera in any direction; the way in hundredths of the face's width."""
    size = max(3, round(length * subject.width / 100) | 1)
    angle, middle = rng.uniform(0, math.pi), size // 2
    way = np.array([math.cos(angle), math.sin(angle)]) * middle
    kernel = np.zeros((size, size), dtype=np.float32)
    ends = [tuple(int(v) for v in np.rint(middle + sign * way)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(photo, -1, kernel / kernel.sum()), dtype=np.uint8)


def _covered(
    photo: Pixels,
    subject: Subject,
    _: np.random.Generator,
    *,
    ends: tuple[int, int],
    colour: int | None,
    height: float,
    beyond: float,
) -> Pixels:
    """Lay a bar from one landmark to another; a colour of None is that of the skin."""
    one, two = (subject.landmarks[end].astype(np.float64) for end in ends)
    apart = float(np.hypot(*(subject.landmarks[1] - subject.landmarks[0])))
    along = (subject.landmarks[1] - subject.landmarks[0]) / apart
    across = np.array([-along[1], along[0]]) * height * subject.width / 2
    one, two = one - along * beyond * apart, two + along * beyond * apart
    corners = np.array([one - across, two - across, two + across, one + across])
    covered = photo.copy()
    paint = _skin(photo, subject) if colour is None else (float(colour),) * 3
    cv2.fillConvexPoly(covered, np.rint(corners).astype(np.int32), paint, lineType=cv2.LINE_AA)
    return covered


def _hand(photo: Pixels, subject: Subject, rng: np.random.Generator) -> Pixels:
    """Hold something of the skin's colour before the mouth."""
    x, y = subject.landmarks[3:].mean(axis=0).tolist()
    axes = (int(0.32 * subject.width), int(0.2 * subject.width))
    covered, turn = photo.copy(), float(rng.uniform(-30, 30))
    centre, paint = (int(x), int(y)), _skin(photo, subject)
    cv2.ellipse(covered, centre, axes, turn, 0, 360, paint, -1, cv2.LINE_AA)
    return covered


def _lidded(
    photo: Pixels, subject: Subject, _: np.random.Generator, *, soft: bool, lashes: bool
) -> Pixels:
    """Close the eyes: a lid of the skin's colour over each, with a soft edge, and dark lashes."""
    across = subject.landmarks[1] - subject.landmarks[0]
    apart, turn = float(np.hypot(*across)), math.degrees(math.atan2(across[1], across[0]))
    axes = (max(2, round(0.26 * apart)), max(2, round(0.15 * apart)))
    centres = [(round(float(x)), round(float(y))) for x, y in subject.landmarks[:2]]
    mask = np.zeros(photo.shape[:2], dtype=np.float32)
    for centre in centres:
        cv2.ellipse(mask, centre, axes, turn, 0, 360, 1.0, -1, cv2.LINE_AA)
    if soft:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.04 * apart), dtype=np.float32)
    closed = _bytes(photo + mask[..., None] * (np.array(_skin(photo, subject)) - photo))
    if lashes:
        paint = tuple(0.35 * value for value in _skin(photo, subject))
        for centre in centres:
            cv2.ellipse(closed, centre, axes, turn, 20, 160, paint, max(1, round(apart / 40)))
    return closed


def _skin(photo: Pixels, subject: Subject) -> tuple[float, ...]:
    """Return the colour between the eyes and the nose."""
    x, y = ((subject.landmarks[2] + subject.landmarks[:2].mean(axis=0)) / 2).astype(int).tolist()
    return tuple(photo[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4].mean(axis=(0, 1)).tolist())


def _exposed(
    photo: Pixels, _: Subject, __: np.random.Generator, *, stops: float, gamma: float = 1.0
) -> Pixels:
    """Expose for longer; gamma 1 multiplies the stored values, 2.2 the light."""
    values = np.clip((photo / 255.0) ** gamma * 2.0**stops, 0, 1) ** (1 / gamma)
    return _bytes(values * 255)


def _compressed(photo: Pixels, _: Subject, __: np.random.Generator, *, quality: int) -> Pixels:
    coded = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)


def _shrunk(photo: Pixels, _: Subject, __: np.random.Generator, *, scale: float) -> Pixels:
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _noisy(photo: Pixels, _: Subject, rng: np.random.Generator, *, deviation: float) -> Pixels:
    return _bytes(photo + rng.normal(0, deviation, photo.shape))


_EYES = partial(_covered, ends=(0, 1), beyond=0.55)
_ONE_EYE = partial(_covered, ends=(0, 0), beyond=0.4)
_MOUTH = partial(_covered, ends=(3, 4), beyond=0.4)
_BLACK, _GREY = 10, 128

FRAMES: Mapping[str, Frame] = {
    **{f"blur {sigma:g}": partial(_blurred, sigma=sigma) for sigma in (1, 1.5, 2, 3, 5)},
    **{f"shake {length:g}": partial(_shaken, length=length) for length in (5, 9, 15)},
    **{f"eyes, black bar {h:g}": partial(_EYES, colour=_BLACK, height=h) for h in (0.08, 0.15)},
    **{f"eyes, grey bar {h:g}": partial(_EYES, colour=_GREY, height=h) for h in (0.08, 0.15)},
    **{f"eyes, skin bar {h:g}": partial(_EYES, colour=None, height=h) for h in (0.08, 0.15, 0.25)},
    "one eye, black bar 0.15": partial(_ONE_EYE, colour=_BLACK, height=0.15),
    "lids": partial(_lidded, soft=False, lashes=False),
    "lids, soft": partial(_lidded, soft=True, lashes=False),
    "lids, soft, with lashes": partial(_lidded, soft=True, lashes=True),
    "mouth, skin bar 0.15": partial(_MOUTH, colour=None, height=0.15),
    "mouth, black bar 0.15": partial(_MOUTH, colour=_BLACK, height=0.15),
    "mouth, hand": _hand,
    "values x 1/2": partial(_exposed, stops=-1),
    "values x 2": partial(_exposed, stops=1),
    "light x 1/2": partial(_exposed, stops=-1, gamma=2.2),
    "light x 2": partial(_exposed, stops=1, gamma=2.2),
    "light x 1/4": partial(_exposed, stops=-2, gamma=2.2),
    "light x 4": partial(_exposed, stops=2, gamma=2.2),
    "JPEG 10": partial(_compressed, quality=10),
    "JPEG 20": partial(_compressed, quality=20),
    "half as large": partial(_shrunk, scale=0.5),
    "a third as large": partial(_shrunk, scale=0.35),
    "noise 8": partial(_noisy, deviation=8),
}

# Bursts: the photo must be better than each of these frames. A frame that a person would hardly
# tell from the photo is in none of them: blur 1, JPEG 20, noise 8, half as large, and twice the
# light, which is too much of a bright photo and just right for a dark one. Nor are lids, which the
# measures mostly do not see: docs/quality.md says so.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "focus": ("blur 1.5", "blur 2", "blur 3", "blur 5"),
    "shake": ("shake 9", "shake 15"),
    "eyes": tuple(name for name in FRAMES if "eye" in name),
    "mouth": tuple(name for name in FRAMES if "mouth" in name),
    "exposure": ("values x 1/2", "values x 2", "light x 1/4", "light x 4"),
    "everything": (
        "blur 2", "shake 9", "eyes, skin bar 0.15", "mouth, hand", "values x 1/2", "values x 2",
    ),
}  # fmt: skip
