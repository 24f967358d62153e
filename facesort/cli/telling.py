"""How decisions are told, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.cli.render import counted
from facesort.domain import FaceRole, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facesort.cli.render import Screen
    from facesort.domain import Decision, PersonId
    from facesort.grouping.standing import History, Standing

__all__ = ["decision_document", "sentence", "show_changes", "show_log"]


def show_changes(
    screen: Screen, what: str, changed: Sequence[Decision], history: History, standing: Standing
) -> None:
    """Print what was undone or redone, with the names that people have now.

    Args:
        screen: prints.
        what: undone or redone.
        changed: the decisions.
        history: after that.
        standing: likewise.
    """
    if screen.json:
        screen.document({what: [decision_document(entry) for entry in changed]})
        return
    names = _names(standing)
    for entry in changed:
        screen.say(f"{what.capitalize()}: {sentence(entry, names)}.")
        for later in _built_on(entry, history) if what == "undone" else ():
            screen.say(f"  Still stands: decision {later.id}, {sentence(later, names)}.")
    if not changed:
        screen.say("There is nothing to undo." if what == "undone" else "There is nothing to redo.")


def _built_on(undone: Decision, history: History) -> list[Decision]:
    """Return later standing decisions about the person that an undone split had made."""
    if undone.verdict is not Verdict.SPLIT:
        return []
    made = undone.people[0]
    return [entry for entry in history.active if entry.id > undone.id and made in entry.people]


def show_log(
    screen: Screen, entries: Sequence[Decision], history: History, standing: Standing
) -> None:
    """Print the log of decisions, with the names that people have now."""
    stands = {entry.id for entry in history.active}
    if screen.json:
        screen.document([{**decision_document(e), "stands": e.id in stands} for e in entries])
        return
    names = _names(standing)
    for entry in entries:
        is_undone = entry.id not in stands and entry.verdict not in {Verdict.UNDO, Verdict.REDO}
        mark = "  (undone)" if is_undone else ""
        screen.text(f"{entry.id:>5}  {entry.made_at}  {sentence(entry, names)}{mark}")
    if not entries:
        screen.say("Nothing has been decided yet.")


def decision_document(entry: Decision) -> dict[str, object]:
    """Return the JSON form of a decision."""
    return {
        "decision": entry.id,
        "made_at": entry.made_at,
        "verdict": entry.verdict.value,
        "people": list(entry.people),
        "name": entry.name,
        "target": entry.target,
    }


def sentence(entry: Decision, names: Mapping[PersonId, str]) -> str:
    """Say what was decided.

    Args:
        entry: the decision.
        names: of the people who have one now.
    """
    who = [f"{p} {names[p]}" if p in names else str(p) for p in entry.people]
    everybody = ", ".join(who)
    if entry.verdict is Verdict.NAME:
        return f"{entry.people[0]} is {entry.name if entry.name is not None else '(forgotten)'}"
    if entry.verdict is Verdict.MERGE:
        return f"{everybody} are one person"
    if entry.verdict is Verdict.DIFFERENT:
        return f"{everybody} are different people"
    if entry.verdict is Verdict.REJECT:
        return f"{_counted(entry, FaceRole.REJECTED)} rejected from {everybody}"
    if entry.verdict is Verdict.SPLIT:
        new = entry.people[0] if entry.name is None else f"{entry.people[0]} {entry.name}"
        return f"{_counted(entry, FaceRole.CONFIRMED)} of {who[1]} split off as {new}"
    if entry.verdict is Verdict.CONFIRM:
        return f"{_counted(entry, FaceRole.CONFIRMED)} confirmed with {everybody}"
    if entry.verdict is Verdict.NOT_A_FACE:
        number = len({face.anchor for face in entry.faces})
        return "one is no face" if number == 1 else f"{number:,} are no faces"
    if entry.verdict is Verdict.COVER:
        return f"another face stands for {everybody}"
    if entry.verdict in {Verdict.UNDO, Verdict.REDO}:
        return f"{entry.verdict.value} of {entry.target}"
    return f"{entry.verdict.value} {everybody}"


def _counted(entry: Decision, role: FaceRole) -> str:
    return counted(len({face.anchor for face in entry.faces if face.role is role}), "face")


def _names(standing: Standing) -> dict[PersonId, str]:
    return {p: label for p, (label, _) in standing.shown_names().items() if label is not None}
