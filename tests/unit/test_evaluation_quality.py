from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from facesort.evaluation.quality import QualityTest, genuine_similarity, rank_correlation

numbers = st.lists(st.integers(-5, 5), min_size=3, max_size=40)


class Crowd:
    """People whose faces are spoilt to a known degree."""

    def __init__(self, *, people: int = 60, faces: int = 8, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        centres = np.repeat(rng.standard_normal((people, 32)), faces, axis=0)
        self.spoilt = rng.uniform(0.2, 2.0, people * faces)
        noise = rng.standard_normal(centres.shape) * self.spoilt[:, None]
        vectors = centres + noise
        self.vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        self.people = [f"p{k // faces}" for k in range(people * faces)]
        self.photos = [f"photo{k}" for k in range(people * faces)]
        self.chance = rng.uniform(0, 1, people * faces)

    def test(self, **options: float) -> QualityTest:
        """Return the test on all of them."""
        rounds = int(options.get("rounds", 200))
        return QualityTest(self.vectors, self.people, self.photos, rounds=rounds)


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    """60 people with 8 faces each."""
    return Crowd()


@given(numbers, st.randoms(use_true_random=False))
def test_the_rank_correlation_is_spearman_s_with_ties(one, random):
    other = [random.randint(-3, 3) for _ in one]
    found = rank_correlation(np.array(one, float), np.array(other, float))
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert found == 0.0
    else:
        assert found == pytest.approx(spearmanr(one, other)[0], abs=1e-9)


def test_the_genuine_similarity_leaves_out_the_face_itself_and_its_copies():
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0.6, 0.8], [0, 1]], dtype=np.float32)
    people = ["a", "a", "a", "a", "b"]
    photos = ["1", "1", "2", "3", "4"]
    found = genuine_similarity(vectors, people, photos)
    assert found[:4].tolist() == pytest.approx([0.3, 0.3, 0.8 / 3, (0.6 + 0.6 + 0.8) / 3])
    assert math.isnan(found[4])


def test_what_says_how_much_a_face_is_spoilt_is_a_good_quality_and_chance_is_none(crowd):
    test = crowd.test()
    right, chance = test.judge(-crowd.spoilt), test.judge(crowd.chance)
    wrong = test.judge(crowd.spoilt)
    assert right.pooled.value > 0.7
    assert right.within.value > 0.7
    assert abs(chance.pooled.value) < 0.15
    assert abs(chance.within.value) < 0.15
    assert wrong.pooled.value == pytest.approx(-right.pooled.value)
    for judged in (right, chance, wrong):
        for number in (judged.pooled, judged.within, *judged.missed):
            assert number.low <= number.value <= number.high


def test_leaving_out_the_poorest_faces_leaves_fewer_errors_only_where_the_quality_is_right(crowd):
    test = crowd.test()
    right = [number.value for number in test.judge(-crowd.spoilt).missed]
    assert right[0] > 0.05
    assert right == sorted(right, reverse=True)
    assert right[-1] < 0.6 * right[0]
    wrong = [number.value for number in test.judge(crowd.spoilt).missed]
    assert wrong[0] == right[0]
    assert wrong[-1] > wrong[0]


def test_the_false_match_rate_at_the_threshold_is_what_was_asked_for(crowd):
    test = crowd.test()
    cosines = crowd.vectors @ crowd.vectors.T
    person = np.array(crowd.people)
    strangers = cosines[person[:, None] != person[None]]
    assert float(np.mean(strangers >= test.threshold)) == pytest.approx(1e-3, rel=0.1)


def test_two_qualities_are_compared_on_the_same_people(crowd):
    test = crowd.test()
    better = test.compare(-crowd.spoilt, crowd.chance)
    assert better.pooled.low > 0.5
    assert better.missed[-1].high < 0
    itself = test.compare(crowd.chance, crowd.chance * 2)
    assert (itself.pooled.low, itself.pooled.value, itself.pooled.high) == (0, 0, 0)


def test_people_with_few_faces_say_nothing_of_their_faces_and_nobody_is_no_test():
    few = Crowd(people=30, faces=3)
    judged = few.test().judge(-few.spoilt)
    assert judged.pooled.value == 0.0
    assert math.isnan(judged.within.value)
    assert judged.missed[0].value > 0
    with pytest.raises(ValueError, match="no two people"):
        QualityTest(few.vectors[:3], few.people[:3], few.photos[:3])
