"""One grouping of a library: what is read, computed and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import columns, crowd, decisions, people, vectors
from facesort.catalog import photos as catalog
from facesort.grouping.chosen import threshold_evidence
from facesort.grouping.clusters import sums_of
from facesort.grouping.methods import check_method
from facesort.grouping.policy import Policy
from facesort.grouping.refine import REPEAT_RATE, with_calibration
from facesort.grouping.regroup import regroup
from facesort.grouping.standing import replay, standing
from facesort.grouping.update import Newcomers, Update, group_new
from facesort.jobs.grouping.calibrated import (
    card_calibration,
    poor_centre_of,
    refinement_of,
    remember,
    remember_poor_centre,
)
from facesort.jobs.grouping.moving import publish_changes
from facesort.jobs.grouping.past import StoredPast
from facesort.search.choose import self_join_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.domain import FaceColumns, FaceId, PersonId
    from facesort.grouping.chosen import ThresholdEvidence
    from facesort.grouping.regroup import Grouping
    from facesort.grouping.standing import Standing
    from facesort.inference.card import ModelCard
    from facesort.jobs.grouping.options import GroupOptions
    from facesort.protocols import Vectors

__all__ = ["GroupJob"]


class GroupJob:
    """One grouping: reads, computes, writes.

    Args:
        everything: from nothing, or new faces only.
        new_faces: how many had not been grouped before.
    """

    def __init__(
        self,
        db: Database,
        card: ModelCard,
        options: GroupOptions,
        min_face: int,
        *,
        everything: bool,
    ) -> None:
        check_method(options.method)
        self._db = db
        self._card = card
        self._options = options
        self._min_face = min_face
        self.everything = everything
        self.new_faces = 0
        self._sums: crowd.Sums | None = None
        self._calibration = card_calibration(db, card)
        self._refinement = None if everything else refinement_of(db, card)
        learned = self._refinement.calibration if self._refinement else self._calibration
        # A fixed cosine stays what it is, whatever the library shows.
        learns = self._calibration is not None and options.min_cosine is None
        self._policy = Policy(
            options.rule(learned),
            self_join_index,
            min_quality=float(str(card.quality.get("min_quality", 0.0))),
            method=options.method,
            repeat_cosine=self._calibration.min_cosine(REPEAT_RATE) if self._calibration else None,
            calibration=self._calibration if learns else None,
            poor_centre=None if everything else poor_centre_of(db, card),
        )

    def compute(self) -> Grouping | Update:
        """Group what the catalog holds now; call it inside a snapshot or a transaction."""
        stands = standing(replay(decisions.log(self._db)))
        return self._group_all(stands) if self.everything else self._add_new(stands)

    def _group_all(self, stands: Standing) -> Grouping:
        db = self._db
        faces = columns.columns(db, min_face=self._min_face)
        found, seen = vectors.aligned(db, self._card.model_key, faces.ids)
        unseen = [faces.ids[row] for row in np.flatnonzero(~seen).tolist()]
        result = regroup(
            faces,
            found,
            seen,
            stands,
            people.assigned(db, unseen),
            self._policy,
            # An id may go to the cluster of the face that founded it again, unless the user spoke
            # of it.
            person_exists=stands.spoken_of().__contains__,
        )
        self._sums = _sums(faces, found, seen, result.owners)
        return result

    def _add_new(self, stands: Standing) -> Update:
        db, model = self._db, self._card.model_key
        faces = columns.new_columns(db, min_face=self._min_face)
        self.new_faces = len(faces)
        found, seen = vectors.aligned(db, model, faces.ids)
        if not seen.all():
            rows = np.flatnonzero(seen)
            faces, found = faces.subset(rows), found[rows]
        explicit = {*stands.confirmed, *stands.rejected, *stands.not_faces}
        past = StoredPast(db, model)
        update = group_new(
            Newcomers(faces, found),
            past,
            columns.columns_on(
                db, {anchor.photo_key for anchor in explicit}, min_face=self._min_face
            ),
            stands,
            self._policy,
        )
        self._sums = past.added_up
        return update

    def publish(self, result: Grouping | Update) -> None:
        """Store the result; belongs inside a transaction."""
        db = self._db
        people.found_all(db, result.new_people)
        if isinstance(result, Update):
            if self._sums is not None:  # before what changes takes some of them away
                crowd.put(db, self._card.model_key, self._sums)
            publish_changes(db, result.owners, result.unassigned, min_face=self._min_face)
            crowd.put(db, self._card.model_key, _changed_sums(result))
        else:
            people.publish(db, result.owners, result.unassigned)
            if self._sums is not None:
                crowd.put(db, self._card.model_key, self._sums)
            remember(db, self._card, result.refinement)
            remember_poor_centre(db, self._card, result.poor_centre)
        people.put_repeats(db, result.repeats, everything=self.everything)
        db.set_meta("grouped_generation", str(catalog.generation(db)))
        db.set_meta("grouped_decision", str(decisions.last_id(db)))
        db.set_meta("grouped_model", self._card.model_key)
        db.set_meta("regroup", "0")
        db.set_meta("group_options", self._options.to_meta())
        db.set_meta("threshold", repr(result.min_cosine))

    def evidence(self, result: Grouping | Update) -> ThresholdEvidence:
        """Say which threshold was used, and why that one."""
        learned = self._refinement if isinstance(result, Update) else result.refinement
        rule = self._policy.rule
        if learned is not None:
            rule = with_calibration(rule, learned.calibration)
        return threshold_evidence(
            rule,
            self._options.in_words(),
            result.people,
            card=self._calibration,
            card_rule=self._options.rule(self._calibration),
            refinement=learned,
        )


def _sums(
    faces: FaceColumns, found: Vectors, seen: NDArray[np.bool_], owners: Mapping[FaceId, PersonId]
) -> crowd.Sums:
    """Add up everybody's vectors while they are here."""
    everybody = tuple(dict.fromkeys(owners.values()))
    place = {person: k for k, person in enumerate(everybody)}
    person = np.array(
        [place[owners[face]] if face in owners else -1 for face in faces.ids], dtype=np.int64
    )
    rows = np.flatnonzero(seen & (person >= 0))
    sums, sizes = sums_of(found, person, len(everybody), rows)
    some = np.flatnonzero(sizes)
    ids = tuple(everybody[k] for k in some.tolist())
    return crowd.Sums(ids, sums[some].astype(np.float32), sizes[some].astype(np.int64))


def _changed_sums(update: Update) -> crowd.Sums:
    sizes = update.crowd.sizes
    sums = (update.crowd.means * sizes[:, None]).astype(np.float32)
    return crowd.Sums(tuple(update.crowd.ids), sums, sizes.astype(np.int64))
