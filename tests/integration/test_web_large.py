"""A person with 50,000 faces in the browser; their photos are not there."""

from __future__ import annotations

import time

import numpy as np
import pytest

from facesort.jobs.grouping.options import GroupOptions
from tests.browsed import browser, page_of, shot
from tests.fakes import open_library
from tests.stored import Stock, store

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("selenium")

from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow

_FACES = 50_000
# Of them grouped; the others are put beside them, because only the list is of interest here.
_GROUPED = 200


class Large:
    """A library of one person."""

    def __init__(self, folder):
        self.folder = folder
        random = np.random.default_rng(1)
        vectors = random.standard_normal(128) + 0.3 * random.standard_normal((_FACES, 128))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        nobody = np.zeros(_FACES, dtype=np.int64)
        quality = random.uniform(0.4, 1, _FACES).astype(np.float32)
        stock = Stock(vectors.astype(np.float32), nobody, np.arange(_FACES), quality)
        with self.open() as library:
            key = library._embedder.model_key
            store(library, stock, range(_GROUPED), model_key=key)
            library.group(GroupOptions(min_cosine=0.4))
            store(library, stock, range(_GROUPED, _FACES), model_key=key)
            with library._db.transaction():
                library._db.execute(
                    """INSERT INTO assignments
                       SELECT id, (SELECT person_id FROM assignments LIMIT 1) FROM faces
                       WHERE id NOT IN (SELECT face_id FROM assignments)"""
                )

    def open(self):
        return open_library(self.folder)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return Large(tmp_path_factory.mktemp("large") / "library")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def page(driver, large):
    with page_of(driver, large) as opened:
        opened.go("/people")
        opened.driver.get(opened.one("#wall .card").get_attribute("href"))
        opened.cells()
        yield opened


def held(page):
    return page.driver.execute_script("return document.querySelectorAll('*').length")


def are_pictures_drawn(page):
    """Whether every picture in sight shows something, if only a placeholder."""
    return page.driver.execute_script(
        "const all = [...document.querySelectorAll('.cell img')];"
        "return all.length > 0 && all.every((one) => one.complete && one.naturalWidth > 0)"
    )


def test_only_rows_in_sight_are_in_the_page_up_to_the_last_face(page):
    assert "50,000 faces on 50,000 photos" in page.text(".facts")
    page.wait(lambda: are_pictures_drawn(page))
    shot(page.driver, "large")
    assert held(page) < 1500
    page.one("#grid").send_keys(Keys.END)
    page.wait(lambda: page.all(f"#cell-{_FACES - 1}[data-face]"))
    assert page.one(".cell.active").get_attribute("id") == f"cell-{_FACES - 1}"
    page.wait(lambda: are_pictures_drawn(page))
    assert held(page) < 1500
    page.driver.execute_script("document.querySelector('#grid').scrollTop = 400000")
    page.wait(lambda: are_pictures_drawn(page))
    assert held(page) < 1500


def test_all_are_selected_by_shift_and_thrown_out_only_after_a_question(page):
    page.one("#grid").send_keys(" ")
    page.wait(lambda: page.text("#selected") == "1 selected")
    page.one("#grid").send_keys(Keys.SHIFT + Keys.END + Keys.NULL)
    page.wait(lambda: page.text("#selected") == f"{_FACES} selected")
    assert held(page) < 1500
    page.one("#grid").send_keys("d")
    page.wait(lambda: page.text("#sure-said") == "50,000 are not this person?")
    page.keys(Keys.ESCAPE)
    page.wait(lambda: not page.all("#sure[open]"))
    page.one("#grid").send_keys(Keys.ESCAPE)
    assert page.text("#selected") == "None selected"


def test_a_part_of_them_comes_quickly(page):
    took = []
    for start in (0, 20_000, 49_800):
        began = time.perf_counter()
        found = page.driver.execute_async_script(
            "const [person, start, done] = arguments;"
            "fetch(`/person/${person}/faces?start=${start}&count=200`)"
            ".then((answer) => answer.json()).then((found) => done(found.faces.length))",
            page.one("#grid").get_attribute("data-person"),
            start,
        )
        took.append(time.perf_counter() - began)
        assert found == 200
    assert min(took) < 1
