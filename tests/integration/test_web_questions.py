"""Every kind of question in the browser, and what its answers do, by the terminal's keys."""

from __future__ import annotations

import pytest

from tests.albums import faces_of, owner_of, people_of
from tests.browsed import axe, browser, in_scheme, page_of, shot

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("selenium")

from selenium.webdriver.common.keys import Keys

from facesort.jobs.review.session import ReviewSession
from facesort.review.questions import Kind

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


class Asking:
    """An album whose review begins with a question of the test's choice."""

    def __init__(self, monkeypatch, page, ids, faces):
        self.monkeypatch, self.page, self.ids, self.faces = monkeypatch, page, ids, faces

    def about(self, kind, people, faces=()):
        """Ask this until it is answered."""
        usual, answer = ReviewSession.question, ReviewSession.answer
        wanted = [(kind, tuple(self.ids[one] for one in people), tuple(faces))]

        def question(session):
            return session.ask(*wanted[0]) if wanted else usual(session)

        def answered(session, given, version=None):
            done = answer(session, given, version)
            wanted.clear()
            return done

        self.monkeypatch.setattr(ReviewSession, "question", question)
        self.monkeypatch.setattr(ReviewSession, "answer", answered)
        self.page.go()
        assert self.page.one("#answering").get_attribute("data-kind") == kind.value
        return self.page.question()

    def press(self, *keys):
        """Press keys, the last of which answers."""
        before = self.page.question()
        self.page.keys(*keys)
        self.page.goes_on(before)

    def take_out(self, numbers):
        self.page.keys("t")
        self.page.keys(numbers, Keys.ENTER)

    def is_out(self):
        boxes = self.page.all("[data-number]")
        return [box.get_attribute("data-number") for box in boxes if box.is_selected()]

    def let_go(self, faces):
        """Let the last grouping have left faces with nobody."""
        with self.page.album.open() as library, library._db.transaction():
            for face in faces:
                library._db.execute("DELETE FROM assignments WHERE face_id = ?", (face,))
            library._db.execute("UPDATE people SET founded_at = founded_at")
        assert self.owners(faces) == [None] * len(faces)

    def owners(self, faces):
        with self.page.album.open() as library:
            return [owner_of(library, face) for face in faces]

    def different(self):
        with self.page.album.open() as library:
            return len(library.situation().standing.different)


@pytest.fixture
def asking(monkeypatch, driver, album):
    with album.open() as library:
        ids = album.ids(library)
        faces = {colour: faces_of(library, one) for colour, one in ids.items()}
    with page_of(driver, album) as page:
        yield Asking(monkeypatch, page, ids, faces)


def test_yes_to_the_same_person_merges(asking):
    asking.about(Kind.SAME, ["anna", "bert"])
    shot(asking.page.driver, "same")
    asking.press("y")
    assert len(asking.page.names()) == 3
    assert asking.owners(asking.faces["bert"]) == [asking.ids["anna"]] * 5


def test_no_to_the_same_person_is_remembered(asking):
    asking.about(Kind.SAME, ["anna", "bert"])
    asking.press("n")
    assert len(asking.page.names()) == 4
    assert asking.different() == 1


def test_yes_with_one_taken_out_merges_the_others_only(asking):
    asking.about(Kind.SAME, ["anna", "bert", "cleo"])
    asking.take_out("2")
    assert asking.is_out() == ["2"]
    asking.press("y")
    assert asking.owners(asking.faces["bert"]) == [asking.ids["anna"]] * 5
    assert asking.owners(asking.faces["cleo"]) == [asking.ids["cleo"]] * 5


def test_what_was_taken_out_comes_back_by_its_number_or_escape(asking):
    asking.about(Kind.SAME, ["anna", "bert", "cleo"])
    asking.take_out("1 2, 4")
    assert asking.is_out() == ["4", "1", "2"]  # as they stand on the page
    asking.take_out("4")
    assert asking.is_out() == ["1", "2"]
    asking.page.keys(Keys.ESCAPE)
    assert asking.is_out() == []
    asking.take_out("99")
    asking.page.says("There is no number 99 here.")


def test_nothing_is_taken_out_of_unsure_or_skip(asking):
    asking.about(Kind.SAME, ["anna", "bert", "cleo"])
    asking.take_out("2")
    asking.press("s")
    asking.page.says("skipped")
    assert len(asking.page.names()) == 4


def test_faces_belong_or_do_not(asking):
    faces = asking.faces["anna"][:3]
    asking.about(Kind.BELONGS, ["anna"], faces)
    asking.take_out("2")
    asking.press("y")
    assert asking.owners(faces).count(asking.ids["anna"]) == 2
    asking.page.keys("u")
    asking.page.says("taken back")
    asking.about(Kind.BELONGS, ["anna"], faces)
    asking.press("n")
    assert asking.ids["anna"] not in asking.owners(faces)


def test_faces_that_do_not_belong_get_a_name(asking):
    faces = asking.faces["anna"][:2]
    asking.about(Kind.BELONGS, ["anna"], faces)
    asking.page.keys(Keys.ENTER)
    asking.press("Berta", Keys.ENTER)
    assert "Berta" in asking.page.names()
    assert len(set(asking.owners(faces))) == 1
    assert asking.ids["anna"] not in asking.owners(faces)


