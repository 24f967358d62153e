"""Decoding: upright exactly once, every mode in its true tones, and nothing but PhotoError."""

from __future__ import annotations

import math
import os
import struct
import subprocess
import sys
import threading
import tracemalloc
import warnings
import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from facesort.domain import Box
from facesort.errors import PhotoError, TooLarge, Unreadable, Unsupported
from facesort.imaging.decode import OpenPhoto, open_photo, quiet_pillow, read_file
from facesort.imaging.geometry import to_raster, to_upright
from facesort.imaging.header import Header, check_memory, check_pixels
from facesort.imaging.pillow import reporting

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[np.uint8]

TURNS: dict[int, Callable[[Array], Array]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


def noise(width: int = 48, height: int = 32, channels: int = 3, seed: int = 0) -> Array:
    shape = (height, width, channels)[: 3 if channels > 1 else 2]
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encode(image: Image.Image | Array, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    if kind == "WEBP":
        options.setdefault("lossless", True)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(**tags: object) -> bytes:
    block = Image.Exif()
    for name, value in tags.items():
        if name in {"original", "digitized"}:
            block.get_ifd(0x8769)[0x9003 if name == "original" else 0x9004] = value
        else:
            block[{"orientation": 0x0112, "model": 0x0110, "changed": 0x0132}[name]] = value
    return block.tobytes()


def opened(data: bytes, max_megapixels: float = 300) -> OpenPhoto:
    return open_photo(data, name="a.jpg", max_megapixels=max_megapixels)


def whole(data: bytes) -> Array:
    return opened(data).scaled(10**6)


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + payload))
    return struct.pack(">I", len(payload)) + kind + payload + checksum


def png(width: int, height: int, *chunks: bytes, colour: int = 2) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + b"".join(chunks)


# --- orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "TIFF (compressed)", "AVIF"])
def test_pixels_come_out_upright_exactly_once(kind: str, orientation: int) -> None:
    options: dict[str, object] = {"compression": "tiff_lzw"} if "compressed" in kind else {}
    kind = kind.split(maxsplit=1)[0]
    pixels = noise()
    raster = whole(encode(pixels, kind, **options))
    data = encode(pixels, kind, exif=exif(orientation=orientation), **options)
    photo = opened(data)
    assert (photo.width, photo.height, photo.orientation) == (48, 32, orientation)
    upright = photo.scaled(10**6)
    assert photo.upright_size == (upright.shape[1], upright.shape[0])
    np.testing.assert_array_equal(upright, TURNS[orientation](raster))
    assert upright.dtype == np.uint8
    assert upright.flags.c_contiguous


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "TIFF (compressed)"])
def test_an_orientation_that_only_xmp_knows_counts(kind: str) -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    pixels = noise()
    options: dict[str, object] = {"compression": "tiff_lzw"} if "compressed" in kind else {}
    kind = kind.split(maxsplit=1)[0]
    raster = whole(encode(pixels, kind, **options))
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options["pnginfo"] = text
    elif kind == "TIFF":
        options["tiffinfo"] = {700: xmp}
    else:
        options["xmp"] = xmp
    photo = opened(encode(pixels, kind, **options))
    assert (photo.width, photo.height, photo.orientation) == (48, 32, 6)
    np.testing.assert_array_equal(photo.scaled(10**6), TURNS[6](raster))


@pytest.mark.parametrize("nonsense", [0, 9, 65535])
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_a_nonsense_orientation_means_upright(kind: str, nonsense: int) -> None:
    photo = opened(encode(noise(), kind, exif=exif(orientation=nonsense)))
    assert (photo.orientation, photo.upright_size) == (1, (48, 32))


def test_a_box_of_the_raster_lies_over_the_same_pixels_upright() -> None:
    """What makes it safe to store boxes in raster pixels and to turn them on output."""
    pixels = noise()
    for orientation in range(1, 9):
        for kind in ("PNG", "TIFF"):
            photo = opened(encode(pixels, kind, exif=exif(orientation=orientation)))
            stored = Box(5, 3, 20, 17)
            shown = to_upright(stored, photo.width, photo.height, photo.orientation)
            assert to_raster(shown, photo.width, photo.height, photo.orientation) == stored
            cut = photo.crop(shown, 10**6).pixels
            np.testing.assert_array_equal(cut, TURNS[orientation](pixels[3:17, 5:20]))


# --- cutting and scaling

COORDINATE = st.floats(-20, 70, allow_nan=False)


