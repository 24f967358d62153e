"""The content key: metadata never changes it, pixels always do."""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from facesort.imaging.content import content_key

EXIF_HEADER = b"Exif\0\0"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:li>Grandma, garden</rdf:li>'
    b'<rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
)
METADATA = ("exif", "xmp", "icc_profile")
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")


def picture(*, seed: int = 0, width: int = 64, height: int = 48) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    if kind == "WEBP":
        options.setdefault("lossless", True)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(*, orientation: int = 6) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010E] = "Anna at the lake"
    block[0x0110] = "Camera 3000"
    return block


def icc() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def jpeg_segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Put segments behind SOI, as every metadata editor does, without touching coded data."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    return (
        struct.pack(">I", len(payload))
        + kind
        + payload
        + struct.pack(">I", zlib.crc32(kind + payload))
    )


# One file per format, and the same picture with metadata, re-encoded by Pillow losslessly or by the
# very same encoder settings: the coded data are equal.
@pytest.mark.parametrize(
    ("kind", "what"),
    # The AVIF encoder writes other coded data where there is a profile: see the next test.
    sorted(set(itertools.product(FORMATS, METADATA)) - {("AVIF", "icc_profile")}),
)
def test_writing_metadata_with_the_picture_keeps_the_key(kind: str, what: str) -> None:
    value = {"exif": exif(), "xmp": XMP, "icc_profile": icc()}[what]
    if kind == "PNG" and what == "xmp":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options: dict[str, object] = {"pnginfo": text}
    elif kind == "TIFF" and what == "xmp":
        options = {"tiffinfo": {700: XMP}}
    elif kind == "AVIF" and what == "exif":
        options = {"exif": exif(orientation=1)}  # other values are written as irot, a property
    else:
        options = {what: value}
    plain, tagged = encode(picture(), kind), encode(picture(), kind, **options)
    assert tagged != plain
    assert content_key(tagged) == content_key(plain)
    assert content_key(plain).split(":")[0] != "file1"


def test_another_profile_in_an_avif_keeps_the_key() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    one, other = (encode(picture(), "AVIF", icc_profile=profile) for profile in (icc(), lab))
    assert len(one) != len(other)
    assert content_key(one) == content_key(other)


@pytest.mark.parametrize("kind", FORMATS)
def test_one_other_pixel_is_another_picture(kind: str) -> None:
    image = picture()
    changed = image.copy()
    red, green, blue = np.asarray(image)[20, 20]
    changed.putpixel((20, 20), (int(red) ^ 0x80, int(green) ^ 0x80, int(blue) ^ 0x80))
    assert content_key(encode(image, kind)) != content_key(encode(changed, kind))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_crop_and_a_turn_are_other_pictures(kind: str) -> None:
    image = picture()
    versions = [image, image.crop((0, 0, 63, 48)), image.transpose(Image.Transpose.ROTATE_180)]
    keys = {content_key(encode(version, kind)) for version in versions}
    assert len(keys) == len(versions)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_another_quality_is_another_picture(kind: str) -> None:
    options = {"lossless": False} if kind == "WEBP" else {}
    one, two = (encode(picture(), kind, quality=q, **options) for q in (60, 70))
    assert content_key(one) != content_key(two)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_was_cut_off_is_another_picture(kind: str) -> None:
    data = encode(picture(), kind)
    keys = [content_key(data[:length]) for length in (len(data) - 40, len(data) // 2, 30)]
    assert content_key(data) not in keys
    assert len(set(keys)) == 3


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}])
def test_editing_a_jpegs_segments_keeps_the_key(options: dict[str, object]) -> None:
    plain = encode(picture(), "JPEG", **options)
    key = content_key(plain)
    added = with_segments(
        plain,
        jpeg_segment(0xE1, EXIF_HEADER + exif().tobytes()),
        jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        jpeg_segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0c\x1c\x02\x19\0\x07Grandma"),
        jpeg_segment(0xE2, b"ICC_PROFILE\0\x01\x01" + icc()),
        jpeg_segment(0xFE, b"a comment"),
        # An embedded thumbnail holds all the markers of a JPEG.
        jpeg_segment(0xE1, EXIF_HEADER + encode(picture(seed=1, width=16, height=16), "JPEG")),
    )
    assert content_key(added) == key
    assert key.startswith("jpeg1:")
    without_jfif = plain[:2] + plain[2 + 2 + struct.unpack_from(">H", plain, 4)[0] :]
    assert content_key(without_jfif) == key


