"""Merging in rounds: all pairs of clusters that are each other's best merge at once.

One best pair after the other is exact, but a million merges, one at a time, take hours. Pairs of
mutual best partners do not compete with each other, so that a round merges all of them; where
merging never raises a score above both that it replaces (a fixed mean cosine), the result is the
same. The rules that take sizes into account do raise scores a little. So rounds go down in levels:
what scores clearly higher merges first, wherever it is.

Somebody with thousands of photos is the best partner of thousands of faces, and has but one itself.
So a large cluster takes in several at once: small ones whose best partner it is, the closest first,
up to an eighth of its size. Its mean hardly moves by that, and neither does what would come next.

Source: reciprocal nearest neighbours, Murtagh, Computational Statistics Quarterly 1, 1984; levels
and their error, Dhulipala et al., "Hierarchical Agglomerative Graph Clustering in
Poly-Logarithmic Depth" (ParHAC), NeurIPS 2022.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.edges import Edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.clusters import Clusters, Rows
    from facesort.grouping.edges import NeighbourGraph

__all__ = ["Rounds"]

# Height of a level, in units of the score: standard deviations for the rules of a calibration.
# Eight hard synthetic sets of 6,000 faces (2026-11-22), mean pairwise F: one pair after the other
# .9723; levels of .1 .9712, .25 .9697, .5 .9716, 1 .9689, 2 .9702. On LFW all are within .0002.
_LEVEL = 0.5

# Clusters of so many faces take in several at once, up to that share of their size.
_HUB = 64
_HUB_SHARE = 1 / 8


class Rounds:
    """Merges clusters along edges.

    Args:
        clusters: grow in place.
        rule: scores pairs and says when to stop.
        floor: nothing below this score merges, whatever the rule says.
    """

    def __init__(self, clusters: Clusters, rule: MergeRule, floor: float = -np.inf) -> None:
        self._clusters = clusters
        self._rule = rule
        self._floor = floor
        n = len(clusters)
        self._best = np.full(n, -np.inf)
        self._partner = np.full(n, n, dtype=np.int32)
        self._tidy = 0

    def limit(self) -> float:
        """Return the lowest score that merges now."""
        return max(self._rule.limit(self._clusters.count), self._floor)

    def run(self, graph: NeighbourGraph, pool: Edges) -> Edges:
        """Merge until no pair is good enough, and return the pairs that are left."""
        level = self._highest()
        while True:
            level = max(self.limit(), level - _LEVEL)
            pool = pool.plus(graph.reaching(level, self._clusters, self._rule))
            before = self._clusters.count
            pool = self._merge_above(level, pool)
            # The limit falls when clusters merge, and what has grown may be near to others.
            if level <= self.limit() and self._clusters.count == before:
                return pool

    def _highest(self) -> float:
        endless = np.array([1e12])  # sizes at which single pictures no longer matter
        return float(self._rule.score(np.ones(1), endless, endless)[0])

    def _merge_above(self, level: float, pool: Edges) -> Edges:
        """Merge until no pair in the pool reaches the level."""
        while True:
            pool = self._tidied(pool.between(self._clusters))
            self._clusters.touched[:] = False
            scores = self._scores(pool)
            doubtful = np.flatnonzero((scores >= level) & ~pool.exact)
            if len(doubtful):
                u, v = pool.u[doubtful], pool.v[doubtful]
                pool.mean[doubtful] = self._clusters.mean_cosines(u, v)
                pool.exact[doubtful] = True
                scores[doubtful] = self._scores(pool.take(doubtful))
            hot = scores >= level
            if not hot.any():
                return pool
            pool = pool.take(~hot).plus(self._rounds(level, pool.take(hot)))

    def _tidied(self, pool: Edges) -> Edges:
        """Return every pair once when they may have become twice as many as there need be."""
        if len(pool) > 2 * self._tidy:
            pool = pool.unique(len(self._clusters))
            self._tidy = len(pool)
        return pool

    def _rounds(self, level: float, hot: Edges) -> Edges:
        """Merge mutual best partners until no pair reaches the level; return pairs below it."""
        hot = hot.unique(len(self._clusters))
        scores = self._scores(hot)
        cooled = Edges.none()
        while len(hot):
            into, others, which = self._best_partners(hot, scores)
            merged = self._merge(into, others)
            keep = np.ones(len(hot), dtype=bool)
            keep[which] = False
            grown = self._clusters.find(into[merged])
            hot, scores = self._contracted(hot.take(keep), scores[keep], grown)
            reaches = scores >= level
            if not reaches.all():
                cooled = cooled.plus(hot.take(~reaches))
                hot, scores = hot.take(reaches), scores[reaches]
        return cooled

    def _merge(self, into: Rows, others: Rows) -> NDArray[np.bool_]:
        """Merge pairs, in their order where several go into one; says which were not forbidden."""
        clusters, merged = self._clusters, np.zeros(len(into), dtype=bool)
        order = np.argsort(into, kind="stable")
        first = np.flatnonzero(np.diff(into[order], prepend=-1))
        several = np.diff(first, append=len(into))
        names = into[order[first]]  # they change: a cluster is named by its first row
        # Everybody's first, then everybody's second...
        for rank in range(int(several.max(initial=0))):
            still = np.flatnonzero(several > rank)
            pairs = order[first[still] + rank]
            allowed = ~clusters.forbidden(names[still], others[pairs])
            still, pairs = still[allowed], pairs[allowed]
            clusters.merge(names[still], others[pairs])
            names[still] = np.minimum(names[still], others[pairs])
            merged[pairs] = True
        return merged

    def _contracted(
        self, edges: Edges, scores: NDArray[np.float64], grown: Rows
    ) -> tuple[Edges, NDArray[np.float64]]:
        """Return edges between the clusters there are after a round, and their scores."""
        if not len(grown):
            return edges, scores
        has_grown = np.zeros(len(self._clusters), dtype=bool)
        has_grown[grown] = True
        u, v = self._clusters.find(edges.u), self._clusters.find(edges.v)
        changed = has_grown[u] | has_grown[v]
        low, high = np.minimum(u, v), np.maximum(u, v)
        new = Edges(low, high, edges.mean, edges.exact).take(changed & (low != high))
        new = new.unique(len(self._clusters))
        new.mean = self._clusters.mean_cosines(new.u, new.v)
        same = edges.take(~changed)
        return same.plus(new), np.concatenate([scores[~changed], self._scores(new)])

    def _best_partners(
        self, edges: Edges, scores: NDArray[np.float64]
    ) -> tuple[Rows, Rows, NDArray[np.int64]]:
        """Return pairs to merge, `into` and `others`, and which edges they are.

        They are each other's best, or one is large and the small other's best: among equals the
        lower row is better.
        """
        u, v, best, partner = edges.u, edges.v, self._best, self._partner
        sizes = self._clusters.sizes
        np.maximum.at(best, u, scores)
        np.maximum.at(best, v, scores)
        ups, downs = scores == best[u], scores == best[v]
        np.minimum.at(partner, u[ups], v[ups])
        np.minimum.at(partner, v[downs], u[downs])
        best_of_u, best_of_v = partner[u] == v, partner[v] == u
        for used in (u, v):
            best[used] = -np.inf
            partner[used] = len(partner)
        into, others = _larger_first(edges, sizes)
        mutual = np.flatnonzero(best_of_u & best_of_v)
        large = (sizes[into] >= _HUB) & (sizes[others] < _HUB)
        joins = np.flatnonzero(large & np.where(others == u, best_of_u, best_of_v))
        # A large cluster that is about to go into another one takes in nobody.
        joins = joins[~np.isin(into[joins], others[mutual])]
        joins = joins[~(best_of_u & best_of_v)[joins]]
        order = joins[np.lexsort((others[joins], -scores[joins], into[joins]))]
        first = np.flatnonzero(np.diff(into[order], prepend=-1))
        taken = np.cumsum(sizes[others[order]])
        before = np.repeat(
            taken[first] - sizes[others[order[first]]], np.diff(first, append=len(order))
        )
        room = taken - before <= _HUB_SHARE * sizes[into[order]]
        which = np.concatenate([mutual, order[room]])
        return into[which], others[which], which

    def _scores(self, edges: Edges) -> NDArray[np.float64]:
        sizes = self._clusters.sizes
        return self._rule.score(edges.mean, sizes[edges.u], sizes[edges.v])


def _larger_first(edges: Edges, sizes: NDArray[np.float64]) -> tuple[Rows, Rows]:
    swap = sizes[edges.u] < sizes[edges.v]
    return np.where(swap, edges.v, edges.u), np.where(swap, edges.u, edges.v)
