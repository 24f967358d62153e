"""The makers of photos to measure with: different content, the same every time, truth that fits."""

from __future__ import annotations

import csv
from functools import partial
from typing import TYPE_CHECKING

import cv2
import pytest
from PIL import Image

from facesort.domain import Box
from facesort.imaging.content import content_key
from facesort.imaging.decode import open_photo
from tests.benchmarks.peers import copy_every, count_found
from tests.benchmarks.photos import (
    CAMERAS,
    Camera,
    find_photos,
    main,
    make,
    make_camera_photo,
    make_small_photo,
    synthetic_jpeg,
)
from tests.fakes import jpeg, png

if TYPE_CHECKING:
    from pathlib import Path

_SMALL = Camera("Small", 450, 300, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422)
_FACE = Box(24, 40, 72, 88)  # where `paint` puts the first square


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    """Four painted photos with truth, one of them upright."""
    folder = tmp_path / "sources"
    for number in range(3):
        png(folder / f"{number}.png", "anna", number=number)
    Image.open(folder / "2.png").crop((0, 0, 160, 240)).save(folder / "3.png")
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [[f"{number}.png", 24, 40, 72, 88, "anna"] for number in range(4)]
        csv.writer(file).writerows([["photo", "left", "top", "right", "bottom", "person"], *rows])
    return find_photos(folder)


def test_every_photo_has_content_of_its_own(sources: list[Path], tmp_path: Path) -> None:
    for number in range(16):
        make_camera_photo(number, sources=sources, dest=tmp_path / "camera", cameras=[_SMALL])
        make_small_photo(number, sources=sources, dest=tmp_path / "small")
    for folder in ("camera", "small"):
        made = find_photos(tmp_path / folder)
        assert len({content_key(path.read_bytes()) for path in made}) == len(made) == 16


def test_the_same_number_is_the_same_photo_in_every_run(
    sources: list[Path], tmp_path: Path
) -> None:
    for folder in ("one", "two"):
        make_camera_photo(7, sources=sources, dest=tmp_path / folder, cameras=[_SMALL])
    one, two = (tmp_path / folder / "000" / "000007.jpg" for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_truth_moves_with_the_crop_and_the_turn(sources: list[Path], tmp_path: Path) -> None:
    one = partial(make_camera_photo, sources=sources, dest=tmp_path, cameras=[_SMALL])
    made = make(one, range(24), processes=1)
    boxes = 0
    turned = set()
    for photo in made:
        data = (tmp_path / photo.path).read_bytes()
        decoded = open_photo(data, name=photo.path, max_megapixels=300)
        turned.add(decoded.orientation)
        assert decoded.upright_size == (photo.width, photo.height)
        for box, person in photo.boxes:
            boxes += 1
            assert person == "anna"
            middle = decoded.crop(
                Box(box.left + 10, box.top + 10, box.right - 10, box.bottom - 10), 64
            )
            red, green, blue = middle.pixels.reshape(-1, 3).mean(axis=0)
            assert red > 150
            assert max(green, blue) < 100
    assert boxes >= 12
    assert turned == {1, 6}


def test_a_face_that_the_crop_cuts_off_is_no_truth(sources: list[Path], tmp_path: Path) -> None:
    one = partial(make_camera_photo, sources=sources[:1], dest=tmp_path, cameras=[_SMALL])
    assert {len(photo.boxes) for photo in make(one, range(24), processes=1)} == {0, 1}


def test_the_command_line_writes_photos_and_their_truth(
    sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr("tests.benchmarks.photos.CAMERAS", (_SMALL,))
    arguments = ["camera", str(sources[0].parent), str(tmp_path / "made"), "--count", "4"]
    main([*arguments, "--processes", "1"])
    assert capsys.readouterr().out.startswith("4 photos")
    assert len(find_photos(tmp_path / "made")) == 4
    with (tmp_path / "made" / "truth.csv").open(encoding="utf-8", newline="") as file:
        assert {row["person"] for row in csv.DictReader(file)} == {"anna"}


def test_camera_photos_hold_as_many_bits_as_cameras_write() -> None:
    camera = CAMERAS[0]
    data = synthetic_jpeg(camera)
    bits = 8 * len(data) / (camera.long_side * camera.short_side)
    assert 1.5 < bits < 5
    photo = open_photo(data, name="x", max_megapixels=300)
    assert (photo.width, photo.height) == (camera.long_side, camera.short_side)
    assert photo.camera == camera.model
    assert photo.taken_at.startswith("2026-01-01T")


def test_a_truth_box_counts_as_found_from_half_overlap_on(tmp_path: Path) -> None:
    truth = {tmp_path / "a.jpg": [_FACE, Box(200, 40, 248, 88)], tmp_path / "b.jpg": [_FACE]}
    found = {tmp_path / "a.jpg": [Box(26, 42, 74, 90), Box(230, 40, 278, 88)]}
    assert count_found(truth, found) == 1


def test_every_nth_photo_is_copied_with_its_truth(sources: list[Path], tmp_path: Path) -> None:
    jpeg(sources[0].parent / "inner" / "4.jpg", "bert", number=4)
    dest = copy_every(sources[0].parent, 2, tmp_path / "chosen")
    assert [path.name for path in find_photos(dest)] == ["0.png", "2.png", "4.jpg"]
    with (dest / "truth.csv").open(encoding="utf-8", newline="") as file:
        assert [row["photo"] for row in csv.DictReader(file)] == ["0.png", "2.png"]
    assert (dest / "0.png").read_bytes() == sources[0].read_bytes()
