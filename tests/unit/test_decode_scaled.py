"""A photo decoded at a reduced size shows the same things at the same full-size places."""

from __future__ import annotations

import importlib.util
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from facesort.domain import Box
from facesort.errors import Unreadable
from facesort.imaging import jpeg
from facesort.imaging.decode import open_photo, peek
from facesort.imaging.geometry import to_upright
from facesort.imaging.reduce import ArrayRaster, PillowRaster

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT = 1237, 811  # odd, and no multiple of 8: the last block is cut
SQUARE = Box(437, 289, 641, 410)  # at least two of the coarsest pixels of 8
HAS_SIMPLEJPEG = importlib.util.find_spec("simplejpeg") is not None
REDUCTIONS = [1.0, 4 / 3, 8 / 5, 2.0, 8 / 3, 4.0, 8.0]
PILLOWS = {4 / 3: 1.0, 8 / 5: 1.0, 8 / 3: 2.0}  # the next that it has


def _squared(mode: str = "RGB") -> Image.Image:
    pixels = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    left, top, right, bottom = map(int, (SQUARE.left, SQUARE.top, SQUARE.right, SQUARE.bottom))
    pixels[top:bottom, left:right] = 255
    return Image.fromarray(pixels).convert(mode)


def _jpeg(image: Image.Image, orientation: int = 1, **options: object) -> bytes:
    written = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(written, "JPEG", exif=exif, quality=95, **options)
    return written.getvalue()


def _edges(light: NDArray[np.float64]) -> tuple[float, float]:
    """Where a line of light begins and ends, by how much of it lies before and behind its middle.

    Exact for any symmetric blur: the area under each edge does not change.
    """
    middle = int((light * np.arange(light.size)).sum() / light.sum())
    top = float(light.max())
    flat = float(np.median(light[light > top * 0.9]))
    return middle - light[:middle].sum() / flat, middle + light[middle:].sum() / flat


