"""What a training draws: from the right people, other photos than it should predict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.training.data import FaceViews, Sets, is_for_training
from tests.benchmarks.labelled import is_even

COPIES, SPOILT, DIMENSION = 2, 3, 16


def views(photos: list[int], seed: int = 0) -> FaceViews:
    """Return people with so many photos each: the first number of a vector tells whose it is."""
    rng = np.random.default_rng(seed)
    people = [f"p{person}" for person, count in enumerate(photos) for _ in range(count)]
    shape = (len(people), 1 + COPIES + SPOILT, DIMENSION)
    vectors = rng.standard_normal(shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return FaceViews(vectors, rng.random(shape[:2]).astype(np.float32), COPIES, people)


@given(photos=st.lists(st.integers(1, 30), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_every_set_is_of_one_person_and_its_centre_of_their_other_photos(photos, seed):
    faces = views(photos)
    if max(photos) < 2:
        with pytest.raises(ValueError, match="nobody has two photos"):
            Sets(faces)
        return
    sets = Sets(faces)
    batch = sets.draw(8, np.random.default_rng(seed))
    owners = [name for name in dict.fromkeys(faces.people) if faces.people.count(name) > 1]
    assert sets.people == len(owners)
    for i in range(8):
        rows = set()
        for vector in batch.vectors[i][batch.present[i]]:
            same = np.abs(faces.vectors - vector).max(axis=2) == 0
            ((row, _),) = np.argwhere(same)
            rows.add(int(row))
        person = sorted(owners)[batch.person[i]]
        assert {faces.people[row] for row in rows} == {person}
        others = [r for r, name in enumerate(faces.people) if name == person and r not in rows]
        weights = faces.quality[others, 0] + 1e-3
        centre = weights @ faces.vectors[others, 0]
        np.testing.assert_allclose(batch.centres[i], centre / np.linalg.norm(centre), atol=1e-4)
        assert 1 <= batch.present[i].sum() <= 20


def test_equal_seeds_draw_equal_sets_and_others_do_not():
    sets = Sets(views([5, 9]))
    first, again, other = (sets.draw(4, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first.vectors == again.vectors).all()
    assert (first.vectors.shape, first.vectors.sum()) != (other.vectors.shape, other.vectors.sum())


def test_a_copy_that_is_not_there_is_never_drawn():
    faces = views([6])
    vectors = faces.vectors.copy()
    vectors[:, 1:] = 0  # the originals are gone: no copy could be made
    batch = Sets(FaceViews(vectors, faces.quality, COPIES, faces.people)).draw(
        32, np.random.default_rng(0)
    )
    lengths = np.linalg.norm(batch.vectors[batch.present], axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)


def test_the_halves_are_those_of_the_calibrations():
    names = [f"person {number}" for number in range(300)]
    assert [is_for_training(name) for name in names] == [is_even(name) for name in names]
    assert 100 < sum(map(is_for_training, names)) < 200


def test_the_fingerprint_follows_everything_that_is_learned_from():
    faces = views([3, 4])
    other_quality = FaceViews(faces.vectors, faces.quality * 0.5, COPIES, faces.people)
    other_people = FaceViews(faces.vectors, faces.quality, COPIES, [*faces.people[1:], "p9"])
    prints = {each.fingerprint() for each in (faces, other_quality, other_people)}
    assert len(prints) == 3
    assert views([3, 4]).fingerprint() in prints
