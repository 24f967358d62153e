"""The probabilities of the default embedder's card, on people it was not fitted on."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.evaluation.calibration import fit_one_person, one_person_tails
from facesort.evaluation.probability import fit_evidence
from facesort.grouping.calibration import Calibration
from facesort.grouping.probability import PairEvidence, posterior
from tests.benchmarks.degraded import spoil_folder
from tests.benchmarks.labelled import read_labelled
from tests.benchmarks.reliability import check, pairs_of
from tests.watched import Scanned
from tests.weights import card

if TYPE_CHECKING:
    from facesort.evaluation.calibration import OwnTail
    from facesort.evaluation.probability import FacePairs
    from tests.benchmarks.labelled import Labelled

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]


@pytest.fixture(scope="module")
def faces(lfw: Scanned, tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """The faces of LFW and of bad copies of its photos; a minute or two."""
    folder = tmp_path_factory.mktemp("bad")
    spoil_folder(lfw.folder, folder / "copies")
    bad = Scanned.now((folder / "copies").resolve(), folder / "library")
    return read_labelled(lfw.facesort, lfw.model_key, lfw.folder).and_of(
        read_labelled(bad.facesort, bad.model_key, bad.folder)
    )


@pytest.fixture(scope="module")
def odd(faces: Labelled) -> FacePairs:
    """Pairs among the people that the card is checked on."""
    return pairs_of(faces, even=False)


@pytest.fixture(scope="module")
def shipped() -> Calibration:
    """What the card says."""
    return Calibration.from_card(card("sface").calibration)


@pytest.mark.parametrize("prior", [0.5, 0.1, 0.01])
def test_what_is_said_of_other_people_is_true(odd, shipped, prior):
    judged = check(shipped, odd, prior=prior)
    assert judged.calibration_error <= 0.03
    # Not by saying the same of every pair: that would be 1 bit, .69, at even odds.
    assert judged.log_loss <= 0.15


@pytest.mark.parametrize(("low", "high"), [(0.3, 0.45), (0.45, 0.6), (0.6, 0.8), (0.8, 1.01)])
def test_it_is_true_of_good_faces_and_of_those_that_are_just_good_enough(odd, shipped, low, high):
    some = odd.take((odd.lower >= low) & (odd.lower < high))
    assert int(some.same.sum()) > 100
    assert check(shipped, some).calibration_error <= 0.03


def test_of_faces_too_poor_to_start_a_person_too_much_is_not_said(odd, shipped):
    poor = odd.take(odd.lower < 0.3)
    assert int(poor.same.sum()) > 300
    assert check(shipped, poor).calibration_error <= 0.1


def test_the_card_says_what_its_own_half_of_the_people_gives(faces, odd, shipped):
    fitted = PairEvidence(*astuple(fit_evidence(pairs_of(faces, even=True))))
    here = posterior(fitted.log_ratio(odd.cosine, odd.lower, odd.higher), 0.5)
    there = shipped.probability(odd.cosine, odd.lower, odd.higher)
    assert there is not None
    # Models run in another order on other machines: a hundredth is far below what matters.
    assert np.abs(here - there).max() < 0.05
    assert float(odd.weights() @ np.abs(here - there)) < 0.01


# How little alike one person is


def _own_tails(faces: Labelled, *, even: bool) -> tuple[OwnTail, ...]:
    half = faces.named(even=even)
    good = half.take(half.qualities >= float(str(card("sface").quality["min_quality"])))
    return one_person_tails(good.vectors, good.people.tolist(), good.stems.tolist())


def test_how_unlike_one_person_is_at_worst_is_what_the_card_s_half_gives(faces, shipped):
    fitted = fit_one_person(_own_tails(faces, even=True))
    assert fitted.mean == pytest.approx(shipped.one_person.mean, abs=0.005)
    assert fitted.face_variance == pytest.approx(shipped.one_person.face_variance, abs=0.002)


def test_other_people_in_two_parts_are_hardly_ever_less_alike_than_the_card_allows(faces, shipped):
    tails = [tail for tail in _own_tails(faces, even=False) if tail.faces > 1]
    assert [tail.faces for tail in tails] == [2, 3, 4, 5]
    for tail in tails:
        # Where it decides about merges, at three faces and more, nothing is lost.
        least = float(shipped.one_person.least(tail.faces, tail.faces))
        assert tail.low >= least - (0.02 if tail.faces == 2 else 0.0)
