"""RAW+JPEG pairs and Live Photos are one photo, also when one half comes or goes later.

A "RAW" here is a JPEG under a RAW's name: what decodes it does not matter to what belongs together.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from facesort.cli.render import Screen
from facesort.cli.scan import _show_scan, scan_document
from facesort.imaging import companions, walk
from facesort.imaging.formats import RAW_SUFFIXES, skip_reason
from facesort.jobs.exporting.albums import AlbumOrder
from facesort.jobs.scanning import compare
from tests.fakes import FakeModels, jpeg, open_library, tagged


@dataclass
class World:
    photos: Path
    home: Path
    models: FakeModels

    def open(self):
        return open_library(self.home, self.models)

    def scan(self):
        with self.open() as library:
            return library.scan([self.photos])

    def people(self) -> dict[str, list[str]]:
        """Return the photos of each person with a name, by name; others under their id."""
        with self.open() as library:
            situation, photos = library.view()
        return {
            person.name or person.id: sorted(
                photos[situation.faces[face].photo_id].places[0].path.name for face in person.faces
            )
            for person in situation.people.by_id.values()
        }

    def name(self, photo: str, name: str) -> None:
        with self.open() as library:
            situation, photos = library.view()
            (owner,) = {
                situation.people.owners[face.id]
                for face in situation.faces.values()
                if photos[face.photo_id].places[0].path.name == photo
            }
            assert owner is not None
            library.name(owner, name)

    def missing(self) -> list[str]:
        from facesort.domain import PlaceState

        with self.open() as library:
            return [place.path.name for place in library.places([PlaceState.MISSING])]


def reads_raw(monkeypatch):
    def reason(name: str) -> str | None:
        is_raw = name.rpartition(".")[2].lower() in RAW_SUFFIXES
        return None if is_raw else skip_reason(name)

    for module in (walk, companions, compare):
        monkeypatch.setattr(module, "skip_reason", reason)


@pytest.fixture
def world(tmp_path, monkeypatch):
    reads_raw(monkeypatch)
    (tmp_path / "photos").mkdir()
    return World(tmp_path / "photos", tmp_path / "library", FakeModels())


def raw(path: Path, *people: str, number: int = 0) -> Path:
    """Write a RAW of the same scene as `jpeg(path, *people, number=number)`: other bytes."""
    jpeg(path, *people, number=number)
    from tests.fakes import paint

    paint(*people, number=number).save(path, format="JPEG", quality=80, subsampling=0)
    return path


def test_a_raw_beside_its_jpeg_is_counted_and_not_opened(world):
    jpeg(world.photos / "a.jpg", "anna")
    for name in ("a.CR3", "a.dng", "a.mov"):
        (world.photos / name).write_bytes(b"never opened")
    (world.photos / "a.jpg.xmp").write_text("rating")
    counts = world.scan().counts
    assert (counts.seen, counts.new, counts.failed) == (1, 1, 0)
    assert counts.companions == {"raw": 2, "video": 1}
    assert counts.skipped == {"not an image": 1}
    again = world.scan().counts
    assert (again.unchanged, again.companions) == (1, {"raw": 2, "video": 1})


def test_without_its_extra_a_raw_beside_its_jpeg_is_no_skipped_file(tmp_path):
    world = World(tmp_path / "photos", tmp_path / "library", FakeModels())
    jpeg(world.photos / "a.jpg", "anna")
    (world.photos / "a.cr2").write_bytes(b"raw")
    counts = world.scan().counts
    assert (counts.companions, counts.skipped) == ({"raw": 1}, {})


def test_the_report_names_companions_by_kind(world, capsys):
    jpeg(world.photos / "a.jpg", "anna")
    for name in ("a.CR3", "a.dng", "a.mov"):
        (world.photos / name).write_bytes(b"never opened")
    report = world.scan()
    companions_said = scan_document(report)["photos"]
    assert isinstance(companions_said, dict)
    assert companions_said["companions"] == {"raw": 2, "video": 1}
    _show_scan(Screen(), report)
    said = capsys.readouterr().out
    assert "2 RAW files belong to photos beside them." in said
    assert "1 Live Photo video belongs to a photo beside it." in said


def test_a_raw_alone_is_a_photo(world):
    raw(world.photos / "a.dng", "anna")
    report = world.scan()
    assert (report.counts.new, report.faces, report.counts.companions) == (1, 1, {})


def test_a_jpeg_that_comes_later_takes_over_from_its_raw(world):
    raw(world.photos / "a.dng", "anna")
    raw(world.photos / "b.dng", "bert")
    world.scan()
    world.name("a.dng", "Anna")
    world.name("b.dng", "Bert")
    jpeg(world.photos / "a.jpg", "anna")
    report = world.scan()
    assert (report.counts.new, report.counts.unchanged, report.counts.missing) == (1, 1, 0)
    assert (report.faces, report.people) == (2, 2)
    assert report.counts.companions == {"raw": 1}
    assert world.people() == {"Anna": ["a.jpg"], "Bert": ["b.dng"]}
    looked = world.models.looked
    again = world.scan()
    assert (again.counts.unchanged, again.counts.companions) == (2, {"raw": 1})
    assert world.models.looked == looked
    assert world.people() == {"Anna": ["a.jpg"], "Bert": ["b.dng"]}
    assert world.missing() == []


def test_a_raw_that_is_left_takes_over_from_its_jpeg(world):
    for person in ("anna", "bert", "cleo"):
        jpeg(world.photos / f"{person}.jpg", person)
    raw(world.photos / "anna.dng", "anna")
    world.scan()
    world.name("anna.jpg", "Anna")
    (world.photos / "anna.jpg").unlink()
    report = world.scan()
    assert (report.counts.new, report.counts.missing) == (1, 0)
    assert (report.faces, report.people) == (3, 3)
    assert world.people()["Anna"] == ["anna.dng"]
    assert world.missing() == []
    # ... and hands back.
    jpeg(world.photos / "anna.jpg", "anna")
    assert world.scan().counts.missing == 0
    assert world.people()["Anna"] == ["anna.jpg"]
    assert len(world.people()) == 3


def test_deleting_all_jpegs_of_pairs_is_no_lost_drive(world):
    for number, person in enumerate(("anna", "bert", "cleo", "dora")):
        jpeg(world.photos / f"{person}.jpg", person, number=number)
        raw(world.photos / f"{person}.dng", person, number=number)
    world.scan()
    world.name("dora.jpg", "Dora")
    for path in world.photos.glob("*.jpg"):
        path.unlink()
    report = world.scan()
    assert (report.counts.vanished, report.counts.missing, report.faces) == ([], 0, 4)
    assert world.people()["Dora"] == ["dora.dng"]


def test_a_jpeg_that_is_moved_away_stays_the_photo_and_its_raw_becomes_another(world):
    jpeg(world.photos / "x" / "a.jpg", "anna")
    raw(world.photos / "x" / "a.dng", "anna")
    world.scan()
    world.name("a.jpg", "Anna")
    (world.photos / "y").mkdir()
    shutil.move(world.photos / "x" / "a.jpg", world.photos / "y" / "a.jpg")
    report = world.scan()
    assert (report.counts.moved, report.counts.new, report.counts.missing) == (1, 1, 0)
    assert world.people() == {"Anna": ["a.dng", "a.jpg"]}


def test_a_turned_half_takes_over_all_the_same(world):
    upright = raw(world.photos / "a.dng", "anna", "bert")
    world.scan()
    with world.open() as library:
        situation, _ = library.view()
        for face in situation.faces.values():
            owner = situation.people.owners[face.id]
            assert owner is not None
            library.name(owner, "Anna" if face.box.left < 60 else "Bert")
    # The same scene, coded lying on its side.
    from PIL import Image

    with Image.open(upright) as picture:
        picture.rotate(90, expand=True).save(world.photos / "a.jpg", quality=95, subsampling=0)
    path = world.photos / "a.jpg"
    path.write_bytes(tagged(path.read_bytes(), 6))
    report = world.scan()
    assert (report.faces, report.people) == (2, 2)
    assert world.people() == {"Anna": ["a.jpg"], "Bert": ["a.jpg"]}


def test_a_rejected_face_stays_rejected_in_the_other_half(world):
    raw(world.photos / "a.dng", "anna", number=1)
    for number in (2, 3):
        jpeg(world.photos / f"{number}.jpg", "anna", number=number)
    world.scan()
    world.name("2.jpg", "Anna")
    with world.open() as library:
        situation, photos = library.view()
        (face,) = (
            f.id
            for f in situation.faces.values()
            if photos[f.photo_id].places[0].path.name == "a.dng"
        )
        library.reject([face])
    jpeg(world.photos / "a.jpg", "anna", number=1)
    world.scan()
    assert world.people()["Anna"] == ["2.jpg", "3.jpg"]


def test_what_was_said_is_kept_where_the_other_half_is_cropped(world):
    raw(world.photos / "a.dng", "anna", "bert")
    world.scan()
    with world.open() as library:
        situation, _ = library.view()
        for face in situation.faces.values():
            owner = situation.people.owners[face.id]
            assert owner is not None
            library.name(owner, "Anna" if face.box.left < 60 else "Bert")
    jpeg(world.photos / "a.jpg", "anna")  # Bert is cut away
    for _ in range(2):
        report = world.scan()
        assert report.counts.missing == 0
        assert report.counts.companions["raw"] == 0
        assert world.people() == {"Anna": ["a.dng", "a.jpg"], "Bert": ["a.dng"]}


def test_a_jpeg_that_cannot_be_read_takes_nothing_over(world):
    raw(world.photos / "a.dng", "anna")
    world.scan()
    world.name("a.dng", "Anna")
    (world.photos / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more than a beginning")
    for _ in range(2):
        report = world.scan()
        assert (report.counts.failed, report.counts.missing, report.faces) == (1, 0, 1)
        assert world.people() == {"Anna": ["a.dng"]}


def test_a_raw_that_was_missing_may_come_back_beside_a_jpeg(world):
    for person in ("bert", "cleo"):
        jpeg(world.photos / f"{person}.jpg", person)
    original = raw(world.photos / "a.dng", "anna")
    world.scan()
    world.name("a.dng", "Anna")
    away = world.photos.parent / "away.dng"
    shutil.move(original, away)
    assert world.scan().counts.missing == 1
    shutil.move(away, original)
    jpeg(world.photos / "a.jpg", "anna")
    assert world.scan().counts.missing == 0
    assert world.people()["Anna"] == ["a.jpg"]
    assert world.missing() == []


def test_a_copy_of_a_raw_that_lies_alone_keeps_what_was_said(world):
    original = raw(world.photos / "x" / "a.dng", "anna")
    (world.photos / "y").mkdir()
    shutil.copy2(original, world.photos / "y" / "a.dng")
    world.scan()
    world.name("a.dng", "Anna")
    jpeg(world.photos / "x" / "a.jpg", "anna")
    world.scan()
    assert world.people() == {"Anna": ["a.dng", "a.jpg"]}


def test_an_export_takes_the_companions_along(world, tmp_path):
    jpeg(world.photos / "a.jpg", "anna")
    for name in ("a.CR3", "a.mov", "a.xmp", "a.CR3.xmp", "b.CR3"):
        (world.photos / name).write_bytes(b"x" + name.encode())
    (world.photos / "b.CR3").unlink()
    world.scan()
    world.name("a.jpg", "Anna")
    with world.open() as library:
        library.export(AlbumOrder(tmp_path / "out", "{person}/{filename}"))
    written = {path.name for path in (tmp_path / "out" / "Anna").iterdir()}
    assert written == {"a.jpg", "a.CR3", "a.mov", "a.xmp", "a.CR3.xmp"}


def test_a_scan_killed_before_it_hands_over_is_completed_by_the_next(world, monkeypatch):
    raw(world.photos / "a.dng", "anna")
    world.scan()
    world.name("a.dng", "Anna")
    jpeg(world.photos / "a.jpg", "anna")

    class Killed(BaseException):
        pass

    def die(self):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(compare.Comparison, "settle", die)
        with pytest.raises(Killed):
            world.scan()
    report = world.scan()
    assert (report.counts.unchanged, report.faces) == (1, 1)
    assert world.people() == {"Anna": ["a.jpg"]}
