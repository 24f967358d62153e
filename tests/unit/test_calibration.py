from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.errors import CardInvalid, UsageError
from facesort.grouping.calibration import (
    DEFAULT_WRONG_MERGES,
    Calibration,
    FalseMatchRule,
    MergeRule,
    MinCosineRule,
    OnePerson,
    WrongMergesRule,
    merge_rule,
)
from facesort.grouping.probability import PairEvidence
from tests.vectors import CALIBRATION

rates = st.floats(1e-12, 0.49)
sizes = st.integers(1, 500)
clusters = st.integers(1, 1_000_000)
wrong_merges = st.floats(0, 1000, exclude_min=True)
calibrations = st.builds(
    Calibration, st.floats(-0.2, 0.4), st.floats(1e-4, 0.05), st.floats(1e-4, 0.05)
)


# The model of different people


@given(calibrations, rates, sizes, sizes)
def test_the_rate_of_the_cosine_of_a_rate_is_that_rate(calibration, rate, size, other):
    cosine = calibration.min_cosine(rate, size, other)
    assert calibration.false_match_rate(cosine, size, other) == pytest.approx(rate, rel=1e-6)


@given(calibrations, st.floats(-1, 1), st.floats(-1, 1), sizes, sizes)
def test_a_higher_cosine_never_has_a_higher_false_match_rate(calibration, one, other, a, b):
    low, high = sorted((one, other))
    assert calibration.false_match_rate(high, a, b) <= calibration.false_match_rate(low, a, b)


@given(calibrations, rates, rates)
def test_a_stricter_rate_never_asks_for_a_lower_cosine(calibration, one, other):
    strict, lax = sorted((one, other))
    assert calibration.min_cosine(strict) >= calibration.min_cosine(lax)


@given(calibrations, st.floats(1e-9, 0.4), sizes, sizes)
def test_more_photos_of_both_people_ask_for_no_higher_mean_cosine(calibration, rate, a, b):
    assert calibration.min_cosine(rate, a + 1, b) <= calibration.min_cosine(rate, a, b)
    assert calibration.min_cosine(rate, a, b) == calibration.min_cosine(rate, b, a)


@given(calibrations, st.lists(st.tuples(st.floats(-1, 1), sizes), min_size=1), sizes)
def test_deviations_say_the_same_as_the_false_match_rate(calibration, pairs, size):
    cosines = np.array([cosine for cosine, _ in pairs])
    others = np.array([other for _, other in pairs], dtype=np.float64)
    found = calibration.deviations(cosines, others, float(size))
    for deviation, (cosine, other) in zip(found.tolist(), pairs, strict=True):
        rate = 0.5 * math.erfc(deviation / math.sqrt(2))
        expected = calibration.false_match_rate(cosine, other, size)
        assert rate == pytest.approx(expected, rel=1e-6, abs=1e-300)


def test_the_variance_of_mean_cosines_of_clusters_is_as_documented():
    # Draw pairs of people: what belongs to the pair stays, what belongs to a photo averages out.
    random = np.random.default_rng(5)
    a, b, draws = 4, 2, 200_000
    pair = random.normal(0, math.sqrt(CALIBRATION.person_variance), draws)
    per_photo = math.sqrt(CALIBRATION.face_variance / 2)
    photos = random.normal(0, per_photo, (draws, a)).mean(axis=1)
    photos += random.normal(0, per_photo, (draws, b)).mean(axis=1)
    cosines = CALIBRATION.impostor_mean + pair + photos
    for rate in (0.1, 0.01):
        exceeded = float((cosines > CALIBRATION.min_cosine(rate, a, b)).mean())
        assert exceeded == pytest.approx(rate, rel=0.1)


# The rules


@given(calibrations, wrong_merges, clusters, clusters)
def test_the_limit_never_rises_when_clusters_merge(calibration, wrong, one, other):
    few, many = sorted((one, other))
    rule = WrongMergesRule(calibration, wrong)
    assert rule.limit(few) <= rule.limit(many)
    assert rule.min_cosine(few) <= rule.min_cosine(many)


@given(st.integers(10, 1_000_000), st.floats(0.01, 4))
def test_the_expected_wrong_merges_per_thousand_people_are_what_was_asked_for(people, wrong):
    rule = WrongMergesRule(CALIBRATION, wrong)
    rate = CALIBRATION.false_match_rate(rule.min_cosine(people))
    pairs = people * (people - 1) / 2
    expected = wrong * people / 1000
    # A library of a handful of people would be allowed more: never above one pair in a thousand.
    assert rate * pairs == pytest.approx(min(expected, pairs / 1000), rel=1e-6)


@given(wrong_merges, wrong_merges, clusters)
def test_more_tolerated_wrong_merges_never_ask_for_more(one, other, people):
    less, more = sorted((one, other))
    assert WrongMergesRule(CALIBRATION, more).limit(people) <= WrongMergesRule(
        CALIBRATION, less
    ).limit(people)


