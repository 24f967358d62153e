"""The walk: what is found, what is passed over, and that every folder is entered once."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.imaging.formats import PHOTO_SUFFIXES, format_of, skip_reason
from facesort.imaging.walk import Walk, walk

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files")


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found(result: Walk) -> list[str]:
    return [file.path for file in result.files]


def test_photos_are_found_in_the_same_order_whatever_order_they_were_made_in(
    tmp_path: Path,
) -> None:
    names = ["b/2.jpg", "a/1.JPG", "B.png", "a/b/3.tiff", "a.webp", "z.PsD"]
    random.Random(3).shuffle(names)
    for name in names:
        put(tmp_path / name)
    assert found(walk(tmp_path)) == ["B.png", "a.webp", "a/1.JPG", "a/b/3.tiff", "b/2.jpg"]


def test_size_and_time_are_those_of_the_file(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jpg", b"12345")
    os.utime(path, ns=(7, 1_234_567_890_123_456_700))
    empty = put(tmp_path / "empty.jpg", b"")
    first, second = walk(tmp_path).files
    assert (first.size, first.mtime_ns) == (5, path.stat().st_mtime_ns)
    assert (second.path, second.size) == (empty.name, 0)


def test_every_passed_over_format_is_one_line_with_a_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facesort.imaging.formats.installed_extras", frozenset)
    for name in ("a.heic", "b.HEIF", "c.nef", "d.NEF", "e.cr2", "f.mov", "g.mp4", "h.LRV", "i"):
        put(tmp_path / name)
    assert walk(tmp_path).skipped == {
        'HEIC is not supported without the extra: pip install "facesort[heic]"': 2,
        'RAW is not supported without the extra: pip install "facesort[raw]"': 3,
        "not an image": 1,
        'video is not supported without the extra: pip install "facesort[video]"': 2,
        "a small copy of a video": 1,
    }


def test_hidden_and_system_folders_are_not_entered(tmp_path: Path) -> None:
    for folder in (".thumbnails", "@eaDir", "__MACOSX", "$RECYCLE.BIN", "lost+found"):
        put(tmp_path / folder / "a.jpg")
    put(tmp_path / "System Volume Information" / "a.jpg")
    put(tmp_path / "._IMG_1.jpg")
    put(tmp_path / "IMG_1.jpg")
    result = walk(tmp_path)
    assert found(result) == ["IMG_1.jpg"]
    assert result.skipped == {"hidden": 7}


def test_the_root_itself_may_be_hidden(tmp_path: Path) -> None:
    put(tmp_path / ".photos" / "a.jpg")
    assert found(walk(tmp_path / ".photos")) == ["a.jpg"]


@pytest.mark.parametrize(
    ("manifest", "ours"),
    [
        (b'{"facesort": 1, "files": []}', True),
        (b'\xef\xbb\xbf {\n  "facesort" : {"version": 1}}', True),
        (b'{"name": "facesort"}', False),
        (b'{"name": 1, "facesort": 1}', False),
        (b'{"facesorter": 1}', False),
        (b'["facesort"]', False),
        (b"", False),
        (b"\xff\xfe\x00", False),
        (b" " * 100_000 + b'{"facesort": 1}', False),
    ],
)
def test_a_folder_that_facesort_wrote_is_passed_over(
    tmp_path: Path, manifest: bytes, ours: bool
) -> None:
    put(tmp_path / "albums" / "Anna" / "a.jpg")
    put(tmp_path / "albums" / "manifest.json", manifest)
    put(tmp_path / "b.jpg")
    result = walk(tmp_path)
    assert result.exported == (["albums"] if ours else [])
    assert found(result) == (["b.jpg"] if ours else ["albums/Anna/a.jpg", "b.jpg"])


def test_an_exported_root_is_passed_over_whole(tmp_path: Path) -> None:
    put(tmp_path / "manifest.json", b'{"facesort": 1}')
    put(tmp_path / "a.jpg")
    assert walk(tmp_path) == Walk(files=[], skipped={}, unreadable=[], exported=["."])


def test_a_folder_called_manifest_json_is_a_folder(tmp_path: Path) -> None:
    put(tmp_path / "manifest.json" / "a.jpg")
    assert found(walk(tmp_path)) == ["manifest.json/a.jpg"]


def test_excluded_folders_are_never_entered(tmp_path: Path) -> None:
    put(tmp_path / "library" / "cache" / "a.jpg")
    put(tmp_path / "b.jpg")
    exclude = [tmp_path / "library", tmp_path / "not there"]
    assert found(walk(tmp_path, exclude=exclude)) == ["b.jpg"]
    assert found(walk(tmp_path / "library", exclude=exclude)) == []


@posix_only
def test_no_link_leads_into_an_excluded_folder(tmp_path: Path) -> None:
    library = put(tmp_path / "library" / "a.jpg").parent
    photos = put(tmp_path / "photos" / "b.jpg").parent
    (photos / "shortcut").symlink_to(library)
    assert found(walk(photos, exclude=[library])) == ["b.jpg"]


@posix_only
def test_a_folder_that_is_also_linked_is_found_where_it_lies(tmp_path: Path) -> None:
    put(tmp_path / "z real" / "deep" / "a.jpg")
    (tmp_path / "a link").symlink_to(tmp_path / "z real")
    (tmp_path / "b link").symlink_to(tmp_path / "z real" / "deep")
    assert found(walk(tmp_path)) == ["z real/deep/a.jpg"]


@posix_only
def test_a_linked_folder_elsewhere_is_followed_once(tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere" / "a.jpg").parent
    root = tmp_path / "root"
    root.mkdir()
    for name in ("second", "first", "third"):
        (root / name).symlink_to(elsewhere)
    assert found(walk(root)) == ["first/a.jpg"]


@posix_only
def test_loops_of_links_end(tmp_path: Path) -> None:
    folder = put(tmp_path / "a" / "b" / "1.jpg").parent
    (folder / "up").symlink_to(tmp_path)
    (folder / "self").symlink_to(folder)
    (tmp_path / "knot").symlink_to(tmp_path / "knot")
    result = walk(tmp_path)
    assert found(result) == ["a/b/1.jpg"]
    assert [path for path, _ in result.unreadable] == ["knot"]


@posix_only
def test_a_link_to_a_photo_is_a_photo_and_a_broken_one_is_reported(tmp_path: Path) -> None:
    target = put(tmp_path / "elsewhere" / "a.jpg", b"12345")
    root = tmp_path / "root"
    root.mkdir()
    (root / "good.jpg").symlink_to(target)
    (root / "bad.jpg").symlink_to(tmp_path / "gone.jpg")
    (root / "Holidays").symlink_to(tmp_path / "unplugged")
    result = walk(root)
    assert [(file.path, file.size) for file in result.files] == [("good.jpg", 5)]
    assert result.unreadable == [("Holidays", "broken link"), ("bad.jpg", "broken link")]


@posix_only
def test_a_folder_that_cannot_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "secret" / "a.jpg")
    put(tmp_path / "open" / "b.jpg")
    real = os.scandir

    def scandir(path: str) -> os._ScandirIterator[str]:
        if path.rstrip("/").endswith("secret"):  # a mode of 0 would not stop root
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    result = walk(tmp_path)
    assert found(result) == ["open/b.jpg"]
    assert result.unreadable == [("secret", "Permission denied")]


def test_a_root_that_is_no_folder_is_reported_not_raised(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jpg")
    for root in (path, tmp_path / "not there"):
        ((where, reason),) = walk(root).unreadable
        assert where == "."
        assert reason


@posix_only
def test_pipes_and_sockets_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    os.mkfifo(tmp_path / "manifest.json")
    put(tmp_path / "b.jpg")
    result = walk(tmp_path)
    assert found(result) == ["b.jpg"]
    assert result.skipped == {"not a file": 2}


@posix_only
def test_a_name_that_is_not_utf8_survives(tmp_path: Path) -> None:
    name = b"caf\xe9.jpg"
    try:
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system refuses names that are not UTF-8")
    (file,) = walk(tmp_path).files
    assert os.fsencode(file.path) == name


@posix_only
def test_a_tree_deeper_than_pythons_stack_is_walked(tmp_path: Path) -> None:
    depth = 1200  # Python's limit is 1,000; the path stays under the system's 4,096 bytes
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(depth):
            os.mkdir("d", dir_fd=here)
            deeper = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
        os.close(os.open("a.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    finally:
        os.close(here)
    result = walk(tmp_path)
    _flatten(tmp_path)
    assert found(result) == ["d/" * depth + "a.jpg"]
    assert result.unreadable == []


def _flatten(root: Path) -> None:
    """Take a tower of folders down from the top: pytest's own clean-up would not survive it."""
    while (root / "d" / "d").exists():
        (root / "d" / "d").rename(root / "next")
        (root / "d").rmdir()
        (root / "next").rename(root / "d")


