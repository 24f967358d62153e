"""What a user gets: the wheel, installed without the repository beside it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".tif", ".tiff"}


def _run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dist = tmp_path_factory.mktemp("dist")
    here = ["--no-isolation"] if importlib.util.find_spec("hatchling") else []
    _run(
        *(sys.executable, "-m", "build", "--wheel", *here, "--outdir", str(dist), str(REPOSITORY)),
        cwd=dist,
    )
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel in a folder of its own, without its dependencies: those are in this environment."""
    target = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    _run(*pip, "--no-deps", "--no-index", "--target", str(target), str(wheel), cwd=target)
    return target


def test_the_wheel_has_every_model_card_and_the_licence_of_its_weights(members):
    cards = {path.parent.name for path in (REPOSITORY / "models").glob("*/card.toml")}
    assert {"yunet", "sface"} <= cards
    for name in cards:
        assert f"facesort/_models/{name}/card.toml" in members
        assert f"facesort/_models/{name}/LICENSE" in members


def test_the_wheel_says_that_it_is_typed(members):
    assert "facesort/py.typed" in members


def test_the_wheel_has_all_of_the_page_and_the_licence_of_what_is_not_ours(members):
    web = REPOSITORY / "facesort" / "web"
    page = REPOSITORY / "facesort" / "jobs" / "batch"
    files = [
        *(web / "templates").iterdir(),
        *(web / "static").iterdir(),
        *page.glob("page.*"),
    ]
    assert len(files) > 10
    assert {path.relative_to(REPOSITORY).as_posix() for path in files} <= members
    assert "facesort/web/static/htmx.LICENSE.txt" in members


def test_the_wheel_has_no_weights_no_photos_and_no_tests(members):
    suffixes = {Path(name).suffix.lower() for name in members}
    assert not suffixes & (PICTURES | {".onnx", ".part"})
    tops = {name.split("/")[0] for name in members}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"facesort"}


def test_the_installed_wheel_lists_its_models(installed, tmp_path):
    path = {"PYTHONPATH": str(installed)}
    imported = _run(
        sys.executable, "-c", "import facesort; print(facesort.__file__)", cwd=tmp_path, **path
    )
    assert Path(imported.strip()).is_relative_to(installed)  # not the repository's own copy
    command = "from facesort.cli.app import main; raise SystemExit(main())"
    listed = _run(
        *(sys.executable, "-c", command, "models", "list", "--json"), cwd=tmp_path, **path
    )
    assert {"yunet", "sface"} <= {model["name"] for model in json.loads(listed)}
