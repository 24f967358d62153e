"""Scanning with fake models: what is looked at, what is not, and what is kept through it all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from PIL import Image

from facesort.domain import PlaceState
from facesort.errors import LibraryLocked, UsageError
from facesort.imaging.geometry import to_upright
from facesort.jobs.scanning import compare
from tests.fakes import (
    FakeModels,
    SilentProgress,
    dump,
    jpeg,
    open_library,
    paint,
    png,
    tagged,
    with_segment,
)
from tests.terminal import unprivileged

if TYPE_CHECKING:
    from facesort.jobs.scanning.scan import ScanReport
    from facesort.library import Library

XMP = b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta><rdf:li>holiday</rdf:li></x:xmpmeta>"


@dataclass
class World:
    """A folder of photos, a library, and fake models that count."""

    root: Path
    models: FakeModels = field(default_factory=FakeModels)
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def photos(self) -> Path:
        return self.root / "photos"

    @property
    def library(self) -> Path:
        return self.root / "library"

    def open(self, **changes: Any) -> Library:
        return open_library(self.library, self.models, **{**self.changes, **changes})

    def scan(self, *folders: Path, group: bool = True, **changes: Any) -> ScanReport:
        with self.open(**changes) as library:
            return library.scan(folders or [self.photos], group=group)

    def looks(self, *folders: Path, **changes: Any) -> int:
        """Scan, and return how many pictures the detector was shown."""
        before = self.models.looked
        self.scan(*folders, **changes)
        return self.models.looked - before

    def who(self, path: Path) -> list[str]:
        """Return the people on a photo from left to right: names, or ids of those without."""
        with self.open() as library:
            situation, photos = library.situation(), library.photos()
        (photo,) = (p for p in photos.values() if path in {place.path for place in p.places})
        faces = sorted(
            (f for f in situation.faces.values() if f.photo_id == photo.id), key=lambda f: f.box
        )
        owners = [situation.people.owners[face.id] for face in faces]
        return [situation.people.by_id[o].name or o if o else "nobody" for o in owners]

    def name(self, path: Path, *names: str) -> None:
        """Name the people on a photo from left to right."""
        for person, name in zip(self.who(path), names, strict=True):
            with self.open() as library:
                library.name(person, name)

    def places(self, *states: PlaceState | str) -> list[str]:
        """Return the paths in these states below the world's folder."""
        with self.open() as library:
            found = library.places([PlaceState(state) for state in states])
        return [place.path.relative_to(self.root).as_posix() for place in found]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def named(world: World) -> World:
    """Anna and Bert on three photos, scanned and named."""
    png(world.photos / "one.png", "anna", "bert", number=1)
    jpeg(world.photos / "two.jpg", "anna", number=2)
    jpeg(world.photos / "sub" / "three.jpg", "bert", "anna", number=3)
    world.scan()
    world.name(world.photos / "one.png", "Anna", "Bert")
    assert world.who(world.photos / "sub" / "three.jpg") == ["Bert", "Anna"]
    return world


