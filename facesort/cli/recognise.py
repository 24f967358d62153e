"""`facesort verify` and `identify`: who is on pictures that need not be in the library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.jobs.recognising.identified import Candidate, Identification, IdentifiedFace
    from facesort.jobs.recognising.seeing import SeenFace
    from facesort.jobs.recognising.verify import Side, Verification

__all__ = ["chance", "register", "where"]

_EXIT_SOME_FAILED = 3

_VERDICTS = {"same": "The same person", "different": "Two people", "unsure": "Unsure"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: facesort verify passport.jpg party.jpg")(verify)
    app.command(epilog="Example: facesort identify ~/Downloads/*.jpg")(identify)


def verify(
    ctx: typer.Context,
    first: Annotated[Path, typer.Argument(metavar="A", readable=False, help="A picture.")],
    second: Annotated[Path, typer.Argument(metavar="B", readable=False, help="Another one.")],
    model: Annotated[
        str | None,
        typer.Option(help="Embedder; see facesort models list.", show_default="the library's"),
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Where the models run.", show_default="auto")
    ] = None,
    min_face: Annotated[
        int | None,
        typer.Option(min=1, metavar="PX", help="Smallest face looked for.", show_default="24"),
    ] = None,
) -> None:
    """Say whether two pictures show the same person. They are not stored.

    Where a picture shows several people, the largest central face is taken.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - kept out of --help
    from facesort.jobs.recognising.verify import verify_pictures  # noqa: PLC0415

    settings = shared.settings(
        embedder=model, provider=provider, min_face=min_face, models_dir=None
    )
    with quiet_libraries():
        result = verify_pictures(settings, first, second, screen.progress())
    if screen.json:
        screen.document(result.to_json())
    else:
        _show_verification(screen, result)


def _show_verification(screen: Screen, result: Verification) -> None:
    parts = [f"similarity {result.similarity:.3f}"]
    if result.probability is not None:
        parts.append(f"probability of one person {chance(result.probability)}")
    screen.text(f"{_VERDICTS[result.verdict.value]}: {', '.join(parts)}.")
    if result.false_match_rate is not None:
        screen.text(_how_often(result.false_match_rate))
    if result.probability is None:
        screen.say(f"The card of {result.model} does not say how sure such a similarity is.")
    if result.same_picture:
        screen.say("Both files hold the same picture.")
    for side in result.sides:
        _show_side(screen, side)


def _show_side(screen: Screen, side: Side) -> None:
    path, faces = side.photo.path, len(side.photo.faces)
    if faces > 1:
        screen.say(
            f"{path} shows {counted(faces, 'face')}; the largest central one was taken, "
            f"{where(side.face)}."
        )
    if side.is_poor:
        screen.say(
            f"The face on {path} is of low quality ({side.face.quality:.2f}): small, blurred or "
            "turned away. Similarities say less of such faces."
        )


def identify(
    ctx: typer.Context,
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMG", readable=False, help="Pictures or videos, from anywhere."),
    ],
    wrong: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Of 1,000 faces of strangers so many may be taken for somebody.",
            show_default="1",
        ),
    ] = None,
    min_cosine: Annotated[
        float | None, typer.Option(metavar="C", help="A fixed similarity instead.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Embedder; see facesort models list.", show_default="the library's"),
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Where the models run.", show_default="auto")
    ] = None,
) -> None:
    """Say who is on pictures: people of this library, or unknown. Nothing is stored."""
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - kept out of --help
    from facesort.jobs.recognising.identify import IdentifyOptions  # noqa: PLC0415

    with (
        quiet_libraries(),
        shared.open(screen, embedder=model, provider=provider, models_dir=None) as library,
    ):
        result = library.identify(images, IdentifyOptions(wrong, min_cosine))
    if screen.json:
        screen.document(result.to_json())
    else:
        _show_identification(screen, result)
    if result.failed:
        raise typer.Exit(_EXIT_SOME_FAILED)


def _show_identification(screen: Screen, result: Identification) -> None:
    rows = []
    for photo in result.photos:
        path = photo.photo.path
        if photo.photo.error is not None:
            screen.say(f"{photo.photo.error.message} ({photo.photo.error.hint})")
        elif not photo.faces:
            rows.append([str(path), "no face", "", "", "", ""])
        rows += [[str(path), *_row(face)] for face in photo.faces]
    if rows:
        screen.table(
            ["picture", "face", "who", "similarity", "probability", "next"], rows, numbers=0
        )
    if not result.people:
        screen.say("Nobody is in this library yet; scan and group some photos first.")
    else:
        screen.say(
            f"Compared with {counted(result.people, 'person', 'people')}; a similarity of about "
            f"{result.min_cosine:.2f} and more says who it is."
        )


def _row(face: IdentifiedFace) -> list[str]:
    nearest = face.candidates[0] if face.candidates else None
    second = face.candidates[1] if len(face.candidates) > 1 else None
    who = {
        "known": _called(nearest),
        "ambiguous": f"{_called(nearest)} or {_called(second)}",
        "ignored": "(ignored)",
        "unknown": "unknown",
    }[face.verdict]
    likely = None if nearest is None else nearest.probability
    return [
        where(face.face) + (", low quality" if face.is_poor else ""),
        who,
        "" if nearest is None else f"{nearest.similarity:.3f}",
        "" if likely is None else chance(likely),
        _next(face, nearest, second),
    ]


def _next(face: IdentifiedFace, nearest: Candidate | None, second: Candidate | None) -> str:
    """Say who comes next: of an unknown face that is the nearest person."""
    shown = nearest if face.verdict == "unknown" else second
    if shown is None or shown.is_ignored:
        return ""
    return f"{_called(shown)} {shown.similarity:.3f}"


def _called(candidate: Candidate | None) -> str:
    if candidate is None:
        return ""
    return f"{candidate.person} {candidate.name}" if candidate.name else candidate.person


def where(face: SeenFace) -> str:
    """Say where on its picture a face is."""
    box = face.box
    place = f"{box.width:.0f}x{box.height:.0f} px at {box.left:.0f},{box.top:.0f}"
    return place if face.seconds is None else f"{place}, {face.seconds:.1f} s"


def chance(probability: float) -> str:
    """Return a probability as a percentage, never as certainty."""
    if probability > 0.999:
        return "over 99.9 %"
    return "under 0.1 %" if probability < 0.001 else f"{probability:.1%}".replace("%", " %")


def _how_often(rate: float) -> str:
    if rate >= 0.1:
        return f"Of 100 pairs of strangers {100 * rate:.0f} are at least this alike."
    if rate < 1e-6:  # farther out nothing was measured
        return "Less than one in a million pairs of strangers is this alike."
    often = float(f"{1 / rate:.2g}")  # two digits: more are not known
    return f"Of {often:,.0f} pairs of strangers one is at least this alike."
