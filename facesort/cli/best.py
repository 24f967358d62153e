"""How the best faces of a person, and those that stand for them, are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.cli.listing import face_document, person_document
from facesort.cli.render import counted
from facesort.domain import PlaceState

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.jobs.describing.coreset import ChosenFace, CoresetReport, Look, OddFace
    from facesort.jobs.describing.picks import BestFace, BestFaces
    from facesort.jobs.viewing import SeenFace

__all__ = ["show_best", "show_coreset"]

# Faces to check that a terminal shows; of many the least alike come first.
_MOST_CHECKED = 10


def show_best(screen: Screen, found: BestFaces, count: int) -> None:
    """Print the best different photos of a person, and why each was chosen."""
    if screen.json:
        screen.document(
            {
                **person_document(found.person),
                "faces": found.faces,
                "merged": found.person.aliases,
                "best": count,
                "different": found.chosen.bursts,
                "check": list(found.chosen.odd),
                "list": [_best_document(rank, one) for rank, one in enumerate(found.best, 1)],
            }
        )
        return
    screen.text(_head(found))
    if found.best:
        screen.table(
            ["face", "quality", "why", "photo"],
            [
                [one.seen.face.id, f"{one.seen.face.quality:.2f}", one.why.text,
                 _where(one.seen)]
                for one in found.best
            ],
            numbers=1,
        )  # fmt: skip
    if found.chosen.odd:
        left_out = counted(len(found.chosen.odd), "photo")
        screen.say(
            f"Left out: {left_out} that may show somebody else: facesort coreset {found.person.id}"
        )


def _head(found: BestFaces) -> str:
    chosen = found.chosen
    who = f"{found.person.id}  {found.person.name or '(no name)'}"
    if not chosen.photos:
        return f"{who}: no faces now, so there is nothing to choose from"
    many = f"{who}: the best {len(found.best):,}" if len(found.best) > 1 else f"{who}: the best"
    line = f"{many} of {counted(chosen.photos, 'photo')}"
    different = counted(chosen.bursts, "different picture")
    return line if chosen.bursts == chosen.photos else f"{line}, which are {different}"


def _best_document(rank: int, one: BestFace) -> dict[str, object]:
    return {
        **face_document(one.seen),
        "rank": rank,
        "gain": _rounded(one.pick.gain),
        "burst": one.pick.burst,
        "reasons": list(one.why.reasons),
    }


def _rounded(gain: float | None) -> float | None:
    return None if gain is None else round(gain, 4)


def _where(seen: SeenFace) -> str:
    present = [place for place in seen.photo.places if place.state is PlaceState.PRESENT]
    return f"{present[0].path}" if present else f"{seen.photo.places[0].path} (missing)"


# -- coresets ------------------------------------------------------------------------------------


def show_coreset(screen: Screen, found: CoresetReport) -> None:
    """Print the faces that stand for a person, and those to check."""
    if screen.json:
        screen.document(_coreset_document(found))
        return
    who = f"{found.person.id}  {found.person.name or '(no name)'}"
    note = _note(found)
    if found.chosen:
        stand = "stands" if len(found.chosen) == 1 else "stand"
        faces = counted(found.described, "face")
        screen.text(f"{who}: {len(found.chosen)} of {faces} {stand} for this person")
    else:
        screen.text(f"{who}: {note}")
    for look in found.looks:
        _show_look(screen, look, several=len(found.looks) > 1)
    if found.chosen and note:
        screen.text(f"{note[0].upper()}{note[1:]}.")
    _show_check(screen, found)


def _show_look(screen: Screen, look: Look, *, several: bool) -> None:
    if several:
        screen.text(f"look {look.number}: {counted(look.faces, 'face')}{_time(look)}")
    screen.table(
        ["face", "quality", "gain", "why", "photo"],
        [
            [face.seen.face.id, f"{face.seen.face.quality:.2f}",
             "" if face.gain is None else f"{face.gain:.3f}", face.why.text, _where(face.seen)]
            for face in look.chosen
        ],
        numbers=2,
    )  # fmt: skip
    screen.text(
        f"Every good face has a cosine of {1 - 2 * look.radius:.2f} or more to one of them; "
        f"cohesion {look.cohesion:.2f}."
    )


def _time(look: Look) -> str:
    since, until = look.since[:10], look.until[:10]
    if not since:
        return ""
    return f", {since}" if since == until else f", {since} to {until}"


def _show_check(screen: Screen, found: CoresetReport) -> None:
    suspects = [odd for odd in found.check if odd.is_suspect]
    if suspects:
        screen.text("Check these, they may be somebody else's:")
        screen.table(
            ["face", "quality", "likeness", "photo"],
            [
                [odd.seen.face.id, f"{odd.seen.face.quality:.2f}", f"{odd.likeness:.2f}",
                 _where(odd.seen)]
                for odd in suspects[:_MOST_CHECKED]
            ],
            numbers=2,
        )  # fmt: skip
        face = suspects[0].seen.face.id
        screen.text(
            f"Somebody else: facesort reject {face}. The same person: facesort confirm {face}."
        )
    shown = min(len(suspects), _MOST_CHECKED)
    if len(found.check) > shown:
        more = counted(len(found.check) - shown, "more face" if shown else "face")
        screen.text(f"Least like the others: {more} (--json lists them).")


def _note(found: CoresetReport) -> str:
    """Say what is special about the faces, or nothing."""
    if not found.faces:
        return "no faces now, so nothing stands for this person"
    if not found.described:
        return f"no face has a vector of {found.model}: scan again with this model"
    if found.described == 1:
        return "there is only this face"
    if len(found.chosen) < len(found.looks) * found.size and len(found.chosen) < found.described:
        if not found.good:
            return "all faces are poor; those that differ were chosen"
        if len(found.chosen) == 1:
            return "the other faces are nearly the same picture, poor, or odd"
        return "the other faces are nearly the same as one of these, poor, or odd"
    return "" if found.good else "all faces are poor"


def _coreset_document(found: CoresetReport) -> dict[str, object]:
    return {
        "person": found.person.id,
        "name": found.person.name,
        "model": found.model,
        "faces": found.faces,
        "described": found.described,
        "size": found.size,
        "chosen": [
            _chosen_document(rank, look, face)
            for rank, (look, face) in enumerate(
                ((look, face) for look in found.looks for face in look.chosen), start=1
            )
        ],
        "radius": max((round(look.radius, 4) for look in found.looks), default=None),
        "cohesion": min((round(look.cohesion, 4) for look in found.looks), default=None),
        "looks": [_look_document(look) for look in found.looks],
        "check": [_odd_document(odd) for odd in found.check],
        "note": _note(found) or None,
    }


def _look_document(look: Look) -> dict[str, object]:
    return {
        "look": look.number,
        "faces": look.faces,
        "since": look.since or None,
        "until": look.until or None,
        "chosen": [face.seen.face.id for face in look.chosen],
        "radius": round(look.radius, 4),
        "cohesion": round(look.cohesion, 4),
    }


def _odd_document(odd: OddFace) -> dict[str, object]:
    face = odd.seen.face
    return {
        "face": face.id,
        "photo": face_document(odd.seen)["photo"],
        "quality": round(face.quality, 4),
        "likeness": round(odd.likeness, 4),
        "suspect": odd.is_suspect,
        "if_somebody_else": f"facesort reject {face.id}",
        "if_the_same": f"facesort confirm {face.id}",
    }


def _chosen_document(rank: int, look: Look, face: ChosenFace) -> dict[str, object]:
    document = face_document(face.seen)
    kept = {key: document[key] for key in ("face", "photo", "box", "quality", "status")}
    return {
        **kept,
        "rank": rank,
        "look": look.number,
        "score": round(face.score, 4),
        "gain": _rounded(face.gain),
        "pinned": face.pinned,
        "reasons": list(face.why.reasons),
    }
