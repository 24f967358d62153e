"""An edited photo: what was said of the original is offered, and taken over when it is meant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.albums import COLOURS, owner_of, status_of
from tests.fakes import open_library, png
from tests.terminal import facesort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facesort.library import Library

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four photos of four people, who stand elsewhere on each."""
    folder = tmp_path / "photos"
    for number in range(4):
        order = [COLOURS[(place * (number % 2 * 2 + 1) + number) % 4] for place in range(4)]
        png(folder / f"{number}.png", *order, number=number)
    return folder


@pytest.fixture
def library(photos: Path) -> Iterator[Library]:
    """Their library, open."""
    with open_library(Path(os.environ["FACESORT_LIBRARY"])) as opened:
        opened.scan([photos])
        yield opened


def _edit(original: Path, to: Path) -> None:
    """Crop a little, and change every pixel's lightness: another content key."""
    with Image.open(original) as picture:
        cropped = picture.crop((10, 12, 350, 220))
        cropped.point(lambda value: max(0, value - 2)).save(to)


def _on(library: Library, stem: str) -> dict[str, str]:
    """Return the face of each painted person on the first photo, or on an edit of it."""
    situation, photos = library.view()
    faces = sorted(
        (f for f in situation.faces.values() if photos[f.photo_id].places[0].path.stem == stem),
        key=lambda face: face.box,
    )
    return dict(zip(COLOURS, (str(face.id) for face in faces), strict=True))


def _edited() -> dict[str, Any]:
    document: dict[str, Any] = facesort("confirm", "--edited", "--dry-run", "--json").json()
    return document


def test_an_edit_is_offered_what_was_said_of_the_original_and_undo_takes_it_back(
    photos: Path, library: Library
):
    known = _on(library, "0")
    anna, cleo = (owner_of(library, known[who]) for who in ("anna", "cleo"))
    library.confirm([known["anna"]])
    library.not_a_face([known["bert"]])
    library.reject([known["cleo"]])
    _edit(photos / "0.png", photos / "holiday.png")
    told = facesort("scan", photos)
    assert "on 1 edited photo look like ones that you have decided about" in told.err
    new = _on(library, "holiday")
    offered = {one["face"]: one for one in _edited()["edited"]}
    assert offered[new["anna"]]["verdict"] == "confirm"
    assert offered[new["anna"]]["person"] == anna
    assert offered[new["anna"]]["like"] == known["anna"]
    assert offered[new["bert"]]["verdict"] == "not-a-face"
    assert new["dora"] not in offered
    before = len(library.log())
    listed = facesort("confirm", "--edited")
    assert "add --yes" in listed.err
    assert new["anna"] in listed.out
    assert len(library.log()) == before
    done = facesort("confirm", "--edited", "--yes", "--json").json()
    assert status_of(library, new["anna"]) == "confirmed"
    assert status_of(library, new["bert"]) == "not-a-face"
    assert owner_of(library, new["cleo"]) != cleo
    assert _edited()["edited"] == []
    facesort("undo", str(len(done["decisions"])))
    assert status_of(library, new["anna"]) == "automatic"
    assert len(_edited()["edited"]) == len(offered)


def test_another_photo_of_the_same_people_is_offered_nothing(library):
    library.confirm(list(_on(library, "0").values()))
    assert _edited()["edited"] == []
    assert "no edits" in facesort("confirm", "--edited").err


def test_nothing_is_offered_where_nothing_was_said(photos, library):
    _edit(photos / "0.png", photos / "holiday.png")
    told = facesort("scan", photos)
    assert "edited" not in told.err
    assert _edited() == {"decisions": [], "edited": []}


def test_confirm_takes_faces_or_edited_and_not_both(library):
    face = _on(library, "0")["anna"]
    for wrong in ((), ("--edited", face), ("--dry-run", face), ("--edited", "--person", "x")):
        assert facesort("confirm", *wrong).code == 2
