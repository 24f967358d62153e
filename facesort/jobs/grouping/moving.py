"""Publishing a grouping that changed a few faces: what is shown follows without being counted anew.

Counting the faces of everybody whom a thousand new faces joined means reading half of a library of
a million. Here only the faces that moved and those beside them are read. What is not as simple as
that (decisions about one of these photos) is left to `jobs.showing.shown`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from facesort.catalog import columns, decisions, people, showing, shown
from facesort.catalog.showing import PersonRow
from facesort.catalog.shown import Stamp
from facesort.grouping.standing import replay, standing
from facesort.jobs.showing.shown import Held, bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId, PersonId, PhotoId
    from facesort.grouping.standing import Standing

__all__ = ["publish_changes"]


def publish_changes(
    db: Database,
    owners: Mapping[FaceId, PersonId],
    unassigned: Collection[FaceId] = (),
    *,
    min_face: int,
) -> None:
    """Change what the last grouping said of some faces; belongs inside a transaction.

    Args:
        db: the catalog.
        owners: faces and the identity that each has from now on.
        unassigned: faces that were grouped and belong to nobody.
        min_face: faces with a shorter side do not count, pixels.
    """
    bring_up_to_date(db, min_face=min_face)
    before = people.assigned(db, [*owners, *unassigned])
    people.publish_changes(db, owners, unassigned)
    moved = {
        face: (before.get(face), owners.get(face))
        for face in (*owners, *unassigned)
        if before.get(face) != owners.get(face)
    }
    log = decisions.log(db, votes=False)
    stands = standing(replay(log))
    spoken = {face.anchor.photo_key for decision in log for face in decision.faces}
    beside = showing.faces_beside(db, list(moved), min_face=min_face)
    photos = {face.photo for face in beside}
    if spoken and not spoken.isdisjoint(columns.keys_of(db, photos)):
        return  # the notes of what has changed stay
    changes = _Moves(stands, moved, beside)
    known = {row.id: row for row in showing.people(db, changes.touched)}
    hard = changes.hard(known)
    best = {
        face.id: face.quality
        for face in showing.faces_beside(
            db, [row.cover for row in known.values() if row.cover], min_face=min_face
        )
    }
    rows = [changes.row(who, known.get(who), best) for who in changes.touched if who not in hard]
    anew = Held(stands)
    anew.add(showing.face_rows(db, showing.members(db, hard), min_face=min_face))
    rows += anew.rows(db, min_face, [who for who in hard if who in known and known[who].named_at])
    shown.change_people(
        db, changes.touched, [row for row in rows if row.faces or row.named_at is not None], {}
    )
    shown.mark_fresh(db, Stamp(min_face, decisions.last_id(db)))


class _Moves:
    """Faces that moved, from person to person as shown."""

    def __init__(
        self,
        stands: Standing,
        moved: Mapping[FaceId, tuple[PersonId | None, PersonId | None]],
        beside: Collection[showing.FaceRow],
    ) -> None:
        self._stands = stands
        self._chosen = stands.shown_covers()
        self._arrived: dict[PersonId, list[tuple[float, FaceId]]] = {}
        self._left: dict[PersonId, set[FaceId]] = {}
        then: set[tuple[PersonId, PhotoId]] = set()
        now: set[tuple[PersonId, PhotoId]] = set()
        for face in beside:
            old, new = moved.get(face.id, (face.person, face.person))
            if old is not None:
                then.add((stands.survivor(old), face.photo))
            if new is not None:
                now.add((stands.survivor(new), face.photo))
            if old is not None and (new is None or stands.survivor(old) != stands.survivor(new)):
                self._left.setdefault(stands.survivor(old), set()).add(face.id)
            if new is not None and (old is None or stands.survivor(old) != stands.survivor(new)):
                arrived = self._arrived.setdefault(stands.survivor(new), [])
                arrived.append((-face.quality, face.id))
        self._photos = Counter(person for person, _ in now - then)
        self._photos.subtract(person for person, _ in then - now)
        self.touched = {*self._arrived, *self._left}

    def hard(self, known: Mapping[PersonId, PersonRow]) -> set[PersonId]:
        """Return those whose cover must be looked for among all their faces."""
        return {
            person
            for person in self.touched
            if person in self._chosen
            or (person in known and known[person].cover in self._left.get(person, ()))
        }

    def row(
        self, person: PersonId, before: PersonRow | None, quality: Mapping[FaceId, float]
    ) -> PersonRow:
        """Return somebody's row after the moves."""
        arrived = self._arrived.get(person, [])
        if before is None:
            before = PersonRow(person, None, 0, 0, None, 0, person in self._stands.ignored, None)
        candidates = list(arrived)
        if before.cover is not None:
            candidates.append((-quality[before.cover], before.cover))
        faces = before.faces + len(arrived) - len(self._left.get(person, ()))
        return before._replace(
            faces=faces,
            photos=before.photos + self._photos[person],
            cover=min(candidates)[1] if candidates else None,
        )
