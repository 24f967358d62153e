"""Pairs of clusters that are alike enough, found among all: exact blocked products of their means.

The nearest faces of a face of somebody with hundreds of photos are all their own, and approximate
neighbours miss some: the graph of faces does not connect every two clusters that belong together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.edges import Bars, Edges
from facesort.search.sharing import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.clusters import Clusters, Rows

__all__ = ["close_means"]

_BLOCK = 1024  # clusters compared with as many: their 4 MB of cosines stay in the cache

# Of a block where nearly everything passes (a rule that merges all), so many a row are enough: the
# search is repeated after every merge.
_AT_MOST = 64

_SINGLE_PRECISION = 1e-5  # the products' error; what is found is computed exactly afterwards


def close_means(
    clusters: Clusters, rule: MergeRule, score: float, asked: NDArray[np.bool_] | None = None
) -> Edges:
    """Find all pairs that may be one person and whose score reaches the given one.

    Args:
        clusters: the clusters.
        rule: scores them.
        score: what pairs must reach.
        asked: (n,) flags by name: at least one of a pair is among these; None means all.
    """
    names = clusters.live()
    # By falling size, so that a block of single faces can be held to what single faces must reach.
    names = names[np.argsort(-clusters.sizes[names], kind="stable")]
    sizes, means = clusters.sizes[names], clusters.means(names)
    rows = np.arange(len(names)) if asked is None else np.flatnonzero(asked[names])
    blocks = [rows[at : at + _BLOCK] for at in range(0, len(rows), _BLOCK)]
    # Where those asked are the largest, all of them, a pair is found from its larger one only.
    largest = bool((np.diff(rows, prepend=-1) == 1).all())
    found = [Edges.none()] * len(blocks)
    bars = Bars(rule, score)

    def search(number: int) -> None:
        block, hits = blocks[number], []
        for begin in range(int(block[0]) if largest else 0, len(names), _BLOCK):
            others = slice(begin, begin + _BLOCK)
            least = bars.between(sizes[block], sizes[others][-1], sizes[begin])
            products = means[block] @ means[others].T
            i, j = _reaching(products, least - _SINGLE_PRECISION)
            keep = block[i] < begin + j if largest else block[i] != begin + j
            i, j = i[keep], j[keep]
            hits.append(_edges(names[block[i]], names[begin + j], products[i, j]))
        found[number] = Edges.all_of(hits)

    share(search, range(len(blocks)))
    pairs = Edges.all_of(found).unique(len(clusters))
    sizes = clusters.sizes
    scores = rule.score(pairs.mean + _SINGLE_PRECISION, sizes[pairs.u], sizes[pairs.v])
    pairs = pairs.take(scores >= score)
    return pairs.take(~clusters.forbidden(pairs.u, pairs.v))


def _reaching(
    products: NDArray[np.float32], least: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    reaching = products >= least.astype(np.float32)[:, None]
    if np.count_nonzero(reaching) > _AT_MOST * len(products):
        nearest = np.argpartition(-products, _AT_MOST, axis=1)[:, :_AT_MOST]
        best = np.zeros_like(reaching)
        np.put_along_axis(best, nearest, values=True, axis=1)
        reaching &= best
    places = np.flatnonzero(reaching)  # many times faster than np.nonzero of two dimensions
    return np.divmod(places, products.shape[1])


def _edges(ones: Rows, others: Rows, cosines: NDArray[np.float32]) -> Edges:
    low, high = np.minimum(ones, others), np.maximum(ones, others)
    return Edges(low, high, cosines.astype(np.float64), np.zeros(len(low), dtype=bool))
