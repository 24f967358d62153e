"""Faces that may not belong to their person: those least like the others.

Farthest points love faces that were put into the wrong person, so these are never chosen, and the
user is asked to look at them. Two rules, and each is enough:

- likeness: the mean cosine to the person's other faces is lower than one person's hardly ever is
  (once in a hundred times, by the model card). It needs three different faces or more: of two that
  are unlike, nobody knows which is the wrong one.
- share: of many faces the few per cent that are least like the others.

A third rule only asks the user: the mean cosine is far below what is usual among this person's
faces. A rare look of the person is so too, and a coreset is there to have it. It takes five
different faces to know what is usual.

Faces of one burst speak with one voice: those nearer to a chosen face than the choice tells apart
count as one, and say nothing of each other.

Measured with one face of another put among 10 of 79 people of LFW (SFace, 2026-11-22): a random
stranger is found by likeness in all of them; the one of 2,817 people who looks most like the person
never, and by four deviations in 80 %. Of the 711 faces that belong there likeness finds one odd,
and the deviations 1 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.descriptors.greedy import Picks
    from facesort.descriptors.rows import PersonRows
    from facesort.protocols import Vectors

__all__ = ["OneLikeOthers", "Voices", "odd_faces", "unusual_faces"]

_FEWEST_FACES, _FEWEST_USUAL = 3, 5

# Standard deviations per median distance from the median, in a normal distribution; and the least
# one: the faces of a burst all over again are no measure of what else a person looks like.
_PER_MEDIAN_DEVIATION = 1.4826
_LEAST_DEVIATION = 0.03

# Likenesses closer than that are equal: sums differ so much between processors.
_DIGITS = 6

_BLOCK_ROWS = 1 << 10
_NOTHING = np.float32(1e-6)


class OneLikeOthers(Protocol):
    """How unlike the faces of one person are at worst; `grouping.likeness.OnePerson` is one."""

    def least(
        self, sizes: float | NDArray[np.float64], size: float | NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the mean cosine that so many and so many faces of one person hardly ever miss."""


@dataclass(frozen=True, slots=True, eq=False)
class Voices:
    """How like the other faces of its person each face is; arrays sorted as their rows.

    Args:
        likeness: (n,) mean cosine to those that are judged, each weighted with its quality, each
            burst counting once, the own burst left out; 1 where there are no others.
        judged: (n,) faces too poor to tell are not judged, and say nothing of others.
        different: (p,) judged faces of each person, each burst counting once.
    """

    likeness: NDArray[np.float32]
    judged: NDArray[np.bool_]
    different: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        vectors: Vectors,
        rows: PersonRows,
        weights: NDArray[np.float32],
        judged: NDArray[np.bool_],
        picks: Picks,
        *,
        alike: float,
    ) -> Voices:
        """Compare every face with the others of its person, at O(n d).

        Args:
            vectors: (m, d) unit float32, those of `rows` among them.
            rows: whose they are.
            weights: (n,) sorted: quality, held to the floor.
            judged: (n,) sorted.
            picks: chosen without regard to odd faces.
            alike: distance to a chosen face below which a face counts as one with it.
        """
        burst = judged & (picks.distance < max(np.float32(alike), _NOTHING))
        key = np.repeat(np.arange(len(rows.sizes)), rows.sizes) * picks.rows.shape[1]
        key = np.where(burst, key + picks.nearest, 0)
        of_burst = np.bincount(key, weights=burst, minlength=picks.rows.size)
        share = np.where(burst, 1 / np.maximum(of_burst[key], 1), 1.0)
        weight = np.where(judged, weights * share, 0).astype(np.float32)
        heard = np.bincount(key, weights=weight * burst, minlength=picks.rows.size)
        own = np.where(burst, heard[key], weight).astype(np.float32)
        # What the own burst says: about the cosine to the chosen face that stands for it.
        said = own * np.where(burst, 1 - 2 * picks.distance, np.float32(1))
        total = rows.spread(np.add.reduceat(weight.astype(np.float64), rows.starts))
        others = np.asarray(total - own, dtype=np.float32)
        summed = _to_sums(vectors, rows, rows.sums(vectors, weight))
        alone = others <= _NOTHING
        mean = np.where(alone, 1, (summed - said) / np.where(alone, 1, others))
        bursts = (of_burst.reshape(picks.rows.shape) > 0).sum(axis=1)
        return cls(mean.astype(np.float32), judged, rows.count(judged & ~burst) + bursts)


