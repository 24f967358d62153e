"""A real browser without a window, and what tests do with it."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from tests.albums import people_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

__all__ = ["Page", "axe", "browser", "in_scheme", "missing", "page_of", "shot"]

_AXE = "node_modules/axe-core/axe.min.js"


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


class Page:
    """A browser at the review of a library."""

    def __init__(self, driver, visitor, album):
        self.driver, self.visitor, self.album = driver, visitor, album

    def wait(self, what):
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(
            self.driver, 10, 0.03, ignored_exceptions=[StaleElementReferenceException]
        ).until(lambda _: what())

    def go(self, path="/"):
        self.driver.get(self.visitor.origin + path)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        found = self.wait(lambda: self.all(selector))
        return found[0]

    def text(self, selector):
        return self.one(selector).text

    def keys(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def says(self, words):
        self.wait(
            lambda: any(words in one.text for one in self.all("#said, .said, .error, [role=alert]"))
        )

    def names(self):
        with self.album.open() as library:
            return sorted(person.name or "" for person in people_of(library).values())

    def question(self):
        """The question, once it can be answered by keys."""
        return self.one("#answering[data-seen] input[name=id]").get_attribute("value")

    def alter(self, change):
        """Do something to the library beside the page, as another program does."""
        with self.album.open() as library:
            return change(library)

    def cookie(self):
        """The session, to ask for something beside the browser."""
        return "; ".join(f"{one['name']}={one['value']}" for one in self.driver.get_cookies())

    def clear_said(self):
        self.driver.execute_script("document.querySelector('#said').textContent = ''")

    def serious(self, axe, context="document"):
        """What the accessibility checker finds."""
        self.driver.execute_script(axe)
        result = self.driver.execute_async_script(f"axe.run({context}).then(arguments[0])")
        return [
            (one["id"], [node["target"] for node in one["nodes"]])
            for one in result["violations"]
            if one["impact"] in {"serious", "critical"}
        ]

    def goes_on(self, before):
        """Wait for another question than that, or for the end."""
        ids = "#answering[data-seen] input[name=id]"
        self.wait(
            lambda: (
                not self.all("#answering")
                or [one.get_attribute("value") for one in self.all(ids)] not in ([], [before])
            )
        )

    def cells(self):
        self.wait(lambda: self.all(".cell[data-face]"))
        return self.all(".cell[data-face]")

    def errors(self):
        """What the browser has complained of: refused scripts and styles, errors in ours."""
        return [line["message"] for line in self.driver.get_log("browser")
                if line["level"] == "SEVERE" and "status of 4" not in line["message"]]  # fmt: skip


@contextmanager
def page_of(driver: Chrome, album: Any) -> Iterator[Page]:
    """Serve a library's review, and open it in a browser; nothing there may be complained of."""
    from tests.served import served

    with served(album.open) as visitor:
        driver.get(visitor.door.address)
        opened = Page(driver, visitor, album)
        try:
            yield opened
        finally:
            found = opened.errors()
            driver.get("about:blank")  # so that nothing asks a page that has ended
            driver.get_log("browser")
        assert found == []


def axe() -> str:
    """Return the accessibility checker, from npm: `npm install --no-save axe-core`."""
    places = [Path(os.environ.get("AXE_JS", "")), Path(__file__).parents[1] / _AXE]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        missing(f"{_AXE} (npm install --no-save axe-core)")
    return found.read_text("utf-8")


def in_scheme(driver: Chrome, scheme: str) -> None:
    """Let the browser prefer "light" or "dark"."""
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
