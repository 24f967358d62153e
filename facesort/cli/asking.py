"""The review in a terminal: a question, a key, the next question.

Keys are chosen so that a wrong one never hurts: one that means nothing here only says so, every
answer can be taken back, what would throw away many faces at once is asked for twice, and what is
pasted answers nothing. How things are drawn and where keys come from is the desk's business
(`desk`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facesort.cli.facing import View
from facesort.cli.keys import Pasted
from facesort.cli.naming import Naming, Said
from facesort.cli.phrases import items_of, keys_of
from facesort.cli.typed import Line
from facesort.errors import FacesortError, NameTaken
from facesort.review.questions import ALLOWED, Answer, Given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.cli.facing import Desk
    from facesort.jobs.review.session import ReviewSession
    from facesort.jobs.review.shown import Asked
    from facesort.review.questions import Kind

__all__ = ["Asking"]

QUIT = frozenset(["ctrl-c", "ctrl-d"])

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
    _view: View | None = None

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
        progress = self.session.progress()
        self._view = View(asked, progress, self._note, items, frozenset(self._out))
        self._note = ""
        self._draw_again()
        while not self._pressed(asked, self._key()):
            pass

    def _draw_again(self) -> None:
        if self._view is not None:
            self.desk.show(self._view)

    def _key(self) -> str:
        key = self.desk.key()
        if key in QUIT:
            raise _Quit
        return key

    def _pressed(self, asked: Asked | None, key: str) -> bool:
        """Do what a key means; returns whether to ask again."""
        sure, self._sure = self._sure, False
        if isinstance(key, Pasted):
            self.desk.hint("That came all at once, as if pasted: it answers nothing.")
            return False
        key = key.lower() if len(key) == 1 else key
        if key == "q":
            raise _Quit
        if key == "resize":
            self._draw_again()
            return False
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
        line = Line()
        while True:
            self.desk.typing("Take out, or back in (like 3 5):", line.text)
            key = self._key()
            if key == "enter":
                break
            if key == "esc":
                return True
            if key == "resize":
                self._draw_again()
            elif len(key) > 1 or key in "0123456789 ,":
                line.takes(key)
        typed = line.text.replace(",", " ").split()
        numbers = {int(one) for one in typed if one.isdecimal() and len(one) < 6}
        if unknown := [one for one in typed if not one.isdecimal() or int(one[:6]) not in known]:
            self._note = f"There is no number {', '.join(unknown)} here."
        else:
            self._out ^= numbers
        return True

    # -- answers -----------------------------------------------------------------------------------

    def _answered(self, asked: Asked, key: str, *, sure: bool) -> bool:
        question = asked.question
        allowed = ALLOWED[question.kind]
        if key == "enter" or (key == "n" and Answer.NO not in allowed):
            if Answer.NAME in allowed:
                said = self._naming().ask(asked)
                if said is not None:
                    self._give(asked, said)
                return True
        elif len(key) == 1 and key in "123456789":
            place = int(key) - 1
            if Answer.PERSON in allowed and place < len(question.guesses):
                self._give(asked, Said(Answer.PERSON, person=question.guesses[place].person))
                return True
        elif (answer := _PLAIN_ANSWERS.get(key)) in allowed and answer is not None:
            return self._plain(asked, answer, sure=sure)
        self.desk.hint(_means_nothing(key, question.kind))
        return False

    def _naming(self) -> Naming:
        return Naming(self.session, self.desk, self._key, self._draw_again, self._page)

    def _plain(self, asked: Asked, answer: Answer, *, sure: bool) -> bool:
        faces = len(asked.question.faces) or asked.sides[0].faces
        if answer is Answer.NOT_A_FACE and faces > _MANY_FACES and not sure:
            self._sure = True
            self.desk.hint(f"Really none of these {faces} is a face? Press x again.")
            return False
        self._give(asked, Said(answer))
        return True

    def _give(self, asked: Asked, said: Said) -> None:
        """Answer; what is refused is said, and the question stays."""
        try:
            self._send(asked, said)
        except NameTaken as taken:
            other = self._naming().same_or_another(said.name or "", taken)
            if other is not None:
                self._give(asked, other)
        except FacesortError as error:
            self._note = _told(error)

    def _send(self, asked: Asked, said: Said) -> None:
        forgets_out = said.answer in {Answer.SKIP, Answer.UNSURE}
        out = set() if forgets_out else self._out
        taken = [item for item in items_of(asked) if item.number in out]
        but_people = tuple(item.person for item in taken if item.person is not None)
        gone = {face.id for side in asked.sides if side.person in but_people for face in side.shown}
        answered = self.session.answer(
            Given(
                asked.question.id,
                said.answer,
                said.name,
                said.person,
                said.another,
                but_people,
                tuple(i.face for i in taken if i.face is not None and i.face not in gone),
            )
        )
        self._has_acted = True
        self.answers += 1
        more = f" (+{answered.settled:,} settled)" if answered.settled > 0 else ""
        self._note = answered.sentence + more


def _means_nothing(key: str, kind: Kind) -> str:
    if key == "y" and Answer.YES not in ALLOWED[kind]:
        return "This is no question for yes: a number chooses somebody, n types a name."
    shown = f"{key!r}" if len(key) == 1 and key.isprintable() else "That key"
    return f"{shown} means nothing here; h shows the keys."


def _told(error: FacesortError) -> str:
    return f"{error.message}. {error.hint}" if error.hint else error.message
