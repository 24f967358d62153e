"""A few faces that stand for all faces of a person, and the one vector made of them.

Chosen by quality-weighted farthest-point sampling: first the best face, then again and again the
one with the highest

    quality ** gamma * distance to the nearest chosen one,     distance = (1 - cosine) / 2

so that a burst of fifty pictures counts once and each look of a person is there. Quality is held to
at least a floor, and what lies below it is never chosen for its strangeness. Nor are faces that may
not be that person's (`descriptors.odd`). Pinned faces come first, whatever they are like.

The cost is O(n K d), and nothing n x d is copied. The choice depends on the faces, not on their
order: whatever is added up is added up in the order of the ids, and of equals (scores within 1e-6)
the better face is chosen, then the one with the smaller id.

Guarantee. 1 - cosine is half the squared chord, so this is Gonzalez' greedy for the weighted
k-centre problem with the chord as metric and weights w = quality ** (gamma / 2). Let r be the
weighted distance of the next face that would be chosen. Two of the k + 1 faces share a centre of
the best solution, and the later of the two, b, was picked after a, so

    r <= w_b d(a, b) <= w_b (OPT / w_a + OPT / w_b) <= (1 + alpha) OPT,
    alpha = (highest / lowest quality) ** (gamma / 2).

With the floor of .25 and gamma 1, alpha is at most 2: no more than three times the best possible
weighted chord, as long as the size and not `min_gain` ends the choice. Where `min_gain` ends it, no
eligible face is farther than that from the chosen.

Source: Gonzalez, Theoretical Computer Science 38, 1985; Dyer and Frieze, Operations Research
Letters 3(6), 1985 (weights); the score is that of Shapira and Keller, FaceCoresetNet, AAAI 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from facesort.descriptors.greedy import Wanted
from facesort.descriptors.guarded import choose_guarded
from facesort.descriptors.rows import NO_ROW, PersonRows, id_ranks
from facesort.descriptors.rule import Rule
from facesort.domain.codes import unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.descriptors.guarded import Choice
    from facesort.protocols import Vectors

__all__ = ["Coresets", "Rule", "choose", "choose_each"]

# The least that a face weighs, with a floor of nothing: a mean of weightless faces is none.
_LEAST_WEIGHT = np.float32(1e-6)


@dataclass(frozen=True, slots=True, eq=False)
class Coresets:
    """The coresets of p people.

    Args:
        rows: (p, k) rows of the chosen faces in the order of their choice, -1 where there are
            fewer; k is the rule's size, or more where more are pinned.
        gains: (p, k) distance, (1 - cosine) / 2, of each chosen face to the nearest one chosen
            before it; 1 for the first, 0 where there is none.
        scores: (p, k) what each was chosen by: the quality of the first, then
            quality ** gamma * gain; quality held to the floor. 0 where there is none.
        radius: (p,) largest distance of an eligible face to the nearest chosen.
        odd: (m,) rows to check: least like the rest of their person. By person, the least alike
            first.
        odd_likeness: (m,) mean cosine of each to its person's other faces.
        left_out: (m,) which of these could not be chosen, unless there was nothing else; the
            others may be a rare look of the person.
        descriptors: (p, d) unit vectors: the quality-weighted means of the chosen, normalised;
            zeros for a person without a face.
        cohesion: (p,) the length of each mean before normalising, 0..1: the mean cosine of any face
            to the chosen ones is its cosine to the descriptor times that.
    """

    rows: NDArray[np.int64]
    gains: NDArray[np.float32]
    scores: NDArray[np.float32]
    radius: NDArray[np.float32]
    odd: NDArray[np.int64]
    odd_likeness: NDArray[np.float32]
    left_out: NDArray[np.bool_]
    descriptors: Vectors
    cohesion: NDArray[np.float32]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(p,) how many faces were chosen of each person."""
        return np.asarray((self.rows != NO_ROW).sum(axis=1), dtype=np.int64)


def choose(
    vectors: Vectors,
    quality: NDArray[np.float32],
    rule: Rule | None = None,
    *,
    ids: Sequence[str] | NDArray[np.str_] | None = None,
    pinned: Sequence[int] | NDArray[np.int64] = (),
    moments: NDArray[np.float64] | None = None,
    trusted: NDArray[np.bool_] | None = None,
) -> Coresets:
    """Choose the faces that stand for one person; see `choose_each`.

    A person without a face has an empty coreset and a descriptor of zeros, which is like nobody.
    """
    return choose_each(
        vectors,
        quality,
        np.zeros(len(vectors), dtype=np.int64),
        rule,
        ids=ids,
        pinned=pinned,
        moments=moments,
        trusted=trusted,
        people=1,
    )


