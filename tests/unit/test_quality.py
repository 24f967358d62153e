from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.errors import CardInvalid
from facesort.inference.card_file import read_card
from facesort.inference.fields import Numbers
from facesort.registry import quality_of
from facesort.vision.measures import MEASURES
from facesort.vision.quality import CardQuality, NormQuality
from tests.weights import card

LENGTHS, QUALITIES = (4.0, 8.0, 15.5), (0.0, 0.3, 1.0)
OLD: Numbers = {"norm": LENGTHS, "value": QUALITIES, "min_quality": 0.3}
TWO: Numbers = {
    "combined": (0.0, 0.5, 1.0), "value": (0.0, 0.3, 1.0), "min_quality": 0.3,
    "norm.at": (4.0, 12.0), "norm.value": (0.1, 1.0), "norm.weight": 3.0,
    "sharpness.at": (0.5, 0.7), "sharpness.value": (0.2, 1.0), "sharpness.weight": 1.0,
}  # fmt: skip

# A face that leaves nothing to wish for, by the shipped card.
BEST = {
    "clipped": 0.0, "contrast": 0.5, "dark": 0.0, "eyes": 0.06, "frontal": 0.95, "light": 0.85,
    "mouth": 0.06, "norm": 14.5, "pitch": 0.57, "pixels": 400.0, "roll": 0.0, "score": 0.95,
    "sharpness": 0.7,
}  # fmt: skip

# What is worse than that, and what is said of it.
WORSE = {
    "blurred": {"sharpness": 0.53},
    "eyes hidden or closed": {"eyes": 0.001},
    "mouth hidden": {"mouth": 0.001},
    "turned away": {"frontal": 0.1},
    "looking up": {"pitch": 0.42},
    "looking down": {"pitch": 0.72},
    "small": {"pixels": 25.0},
    "dark": {"light": 0.3},
    "overexposed": {"clipped": 0.4, "light": 1.0},
    "deep shadows": {"dark": 0.4},
    "flat light": {"contrast": 0.1},
    "hardly a face": {"score": 0.7},
    "hard to recognise": {"norm": 8.5},
}

measures = st.fixed_dictionaries({name: st.floats(-1, 600) for name in MEASURES})


@given(st.floats(0, 50), st.floats(0, 50))
def test_a_longer_vector_is_never_of_lower_quality(one, other):
    low, high = sorted((one, other))
    for quality in (NormQuality(LENGTHS, QUALITIES), CardQuality(TWO)):
        assert 0 <= quality.score({"norm": low}) <= quality.score({"norm": high}) <= 1


@pytest.mark.parametrize(
    ("length", "expected"),
    [(0.0, 0.0), (4.0, 0.0), (6.0, 0.15), (8.0, 0.3), (11.75, 0.65), (15.5, 1.0), (99.0, 1.0)],
)
def test_a_card_that_knows_the_length_alone_goes_on_as_it_was(length, expected):
    seen = {**BEST, "norm": length}
    assert CardQuality(OLD).score(seen) == pytest.approx(expected)
    assert NormQuality(LENGTHS, QUALITIES).score(seen) == pytest.approx(expected)


def test_the_measures_meet_in_their_weighted_geometric_mean():
    quality = CardQuality(TWO)
    assert quality.score({"norm": 12.0, "sharpness": 0.7}) == pytest.approx(1.0)
    expected = (0.55**3 * 0.6) ** 0.25  # half of the way up in both
    assert quality.score({"norm": 8.0, "sharpness": 0.6}) == pytest.approx(
        0.3 + (expected - 0.5) / 0.5 * 0.7
    )


def test_a_measure_that_is_absent_is_as_good_as_the_others():
    quality = CardQuality(TWO)
    alone = quality.score({"norm": 8.0})
    assert quality.score({"norm": 8.0, "sharpness": 0.5 + 0.2 * 0.35 / 0.8}) == pytest.approx(alone)
    assert quality.score({"norm": 8.0, "roll": 30.0}) == pytest.approx(alone)
    with pytest.raises(ValueError, match="none of the measures"):
        quality.score({"roll": 30.0})


