"""Vectors of 128 bytes: one scale for a whole library, and fewer numbers where there are more.

FaceNet found that 128 numbers "can be quantized to 128 bytes without loss of accuracy". A step of
the scale is 1/127 of the largest number in the library; rounding to it moves a number by a third of
a step on average, and the errors of 128 numbers nearly cancel in a cosine.

Longer vectors are projected first on the 128 directions that hold most of their cosines: those of
the matrix of second moments, without taking the mean away. The mean is part of how alike strangers
look, which is what the card's calibration is about.

Source: Schroff, Kalenichenko and Philbin, FaceNet, CVPR 2015, section 5.4; Eckart and Young 1936
(the projection that changes the matrix of products least).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import VectorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["DESCRIPTOR_BYTES", "Loss", "fit_code", "loss"]

DESCRIPTOR_BYTES = 128

_LARGEST = 127

# The largest number of a few vectors says little of those to come: a scale reaches at least to so
# many standard deviations of a number of a unit vector. SFace's largest of 6,132 faces of LFW, or
# 784,896 numbers, is 5.02 of them (2026-11-22); beyond the scale numbers are cut off.
_MIN_DEVIATIONS = 5.0

# A projection is fitted to so many vectors; more change nothing.
_MOST_FITTED = 100_000

# Pairs of faces whose cosine is compared before and after.
_PAIRS = 200_000
_BLOCK_ROWS = 1 << 15


def fit_code(vectors: Vectors, model_key: str, size: int = DESCRIPTOR_BYTES) -> VectorCode:
    """Find the scale, and for longer vectors the projection, that suit a library.

    Args:
        vectors: (n, d) unit float32, n > 0.
        model_key: whose they are.
        size: bytes of a descriptor at most.

    Raises:
        ValueError: there are no vectors.
    """
    if not len(vectors):
        raise ValueError("no vectors to fit a code to")
    dimension = vectors.shape[1]
    axes = None if dimension <= size else _axes(vectors, size)
    unscaled = VectorCode(model_key, dimension, min(size, dimension), 1.0, axes)
    largest = max(
        float(np.abs(unscaled.project(vectors[start : start + _BLOCK_ROWS])).max())
        for start in range(0, len(vectors), _BLOCK_ROWS)
    )
    reach = max(largest, min(1.0, _MIN_DEVIATIONS / unscaled.size**0.5))
    slope, shift = (1.0, 0.0) if axes is None else _moved(vectors, unscaled)
    return VectorCode(model_key, dimension, unscaled.size, reach / _LARGEST, axes, slope, shift)


def _moved(vectors: Vectors, code: VectorCode) -> tuple[float, float]:
    """Say how a projection moves the cosines of strangers, as slope and shift.

    Nearly all pairs of a library are strangers, so mean and spread of all pairs are theirs.
    Projected from 128 to 64 numbers, the cosines that LFW's strangers exceed at 1e-3, 1e-4 and 1e-5
    move from .360, .416 and .467 to .474, .538 and .599, a straight line; this puts them at .478,
    .551 and .616, on the careful side (SFace, 2026-11-22).
    """
    before, after = _cosines(vectors, code.project)
    if len(before) < 2 or not before.std() > 0:
        return 1.0, 0.0  # a single pair: nothing is known, and nothing can be confused
    slope = float(after.std() / before.std())
    return slope, float(after.mean() - slope * before.mean())


def _axes(vectors: Vectors, size: int) -> NDArray[np.float32]:
    """Return the (d, size) orthonormal directions with the largest second moments."""
    step = max(1, len(vectors) // _MOST_FITTED)  # evenly over the library
    fitted = vectors[::step].astype(np.float64)
    moments = fitted.T @ fitted
    _, directions = np.linalg.eigh(moments)  # the smallest moment first
    leading = directions[:, : -size - 1 : -1]
    # The sign of a direction is free: fixed, so that one library gives one code everywhere.
    signs = np.sign(leading[np.abs(leading).argmax(axis=0), np.arange(size)])
    axes: NDArray[np.float32] = (leading * signs).astype(np.float32)
    return axes


@dataclass(frozen=True, slots=True)
class Loss:
    """What a code changes.

    Args:
        mean_change: mean size of the change of a cosine between two faces.
        max_change: its largest.
        pairs: over how many pairs: all those of some faces drawn at random.
        same_cosine: lowest cosine of any vector to what becomes of it.
        bytes_before: of all vectors, without what SQLite adds.
        bytes_after: likewise.
    """

    mean_change: float
    max_change: float
    pairs: int
    same_cosine: float
    bytes_before: int
    bytes_after: int


def loss(vectors: Vectors, code: VectorCode) -> Loss:
    """Measure what a code changes; the same for the same vectors.

    Args:
        vectors: (n, d) unit float32, as they are stored now.
        code: how they would be stored.
    """
    n = len(vectors)
    worst = 1.0
    for start in range(0, n, _BLOCK_ROWS):
        block = vectors[start : start + _BLOCK_ROWS]
        kept = np.einsum("ij,ij->i", code.project(block), code.seen(block))
        if code.axes is not None:  # what the missing directions held is lost too
            kept = kept * np.linalg.norm(block @ code.axes, axis=1)
        worst = min(worst, float(kept.min()))
    before, after = _cosines(vectors, code.seen)
    change = np.abs(after - before)
    return Loss(
        mean_change=float(change.mean()) if len(change) else 0.0,
        max_change=float(change.max()) if len(change) else 0.0,
        pairs=len(change),
        same_cosine=min(1.0, worst),
        bytes_before=2 * n * vectors.shape[1],
        bytes_after=n * code.size,
    )


def _cosines(
    vectors: Vectors, change: Callable[[Vectors], Vectors]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return cosines of many pairs before and after."""
    rng = np.random.default_rng(0)
    drawn = min(len(vectors), math.isqrt(2 * _PAIRS))
    sample = vectors[np.sort(rng.choice(len(vectors), size=drawn, replace=False))]
    seen = change(sample)
    upper = np.triu_indices(drawn, 1)
    return (sample @ sample.T)[upper], (seen @ seen.T)[upper]
