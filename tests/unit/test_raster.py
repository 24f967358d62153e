"""Pictures made from a photo do not depend on how it lies in the file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facesort.domain import Box
from facesort.imaging import reduce
from facesort.imaging.colour import Colours
from facesort.imaging.decode import OpenPhoto, open_photo
from facesort.imaging.reduce import ArrayRaster, PillowRaster

if TYPE_CHECKING:
    from numpy.typing import NDArray

AGAINST = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
MODES = ["RGB", "L", "RGBA", "P"]


def _noise(width: int, height: int, mode: str) -> Image.Image:
    rng = np.random.default_rng(width * 1000 + height)
    pixels = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    return picture if mode == "RGBA" else picture.convert("RGB").convert(mode)


def _photo(upright: Image.Image, orientation: int) -> OpenPhoto:
    turn = AGAINST[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    written = io.BytesIO()
    (upright if turn is None else upright.transpose(turn)).save(written, "PNG", exif=exif)
    return open_photo(written.getvalue(), name="x.png", max_megapixels=1)


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    mode=st.sampled_from(MODES),
    orientation=st.integers(2, 8),
    long_side=st.integers(1, 90),
)
def test_a_shrunken_photo_is_the_same_in_every_orientation(
    width, height, mode, orientation, long_side
):
    upright = _noise(width, height, mode)
    wanted = _photo(upright, 1).scaled(long_side)
    assert np.array_equal(_photo(upright, orientation).scaled(long_side), wanted)


@given(data=st.data(), orientation=st.integers(2, 8), max_side=st.integers(1, 60))
def test_a_crop_is_the_same_in_every_orientation(data, orientation, max_side):
    width, height = 71, 53
    left, right = sorted(data.draw(st.lists(st.integers(-9, 80), min_size=2, max_size=2)))
    top, bottom = sorted(data.draw(st.lists(st.integers(-9, 62), min_size=2, max_size=2)))
    box = Box(left, top, right + 0.5, bottom + 0.5)
    upright = _noise(width, height, "RGB")
    wanted = _photo(upright, 1).crop(box, max_side)
    got = _photo(upright, orientation).crop(box, max_side)
    assert (got.left, got.top, got.scale) == (wanted.left, wanted.top, wanted.scale)
    assert np.array_equal(got.pixels, wanted.pixels)


@pytest.mark.parametrize("orientation", list(AGAINST))
def test_working_in_strips_changes_nothing(orientation, monkeypatch):
    upright = _noise(87, 64, "RGB")

    def made() -> NDArray[np.uint8]:
        pixels: NDArray[np.uint8] = _photo(upright, orientation).scaled(20)
        return pixels

    whole = made()
    monkeypatch.setattr(reduce, "_PIECE_PIXELS", 500)
    assert np.array_equal(made(), whole)


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    mode=st.sampled_from(["RGB", "L"]),
    turn=st.integers(1, 8),
    factor=st.integers(1, 13),
)
def test_arrays_are_averaged_like_pictures_and_alike_in_every_orientation(
    width, height, mode, turn, factor
):
    upright = _noise(width, height, mode)
    against = AGAINST[turn]
    lying = upright if against is None else upright.transpose(against)
    pixels, got_mode = ArrayRaster(np.asarray(lying)).reduced((0, 0, *lying.size), factor, turn)
    wanted, _ = ArrayRaster(np.asarray(upright)).reduced((0, 0, width, height), factor, 1)
    assert got_mode == mode
    assert np.array_equal(pixels, wanted)
    picture = PillowRaster(lying, Colours.of(lying))
    assert picture.size == ArrayRaster(np.asarray(lying)).size
    reduced, _ = picture.reduced((0, 0, *lying.size), factor, turn)
    assert reduced.shape == pixels.shape
    assert np.abs(reduced.astype(int) - pixels).max() <= 2  # rounded at each halving
