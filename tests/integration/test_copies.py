"""Faces are cut out of their photos again, however these lie; what cannot be cut is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.catalog import photos as catalog
from facesort.catalog import places
from facesort.imaging.spoil import Spoilt
from facesort.jobs.benches.copies import cut_out, embed_copies
from tests.fakes import COLOURS, FakeModels, SilentProgress, jpeg, open_library, tagged

if TYPE_CHECKING:
    from pathlib import Path


def seen(library):
    faces = sorted(catalog.faces(library._db, min_face=0), key=lambda face: face.id)
    return faces, places.photos(library._db)


def as_it_is(crop, rng):
    return Spoilt(crop, 1.0)


def at_random(crop, rng):
    return Spoilt((crop * rng.random()).astype(np.uint8), 0.5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_crop_of_a_turned_photo_is_the_face(tmp_path: Path, orientation):
    photo = jpeg(tmp_path / "in" / "a.jpg", "anna")
    photo.write_bytes(tagged(photo.read_bytes(), orientation))
    with open_library(tmp_path / "library") as library:
        library.scan([tmp_path / "in"], group=False)
        (face,), photos = seen(library)
        cut = cut_out(face, photos[face.photo_id], 112, max_megapixels=100)
    assert cut is not None
    colour = np.array(COLOURS["anna"]) - 7
    assert np.abs(cut.crop[10:100, 10:100].mean(axis=(0, 1)) - colour).max() < 6
    assert cut.box.left <= cut.landmarks[:, 0].min() < cut.landmarks[:, 0].max() <= cut.box.right
    assert cut.box.top <= cut.landmarks[:, 1].min() < cut.landmarks[:, 1].max() <= cut.box.bottom


def test_copies_are_those_that_are_wanted_and_equal_whatever_else_is_asked_for(tmp_path):
    for number, name in enumerate(("anna", "bert", "cleo")):
        jpeg(tmp_path / "in" / f"{name}.jpg", name, number=number)
    models = FakeModels()
    recipes = (as_it_is, at_random, at_random)
    with open_library(tmp_path / "library", models) as library:
        library.scan([tmp_path / "in"], group=False)
        faces, photos = seen(library)
        looking, progress = library._looking, SilentProgress()
        one = embed_copies(looking, faces, photos, [[0, 2], [], [1]], recipes, progress)
        every = embed_copies(looking, faces, photos, [[0, 1, 2]] * 3, recipes, progress)
    assert [*zip(one.face, one.recipe, strict=True)] == [(0, 0), (0, 2), (2, 1)]
    assert len(every.face) == 9
    for face, recipe, vector, quality in zip(
        one.face, one.recipe, one.vectors, one.quality, strict=True
    ):
        (row,) = np.flatnonzero((every.face == face) & (every.recipe == recipe))
        np.testing.assert_array_equal(every.vectors[row], vector)
        assert every.quality[row] == quality


def test_faces_whose_photos_are_gone_or_broken_are_left_out(tmp_path):
    paths = [jpeg(tmp_path / "in" / f"{name}.jpg", name) for name in ("anna", "bert", "cleo")]
    with open_library(tmp_path / "library") as library:
        library.scan([tmp_path / "in"], group=False)
        faces, photos = seen(library)
        gone, broken, left = (
            next(face for face in faces if photos[face.photo_id].places[0].path == path)
            for path in paths
        )
        paths[0].unlink()
        paths[1].write_bytes(paths[1].read_bytes()[:200])
        made = embed_copies(
            library._looking, faces, photos, [[0]] * 3, (as_it_is,), SilentProgress()
        )
    assert [faces[row].id for row in made.face] == [left.id]
    assert {gone.id, broken.id, left.id} == {face.id for face in faces}


def test_nothing_wanted_is_nothing_made(tmp_path):
    jpeg(tmp_path / "in" / "a.jpg", "anna")
    with open_library(tmp_path / "library") as library:
        library.scan([tmp_path / "in"], group=False)
        faces, photos = seen(library)
        made = embed_copies(library._looking, faces, photos, [[]], (), SilentProgress())
    assert len(made.face) == len(made.recipe) == len(made.vectors) == len(made.quality) == 0
