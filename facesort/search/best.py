"""The best neighbours of each row so far, while candidates come in blocks of cosines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BestSoFar"]

# Places beyond k for candidates that wait to be weighed: fewer mean more sorting, more mean memory.
_ROOM = 64
_NOTHING = np.uint64(0xFFFFFFFFFFFFFFFF)  # sorts after every candidate
_LOW_HALF = np.uint64(0xFFFFFFFF)
_LOWEST = np.finfo(np.float32).min  # the bar of a row that has fewer than k
_DENSE_CELLS = 1 << 21  # of a block that is sorted as a whole at once: 16 MB


class BestSoFar:
    """Keeps the k largest cosines of each of n rows, and whose they are; ties go to the lower row.

    A candidate is one integer: the cosine's bits, turned round so that larger ones sort first, and
    the candidate's row below them. So sorting needs no second array, and the order is total.
    A block costs one comparison with each row's bar (its k-th best so far), and work only for what
    is above: with faces in random order that is about k ln(n / k) candidates a row, not n.
    The result does not depend on the order of the blocks. Threads may offer at once, each to other
    rows.

    Args:
        n: rows.
        k: neighbours of each, at least 1.
    """

    def __init__(self, n: int, k: int) -> None:
        self._k = k
        self._keys = np.full((n, k + _ROOM), _NOTHING)
        self._filled = np.zeros(n, dtype=np.int64)
        self._bars = np.full(n, _LOWEST, dtype=np.float32)

    def offer(
        self, rows: NDArray[np.int64], block: NDArray[np.float32], candidates: NDArray[np.int64]
    ) -> None:
        """Weigh candidates.

        Args:
            rows: (m,) who is offered something, each once.
            block: (m, c) cosines; -inf is no candidate.
            candidates: (c,) whose cosines the columns are.
        """
        if not block.size:
            return
        fresh = self._filled[rows] + len(candidates) > self._keys.shape[1]
        fresh &= self._bars[rows] == _LOWEST
        if fresh.all():  # without a bar everything would pass
            self._weigh_all(rows, block, candidates)
            return
        found = np.flatnonzero(block >= self._bars[rows][:, None])
        at, column = np.divmod(found, block.shape[1])
        self._take(rows, at, candidates[column], block.ravel()[found])

    def offer_transposed(
        self, rows: NDArray[np.int64], block: NDArray[np.float32], candidates: NDArray[np.int64]
    ) -> None:
        """Weigh candidates whose cosines lie in columns: as `offer` with `block.T`, (m, c)."""
        if not block.size:
            return
        if (self._bars[rows] == _LOWEST).all():
            self.offer(rows, np.ascontiguousarray(block.T), candidates)
            return
        found = np.flatnonzero(block >= self._bars[rows])
        row, at = np.divmod(found, block.shape[1])
        order = np.argsort(
            at.astype(np.uint16 if len(rows) <= 1 << 16 else np.int64), kind="stable"
        )
        self._take(rows, at[order], candidates[row[order]], block.ravel()[found[order]])

    def result(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return rows and cosines (n, k), nearest first; -1 and -inf where there were fewer."""
        n, k = len(self._keys), self._k
        rows, cosines = np.empty((n, k), dtype=np.int64), np.empty((n, k), dtype=np.float32)
        step = max(1, _DENSE_CELLS // self._keys.shape[1])
        for start in range(0, n, step):
            keys = np.sort(self._keys[start : start + step], axis=1)[:, :k]
            rows[start : start + step] = keys & _LOW_HALF
            cosines[start : start + step] = _cosines(keys)
            rows[start : start + step][keys == _NOTHING] = -1
        return rows, cosines

    def _take(
        self,
        rows: NDArray[np.int64],
        at: NDArray[np.int64],
        candidates: NDArray[np.int64],
        cosines: NDArray[np.float32],
    ) -> None:
        """File candidates that passed the bar; `at` (rising) says whose of `rows` each is."""
        keys = _keys(cosines, candidates)
        counts = np.bincount(at, minlength=len(rows))
        full = np.flatnonzero(self._filled[rows] + counts > self._keys.shape[1])
        if len(full):
            self._tidy(rows[full])
            full = full[self._filled[rows[full]] + counts[full] > self._keys.shape[1]]
        if len(full):  # too many at once even so: weigh those now
            crowded = np.zeros(len(rows), dtype=bool)
            crowded[full] = True
            now = crowded[at]
            self._weigh(rows[full], counts[full], keys[now])
            at, keys, counts = at[~now], keys[~now], np.where(crowded, 0, counts)
        first = np.cumsum(counts) - counts
        place = self._filled[rows][at] + np.arange(len(at)) - first[at]
        self._keys[rows[at], place] = keys
        self._filled[rows] += counts

    def _weigh(
        self, rows: NDArray[np.int64], counts: NDArray[np.int64], keys: NDArray[np.uint64]
    ) -> None:
        """Weigh the keys of some rows, one row's after the other's, `counts` of each."""
        padded = np.full((len(rows), counts.max()), _NOTHING)
        padded[np.arange(padded.shape[1]) < counts[:, None]] = keys
        self._keep(rows, np.concatenate([self._keys[rows], padded], axis=1))

    def _weigh_all(
        self, rows: NDArray[np.int64], block: NDArray[np.float32], candidates: NDArray[np.int64]
    ) -> None:
        step = max(1, _DENSE_CELLS // block.shape[1])
        for start in range(0, len(rows), step):
            some = slice(start, start + step)
            keys = _keys(block[some], candidates[None])
            self._keep(rows[some], np.concatenate([self._keys[rows[some]], keys], axis=1))

    def _tidy(self, rows: NDArray[np.int64]) -> None:
        self._keep(rows, self._keys[rows])

    def _keep(self, rows: NDArray[np.int64], keys: NDArray[np.uint64]) -> None:
        """Make the k best of (m, w) keys all that these rows have, w >= k."""
        k = self._k
        best = np.partition(keys, k - 1, axis=1)[:, :k]
        self._keys[rows, :k] = best
        self._keys[rows, k:] = _NOTHING
        self._filled[rows] = (best != _NOTHING).sum(axis=1)
        # The partition has put the k-th at its place; where it is _NOTHING there is no bar.
        self._bars[rows] = np.maximum(_cosines(best[:, k - 1]), _LOWEST)


def _keys(cosines: NDArray[np.float32], candidates: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Make integers that sort as falling cosines, then rising rows; -inf becomes _NOTHING."""
    bits = (cosines + np.float32(0.0)).view(np.uint32)  # + 0: -0 and 0 are the same cosine
    # IEEE 754: positive floats sort like their bits, negative ones the other way round.
    falling = np.where(bits >> 31, bits, ~bits & np.uint32(0x7FFFFFFF))
    keys = falling.astype(np.uint64) << np.uint64(32) | candidates.astype(np.uint64)
    keys[np.isneginf(cosines)] = _NOTHING
    return keys


def _cosines(keys: NDArray[np.uint64]) -> NDArray[np.float32]:
    falling = (keys >> np.uint64(32)).astype(np.uint32)
    bits = np.where(falling >> 31, falling, ~falling & np.uint32(0x7FFFFFFF))
    cosines = bits.astype(np.uint32).view(np.float32)
    return np.where(keys == _NOTHING, np.float32(-np.inf), cosines)
