"""What was said of a face, said of its edited photo too: listed, asked, accepted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from facesort.cli.render import counted
from facesort.domain import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.cli.context import Context
    from facesort.cli.render import Screen
    from facesort.jobs.scanning.inherit import Suggestion

__all__ = ["confirm_edited", "tell_of_edited"]

_WORDS = {Verdict.CONFIRM: "is", Verdict.REJECT: "is not", Verdict.NOT_A_FACE: "is no face"}


def confirm_edited(shared: Context, screen: Screen, *, dry_run: bool, yes: bool) -> None:
    """List what would be said, ask, and say it."""
    with shared.open(screen) as library:
        found = library.edited()
        if not screen.json:
            _list(screen, found)
        numbers: list[int] = []
        if found and not dry_run and (yes or _agreed(shared, screen)):
            numbers = library.accept_edited(found)
    if screen.json:
        screen.document({"decisions": numbers, "edited": [_document(one) for one in found]})
    elif numbers:
        screen.say(
            f"Said of {counted(len(found), 'face')}. To take it back: facesort undo {len(numbers)}"
        )


def _agreed(shared: Context, screen: Screen) -> bool:
    if shared.can_ask:
        return screen.ask("Say so?", ["yes", "no"]) == "yes"
    if not screen.json:
        screen.say("Nothing is said yet: add --yes.")
    return False


def _list(screen: Screen, found: Sequence[Suggestion]) -> None:
    for one in found:
        who = f" {one.person}" if one.person is not None else ""
        edited, original = (os.fspath(path) for path in one.like.photos)
        screen.text(f"{one.like.face} {_WORDS[one.verdict]}{who}  {edited}")
        screen.text(f"  like {one.like.source} (cosine {one.like.cosine:.3f})  {original}")
    if not found:
        screen.say("There are no edits or crops of photos that you have decided about.")


def _document(one: Suggestion) -> dict[str, object]:
    edited, original = (os.fspath(path) for path in one.like.photos)
    return {
        "face": one.like.face,
        "verdict": one.verdict.value,
        "person": one.person,
        "photo": edited,
        "like": one.like.source,
        "like_photo": original,
        "cosine": round(one.like.cosine, 4),
    }


def tell_of_edited(screen: Screen, found: Sequence[Suggestion]) -> None:
    """Say after a scan that edits of photos were found that decisions are about."""
    if found:
        photos = len({one.like.photos[0] for one in found})
        look = "looks" if len(found) == 1 else "look"
        screen.say(
            f"{counted(len(found), 'face')} on {counted(photos, 'edited photo')} {look} like ones "
            "that you have decided about: facesort confirm --edited"
        )
