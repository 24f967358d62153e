"""Who a new face is, among the people of a library or none of them.

A face is compared with the descriptors of every person (`descriptors.described`): one of each look,
and the nearest of them counts. Its mean cosine to the faces that a descriptor was made of follows
the calibration like that of a cluster of one face with a cluster of theirs. It is the nearest
person's if

- strangers come that close so rarely that, over all looks of all people of the library, only
  `wrong` of 1,000 faces of strangers would be given a person: the more, the closer it must be;
- the second person lies behind by more than the noise of the few faces that stand for the two:
  1.645 standard deviations, which chance reaches once in twenty times.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import Calibration
    from facesort.protocols import Vectors

__all__ = ["DEFAULT_WRONG", "Finding", "Gallery", "Matches", "OpenSetRule", "match"]

# Faces of strangers that are given a person, of 1,000: the reading of --wrong-merges, for one face.
# What it costs in faces that stay unknown: docs/accuracy.md.
DEFAULT_WRONG = 1.0

# As of the calibration of merges: with few people the model's far flank is not a licence.
_MAX_FALSE_MATCH_RATE = 1e-3

_NORMAL = NormalDist()
_ONE_IN_TWENTY = _NORMAL.inv_cdf(0.95)

# A face of which nothing is known is somebody's of the library as likely as not.
_PRIOR_KNOWN = 0.5

_BLOCK_COSINES = 1 << 21


class Finding(StrEnum):
    """What came of comparing a face with everybody."""

    KNOWN = "known"
    AMBIGUOUS = "ambiguous"  # close enough to two people, and one is not clearly closer
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """What stands for p people: r descriptors, one of each look.

    Args:
        descriptors: (r, d) unit vectors, those of one person together.
        cohesion: (r,) mean cosine of a face to a look's chosen faces, over its cosine to the
            descriptor.
        sizes: (r,) how many faces were chosen.
        quality: (r,) their mean quality.
        faces: (p,) how many faces the person has: in a new photo is, more likely, whoever is on
            many.
        looks: (p,) how many looks each person has; None: one each.
    """

    descriptors: Vectors
    cohesion: NDArray[np.float32]
    sizes: NDArray[np.int64]
    quality: NDArray[np.float32]
    faces: NDArray[np.int64]
    looks: NDArray[np.int64] | None = None

    @property
    def people(self) -> int:
        """How many people are known."""
        return len(self.faces)

    @property
    def starts(self) -> NDArray[np.int64]:
        """(p,) the row of each person's first look."""
        if self.looks is None:
            return np.arange(self.people)
        return np.cumsum(self.looks) - self.looks

    def __len__(self) -> int:
        return len(self.descriptors)