def test_two_people_are_parted_or_left_together(asking):
    faces = asking.faces["anna"][:2]
    asking.about(Kind.TWO, ["anna"], faces)
    shot(asking.page.driver, "two")
    asking.press("n")
    assert len(asking.page.names()) == 4
    asking.page.keys("u")
    asking.page.says("taken back")
    asking.about(Kind.TWO, ["anna"], faces)
    asking.press("y")
    assert len(asking.page.names()) == 5
    assert asking.ids["anna"] not in asking.owners(faces)


@pytest.mark.parametrize("key", ["y", "n"])
def test_a_mirror_is_answered(asking, key):
    faces = [asking.faces["anna"][0], asking.faces["bert"][0]]
    before = asking.about(Kind.MIRROR, ["anna", "bert"], faces)
    assert len(asking.page.all("#question svg .box")) == 2
    asking.press(key)
    asking.page.go()
    assert asking.page.question() != before


def test_faces_of_nobody_are_also_this_person_or_not(asking):
    faces = asking.faces["bert"][:3]
    asking.let_go(faces)
    asking.about(Kind.ALSO, ["anna"], faces)
    shot(asking.page.driver, "also")
    assert "Are these also this person?" in asking.page.text("h1")
    asking.take_out("3")
    asking.press("y")
    assert asking.owners(faces).count(asking.ids["anna"]) == 2
    assert asking.owners(faces).count(None) == 1
    asking.page.keys("u")
    asking.page.says("taken back")
    assert asking.owners(faces) == [None] * 3
    asking.about(Kind.ALSO, ["anna"], faces)
    asking.press("n")
    assert asking.owners(faces) == [None] * 3


def test_not_a_face_is_asked_twice_where_it_is_many(asking):
    before = asking.about(Kind.WHO, ["anna"])
    asking.page.keys("x")
    asking.page.says("Really none of these 5 is a face?")
    assert asking.page.question() == before
    asking.press("x")
    assert len(asking.page.names()) == 3


def test_a_key_that_means_nothing_says_so_and_answers_nothing(asking):
    before = asking.about(Kind.WHO, ["anna"])
    for key in "yz9":
        asking.page.clear_said()
        asking.page.keys(key)
        asking.page.says("means nothing here")
    assert asking.page.question() == before


def test_a_name_that_is_taken_keeps_what_was_taken_out(asking):
    asking.page.alter(lambda library: library.name(asking.ids["bert"], "Bert"))
    asking.about(Kind.WHO, ["anna"])
    asking.take_out("1")
    out = asking.page.one("[data-number]").get_attribute("value")
    asking.page.keys("n")
    asking.page.keys("Bert", Keys.ENTER)
    assert "--" not in asking.page.text("[role=alert]")  # no options of a command
    asking.page.one("[role=alert] button[value=person]").click()
    asking.page.wait(lambda: not asking.page.all("[role=alert]"))
    assert asking.owners(asking.faces["anna"]).count(asking.ids["bert"]) == 4
    assert asking.owners([out]) != [asking.ids["bert"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_question_of_any_kind(asking, scheme):
    checker = axe()
    in_scheme(asking.page.driver, scheme)
    loose = asking.faces["dora"][:2]
    asking.let_go(loose)
    asking.page.alter(lambda library: library.name(asking.ids["anna"], "Anna"))
    two = [asking.faces["anna"][0], asking.faces["bert"][0]]
    questions = {
        Kind.SAME: (["anna", "bert", "cleo"], ()),
        Kind.WHO: (["bert", "cleo"], ()),
        Kind.BELONGS: (["anna"], asking.faces["anna"][:2]),
        Kind.ALSO: (["anna"], loose),
        Kind.TWO: (["anna"], asking.faces["anna"][:2]),
        Kind.MIRROR: (["anna", "bert"], two),
    }
    assert set(questions) == set(Kind)
    found = []
    for kind, (people, faces) in questions.items():
        asking.about(kind, people, faces)
        shot(asking.page.driver, f"{kind.value}_{scheme}")
        found += [(kind, *one) for one in asking.page.serious(checker)]
    assert found == []


def test_a_whole_review_needs_no_mouse(asking):
    page = asking.page
    for name in ["Anna", "Bert"]:
        asking.press("n", name, Keys.ENTER)
    page.keys("h")
    page.one("#help[open]")
    page.keys(Keys.ESCAPE)
    page.wait(lambda: not page.all("#help[open]"))
    left = 2
    while left:
        asking.press("i")
        left -= 1
    page.wait(lambda: "No more questions" in page.text("h1"))
    page.driver.refresh()
    assert "No more questions" in page.text("h1")
    page.keys("u")
    page.says("taken back")
    assert page.question()
    with page.album.open() as library:
        people = people_of(library).values()
        assert sorted(one.name or "" for one in people) == ["", "", "Anna", "Bert"]
        assert sum(one.ignored for one in people) == 1
