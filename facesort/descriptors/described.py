"""What stands for people: of each look a few chosen faces, and the vector made of them.

This is the one place where a descriptor is made: of a library's people, of those of a benchmark,
by the plain coreset or by a learned aggregator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.descriptors.coreset import Rule, choose, choose_each
from facesort.descriptors.looks import LooksRule, find_looks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Aggregator, Vectors

__all__ = ["Described", "describe"]

_NONE = -1

# What a learned aggregator is given of a look at most: its best faces. The nets are trained on sets
# of some ten faces.
_MOST_AGGREGATED = 256


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """The looks of some people, each as one vector.

    Args:
        person: (r,) whose look each row is: the numbers that were given, rising.
        look: (r,) which of the person's looks, from 0: most faces first.
        faces: (r,) how many faces the look has.
        chosen: (r, size) rows of its chosen faces in the order of their choice, -1 where fewer.
        gains: (r, size) distance, (1 - cosine) / 2, of each chosen face to the nearest one chosen
            before it; 1 for the first, 0 where there is none.
        radius: (r,) largest distance, (1 - cosine) / 2, of an eligible face to the nearest chosen.
        quality: (r,) mean quality of the chosen.
        descriptors: (r, d) unit vectors.
        cohesion: (r,) mean cosine of a face to the chosen ones, over its cosine to the descriptor.
        odd: (m,) rows of faces to check: those that may not be their person's at all, which are not
            chosen unless there is nothing else, and merely unusual ones, which may be chosen.
        odd_likeness: (m,) mean cosine of each to the other faces of its look.
        label: (n,) the row of this table that each face belongs to.
    """

    person: NDArray[np.int64]
    look: NDArray[np.int64]
    faces: NDArray[np.int64]
    chosen: NDArray[np.int64]
    gains: NDArray[np.float32]
    radius: NDArray[np.float32]
    quality: NDArray[np.float32]
    descriptors: Vectors
    cohesion: NDArray[np.float32]
    odd: NDArray[np.int64]
    odd_likeness: NDArray[np.float32]
    label: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(r,) how many faces were chosen."""
        return np.asarray((self.chosen != _NONE).sum(axis=1), dtype=np.int64)


def describe(
    vectors: Vectors,
    quality: NDArray[np.float32],
    person: NDArray[np.int64],
    rule: Rule | None = None,
    *,
    alike: float = 1.0,
    moments: NDArray[np.float64] | None = None,
    pinned: Sequence[int] = (),
    trusted: NDArray[np.bool_] | None = None,
    aggregator: Aggregator | None = None,
) -> Described:
    """Choose the faces that stand for each look of some people, and make a vector of each.

    Args:
        vectors: (n, d) unit float32, n > 0, in order of face id: that settles ties.
        quality: (n,) 0..1.
        person: (n,) numbers of people, from 0.
        rule: how faces are chosen; None: the default.
        alike: mean cosine of two faces of a person from which on one vector stands for all of them,
            and no looks are looked for: that takes some 20 ms a person.
        moments: (n,) seconds since any zero, NaN where unknown; None: bursts are not told by time.
        pinned: rows that are chosen first.
        trusted: (n,) faces that are the person's for sure: none of them is odd.
        aggregator: makes the vector of all faces of a look instead of the chosen ones; None: their
            quality-weighted mean.
    """
    rule = rule or Rule()
    sure = np.zeros(len(vectors), dtype=bool) if trusted is None else trusted.copy()
    sure[list(pinned)] = True
    apart = _Apart.of(vectors, quality, person, rule, alike, moments, sure)
    kept = np.flatnonzero(~apart.strange)
    place = np.cumsum(~apart.strange) - 1
    coresets = choose_each(
        vectors[kept] if len(kept) < len(vectors) else vectors,
        quality[kept],
        apart.label[kept],
        rule,
        pinned=place[list(pinned)],
        moments=None if moments is None else moments[kept],
        trusted=sure[kept],
    )
    was = coresets.rows != _NONE
    chosen = np.where(was, kept[coresets.rows], _NONE)
    mean = np.where(was, quality[chosen], 0).sum(axis=1) / was.sum(axis=1)
    strangers = np.flatnonzero(apart.strange)
    described = Described(
        apart.owner,
        apart.look,
        np.bincount(apart.label, minlength=len(apart.owner)).astype(np.int64),
        chosen,
        coresets.gains,
        coresets.radius,
        mean.astype(np.float32),
        coresets.descriptors,
        coresets.cohesion,
        np.concatenate([strangers, kept[coresets.odd]]),
        np.concatenate([apart.likeness[strangers], coresets.odd_likeness]),
        apart.label,
    )
    if aggregator is None:
        return described
    return _aggregated(vectors, quality, described, aggregator)


