"""Open-set identification is judged by what a hand count says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.evaluation.identification import judge_open_set


def _judge(truth, nearest, scores, accepted):
    return judge_open_set(
        truth,
        np.array(nearest, dtype=np.int64),
        np.array(scores, dtype=np.float64),
        np.array(accepted, dtype=bool),
    )


def test_a_small_case_counted_by_hand():
    strangers = [0.1] * 8 + [0.5, 0.7]
    result = _judge(
        [0, 1, 2, 3, *[None] * 10],
        [0, 1, 2, 9, *[0] * 10],
        [0.9, 0.6, 0.4, 0.95, *strangers],
        [True, True, False, True, *[False] * 9, True],
    )
    assert (result.known, result.strangers) == (4, 10)
    assert result.rank1 == 3 / 4
    # One of ten strangers may pass: the threshold is the second highest of theirs.
    assert result.min_score["1e-1"] == 0.5
    assert result.dir["1e-1"] == 2 / 4
    assert result.dir["1e-2"] is result.min_score["1e-2"] is None
    assert result.identified == 2 / 4
    assert result.misidentified == 1 / 4
    assert result.false_positives == 1 / 10
    assert result.rejection_rate == 9 / 10


def test_a_stranger_is_never_right_whoever_is_nearest():
    result = _judge([None, 0], [-1, 0], [0.9, 0.1], [True, True])
    assert (result.rank1, result.false_positives) == (1.0, 1.0)


@given(st.integers(0, 500))
@settings(max_examples=40)
def test_fewer_false_positives_never_find_more(seed):
    rng = np.random.default_rng(seed)
    n = 3000
    truth = [None if stranger else 1 for stranger in rng.random(n) < 0.7]
    nearest = rng.integers(0, 3, n)
    scores = rng.standard_normal(n) + np.array([person is not None for person in truth])
    result = judge_open_set(truth, nearest, scores, scores > 1.5)
    found = [result.dir[rate] for rate in ("1e-1", "1e-2", "1e-3")]
    assert None not in found
    assert found == sorted(found, reverse=True)  # type: ignore[type-var]  # none is None
    assert found[0] <= result.rank1  # type: ignore[operator]
    passed = scores[[person is None for person in truth]] > result.min_score["1e-2"]
    assert passed.mean() <= 0.01


@pytest.mark.parametrize("truth", [[None, None], [0, 1], []])
def test_an_open_set_needs_both_kinds(truth):
    with pytest.raises(ValueError, match="known people and strangers"):
        _judge(truth, [0] * len(truth), [0.5] * len(truth), [True] * len(truth))
