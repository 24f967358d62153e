from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.evaluation.answerer import Answerer
from facesort.evaluation.orders import _Pairs, by_size, dbscan_owners, most_similar_first
from facesort.evaluation.review import LabelledFaces, judge_review, review_once
from facesort.evaluation.simulated import Album


def unit(*angles: float) -> np.ndarray:
    """Vectors in a plane, by degrees: cosines are easy to say."""
    turned = np.radians(np.array(angles, dtype=np.float64))
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def faces(owners: str, truth: str, angles=None, lost=()) -> LabelledFaces:
    """One letter a face: whose it is grouped with and whose it is; `.` is nobody."""
    vectors = unit(*(angles or range(0, 5 * len(owners), 5)))
    blank = {".": None}
    return LabelledFaces(
        vectors,
        [blank.get(owner, owner) for owner in owners],
        [blank.get(name, name) for name in truth],
        lost,
    )


def total(album: Album, order) -> int:
    return sum(order(album, Answerer()))


def nothing(album, answerer):
    return iter(())


# What counts as right.


@st.composite
def albums(draw) -> LabelledFaces:
    count = draw(st.integers(1, 14))
    pick = st.lists(st.sampled_from("ABCD."), min_size=count, max_size=count)
    angles = draw(st.lists(st.integers(0, 359), min_size=count, max_size=count))
    lost = draw(st.lists(st.sampled_from("AE"), max_size=2))
    return faces("".join(draw(pick)).lower(), "".join(draw(pick)), angles, lost)


def counted_right(album: Album) -> int:
    return sum(
        album.truth(row) is not None and album.truth(row) == album.name(person)
        for person in album.people()
        for row in album.rows(person)
    )


@given(albums(), st.data())
def test_the_number_of_right_faces_is_what_counting_all_of_them_gives(labelled, data):
    album = Album(labelled)
    for _ in range(data.draw(st.integers(1, 6))):
        people = sorted(album.people(), key=str)
        if not people:
            return
        one, other = (data.draw(st.sampled_from(people)) for _ in range(2))
        match data.draw(st.sampled_from(["name", "merge", "identify", "ignore"])):
            case "name":
                album.call(one, data.draw(st.sampled_from("ABCD")))
            case "merge" if one != other:
                album.merge(one, other)
            case "identify" if album.is_open(one):
                list(album.identify(one, data.draw(st.sampled_from("ABCD"))))
            case _:
                album.ignore(one)
        assert album.right == counted_right(album)


def test_a_face_is_right_only_under_its_own_name():
    album = Album(faces("aab", "AAA"))
    assert album.right == 0
    album.call("a", "A")
    assert album.right == 2
    album.merge("a", "b")
    assert album.right == 3
    album.call("a", "B")
    assert album.right == 0


def test_faces_of_which_the_truth_says_nothing_are_never_right():
    album = Album(faces("aaa", "A.."))
    album.call("a", "A")
    assert (album.right, album.wanted) == (1, 1)


# What answers cost.


def test_a_new_name_costs_two_and_a_listed_one_one():
    assert total(Album(faces("aab", "AAB")), by_size) == 4
    assert total(Album(faces("aab", "AAA")), by_size) == 3


def test_a_person_whom_the_truth_does_not_know_is_put_aside_for_one():
    album = Album(faces("aab", "..B"))
    assert total(album, by_size) == 3
    assert album.is_ignored("a")


def test_wrong_faces_are_moved_out_one_by_one():
    album = Album(faces("bbbaaaaa", "BBBAAABB"))
    # The larger first: A 2, B is not known yet: 2, and again 1. Then the others join B: 1.
    assert list(by_size(album, Answerer())) == [2, 2, 1, 1]
    assert album.right == 8


def test_a_face_that_is_with_nobody_or_was_not_found_is_moved_for_one():
    review = review_once(Album(faces("aaa.", "AAAA", lost=["A"])), by_size, Answerer())
    assert review.costs == {"0.8": 3, "0.95": 4, "0.99": 4}  # 2 for the name; then 4, then 5 faces
    assert review.reached == pytest.approx(3 / 5)


