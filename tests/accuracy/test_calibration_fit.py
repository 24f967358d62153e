"""The calibration of the default embedder's card, fitted anew and checked on other people."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.evaluation.calibration import fit_impostors, impostor_tails
from facesort.evaluation.truth import DetectedPhoto, match_faces, read_truth
from tests.weights import card

if TYPE_CHECKING:
    from facesort.domain import Box, FaceId
    from facesort.evaluation.calibration import ImpostorFit
    from facesort.protocols import Vectors
    from tests.watched import Scanned

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]

LFW_PIXELS = 250


class Half:
    """The faces of some of the people."""

    def __init__(self, vectors: Vectors, people: list[str]) -> None:
        self.vectors = vectors
        self.people = people


def _is_even(person: str) -> bool:
    return int(hashlib.sha256(person.encode()).hexdigest(), 16) % 2 == 0


def _half(lfw: Scanned, *, even: bool) -> Half:
    """Return the central face of each photo, as `bench lfw` chooses it."""
    rows = read_truth(lfw.folder)
    boxes: dict[object, list[tuple[FaceId, Box]]] = {}
    for face in lfw.facesort.faces():
        boxes.setdefault(face.photo, []).append((face.id, face.box))
    photos = {
        row.photo: DetectedPhoto(LFW_PIXELS, LFW_PIXELS, boxes.get(row.photo, [])) for row in rows
    }
    matrix = lfw.facesort.vectors(lfw.model_key)
    position = {face: row for row, face in enumerate(matrix.face_ids)}
    chosen = [
        (position[face], row.person)
        for row, face in zip(rows, match_faces(rows, photos), strict=True)
        if face is not None and _is_even(row.person) == even
    ]
    return Half(matrix.vectors[[row for row, _ in chosen]], [person for _, person in chosen])


@pytest.fixture(scope="module")
def even(lfw: Scanned) -> Half:
    """The people that the card is fitted on."""
    return _half(lfw, even=True)


@pytest.fixture(scope="module")
def odd(lfw: Scanned) -> Half:
    """The people that it is checked on."""
    return _half(lfw, even=False)


@pytest.fixture(scope="module")
def shipped() -> ImpostorFit:
    """What the card says."""
    from facesort.evaluation.calibration import ImpostorFit

    table = card("sface").calibration
    return ImpostorFit(
        *(float(str(table[n])) for n in ("impostor_mean", "person_variance", "face_variance"))
    )


def test_the_halves_share_nobody(even, odd):
    assert not set(even.people) & set(odd.people)
    assert len(set(even.people)) > 1300
    assert len(set(odd.people)) > 1300


def test_the_card_says_what_its_own_half_of_the_people_gives(even, shipped):
    fitted = fit_impostors(even.vectors, even.people)
    # Far below what matters: together they move no threshold by .01.
    assert fitted.mean == pytest.approx(shipped.mean, abs=0.001)
    assert fitted.person_variance == pytest.approx(shipped.person_variance, abs=0.0001)
    assert fitted.face_variance == pytest.approx(shipped.face_variance, abs=0.0001)


def test_the_card_predicts_how_alike_other_people_look(odd, shipped):
    tails = impostor_tails(odd.vectors, odd.people)
    assert {(tail.faces, tail.rate) for tail in tails} >= {
        (1, 1e-2), (1, 1e-3), (1, 1e-4), (2, 1e-2), (2, 1e-3), (3, 1e-2), (3, 1e-3), (5, 1e-2),
    }  # fmt: skip
    errors = np.array([t.cosine - shipped.cosine_at(t.rate, faces=t.faces) for t in tails])
    assert np.abs(errors).max() < 0.01
