"""A film of real people with the real models: each appearance is one face, and people are known.

The film is made of the sample album's photos, moved about as a camera would.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.videos import film
from tests.watched import Scanned
from tests.weights import real_weights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.samples import SampleAlbum

pytestmark = pytest.mark.weights

PORTRAIT, CONGRESS = "Porträts/portrait sitting 2012.jpg", "Reden & Empfänge/congress 2009.jpg"
BIDEN, HOPPER, COLLINS = (
    "Reden & Empfänge/blue room (2).jpg",
    "Porträts/commodore.jpg",
    "Raumfahrt/astronaut.png",
)
_SIZE = (1280, 720)


def _frame(album: SampleAlbum, *photos: str, step: int) -> Image.Image:
    """Show photos side by side, each step a little larger and further to the left."""
    frame = Image.new("RGB", _SIZE, (90, 90, 90))
    for place, photo in enumerate(photos):
        with Image.open(album.root / photo) as picture:
            height = 560 + 20 * step
            width = round(picture.width * height / picture.height)
            shown = picture.convert("RGB").resize((width, height))
        frame.paste(shown, (60 - 12 * step + 640 * place, 20))
    return frame


def _film(path: Path, album: SampleAlbum) -> Path:
    scenes = [[PORTRAIT]] * 6 + [[BIDEN]] * 3 + [[]] * 3 + [[CONGRESS]] * 3
    scenes += [[HOPPER, COLLINS]] * 3
    frames = [_frame(album, *photos, step=number % 6) for number, photos in enumerate(scenes)]
    return film(path, frames)


@pytest.fixture(scope="module")
def scanned(sample_photos: SampleAlbum, tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    for model in ("yunet", "sface"):
        real_weights(model)
    folder = tmp_path_factory.mktemp("film")
    photos = folder / "photos"
    photos.mkdir()
    for number, photo in enumerate((PORTRAIT, CONGRESS, BIDEN, HOPPER, COLLINS)):
        source = sample_photos.root / photo
        (photos / f"{number}{source.suffix}").write_bytes(source.read_bytes())
    _film(photos / "film.mp4", sample_photos)
    return Scanned.now(photos, folder / "library")


def test_each_appearance_in_a_film_is_one_face(scanned):
    times = sorted(
        face["seconds"]
        for face in scanned.facesort.ask("faces")
        if str(face["photo"]).endswith("film.mp4")
    )
    assert len(times) == 5
    assert [sum(low <= t < high for t in times) for low, high in ((0, 6), (6, 9), (12, 15))] == [
        1,
        1,
        1,
    ]
    assert sum(15 <= t < 18 for t in times) == 2


def test_people_in_a_film_are_those_on_the_photos(scanned):
    faces = scanned.facesort.ask("faces")
    on_photo = {
        int(str(face["photo"]).rpartition("/")[2][0]): face["person"]
        for face in faces
        if "seconds" not in face
    }
    obama, also_obama, biden, hopper, collins = (on_photo[number] for number in range(5))
    assert obama == also_obama
    in_film = Counter(face["person"] for face in faces if "seconds" in face)
    assert in_film == {obama: 2, biden: 1, hopper: 1, collins: 1}