def test_somebody_who_is_only_among_the_faces_of_nobody_has_to_be_typed():
    review = review_once(Album(faces("..", "AA")), by_size, Answerer())
    assert review.costs["0.99"] == 3


def test_alike_people_are_asked_about_first_and_named_after_a_no():
    labelled = faces("xyz", "AAB", angles=[0, 10, 60])
    # x and y: yes. A and z: no; then both get their names.
    assert list(most_similar_first(labelled.vectors)(Album(labelled), Answerer())) == [1, 1, 2, 2]
    # Kinder: x is named unasked, y is listed, z typed over the suggestion.
    kinder = most_similar_first(labelled.vectors, names_first=True)
    assert list(kinder(Album(labelled), Answerer())) == [2, 1, 2]


def test_two_people_with_names_are_not_asked_about():
    labelled = faces("wxyz", "ABCD", angles=[0, 1, 90, 91])
    costs = list(most_similar_first(labelled.vectors)(Album(labelled), Answerer()))
    assert costs == [1, 2, 2, 1, 2, 2]  # two pairs, four names


def test_a_stranger_is_put_aside_instead_of_a_no():
    labelled = faces("xy", "A.", angles=[0, 10])
    assert sorted(most_similar_first(labelled.vectors)(Album(labelled), Answerer())) == [1, 2]


def test_somebody_all_alone_is_named():
    labelled = faces("x", "A")
    assert list(most_similar_first(labelled.vectors)(Album(labelled), Answerer())) == [2]


@settings(max_examples=40)
@given(albums(), st.data())
def test_the_pair_that_is_asked_about_is_the_most_alike_of_all_open_ones(labelled, data):
    album = Album(labelled)
    pairs = _Pairs(album, labelled.vectors)
    closed: set[frozenset[object]] = set()

    def cosine(one, other) -> float:
        means = [labelled.vectors[list(album.rows(p))].mean(axis=0) for p in (one, other)]
        return float(means[0] @ means[1])

    for _ in range(8):
        present = [p for p in album.people() if not album.is_ignored(p)]
        open_pairs = [
            (one, other)
            for one in present
            for other in present
            if one != other
            and (album.is_open(one) or album.is_open(other))
            and frozenset((one, other)) not in closed
        ]
        found = pairs.next()
        assert (found is None) == (not open_pairs)
        if found is None:
            return
        assert cosine(*found) == pytest.approx(max(cosine(*pair) for pair in open_pairs), abs=1e-5)
        match data.draw(st.sampled_from(["merge", "no", "name", "ignore"])):
            case "merge":
                album.merge(*found)
                closed = {pair for pair in closed if not pair & set(found)}
                closed |= {
                    frozenset((found[0], p))
                    for p in album.people()
                    if pairs_closed(pairs, found[0], p)
                }
            case "no":
                pairs.close(*found)
                closed.add(frozenset(found))
            case "name":
                some = next(p for p in found if album.is_open(p))
                album.call(some, f"name of {some}")
            case _:
                album.ignore(found[0])


def pairs_closed(pairs: _Pairs, one, other) -> bool:
    places = [pairs._place[p] for p in (one, other)]
    return places[1] in pairs._closed.get(places[0], ())


# All orders, on any album.


@settings(max_examples=40, deadline=None)
@given(albums())
def test_without_mistakes_every_order_gets_everything_right_and_none_beats_the_names(labelled):
    if not labelled.wanted:
        with pytest.raises(ValueError, match="no face"):
            judge_review(labelled, nothing)
        return
    judged = judge_review(labelled, nothing)
    assert list(judged.orders) == ["queue", "similarity", "size", "one_by_one", "similarity_named"]
    stray = judged.strays / judged.faces
    for name, order in judged.orders.items():
        costs = list(order.costs.values())
        assert costs == sorted(costs)
        least = judged.names_alone.values()
        assert all(cost >= floor for cost, floor in zip(costs, least, strict=True))
        if name == "one_by_one":  # DBSCAN leaves no face with nobody
            assert order.reached >= 1 - len(labelled.lost) / judged.faces - 1e-9
        elif name != "queue":  # which asks nothing here
            assert order.reached == pytest.approx(1 - stray)


