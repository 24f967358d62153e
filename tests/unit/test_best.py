"""The k best so far: against sorting everything, however the candidates come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.search import best
from facesort.search.best import BestSoFar
from tests.strategies import seeds

# Few values, so that many are equal; with both zeros, and what is no candidate.
VALUES = np.array([-1.0, -0.5, -0.0, 0.0, 0.25, 0.5, 1.0, -np.inf], dtype=np.float32)


@given(st.integers(1, 12), st.integers(1, 60), st.integers(1, 9), st.integers(0, 9), seeds)
def test_blocks_in_rising_order_give_what_sorting_everything_gives(n, c, k, room, seed):
    random = np.random.default_rng(seed)
    table = random.choice(VALUES, (n, c))
    cuts = np.unique(random.integers(0, c + 1, 4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best, "_ROOM", room)
        found = BestSoFar(n, k)
        for start, end in zip([0, *cuts], [*cuts, c], strict=True):
            rows = random.permutation(n)[: random.integers(1, n + 1)]
            others = np.setdiff1d(np.arange(n), rows)
            columns = np.arange(start, end)
            found.offer(rows, table[rows, start:end], columns)
            found.offer_transposed(
                others, np.ascontiguousarray(table[others, start:end].T), columns
            )
        rows, cosines = found.result()
    for row in range(n):
        real = [(-value, column) for column, value in enumerate(table[row]) if value > -np.inf]
        expected = [column for _, column in sorted(real)[:k]]
        missing = k - len(expected)
        assert rows[row].tolist() == expected + [-1] * missing
        assert cosines[row].tolist() == [*table[row, expected].tolist(), *[-np.inf] * missing]


def test_nothing_offered_is_nothing_found():
    found = BestSoFar(2, 3)
    found.offer(np.arange(2), np.zeros((2, 0), dtype=np.float32), np.arange(0))
    rows, cosines = found.result()
    assert (rows == -1).all()
    assert np.isneginf(cosines).all()