@given(
    orientation=st.integers(1, 8),
    kind=st.sampled_from(("PNG", "TIFF")),
    corners=st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE),
)
def test_a_crop_is_the_same_region_of_the_whole_picture(
    orientation: int, kind: str, corners: tuple[float, float, float, float]
) -> None:
    left, right = sorted(corners[:2])
    top, bottom = sorted(corners[2:])
    photo = opened(encode(noise(), kind, exif=exif(orientation=orientation)))
    cut = photo.crop(Box(left, top, right, bottom), 10**6)
    height, width = cut.pixels.shape[:2]
    picture = photo.scaled(10**6)
    np.testing.assert_array_equal(
        cut.pixels, picture[cut.top : cut.top + height, cut.left : cut.left + width]
    )
    assert cut.scale == 1.0
    # All of the box that lies in the picture is there, and less than a pixel more on each side.
    up_width, up_height = photo.upright_size
    assert cut.left <= max(left, 0)
    assert cut.top <= max(top, 0)
    assert cut.left + width >= min(right, up_width)
    assert cut.top + height >= min(bottom, up_height)
    assert width <= math.ceil(right) - math.floor(left) or width == 1
    assert height <= math.ceil(bottom) - math.floor(top) or height == 1


@given(
    orientation=st.integers(1, 8),
    width=st.integers(1, 60),
    height=st.integers(1, 60),
    long_side=st.integers(1, 80),
)
def test_scaling_keeps_the_shape_and_never_enlarges(
    orientation: int, width: int, height: int, long_side: int
) -> None:
    photo = opened(encode(noise(width, height), "PNG", exif=exif(orientation=orientation)))
    got_height, got_width = photo.scaled(long_side).shape[:2]
    up_width, up_height = photo.upright_size
    scale = min(1.0, long_side / max(width, height))
    assert max(got_width, got_height) == min(long_side, max(width, height))
    assert abs(got_width - up_width * scale) <= 1
    assert abs(got_height - up_height * scale) <= 1


def test_scaling_averages_areas() -> None:
    """Every pixel counts the same: picking some of them would turn hair into stripes."""
    pixels = noise(400, 300)
    small = whole_scaled = opened(encode(pixels, "PNG")).scaled(100)
    blocks = pixels.reshape(75, 4, 100, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - blocks).max() <= 1
    uneven = opened(encode(pixels, "PNG")).scaled(91)
    assert abs(uneven.mean() - pixels.mean()) < 1
    assert uneven.std() < whole_scaled.std() * 1.2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("max_side", [37, 64, 100])
def test_a_reduced_crop_maps_points_by_its_scale(orientation: int, max_side: int) -> None:
    pixels = np.zeros((300, 400, 3), dtype=np.uint8)
    pixels[100:130, 200:240] = 255  # centre of mass at (220, 115)
    photo = opened(encode(pixels, "PNG", exif=exif(orientation=orientation)))
    spot = to_upright(Box(200, 100, 240, 130), 400, 300, orientation)
    cut = photo.crop(
        Box(spot.left - 60.3, spot.top - 51.6, spot.right + 33.2, spot.bottom + 70.1), max_side
    )
    assert max(cut.pixels.shape[:2]) == max_side
    weight = cut.pixels[..., 0].astype(float)
    y, x = (np.indices(weight.shape) + 0.5) * weight
    middle_x = ((spot.left + spot.right) / 2 - cut.left) * cut.scale
    middle_y = ((spot.top + spot.bottom) / 2 - cut.top) * cut.scale
    assert x.sum() / weight.sum() == pytest.approx(middle_x, abs=0.51)
    assert y.sum() / weight.sum() == pytest.approx(middle_y, abs=0.51)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "CMYK"])
