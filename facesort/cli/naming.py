"""Asking for a name in a terminal: typed, completed, and whose it is where somebody has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.cli.keys import Pasted
from facesort.cli.phrases import called
from facesort.cli.printable import visible
from facesort.cli.typed import Line
from facesort.domain import comparable_name
from facesort.review.questions import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from facesort.cli.facing import Desk
    from facesort.domain import PersonId
    from facesort.errors import NameTaken
    from facesort.jobs.review.session import ReviewSession
    from facesort.jobs.review.shown import Asked, PersonShown

__all__ = ["Naming", "Said"]

_LONGEST_NAME = 200
_OFFERS = 5
_SAME_NAME = 9


@dataclass(frozen=True, slots=True)
class Said:
    """What is answered, and with whom; see `questions.Given`."""

    answer: Answer
    name: str | None = None
    person: PersonId | None = None
    another: bool = False
    known_as: str | None = None


@dataclass(frozen=True, slots=True)
class Naming:
    """Asks who somebody is.

    Args:
        session: knows the names.
        desk: where the line is drawn.
        key: waits for a key; raises where the user has had enough.
        draw_again: draws the question for another size of the window.
        page: draws lines until a key comes.
    """

    session: ReviewSession
    desk: Desk
    key: Callable[[], str]
    draw_again: Callable[[], None]
    page: Callable[[str, Sequence[str]], str]

    def ask(self, asked: Asked) -> Said | None:
        """Return a name or somebody who is there; None where nothing was said."""
        line, chosen = Line(longest=_LONGEST_NAME), None
        offers: list[PersonShown] = []
        found_for = ""
        while True:
            if line.text != found_for:
                offers, found_for = self._offers(asked, line.text), line.text
            self.desk.typing("Name:", line.text, [called(one) for one in offers], chosen)
            key = self.key()
            if key == "esc":
                return None
            if key == "resize":
                self.draw_again()
            elif key in {"tab", "down", "up"} and offers:
                step = -1 if key == "up" else 1
                chosen = (-1 if chosen is None and step > 0 else chosen or 0) + step
                chosen %= len(offers)
            elif key == "enter":
                break
            elif line.takes(key):
                chosen = None
                if isinstance(key, Pasted) and key.endswith("\n"):
                    break
        if chosen is not None:
            return Said(Answer.PERSON, person=offers[chosen].id, known_as=offers[chosen].name)
        return Said(Answer.NAME, line.text.strip()) if line.text.strip() else None

    def _offers(self, asked: Asked, typed: str) -> list[PersonShown]:
        if not typed.strip():
            return []
        here = {side.person for side in asked.sides}
        found = self.session.names(typed, _OFFERS + len(here))
        return [one for one in found if one.id not in here][:_OFFERS]

    def same_or_another(self, name: str, taken: NameTaken) -> Said | None:
        """Ask whether it is the same person, or another of that name; None for neither."""
        wanted = comparable_name(name)
        theirs = [
            one
            for one in self.session.names(name, _SAME_NAME)
            if one.name is not None and comparable_name(one.name) == wanted
        ]
        lines = [
            f"{number}    the same person: {called(one)}, {one.faces:,} faces"
            for number, one in enumerate(theirs, 1)
        ]
        lines += [f"a    another {visible(name)}", "Esc  neither"]
        while True:
            key = self.page(taken.message, lines)
            if key in {"a", "A"}:
                return Said(Answer.NAME, name, another=True)
            if key == "esc":
                return None
            if key in {str(number) for number in range(1, len(theirs) + 1)}:
                one = theirs[int(key) - 1]
                return Said(Answer.PERSON, person=one.id, known_as=one.name)
