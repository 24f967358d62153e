"""The loop of a review: which key answers what, and which one does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.cli.asking import Asking
from facesort.cli.facing import View
from facesort.cli.keys import Keyboard, Pasted
from facesort.cli.phrases import called, headline, items_of, key_words, listed, side_line
from facesort.domain import Box, FaceId, FaceStatus, PersonId, PhotoId, comparable_name
from facesort.errors import DecisionConflict, NameTaken, StaleQuestion
from facesort.jobs.review.shown import (
    Answered,
    Asked,
    Entry,
    FaceShown,
    PersonShown,
    SideShown,
    Undone,
)
from facesort.review.progress import Progress
from facesort.review.questions import ALLOWED, Answer, Given, Guess, Kind, Question, check


def face(name: str) -> FaceShown:
    return FaceShown(
        FaceId(name), PhotoId(1), Path("a.jpg"), False, "2024-05-01T10:00:00",
        Box(0, 0, 10, 10), (100, 100), 0.5, FaceStatus.AUTOMATIC,
    )  # fmt: skip


def side(person: str | None, *faces: str, name: str | None = None) -> SideShown:
    whose = None if person is None else PersonId(person)
    return SideShown(whose, name, False, len(faces), len(faces), tuple(map(face, faces)))


def asked(kind: Kind, *sides: SideShown, faces: Sequence[str] = (), guesses: int = 0) -> Asked:
    people = tuple(dict.fromkeys(one.person for one in sides if one.person is not None))
    return Asked(
        Question(
            f"q{kind.value}",
            kind,
            people,
            tuple(map(FaceId, faces)),
            guesses=tuple(
                Guess(PersonId(f"g{number}"), f"Guess {number}", 0.5)
                for number in range(1, guesses + 1)
            ),
        ),
        sides,
    )


WHO = asked(Kind.WHO, side("p1", "f1", "f2", "f3"), side("p2", "f4"), guesses=2)
SAME = asked(Kind.SAME, side("p1", "f1", name="Anna"), side("p2", "f2"), side("p3", "f3", "f4"))
BELONGS = asked(
    Kind.BELONGS, side("p1", "f1", "f2", name="Anna"), side("p1", "f3"), faces=["f1", "f2"]
)
ALSO = asked(Kind.ALSO, side(None, "f1", "f2"), side("p1", "f3", name="Anna"), faces=["f1", "f2"])
TWO = asked(Kind.TWO, side("p1", "f1", "f2"), side("p1", "f3"), faces=["f1", "f2"])
MIRROR = asked(Kind.MIRROR, side("p1", "f1"), side(None, "f2"), faces=["f1", "f2"])
EVERY = (WHO, SAME, BELONGS, ALSO, TWO, MIRROR)


@dataclass
class Sitting:
    """A session that asks what it is told to, and remembers what it was told."""

    questions: list[Asked]
    known: tuple[str, ...] = ()
    given: list[Given] = field(default_factory=list)
    undone: list[Given] = field(default_factory=list)
    refuse: Exception | None = None
    before: list[Entry] = field(default_factory=list)  # that was said before this sitting
    versions: list[str | None] = field(default_factory=list)

    def question(self) -> Asked | None:
        return self.questions[len(self.given)] if len(self.given) < len(self.questions) else None

    def progress(self) -> Progress:
        return Progress(len(self.given), len(self.questions), 1)

    def answer(self, given: Given, version: str | None = None) -> Answered:
        self.versions.append(version)
        shown = self.question()
        assert shown is not None
        check(shown.question, given)
        if self.refuse is not None:
            raise self.refuse
        if given.name in self.known and not given.another:
            raise NameTaken(f"{given.name} is there already")
        self.given.append(given)
        self.undone.clear()
        return Answered(f"did {given.answer.value}", (1,), settled=2)

    def before_this_sitting(self) -> Entry | None:
        return self.before[-1] if self.before and not self.given else None

    def undo(self) -> Undone | None:
        if not self.given:
            return Undone(f"taken back: {self.before.pop().sentence}") if self.before else None
        self.undone.append(self.given.pop())
        return Undone("taken back: it")

    def redo(self) -> Undone | None:
        if not self.undone:
            return None
        self.given.append(self.undone.pop())
        return Undone("again: it")

    def names(self, prefix: str, count: int = 8) -> list[PersonShown]:
        wanted = comparable_name(prefix)
        return [
            PersonShown(PersonId(f"p-{name}"), name, 5, 4, 0, False, None)
            for name in self.known
            if comparable_name(name).startswith(wanted)
        ][:count]


@dataclass
class Table:
    """A desk that presses keys, and remembers what it showed."""

    keys: list[str]
    views: list[View] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def show(self, view: View) -> None:
        self.views.append(view)

    def hint(self, text: str) -> None:
        self.told.append(text)

    def typing(
        self, label: str, typed: str, offers: Sequence[str] = (), chosen: int | None = None
    ) -> None:
        self.told.append(f"{label} {typed} {list(offers)} {chosen}")

    def page(self, title: str, lines: Sequence[str]) -> None:
        self.told += [title, *lines]

    def look(self, shown: FaceShown) -> None:
        self.told.append(f"photo of {shown.id}")

    def key(self) -> str:
        return self.keys.pop(0) if self.keys else "ctrl-d"


def sit(*keys: str, on: Sequence[Asked] = EVERY, **how: Any) -> tuple[Sitting, Table, Asking]:
    """Press keys until they are used up; then the input ends."""
    session, table = Sitting(list(on), **how), Table(list(keys))
    asking = Asking(session, table)  # type: ignore[arg-type]  # it needs no more of a session
    asking.run()
    return session, table, asking


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "answer"),
    [("y", Answer.YES), ("n", Answer.NO), ("?", Answer.UNSURE), ("s", Answer.SKIP)],
)
def test_one_key_answers_a_question_of_yes_or_no(key, answer):
    for shown in (SAME, BELONGS, ALSO, TWO, MIRROR):
        session, _, asking = sit(key, on=[shown])
        assert [given.answer for given in session.given] == [answer]
        assert asking.answers == 1


def test_a_digit_is_a_person_of_the_list():
    session, _, _ = sit("2", on=[WHO])
    assert session.given == [Given("qwho", Answer.PERSON, person=PersonId("g2"))]
    assert listed(WHO)[1].startswith("[2] Guess 2")


def test_a_typed_name_is_kept_as_typed():
    session, _, _ = sit("n", "A", "n", "n", "x", "backspace", "a", "enter", on=[WHO])
    assert session.given == [Given("qwho", Answer.NAME, "Anna")]


def test_in_a_name_every_letter_is_a_letter():
    session, _, _ = sit("n", *"quit hyws 1", "enter", on=[WHO])
    assert session.given[0].name == "quit hyws 1"


def test_a_name_that_is_there_is_completed_to_that_person():
    session, table, _ = sit("n", "a", "tab", "tab", "enter", on=[WHO], known=("Anna", "Anton"))
    assert session.given == [
        Given("qwho", Answer.PERSON, person=PersonId("p-Anton"), known_as="Anton")
    ]
    assert any("['Anna', 'Anton'] 1" in line for line in table.told)


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("1", Given("qwho", Answer.PERSON, person=PersonId("p-Anna"), known_as="Anna")),
        ("a", Given("qwho", Answer.NAME, "Anna", another=True)),
        ("esc", None),
    ],
)
def test_a_second_anna_is_asked_about(key, given):
    session, table, _ = sit("n", *"Anna", "enter", "z", key, on=[WHO], known=("Anna",))
    assert session.given == ([] if given is None else [given])
    assert "Anna is there already" in table.told


def test_a_name_nobody_has_typed_is_no_answer():
    session, _, _ = sit("n", "enter", "n", " ", "enter", "n", *"Anna", "esc", on=[WHO])
    assert session.given == []


# -- keys that must not hurt -----------------------------------------------------------------------


@pytest.mark.parametrize("shown", EVERY, ids=lambda shown: shown.question.kind.value)
@given(key=st.characters(codec="utf-8"))
def test_a_key_that_means_nothing_here_does_nothing_but_say_so(shown, key):
    meant = {name.lower() for name, _ in _keys(shown)} | set("123456789" if shown is WHO else "")
    session, table, _ = sit(key, on=[shown])
    if key.lower() not in meant:
        assert session.given == []
        assert len(table.views) == 1
        assert len(table.told) == 1


def _keys(shown: Asked) -> list[tuple[str, str]]:
    from facesort.cli.phrases import keys_of

    return keys_of(shown)


KEYS = [*"ynsixutrwhq?123456789z ", "enter", "esc", "tab", "backspace", "up", "resize", "other"]


@given(st.lists(st.sampled_from(KEYS), max_size=40))
@settings(deadline=None)
def test_whatever_is_pressed_only_fitting_answers_are_given_and_it_ends(keys):
    session, table, _ = sit(*keys, on=EVERY * 8)
    for shown, given_answer in zip(EVERY * 8, session.given, strict=False):
        assert given_answer.answer in ALLOWED[shown.question.kind]
    assert table.views


def test_many_faces_are_none_only_if_that_is_said_twice():
    many = asked(Kind.WHO, side("p1", *(f"f{number}" for number in range(7))))
    assert sit("x", on=[many])[0].given == []
    assert sit("x", "z", "x", on=[many])[0].given == []
    session, table, _ = sit("x", "x", on=[many])
    assert [given.answer for given in session.given] == [Answer.NOT_A_FACE]
    assert "Really none of these 7 is a face?" in table.told[0]


@pytest.mark.parametrize("key", ["ctrl-c", "ctrl-d", "q", "Q"])
@pytest.mark.parametrize("before", [(), ("t",), ("w",), ("h",)])
def test_it_ends_everywhere_and_keeps_what_was_answered(key, before):
    if key.lower() == "q" and before:
        key = "ctrl-c"  # a letter is a letter there
    session, _, asking = sit("y", *before, key, "y", on=[SAME, SAME])
    assert len(session.given) == asking.answers == 1


def test_a_refused_answer_is_told_and_the_question_stays():
    for error in (StaleQuestion("people have changed", hint="Again."), DecisionConflict("no")):
        session, table, _ = sit("y", on=[SAME], refuse=error)
        assert session.given == []
        assert error.message in table.views[-1].note
        assert table.views[-1].asked == SAME


# -- undo ------------------------------------------------------------------------------------------


def test_every_answer_can_be_taken_back_and_brought_back():
    session, table, asking = sit("y", "n", "u", "u", "u", "r", on=[SAME, BELONGS])
    assert len(session.given) == asking.answers == 1
    assert [view.note for view in table.views] == [
        "", "did yes (+2 settled)", "did no (+2 settled)", "taken back: it", "taken back: it",
        "There is nothing to take back.", "again: it",
    ]  # fmt: skip


def test_after_the_last_answer_it_can_still_be_taken_back():
    session, table, _ = sit("y", "y", "u", on=[SAME])
    assert session.given == []
    assert table.views[1].asked is None
    assert "Nothing is left" in table.told[0]


def test_where_there_is_nothing_to_ask_nothing_is_shown():
    _, table, _ = sit("y", on=[])
    assert table.views == []


EARLIER = [
    Entry(f"2026-11-2{day}T10:00:00Z", f"named {name}: p{day}", day, None, stands=True)
    for day, name in enumerate(("Anna", "Bert"))
]


def test_what_was_said_before_this_sitting_is_named_and_taken_back_with_a_second_u():
    session, table, asking = sit("y", "u", "u", on=[SAME], before=list(EARLIER))
    assert session.before == EARLIER
    assert table.told == [
        "u again takes back, not of this sitting: named Bert: p1 (2026-11-21 10:00 UTC)"
    ]
    session, table, asking = sit("u", "u", "u", on=[SAME], before=list(EARLIER))
    assert session.before == EARLIER[:1]
    assert table.views[-1].note == "taken back: named Bert: p1"
    assert "named Anna: p0" in table.told[-1]
    assert asking.answers == 0


def test_between_two_u_no_other_key_is_pressed_and_nothing_else_was_said():
    assert sit("u", "z", "u", on=[SAME], before=list(EARLIER))[0].before == EARLIER
    session = Sitting([SAME], before=EARLIER[:1])
    table = Table(["u", "u", "u"])
    press = table.key

    def key() -> str:
        if len(table.keys) == 2:  # another window says something between the two
            session.before = list(EARLIER)
        return press()

    table.key = key  # type: ignore[method-assign]  # so that somebody else can come between
    Asking(session, table).run()  # type: ignore[arg-type]  # as above
    assert session.before == EARLIER[:1]
    assert ["Anna" in line for line in table.told] == [True, False]


# -- n means two things ----------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let a second pass before every key, and whatever is added to the list."""
    passed = [0.0]

    def now() -> float:
        passed[0] += 1
        return passed[0]

    monkeypatch.setattr("facesort.cli.asking.time.monotonic", now)
    return passed


