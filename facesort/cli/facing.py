"""Between the loop of a review and the terminal: what is to be shown, and who shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.cli.phrases import Item
    from facesort.jobs.review.shown import Asked, FaceShown
    from facesort.review.progress import Progress

__all__ = ["Desk", "View"]


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

    A key is one character, `keys.Pasted`, or: enter, esc, tab, backspace, up, down, left, right,
    ctrl-c, ctrl-d, ctrl-u, ctrl-w, resize (draw again), other.
    """

    def show(self, view: View) -> None:
        """Draw a question. Keys pressed before it could be seen are forgotten.

        The same object once more is drawn again for another size: nothing is forgotten.
        """

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
