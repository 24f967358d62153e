"""Pairs of clusters that may merge, and when they may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.clusters import Clusters, Rows

__all__ = ["Bars", "Edges", "NeighbourGraph"]

_BLOCK = 1 << 15  # faces whose neighbours are looked through at a time


@dataclass(slots=True)
class Edges:
    """Pairs of clusters that may merge, u < v.

    Args:
        u: (e,) clusters.
        v: (e,) clusters.
        mean: (e,) their mean cosine, or where it is not exact the highest of any part of it.
        exact: (e,) which it is.
    """

    u: Rows
    v: Rows
    mean: NDArray[np.float64]
    exact: NDArray[np.bool_]

    @classmethod
    def none(cls) -> Edges:
        """No pairs."""
        names = np.empty(0, dtype=np.int32)
        return cls(names, names, np.empty(0), np.empty(0, dtype=bool))

    def __len__(self) -> int:
        return len(self.u)

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Edges:
        """Return some of them."""
        return Edges(self.u[which], self.v[which], self.mean[which], self.exact[which])

    @classmethod
    def all_of(cls, parts: Sequence[Edges]) -> Edges:
        """Return some of them together; a pair may be there twice."""
        if not parts:
            return cls.none()
        return cls(
            np.concatenate([part.u for part in parts]),
            np.concatenate([part.v for part in parts]),
            np.concatenate([part.mean for part in parts]),
            np.concatenate([part.exact for part in parts]),
        )

    def plus(self, more: Edges) -> Edges:
        """Return both together; a pair may now be there twice."""
        return self.all_of([self, more]) if len(more) else self

    def between(self, clusters: Clusters) -> Edges:
        """Return the pairs that these have become; some of them may be there twice.

        What touches a cluster that has grown is no longer exact.
        """
        name = clusters.find_all()
        u, v = name[self.u], name[self.v]
        exact = self.exact & ~clusters.touched[u] & ~clusters.touched[v]
        low, high = np.minimum(u, v), np.maximum(u, v)
        return Edges(low, high, self.mean, exact).take(low != high)

    def unique(self, n: int) -> Edges:
        """Return every pair once: the exact one if there is one, else the highest."""
        if not len(self):
            return self
        keys = self.u.astype(np.int64) * n + self.v
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        first = np.ones(len(keys), dtype=bool)
        first[1:] = keys[1:] != keys[:-1]
        if first.all():
            return self.take(order)
        starts = np.flatnonzero(first)
        mean, exact = self.mean[order], self.exact[order]
        sure = np.maximum.reduceat(np.where(exact, mean, -np.inf), starts)
        known = np.isfinite(sure)
        highest = np.where(known, sure, np.maximum.reduceat(mean, starts))
        names = order[starts]
        return Edges(self.u[names], self.v[names], highest, known)


class NeighbourGraph:
    """Pairs of near faces, which wait here until the clusters they are in may merge for them.

    By then most are in one cluster already: of a million faces with 64 neighbours each, all pairs
    at once would take a gigabyte.

    Args:
        rows: (n, k) neighbours of each row, negative where there is none.
        cosines: (n, k) how much alike they are, -inf where there is none.
    """

    def __init__(self, rows: Rows, cosines: NDArray[np.float32]) -> None:
        self.neighbours = rows, cosines
        self._waiting = np.ones(cosines.shape, dtype=bool)

    def reaching(self, level: float, clusters: Clusters, rule: MergeRule) -> Edges:
        """Return the pairs whose clusters might reach a score, and that were not returned before.

        "Might": as if all faces of both were as much alike as these two.
        """
        least = Bars(rule, level).lowest()
        rows, cosines = self.neighbours
        names, sizes = clusters.find_all(), clusters.sizes
        found = []
        for at in range(0, len(rows), _BLOCK):
            block = slice(at, at + _BLOCK)
            waiting = self._waiting[block]
            i, j = np.divmod(np.flatnonzero(waiting & (cosines[block] >= least)), rows.shape[1])
            u, v = names[at + i], names[rows[block][i, j]]
            mean = cosines[block][i, j].astype(np.float64)
            ready = (u != v) & (rule.score(mean, sizes[u], sizes[v]) >= level)
            done = ready | (u == v)
            waiting[i[done], j[done]] = False
            low, high = np.minimum(u, v)[ready], np.maximum(u, v)[ready]
            found.append(Edges(low, high, mean[ready], np.zeros(len(low), dtype=bool)))
        return Edges.all_of(found)


class Bars:
    """The mean cosines at which pairs of clusters reach a score, by their sizes.

    A rule may ask more of single faces, because there is little evidence, and more of large
    clusters, because one person's must be alike: the lowest bar can be anywhere.

    Args:
        rule: scores mean cosines; for given sizes a higher cosine never scores lower.
        score: what is to be reached.
    """

    # No rule tells larger sizes apart by more than how much evidence there is.
    _SIZES = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 16.0, 64.0, 1e12])

    def __init__(self, rule: MergeRule, score: float) -> None:
        ones, others = (grid.ravel() for grid in np.meshgrid(self._SIZES, self._SIZES))
        low, high = np.full(len(ones), -2.0), np.full(len(ones), 2.0)
        for _ in range(40):  # halvings: from 4 to far below the precision of a cosine
            middle = (low + high) / 2
            enough = rule.score(middle, ones, others) >= score
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        self._cosines = high.reshape(len(self._SIZES), -1)

    def lowest(self) -> float:
        """Return what clusters must have at the very least; 2 when no cosine is enough."""
        return float(self._cosines.min())

    def between(self, sizes: NDArray[np.float64], least: float, most: float) -> NDArray[np.float64]:
        """Return what clusters, (m,), must have at least with others of some range of sizes."""
        first, last = np.searchsorted(self._SIZES, [least, most])
        lowest: NDArray[np.float64] = self._cosines[:, first : last + 1].min(axis=1)
        return lowest[np.searchsorted(self._SIZES, sizes)]
