"""One rule for small and large libraries, against the best fixed threshold of each size."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.subsets import People, draws, policy

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]

# The best single one of each size lies within (docs/accuracy.md has the whole grid).
FIXED = (0.36, 0.38, 0.40, 0.42, 0.44)


@pytest.fixture(scope="module")
def people(lfw) -> People:
    """All faces of LFW."""
    return People.read(lfw.facesort, lfw.model_key, lfw.folder)


@pytest.mark.parametrize("size", [20, 100, 500])
def test_the_default_is_as_good_as_the_best_fixed_threshold_of_that_size(people, size):
    libraries = list(draws(people, size, 10, np.unique(people.folders).tolist()))

    def mean_f(how) -> float:
        return float(np.mean([library.judged(how).bcubed.f for library in libraries]))

    best = max(mean_f(policy(min_cosine=cosine)) for cosine in FIXED)
    assert mean_f(policy()) >= best - 0.005
