"""The commands that list people, faces and photos."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

__all__ = ["register"]

# Strangers flood a list: people of fewer photos are counted, not listed, unless they have a name.
_MIN_PHOTOS = 3


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: facesort people --sheet ~/Desktop/faces")(people)
    app.command(epilog="Example: facesort show Anna --best 20")(show)
    app.command(epilog="Example: facesort coreset Anna --json")(coreset)
    app.command(epilog="Example: facesort faces --format csv > faces.csv")(faces)
    app.command(epilog="Example: facesort photos --failed")(photos)


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
    from facesort.jobs.showing.together import matching  # noqa: PLC0415

    with shared.open(screen) as library:
        if screen.json or all_people or text is not None:
            everybody = library.people()
            if text is not None:
                everybody = matching(everybody, text)
            listed = [p for p in everybody if all_people or listing.is_known(p, _MIN_PHOTOS)]
            ignored = sum(person.ignored for person in everybody) if not all_people else 0
            few = len(everybody) - len(listed) - ignored
        else:
            listed, few, ignored = library.known_people(min_photos=_MIN_PHOTOS)
            everybody = listed
        if sheet is not None:
            from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - pictures are heavy

            with quiet_libraries():
                written = library.sheets(sheet, [person.id for person in listed])
            without = sum(bool(person.faces) for person in listed) - len(written)
            if without > 0:
                screen.say(f"{without} without a sheet: none of their originals can be read now.")
            are = "is" if len(written) == 1 else "are"
            screen.say(f"{counted(len(written), 'sheet')} {are} in {sheet.absolute()}")
        waiting = library.ungrouped_faces()
    if screen.json:
        screen.entries(map(listing.person_line, everybody))
        return
    listing.show_people(screen, listed, few, ignored, filtered=text is not None, waiting=waiting)


def show(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Id or name.")],
    best: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Only the N best different photos, one of a burst, and why."
        ),
    ] = None,
) -> None:
    """Show a person's faces, best first, and the photos they are on."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import best as choices  # noqa: PLC0415 - kept out of --help
    from facesort.cli import listing  # noqa: PLC0415

    with shared.open(screen) as library:
        if best is not None:
            choices.show_best(screen, library.best_faces(person, best), best)
        elif screen.json:
            listing.document_person(screen, *library.faces_of(person))
        else:
            listing.show_person(screen, *library.list_faces(person))


def coreset(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Id or name.")],
    size: Annotated[
        int | None, typer.Option(metavar="K", min=1, help="Choose K faces at most.")
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(metavar="FACE", help="Choose this face of theirs whatever comes of it."),
    ] = None,
) -> None:
    """Show the few faces that stand for a person, and those that may be somebody else's.

    Good and different faces are chosen: they are what new faces and people are compared with.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import best as choices  # noqa: PLC0415 - kept out of --help

    with shared.open(screen) as library:
        choices.show_coreset(screen, library.coreset(person, size=size, pinned=pin or []))


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
    with shared.open(screen) as library, closing(library.faces()) as every_face:
        listing.write_faces(screen, map(listing.face_document, every_face), form)


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
