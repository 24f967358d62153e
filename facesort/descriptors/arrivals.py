"""A coreset that is kept while faces come and go, and is chosen anew only where that would differ.

A face that is nowhere better than the one that was chosen changes nothing. At each turn of the
choice, whoever has the highest score is taken, and scores depend on the chosen faces alone. So if a
new face's score is below the taken one's at every turn, and it has no place left at the end, the
choice among all faces and the new one is, face for face, what it was. The same holds for many new
faces at once, and for taking away a face that was not chosen.

Guarantee: where `may_enter` says no, choosing anew gives the same faces in the same order; where it
says yes, the caller chooses anew, which costs O(n K d). Of faces that come in random order the n-th
enters with a probability of K / n or so, so n arrivals cost O(n K^2 d), what few full choices cost.

That is exact for given odd faces (`descriptors.odd`). These follow the mean of the person and so
move a little with every face: a new face is judged by its likeness to the others, and the older
ones are judged again with the next full choice. Bursts told by time are not kept: `min_gain` has to
tell them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.descriptors.coreset import choose
from facesort.descriptors.greedy import TIE
from facesort.descriptors.rows import NO_ROW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.descriptors.rule import Rule
    from facesort.protocols import Vectors

__all__ = ["Standing"]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What has to be kept of a person, whose other faces need not be read again.

    Args:
        vectors: (k, d) the chosen faces in the order of their choice.
        quality: (k,) theirs.
        pinned: how many of them were pinned.
        radius: largest distance, (1 - cosine) / 2, of an eligible face to the nearest chosen; not
            less than that after faces were taken away.
        total: (d,) float64, sum of the vectors of all eligible faces, each times its quality.
        weight: sum of their qualities, held to the floor.
        faces: how many eligible faces there are.
    """

    vectors: Vectors
    quality: NDArray[np.float32]
    pinned: int
    radius: float
    total: NDArray[np.float64]
    weight: float
    faces: int

    @classmethod
    def of(
        cls,
        vectors: Vectors,
        quality: NDArray[np.float32],
        rule: Rule,
        *,
        ids: Sequence[str] | NDArray[np.str_] | None = None,
        pinned: Sequence[int] = (),
    ) -> Standing:
        """Choose among all faces of a person; see `descriptors.coreset.choose`."""
        found = choose(vectors, quality, rule, ids=ids, pinned=pinned)
        rows = found.rows[0][found.rows[0] != NO_ROW]
        good = _eligible(quality, rule)
        held = np.where(good, _held(quality, rule), 0.0)
        return cls(
            vectors[rows],
            quality[rows],
            len(pinned),
            float(found.radius[0]),
            held @ vectors.astype(np.float64),
            float(held.sum()),
            int(good.sum()),
        )

    def may_enter(
        self, vectors: Vectors, quality: NDArray[np.float32], rule: Rule
    ) -> NDArray[np.bool_]:
        """Say which new faces could change the choice; if none could, none does.

        Args:
            vectors: (m, d) unit float32.
            quality: (m,) 0..1.
            rule: what the standing faces were chosen by.

        Returns:
            (m,); never False where choosing anew would give other faces.
        """
        held = _held(quality, rule)
        worth = held**rule.gamma
        usable = self._usable(quality, rule)
        enters = np.zeros(len(vectors), dtype=bool)
        distance = np.ones(len(vectors), dtype=np.float64)
        among = np.ones(len(self.vectors), dtype=np.float64)
        mine = _held(self.quality, rule)
        for turn, taken in enumerate(self.vectors):
            if turn >= self.pinned and turn:
                limit = mine[turn] ** rule.gamma * among[turn]
                enters |= (worth * distance >= limit - TIE) & _far(distance, rule)
            elif turn >= self.pinned:
                # Poor faces among poor ones are held alike: the quality itself settles it.
                better = (held >= mine[0] - TIE) & (quality >= self.quality[0])
                enters |= (held > mine[0]) | better
            distance = np.minimum(distance, _away(vectors, taken))
            among = np.minimum(among, _away(self.vectors, taken))
        if len(self.vectors) < rule.size:
            enters |= _far(distance, rule)
        return enters & usable

    def joined_by(self, vectors: Vectors, quality: NDArray[np.float32], rule: Rule) -> Standing:
        """Return what stands after faces came of which none `may_enter`.

        Raises:
            ValueError: one of them may: the faces have to be chosen anew.
        """
        if self.may_enter(vectors, quality, rule).any():
            raise ValueError("a face that may enter was not chosen anew")
        good = self._usable(quality, rule)
        held = np.where(good, _held(quality, rule), 0.0)
        away = np.ones(len(vectors))
        for taken in self.vectors:
            away = np.minimum(away, _away(vectors, taken))
        return replace(
            self,
            radius=max(self.radius, float(away[good].max(initial=0))),
            total=self.total + held @ vectors.astype(np.float64),
            weight=self.weight + float(held.sum()),
            faces=self.faces + int(good.sum()),
        )

    def left_by(self, vectors: Vectors, quality: NDArray[np.float32], rule: Rule) -> Standing:
        """Return what stands after faces that were not chosen are gone.

        Raises:
            ValueError: one of them was chosen, or is a copy of one that was: choose anew.
        """
        if (vectors[:, None, :] == self.vectors[None]).all(axis=2).any():
            raise ValueError("a chosen face is gone, and was not replaced")
        good = self._usable(quality, rule)
        held = np.where(good, _held(quality, rule), 0.0)
        return replace(
            self,
            total=self.total - held @ vectors.astype(np.float64),
            weight=self.weight - float(held.sum()),
            faces=self.faces - int(good.sum()),
        )

    def likeness(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return the mean cosine of (m, d) new faces to all that are there, weighted by quality."""
        mean = vectors.astype(np.float64) @ self.total
        return np.asarray(mean / max(self.weight, 1e-12))

    def odd(self, vectors: Vectors, rule: Rule) -> NDArray[np.bool_]:
        """Say which of (m, d) new faces may not be this person's: not to be put into the choice."""
        if rule.one_person is None or self.faces < 2:
            return np.zeros(len(vectors), dtype=bool)
        return np.asarray(self.likeness(vectors) < rule.one_person.least(float(self.faces), 1.0))

    def _usable(self, quality: NDArray[np.float32], rule: Rule) -> NDArray[np.bool_]:
        """Say which faces count beside those that are there: poor ones do among poor ones only."""
        best = self.quality.max(initial=0.0)
        return np.full(len(quality), best < rule.floor) | (quality >= np.float32(rule.floor))


def _held(quality: NDArray[np.float32], rule: Rule) -> NDArray[np.float64]:
    return np.maximum(quality, max(rule.floor, TIE)).astype(np.float64)


def _eligible(quality: NDArray[np.float32], rule: Rule) -> NDArray[np.bool_]:
    good = quality >= np.float32(rule.floor)
    return good if good.any() else np.ones(len(quality), dtype=bool)


def _away(vectors: Vectors, taken: NDArray[np.float32]) -> NDArray[np.float64]:
    cosine = np.einsum("ij,j->i", vectors, taken)
    return np.asarray(np.maximum((1 - cosine) / 2, 0), dtype=np.float64)


def _far(distance: NDArray[np.float64], rule: Rule) -> NDArray[np.bool_]:
    """Say which faces are far enough from those chosen so far to be chosen too."""
    return np.asarray(distance >= rule.min_gain - TIE)
