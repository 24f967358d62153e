"""What happens to the page while others write, while it is reloaded, and with odd input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.albums import faces_of, owner_of, people_of
from tests.browsed import browser, page_of
from tests.fakes import png

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("selenium")

from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow

_NASTY = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'


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


_SCAN = """
import sys
from pathlib import Path
from tests.fakes import open_library
with open_library(Path(sys.argv[1])) as library:
    for folder in sys.argv[2:]:
        library.scan([Path(folder)])
        print("scanned", flush=True)
"""


def test_no_answer_is_lost_while_another_process_scans(page, tmp_path):
    folders = [tmp_path / f"new{number}" for number in range(8)]
    for at, folder in enumerate(folders):
        for number in range(3):
            png(folder / f"{number}.png", "emil", "fred", number=100 + 10 * at + number)
    command = [sys.executable, "-c", _SCAN, str(page.album.folder), *map(str, folders)]
    here = Path(__file__).parents[2]
    given = []
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True) as scanning:
        number = 0
        while scanning.poll() is None or number < 4:
            number += 1
            before = page.question()
            page.keys("n", f"Somebody {number}", Keys.ENTER)
            page.goes_on(before)
            if page.all("[role=alert]"):  # whoever was asked about has changed meanwhile
                page.go()
                continue
            given.append(f"Somebody {number}")
            assert given[-1] in page.names()
            page.one("#main").send_keys("u")
            page.says("taken back")
            page.one("#answering[data-seen]")
        assert scanning.returncode == 0
        assert scanning.stdout is not None
        assert scanning.stdout.read().count("scanned") == len(folders)
    assert len(given) > 1
    page.go()
    left: set[str] = set()
    while page.all("#answering") and len(left) < 8:
        before = page.question()
        left.add(f"At last {len(left)}")
        page.keys("n", f"At last {len(left) - 1}", Keys.ENTER)
        page.goes_on(before)
    assert set(page.names()) - {""} == left
    with page.album.open() as library:
        people = people_of(library).values()
        assert sorted(len(one.faces) for one in people) == [5, 5, 5, 5, 24, 24]


@pytest.mark.parametrize("what", ["reject", "merge"])
def test_what_another_process_decides_is_seen_before_the_next_answer(page, people, what):
    page.question()
    asked = page.one("legend a").get_attribute("href").rpartition("/")[2]
    shown = [one.get_attribute("data-photo") for one in page.all("#answering [data-photo]")]
    others = sorted(set(people.values()) - {asked})
    if what == "reject":
        page.alter(lambda library: library.reject(shown[:2]))
    else:
        page.alter(lambda library: library.merge([others[0], asked]))
    page.keys("i")
    page.one("[role=alert]")
    assert page.question()
    with page.album.open() as library:
        assert not any(one.ignored for one in people_of(library).values())


@pytest.mark.parametrize("key", ["d", "x", "p"])
def test_a_key_on_a_face_that_is_somebody_elses_meanwhile_does_nothing_and_says_so(
    page, people, key
):
    page.go(f"/person/{people['anna']}")
    cell = page.cells()[0]
    face = cell.get_attribute("data-face")
    cell.click()
    page.wait(lambda: page.text("#selected") == "1 selected")
    page.alter(lambda library: library.confirm([face], reference=people["bert"]))
    page.keys(key)
    page.says(f"this face is not with {people['anna']} any more")
    assert len(page.cells()) == 4  # the page is as it is now
    assert page.alter(lambda library: owner_of(library, face)) == people["bert"]


@pytest.mark.parametrize("key", ["i", "n"])
def test_a_key_on_the_page_of_somebody_merged_away_does_not_hit_who_they_are_part_of(
    page, people, key
):
    page.go(f"/person/{people['anna']}")
    page.cells()
    page.alter(lambda library: library.merge([people["bert"], people["anna"]]))
    page.keys(*([key] if key == "i" else [key, "Anna", Keys.ENTER]))
    page.says(f"is part of {people['bert']} meanwhile")
    page.wait(lambda: page.one("#tools").get_attribute("data-person") == people["bert"])
    assert page.names() == ["", "", ""]
    assert not page.alter(people_of)[people["bert"]].ignored


@pytest.mark.parametrize("path", ["person", "people", ""])
def test_a_page_that_is_looked_at_again_is_brought_up_to_date_as_a_whole(page, people, path):
    page.go(f"/person/{people['anna']}" if path == "person" else f"/{path}")
    if path == "person":
        page.cells()
        face = page.alter(lambda library: faces_of(library, people["anna"])[0])
        page.alter(lambda library: library.confirm([face], reference=people["bert"]))
        done = lambda: len(page.all(".cell[data-face]")) == 4  # noqa: E731
    elif path == "people":
        page.alter(lambda library: library.name(people["cleo"], "Cleo"))
        done = lambda: "Cleo" in page.text("#wall")  # noqa: E731
    else:
        before = page.question()
        asked = page.one("legend a").get_attribute("href").rpartition("/")[2]
        page.alter(lambda library: library.name(asked, "Somebody"))
        done = lambda: page.question() != before  # noqa: E731
    page.driver.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(done)


def test_what_was_begun_is_left_when_the_page_is_looked_at_again(page, people):
    before = page.question()
    page.keys("n", "Half a na")
    page.alter(lambda library: library.ignore([people["dora"]]))
    page.driver.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(lambda: "ignored" in page.text("#history summary"))
    assert page.question() == before
    assert page.one("#name").get_attribute("value") == "Half a na"


def test_a_tab_that_is_looked_at_again_shows_what_another_has_done(page):
    page.go("/people")
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.go()
    before = page.question()
    page.keys("n", "Anna", Keys.ENTER)
    page.wait(lambda: page.question() != before)
    page.driver.close()
    page.driver.switch_to.window(first)
    page.driver.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(lambda: "Anna" in page.text("#history summary"))


def test_many_tabs_ask_and_answer_side_by_side(page):
    first = page.driver.current_window_handle
    tabs = []
    for _ in range(4):
        page.driver.switch_to.new_window("tab")
        page.go()
        page.question()
        tabs.append(page.driver.current_window_handle)
    for number, tab in enumerate(tabs):
        page.driver.switch_to.window(tab)
        page.driver.refresh()
        before = page.question()
        page.keys("n", f"Name {number}", Keys.ENTER)
        page.goes_on(before)
        page.driver.close()
    page.driver.switch_to.window(first)
    assert page.names() == [f"Name {number}" for number in range(4)]


def test_a_reload_in_the_middle_loses_nothing_that_was_said(page):
    before = page.question()
    page.keys("n", "half a na")
    page.driver.refresh()
    assert page.question() == before
    assert page.names() == ["", "", "", ""]
    page.keys("n", "Anna", Keys.ENTER)
    page.driver.refresh()  # before the answer has come back
    page.wait(lambda: page.names() == ["", "", "", "Anna"])
    page.driver.refresh()
    assert page.question() != before


def test_a_key_pressed_before_the_question_is_seen_answers_nothing(page):
    before = page.question()
    page.driver.execute_script("delete document.querySelector('#answering').dataset.seen")
    page.keys("i")
    page.go()
    assert page.question() == before


def test_a_name_of_ten_megabytes_is_refused_with_a_sentence(page, people):
    long = "document.querySelector('#name').removeAttribute('maxlength');\
            document.querySelector('#name').value = 'A'.repeat(10e6)"
    before = page.question()
    page.driver.execute_script(long)
    page.one("#name").send_keys(Keys.ENTER)
    page.says("too much")
    assert page.question() == before
    page.go(f"/person/{people['anna']}")
    page.cells()
    page.driver.execute_script(long)
    page.one("#naming button").click()
    page.wait(lambda: page.text("#said"))
    page.one("#said.bad")
    assert page.names() == ["", "", "", ""]


def test_html_in_a_typed_name_stays_text_on_every_page(page, people):
    page.go(f"/person/{people['anna']}")
    page.cells()
    page.keys("n", _NASTY, Keys.ENTER)
    page.says("is <img")
    assert _NASTY in page.names()
    face = page.cells()[0].get_attribute("data-face")
    for path in ["/", "/people", f"/person/{people['anna']}", f"/person/{people['bert']}",
                 f"/photo/{face}"]:  # fmt: skip
        page.go(path)
        page.one("h1")
        assert _NASTY in page.driver.execute_script("return document.documentElement.textContent")
        if page.all("#other-list"):
            page.wait(lambda: page.all(".other"))
        assert not page.all('img[src="x"]')
        assert page.driver.execute_script("return window.pwned") is None
    page.go()
    page.question()
    page.keys("n", "<im")
    page.wait(lambda: page.all("#names option"))
    assert page.one("#names option").get_attribute("value") == _NASTY
    assert not page.all('img[src="x"]')


@pytest.mark.parametrize(
    "path", ["/person/nobody", "/photo/nothing", "/person/p%2f..", "/person/%3Cb%3E"]
)
def test_an_id_that_does_not_exist_is_said_on_a_page_that_leads_on(page, path):
    page.go(path)
    assert page.text("h1") == "Not possible"
    page.one('main a[href="/people"]').click()
    page.wait(lambda: page.text("h1") == "People")


def test_missing_and_damaged_photos_are_drawn_as_placeholders(page, people):
    for at, photo in enumerate(sorted(page.album.photos.iterdir())):
        if at % 2:
            photo.unlink()
        else:
            photo.write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    for path in ["/people", f"/person/{people['anna']}"]:
        page.go(path)
        page.wait(lambda: page.all("main img"))
        page.wait(lambda: page.driver.execute_script(
            "return [...document.querySelectorAll('main img:not([loading=lazy])')].every("
            "(one) => one.complete && one.naturalWidth > 0)"
        ))  # fmt: skip
    face = page.cells()[0].get_attribute("data-face")
    assert page.visitor.get(f"/face/{face}.webp", Cookie=page.cookie()).body.startswith(b"<svg")
