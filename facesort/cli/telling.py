"""How decisions are told, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog.doubts import DoubtRow
from facesort.cli.render import counted
from facesort.domain import FaceRole, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facesort.cli.render import Screen
    from facesort.domain import Decision, PersonId
    from facesort.grouping.standing import History, Standing

__all__ = [
    "decision_document",
    "sentence",
    "show_changes",
    "show_log",
    "unsure_document",
    "unsure_sentence",
]


def show_changes(
    screen: Screen,
    what: str,
    changed: Sequence[Decision | DoubtRow],
    history: History,
    standing: Standing,
) -> None:
    """Print what was undone or redone, with the names that people have now.

    Args:
        screen: prints.
        what: undone or redone.
        changed: the decisions and not-sures.
        history: after that.
        standing: likewise.
    """
    if screen.json:
        screen.document({what: [_document(entry) for entry in changed]})
        return
    names = _names(standing)
    for entry in changed:
        if isinstance(entry, DoubtRow):
            screen.say(f"{what.capitalize()}: {unsure_sentence(entry, names)}.")
            continue
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
    screen: Screen,
    entries: Sequence[Decision],
    history: History,
    standing: Standing,
    unsure: Sequence[tuple[DoubtRow, bool]] = (),
) -> None:
    """Print what was said, oldest first, with the names that people have now.

    Args:
        screen: prints.
        entries: the log of decisions.
        history: what stands of it.
        standing: what that adds up to.
        unsure: what a review noted that is no decision, and whether it stands.
    """
    active = {entry.id for entry in history.active}
    told: list[tuple[tuple[int, int], Decision | DoubtRow, bool]] = [
        ((entry.id, 0), entry, entry.id in active) for entry in entries
    ]
    told += [((row.last_decision, row.id), row, stands) for row, stands in unsure]
    told.sort(key=lambda line: line[0])
    if screen.json:
        screen.document([{**_document(entry), "stands": stands} for _, entry, stands in told])
        return
    names = _names(standing)
    said = {row.id: row._replace(target=None) for row, _ in unsure}
    for _, entry, stands in told:
        if isinstance(entry, DoubtRow):  # no number: `undo --decision` takes those of decisions
            about = said.get(entry.target or 0) if _verdict(entry) == "undo" else None
            number, what = "-", unsure_sentence(about or entry, names)
            what = f"undo of: {what}" if about is not None else what
            is_undone = not stands and entry.target is None
        else:
            number, what = str(entry.id), sentence(entry, names)
            is_undone = not stands and entry.verdict not in {Verdict.UNDO, Verdict.REDO}
        mark = "  (undone)" if is_undone else ""
        screen.text(f"{number:>5}  {entry.made_at}  {what}{mark}")
    if not told:
        screen.say("Nothing has been decided yet.")


def _document(entry: Decision | DoubtRow) -> dict[str, object]:
    return unsure_document(entry) if isinstance(entry, DoubtRow) else decision_document(entry)


def unsure_document(row: DoubtRow) -> dict[str, object]:
    """Return the JSON form of what a review noted that is no decision.

    The keys of decisions are there, and `doubt`, `asked` and `target_doubt` besides.
    """
    return {
        "decision": None,
        "doubt": row.id,
        "made_at": row.made_at,
        "verdict": _verdict(row),
        "asked": row.kind,
        "people": list(row.people),
        "name": None,
        "target": None,
        "target_doubt": row.target,
    }


def _verdict(row: DoubtRow) -> str:
    return row.answer if row.target is None or row.answer == "undo" else "redo"


def unsure_sentence(row: DoubtRow, names: Mapping[PersonId, str]) -> str:
    """Say what was noted that is no decision.

    Args:
        row: of the log of these; not one that takes another back.
        names: of the people who have one now.
    """
    who = [f"{p} {names[p]}" if p in names else str(p) for p in row.people]
    subject = who[0] if who else "somebody"
    faces = counted(len(row.anchors), "face") if row.anchors else "faces"
    if row.kind == "mirror" and row.answer == "no":
        said = "two faces on one photo are two people"
    else:
        asked = {
            "who": f"who {subject} is",
            "same": f"whether {' and '.join(who) or 'people'} are one person",
            "two": f"whether {subject} is two people",
            "mirror": "whether two faces on one photo are one person",
        }
        unsure = "not sure" if row.answer == "unsure" else "no to"
        said = f"{unsure} {asked.get(row.kind, f'whether {faces} belong to {subject}')}"
    return f"redo of: {said}" if row.target is not None else said


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
