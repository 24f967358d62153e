"""What `identify` would make of a trained aggregator, asked of people who were not trained on.

One half of the people, drawn by chance, is enrolled: half of each one's photos are described as
those of a library are, and the others are probes. The other half are strangers, and all of their
photos are probes. Then the halves change places, so that everybody is known once and strange once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from facesort.descriptors.described import describe
from facesort.evaluation.recognition import Attempts, Recognition, compare
from facesort.grouping.openset import Finding, Gallery, OpenSetRule, match
from facesort.jobs.describing.coreset_rule import alike_cosine, coreset_rule, seconds_of
from facesort.jobs.grouping.calibrated import calibration_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.descriptors.coreset import Rule
    from facesort.inference.card import ModelCard
    from facesort.jobs.training.faces import KnownFaces
    from facesort.protocols import Aggregator

__all__ = ["judge_recognition", "recognition_steps"]


class _Deal(NamedTuple):
    """Who is known this time, and by which photos.

    Args:
        enrolled: rows of faces that people are known by, rising.
        probes: rows of the other faces of the same people.
        strangers: rows of all faces of the others.
    """

    enrolled: NDArray[np.int64]
    probes: NDArray[np.int64]
    strangers: NDArray[np.int64]


class _How(NamedTuple):
    """How a library describes people, and when it gives them a face."""

    choice: Rule
    alike: float
    match: OpenSetRule


def recognition_steps(seeds: int) -> int:
    """Return how often `judge_recognition` calls `on_step`."""
    return 2 * 2 * seeds


def judge_recognition(
    db: Database,
    card: ModelCard,
    known: KnownFaces,
    learned: Aggregator,
    *,
    seeds: int,
    on_step: Callable[[], None],
) -> Recognition | None:
    """Identify people's photos with a trained aggregator, and with the plain coreset.

    Args:
        db: the catalog of the library that would use it.
        card: the embedder's.
        known: people who were not trained on, two photos or more of each.
        learned: the trained one.
        seeds: how often people are drawn.
        on_step: called for every draw, half and aggregator.

    Returns:
        None: the embedder has no calibration, and so `identify` has no bar of its own.

    Raises:
        ModelMismatch, ModelError: the network does not run.
    """
    calibration = calibration_of(db, card)
    if calibration is None:
        return None
    rule = OpenSetRule(calibration)
    how = _How(coreset_rule(db, card), alike_cosine(db, card), rule)
    names, person = np.unique(np.array(known.people, dtype=str), return_inverse=True)
    plain, trained = (_none(len(names)) for _ in range(2))
    for seed in range(seeds):
        for deal in _deals(person, np.random.default_rng(seed)):
            for attempts, aggregator in ((plain, None), (trained, learned)):
                _attempt(known, person, deal, how, aggregator, attempts)
                on_step()
    return compare(trained, plain, allowed=rule.wrong / 1000)


def _none(people: int) -> Attempts:
    return Attempts(*(np.zeros(people, dtype=np.int64) for _ in range(4)))


def _deals(person: NDArray[np.int64], rng: np.random.Generator) -> Iterator[_Deal]:
    """Yield both halves in turn as those who are known."""
    shuffled = rng.permutation(len(person))
    place = np.empty(len(person), dtype=np.int64)  # of each face among those of its person
    for one in range(int(person.max()) + 1):
        mine = shuffled[person[shuffled] == one]
        place[mine] = np.arange(len(mine))
    first = place < np.bincount(person)[person] // 2
    people = rng.permutation(int(person.max()) + 1)
    for half in (people[: len(people) // 2], people[len(people) // 2 :]):
        here = np.isin(person, half)
        yield _Deal(*(np.flatnonzero(one) for one in (here & first, here & ~first, ~here)))


def _attempt(
    known: KnownFaces,
    person: NDArray[np.int64],
    deal: _Deal,
    how: _How,
    aggregator: Aggregator | None,
    attempts: Attempts,
) -> None:
    """Identify all probes of one deal, and add to the counts."""
    gallery, whose = _gallery(known, person, deal.enrolled, how, aggregator)
    for rows, asked, right in (
        (deal.probes, attempts.known, attempts.found),
        (deal.strangers, attempts.strange, attempts.taken),
    ):
        found = match(known.vectors[rows], known.quality[rows], gallery, how.match)
        given = np.array([one is Finding.KNOWN for one in found.findings], dtype=bool)
        if right is attempts.found:
            given &= whose[found.nearest[:, 0]] == person[rows]
        np.add.at(asked, person[rows], 1)
        np.add.at(right, person[rows[given]], 1)


def _gallery(
    known: KnownFaces,
    person: NDArray[np.int64],
    rows: NDArray[np.int64],
    how: _How,
    aggregator: Aggregator | None,
) -> tuple[Gallery, NDArray[np.int64]]:
    """Describe people as a library does; return the numbers of its people as well."""
    moments = [known.photos[known.faces[row].photo_id].taken_at for row in rows.tolist()]
    made = describe(
        known.vectors[rows],
        known.quality[rows],
        person[rows],
        how.choice,
        alike=how.alike,
        moments=seconds_of(moments),
        aggregator=aggregator,
    )
    whose, looks = np.unique(made.person, return_counts=True)
    faces = np.bincount(person[rows], minlength=int(whose.max()) + 1)[whose]
    return Gallery(
        made.descriptors,
        made.cohesion,
        made.sizes,
        made.quality,
        faces.astype(np.int64),
        looks.astype(np.int64),
    ), whose
