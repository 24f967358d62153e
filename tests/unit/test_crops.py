"""Pictures of faces, cut from originals that are decoded no larger than they need be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesort.domain import Anchor, Box, Face, FaceId, Photo, PhotoId, Place, PlaceState
from facesort.imaging import crops
from facesort.imaging.crops import PhotoCrops
from facesort.imaging.decode import open_photo


def _face(box: Box) -> Face:
    return Face(
        FaceId("f1"),
        PhotoId(1),
        Anchor("k", Box(0, 0, 1, 1)),
        box,
        np.zeros((5, 2), np.float32),
        1.0,
        1.0,
    )


@pytest.mark.parametrize("side", [30, 90, 400])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_face_looks_the_same_cut_from_a_smaller_decoded_photo(
    side: int, orientation: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    y, x = np.mgrid[0:900, 0:1400]
    waves = [np.sin(x / (40 + i)) * np.sin(y / (30 - i)) * 100 + 128 for i in range(3)]
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.stack(waves, axis=2).astype(np.uint8)).save(path, exif=exif, quality=95)
    place = Place(path, 1, 1, orientation, PlaceState.PRESENT)
    photos = {PhotoId(1): Photo(PhotoId(1), "k", 1400, 900, "", "", (place,))}
    face = _face(Box(300, 200, 300 + side, 200 + side))

    def cut(cache: str) -> np.ndarray:
        maker = PhotoCrops(photos, tmp_path / cache, max_megapixels=10)
        picture = maker.crop(face, 48)
        assert picture is not None
        return picture.astype(float)

    reductions = []

    def watched(*args: object, **options: object) -> object:
        photo = open_photo(*args, **options)  # type: ignore[arg-type]  # as they came
        reductions.append(photo.reduction)
        return photo

    monkeypatch.setattr(crops, "open_photo", watched)
    small = cut("small")
    monkeypatch.setattr(crops, "_long_side", lambda *_: 10**6)
    whole = cut("whole")
    assert np.abs(small - whole).mean() < 3
    assert reductions[1] == 1.0
    assert (reductions[0] > 1) == (side > 96 / 1.6)