def test_working_in_pieces_changes_nothing(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(noise(200, 150)).convert(mode)
    data = encode(image, "TIFF")
    sizes = (10**6, 100, 61, 33)
    expected = [opened(data).scaled(size) for size in sizes]
    monkeypatch.setattr("facesort.imaging.reduce._PIECE_PIXELS", 1000)
    for size, pixels in zip(sizes, expected, strict=True):
        np.testing.assert_array_equal(opened(data).scaled(size), pixels)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")
def test_a_large_picture_costs_one_raster_and_small_pieces() -> None:
    # So large that what does not grow with the picture (libraries, pools of threads) hardly counts:
    # it is 30 MB here, and another 30 MB on other machines.
    image = Image.new("RGBA", (12_000, 8000), (10, 20, 30, 128))
    data = encode(image, "PNG", icc_profile=swapped_profile())
    del image
    # In a process of its own, and not by getrusage: a child inherits its parent's peak.
    script = (
        "import re, sys; from pathlib import Path\n"
        "from facesort.imaging.decode import open_photo\n"
        "def peak():\n"
        "    status = Path('/proc/self/status').read_text()\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) * 1024\n"
        "data = sys.stdin.buffer.read(); before = peak()\n"
        "photo = open_photo(data, name='a', max_megapixels=300)\n"
        "photo.scaled(1280); print((peak() - before) / (12_000 * 8000))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], input=data, capture_output=True, check=True, cwd=Path.cwd()
    )
    # 4 bytes a pixel for the raster; converting it whole would take at least 8.
    assert 3 < float(result.stdout) < 6.5


# --- modes and colours


def test_a_16_bit_ramp_keeps_its_ramp() -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (8, 1))
    expected = np.arange(256)
    for kind in ("PNG", "TIFF", "PPM"):
        pixels = whole(encode(Image.fromarray(ramp), kind))
        assert pixels.shape == (8, 256, 3)
        assert np.abs(pixels[0, :, 0].astype(int) - expected).max() <= 1, kind


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_a_dark_16_bit_photo_stays_dark_in_either_byte_order(mode: str) -> None:
    dark = Image.frombytes(mode, (2, 1), struct.pack("<2H" if mode == "I;16" else ">2H", 257, 5140))
    assert whole(encode(dark, "TIFF"))[0, :, 0].tolist() == [1, 20]