NAMED = ("n", *"Anna", "enter")


@pytest.mark.parametrize("shown", [SAME, BELONGS, ALSO, TWO, MIRROR])
def test_after_a_typed_name_the_first_n_is_no_no(clock, shown):
    session, table, _ = sit(*NAMED, "n", on=[WHO, shown])
    assert len(session.given) == 1
    assert table.told[-1] == "n is no here, and answered nothing: look, and press it again."
    session, _, _ = sit(*NAMED, "n", "n", on=[WHO, shown])
    assert [one.answer for one in session.given] == [Answer.NAME, Answer.NO]
    assert sit(*NAMED, "s", "n", on=[WHO, WHO, shown])[0].given[2:] == []


def test_who_has_answered_yes_or_no_since_or_named_by_enter_knows_what_n_means(clock):
    session, _, _ = sit(*NAMED, "y", "n", on=[WHO, SAME, SAME])
    assert [one.answer for one in session.given[1:]] == [Answer.YES, Answer.NO]
    session, _, _ = sit("enter", *"Anna", "enter", "n", on=[WHO, SAME])
    assert [one.answer for one in session.given[1:]] == [Answer.NO]
    session, _, _ = sit(*NAMED, *NAMED, on=[WHO, WHO])
    assert [one.name for one in session.given] == ["Anna", "Anna"]


