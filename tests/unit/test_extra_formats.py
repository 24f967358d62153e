"""HEIC, RAW and JPEG XL: each through the extra that reads it, and what is said without it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facesort.domain import Box
from facesort.errors import PhotoError, TooLarge, Unreadable, Unsupported
from facesort.imaging import formats
from facesort.imaging.content import content_key
from facesort.imaging.decode import open_photo, peek
from facesort.imaging.formats import RAW_SUFFIXES, skip_reason
from facesort.imaging.geometry import to_upright
from tests.dng import dng
from tests.heic import heic

if TYPE_CHECKING:
    from facesort.imaging.decode import OpenPhoto

SPOT = Box(200, 100, 260, 150)


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without any extra, whatever is installed here."""
    monkeypatch.setattr(formats, "installed_extras", frozenset)


def _scene(width: int = 600, height: int = 400) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([40 + x * 150 // width, 60 + y * 120 // height, 90 + 0 * x], axis=2)
    left, top, right, bottom = (round(side * width / 600) for side in _sides(SPOT))
    pixels[top:bottom, left:right] = 250
    return Image.fromarray(pixels.astype(np.uint8))


def _sides(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _opened(data: bytes, suffix: str, long_side: int | None = None) -> OpenPhoto:
    return open_photo(data, name=f"a.{suffix}", max_megapixels=10, long_side=long_side)


def _jxl(image: Image.Image, **options: object) -> bytes:
    pytest.importorskip("pillow_jxl")
    written = io.BytesIO()
    image.save(written, "JXL", **options)
    return written.getvalue()


def _exif(orientation: int = 1) -> bytes:
    block = Image.Exif()
    block[0x0112], block[0x0110] = orientation, "Camera 3000"
    block[0x0132] = "2019:07:21 18:05:59"
    return block.tobytes()


def _spot_in(photo: OpenPhoto) -> tuple[float, ...]:
    """Where the bright spot lies, in upright full-size pixels."""
    picture = photo.scaled(10**6)
    rows, columns = np.nonzero(picture.min(axis=2) > 200)
    each = photo.upright_size[0] / picture.shape[1]
    edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return tuple(float(edge) * each for edge in edges)


# --- without the extras


@pytest.mark.parametrize(
    ("name", "extra", "label"),
    [
        ("IMG_1.HEIC", "heic", "HEIC"),
        ("a.heif", "heic", "HEIC"),
        ("DSC_1.NEF", "raw", "RAW"),
        ("a.cr2", "raw", "RAW"),
        ("a.jxl", "jxl", "JPEG XL"),
    ],
)
def test_a_missing_extra_is_named_the_same_way_for_every_file(
    without_extras: None, name: str, extra: str, label: str
) -> None:
    wanted = f'{label} is not supported without the extra: pip install "facesort[{extra}]"'
    assert skip_reason(name) == wanted


@pytest.mark.parametrize(
    ("data", "name", "extra"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a.jpg", "heic"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "a.cr3", "raw"),
        (b"II*\0\x10\0\0\0CR\x02\0", "a.tif", "raw"),
        (b"II*\0\x08\0\0\0", "a.nef", "raw"),
        (b"FUJIFILMCCD-RAW 0201", "a.raf", "raw"),
        (b"\xff\x0a\xff\x07", "a.png", "jxl"),
    ],
)
def test_a_file_whose_extra_is_missing_is_unsupported_not_damaged(
    without_extras: None, data: bytes, name: str, extra: str
) -> None:
    for read in (open_photo, peek):
        with pytest.raises(Unsupported) as caught:
            read(data, name=name, max_megapixels=1)
        # As the walk says it of files that it passes over: one line for both.
        assert caught.value.message == f"{name}: {skip_reason('a.' + _suffix_for(extra))}"


def _suffix_for(extra: str) -> str:
    return {"heic": "heic", "raw": "nef", "jxl": "jxl"}[extra]


def test_installed_extras_are_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "installed_extras", lambda: frozenset({"heic", "raw"}))
    assert skip_reason("a.heic") is None
    assert all(skip_reason(f"a.{suffix}") is None for suffix in RAW_SUFFIXES)
    assert "facesort[jxl]" in (skip_reason("a.jxl") or "")


def test_a_jpeg_is_read_whatever_it_is_called(without_extras: None) -> None:
    written = io.BytesIO()
    _scene().save(written, "JPEG")
    for suffix in ("heic", "nef", "jxl", "dng"):
        assert _opened(written.getvalue(), suffix).format == "JPEG"


# --- HEIC


@pytest.fixture
def _heic() -> None:
    pytest.importorskip("pi_heif")


@pytest.mark.usefixtures("_heic")
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirror", [None, 0, 1])
def test_a_heic_is_turned_by_its_own_properties_exactly_once(
    turns: int, mirror: int | None
) -> None:
    scene = _scene(240, 160)
    # Phones repeat the turn in EXIF: applied again it would lay the photo on its side.
    data = heic(scene, quarter_turns=turns, mirror=mirror, exif=_exif(orientation=6))
    photo = _opened(data, "heic")
    wanted = np.rot90(np.asarray(scene), turns)
    if mirror is not None:
        wanted = wanted[::-1] if mirror == 0 else wanted[:, ::-1]
    shown = photo.scaled(10**6)
    assert shown.shape == wanted.shape
    assert np.abs(shown.astype(int) - wanted).mean() < 3
    assert (photo.orientation, photo.width, photo.height) == (1, shown.shape[1], shown.shape[0])
    assert (photo.format, photo.camera, photo.taken_at) == (
        "HEIC",
        "Camera 3000",
        "2019-07-21T18:05:59",
    )
    header = peek(data, name="a", max_megapixels=1)
    assert (header.width, header.height, header.orientation) == (photo.width, photo.height, 1)
    assert (header.taken_at, header.camera) == (photo.taken_at, photo.camera)
    assert header.decoded_bytes_at(100) >= 3 * photo.width * photo.height


@pytest.mark.usefixtures("_heic")
def test_the_pixels_of_a_heic_outlive_the_decoder() -> None:
    photos = [_opened(heic(_scene(240, 160), quarter_turns=i % 4), "heic") for i in range(8)]
    means = [photo.scaled(10**6).mean() for photo in photos]
    assert max(means) - min(means) < 0.5


@pytest.mark.usefixtures("_heic")
def test_a_heic_with_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    data = heic(_scene(240, 160))
    for read in (open_photo, peek):
        with pytest.raises(TooLarge):
            read(data, name="a", max_megapixels=0.01)


@pytest.mark.usefixtures("_heic")
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.95])
def test_a_heic_that_was_cut_off_fails(share: float) -> None:
    data = heic(_scene(240, 160))
    with pytest.raises(Unreadable):
        _opened(data[: int(len(data) * share)], "heic")


