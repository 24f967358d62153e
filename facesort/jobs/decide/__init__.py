"""What the user says, checked against what they said before, and appended to the log.

Every function runs inside the caller's transaction, so that the situation it judges by is the one
the decision lands in.

    names       name
    people      merge, different, ignore
    parting     reject, split
    confirming  confirm
    faces       not_a_face, cover
    inheriting  accept: for edited photos
    taking      undo, redo, in the order of `words`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.jobs.decide.confirming import confirm
    from facesort.jobs.decide.faces import cover, not_a_face
    from facesort.jobs.decide.inheriting import accept
    from facesort.jobs.decide.names import Naming, clean_name, name
    from facesort.jobs.decide.parting import deny, reject, split
    from facesort.jobs.decide.people import different, ignore, merge
    from facesort.jobs.decide.taking import redo, undo, undo_word
    from facesort.jobs.decide.voicing import Decided
    from facesort.jobs.decide.words import Word

__all__ = [
    "Decided",
    "Naming",
    "Word",
    "accept",
    "clean_name",
    "confirm",
    "cover",
    "deny",
    "different",
    "ignore",
    "merge",
    "name",
    "not_a_face",
    "redo",
    "reject",
    "split",
    "undo",
    "undo_word",
]

_HOMES = {
    "Decided": "voicing",
    "Naming": "names",
    "Word": "words",
    "clean_name": "names",
    "accept": "inheriting",
    "deny": "parting",
    "confirm": "confirming",
    "cover": "faces",
    "different": "people",
    "ignore": "people",
    "merge": "people",
    "name": "names",
    "not_a_face": "faces",
    "redo": "taking",
    "reject": "parting",
    "split": "parting",
    "undo": "taking",
    "undo_word": "taking",
}


def __getattr__(name: str) -> object:
    """Import a decision when it is first asked for: a command that only shows takes none."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - as above

    return getattr(import_module(f"{__name__}.{home}"), name)