def _touch(path: Path) -> None:
    """Give a file another time, as every change of its content does."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10_000_000))


def _rewrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    _touch(path)


# -- what is opened ------------------------------------------------------------------------------


def test_the_first_scan_finds_who_is_on_every_photo(world):
    png(world.photos / "a.png", "anna", "bert", number=1)
    png(world.photos / "b.png", "bert", "anna", "cleo", number=2)
    png(world.photos / "nobody.png", number=3)
    report = world.scan()
    counts = report.counts
    assert (counts.seen, counts.new, counts.failed, counts.unchanged) == (3, 3, 0, 0)
    assert (report.faces, report.people, report.provider) == (5, 3, "fake")
    anna, bert = world.who(world.photos / "a.png")
    assert world.who(world.photos / "b.png")[:2] == [bert, anna]


def test_an_unchanged_folder_opens_no_photo_and_loads_no_model(named):
    for path in named.photos.rglob("*.*"):  # whoever opens one of these now will notice
        status = path.stat()
        path.write_bytes(b"\0" * status.st_size)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    before = dump(named.library)
    loads = named.models.loads
    report = named.scan()
    assert (report.counts.unchanged, report.counts.failed) == (3, 0)
    assert named.models.loads == loads
    assert dump(named.library) == before


def test_only_new_photos_are_looked_at(named):
    png(named.photos / "new.png", "anna", number=9)
    assert named.looks() == 1
    assert named.who(named.photos / "new.png") == ["Anna"]


def test_a_changed_picture_is_looked_at_and_the_old_one_no_longer_counts(named):
    path = named.photos / "one.png"
    path.unlink()
    png(path, "cleo", number=4)
    _touch(path)
    report = named.scan()
    assert (report.counts.changed, report.counts.new) == (1, 0)
    assert report.faces == 4  # two.jpg has one, three.jpg two, and the new picture one
    (cleo,) = named.who(path)
    assert cleo not in {"Anna", "Bert", "nobody"}


def test_a_picture_that_comes_back_is_known_again(named):
    path = named.photos / "one.png"
    old = path.read_bytes()
    path.unlink()
    png(path, "cleo", number=4)
    named.scan()
    _rewrite(path, old)
    assert named.looks() == 0
    assert named.who(path) == ["Anna", "Bert"]


@pytest.mark.parametrize(("marker", "payload"), [(0xE1, XMP), (0xED, b"Photoshop 3.0\x008BIM")])
def test_keywords_in_a_photo_cost_no_inference_and_keep_every_name(named, marker, payload):
    path = named.photos / "sub" / "three.jpg"
    _rewrite(path, with_segment(path.read_bytes(), marker, payload))
    before = dump(named.library)["faces"]
    assert named.looks() == 0
    assert named.who(path) == ["Bert", "Anna"]
    assert dump(named.library)["faces"] == before


@pytest.mark.parametrize("orientation", range(2, 9))
def test_another_orientation_tag_costs_no_inference_and_turns_the_boxes_shown(named, orientation):
    path = named.photos / "two.jpg"
    _rewrite(path, tagged(path.read_bytes(), orientation))
    assert named.looks() == 0
    with named.open() as library:
        situation, photos = library.situation(), library.photos()
    (photo,) = (p for p in photos.values() if p.places[0].path == path)
    (face,) = (f for f in situation.faces.values() if f.photo_id == photo.id)
    assert photo.places[0].orientation == orientation
    box = to_upright(face.box, photo.width, photo.height, photo.places[0].orientation)
    turned = Image.open(path)
    # What a viewer shows at that box is the square: red, and grey just outside.
    upright = _as_shown(turned, orientation)
    middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    assert _is_red(upright, *middle)
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        reach_x, reach_y = box.width / 2 - 4, box.height / 2 - 4
        assert _is_red(upright, middle[0] + dx * reach_x, middle[1] + dy * reach_y)
        assert not _is_red(upright, middle[0] + dx * (reach_x + 8), middle[1] + dy * (reach_y + 8))


def _as_shown(image: Image.Image, orientation: int) -> Image.Image:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return image.convert("RGB").transpose(turns[orientation])


def _is_red(image: Image.Image, x: float, y: float) -> bool:
    pixel = image.getpixel((int(x), int(y)))
    assert isinstance(pixel, tuple)
    return pixel[0] - max(pixel[1], pixel[2]) > 100


def test_a_turned_photo_gives_the_same_faces_whichever_way_it_was_tagged_first(world):
    plain = jpeg(world.root / "plain.jpg", "anna", "bert", number=5).read_bytes()
    ids = set()
    for orientation in range(1, 9):
        photos = World(world.root / str(orientation))
        photos.photos.mkdir(parents=True)
        (photos.photos / "p.jpg").write_bytes(tagged(plain, orientation))
        photos.scan()
        with photos.open() as library:
            ids.add(tuple(sorted((f.anchor, f.id) for f in library.situation().faces.values())))
    assert len({tuple(anchor.content_key for anchor, _ in found) for found in ids}) == 1
    assert all(len(found) == 2 for found in ids)


# -- where it lies -------------------------------------------------------------------------------


def test_a_moved_or_renamed_photo_costs_no_inference_and_keeps_its_names(named):
    (named.photos / "one.png").rename(named.photos / "sub" / "uno.png")
    before = named.models.loads
    report = named.scan()
    counts = report.counts
    assert (counts.moved, counts.new, counts.copies, counts.missing) == (1, 0, 0, 0)
    assert named.models.looked == 3
    assert named.who(named.photos / "sub" / "uno.png") == ["Anna", "Bert"]
    assert named.places("missing") == []
    assert len(named.places("present")) == 3
    assert named.models.loads == before + 1  # it had to be opened, to see that it is known


def test_a_renamed_folder_costs_no_inference_and_keeps_its_names(named):
    for number in range(4, 12):
        jpeg(named.photos / "sub" / f"{number}.jpg", "anna", number=number)
    named.scan()
    (named.photos / "sub").rename(named.photos / "other")
    before = named.models.looked
    report = named.scan()
    assert (report.counts.moved, report.counts.missing, report.counts.vanished) == (9, 0, [])
    assert named.models.looked == before
    assert named.who(named.photos / "other" / "three.jpg") == ["Bert", "Anna"]
    assert named.places("missing") == []


def test_a_renamed_root_that_is_scanned_together_with_the_old_one_s_parent_is_a_move(named):
    named.photos.rename(named.root / "pictures")
    report = named.scan(named.root)
    assert (report.counts.moved, report.counts.new, report.counts.copies) == (3, 0, 0)
    assert named.who(named.root / "pictures" / "one.png") == ["Anna", "Bert"]


@pytest.mark.parametrize("together", [True, False])
def test_a_photo_moved_to_another_scanned_folder_leaves_nothing_behind(named, together):
    other = named.root / "other"
    png(other / "new.png", "cleo", number=8)
    named.scan(other)
    (named.photos / "one.png").rename(other / "uno.png")
    report = named.scan(*([named.photos, other] if together else [other]))
    assert (report.counts.moved, report.counts.copies, report.counts.missing) == (1, 0, 0)
    assert named.who(other / "uno.png") == ["Anna", "Bert"]
    report = named.scan(named.photos, other)
    assert (report.counts.unchanged, report.counts.missing) == (4, 0)


def test_a_copy_is_a_second_place_of_the_same_photo(named):
    shutil.copy(named.photos / "one.png", named.photos / "copy.png")
    report = named.scan()
    assert (report.counts.copies, report.counts.new, report.counts.moved) == (1, 0, 0)
    assert named.models.looked == 3
    assert report.faces == 5
    with named.open() as library:
        assert len(library.photos()) == 3
    assert named.who(named.photos / "copy.png") == ["Anna", "Bert"]


def test_two_copies_in_one_scan_are_one_photo(world):
    png(world.photos / "a.png", "anna", number=1)
    shutil.copy(world.photos / "a.png", world.photos / "b.png")
    report = world.scan()
    assert (report.counts.new, report.counts.copies, report.faces) == (1, 1, 1)


def test_a_crop_is_a_new_photo(named):
    with Image.open(named.photos / "one.png") as photo:
        photo.crop((0, 0, 90, 240)).save(named.photos / "crop.png")
    report = named.scan()
    assert (report.counts.new, report.faces) == (1, 6)
    assert named.who(named.photos / "crop.png") == ["Anna"]


def test_a_missing_photo_keeps_its_faces_and_its_names(named):
    (named.photos / "two.jpg").unlink()
    report = named.scan()
    assert (report.counts.missing, report.counts.seen, report.faces) == (1, 2, 5)
    assert report.counts.vanished == []
    assert named.places("missing") == ["photos/two.jpg"]
    assert named.who(named.photos / "two.jpg") == ["Anna"]
    assert named.scan().counts.missing == 1  # still


def test_a_missing_photo_that_comes_back_is_present_again(named):
    path = named.photos / "two.jpg"
    shutil.move(path, named.root / "away.jpg")
    named.scan()
    shutil.move(named.root / "away.jpg", path)
    before = named.models.looked
    report = named.scan()
    assert (report.counts.missing, report.counts.unchanged) == (0, 3)
    assert named.models.looked == before
    assert named.places("missing") == []


def test_a_missing_photo_that_turns_up_elsewhere_was_moved(named):
    shutil.move(named.photos / "two.jpg", named.root / "away.jpg")
    named.scan()
    shutil.move(named.root / "away.jpg", named.photos / "deux.jpg")
    report = named.scan()
    assert (report.counts.moved, report.counts.missing, report.counts.copies) == (1, 0, 0)
    assert named.places("missing") == []


def test_an_unplugged_drive_marks_nothing_and_its_return_costs_nothing(named):
    named.photos.rename(named.root / "unplugged")
    named.photos.mkdir()  # the mount point that stays
    before = dump(named.library)
    report = named.scan()
    assert report.counts.vanished == [str(named.photos)]
    assert report.counts.missing == 0
    assert dump(named.library) == before
    named.photos.rmdir()
    (named.root / "unplugged").rename(named.photos)
    assert named.looks() == 0
    assert named.scan().counts.unchanged == 3
    assert dump(named.library) == before


def test_an_unplugged_drive_loses_not_even_the_memory_of_what_failed_on_it(named):
    (named.photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    named.scan()
    before = dump(named.library)
    named.photos.rename(named.root / "unplugged")
    named.photos.mkdir()
    named.scan()
    assert dump(named.library) == before


def test_an_unplugged_drive_of_copies_marks_nothing_either(named):
    backup = named.root / "backup"
    shutil.copytree(named.photos, backup)
    named.scan(named.photos, backup)
    before = dump(named.library)
    backup.rename(named.root / "unplugged")
    backup.mkdir()
    assert named.scan(named.photos, backup).counts.vanished == [str(backup)]
    assert dump(named.library) == before
    backup.rmdir()
    (named.root / "unplugged").rename(backup)
    report = named.scan(named.photos, backup)
    assert (report.counts.unchanged, report.counts.copies) == (6, 0)


def test_a_deleted_copy_is_no_missing_photo(named):
    shutil.copy(named.photos / "one.png", named.photos / "copy.png")
    named.scan()
    (named.photos / "copy.png").unlink()
    report = named.scan()
    assert (report.counts.missing, report.counts.moved, report.faces) == (0, 0, 5)
    assert named.places("missing") == []


def test_more_than_half_of_a_folder_gone_marks_nothing(named):
    (named.photos / "one.png").unlink()
    (named.photos / "two.jpg").unlink()
    report = named.scan()
    assert (report.counts.vanished, report.counts.missing) == ([str(named.photos)], 0)
    assert named.places("missing") == []


def test_only_the_scanned_folders_are_judged(named):
    (named.photos / "two.jpg").unlink()
    report = named.scan(named.photos / "sub")
    assert (report.counts.missing, report.counts.seen, report.counts.vanished) == (0, 1, [])
    assert named.places("missing") == []


def test_a_drive_that_is_gone_altogether_is_said_before_any_work(named):
    before = dump(named.library)
    named.photos.rename(named.root / "unplugged")
    with pytest.raises(UsageError, match="does not exist") as refused:
        named.scan()
    assert "drive is connected" in refused.value.hint
    assert dump(named.library) == before


# -- folders in folders --------------------------------------------------------------------------


def test_the_folder_above_a_scanned_one_gives_no_second_places(named):
    png(named.root / "later.png", "anna", number=7)
    assert named.looks(named.root) == 1
    assert sorted(named.places("present")) == [
        "later.png", "photos/one.png", "photos/sub/three.jpg", "photos/two.jpg",
    ]  # fmt: skip
    with named.open() as library:
        assert library.roots() == [named.root]


def test_the_folder_below_a_scanned_one_gives_no_second_places(named):
    assert named.looks(named.photos / "sub") == 0
    assert len(named.places("present")) == 3
    with named.open() as library:
        assert library.roots() == [named.photos]


def test_a_folder_given_twice_or_with_one_inside_it_is_scanned_once(world):
    png(world.photos / "sub" / "a.png", "anna", number=1)
    link = world.root / "link"
    link.symlink_to(world.photos)
    report = world.scan(world.photos, world.photos / "sub", world.photos, link)
    assert (report.counts.seen, report.counts.new) == (1, 1)
    assert world.places("present") == ["photos/sub/a.png"]


def test_a_preview_knows_the_photos_of_scanned_folders_inside(named):
    png(named.root / "later.png", "anna", number=7)
    before = dump(named.library)
    with named.open() as library:
        counts = library.preview_scan([named.root]).counts
    assert (counts.new, counts.unchanged, counts.seen) == (1, 3, 4)
    assert dump(named.library) == before


@pytest.mark.parametrize(
    "name",
    [
        "with space.png",
        unicodedata.normalize("NFC", "Gebäude.png"),
        unicodedata.normalize("NFD", "Gebäude.png"),
        "new\nline.png",
        "[bold]'\"%s$(x).png",
        "🎉.png",
        pytest.param(
            os.fsdecode(b"latin1-\xe9.png"),
            marks=pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are text"),
        ),
    ],
)
def test_any_name_of_a_file_or_folder_is_scanned_and_known_again(world, name):
    folder = world.photos / name.removesuffix(".png")
    png(folder / name, "anna", number=1)
    assert world.scan(folder).counts.new == 1
    assert world.scan(folder).counts.unchanged == 1
    assert world.scan(world.photos).counts.unchanged == 1
    with world.open() as library:
        (photo,) = library.photos().values()
    assert os.fsencode(photo.places[0].path) == os.fsencode(folder / name)


def test_composed_and_decomposed_names_side_by_side_are_two_files(world):
    forms: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
    for number, form in enumerate(forms):
        png(world.photos / unicodedata.normalize(form, "Ä.png"), "anna", number=number)
    if len(list(world.photos.iterdir())) == 1:
        pytest.skip("this file system takes the two for one")
    assert world.scan().counts.new == 2
    assert world.scan().counts.unchanged == 2


def test_hidden_folders_are_passed_over_and_link_loops_end(world):
    png(world.photos / "a.png", "anna", number=1)
    png(world.photos / ".thumbs" / "b.png", "anna", number=2)
    png(world.root / "elsewhere" / "c.png", "anna", number=3)
    (world.photos / "loop").symlink_to(world.photos)
    (world.photos / "linked").symlink_to(world.root / "elsewhere")
    report = world.scan()
    assert report.counts.seen == 2
    assert report.counts.skipped == {"hidden": 1}
    assert sorted(world.places("present")) == ["photos/a.png", "photos/linked/c.png"]


def test_the_library_itself_is_never_scanned(world):
    png(world.photos / "a.png", "anna", number=1)
    inside = World(world.photos)
    inside.scan(world.photos)
    png(inside.library / "cache" / "crop.png", "anna", number=2)
    assert inside.scan(world.photos).counts.seen == 1


def test_albums_that_facesort_wrote_are_passed_over_and_said(named):
    albums = named.photos / "albums"
    png(albums / "Anna" / "one.png", "anna", number=1)
    (albums / "manifest.json").write_text('{"facesort": 1, "files": []}')
    report = named.scan()
    assert (report.counts.seen, report.counts.unchanged) == (3, 3)
    assert report.counts.exported == [str(albums)]


# -- what cannot be read -------------------------------------------------------------------------


def _broken(path: Path) -> Path:
    whole = jpeg(path, "anna", "bert", number=40).read_bytes()
    path.write_bytes(whole[:700])
    return path


def test_one_broken_photo_is_one_recorded_failure(named):
    path = _broken(named.photos / "broken.jpg")
    report = named.scan()
    assert report.counts.failed == 1
    ((failed, reason),) = report.counts.failures
    assert failed == str(path)
    assert reason
    assert str(path) not in reason
    assert named.places("failed") == ["photos/broken.jpg"]
    assert report.faces == 5


def test_a_broken_photo_is_counted_again_but_not_opened_again(named, monkeypatch):
    _broken(named.photos / "broken.jpg")
    first = named.scan()
    loads = named.models.loads
    second = named.scan()
    assert second.counts.failed == first.counts.failed == 1
    assert second.counts.failures == first.counts.failures
    assert named.models.loads == loads
    # A later version may read it.
    monkeypatch.setattr(compare, "__version__", "99.0")
    assert named.scan().counts.failed == 1
    assert named.models.loads == loads + 1
    assert named.scan().counts.failed == 1
    assert named.models.loads == loads + 1


def test_a_broken_photo_that_was_mended_is_new(named):
    path = _broken(named.photos / "broken.jpg")
    named.scan()
    jpeg(path, "anna", number=40)
    _touch(path)
    report = named.scan()
    assert (report.counts.new, report.counts.failed) == (1, 0)
    assert named.who(path) == ["Anna"]
    assert named.places("failed") == []


def test_a_broken_photo_that_was_deleted_is_forgotten(named):
    path = _broken(named.photos / "broken.jpg")
    named.scan()
    path.unlink()
    report = named.scan()
    assert (report.counts.failed, report.counts.missing) == (0, 0)
    assert named.places("failed", "missing") == []


def test_a_photo_that_breaks_keeps_its_faces_until_it_is_mended(named):
    path = named.photos / "two.jpg"
    whole = path.read_bytes()
    path.write_bytes(whole[:600])
    _touch(path)
    report = named.scan()
    assert (report.counts.failed, report.faces) == (1, 5)
    _rewrite(path, whole)
    assert named.looks() == 0
    assert named.places("failed") == []
    assert named.who(path) == ["Anna"]


NO_HEIC = 'HEIC is not supported without the extra: pip install "facesort[heic]"'
NO_RAW = 'RAW is not supported without the extra: pip install "facesort[raw]"'


def _install(monkeypatch, *extras):
    """Make it look as if just these extras were installed."""
    for module in ("imaging.formats", "jobs.scanning.compare"):
        monkeypatch.setattr(f"facesort.{module}.installed_extras", lambda: frozenset(extras))


def test_an_iphone_photo_with_the_wrong_suffix_is_skipped_not_failed(named, monkeypatch):
    _install(monkeypatch)
    heic = named.photos / "IMG_0001.jpg"
    heic.write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 500)
    for _ in range(2):
        report = named.scan()
        assert (report.counts.failed, report.counts.skipped) == (0, {NO_HEIC: 1})
    assert named.places("skipped") == ["photos/IMG_0001.jpg"]


def test_a_skipped_file_is_opened_again_once_its_extra_is_installed(named, monkeypatch):
    pytest.importorskip("pi_heif")
    _install(monkeypatch)
    heic = named.photos / "IMG_0001.jpg"
    heic.write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 500)
    (named.photos / "IMG_0002.heic").write_bytes(heic.read_bytes())
    assert named.scan().counts.skipped == {NO_HEIC: 2}
    _install(monkeypatch, "heic")
    for _ in range(2):  # read now, and found damaged; that is known afterwards
        report = named.scan()
        assert (report.counts.failed, report.counts.skipped) == (2, {})
    assert sorted(named.places("failed")) == ["photos/IMG_0001.jpg", "photos/IMG_0002.heic"]


def test_other_files_are_counted_by_what_they_are(world, monkeypatch):
    _install(monkeypatch)
    png(world.photos / "a.png", "anna", number=1)
    for name in ("a.heic", "b.HEIC", "notes.txt", "film.mp4", "raw.cr2", "noextension"):
        (world.photos / name).write_bytes(b"x")
    report = world.scan()
    assert report.counts.seen == 1
    skipped = dict(report.counts.skipped)
    assert [count for reason, count in skipped.items() if reason.startswith("video")] == [1]
    assert skipped.items() >= {NO_HEIC: 2, "not an image": 2, NO_RAW: 1}.items()
    assert len(skipped) == 4


def test_a_picture_above_the_limit_is_recorded_and_not_decoded(world):
    png(world.photos / "a.png", "anna", number=1)
    report = world.scan(max_megapixels=0.01)
    assert report.counts.failed == 1
    assert "megapixels" in report.counts.failures[0][1]
    assert world.models.looked == 0


def test_an_unreadable_folder_is_reported_and_nothing_in_it_is_called_missing(named):
    code = """