@dataclass(frozen=True, slots=True, eq=False)
class _Apart:
    """People, look by look.

    Args:
        label: (n,) the look of each face, as numbers from 0.
        owner: (r,) whose each look is.
        look: (r,) which of theirs.
        strange: (n,) faces of people with several looks that are like none of their faces: within
            a small look nobody could tell.
        likeness: (n,) of these the mean cosine to the person's other faces.
    """

    label: NDArray[np.int64]
    owner: NDArray[np.int64]
    look: NDArray[np.int64]
    strange: NDArray[np.bool_]
    likeness: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        vectors: Vectors,
        quality: NDArray[np.float32],
        person: NDArray[np.int64],
        rule: Rule,
        alike: float,
        moments: NDArray[np.float64] | None,
        sure: NDArray[np.bool_],
    ) -> _Apart:
        """Find the looks of people who have faces enough, and unlike enough."""
        people, codes = np.unique(person, return_inverse=True)
        looks = np.zeros(len(person), dtype=np.int64)
        strange = np.zeros(len(person), dtype=bool)
        likeness = np.ones(len(person), dtype=np.float32)
        for mine in _many_faced(vectors, quality, codes, alike):
            seconds = None if moments is None else moments[mine]
            found = find_looks(vectors[mine], quality[mine], seconds=seconds).labels
            if not found.any():
                continue
            odd, alikeness = _strangers(vectors[mine], quality[mine], rule, sure[mine])
            left = np.unique(np.delete(found, odd))
            if not len(left):  # nobody is like anybody: then that says nothing
                continue
            strange[mine[odd]], likeness[mine[odd]] = True, alikeness
            # A look of strangers only is none.
            looks[mine] = np.where(np.isin(found, left), found, left[0])
        most = int(looks.max(initial=0)) + 1
        there, label = np.unique(codes * most + looks, return_inverse=True)
        owner = there // most
        first = np.searchsorted(owner, owner)
        return cls(label, people[owner], np.arange(len(owner)) - first, strange, likeness)


def _many_faced(
    vectors: Vectors, quality: NDArray[np.float32], codes: NDArray[np.int64], alike: float
) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each person whose good faces are many, and less alike than that."""
    rule = LooksRule()
    good = quality >= np.float32(rule.min_quality)
    counts = np.bincount(codes[good], minlength=int(codes.max(initial=-1)) + 1)
    some = np.flatnonzero(counts >= rule.min_faces)
    if not len(some):
        return
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], some, side="right")
    starts = np.searchsorted(codes[order], some, side="left")
    for start, end, count in zip(
        starts.tolist(), ends.tolist(), counts[some].tolist(), strict=True
    ):
        mine = order[start:end]
        total = vectors[mine[good[mine]]].sum(axis=0, dtype=np.float64)
        if (total @ total - count) / (count * (count - 1)) < alike:
            yield mine


def _strangers(
    vectors: Vectors, quality: NDArray[np.float32], rule: Rule, sure: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows of faces that are hardly the person's in any look, and how alike they are."""
    if rule.one_person is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    least = replace(rule.unguarded(), one_person=rule.one_person)
    found = choose(vectors, quality, least, trusted=sure)
    return found.odd, found.odd_likeness


def _aggregated(
    vectors: Vectors, quality: NDArray[np.float32], plain: Described, aggregator: Aggregator
) -> Described:
    """Let an aggregator make the vectors; say what they mean in cosines to the chosen faces.

    What `cohesion` promises holds exactly for the mean of the chosen faces only. For another vector
    its part along that mean is the best that can be said.
    """
    odd = np.zeros(len(vectors), dtype=bool)
    odd[plain.odd] = True
    odd[plain.chosen[plain.chosen != _NONE]] = False
    order = np.lexsort((np.arange(len(odd)), -quality, odd, plain.label))
    ends = np.cumsum(plain.faces)
    made = np.empty_like(plain.descriptors)
    for row, (start, end) in enumerate(zip((0, *ends[:-1].tolist()), ends.tolist(), strict=True)):
        mine = order[start:end]
        some = mine[~odd[mine]]  # the odd ones lie behind
        best = some[:_MOST_AGGREGATED]
        made[row] = aggregator.aggregate(vectors[best], quality[best])
    along = np.maximum(np.einsum("ij,ij->i", made, plain.descriptors), 0)
    cohesion = (along * plain.cohesion).astype(np.float32)
    return replace(plain, descriptors=made, cohesion=cohesion)
