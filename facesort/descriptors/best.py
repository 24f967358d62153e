"""The best different pictures of a person: sharp, well seen, and not all of one moment.

Of each burst the best picture may be taken, and of its copies the original. The first is the best
of all; then again and again the one with the highest `quality ** gamma * distance to the nearest
one taken`, as in `descriptors.coreset`. Nothing ends the choice before the bursts are used up: two
pictures of two hours are two pictures, however alike the faces. Quality counts double here: who
asks for the best pictures would rather have a second good one than a blurred profile. Poor pictures
follow in order of quality: of them nobody wants the most different.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.descriptors.bursts import BurstRule, burst_labels
from facesort.descriptors.coreset import Rule, choose
from facesort.descriptors.greedy import TIE
from facesort.descriptors.rows import id_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["Best", "best_different"]

# The ten best of the 25 people with 20 photos or more of LFW, mean quality and mean cosine among
# them (SFace, 2026-11-22): .741 and .602 with 1, .777 and .633 with 2, .799 and .669 with 4; all
# photos have .731 and .71. With 1 the ten are hardly better than any ten.
_GAMMA = 2.0

# Faces of no quality at all still come in order of how different they are.
_LEAST_QUALITY = np.float32(0.01)

# After so many the rest follow in order of quality: the order of the 300th picture by how different
# it is matters to nobody, and would cost a pass over all pictures for each.
_MOST_COMPARED = 256

# Without a time, what is so alike is a copy: sent by a messenger, halved. docs/coresets.md has the
# measurement. Laxer than the .95 of other bursts: here all that is lost is a second nearly equal
# picture.
_BURSTS = BurstRule(twin_cosine=0.9)

# Of copies the original is wanted, not the one that happens to be told the better by a hair: the
# same photo compressed once more (quality 60) had .001 to .016 more in 25 of 62 cases.
_SAME_QUALITY = np.float32(0.03)
_SAME_COSINE = np.float32(0.9)
_SAME_PIXELS = 0.9  # the box of a face is not found on the same pixel twice

_GOOD, _POOR, _LATER, _LATER_POOR = 0, 1, 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """What was chosen.

    Args:
        rows: (k,) in the order of their choice: the best of their bursts.
        gain: (k,) (1 - cosine) / 2 to the nearest one chosen before; .5 for the first. From the
            257th on to the nearest of the first 256.
        burst: (n,) the burst of each picture, numbers from 0, the best burst first.
        sizes: (k,) how many pictures the burst of each chosen one has, itself included.
        odd: rows that are never chosen because they may not be this person, the least alike first.
        odd_likeness: their mean cosines to the other faces.
    """

    rows: NDArray[np.int64]
    gain: NDArray[np.float32]
    burst: NDArray[np.int64]
    sizes: NDArray[np.int64]
    odd: NDArray[np.int64]
    odd_likeness: NDArray[np.float32]


def best_different(  # noqa: PLR0913 - what is known of a picture, each by its name
    vectors: Vectors,
    quality: NDArray[np.float32],
    count: int,
    *,
    ids: Sequence[str],
    seconds: NDArray[np.float64] | None = None,
    floor: float = Rule().floor,
    later: NDArray[np.bool_] | None = None,
    trusted: NDArray[np.bool_] | None = None,
    photos: NDArray[np.int64] | None = None,
    pixels: NDArray[np.float32] | None = None,
    rule: Rule | None = None,
) -> Best:
    """Choose the best different pictures of a person.

    At most 256 passes over the pictures, whatever `count` is, after the bursts are found.

    Args:
        vectors: (n, d) unit float32.
        quality: (n,) 0..1.
        count: how many at most; fewer where there are fewer different pictures.
        ids: n different ids; ties go to the better one, then to the smaller id.
        seconds: (n,) when each was taken, from any zero; NaN or None where that is not known.
        floor: of quality; poorer ones come after all others.
        later: (n,) those that come last of all, and lead no burst that has another.
        trusted: (n,) faces of which the user has said whose they are: never odd.
        photos: (n,) number of each one's photo: of one photo one face is chosen. None: all differ.
        pixels: (n,) how large each is, in any one measure: of copies that are as good the largest
            is chosen, then one with a time. None: all are as large.
        rule: what is odd; None: the default without the model card's word.
    """
    n = len(vectors)
    last = np.zeros(n, dtype=bool) if later is None else later
    quality = np.nan_to_num(quality, nan=0.0).astype(np.float32, copy=False)
    odd, likeness = _odd(vectors, quality, ids, ~last, trusted, rule or Rule(floor=floor))
    leaves = np.zeros(n, dtype=bool)
    leaves[odd] = True
    # Whatever cannot be shown leads no burst of one that can.
    leading = (quality - 2 * last - 4 * leaves).astype(np.float32)
    burst = burst_labels(vectors, seconds, quality=leading, ids=ids, photos=photos, rule=_BURSTS)
    ranks = id_ranks(ids, n)
    order = np.lexsort((ranks, -leading))
    poor = quality < np.float32(floor)
    tier = _POOR * poor + _LATER * last
    leaders = order[np.unique(burst[order], return_index=True)[1]]
    dated = np.zeros(n, dtype=bool) if seconds is None else ~np.isnan(seconds)
    size = np.ones(n, dtype=np.float32) if pixels is None else pixels
    # A copy stands for its original only where the user sees no difference otherwise.
    state = tier + 4 * leaves
    leaders = _originals(vectors, quality, leaders, burst, state, size, dated, ranks)
    leaders = leaders[~leaves[leaders]]
    leaders = leaders[np.argsort(ranks[leaders])]
    rows, gain = _in_order(vectors, quality, tier, leaders, max(0, count))
    sizes = np.bincount(burst, minlength=1).astype(np.int64)
    return Best(rows, gain, burst, sizes[burst[rows]], odd, likeness)


def _originals(
    vectors: Vectors,
    quality: NDArray[np.float32],
    leaders: NDArray[np.int64],
    burst: NDArray[np.int64],
    state: NDArray[np.int64],
    pixels: NDArray[np.float32],
    dated: NDArray[np.bool_],
    ranks: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return for the leader of each burst the largest, dated one of its copies, as good as it.

    Args:
        vectors: (n, d).
        quality: (n,).
        leaders: (b,) row of the best of each burst, by the burst's number.
        burst: (n,).
        state: (n,) a copy has to have the leader's.
        pixels: (n,).
        dated: (n,).
        ranks: (n,) of the ids.
    """
    lead = leaders[burst]
    near = (quality >= quality[lead] - _SAME_QUALITY) & (state == state[lead])
    some = np.flatnonzero(near & (lead != np.arange(len(burst))))
    alike = np.einsum("ij,ij->i", vectors[some], vectors[lead[some]]) >= _SAME_COSINE
    copies = np.concatenate([leaders, some[alike]])
    most = np.zeros(len(leaders), dtype=np.float32)
    np.maximum.at(most, burst[copies], pixels[copies])
    small = pixels[copies] < np.float32(_SAME_PIXELS) * most[burst[copies]]
    order = np.lexsort((ranks[copies], -quality[copies], ~dated[copies], small, burst[copies]))
    copies = copies[order]
    return copies[np.unique(burst[copies], return_index=True)[1]]


