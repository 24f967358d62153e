"""The review in a terminal: a question, a key, the next question.

Keys are chosen so that a wrong one never hurts: one that means nothing here only says so, every
answer can be taken back, what would throw away many faces at once is asked for twice, and what is
pasted answers nothing. How things are drawn and where keys come from is the desk's business
(`desk`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from facesort.cli.facing import View
from facesort.cli.keys import Pasted
from facesort.cli.naming import Naming, Said
from facesort.cli.phrases import items_of, keys_of
from facesort.cli.typed import Line
from facesort.errors import FacesortError, NameTaken
from facesort.review.questions import ALLOWED, Answer, Given, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.cli.facing import Desk
    from facesort.jobs.review.session import ReviewSession
    from facesort.jobs.review.shown import Asked

__all__ = ["Asking"]

QUIT = frozenset(["ctrl-c", "ctrl-d"])

# Letters that follow each other faster belong to a word, seconds: somebody types a name unseeing.
_TYPES_ON = 0.5

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
    _n_typed: bool = False  # n was pressed for a name last: whoever presses it again may mean that
    _heard_at: float = -inf  # such an n, or a letter right after it
    _has_acted: bool = False
    _earlier: tuple[int | None, int | None] | None = None  # asked whether to take that back
    _brought_back: list[bool] = field(default_factory=list)  # of what was taken back: was it ours
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
        earlier, self._earlier = self._earlier, None
        if isinstance(key, Pasted):
            self.desk.hint("That came all at once, as if pasted: it answers nothing.")
            return False
        key = key.lower() if len(key) == 1 else key
        if self._is_typed_unseeing(asked, key):
            self.desk.hint("n is no here, and answered nothing: look, and press it again.")
            return False
        if key == "q":
            raise _Quit
        if key == "resize":
            self._draw_again()
            return False
        if key in {"u", "r"}:
            return self._take_back(earlier, again=key == "r")
        if asked is None:
            self.desk.hint("Nothing is left to ask: u takes the last answer back, q ends.")
            return False
        if key in {"h", "w", "t", "esc"}:
            return self._aside(asked, key)
        return self._answered(asked, key, sure=sure)

    def _is_typed_unseeing(self, asked: Asked | None, key: str) -> bool:
        """Whether a key seems to belong to a name, at a question that is none for a name.

        Naming goes n, name, Enter, n, name, Enter: between two such questions one for yes and no
        may come, and an n that means a name must not be a no.
        """
        if asked is None or Answer.NO not in ALLOWED[asked.question.kind] or len(key) != 1:
            return False
        now = time.monotonic()
        if not (self._n_typed and key == "n") and now - self._heard_at > _TYPES_ON:
            return False
        self._n_typed, self._heard_at = False, now
        return True

    def _take_back(self, earlier: tuple[int | None, int | None] | None, *, again: bool) -> bool:
        """Undo or redo; what was said before this sitting is named first, and asked for twice.

        Args:
            earlier: what was named.
            again: redo.
        """
        try:
            before = None if again else self.session.before_this_sitting()
            if before is not None and earlier != (before.decision, before.doubt):
                self._earlier = (before.decision, before.doubt)
                # What to press comes first: a narrow window cuts the end.
                when = f" ({before.made_at[:16].replace('T', ' ')} UTC)" if before.made_at else ""
                self.desk.hint(f"u again takes back, not of this sitting: {before.sentence}{when}")
                return False
            self._has_acted = True
            done = self.session.redo() if again else self.session.undo()
        except FacesortError as error:
            self._note = _told(error)
            return True
        if done is None:
            self._note = f"There is nothing to {'bring back' if again else 'take back'}."
            return True
        if again:
            self.answers += self._brought_back.pop() if self._brought_back else 1
        else:
            self._brought_back.append(before is None)
            self.answers -= before is None
        self._note = done.sentence
        return True

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
            self.desk.hint(_nothing_to_take_out(asked))
            return False
        typed = self._numbers()
        numbers = {int(one) for one in typed if one.isdecimal() and len(one) < 6}
        if unknown := [one for one in typed if not one.isdecimal() or int(one[:6]) not in known]:
            self._note = f"There is no number {', '.join(unknown)} here."
        else:
            self._out ^= numbers
        return True

    def _numbers(self) -> list[str]:
        """Return the numbers that are typed until Enter; none with Esc."""
        line = Line()
        while True:
            self.desk.typing("Take out, or back in (like 3 5):", line.text)
            key = self._key()
            if key == "enter":
                return line.text.replace(",", " ").split()
            if key == "esc":
                return []
            if key == "resize":
                self._draw_again()
            elif len(key) > 1 or key in "0123456789 ,":
                line.takes(key)

    # -- answers -----------------------------------------------------------------------------------

    def _answered(self, asked: Asked, key: str, *, sure: bool) -> bool:
        question = asked.question
        allowed = ALLOWED[question.kind]
        if key == "enter" or (key == "n" and Answer.NO not in allowed):
            if Answer.NAME in allowed:
                self._n_typed = key == "n"
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
                said.known_as,
            ),
            asked.version,
        )
        self._has_acted = True
        self._brought_back.clear()
        self.answers += 1
        self._n_typed &= Answer.NO not in ALLOWED[asked.question.kind]
        more = f" (+{answered.settled:,} settled)" if answered.settled > 0 else ""
        self._note = answered.sentence + more


def _means_nothing(key: str, kind: Kind) -> str:
    if key == "y" and Answer.YES not in ALLOWED[kind]:
        return "This is no question for yes: a number chooses somebody, n types a name."
    shown = f"{key!r}" if len(key) == 1 and key.isprintable() else "That key"
    return f"{shown} means nothing here; h shows the keys."


def _nothing_to_take_out(asked: Asked) -> str:
    if asked.question.kind is Kind.MIRROR:
        return "Nothing can be taken out of this answer: both faces are asked about."
    return "Only one is shown: there is nothing to take out."


def _told(error: FacesortError) -> str:
    return f"{error.message}. {error.hint}" if error.hint else error.message
