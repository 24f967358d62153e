"""Judges a grouping against the truth: pairwise and BCubed scores, V-measure, purity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.evaluation.truth import DetectedPhoto, TruthRow, match_faces, read_truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "ClusterResult",
    "DetectedPhoto",
    "Score",
    "TruthRow",
    "judge_clusters",
    "match_faces",
    "read_truth",
]

_PURE_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Score:
    """Precision and recall, 0..1, and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f(self) -> float:
        """Harmonic mean; 0 when both are 0."""
        total = self.precision + self.recall
        return 2.0 * self.precision * self.recall / total if total > 0 else 0.0

    def to_json(self) -> dict[str, float]:
        """Return p, r and f."""
        return {"p": self.precision, "r": self.recall, "f": self.f}


@dataclass(frozen=True, slots=True)
class ClusterResult:
    """How well clusters agree with people. Shares are 0..1.

    Args:
        pairwise: over pairs of faces. Without a pair in one cluster nothing is wrongly merged:
            precision 1; without a pair of one person recall is 1.
        bcubed: averaged over faces.
        v_measure: harmonic mean of homogeneity and completeness.
        clusters: clusters among the faces judged, the single ones of `missing` and `unassigned`
            included.
        people: people in the truth.
        faces: rows of the truth; every one counts.
        missing: rows whose face was not found; each is a cluster of its own.
        unassigned: rows whose face belongs to nobody; each is a cluster of its own.
        pure_share: share of the faces that lie in clusters of which more than 95 % are one person.
            A cluster of one is pure, so read it beside `clusters`, `missing` and `unassigned`.
    """

    pairwise: Score
    bcubed: Score
    v_measure: float
    clusters: int
    people: int
    faces: int
    missing: int
    unassigned: int
    pure_share: float

    def to_json(self) -> dict[str, object]:
        """Return the document of `bench clusters --json`."""
        return {
            "pairwise": self.pairwise.to_json(),
            "bcubed": self.bcubed.to_json(),
            "v_measure": self.v_measure,
            "clusters": self.clusters,
            "people": self.people,
            "faces": self.faces,
            "missing": self.missing,
            "unassigned": self.unassigned,
            "pure_share": self.pure_share,
        }


def judge_clusters(
    people: Sequence[str], clusters: Sequence[str | None], *, found: Sequence[bool] | None = None
) -> ClusterResult:
    """Compare clusters with people, row by row.

    Args:
        people: n names, the truth; at least one.
        clusters: n labels; None for a face that belongs to nobody or was not found.
        found: n flags: whether a face was found at all; by default all were.

    Source: Bagga & Baldwin 1998 (BCubed), Rosenberg & Hirschberg 2007 (V-measure).
    """
    n = len(people)
    if n == 0 or len(clusters) != n or (found is not None and len(found) != n):
        raise ValueError(f"{n} people, {len(clusters)} clusters")
    missing = 0 if found is None else sum(not flag for flag in found)
    alone = [
        cluster is None or (found is not None and not found[row])
        for row, cluster in enumerate(clusters)
    ]
    truth = _codes(list(people))
    predicted = _codes([(row, "") if alone[row] else (-1, clusters[row]) for row in range(n)])
    table = _Contingency.of(truth, predicted)
    return ClusterResult(
        pairwise=table.pairwise(),
        bcubed=table.bcubed(),
        v_measure=table.v_measure(),
        clusters=len(table.cluster_sizes),
        people=len(table.person_sizes),
        faces=n,
        missing=missing,
        unassigned=sum(alone) - missing,
        pure_share=table.pure_share(),
    )


def _codes(labels: Sequence[object]) -> NDArray[np.int64]:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Contingency:
    """How many faces each person has in each cluster; only the m cells above zero.

    Args:
        counts: (m,) faces in the cell.
        person: (m,) its person.
        cluster: (m,) its cluster.
        person_sizes: faces of each person.
        cluster_sizes: faces in each cluster.
    """

    counts: NDArray[np.int64]
    person: NDArray[np.int64]
    cluster: NDArray[np.int64]
    person_sizes: NDArray[np.int64]
    cluster_sizes: NDArray[np.int64]

    @classmethod
    def of(cls, truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> _Contingency:
        width = int(predicted.max()) + 1
        cells, counts = np.unique(truth * width + predicted, return_counts=True)
        return cls(
            counts.astype(np.int64),
            cells // width,
            cells % width,
            np.bincount(truth).astype(np.int64),
            np.bincount(predicted).astype(np.int64),
        )

    def pairwise(self) -> Score:
        together = _ordered_pairs(self.counts)
        merged, same = _ordered_pairs(self.cluster_sizes), _ordered_pairs(self.person_sizes)
        return Score(together / merged if merged else 1.0, together / same if same else 1.0)

    def bcubed(self) -> Score:
        squared = self.counts.astype(np.float64) ** 2
        faces = float(self.counts.sum())
        return Score(
            float((squared / self.cluster_sizes[self.cluster]).sum()) / faces,
            float((squared / self.person_sizes[self.person]).sum()) / faces,
        )

    def v_measure(self) -> float:
        """With one person homogeneity is 1; with one cluster completeness is."""
        joint = _entropy(self.counts)
        people, clusters = _entropy(self.person_sizes), _entropy(self.cluster_sizes)
        information = people + clusters - joint
        homogeneity = information / people if people > 0 else 1.0
        completeness = information / clusters if clusters > 0 else 1.0
        return min(1.0, max(0.0, Score(homogeneity, completeness).f))

    def pure_share(self) -> float:
        largest = np.zeros(len(self.cluster_sizes), dtype=np.int64)
        np.maximum.at(largest, self.cluster, self.counts)
        pure = largest > _PURE_SHARE * self.cluster_sizes
        return float(self.cluster_sizes[pure].sum() / self.cluster_sizes.sum())


def _ordered_pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1)).sum())


def _entropy(sizes: NDArray[np.int64]) -> float:
    shares = sizes / sizes.sum()
    return max(0.0, float(-(shares * np.log(shares)).sum()))
