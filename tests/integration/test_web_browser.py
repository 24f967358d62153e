"""The review's page in a real browser: what a user does there reaches the library."""

from __future__ import annotations

import pytest

from tests.albums import faces_of, people_of
from tests.browsed import axe, browser, in_scheme, page_of, shot

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("selenium")

from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def page(driver, album):
    with page_of(driver, album) as opened:
        yield opened


@pytest.fixture
def people(album):
    with album.open() as library:
        return album.ids(library)


def test_a_person_gets_a_name_by_keys_alone_and_undo_takes_it_back(page):
    shot(page.driver, "question")
    page.one("#answering")
    first = page.question()
    page.keys("n")
    page.keys("Anna Müller", Keys.ENTER)
    page.says("Anna Müller")
    page.wait(lambda: page.question() != first)
    assert "Anna Müller" in page.names()
    page.driver.refresh()
    assert page.question() != first
    assert "Anna Müller" in page.text("#history summary")
    page.keys("u")
    page.says("taken back")
    assert page.names() == ["", "", "", ""]
    assert page.question() == first
    page.keys("r")
    page.says("again")
    assert "Anna Müller" in page.names()


def test_skip_unsure_and_ignore_have_the_terminals_keys(page):
    asked = [page.question()]
    for key in "s?i":
        page.one("#main").send_keys(key)
        page.goes_on(asked[-1])
        if page.all("#answering"):
            assert page.question() not in asked
            asked.append(page.question())
    assert len(asked) > 2
    with page.album.open() as library:
        assert sum(one.ignored for one in people_of(library).values()) == 1


def test_a_name_that_is_taken_asks_whether_it_is_the_same(page):
    for _ in range(2):
        before = page.question()
        page.keys("n")
        page.keys("Anna", Keys.ENTER)
        page.wait(lambda before=before: page.all("[role=alert]") or page.question() != before)
    page.one("[role=alert] button[value=person]").click()
    page.wait(lambda: not page.all("[role=alert]"))
    assert page.names() == ["", "", "Anna"]


def test_a_stale_question_of_a_second_tab_is_refused_with_a_new_one(page):
    first = page.driver.current_window_handle
    question = page.question()
    # As where the tab is not told that it is looked at again: two windows side by side.
    page.driver.execute_script(
        "addEventListener('visibilitychange', (event) => event.stopImmediatePropagation(), true)"
    )
    page.driver.switch_to.new_window("tab")
    page.go()
    assert page.question() == question
    page.keys("n")
    page.keys("Anna", Keys.ENTER)
    page.wait(lambda: page.question() != question)
    page.driver.close()
    page.driver.switch_to.window(first)
    assert page.question() == question
    page.one("#main").send_keys("i")
    page.wait(lambda: page.all("[role=alert]"))
    assert page.question() != question
    assert page.names() == ["", "", "", "Anna"]
    with page.album.open() as library:
        assert not any(one.ignored for one in people_of(library).values())


def test_people_merge_by_the_keyboard(page, people):
    page.go("/people")
    page.one(f'[data-person="{people["anna"]}"]').send_keys("m")
    page.one("#merging[open]")
    page.keys(people["bert"], Keys.ENTER)
    page.says("merged")
    assert len(page.names()) == 3


def test_faces_are_rejected_split_and_confirmed_by_the_keyboard(page, people):
    page.go(f"/person/{people['anna']}")
    assert len(page.cells()) == 5
    shot(page.driver, "person")
    page.one("#grid").send_keys(" ")
    page.wait(lambda: page.text("#selected") == "1 selected")
    page.keys("p")
    page.says("1 face is")
    assert len(page.names()) == 5
    assert len(page.cells()) == 4
    page.one("#grid").send_keys(Keys.ARROW_RIGHT, Keys.SHIFT, Keys.ARROW_RIGHT, Keys.NULL)
    page.wait(lambda: page.text("#selected") == "2 selected")
    page.keys("y")
    page.says("2 faces confirmed")
    assert "2 confirmed" in page.text(".facts")
    page.cells()
    page.one("#grid").send_keys(" ", "d")
    page.says("1 face taken out")
    assert len(page.cells()) == 3
    for _ in range(3):
        page.one("#said")
        page.driver.execute_script("document.querySelector('#said').textContent = ''")
        page.one("#main").send_keys("u")
        page.says("taken back")
    assert len(page.cells()) == 5
    assert page.names() == ["", "", "", ""]


