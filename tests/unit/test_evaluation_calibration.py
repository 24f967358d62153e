"""The fit of a card's calibration, on made-up people whose likeness is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.evaluation.calibration import (
    ImpostorFit,
    OnePersonFit,
    OwnTail,
    fit_impostors,
    fit_one_person,
    impostor_tails,
    one_person_tails,
)
from facesort.grouping.calibration import Calibration, OnePerson

DIMENSION = 64
# Shares of a face's vector that everybody has in common, that are the person's, and the photo's.
COMMON, OWN, PHOTO = 0.1, 0.7, 0.2


def _crowd(people: int, faces: int, seed: int = 1):
    rng = np.random.default_rng(seed)

    def directions(*shape: int):
        drawn = rng.standard_normal((*shape, DIMENSION))
        return drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)

    vectors = (
        np.sqrt(COMMON) * directions(1, 1)
        + np.sqrt(OWN) * directions(people, 1)
        + np.sqrt(PHOTO) * directions(people, faces)
    ).reshape(people * faces, DIMENSION)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"person {i // faces:04d}" for i in range(people * faces)]
    return vectors.astype(np.float32), names


@pytest.fixture(scope="module")
def crowd():
    return _crowd(220, 9)


def test_the_likeness_of_a_known_crowd_is_recovered(crowd):
    fit = fit_impostors(*crowd)
    # Products of random directions vary by 1 / DIMENSION; the squares of PHOTO are left out.
    assert fit.mean == pytest.approx(COMMON, abs=0.01)
    assert fit.person_variance == pytest.approx((2 * COMMON * OWN + OWN**2) / DIMENSION, rel=0.15)
    assert fit.face_variance == pytest.approx(2 * (COMMON + OWN) * PHOTO / DIMENSION, rel=0.25)


def test_the_fit_predicts_the_tails_of_other_people_of_that_kind(crowd):
    fit = fit_impostors(*crowd)
    for tail in impostor_tails(*_crowd(220, 9, seed=2)):
        assert fit.cosine_at(tail.rate, faces=tail.faces) == pytest.approx(tail.cosine, abs=0.03)


def test_a_tail_is_what_its_share_of_the_pairs_exceeds():
    vectors, people = _crowd(60, 1)
    cosines = np.sort((vectors @ vectors.T)[np.triu_indices(60, 1)])
    (tail,) = impostor_tails(vectors, people)
    assert (tail.faces, tail.rate, tail.people) == (1, 1e-2, 60)
    assert tail.cosine == pytest.approx(float(cosines[-17]))  # 17 of 1,770 pairs


def test_tails_of_fewer_than_ten_pairs_are_not_measured():
    assert impostor_tails(*_crowd(45, 1)) == ()  # 990 pairs: 9 above 1 %
    assert [tail.rate for tail in impostor_tails(*_crowd(46, 1))] == [1e-2]


def test_more_faces_of_each_person_make_strangers_less_alike(crowd):
    at = {tail.faces: tail.cosine for tail in impostor_tails(*crowd) if tail.rate == 1e-2}
    assert list(at) == [1, 2, 3, 5, 9]
    assert sorted(at.values(), reverse=True) == list(at.values())


def test_the_same_faces_give_the_same_fit(crowd):
    assert fit_impostors(*crowd) == fit_impostors(*crowd)


def test_the_order_of_people_has_no_effect(crowd):
    vectors, people = crowd
    order = np.arange(len(people)).reshape(220, 9)[::-1].ravel()
    turned = fit_impostors(vectors[order], [people[i] for i in order])
    fit = fit_impostors(vectors, people)
    assert turned.mean == pytest.approx(fit.mean)
    assert turned.person_variance == pytest.approx(fit.person_variance)
    assert turned.face_variance == pytest.approx(fit.face_variance)


def test_too_few_people_are_refused():
    with pytest.raises(ValueError, match="two people"):
        fit_impostors(*_crowd(1, 9))
    with pytest.raises(ValueError, match="two faces or more"):
        fit_impostors(*_crowd(60, 1))


@given(
    mean=st.floats(-0.2, 0.4),
    person=st.floats(1e-4, 0.05),
    face=st.floats(0, 0.05),
    rate=st.floats(1e-8, 0.4),
    faces=st.integers(1, 50),
)
def test_grouping_reads_the_three_numbers_as_they_were_fitted(mean, person, face, rate, faces):
    fitted = ImpostorFit(mean, person, face).cosine_at(rate, faces=faces)
    read = Calibration(mean, person, face).min_cosine(rate, faces, faces)
    assert fitted == pytest.approx(read, abs=1e-12)


# One person


def test_the_flank_of_one_person_is_recovered():
    tails = [
        OwnTail(faces, 50, 0.6, OnePersonFit(0.6, 0.04).least(faces)) for faces in (1, 2, 3, 4, 5)
    ]
    fitted = fit_one_person(tails)
    assert fitted.mean == pytest.approx(0.6)
    assert fitted.face_variance == pytest.approx(0.04)


def test_two_parts_of_a_person_are_more_reliably_alike_the_more_photos_are_in_each():
    vectors, people = _crowd(60, 10)
    tails = one_person_tails(vectors, people, [str(k) for k in range(len(people))])
    assert [tail.faces for tail in tails] == [1, 2, 3, 4, 5]
    low = [tail.low for tail in tails]
    assert low[0] < low[1] < min(low[2:])
    for tail in tails:
        assert tail.mean == pytest.approx(COMMON + OWN, abs=0.05)
    assert tails == one_person_tails(vectors, people, [str(k) for k in range(len(people))])


def test_a_photo_and_its_copy_are_never_compared_as_one_person():
    vectors, people = _crowd(30, 2)
    apart = one_person_tails(vectors, people, [str(k) for k in range(60)])
    copied = one_person_tails(vectors.repeat(2, axis=0), [*map(str, np.repeat(people, 2))],
                              [str(k // 2) for k in range(120)])  # fmt: skip
    assert [tail.people for tail in apart] == [tail.people for tail in copied] == [30]
    assert copied[0].mean == pytest.approx(apart[0].mean, abs=1e-6)  # a copy would be 1
    assert one_person_tails(vectors, people, ["one"] * 60) == ()


def test_too_few_people_with_photos_enough_are_not_measured():
    vectors, people = _crowd(19, 2)
    assert one_person_tails(vectors, people, [str(k) for k in range(38)]) == ()
    with pytest.raises(ValueError, match="two photos or more"):
        fit_one_person(())


@given(st.floats(0.2, 0.9), st.floats(0.001, 0.1), st.integers(1, 5))
def test_grouping_reads_one_person_s_numbers_as_they_were_fitted(mean, variance, faces):
    read = float(OnePerson(mean, variance).least(float(faces), float(faces)))
    assert OnePersonFit(mean, variance).least(faces) == pytest.approx(read, abs=1e-9)
