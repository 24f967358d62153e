"""How long an answer takes in a review of a million faces: the queue alone, in memory.

    python -m tests.benchmarks.review_queue [--faces 1000000] [--people 100000] [--loose 50000]
        [--answers 400]

People are made, not measured: a few have thousands of faces and most have few, and one in five is a
piece of somebody larger. Half of the faces of nobody are somebody's who is there. Strangers and
pieces are as alike as SFace's are (tests/shaped.py). With --named 100000 only faces of nobody are
asked about. Prints milliseconds of an answer with the question that follows it, and of taking one
back: processor time of one thread, so that other programs do not count.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import FaceId, PersonId
from facesort.grouping.likeness import OnePerson
from facesort.review.chances import Chances
from facesort.review.crowd import Crowd, Loose, Suspect
from facesort.review.questions import Answer, Given, Kind
from facesort.review.queue import Queue
from tests.shaped import SHAPED_CALIBRATION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.review.questions import Question

_DIMENSION = 128
_COMMON, _OWN = 0.09, 0.82  # as in tests/shaped.py
_PIECES = 0.2
_SUSPECTS = 5_000
_LOOSE_STRANGERS = 0.5


def made_crowd(faces: int, people: int, seed: int = 1) -> tuple[Crowd, NDArray[np.int64]]:
    """Return a crowd, and who each of its people really is."""
    random = np.random.default_rng(seed)
    sizes = _sizes(faces, people, random)
    really = np.arange(people)
    pieces = random.choice(np.arange(people // 2, people), int(_PIECES * people), replace=False)
    really[pieces] = np.minimum(
        (people // 2 * random.random(len(pieces)) ** 2).astype(np.int64), people // 2 - 1
    )
    direction = _unit(random.standard_normal((people, _DIMENSION - 1), np.float32))
    noise = _unit(random.standard_normal((people, _DIMENSION - 1), np.float32))
    noise *= (np.sqrt(1 - _OWN**2) / np.sqrt(sizes))[:, None].astype(np.float32)
    means = np.empty((people, _DIMENSION), dtype=np.float32)
    means[:, 0] = np.sqrt(_COMMON)
    means[:, 1:] = np.sqrt(1 - _COMMON) * (_OWN * direction[really] + noise)
    ids = tuple(PersonId(f"p{row:06d}") for row in range(people))
    first = np.concatenate([[0], np.cumsum(sizes)])
    face_ids = tuple(FaceId(f"f{row:07d}") for row in range(int(first[-1])))
    suspects = random.choice(people // 4, min(_SUSPECTS, people // 4), replace=False).tolist()
    return (
        Crowd(
            ids,
            means * sizes[:, None].astype(np.float32),
            sizes,
            face_ids,
            first,
            random.integers(0, faces, int(first[-1])),
            sizes,
            suspects=tuple(
                Suspect(face_ids[first[row]], ids[row], means[row - 1], 0.5) for row in suspects
            ),
        ),
        really,
    )


def made_loose(crowd: Crowd, count: int, seed: int = 2) -> tuple[Loose, NDArray[np.int64]]:
    """Return faces of nobody, and whose each really is: -1 of people who are not there."""
    random = np.random.default_rng(seed)
    whose = random.choice(len(crowd.people), count, p=crowd.weights / crowd.weights.sum())
    whose[random.random(count) < _LOOSE_STRANGERS] = -1
    means = crowd.sums / crowd.weights[:, None].astype(np.float32)
    own = _unit(random.standard_normal((count, _DIMENSION), np.float32))
    own[:, 0] = np.sqrt(_COMMON)
    own[:, 1:] *= np.sqrt(1 - _COMMON) / np.linalg.norm(own[:, 1:], axis=1, keepdims=True)
    there = whose >= 0
    alike = random.uniform(0.3, 0.9, (int(there.sum()), 1)).astype(np.float32)
    own[there] = alike * means[whose[there]] + np.sqrt(1 - alike**2) * own[there]
    faces = tuple(FaceId(f"l{row:07d}") for row in range(count))
    moments = random.integers(0, len(crowd.faces), count)
    return Loose(faces, _unit(own), moments), whose


def _sizes(faces: int, people: int, random: np.random.Generator) -> NDArray[np.int64]:
    share = 1 / np.arange(1, people + 1) ** 0.8
    drawn = random.poisson(share / share.sum() * (faces - people))
    return np.sort(drawn + 1)[::-1].astype(np.int64).copy()


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _truthful(
    question: Question, really: NDArray[np.int64], whose: NDArray[np.int64], number: int
) -> Given:
    """Answer as somebody would who knows everybody; a guess takes the key, else a name is typed."""
    who = {person: int(really[int(person[1:])]) for person in question.people if person[0] == "p"}
    if question.kind is Kind.BELONGS:
        return Given(question.id, Answer.YES if number % 2 else Answer.NO)
    first = who.get(question.people[0], -1)
    if question.kind is Kind.ALSO:
        wrong = tuple(f for f in question.faces if whose[int(f[1:])] != first)
        if len(wrong) == len(question.faces):
            return Given(question.id, Answer.NO)
        return Given(question.id, Answer.YES, but_faces=wrong)
    others = tuple(p for p in question.people[1:] if who.get(p, -1) != first)
    if question.kind is Kind.SAME:
        if len(others) == len(question.people) - 1:
            return Given(question.id, Answer.NO)
        return Given(question.id, Answer.YES, but_people=others)
    for guess in question.guesses:
        if guess.name == f"Person {first}":
            return Given(question.id, Answer.PERSON, person=guess.person, but_people=others)
    name = f"Person {first}" if first >= 0 else f"Somebody {number}"
    return Given(question.id, Answer.NAME, name, another=True, but_people=others)


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--loose", type=int, default=50_000, help="faces of nobody")
    parser.add_argument("--answers", type=int, default=400)
    parser.add_argument("--named", type=int, default=2_000, help="people who have a name before")
    given = parser.parse_args()
    crowd, really = made_crowd(given.faces, given.people)
    loose, whose = made_loose(crowd, given.loose)
    whose = np.where(whose >= 0, really[whose], -2)
    names = {PersonId(f"p{row:06d}"): f"Person {row}" for row in range(given.named)}
    chances = Chances(replace(SHAPED_CALIBRATION, one_person=OnePerson(0.70, 0.02)))
    clock = time.process_time()
    queue = Queue(replace(crowd, names=names, loose=loose), chances)
    started = time.process_time() - clock
    gc.freeze()  # as the command and the page do
    answers, kinds = [], {kind.value: 0 for kind in Kind}
    question = queue.question()
    for number in range(given.answers):
        if question is None:
            break
        kinds[question.kind.value] += 1
        clock = time.process_time()
        queue.answer(_truthful(question, really, whose, number))
        question = queue.question()
        answers.append(time.process_time() - clock)
    undone = []
    while queue.state.changes:
        clock = time.process_time()
        queue.undo()
        queue.question()
        undone.append(time.process_time() - clock)
    document = {
        "faces": len(crowd.faces),
        "people": len(crowd.people),
        "loose": len(loose.faces),
        "seconds_to_begin": round(started, 1),
        "answers": kinds,
        "answer_ms": _spread(answers),
        "undo_ms": _spread(undone),
    }
    print(json.dumps(document, indent=2))  # noqa: T201 - that is what it is for


def _spread(seconds: list[float]) -> dict[str, float]:
    found = np.array(seconds) * 1000
    return {
        "mean": round(float(found.mean()), 1),
        "median": round(float(np.median(found)), 1),
        "p99": round(float(np.quantile(found, 0.99)), 1),
        "max": round(float(found.max()), 1),
    }


if __name__ == "__main__":
    main()
