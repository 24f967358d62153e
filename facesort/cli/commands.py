"""Every command, and where it is: a module is read only when one of its commands is called.

`--help` then takes no longer than that of a program that does nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Commands", "summaries"]

# Module of `facesort.cli` and first sentence of the help, in the order of the help. A test compares
# the sentences with the commands' own.
_WHERE = {
    "scan": (
        "scan",
        "Find new and changed photos, detect and embed their faces, and group them into people.",
    ),
    "group": ("group", "Group what is stored into people."),
    "people": ("people", "List the people, most photos first."),
    "show": ("people", "Show a person's faces, best first, and the photos they are on."),
    "coreset": (
        "people",
        "Show the few faces that stand for a person, and those that may be somebody else's.",
    ),
    "faces": ("people", "List every face with its box, landmarks, quality and person."),
    "photos": ("people", "List photo files; without an option all of them."),
    "review": (
        "review",
        "Answer questions about faces, each worth asking: who is this, are these the same person?",
    ),
    "name": ("decisions", "Call a person by a name."),
    "merge": ("decisions", "Say that several people are one."),
    "different": ("decisions", "Say that people are different: no grouping ever joins them."),
    "ignore": ("decisions", "Stop showing people; new faces of theirs stay out of sight too."),
    "undo": ("decisions", "Take back the last decision, the last N, or one particular one."),
    "redo": ("decisions", "Bring back what was undone last."),
    "log": ("decisions", "List every decision, oldest first."),
    "reject": ("corrections", "Say that faces are not the person they are with."),
    "split": (
        "corrections",
        "Make some faces of a person a person of their own, and confirm them there.",
    ),
    "confirm": (
        "corrections",
        "Say that faces are the person they are with, or another: they never move by themselves.",
    ),
    "not-a-face": (
        "corrections",
        "Say that something is no face: it stays out, also when its photo is looked at again.",
    ),
    "cover": ("corrections", "Choose the face that stands for a person."),
    "explain": ("explaining", "Say why two faces or people are together or apart."),
    "find": (
        "find",
        "Find the photos that show people, or the faces that look most like one on a picture.",
    ),
    "verify": ("recognise", "Say whether two pictures show the same person."),
    "identify": ("recognise", "Say who is on pictures: people of this library, or unknown."),
    "export": ("export", "Write one folder of photos per named person."),
    "doctor": ("doctor", "Check the installation, the models and the library, and say what to do."),
    "models": ("models", "Face models: list, fetch, explain."),
    "bench": ("bench", "Measure accuracy on labelled photos, and speed on any."),
    "train": (
        "train",
        "Train what makes one vector of several faces, and use it where it is better.",
    ),
    "library": ("library", "Look after the library itself."),
}


def summaries() -> Iterator[tuple[str, str]]:
    """Yield every command and what it does in a sentence."""
    return ((name, sentence) for name, (_, sentence) in _WHERE.items())


class Commands(dict[str, Any]):
    """The commands by name; each comes from its module when it is asked for."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(_WHERE))

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - typer's own type moves
        """Return a command."""
        if super().__getitem__(name) is None:
            self._load(_WHERE[name][0])
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - likewise
        """Return a command, or the default."""
        return self[name] if name in self else default  # noqa: SIM401 - this is that method

    def items(self) -> Any:  # noqa: ANN401 - likewise
        """Return all commands with their names."""
        return {name: self[name] for name in self}.items()

    def values(self) -> Any:  # noqa: ANN401 - likewise
        """Return all commands."""
        return [self[name] for name in self]

    def _load(self, module: str) -> None:
        part = typer.Typer(rich_markup_mode=None)
        part.callback()(_nothing)  # a group also where there is one command
        import_module(f"facesort.cli.{module}").register(part)
        self.update(typer.main.get_group(part).commands)


def _nothing() -> None:
    """The root has options of its own."""
