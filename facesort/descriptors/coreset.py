"""A few faces that stand for all faces of a person, and the one vector made of them.

Chosen by quality-weighted farthest-point sampling: first the best face, then again and again the
one with the highest

    quality ** gamma * distance to the nearest chosen one,     distance = (1 - cosine) / 2

so that a burst of fifty pictures counts once and each look of a person is there. Quality is held to
at least a floor, and what lies below it is never chosen for its strangeness.

Guarantee. 1 - cosine is half the squared chord, so this is Gonzalez' greedy for the weighted
k-centre problem with the chord as metric and weights w = quality ** (gamma / 2). Let r be the
weighted distance of the next face that would be chosen. Two of the k + 1 faces share a centre of
the best solution, and the later of the two, b, was picked after a, so

    r <= w_b d(a, b) <= w_b (OPT / w_a + OPT / w_b) <= (1 + alpha) OPT,
    alpha = (highest / lowest quality) ** (gamma / 2).

With the floor of .25 and gamma 1, alpha is at most 2: no more than three times the best possible
weighted chord, as long as the faces chosen by the size and not by `min_gain` end the choice.

Source: Gonzalez, Theoretical Computer Science 38, 1985; Dyer and Frieze, Operations Research
Letters 3(6), 1985 (weights); the score is that of Shapira and Keller, FaceCoresetNet, AAAI 2024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain.codes import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["Coresets", "Rule", "choose", "choose_each"]

# Digits to which scores are compared: below that order and processor differ.
_DIGITS = 6

# Rows whose vectors are gathered at a time.
_BLOCK_ROWS = 1 << 15

_NONE = -1


@dataclass(frozen=True, slots=True)
class Rule:
    """How to choose.

    Args:
        size: faces at most.
        gamma: how much quality counts against distance; 0: not at all.
        floor: of quality; poorer faces are chosen only where there are no others.
        min_gain: ends the choice when the farthest face is no farther than that, (1 - cosine) / 2.
            Two photos of one burst differ by less.
        odd_share: share of a person's faces, those least like the others, that are never chosen:
            farthest points love faces that do not belong there. Below 1 / odd_share faces none.
    """

    size: int = 5
    gamma: float = 1.0
    floor: float = 0.25
    min_gain: float = 0.02
    odd_share: float = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Coresets:
    """The coresets of p people.

    Args:
        rows: (p, size) rows of the chosen faces in the order of their choice, -1 where there are
            fewer.
        radius: (p,) largest distance, (1 - cosine) / 2, of an eligible face to the nearest chosen.
        odd: rows that were never chosen because they are least like the rest of their person.
        descriptors: (p, d) unit vectors: the quality-weighted means of the chosen, normalised.
        cohesion: (p,) the length of each mean before normalising, 0..1: the mean cosine of any face
            to the chosen ones is its cosine to the descriptor times that.
    """

    rows: NDArray[np.int64]
    radius: NDArray[np.float32]
    odd: NDArray[np.int64]
    descriptors: Vectors
    cohesion: NDArray[np.float32]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(p,) how many faces were chosen of each person."""
        return np.asarray((self.rows != _NONE).sum(axis=1), dtype=np.int64)


def choose(vectors: Vectors, quality: NDArray[np.float32], rule: Rule | None = None) -> Coresets:
    """Choose the faces that stand for one person; see `choose_each`.

    Args:
        vectors: (n, d) unit float32, n > 0; the order breaks exact ties only.
        quality: (n,) 0..1.
        rule: how.
    """
    return choose_each(vectors, quality, np.zeros(len(vectors), dtype=np.int64), rule)


