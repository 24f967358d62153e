"""`bench speed` and `doctor` as scripts and people meet them; the models are fakes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from facesort.evaluation.speed import STAGES
from tests.fakes import FakeModels, jpeg, open_library, png
from tests.terminal import facesort

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six photos with a face or two, one of them twice."""
    folder = tmp_path / "photos"
    for number in range(5):
        jpeg(folder / "day one" / f"{number}.jpg", "anna", "bert", number=number)
    png(folder / "day two" / "5.png", "cleo", number=5)
    shutil.copy(folder / "day two" / "5.png", folder / "copy.png")
    return folder


def _bench(*arguments: str | Path) -> Any:
    answer = facesort("bench", "speed", *arguments, "--json")
    assert answer.code == 0, answer.err
    return answer.json()


def test_the_answer_says_how_fast_and_where_the_time_went(photos: Path, models: FakeModels) -> None:
    document = _bench(photos)
    assert document["photos"] == document["sampled"] == 7
    assert document["faces"] == 11
    assert document["megapixels"] == pytest.approx(6 * 360 * 240 / 1e6, abs=0.01)
    assert document["photos_per_s"] == pytest.approx(7 / document["seconds"], rel=0.05)
    assert document["provider"] == "fake"
    assert document["peak_mb"] > 10
    assert list(document["stages"]) == ["load", *STAGES, "group"]
    for stage in STAGES:
        assert document["stages"][stage]["seconds"] > 0, stage
        assert document["stages"][stage]["busy_seconds"] > 0, stage
    assert document["share_of_possible"] > 0
    assert document["possible_seconds"] == pytest.approx(
        document["share_of_possible"] * document["seconds"], abs=0.01
    )


def test_the_library_is_thrown_away(photos: Path, models: FakeModels, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    _bench(photos)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_named_library_is_kept_with_what_the_scan_found(
    photos: Path, models: FakeModels, tmp_path: Path
) -> None:
    document = _bench(photos, "--library", tmp_path / "kept")
    with open_library(tmp_path / "kept", create=False) as library:
        assert len(library.photos()) == 6
        assert len(library.situation().faces) == document["faces"]
    assert {path.name for path in (tmp_path / "kept").iterdir()} <= {
        "catalog.db",
        "job.lock",
        "cache",
    }


def test_a_library_that_knows_photos_is_refused(photos: Path, models: FakeModels) -> None:
    assert facesort("scan", photos, "--library", "wedding").code == 0
    answer = facesort("bench", "speed", photos, "--library", "wedding")
    assert answer.code == 2
    assert "--library" in answer.err


def test_a_sample_measures_the_single_stages_on_fewer_photos(
    photos: Path, models: FakeModels
) -> None:
    document = _bench(photos, "--sample", "2")
    assert document["sampled"] == 2
    assert document["photos"] == 7


def test_a_folder_without_photos_is_a_sentence(tmp_path: Path, models: FakeModels) -> None:
    (tmp_path / "empty").mkdir()
    answer = facesort("bench", "speed", tmp_path / "empty")
    assert answer.code == 0
    assert "No photos were found" in answer.out
    assert _bench(tmp_path / "empty")["photos_per_s"] == 0


def test_photos_without_faces_are_measured_all_the_same(tmp_path: Path, models: FakeModels) -> None:
    png(tmp_path / "photos" / "1.png", number=1)
    document = _bench(tmp_path / "photos")
    assert document["faces"] == 0
    assert document["stages"]["embed"]["cpu_seconds"] == 0
    answer = facesort("bench", "speed", tmp_path / "photos")
    assert answer.code == 0
    assert "0 faces" in answer.out


def test_a_photo_that_cannot_be_read_is_counted_and_told(photos: Path, models: FakeModels) -> None:
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and then nothing")
    answer = facesort("bench", "speed", photos)
    assert answer.code == 3
    assert "8 photos" in answer.out
    assert "1 photo could not be read" in answer.err


def test_a_path_that_does_not_exist_ends_before_any_work(tmp_path: Path) -> None:
    answer = facesort("bench", "speed", tmp_path / "nowhere")
    assert answer.code == 2
    assert "does not exist" in answer.err


def test_people_read_a_table_and_what_sets_the_limit(photos: Path, models: FakeModels) -> None:
    answer = facesort("bench", "speed", photos)
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines[1:7]] == list(STAGES)
    assert "The limit is" in answer.out
    assert "photos/s" in answer.out


def test_doctor_says_what_is_there_and_changes_nothing(
    photos: Path, models: FakeModels, tmp_path: Path
) -> None:
    assert facesort("scan", photos, "--library", tmp_path / "album").code == 0
    answer = facesort("doctor", "--library", tmp_path / "album", "--json")
    assert answer.code == 0, answer.out
    document = answer.json()
    assert document["ok"] is True
    told = {check["subject"]: check for check in document["checks"]}
    assert told["provider cpu"]["verdict"] == "ok"
    assert "6 photos, 11 faces" in told["library"]["message"]


def test_doctor_ends_with_the_code_of_what_failed(tmp_path: Path) -> None:
    (tmp_path / "album").mkdir(mode=0o700)
    (tmp_path / "album" / "catalog.db").write_bytes(b"not a catalog" * 100)
    answer = facesort("doctor", "--library", tmp_path / "album")
    assert answer.code == 17
    assert "catalog-*.backup.db" in answer.out


def test_doctor_tells_of_settings_that_make_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("modle = 1", encoding="utf-8")
    monkeypatch.setenv("FACESORT_CONFIG", str(config))
    answer = facesort("doctor")
    assert answer.code == 2
    assert "modle" in answer.out
    assert "runtimes" in answer.out
