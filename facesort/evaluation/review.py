"""What a review costs: answers until most faces are right, for one order of questions or another.

Somebody who knows the truth answers (`simulated`). All orders begin with the same people, nobody
named; only `one_by_one` begins with DBSCAN's groups of the same faces, because that is what it is
about. All stop when the same number of faces is right. `docs/review.md` has the exact rules.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean
from typing import TYPE_CHECKING

from facesort.evaluation.answerer import Answerer
from facesort.evaluation.orders import by_size, dbscan_owners, most_similar_first
from facesort.evaluation.simulated import TYPED, Album, LabelledFaces

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from facesort.evaluation.orders import Order

__all__ = [
    "SHARES",
    "Answerer",
    "LabelledFaces",
    "Review",
    "ReviewCosts",
    "judge_review",
    "review_once",
]

SHARES = ("0.8", "0.95", "0.99")

# How often somebody who makes mistakes considers to look everything through instead.
_CONSIDERED_EVERY = 25


@dataclass(frozen=True, slots=True)
class Review:
    """One review, from the first question to the last.

    Args:
        costs: by share of the faces that are right.
        reached: share of the faces that were right after the last question, before anything was
            done by hand.
        answers: what all questions together cost.
    """

    costs: Mapping[str, float]
    reached: float
    answers: float


@dataclass(frozen=True, slots=True)
class ReviewCosts:
    """What a review costs in different orders.

    Args:
        orders: by name of the order: `queue`, `similarity`, `size`, `one_by_one`, and the kinder
            form of the second, `similarity_named` (`orders.most_similar_first`).
        mistakes: share of the answers that were wrong.
        seeds: how often it was done; means of so many reviews.
        faces: rows of the truth.
        people: in the truth.
        strays: rows whose face was not found, or is with nobody: they can only be moved.
        start: people at the start, those included of whom the truth says nothing.
        names_alone: by share, what typing the names of the people with most faces costs whose
            faces make up that share: no order can do with less.
        said: how often the user had said who is with whom, beside grouping: that is in the start.
    """

    orders: Mapping[str, Review]
    mistakes: float
    seeds: int
    faces: int
    people: int
    strays: int
    start: int
    names_alone: Mapping[str, int]
    said: int = 0

    def to_json(self) -> dict[str, object]:
        """Return the document of `bench review --json`."""
        answers = {
            name: {share: _whole(cost) for share, cost in order.costs.items()}
            for name, order in self.orders.items()
        }
        kinder = answers.pop("similarity_named")
        return {
            "answers": answers,
            "kinder": {"similarity_named": kinder},
            "names_alone": dict(self.names_alone),
            "reached": {name: order.reached for name, order in self.orders.items()},
            "mistakes": self.mistakes,
            "seeds": self.seeds,
            "faces": self.faces,
            "people": self.people,
            "strays": self.strays,
            "start": self.start,
            "said": self.said,
        }


def judge_review(
    faces: LabelledFaces,
    queue: Order,
    *,
    mistakes: float = 0.0,
    seeds: Sequence[int] = (0,),
) -> ReviewCosts:
    """Review an album in each order, and count the answers.

    Args:
        faces: of the whole library.
        queue: the library's own order of questions.
        mistakes: share of wrong answers, 0..1.
        seeds: each order is reviewed once for each.

    Raises:
        ValueError: the truth speaks of no face.
    """
    if not faces.wanted:
        raise ValueError("the truth speaks of no face")
    seeds = seeds if mistakes else seeds[:1]  # without them nothing is left to chance
    similar = most_similar_first(faces.vectors)
    named = most_similar_first(faces.vectors, names_first=True)
    others = dbscan_owners(faces.vectors)
    orders: dict[str, tuple[Order, Sequence[Hashable | None] | None]] = {
        "queue": (queue, None),
        "similarity": (similar, None),
        "size": (by_size, None),
        "one_by_one": (by_size, others),
        "similarity_named": (named, None),
    }
    people = Counter(name for name in (*faces.truth, *faces.lost) if name is not None)
    begin = Album(faces)
    return ReviewCosts(
        {
            name: _mean(
                [
                    review_once(Album(faces, owners), order, Answerer(mistakes, seed))
                    for seed in seeds
                ]
            )
            for name, (order, owners) in orders.items()
        },
        mistakes,
        len(seeds),
        faces.wanted,
        len(people),
        len(begin.strays()),
        sum(1 for _ in begin.people()),
        {share: _names_alone(people, _target(share, faces.wanted)) for share in SHARES},
    )


def _target(share: str, faces: int) -> int:
    return math.ceil(float(share) * faces - 1e-9)  # .95 of 20 is 19, not a little more


def _names_alone(people: Counter[str], target: int) -> int:
    sums = accumulate(faces for _, faces in people.most_common())
    return TYPED * (1 + sum(faces < target for faces in sums))


def review_once(album: Album, order: Order, answerer: Answerer) -> Review:
    """Answer questions until none is left, then do the rest by hand.

    A share of the faces is reached as soon as it would pay to stop asking: at the end of the
    questions at the latest, and earlier where moving faces that no question is about gets there
    with fewer answers (`Album.by_hand`).

    Args:
        album: as the review starts; it is changed.
        order: yields what each answer has cost.
        answerer: gives them.
    """
    tally = _Tally(album, looks_through=answerer.slips_at_all)
    for answered, cost in enumerate(order(album, answerer), start=1):
        tally.note(cost, consider=answered % _CONSIDERED_EVERY == 0)
    return tally.finish()


class _Tally:
    def __init__(self, album: Album, *, looks_through: bool) -> None:
        self._album = album
        self._looks_through = looks_through
        self._spent = 0
        self._targets = {share: _target(share, album.wanted) for share in SHARES}
        self._least = dict.fromkeys(SHARES, math.inf)
        self.note(0)

    def note(self, cost: int, *, consider: bool = False) -> None:
        """Count an answer, and see what has been reached with it."""
        self._spent += cost
        strays = [0, *accumulate(self._album.strays())]
        for share, target in self._targets.items():
            lacking = max(0, target - self._album.right)
            if lacking < len(strays):
                self._found(share, strays[lacking])
            elif consider and self._looks_through:
                self._found(share, self._album.looked_through(target))

    def finish(self) -> Review:
        """Do the rest by hand."""
        for share, target in self._targets.items():
            self._found(share, self._album.by_hand(target))
        reached = self._album.right / self._album.wanted
        return Review(self._least, reached, self._spent)

    def _found(self, share: str, more: float) -> None:
        self._least[share] = min(self._least[share], self._spent + more)


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number


def _mean(reviews: Sequence[Review]) -> Review:
    return Review(
        {share: fmean(review.costs[share] for review in reviews) for share in SHARES},
        fmean(review.reached for review in reviews),
        fmean(review.answers for review in reviews),
    )
