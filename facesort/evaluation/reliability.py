"""Says whether probabilities mean what they say: of what was called 80 %, four fifths are true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bin", "Reliability", "judge_probabilities"]

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """The statements of about one probability.

    Args:
        low: lower end.
        high: upper end.
        predicted: mean probability of what is in it.
        observed: share of it that is true.
        weight: share of all statements.
        count: how many they are.
    """

    low: float
    high: float
    predicted: float
    observed: float
    weight: float
    count: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far probabilities can be trusted. Lower is better in all three.

    Args:
        bins: those with a statement, from low to high.
        calibration_error: expected: mean distance of predicted and observed over the bins, weighted
            with their share.
        brier: mean squared error of the probabilities.
        log_loss: mean negative logarithm of what was given to the truth.
    """

    bins: tuple[Bin, ...]
    calibration_error: float
    brier: float
    log_loss: float

    def to_json(self) -> dict[str, object]:
        """Return the numbers and the points of the diagram."""
        return {
            "calibration_error": self.calibration_error,
            "brier": self.brier,
            "log_loss": self.log_loss,
            "bins": [
                {"predicted": b.predicted, "observed": b.observed, "weight": b.weight}
                for b in self.bins
            ],
        }


def judge_probabilities(
    probabilities: NDArray[np.float64],
    true: NDArray[np.bool_],
    *,
    weights: NDArray[np.float64] | None = None,
) -> Reliability:
    """Compare probabilities with what was true, in fifteen bins of equal width.

    Args:
        probabilities: (n,) 0..1; at least one.
        true: (n,) whether it was so.
        weights: (n,) of the statements; all alike by default.

    Source: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """
    if len(probabilities) == 0 or len(probabilities) != len(true):
        raise ValueError(f"{len(probabilities)} probabilities for {len(true)} facts")
    share = np.ones(len(true)) if weights is None else weights
    share = share / share.sum()
    which = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    weight = np.bincount(which, share, BINS)
    predicted, observed = (
        np.bincount(which, share * values, BINS) / np.maximum(weight, 1e-300)
        for values in (probabilities, true.astype(np.float64))
    )
    counts = np.bincount(which, minlength=BINS)
    bins = tuple(
        Bin(
            k / BINS,
            (k + 1) / BINS,
            float(predicted[k]),
            float(observed[k]),
            float(weight[k]),
            int(counts[k]),
        )
        for k in np.flatnonzero(counts).tolist()
    )
    given = np.where(true, probabilities, 1 - probabilities)
    return Reliability(
        bins,
        float((weight * np.abs(predicted - observed)).sum()),
        float((share * (1 - given) ** 2).sum()),
        float(-(share * np.log(np.maximum(given, 1e-300))).sum()),
    )