def _odd(
    vectors: Vectors,
    quality: NDArray[np.float32],
    ids: Sequence[str],
    there: NDArray[np.bool_],
    trusted: NDArray[np.bool_] | None,
    rule: Rule,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows of faces that may not be this person, and how like the others they are.

    Where the model card says how unlike one person's faces are, no share of them is odd in any
    case: that keeps what stands for a person clean, but a picture is not hidden for being one of
    the two least alike of a hundred.
    """
    if rule.one_person is not None:
        rule = replace(rule, odd_share=0.0)
    rows = np.flatnonzero(there)
    sure = None if trusted is None else trusted[rows]
    names = [ids[row] for row in rows.tolist()]
    mine = vectors if len(rows) == len(vectors) else vectors[rows]
    found = choose(mine, quality[rows], rule, ids=names, trusted=sure)
    out = found.left_out
    if out.sum() == len(rows):  # nothing else is there
        out = np.zeros(len(out), dtype=bool)
    return rows[found.odd[out]], found.odd_likeness[out]


def _in_order(
    vectors: Vectors,
    quality: NDArray[np.float32],
    tier: NDArray[np.int64],
    leaders: NDArray[np.int64],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Put the best pictures of the bursts in order: the good, the poor, those that come later.

    Args:
        vectors: (n, d).
        quality: (n,).
        tier: (n,).
        leaders: rows in the order of their ids.
        count: how many at most.
    """
    mine = quality[leaders]
    level = tier[leaders]
    worth = np.maximum(mine, _LEAST_QUALITY) ** np.float32(_GAMMA)
    distance = np.full(len(leaders), 0.5, dtype=np.float32)
    faces = vectors[leaders]
    waiting = np.ones(len(leaders), dtype=bool)
    picks: list[int] = []
    gain: list[float] = []
    for _ in range(min(len(leaders), count, _MOST_COMPARED)):
        now = int(level[waiting].min())
        by_quality = not picks or now in {_POOR, _LATER_POOR}
        score = np.where(
            waiting & (level == now), mine if by_quality else worth * distance, np.float32(-1)
        )
        near = score >= score.max() - np.float32(TIE)
        pick = int(np.where(near, mine, np.float32(-1)).argmax())
        picks.append(pick)
        gain.append(float(distance[pick]))
        waiting[pick] = False
        away = np.maximum((1 - np.einsum("ij,j->i", faces, faces[pick])) / 2, 0)
        distance = np.minimum(distance, away.astype(np.float32))
    left = np.flatnonzero(waiting)
    rest = left[np.lexsort((left, -mine[left], level[left]))][: max(0, count - len(picks))]
    order = np.concatenate([np.array(picks, dtype=np.int64), rest])
    return leaders[order], np.concatenate([np.array(gain, dtype=np.float32), distance[rest]])