def test_16_bit_white_is_zero_is_not_a_negative() -> None:
    image = Image.fromarray(np.array([[0, 65535]], dtype=np.uint16))
    assert whole(encode(image, "TIFF", tiffinfo={262: 0}))[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([0.0, 32767.5, 65535.0], [0, 128, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([math.nan, 0.5, 1.0], [0, 128, 255]),
        ([-math.inf, 0.5, math.inf], [0, 128, 255]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
        ([-5.0, -5.0, -5.0], [0, 0, 0]),
    ],
)
def test_float_samples_are_brought_to_8_bits(samples: list[float], expected: list[int]) -> None:
    image = Image.fromarray(np.array([samples], dtype=np.float32))
    assert image.mode == "F"
    assert whole(encode(image, "TIFF"))[0, :, 0].tolist() == expected


def test_32_bit_samples_are_brought_to_8_bits() -> None:
    image = Image.fromarray(np.array([[0, 500_000, 1_000_000]], dtype=np.int32))
    assert whole(encode(image, "TIFF"))[0, :, 0].tolist() == pytest.approx([0, 127.5, 255], abs=0.5)


def test_plain_modes_come_out_as_pillow_converts_them() -> None:
    pixels = noise()
    for mode in ("RGB", "L", "1", "P", "CMYK", "YCbCr"):
        image = Image.fromarray(pixels).convert(mode)
        data = encode(image, "TIFF")
        reference = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
        np.testing.assert_array_equal(whole(data), reference, err_msg=mode)


def test_an_adobe_cmyk_jpeg_is_not_a_negative() -> None:
    image = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    assert whole(encode(image, "JPEG")).min() == 255


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_lies_over_white(mode: str) -> None:
    image = Image.new("RGBA", (3, 1))
    for x, alpha in enumerate((0, 128, 255)):
        image.putpixel((x, 0), (0, 0, 0, alpha))
    kind = "PNG"
    if mode == "PA":
        image = image.quantize(4, method=Image.Quantize.FASTOCTREE)
    elif mode != "RGBA":
        image = image.convert(mode)
    greys = whole(encode(image, kind))[0, :, 0].tolist()
    assert greys[0] == 255
    assert greys[1] == pytest.approx(127, abs=1)
    assert greys[2] == 0


@pytest.mark.parametrize(
    ("mode", "colour", "key"),
    [("P", 1, 1), ("L", 9, 9), ("RGB", (9, 9, 9), (9, 9, 9)), ("1", 0, 0)],
)
def test_a_transparent_colour_lies_over_white(mode: str, colour: object, key: object) -> None:
    image = Image.new(mode, (2, 2), colour)  # type: ignore[arg-type]  # Pillow's colours
    if mode == "P":
        image.putpalette([0, 0, 0, 50, 60, 70])
    assert whole(encode(image, "PNG", transparency=key)).min() == 255


def test_transparent_pixels_do_not_bleed_when_averaged() -> None:
    pixels = np.zeros((8, 8, 4), dtype=np.uint8)
    pixels[:, ::2] = (0, 0, 0, 0)  # black, but transparent
    pixels[:, 1::2] = (255, 255, 255, 255)
    assert opened(encode(pixels, "PNG")).scaled(4).min() == 255


def test_the_first_frame_stands_for_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        assert whole(data)[4, 4].tolist() == [255, 0, 0], kind
    mpo = encode(frames[0], "MPO", save_all=True, append_images=frames[1:])
    photo = opened(mpo)
    assert photo.format == "JPEG"
    assert photo.scaled(8)[4, 4, 0] > 250


def s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def swapped_profile() -> bytes:
    """An RGB profile whose red primary is sRGB's green one and the other way round."""
    columns = {
        b"rXYZ": (0.3851, 0.7169, 0.0971),
        b"gXYZ": (0.4361, 0.2225, 0.0139),
        b"bXYZ": (0.1431, 0.0606, 0.7142),
        b"wtpt": (0.9642, 1.0, 0.8249),
    }
    tags = {name: b"XYZ \0\0\0\0" + b"".join(map(s15, xyz)) for name, xyz in columns.items()}
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    tags.update(dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"Swap\0" + bytes(78)
    tags[b"cprt"] = b"text\0\0\0\0none\0"
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(
        ">I4sI4s4s4s", start + len(body), bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ "
    )
    head += bytes(12) + b"acsp" + bytes(28) + s15(0.9642) + s15(1.0) + s15(0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_an_embedded_profile_is_obeyed(kind: str) -> None:
    red = Image.new("RGB", (16, 16), (255, 0, 0))
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    pixel = whole(encode(red, kind, icc_profile=swapped_profile(), **options))[8, 8].astype(int)
    assert pixel[1] > 240
    assert pixel[0] < 40


def test_a_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = noise()
    np.testing.assert_array_equal(whole(encode(pixels, "PNG", icc_profile=profile)), pixels)


@pytest.mark.parametrize(
    "profile",
    [
        b"garbage",
        swapped_profile()[:200],
        swapped_profile().replace(b"RGB ", b"CMYK"),
        swapped_profile().replace(b"RGB ", b"HSV "),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes(),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_bad_or_unsuitable_profile_never_costs_the_photo(mode: str, profile: bytes) -> None:
    image = Image.fromarray(noise()).convert(mode)
    plain = whole(encode(image, "PNG"))
    np.testing.assert_array_equal(whole(encode(image, "PNG", icc_profile=profile)), plain)


def test_a_grey_picture_with_a_profile_for_colours_is_read() -> None:
    image = Image.new("L", (4, 4), 128)
    assert whole(encode(image, "JPEG", icc_profile=swapped_profile())).std() < 3


def test_lab_becomes_rgb() -> None:
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    image = Image.new("RGB", (4, 4), (200, 60, 30))
    lab = ImageCms.applyTransform(image, to_lab)
    assert lab is not None
    assert np.abs(whole(encode(lab, "TIFF"))[0, 0].astype(int) - (200, 60, 30)).max() <= 4


# --- what EXIF says


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_time_and_camera_come_from_exif(kind: str) -> None:
    block = exif(original="2019:07:21 18:05:59", changed="2022:01:01 00:00:00", model="Camera 3000")
    photo = opened(encode(noise(), kind, exif=block))
    assert (photo.format, photo.taken_at, photo.camera) == (
        kind,
        "2019-07-21T18:05:59",
        "Camera 3000",
    )


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (
            {"digitized": "2018:01:02 03:04:05", "changed": "2022:01:01 00:00:00"},
            "2018-01-02T03:04:05",
        ),
        ({"changed": "2022:01:01 00:00:00"}, "2022-01-01T00:00:00"),
        (
            {"original": "0000:00:00 00:00:00", "changed": "2022:01:01 00:00:00"},
            "2022-01-01T00:00:00",
        ),
        ({"original": "2019:02:30 00:00:00"}, ""),
        ({"original": "    :  :     :  :  "}, ""),
        ({"original": "0001:01:01 00:00:00"}, ""),
        ({"original": "2019-07-21T18:05:59+02:00"}, "2019-07-21T18:05:59"),
        ({}, ""),
    ],
)
def test_the_first_date_that_makes_sense_counts(tags: dict[str, str], expected: str) -> None:
    assert opened(encode(noise(), "JPEG", exif=exif(**tags))).taken_at == expected


def test_a_camera_name_is_stripped_of_its_padding() -> None:
    photo = opened(encode(noise(), "JPEG", exif=exif(model="  X-T3 \0\0old")))
    assert photo.camera == "X-T3"


@pytest.mark.filterwarnings("ignore:::PIL[.]")
def test_a_damaged_exif_block_never_costs_the_photo() -> None:
    good = exif(orientation=6, original="2019:07:21 18:05:59")
    jpeg = encode(noise(), "JPEG")
    for length in range(len(good)):
        payload = b"Exif\0\0" + good[6:][:length]
        segment = b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
        photo = opened(jpeg[:2] + segment + jpeg[2:])
        assert photo.orientation in {1, 6}
        assert (photo.width, photo.height) == (48, 32)


# --- refusals


def test_a_header_bomb_is_refused_before_it_is_decoded() -> None:
    """The pixels are in the file, but nobody looks at them."""
    bomb = png(60_000, 60_000, png_chunk(b"IDAT", zlib.compress(bytes(1000))))
    tracemalloc.start()
    with pytest.raises(TooLarge, match="60,000 x 60,000 pixels") as caught:
        opened(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.message.startswith("a.jpg: ")
    assert peak < 1 << 20


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "PPM"])
def test_more_pixels_than_allowed_are_refused(kind: str) -> None:
    data = encode(noise(), kind)
    assert opened(data, max_megapixels=48 * 32 / 1e6).width == 48
    with pytest.raises(TooLarge):
        opened(data, max_megapixels=0.001)


def test_a_photo_that_would_take_too_much_memory_is_refused() -> None:
    webp = bytearray(encode(Image.new("RGB", (4, 4)), "WEBP", exif=exif(orientation=6)))
    webp[24:30] = (15_999).to_bytes(3, "little") * 2
    assert webp[12:16] == b"VP8X"
    with pytest.raises(PhotoError):
        opened(bytes(webp))
    jpeg = encode(Image.new("RGB", (4, 4)), "JPEG", progressive=True)
    frame = jpeg.index(b"\xff\xc2") + 5
    large = jpeg[:frame] + struct.pack(">HH", 16_000, 18_000) + jpeg[frame + 4 :]
    with pytest.raises(TooLarge, match=r"of memory, and \d+ bytes hold no such photo"):
        opened(large)


@pytest.mark.parametrize("bytes_a_pixel", [10, 16, 20, 24])  # HEIC, WebP, JPEG 2000, JPEG XL
def test_only_megapixels_decide_which_photos_are_decoded(bytes_a_pixel: int) -> None:
    width, height = 20_000, 14_900
    header = Header(1, width, height, ((width, width * height * bytes_a_pixel),))
    check_memory("a.jpg", header, None, file_bytes=10 << 20)
    check_pixels("a.jpg", (width, height), 300)
    with pytest.raises(TooLarge, match="hold no such photo"):
        check_memory("a.jpg", header, None, file_bytes=10 << 10)


def test_what_no_memory_holds_is_refused_however_many_megapixels_are_allowed() -> None:
    header = Header(1, 40_000, 30_000, ((40_000, 40_000 * 30_000 * 10),))
    with pytest.raises(TooLarge, match=r"11\.2 GiB of memory$"):
        check_memory("a.jpg", header, None, file_bytes=100 << 20)


def test_the_limit_is_told_in_the_singular_too() -> None:
    with pytest.raises(TooLarge, match=r"more than 1 megapixel$"):
        check_pixels("a.jpg", (2000, 1000), 1)
    with pytest.raises(TooLarge, match=r"more than 1\.5 megapixels$"):
        check_pixels("a.jpg", (2000, 1000), 1.5)


@pytest.mark.parametrize("megapixels", [100, 190])
def test_a_photo_beyond_pillows_own_limit_is_read_and_the_limit_is_back(megapixels: int) -> None:
    """Pillow warns beyond 89 megapixels and refuses beyond 179; ours is the only limit."""
    image = Image.new("1", (10_000, megapixels * 100), 1)
    data = encode(image, "PNG")
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(TooLarge):
        opened(data, max_megapixels=megapixels - 1)
    photo = opened(data)
    assert limit == Image.MAX_IMAGE_PIXELS
    assert (photo.width, photo.height) == image.size
    assert photo.scaled(100).min() == 255


def test_pillows_limit_is_back_after_threads_have_lifted_it_together() -> None:
    data = encode(Image.new("1", (20_000, 9_500), 1), "PNG")
    limit = Image.MAX_IMAGE_PIXELS
    widths: list[int] = []
    threads = [threading.Thread(target=lambda: widths.append(opened(data).width)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert widths == [20_000] * 4
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "PPM", "JPEG2000"]
)
@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.filterwarnings("ignore:::PIL[.]")
def test_a_file_that_was_cut_off_fails(kind: str, share: float) -> None:
    data = encode(noise(200, 150), kind)
    with pytest.raises(Unreadable) as caught:
        opened(data[: int(len(data) * share)])
    assert "\n" not in caught.value.message
    assert "0x" not in caught.value.message
    if kind in {"JPEG", "PNG", "BMP", "PPM"}:
        assert caught.value.message == "a.jpg: the file ends early"


def test_a_jpeg_whose_header_is_cut_off_is_called_damaged_in_our_words() -> None:
    data = encode(noise(), "JPEG")
    reasons = set()
    for length in range(8, data.index(b"\xff\xda") + 2):
        with pytest.raises(Unreadable) as caught:
            opened(data[:length])
        reasons.add(caught.value.message)
    assert reasons == {
        "a.jpg: the file ends early",
        "a.jpg: damaged, or the file ends early",
        "a.jpg: no readable picture header: damaged, or not a picture at all",
    }


@pytest.mark.parametrize(
    "said", ["could not create decoder object", "broken data stream when reading image file"]
)
def test_what_pillow_says_of_damage_is_said_in_our_words(said: str) -> None:
    with pytest.raises(Unreadable, match=r"^a: damaged, or the file ends early$"), reporting("a"):
        raise OSError(said)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", Unreadable, "a.jpg: the file is empty"),
        (b"<html>", Unreadable, "a.jpg: no readable picture header"),
        (b"\xff\xd8\xff\xe0", Unreadable, "a.jpg: "),
        (b"8BPS\0\x01", Unsupported, "a.jpg: Photoshop is not supported"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", Unsupported, "a.jpg: EPS is not supported"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, error: type[PhotoError], message: str) -> None:
    with pytest.raises(error) as caught:
        opened(data)
    assert caught.value.message.startswith(message)


SEEDS = [
    encode(noise(16, 12), kind, exif=exif(orientation=6, original="2019:07:21 18:05:59"))
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
] + [encode(noise(16, 12), kind) for kind in ("GIF", "BMP", "PPM", "JPEG2000")]


@pytest.mark.filterwarnings("ignore:::PIL[.]")
@settings(max_examples=400)
@given(
    seed=st.sampled_from(SEEDS),
    patches=st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=6)), max_size=5),
    length=st.integers(0, 3000),
)
def test_mutated_files_raise_nothing_but_photo_errors(
    seed: bytes, patches: list[tuple[int, bytes]], length: int
) -> None:
    data = bytearray(seed[: max(1, length)])
    for where, patch in patches:
        at = where % len(data)
        data[at : at + len(patch)] = patch
    message = "a.jpg: "
    try:
        open_photo(bytes(data), name="a.jpg", max_megapixels=1).scaled(64)
    except PhotoError as error:
        message = error.message
    assert message.startswith("a.jpg: ")


def test_warnings_turned_into_errors_do_not_become_crashes() -> None:
    tiff = encode(noise(), "TIFF")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for length in range(8, 200, 3):
            with pytest.raises(Unreadable):
                opened(tiff[:length])


def test_quiet_pillow_silences_pillow_and_nothing_else() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        quiet_pillow()
        warnings.warn_explicit(
            "odd tag", UserWarning, "TiffImagePlugin.py", 1, "PIL.TiffImagePlugin"
        )
        warnings.warn_explicit("ours", UserWarning, "a.py", 1, "facesort.imaging")
    assert [str(warning.message) for warning in heard] == ["ours"]


# --- reading files


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"12345")
    assert read_file(path) == read_file(path, max_bytes=5) == b"12345"
    with pytest.raises(TooLarge):
        read_file(path, max_bytes=4)


def test_a_file_that_cannot_be_read_says_which_and_why(tmp_path: Path) -> None:
    path = tmp_path / "gone.jpg"
    with pytest.raises(Unreadable, match="No such file") as caught:
        read_file(path)
    assert str(path) in caught.value.message
    with pytest.raises(Unreadable, match="not a file"):
        read_file(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    os.mkfifo(path)
    with pytest.raises(Unreadable, match="not a file"):
        read_file(path)
