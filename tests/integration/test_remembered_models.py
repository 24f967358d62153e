"""A library remembers the models that worked, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from facesort.errors import ProviderUnavailable
from facesort.inference import session
from facesort.stages import Pipeline
from tests.fakes import FakeModels, open_library, png
from tests.terminal import facesort

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.config import Settings
    from facesort.inference.card import ModelCard
    from facesort.jobs.scanning.scan import ScanReport
    from facesort.protocols import Progress
    from facesort.registry import Models


class _NoBf16(FakeModels):
    """The fakes on a machine without OpenVINO."""

    def load_models(
        self, settings: Settings, cards: tuple[ModelCard, ModelCard], progress: Progress
    ) -> Models:
        if cards[1].name.endswith("bf16"):
            raise ProviderUnavailable("OpenVINO must be installed", hint="--model sface")
        return FakeModels.load_models(self, settings, cards, progress)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    png(tmp_path / "photos" / "small.png", "anna", number=1, face=30)
    png(tmp_path / "photos" / "large.png", "bert", number=2, face=60)
    return tmp_path / "photos"


def _scan(folder: Path, **changes: Any) -> ScanReport:
    with open_library(folder.parent / "library", _NoBf16(), **changes) as library:
        return library.scan([folder])


@pytest.mark.parametrize("scanned_before", [True, False])
def test_a_model_that_cannot_be_loaded_does_not_spoil_the_scans_to_come(
    photos: Path, *, scanned_before: bool
) -> None:
    if scanned_before:
        _scan(photos)
    with pytest.raises(ProviderUnavailable):
        _scan(photos, embedder="sface-bf16")
    report = _scan(photos)
    assert report.models["embedder"].startswith("sface@")
    assert (report.faces, report.counts.seen) == (2, 2)


def test_a_model_that_no_photo_needed_is_remembered_only_if_it_runs_here(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty := photos.parent / "empty").mkdir()
    monkeypatch.setattr(session, "available_providers", lambda: ("cpu",))
    with pytest.raises(ProviderUnavailable, match="bf16") as caught:
        _scan(empty, embedder="sface-bf16")
    assert "--model sface" in caught.value.hint
    assert _scan(photos).faces == 2


def test_the_smallest_face_said_is_used_and_remembered_with_photos_to_open_and_without(
    photos: Path,
) -> None:
    assert _scan(photos, min_face=40).faces == 1
    assert _scan(photos).faces == 1
    assert _scan(photos, min_face=20).faces == 2
    assert _scan(photos).faces == 2
    assert _scan(photos, min_face=50).faces == 1  # opens nothing
    assert _scan(photos).faces == 1


def test_bench_speed_frees_the_models_of_both_its_runs(
    photos: Path, models: FakeModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Pipeline] = []
    close = Pipeline.close

    def counted(self: Pipeline) -> None:
        closed.append(self)
        close(self)

    monkeypatch.setattr(Pipeline, "close", counted)
    document = facesort("bench", "speed", photos, "--json").json()
    assert document["remark"] == ""
    assert len(closed) == models.loads == 2
