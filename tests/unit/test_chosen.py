"""What is printed about the threshold."""

from __future__ import annotations

import pytest

from facesort.grouping.calibration import Calibration, MinCosineRule, merge_rule
from facesort.grouping.chosen import threshold_evidence
from facesort.grouping.refine import Refinement, with_calibration

CARD = Calibration(0.0845, 0.00417, 0.00362)
WORDS = "1 expected wrong merge per 1,000 people"


def _refined(shift: float, pairs: int, answers: int = 0) -> Refinement:
    return Refinement(CARD, CARD.shifted(shift), shift, pairs, pairs / (pairs + 2000), answers)


def _chosen(people: int, refinement: Refinement | None = None):
    by_card = merge_rule(CARD, wrong_merges=1.0)
    rule = by_card if refinement is None else with_calibration(by_card, refinement.calibration)
    return threshold_evidence(
        rule, WORDS, people, card=CARD, card_rule=by_card, refinement=refinement
    )


def test_the_expected_wrong_merges_are_those_of_the_rule():
    assert _chosen(2000).expected_wrong_merges == pytest.approx(2.0)
    assert _chosen(2000, _refined(0.3, 900)).expected_wrong_merges == pytest.approx(2.0)
    assert _chosen(1).expected_wrong_merges == 0


def test_more_faces_of_each_person_need_less():
    chosen = _chosen(500)
    assert chosen.min_cosine_of_five < chosen.min_cosine
    assert chosen.lines()[0] == (
        f"Joined from cosine {chosen.min_cosine:.3f} on ({chosen.min_cosine_of_five:.3f} for five"
        f" faces each): {WORDS}; 0.5 wrong merges expected among 500 people."
    )
    assert chosen.lines()[1] == "How alike strangers look is the model card's word."
    assert chosen.source == "card"


def test_what_the_library_said_is_told_with_how_much_it_counted():
    chosen = _chosen(500, _refined(0.3, 900, answers=60))
    assert chosen.source == "library"
    assert chosen.min_cosine > chosen.card_min_cosine
    assert "31%, that of 900 pairs of people here" in chosen.lines()[1]
    assert f"(cosine {chosen.card_min_cosine:.3f})" in chosen.lines()[1]
    assert chosen.lines()[1].endswith("60 of them by your word.")


def test_what_counts_for_less_than_half_a_percent_is_not_told():
    assert _chosen(9, _refined(0.1, 6)).lines()[1] == _chosen(9).lines()[1]
    assert _chosen(9, _refined(0.1, 40)).lines()[1] != _chosen(9).lines()[1]


def test_a_library_that_had_nothing_to_say_leaves_it_to_the_card():
    assert _chosen(500, _refined(0.0, 0)).source == "card"


def test_a_fixed_cosine_is_told_with_what_it_risks_where_that_is_known():
    rule = MinCosineRule(0.4)
    known = threshold_evidence(rule, "mean cosine 0.4", 90, card=CARD, card_rule=rule)
    assert known.lines()[0] == (
        "Joined from cosine 0.400 on: mean cosine 0.4; 0.7 wrong merges expected among 90 people."
    )
    unknown = threshold_evidence(rule, "mean cosine 0.4", 90, card=None, card_rule=rule)
    assert unknown.lines() == ("Joined from cosine 0.400 on: mean cosine 0.4; 90 people.",)
    assert (unknown.source, unknown.expected_wrong_merges) == ("none", None)


def test_the_document_has_every_field():
    document = _chosen(500, _refined(0.3, 900)).to_json()
    assert document["pairs"] == 900
    assert document["weight"] == pytest.approx(0.31, abs=0.001)
    assert list(document) == [
        "rule", "people", "min_cosine", "min_cosine_of_five", "expected_wrong_merges", "source",
        "pairs", "weight", "answers", "card_min_cosine",
    ]  # fmt: skip
