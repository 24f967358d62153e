"""A review in a terminal window of its own, and somebody who presses keys in it."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.terminal import REPOSITORY, environment

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

__all__ = [
    "SAID", "SCRIPT", "Sitter", "Told", "call", "ended", "facesort_in_terminal", "listening",
    "pause", "review", "said", "typing", "wait",
]  # fmt: skip

SCRIPT = "from facesort.cli.app import main; main()"
NOWHERE = {"COLORTERM": None, "NO_COLOR": None}

# The first thing drawn after an answer is what came of it, in faint letters.
SAID = re.compile(r"\x1b\[2m([^\x1b]+)\x1b\[0m\r\n")


@contextmanager
def facesort_in_terminal(
    *args: str,
    size: tuple[int, int] = (40, 100),
    script: str = SCRIPT,
    **changes: str | None,
) -> Iterator[Any]:
    """Begin a command in a terminal window."""
    pexpect = pytest.importorskip("pexpect")
    settings = {"PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color", **NOWHERE, **changes}
    child = pexpect.spawn(
        sys.executable,
        ["-c", script, *args],
        env=environment(**settings),
        encoding="utf-8",
        timeout=60,
        dimensions=size,
        cwd=os.fspath(REPOSITORY),
    )
    child.delaybeforesend = None
    try:
        yield child
    finally:
        child.close(force=True)


@contextmanager
def review(*args: str, size: tuple[int, int] = (40, 100), **changes: Any) -> Iterator[Any]:
    """Begin a review."""
    with facesort_in_terminal("review", *args, size=size, **changes) as child:
        yield child


def ended(child: Any) -> tuple[int, str]:
    """Wait for the end; return the exit code and what was shown last."""
    shown = child.read()
    child.close()
    return child.exitstatus, shown


def wait(child: Any, settled: int) -> None:
    """Wait until a question is on the screen and keys are heard."""
    child.expect(rf"(?<!\d){settled} of 20 faces settled")
    listening(child)


def listening(child: Any) -> None:
    """Wait until a question is drawn."""
    child.expect("q quit")
    child.expect("> ")
    pause()


def pause() -> None:
    """Wait as a person does: what is pressed before a question is seen is forgotten."""
    time.sleep(0.15)


def typing(child: Any, key: str, label: str = "Name:") -> None:
    """Press a key that begins a line, and wait for the line."""
    child.send(key)
    child.expect(f"{label} _")


def call(child: Any, name: str, key: str = "n") -> None:
    """Name whoever is asked about."""
    typing(child, key)
    child.send(name)
    child.expect(f"Name: {re.escape(name)}_")
    child.send("\r")


def said(child: Any) -> str:
    """Wait until what came of an answer is on the screen, no longer; return it."""
    child.expect(SAID)
    return " ".join(child.match[1].split())


_PROGRESS = r"[\d,]+ of [\d,]+ faces? settled[^\r\n]*\r\n"

# What is told of an answer that was kept, by its key; anything else is a refusal.
_KEPT = {
    "?": "noted as not sure",
    "s": "skipped",
    "i": "ignored: ",
    "u": "taken back: ",
    "y": r"the same person;|one person|two people|\d+ (confirmed|more);",
    "n": r"kept apart from|one person|two people|\d+ taken out;|\d+ are not ",
}


@dataclass
class Told:
    """What users were told of their answers.

    Args:
        names: that were given, and not taken back.
        decisions: how many there have to be in the log, at least.
        doubts: likewise of not-sures that stand.
        refused: sentences that said that an answer was not kept.
    """

    names: set[str] = field(default_factory=set)
    decisions: int = 0
    doubts: int = 0
    refused: list[str] = field(default_factory=list)


class Sitter:
    """Somebody at a terminal, who notes what is told of their answers."""

    def __init__(self, child: Any, chance: random.Random, told: Told) -> None:
        self.child, self.chance, self.told = child, chance, told
        self.answers: list[str] = []
        self.screen = ""
        self._n_typed = False

    @property
    def asks_who(self) -> bool:
        """Whether the question on the screen asks for a name."""
        return "n type a name" in self.screen

    def look(self) -> str:
        """Wait for the next question; returns what is on the screen but for the last answer."""
        self.child.expect(_PROGRESS)
        screen = self.child.match[0]
        self.child.expect("q quit")
        self.screen = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", screen + self.child.before)
        self.child.expect("> ")
        pause()
        return self.screen

    def press(self, number: int, keys: str) -> str:
        """Begin some answer that fits; returns its key. What comes of it is not waited for."""
        if self.asks_who:
            key = self.chance.choice(keys)
        else:
            key = self.chance.choice("ynys?" if "s" in keys else "yny?")
        if key == "n" and self.asks_who:
            key = f"Name {number}"
            call(self.child, key)
            self._n_typed = True
        elif key == "n" and self._n_typed:
            self.child.send(key)  # the first may have meant a name
            self.child.expect("n is no here")
            time.sleep(0.6)
            self.child.send(key)
            self._n_typed = False
        else:
            self.child.send(key)
        self.answers.append(key)
        return key

    def note(self, key: str, sentence: str) -> bool:
        """Remember what an answer's sentence promises; returns False for a refusal."""
        if not re.match(_KEPT.get(key, f"{key}: "), sentence):
            self.told.refused.append(sentence)
            return False
        if key in {"y", "n"} or (not self.asks_who and key in {"s", "?"}):
            self._n_typed = False
        if key == "u":
            self.told.names -= {name for name in self.told.names if f" {name}:" in sentence}
            self.told.doubts -= "not sure" in sentence
            return True
        if key.startswith("Name"):
            self.told.names.add(key)
        self.told.doubts += key == "?"
        self.told.decisions += key not in {"?", "s"}
        return True