def choose_each(
    vectors: Vectors,
    quality: NDArray[np.float32],
    person: NDArray[np.int64],
    rule: Rule | None = None,
) -> Coresets:
    """Choose the faces that stand for each of many people.

    All people take their next face at the same time, so that the work is a few passes over the
    faces: a million faces of 100,000 people take seconds.

    Args:
        vectors: (n, d) unit float32.
        quality: (n,) 0..1.
        person: (n,) numbers 0..p-1, each of which occurs. Ties go to the better face, then to the
            lower row.
        rule: how; None: the default.
    """
    rule = rule or Rule()
    people = _People.of(person)
    held = np.maximum(quality, np.float32(rule.floor)).astype(np.float32)
    worth = held ** np.float32(rule.gamma)
    eligible = people.any_or_all(quality >= rule.floor)
    odd = _odd(vectors, held, people, eligible, rule.odd_share)
    eligible &= ~odd
    chosen = np.full((people.count, rule.size), _NONE, dtype=np.int64)
    distance = np.ones(len(vectors), dtype=np.float32)
    for turn in range(rule.size):
        score = worth * distance if turn else held
        picked = people.best(np.where(eligible, score, np.float32(-1)), quality)
        if turn:
            picked[distance[picked] < rule.min_gain] = _NONE
        if (picked == _NONE).all():
            break
        chosen[:, turn] = picked
        _approach(vectors, people.person, picked, distance)
    radius = people.highest(np.where(eligible, distance, np.float32(0)))
    descriptors, cohesion = _means(vectors, held, chosen)
    return Coresets(chosen, radius, np.flatnonzero(odd), descriptors, cohesion)


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """Which rows are whose.

    Args:
        person: (n,) numbers 0..count-1.
        order: (n,) rows sorted by person, lower rows first.
        starts: (count,) where each person begins in `order`.
        sizes: (count,) faces of each.
    """

    person: NDArray[np.int64]
    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, person: NDArray[np.int64]) -> _People:
        sizes = np.bincount(person).astype(np.int64)
        if not len(person) or not sizes.all():
            raise ValueError("every person needs a face")
        order = np.argsort(person, kind="stable")
        return cls(person, order, np.cumsum(sizes) - sizes, sizes)

    @property
    def count(self) -> int:
        return len(self.sizes)

    def rows(self, person: int) -> NDArray[np.int64]:
        start = self.starts[person]
        return self.order[start : start + self.sizes[person]]

    def highest(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the highest of (n,) values of each person."""
        top: NDArray[np.float32] = np.maximum.reduceat(values[self.order], self.starts)
        return top

    def any_or_all(self, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which rows are wanted; all of those people's who have no such row."""
        some = np.logical_or.reduceat(wanted[self.order], self.starts)
        return np.asarray(wanted | ~some[self.person])

    def best(self, scores: NDArray[np.float32], quality: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the row of each person's highest score; ties by quality, then the lower row."""
        rounded = np.round(scores, _DIGITS)
        top = rounded == self.highest(rounded)[self.person]
        among = np.where(top, quality, np.float32(-2))
        top &= among == self.highest(among)[self.person]
        rows = np.where(top, np.arange(len(scores)), len(scores))
        picked: NDArray[np.int64] = np.minimum.reduceat(rows[self.order], self.starts)
        return picked


def _odd(
    vectors: Vectors,
    weights: NDArray[np.float32],
    people: _People,
    eligible: NDArray[np.bool_],
    share: float,
) -> NDArray[np.bool_]:
    """Mark the share of each person's eligible faces that is least like their mean."""
    odd = np.zeros(len(vectors), dtype=bool)
    fewest = math.ceil(1 / share) if share > 0 else len(vectors) + 1
    for person in np.flatnonzero(people.sizes >= fewest).tolist():
        rows = people.rows(person)
        rows = rows[eligible[rows]]
        count = int(len(rows) * share + 1e-9)
        if count:
            mine = vectors[rows]
            likeness = np.round(mine @ (weights[rows] @ mine), _DIGITS)
            # Of two that are equally unlike, the poorer, then the later one.
            odd[rows[np.lexsort((-rows, weights[rows], likeness))[:count]]] = True
    return odd


def _approach(
    vectors: Vectors,
    person: NDArray[np.int64],
    picked: NDArray[np.int64],
    distance: NDArray[np.float32],
) -> None:
    """Lower each face's distance, in place, to that to the face its person chose now."""
    for start in range(0, len(vectors), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        chosen = picked[person[block]]
        cosine = np.einsum("ij,ij->i", vectors[block], vectors[chosen])
        nearer = np.minimum(distance[block], np.maximum((1 - cosine) / 2, 0))
        distance[block] = np.where(chosen == _NONE, distance[block], nearer)


def _means(
    vectors: Vectors, weights: NDArray[np.float32], chosen: NDArray[np.int64]
) -> tuple[Vectors, NDArray[np.float32]]:
    """Return the normalised weighted means of the chosen rows, and their lengths before."""
    sums = np.zeros((len(chosen), vectors.shape[1]), dtype=np.float32)
    total = np.zeros(len(chosen), dtype=np.float32)
    for column in chosen.T:
        weight = np.where(column == _NONE, np.float32(0), weights[column])
        sums += weight[:, None] * vectors[column]
        total += weight
    means = (sums / np.maximum(total, np.float32(1e-12))[:, None]).astype(np.float32)
    return unit(means), np.sqrt(np.einsum("ij,ij->i", means, means))
