"""Tables of docs/review.md that `facesort bench review` does not print.

    python -m tests.benchmarks.review_orders prior TRUTH --library DIR [--half even|odd]
    python -m tests.benchmarks.review_orders distance TRUTH --library DIR
    python -m tests.benchmarks.review_orders loose TRUTH --library DIR
    python -m tests.benchmarks.review_orders joined TRUTH --library DIR --join ONE+OTHER ...

The library was scanned with the default models; TRUTH is what `bench review` takes. Nothing in the
library changes. Answers are perfect.

- prior: answers of the queue with other priors of a group to be a piece of somebody. With --half
  only people of one half are looked for (by hash of their names); the others are strangers.
- distance: answers of `one_by_one` with other distances of DBSCAN.
- loose: what the queue makes of faces that are with nobody, with and without their quality.
- joined: makes two people of the truth one, each by the group with most of their faces, in a copy
  of the library, and says when the queue asks whether they are two.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog.opening import open_database
from facesort.config import load_settings
from facesort.evaluation.orders import by_size, dbscan_owners
from facesort.evaluation.review import Answerer, review_once
from facesort.evaluation.simulated import Album
from facesort.jobs.review.bench import read_start
from facesort.jobs.review.oracle import queue_order
from facesort.library import Library
from facesort.review.crowd import NO_MOMENT
from facesort.review.questions import Kind, cost
from tests.benchmarks.labelled import is_even
from tests.weights import SilentProgress, card

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.domain import PersonId
    from facesort.evaluation.review import LabelledFaces, Review
    from facesort.jobs.review.bench import Start
    from facesort.review.questions import Given, Question

_PRIORS = (0.1, 0.3, 0.5)
_DISTANCES = (0.40, 0.45, 0.50, 0.52, 0.55, 0.60)
_LIKELY = 0.5  # likelier than not: what the queue asks about

_HEADING = "80 % | 95 % | 99 %"


@contextmanager
def started(library: Path, truth: Path) -> Iterator[Start]:
    """Read a library as a review starts; the catalog is open until the end."""
    with Library(load_settings({"library": str(library)}), progress=SilentProgress()) as opened:
        opened.people()  # brings the tables up to date
        min_face = opened.min_face
    database = open_database(library, create=False)
    try:
        with database.snapshot():
            yield read_start(truth, database, card("sface"), min_face=min_face)
    finally:
        database.close()


def half_of(faces: LabelledFaces, half: str) -> LabelledFaces:
    """Return the faces with a truth of half of the people, by hash of their names."""

    def is_of_it(name: str | None) -> bool:
        return name is not None and is_even(name) == (half == "even")

    return replace(
        faces,
        truth=[name if is_of_it(name) else None for name in faces.truth],
        lost=[name for name in faces.lost if is_of_it(name)],
    )


def with_prior(start: Start, prior: float) -> Review:
    """Review with another prior of a group to be a piece of somebody."""
    chances = replace(start.chances, prior_piece=prior)
    order = queue_order(start.crowd, chances, start.ids)
    return review_once(Album(start.faces), order, Answerer())


def with_distance(faces: LabelledFaces, distance: float) -> Review:
    """Review everybody by size, of the groups that DBSCAN makes with a distance."""
    owners = dbscan_owners(faces.vectors, distance)
    return review_once(Album(faces, owners), by_size, Answerer())


def asked_in(start: Start, album: Album) -> list[tuple[Question, Given]]:
    """Review an album, and return what was asked and answered, from the first to the last."""
    found: list[tuple[Question, Given]] = []

    def note(question: Question, given: Given) -> None:
        found.append((question, given))

    order = queue_order(start.crowd, start.chances, start.ids, asked=note)
    review_once(album, order, Answerer())
    return found


class LooseFaces:
    """Faces that grouping left with nobody, against everybody.

    Args:
        start: of the review; some are with nobody.
    """

    def __init__(self, start: Start) -> None:
        loose = start.crowd.loose
        if loose is None or loose.quality is None:
            raise SystemExit("no face of this library is with nobody")
        row_of = {face: row for row, face in enumerate(start.ids)}
        self._start = start
        self._loose = loose
        self._quality = loose.quality.astype(np.float64)
        self._really = majorities(start.faces)
        self.truth = [start.faces.truth[row_of[face]] for face in loose.faces]
        means = start.crowd.sums / np.maximum(start.crowd.weights, 1)[:, None]
        self._cosines = (loose.vectors @ means.T).astype(np.float64)

    def __len__(self) -> int:
        return len(self.truth)

    def judged(self, *, with_quality: bool) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return how likely each is its likeliest person, and whether that is so."""
        crowd, chances = self._start.crowd, self._start.chances
        sizes = crowd.weights.astype(np.float64)
        likely = np.zeros(len(self))
        right = np.zeros(len(self), dtype=bool)
        for place, cosines in enumerate(self._cosines):
            quality = float(self._quality[place]) if with_quality else 1.0
            odds = chances.odds(cosines, sizes, 1.0, float(sizes.sum()), quality)
            odds[(cosines < chances.floor) | self._with_them(place)] = 0
            best = int(odds.argmax())
            likely[place] = odds[best] / (odds.sum() + chances.nobody)
            really = self._really.get(crowd.people[best]) if odds[best] else None
            right[place] = really is not None and really == self.truth[place]
        return likely, right

    def own_cosines(self) -> NDArray[np.float64]:
        """Return the cosine of each to the likest group of its own person, if there is one."""
        names = np.array([self._really.get(person, "") for person in self._start.crowd.people])
        there = [(place, names == name) for place, name in enumerate(self.truth) if name]
        return np.array([self._cosines[place, own].max() for place, own in there if own.any()])

    def _with_them(self, place: int) -> NDArray[np.bool_]:
        """(p,) who is on the same picture: nobody is twice on one, as a rule."""
        crowd, moment = self._start.crowd, int(self._loose.moments[place])
        found = np.zeros(len(crowd.people), dtype=bool)
        if moment != NO_MOMENT:
            there = np.flatnonzero(crowd.moments == moment)
            found[np.searchsorted(crowd.first, there, side="right") - 1] = True
        return found


