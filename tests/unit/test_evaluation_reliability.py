"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.evaluation.reliability import judge_probabilities

statements = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def _judged(pairs, weights=None):
    return judge_probabilities(
        np.array([p for p, _ in pairs]),
        np.array([true for _, true in pairs]),
        weights=None if weights is None else np.array(weights),
    )


def test_what_comes_true_as_often_as_was_said_has_no_error():
    judged = _judged([(0.25, k == 0) for k in range(4)] + [(0.9, k > 0) for k in range(10)])
    assert judged.calibration_error == pytest.approx(0, abs=1e-12)
    assert [(part.predicted, part.observed, part.count) for part in judged.bins] == [
        (pytest.approx(0.25), pytest.approx(0.25), 4),
        (pytest.approx(0.9), pytest.approx(0.9), 10),
    ]


def test_the_error_is_the_distance_of_each_bin_weighted_by_its_share():
    judged = _judged([(0.9, False)] + [(0.1, False)] * 3)
    assert judged.calibration_error == pytest.approx(0.9 / 4 + 0.1 * 3 / 4)
    assert judged.brier == pytest.approx((0.81 + 3 * 0.01) / 4)
    assert judged.log_loss == pytest.approx(-(np.log(0.1) + 3 * np.log(0.9)) / 4)


@given(statements)
def test_every_measure_is_within_its_bounds(pairs):
    judged = _judged(pairs)
    assert 0 <= judged.calibration_error <= 1
    assert 0 <= judged.brier <= 1
    assert judged.log_loss >= 0
    assert sum(part.weight for part in judged.bins) == pytest.approx(1)
    assert sum(part.count for part in judged.bins) == len(pairs)
    for part in judged.bins:
        assert part.low - 1e-9 <= part.predicted <= part.high + 1e-9


@given(statements, st.integers(1, 4))
def test_a_weight_counts_like_so_many_statements(pairs, times):
    weights = [times if k % 2 else 1 for k in range(len(pairs))]
    repeated = [pair for pair, weight in zip(pairs, weights, strict=True) for _ in range(weight)]
    weighted, counted = _judged(pairs, weights), _judged(repeated)
    assert weighted.calibration_error == pytest.approx(counted.calibration_error, abs=1e-9)
    assert weighted.brier == pytest.approx(counted.brier, abs=1e-9)
    assert weighted.log_loss == pytest.approx(counted.log_loss, rel=1e-9, abs=1e-9)


@given(statements)
def test_the_order_of_statements_has_no_effect(pairs):
    one, other = _judged(pairs), _judged(pairs[::-1])
    assert one.calibration_error == pytest.approx(other.calibration_error, abs=1e-9)


def test_nothing_said_is_refused():
    with pytest.raises(ValueError, match="0 probabilities"):
        judge_probabilities(np.zeros(0), np.zeros(0, dtype=bool))
    with pytest.raises(ValueError, match="for 1 facts"):
        judge_probabilities(np.zeros(2), np.zeros(1, dtype=bool))


def test_the_document_has_the_points_of_the_diagram():
    document = _judged([(0.2, False), (0.8, True)]).to_json()
    assert set(document) == {"calibration_error", "brier", "log_loss", "bins"}
    assert document["bins"] == [
        {"predicted": 0.2, "observed": 0.0, "weight": 0.5},
        {"predicted": 0.8, "observed": 1.0, "weight": 0.5},
    ]
