"""The wall of people and the choice of somebody by face, in the browser, by keyboard alone."""

from __future__ import annotations

import pytest

from tests.albums import people_of
from tests.browsed import axe, browser, page_of, shot

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


def in_order(page):
    return [one.get_attribute("data-person") for one in page.all("#wall .card")]


def focused(page):
    return page.driver.execute_script("return document.activeElement.dataset.person")


def on_wall(page):
    page.go("/people")
    page.wait(lambda: len(in_order(page)) == 4)
    return in_order(page)


def test_arrows_move_and_after_an_act_the_neighbour_is_focused(page):
    first, second, third, fourth = on_wall(page)
    page.one("#wall .card").send_keys(Keys.ARROW_RIGHT)
    assert focused(page) == second
    page.keys(Keys.END)
    assert focused(page) == fourth
    page.keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert focused(page) == second
    page.keys("i")
    page.says("ignored")
    assert in_order(page) == [first, third, fourth]
    assert focused(page) == third
    page.keys("u")
    page.says("taken back")
    page.wait(lambda: len(in_order(page)) == 4)


def test_somebody_unnamed_is_merged_into_a_face_chosen_by_the_keyboard(page):
    first, second, *_ = on_wall(page)
    page.one("#wall .card").send_keys("m")
    page.wait(lambda: len(page.all("#pick-list .other img")) == 3)
    assert f"unnamed {first}" in page.text("#merging-title")
    assert page.one("#merging-whom").is_displayed()
    shot(page.driver, "merging")
    page.one(f'#pick-list [data-other="{second}"]').send_keys(Keys.ENTER)
    page.says("merged 2 people")
    page.wait(lambda: not page.all("#merging[open]"))
    assert len(page.names()) == 3
    assert focused(page) in in_order(page)


def test_a_name_that_nobody_has_leaves_the_dialog_open_with_what_was_typed(page):
    on_wall(page)
    page.one("#wall .card").send_keys("m")
    page.one("#merging[open]")
    page.keys("Nobody at all", Keys.ENTER)
    page.wait(lambda: "there is no person" in page.text("#merging-said"))
    assert page.one("#merge-with").get_attribute("value") == "Nobody at all"
    assert len(page.names()) == 4
    assert page.serious(axe()) == []
    page.keys(Keys.ESCAPE)
    page.wait(lambda: not page.all("#merging[open]"))


def test_somebody_ignored_is_shown_again_from_their_page_and_from_the_wall(page, people):
    page.alter(lambda library: library.ignore([people["anna"], people["bert"]]))
    page.go(f"/person/{people['anna']}")
    page.cells()
    assert "Show again" in page.text("#tools")
    shot(page.driver, "ignored")
    page.keys("i")
    page.says("is shown again")
    page.wait(lambda: "Show again" not in page.text("#tools"))
    page.go("/people?ignored=1")
    page.one("#wall .card").send_keys("i")
    page.says("is shown again")
    assert not any(one.ignored for one in page.alter(people_of).values())


def test_two_people_are_said_to_be_different_from_the_page_of_one(page, people):
    page.go(f"/person/{people['anna']}")
    page.cells()
    page.keys("k")
    page.wait(lambda: len(page.all("#pick-list .other")) == 3)
    page.one(f'#pick-list [data-other="{people["bert"]}"]').click()
    page.says("kept 2 people apart")
    assert page.alter(lambda library: len(library.situation().standing.different)) == 1


def test_a_new_person_can_be_opened_at_once(page, people):
    page.go(f"/person/{people['anna']}")
    page.cells()[0].click()
    page.keys("p")
    page.says("1 face is")
    page.one("#said a").click()
    page.wait(lambda: page.one("#tools").get_attribute("data-person") not in people.values())
    assert "1 face on 1 photo" in page.text(".facts")


def test_many_faces_are_given_away_only_after_a_question(page, people):
    page.alter(lambda library: library.merge([people[one] for one in ("anna", "bert", "cleo")]))
    page.alter(lambda library: library.merge([people["anna"], people["dora"]]))
    new = page.alter(lambda library: library.split(people["anna"],
        [sorted(library.situation().person(people["anna"]).faces)[0]]))  # fmt: skip
    other = str(next(iter(new.owners.values())))
    page.go(f"/person/{people['anna']}")
    page.cells()
    all_and_one_more = "for (const one of [...grid.faces, {id: 'f1'}]) grid.picked.add(one.id)"
    page.driver.execute_script(all_and_one_more)
    page.one(f'.other[data-other="{other}"]').click()
    page.wait(lambda: page.text("#sure-said").startswith("20 faces are unnamed"))
    page.keys(Keys.ESCAPE)
    page.wait(lambda: not page.all("#sure[open]"))
    assert len(page.alter(people_of)[other].faces) == 1


def test_the_history_stays_open_over_answers(page):
    page.question()
    page.one("#history summary").click()
    page.wait(lambda: page.all("#history[open]"))
    before = page.question()
    page.one("#main").send_keys("s")
    page.goes_on(before)
    assert page.all("#history[open]")
    page.one("#history summary").click()
    page.wait(lambda: not page.all("#history[open]"))
    before = page.question()
    page.one("#main").send_keys("s")
    page.goes_on(before)
    assert not page.all("#history[open]")


def test_numbers_are_on_the_boxes_only_while_some_are_taken_out(page):
    page.question()
    number = page.one(".out kbd")
    assert not number.is_displayed()
    page.keys("t")
    assert number.is_displayed()
    shot(page.driver, "taking")
    page.keys("1", Keys.ENTER)
    assert not number.is_displayed()
    assert len([box for box in page.all("[data-number]") if box.is_selected()]) == 1


def test_what_was_taken_out_still_is_after_a_name_was_refused(page, people):
    page.alter(lambda library: library.name(people["dora"], "Dora"))
    page.question()
    page.one("[data-number]").click()
    page.keys("n", "Dora", Keys.ENTER)
    page.one("#question [role=alert]")
    shot(page.driver, "refused")
    assert page.one("[data-number]").is_selected()
    assert page.one("#name").get_attribute("value") == "Dora"
    before = page.question()
    page.one("#main").send_keys("n")
    page.keys("Dora B.", Keys.ENTER)
    page.goes_on(before)
    with page.album.open() as library:
        named = [one for one in people_of(library).values() if one.name == "Dora B."]
        assert [len(one.faces) for one in named] == [4]


@pytest.mark.parametrize("width", [1200, 390])
def test_a_long_name_without_a_space_widens_no_page(page, people, width):
    long = "A" * 175
    page.alter(lambda library: library.name(people["anna"], long))
    face = page.alter(lambda library: sorted(library.situation().person(people["anna"]).faces)[0])
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    wide = "return [document.documentElement.scrollWidth, innerWidth]"
    try:
        for path in ["/", "/people", f"/person/{people['anna']}", f"/person/{people['bert']}",
                     f"/photo/{face}"]:  # fmt: skip
            page.go(path)
            page.one("h1")
            if "person" in path:
                page.wait(lambda: page.all("#other-list button"))
            shot(page.driver, f"long{width}{path.replace('/', '_')[:10]}")
            needs, has = page.driver.execute_script(wide)
            assert needs <= has == width, path
        page.go("/people")
        page.one("#wall .card").send_keys("m")
        page.wait(lambda: page.all("#pick-list .other"))
        shot(page.driver, f"long{width}_merging")
        needs, has = page.driver.execute_script(wide)
        assert needs <= has == width
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
