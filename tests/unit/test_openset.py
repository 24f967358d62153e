"""Who a face is among known people or none: how close it must be, and by how much ahead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.grouping import openset
from facesort.grouping.calibration import Calibration
from facesort.grouping.openset import Finding, Gallery, OpenSetRule, match
from tests.weights import card

CALIBRATION = Calibration.from_card(card("sface").calibration)
RULE = OpenSetRule(CALIBRATION)


def _gallery(people: int, *, sizes: int = 3, d: int = 64, faces: int = 5) -> Gallery:
    """People at right angles, so that a probe's cosines are what it is made of."""
    return Gallery(
        np.eye(d, dtype=np.float32)[:people],
        np.ones(people, np.float32),
        np.full(people, sizes, dtype=np.int64),
        np.full(people, 0.7, np.float32),
        np.full(people, faces, dtype=np.int64),
    )


def _probe(*cosines: float, d: int = 64):
    vector = np.zeros((1, d), np.float32)
    vector[0, : len(cosines)] = cosines
    vector[0, -1] = max(0.0, 1 - float((vector**2).sum())) ** 0.5
    return vector


def _find(gallery, *cosines, rule=RULE):
    return match(_probe(*cosines), np.array([0.7], np.float32), gallery, rule)


def test_a_face_close_to_one_person_is_that_person():
    found = _find(_gallery(10), 0.1, 0.8)
    assert found.findings == (Finding.KNOWN,)
    assert found.nearest[0].tolist() == [1, 0]
    assert found.cosine[0] == pytest.approx([0.8, 0.1], abs=1e-6)
    assert found.probability[0, 0] > 0.99


def test_a_face_close_to_nobody_is_unknown():
    found = _find(_gallery(10), 0.2, 0.1)
    assert found.findings == (Finding.UNKNOWN,)
    assert found.probability[0, 0] < 0.5


def test_a_face_as_close_to_two_people_is_ambiguous_until_one_leads_by_more_than_noise():
    gallery = _gallery(10)
    size = np.array([3])
    margin = float(RULE.margin(size, size)[0])
    assert _find(gallery, 0.6, 0.6 - 0.9 * margin).findings == (Finding.AMBIGUOUS,)
    assert _find(gallery, 0.6, 0.6 - 1.1 * margin).findings == (Finding.KNOWN,)


def test_people_of_few_photos_must_lead_by_more():
    few, many = np.array([1]), np.array([5])
    assert RULE.margin(few, few)[0] > RULE.margin(many, few)[0] > RULE.margin(many, many)[0] > 0


@given(st.integers(1, 10**6), st.integers(1, 10**6))
@settings(max_examples=60)
def test_more_people_ask_for_a_closer_face(one, other):
    size = np.array([2])
    fewer, more = sorted((one, other))
    assert RULE.needed(fewer, size)[0] <= RULE.needed(more, size)[0]


@pytest.mark.parametrize("people", [1000, 100_000])
@pytest.mark.parametrize("wrong", [1.0, 10.0])
def test_as_many_strangers_are_taken_for_somebody_as_was_asked_for(people, wrong):
    rule = OpenSetRule(CALIBRATION, wrong)
    needed = float(rule.needed(people, np.array([1]))[0])
    assert 1000 * people * CALIBRATION.false_match_rate(needed) == pytest.approx(wrong, rel=1e-3)


def test_simulated_strangers_are_taken_for_somebody_as_rarely_as_promised():
    # A stranger's mean cosines to 400 people of one photo each, drawn from the calibration.
    rng = np.random.default_rng(4)
    sd = (CALIBRATION.person_variance + CALIBRATION.face_variance) ** 0.5
    highest = CALIBRATION.impostor_mean + sd * rng.standard_normal((20_000, 400)).max(axis=1)
    needed = OpenSetRule(CALIBRATION, 20.0).needed(400, np.array([1]))[0]
    assert 1000 * (highest >= needed).mean() == pytest.approx(20.0, rel=0.25)


def test_a_fixed_cosine_needs_no_calibration():
    rule = OpenSetRule(None, min_cosine=0.5)
    found = _find(_gallery(3), 0.51, rule=rule)
    assert found.findings == (Finding.KNOWN,)
    assert np.isnan(found.probability[0, 0])
    assert _find(_gallery(3), 0.49, rule=rule).findings == (Finding.UNKNOWN,)


def test_in_a_library_of_nobody_everybody_is_unknown():
    found = match(_probe(0.5), np.ones(1, np.float32), _gallery(0), RULE)
    assert found.findings == (Finding.UNKNOWN,)
    assert found.nearest.tolist() == [[-1, -1]]


