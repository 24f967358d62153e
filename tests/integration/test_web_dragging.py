"""People and faces are dragged in the browser, by real movements of its mouse."""

from __future__ import annotations

import pytest

from tests.albums import owner_of, people_of
from tests.browsed import browser, page_of, shot

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("selenium")

from selenium.webdriver.common.action_chains import ActionChains
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


def drag(page, source, target):
    """Press, move and release the mouse, as a hand does."""
    (
        ActionChains(page.driver, duration=50)
        .click_and_hold(source)
        .move_by_offset(8, 4)
        .move_to_element(target)
        .move_by_offset(2, 2)
        .release()
        .perform()
    )


def card(page, person):
    return page.one(f'#wall [data-person="{person}"]')


def other(page, person):
    return page.one(f'[data-other="{person}"]')


def select(page, *places):
    for place in places:
        page.cells()[place].click()
    page.wait(lambda: page.text("#selected") == f"{len(places)} selected")


def test_one_person_dragged_onto_another_is_merged_into_them(page, people):
    page.go("/people")
    shot(page.driver, "people")
    drag(page, card(page, people["anna"]), card(page, people["bert"]))
    page.says("merged")
    page.wait(lambda: len(page.all("#wall .card")) == 3)
    with page.album.open() as library:
        assert len(people_of(library)[people["bert"]].faces) == 10
    page.one("[data-step=undo]").click()
    page.says("taken back")
    assert len(page.names()) == 4
    page.wait(lambda: len(page.all("#wall .card")) == 4)


def test_a_person_dropped_where_they_were_stays(page, people):
    page.go("/people")
    drag(page, card(page, people["anna"]), card(page, people["anna"]))
    drag(page, card(page, people["anna"]), page.one("h1"))
    assert page.text("#said") == ""
    assert page.names() == ["", "", "", ""]


def test_a_face_dragged_onto_somebody_is_theirs(page, people):
    page.go(f"/person/{people['anna']}")
    face = page.cells()[2].get_attribute("data-face")
    drag(page, page.cells()[2], other(page, people["bert"]))
    page.says("1 face confirmed")
    assert len(page.cells()) == 4
    with page.album.open() as library:
        assert owner_of(library, face) == people["bert"]
    page.keys("u")
    page.says("taken back")
    assert len(page.cells()) == 5


def test_with_a_selected_face_all_selected_ones_are_dragged(page, people):
    page.go(f"/person/{people['anna']}")
    other(page, people["cleo"])
    select(page, 0, 2, 3)
    drag(page, page.cells()[2], other(page, people["cleo"]))
    page.says("3 faces confirmed")
    assert len(page.cells()) == 2
    with page.album.open() as library:
        assert len(people_of(library)[people["cleo"]].faces) == 8


def test_an_unselected_face_is_dragged_alone(page, people):
    page.go(f"/person/{people['anna']}")
    select(page, 0, 1)
    drag(page, page.cells()[4], page.one('[data-act="split"]'))
    page.says("1 face is")
    assert len(page.cells()) == 4
    assert len(page.names()) == 5


@pytest.mark.parametrize(
    ("act", "says", "left"),
    [
        ("split", "2 faces are", 3),
        ("reject", "2 faces taken out", 3),
        ("not-a-face", "2 are not faces", 3),
        ("confirm", "2 faces confirmed", 5),
    ],
)
def test_faces_are_dropped_on_what_is_to_be_done_with_them(page, people, act, says, left):
    page.go(f"/person/{people['anna']}")
    select(page, 1, 2)
    drag(page, page.cells()[1], page.one(f'[data-act="{act}"]'))
    page.says(says)
    assert len(page.cells()) == left


def test_a_dropped_face_becomes_the_cover(page, people):
    page.go(f"/person/{people['anna']}")
    face = page.cells()[4].get_attribute("data-face")
    drag(page, page.cells()[4], page.one('[data-act="cover"]'))
    page.says("cover chosen")
    assert face in page.one(".cover").get_attribute("src")


def test_what_was_kept_apart_is_merged_only_after_a_question(page, people):
    page.alter(lambda library: library.different([people["anna"], people["bert"]]))
    page.go("/people")
    drag(page, card(page, people["anna"]), card(page, people["bert"]))
    page.wait(lambda: "Let this count instead?" in page.text("#sure-said"))
    assert "--" not in page.text("#sure-said")
    page.keys(Keys.ESCAPE)
    page.wait(lambda: not page.all("#sure[open]"))
    assert len(page.names()) == 4
    drag(page, card(page, people["anna"]), card(page, people["bert"]))
    page.one("#sure[open]")
    page.keys(Keys.ENTER)
    page.says("merged")
    assert len(page.names()) == 3


@pytest.mark.parametrize(
    ("button", "left"), [("1", ["", "", "Bert"]), ("0", ["", "", "Bert", "Bert"])]
)
def test_a_name_that_is_taken_asks_on_the_page_of_a_person(page, people, button, left):
    page.alter(lambda library: library.name(people["bert"], "Bert"))
    page.go(f"/person/{people['anna']}")
    page.cells()
    page.keys("n", "Bert", Keys.ENTER)
    page.one(f"#choosing[open] button[value='{button}']").click()
    page.says("is Bert")
    assert page.names() == left
    if button == "0":
        page.go(f"/person/{people['cleo']}")
        page.cells()
        page.keys("n", "Bert", Keys.ENTER)
        page.one("#choosing[open]")
        assert not page.one("#choosing button[value='1']").is_displayed()  # which of the two?


def test_a_touch_screen_selects_and_taps_instead(page, people):
    page.go(f"/person/{people['anna']}")
    select(page, 0, 1)
    other(page, people["dora"]).click()
    page.says("2 faces confirmed")
    assert len(page.cells()) == 3


def test_whom_faces_can_be_given_to_is_searched(page, people):
    page.alter(lambda library: library.name(people["dora"], "Dora Maar"))
    page.go(f"/person/{people['anna']}")
    page.wait(lambda: len(page.all(".other")) == 3)
    page.one("#other-text").send_keys("maar")
    page.wait(lambda: [one.text for one in page.all(".other")] == ["Dora Maar"])
    page.one("#other-text").send_keys(Keys.BACKSPACE * 4, "xyz")
    page.wait(lambda: not page.all(".other"))


def test_many_faces_are_thrown_out_only_after_a_question(page, people):
    page.alter(lambda library: library.merge(list(people.values())))
    page.go(f"/person/{people['anna']}")
    page.cells()
    page.one("#grid").send_keys(" ", Keys.SHIFT + Keys.END + Keys.NULL)
    page.wait(lambda: page.text("#selected") == "20 selected")
    for key, what in [("d", "20 are not this person?"), ("x", "20 are no faces?")]:
        page.one("#grid").send_keys(key)
        page.wait(lambda what=what: page.text("#sure-said") == what)
        page.keys(Keys.ESCAPE)
        page.wait(lambda: not page.all("#sure[open]"))
    with page.album.open() as library:
        assert len(people_of(library)[people["anna"]].faces) == 20
    page.one("#grid").send_keys("x")
    page.one("#sure[open]")
    page.keys(Keys.ENTER)
    page.says("20 are not faces")
    assert page.names() == []
    page.wait(lambda: page.text("h1") == "People")
    page.keys("u")
    page.says("taken back")
    page.wait(lambda: len(page.all("#wall .card")) == 1)
