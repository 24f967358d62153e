from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facesort.domain import FaceId, PersonId
from facesort.evaluation.answerer import Answerer
from facesort.evaluation.review import LabelledFaces, review_once
from facesort.evaluation.simulated import Album
from facesort.grouping.calibration import Calibration
from facesort.grouping.likeness import OnePerson
from facesort.jobs.review.bench import Start
from facesort.jobs.review.oracle import queue_order
from facesort.review.candidates import crowd_of
from facesort.review.chances import Chances
from tests.benchmarks.review_orders import (
    LooseFaces,
    distances,
    half_of,
    largest,
    loose,
    priors,
    with_prior,
)

CHANCES = Chances(Calibration(0.1, 0.004, 0.01, None, OnePerson(0.65, 0.01)))

# Anna in two groups, Bert in one, a passer-by; two faces with nobody, the first Anna's.
OWNERS = [0, 0, 0, 1, 2, 2, 3, -1, -1]
TRUTH = ["Anna"] * 4 + ["Bert"] * 2 + [None, "Anna", None]


def made_start(photos: range | list[int] = range(9)) -> Start:
    rng = np.random.default_rng(3)
    centres = {name: rng.standard_normal(64) for name in ("Anna", "Bert")}
    vectors = np.array(
        [
            centres[name] + 0.7 * rng.standard_normal(64) if name else rng.standard_normal(64)
            for name in TRUTH
        ],
        dtype=np.float32,
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = tuple(FaceId(f"f{row}") for row in range(len(OWNERS)))
    crowd = crowd_of(vectors, np.array(OWNERS), np.array(photos), CHANCES, face_ids=ids)
    assert crowd.loose is not None
    poor = replace(crowd.loose, quality=np.array([0.2, 0.2], dtype=np.float32))
    owners = [PersonId(f"p{owner}") if owner >= 0 else None for owner in OWNERS]
    faces = LabelledFaces(vectors, owners, TRUTH, ["Bert"])
    return Start(faces, ids, replace(crowd, loose=poor), CHANCES)


def test_every_prior_and_every_distance_has_a_row_of_three_costs():
    start = made_start()
    rows = [line.split(" | ") for line in (*priors(start), *distances(start))]
    assert [row[0] for row in rows if len(row) == 4] == [
        *("prior", "0.10", "0.30", "0.50"),
        *("distance", "0.40", "0.45", "0.50", "0.52", "0.55", "0.60"),
    ]


def test_the_prior_of_the_queue_costs_what_the_queue_costs():
    start = made_start()
    order = queue_order(start.crowd, start.chances, start.ids)
    asked = review_once(Album(start.faces), order, Answerer())
    assert with_prior(start, CHANCES.prior_piece) == asked


def test_a_higher_prior_makes_a_piece_likelier_and_nobody_less_likely():
    cosine, size = np.array([0.4]), np.array([3.0])
    low, high = (
        replace(CHANCES, prior_piece=prior).of_neighbours(cosine, size, 1.0, 6.0)[0]
        for prior in (0.1, 0.5)
    )
    assert low < high
    odds = low / (1 - low), high / (1 - high)
    assert odds[1] / odds[0] == pytest.approx(9)  # .5 / .5 by .1 / .9


def test_people_of_the_other_half_are_strangers():
    faces = made_start().faces
    halves = [half_of(faces, half) for half in ("even", "odd")]
    named = [{name for name in (*half.truth, *half.lost) if name} for half in halves]
    assert named[0] | named[1] == {"Anna", "Bert"}
    assert not named[0] & named[1]
    assert sum(half.wanted for half in halves) == faces.wanted
    assert all(half.owners == faces.owners for half in halves)


def test_the_largest_group_of_a_person_stands_for_them():
    assert largest(made_start().faces) == {"Anna": ("p0", 3), "Bert": ("p2", 2)}


def test_a_face_of_nobody_is_judged_by_the_person_that_it_likely_is():
    likely, right = LooseFaces(made_start()).judged(with_quality=False)
    assert right.tolist() == [True, False]
    assert likely[0] > 0.8
    assert likely[1] < 0.1


def test_nobody_on_the_same_photo_is_who_a_face_may_be():
    with_both_of_her = made_start([0, 1, 2, 0, 4, 5, 6, 0, 7])
    likely, right = LooseFaces(with_both_of_her).judged(with_quality=False)
    assert not right.any()
    assert likely[0] < 0.1


def test_what_is_known_of_faces_with_nobody_is_said():
    said = list(loose(made_start()))
    assert said[0] == "1 faces of the truth were not found, 1 are with nobody"
    assert said[2].startswith("without quality: 1 of 2 likelier than not")
    assert said[-1].startswith("moving by hand")