def test_turning_the_orientation_tag_in_place_keeps_the_key() -> None:
    tagged = encode(picture(), "JPEG", exif=exif(orientation=6))
    entry = tagged.index(b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06")  # big-endian IFD entry
    turned = tagged[: entry + 9] + b"\x03" + tagged[entry + 10 :]
    assert Image.open(BytesIO(turned)).getexif()[0x0112] == 3
    assert content_key(turned) == content_key(tagged)


def test_a_motion_photos_video_is_not_the_picture() -> None:
    jpeg = encode(picture(), "JPEG")
    other = encode(picture(seed=1), "JPEG")
    assert content_key(jpeg + b"\0\0\0\x18ftypmp42" + b"v" * 999) == content_key(jpeg)
    assert content_key(jpeg + other) == content_key(jpeg)


def test_every_scan_of_a_progressive_jpeg_counts() -> None:
    data = encode(picture(), "JPEG", progressive=True)
    scans = [found.start() for found in re.finditer(rb"\xff\xda", data)]
    assert len(scans) > 3
    for start in scans:
        at = start + 40
        changed = data[:at] + bytes((data[at] ^ 0x01,)) + data[at + 1 :]
        assert content_key(changed) != content_key(data)


def test_parts_do_not_run_into_each_other() -> None:
    """The same bytes, divided among segments in another way, are another picture."""
    tables = jpeg_segment(0xDB, b"aaaa") + jpeg_segment(0xDB, b"bb")
    other = jpeg_segment(0xDB, b"aa") + jpeg_segment(0xDB, b"aabb")
    scan = jpeg_segment(0xDA, b"") + b"scan" + b"\xff\xd9"
    moved = jpeg_segment(0xDA, b"sc") + b"an" + b"\xff\xd9"
    files = [b"\xff\xd8" + head + tail for head in (tables, other) for tail in (scan, moved)]
    keys = {content_key(file) for file in files}
    assert len(keys) == len(files)
    assert all(key.startswith("jpeg1:") for key in keys)


def test_editing_a_pngs_chunks_keeps_the_key() -> None:
    plain = encode(picture().convert("P"), "PNG", transparency=3)
    end = plain.rindex(b"IEND") - 4
    text = png_chunk(b"tEXt", b"Title\0Anna") + png_chunk(b"eXIf", exif().tobytes())
    profile = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(icc()))
    assert content_key(plain[:33] + profile + plain[33:end] + text + plain[end:]) == content_key(
        plain
    )


@pytest.mark.parametrize("chunk", [b"PLTE", b"tRNS", b"IDAT"])
def test_every_png_chunk_that_makes_pixels_counts(chunk: bytes) -> None:
    plain = encode(picture().convert("P"), "PNG", transparency=3)
    at = plain.index(chunk) + 4
    changed = plain[:at] + bytes((plain[at] ^ 1,)) + plain[at + 1 :]
    assert content_key(changed) != content_key(plain)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_every_frame_of_an_animation_counts(kind: str) -> None:
    def animated(last: int, **options: object) -> bytes:
        frames = [picture(seed=seed) for seed in (1, 2, last)]
        return encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)

    assert content_key(animated(3)) != content_key(animated(4))
    assert content_key(animated(3, exif=exif())) == content_key(animated(3))


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webps_first_keyword_keeps_the_key(mode: str, lossless: bool) -> None:
    """Metadata turns the simple file layout into the extended one."""
    image = picture().convert(mode)
    if mode == "RGBA":
        image.putalpha(picture(seed=5).convert("L"))
    plain = encode(image, "WEBP", lossless=lossless)
    tagged = encode(image, "WEBP", lossless=lossless, exif=exif())
    assert content_key(plain) == content_key(tagged)


def directory(
    entries: list[tuple[int, int, int, bytes]], order: str, big: bool, base: int
) -> bytes:
    """Write a TIFF directory at `base`: (tag, type, count, value) with values behind it."""
    word, size = ("Q", 8) if big else ("I", 4)
    head = struct.pack(order + ("Q" if big else "H"), len(entries))
    behind = base + len(head) + len(entries) * (4 + 2 * size) + size
    body, extra = b"", b""
    for tag, kind, count, value in sorted(entries):
        if len(value) > size:
            field = struct.pack(order + word, behind + len(extra))
            extra += value
        else:
            field = value.ljust(size, b"\0")
        body += struct.pack(order + "HH" + word, tag, kind, count) + field
    return head + body + bytes(size) + extra


def tiff(
    strips: list[bytes],
    *,
    order: str = "<",
    big: bool = False,
    gap: int = 0,
    wide: bool = False,
    more: tuple[tuple[int, int, int, bytes], ...] = (),
) -> bytes:
    """Write a grey TIFF by hand: strips first (after a gap), then the directory."""
    kind, code = (4, "I") if wide else (3, "H")
    mark = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    start = 16 if big else 8
    offsets = list(itertools.accumulate(map(len, strips), initial=start + gap))
    end = offsets.pop()
    header = struct.pack(order + "HHQ", 8, 0, end) if big else struct.pack(order + "I", end)

    def numbers(values: list[int]) -> bytes:
        return struct.pack(f"{order}{len(values)}I", *values)

    def number(value: int) -> bytes:
        return struct.pack(order + code, value)

    entries = [
        (256, kind, 1, number(8)),
        (257, kind, 1, number(2 * len(strips))),
        (258, 3, 1, struct.pack(order + "H", 8)),
        (259, 3, 1, struct.pack(order + "H", 1)),
        (262, 3, 1, struct.pack(order + "H", 1)),
        (273, 4, len(strips), numbers(offsets)),
        (277, 3, 1, struct.pack(order + "H", 1)),
        (278, kind, 1, number(2)),
        (279, 4, len(strips), numbers([len(strip) for strip in strips])),
        *more,
    ]
    return mark + header + bytes(gap) + b"".join(strips) + directory(entries, order, big, end)