def test_the_order_that_is_handed_in_is_the_queue():
    labelled = faces("aab", "AAB")
    judged = judge_review(labelled, by_size)
    assert judged.orders["queue"] == judged.orders["size"]


def test_a_share_is_a_whole_number_of_faces():
    # .95 of 20 is 19: the twentieth face need not be right, and its person's name costs nothing.
    labelled = faces("a" * 19 + "b", "A" * 19 + "B")
    judged = judge_review(labelled, by_size)
    assert judged.orders["size"].costs == {"0.8": 2, "0.95": 2, "0.99": 4}
    assert judged.names_alone == {"0.8": 2, "0.95": 2, "0.99": 4}


def test_one_by_one_starts_from_groups_of_dbscan():
    angles = [0, 30, 60, 90, 200]  # neighbours at .87: one chain, and one apart
    labelled = faces("abcde", "AAAAB", angles=angles)
    assert len(set(dbscan_owners(labelled.vectors))) == 2
    judged = judge_review(labelled, nothing)
    assert judged.orders["one_by_one"].costs["0.99"] == 4
    assert judged.orders["size"].costs["0.99"] == 2 + 1 + 1 + 1 + 2
    assert not len(dbscan_owners(labelled.vectors[:0]))


# Mistakes.


def test_without_mistakes_there_is_nothing_to_look_through():
    assert not Answerer().slips_at_all
    assert not any(Answerer(0.0, 3).slips() for _ in range(100))


def test_wrong_answers_come_as_often_as_was_said():
    answerer = Answerer(0.2, seed=1)
    assert sum(answerer.slips() for _ in range(5000)) == pytest.approx(1000, rel=0.1)


def many(people: int, each: int) -> LabelledFaces:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((people * each, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"P{row // each}" for row in range(people * each)]
    return LabelledFaces(vectors, [name.lower() for name in names], names)


def test_mistakes_cost_what_finding_and_mending_them_costs():
    labelled = many(people=60, each=4)
    perfect = judge_review(labelled, by_size).orders
    judged = judge_review(labelled, by_size, mistakes=0.2, seeds=(1, 2, 3))
    assert (judged.mistakes, judged.seeds) == (0.2, 3)
    for name in ("queue", "similarity", "size"):
        assert judged.orders[name].costs["0.99"] > perfect[name].costs["0.99"] + 20
        assert judged.orders[name].reached < 0.95


def test_the_same_seeds_give_the_same_review():
    labelled = many(people=20, each=3)
    once, again = (judge_review(labelled, by_size, mistakes=0.1, seeds=(7,)) for _ in range(2))
    assert once == again
    other = judge_review(labelled, by_size, mistakes=0.1, seeds=(8,))
    assert other != once


def test_a_wrong_name_is_found_by_opening_the_person_and_then_typed_anew():
    album = Album(faces("aaab", "AAAB"))
    album.call("a", "B")
    album.call("b", "C")
    # The larger is opened (1) and named A (2); then the other is opened (1), B listed by now (1).
    assert album.by_hand(3) == 3
    assert album.by_hand(4) == 5
    assert album.looked_through(4) == 5


def test_somebody_ignored_by_mistake_is_found_after_those_with_names():
    album = Album(faces("aabbb", "AABBB"))
    album.call("a", "A")
    album.ignore("b")
    assert album.looked_through(5) == 1 + 2


def test_looking_through_finds_nobody_who_was_never_spoken_of():
    album = Album(faces("ab", "AB"))
    album.call("a", "A")
    assert album.looked_through(2) == float("inf")
    assert album.by_hand(2) == 2  # but naming the other gets there


def test_scripts_get_four_orders_and_whole_numbers():
    said: dict[str, Any] = judge_review(faces("aab", "AAB"), by_size).to_json()
    assert list(said["answers"]) == ["queue", "similarity", "size", "one_by_one"]
    assert said["answers"]["size"] == {"0.8": 4, "0.95": 4, "0.99": 4}
    assert all(type(cost) is int for cost in said["answers"]["queue"].values())
    assert list(said["kinder"]) == ["similarity_named"]


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="one length"):
        LabelledFaces(unit(0, 1), ["a"], ["A", "B"])