@pytest.mark.parametrize("name", ["Anna", "Susy", "Quix", "Nn1?yu"])
def test_a_name_typed_without_looking_answers_nothing(monkeypatch, name):
    passed = iter(range(10_000))
    monkeypatch.setattr("facesort.cli.asking.time.monotonic", lambda: 0.2 * next(passed))
    session, table, _ = sit(*NAMED, "n", *name, "resize", on=[WHO, SAME])
    assert len(session.given) == 1
    assert table.keys == []


# -- taking out ------------------------------------------------------------------------------------


def test_people_and_faces_are_taken_out_by_their_numbers():
    assert [(item.person, item.face) for item in items_of(SAME)] == [
        ("p2", None), ("p3", None), (None, "f1"), (None, "f2"), (None, "f3"), (None, "f4"),
    ]  # fmt: skip
    session, table, _ = sit(
        "t", *"2 6", "enter", "t", "1", "enter", "t", "1", "enter", "y", on=[SAME]
    )
    (answered,) = session.given
    assert answered.but_people == ("p3",)
    assert answered.but_faces == ()  # they go with their person
    assert table.views[1].out == {2, 6}


@pytest.mark.parametrize("shown", [BELONGS, ALSO], ids=["belongs", "also"])
def test_faces_that_are_asked_about_are_taken_out_of_a_yes(shown):
    session, _, _ = sit("t", "2", "enter", "y", on=[shown])
    assert session.given == [Given(shown.question.id, Answer.YES, but_faces=(FaceId("f2"),))]


