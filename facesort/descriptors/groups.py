"""Groups of points by their directions: the few that are farthest apart, always the same ones.

Ward's tree of the directions is cut into two, three and more groups, spherical k-means improves
each cut, and that with the highest mean silhouette is taken. Nothing is drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Groups", "best_groups"]

# A group of fewer points is not looked for on its own: so many points for each group on average.
_POINTS_A_GROUP = 10
_ROUNDS = 4
_TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Some groups of n points.

    Args:
        labels: (n,) numbers from 0.
        centres: (k, d) unit directions.
        silhouette: mean over all points of (b - a) / max(a, b), a being the mean distance, 1 minus
            the cosine, to the others of the own group and b that to the next group.
    """

    labels: NDArray[np.int64]
    centres: NDArray[np.float64]
    silhouette: float


def best_groups(points: NDArray[np.float64], most: int, smallest: int) -> Groups | None:
    """Find the groups that are farthest apart.

    Args:
        points: (n, d); lengths do not matter.
        most: groups at most; fewer of few points.
        smallest: points of the smallest group; n is at least twice that.

    Returns:
        None where no cut has groups of that size.
    """
    directions = _unit(points)
    away = 1 - directions @ directions.T
    np.fill_diagonal(away, 0.0)
    most = max(2, min(most, len(points) // _POINTS_A_GROUP))
    best: Groups | None = None
    for count, labels in _cuts(directions, most):
        improved, centres = _improved(directions, labels, count)
        if np.bincount(improved, minlength=count).min() < smallest:
            continue
        apart = _silhouette(away, improved, count)
        if best is None or apart > best.silhouette:
            best = Groups(improved, centres, apart)
    return best


def _cuts(directions: NDArray[np.float64], most: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Cut Ward's tree into two groups, three, and so on."""
    from scipy.cluster.hierarchy import leaves_list, ward  # noqa: PLC0415 - heavy

    n = len(directions)
    tree = ward(directions)
    order = leaves_list(tree)  # the points of each node stand together in it
    nodes = [(2 * n - 2, 0, n)]
    for count in range(2, most + 1):
        merge = n - count  # the last one that is undone
        number = next(place for place, node in enumerate(nodes) if node[0] == n + merge)
        _, start, stop = nodes[number]
        left, right = int(tree[merge, 0]), int(tree[merge, 1])
        middle = start + (1 if left < n else int(tree[left - n, 3]))
        nodes[number : number + 1] = [(left, start, middle), (right, middle, stop)]
        labels = np.empty(n, dtype=np.int64)
        for place, (_, first, last) in enumerate(nodes):
            labels[order[first:last]] = place
        yield count, labels


def _improved(
    directions: NDArray[np.float64], labels: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Move points to the centre that they are nearest to, until none moves or for some rounds."""
    for _ in range(_ROUNDS):
        centres = _unit(_members(labels, count).T @ directions)
        moved = (directions @ centres.T).argmax(axis=1)
        if (moved == labels).all():
            break
        labels = moved
    return labels, _unit(_members(labels, count).T @ directions)


def _silhouette(away: NDArray[np.float64], labels: NDArray[np.int64], count: int) -> float:
    points = np.arange(len(labels))
    members = _members(labels, count)
    sizes = members.sum(axis=0)
    to_groups = away @ members
    own = to_groups[points, labels] / np.maximum(sizes[labels] - 1, 1)
    to_groups /= np.maximum(sizes, 1)
    to_groups[points, labels] = np.inf
    next_group = to_groups.min(axis=1)
    return float(((next_group - own) / np.maximum(np.maximum(own, next_group), _TINY)).mean())


def _members(labels: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    members = np.zeros((len(labels), count))
    members[np.arange(len(labels)), labels] = 1.0
    return members


def _unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.sqrt(np.einsum("ij,ij->i", points, points))
    return np.asarray(points / np.maximum(lengths, _TINY)[:, None])