STRIPS = [bytes(range(start, start + 16)) for start in (0, 50, 100)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_moving_a_tiffs_strips_and_adding_tags_keeps_the_key(order: str, big: bool) -> None:
    plain = tiff(STRIPS, order=order, big=big)
    orientation = (274, 3, 1, struct.pack(order + "H", 6))
    caption = (270, 2, 5, b"Anna\0")
    edited = tiff(STRIPS, order=order, big=big, gap=100, wide=True, more=(orientation, caption))
    if not (big and order == ">"):  # Pillow does not read these
        assert np.asarray(Image.open(BytesIO(plain))).shape == (6, 8)
    assert content_key(plain).startswith("tiff1:")
    assert content_key(edited) == content_key(plain)
    assert content_key(tiff([*STRIPS[:2], bytes(16)], order=order, big=big)) != content_key(plain)


def test_a_tiffs_strips_in_another_order_are_another_picture() -> None:
    assert content_key(tiff(STRIPS[::-1])) != content_key(tiff(STRIPS))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_a_tiffs_metadata_blocks_keep_the_key(compression: str) -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[33723] = b"\x1c\x02\x19\0\x07Grandma"
    info[34377] = b"8BIM\x04\x04\0\0\0\0\0\0"
    info[270] = "Anna"
    plain = encode(picture(), "TIFF", compression=compression)
    tagged = encode(picture(), "TIFF", compression=compression, tiffinfo=info, icc_profile=icc())
    assert content_key(tagged) == content_key(plain)


def test_every_page_of_a_tiff_counts() -> None:
    def pages(last: int) -> bytes:
        return encode(
            picture(), "TIFF", save_all=True, append_images=[picture(seed=1), picture(seed=last)]
        )

    assert content_key(pages(2)) != content_key(pages(3))


def test_turning_an_avif_by_its_property_is_another_picture() -> None:
    """irot alters what decoders show, unlike an orientation tag."""
    one, six = (encode(picture(), "AVIF", exif=exif(orientation=turn)) for turn in (1, 6))
    assert content_key(one) != content_key(six)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "PPM", "JPEG2000"])
def test_a_format_without_a_parser_is_known_by_all_its_bytes(kind: str) -> None:
    data = encode(picture(), kind)
    assert content_key(data).startswith("file1:")
    assert content_key(data + b"\0") != content_key(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xda\x00\x01",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBP",
        b"II*\0\x08\0\0\0",
        b"II*\0\x08\0\0\0\0\0\x08\0\0\0",  # a directory that follows itself
        b"II+\0" + b"\xff" * 20,
        b"\0\0\0\x10ftypavif\0\0\0\0" + b"\0\0\0\0meta",
        b"\xff\xd8\xff" + b"\xff\xe0\0\2" * 2_000_000,
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IDAT", b"") * 1_100_000,
    ],
)
def test_a_file_without_a_picture_is_known_by_all_its_bytes(data: bytes) -> None:
    assert content_key(data).startswith("file1:")


def test_a_tiff_that_names_one_strip_a_million_times_is_not_read_a_million_times() -> None:
    strip = bytes(1 << 20)
    count = 100_000
    values = struct.pack("<I", 8) * count + struct.pack("<I", len(strip)) * count
    at = 8 + len(strip)
    entries = struct.pack("<HHII", 273, 4, count, at) + struct.pack(
        "<HHII", 279, 4, count, at + 4 * count
    )
    start = at + len(values)
    data = b"II*\0" + struct.pack("<I", start) + strip + values
    data += struct.pack("<H", 2) + entries + bytes(4)
    assert content_key(data).startswith("file1:")


SEEDS = [
    encode(picture(width=16, height=16), "JPEG", exif=exif()),
    encode(picture(width=16, height=16), "JPEG", progressive=True),
    encode(picture(width=16, height=16), "PNG", exif=exif()),
    encode(picture(width=16, height=16), "WEBP", exif=exif()),
    encode(picture(width=16, height=16), "TIFF", exif=exif()),
    encode(picture(width=16, height=16), "AVIF", exif=exif()),
    tiff(STRIPS, order=">", big=True),
]


@given(st.binary(max_size=400))
def test_arbitrary_bytes_have_a_key(data: bytes) -> None:
    assert re.fullmatch(r"[a-z]+1:[0-9a-f]{40}", content_key(data))


@settings(max_examples=400)
@given(
    seed=st.sampled_from(SEEDS),
    cuts=st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=8)), max_size=6),
    length=st.integers(0, 10_000),
)
def test_mutated_files_have_a_key(seed: bytes, cuts: list[tuple[int, bytes]], length: int) -> None:
    data = bytearray(seed[: max(12, length)])
    for where, patch in cuts:
        at = where % len(data)
        data[at : at + len(patch)] = patch
    assert re.fullmatch(r"[a-z]+1:[0-9a-f]{40}", content_key(bytes(data)))
