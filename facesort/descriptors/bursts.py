"""Which pictures are of one burst: taken within seconds of each other, and alike.

A burst is what lies around its best picture. The best of all pictures takes all that are within
its reach; then the best of the others does; and so on. So a burst never grows along a chain: an
hour of one photo every two seconds is no single burst. The order of the pictures does not matter.

Within reach is: of the same photo; or taken within seconds and alike; or taken in the same moment,
or while the camera ran, and not quite unlike: a frame may be blurred; or, where one of the two has
no time, so alike that it is a copy or the next frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.descriptors.rows import id_ranks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["BurstRule", "burst_labels", "camera_runs", "within_reach"]

_NO_BURST = -1

# Pictures compared with each other at a time, and pairs of which vectors are gathered at a time.
_BLOCK = 512
_MOST_PAIRS = 1 << 12

# Pictures within seconds of each one, on average, up to which pairs are kept.
_MOST_COMPARED = 64


@dataclass(frozen=True, slots=True)
class BurstRule:
    """What one burst is.

    Where the numbers come from (SFace, LFW, 2026-11-22): near copies of a crop, as the next frame
    of a clip would be, have cosines from .95 up (99 %); pairs of photos of two days exceed .94 once
    in 10,000 times, and .8 in 7 %. A blurred, dark or half covered copy of the same moment has .58,
    .69 and .77 in the middle, and above .3 in 96 %, 94 % and all cases.

    Args:
        seconds: between two pictures of one burst at most.
        min_cosine: of their faces at least. One person in two poses, one after the other, is two
            pictures.
        instant_seconds: pictures that are no farther apart are one moment ...
        instant_cosine: ... if their faces are so alike: one of them may be blurred, or blink.
        run_seconds: so are pictures within `seconds` if no gap between two, from the one to the
            other, is longer than that: the camera ran.
        twin_cosine: of two faces of one burst where a time is missing; None: a picture without a
            time is in nobody's burst.
    """

    seconds: float = 10.0
    min_cosine: float = 0.8
    instant_seconds: float = 3.0
    instant_cosine: float = 0.3
    run_seconds: float = 1.5
    twin_cosine: float | None = 0.95


def within_reach(
    cosine: NDArray[np.float32],
    apart: NDArray[np.float64],
    rule: BurstRule,
    same_run: NDArray[np.bool_],
    same_photo: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Say which of n pictures are of one picture's burst.

    Args:
        cosine: (n,) of the faces.
        apart: (n,) seconds between the two, NaN where one has no time.
        rule: what a burst is.
        same_run: (n,) between which two there is no gap.
        same_photo: (n,) which are of the same photo; None: none.
    """
    apart = np.abs(apart)
    within = apart <= rule.seconds
    near = within & (cosine >= np.float32(rule.min_cosine))
    instant = (apart <= rule.instant_seconds) | (within & same_run)
    near |= instant & (cosine >= np.float32(rule.instant_cosine))
    if rule.twin_cosine is not None:
        near |= np.isnan(apart) & (cosine >= np.float32(rule.twin_cosine))
    return near if same_photo is None else near | same_photo


