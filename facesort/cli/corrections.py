"""The commands about single faces: whose they are, whose they are not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facesort.cli.render import Screen
    from facesort.domain import FaceId
    from facesort.jobs.decide import Decided

__all__ = ["register"]

_Faces = Annotated[list[str], typer.Argument(metavar="FACE", help="Ids of faces.")]
_Person = Annotated[str, typer.Argument(metavar="PERSON", help="Id or name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: facesort reject f5m1q8z3t7ke")(reject)
    app.command(epilog="Example: facesort split Anna --face f5m1q8z3t7ke --name Eva")(split)
    app.command(epilog="Example: facesort confirm f5m1q8z3t7ke --person Anna")(confirm)
    app.command("not-a-face", epilog="Example: facesort not-a-face f5m1q8z3t7ke")(not_a_face)
    app.command(epilog="Example: facesort cover Anna f5m1q8z3t7ke")(cover)


def reject(ctx: typer.Context, face: _Faces) -> None:
    """Say that faces are not the person they are with. That is remembered for ever."""
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        decided = library.reject(face)
    _show(screen, decided, {one: f"{one} is now {who}." for one, who in decided.owners.items()})


def split(
    ctx: typer.Context,
    person: _Person,
    face: Annotated[
        list[str],
        typer.Option("--face", metavar="FACE", help="Ids of the faces that are somebody else."),
    ],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Who they are, if you know.")
    ] = None,
    another: Annotated[
        bool, typer.Option("--another", help="Another person of a name that somebody has.")
    ] = False,
) -> None:
    """Make some faces of a person a person of their own, and confirm them there."""
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        decided = library.split(person, face, name=name, another=another)
        made = decided.owners[decided.faces[0]]
    if screen.json:
        screen.document({"decision": decided.decision, "person": made, "faces": decided.faces})
        return
    for note in decided.notes:
        screen.say(note)
    screen.text(str(made))


def confirm(
    ctx: typer.Context,
    face: Annotated[list[str] | None, typer.Argument(metavar="FACE", help="Ids of faces.")] = None,
    person: Annotated[
        str | None,
        typer.Option(
            "--person",
            metavar="PERSON",
            help="Whose they are; without it, the person that each is with, and those that are "
            "with nobody become one new person.",
        ),
    ] = None,
    edited: Annotated[
        bool,
        typer.Option(
            "--edited",
            help="Instead: what you said of faces counts for edits and crops of their photos too.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --edited: only list them.")
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            help="Also a second face of the person on one photo (a mirror); with --edited: do not "
            "ask.",
        ),
    ] = False,
) -> None:
    """Say that faces are the person they are with, or another: they never move by themselves."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help

    if edited == bool(face) or (edited and person is not None) or (dry_run and not edited):
        raise UsageError(
            "confirm takes faces, or --edited",
            hint="For example: facesort confirm f5m1q8z3t7ke --person Anna",
        )
    if edited:
        from facesort.cli.edited import confirm_edited  # noqa: PLC0415 - kept out of --help

        confirm_edited(shared, screen, dry_run=dry_run, yes=yes)
        return
    with shared.open(screen) as library:
        decided = library.confirm(face or [], reference=person, anyway=yes)
    _show(screen, decided, {one: f"{one} is {who}." for one, who in decided.owners.items()})
    if decided.founded is not None and not screen.json:
        made = decided.founded
        screen.say(f"{made} is a new person. To say who: facesort name {made} NAME")
        screen.text(str(made))


def not_a_face(ctx: typer.Context, face: _Faces) -> None:
    """Say that something is no face: it stays out, also when its photo is looked at again."""
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        decided = library.not_a_face(face)
    _show(screen, decided, {one: f"{one} is no face." for one in decided.faces})


def cover(
    ctx: typer.Context,
    person: _Person,
    face: Annotated[str, typer.Argument(metavar="FACE", help="Id of one of their faces.")],
) -> None:
    """Choose the face that stands for a person."""
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        decided = library.cover(person, face)
    sentences = {one: f"{one} stands for {who}." for one, who in decided.owners.items()}
    _show(screen, decided, sentences)


def _show(screen: Screen, decided: Decided, sentences: Mapping[FaceId, str]) -> None:
    if screen.json:
        screen.document({"decision": decided.decision, "faces": decided.owners})
        return
    for note in decided.notes:
        screen.say(note)
    for sentence in sentences.values() if decided.decision is not None else ():
        screen.say(sentence)