@dataclass(frozen=True, slots=True)
class OpenSetRule:
    """When a face is the nearest person's.

    Args:
        calibration: of the embedder; None where its card has none, `min_cosine` is needed then.
        wrong: faces of strangers that may be given a person, of 1,000.
        min_cosine: a fixed mean cosine instead.
    """

    calibration: Calibration | None
    wrong: float = DEFAULT_WRONG
    min_cosine: float | None = None

    def rate(self, looks: int) -> float:
        """Return how often one stranger may come close enough to one look of somebody."""
        asked = self.wrong / (1000 * max(1, looks))
        return min(_MAX_FALSE_MATCH_RATE, max(sys.float_info.min, asked))

    def needed(self, looks: int, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mean cosine that a face must reach to looks of so many chosen faces.

        Args:
            looks: how many there are in all; with one look each, how many people.
            sizes: chosen faces of some of them.
        """
        if self.min_cosine is not None or self.calibration is None:
            fixed = 1.0 if self.min_cosine is None else self.min_cosine
            return np.full(len(sizes), fixed, dtype=np.float64)
        deviations = -_NORMAL.inv_cdf(self.rate(looks))
        return self.calibration.impostor_mean + deviations * np.sqrt(
            self.calibration.person_variance + self.calibration.face_variance * (1 / sizes + 1) / 2
        )

    def margin(self, sizes: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return by how much a person must lead another, by the chosen faces of both."""
        if self.calibration is None:
            return np.zeros(len(sizes), dtype=np.float64)
        noise = self.calibration.face_variance * (1 / sizes + 1 / others) / 2
        margin: NDArray[np.float64] = _ONE_IN_TWENTY * np.sqrt(noise)
        return margin


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The two nearest people of n faces.

    Args:
        nearest: (n, 2) numbers of people; -1 where there are fewer people.
        looks: (n, 2) rows of the gallery: by which of their looks; -1 likewise.
        cosine: (n, 2) mean cosines to the chosen faces of that look; -inf likewise.
        probability: (n, 2) of being that person, nobody of the library being the other half of what
            is possible; NaN without calibration.
        findings: n of them.
    """

    nearest: NDArray[np.int64]
    looks: NDArray[np.int64]
    cosine: NDArray[np.float64]
    probability: NDArray[np.float64]
    findings: tuple[Finding, ...]


def match(
    probes: Vectors, quality: NDArray[np.float32], gallery: Gallery, rule: OpenSetRule
) -> Matches:
    """Find the nearest people of some faces, and whether they are close enough.

    Args:
        probes: (n, d) unit float32.
        quality: (n,) 0..1.
        gallery: everybody.
        rule: when it is close enough.
    """
    n = len(probes)
    found = Matches(
        np.full((n, 2), -1, dtype=np.int64),
        np.full((n, 2), -1, dtype=np.int64),
        np.full((n, 2), -np.inf, dtype=np.float64),
        np.full((n, 2), np.nan, dtype=np.float64),
        (Finding.UNKNOWN,) * n,
    )
    if not len(gallery) or not n:
        return found
    step = max(1, _BLOCK_COSINES // len(gallery))
    for start in range(0, n, step):
        _match_block(slice(start, start + step), probes, quality, gallery, rule, found)
    return replace(found, findings=_findings(found, gallery, rule))


def _match_block(
    block: slice,
    probes: Vectors,
    quality: NDArray[np.float32],
    gallery: Gallery,
    rule: OpenSetRule,
    found: Matches,
) -> None:
    """Fill some rows of what is found."""
    means = (probes[block] @ gallery.descriptors.T).astype(np.float64) * gallery.cohesion
    chances = _probabilities(means, quality[block], gallery, rule.calibration)
    each = np.arange(len(means))
    starts = gallery.starts
    ends = np.append(starts[1:], len(gallery))
    for place in range(min(2, gallery.people)):
        look = means.argmax(axis=1)  # the lower row wins a tie
        person = np.searchsorted(starts, look, side="right") - 1
        found.nearest[block, place], found.looks[block, place] = person, look
        found.cosine[block, place] = means[each, look]
        found.probability[block, place] = chances[each, person]
        for row, one in enumerate(person.tolist()):
            means[row, starts[one] : ends[one]] = -np.inf


def _probabilities(
    means: NDArray[np.float64],
    quality: NDArray[np.float32],
    gallery: Gallery,
    calibration: Calibration | None,
) -> NDArray[np.float64]:
    """Return how likely each of n faces is each of p people; NaN where nothing says so.

    Which of their looks somebody has today is anybody's guess: their likelihoods are averaged.
    """
    ratios = None
    if calibration is not None:
        ratios = calibration.log_likelihood_ratio(means, quality[:, None], gallery.quality[None])
    if ratios is None:
        return np.full((len(means), gallery.people), np.nan)
    likely = np.exp(ratios)
    if gallery.looks is not None:
        likely = np.add.reduceat(likely, gallery.starts, axis=1) / gallery.looks
    joint = likely * (_PRIOR_KNOWN * gallery.faces / gallery.faces.sum())
    chances: NDArray[np.float64] = joint / (joint.sum(axis=1, keepdims=True) + 1 - _PRIOR_KNOWN)
    return chances


def _findings(found: Matches, gallery: Gallery, rule: OpenSetRule) -> tuple[Finding, ...]:
    cosine, (first, second) = found.cosine, found.looks.T
    close = cosine[:, 0] >= rule.needed(len(gallery), gallery.sizes[first])
    lead = np.where(second < 0, np.inf, cosine[:, 0] - np.where(second < 0, 0, cosine[:, 1]))
    clear = lead >= rule.margin(gallery.sizes[first], gallery.sizes[second])
    return tuple(
        Finding.UNKNOWN if not near else Finding.KNOWN if is_clear else Finding.AMBIGUOUS
        for near, is_clear in zip(close.tolist(), clear.tolist(), strict=True)
    )
