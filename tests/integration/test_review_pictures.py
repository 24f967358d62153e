"""What a review shows: faces, and whole photos with their place in the burst."""

from __future__ import annotations

import numpy as np
import pytest

from facesort.domain import Face, FaceId
from tests.fakes import COLOURS


def faces(library):
    """Return a face of each photo, in the order of the photos."""
    found: dict[int, Face] = {}
    for face in library.situation().faces.values():
        found.setdefault(face.photo_id, face)
    return [found[photo] for photo in sorted(found)]


def date(library, taken: dict[int, str]) -> None:
    with library._db.transaction():
        for photo, moment in taken.items():
            library._db.execute("UPDATE photos SET taken_at = ? WHERE id = ?", (moment, photo))


@pytest.mark.parametrize("long_side", [80, 10_000])
def test_the_box_is_around_the_face_whatever_the_size_of_the_picture(library, long_side):
    pictures = library.pictures()
    for face in library.situation().faces.values():
        scene = pictures.scene(face.id, long_side)
        assert max(scene.image.shape) <= long_side
        box = scene.box
        middle = scene.image[round((box.top + box.bottom) / 2), round((box.left + box.right) / 2)]
        apart = [np.abs(middle.astype(int) - colour).max() for colour in COLOURS.values()]
        assert min(apart) < 60
        assert 0 <= box.left < box.right <= scene.image.shape[1]


def test_a_photo_knows_its_place_among_those_of_the_same_seconds(library):
    first, second, third, fourth, fifth = faces(library)
    date(
        library,
        {
            first.photo_id: "2024-05-01T10:00:09",
            second.photo_id: "2024-05-01T10:00:02",
            third.photo_id: "2024-05-01T10:00:09",
            fourth.photo_id: "2024-05-01T10:00:20",
            fifth.photo_id: "",
        },
    )
    pictures = library.pictures()
    placed = [
        (scene.place, scene.of)
        for face in (first, second, third, fourth, fifth)
        if (scene := pictures.scene(face.id, 50)) is not None
    ]
    assert placed == [(2, 3), (1, 3), (3, 3), (1, 1), (1, 1)]


def test_faces_are_cut_out_while_the_original_or_its_cut_is_there(library, album):
    pictures = library.pictures()
    face, other = (one.id for one in faces(library)[:2])
    cut = pictures.crop(face, 64)
    assert cut.shape == (64, 64, 3)
    for photo in album.photos.iterdir():
        photo.unlink()
    assert np.array_equal(library.pictures().crop(face, 64), library.pictures().crop(face, 64))
    assert pictures.crop(other, 64) is None
    gone = pictures.scene(face, 64)
    assert gone.image is None
    assert gone.box.width > 10


def test_a_face_that_is_not_there_has_no_picture(library):
    assert library.pictures().crop(FaceId("f000000000000"), 64) is None
    assert library.pictures().scene(FaceId("f000000000000"), 64) is None
