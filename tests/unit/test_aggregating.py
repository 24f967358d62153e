"""The trained aggregator of a library: used where it fits, never in the way where it does not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.catalog.opening import open_database
from facesort.catalog.vectors import set_code
from facesort.domain import VectorCode
from facesort.errors import CardInvalid, LibraryUnwritable, ModelMismatch
from facesort.evaluation.aggregators import aggregate_each
from facesort.inference.card import ModelKind
from facesort.inference.card_file import load_cards, read_card
from facesort.inference.session import open_session
from facesort.jobs.describing.aggregating import (
    Facts,
    aggregator_key,
    coreset_folder,
    is_chosen,
    library_aggregator,
    revert,
    tell_if_unusable,
    use,
    write_model,
)
from facesort.training.export import to_onnx
from facesort.training.net import Shape
from facesort.vision.aggregator import OnnxAggregator
from tests.fakes import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facesort.catalog.connection import Database
    from facesort.inference.card import ModelCard

SHAPE = Shape(128)
EMBEDDER = load_cards()["sface"]


def graph(seed: int = 0, shape: Shape = SHAPE) -> bytes:
    """Return a network that nobody has trained; no PyTorch is needed for that."""
    rng, d = np.random.default_rng(seed), shape.dimension
    sizes: dict[str, tuple[int, ...]] = {"gamma": ()}
    for part in ("self", "cross"):
        sizes |= {f"{part}.in": (3 * d, d), f"{part}.in_shift": (3 * d,)}
        sizes |= {f"{part}.out": (d, d), f"{part}.out_shift": (d,)}
    for part in ("encoding", "self", "cross"):
        sizes |= {f"{part}.norm": (d,), f"{part}.norm_shift": (d,)}
    drawn = {name: rng.normal(0, 0.2, size) for name, size in sizes.items()}
    return to_onnx(shape, {name: np.asarray(v, dtype=np.float32) for name, v in drawn.items()})


def facts(embedder: ModelCard = EMBEDDER) -> Facts:
    return Facts(embedder, 128, 'faces of "people"', {"date": "2026-11-22", "clean_1e4": 0.9})


def faces(count: int, seed: int = 0, dimension: int = 128) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((count, dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), rng.random(count).astype(np.float32)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "library", create=True)
    yield opened
    opened.close()


def chosen(db: Database) -> ModelCard:
    """Put a network into a library and use it."""
    card = write_model(coreset_folder(db, EMBEDDER), graph(), facts())
    use(db, card)
    return card


def test_a_library_begins_with_the_plain_coreset(db):
    assert library_aggregator(db, EMBEDDER) is None
    assert aggregator_key(db, EMBEDDER) == ""
    assert not is_chosen(db)


def test_the_one_that_was_chosen_is_used_until_it_is_taken_back(db):
    card = chosen(db)
    found = library_aggregator(db, EMBEDDER)
    assert found is not None
    vectors, quality = faces(5)
    made = found.aggregate(vectors, quality)
    assert made.shape == (128,)
    assert np.linalg.norm(made) == pytest.approx(1, abs=1e-5)
    assert aggregator_key(db, EMBEDDER) == card.model_key
    assert revert(db)
    assert library_aggregator(db, EMBEDDER) is None
    assert not revert(db)


def test_the_card_says_what_it_is(db):
    card = chosen(db)
    assert read_card(card.path) == card
    assert card.kind is ModelKind.AGGREGATOR
    assert card.family == "coreset-net"
    assert card.aggregation is not None
    assert card.aggregation.embedder == EMBEDDER.model_key
    assert card.aggregation.metrics["date"] == "2026-11-22"
    assert card.weights.training_data == 'faces of "people"'
    assert card.weights.bytes == (card.path.parent / card.weights.file).stat().st_size


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_what_was_learned_from_faces_is_private(db):
    card = chosen(db)
    assert card.path.parent.stat().st_mode & 0o077 == 0
    assert (card.path.parent / card.weights.file).stat().st_mode & 0o077 == 0


def harm(db: Database, how: str) -> None:
    folder = coreset_folder(db, EMBEDDER)
    (weights,) = folder.glob("*.onnx")
    if how == "no weights":
        weights.unlink()
    elif how == "no card":
        (folder / "card.toml").unlink()
    elif how == "damaged weights":
        data = bytearray(weights.read_bytes())
        data[1000] ^= 1
        weights.write_bytes(bytes(data))
    elif how == "damaged card":
        (folder / "card.toml").write_text("name = ")
    elif how == "another network":
        write_model(folder, graph(seed=1), facts())
    elif how == "cut vectors":
        axes = np.eye(128, 64, dtype=np.float32)
        with db.transaction():
            set_code(db, VectorCode(EMBEDDER.model_key, 128, 64, 0.01, axes))
    else:
        other = replace(EMBEDDER, weights=replace(EMBEDDER.weights, sha256="0" * 64))
        write_model(folder, graph(), facts(other))


@pytest.mark.parametrize(
    "how",
    [
        "no weights",
        "no card",
        "damaged weights",
        "damaged card",
        "another network",
        "another embedder",
        "cut vectors",
    ],
)
def test_where_it_cannot_be_used_the_plain_coreset_is_and_a_note_says_so(db, how):
    chosen(db)
    harm(db, how)
    assert library_aggregator(db, EMBEDDER) is None
    assert aggregator_key(db, EMBEDDER) == ""  # what is made meanwhile is not taken for learned
    progress = SilentProgress()
    tell_if_unusable(db, EMBEDDER, progress)
    (note,) = progress.notes
    assert "plain coreset" in note
    assert "--revert" in note
    assert is_chosen(db)


def test_nothing_is_said_where_all_is_well(db):
    progress = SilentProgress()
    tell_if_unusable(db, EMBEDDER, progress)
    chosen(db)
    tell_if_unusable(db, EMBEDDER, progress)
    assert progress.notes == []


def test_a_new_network_replaces_the_old_one(db):
    chosen(db)
    second = write_model(coreset_folder(db, EMBEDDER), graph(seed=1), facts())
    use(db, second)
    assert [p.name for p in second.path.parent.glob("*.onnx")] == [second.weights.file]
    assert library_aggregator(db, EMBEDDER) is not None


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LibraryUnwritable):
        write_model(tmp_path / "file", graph(), facts())


@pytest.fixture(scope="module")
def aggregator(tmp_path_factory) -> OnnxAggregator:
    shape = Shape(32, 3, 4)
    folder = tmp_path_factory.mktemp("net")
    card = write_model(folder / "m", graph(3, shape), replace(facts(), dimension=32))
    return OnnxAggregator(open_session(folder / "m" / card.weights.file, provider="cpu"), card)


@given(count=st.integers(1, 30), seed=st.integers(0, 99), again=st.integers(0, 99))
@settings(max_examples=40)
def test_the_order_of_faces_changes_not_a_bit(aggregator, count, seed, again):
    vectors, quality = faces(count, seed, 32)
    order = np.random.default_rng(again).permutation(count)
    expected = aggregator.aggregate(vectors, quality)
    assert (aggregator.aggregate(vectors[order], quality[order]) == expected).all()


def test_many_sets_are_made_as_one_by_one(aggregator):
    vectors, quality = faces(9, 4, 32)
    owner = np.array([2, 0, 1, 2, 2, 0, 1, 1, 2])
    made = aggregate_each(aggregator, vectors, quality, owner)
    for whose in range(3):
        mine = owner == whose
        assert (made[whose] == aggregator.aggregate(vectors[mine], quality[mine])).all()


def test_faces_that_are_all_useless_still_give_a_vector(aggregator):
    vectors, _ = faces(4, 5, 32)
    made = aggregator.aggregate(vectors, np.zeros(4, dtype=np.float32))
    assert np.linalg.norm(made) == pytest.approx(1, abs=1e-5)


def test_vectors_of_another_length_are_refused(aggregator):
    with pytest.raises(ModelMismatch, match="32 numbers, not of 16"):
        aggregator.aggregate(*faces(3, 0, 16))


def test_a_card_of_another_kind_is_refused():
    class Nothing:
        inputs = ("vectors", "quality")

    with pytest.raises(CardInvalid, match="aggregation"):
        OnnxAggregator(Nothing(), EMBEDDER)  # type: ignore[arg-type]  # never run