import sys
from pathlib import Path
from tests.fakes import open_library
with open_library(Path(sys.argv[1])) as library:
    counts = library.scan([Path(sys.argv[2])]).counts
print(counts.failures, counts.missing, counts.vanished, counts.unchanged, counts.failed)
"""
    (named.photos / "sub").chmod(0)
    try:
        done = subprocess.run(
            [*unprivileged(), sys.executable, "-c", code, named.library, named.photos],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).resolve().parents[2],
        )
    finally:
        (named.photos / "sub").chmod(0o755)
    assert done.returncode == 0, done.stderr
    path = str(named.photos / "sub")
    assert done.stdout.strip() == f"[({path!r}, 'Permission denied')] 0 [] 2 1"
    assert named.places("missing") == []


# -- settings ------------------------------------------------------------------------------------


@pytest.fixture
def sizes(world: World) -> World:
    png(world.photos / "small.png", "anna", number=1, face=20)
    png(world.photos / "medium.png", "anna", number=2, face=30)
    png(world.photos / "large.png", "anna", number=3, face=60)
    return world


def test_a_larger_smallest_face_only_filters_and_the_way_back_costs_nothing(sizes):
    assert (sizes.scan().faces, sizes.models.looked) == (2, 3)
    assert (sizes.scan(min_face=40).faces, sizes.models.looked) == (1, 3)
    assert (sizes.scan().faces, sizes.models.looked) == (1, 3)  # the library remembers it
    assert (sizes.scan(min_face=24).faces, sizes.models.looked) == (2, 3)


def test_a_smaller_smallest_face_looks_again_and_keeps_the_names(sizes):
    sizes.scan()
    sizes.name(sizes.photos / "large.png", "Anna")
    assert (sizes.scan(min_face=16).faces, sizes.models.looked) == (3, 6)
    assert sizes.who(sizes.photos / "small.png") == ["Anna"]
    assert (sizes.scan(min_face=40).faces, sizes.models.looked) == (1, 6)
    assert (sizes.scan(min_face=16).faces, sizes.models.looked) == (3, 6)
    assert sizes.who(sizes.photos / "large.png") == ["Anna"]


def test_a_photo_scanned_while_larger_faces_were_wanted_is_looked_at_again(sizes):
    sizes.scan()
    sizes.scan(min_face=40)
    png(sizes.photos / "later.png", "anna", number=4, face=30)
    assert (sizes.scan().faces, sizes.models.looked) == (1, 4)
    assert (sizes.scan(min_face=24).faces, sizes.models.looked) == (3, 5)


def _second_model(folder: Path) -> Path:
    """Write the card of another embedder; the fakes run it like any other."""
    shipped = Path(__file__).resolve().parents[2] / "models" / "sface" / "card.toml"
    card = shipped.read_text("utf-8")
    card = card.replace('name = "sface"', 'name = "other"')
    card = card.replace("0ba9fbfa01b5", "1ba9fbfa01b5")
    (folder / "other").mkdir(parents=True)
    (folder / "other" / "card.toml").write_text(card, "utf-8")
    return folder


def test_another_model_embeds_everything_again_and_keeps_every_name(named):
    named.changes["models_dir"] = _second_model(named.root / "models")
    before = dump(named.library)
    assert named.looks(embedder="other") == 3
    after = dump(named.library)
    assert {model for _, model, _ in after["vectors"]} == {
        "sface@0ba9fbfa01b5",
        "other@1ba9fbfa01b5",
    }
    assert after["assignments"] == before["assignments"]
    assert named.who(named.photos / "one.png") == ["Anna", "Bert"]
    # The library stays with its model until told otherwise.
    assert named.looks() == 0
    assert named.who(named.photos / "sub" / "three.jpg") == ["Bert", "Anna"]
    assert named.looks(embedder="sface") in {0, 3}
    assert dump(named.library)["assignments"] == before["assignments"]


def test_grouping_and_undoing_stay_with_the_library_s_model(named):
    named.changes["models_dir"] = _second_model(named.root / "models")
    named.scan(embedder="other")
    with named.open() as library:
        library.undo()
        library.redo()
    assert named.who(named.photos / "one.png") == ["Anna", "Bert"]


# -- dry runs, grouping, other jobs --------------------------------------------------------------


def test_a_preview_changes_nothing_and_opens_nothing(named):
    png(named.photos / "new.png", "anna", number=9)
    path = named.photos / "two.jpg"
    _rewrite(path, with_segment(path.read_bytes(), 0xE1, XMP))
    (named.photos / "one.png").unlink()
    before, loads = dump(named.library), named.models.loads
    with named.open() as library:
        report = library.preview_scan([named.photos])
    counts = report.counts
    assert report.dry_run
    assert (counts.seen, counts.new, counts.changed, counts.unchanged) == (3, 1, 1, 1)
    assert dump(named.library) == before
    assert named.models.loads == loads


def test_without_grouping_the_faces_wait_for_the_next_grouping(world):
    png(world.photos / "a.png", "anna", "bert", number=1)
    report = world.scan(group=False)
    assert (report.faces, report.people) == (2, 0)
    assert world.who(world.photos / "a.png") == ["nobody", "nobody"]
    assert world.scan().people == 2  # nothing new to see, and yet they are grouped


def test_grouping_is_left_out_when_nothing_changed(named):
    assert "group" not in named.scan().seconds


def test_a_second_scan_is_refused_while_one_runs_and_says_who_runs(world):
    for number in range(6):
        png(world.photos / f"{number}.png", "anna", number=number)
    world.models.detector = type(world.models.detector)(seconds=0.3)
    started = threading.Event()

    class Watching(SilentProgress):
        def advance(self, n: int = 1) -> None:
            started.set()

        def start(self, label: str, total: int | None, unit: str = "") -> None:
            started.set()

    def first() -> None:
        with open_library(world.library, world.models, progress=Watching()) as library:
            library.scan([world.photos])

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert started.wait(10)
        with pytest.raises(LibraryLocked, match=rf"a scan .* by process {os.getpid()}") as locked:
            world.scan()
        assert locked.value.exit_code == 12
    finally:
        thread.join(30)
    assert world.scan().counts.unchanged == 6  # the lock went with its holder


def test_a_person_can_be_named_while_a_scan_runs(named):
    for number in range(10, 30):
        png(named.photos / f"{number}.png", "anna", "cleo", number=number)
    code = """
