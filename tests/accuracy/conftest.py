"""The labelled photos beside the repository, each folder scanned once with default settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.watched import Scanned
from tests.weights import real_weights

if TYPE_CHECKING:
    from collections.abc import Callable

# Resolved: the folder beside the repository may be a link, and facesort answers with real paths.
DATA = (Path(__file__).resolve().parents[3] / "shared" / "data").resolve()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of labelled photos; the test is skipped, visibly, where it is absent."""
    if not DATA.is_dir():
        pytest.skip("no ../shared/data beside the repository")
    return DATA


@pytest.fixture(scope="session")
def scan_once(
    data: Path, _isolated_session: None, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Scanned]:
    """Scan a folder of the data into a library of its own, the first time it is asked for."""
    libraries = tmp_path_factory.mktemp("libraries")
    scanned: dict[str, Scanned] = {}

    def scan(folder: str) -> Scanned:
        if folder not in scanned:
            for model in ("yunet", "sface"):
                real_weights(model)  # skips without a network
            expect = 3 if folder == "formats" else 0  # 3: some photos cannot be read
            name = folder.replace("/", "-")
            scanned[folder] = Scanned.now(data / folder, libraries / name, expect=expect)
        return scanned[folder]

    return scan


@pytest.fixture(scope="session")
def public_figures(scan_once: Callable[[str], Scanned]) -> Scanned:
    """33 photos: families, crowds, a helmet, paintings and screens; a few seconds."""
    return scan_once("albums/public_figures")


@pytest.fixture(scope="session")
def portraits(scan_once: Callable[[str], Scanned]) -> Scanned:
    """64 photos, most of one person; a few seconds."""
    return scan_once("albums/portraits")


@pytest.fixture(scope="session")
def lfw(scan_once: Callable[[str], Scanned]) -> Scanned:
    """6,132 photos of 2,817 people; minutes."""
    return scan_once("lfw/images")


@pytest.fixture(scope="session")
def formats(scan_once: Callable[[str], Scanned]) -> Scanned:
    """Odd, huge, truncated and hostile files; a quarter of a minute."""
    return scan_once("formats")