def _box_in(pixels: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """The white square's edges, in the picture's pixels."""
    grey = pixels[..., 1].astype(float)
    left, right = _edges(grey[int(grey.sum(axis=1).argmax())])
    top, bottom = _edges(grey[:, int(grey.sum(axis=0).argmax())])
    return left, top, right, bottom


@pytest.fixture(params=["simplejpeg", "Pillow"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of decoding a JPEG: where there is no wheel of the fast one, Pillow does it all."""
    if request.param == "Pillow":
        monkeypatch.setattr(jpeg, "simplejpeg", None)
    elif not HAS_SIMPLEJPEG:
        pytest.skip("simplejpeg is not installed")
    return str(request.param)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_square_lies_at_its_full_size_place_whatever_the_reduction(
    decoder: str, reduction: float, orientation: int
) -> None:
    data = _jpeg(_squared(), orientation, subsampling=0)
    wanted = int(WIDTH / reduction)
    photo = open_photo(data, name="a.jpg", max_megapixels=10, long_side=wanted)
    is_fast = decoder == "simplejpeg"
    assert isinstance(photo.raster, ArrayRaster if is_fast else PillowRaster)
    assert photo.reduction == (reduction if is_fast else PILLOWS.get(reduction, reduction))
    assert (photo.width, photo.height, photo.orientation) == (WIDTH, HEIGHT, orientation)
    truth = to_upright(SQUARE, WIDTH, HEIGHT, orientation)
    corners = (truth.left, truth.top, truth.right, truth.bottom)

    # Sampling between pixels shows a hard edge up to a quarter of one beside its place.
    sampled = max(0.5, 0.25 * photo.reduction)
    for picture, close in ((photo.scaled(10**6), 0.5), (photo.scaled(wanted * 2 // 3), sampled)):
        enlarge = photo.upright_size[0] / picture.shape[1], photo.upright_size[1] / picture.shape[0]
        found = np.array(_box_in(picture)) * [*enlarge, *enlarge]
        assert np.abs(found - corners).max() < close

    around = Box(truth.left - 101.4, truth.top - 77.2, truth.right + 63.5, truth.bottom + 90.9)
    for cut, close in (
        (photo.crop(around, 10**6), sampled + 0.5 * photo.reduction),
        (
            photo.crop(around, 60),
            5.0,
        ),  # a pixel is 6: half of one for the shorter side, and sampling
        (photo.patch(around, 10**6), 0.5),
        (photo.patch(around, 60), 5.0),
    ):
        corner = [cut.left, cut.top, cut.left, cut.top]
        found = np.array(_box_in(cut.pixels)) / cut.scale + corner
        assert np.abs(found - corners).max() < close


@settings(max_examples=60)
@given(
    width=st.integers(1, 900),
    height=st.integers(1, 900),
    long_side=st.integers(1, 1000),
    progressive=st.booleans(),
    orientation=st.integers(1, 8),
)
@example(width=1, height=425, long_side=54, progressive=False, orientation=1)
def test_a_reduced_photo_has_the_pixels_that_were_asked_for(
    width: int, height: int, long_side: int, progressive: bool, orientation: int
) -> None:
    data = _jpeg(Image.new("RGB", (width, height)), orientation, progressive=progressive)
    photo = open_photo(data, name="a.jpg", max_megapixels=10, long_side=long_side)
    assert (photo.width, photo.height) == (width, height)
    assert max(photo.raster.size) >= min(long_side, max(width, height))
    picture = photo.scaled(long_side)
    assert max(picture.shape[:2]) == min(long_side, max(width, height))
    up_width, up_height = photo.upright_size
    assert photo.crop(Box(0, 0, up_width, up_height), long_side).scale <= 1 / photo.reduction
    header = peek(data, name="a.jpg", max_megapixels=10)
    assert (header.width, header.height) == (width, height)
    assert header.decoded_bytes_at(long_side) <= header.decoded_bytes_at(None)
    size = photo.raster.size
    assert header.decoded_bytes_at(long_side) >= 3 * size[0] * size[1]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("long_side", [None, 700, 300, 150])
def test_a_reduced_photo_shows_what_the_whole_one_shows(mode: str, long_side: int | None) -> None:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [np.sin(x / 53 + i) * np.sin(y / 41 - i) * 100 + 128 for i in range(3)]
    image = Image.fromarray(np.stack(waves, axis=2).astype(np.uint8)).convert(mode)
    data = _jpeg(image)
    whole = open_photo(data, name="a.jpg", max_megapixels=10).scaled(140)
    reduced = open_photo(data, name="a.jpg", max_megapixels=10, long_side=long_side).scaled(140)
    assert np.abs(whole.astype(int) - reduced).mean() < 1.5


def test_both_decoders_give_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    if not HAS_SIMPLEJPEG:
        pytest.skip("simplejpeg is not installed")
    noise = np.random.default_rng(0).integers(0, 256, (301, 403, 3), dtype=np.uint8)
    for mode in ("RGB", "L"):
        for options in ({}, {"progressive": True}, {"subsampling": 0}):
            data = _jpeg(Image.fromarray(noise).convert(mode), **options)
            for long_side in (None, 201, 100, 50):
                fast = open_photo(data, name="a", max_megapixels=1, long_side=long_side)
                with monkeypatch.context() as without:
                    without.setattr(jpeg, "simplejpeg", None)
                    slow = open_photo(data, name="a", max_megapixels=1, long_side=long_side)
                assert isinstance(fast.raster, ArrayRaster)
                assert fast.reduction == slow.reduction
                np.testing.assert_array_equal(fast.scaled(10**6), slow.scaled(10**6))


@pytest.mark.parametrize("long_side", [None, 300])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_off_file_fails_at_any_size(
    decoder: str, long_side: int | None, share: float
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 700, 3), dtype=np.uint8)
    data = _jpeg(Image.fromarray(noise))
    with pytest.raises(Unreadable, match="the file ends early"):
        open_photo(
            data[: int(len(data) * share)], name="a.jpg", max_megapixels=1, long_side=long_side
        )


def test_a_file_with_a_flaw_that_pillow_forgives_is_read() -> None:
    """Bytes between segments make the strict decoder complain; every viewer shows the photo."""
    data = _jpeg(_squared())
    at = data.index(b"\xff\xdb")
    odd = data[:at] + b"\0\0\0" + data[at:]
    photo = open_photo(odd, name="a.jpg", max_megapixels=10, long_side=300)
    assert isinstance(photo.raster, PillowRaster)
    assert photo.reduction == 4.0
    np.testing.assert_array_equal(
        photo.scaled(300),
        open_photo(data, name="a.jpg", max_megapixels=10, long_side=300).scaled(300),
    )


def test_progressive_coefficients_count_at_any_size() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (800, 1200, 3), dtype=np.uint8)
    plain, progressive = (_jpeg(Image.fromarray(noise), progressive=p) for p in (False, True))
    headers = [peek(data, name="a", max_megapixels=10) for data in (plain, progressive)]
    samples = 1200 * 800 * 1.5  # colour at half the size either way
    for long_side in (None, 600, 150):
        low, high = (header.decoded_bytes_at(long_side) for header in headers)
        assert high - low == pytest.approx(2 * samples)
    assert headers[0].decoded_bytes_at(150) < headers[0].decoded_bytes_at(None) / 50


def test_a_scan_for_each_component_counts_like_a_progressive_one() -> None:
    frame = bytes.fromhex("ffc0 0011 08 0010 0010 03 012200 021101 031101")
    one_scan = bytes.fromhex("ffda 000c 03 0100 0211 0311 003f00")
    first_of_three = bytes.fromhex("ffda 0008 01 0100 003f00")
    start = b"\xff\xd8\xff\xe0\x00\x04ab"
    assert not jpeg.keeps_coefficients(start + frame + one_scan)
    assert jpeg.keeps_coefficients(start + frame + first_of_three)
    assert jpeg.keeps_coefficients(start + frame.replace(b"\xff\xc0", b"\xff\xc2") + one_scan)


@given(st.binary(max_size=60))
def test_any_bytes_may_be_asked_about_their_coefficients(data: bytes) -> None:
    assert jpeg.keeps_coefficients(b"\xff\xd8\xff" + data) in {True, False}


def test_other_formats_are_decoded_in_full() -> None:
    for kind in ("PNG", "WEBP", "TIFF"):
        written = BytesIO()
        _squared().save(written, kind)
        photo = open_photo(written.getvalue(), name="a", max_megapixels=10, long_side=100)
        assert (photo.reduction, photo.raster.size) == (1.0, (WIDTH, HEIGHT))


def test_nothing_is_copied_where_nothing_is_to_be_changed() -> None:
    if not HAS_SIMPLEJPEG:
        pytest.skip("simplejpeg is not installed")
    photo = open_photo(_jpeg(_squared()), name="a", max_megapixels=10)
    assert isinstance(photo.raster, ArrayRaster)
    picture = photo.scaled(10**6)
    assert np.shares_memory(picture, photo.raster.pixels)
    with pytest.raises(ValueError, match="read-only"):
        picture[0, 0] = 1
