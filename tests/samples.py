"""The sample album for tests: real photos of five people, or a visible skip with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.sample_album import SampleAlbum, SamplePhoto, SamplesUnavailable, gather

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SampleAlbum", "SamplePhoto", "album_or_skip"]


def album_or_skip(dest: Path, *, variations: bool = True) -> SampleAlbum:
    """Lay the sample album out in `dest`; skip the test where the photos cannot be had."""
    try:
        return gather(dest, variations=variations)
    except SamplesUnavailable as reason:
        pytest.skip(f"no sample photos: {reason}")
