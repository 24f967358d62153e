"""Judges an embedder on pairs of faces: LFW's folds, and all pairs at low false match rates.

Cosine throughout. The LFW protocol counts in squared Euclidean distance of unit vectors, which is
2 - 2 cos; its grids are kept, so that numbers compare with published ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = [
    "FALSE_MATCH_RATES",
    "AllPairs",
    "FoldResult",
    "LfwResult",
    "judge_all_pairs",
    "judge_folds",
]

FALSE_MATCH_RATES = {"1e-3": 1e-3, "1e-4": 1e-4, "1e-5": 1e-5, "1e-6": 1e-6}

# davidsandberg/facenet, src/lfw.py: squared distances 0..4.
_ACCURACY_STEPS = 400
_VAL_STEPS = 4000
_VAL_FAR = 1e-3

_BLOCK_SCORES = 4_000_000  # similarities held at once: 16 MB


@dataclass(frozen=True, slots=True)
class FoldResult:
    """Result of the ten-fold (or k-fold) protocol. Shares are 0..1.

    Args:
        accuracy: mean over the folds; the threshold of each comes from the other folds.
        accuracy_std: population standard deviation over the folds.
        min_cosine: mean of the thresholds.
        val: share of same pairs accepted at a false accept rate of 1e-3 on the other folds, mean.
        val_std: its population standard deviation over the folds.
        far_achieved: the false accept rate that those thresholds gave on the folds left out, mean.
        pairs: pairs in the file.
        skipped: pairs of which a face was not found; in none of the numbers above.
        accuracy_skipped_wrong: the accuracy when they count as answered wrongly.
    """

    accuracy: float
    accuracy_std: float
    min_cosine: float
    val: float
    val_std: float
    far_achieved: float
    pairs: int
    skipped: int
    accuracy_skipped_wrong: float


def judge_folds(
    cosines: Sequence[Sequence[float | None]], same: Sequence[Sequence[bool]]
) -> FoldResult:
    """Run the protocol of LFW ("unrestricted, labeled outside data") on k folds.

    Args:
        cosines: for each fold, the similarity of each pair; None where a face was not found.
        same: for each fold and pair, whether it shows one person.

    Raises:
        UsageError: a fold has no usable same pair or no usable different pair.

    Source: davidsandberg/facenet, src/facenet.py (calculate_roc, calculate_val), where a pair is
    accepted when its distance is below the threshold.
    """
    folds = [_Fold.of(index, *fold) for index, fold in enumerate(zip(cosines, same, strict=True))]
    grid = _grid(_ACCURACY_STEPS)
    accepted = np.stack([fold.accepted(grid) for fold in folds])  # (folds, kinds, thresholds)
    right = accepted[:, 0] + np.array([[len(fold.different)] for fold in folds]) - accepted[:, 1]
    chosen = np.argmax(right.sum(axis=0) - right, axis=1)  # by the other folds; the first best
    usable = np.array([len(fold.same) + len(fold.different) for fold in folds])
    listed = usable + np.array([fold.skipped for fold in folds])
    hits = right[np.arange(len(folds)), chosen]
    accuracy = hits / usable
    val, far = _val_at_far(folds)
    return FoldResult(
        accuracy=float(accuracy.mean()),
        accuracy_std=float(accuracy.std()),
        min_cosine=float((1.0 - grid[chosen] / 2.0).mean()),
        val=float(val.mean()),
        val_std=float(val.std()),
        far_achieved=float(far.mean()),
        pairs=int(listed.sum()),
        skipped=int(listed.sum() - usable.sum()),
        accuracy_skipped_wrong=float((hits / listed).mean()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    """Sorted squared distances of one fold's same and different pairs."""

    same: NDArray[np.float64]
    different: NDArray[np.float64]
    skipped: int

    @classmethod
    def of(cls, index: int, cosines: Sequence[float | None], same: Sequence[bool]) -> _Fold:
        found = [
            (2.0 - 2.0 * cosine, is_same)
            for cosine, is_same in zip(cosines, same, strict=True)
            if cosine is not None
        ]
        fold = cls(
            np.sort(np.array([distance for distance, is_same in found if is_same])),
            np.sort(np.array([distance for distance, is_same in found if not is_same])),
            len(cosines) - len(found),
        )
        if not (len(fold.same) and len(fold.different)):
            raise UsageError(
                f"fold {index + 1} has no usable pair of each kind: too many faces were not found",
                hint="Check that the folder holds the images that the pairs file names.",
            )
        return fold

    def accepted(self, grid: NDArray[np.float64]) -> NDArray[np.int64]:
        """Count the (same, different) pairs below each threshold: (2, thresholds)."""
        return np.stack(
            [np.searchsorted(self.same, grid), np.searchsorted(self.different, grid)]
        ).astype(np.int64)


def _grid(steps: int) -> NDArray[np.float64]:
    """Return squared distances from 0 up to, but without, 4."""
    return np.arange(steps, dtype=np.float64) * (4.0 / steps)