# --- RAW


@pytest.fixture
def _raw() -> None:
    pytest.importorskip("rawpy")


@pytest.mark.usefixtures("_raw")
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("long_side", [None, 300, 290, 150])
@pytest.mark.parametrize("preview_width", [0, 150, 300, 600])
def test_a_raws_boxes_mean_the_same_whichever_of_its_pictures_was_read(
    orientation: int, long_side: int | None, preview_width: int
) -> None:
    scene = _scene()
    preview = scene.resize((preview_width, preview_width * 2 // 3)) if preview_width else None
    photo = _opened(dng(scene, orientation=orientation, preview=preview), "dng", long_side)
    assert (photo.width, photo.height, photo.orientation) == (600, 400, orientation)
    assert max(photo.raster.size) >= (long_side or 600)
    truth = to_upright(SPOT, 600, 400, orientation)
    found = _spot_in(photo)
    assert np.abs(np.array(found) - _sides(truth)).max() <= photo.reduction


@pytest.mark.usefixtures("_raw")
def test_a_raws_preview_is_read_where_it_has_the_pixels() -> None:
    """The preview is another picture here, to tell the two apart."""
    data = dng(Image.new("RGB", (600, 400), "white"), preview=Image.new("RGB", (300, 200), "red"))

    def is_preview(long_side: int | None) -> bool:
        return int(_opened(data, "dng", long_side).scaled(100)[..., 1].mean()) < 20

    assert is_preview(300)
    assert is_preview(100)
    assert not is_preview(301)
    assert not is_preview(None)


@pytest.mark.usefixtures("_raw")
def test_a_preview_of_all_pixels_stands_for_the_samples() -> None:
    data = dng(Image.new("RGB", (600, 400), "white"), preview=Image.new("RGB", (588, 392), "red"))
    photo = _opened(data, "dng")
    assert photo.scaled(100)[..., 1].mean() < 20
    assert photo.upright_size == (600, 400)


@pytest.mark.usefixtures("_raw")
def test_a_preview_that_shows_another_part_is_not_used() -> None:
    padded = Image.new("RGB", (160, 120), "red")  # the usual thumbnail: black bars around 3:2
    photo = _opened(dng(Image.new("RGB", (600, 400), "white"), preview=padded), "dng", 100)
    assert photo.scaled(100)[..., 1].mean() > 200


@pytest.mark.usefixtures("_raw")
@pytest.mark.parametrize("orientation", [6, 8])
def test_a_preview_that_is_upright_already_is_not_turned_again(orientation: int) -> None:
    scene = _scene()
    turn = {6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}[orientation]
    preview = scene.resize((300, 200)).transpose(turn)
    photo = _opened(dng(scene, orientation=orientation, preview=preview), "dng", 300)
    assert (photo.width, photo.height, photo.orientation) == (600, 400, orientation)
    truth = to_upright(SPOT, 600, 400, orientation)
    assert np.abs(np.array(_spot_in(photo)) - _sides(truth)).max() <= photo.reduction


@pytest.mark.usefixtures("_raw")
def test_the_raster_of_a_raw_is_what_its_preview_shows_of_the_samples() -> None:
    """Cameras leave the outermost samples out of their JPEG, and say so."""
    scene = _scene()
    left, top, width, height = crop = (8, 10, 588, 380)
    shown = scene.crop((left, top, left + width, top + height))
    data = dng(scene, preview=shown.resize((147, 95)), crop=crop)
    truth = np.array(_sides(SPOT)) - [left, top, left, top]
    for long_side in (140, 294, None):  # preview, half of the samples, all of them
        photo = _opened(data, "dng", long_side)
        assert (photo.width, photo.height) == (width, height)
        assert np.abs(np.array(_spot_in(photo)) - truth).max() <= photo.reduction


@pytest.mark.usefixtures("_raw")
def test_a_damaged_preview_leaves_the_samples() -> None:
    written = io.BytesIO()
    _scene().resize((300, 200)).save(written, "JPEG")
    cut = written.getvalue()[: len(written.getvalue()) * 2 // 3]
    photo = _opened(dng(_scene(), preview=cut), "dng", 200)
    assert photo.reduction == 2.0
    assert np.abs(np.array(_spot_in(photo)) - _sides(SPOT)).max() <= 2


@pytest.mark.usefixtures("_raw")
def test_a_raws_header_tells_what_decoding_takes() -> None:
    data = dng(
        _scene(), orientation=6, preview=_scene(300, 200), taken="2020:01:02 03:04:05", camera="X1"
    )
    header = peek(data, name="a.dng", max_megapixels=1)
    photo = _opened(data, "dng")
    assert (header.width, header.height, header.orientation) == (600, 400, 6)
    assert (header.taken_at, header.camera) == ("2020-01-02T03:04:05", "X1")
    assert (photo.taken_at, photo.camera, photo.format) == ("2020-01-02T03:04:05", "X1", "RAW")
    sizes = [header.decoded_bytes_at(side) for side in (100, 300, None)]
    assert sizes == sorted(sizes)
    assert sizes[1] < sizes[2] / 5


@pytest.mark.usefixtures("_raw")
def test_a_raw_with_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(TooLarge):
        open_photo(dng(_scene()), name="a.dng", max_megapixels=0.1)


@pytest.mark.usefixtures("_raw")
@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.99])
def test_a_raw_that_was_cut_off_fails(share: float) -> None:
    data = dng(_scene())
    with pytest.raises(Unreadable) as caught:
        _opened(data[: int(len(data) * share)], "dng")
    assert caught.value.message.startswith("a.dng: ")


@pytest.mark.usefixtures("_raw")
def test_a_raw_is_told_by_its_bytes_too() -> None:
    assert _opened(dng(_scene()), "tif").format == "RAW"


def test_a_raws_key_is_that_of_its_samples() -> None:
    plain = dng(_scene(), preview=_scene(300, 200))
    edited = dng(_scene(), orientation=6, preview=_scene(150, 100), camera="Another")
    other = dng(_scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT), preview=_scene(300, 200))
    assert content_key(plain).startswith("raw1:")
    assert content_key(plain) == content_key(edited) == content_key(dng(_scene()))
    assert content_key(plain) != content_key(other)


