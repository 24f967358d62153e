"""The commands about people, faces, photos and decisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.errors import NameTaken

__all__ = ["register"]

# Strangers flood a list: people of fewer photos are counted, not listed, unless they have a name.
_MIN_PHOTOS = 3


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: facesort people --sheet ~/Desktop/faces")(people)
    app.command(epilog="Example: facesort show Anna")(show)
    app.command(epilog="Example: facesort faces --format csv > faces.csv")(faces)
    app.command(epilog="Example: facesort photos --failed")(photos)
    app.command(epilog='Example: facesort name p3k9x2ab "Anna Berg"')(name)
    app.command(epilog="Example: facesort merge Anna p8w2m4cd")(merge)
    app.command(epilog="Example: facesort reject f5m1q8z3t7ke")(reject)
    app.command(epilog="Example: facesort ignore p8w2m4cd")(ignore)
    app.command(epilog="Example: facesort undo 2")(undo)
    app.command(epilog="Example: facesort redo")(redo)
    app.command(epilog="Example: facesort log")(log)


def people(
    ctx: typer.Context,
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT", help="Only names that contain it, and ids that begin with it."
        ),
    ] = None,
    all_people: Annotated[
        bool, typer.Option("--all", help="Also people of fewer than 3 photos, and ignored ones.")
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", readable=False, help="Write one strip of faces per person, with its id."
        ),
    ] = None,
) -> None:
    """List the people, most photos first."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import listing  # noqa: PLC0415 - kept out of --help
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415

    with shared.open(screen) as library:
        everybody = listing.in_order(library.situation(), text)
        listed = [
            p
            for p in everybody
            if all_people or (not p.ignored and (p.name is not None or p.photos >= _MIN_PHOTOS))
        ]
        if sheet is not None:
            with quiet_libraries():
                written = library.sheets(sheet, listed)
            without = sum(bool(person.faces) for person in listed) - len(written)
            if without > 0:
                screen.say(f"{without} without a sheet: none of their originals can be read now.")
            are = "is" if len(written) == 1 else "are"
            screen.say(f"{counted(len(written), 'sheet')} {are} in {sheet.absolute()}")
        waiting = library.ungrouped_faces()
    if screen.json:
        screen.document([listing.person_document(person) for person in everybody])
        return
    listing.show_people(screen, everybody, listed, filtered=text is not None, waiting=waiting)


def show(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Id or name.")],
) -> None:
    """Show a person's faces, best first, and the photos they are on."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import listing  # noqa: PLC0415 - kept out of --help

    with shared.open(screen) as library:
        situation, photos = library.view()
        listing.show_person(screen, situation.person(person), situation, photos)


def faces(
    ctx: typer.Context,
    form: Annotated[
        str, typer.Option("--format", metavar="jsonl|csv", help="One face a line.")
    ] = "jsonl",
) -> None:
    """List every face with its box, landmarks, quality and person."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import listing  # noqa: PLC0415 - kept out of --help
    from facesort.errors import UsageError  # noqa: PLC0415

    if form not in {"jsonl", "csv"}:
        raise UsageError(f"--format {form} is not known", hint="Use jsonl or csv.")
    with shared.open(screen) as library:
        rows = listing.face_documents(*library.view())
        listing.write_faces(screen, rows, form)


