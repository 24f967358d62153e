"""Groups of points that lie apart: the few that are farthest from each other, always the same ones.

Ward's tree is cut into two, three and more groups, k-means improves each cut, and how far the two
nearest groups of a cut are apart says how good it is. Nothing is drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
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
        centres: (k, d) means.
        apart: between the two nearest groups: the distance of their means in standard deviations
            within the groups, both along the line through the means. Each point is judged by a
            line that was drawn without it, or chance alone would look like a distance.
        silhouette: mean over all points of (b - a) / max(a, b), a being the mean distance, 1 minus
            the cosine, to the others of the own group and b that to the next group.
    """

    labels: NDArray[np.int64]
    centres: NDArray[np.float64]
    apart: float
    silhouette: float


def best_groups(
    points: NDArray[np.float64], most: int, smallest: int, *, enough: float, tightest: float
) -> Groups | None:
    """Find the groups that are farthest apart.

    Args:
        points: (n, d).
        most: groups at most; fewer of few points.
        smallest: points of the smallest group, 2 or more; n is at least twice that.
        enough: of cuts that are so far apart that with the most groups is taken.
        tightest: variance of the tightest group at least, as a part of that of the widest.

    Returns:
        None where no cut has such groups.
    """
    most = max(2, min(most, len(points) // _POINTS_A_GROUP))
    best: tuple[float, NDArray[np.int64]] | None = None
    for count, cut in _cuts(points, most):
        labels = _improved(points, cut, count)
        if np.bincount(labels, minlength=count).min() < smallest:
            continue
        groups = [points[labels == number] for number in range(count)]
        spread = [float(group.var(axis=0, ddof=1).sum()) for group in groups]
        if min(spread) < tightest * max(spread):
            continue
        apart = min(_apart(one, other) for one, other in combinations(groups, 2))
        if best is None or apart > min(best[0], enough):
            best = apart, labels
    if best is None:
        return None
    apart, labels = best
    count = int(labels.max()) + 1
    return Groups(labels, _means(points, labels, count), apart, _silhouette(points, labels, count))


def _cuts(points: NDArray[np.float64], most: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Cut Ward's tree of (n, d) points into two groups, three, and so on."""
    from scipy.cluster.hierarchy import leaves_list, ward  # noqa: PLC0415 - heavy

    n = len(points)
    tree = ward(points)
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
    points: NDArray[np.float64], labels: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Move points to the mean that they are nearest to, until none moves or for some rounds."""
    for _ in range(_ROUNDS):
        centres = _means(points, labels, count)
        moved = (points @ centres.T - (centres * centres).sum(axis=1) / 2).argmax(axis=1)
        if (moved == labels).all():
            break
        labels = moved
    return labels


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return how far two groups are apart, in standard deviations; see `Groups`."""
    ahead, behind = _along(one, other.mean(axis=0)), _along(other, one.mean(axis=0))
    spread = ((ahead - ahead.mean()) ** 2).sum() + ((behind - behind.mean()) ** 2).sum()
    deviation = np.sqrt(spread / max(len(one) + len(other) - 2, 1))
    return float((ahead.mean() + behind.mean()) / max(float(deviation), _TINY))


def _along(group: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the points of a group lie on its side of the middle to another group's mean.

    The group's mean is for each point that of its other points.
    """
    means = (group.sum(axis=0) - group) / (len(group) - 1)
    lines = means - other
    lengths = np.sqrt((lines * lines).sum(axis=1))
    middles = (means + other) / 2
    return np.asarray(((group - middles) * lines).sum(axis=1) / np.maximum(lengths, _TINY))


def _silhouette(points: NDArray[np.float64], labels: NDArray[np.int64], count: int) -> float:
    directions = _unit(points)
    away = 1 - directions @ directions.T
    np.fill_diagonal(away, 0.0)
    rows = np.arange(len(labels))
    members = _members(labels, count)
    sizes = members.sum(axis=0)
    to_groups = away @ members
    own = to_groups[rows, labels] / np.maximum(sizes[labels] - 1, 1)
    to_groups /= np.maximum(sizes, 1)
    to_groups[rows, labels] = np.inf
    next_group = to_groups.min(axis=1)
    return float(((next_group - own) / np.maximum(np.maximum(own, next_group), _TINY)).mean())


def _means(
    points: NDArray[np.float64], labels: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Return the (k, d) means of groups; of one without points zeros."""
    members = _members(labels, count)
    return np.asarray((members.T @ points) / np.maximum(members.sum(axis=0), 1)[:, None])


def _members(labels: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    members = np.zeros((len(labels), count))
    members[np.arange(len(labels)), labels] = 1.0
    return members


def _unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.sqrt(np.einsum("ij,ij->i", points, points))
    return np.asarray(points / np.maximum(lengths, _TINY)[:, None])
