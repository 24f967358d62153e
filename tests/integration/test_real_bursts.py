"""Bursts made of the free sample photos, scanned with the real models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.registry import quality_of
from tests.benchmarks.burst_quality import first_in, is_good, scan_bursts
from tests.bursts import GROUPS
from tests.weights import card, real_weights

if TYPE_CHECKING:
    from tests.benchmarks.burst_quality import Burst
    from tests.samples import SampleAlbum

pytestmark = [pytest.mark.weights, pytest.mark.slow]


@pytest.fixture(scope="module")
def bursts(
    _isolated_session: None, sample_photos: SampleAlbum, tmp_path_factory: pytest.TempPathFactory
) -> list[Burst]:
    """Bursts of the originals that leave nothing to complain of; half a minute."""
    for model in ("yunet", "sface"):
        real_weights(model)
    originals = [sample_photos.file(photo) for photo in sample_photos.photos if photo.is_original]
    work = tmp_path_factory.mktemp("bursts").resolve()
    return [burst for burst in scan_bursts(originals, work) if is_good(burst)]


def test_the_sharp_open_frontal_frame_of_a_burst_is_the_best(bursts):
    assert len(bursts) >= 5
    quality = quality_of(card("sface"))
    first = {
        (burst.name, name): first_in(burst, group, quality)
        for burst in bursts
        for name, group in GROUPS.items()
    }
    lost = [burst for burst, won in first.items() if not won]
    assert float(np.mean(list(first.values()))) >= 0.95, lost


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ("blur 3", "blurred"),
        ("shake 15", "blurred"),
        ("eyes, skin bar 0.15", "eyes hidden or closed"),
        ("mouth, black bar 0.15", "mouth hidden"),
        ("light x 1/4", "dark"),
        ("values x 2", "overexposed"),
    ],
)
def test_what_is_wrong_with_a_frame_is_said(bursts, frame, said):
    reasons = quality_of(card("sface")).reasons
    found = [burst.frames[frame] for burst in bursts if frame in burst.frames]
    assert len(found) >= 4
    assert np.mean([said in reasons(seen) for seen in found]) >= 0.8
    assert not any(said in reasons(burst.photo) for burst in bursts)
