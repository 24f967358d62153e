"""Whether `identify` would be none the worse for a new aggregator."""

from __future__ import annotations

import numpy as np
import pytest

from facesort.evaluation.recognition import Attempts, Recognition, compare

PEOPLE = 60


def attempts(found: int, taken: int = 0, *, only: int = PEOPLE) -> Attempts:
    """Return four known and fifty strange probes each; of the first `only` people so many right."""
    each = np.full(PEOPLE, 4)
    each[:only] = found
    strange = np.zeros(PEOPLE, dtype=np.int64)
    strange[0] = taken
    return Attempts(np.full(PEOPLE, 4), each, np.full(PEOPLE, 50), strange)


def asked(new: Attempts, old: Attempts) -> Recognition:
    return compare(new, old, allowed=0.001)


def test_the_same_holds():
    found = asked(attempts(4), attempts(4))
    assert found.holds
    assert (found.new.mean, found.gain.mean, found.known, found.strange) == (1, 0, 240, 3000)


def test_finding_more_holds():
    assert asked(attempts(4), attempts(3)).holds


def test_finding_clearly_fewer_does_not_hold():
    found = asked(attempts(3), attempts(4))
    assert found.finds_fewer
    assert not found.holds
    assert found.gain.mean == pytest.approx(-0.25)


def test_a_loss_that_chance_explains_holds_up_to_a_hundredth():
    small = asked(attempts(2, only=1), attempts(4))  # 2 of 240
    assert small.gain.high == 0
    assert small.holds
    large = asked(attempts(0, only=1), attempts(4))  # 4 of 240
    assert large.gain.high == 0
    assert not large.holds


@pytest.mark.parametrize(
    ("new", "old", "holds"), [(3, 0, True), (4, 0, False), (4, 4, True), (5, 4, False)]
)
def test_strangers_may_be_as_many_as_allowed_or_as_before(new, old, holds):
    assert asked(attempts(4, new), attempts(4, old)).holds is holds


def test_losses_of_other_people_are_not_made_up_for_by_chance_draws():
    found = asked(attempts(3), attempts(3))
    assert (found.gain.low, found.gain.high) == (0, 0)  # paired: the draws are the same
    assert found.new.low <= found.new.mean <= found.new.high