def burst_labels(
    vectors: Vectors,
    seconds: NDArray[np.float64] | None,
    *,
    quality: NDArray[np.float32] | None = None,
    ids: Sequence[str] | NDArray[np.str_] | None = None,
    photos: NDArray[np.int64] | None = None,
    rows: NDArray[np.int64] | None = None,
    rule: BurstRule | None = None,
) -> NDArray[np.int64]:
    """Number the bursts of one person's pictures.

    The cost grows with the pictures times the bursts that lie within seconds of each other;
    pictures without a time are compared with all bursts.

    Args:
        vectors: (n, d) unit float32; more where `rows` says which.
        seconds: (n,) when each was taken, from any zero; NaN where unknown; None: nowhere known.
        quality: (n,) 0..1: which is the best of its burst; None: the first in the order of the ids.
        ids: n different ids; of equally good pictures that with the smaller one leads. None: the
            lower row.
        photos: (n,) number of each one's photo; None: each has its own.
        rows: (n,) which vectors are meant; None: all. All else is given for these only.
        rule: what a burst is.

    Returns:
        (n,) numbers from 0, the burst with the best picture first.
    """
    rule = rule or BurstRule()
    n = len(vectors) if rows is None else len(rows)
    ranks = id_ranks(ids, n)
    worth = np.zeros(n, dtype=np.float32) if quality is None else quality
    order = np.lexsort((ranks, -worth))
    moments = np.full(n, np.nan) if seconds is None else seconds[order]
    of_photo = np.arange(n, dtype=np.int64) if photos is None else photos[order]
    where = order if rows is None else rows[order]
    pictures = _Pictures(vectors, where, moments, camera_runs(moments, rule), of_photo)
    timed = rule.twin_cosine is None or not np.isnan(moments).any()
    pairs = _alike(pictures, rule) if timed and photos is None else None
    labels = np.empty(n, dtype=np.int64)
    labels[order] = _labels(pictures, rule) if pairs is None else _of_pairs(n, *pairs)
    return labels


