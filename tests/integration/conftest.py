"""What several files of integration tests need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from facesort import registry
from tests.albums import Album
from tests.fakes import FakeModels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from facesort.library import Library


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> FakeModels:
    """Let `facesort scan` in this process run on fakes."""
    fakes = FakeModels()
    monkeypatch.setattr(registry, "load_models", fakes.load_models)
    return fakes


@pytest.fixture
def album(tmp_path: Path) -> Album:
    """Four people, five photos each."""
    return Album(tmp_path)


@pytest.fixture
def library(album: Album) -> Iterator[Library]:
    """The album's library, open."""
    with album.open() as opened:
        yield opened


@pytest.fixture
def ids(album: Album, library: Library) -> dict[str, str]:
    """The id of each of the four."""
    return album.ids(library)
