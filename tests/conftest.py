"""Every test runs in a world of its own: no test reads or writes the developer's libraries.

Only two things are the developer's: facesort's cache, so that weights and sample photos are fetched
once, and pip's configuration, which fetching them needs.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from platformdirs import user_cache_dir
from xdist.scheduler import LoadScopeScheduling

from tests.samples import album_or_skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.samples import SampleAlbum

# A shared machine makes deadlines lie. On CI the same examples every time: red means broken.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def _pip_configuration() -> Path | None:
    """Return the user's pip configuration file, which a new HOME would hide."""
    home = Path.home()
    folders = [
        Path(os.environ.get("XDG_CONFIG_HOME", home / ".config")) / "pip",
        home / ".config" / "pip",
        home / "Library" / "Application Support" / "pip",
        Path(os.environ.get("APPDATA", home)) / "pip",
        home / ".pip",
        home / "pip",
    ]
    files = [folder / name for folder in folders for name in ("pip.conf", "pip.ini")]
    return next((file for file in files if file.is_file()), None)


def _isolate(patch: pytest.MonkeyPatch, home: Path) -> None:
    for name in [name for name in os.environ if name.startswith("FACESORT_")]:
        if name != "FACESORT_CACHE":
            patch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        patch.setenv(name, str(home))
    for name, folder in {
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_CACHE_HOME": home / ".cache",
        "APPDATA": home / "AppData" / "Roaming",
        "LOCALAPPDATA": home / "AppData" / "Local",
        "FACESORT_LIBRARY": home / "library",
    }.items():
        patch.setenv(name, str(folder))
    # What a terminal would add: colours and a width.
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        patch.delenv(name, raising=False)
    patch.setenv("COLUMNS", "120")


class _Together(LoadScopeScheduling):  # type: ignore[misc]  # xdist is not typed
    """Gives one process what shares something that takes long: the labelled photos, or a file."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", maxsplit=1)[0]
        return "tests/accuracy" if path.startswith("tests/accuracy/") else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Together:
    """Deal tests out to processes (pytest -n)."""
    return _Together(config, log)


@pytest.fixture(scope="session", autouse=True)
def _isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Cover fixtures that live as long as the session; each test gets a fresh world on top."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESORT_CACHE", os.environ.get("FACESORT_CACHE", user_cache_dir("facesort")))
        configuration = _pip_configuration()
        if configuration is not None and "PIP_CONFIG_FILE" not in os.environ:
            patch.setenv("PIP_CONFIG_FILE", str(configuration))
        _isolate(patch, tmp_path_factory.mktemp("session-home"))
        yield


@pytest.fixture(autouse=True)
def _isolated(
    _isolated_session: None,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Point the home folder and the library of this test to an empty folder."""
    # A shell that starts tests in the background lets them ignore Ctrl-C, and so does a program
    # that a test has interrupted in this very process: what is started later would ignore it too.
    # Below nohup it is the signal of a terminal that is closed.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # Not tmp_path itself: tests scan that, and a library inside it would be found.
    _isolate(monkeypatch, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def sample_photos(_isolated_session: None, tmp_path_factory: pytest.TempPathFactory) -> SampleAlbum:
    """The sample album, read-only by agreement: a test that changes photos copies it first."""
    return album_or_skip(tmp_path_factory.mktemp("samples"))