def test_faces_with_nobody_are_asked_about_by_name_and_may_be_somebody_else():
    assert headline(ALSO) == "Are these also Anna?"
    one = replace(ALSO, question=replace(ALSO.question, faces=(FaceId("f1"),)))
    assert headline(one) == "Is this also Anna?"
    nameless = replace(ALSO, sides=(ALSO.sides[0], replace(ALSO.sides[1], name=None)))
    assert headline(nameless) == "Are these also this person?"
    assert side_line(ALSO, 0) == "with nobody so far"
    assert side_line(ALSO, 1).startswith("Anna: 1 face")
    session, _, _ = sit("enter", *"Bert", "enter", "x", on=[ALSO, ALSO])
    assert [given.answer for given in session.given] == [Answer.NAME, Answer.NOT_A_FACE]


def test_what_was_taken_out_is_forgotten_with_escape_and_at_the_next_question():
    session, _, _ = sit("t", "2", "enter", "esc", "y", on=[BELONGS])
    assert session.given[0].but_faces == ()
    session, _, _ = sit("t", "2", "enter", "s", "y", on=[BELONGS, SAME])
    assert session.given[1].but_people == ()


def test_a_no_takes_nothing_out_and_says_so():
    session, table, _ = sit("t", "2", "enter", "n", on=[BELONGS])
    assert session.given == []
    assert "nothing can be taken out" in table.views[-1].note