def test_the_shipped_cards_ask_for_no_disturbed_copies_and_another_card_may():
    assert quality_of(card("sface")).robustness_views == 0
    steady: Numbers = {
        "robustness.at": (0.6, 0.9),
        "robustness.value": (0.1, 1.0),
        "robustness.weight": 1.0,
    }
    quality = CardQuality({**TWO, **steady, "robustness_views": 3.0})
    assert quality.robustness_views == 3
    seen = {"norm": 10.0, "sharpness": 0.6}
    assert quality.score({**seen, "robustness": 0.65}) < quality.score({**seen, "robustness": 0.88})


@given(measures)
def test_whatever_is_measured_gives_a_quality(seen):
    assert 0 <= quality_of(card("sface")).score(seen) <= 1


@pytest.mark.parametrize(("said", "change"), WORSE.items())
def test_every_fault_lowers_the_quality_and_is_named_first(said, change):
    quality = quality_of(card("sface"))
    worse = {**BEST, **change}
    assert quality.score(worse) < quality.score(BEST)
    assert quality.reasons(worse)[0] == said
    assert said not in quality.reasons(BEST)


def test_a_face_without_fault_is_praised_and_its_best_is_said_first():
    assert quality_of(card("sface")).reasons(BEST) == (
        "sharp", "eyes open", "frontal", "easy to recognise", "well lit", "large",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("eyes", "said"), [(0.0545, True), (0.05, True), (0.041, False), (0.036, False)]
)
def test_eyes_are_called_open_only_where_they_show_as_much_as_a_common_face_s(eyes, said):
    reasons = quality_of(card("sface")).reasons({**BEST, "eyes": eyes})
    assert ("eyes open" in reasons) is said
    assert "eyes hidden or closed" not in reasons


def test_of_two_faults_the_worse_is_named_first_and_none_twice():
    quality = quality_of(card("sface"))
    both = {**BEST, "sharpness": 0.55, "eyes": 0.0, "clipped": 0.5, "light": 1.0}
    said = quality.reasons(both)
    assert said[:3] == ("eyes hidden or closed", "overexposed", "blurred")
    assert len(set(said)) == len(said)


@given(measures)
def test_only_words_are_said_and_none_for_what_the_card_does_not_know(seen):
    assert all(quality_of(card("sface")).reasons(seen))
    assert set(CardQuality(OLD).reasons(seen)) <= {"hard to recognise", "easy to recognise"}


def test_both_shipped_embedders_judge_alike_and_a_face_of_press_quality_may_start_a_person():
    one, other = card("sface"), card("sface-bf16")
    assert dict(one.quality) == dict(other.quality)
    least = one.quality["min_quality"]
    assert isinstance(least, float)
    assert quality_of(one).score(BEST) > 0.9 > least
    assert quality_of(one).score({**BEST, "norm": 4.5, "score": 0.8}) < least


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"combined": None}, "needs the lists combined and value"),
        ({"combined": (0.5,), "value": (0.5,)}, "as many knots as values, and two at least"),
        ({"norm.at": (4.0, 12.0, 13.0)}, "as many knots as values, and two at least"),
        ({"norm.at": (12.0, 4.0)}, "must increase"),
        ({"norm.value": (0.1, 1.1)}, "from 0 to 1"),
        ({"norm.value": None}, "needs the lists norm.at and norm.value"),
        ({"norm.weight": None}, "needs a weight"),
        ({"norm.weight": -1.0}, "needs a weight"),
        ({"norm.weight": 0.0, "sharpness.weight": 0.0}, "a weight above 0"),
        ({"sharpnes.weight": 1.0}, "no measure 'sharpnes'"),
        ({"robustness_views": 1.5}, "a whole number, 0 to 6"),
        ({"robustness_views": 7.0}, "a whole number, 0 to 6"),
        ({"robustness_views": "all"}, "a whole number, 0 to 6"),
    ],
)
def test_a_table_that_is_none_is_refused(change, message):
    table = {name: value for name, value in {**TWO, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        CardQuality(table)


def test_a_wrong_table_is_refused_with_the_card_s_name_and_what_to_do(tmp_path):
    path = tmp_path / "card.toml"
    text = card("sface").path.read_text("utf-8")
    path.write_text(text.replace("[quality.sharpness]", "[quality.crispness]"), "utf-8")
    with pytest.raises(CardInvalid) as refused:
        quality_of(read_card(path))
    assert str(path) in str(refused.value)
    assert "crispness" in str(refused.value)
    assert "docs/quality.md" in (refused.value.hint or "")
