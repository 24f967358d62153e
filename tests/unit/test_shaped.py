from __future__ import annotations

import numpy as np
import pytest

from tests.shaped import SHAPED_CALIBRATION, shaped_faces


@pytest.fixture(scope="module")
def faces():
    return shaped_faces(6000, seed=3)


def test_synthetic_faces_have_the_measured_similarities(faces):
    rows = np.flatnonzero(faces.quality > 0.3)[:3000]
    cosines = faces.vectors[rows] @ faces.vectors[rows].T
    same = faces.person[rows][:, None] == faces.person[rows]
    upper = np.triu(np.ones_like(same), k=1)
    genuine, impostor = cosines[same & upper], cosines[~same & upper]
    assert genuine.mean() == pytest.approx(0.70, abs=0.02)
    assert genuine.std() == pytest.approx(0.08, abs=0.015)
    assert impostor.mean() == pytest.approx(0.09, abs=0.01)
    assert impostor.std() == pytest.approx(0.09, abs=0.01)


def test_the_calibration_is_that_of_the_synthetic_faces(faces):
    good = faces.quality > 0.3
    people, sizes = np.unique(faces.person[good], return_counts=True)
    many = people[sizes >= 8]
    means = np.stack([faces.vectors[good & (faces.person == who)][:8].mean(axis=0) for who in many])
    cosines = (means @ means.T)[np.triu_indices(len(many), k=1)]
    calibration = SHAPED_CALIBRATION
    predicted = calibration.person_variance + calibration.face_variance / 8
    assert cosines.std() == pytest.approx(np.sqrt(predicted), rel=0.05)


def test_vectors_have_length_one_and_nobody_is_on_a_photo_twice(faces):
    np.testing.assert_allclose(np.linalg.norm(faces.vectors, axis=1), 1, atol=1e-5)
    assert (np.diff(faces.photo) >= 0).all()
    pairs = np.stack([faces.photo, faces.person], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    assert np.unique(faces.photo, return_counts=True)[1].max() > 1


def test_few_people_have_many_faces_and_many_have_one(faces):
    sizes = np.sort(np.unique(faces.person, return_counts=True)[1])[::-1]
    assert (sizes == 1).mean() > 0.4
    assert sizes[: len(sizes) // 20].sum() > 0.4 * len(faces.person)


def test_equal_seeds_give_equal_faces():
    np.testing.assert_array_equal(shaped_faces(200).vectors, shaped_faces(200).vectors)
    assert (shaped_faces(200).vectors != shaped_faces(200, seed=2).vectors).any()


def test_no_faces_are_no_special_case():
    assert shaped_faces(0).vectors.shape == (0, 128)
