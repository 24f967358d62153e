"""Set verification: how templates are drawn, what a true accept rate is, what the intervals say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.descriptors.coreset import Rule, choose
from facesort.evaluation.aggregators import (
    BestSingle,
    FarthestPoint,
    WeightedMean,
    aggregate_each,
    plain_methods,
)
from facesort.evaluation.bootstrap import least_people, score_templates
from facesort.evaluation.sets import (
    BURST,
    CONDITIONS,
    Estimate,
    SetFaces,
    draw_templates,
    judge_sets,
)

MEAN = WeightedMean("mean", 0.0)


def people_of(counts):
    return [f"p{i:03}" for i, count in enumerate(counts) for _ in range(count)]


def faces_of(people, *, spread=0.3, seed=0, dimension=64):
    """Vectors about one random direction for each person; 0: all faces of a person are equal."""
    rng = np.random.default_rng(seed)
    codes = np.unique(people, return_inverse=True)[1]
    centres = rng.standard_normal((codes.max() + 1, dimension))
    raw = centres[codes] + spread * rng.standard_normal((len(people), dimension))
    vectors = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
    return vectors, rng.uniform(0.3, 1, len(people)).astype(np.float32)


def plain(people, **made):
    vectors, quality = faces_of(people, **made)
    return SetFaces.plain(vectors, quality, people)


def at(estimates: dict[str, Estimate | None], rate: str = "1e-3") -> Estimate:
    found = estimates[rate]
    assert found is not None
    return found


# -- templates -----------------------------------------------------------------------------------


@given(counts=st.lists(st.integers(1, 60), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_templates_are_disjoint_of_one_person_and_of_2_to_20_faces(counts, seed):
    people = people_of(counts)
    draw = draw_templates(people, seed)
    assert list(draw.people) == [f"p{i:03}" for i, count in enumerate(counts) if count >= 4]
    assert len(draw.templates) == len(draw.degraded) == len(draw.burst) == 2 * len(draw.people)
    for i, person in enumerate(draw.people):
        first, second = draw.templates[2 * i : 2 * i + 2]
        assert 2 <= len(first) == len(second) <= 20
        rows = [*first, *second]
        assert len(set(rows)) == len(rows)
        assert {people[row] for row in rows} == {person}


def test_every_size_is_drawn():
    people = people_of([100] * 40)
    sizes = {len(t) for seed in range(20) for t in draw_templates(people, seed).templates}
    assert sizes == set(range(2, 21))


def test_equal_seeds_draw_equal_templates_and_others_do_not():
    people = people_of([8] * 5)
    one, same, other = (draw_templates(people, seed) for seed in (3, 3, 4))
    for a, b in zip(one.templates, same.templates, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.burst, same.burst)
    assert any(
        a.tolist() != b.tolist() for a, b in zip(one.templates, other.templates, strict=True)
    )


def test_what_one_person_gets_does_not_depend_on_the_others():
    people = people_of([9, 5, 30])
    whole, alone = draw_templates(people, 2), draw_templates(people[14:], 2)
    assert alone.people == whole.people[2:]
    for a, b in zip(alone.templates, whole.templates[4:], strict=True):
        np.testing.assert_array_equal(a + 14, b)
    np.testing.assert_array_equal(alone.burst + 14, whole.burst[4:])
    np.testing.assert_array_equal(alone.version, whole.version[14:])


def test_what_is_repeated_or_replaced_belongs_to_its_template():
    draw = draw_templates(people_of([4, 9, 41]), 0)
    for rows, row, bad in zip(draw.templates, draw.burst, draw.degraded, strict=True):
        assert row in rows
        assert set(bad) <= set(rows)
        assert len(set(bad)) == len(bad)


@pytest.mark.parametrize("count", [4, 10, 40])
def test_thirty_per_cent_are_degraded_in_small_templates_too(count):
    people = people_of([count] * 200)
    draws = [draw_templates(people, seed) for seed in range(10)]
    degraded = sum(len(bad) for draw in draws for bad in draw.degraded)
    faces = sum(len(rows) for draw in draws for rows in draw.templates)
    assert degraded / faces == pytest.approx(0.3, abs=0.02)


def with_copies(people):
    """A near copy of each face for every place of a burst, and two spoilt ones, numbered apart."""
    n = len(people)
    vectors, quality = faces_of(people)
    copies = n + np.arange(n * (BURST - 1)).reshape(n, BURST - 1)
    spoilt = n * BURST + np.arange(2 * n).reshape(n, 2)
    everything = np.resize(vectors, (n * (BURST + 2), vectors.shape[1]))
    return SetFaces(everything, np.resize(quality, len(everything)), people, copies, spoilt)


def test_a_burst_is_eight_pictures_of_one_face_and_no_two_the_same():
    people = people_of([6] * 3)
    faces, draw = with_copies(people), draw_templates(people, 1)
    for rows, row, made in zip(draw.templates, draw.burst, draw.rows(faces, "burst"), strict=True):
        assert len(set(made)) == len(made) == len(rows) + BURST - 1
        assert set(made) == {*rows, *faces.copies[row]}


def test_degraded_faces_stand_in_for_themselves():
    people = people_of([6] * 30)
    faces, draw = with_copies(people), draw_templates(people, 1)
    used: Counter[int] = Counter()
    worse = draw.rows(faces, "degraded")
    for rows, bad, made in zip(draw.templates, draw.degraded, worse, strict=True):
        assert len(made) == len(rows)
        for was, now in zip(rows, made, strict=True):
            if was in bad:
                assert now in faces.spoilt[was]
                used[int(np.flatnonzero(faces.spoilt[was] == now)[0])] += 1
            else:
                assert now == was
    assert set(used) == {0, 1}  # every way of spoiling


def test_some_of_the_faces_keep_their_copies():
    people = people_of([4, 5, 6])
    faces = with_copies(people)
    some = faces.take([name == "p001" for name in people])
    assert list(some.people) == ["p001"] * 5
    np.testing.assert_array_equal(some.vectors[:5], faces.vectors[4:9])
    for was, now in ((faces.copies, some.copies), (faces.spoilt, some.spoilt)):
        np.testing.assert_array_equal(some.vectors[now], faces.vectors[was[4:9]])
        np.testing.assert_array_equal(some.quality[now], faces.quality[was[4:9]])
    none = SetFaces.plain(faces.vectors[:15], faces.quality[:15], people).take([True] * 15)
    assert set(none.copies.ravel()) == {-1}


def test_without_copies_the_face_itself_is_repeated_and_nothing_is_degraded():
    people = people_of([4, 4])
    faces, draw = plain(people), draw_templates(people, 0)
    for rows, row, made in zip(draw.templates, draw.burst, draw.rows(faces, "burst"), strict=True):
        assert Counter(made) == Counter(rows) + Counter({row: BURST - 1})
    for rows, made in zip(draw.templates, draw.rows(faces, "degraded"), strict=True):
        np.testing.assert_array_equal(rows, made)


# -- what is measured ----------------------------------------------------------------------------


def test_people_far_apart_are_always_told_apart():
    result = judge_sets(plain(people_of([4, 5, 8] * 8), spread=0.0), [MEAN])
    assert (result.people, result.faces, result.seeds) == (24, 136, 5)
    assert (result.same, result.different) == (24 * 5, 2 * 24 * 23 * 5)
    for condition in CONDITIONS:
        row = result.row("mean", condition)
        one = at(row.tar)
        assert (one.mean, one.low, one.high) == (1.0, 1.0, 1.0)
        assert row.by_seed["1e-3"] == (1.0,) * 5


def test_with_shuffled_names_the_true_accept_rate_is_the_false_one():
    people = people_of([4] * 400)
    vectors, quality = faces_of(people)
    names = np.random.default_rng(0).permutation(people).tolist()
    result = judge_sets(SetFaces.plain(vectors, quality, names), [MEAN], conditions=["clean"])
    tar = at(result.row("mean", "clean").tar)
    # One person's two templates still share faces of one true person now and then.
    assert tar.mean < 0.02


def test_a_rate_of_less_than_one_pair_is_not_measured():
    people = people_of([4] * 23)
    result = judge_sets(plain(people), [MEAN], conditions=["clean"], seeds=1)
    assert result.different == 1012  # one pair in a thousand may pass, none in ten thousand
    row = result.row("mean", "clean")
    assert row.tar["1e-3"] is not None
    assert (row.tar["1e-4"], row.min_cosine["1e-4"], row.over_mean["1e-4"]) == (None, None, None)


def test_the_fewest_people_for_a_rate():
    for seeds in (1, 5):
        for rate in (1e-3, 1e-5):
            people = least_people(rate, seeds)
            assert 2 * people * (people - 1) * seeds * rate >= 1
            assert 2 * (people - 1) * (people - 2) * seeds * rate < 1


def test_the_threshold_lets_through_as_many_pairs_as_the_rate_allows():
    people = people_of([4] * 60)
    faces = plain(people, spread=2.0)
    result = judge_sets(faces, [MEAN], conditions=["clean"], seeds=2)
    row = result.row("mean", "clean")
    limit = row.min_cosine["1e-3"]
    assert limit is not None
    passed, accepted = 0, []
    for seed in range(2):
        made = np.stack(
            [
                MEAN.aggregate(faces.vectors[rows], faces.quality[rows])
                for rows in draw_templates(people, seed).templates
            ]
        )
        cosines, person = made @ made.T, np.arange(len(made)) // 2
        upper = np.triu(person[:, None] != person[None], 1)
        passed += int((cosines[upper] > limit).sum())
        accepted.append(np.mean(cosines[::2, 1::2].diagonal() > limit))
    assert passed == int(1e-3 * result.different)
    assert row.by_seed["1e-3"] == pytest.approx(accepted)
    assert at(row.tar).mean == pytest.approx(np.mean(accepted))
    assert at(row.tar).low < at(row.tar).mean < at(row.tar).high


def test_only_the_highest_cosines_of_different_people_are_kept(monkeypatch):
    from facesort.evaluation import bootstrap

    monkeypatch.setattr(bootstrap, "_BLOCK_SCORES", 100)  # many blocks
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((40, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = score_templates(vectors, keep=30)
    person = np.arange(40) // 2
    every = sorted(
        ((float(vectors[i] @ vectors[j]), person[i], person[j])
         for i in range(40) for j in range(i + 1, 40) if person[i] != person[j]),
        reverse=True,
    )[:30]  # fmt: skip
    np.testing.assert_allclose(scores.different, [cosine for cosine, _, _ in every], rtol=1e-5)
    assert [*zip(scores.first, scores.second, strict=True)] == [(a, b) for _, a, b in every]


def test_differences_to_the_mean_are_paired():
    people = people_of([6] * 60)
    result = judge_sets(
        plain(people, spread=1.6),
        [BestSingle(), MEAN, WeightedMean("the same", 0.0)],
        conditions=["clean"],
    )
    same = result.row("the same", "clean")
    own = result.row("mean", "clean")
    for row in (same, own):
        assert row.tar == own.tar
        over = at(row.over_mean)
        assert (over.mean, over.low, over.high) == (0.0, 0.0, 0.0)
    single = result.row("best single", "clean")
    assert at(single.over_mean).high < 0  # one face says less than three
    difference = at(single.tar).mean - at(own.tar).mean
    assert at(single.over_mean).mean == pytest.approx(difference)
    # Pairing takes out what the two have in common.
    width = at(single.over_mean).high - at(single.over_mean).low
    apart = sum(one.high - one.low for one in (at(single.tar), at(own.tar)))
    assert width < apart


def test_equal_faces_give_equal_results():
    faces = plain(people_of([5] * 30), spread=1.0)
    assert judge_sets(faces, [MEAN], seeds=3) == judge_sets(faces, [MEAN], seeds=3)


def test_rows_are_in_the_order_of_the_methods_and_steps_are_told():
    faces = plain(people_of([5] * 30))
    steps = []
    result = judge_sets(faces, [BestSingle(), MEAN], seeds=2, on_step=lambda: steps.append(1))
    assert [(row.condition, row.method) for row in result.rows] == [
        (condition, method) for condition in CONDITIONS for method in ("best single", "mean")
    ]
    assert len(steps) == 2 * 2 * 3
    with pytest.raises(ValueError, match="'mean'"):
        judge_sets(faces, [BestSingle()])
    with pytest.raises(ValueError, match="fewer than two people"):
        judge_sets(plain(people_of([3] * 30)), [MEAN])


def test_a_burst_outvotes_the_others_in_a_mean_and_not_in_a_coreset():
    # Six faces of which one stands eight times: a mean of 13 is mostly that one.
    people = people_of([12] * 150)
    result = judge_sets(plain(people, spread=2.2), [MEAN, FarthestPoint("coreset", Rule())])
    over = at(result.row("coreset", "burst").over_mean)
    assert over.low > 0
    worse = at(result.row("mean", "burst").tar).mean
    assert worse < at(result.row("mean", "clean").tar).mean


# -- aggregators ---------------------------------------------------------------------------------


def test_the_plain_methods_are_those_that_are_promised():
    names = [method.name for method in plain_methods()]
    assert names == [
        "best single", "mean", "quality mean", "quality-squared mean",
        "farthest 3, gamma 0", "farthest 3, gamma 1", "farthest 5, gamma 0",
        "farthest 5, gamma 1", "farthest 8, gamma 0", "farthest 8, gamma 1", "default",
    ]  # fmt: skip


def test_what_each_method_makes_of_two_faces():
    vectors = np.eye(2, dtype=np.float32)
    quality = np.array([0.4, 0.8], dtype=np.float32)
    made = {method.name: method.aggregate(vectors, quality) for method in plain_methods()}
    np.testing.assert_array_equal(made["best single"], [0, 1])
    np.testing.assert_allclose(made["mean"], np.array([1, 1]) / 2**0.5, rtol=1e-6)
    np.testing.assert_allclose(made["quality mean"], np.array([1, 2]) / 5**0.5, rtol=1e-6)
    np.testing.assert_allclose(made["quality-squared mean"], np.array([1, 4]) / 17**0.5, rtol=1e-6)
    np.testing.assert_allclose(made["farthest 3, gamma 0"], np.array([1, 2]) / 5**0.5, rtol=1e-6)


def test_the_default_is_the_library_s_own_coreset():
    vectors, quality = faces_of(people_of([60]), spread=1.0)
    own = plain_methods(Rule(size=4, min_gain=0.1))[-1]
    wanted = choose(vectors, quality, Rule(size=4, min_gain=0.1)).descriptors[0]
    np.testing.assert_array_equal(own.aggregate(vectors, quality), wanted)


@settings(max_examples=30)
@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_many_sets_at_once_are_what_they_are_one_by_one(counts, seed):
    vectors, quality = faces_of(people_of(counts), seed=seed, spread=1.0)
    owner = np.repeat(np.arange(len(counts)), counts)
    shuffled = np.random.default_rng(seed).permutation(len(owner))
    for method in plain_methods():
        together = aggregate_each(method, vectors[shuffled], quality[shuffled], owner[shuffled])
        for i in range(len(counts)):
            alone = method.aggregate(vectors[owner == i], quality[owner == i])
            np.testing.assert_allclose(together[i], alone, atol=1e-5)


def test_an_aggregator_that_takes_one_set_at_a_time_is_asked_for_each():
    class Single:
        name = "single"

        def aggregate(self, vectors, quality):
            return vectors[np.argmin(quality)]

    vectors, quality = faces_of(people_of([3, 2, 4]))
    owner = np.array([2, 0, 1, 0, 2, 1, 2, 2, 0])
    made = aggregate_each(Single(), vectors, quality, owner)
    for i in range(3):
        rows = np.flatnonzero(owner == i)
        np.testing.assert_array_equal(made[i], vectors[rows[np.argmin(quality[rows])]])


def test_faces_without_any_quality_have_a_mean():
    made = WeightedMean("x", 2.0).aggregate(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    np.testing.assert_allclose(made, np.array([1, 1]) / 2**0.5, rtol=1e-6)