# --- JPEG XL


@pytest.mark.parametrize("size", [(8, 8), (97, 61), (256, 256), (300, 700), (1, 1)])
def test_a_jpeg_xls_header_tells_its_size(size: tuple[int, int]) -> None:
    data = _jxl(Image.new("RGB", size), exif=_exif())
    header = peek(data, name="a", max_megapixels=1)
    photo = _opened(data, "jxl")
    assert (header.width, header.height) == (photo.width, photo.height) == size
    assert (header.orientation, photo.orientation, photo.format) == (1, 1, "JPEG XL")
    assert (header.taken_at, header.camera) == (photo.taken_at, photo.camera)
    assert photo.camera == "Camera 3000"


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
def test_a_jpeg_xl_is_read_in_its_colours(mode: str) -> None:
    scene = _scene().convert(mode)
    shown = _opened(_jxl(scene, lossless=True), "jxl").scaled(10**6)
    np.testing.assert_array_equal(shown, np.asarray(scene.convert("RGB")))


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_packed_into_a_jpeg_xl_is_that_jpeg(
    orientation: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("jpeg") / "a.jpg"
    _scene().save(path, exif=_exif(orientation))
    with Image.open(path) as image:
        data = _jxl(image, lossless_jpeg=True)
    packed, plain = (
        _opened(data, "jxl", 290),
        open_photo(path.read_bytes(), name="a", max_megapixels=1, long_side=290),
    )
    assert (packed.orientation, packed.reduction) == (orientation, 2.0)
    np.testing.assert_array_equal(packed.scaled(290), plain.scaled(290))
    header = peek(data, name="a", max_megapixels=1)
    assert (header.orientation, header.width, header.height) == (None, 600, 400)


def test_a_jpeg_xl_with_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    data = _jxl(_scene())
    with pytest.raises(TooLarge):
        open_photo(data, name="a", max_megapixels=0.1)
    # 2^30 pixels either way, in twelve bytes.
    with pytest.raises(TooLarge):
        open_photo(b"\xff\x0a\xfe" + b"\xff" * 9, name="a", max_megapixels=300)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_jpeg_xl_that_was_cut_off_fails(share: float) -> None:
    data = _jxl(_scene())
    with pytest.raises(Unreadable) as caught:
        _opened(data[: max(2, int(len(data) * share))], "jxl")
    assert "libjxl" not in caught.value.message


# --- all


@settings(max_examples=150)
@given(
    kind=st.sampled_from(["heic", "dng", "jxl"]),
    patches=st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=6)), max_size=5),
    length=st.integers(0, 60_000),
)
def test_mutated_files_raise_nothing_but_photo_errors(
    kind: str, patches: list[tuple[int, bytes]], length: int
) -> None:
    data = bytearray(_seed(kind)[: max(1, length)])
    for where, patch in patches:
        at = where % len(data)
        data[at : at + len(patch)] = patch
    message = f"a.{kind}: "
    for long_side in (40, None):
        try:
            open_photo(
                bytes(data), name=f"a.{kind}", max_megapixels=0.2, long_side=long_side
            ).scaled(64)
            peek(bytes(data), name=f"a.{kind}", max_megapixels=0.2)
        except PhotoError as error:
            message = error.message
        assert message.startswith(f"a.{kind}: ")


_SEEDS: dict[str, bytes] = {}


def _seed(kind: str) -> bytes:
    if kind not in _SEEDS:
        pytest.importorskip({"heic": "pi_heif", "dng": "rawpy", "jxl": "pillow_jxl"}[kind])
        scene = _scene(120, 80)
        _SEEDS[kind] = {
            "heic": lambda: heic(scene, exif=_exif(), quarter_turns=1),
            "dng": lambda: dng(scene, preview=scene.resize((60, 40))),
            "jxl": lambda: _jxl(scene, exif=_exif()),
        }[kind]()
    return _SEEDS[kind]
