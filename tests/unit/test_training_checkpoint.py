"""A checkpoint is whole, of this training, or not there."""

from __future__ import annotations

import numpy as np
import pytest

from facesort.training.checkpoint import Checkpoint

ARRAYS = {
    "value/a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "step/a": np.array(4, np.float32),
}


@pytest.fixture
def path(tmp_path):
    where = tmp_path / "checkpoint"
    Checkpoint(where, "this one").save(ARRAYS, 40)
    return where


def test_it_comes_back_as_it_was(path):
    found = Checkpoint(path, "this one").load()
    assert found is not None
    arrays, step = found
    assert step == 40
    assert arrays.keys() == ARRAYS.keys()
    assert all((arrays[name] == value).all() for name, value in ARRAYS.items())


def test_another_training_finds_nothing(path):
    assert Checkpoint(path, "another").load() is None


def test_nothing_is_there_before_the_first(tmp_path):
    assert Checkpoint(tmp_path / "none", "this one").load() is None


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty", "garbage"])
def test_a_damaged_file_counts_as_none(path, harm):
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-40] ^= 1
    harmed = {"cut": whole[:-9], "flipped": bytes(flipped), "empty": b"", "garbage": b"\x00\n"}
    path.write_bytes(harmed[harm])
    assert Checkpoint(path, "this one").load() is None
