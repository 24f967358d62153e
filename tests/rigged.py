"""A world in which it is known whether learning helps: painted people, and junk that can be told.

A person is a hue. The embedder gives each hue a direction, and whatever is dark, noisy or partly
covered one direction for everybody: junk. Whether learning helps depends on the quality. Where
junk passes for the best of faces, the plain coreset takes it first, and a network can learn not to;
where it is known for what it is, the plain coreset makes no mistake: nothing is left to learn.
"""

from __future__ import annotations

import colorsys
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from tests.fakes import FakeModels, SquareEmbedder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.config import Settings
    from facesort.inference.card import ModelCard
    from facesort.protocols import Progress, Vectors
    from facesort.registry import Models

__all__ = ["JunkBlind", "RiggedModels", "paint_people"]

_HUES = 96
_DIMENSION = 128
_MOST_SPREAD = 40  # of brightness in a crop that shows a plain square


def paint_people(folder: Path, people: int, photos: int) -> Path:
    """Write FOLDER/pNN/M.png: so many photos of so many people."""
    for person in range(people):
        mine = folder / f"p{person:02d}"
        mine.mkdir(parents=True)
        red, green, blue = colorsys.hsv_to_rgb(person / _HUES, 0.9, 0.9)
        for number in range(photos):
            picture = Image.new("RGB", (96, 64), (128, 128, 128))
            draw = ImageDraw.Draw(picture)
            draw.point((number, 1), fill=(200, 200, 200))  # no two photos are one picture
            draw.point((person % 90, 2), fill=(60, 60, 60))
            fill = tuple(round(255 * channel) for channel in (red, green, blue))
            draw.rectangle([20, 10, 67, 57], fill=fill)
            written = io.BytesIO()
            picture.save(written, format="PNG")
            (mine / f"{number}.png").write_bytes(written.getvalue())
    return folder


class RiggedEmbedder(SquareEmbedder):
    """Knows plain squares by their hue and calls all else junk.

    Args:
        model_key: as on the card.
        junk_length: of the vector of junk before scaling; a plain square's is 12.
    """

    def __init__(self, model_key: str, junk_length: float) -> None:
        super().__init__(model_key)
        self._junk_length = junk_length
        rng = np.random.default_rng(1)
        self._people = rng.standard_normal((_HUES, _DIMENSION))
        self._junk = 12 * rng.standard_normal(_DIMENSION) / _DIMENSION**0.5

    def embed(self, crops: NDArray[np.uint8]) -> tuple[Vectors, NDArray[np.float32]]:
        """Map (n, 112, 112, 3) crops to (n, 128) unit vectors and their lengths."""
        found = [self._one(crop) for crop in crops]
        vectors = np.stack([vector for vector, _ in found])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors.astype(np.float32), np.array([n for _, n in found], dtype=np.float32)

    def _one(self, crop: NDArray[np.uint8]) -> tuple[NDArray[np.float64], float]:
        middle = crop[20:92, 20:92].astype(np.float64)
        colour = middle.mean(axis=(0, 1))
        noise = np.random.default_rng(int(middle.sum())).standard_normal(_DIMENSION)
        if colour.max() < 150 or middle.std(axis=(0, 1)).max() > _MOST_SPREAD / 2:
            return self._junk + 0.02 * noise, self._junk_length
        hue = colorsys.rgb_to_hsv(*(colour / 255))[0]
        person = self._people[round(hue * _HUES) % _HUES] / _DIMENSION**0.5
        return person + 0.25 * noise / _DIMENSION**0.5, 12.0


class JunkBlind:
    """An aggregator that leaves out all junk, and turns what is left away from where it was.

    Whatever the angle, it tells sets apart equally well: all its vectors are turned alike.

    Args:
        angle: radians between a vector and what is made of it.
    """

    name = "learned"

    def __init__(self, angle: float) -> None:
        embedder = RiggedEmbedder("", 12.0)
        self._junk = embedder._junk / np.linalg.norm(embedder._junk)
        self._angle = angle

    def aggregate(self, vectors: Vectors, quality: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (d,) unit vector of n > 0 faces."""
        good = vectors[vectors @ self._junk < 0.7]
        mean = (good if len(good) else vectors).mean(axis=0)
        half = len(mean) // 2
        across = np.concatenate([-mean[half:], mean[:half]])  # as long, and at right angles
        made = np.cos(self._angle) * mean + np.sin(self._angle) * across
        return np.asarray(made / np.linalg.norm(made), dtype=np.float32)


class RiggedModels(FakeModels):
    """Hands out the rigged embedder.

    Args:
        junk_length: see `RiggedEmbedder`.
    """

    def __init__(self, junk_length: float) -> None:
        super().__init__()
        self._junk_length = junk_length

    def load_models(
        self, settings: Settings, cards: tuple[ModelCard, ModelCard], progress: Progress
    ) -> Models:
        """Stand in for `registry.load_models`."""
        models = super().load_models(settings, cards, progress)
        return models._replace(embedder=RiggedEmbedder(cards[1].model_key, self._junk_length))