def _val_at_far(folds: Sequence[_Fold]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    grid = _grid(_VAL_STEPS)
    false_accepts = np.stack([fold.accepted(grid)[1] for fold in folds])
    different = np.array([len(fold.different) for fold in folds])
    val, far = [], []
    for index, fold in enumerate(folds):
        others = false_accepts.sum(axis=0) - false_accepts[index]
        train_far = others / (different.sum() - different[index])
        # facenet: when no threshold reaches the rate, nothing is accepted.
        reached = train_far.max() >= _VAL_FAR
        threshold = float(np.interp(_VAL_FAR, train_far, grid)) if reached else 0.0
        true_accepts, wrong_accepts = fold.accepted(np.array([threshold]))[:, 0]
        val.append(true_accepts / len(fold.same))
        far.append(wrong_accepts / len(fold.different))
    return np.array(val), np.array(far)


@dataclass(frozen=True, slots=True)
class AllPairs:
    """Result over all pairs of faces.

    Args:
        tar: by false match rate ("1e-3"...): share of same-person pairs above the threshold. None
            where there are too few different-person pairs to measure that rate.
        min_cosine: the threshold of each rate: pairs strictly above it match.
        same: number of same-person pairs.
        different: number of different-person pairs.
    """

    tar: dict[str, float | None]
    min_cosine: dict[str, float | None]
    same: int
    different: int


def judge_all_pairs(vectors: Vectors, people: Sequence[str]) -> AllPairs:
    """Measure TAR at fixed false match rates over every pair of faces.

    The threshold of a rate is the smallest one that lets through at most that share of the
    different-person pairs. It is exact: only the highest scores of those pairs are kept, and the
    similarity matrix exists one block at a time.

    Args:
        vectors: (n, d) unit float32.
        people: n names.
    """
    codes = np.unique(np.asarray(people, dtype=str), return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    ordered, codes = vectors[order], codes[order]
    sizes = np.bincount(codes).astype(np.int64) if len(codes) else np.zeros(0, dtype=np.int64)
    same = int((sizes * (sizes - 1) // 2).sum())
    different = len(codes) * (len(codes) - 1) // 2 - same
    allowed = {name: int(rate * different + 1e-9) for name, rate in FALSE_MATCH_RATES.items()}
    highest = _highest_impostors(ordered, codes, max(allowed.values(), default=0) + 1)
    min_cosine = {
        name: float(highest[count]) if 0 < count < len(highest) else None
        for name, count in allowed.items()
    }
    thresholds = np.array([value for value in min_cosine.values() if value is not None])
    above = iter(_count_genuine(ordered, sizes, thresholds))
    tar = {
        name: None if value is None else next(above) / same if same else None
        for name, value in min_cosine.items()
    }
    return AllPairs(tar, min_cosine, same, different)


def _highest_impostors(
    vectors: Vectors, codes: NDArray[np.int64], keep: int
) -> NDArray[np.float32]:
    """Return the `keep` highest similarities of different people, highest first."""
    highest = np.empty(0, dtype=np.float32)
    rows = max(1, _BLOCK_SCORES // max(1, len(codes)))
    for start in range(0, len(codes), rows):
        stop = min(start + rows, len(codes))
        # Sorted by person: every later column of another person is a pair, counted once.
        scores = vectors[start:stop] @ vectors[start:].T
        scores[codes[start:stop, None] >= codes[None, start:]] = -np.inf
        floor = highest[-1] if len(highest) >= keep else np.float32(-2)
        fresh = scores[scores > floor]
        if len(fresh) > keep:
            fresh = -np.partition(-fresh, keep - 1)[:keep]
        merged = np.concatenate([highest, fresh])
        highest = np.sort(merged)[::-1][:keep]
    return highest


def _count_genuine(
    vectors: Vectors, sizes: NDArray[np.int64], thresholds: NDArray[np.float64]
) -> list[int]:
    """Count the same-person pairs above each threshold; rows are sorted by person."""
    counts = np.zeros(len(thresholds), dtype=np.int64)
    limits = thresholds.astype(np.float32)
    for stop, size in zip(np.cumsum(sizes).tolist(), sizes.tolist(), strict=True):
        person = vectors[stop - size : stop]
        rows = max(1, _BLOCK_SCORES // size)
        for start in range(0, size, rows):
            block = person[start : start + rows] @ person[start:].T
            pairs = block[~np.tri(*block.shape, dtype=np.bool_)]  # above the diagonal
            counts += (pairs[None, :] > limits[:, None]).sum(axis=1)
    return counts.tolist()


@dataclass(frozen=True, slots=True)
class LfwResult:
    """Both protocols, as `bench lfw` reports them."""

    folds: FoldResult
    all_pairs: AllPairs

    def to_json(self) -> dict[str, object]:
        """Return the document of `bench lfw --json`; `threshold` is a cosine, shares are 0..1."""
        return {
            "accuracy": self.folds.accuracy,
            "accuracy_std": self.folds.accuracy_std,
            "threshold": self.folds.min_cosine,
            "val_at_1e3": self.folds.val,
            "far_achieved": self.folds.far_achieved,
            "tar": dict(self.all_pairs.tar),
            "pairs": self.folds.pairs,
            "skipped": self.folds.skipped,
            "accuracy_skipped_wrong": self.folds.accuracy_skipped_wrong,
        }
