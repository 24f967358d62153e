"""Where tests find the real models: the user's cache, filled once by the product's own code."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

from facesort.errors import WeightsMissing
from facesort.inference.card import ModelCard
from facesort.inference.card_file import load_cards
from facesort.inference.graphs import Shape, prepared
from facesort.inference.weights import find_or_fetch


class SilentProgress:
    """A progress that nobody watches."""

    def start(self, label: str, total: int | None, unit: str = "") -> None: ...
    def advance(self, n: int = 1) -> None: ...
    def note(self, message: str) -> None: ...
    def finish(self) -> None: ...


def card(name: str) -> ModelCard:
    """Return a shipped card."""
    return load_cards()[name]


def real_weights(name: str) -> Path:
    """Return the published ONNX file of a shipped card; skip the test where there is no network."""
    try:
        return _fetched(name)
    except WeightsMissing as error:
        pytest.skip(f"{error.message} ({error.hint})")


def real_graph(name: str, shape: Shape = Shape.CPU) -> Path:
    """Return the prepared graph of a shipped card; skip as above."""
    return prepared(card(name), real_weights(name), _cache(), shape=shape)


@functools.cache
def _fetched(name: str) -> Path:
    return find_or_fetch(card(name), cache_dir=_cache(), models_dir=None, progress=SilentProgress())


def _cache() -> Path:
    # Set by conftest.py: the one place of the developer's that tests share.
    return Path(os.environ["FACESORT_CACHE"])