@given(rates, clusters, clusters)
def test_a_fixed_false_match_rate_does_not_look_at_the_size_of_the_library(rate, one, other):
    rule = FalseMatchRule(CALIBRATION, rate)
    assert rule.limit(one) == rule.limit(other)
    assert CALIBRATION.false_match_rate(rule.min_cosine(one)) == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize(
    "rule",
    [WrongMergesRule(CALIBRATION, 1.0), FalseMatchRule(CALIBRATION, 1e-4), MinCosineRule(0.4)],
)
@pytest.mark.parametrize("people", [1, 2, 50, 5000])
def test_two_single_faces_merge_from_the_cosine_that_is_shown(rule: MergeRule, people):
    def merges(cosine: float) -> bool:
        return float(rule.score(np.array([cosine]), np.ones(1), 1.0)[0]) >= rule.limit(people)

    assert merges(rule.min_cosine(people) + 1e-9)
    assert not merges(rule.min_cosine(people) - 1e-9)


@given(calibrations, st.floats(1e-6, 0.01), sizes, sizes, clusters)
def test_many_pairs_are_scored_at_once_as_one_by_one(calibration, rate, a, b, people):
    rule = FalseMatchRule(calibration, rate)
    cosines, ones, others = np.array([0.1, 0.4]), np.array([a, b], float), np.array([b, 7], float)
    scores = rule.score(cosines, ones, others)
    for k in range(2):
        alone = rule.score(cosines[k : k + 1], ones[k : k + 1], float(others[k]))
        assert float(alone[0]) == float(scores[k])


@given(calibrations, st.floats(0.01, 4), st.integers(2, 10_000), st.integers(1, 50))
def test_the_limit_in_cosine_is_where_clusters_of_that_size_merge(
    calibration, wrong, people, faces
):
    rule = WrongMergesRule(calibration, wrong)
    size = np.array([float(faces)])
    for offset in (1e-9, -1e-9):
        cosine = np.array([rule.min_cosine(people, faces) + offset])
        score = float(rule.score(cosine, size, float(faces))[0])
        assert (score >= rule.limit(people)) == (offset > 0)


def test_the_size_of_clusters_does_not_change_a_fixed_cosine():
    cosines = np.array([0.1, 0.5])
    score = MinCosineRule(0.3).score(cosines, np.array([1.0, 90.0]), 7.0)
    np.testing.assert_array_equal(score, cosines)


# What one person is hardly ever below

people_alike = st.builds(OnePerson, st.floats(0.2, 0.9), st.floats(0.001, 0.1))


@given(calibrations, people_alike, rates, sizes, sizes, st.floats(-1, 1))
def test_clusters_less_alike_than_one_person_ever_is_are_not_merged(
    calibration, one_person, rate, a, b, cosine
):
    rule = FalseMatchRule(replace(calibration, one_person=one_person), rate)
    score = float(rule.score(np.array([cosine]), np.array([float(a)]), float(b))[0])
    if cosine < float(one_person.least(float(a), float(b))):
        assert score == -math.inf
    else:
        free = FalseMatchRule(calibration, rate).score(np.array([cosine]), np.array([a]), float(b))
        assert score == float(free[0])


@given(people_alike, sizes, sizes)
def test_more_photos_of_both_people_leave_less_room_for_chance(one_person, a, b):
    assert one_person.least(float(a + 1), float(b)) >= one_person.least(float(a), float(b))
    assert one_person.least(float(a), float(b)) == one_person.least(float(b), float(a))


@given(people_alike)
def test_nothing_is_claimed_of_more_faces_than_were_measured(one_person):
    assert one_person.least(5.0, 5.0) == one_person.least(500.0, 7.0)


@given(calibrations, people_alike, st.integers(2, 10_000), st.integers(1, 50))
def test_the_cosine_that_is_shown_knows_about_both_limits(calibration, one_person, people, faces):
    rule = WrongMergesRule(replace(calibration, one_person=one_person), 1.0)
    size = np.array([float(faces)])
    for offset in (1e-9, -1e-9):
        cosine = np.array([rule.min_cosine(people, faces) + offset])
        score = float(rule.score(cosine, size, float(faces))[0])
        assert (score >= rule.limit(people)) == (offset > 0)


# What the user gives


def test_nothing_given_means_the_default():
    assert merge_rule(CALIBRATION) == WrongMergesRule(CALIBRATION, DEFAULT_WRONG_MERGES)


def test_each_flag_gives_its_rule():
    assert merge_rule(CALIBRATION, wrong_merges=3.0) == WrongMergesRule(CALIBRATION, 3.0)
    assert merge_rule(CALIBRATION, false_match_rate=1e-5) == FalseMatchRule(CALIBRATION, 1e-5)
    assert merge_rule(CALIBRATION, min_cosine=0.4) == MinCosineRule(0.4)
    assert merge_rule(None, min_cosine=-1.0) == MinCosineRule(-1.0)