def _alike(
    pictures: _Pictures, rule: BurstRule
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return all pairs in reach, the better picture first; None where they are too many.

    Where all pictures have a time, few lie within seconds of each other, and only these are
    compared.
    """
    moments, runs = pictures.moments, pictures.runs
    window = max(rule.seconds, rule.instant_seconds)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    compared = 0
    for first, second in _near_in_time(moments, moments, window):
        compared += len(first)
        if compared > _MOST_COMPARED * len(moments):
            return None
        one, other = first[first < second], second[first < second]
        cosine = np.einsum("ij,ij->i", pictures.of(one), pictures.of(other))
        alike = within_reach(cosine, moments[one] - moments[other], rule, runs[one] == runs[other])
        found.append((one[alike], other[alike]))
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate([one for one, _ in found]), np.concatenate([two for _, two in found])


def _of_pairs(n: int, better: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the bursts of n pictures in their order, given all pairs in reach.

    Whoever is in reach of no better picture that may lead, leads; whom a leader reaches does not.
    That settles all in a few rounds, because all bursts are settled at the same time.
    """
    leads, follows = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    left, right = better, other
    while not (leads | follows).all():
        waits = np.zeros(n, dtype=bool)
        waits[right[~follows[left]]] = True
        leads |= ~waits & ~follows
        follows[right[leads[left]]] = True
        open_ = ~(leads | follows)[right]
        left, right = left[open_], right[open_]
    first = np.where(leads, np.arange(n), n)
    ours = leads[better]
    np.minimum.at(first, other[ours], better[ours])
    return np.asarray(np.cumsum(leads)[first] - 1, dtype=np.int64)


def camera_runs(seconds: NDArray[np.float64], rule: BurstRule) -> NDArray[np.int64]:
    """Number the runs of pictures without a gap; the number of one without a time means nothing.

    Args:
        seconds: (n,) when each was taken, NaN where unknown.
        rule: how long a gap is.
    """
    by_time = np.argsort(seconds, kind="stable")
    runs = np.zeros(len(seconds), dtype=np.int64)
    runs[by_time[1:]] = np.cumsum(np.diff(seconds[by_time]) > rule.run_seconds)
    return runs


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """The pictures; all but the vectors sorted as `order`, the best first."""

    vectors: Vectors
    order: NDArray[np.int64]
    moments: NDArray[np.float64]
    runs: NDArray[np.int64]
    photos: NDArray[np.int64]

    def of(self, places: NDArray[np.int64]) -> Vectors:
        """Return the (m, d) vectors of some."""
        return self.vectors[self.order[places]]


def _labels(pictures: _Pictures, rule: BurstRule) -> NDArray[np.int64]:
    """Number the bursts of pictures in their order."""
    moments, runs, photos = pictures.moments, pictures.runs, pictures.photos
    labels = np.full(len(moments), _NO_BURST, dtype=np.int64)
    rest = np.arange(len(moments))
    bursts = 0
    while len(rest):
        block, rest = rest[:_BLOCK], rest[_BLOCK:]
        mine = pictures.of(block)
        reach = within_reach(
            mine @ mine.T,
            moments[block, None] - moments[None, block],
            rule,
            runs[block, None] == runs[None, block],
            photos[block, None] == photos[None, block],
        )
        labels[block], leaders = _in_turn(reach, bursts)
        leaders = block[leaders]
        taken = _first_leader(pictures, rule, leaders, rest)
        labels[rest] = np.where(taken == _NO_BURST, _NO_BURST, bursts + taken)
        rest = rest[taken == _NO_BURST]
        bursts += len(leaders)
    return labels


def _in_turn(reach: NDArray[np.bool_], bursts: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Let each of m pictures that nobody took take what is in its (m, m) reach, the best first."""
    labels = np.full(len(reach), _NO_BURST, dtype=np.int64)
    leaders: list[int] = []
    for row in range(len(reach)):
        if labels[row] == _NO_BURST:
            labels[reach[row] & (labels == _NO_BURST)] = bursts + len(leaders)
            labels[row] = bursts + len(leaders)  # a vector of zeros does not reach itself
            leaders.append(row)
    return labels, np.array(leaders, dtype=np.int64)


def _first_leader(
    pictures: _Pictures,
    rule: BurstRule,
    leaders: NDArray[np.int64],
    rest: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the (m,) first of some leaders, by place, that has each of m pictures in reach."""
    moments, runs, photos = pictures.moments, pictures.runs, pictures.photos
    none = len(leaders)
    first = np.full(len(rest), none, dtype=np.int64)
    known, place = np.unique(photos[leaders], return_index=True)
    at = np.minimum(np.searchsorted(known, photos[rest]), len(known) - 1)
    same = known[at] == photos[rest]
    first[same] = place[at[same]]
    timed, lead_timed = ~np.isnan(moments[rest]), ~np.isnan(moments[leaders])
    window = max(rule.seconds, rule.instant_seconds)
    for lead, row in _near_in_time(moments[leaders], moments[rest], window):
        one, other = leaders[lead], rest[row]
        cosine = np.einsum("ij,ij->i", pictures.of(one), pictures.of(other))
        alike = within_reach(cosine, moments[one] - moments[other], rule, runs[one] == runs[other])
        np.minimum.at(first, row[alike], lead[alike])
    if rule.twin_cosine is not None:
        for these, those in ((lead_timed, ~timed), (~lead_timed, timed | ~timed)):
            lead, row = np.flatnonzero(these), np.flatnonzero(those)
            if not len(lead):
                continue
            heads = pictures.of(leaders[lead])
            for start in range(0, len(row), _BLOCK):
                part = row[start : start + _BLOCK]
                twins = pictures.of(rest[part]) @ heads.T >= np.float32(rule.twin_cosine)
                nearest = np.where(twins.any(axis=1), lead[twins.argmax(axis=1)], none)
                first[part] = np.minimum(first[part], nearest)
    return np.where(first == none, _NO_BURST, first)


def _near_in_time(
    moments: NDArray[np.float64], others: NDArray[np.float64], seconds: float
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Give the places of all pairs taken within seconds of each other, some at a time."""
    by_time = np.flatnonzero(~np.isnan(others))
    by_time = by_time[np.argsort(others[by_time], kind="stable")]
    times = others[by_time]
    timed = np.flatnonzero(~np.isnan(moments))
    low = np.searchsorted(times, moments[timed] - seconds, side="left")
    counts = np.searchsorted(times, moments[timed] + seconds, side="right") - low
    ends = np.cumsum(counts)
    start = 0
    while start < len(timed):
        before = ends[start] - counts[start]
        stop = max(start + 1, int(np.searchsorted(ends, before + _MOST_PAIRS, side="right")))
        some = slice(start, stop)
        lead = np.repeat(timed[some], counts[some])
        within = np.arange(len(lead)) - np.repeat(ends[some] - counts[some] - before, counts[some])
        yield lead, by_time[np.repeat(low[some], counts[some]) + within]
        start = stop
