"""The fit of a card's evidence, on made-up pairs whose likelihood ratio is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.evaluation.probability import EvidenceFit, FacePairs, draw_pairs, fit_evidence
from facesort.evaluation.reliability import judge_probabilities
from facesort.grouping.probability import MAX_LOG_RATIO, PairEvidence, posterior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.protocols import Vectors

# Strangers: mean .08; one person: mean .2 + .5 * quality. Standard deviations .09 and .11.
STRANGERS, SPREAD, PERSON_SPREAD = 0.08, 0.09, 0.11


def _pairs(n: int, seed: int) -> FacePairs:
    rng = np.random.default_rng(seed)
    same = np.arange(n) % 4 == 0
    quality, other = np.sort(rng.uniform(0.1, 1, (2, n)), axis=0)
    person = rng.normal(0.2 + 0.5 * quality, PERSON_SPREAD)
    return FacePairs(np.where(same, person, rng.normal(STRANGERS, SPREAD, n)), quality, other, same)


def _true_ratio(pairs: FacePairs) -> NDArray[np.float64]:
    def log_density(mean: float | NDArray[np.float64], deviation: float) -> NDArray[np.float64]:
        apart = (pairs.cosine - mean) / deviation
        density: NDArray[np.float64] = -(apart**2) / 2 - np.log(deviation)
        return density

    return log_density(0.2 + 0.5 * pairs.lower, PERSON_SPREAD) - log_density(STRANGERS, SPREAD)


def test_a_known_likelihood_ratio_is_recovered():
    fit, others = fit_evidence(_pairs(200_000, 1)), _pairs(2000, 2)
    near = np.abs(_true_ratio(others)) < 6
    assert fit.log_ratio(others)[near] == pytest.approx(_true_ratio(others)[near], abs=0.5)


def test_probabilities_of_the_fit_are_true_of_other_pairs():
    fit, others = fit_evidence(_pairs(100_000, 1)), _pairs(100_000, 2)
    for prior in (0.5, 0.05):
        judged = judge_probabilities(
            posterior(fit.log_ratio(others), prior), others.same, weights=others.weights(prior)
        )
        assert judged.calibration_error < 0.01


def test_how_many_pairs_there_are_of_each_kind_does_not_change_the_ratio():
    pairs = _pairs(100_000, 3)
    fewer = pairs.take(pairs.same | (np.arange(len(pairs)) % 5 == 1))
    some = pairs.take(np.arange(len(pairs)) < 200)
    assert fit_evidence(fewer).log_ratio(some) == pytest.approx(
        fit_evidence(pairs).log_ratio(some), abs=0.6
    )


@given(
    st.floats(-5, 5), st.floats(-20, 20), st.floats(1, 60), st.floats(-9, 9), st.floats(0, 40),
    st.floats(-40, 0), st.floats(0.3, 1), st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_grouping_reads_the_six_numbers_as_they_were_fitted(
    constant, cosine, squared, quality, product, quality_squared, alike, one, other
):
    numbers = (constant, cosine, squared, quality, product, quality_squared)
    pair = FacePairs(*(np.array([v]) for v in (alike, min(one, other), max(one, other), True)))
    fitted = float(EvidenceFit(*numbers).log_ratio(pair)[0])
    read = float(PairEvidence(*numbers).log_ratio(alike, one, other))
    vertex = -(cosine + product * min(one, other)) / (2 * squared)
    if abs(fitted) < MAX_LOG_RATIO and alike > vertex:
        assert read == pytest.approx(fitted, abs=1e-9)


def test_pairs_that_nothing_can_be_learnt_from_are_refused():
    pairs = _pairs(400, 1)
    with pytest.raises(ValueError, match="pairs of two people"):
        fit_evidence(pairs.take(pairs.same))
    apart = FacePairs(np.where(pairs.same, 0.9, 0.1), pairs.lower, pairs.higher, pairs.same)
    with pytest.raises(ValueError, match="do not overlap"):
        fit_evidence(apart)


# Drawing pairs


def _faces(people: list[str]) -> tuple[Vectors, NDArray[np.float64], list[str]]:
    rng = np.random.default_rng(4)
    vectors = rng.standard_normal((len(people), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, np.linspace(0.1, 0.9, len(people)), people


def test_a_photo_and_its_bad_copy_are_never_a_pair_of_one_person():
    faces = _faces(["ann", "ann", "ann", "ben"])
    pairs = draw_pairs(*faces, ["1", "1", "2", "3"])
    assert int(pairs.same.sum()) == 2
    assert int(draw_pairs(*faces, ["1", "2", "3", "4"]).same.sum()) == 3


def test_of_one_person_no_more_than_twenty_pairs_are_drawn():
    people = ["ann"] * 30 + ["ben"] * 2
    pairs = draw_pairs(*_faces(people), [str(k) for k in range(32)])
    assert int(pairs.same.sum()) == 21


def test_pairs_carry_the_likeness_and_the_poorer_and_better_quality_of_their_faces():
    vectors, qualities, people = _faces(["ann", "ann"])
    pairs = draw_pairs(vectors, qualities, people, ["1", "2"])
    assert pairs.same.tolist() == [True]
    assert pairs.cosine[0] == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-6)
    assert (pairs.lower[0], pairs.higher[0]) == (0.1, 0.9)


def test_strangers_are_two_people_and_the_draw_is_always_the_same():
    faces = (*_faces(["ann", "ben", "cem", "ann"]), ["1", "2", "3", "4"])
    one, other = draw_pairs(*faces), draw_pairs(*faces)
    np.testing.assert_array_equal(one.cosine, other.cosine)
    within = float(faces[0][0] @ faces[0][3])
    assert not np.isclose(one.cosine[~one.same], within, atol=1e-9).any()


@given(st.floats(0.01, 0.99))
def test_the_weights_of_pairs_add_up_to_the_prior(prior):
    pairs = _pairs(100, 1)
    weights = pairs.weights(prior)
    assert weights.sum() == pytest.approx(1)
    assert weights[pairs.same].sum() == pytest.approx(prior)