def test_where_nothing_can_be_taken_out_it_says_so_and_advises_no_answer():
    alone = asked(Kind.WHO, side("p1", "f1"))
    for shown, told in ((MIRROR, "both faces are asked about"), (alone, "Only one is shown")):
        session, table, _ = sit("t", on=[shown])
        assert told in table.told[0]
        assert session.given == []


def test_an_answer_says_which_version_of_the_question_it_is_about():
    session, _, _ = sit("y", on=[SAME])
    assert session.versions == [SAME.version]


@pytest.mark.parametrize("typed", ["9", "0", "99999999999999999999", ",", ""])
def test_numbers_that_are_not_there_take_nothing_out(typed):
    _, table, _ = sit("t", *typed, "enter", on=[BELONGS])
    assert table.views[-1].out == frozenset()


# -- pages and words -------------------------------------------------------------------------------


def test_whole_photos_are_leafed_through_and_left():
    _, table, _ = sit("w", "right", "resize", "left", "left", "esc", "y", on=[SAME])
    assert table.told == [f"photo of {name}" for name in ("f1", "f2", "f2", "f1", "f4")]
    assert table.views[-1].asked is None


def test_help_lists_every_key_that_answers():
    for shown in EVERY:
        _, table, _ = sit("h", "z", on=[shown])
        for name, _ in _keys(shown):
            assert any(line.startswith(name) for line in table.told)
        assert len(key_words(shown)) == len(_keys(shown))