def test_selected_faces_go_to_somebody_else(page, people):
    page.go(f"/person/{people['anna']}")
    page.cells()[1].click()
    page.wait(lambda: page.text("#selected") == "1 selected")
    page.keys("o")
    page.one("#merging[open]")
    page.keys(people["bert"], Keys.ENTER)
    page.says("1 face confirmed")
    assert len(page.cells()) == 4
    with page.album.open() as library:
        assert len(people_of(library)[people["bert"]].faces) == 6


def test_a_face_becomes_the_cover_and_one_is_no_face(page, people):
    page.go(f"/person/{people['anna']}")
    chosen = page.cells()[3]
    face = chosen.get_attribute("data-face")
    chosen.click()
    page.wait(lambda: page.text("#selected") == "1 selected")
    page.one("#main").send_keys("c")
    page.says("cover chosen")
    page.go("/people")
    assert face in page.one(f'[data-person="{people["anna"]}"] img').get_attribute("src")
    page.go(f"/person/{people['anna']}")
    page.cells()[0].click()
    page.wait(lambda: page.text("#selected") == "1 selected")
    page.one("#main").send_keys("x")
    page.says("1 is not a face")
    assert len(page.cells()) == 4


def test_a_person_is_named_and_ignored_on_their_page(page, people):
    page.go(f"/person/{people['cleo']}")
    page.cells()
    page.keys("n")
    page.keys("Cleo", Keys.ENTER)
    page.says("is Cleo")
    assert page.text("h1") == "Cleo"
    page.one("#main").send_keys("i")
    page.says("ignored")
    assert "Cleo" not in page.text("#wall")


def test_the_whole_photo_shows_a_box_for_each_face(page):
    page.one("#main").send_keys("w")
    page.wait(lambda: len(page.all("svg .box")) == 4)
    assert len(page.all(".box.this")) == 1
    page.wait(lambda: page.driver.execute_script(
        "return performance.getEntriesByType('resource').some(e => e.name.includes('/whole/'))"
    ))  # fmt: skip
    shot(page.driver, "photo")
    shown = page.one("#whole svg image").get_attribute("href")
    page.keys("w")
    page.wait(lambda: page.one("#whole svg image").get_attribute("href") != shown)
    page.keys(Keys.ARROW_LEFT)
    page.wait(lambda: page.one("#whole svg image").get_attribute("href") == shown)
    page.keys(Keys.ESCAPE)
    page.wait(lambda: not page.all("dialog[open]"))
    assert page.question()


def test_a_phone_needs_no_scrolling_sideways_and_shows_undo_and_history_everywhere(page, people):
    page.alter(lambda library: library.merge(list(people.values())))
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 500, "deviceScaleFactor": 1, "mobile": True},
    )
    face = page.alter(lambda library: next(iter(library.situation().faces)))
    try:
        for path in ["/", "/people", f"/person/{people['anna']}", f"/photo/{face}"]:
            page.go(path)
            page.one("h1")
            shot(page.driver, f"phone{path.replace('/', '_')[:8]}")
            assert page.driver.execute_script(
                "return document.documentElement.scrollWidth <= innerWidth"
            )
            page.driver.execute_script("scrollTo(0, document.documentElement.scrollHeight)")
            for one in ["[data-step=undo]", "[data-step=redo]", "#history summary"]:
                box = page.one(one).rect
                top = box["y"] - page.driver.execute_script("return scrollY")
                assert 0 <= top < 150
            assert "merged" in page.text("#history summary")
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_names_are_completed(page, people):
    page.go(f"/person/{people['anna']}")
    page.cells()
    page.keys("n")
    page.keys("Anna", Keys.ENTER)
    page.says("is Anna")
    page.go("/")
    page.one("#answering")
    page.keys("n")
    page.keys("an")
    page.wait(lambda: page.all('#names option[value="Anna"]'))
    assert page.question()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page, people, scheme):
    checker = axe()
    in_scheme(page.driver, scheme)
    with page.album.open() as library:
        face = faces_of(library, people["anna"])[0]
    found = []
    for path in ["/", "/people", f"/person/{people['anna']}", f"/photo/{face}", "/person/nobody"]:
        page.go(path)
        page.one("h1")
        if "person" in path and "nobody" not in path:
            page.wait(lambda: page.all("#other-list button"))
            page.cells()[0].click()
        for summary in page.all("#history summary"):
            summary.click()
        found += [(path, *one) for one in page.serious(checker)]
    page.go("/")
    for key, dialog in [("h", "#help"), ("w", "#whole")]:
        page.question()
        page.one("#main").send_keys(key)
        page.one(f"{dialog}[open]")
        found += [(dialog, *one) for one in page.serious(checker)]
        page.keys(Keys.ESCAPE)
        page.wait(lambda: not page.all("dialog[open]"))
    assert found == []