@pytest.mark.parametrize(
    "flags",
    [
        {"wrong_merges": 1.0, "min_cosine": 0.3},
        {"wrong_merges": 1.0, "false_match_rate": 0.01},
        {"false_match_rate": 0.01, "min_cosine": 0.3},
    ],
)
def test_two_rules_at_once_are_refused(flags):
    with pytest.raises(UsageError, match="exclude each other"):
        merge_rule(CALIBRATION, **flags)


@pytest.mark.parametrize("value", [-1.1, 1.1, math.nan, math.inf])
def test_a_cosine_that_is_none_is_refused(value):
    with pytest.raises(UsageError, match="--min-cosine"):
        merge_rule(CALIBRATION, min_cosine=value)


@pytest.mark.parametrize("value", [0.0, -1e-3, 0.5, 1.0, math.nan])
def test_a_false_match_rate_out_of_range_is_refused(value):
    with pytest.raises(UsageError, match="--false-match-rate"):
        merge_rule(CALIBRATION, false_match_rate=value)


@pytest.mark.parametrize("value", [0.0, -1.0, 1001.0, math.nan, math.inf])
def test_a_number_of_wrong_merges_out_of_range_is_refused(value):
    with pytest.raises(UsageError, match="--wrong-merges"):
        merge_rule(CALIBRATION, wrong_merges=value)


def test_without_a_calibration_only_a_cosine_can_be_given():
    for flags in ({}, {"wrong_merges": 1.0}, {"false_match_rate": 0.01}):
        with pytest.raises(UsageError, match="no calibration") as error:
            merge_rule(None, **flags)
        assert "--min-cosine" in error.value.hint


EVIDENCE = {
    "evidence.constant": -0.7,
    "evidence.cosine": 1.1,
    "evidence.cosine_squared": 27.4,
    "evidence.quality": 3.9,
    "evidence.cosine_quality": 28.2,
    "evidence.quality_squared": -28.1,
}


def test_a_card_s_table_is_read():
    table = {"impostor_mean": 0.1, "person_variance": 2, "face_variance": "0.5"}
    assert Calibration.from_card(table) == Calibration(0.1, 2.0, 0.5)
    alike = {"one_person.mean": 0.6, "one_person.face_variance": 0.04}
    assert Calibration.from_card(table | alike).one_person == OnePerson(0.6, 0.04)
    evidence = Calibration.from_card(table | EVIDENCE).evidence
    assert evidence == PairEvidence(-0.7, 1.1, 27.4, 3.9, 28.2, -28.1)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"person_variance": None}, "person_variance"),
        ({"face_variance": "wide"}, "wide"),
        ({"face_variance": -0.1}, "variances above 0"),
        ({"impostor_mean": 1.5}, "within -1 and 1"),
        ({"person_variance": 0, "face_variance": 0}, "variances above 0"),
        ({"evidence.quality": None}, "evidence.quality"),
        ({"one_person.mean": 0.6}, "one_person.face_variance"),
        ({"one_person.mean": 6, "one_person.face_variance": 0.1}, "one_person.mean"),
        ({"evidence.cosine_squared": -1}, "evidence.cosine_squared should be above 0"),
        ({"evidence.cosine_squared": math.nan}, "evidence.cosine_squared should be above 0"),
    ],
)
def test_a_card_whose_numbers_make_no_sense_is_named(change, complaint):
    table = {"impostor_mean": 0.1, "person_variance": 0.004, "face_variance": 0.003} | EVIDENCE
    table = {name: value for name, value in (table | change).items() if value is not None}
    with pytest.raises(CardInvalid, match=complaint) as error:
        Calibration.from_card(table, Path("cards/mine.toml"))
    assert str(Path("cards/mine.toml")) in error.value.message
    assert "--min-cosine" in error.value.hint


# Another library, other vectors


@given(calibrations, st.floats(-1, 1), rates, sizes)
def test_a_shift_moves_the_threshold_of_two_single_faces_by_so_many_deviations(
    calibration, shift, rate, size
):
    shifted = calibration.shifted(shift)
    single = math.sqrt(calibration.person_variance + calibration.face_variance)
    moved = shifted.min_cosine(rate, size) - calibration.min_cosine(rate, size)
    assert moved == pytest.approx(shift * single, abs=1e-9)


@given(calibrations, st.floats(0.5, 2), st.floats(-0.2, 0.2), rates, sizes, sizes)
def test_a_calibration_follows_cosines_that_are_stretched_and_moved(
    calibration, slope, shift, rate, a, b
):
    moved = Calibration(
        calibration.impostor_mean, calibration.person_variance, calibration.face_variance
    ).moved(slope, shift)
    expected = shift + slope * calibration.min_cosine(rate, a, b)
    assert moved.min_cosine(rate, a, b) == pytest.approx(expected, abs=1e-9)