def photos(
    ctx: typer.Context,
    failed: Annotated[bool, typer.Option("--failed", help="Could not be read, and why.")] = False,
    skipped: Annotated[bool, typer.Option("--skipped", help="Not a photo after all.")] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help="Gone since they were scanned.")
    ] = False,
) -> None:
    """List photo files; without an option all of them."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import listing  # noqa: PLC0415 - kept out of --help
    from facesort.domain import PlaceState  # noqa: PLC0415

    asked = {
        PlaceState.FAILED: failed,
        PlaceState.SKIPPED: skipped,
        PlaceState.MISSING: missing,
    }
    states = [state for state, wanted in asked.items() if wanted] or list(PlaceState)
    with shared.open(screen) as library:
        listing.show_places(screen, library.places(states))


def name(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Id or present name.")],
    new_name: Annotated[str, typer.Argument(metavar="NAME")],
    same: Annotated[
        bool, typer.Option("--same", help="Whoever has that name already is the same person.")
    ] = False,
    another: Annotated[
        bool, typer.Option("--another", help="It is another person of the same name.")
    ] = False,
) -> None:
    """Call a person by a name. The name is a label: two guests called Anna are two people."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.errors import NameTaken, UsageError  # noqa: PLC0415 - kept out of --help

    if same and another:
        raise UsageError("--same and --another exclude each other", hint="Give one of them.")
    answer = True if same else False if another else None
    with shared.open(screen) as library:
        try:
            naming = library.name(person, new_name, same=answer)
        except NameTaken as taken:
            if not shared.can_ask or answer is not None:
                raise
            screen.say(taken.message)
            said = _ask_who(screen, taken)
            if said not in {"same", "another"}:
                raise typer.Exit(taken.exit_code) from None
            naming = library.name(person, new_name, same=said == "same")
    if screen.json:
        joined = naming.joined.id if naming.joined else None
        screen.document(
            {
                "decision": naming.decision,
                "person": joined or naming.person.id,
                "name": naming.name,
                "joined": joined,
            }
        )
    elif naming.joined:
        screen.say(f"{naming.person.id} is now part of {naming.joined.id} {naming.name}.")
    else:
        before = f" (was {naming.person.name})" if naming.person.name else ""
        screen.say(f"{naming.person.id} is now {naming.name}{before}.")


def _ask_who(screen: Screen, taken: NameTaken) -> str | None:
    if taken.several:  # "the same" would not say as which of them
        return screen.ask("Is it another person of that name?", ["another", "stop"])
    return screen.ask("The same person, or another one?", ["same", "another", "stop"])


def merge(
    ctx: typer.Context,
    persons: Annotated[list[str], typer.Argument(metavar="PERSON", help="Ids or names.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Also if they have different names; the first one stays.")
    ] = False,
) -> None:
    """Say that several people are one. The first keeps its id; undo takes it back exactly."""
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        merged = library.merge(persons, keep_first_name=yes)
    if screen.json:
        from facesort.cli import listing  # noqa: PLC0415 - kept out of --help

        screen.document(listing.person_document(merged))
    else:
        screen.say(
            f"{merged.id} {merged.name or '(no name)'} now has "
            f"{counted(len(merged.faces), 'face')} on {counted(merged.photos, 'photo')}."
        )


def reject(
    ctx: typer.Context,
    face: Annotated[list[str], typer.Argument(metavar="FACE", help="Ids of faces.")],
) -> None:
    """Say that faces are not the person they are with. That is remembered for ever."""
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        number = library.reject(face)
        situation = library.situation()
        owners = {f: situation.people.owners[situation.face(f).id] for f in face}
    if screen.json:
        screen.document({"decision": number, "faces": owners})
    else:
        for one, owner in owners.items():
            screen.say(f"{one} is now {owner}.")


def ignore(
    ctx: typer.Context,
    persons: Annotated[list[str], typer.Argument(metavar="PERSON", help="Ids or names.")],
) -> None:
    """Stop showing people; new faces of theirs stay out of sight too."""
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        ignored = library.ignore(persons)
    if screen.json:
        screen.document([person.id for person in ignored])
    else:
        for person in ignored:
            screen.say(f"{person.id} {person.name or '(no name)'} is ignored.")


def undo(
    ctx: typer.Context,
    count: Annotated[int, typer.Argument(metavar="N", min=1, help="How many decisions.")] = 1,
    decision: Annotated[
        int | None, typer.Option(metavar="ID", help="One particular decision of the log.")
    ] = None,
) -> None:
    """Take back the last decision, the last N, or one particular one."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import listing  # noqa: PLC0415 - kept out of --help

    with shared.open(screen) as library:
        undone = library.undo(count, decision=decision)
        listing.show_changes(screen, "undone", undone, library.situation())


def redo(
    ctx: typer.Context,
    count: Annotated[int, typer.Argument(metavar="N", min=1, help="How many decisions.")] = 1,
) -> None:
    """Bring back what was undone last."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import listing  # noqa: PLC0415 - kept out of --help

    with shared.open(screen) as library:
        redone = library.redo(count)
        listing.show_changes(screen, "redone", redone, library.situation())


def log(ctx: typer.Context) -> None:
    """List every decision, oldest first."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import listing  # noqa: PLC0415 - kept out of --help

    with shared.open(screen) as library:
        listing.show_log(screen, library.log(), library.situation())
