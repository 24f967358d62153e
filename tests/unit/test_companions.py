"""What belongs to a photo beside it: one definition, for scans and for exports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.imaging import companions
from facesort.imaging.companions import RAW, VIDEO, Neighbours, raw_stem, still_stem
from facesort.imaging.formats import skip_reason
from facesort.imaging.walk import Companion, walk


def test_a_raw_belongs_to_the_jpeg_beside_it_whatever_the_case_of_the_suffixes():
    folder = Neighbours(["IMG_1.JPG", "IMG_1.cr3", "IMG_2.NEF", "img_1.dng"])
    assert folder.photo_of("IMG_1.cr3") == ("IMG_1.JPG", RAW)
    assert folder.photo_of("IMG_2.NEF") is None  # alone
    assert folder.photo_of("img_1.dng") is None  # another stem
    assert folder.photo_of("IMG_1.JPG") is None


def test_two_raws_of_one_photo_both_belong_to_it():
    folder = Neighbours(["a.jpg", "a.cr2", "a.dng"])
    assert [folder.photo_of(name) for name in ("a.cr2", "a.dng")] == [("a.jpg", RAW)] * 2
    assert folder.of("a.jpg") == ["a.cr2", "a.dng"]


def test_a_raw_does_not_belong_to_another_raw():
    folder = Neighbours(["a.cr2", "a.dng"])
    assert folder.photo_of("a.cr2") is None
    assert folder.photo_of("a.dng") is None
    assert folder.of("a.cr2") == []


def test_a_raw_does_not_hide_behind_a_photo_that_cannot_be_read(monkeypatch):
    folder = Neighbours(["a.heic", "a.dng"])
    monkeypatch.setattr(companions, "skip_reason", lambda name: "HEIC is not supported")
    assert folder.photo_of("a.dng") is None
    monkeypatch.setattr(companions, "skip_reason", lambda name: None)
    assert folder.photo_of("a.dng") == ("a.heic", RAW)


@pytest.mark.parametrize("still", ["a.HEIC", "a.jpg", "a.JPEG", "a.heif"])
@pytest.mark.parametrize("video", ["a.mov", "a.MP4"])
def test_the_moving_half_of_a_live_photo_belongs_to_its_still(still, video):
    assert Neighbours([still, video]).photo_of(video) == (still, VIDEO)


@pytest.mark.parametrize("names", [["a.png", "a.mov"], ["a.jpg", "a.mkv"], ["b.jpg", "a.mov"]])
def test_other_videos_stand_for_themselves(names):
    assert Neighbours(names).photo_of(names[1]) is None


def test_two_pictures_of_one_name_are_two_photos():
    folder = Neighbours(["a.jpg", "a.png", "a.heic", "IMG_E1.jpg", "IMG_1.jpg"])
    assert folder.photo_of("a.png") is None
    assert folder.photo_of("a.heic") is None
    assert folder.of("IMG_1.jpg") == []


def test_of_several_photos_the_first_by_name_stands_for_a_raw():
    assert Neighbours(["a.png", "a.cr2", "a.jpg"]).photo_of("a.cr2") == ("a.jpg", RAW)
    assert Neighbours(["a.png", "a.cr2"]).of("a.png") == ["a.cr2"]


def test_sidecars_go_along_in_either_way_of_naming_them():
    names = ["a.jpg", "a.xmp", "a.jpg.xmp", "a.cr2", "a.cr2.xmp", "a.aae", "b.xmp", "ab.jpg"]
    assert Neighbours(names).of("a.jpg") == ["a.aae", "a.cr2", "a.cr2.xmp", "a.jpg.xmp", "a.xmp"]
    assert Neighbours(["film.mkv", "film.xmp"]).of("film.mkv") == ["film.xmp"]


def test_a_stem_is_told_with_its_folders():
    assert raw_stem("2020/IMG_1.CR3") == "2020/IMG_1"
    assert raw_stem("2020/IMG_1.JPG") == ""
    assert still_stem("2020/IMG_1.JPG") == "2020/IMG_1"
    assert still_stem("2020/IMG_1.CR3") == still_stem("2020/IMG_1.mov") == ""


_NAMES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "a.jpg"]),
        st.sampled_from(
            ["jpg", "JPG", "png", "cr2", "DNG", "mov", "mp4", "mkv", "xmp", "heic", ""]
        ),
    ).map(lambda parts: ".".join(part for part in parts if part)),
    unique=True,
    max_size=12,
)


@given(_NAMES)
def test_what_belongs_to_a_photo_goes_along_with_it_and_with_no_companion(names):
    folder = Neighbours(names)
    for name in names:
        lead = folder.photo_of(name)
        if lead is None:
            continue
        assert folder.photo_of(lead[0]) is None  # no chains
        assert name in folder.of(lead[0])
        assert name != lead[0]


@given(_NAMES)
def test_a_walk_loses_no_file(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("walk")
    for name in {name.casefold(): name for name in names}.values():
        (folder / name).write_bytes(b"x")
    found = walk(folder)
    total = len(found.files) + len(found.companions) + sum(found.skipped.values())
    assert total == len(list(folder.iterdir()))
    assert not any(skip_reason(file.path) for file in found.files)


def test_a_walk_names_companions_with_their_photo(tmp_path):
    for name in ("x/a.jpg", "x/a.CR3", "x/a.mov", "y/a.jpg", "z/a.mov", "z/a.jpg/b.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    found = walk(tmp_path)
    assert found.companions == [
        Companion("x/a.CR3", "x/a.jpg", RAW),
        Companion("x/a.mov", "x/a.jpg", VIDEO),
    ]
    # A folder that is called like a photo is none.
    assert [f.path for f in found.files if "mov" not in f.path] == [
        "x/a.jpg",
        "y/a.jpg",
        "z/a.jpg/b.png",
    ]


def test_a_raw_beside_a_link_that_leads_nowhere_is_scanned_by_itself(tmp_path):
    (tmp_path / "a.dng").write_bytes(b"x")
    (tmp_path / "a.jpg").symlink_to(tmp_path / "gone.jpg")
    assert walk(tmp_path).companions == []
