"""Everything that was said has one order, and undo and redo go back and forth in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from facesort.catalog.decisions import Event
from facesort.catalog.doubts import DoubtEvent
from facesort.jobs.decide.words import Word, replay


@dataclass
class Logs:
    """Both logs, as the catalog writes them."""

    decisions: list[Event] = field(default_factory=list)
    doubts: list[DoubtEvent] = field(default_factory=list)

    def decide(self, count: int = 1, verdict: str = "name", targets: tuple[int, ...] = ()) -> Word:
        """Say something with several decisions."""
        first = len(self.decisions) + 1
        about = targets or (None,) * count
        for number, target in enumerate(about, first):
            self.decisions.append(Event(number, verdict, target, first))
        return Word(tuple(range(first, first + len(about))))

    def doubt(self, answer: str = "unsure", target: int | None = None) -> Word:
        """Say that one is not sure."""
        number = len(self.doubts) + 1
        self.doubts.append(DoubtEvent(number, len(self.decisions), answer, target))
        return Word(doubt=number)

    def change(self, verb: str, word: Word) -> None:
        """Take a word back, or bring it back."""
        if word.doubt is None:
            order = word.decisions[::-1] if verb == "undo" else word.decisions
            self.decide(verdict=verb, targets=order)
            return
        latest = word.doubt
        for row in self.doubts:
            latest = row.id if row.target == latest and row.answer != "undo" else latest
        self.doubt("undo" if verb == "undo" else "unsure", latest)

    def now(self) -> tuple[list[Word], list[Word]]:
        """Return what stands and what can be brought back."""
        said = replay(self.decisions, self.doubts)
        return list(said.standing), list(said.undone)


@given(st.lists(st.sampled_from(["one", "answer", "doubt", "undo", "undo", "redo"]), max_size=40))
def test_undo_and_redo_walk_through_everything_as_in_an_editor(acts: list[str]):
    logs, standing, undone = Logs(), list[Word](), list[Word]()
    for act in acts:
        if act == "undo":
            if standing:
                logs.change("undo", standing[-1])
                undone.append(standing.pop())
        elif act == "redo":
            if undone:
                logs.change("redo", undone[-1])
                standing.append(undone.pop())
        else:
            standing.append(logs.doubt() if act == "doubt" else logs.decide(1 + (act != "one")))
            undone.clear()
        assert logs.now() == (standing, undone)


def test_a_not_sure_said_last_is_taken_back_first():
    logs = Logs()
    name, unsure = logs.decide(), logs.doubt()
    assert logs.now() == ([name, unsure], [])
    logs.change("undo", unsure)
    assert logs.now() == ([name], [unsure])


def test_a_new_not_sure_ends_what_could_be_brought_back():
    logs = Logs()
    logs.change("undo", logs.decide())
    unsure = logs.doubt()
    assert logs.now() == ([unsure], [])


def test_what_is_brought_back_is_as_old_as_it_was():
    logs = Logs()
    name = logs.decide()
    unsure = logs.doubt()
    logs.change("undo", name)
    assert logs.now() == ([unsure], [name])
    logs.change("redo", name)
    assert logs.now() == ([name, unsure], [])


def test_what_was_taken_out_of_an_answer_alone_comes_back_alone():
    logs = Logs()
    first, second = (Word((number,)) for number in logs.decide(2).decisions)
    logs.change("undo", second)
    logs.change("undo", first)
    assert logs.now() == ([], [second, first])
    logs.change("redo", first)
    assert logs.now() == ([first], [second])


def test_a_line_about_what_does_not_stand_changes_nothing():
    logs = Logs()
    name = logs.decide()
    logs.change("redo", name)
    assert logs.now() == ([name], [])
    logs.change("undo", name)
    logs.change("undo", name)
    assert logs.now() == ([], [name])
