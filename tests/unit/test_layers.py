"""The rules of the code base itself: imports, what loading costs, lengths, what git tracks."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import facesort

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = sorted((REPOSITORY / "facesort").rglob("*.py"))
MAX_LINES = 400
MAX_TRACKED_BYTES = 200_000

# Each takes long to load or needs a graphics library: none may be in the way of `facesort --help`.
MODEL_LIBRARIES = {"cv2", "hnswlib", "onnx", "onnxruntime", "scipy", "sklearn"}


def _module_id(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def _loaded_by(statements: str) -> set[str]:
    """Return the top-level modules that a fresh Python has loaded after these statements."""
    ended = "; import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", statements + ended],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_imports_point_one_way():
    done = subprocess.run(
        [
            *(sys.executable, "-c"),
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_bare_import_loads_nothing_but_the_standard_library():
    loaded = _loaded_by("import facesort")
    assert "facesort" in loaded
    assert not loaded & (MODEL_LIBRARIES | {"numpy", "PIL", "typer", "click", "rich", "tqdm"})


def test_the_command_line_shows_its_help_without_loading_a_model_library():
    shown = (
        "import contextlib, io, sys; sys.argv = ['facesort', '--help']\n"
        "from facesort.cli.app import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()\n"
        "pass"
    )
    assert not _loaded_by(shown) & MODEL_LIBRARIES


def test_the_public_names_are_sorted_and_each_one_loads():
    assert facesort.__all__ == sorted(facesort.__all__)
    assert set(facesort.__all__) == {*facesort._HOMES, "__version__"}
    for name, home in facesort._HOMES.items():
        assert getattr(facesort, name).__module__ == home


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        facesort.no_such_name  # noqa: B018 - looking it up is the test


@pytest.mark.parametrize("path", MODULES, ids=_module_id)
def test_a_module_is_short_enough_to_read(path):
    assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id == "Exception" for kind in caught)


@pytest.mark.parametrize(
    "path", [path for path in MODULES if _module_id(path) != "facesort/cli/app.py"], ids=_module_id
)
def test_only_the_command_line_catches_every_exception(path):
    tree = ast.parse(path.read_text("utf-8"))
    broad = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and _catches_everything(node)
    ]
    assert broad == []


@pytest.mark.parametrize("path", MODULES, ids=_module_id)
def test_the_runtimes_are_imported_through_their_one_door_only(path):
    # Behind that door their telemetry is off; it would start with the first import.
    if _module_id(path) == "facesort/inference/runtime.py":
        return
    runtimes = {"onnxruntime", "openvino"}
    imported = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Import) and any(n.name in runtimes for n in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module in runtimes)
    ]
    assert imported == []


def _tracked_files() -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], capture_output=True, check=True, cwd=REPOSITORY
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not in a git checkout, so nothing is tracked")
    files = [REPOSITORY / name for name in listed.split("\0") if name]
    if not files:
        pytest.skip("nothing is tracked yet")
    return [file for file in files if file.is_file()]


def test_no_photo_no_weights_and_no_large_file_is_tracked():
    photos_and_weights = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".onnx"}
    unwanted = [
        _module_id(file)
        for file in _tracked_files()
        if file.suffix.lower() in photos_and_weights or file.stat().st_size > MAX_TRACKED_BYTES
    ]
    assert unwanted == []


@pytest.mark.parametrize(
    ("contract", "free"),
    [
        ("only the command line talks to the terminal", {"cli"}),
        ("PyTorch trains and does nothing else", {"training"}),
    ],
)
def test_a_contract_holds_for_every_package_but_those_it_is_not_made_for(contract, free):
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (held,) = [
        set(one["source_modules"])
        for one in project["tool"]["importlinter"]["contracts"]
        if one["name"] == contract
    ]
    tops = {path.relative_to(REPOSITORY / "facesort").parts[0] for path in MODULES}
    tops = {name.removesuffix(".py") for name in tops if not name.startswith("_")}
    assert held == {f"facesort.{name}" for name in tops - free}
