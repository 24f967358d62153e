"""`verify`, `identify` and `library compact` on real photos with the real models.

Of the sample album (docs/samples.md) only Barack Obama is on photos of several occasions, so what
is said about recognising somebody rests on him.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.fakes import dump
from tests.watched import Facesort
from tests.weights import real_weights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.samples import SampleAlbum

pytestmark = pytest.mark.weights

SITTING, CONGRESS, BLUE_ROOM, BIDEN, HOPPER, TESLA, TOWER = (
    "Porträts/portrait sitting 2012.jpg",
    "Reden & Empfänge/congress 2009.jpg",
    "Reden & Empfänge/blue room (1).jpg",
    "Reden & Empfänge/blue room (2).jpg",
    "Porträts/commodore.jpg",
    "Archiv/um 1890/tesla.jpg",
    "Archiv/tower.jpg",
)


@pytest.fixture(scope="module")
def album(_isolated_session: None, sample_photos: SampleAlbum) -> Path:
    """Where the photos lie; a visible skip without models."""
    for model in ("yunet", "sface"):
        real_weights(model)
    return sample_photos.root


@pytest.fixture(scope="module")
def library(album: Path, tmp_path_factory: pytest.TempPathFactory) -> Facesort:
    """Obama, Biden and Hopper, with names; Tesla is not among them."""
    photos = tmp_path_factory.mktemp("known") / "photos"
    photos.mkdir()
    names = {CONGRESS: "Obama", BLUE_ROOM: "Obama", BIDEN: "Biden", HOPPER: "Hopper"}
    for number, path in enumerate(names):
        shutil.copy(album / path, photos / f"{number}.jpg")
    facesort = Facesort(tmp_path_factory.mktemp("known") / "library")
    facesort.run("scan", photos)
    for number, name in enumerate(names.values()):
        (face,) = [f for f in facesort.faces() if f.photo == photos.resolve() / f"{number}.jpg"]
        if face.name is None:
            assert face.person is not None
            facesort.run("name", face.person, name)
    return facesort


def test_photos_of_two_occasions_are_verified_as_one_person(album, tmp_path):
    nowhere = Facesort(tmp_path / "library")
    said = nowhere.ask("verify", album / SITTING, album / CONGRESS)
    assert (said["verdict"], said["same_picture"]) == ("same", False)
    assert said["probability"] > 0.99
    assert said["false_match_rate"] < 1e-4
    assert not nowhere.library.exists()


def test_two_people_are_verified_as_two(album, tmp_path):
    said = Facesort(tmp_path / "library").ask("verify", album / BLUE_ROOM, album / BIDEN)
    assert said["verdict"] == "different"
    assert said["probability"] < 0.05


def test_a_photo_of_nobody_cannot_be_verified(album, tmp_path):
    ran = Facesort(tmp_path / "library").run("verify", album / SITTING, album / TOWER, expect=3)
    assert "no face was found" in ran.stderr


def test_a_known_person_is_identified_and_a_stranger_is_not(album, library):
    before = dump(library.library)
    said = library.ask("identify", album / SITTING, album / TESLA, album / TOWER)
    sitting, tesla, tower = said["photos"]
    assert [face["name"] for face in sitting["faces"]] == ["Obama"]
    assert sitting["faces"][0]["probability"] > 0.9
    assert [face["verdict"] for face in tesla["faces"]] == ["unknown"]
    assert tower["faces"] == []
    assert dump(library.library) == before


def test_a_compact_library_recognises_the_same_people(album, library, tmp_path):
    compact = library.copied(tmp_path / "library")
    before = compact.ask("identify", album / SITTING)["photos"][0]["faces"][0]
    done = compact.ask("library", "compact", "--yes")
    assert (done["done"], done["regrouped"]["moved"]) == (True, 0)
    after = compact.ask("identify", album / SITTING)["photos"][0]["faces"][0]
    assert after["person"] == before["person"]
    assert after["similarity"] == pytest.approx(before["similarity"], abs=0.01)