def majorities(faces: LabelledFaces) -> Mapping[PersonId, str]:
    """Return who the people of a library are, those of whom the truth says something."""
    album = Album(faces)
    return {
        person: name  # type: ignore[misc]  # the owners here are ids
        for person in album.people()
        if (name := album.majority(person)) is not None
    }


def largest(faces: LabelledFaces) -> Mapping[str, tuple[PersonId, int]]:
    """Return by name the group with most of the faces, and how many faces it has."""
    held = Counter(zip(faces.owners, faces.truth, strict=True))
    sizes = Counter(faces.owners)
    found: dict[str, tuple[PersonId, int]] = {}
    for (owner, name), _ in sorted(held.items(), key=lambda each: (-each[1], str(each[0]))):
        if owner is not None and name is not None:
            found.setdefault(name, (owner, sizes[owner]))  # type: ignore[arg-type]  # an id
    return found


def joined(library: Path, truth: Path, pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Join people of the truth in a copy of a library, and yield what is asked then."""
    with started(library, truth) as start:
        groups = largest(start.faces)
    unknown = sorted(set(chain.from_iterable(pairs)) - groups.keys())
    if unknown:
        raise SystemExit(f"nobody in this library is {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(library, Path(folder) / "joined"))
        with Library(load_settings({"library": str(copy)}), progress=SilentProgress()) as opened:
            made = [opened.merge([groups[name][0] for name in pair]).id for pair in pairs]
        with started(copy, truth) as start:
            people = len(start.crowd.people)
            asked = asked_in(start, Album(start.faces))
    two: dict[PersonId, tuple[int, Given]] = {}
    for number, (question, given) in enumerate(asked, start=1):
        if question.kind is Kind.TWO:
            two.setdefault(question.people[0], (number, given))
    yield "joined | faces | question | answer | cost"
    for person, (one, other) in zip(made, pairs, strict=True):
        sizes = f"{one}, {other} | {groups[one][1]}, {groups[other][1]}"
        said = "none | |"
        if person in two:
            number, answered = two[person]
            said = f"{number} | {answered.answer.value} | {cost(answered)}"
        yield f"{sizes} | {said}"
    yield f"{len(two.keys() - set(made))} others asked about so, of {people} people"


def loose(start: Start) -> Iterator[str]:
    """Yield what is known of the faces that are with nobody, and of those that were not found."""
    faces = LooseFaces(start)
    wanted = sum(name is not None for name in faces.truth)
    yield f"{len(start.faces.lost)} faces of the truth were not found, {wanted} are with nobody"
    own = faces.own_cosines()
    yield (
        f"cosine to their own person: median {np.median(own):.2f} of {len(own)}, "
        f"{int((own < 0.3).sum())} below .3, usual {start.chances.usual:.2f}"
    )
    for with_quality in (False, True):
        likely, right = faces.judged(with_quality=with_quality)
        over = likely >= _LIKELY
        mean = likely[over].mean() if over.any() else 0.0
        yield (
            f"{'with' if with_quality else 'without'} quality: {int(over.sum())} of {len(faces)} "
            f"likelier than not, {mean:.2f} on average, {int(right[over].sum())} right; of all "
            f"{likely.sum():.1f} expected, {int(right.sum())} right, those at most "
            f"{likely[right].max(initial=0.0):.2f} likely"
        )
    album = Album(start.faces)
    kinds = Counter(question.kind for question, _ in asked_in(start, album))
    yield f"{kinds.total()} questions, {kinds[Kind.ALSO]} of them about faces of nobody"
    yield f"moving by hand what is missing after them: {sum(album.strays())} answers"


def priors(start: Start) -> Iterator[str]:
    """Yield a row for each prior."""
    yield f"prior | {_HEADING}"
    for prior in _PRIORS:
        yield _row(prior, with_prior(start, prior))


def distances(start: Start) -> Iterator[str]:
    """Yield a row for each distance."""
    yield f"distance | {_HEADING}"
    for distance in _DISTANCES:
        yield _row(distance, with_distance(start.faces, distance))


def _row(value: float, review: Review) -> str:
    return " | ".join([f"{value:.2f}", *(f"{spent:.0f}" for spent in review.costs.values())])


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", choices=["prior", "distance", "loose", "joined"])
    parser.add_argument("truth", type=Path)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--half", choices=["even", "odd"])
    parser.add_argument("--join", nargs="+", default=[], metavar="ONE+OTHER")
    given = parser.parse_args(arguments)
    if given.table == "joined":
        pairs = [tuple(pair.split("+", 1)) for pair in given.join]
        if not pairs or any(len(pair) != 2 for pair in pairs):
            parser.error("name the people: --join ONE+OTHER")
        _print(joined(given.library, given.truth, pairs))
        return
    with started(given.library, given.truth) as start:
        faces = half_of(start.faces, given.half) if given.half else start.faces
        table = {"prior": priors, "distance": distances, "loose": loose}[given.table]
        _print(table(replace(start, faces=faces)))


def _print(found: Iterator[str]) -> None:
    for line in found:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
