"""Camera-size photos with known faces, put together from a folder of ordinary ones. Seeded.

Faces are cut out of the folder's photos with their surroundings, brought to the wanted size and
laid onto face-free pieces of the same photos at their own resolution, so that the background has
the detail of a photo. Nothing of it is meant to look real; a detector sees faces and texture.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from facesort.domain import Box
from facesort.imaging.decode import open_photo, read_file
from facesort.vision.look import Looker
from facesort.workers import StageTimes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from facesort.protocols import Detector

__all__ = ["KINDS", "SIZES", "Scene", "Sources", "draw", "gather"]

# Megapixels to long and short side: what cameras make.
SIZES = {12: (4000, 3000), 24: (6000, 4000), 50: (8192, 6144)}

# Kind to (number of faces, their shorter sides in pixels), several groups of faces in a photo.
KINDS: dict[str, tuple[tuple[tuple[int, int], tuple[float, float]], ...]] = {
    "group": (((20, 60), (24, 400)),),
    "crowd": (((60, 150), (24, 60)),),
    "bystanders": (((1, 2), (600, 1200)), ((3, 8), (24, 40))),
    "hikers": (((1, 3), (24, 40)),),
    "portrait": (((1, 2), (500, 1500)),),
    "landscape": (),
}

_SURE_SCORE, _FAINT_SCORE = 0.8, 0.3
_CELL_PIXELS = 640
_MARGIN = 0.8  # around a face, in face sizes


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A face with its surroundings; the box is in pixels of the picture."""

    picture: Image.Image
    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Faces, and pieces of photos without any."""

    faces: tuple[Patch, ...]
    grounds: tuple[Image.Image, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photo file and the boxes of the faces that were laid into it."""

    name: str
    jpeg: bytes
    boxes: tuple[Box, ...]


def gather(paths: Iterable[Path], detector: Detector) -> Sources:
    """Cut faces and face-free pieces out of photos.

    Args:
        paths: of photos.
        detector: finds faint faces too, so that the pieces have none.
    """
    faces: list[Patch] = []
    grounds: list[Image.Image] = []
    looker = Looker(
        detector,
        crop_size=112,
        trusted_pixels=300,
        min_score=_FAINT_SCORE,
        min_face=8,
        max_megapixels=300,
        times=StageTimes(),
    )
    for path in paths:
        photo = open_photo(read_file(path), name=str(path), max_megapixels=300)
        size = photo.upright_size
        found = looker.look_at(photo).faces
        picture = Image.fromarray(photo.scaled(max(size)))
        faces += [
            _patch(picture, face.box)
            for face in found
            if face.score >= _SURE_SCORE and face.box.shorter_side >= 60
        ]
        for left in range(0, size[0] - 300, _CELL_PIXELS):
            for top in range(0, size[1] - 300, _CELL_PIXELS):
                cell = Box(
                    left, top, min(left + _CELL_PIXELS, size[0]), min(top + _CELL_PIXELS, size[1])
                )
                if all(cell.overlap(face.box) == 0 for face in found):
                    grounds.append(picture.crop(_corners(cell)))
    return Sources(tuple(faces), tuple(grounds))


def _patch(picture: Image.Image, face: Box) -> Patch:
    dx, dy = face.width * _MARGIN, face.height * _MARGIN
    left, top = max(0, round(face.left - dx)), max(0, round(face.top - dy))
    right = min(picture.width, round(face.right + dx))
    bottom = min(picture.height, round(face.bottom + dy))
    box = Box(face.left - left, face.top - top, face.right - left, face.bottom - top)
    return Patch(picture.crop((left, top, right, bottom)), box)


def _corners(box: Box) -> tuple[int, int, int, int]:
    return round(box.left), round(box.top), round(box.right), round(box.bottom)


def draw(sources: Sources, kind: str, megapixels: int, seed: int) -> Scene:
    """Make one photo.

    Args:
        sources: what it is made of.
        kind: of `KINDS`.
        megapixels: of `SIZES`.
        seed: the same seed gives the same photo.
    """
    rng = np.random.default_rng([seed, megapixels, sorted(KINDS).index(kind)])
    size = SIZES[megapixels]
    if rng.random() < 0.3:
        size = size[::-1]
    canvas = _background(sources.grounds, size, rng)
    boxes: list[Box] = []
    for (fewest, most), (smallest, largest) in KINDS[kind]:
        for _ in range(int(rng.integers(fewest, most + 1))):
            side = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
            patch = sources.faces[int(rng.integers(len(sources.faces)))]
            box = _lay(canvas, patch, side, boxes, rng)
            if box is not None:
                boxes.append(box)
    file = BytesIO()
    canvas.save(file, "JPEG", quality=90)
    return Scene(f"{kind}-{megapixels}-{seed}", file.getvalue(), tuple(boxes))


def _background(
    grounds: tuple[Image.Image, ...], size: tuple[int, int], rng: np.random.Generator
) -> Image.Image:
    canvas = Image.new("RGB", size)
    few = [grounds[int(rng.integers(len(grounds)))] for _ in range(12)]  # one place, not a museum
    step = _CELL_PIXELS
    for top in range(0, size[1], step):
        for left in range(0, size[0], step):
            cell = few[int(rng.integers(len(few)))]
            if rng.random() < 0.5:
                cell = cell.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            # Mirrored beyond its edge: a photo has no seams.
            pixels = np.asarray(cell)
            rows, columns = step - pixels.shape[0], step - pixels.shape[1]
            pixels = np.pad(pixels, ((0, rows), (0, columns), (0, 0)), mode="symmetric")
            canvas.paste(Image.fromarray(pixels), (left, top))
    return canvas


def _lay(
    canvas: Image.Image, patch: Patch, side: float, taken: list[Box], rng: np.random.Generator
) -> Box | None:
    """Lay a face where there is room; None where a few tries found none."""
    scale = side / patch.box.shorter_side
    width = max(1, round(patch.picture.width * scale))
    height = max(1, round(patch.picture.height * scale))
    if width >= canvas.width or height >= canvas.height:
        return None
    for _ in range(30):
        left = int(rng.integers(canvas.width - width))
        top = int(rng.integers(canvas.height - height))
        area = Box(left, top, left + width, top + height)
        if all(area.overlap(_grown(box)) == 0 for box in taken):
            break
    else:
        return None
    picture = patch.picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    canvas.paste(picture, (left, top), _soft_edge(width, height))
    box = patch.box
    return Box(
        left + box.left * scale,
        top + box.top * scale,
        left + box.right * scale,
        top + box.bottom * scale,
    )


def _grown(box: Box) -> Box:
    dx, dy = box.width * _MARGIN / 2, box.height * _MARGIN / 2
    return Box(box.left - dx, box.top - dy, box.right + dx, box.bottom + dy)


def _soft_edge(width: int, height: int) -> Image.Image:
    """A mask that fades towards the border of a patch."""
    border = max(1, min(width, height) // 12)
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).rectangle((border, border, width - border - 1, height - border - 1), 255)
    return mask.filter(ImageFilter.BoxBlur(border / 2))
