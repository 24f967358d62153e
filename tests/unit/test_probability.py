"""How likely two faces are one person."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.grouping.calibration import Calibration
from facesort.grouping.probability import MAX_LOG_RATIO, PairEvidence, posterior
from tests.weights import card

cosines = st.floats(-1, 1)
qualities = st.floats(0, 1)
priors = st.floats(1e-6, 1 - 1e-6)
evidences = st.builds(
    PairEvidence,
    st.floats(-10, 10),
    st.floats(-30, 30),
    st.floats(0.1, 100),
    st.floats(-30, 30),
    st.floats(-60, 60),
    st.floats(-60, 60),
)
SHIPPED = Calibration.from_card(card("sface").calibration)


def _probability(cosine, quality=0.7, other=0.7, prior=0.5) -> float:
    found = SHIPPED.probability(cosine, quality, other, prior=prior)
    assert found is not None
    return float(found)


@given(evidences, cosines, cosines, qualities, qualities)
def test_more_alike_is_never_less_likely_one_person(evidence, one, other, quality, second):
    low, high = sorted((one, other))
    assert evidence.log_ratio(low, quality, second) <= evidence.log_ratio(high, quality, second)


@given(evidences, cosines, qualities, qualities)
def test_the_order_of_two_faces_has_no_effect(evidence, cosine, quality, other):
    assert evidence.log_ratio(cosine, quality, other) == evidence.log_ratio(cosine, other, quality)


@given(evidences, cosines, qualities, qualities)
def test_no_evidence_is_beyond_what_was_measured(evidence, cosine, quality, other):
    assert abs(float(evidence.log_ratio(cosine, quality, other))) <= MAX_LOG_RATIO


@given(evidences, st.lists(st.tuples(cosines, qualities, qualities), min_size=1, max_size=9))
def test_many_pairs_at_once_are_judged_as_one_by_one(evidence, pairs):
    columns = [np.array(column) for column in zip(*pairs, strict=True)]
    together = evidence.log_ratio(*columns)
    assert together.tolist() == [float(evidence.log_ratio(*pair)) for pair in pairs]


@given(st.floats(-30, 30), priors)
def test_evidence_and_prior_add_up_in_log_odds(ratio, prior):
    probability = float(posterior(ratio, prior))
    assert 0 <= probability <= 1
    if 1e-9 < probability < 1 - 1e-9:
        odds = math.log(probability / (1 - probability))
        assert odds == pytest.approx(ratio + math.log(prior / (1 - prior)), abs=1e-5)


@given(evidences, cosines, qualities, qualities, st.floats(0.5, 2), st.floats(-0.2, 0.2))
def test_evidence_follows_cosines_that_are_stretched_and_moved(
    evidence, cosine, quality, other, slope, shift
):
    moved = evidence.moved(slope, shift)
    assert moved.log_ratio(shift + slope * cosine, quality, other) == pytest.approx(
        evidence.log_ratio(cosine, quality, other), abs=1e-6
    )


@given(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2), st.floats(0.003, 0.02), st.floats(0, 0.6))
def test_against_strangers_who_are_more_alike_the_ratio_changes_as_their_densities_do(
    mean, new_mean, variance, cosine
):
    def log_density(at: float) -> float:
        return float(-((cosine - at) ** 2) / (2 * variance))

    # Without a vertex or a bound in the way.
    evidence = PairEvidence(0.0, 200.0, 1.0, 0.0, 0.0, 0.0)
    before = evidence.constant + evidence.cosine * cosine
    changed = evidence.against(mean, new_mean, variance)
    after = changed.constant + changed.cosine * cosine
    assert after - before == pytest.approx(log_density(mean) - log_density(new_mean), abs=1e-6)


@given(st.floats(0, 1))
def test_in_a_library_of_look_alikes_the_same_cosine_says_less(shift):
    shifted = SHIPPED.shifted(shift).probability(0.4, 0.7, 0.7)
    assert shifted is not None
    assert float(shifted) <= _probability(0.4) + 1e-12


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.1, math.nan])
def test_a_prior_that_leaves_nothing_to_find_out_is_refused(prior):
    with pytest.raises(ValueError, match="prior"):
        posterior(0.0, prior)


def test_a_card_without_evidence_gives_no_probability():
    bare = Calibration(0.08, 0.004, 0.003)
    assert bare.probability(0.5, 0.7, 0.7) is None
    assert bare.log_likelihood_ratio(0.5, 0.7, 0.7) is None
    assert bare.moved(1.1, 0.02).evidence is None
    assert bare.shifted(0.1).evidence is None


# The shipped card


def test_the_shipped_card_tells_faces_apart():
    assert _probability(0.1) < 0.02
    assert 0.1 < _probability(0.37) < 0.9
    assert _probability(0.6) > 0.999


def test_the_same_cosine_says_more_for_a_poor_face_but_not_for_one_that_is_hardly_there():
    assert _probability(0.3, 0.3) > _probability(0.3, 0.7)
    # The mean of strangers proves nothing, however little is to be seen.
    assert all(_probability(0.085, quality) < 0.6 for quality in np.linspace(0, 1, 21))


def test_among_a_thousand_people_a_likeness_that_would_do_between_two_is_doubtful():
    assert _probability(0.44) > 0.85
    assert _probability(0.44, prior=0.001) < 0.1


def test_both_shipped_cards_of_the_same_weights_say_the_same():
    assert Calibration.from_card(card("sface-bf16").calibration) == SHIPPED
