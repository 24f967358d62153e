"""The commands that say who people are, and take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.errors import NameTaken
    from facesort.jobs.decide import Naming

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog='Example: facesort name p3k9x2ab "Anna Berg"')(name)
    app.command(epilog="Example: facesort merge Anna p8w2m4cd")(merge)
    app.command(epilog="Example: facesort different Anna p8w2m4cd")(different)
    app.command(epilog="Example: facesort ignore p8w2m4cd")(ignore)
    app.command(epilog="Example: facesort undo 2")(undo)
    app.command(epilog="Example: facesort redo")(redo)
    app.command(epilog="Example: facesort log")(log)


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
        for note in naming.notes:
            screen.say(note)
        screen.say(_named(naming))


def _named(naming: Naming) -> str:
    person = naming.person
    if naming.decision is None:
        return f"{person.id} is {naming.name} already."
    before = f" (was {person.name})" if person.name not in {None, naming.name} else ""
    return f"{person.id} is now {naming.name}{before}."


def _ask_who(screen: Screen, taken: NameTaken) -> str | None:
    if taken.several:  # "the same" would not say as which of them
        return screen.ask("Is it another person of that name?", ["another", "stop"])
    return screen.ask("The same person, or another one?", ["same", "another", "stop"])


def merge(
    ctx: typer.Context,
    persons: Annotated[list[str], typer.Argument(metavar="PERSON", help="Ids or names.")],
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            help="Also if you gave them different names (the first one stays) or said before that "
            "they are not the same.",
        ),
    ] = False,
) -> None:
    """Say that several people are one. The first keeps its id; undo takes it back exactly."""
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        merged = library.merge(persons, anyway=yes)
    if screen.json:
        from facesort.cli import listing  # noqa: PLC0415 - kept out of --help

        screen.document(listing.person_document(merged))
    else:
        screen.say(
            f"{merged.id} {merged.name or '(no name)'} now has "
            f"{counted(merged.faces, 'face')} on {counted(merged.photos, 'photo')}."
        )
        if merged.ignored:
            screen.say(
                f"{merged.id} is ignored, and so is whoever is merged into it, until it has a name."
            )


def different(
    ctx: typer.Context,
    persons: Annotated[list[str], typer.Argument(metavar="PERSON", help="Ids or names.")],
) -> None:
    """Say that people are different: no grouping ever joins them."""
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        number = library.different(persons)
    if screen.json:
        screen.document({"decision": number})
    elif number is None:
        screen.say("You had said so before.")
    else:
        screen.say(f"{', '.join(persons)} are different people.")


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
    count: Annotated[
        int | None,
        typer.Argument(metavar="N", min=1, help="How many answers or decisions; 1 if not given."),
    ] = None,
    decision: Annotated[
        int | None, typer.Option(metavar="ID", help="Instead: one particular decision of the log.")
    ] = None,
) -> None:
    """Take back the last decision, the last N, or one particular one."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import telling  # noqa: PLC0415 - kept out of --help
    from facesort.errors import UsageError  # noqa: PLC0415 - as above

    if count is not None and decision is not None:
        raise UsageError(
            "undo takes how many decisions, or --decision, not both",
            hint=f"For example: facesort undo --decision {decision}",
        )
    with shared.open(screen) as library:
        undone = library.undo(count or 1, decision=decision)
        telling.show_changes(screen, "undone", undone, *library.said()[1:])


def redo(
    ctx: typer.Context,
    count: Annotated[
        int, typer.Argument(metavar="N", min=1, help="How many answers or decisions.")
    ] = 1,
) -> None:
    """Bring back what was undone last."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import telling  # noqa: PLC0415 - kept out of --help

    with shared.open(screen) as library:
        redone = library.redo(count)
        telling.show_changes(screen, "redone", redone, *library.said()[1:])


def log(ctx: typer.Context) -> None:
    """List every decision, oldest first."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli import telling  # noqa: PLC0415 - kept out of --help

    with shared.open(screen) as library:
        telling.show_log(screen, *library.said(), library.unsure())
