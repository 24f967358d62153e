"""Models that need no weights: faces are painted squares, and the colour of a square is the person.

The detector finds coloured squares on a grey photo; the embedder turns a square's colour into a
unit vector. Everything between them (decoding, scales, alignment, catalog, grouping) is the real
code, so a test paints who is on a photo and sees what facesort makes of it.
"""

from __future__ import annotations

import contextlib
import io
import sqlite3
import struct
import threading
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from facesort.config import Settings
from facesort.domain import Box
from facesort.imaging.align import TEMPLATE, TEMPLATE_SIZE
from facesort.library import Library
from facesort.registry import Models
from facesort.vision.quality import NormQuality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from facesort.inference.card import ModelCard
    from facesort.protocols import Image as Pixels
    from facesort.protocols import Landmarks, Progress, Vectors

__all__ = [
    "COLOURS",
    "FakeModels",
    "SilentProgress",
    "SquareDetector",
    "SquareEmbedder",
    "dump",
    "fake_settings",
    "jpeg",
    "open_library",
    "paint",
    "painted_quality",
    "png",
    "tagged",
    "with_segment",
]

# Far apart in every channel, so that no decoder, scale or JPEG table makes one look like another.
COLOURS = {
    "anna": (230, 20, 20),
    "bert": (20, 200, 20),
    "cleo": (20, 20, 230),
    "dora": (230, 220, 20),
    "emil": (220, 20, 220),
    "fred": (20, 210, 220),
    "gina": (240, 120, 20),
    "hugo": (110, 20, 170),
}

_FACE_PIXELS = 48
_SATURATED = 60  # the largest minus the smallest channel; the photo around is grey
_DIMENSION = 128


# -- the models ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Square:
    box: Box
    landmarks: Landmarks
    score: float


class SquareDetector:
    """Finds coloured squares.

    Args:
        seconds: how long each picture takes.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.looked = 0
        self._seconds = seconds
        self._lock = threading.Lock()

    def detect(self, images: Sequence[Pixels]) -> list[list[_Square]]:
        """Return the squares of each image, from left to right."""
        with self._lock:
            self.looked += len(images)
        time.sleep(self._seconds)
        return [self._squares(image) for image in images]

    @staticmethod
    def _squares(image: Pixels) -> list[_Square]:
        spread = image.max(axis=2).astype(np.int16) - image.min(axis=2)
        count, _, stats, _ = cv2.connectedComponentsWithStats(
            (spread > _SATURATED).astype(np.uint8)
        )
        found = []
        for left, top, width, height, area in stats[1:count].tolist():
            if area < 64:
                continue  # the fringe that JPEG leaves around a colour
            box = Box(left, top, left + width, top + height)
            # Where the five points lie in a crop, so that the crop is exactly the square.
            scale = np.array([width, height], dtype=np.float32) / TEMPLATE_SIZE
            points = TEMPLATE * scale + np.array([left, top], dtype=np.float32)
            found.append(_Square(box, points.astype(np.float32), 0.95))
        return sorted(found, key=lambda square: square.box)


class SquareEmbedder:
    """Turns the colour of a crop into a vector; other models see other vectors.

    Args:
        model_key: as on the card.
    """

    crop_size = TEMPLATE_SIZE

    def __init__(self, model_key: str) -> None:
        self.model_key = model_key
        self.embedded = 0

    def embed(self, crops: NDArray[np.uint8]) -> tuple[Vectors, NDArray[np.float32]]:
        """Map (n, 112, 112, 3) crops to (n, 128) unit vectors and their lengths."""
        self.embedded += len(crops)
        middle = crops[:, 30:80, 30:80].astype(np.float64).mean(axis=(1, 2))
        vectors = np.stack([self._vector(colour) for colour in middle])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors.astype(np.float32), np.full(len(crops), 12.0, dtype=np.float32)

    def _vector(self, colour: NDArray[np.float64]) -> NDArray[np.float64]:
        palette = np.array(list(COLOURS.values()), dtype=np.float64)
        nearest = int(np.argmin(np.linalg.norm(palette - colour, axis=1)))
        # Two people of this model are about at right angles; two photos of one are at .9 or above.
        seed = zlib.crc32(f"{self.model_key} {nearest}".encode())
        person = np.random.default_rng(seed).standard_normal(_DIMENSION)
        shade = np.random.default_rng(round(float(colour.sum()) * 10)).standard_normal(_DIMENSION)
        mixed: NDArray[np.float64] = person + 0.2 * shade
        return mixed


@dataclass(slots=True)
class FakeModels:
    """Hands out the fakes under the shipped cards, and counts what they did.

    Args:
        seconds: how long the detector takes over a picture.
    """

    seconds: float = 0.0
    detector: SquareDetector = field(init=False)
    loads: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.detector = SquareDetector(self.seconds)

    @property
    def looked(self) -> int:
        """How many pictures the detector was shown."""
        return self.detector.looked

    def load_models(
        self, settings: Settings, cards: tuple[ModelCard, ModelCard], progress: Progress
    ) -> Models:
        """Stand in for `registry.load_models`."""
        self.loads += 1
        detector, embedder = cards
        return Models(
            self.detector,
            SquareEmbedder(embedder.model_key),
            painted_quality(),
            detector,
            embedder,
            "fake",
            "",
            embed_batch=settings.batch_size or 8,
        )


def painted_quality() -> NormQuality:
    """Return what judges painted squares: by the measures of a card they would be no faces."""
    return NormQuality((4.0, 8.0, 15.5), (0.0, 0.3, 1.0))


class SilentProgress:
    """A progress that nobody watches; it remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.totals: dict[str, int | None] = {}

    def start(self, label: str, total: int | None, unit: str = "") -> None:
        """Keep how much there is to do."""
        self.totals[label] = total

    def advance(self, n: int = 1) -> None: ...
    def finish(self) -> None: ...

    def note(self, message: str) -> None:
        """Keep the line."""
        self.notes.append(message)


