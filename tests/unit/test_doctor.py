"""`doctor`: what it finds, and which failure decides the exit code."""

from __future__ import annotations

import os
import sqlite3
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from facesort.catalog.connection import CATALOG_NAME
from facesort.catalog.health import examine
from facesort.catalog.opening import open_database
from facesort.config import Settings
from facesort.errors import (
    FacesortError,
    LibraryDamaged,
    ProviderUnavailable,
    SchemaTooNew,
    UsageError,
)
from facesort.inference import session
from facesort.inference.cuda import CudaDevice
from facesort.inference.environment import Environment, ProviderState, Runtime
from facesort.jobs.doctor import Finding, Verdict, check_all, exit_code

if TYPE_CHECKING:
    from pathlib import Path

_FINE = Environment((Runtime("onnxruntime", "1.31.1"),), None, (ProviderState("cpu", starts=True),))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A library and a cache that do not exist yet."""
    return Settings(library=tmp_path / "library", cache_dir=tmp_path / "cache")


def _findings(
    settings: Settings | FacesortError, environment: Environment = _FINE
) -> dict[str, Finding]:
    return {found.subject: found for found in check_all(settings, lambda: environment)}


def test_a_fresh_installation_has_nothing_wrong(settings: Settings) -> None:
    found = _findings(settings)
    assert exit_code(list(found.values())) == 0
    assert found["library"].verdict is Verdict.NOTE
    assert found["model sface"].verdict is Verdict.NOTE
    assert "models pull" in found["model sface"].hint
    assert not settings.library.exists()
    assert not settings.cache_dir.exists()


def test_two_runtimes_in_one_environment_fail_with_what_mends_it(settings: Settings) -> None:
    clash = ProviderUnavailable("onnxruntime and onnxruntime-gpu", hint="pip uninstall --yes both")
    found = _findings(settings, replace(_FINE, conflict=clash))
    assert found["runtimes"].verdict is Verdict.FAILED
    assert found["runtimes"].hint == "pip uninstall --yes both"
    assert exit_code(list(found.values())) == 25


_CUDA = ProviderState("cuda", starts=False, reason="no CUDA library", hint="pip install it")


def test_an_accelerator_that_does_not_start_is_a_note_with_its_reason(settings: Settings) -> None:
    both = replace(
        _FINE,
        providers=(*_FINE.providers, _CUDA),
        gpus=(CudaDevice("Test GPU", 80 * 2**30, None),),
        cuda_version="13.0",
    )
    found = _findings(settings, both)
    assert found["NVIDIA GPU"] == Finding("NVIDIA GPU", Verdict.OK, "Test GPU, 80 GB, CUDA 13.0")
    assert found["provider cuda"] == Finding(
        "provider cuda", Verdict.NOTE, "no CUDA library", "pip install it"
    )
    assert exit_code(list(found.values())) == 0


def test_without_such_a_gpu_nothing_is_offered_to_help_it_start(settings: Settings) -> None:
    found = _findings(settings, replace(_FINE, providers=(*_FINE.providers, _CUDA)))
    assert found["provider cuda"].hint == ""


def test_an_accelerator_that_the_settings_ask_for_must_start(settings: Settings) -> None:
    asked = replace(settings, provider="cuda")
    found = _findings(asked, replace(_FINE, providers=(*_FINE.providers, _CUDA)))
    assert found["provider cuda"].verdict is Verdict.FAILED
    assert exit_code(list(found.values())) == 25


def test_a_provider_that_nothing_has_fails_where_the_settings_ask_for_it(
    settings: Settings,
) -> None:
    found = _findings(replace(settings, provider="coreml"))
    assert found["provider coreml"].verdict is Verdict.FAILED
    assert exit_code(list(found.values())) == 25


def test_settings_that_make_no_sense_are_told_beside_the_installation() -> None:
    found = _findings(UsageError("config.toml: unknown setting 'modle'", hint="Known: model."))
    assert found["settings"].verdict is Verdict.FAILED
    assert found["runtimes"].verdict is Verdict.OK
    assert exit_code(list(found.values())) == 2


def test_damaged_weights_fail(settings: Settings) -> None:
    weights = settings.cache_dir / "weights"
    weights.mkdir(parents=True)
    name = "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"
    (weights / f"{name}.onnx").write_bytes(b"cut off")
    found = _findings(settings)
    assert found["model sface"].verdict is Verdict.FAILED
    assert exit_code(list(found.values())) == 24


def test_the_models_that_the_library_remembers_are_looked_at_and_must_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "available_providers", lambda: ("cpu",))
    db = open_database(settings.library, create=True)
    with db.transaction():
        db.set_meta("embedder", "sface-bf16")
    db.close()
    found = _findings(settings)
    assert "model sface" not in found
    assert found["model sface-bf16"].verdict is Verdict.FAILED
    assert "--model sface" in found["model sface-bf16"].hint
    assert exit_code(list(found.values())) == 25
    assert _findings(replace(settings, embedder="sface"))["model sface"].verdict is Verdict.NOTE


def test_a_library_is_counted_and_left_as_it_is(settings: Settings) -> None:
    open_database(settings.library, create=True).close()
    before = _bytes(settings.library)
    found = _findings(settings)
    assert found["library"].verdict is Verdict.OK
    assert "0 photos, 0 faces, 0 decisions" in found["library"].message
    assert "privacy" not in found
    assert _bytes(settings.library) == before


def test_a_library_that_is_being_written_is_examined_all_the_same(settings: Settings) -> None:
    db = open_database(settings.library, create=True)
    with db.transaction():
        db.set_meta("told_inside", "1")
        assert _findings(settings)["library"].verdict is Verdict.OK
    db.close()


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no modes there")
def test_a_library_that_others_may_enter_fails(settings: Settings) -> None:
    open_database(settings.library, create=True).close()
    settings.library.chmod(0o755)
    found = _findings(settings)
    assert found["privacy"].verdict is Verdict.FAILED
    assert found["privacy"].hint == f"chmod 700 {settings.library}"
    assert exit_code(list(found.values())) == 10


def test_a_catalog_with_bad_pages_is_damaged(settings: Settings) -> None:
    open_database(settings.library, create=True).close()
    path = settings.library / CATALOG_NAME
    content = bytearray(path.read_bytes())
    content[8192:16384] = os.urandom(8192)
    path.write_bytes(content)
    with pytest.raises(LibraryDamaged):
        examine(settings.library)
    found = _findings(settings)
    assert exit_code(list(found.values())) == 17


def test_a_row_that_refers_to_nothing_is_damage(settings: Settings) -> None:
    open_database(settings.library, create=True).close()
    connection = sqlite3.connect(settings.library / CATALOG_NAME)
    connection.execute(
        "INSERT INTO places (root_id, path, size, mtime_ns, state) "
        "VALUES (77, x'61', 1, 1, 'present')"
    )
    connection.commit()
    connection.close()
    with pytest.raises(LibraryDamaged, match="a row of places refers to nothing in roots"):
        examine(settings.library)


def test_a_library_of_a_newer_version_says_so(settings: Settings) -> None:
    open_database(settings.library, create=True).close()
    connection = sqlite3.connect(settings.library / CATALOG_NAME)
    connection.execute("INSERT INTO migrations VALUES (999, 'later', '2030-01-01')")
    connection.commit()
    connection.close()
    with pytest.raises(SchemaTooNew):
        examine(settings.library)


def test_something_else_in_the_catalogs_place_is_damage(settings: Settings) -> None:
    settings.library.mkdir(mode=0o700)
    (settings.library / CATALOG_NAME).write_bytes(b"holiday notes" * 1000)
    assert _findings(settings)["library"].code == 17


def test_a_cache_that_is_a_file_fails(settings: Settings) -> None:
    settings.cache_dir.write_text("not a folder", encoding="utf-8")
    found = _findings(settings)
    assert found["cache"].verdict is Verdict.FAILED
    assert exit_code(list(found.values())) == 20


@pytest.mark.parametrize(
    ("codes", "worst"),
    [([], 0), ([24], 24), ([24, 10], 10), ([2, 25], 25), ([1, 2], 2), ([10, 17], 10)],
)
def test_the_librarys_failure_decides_before_the_models_and_those_before_others(
    codes: list[int], worst: int
) -> None:
    failures = [Finding("x", Verdict.FAILED, "bad", code=code) for code in codes]
    assert exit_code([*failures, Finding("y", Verdict.NOTE, "fine")]) == worst


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
