"""What several files of integration tests need."""

from __future__ import annotations

import pytest

from facesort import registry
from tests.fakes import FakeModels


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> FakeModels:
    """Let `facesort scan` in this process run on fakes."""
    fakes = FakeModels()
    monkeypatch.setattr(registry, "load_models", fakes.load_models)
    return fakes
