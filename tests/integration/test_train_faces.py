"""What a training is given; no PyTorch is needed for that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facesort.errors import UsageError
from facesort.evaluation.sets import BURST
from facesort.jobs.training.copies import CopyMaker, views_of
from facesort.jobs.training.faces import Halves, KnownFaces, from_folder, from_library
from tests.albums import faces_of
from tests.fakes import SilentProgress, open_library, png
from tests.rigged import RiggedModels, paint_people


@pytest.fixture
def known(tmp_path: Path) -> KnownFaces:
    """Twelve people, five photos each."""
    folder = paint_people(tmp_path / "people", 12, 5)
    with open_library(tmp_path / "library", RiggedModels(15.5)) as library:
        return from_folder(library._looking, folder, tmp_path / "work", SilentProgress())


def test_only_confirmed_faces_of_a_library_are_learned_from(library, ids):
    everybody = {colour: faces_of(library, person) for colour, person in ids.items()}
    confirmed = {"anna": everybody["anna"][:3], "bert": everybody["bert"][:1]}
    for faces in confirmed.values():
        library.confirm(faces)
    known = from_library(library._db, library._looking, min_face=library.min_face)
    found = {
        person: sorted(f.id for f, p in zip(known.faces, known.people, strict=True) if p == person)
        for person in set(known.people)
    }
    assert found == {ids[colour]: sorted(faces) for colour, faces in confirmed.items()}
    np.testing.assert_allclose(np.linalg.norm(known.vectors, axis=1), 1, atol=1e-3)


def test_a_folder_is_read_by_the_names_of_its_folders(known):
    assert sorted(set(known.people)) == [f"p{number:02d}" for number in range(12)]
    assert len(known.faces) == 60


def test_a_photo_in_the_folders_of_two_people_is_nobodys(tmp_path):
    for person in ("one", "two"):
        png(tmp_path / "people" / person / "same.png", "anna", number=1)
    png(tmp_path / "people" / "one" / "other.png", "anna", number=2)
    with open_library(tmp_path / "library") as library:
        found = from_folder(
            library._looking, tmp_path / "people", tmp_path / "work", SilentProgress()
        )
    assert found.people == ("one",)


def test_nobody_is_in_both_halves_and_those_with_few_photos_in_none(known):
    trained, measured = known.of(training=True), known.of(training=False)
    assert not set(trained.people) & set(measured.people)
    assert set(trained.people) | set(measured.people) == set(known.people)
    few = known.of(training=False)._take([0])
    assert few.of(training=False).count == 0


def test_people_who_are_too_few_are_refused_with_the_numbers(known):
    with pytest.raises(UsageError, match=r"those here \d+ of one half") as refused:
        Halves.of(known, "those here")
    assert "40" in refused.value.hint


def test_copies_that_were_made_are_not_made_again(tmp_path, known):
    models = RiggedModels(15.5)
    with open_library(tmp_path / "library", models) as library:
        maker = CopyMaker(tmp_path, library._looking, SilentProgress())
        first = views_of(known, maker)
        loads = models.loads
        progress = SilentProgress()
        again = views_of(known, CopyMaker(tmp_path, library._looking, progress))
        assert progress.totals == {"Making copies of faces": 0}
        assert models.loads == loads
        assert (first.vectors == again.vectors).all()
        (piece,) = tmp_path.glob("copies-*.npz")
        piece.write_bytes(piece.read_bytes()[:-100])
        assert (views_of(known, maker).vectors == first.vectors).all()  # damaged: made anew
        assert models.loads > loads
    assert first.vectors.shape[:2] == (60, 1 + 3 + 6)
    assert first.copies == 3
    np.testing.assert_allclose(np.linalg.norm(first.vectors, axis=2), 1, atol=1e-3)


def test_faces_whose_photos_are_gone_are_learned_from_without_copies(tmp_path, known):
    for place in (tmp_path / "people").rglob("*.png"):
        place.unlink()
    with open_library(tmp_path / "library", RiggedModels(15.5)) as library:
        maker = CopyMaker(tmp_path, library._looking, SilentProgress())
        views = views_of(known, maker)
        none = maker.make(known, [range(BURST)] * len(known.faces))
    assert len(none.face) == 0
    assert (views.vectors[:, 1:] == 0).all()
    assert (views.vectors[:, 0] == known.vectors).all()
