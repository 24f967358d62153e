"""How much is decoded at a time; what is found in it is told in test_multiscale."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from PIL import Image

from facesort.imaging.decode import open_photo
from facesort.vision import look as module
from facesort.vision.look import Look, Looker
from facesort.workers import StageTimes
from tests.fakes import COLOURS, SquareDetector

WIDTH, HEIGHT = 3200, 2400


class Decoder:
    """Decodes photos, and gives each time for another one to join in.

    Args:
        watched: whether a decoding of that longer side counts.
    """

    def __init__(self, watched) -> None:
        self.decoded = 0
        self.most_at_once = 0
        self._watched = watched
        self._now = 0
        self._changed = threading.Condition()

    def __call__(self, data: bytes, *, name: str, max_megapixels: float, long_side: int | None):
        if self._watched(long_side):
            with self._changed:
                self.decoded += 1
                self._now += 1
                self.most_at_once = max(self.most_at_once, self._now)
                self._changed.notify_all()
                self._changed.wait_for(lambda: self.most_at_once > 1, timeout=0.5)
        try:
            return open_photo(data, name=name, max_megapixels=max_megapixels, long_side=long_side)
        finally:
            if self._watched(long_side):
                with self._changed:
                    self._now -= 1


def photo(face_pixels: int) -> bytes:
    picture = Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128))
    picture.paste(COLOURS["anna"], (1600, 1200, 1600 + face_pixels, 1200 + face_pixels))
    written = BytesIO()
    picture.save(written, "JPEG", quality=95)
    return written.getvalue()


def look_at_two(data: bytes) -> list[Look]:
    looker = Looker(
        SquareDetector(),
        crop_size=112,
        trusted_pixels=300,
        min_score=0.6,
        min_face=24,
        max_megapixels=300,
        times=StageTimes(),
    )
    header = looker.peek(data, name="a")
    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(looker.look, data, header, name="a", wanted=lambda: True) for _ in range(2)
        ]
    return [one.result() for one in both]


@pytest.mark.parametrize(("photos", "at_once"), [(0.5, 1), (1.5, 1), (2.5, 2), (100, 2)])
def test_photos_are_decoded_together_only_as_far_as_memory_allows(monkeypatch, photos, at_once):
    data = photo(400)
    looked_at = open_photo(data, name="a", max_megapixels=300, long_side=1920).raster.size
    held = looked_at[0] * looked_at[1] * 4 + len(data)
    decoder = Decoder(lambda _: True)
    monkeypatch.setattr(module, "DECODED_BYTES", round(photos * held))
    monkeypatch.setattr(module, "open_photo", decoder)
    assert [len(look.faces) for look in look_at_two(data)] == [1, 1]
    assert (decoder.decoded, decoder.most_at_once) == (2, at_once)


@pytest.mark.parametrize(("photos", "at_once"), [(1.5, 1), (2.5, 2)])
def test_what_is_decoded_again_in_full_is_held_too(monkeypatch, photos, at_once):
    data = photo(30)
    held = WIDTH * HEIGHT * 4 + len(data)
    # The first look, at fewer pixels, is not what waits.
    decoder = Decoder(lambda side: side is None or side >= WIDTH)
    monkeypatch.setattr(module, "DECODED_BYTES", round(photos * held))
    monkeypatch.setattr(module, "open_photo", decoder)
    assert [len(look.faces) for look in look_at_two(data)] == [1, 1]
    assert (decoder.decoded, decoder.most_at_once) == (2, at_once)
