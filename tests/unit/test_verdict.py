"""When a new aggregator takes the place of the one in use."""

from __future__ import annotations

import pytest

from facesort.evaluation.sets import Estimate, SetRow, SetsResult
from facesort.evaluation.verdict import decide

SAME = Estimate(0.95, 0.93, 0.97)
NO_GAIN = Estimate(0.0, -0.01, 0.01)


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


def verdict(clean, burst, old_burst=SAME, gain_clean=NO_GAIN):
    return decide(
        judged(clean=(clean, gain_clean, SAME), burst=(burst, NO_GAIN, old_burst)),
        new="learned",
        old="default",
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
