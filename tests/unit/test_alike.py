"""How alike two sets of faces are."""

from __future__ import annotations

import numpy as np
import pytest

from facesort.domain import FaceId, FaceMatrix
from facesort.errors import ModelMismatch
from facesort.grouping import alike
from facesort.grouping.alike import compare, needed_cosine
from facesort.grouping.calibration import (
    FalseMatchRule,
    MergeRule,
    MinCosineRule,
    WrongMergesRule,
)
from tests.shaped import SHAPED_CALIBRATION
from tests.vectors import random_vectors


def matrix(n: int, seed: int, model: str = "m") -> FaceMatrix:
    ids = tuple(FaceId(f"f{seed}-{i}") for i in range(n))
    return FaceMatrix(ids, random_vectors(n, 16, seed, lean=0.5), model)


@pytest.mark.parametrize("block", [1, 3, 1024])
def test_best_and_mean_are_those_of_all_pairs_however_they_are_cut(monkeypatch, block):
    monkeypatch.setattr(alike, "_BLOCK", block)
    one, other = matrix(7, 1), matrix(5, 2)
    cosines = one.vectors @ other.vectors.T
    found = compare(one, other)
    assert found is not None
    assert found.best == pytest.approx(cosines.max())
    assert found.mean == pytest.approx(cosines.mean())
    row, column = np.unravel_index(cosines.argmax(), cosines.shape)
    assert found.pair == (one.face_ids[row], other.face_ids[column])
    assert found.faces == (7, 5)


def test_nothing_is_compared_with_nobody():
    assert compare(matrix(0, 1), matrix(3, 2)) is None
    assert compare(matrix(3, 1), matrix(0, 2)) is None


def test_vectors_of_two_models_are_not_compared():
    with pytest.raises(ModelMismatch):
        compare(matrix(2, 1), matrix(2, 2, "another"))


@pytest.mark.parametrize("sizes", [(1, 1), (2, 9), (40, 40)])
@pytest.mark.parametrize(
    "rule",
    [
        WrongMergesRule(SHAPED_CALIBRATION, 1.0),
        FalseMatchRule(SHAPED_CALIBRATION, 1e-4),
        MinCosineRule(0.4),
    ],
)
def test_from_the_needed_cosine_on_the_rule_joins_and_below_it_does_not(
    rule: MergeRule, sizes: tuple[int, int]
):
    needed = needed_cosine(rule, 500, *sizes)

    def joins(cosine: float) -> bool:
        score = rule.score(np.array([cosine]), np.array([float(sizes[0])]), float(sizes[1]))
        return bool(score[0] >= rule.limit(500))

    assert joins(needed)
    assert not joins(needed - 1e-6)


def test_the_needed_cosine_of_single_faces_is_the_rule_s_own_number():
    rule = WrongMergesRule(SHAPED_CALIBRATION, 1.0)
    assert needed_cosine(rule, 500, 1, 1) == pytest.approx(rule.min_cosine(500), abs=1e-6)
