"""A trained aggregator in a library: whoever is compared is compared by its vectors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from facesort.inference.card_file import load_cards
from facesort.jobs.describing.aggregating import coreset_folder, use, write_model
from facesort.jobs.describing.descriptors import read_everybody
from tests.fakes import SilentProgress, open_library, png
from tests.terminal import facesort
from tests.unit.test_aggregating import EMBEDDER, facts, graph

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.library import Library


def _descriptors(library: Library) -> np.ndarray:
    library.people()  # what is derived is up to date
    with library._db.snapshot():
        found, _ = read_everybody(library._db, library._embedder, min_face=library.min_face)
    return np.asarray(found.vectors)


def _adopt(library: Library) -> Path:
    """Put a network into use; return its file."""
    card = write_model(coreset_folder(library._db, EMBEDDER), graph(), facts())
    use(library._db, card)
    return card.path.parent / card.weights.file


def test_descriptors_change_with_it_and_come_back_without(album, library):
    plain = _descriptors(library)
    weights = _adopt(library)
    learned = _descriptors(library)
    assert learned.shape == plain.shape
    assert np.abs(learned - plain).max() > 0.01
    np.testing.assert_allclose(np.linalg.norm(learned, axis=1), 1, atol=1e-3)
    weights.unlink()  # whoever deletes it has the plain coreset
    np.testing.assert_allclose(_descriptors(library), plain, atol=1e-3)
    assert library.revert_coreset()
    np.testing.assert_allclose(_descriptors(library), plain, atol=1e-3)


def test_grouping_says_once_that_it_cannot_be_used(album):
    progress = SilentProgress()
    with open_library(album.folder, progress=progress) as library:
        _adopt(library).unlink()
        library.group(None)
    assert len([note for note in progress.notes if "--revert" in note]) == 1


def test_faces_are_identified_with_it(album, library, models, tmp_path):
    _adopt(library)
    probe = png(tmp_path / "probe.png", "anna", number=40)
    done = facesort("identify", probe, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)


def test_the_shipped_cards_are_no_aggregators():
    assert all(card.aggregation is None for card in load_cards().values())
