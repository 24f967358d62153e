"""`facesort explain`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.jobs.showing.explain import Explanation, Side, Similarity

__all__ = ["explanation_document", "register"]

_SHOWN_PHOTOS = 5

# Further out nothing has been measured: a smaller number would be made up.
_MEASURED_RATE = 1e-6


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: facesort explain Anna p8w2m4cd")(explain)


def explain(
    ctx: typer.Context,
    one: Annotated[str, typer.Argument(metavar="A", help="A face's id, a person's id or name.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Likewise.")],
) -> None:
    """Say why two faces or people are together or apart."""
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        explanation = library.explain(one, other)
    if screen.json:
        screen.document(explanation_document(explanation))
    else:
        _show(screen, explanation)


def explanation_document(explanation: Explanation) -> dict[str, object]:
    """Return the JSON form."""
    similarity = explanation.similarity
    return {
        "a": _side_document(explanation.sides[0]),
        "b": _side_document(explanation.sides[1]),
        "together": explanation.together,
        "why": explanation.why,
        "model": explanation.model,
        "same_model": explanation.unseen == 0,
        "faces_without_vector": explanation.unseen,
        "similarity": None if similarity is None else _similarity_document(similarity),
        "threshold": explanation.threshold,
        "shared_photos": [
            {
                "photo": os.fspath(photo.path),
                "faces": list(photo.faces),
                "shown_twice": photo.shown_twice,
            }
            for photo in explanation.shared
        ],
        "decisions": [
            {
                "decision": reason.decision.id,
                "made_at": reason.decision.made_at,
                "verdict": reason.decision.verdict.value,
                "speaks": "for" if reason.speaks_for else "against",
                "sentence": reason.sentence,
            }
            for reason in explanation.reasons
        ],
    }


def _side_document(side: Side) -> dict[str, object]:
    return {
        "face": side.face,
        "person": side.person.id if side.person else None,
        "name": side.person.name if side.person else None,
        "faces": len(side.faces),
    }


def _similarity_document(similarity: Similarity) -> dict[str, object]:
    return {
        "best": round(similarity.alike.best, 4),
        "best_faces": list(similarity.alike.pair),
        "probability": None if similarity.probability is None else round(similarity.probability, 6),
        "mean": round(similarity.alike.mean, 4),
        "false_match_rate": similarity.false_match_rate,
        "needed_mean": None if similarity.needed is None else round(similarity.needed, 4),
    }


def _show(screen: Screen, explanation: Explanation) -> None:
    screen.text(explanation.why)
    if explanation.similarity is not None:
        for line in _similarity_lines(explanation.similarity):
            screen.text(line)
    if explanation.threshold is not None:
        screen.text(f"Two single faces were joined above cosine {explanation.threshold:.3f}.")
    if explanation.unseen:
        screen.text(
            f"{counted(explanation.unseen, 'face')} not compared: this model "
            f"({explanation.model}) has not seen them; scan again."
        )
    for photo in explanation.shared[:_SHOWN_PHOTOS]:
        twice = ": a mirror, a collage, a screen, or twins" if photo.shown_twice else ""
        screen.text(f"Both are on {photo.path} ({', '.join(photo.faces)}){twice}.")
    more = len(explanation.shared) - _SHOWN_PHOTOS
    if more > 0:
        screen.text(f"... and on {counted(more, 'more photo')}.")
    from facesort.jobs.decide.voicing import told  # noqa: PLC0415 - kept out of --help

    for reason in explanation.reasons:
        speaks = "For" if reason.speaks_for else "Against"
        screen.text(f"{speaks}: {reason.sentence} ({told(reason.decision)}).")


def _similarity_lines(similarity: Similarity) -> list[str]:
    alike = similarity.alike
    sure = _sure(similarity.probability)
    lines = [f"Most alike: {' and '.join(alike.pair)}, cosine {alike.best:.3f}{sure}."]
    if alike.faces != (1, 1):
        one, other = (counted(number, "face") for number in alike.faces)
        lines.append(f"Mean cosine of {one} with {other}: {alike.mean:.3f}.")
    if similarity.needed is not None:
        lines.append(f"As many faces are joined from a mean cosine of {similarity.needed:.3f} on.")
    if similarity.false_match_rate is not None:
        lines.append(f"Two different people are this alike {_often(similarity.false_match_rate)}.")
    return lines


def _sure(probability: float | None) -> str:
    if probability is None:
        return ""
    beyond = "more than 99.9%" if probability > 0.999 else "less than 0.1%"
    shown = f"{probability:.1%}" if 0.001 <= probability <= 0.999 else beyond
    return f": one person with a probability of {shown}, by looks alone"


def _often(rate: float) -> str:
    if rate < _MEASURED_RATE:
        return "in less than one of a million comparisons"
    return f"in one of {1 / rate:,.0f} comparisons" if rate < 0.5 else "as a rule"