def odd_faces(
    voices: Voices,
    rows: PersonRows,
    *,
    share: float,
    one_person: OneLikeOthers | None,
) -> NDArray[np.bool_]:
    """Mark the faces that may not belong to their person.

    Args:
        voices: how like the others each is.
        rows: whose they are.
        share: of a person's judged faces that is odd in any case; below 1 / share faces none.
        one_person: what one person's faces hardly ever miss; None: not known.

    Returns:
        (n,) sorted as `rows`.
    """
    least = np.full(len(rows.sizes), -2.0)
    if one_person is not None:
        bound = one_person.least(np.maximum(voices.different - 1, 1).astype(np.float64), 1.0)
        least = np.where(voices.different < _FEWEST_FACES, least, bound)
    odd = voices.judged & (voices.likeness < rows.spread(least.astype(np.float32)))
    if share > 0:
        # The small term: 50 faces and 2 % are one face, though .02 is a little less than that.
        taken = (rows.count(voices.judged) * share + 1e-9).astype(np.int64)
        for number in np.flatnonzero(taken).tolist():
            start = rows.starts[number]
            mine = slice(start, start + rows.sizes[number])
            likeness = np.round(voices.likeness[mine], _DIGITS)
            worst = np.where(voices.judged[mine], likeness, np.float32(2))
            odd[mine][np.argsort(worst, kind="stable")[: taken[number]]] = True
    return odd


def unusual_faces(voices: Voices, rows: PersonRows, *, deviations: float) -> NDArray[np.bool_]:
    """Mark the faces whose likeness is so many deviations below the median of their person's.

    Returns:
        (n,) sorted as `rows`.
    """
    which = voices.different >= _FEWEST_USUAL
    if not np.isfinite(deviations) or not which.any():
        return np.zeros(len(voices.judged), dtype=bool)
    told = np.repeat(which, rows.sizes) & voices.judged
    person = np.repeat(np.arange(len(which)), rows.sizes)[told]
    likeness = voices.likeness[told].astype(np.float64)
    middle = _medians(likeness, person, len(which))
    apart = _medians(np.abs(likeness - middle[person]), person, len(which))
    width = np.maximum(_PER_MEDIAN_DEVIATION * apart, _LEAST_DEVIATION)
    least = rows.spread((middle - deviations * width).astype(np.float32))
    return told & (voices.likeness < least)


def _medians(
    values: NDArray[np.float64], person: NDArray[np.int64], people: int
) -> NDArray[np.float64]:
    """Return the (p,) lower medians of each person's values; 0 for who has none."""
    order = np.lexsort((values, person))
    sizes = np.bincount(person, minlength=people)
    middle = np.cumsum(sizes) - sizes + np.maximum(sizes - 1, 0) // 2
    found = np.zeros(people)
    found[sizes > 0] = values[order[middle[sizes > 0]]]
    return found


def _to_sums(vectors: Vectors, rows: PersonRows, sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (n,) products of each face with its person's sum, sorted as `rows`."""
    if len(sums) == 1 and len(rows.order) == len(vectors):
        alone: NDArray[np.float32] = np.einsum("ij,j->i", vectors, sums[0])[rows.order]
        return alone
    person = np.repeat(np.arange(len(sums)), rows.sizes)
    found = np.empty(len(rows.order), dtype=np.float32)
    for start in range(0, len(found), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        found[block] = np.einsum("ij,ij->i", vectors[rows.order[block]], sums[person[block]])
    return found