def test_a_name_with_controls_or_turned_text_is_escaped():
    spoilt = replace(SAME.sides[0], name="An\x1b[2Jna \u202egnik")
    shown = replace(SAME, sides=(spoilt, *SAME.sides[1:]))
    for text in (headline(shown), called(spoilt)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\\x1b[2J" in text


# -- pasted, and another size ----------------------------------------------------------------------


def test_what_is_pasted_is_no_answer_anywhere():
    for shown in EVERY:
        for text in ("y", "n", "yyy\n", "q", "x"):
            session, table, _ = sit(Pasted(text), on=[shown])
            assert session.given == []
            assert "answers nothing" in table.told[0]


def test_pasted_text_becomes_part_of_a_name_and_ends_it_only_where_enter_came_with_it():
    session, _, _ = sit("n", Pasted("Anna Karenina"), "esc", on=[WHO])
    assert session.given == []
    session, _, _ = sit("n", "A", Pasted("nna\n"), on=[WHO])
    assert session.given[0].name == "Anna"
    session, _, _ = sit("n", Pasted("x" * 9999), "enter", on=[WHO])
    assert len(session.given[0].name or "") == 200


def test_another_size_draws_the_question_again_and_the_line_below_it():
    _, table, _ = sit("resize", "n", "A", "resize", "b", "esc", "t", "1", "resize", on=[WHO])
    assert table.views[0] is table.views[1]
    assert table.views[0] is table.views[2]
    lines = [line for line in table.told if line.startswith(("Name:", "Take out"))]
    assert lines[1] == lines[2]
    assert lines[1].startswith("Name: A ")
    assert lines[-1] == lines[-2]


# -- keys ------------------------------------------------------------------------------------------


def pressed(*chunks: bytes) -> list[str]:
    """Return the keys of bytes that arrive in pieces, with a pause between these; then the end."""
    left = list(chunks)
    pauses = [True]

    def wait(seconds: float) -> bool:
        pauses[0] = not pauses[0]
        return not pauses[0] or seconds > 0.1

    keyboard = Keyboard(wait, lambda: left.pop(0) if left else b"")
    keys: list[str] = []
    while (key := keyboard.key(lambda: False)) != "ctrl-d" or left:
        keys.append(key)
    return keys


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"y", ["y"]),
        (b"\r", ["enter"]),
        (b"\x7f\x08", ["backspace", "backspace"]),
        (b"\x1b[A\x1bOB\x1b[1;5C", ["up", "down", "right"]),
        (b"\x1b[?62;4cy", ["other", "y"]),
        (b"\x1b_Gi=1;OK\x1b\\y", ["other", "y"]),
        (b"\x1bPabc\x1b\\\x1b]0;title\ay", ["other", "other", "y"]),
        (b"\x03\x15\t\x00", ["ctrl-c", "ctrl-u", "tab", "other"]),
        ("ß\u0142".encode(), ["ß", "\u0142"]),
        (b"\xff", ["\ufffd"]),
    ],
)
def test_bytes_of_a_terminal_become_keys(data, keys):
    assert pressed(data) == keys


def test_a_letter_that_arrives_in_two_pieces_is_one_key():
    assert pressed("\u00e9".encode()[:1], "\u00e9".encode()[1:]) == ["\u00e9"]


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_any_bytes_are_keys_in_the_end(data):
    for key in pressed(data):
        assert key or isinstance(key, Pasted)
        assert isinstance(key, Pasted) or len(key) == 1 or key.replace("-", "").isalpha()


def test_a_marked_paste_is_one_key_with_spaces_for_line_ends():
    assert pressed(b"\x1b[200~Anna\r\nK.\x03\x1b[201~y") == ["Anna  K.", "y"]
    (key,) = pressed(b"\x1b[200~y\x1b[201~")
    assert isinstance(key, Pasted)


@pytest.mark.parametrize("data", [b"yyy", b"y\n", b"n\rn\r", b"iiiiiii\ni\n", b"y" * 3000])
def test_characters_that_come_at_once_are_pasted_even_where_nothing_marks_them(data):
    (key,) = pressed(data)
    assert isinstance(key, Pasted)
    assert key.endswith("\n") == data.endswith((b"\r", b"\n"))


def test_what_was_typed_while_nobody_listened_is_keys(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("facesort.cli.keys.time.monotonic", lambda: now[0])
    left = [b"nAnna"]
    keyboard = Keyboard(lambda _: bool(left), lambda: left.pop(0))
    now[0] += 0.5
    assert [keyboard.key(lambda: False) for _ in range(5)] == [*"nAnna"]
    left.append(b"nAnna")
    now[0] += 0.05
    keyboard.forget()
    left.append(b"nAnna")
    assert isinstance(keyboard.key(lambda: False), Pasted)


def test_a_paste_whose_beginning_was_forgotten_is_forgotten_to_its_end():
    left = [b"n\x1b[200~iii", b"iiiiii\r", b"i\x1b[201~y"]
    waiting = [True, False, True, True, True]
    keyboard = Keyboard(lambda _: waiting.pop(0) if waiting else bool(left), lambda: left.pop(0))
    keyboard.forget()
    assert left
    assert keyboard.key(lambda: False) == "y"


def test_keys_pressed_too_early_are_forgotten_but_ctrl_c_is_heard():
    left = [b"yyy", b"n\x03n"]
    keyboard = Keyboard(lambda _: bool(left), lambda: left.pop(0))
    keyboard.forget()
    assert keyboard.key(lambda: False) == "ctrl-c"
    assert keyboard.key(lambda: True) == "resize"
