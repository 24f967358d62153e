"""What the quality of a face is worth, on people and photos that its table was not made with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.evaluation.quality import QualityTest
from facesort.registry import quality_of
from tests.benchmarks.burst_quality import is_good, photos_under, scan_bursts, share_first
from tests.benchmarks.labelled import is_even, read_labelled
from tests.bursts import GROUPS
from tests.weights import card

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from facesort.evaluation.quality import JudgedQuality
    from tests.benchmarks.burst_quality import Burst
    from tests.watched import Scanned

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]

# Photos of so many people of LFW; of the albums every so many.
_PEOPLE, _EVERY = 40, 2


class Judged:
    """The quality of the shipped card beside the length of the embedding alone."""

    def __init__(self, lfw: Scanned) -> None:
        faces = read_labelled(lfw.facesort, lfw.model_key, lfw.folder)
        seen: dict[str, Mapping[str, float]] = {}
        for text in lfw.facesort.run("faces").stdout.splitlines():
            line = json.loads(text)
            seen[line["face"]] = line["measures"]
        odd = faces.named(even=False)
        measures = [seen[face] for face in odd.ids]
        score = quality_of(card("sface")).score
        self.quality = np.array([score(one) for one in measures])
        self.stored = odd.qualities
        norms = np.array([one["norm"] for one in measures])
        test = QualityTest(odd.vectors, odd.people.tolist(), odd.stems.tolist())
        self.own: JudgedQuality = test.judge(self.quality)
        self.more_than_norm: JudgedQuality = test.compare(self.quality, norms)


@pytest.fixture(scope="module")
def odd(lfw: Scanned) -> Judged:
    """The people that the card is checked on."""
    return Judged(lfw)


def test_the_stored_quality_is_that_of_the_card_s_table(odd):
    # The command prints four digits.
    assert np.abs(odd.stored - odd.quality).max() < 0.0002


def test_the_better_a_face_the_more_it_is_like_the_other_photos_of_the_person(odd):
    assert odd.own.pooled.value > 0.6
    assert odd.own.within.value > 0.45


def test_nothing_is_lost_beside_the_length_alone_and_faces_of_one_person_are_ordered_better(odd):
    assert odd.more_than_norm.pooled.low > -0.02
    assert odd.more_than_norm.within.low > 0.0


def test_without_the_poorest_tenth_hardly_a_pair_is_missed(odd):
    everybody, without = odd.own.missed[0].value, odd.own.missed[2].value
    assert everybody > 0.002
    assert without < everybody / 5


def test_hardly_a_press_photo_is_too_poor_to_start_a_person(odd):
    least = float(str(card("sface").quality["min_quality"]))
    assert float(np.mean(odd.quality < least)) < 0.005


# Bursts


def _press_photos(folder: Path) -> list[Path]:
    """Return the first photo of people that the table was not made with."""
    people = sorted(path for path in folder.iterdir() if path.is_dir() and not is_even(path.name))
    return [min(path.iterdir()) for path in people[:: len(people) // _PEOPLE]]


@pytest.fixture(scope="module", params=["press photos", "albums"])
def bursts(
    request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Burst]:
    """Bursts of photos that leave nothing to complain of; a minute."""
    chosen: dict[str, Callable[[], list[Path]]] = {
        "press photos": lambda: _press_photos(data / "lfw" / "images"),
        "albums": lambda: photos_under(data / "albums", every=_EVERY),
    }
    work = tmp_path_factory.mktemp("bursts").resolve()
    return [burst for burst in scan_bursts(chosen[request.param](), work) if is_good(burst)]


def test_of_a_burst_the_sharp_open_frontal_frame_is_the_best(bursts):
    assert len(bursts) > 12
    quality = quality_of(card("sface"))
    first = {name: share_first(bursts, group, quality) for name, group in GROUPS.items()}
    assert float(np.mean(list(first.values()))) >= 0.95, first
    assert min(first.values()) >= 0.9, first
