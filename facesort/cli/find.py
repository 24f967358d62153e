"""`facesort find`: photos by who is on them, and faces by what they look like."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.cli.render import Screen
    from facesort.domain import Photo
    from facesort.jobs.recognising.found import Found, FoundFace
    from facesort.jobs.showing.together import Together, TogetherPhoto

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: facesort find Anna Bert")(find)


def find(
    ctx: typer.Context,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT", help="Part of a name, or how an id begins; photos show all of them."
        ),
    ] = None,
    probe: Annotated[
        Path | None,
        typer.Option(
            metavar="IMG", readable=False, help="A picture, from anywhere: list faces like on it."
        ),
    ] = None,
    face: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="K",
            help="With --probe: its face, counted from the left.",
            show_default="the largest central one",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="With --probe: how many faces.", show_default="20"),
    ] = None,
    ignored: Annotated[bool, typer.Option("--ignored", help="Also ignored people.")] = False,
    model: Annotated[
        str | None,
        typer.Option(
            help="With --probe: embedder; see facesort models list.", show_default="the library's"
        ),
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Where the models run.", show_default="auto")
    ] = None,
) -> None:
    """Find the photos that show people, or the faces that look most like one on a picture.

    With --probe single faces of the library are compared, and nothing is stored of the picture. Who
    that is, weighed against everybody, says facesort identify.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    _check(texts, probe, face, count)
    if probe is None:
        with shared.open(screen) as library:
            together = library.photos_together(texts or [], ignored=ignored)
        _show_together(screen, together)
        return
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - kept out of --help
    from facesort.jobs.recognising.find import FindOptions  # noqa: PLC0415

    options = FindOptions(face=face, ignored=ignored, **({} if count is None else {"count": count}))
    with (
        quiet_libraries(),
        shared.open(screen, embedder=model, provider=provider, models_dir=None) as library,
    ):
        found = library.find_like(probe, options)
    if screen.json:
        screen.document(_document(found))
    else:
        _show_found(screen, found)


def _check(
    texts: Sequence[str] | None, probe: Path | None, face: int | None, count: int | None
) -> None:
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help

    if bool(texts) == (probe is not None):
        raise UsageError(
            "TEXT and --probe exclude each other" if texts else "neither TEXT nor --probe is given",
            hint="Give names, or a picture: facesort find Anna, facesort find --probe portrait.jpg",
        )
    if probe is None and (face is not None or count is not None):
        raise UsageError("--face and --count belong to --probe", hint="Leave them out.")


def _place(photo: Photo) -> str:
    from facesort.domain import PlaceState  # noqa: PLC0415 - kept out of --help

    first = photo.places[0]
    return f"{first.path}" if first.state is PlaceState.PRESENT else f"{first.path} (missing)"


# -- people --------------------------------------------------------------------------------------


def _show_together(screen: Screen, found: Together) -> None:
    if screen.json:
        screen.document([_photo_document(one) for one in found.photos])
    elif found.photos:
        screen.table(
            ["taken", "who", "photo"],
            [[_taken(one.photo), _who(one), _place(one.photo)] for one in found.photos],
            numbers=0,
        )
    for text in found.unknown:
        screen.say(f"Nobody's name contains '{text}', and nobody's id begins so.")
    for text in found.hidden:
        screen.say(f"'{text}' is ignored (--ignored shows them).")
    if found.photos:
        screen.say(f"{counted(len(found.photos), 'photo')}.")
    elif not (found.unknown or found.hidden):
        screen.say("No photo shows that.")


def _photo_document(one: TogetherPhoto) -> dict[str, object]:
    from facesort.domain import PlaceState  # noqa: PLC0415 - kept out of --help

    first = one.photo.places[0]
    return {
        "photo": os.fspath(first.path) if first.state is PlaceState.PRESENT else None,
        "places": [os.fspath(place.path) for place in one.photo.places],
        "taken_at": one.photo.taken_at or None,
        "faces": [
            {"face": face.id, "person": face.person, "name": face.name} for face in one.faces
        ],
    }


def _taken(photo: Photo) -> str:
    return photo.taken_at[:16].replace("T", " ")


def _who(one: TogetherPhoto) -> str:
    return ", ".join(dict.fromkeys(face.name or face.person for face in one.faces))


# -- faces ---------------------------------------------------------------------------------------


def _show_found(screen: Screen, found: Found) -> None:
    from facesort.cli.recognise import where  # noqa: PLC0415 - kept out of --help

    path, faces = found.photo.path, len(found.photo.faces)
    if not found.face:
        screen.text(f"{path}: no face was found, so there is nothing to look for.")
        return
    if faces > 1:
        face = found.photo.faces[found.face - 1]
        screen.say(
            f"{path} shows {counted(faces, 'face')}; number {found.face} from the left was taken, "
            f"{where(face)} (--face K takes another)."
        )
    if found.is_poor:
        screen.say(f"The face on {path} is of low quality: similarities say less of such faces.")
    if found.faces:
        screen.table(
            ["rank", "similarity", "probability", "status", "who", "face", "photo"],
            [_row(rank, one) for rank, one in enumerate(found.faces, 1)],
            numbers=2,
        )
        screen.say(
            "Each probability is of two faces by themselves; among "
            f"{counted(found.compared, 'face')} strangers look alike by chance. Who it is: "
            "facesort identify"
        )
    else:
        screen.text("This library has no face to compare with.")
    if found.ignored:
        screen.say(
            f"Left out: {counted(found.ignored, 'face')} of ignored people (--ignored shows them)."
        )
    if found.note:
        screen.say(f"{found.note[0].upper()}{found.note[1:]} (facesort doctor says what helps).")


def _row(rank: int, one: FoundFace) -> list[str]:
    from facesort.cli.recognise import chance  # noqa: PLC0415 - kept out of --help

    seen = one.seen
    place = _place(seen.photo)
    return [
        str(rank),
        f"{one.similarity:.3f}",
        "" if one.probability is None else chance(one.probability),
        seen.status.value,
        " ".join(filter(None, (seen.owner, seen.name))) or "nobody",
        seen.face.id,
        place if seen.face.seconds is None else f"{place}, {seen.face.seconds:.1f} s",
    ]


def _document(found: Found) -> dict[str, object]:
    photo, face = found.photo, found.face
    return {
        "probe": {
            "photo": str(photo.path),
            "faces": len(photo.faces),
            "face": face or None,
            **(photo.faces[face - 1].to_json() if face else {}),
            "low_quality": found.is_poor,
            "in_library": found.is_known,
        },
        "list": [_face_document(rank, one) for rank, one in enumerate(found.faces, 1)],
        "ignored": found.ignored,
        "compared": found.compared,
        "search": found.search,
        "note": found.note or None,
        "model": found.model,
    }


def _face_document(rank: int, one: FoundFace) -> dict[str, object]:
    from facesort.cli.listing import face_document  # noqa: PLC0415 - kept out of --help

    document = face_document(one.seen)
    kept = ("face", "photo", "places", "box", "quality", "person", "name", "status", "seconds")
    return {
        "rank": rank,
        "similarity": one.similarity,
        "probability": one.probability,
        **{key: document[key] for key in kept if key in document},
    }