def test_a_file_that_vanishes_during_the_walk_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = put(tmp_path / "a.jpg")
    put(tmp_path / "b.jpg")

    def skip(name: str) -> str | None:
        victim.unlink(missing_ok=True)
        return skip_reason(name)

    monkeypatch.setattr("facesort.imaging.walk.skip_reason", skip)
    result = walk(tmp_path)
    if sys.platform == "win32":  # there the listing has brought the sizes along
        pytest.skip("cannot be seen on Windows")
    assert found(result) == ["b.jpg"]
    assert [path for path, _ in result.unreadable] == ["a.jpg"]


@given(st.sampled_from(sorted(PHOTO_SUFFIXES)), st.text(max_size=8), st.booleans())
def test_photo_suffixes_count_in_either_case(suffix: str, stem: str, upper: bool) -> None:
    name = f"x{stem}.{suffix.upper() if upper else suffix}"
    assert skip_reason(name) is None
    assert skip_reason(name + ".xmp") == "not an image"


@given(st.text())
def test_any_name_has_an_answer(name: str) -> None:
    reason = skip_reason(name)
    assert reason is None or reason.strip()


def test_a_suffix_alone_is_no_photo() -> None:
    assert skip_reason("jpg") == skip_reason(".jpg") == "not an image"


@pytest.mark.parametrize(
    ("head", "label"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", None),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", None),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "RAW"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"\xff\x0a\xff\x07", "JPEG XL"),
        (b"\xff\xd8\xff\xe0", None),
        (b"", None),
    ],
)
def test_known_formats_under_a_photos_suffix_are_named(head: bytes, label: str | None) -> None:
    assert format_of(head, "a.jpg") == label