import sys
from pathlib import Path
from tests.fakes import FakeModels, SilentProgress, open_library
class Loud(SilentProgress):
    def start(self, label, total, unit=""):
        print(label, flush=True)
with open_library(Path(sys.argv[1]), FakeModels(seconds=0.2), progress=Loud()) as library:
    print(library.scan([Path(sys.argv[2])]).faces)
"""
    scan = subprocess.Popen(
        [sys.executable, "-c", code, named.library, named.photos],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert scan.stdout is not None
    with scan:
        assert scan.stdout.readline().startswith("Looking")
        with named.open() as library:
            library.name("Bert", "Bertram")
            library.merge(["Anna", "Bertram"], keep_first_name=True)
            library.undo()
        assert scan.poll() is None, "the scan was over before the naming: nothing was tested"
        rest = scan.stdout.read()
    assert scan.returncode == 0
    assert rest.split()[-1] == "45"
    assert named.who(named.photos / "one.png") == ["Anna", "Bertram"]
    assert named.who(named.photos / "20.png")[0] == "Anna"


def test_an_empty_folder_and_one_without_faces_are_fine(world):
    world.photos.mkdir()
    assert (world.scan().counts.seen, world.models.loads) == (0, 0)
    paint(number=1).save(world.photos / "landscape.png")
    report = world.scan()
    assert (report.counts.new, report.faces, report.people) == (1, 0, 0)
    assert world.scan().counts.unchanged == 1
