"""The review in a terminal: a question, a key, the next question.

Keys are chosen so that a wrong one never hurts: one that means nothing here only says so, every
answer can be taken back, and what would throw away many faces at once is asked for twice. How
things are drawn and where keys come from is the desk's business (`desk`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from facesort.cli.phrases import Item, called, items_of, keys_of
from facesort.cli.printable import visible
from facesort.domain import comparable_name
from facesort.errors import FacesortError, NameTaken
from facesort.review.questions import ALLOWED, Answer, Given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.domain import PersonId
    from facesort.jobs.review.session import ReviewSession
    from facesort.jobs.review.shown import Asked, FaceShown
    from facesort.review.progress import Progress
    from facesort.review.questions import Kind

__all__ = ["Asking", "Desk", "View"]

QUIT = frozenset(["ctrl-c", "ctrl-d"])
_LONGEST_NAME = 200
_OFFERS = 5

# So many faces are none only if that is said twice.
_MANY_FACES = 3

_PLAIN_ANSWERS = {
    "y": Answer.YES,
    "n": Answer.NO,
    "?": Answer.UNSURE,
    "s": Answer.SKIP,
    "i": Answer.IGNORE,
    "x": Answer.NOT_A_FACE,
}


@dataclass(frozen=True, slots=True)
class View:
    """What is on the screen.

    Args:
        asked: the question, None when nothing is left.
        progress: how far it has come.
        note: what came of the last key.
        items: what can be taken out.
        out: numbers of those that are taken out.
    """

    asked: Asked | None
    progress: Progress
    note: str = ""
    items: tuple[Item, ...] = ()
    out: frozenset[int] = frozenset()


class Desk(Protocol):
    """Where questions are put and keys come from.

    A key is one character, or: enter, esc, tab, backspace, up, down, left, right, ctrl-c, ctrl-d,
    ctrl-u, resize (draw again), other.
    """

    def show(self, view: View) -> None:
        """Draw a question. Keys pressed before it could be seen are forgotten."""

    def hint(self, text: str) -> None:
        """Say something below what is drawn."""

    def typing(
        self, label: str, typed: str, offers: Sequence[str] = (), chosen: int | None = None
    ) -> None:
        """Draw the line that is being typed, and what it may become."""

    def page(self, title: str, lines: Sequence[str]) -> None:
        """Draw lines instead of the question."""

    def look(self, face: FaceShown) -> None:
        """Draw the whole photo of a face."""

    def key(self) -> str:
        """Wait for a key."""


class _Quit(Exception):
    """The user has had enough."""


@dataclass(slots=True)
class Asking:
    """One sitting in front of a desk.

    Args:
        session: where questions come from and answers go to.
        desk: where they are shown.
        answers: given in this sitting and not taken back.
    """

    session: ReviewSession
    desk: Desk
    answers: int = 0
    _note: str = ""
    _id: str = ""
    _out: set[int] = field(default_factory=set)
    _sure: bool = False
    _has_acted: bool = False

    def run(self) -> None:
        """Ask until nothing is left or the user quits; every answer is kept when it is given."""
        try:
            while True:
                self._turn()
        except (_Quit, KeyboardInterrupt):
            return

    def _turn(self) -> None:
        asked = self.session.question()
        if asked is None and not self._has_acted:
            raise _Quit
        now = "" if asked is None else asked.question.id
        if now != self._id:
            self._id, self._out = now, set()
        items = () if asked is None else items_of(asked)
        view = View(asked, self.session.progress(), self._note, items, frozenset(self._out))
        self.desk.show(view)
        self._note = ""
        while not self._pressed(asked, self._key()):
            pass

    def _key(self) -> str:
        key = self.desk.key()
        if key in QUIT:
            raise _Quit
        return key

    def _pressed(self, asked: Asked | None, key: str) -> bool:
        """Do what a key means; returns whether to draw again."""
        key = key.lower() if len(key) == 1 else key
        sure, self._sure = self._sure, False
        if key == "q":
            raise _Quit
        if key == "resize":
            return True
        if key in {"u", "r"}:
            self._take_back(again=key == "r")
            return True
        if asked is None:
            self.desk.hint("Nothing is left to ask: u takes the last answer back, q ends.")
            return False
        if key in {"h", "w", "t", "esc"}:
            return self._aside(asked, key)
        return self._answered(asked, key, sure=sure)

    def _take_back(self, *, again: bool) -> None:
        self._has_acted = True
        try:
            done = self.session.redo() if again else self.session.undo()
        except FacesortError as error:
            self._note = _told(error)
            return
        if done is None:
            self._note = f"There is nothing to {'bring back' if again else 'take back'}."
            return
        self.answers = max(0, self.answers + (1 if again else -1))
        self._note = done.sentence

    # -- what is no answer -------------------------------------------------------------------------

    def _aside(self, asked: Asked, key: str) -> bool:
        if key == "h":
            lines = [f"{name:<6} {what}" for name, what in keys_of(asked)]
            self._page("Keys", [*lines, "", "Every answer is kept at once. Any key: back."])
        elif key == "w":
            self._look(asked)
        elif key == "t":
            return self._take_out(asked)
        else:
            had, self._out = bool(self._out), set()
            return had
        return True

    def _page(self, title: str, lines: Sequence[str]) -> str:
        self.desk.page(title, lines)
        while (key := self._key()) == "resize":
            self.desk.page(title, lines)
        return key

    def _look(self, asked: Asked) -> None:
        faces = [face for side in asked.sides for face in side.shown]
        place = 0
        while faces:
            self.desk.look(faces[place])
            key = self._key()
            if key in {"right", "down", " ", "w"}:
                place = (place + 1) % len(faces)
            elif key in {"left", "up"}:
                place = (place - 1) % len(faces)
            elif key != "resize":
                return

    def _take_out(self, asked: Asked) -> bool:
        known = {item.number for item in items_of(asked)}
        if not known:
            self.desk.hint("There is only one here: answer no, or x.")
            return False
        typed = ""
        while True:
            self.desk.typing("Take out, or back in (like 3 5):", typed)
            key = self._key()
            if key == "enter":
                break
            if key == "esc":
                return True
            if key == "backspace":
                typed = typed[:-1]
            elif key in set("0123456789 ,"):
                typed += key
        numbers = {int(number) for number in typed.replace(",", " ").split() if len(number) < 6}
        if unknown := sorted(numbers - known):
            self._note = f"There is no number {', '.join(map(str, unknown))} here."
        else:
            self._out ^= numbers
        return True

    # -- answers -----------------------------------------------------------------------------------

    def _answered(self, asked: Asked, key: str, *, sure: bool) -> bool:
        question = asked.question
        allowed = ALLOWED[question.kind]
        if key == "enter" or (key == "n" and Answer.NO not in allowed):
            if Answer.NAME in allowed:
                self._name(asked)
                return True
        elif len(key) == 1 and key in "123456789":
            place = int(key) - 1
            if Answer.PERSON in allowed and place < len(question.guesses):
                self._give(asked, Answer.PERSON, person=question.guesses[place].person)
                return True
        elif (answer := _PLAIN_ANSWERS.get(key)) in allowed and answer is not None:
            return self._plain(asked, answer, sure=sure)
        self.desk.hint(_means_nothing(key, question.kind))
        return False

    def _plain(self, asked: Asked, answer: Answer, *, sure: bool) -> bool:
        faces = len(asked.question.faces) or asked.sides[0].faces
        if answer is Answer.NOT_A_FACE and faces > _MANY_FACES and not sure:
            self._sure = True
            self.desk.hint(f"Really none of these {faces} is a face? Press x again.")
            return False
        self._give(asked, answer)
        return True

    def _give(
        self,
        asked: Asked,
        answer: Answer,
        *,
        name: str | None = None,
        person: PersonId | None = None,
        another: bool = False,
    ) -> None:
        """Answer; what is refused is said, and the question stays."""
        try:
            self._send(asked, answer, name=name, person=person, another=another)
        except NameTaken as taken:
            self._same_name(asked, name or "", taken)
        except FacesortError as error:
            self._note = _told(error)

    def _send(
        self,
        asked: Asked,
        answer: Answer,
        *,
        name: str | None,
        person: PersonId | None,
        another: bool,
    ) -> None:
        forgets_out = answer in {Answer.SKIP, Answer.UNSURE}
        out = set() if forgets_out else self._out
        taken = [item for item in items_of(asked) if item.number in out]
        but_people = tuple(item.person for item in taken if item.person is not None)
        gone = {face.id for side in asked.sides if side.person in but_people for face in side.shown}
        answered = self.session.answer(
            Given(
                asked.question.id,
                answer,
                name,
                person,
                another,
                but_people,
                tuple(i.face for i in taken if i.face is not None and i.face not in gone),
            )
        )
        self._has_acted = True
        self.answers += 1
        more = f" (+{answered.settled:,} settled)" if answered.settled > 0 else ""
        self._note = answered.sentence + more

    # -- names -------------------------------------------------------------------------------------

    def _name(self, asked: Asked) -> None:
        typed, chosen = "", None
        while True:
            here = {side.person for side in asked.sides}
            found = self.session.names(typed, _OFFERS + len(here)) if typed.strip() else []
            offers = [one for one in found if one.id not in here][:_OFFERS]
            self.desk.typing("Name:", typed, [called(one) for one in offers], chosen)
            key = self._key()
            if key == "esc":
                return
            if key == "enter":
                break
            if key in {"tab", "down", "up"} and offers:
                step = -1 if key == "up" else 1
                chosen = (-1 if chosen is None and step > 0 else chosen or 0) + step
                chosen %= len(offers)
            elif len(key) == 1 and key.isprintable():
                typed, chosen = (typed + key)[:_LONGEST_NAME], None
            elif key in {"backspace", "ctrl-u"}:
                typed, chosen = "" if key == "ctrl-u" else typed[:-1], None
        if chosen is not None:
            self._give(asked, Answer.PERSON, person=offers[chosen].id)
        elif typed.strip():
            self._give(asked, Answer.NAME, name=typed.strip())

    def _same_name(self, asked: Asked, name: str, taken: NameTaken) -> None:
        """Ask whether it is the same person, or another of that name."""
        wanted = comparable_name(name)
        theirs = [
            one
            for one in self.session.names(name, 9)
            if one.name is not None and comparable_name(one.name) == wanted
        ]
        lines = [
            f"{number}    the same person: {called(one)}, {one.faces:,} faces"
            for number, one in enumerate(theirs, 1)
        ]
        lines += [f"a    another {visible(name)}", "Esc  neither"]
        while True:
            key = self._page(taken.message, lines)
            if key in {"a", "A"}:
                self._give(asked, Answer.NAME, name=name, another=True)
                return
            if key == "esc":
                return
            if key in {str(number) for number in range(1, len(theirs) + 1)}:
                self._give(asked, Answer.PERSON, person=theirs[int(key) - 1].id)
                return


def _means_nothing(key: str, kind: Kind) -> str:
    if key == "y" and Answer.YES not in ALLOWED[kind]:
        return "This is no question for yes: a number chooses somebody, n types a name."
    shown = f"{key!r}" if len(key) == 1 and key.isprintable() else "That key"
    return f"{shown} means nothing here; h shows the keys."


def _told(error: FacesortError) -> str:
    return f"{error.message}. {error.hint}" if error.hint else error.message
