"""How long each step of a scan takes by itself: `make bench` measures, other runs only try it out.

Pictures are made here: soft colours with a camera's grain, at camera sizes.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.catalog import photos as catalog
from facesort.catalog.opening import open_database
from facesort.catalog.photos import NewFace, NewPhoto
from facesort.config import Settings
from facesort.domain import Box, FaceId
from facesort.imaging.align import TEMPLATE, align, source_box
from facesort.imaging.content import content_key
from facesort.imaging.decode import open_photo
from facesort.inference.card_file import load_cards
from facesort.registry import Models, load_models
from tests.benchmarks.photos import CAMERAS, synthetic_jpeg
from tests.fakes import SilentProgress
from tests.weights import real_weights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

    from facesort.catalog.connection import Database
    from facesort.imaging.decode import OpenPhoto
    from facesort.protocols import Image

_CAMERAS = {camera.model: camera for camera in CAMERAS}
_SIZES = ["Phone 12", "Body 24", pytest.param("Phone 50", marks=pytest.mark.slow)]


@cache
def _jpeg(model: str) -> bytes:
    return synthetic_jpeg(_CAMERAS[model])


def _opened(model: str, long_side: int | None) -> OpenPhoto:
    return open_photo(_jpeg(model), name=model, max_megapixels=300, long_side=long_side)


@pytest.mark.benchmark(group="read")
@pytest.mark.parametrize("model", _SIZES)
def test_the_content_key_of_a_camera_photo(benchmark: BenchmarkFixture, model: str) -> None:
    key = benchmark(content_key, _jpeg(model))
    assert key == content_key(_jpeg(model))


@pytest.mark.benchmark(group="decode")
@pytest.mark.parametrize("model", _SIZES)
@pytest.mark.parametrize("long_side", [None, 1920, 480])
def test_decoding_a_camera_photo_for_a_search_at_1920(
    benchmark: BenchmarkFixture, model: str, long_side: int | None
) -> None:
    def picture() -> Image:
        return _opened(model, long_side).scaled(min(long_side or 1920, 1920))

    expected = min(long_side or 1920, 1920)
    assert max(benchmark(picture).shape) == expected


@pytest.fixture(scope="module")
def models(_isolated_session: None) -> Models:
    """The real models on the CPU, skipped visibly without their weights."""
    real_weights("yunet")
    cache_dir = real_weights("sface").parents[1]
    settings = Settings(library=cache_dir, cache_dir=cache_dir, provider="cpu")
    cards = load_cards()
    return load_models(settings, (cards["yunet"], cards["sface"]), SilentProgress())


@pytest.mark.weights
@pytest.mark.benchmark(group="detect")
@pytest.mark.parametrize("size", [(480, 320), (1920, 1280)])
@pytest.mark.parametrize("batch", [1, 4])
def test_detecting_in_pictures(
    benchmark: BenchmarkFixture, models: Models, size: tuple[int, int], batch: int
) -> None:
    picture = _opened("Body 24", None).scaled(max(size))
    found = benchmark(models.detector.detect, [picture] * batch)
    assert len(found) == batch


@pytest.mark.benchmark(group="align")
@pytest.mark.parametrize("face_pixels", [60, 300, 1200])
def test_cutting_a_face_out_of_a_decoded_photo(
    benchmark: BenchmarkFixture, face_pixels: int
) -> None:
    photo = _opened("Body 24", None)
    landmarks = (TEMPLATE * (face_pixels / 112) + 1000).astype(np.float32)

    def crop() -> Image:
        box, pixels = source_box(landmarks)
        cut = photo.crop(box, max(1, round(max(box.width, box.height) / max(1.0, pixels / 2))))
        points = (landmarks - np.array([cut.left, cut.top])) * cut.scale
        return align(cut.pixels, points.astype(np.float32))

    assert benchmark(crop).shape == (112, 112, 3)


@pytest.mark.weights
@pytest.mark.benchmark(group="embed")
@pytest.mark.parametrize("batch", [1, 16, 64])
def test_embedding_crops(benchmark: BenchmarkFixture, models: Models, batch: int) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (batch, 112, 112, 3), dtype=np.uint8)
    vectors, _ = benchmark(models.embedder.embed, crops)
    assert len(vectors) == batch


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Database]:
    """An empty catalog."""
    db = open_database(tmp_path / "library", create=True)
    yield db
    db.close()


@pytest.mark.benchmark(group="store")
def test_storing_64_photos_of_3_faces_in_one_transaction(
    benchmark: BenchmarkFixture, library: Database
) -> None:
    numbers = itertools.count()

    def store() -> None:
        with library.transaction():
            for number in itertools.islice(numbers, 64):
                catalog.store_photo(library, _photo(number))

    benchmark(store)
    assert len(catalog.content_keys(library)) == next(numbers)


def _photo(number: int) -> NewPhoto:
    vectors = np.random.default_rng(number).normal(size=(3, 128)).astype(np.float32)
    faces = tuple(
        NewFace(
            FaceId(f"f{number}-{i}"),
            Box(100 * i, 0, 100 * i + 80, 90),
            TEMPLATE,
            0.9,
            0.8,
            {"norm": 12.0, "pixels": 80.0, "frontal": 0.9, "score": 0.9},
            vector / np.linalg.norm(vector),
        )
        for i, vector in enumerate(vectors)
    )
    key = f"test:{number}"
    return NewPhoto(key, 6000, 4000, "2026-01-01T08:00:00", "Body 24", "yunet", "sface", 24, faces)