def test_a_single_person_has_nobody_to_lead():
    found = _find(_gallery(1), 0.7)
    assert found.findings == (Finding.KNOWN,)
    assert found.nearest.tolist() == [[0, -1]]
    assert found.cosine[0, 1] == -np.inf


def test_the_person_on_more_photos_is_the_likelier_one():
    gallery = _gallery(2)
    gallery.faces[:] = (500, 1)
    found = _find(gallery, 0.5, 0.5)
    assert found.nearest[0].tolist() == [0, 1]
    assert found.probability[0, 0] > 50 * found.probability[0, 1]


def test_probabilities_of_all_people_and_of_nobody_add_up_to_one_at_most():
    rng = np.random.default_rng(0)
    probes = rng.standard_normal((50, 64)).astype(np.float32)
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    found = match(probes, np.full(50, 0.5, np.float32), _gallery(40), RULE)
    assert (found.probability.sum(axis=1) < 1).all()
    assert (found.probability[:, 0] >= found.probability[:, 1]).all()


def test_a_loose_person_s_mean_cosine_is_lower_than_that_to_the_descriptor():
    gallery = _gallery(2)
    gallery.cohesion[0] = 0.5
    found = _find(gallery, 0.8, 0.45)
    assert found.nearest[0].tolist() == [1, 0]
    assert found.cosine[0] == pytest.approx([0.45, 0.4], abs=1e-6)


def test_many_faces_at_once_get_what_each_gets_alone(monkeypatch):
    rng = np.random.default_rng(1)
    probes = rng.standard_normal((30, 64)).astype(np.float32)
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    quality = rng.uniform(0.2, 1, 30).astype(np.float32)
    whole = match(probes, quality, _gallery(20), RULE)
    monkeypatch.setattr(openset, "_BLOCK_COSINES", 40)  # two probes a block
    blocks = match(probes, quality, _gallery(20), RULE)
    assert (whole.nearest == blocks.nearest).all()
    assert whole.cosine == pytest.approx(blocks.cosine, abs=1e-6)
    assert whole.probability == pytest.approx(blocks.probability, rel=1e-4)
    assert whole.findings == blocks.findings


# -- people of several looks -----------------------------------------------------------------------


def _of_looks(*looks: int, d: int = 64, sizes: int = 3) -> Gallery:
    """People who have so many looks, all of them at right angles."""
    rows = sum(looks)
    return Gallery(
        np.eye(d, dtype=np.float32)[:rows],
        np.ones(rows, np.float32),
        np.full(rows, sizes, dtype=np.int64),
        np.full(rows, 0.7, np.float32),
        np.full(len(looks), 5, dtype=np.int64),
        np.array(looks, dtype=np.int64),
    )


def test_the_nearest_look_of_a_person_counts():
    gallery = _of_looks(1, 2, 1)
    assert gallery.people == 3
    found = _find(gallery, 0.1, 0.0, 0.8, 0.2)
    assert found.findings == (Finding.KNOWN,)
    assert found.nearest[0].tolist() == [1, 2]
    assert found.looks[0].tolist() == [2, 3]
    assert found.cosine[0] == pytest.approx([0.8, 0.2], abs=1e-6)


def test_two_looks_of_one_person_are_nothing_to_doubt():
    gallery = _of_looks(2, 1)
    assert _find(gallery, 0.6, 0.6).findings == (Finding.KNOWN,)
    assert _find(gallery, 0.6, 0.0, 0.6).findings == (Finding.AMBIGUOUS,)


def test_every_look_is_one_more_that_a_stranger_may_meet():
    gallery = _of_looks(1, 3)
    size = np.array([3])
    needed = float(RULE.needed(4, size)[0])
    assert _find(gallery, needed + 0.01).findings == (Finding.KNOWN,)
    assert _find(gallery, needed - 0.01).findings == (Finding.UNKNOWN,)
    assert float(RULE.needed(2, size)[0]) < needed - 0.01


def test_several_looks_make_nobody_likelier_that_is_like_none_of_them():
    alone = _find(_of_looks(1, 1), 0.0, 0.6)
    looks = _find(_of_looks(3, 1), 0.0, 0.0, 0.0, 0.6)
    assert looks.nearest[0, 0] == 1
    assert looks.probability[0, 0] == pytest.approx(alone.probability[0, 0], abs=1e-6)


def test_with_one_look_each_looks_change_nothing():
    one = _find(_gallery(5), 0.5, 0.3)
    other = _find(_of_looks(1, 1, 1, 1, 1), 0.5, 0.3)
    assert one.nearest.tolist() == one.looks.tolist() == other.nearest.tolist()
    assert one.probability == pytest.approx(other.probability)
    assert one.findings == other.findings
