"""Odd, huge, truncated and hostile files from elsewhere, one after the other in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facesort.errors import PhotoError
from facesort.imaging.decode import open_photo, peek, read_file

ROOT = Path(__file__).resolve().parents[2]
FORMATS = ROOT.parent / "shared" / "data" / "formats"

pytestmark = [
    pytest.mark.accuracy,
    pytest.mark.skipif(
        not FORMATS.is_dir(), reason="no ../shared/data/formats beside the repository"
    ),
    pytest.mark.filterwarnings("ignore:::PIL[.]"),
]


# In a process of its own: the tests before this one have their own peak.
SCRIPT = r"""
import json, re, sys
from collections import Counter
from pathlib import Path
from facesort.errors import PhotoError
from facesort.imaging.content import content_key
from facesort.imaging.decode import open_photo, quiet_pillow, read_file
from facesort.imaging.formats import skip_reason

# Not getrusage: a child inherits its parent's peak.
peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024

def outcome(path):
    data = read_file(path)
    assert len(content_key(data).partition(":")[2]) == 40
    try:
        pixels = open_photo(data, name=path.name, max_megapixels=300).scaled(1280)
    except PhotoError as error:
        return type(error).__name__
    assert pixels.dtype == "uint8" and pixels.shape[2] == 3 and max(pixels.shape[:2]) <= 1280
    return "read"

quiet_pillow()
before, photos, others = peak(), Counter(), Counter()
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if path.is_file():
        (others if skip_reason(path.name) else photos)[outcome(path)] += 1
json.dump({"photos": photos, "others": others, "grown": peak() - before}, sys.stdout)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")
def test_no_file_crashes_the_decoder_or_exhausts_memory() -> None:
    """All files, also those that the walk would pass over: nothing but PhotoError may come out."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(FORMATS)], capture_output=True, check=False, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr[-2000:]
    seen = json.loads(result.stdout)
    assert seen["grown"] < 2 * 2**30
    # Measured with Pillow 13.0: 760 of 819 photos read, 56 unreadable, 3 too large; +291 MiB.
    assert seen["photos"]["read"] >= 0.9 * sum(seen["photos"].values())
    assert set(seen["photos"]) == {"read", "Unreadable", "TooLarge"}
    assert set(seen["others"]) == {"Unsupported", "Unreadable"}


@pytest.mark.parametrize("motif", ["Landscape", "Portrait"])
def test_a_photo_is_the_same_in_all_eight_orientations(motif: str) -> None:
    """Each file was turned and compressed anew: JPEG's losses differ, the picture does not."""
    folder = FORMATS / "orientation"
    # Number 0 has no tag, or a tag of 0: upright.
    pictures = [
        open_photo(read_file(path), name=path.name, max_megapixels=300).scaled(600).astype(float)
        for path in sorted(folder.glob(f"{motif}_*.jpg"))
    ]
    assert len(pictures) == 9
    differences = [np.abs(picture - pictures[1]).mean() for picture in pictures]
    wrong = np.abs(pictures[1] - pictures[1][:, ::-1]).mean()
    assert max(differences) < 3 < wrong / 5


@pytest.mark.parametrize(
    ("path", "upright"),
    [
        ("heic/IMG_5195.HEIC", (2566, 3313)),
        ("heic/iphone_13_pro_max.HEIC", (3024, 4032)),  # EXIF says 6, as its own property does
        ("heic/HMD_Nokia_8.3_5G_hdr.heif", (4608, 3456)),
        ("mixed/formats/heic/IMG_2682.heic", (4032, 3024)),
        ("mixed/formats/motionphoto/samsung-one-ui-6.heic", (3000, 4000)),
        ("mixed/formats/jxl/8bit-sRGB.jxl", (1440, 1080)),
        ("mixed/formats/jxl/16bit-HDR-P3-nclx.jxl", (5667, 3685)),
        ("mixed/formats/avif/10bit-HDR-P3-nclx.avif", (3681, 5594)),
    ],
)
def test_what_phones_write_is_read_upright(path: str, upright: tuple[int, int]) -> None:
    pytest.importorskip({"avif": "PIL", "jxl": "pillow_jxl"}.get(path[-4:].strip("."), "pi_heif"))
    data = read_file(FORMATS / path)
    photo = open_photo(data, name=path, max_megapixels=300)
    assert photo.upright_size == upright
    header = peek(data, name=path, max_megapixels=300)
    assert (header.width, header.height) == (photo.width, photo.height)
    assert 30 < photo.scaled(400).mean() < 225


def test_half_of_the_pixels_show_the_same_photo() -> None:
    """Every JPEG of the collection, decoded smaller and in full."""
    compared = 0
    for path in sorted(FORMATS.rglob("*.jp*g")):
        data = read_file(path)
        try:
            whole = open_photo(data, name=path.name, max_megapixels=30)
            longer = max(whole.width, whole.height)
            if longer < 600:
                continue
            reduced = open_photo(data, name=path.name, max_megapixels=30, long_side=longer // 2)
        except PhotoError:
            continue
        pictures = [photo.scaled(128).astype(float) for photo in (whole, reduced)]
        assert reduced.upright_size == whole.upright_size
        assert np.abs(pictures[0] - pictures[1]).mean() < 5, path
        compared += reduced.reduction > 1
    assert compared > 20
