"""A real browser without a window, and what tests do with it."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

__all__ = ["browser", "missing", "shot"]


# Read now: every test begins without the variables of facesort.
_REQUIRED = os.environ.get("FACESORT_REQUIRE_BROWSER") == "1"


def missing(what: str) -> NoReturn:
    """Skip for want of something, or fail where browser tests are required."""
    if _REQUIRED:
        pytest.fail(f"FACESORT_REQUIRE_BROWSER=1, but there is no {what}")
    pytest.skip(f"no {what}: the page is not tested in a browser")


@contextmanager
def browser(folder: Path, *, size: tuple[int, int] = (1200, 900)) -> Iterator[Chrome]:
    """Open Chromium with a new profile; skips, or fails where one is required, without it."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        missing("chromium with chromedriver")
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        missing("selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = str(program)
    for flag in [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--no-first-run", f"--user-data-dir={folder / 'profile'}",
        f"--window-size={size[0]},{size[1]}",
    ]:  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(str(driver)))
    try:
        opened.implicitly_wait(0)
        yield opened
    finally:
        opened.quit()


def shot(opened: Chrome, name: str) -> None:
    """Keep a picture of the page where SCREENSHOTS says, to be looked at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        opened.save_screenshot(f"{folder}/{name}.png")
