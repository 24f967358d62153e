"""Why two faces or people are together or apart: what the pictures say, and what the user said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog import columns, people, places, vectors
from facesort.domain import FaceId, PhotoId
from facesort.errors import UnknownPerson, UsageError
from facesort.grouping.alike import Alike, compare, needed_cosine
from facesort.grouping.calibration import merge_rule
from facesort.jobs.decide.conflicts import at_one_time
from facesort.jobs.decide.voicing import beneath
from facesort.jobs.grouping.calibrated import calibration_of
from facesort.jobs.grouping.options import GroupOptions
from facesort.jobs.showing.reasons import Question, Reason, Side

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.grouping.calibration import Calibration
    from facesort.inference.card import ModelCard
    from facesort.jobs.showing.situation import Situation

__all__ = ["Explanation", "SharedPhoto", "Side", "Similarity", "explain"]


@dataclass(frozen=True, slots=True)
class Similarity:
    """What the pictures say.

    Args:
        alike: best pair and mean.
        probability: that the best pair is one person, from its cosine and qualities alone; None
            when the model's card does not say.
        false_match_rate: how often two different people, of as many faces, have such a mean; None
            without a calibration.
        needed: the mean cosine at which the grouping rule joins as many faces; None without one.
    """

    alike: Alike
    probability: float | None
    false_match_rate: float | None
    needed: float | None


@dataclass(frozen=True, slots=True)
class SharedPhoto:
    """A photo, or a moment of a video, that shows both.

    Args:
        path: the file.
        faces: the two on it.
        shown_twice: the two look like one person: a mirror, a collage, a screen, or twins.
    """

    path: Path
    faces: tuple[FaceId, FaceId]
    shown_twice: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two are together or apart.

    Args:
        sides: as they were asked about.
        together: whether they are one person now.
        why: one sentence.
        model: key of the embedder whose vectors were compared.
        unseen: faces that this model has not seen.
        similarity: None when one side has no vector of the model.
        threshold: the cosine above which two single faces were joined last; None before the first
            grouping.
        shared: photos that show both.
        reasons: decisions that speak for or against, oldest first.
    """

    sides: tuple[Side, Side]
    together: bool
    why: str
    model: str
    unseen: int
    similarity: Similarity | None
    threshold: float | None
    shared: tuple[SharedPhoto, ...]
    reasons: tuple[Reason, ...]


def explain(
    db: Database, situation: Situation, card: ModelCard, references: tuple[str, str]
) -> Explanation:
    """Say why two faces or people are together or apart; call it inside a snapshot.

    Args:
        db: the catalog.
        situation: who is who.
        card: of the embedder in use.
        references: ids of faces, ids or names of people, in any combination.

    Raises:
        UnknownPerson, AmbiguousPerson: a reference leads to nobody or to several.
        UsageError: both lead to one face, or to one person who is not made of two.
    """
    one, other = (_side(situation, reference) for reference in references)
    sides = _parted(situation, references, one, other)
    similarity, unseen = _similarity(db, situation, card, *sides)
    shared = _shared(db, *sides)
    question = Question(situation, sides)
    threshold = db.meta("threshold")
    return Explanation(
        sides,
        question.together,
        question.why(
            None if similarity is None else similarity.alike.mean,
            None if similarity is None else similarity.needed,
            len(shared),
        ),
        card.model_key,
        unseen,
        similarity,
        float(threshold) if threshold else None,
        shared,
        question.reasons,
    )


def _side(situation: Situation, reference: str) -> Side:
    try:
        face = situation.face(reference)
    except UnknownPerson:
        person = situation.person(reference)
        return Side(None, person, person.faces, beneath(person, reference))
    owner = situation.people.owners[face.id]
    return Side(face.id, situation.people.by_id[owner] if owner else None, (face.id,))


def _parted(
    situation: Situation, references: tuple[str, str], one: Side, other: Side
) -> tuple[Side, Side]:
    """Compare nothing with itself: a face with the others of its person, two parts of a merge.

    Raises:
        UsageError: there are no two parts.
    """
    if (one.face, one.beneath) == (other.face, other.beneath):
        raise UsageError(
            f"{references[0]} and {references[1]} are the same: nothing can be compared",
            hint="For example: facesort explain Anna p8w2m4cd",
        )
    if one.beneath and other.beneath and one.person == other.person:
        identities = situation.people.identities
        return one.part(identities), other.part(identities)
    return one.without(other.face), other.without(one.face)


def _similarity(
    db: Database, situation: Situation, card: ModelCard, one: Side, other: Side
) -> tuple[Similarity | None, int]:
    """Return how alike the two are, and how many of the faces the model has not seen."""
    matrices = [vectors.matrix(db, card.model_key, side.faces) for side in (one, other)]
    unseen = sum(len(s.faces) for s in (one, other)) - sum(len(m) for m in matrices)
    alike = compare(*matrices)
    if alike is None:
        return None, unseen
    calibration = calibration_of(db, card)
    probability = rate = needed = None
    if calibration is not None:
        qualities = (situation.faces[face].quality for face in alike.pair)
        estimate = calibration.probability(alike.best, *qualities)
        probability = None if estimate is None else float(estimate)
        rate = calibration.false_match_rate(alike.mean, *alike.faces)
    if calibration is not None or GroupOptions.from_meta(db.meta("group_options")).min_cosine:
        needed = _needed(db, calibration, alike)
    return Similarity(alike, probability, rate, needed), unseen


def _needed(db: Database, calibration: Calibration | None, alike: Alike) -> float:
    options = GroupOptions.from_meta(db.meta("group_options"))
    rule = merge_rule(
        calibration,
        wrong_merges=options.wrong_merges,
        false_match_rate=options.false_match_rate,
        min_cosine=options.min_cosine,
    )
    return needed_cosine(rule, people.count_grouped(db), *alike.faces)


def _shared(db: Database, one: Side, other: Side) -> tuple[SharedPhoto, ...]:
    # As columns: people may have thousands of faces.
    found = columns.columns_of(db, [*one.faces, *other.faces])
    moments = {
        face: (photo, found.spans.get(row))
        for row, (face, photo) in enumerate(zip(found.ids, found.photo_ids.tolist(), strict=True))
    }
    beside: dict[int, list[FaceId]] = {}
    for face in other.faces:
        beside.setdefault(moments[face][0], []).append(face)
    pairs = [
        (mine, theirs)
        for mine in one.faces
        for theirs in beside.get(moments[mine][0], ())
        if mine != theirs and at_one_time(moments[mine][1], moments[theirs][1])
    ]
    if not pairs:
        return ()
    photos = places.photos(db, {PhotoId(moments[mine][0]) for mine, _ in pairs})
    twice = {frozenset(pair) for pair in people.repeats(db)}
    return tuple(
        SharedPhoto(
            photos[PhotoId(moments[pair[0]][0])].places[0].path, pair, frozenset(pair) in twice
        )
        for pair in pairs
    )
