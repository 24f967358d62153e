"""The page that goes out to whoever answers, in a real browser, from a file."""

from __future__ import annotations

import pytest

from tests.albums import people_of
from tests.browsed import axe, browser, in_scheme, shot
from tests.terminal import facesort

pytest.importorskip("selenium")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.slow

EVIL = '<img src=x onerror=alert(1)> & "Co"'


class Page:
    """A browser at an exported folder."""

    def __init__(self, driver, folder):
        self.driver, self.folder = driver, folder
        driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior",
            {"behavior": "allow", "downloadPath": str(folder / "downloads")},
        )
        self.open()

    def open(self):
        self.driver.get((self.folder / "index.html").as_uri())

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def press(self, number, selector):
        self.all(f"#question-{number} {selector}")[0].click()

    def said(self, number):
        return self.all(f"#question-{number} .said")[0].text

    def keys(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def progress(self):
        return self.all("#progress")[0].text

    def save(self):
        """Press the button and return the file that it saves."""
        self.all("#save")[0].click()
        file = self.folder / "downloads" / "answers.csv"
        WebDriverWait(self.driver, 10, 0.03).until(lambda _: file.exists() and file.stat().st_size)
        return file

    def errors(self):
        return [
            line["message"] for line in self.driver.get_log("browser") if line["level"] == "SEVERE"
        ]


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def page(driver, album, tmp_path):
    with album.open() as library:
        ids = album.ids(library)
        library.name(ids["anna"], EVIL)
    (tmp_path / "out").mkdir()
    assert facesort("review", "--export-questions", tmp_path / "out", "--min-photos", "1").code == 0
    opened = Page(driver, tmp_path / "out")
    yield opened
    driver.execute_script("localStorage.clear(); window.onbeforeunload = null;")
    found = opened.errors()
    driver.get("about:blank")
    assert found == []


def test_clicked_answers_are_saved_and_read(page, album):
    shot(page.driver, "answer-page")
    pictures = page.all(".faces img")
    assert len(pictures) == 15
    page.driver.execute_script("for (const one of document.images) one.loading = 'eager'")
    WebDriverWait(page.driver, 10).until(
        lambda driver: driver.execute_script(
            "return [...document.images].every((one) => one.naturalWidth === 160)"
        )
    )
    page.all("#question-1 [data-name]")[0].send_keys('=Zoë, "Z"')
    page.press(1, "[data-out=b]")
    page.press(2, "[data-answer=ignore]")
    page.press(3, "[data-answer=unsure]")
    assert page.said(1) == 'Your answer: =Zoë, "Z", but not b'
    assert page.said(2) == "Your answer: nobody of interest"
    assert page.progress() == "3 of 3 answered"
    shot(page.driver, "answer-page-answered")
    done = facesort("review", "--answers", page.save(), "--json")
    assert page.progress() == "3 of 3 answered, saved"
    assert done.code == 0
    assert len(done.json()["applied"]) == 3
    with album.open() as library:
        everybody = people_of(library).values()
        (zoe,) = (person for person in everybody if person.name == '=Zoë, "Z"')
        assert len(zoe.faces) == 4
        assert sum(person.ignored for person in everybody) == 1


def test_keys_alone_are_enough(page):
    page.all("#questions-here")[0].send_keys("n")
    page.keys("Bert", Keys.ENTER)
    page.keys("?")
    page.keys("x", "x")
    page.keys("u", "u")  # the last change first, wherever it was
    page.keys("j", "x", "x")
    rows = page.save().read_text(encoding="utf-8-sig").splitlines()
    said = [[cell.strip('"') for cell in row.split('","')][4:6] for row in rows[1:]]
    assert said == [["", "Bert"], ["", ""], ["not a face", ""]]


def test_a_page_that_was_closed_keeps_the_answers(page):
    page.press(2, "[data-answer=ignore]")
    page.driver.execute_script("saved = true")  # nothing asks before it closes
    page.open()
    assert page.progress() == "1 of 3 answered"  # and no file holds it
    assert page.said(2) == "Your answer: nobody of interest"
    page.press(2, "[data-answer=ignore]")
    assert page.said(2) == ""


def test_answers_that_were_saved_before_the_page_was_closed_are_said_to_be(page):
    page.press(2, "[data-answer=ignore]")
    page.save()
    page.open()
    assert page.progress() == "1 of 3 answered, saved"
    page.press(3, "[data-answer=unsure]")
    assert page.progress() == "2 of 3 answered"


def test_that_many_faces_are_none_has_to_be_said_twice(page):
    shown = page.driver.execute_script("return data.questions[0].sides[0].faces")
    assert shown > 3
    page.press(1, "[data-answer=not-a-face]")
    assert page.said(1) == f"Really none of these {shown} faces is a face? Press it again."
    assert page.progress() == "0 of 3 answered"
    page.press(2, "[data-answer=ignore]")
    page.press(1, "[data-answer=not-a-face]")
    assert page.said(1).startswith("Really")
    page.keys("x")
    assert page.said(1) == "Your answer: not a face"
    page.driver.execute_script("saved = true")


def test_the_last_change_is_taken_back_and_a_name_is_one(page):
    page.all("#question-1 [data-name]")[0].send_keys("Bert")
    page.press(1, "[data-out=b]")
    page.press(2, "[data-answer=ignore]")
    page.keys("u")
    assert page.said(2) == ""
    page.keys("u")
    assert page.said(1) == "Your answer: Bert"
    page.keys("u", "u")
    assert page.said(1) == ""
    page.driver.execute_script("saved = true")


def test_names_are_text_and_nothing_else_can_run(page):
    page.driver.execute_script(
        "data.questions[0].listed = [{digit: 1, name: arguments[0], shown: []}];"
        "data.questions[0].answers.push('person');"
        "document.getElementById('list').append(cardOf(data.questions[0], 0));",
        EVIL,
    )
    assert page.all(".question:last-child .listed button")[0].text.startswith(EVIL)
    assert page.all("img[src=x]") == []
    page.driver.execute_script(
        "const added = document.createElement('script'); added.textContent = 'window.ran = 1';"
        "document.body.append(added);"
    )
    assert page.driver.execute_script("return window.ran") is None
    assert any("Content Security Policy" in line for line in page.errors())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_serious_flaw_for_people_with_disabilities(page, scheme):
    checker = axe()
    in_scheme(page.driver, scheme)
    page.press(1, "[data-out=a]")
    page.press(2, "[data-answer=unsure]")
    page.driver.execute_script(checker)
    found = page.driver.execute_async_script(
        "const done = arguments[0]; axe.run(document).then((r) => done(r.violations))"
    )
    serious = [one["id"] for one in found if one["impact"] in {"serious", "critical"}]
    assert serious == []


def test_a_phone_needs_no_scrolling_sideways(page):
    page.driver.set_window_size(500, 800)
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True},
    )
    wide = page.driver.execute_script("return document.documentElement.scrollWidth")
    shot(page.driver, "answer-page-phone")
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    page.driver.set_window_size(1200, 900)
    assert wide <= 360
