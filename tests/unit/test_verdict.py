"""When a new aggregator takes the place of the one in use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facesort.evaluation.recognition import Recognition
from facesort.evaluation.sets import Estimate, SetRow, SetsResult
from facesort.evaluation.verdict import decide

SAME = Estimate(0.95, 0.93, 0.97)
NO_GAIN = Estimate(0.0, -0.01, 0.01)
FINE = Recognition(SAME, SAME, NO_GAIN, 0.0, 0.0, 0.001, 400, 2000)


def judged(
    **contests: tuple[Estimate | None, Estimate | None, Estimate | None],
) -> SetsResult:
    """Return a result at one rate: by condition the new TAR, its gain, and the old TAR."""
    rate = "1e-4"
    rows = []
    for condition, (new, gain, old) in contests.items():
        for method, tar, over in (("default", old, NO_GAIN), ("learned", new, gain)):
            rows.append(
                SetRow(method, condition, {rate: tar}, {rate: 0.4}, {rate: None}, {rate: over})
            )
    return SetsResult(tuple(rows), 100, 800, 5, 500, 99_000)


def verdict(clean, burst, old_burst=SAME, gain_clean=NO_GAIN, recognition=FINE):
    return decide(
        judged(clean=(clean, gain_clean, SAME), burst=(burst, NO_GAIN, old_burst)),
        new="learned",
        old="default",
        recognition=recognition,
    )


def test_better_somewhere_and_worse_nowhere_takes_its_place():
    found = verdict(SAME, Estimate(0.99, 0.98, 1.0))
    assert found.adopt
    assert found.telling.condition == "burst"


def test_intervals_that_touch_are_not_enough():
    found = verdict(SAME, Estimate(0.98, 0.97, 0.99))
    assert not found.adopt
    assert not found.better
    assert not found.worse


def test_a_loss_anywhere_outweighs_a_gain():
    loss = Estimate(-0.02, -0.03, -0.001)
    found = verdict(SAME, Estimate(0.99, 0.98, 1.0), gain_clean=loss)
    assert found.better
    assert [one.condition for one in found.worse] == ["clean"]
    assert not found.adopt
    assert found.telling.condition == "clean"


def test_whoever_finds_fewer_people_at_the_bar_of_the_library_is_kept_out():
    fewer = replace(FINE, gain=Estimate(-0.3, -0.4, -0.2))
    found = verdict(SAME, Estimate(0.99, 0.98, 1.0), recognition=fewer)
    assert found.wins_sets
    assert not found.adopt


def test_what_identify_would_do_must_be_known():
    found = verdict(SAME, Estimate(0.99, 0.98, 1.0), recognition=None)
    assert found.wins_sets
    assert not found.adopt


def test_an_undecided_contest_is_told_by_its_largest_difference():
    nothing = Estimate(0.0, 0.0, 0.0)
    found = decide(
        judged(
            clean=(Estimate(1, 1, 1), nothing, Estimate(1, 1, 1)),
            degraded=(SAME, Estimate(-0.02, -0.05, 0.0), SAME),
        ),
        new="learned",
        old="default",
        recognition=FINE,
    )
    assert found.telling.condition == "degraded"


def test_the_same_is_not_better():
    assert not verdict(SAME, SAME).adopt


def test_what_could_not_be_measured_decides_nothing():
    found = verdict(None, Estimate(0.99, 0.98, 1.0))
    assert [one.condition for one in found.contests] == ["burst"]
    assert found.adopt


def test_nothing_measured_adopts_nothing():
    found = verdict(None, None)
    assert not found.adopt
    with pytest.raises(ValueError, match="empty"):
        _ = found.telling