def fake_settings(library: Path, **changes: Any) -> Settings:
    """Return settings for a library in that folder, with a cache that does not exist."""
    values = {"cache_dir": library.parent / "no-cache", "workers": 2, **changes}
    return Settings(library=library, **values)


def open_library(
    folder: Path,
    models: FakeModels | None = None,
    *,
    create: bool = True,
    progress: Progress | None = None,
    after_commit: Callable[[], None] | None = None,
    **changes: Any,  # settings
) -> Library:
    """Open a library whose models are fakes; `changes` are settings."""
    return Library(
        fake_settings(folder, **changes),
        progress=progress or SilentProgress(),
        create=create,
        load_models=(models or FakeModels()).load_models,
        after_commit=after_commit,
    )


# -- the photos ----------------------------------------------------------------------------------


def paint(
    *people: str, number: int = 0, face: int = _FACE_PIXELS, size: tuple[int, int] = (360, 240)
) -> Image.Image:
    """Paint a photo of these people, side by side.

    Args:
        people: keys of COLOURS.
        number: tells photos of the same people apart; also shades their colours a little.
        face: side of the squares, pixels.
        size: width and height of the photo, pixels.
    """
    picture = Image.new("RGB", size, (128, 128, 128))
    draw = ImageDraw.Draw(picture)
    for bit in range(16):  # the number as grey bars along the upper edge
        shade = 200 if number >> bit & 1 else 60
        draw.rectangle([bit * 20 + 4, 2, bit * 20 + 15, 9], fill=(shade, shade, shade))
    for place, person in enumerate(people):
        left, top = 24 + place * (face + 24), 40
        colour = tuple(channel + number * 7 % 15 - 7 for channel in COLOURS[person])
        draw.rectangle([left, top, left + face - 1, top + face - 1], fill=colour)
    return picture


def png(path: Path, *people: str, number: int = 0, face: int = _FACE_PIXELS) -> Path:
    """Write a painted photo as PNG, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    paint(*people, number=number, face=face).save(path, format="PNG")
    return path


def jpeg(path: Path, *people: str, number: int = 0, face: int = _FACE_PIXELS) -> Path:
    """Write a painted photo as JPEG, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = io.BytesIO()
    paint(*people, number=number, face=face).save(written, format="JPEG", quality=95, subsampling=0)
    path.write_bytes(written.getvalue())
    return path


def with_segment(photo: bytes, marker: int, payload: bytes) -> bytes:
    """Return a JPEG with one more segment behind its start: `0xE1` is APP1, `0xED` APP13."""
    assert photo.startswith(b"\xff\xd8")
    segment = struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
    return photo[:2] + segment + photo[2:]


def tagged(photo: bytes, orientation: int) -> bytes:
    """Return a JPEG with that EXIF orientation; the coded picture stays as it is."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 0)
    return with_segment(photo, 0xE1, b"Exif\x00\x00" + tiff)


# -- what is in a catalog ------------------------------------------------------------------------


def dump(library: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return what a catalog says, without row numbers and times: equal for equal libraries.

    The generation counter is left out too: it says how often something changed, not what is so.
    """
    connection = sqlite3.connect(library / "catalog.db")
    with contextlib.closing(connection):
        return {what: sorted(connection.execute(query), key=repr) for what, query in _DUMP.items()}


_FACE = "a.content_key, a.left, a.top, a.right, a.bottom"
_DUMP = {
    "photos": """SELECT content_key, width, height, taken_at, camera, pipeline, embedder, min_face
        FROM photos""",
    "places": """SELECT r.path, l.path, p.content_key, l.size, l.orientation, l.state, l.reason
        FROM places l JOIN roots r ON r.id = l.root_id LEFT JOIN photos p ON p.id = l.photo_id""",
    "faces": """SELECT f.id, p.content_key, f.left, f.top, f.right, f.bottom, f.landmarks, f.score,
        f.quality, f.measures, f.detector FROM faces f JOIN photos p ON p.id = f.photo_id""",
    "vectors": "SELECT face_id, model, vector FROM vectors",
    "assignments": "SELECT face_id, person_id FROM assignments",
    "people": f"SELECT p.id, {_FACE} FROM people p JOIN anchors a ON a.id = p.anchor_id",
    "decisions": """SELECT d.id, d.verdict, n.text, d.target FROM decisions d
        LEFT JOIN names n ON n.id = d.name_id""",
    "spoken of": f"""SELECT d.decision_id, d.person_id, d.role, {_FACE} FROM decision_faces d
        JOIN anchors a ON a.id = d.anchor_id""",
    "facts": """SELECT key, value FROM meta WHERE key NOT IN
        ('library_id', 'created_at', 'generation', 'grouped_generation')""",
}
