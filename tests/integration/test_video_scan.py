"""Videos through the whole of facesort: scanned, grouped, named, shown and exported.

The faces are painted squares: see tests/fakes.py.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from facesort import stages
from facesort.imaging import formats
from facesort.jobs.exporting.albums import AlbumOrder
from facesort.jobs.scanning.compare import Comparison
from tests.fakes import COLOURS, FakeModels, open_library, paint, png
from tests.videos import film, film_of


@dataclass
class World:
    photos: Path
    home: Path
    models: FakeModels

    def open(self, **how):
        return open_library(self.home, self.models, **how)

    def scan(self, **how):
        with self.open(**how) as library:
            return library.scan([self.photos])

    def faces(self):
        with self.open() as library:
            situation, photos = library.view()
            return list(situation.faces.values()), photos, situation

    def people(self):
        """Return the number of faces of each person, most first."""
        _, _, situation = self.faces()
        return sorted((len(p.faces) for p in situation.people.by_id.values()), reverse=True)


@pytest.fixture
def world(tmp_path):
    (tmp_path / "photos").mkdir()
    return World(tmp_path / "photos", tmp_path / "library", FakeModels())


def test_a_person_who_stays_is_one_face_with_its_time(world):
    film_of(world.photos / "a.mp4", *[["anna"]] * 6)
    report = world.scan()
    assert (report.counts.new, report.faces, report.people) == (1, 1, 1)
    ((face,), _, _) = world.faces()
    assert face.span == (0.0, 5.0)
    assert face.seconds is not None
    assert face.id.startswith("f")
    assert face.anchor.content_key.startswith("video1:")
    assert "@" in face.anchor.content_key


def test_a_person_who_walks_through_the_picture_is_one_face(world):
    frames = []
    for step in range(6):
        frame = Image.new("RGB", (640, 240), (128, 128, 128))
        left = 10 + step * 100  # further than the face is wide
        ImageDraw.Draw(frame).rectangle([left, 60, left + 47, 107], fill=COLOURS["anna"])
        frames.append(frame)
    film(world.photos / "a.mp4", frames)
    assert world.scan().faces == 1


def test_two_people_at_once_are_two_people(world):
    film_of(world.photos / "a.mp4", *[["anna", "bert"]] * 4)
    report = world.scan()
    assert (report.faces, report.people) == (2, 2)


def test_two_people_one_after_the_other_in_the_same_place_are_two(world):
    film_of(world.photos / "a.mp4", *[["anna"]] * 3, *[["bert"]] * 3)
    faces = world.scan().faces
    assert faces == 2
    assert world.people() == [1, 1]


def test_who_leaves_and_comes_back_has_two_faces_and_is_one_person(world):
    film_of(world.photos / "a.mp4", ["anna"], ["anna"], [], [], [], ["anna"], ["anna"])
    report = world.scan()
    assert (report.faces, report.people) == (2, 1)
    faces, _, _ = world.faces()
    assert sorted(face.span or () for face in faces) == [(0.0, 1.0), (5.0, 6.0)]
    assert len({face.id for face in faces}) == 2  # in the very same place


def test_a_face_that_one_frame_misses_stays_one(world):
    film_of(world.photos / "a.mp4", ["anna"], ["anna"], [], ["anna"], ["anna"])
    report = world.scan()
    assert (report.faces, report.people) == (1, 1)


def test_people_of_videos_and_photos_are_the_same_people(world):
    film_of(world.photos / "a.mp4", *[["anna", "bert"]] * 3)
    for number in range(3):
        png(world.photos / f"{number}.png", "anna", number=number)
    assert world.scan().people == 2
    assert world.people() == [4, 1]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_video_is_looked_at_upright(world, degrees):
    film(
        world.photos / "a.mp4", [paint("anna").rotate(-degrees, expand=True)] * 2, rotation=degrees
    )
    world.scan()
    ((face,), photos, _) = world.faces()
    assert (photos[face.photo_id].width, photos[face.photo_id].height) == (
        (240, 360) if degrees != 180 else (360, 240)
    )
    from facesort.imaging.geometry import to_upright

    photo = photos[face.photo_id]
    box = to_upright(face.box, photo.width, photo.height, photo.places[0].orientation)
    assert (round(box.left), round(box.top)) == (24, 40)


def test_an_unchanged_video_is_not_opened_again(world, monkeypatch):
    film_of(world.photos / "a.mp4", *[["anna"]] * 3)
    world.scan()
    looked = world.models.looked
    assert world.scan().counts.unchanged == 1
    shutil.move(world.photos / "a.mp4", world.photos / "b.mp4")
    report = world.scan()
    assert (report.counts.moved, report.faces) == (1, 1)
    assert world.models.looked == looked


def test_damaged_videos_are_one_failure_each_and_are_not_tried_again(world):
    (world.photos / "empty.mp4").touch()
    (world.photos / "text.mov").write_text("no video at all")
    film_of(world.photos / "fine.mkv", ["anna"])
    first, second = world.scan(), world.scan()
    assert first.counts.failed == second.counts.failed == 2
    assert (first.counts.new, second.counts.unchanged) == (1, 1)
    assert {Path(path).name for path, _ in first.counts.failures} == {"empty.mp4", "text.mov"}


def test_without_the_extra_videos_are_skipped_by_one_line_that_names_it(world, monkeypatch):
    monkeypatch.setattr(formats, "installed_extras", frozenset)
    for name in ("a.mp4", "b.mov"):
        film_of(world.photos / name, ["anna"])
    assert world.scan().counts.skipped == {
        'video is not supported without the extra: pip install "facesort[video]"': 2
    }


def test_a_video_is_not_called_missing_because_the_extra_was_removed(world, monkeypatch):
    film_of(world.photos / "a.mp4", ["anna"])
    png(world.photos / "b.png", "bert")
    png(world.photos / "c.png", "cleo")
    world.scan()
    with monkeypatch.context() as patch:
        patch.setattr(formats, "installed_extras", frozenset)
        report = world.scan()
        assert (report.counts.missing, report.counts.vanished, report.faces) == (0, [], 3)
        (world.photos / "a.mp4").rename(world.photos.parent / "away.mp4")
        assert world.scan().counts.missing == 1
        (world.photos.parent / "away.mp4").rename(world.photos / "a.mp4")
    report = world.scan()
    assert (report.counts.unchanged, report.faces) == (3, 3)


def test_what_was_said_about_a_face_in_a_video_is_about_that_moment(world):
    film_of(world.photos / "a.mp4", ["anna"], ["anna"], [], [], [], ["anna"])
    png(world.photos / "b.png", "anna", number=1)
    world.scan()
    faces, _, situation = world.faces()
    (person,) = situation.people.by_id
    last = next(face for face in faces if face.span == (5.0, 5.0))
    with world.open() as library:
        library.name(person, "Anna")
        library.reject([last.id])
    for _ in range(2):
        faces, _, situation = world.faces()
        owners = {face.span: situation.people.owners[face.id] for face in faces}
        assert owners[None] == owners[0.0, 1.0] == person
        assert owners[5.0, 5.0] != person
        assert situation.people.by_id[person].name == "Anna"
        world.scan(min_face=10)  # everything is looked at again


def test_a_named_person_of_a_video_is_exported_like_one_of_a_photo(world, tmp_path):
    film_of(world.photos / "a.mp4", *[["anna"]] * 3)
    (world.photos / "a.xmp").write_text("rating")
    world.scan()
    _, _, situation = world.faces()
    (person,) = situation.people.by_id
    with world.open() as library:
        library.name(person, "Anna")
        library.export(AlbumOrder(tmp_path / "albums", "{person}/{filename}"))
    assert {p.name for p in (tmp_path / "albums" / "Anna").iterdir()} == {"a.mp4", "a.xmp"}


def test_faces_in_videos_have_pictures(world, tmp_path):
    film_of(world.photos / "a.mp4", [], [], ["anna"], ["anna"], [])
    world.scan()
    faces, _, situation = world.faces()
    assert faces[0].seconds in {2.0, 3.0}
    with world.open() as library:
        people = list(situation.people.by_id)
        (sheet,) = library.sheets(tmp_path / "sheets", people)
    with Image.open(sheet) as strip:
        colours = np.asarray(strip.convert("RGB")).reshape(-1, 3).astype(int)
    red = np.abs(colours - COLOURS["anna"]).max(axis=1) < 40
    assert red.sum() > 50 * 50


def test_only_faces_in_videos_have_a_time_in_the_listing(world):
    from facesort.cli.listing import face_document

    film_of(world.photos / "a.mp4", ["anna"])
    png(world.photos / "b.png", "bert")
    world.scan()
    with world.open() as library:
        listed = list(map(face_document, library.faces()))
    documents = {Path(str(d["photo"])).name: d for d in listed}
    assert documents["a.mp4"]["seconds"] == 0.0
    assert "seconds" not in documents["b.png"]
    assert json.dumps(documents)


def test_a_copy_of_a_video_with_another_title_is_the_same_video(world):
    film_of(world.photos / "a.mp4", ["anna"], ["anna"])
    film_of(world.photos / "b.mp4", ["anna"], ["anna"], metadata={"title": "Wedding"})
    report = world.scan()
    assert (report.counts.new, report.counts.copies, report.faces) == (1, 1, 1)


def test_photos_come_before_videos(world):
    film_of(world.photos / "a.mp4", ["anna"])
    png(world.photos / "b.png", "bert")
    stored = []
    with world.open() as library:
        original = Comparison.store

        def store(self, job, looked):
            stored.append(job.file.path)
            original(self, job, looked)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Comparison, "store", store)
            library.scan([world.photos])
    assert stored == ["b.png", "a.mp4"]


def test_an_interrupted_scan_waits_for_one_frame_and_not_for_the_video(world, monkeypatch):
    class Stopped(Exception):
        pass

    begun: list[object] = []

    def is_video(path):
        if begun:
            time.sleep(0.3)
            raise Stopped
        begun.append(path)
        return True

    film_of(world.photos / "a.mp4", *[["anna"]] * 60)
    film_of(world.photos / "b.mp4", ["anna"])
    world.models = FakeModels(seconds=0.05)
    monkeypatch.setattr(stages, "is_video", is_video)
    with pytest.raises(Stopped):
        world.scan()
    assert 0 < world.models.looked < 60