def choose_each(
    vectors: Vectors,
    quality: NDArray[np.float32],
    person: NDArray[np.int64],
    rule: Rule | None = None,
    *,
    ids: Sequence[str] | NDArray[np.str_] | None = None,
    pinned: Sequence[int] | NDArray[np.int64] = (),
    moments: NDArray[np.float64] | None = None,
    trusted: NDArray[np.bool_] | None = None,
    people: int | None = None,
) -> Coresets:
    """Choose the faces that stand for each of many people.

    All people take their next face at the same time, so that the work is a few passes over the
    faces: a million faces of 100,000 people take seconds.

    Args:
        vectors: (n, d) unit float32.
        quality: (n,) 0..1; what is not a number counts as 0.
        person: (n,) numbers 0..p-1: whose, or which look of whose.
        rule: how; None: the default.
        ids: n different face ids. Ties go to the better face, then to the smaller id; without ids
            to the lower row.
        pinned: rows that are chosen first, in this order, however poor or odd they are, and even
            if there are more than the rule's size.
        moments: (n,) seconds since any zero, NaN where unknown: of a burst (`descriptors.bursts`)
            only the best face can be chosen. None: `min_gain` alone tells bursts.
        trusted: (n,) faces that are never odd: the user has said whose they are.
        people: p; None: those that occur. People without a face have an empty coreset and a
            descriptor of zeros.

    Raises:
        ValueError: a row is pinned twice or does not exist, or there are not n ids.
    """
    rule = rule or Rule()
    count = int(person.max(initial=-1)) + 1 if people is None else people
    there, codes = np.unique(person, return_inverse=True)
    pins = _pins(pinned, codes, len(there))
    if not len(there):
        return _spread(_nobody(vectors.shape[1], rule.size), there, count)
    rows = PersonRows.of(codes, id_ranks(ids, len(vectors)))
    sure = np.zeros(len(vectors), dtype=bool) if trusted is None else trusted[rows.order]
    sure[np.isin(rows.order, pins)] = True
    wanted = _wanted(rows, np.nan_to_num(quality, nan=0.0)[rows.order], rule)
    made = choose_guarded(vectors, rows, wanted, rule, pins=pins, sure=sure, moments=moments)
    found = _coresets(vectors, rows, wanted, made)
    return found if len(there) == count else _spread(found, there, count)


def _wanted(rows: PersonRows, quality: NDArray[np.float32], rule: Rule) -> Wanted:
    """Say what faces are worth; of people who have no good one, all may be chosen."""
    held = np.maximum(quality, max(np.float32(rule.floor), _LEAST_WEIGHT)).astype(np.float32)
    eligible = rows.any_or_all(quality >= np.float32(rule.floor))
    return Wanted(quality, held, held ** np.float32(rule.gamma), eligible)


def _coresets(vectors: Vectors, rows: PersonRows, wanted: Wanted, made: Choice) -> Coresets:
    """Sum up a choice."""
    picks = made.picks
    which = np.flatnonzero(made.odd | made.unusual)
    whose = np.searchsorted(rows.starts, which, side="right")
    which = which[np.lexsort((made.likeness[which], whose))]
    weights = np.empty(len(vectors), dtype=np.float32)
    weights[rows.order] = wanted.first
    descriptors, cohesion = _means(vectors, weights, picks.rows)
    return Coresets(
        picks.rows,
        picks.gains,
        picks.scores,
        rows.highest(np.where(made.covered, picks.distance, np.float32(0))),
        rows.order[which],
        made.likeness[which],
        made.odd[which],
        descriptors,
        cohesion,
    )


def _means(
    vectors: Vectors, weights: NDArray[np.float32], chosen: NDArray[np.int64]
) -> tuple[Vectors, NDArray[np.float32]]:
    """Return the normalised weighted means of the chosen rows, and their lengths before."""
    sums = np.zeros((len(chosen), vectors.shape[1]), dtype=np.float32)
    total = np.zeros(len(chosen), dtype=np.float32)
    for column in chosen.T:
        weight = np.where(column == NO_ROW, np.float32(0), weights[column])
        sums += weight[:, None] * vectors[column]
        total += weight
    means = (sums / total[:, None]).astype(np.float32)
    return unit(means), np.sqrt(np.einsum("ij,ij->i", means, means))


def _pins(
    pinned: Sequence[int] | NDArray[np.int64], codes: NDArray[np.int64], people: int
) -> NDArray[np.int64]:
    """Return the (p, m) pinned rows of each person in their order, -1 where there are fewer."""
    rows = np.asarray(pinned, dtype=np.int64)
    if len(np.unique(rows)) < len(rows) or (
        len(rows) and not 0 <= rows.min() <= rows.max() < len(codes)
    ):
        raise ValueError("a face is pinned twice, or there is no such row")
    whose = codes[rows]
    order = np.argsort(whose, kind="stable")
    counts = np.bincount(whose, minlength=people)
    pins = np.full((people, int(counts.max(initial=0))), NO_ROW, dtype=np.int64)
    turn = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    pins[whose[order], turn] = rows[order]
    return pins


def _nobody(dimension: int, size: int) -> Coresets:
    none, empty = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    rows, gains = np.zeros((0, size), dtype=np.int64), np.zeros((0, size), dtype=np.float32)
    descriptors = np.zeros((0, dimension), dtype=np.float32)
    return Coresets(rows, gains, gains, empty, none, empty, none > 0, descriptors, empty)


def _spread(found: Coresets, there: NDArray[np.int64], people: int) -> Coresets:
    """Put people without a face between those who have some."""

    def among(values: NDArray[Any], empty: int = 0) -> NDArray[Any]:
        spread = np.full((people, *values.shape[1:]), empty, dtype=values.dtype)
        spread[there] = values
        return spread

    return Coresets(
        among(found.rows, NO_ROW),
        among(found.gains),
        among(found.scores),
        among(found.radius),
        found.odd,
        found.odd_likeness,
        found.left_out,
        among(found.descriptors),
        among(found.cohesion),
    )
