"""Makes the photo folders that speed and memory are measured on, from a folder of other photos.

    python -m tests.benchmarks.photos camera SOURCE DEST --count 1000
    python -m tests.benchmarks.photos big SOURCE DEST --count 200
    python -m tests.benchmarks.photos small SOURCE DEST --count 50000

`camera`: crops of the source photos, enlarged to what cameras write (12 to 50 megapixels, 3:2 and
4:3, upright and turned), with grain, so that they hold as many bits a pixel as camera files do, and
EXIF. `big`: the same with 50 megapixels each, and one photo of 100. `small`: crops at the source's
own size. Every file has content of its own and is the same in every run. Where the source folder
has a truth.csv with boxes, `camera` and `big` write one for what they made.

Nothing that is made belongs into the repository.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import sys
import time
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from facesort.domain import Box
from facesort.evaluation.truth import read_truth
from facesort.imaging.formats import skip_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from facesort.protocols import Image as Pixels

__all__ = [
    "CAMERAS",
    "Camera",
    "Made",
    "find_photos",
    "make",
    "make_camera_photo",
    "make_small_photo",
    "synthetic_jpeg",
]

_FILES_PER_FOLDER = 1000
_GRAIN = 4.0  # standard deviation, of 256 levels
_SMALLEST_BOX_SHARE = 0.6  # of a truth box that must lie inside the crop, or the box is dropped


@dataclass(frozen=True, slots=True)
class Camera:
    """What a kind of camera writes: long and short side, JPEG quality and chroma sampling."""

    model: str
    long_side: int
    short_side: int
    quality: int
    sampling: int


_PHONE, _BODY = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422

# Sizes of sensors on sale, phones in 4:3 with 4:2:0 and bodies in 3:2 with 4:2:2; repeated as often
# as they should occur. 25 megapixels on average.
CAMERAS = (
    Camera("Phone 12", 4000, 3000, 94, _PHONE),
    Camera("Body 24", 6000, 4000, 95, _BODY),
    Camera("Body 20", 5472, 3648, 95, _BODY),
    Camera("Body 24", 6000, 4000, 95, _BODY),
    Camera("Phone 12", 4000, 3000, 94, _PHONE),
    Camera("Body 33", 7008, 4672, 95, _BODY),
    Camera("Body 24", 6000, 4000, 95, _BODY),
    Camera("Body 20", 5472, 3648, 95, _BODY),
    Camera("Body 45", 8192, 5464, 95, _BODY),
    Camera("Phone 50", 8160, 6120, 94, _PHONE),
)
_BIG = Camera("Body 50", 8688, 5792, 95, _BODY)
_HUGE = Camera("Medium 100", 11648, 8736, 95, _BODY)


class Made(NamedTuple):
    """One photo that was made: its path relative to the folder, size, bytes, and truth in it."""

    path: str
    width: int
    height: int
    bytes: int
    boxes: list[tuple[Box, str]]


def find_photos(folder: Path) -> list[Path]:
    """Return the photos below a folder, by path."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and skip_reason(p.name) is None)


def make_camera_photo(
    index: int, *, sources: Sequence[Path], dest: Path, cameras: Sequence[Camera] = CAMERAS
) -> Made:
    """Write photo number `index`: a crop of a source photo at a camera's size."""
    rng = np.random.default_rng([20261122, index])
    source = sources[index % len(sources)]
    camera = cameras[(index + index // len(sources)) % len(cameras)]
    picture = _opened(source)
    height, width = picture.shape[:2]
    wide, high = (
        (camera.long_side, camera.short_side)
        if width >= height
        else (camera.short_side, camera.long_side)
    )
    share = 1.0 if index < len(sources) else rng.uniform(0.7, 1.0)
    scale = share * min(width / wide, height / high)
    crop_width, crop_height = max(1, round(wide * scale)), max(1, round(high * scale))
    left = int(rng.integers(width - crop_width + 1))
    top = int(rng.integers(height - crop_height + 1))
    piece = picture[top : top + crop_height, left : left + crop_width]
    method = cv2.INTER_LANCZOS4 if scale < 1 else cv2.INTER_AREA
    photo = _grainy(cv2.resize(piece, (wide, high), interpolation=method).astype(np.uint8), rng)
    orientation = 1
    if high > wide and index % 2:  # a camera held upright writes a turned raster
        orientation, photo = 6, cv2.rotate(photo, cv2.ROTATE_90_COUNTERCLOCKWISE).astype(np.uint8)
    data = _with_exif(_encoded(photo, camera.quality, camera.sampling), camera, index, orientation)
    path = _path_of(index)
    _write(dest / path, data)
    boxes = [
        (moved, person)
        for box, person in _truth_of(source.parent).get(source, ())
        if (moved := _moved(box, left, top, wide / crop_width, (wide, high))) is not None
    ]
    return Made(path, wide, high, len(data), boxes)


def make_small_photo(index: int, *, sources: Sequence[Path], dest: Path) -> Made:
    """Write photo number `index`: most of a source photo, at its own size, encoded anew."""
    rng = np.random.default_rng([19951016, index])
    picture = _opened(sources[index % len(sources)])
    height, width = picture.shape[:2]
    cut = rng.integers(0, max(1, min(width, height) // 10), size=4)
    piece = picture[cut[0] : height - cut[1], cut[2] : width - cut[3]]
    lighter = cv2.convertScaleAbs(piece, alpha=rng.uniform(0.9, 1.1), beta=rng.uniform(-8, 8))
    data = _encoded(lighter.astype(np.uint8), int(rng.integers(82, 96)), _PHONE)
    path = _path_of(index)
    _write(dest / path, data)
    return Made(path, piece.shape[1], piece.shape[0], len(data), [])


def synthetic_jpeg(camera: Camera, *, seed: int = 0) -> bytes:
    """Return what a camera might write of nothing in particular: soft colours, with grain."""
    rng = np.random.default_rng(seed)
    small = rng.integers(40, 216, (12, 18, 3), dtype=np.uint8)
    size = (camera.long_side, camera.short_side)
    soft = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    return _with_exif(
        _encoded(_grainy(soft, rng), camera.quality, camera.sampling), camera, seed, 1
    )


def make(one: Callable[[int], Made], indices: Iterable[int], *, processes: int) -> list[Made]:
    """Make photos in several processes; those that one process makes need not be picklable."""
    if processes == 1:
        return [one(index) for index in indices]
    # Not forked: OpenCV's threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(processes, initializer=_one_thread) as pool:
        return list(pool.imap(one, indices, chunksize=4))


def _one_thread() -> None:
    cv2.setNumThreads(1)


def _opened(path: Path) -> Pixels:
    """Return a photo upright in BGR."""
    with Image.open(path) as image:
        rgb = ImageOps.exif_transpose(image).convert("RGB")
    return np.ascontiguousarray(np.asarray(rgb)[:, :, ::-1])


def _grainy(photo: Pixels, rng: np.random.Generator) -> Pixels:
    """Add what a sensor's noise leaves after a camera's own processing.

    Smooth enlargements would be decoded faster than camera files: with this grain they hold 2.5 to
    5 bits a pixel, as those do.
    """
    height, width = photo.shape[:2]
    tile = _grain()
    top, left = (int(n) for n in rng.integers(0, min(tile.shape[:2]), size=2))
    grain = cv2.copyMakeBorder(tile, 0, height, 0, width, cv2.BORDER_WRAP)
    grain = grain[top : top + height, left : left + width]
    return cv2.addWeighted(photo, 1.0, grain, 1.0, -128.0).astype(np.uint8, copy=False)


@cache
def _grain() -> Pixels:
    rng = np.random.default_rng(7)
    white = rng.normal(0.0, 1.0, (2048, 2048, 3)).astype(np.float32)
    white = 0.8 * white.mean(axis=2, keepdims=True) * np.sqrt(3) + 0.4 * white  # mostly brightness
    soft = cv2.GaussianBlur(white, (0, 0), 0.6)
    soft *= _GRAIN / soft.std()
    grain: Pixels = np.clip(np.rint(soft + 128), 0, 255).astype(np.uint8)
    return grain


def _encoded(picture: Pixels, quality: int, sampling: int) -> bytes:
    done, data = cv2.imencode(
        ".jpg",
        picture,
        [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling],
    )
    if not done:
        raise ValueError("OpenCV could not encode the picture")
    return data.tobytes()


def _with_exif(jpeg: bytes, camera: Camera, index: int, orientation: int) -> bytes:
    day, second = divmod(index * 37, 36_000)
    clock = time.strftime("%H:%M:%S", time.gmtime(28_800 + second))
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Facesort", camera.model
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = (
        f"2026:{1 + day // 28 % 12:02}:{1 + day % 28:02} {clock}"
    )
    block = exif.tobytes()
    block = b"Exif\0\0" + block.removeprefix(b"Exif\0\0")
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


def _path_of(index: int) -> str:
    return f"{index // _FILES_PER_FOLDER:03}/{index:06}.jpg"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@cache
def _truth_of(folder: Path) -> dict[Path, list[tuple[Box, str]]]:
    truth: dict[Path, list[tuple[Box, str]]] = {}
    if (folder / "truth.csv").is_file():
        for row in read_truth(folder / "truth.csv"):
            if row.box is not None:
                truth.setdefault(row.photo, []).append((row.box, row.person))
    return truth


def _moved(box: Box, left: int, top: int, scale: float, size: tuple[int, int]) -> Box | None:
    sides = [
        (box.left - left) * scale,
        (box.top - top) * scale,
        (box.right - left) * scale,
        (box.bottom - top) * scale,
    ]
    inside = Box(
        max(0.0, sides[0]), max(0.0, sides[1]), min(size[0], sides[2]), min(size[1], sides[3])
    )
    if inside.right <= inside.left or inside.bottom <= inside.top:
        return None
    whole = (sides[2] - sides[0]) * (sides[3] - sides[1])
    return inside if inside.area >= _SMALLEST_BOX_SHARE * whole else None


def _write_truth(dest: Path, made: Iterable[Made]) -> int:
    rows = [(photo.path, *_corners(box), person) for photo in made for box, person in photo.boxes]
    if rows:
        with (dest / "truth.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["photo", "left", "top", "right", "bottom", "person"])
            writer.writerows(rows)
    return len(rows)


def _corners(box: Box) -> tuple[int, int, int, int]:
    return (round(box.left), round(box.top), round(box.right), round(box.bottom))


def main(arguments: Sequence[str] | None = None) -> None:
    """Make what the command line says."""
    parser = argparse.ArgumentParser(description="Make photos to measure with.")
    parser.add_argument("kind", choices=["camera", "big", "small"])
    parser.add_argument("source", type=Path)
    parser.add_argument("dest", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    sources = find_photos(given.source.resolve())
    if not sources:
        parser.error(f"there are no photos below {given.source}")
    started = time.perf_counter()
    if given.kind == "small":
        one: Callable[[int], Made] = partial(make_small_photo, sources=sources, dest=given.dest)
    else:
        cameras = CAMERAS if given.kind == "camera" else (_BIG,)
        one = partial(make_camera_photo, sources=sources, dest=given.dest, cameras=cameras)
    made = make(one, range(given.count), processes=given.processes)
    if given.kind == "big":
        huge = partial(make_camera_photo, sources=sources, dest=given.dest, cameras=(_HUGE,))
        made += make(huge, [given.count], processes=1)
    rows = _write_truth(given.dest, made)
    pixels = sum(photo.width * photo.height for photo in made)
    size = sum(photo.bytes for photo in made)
    sys.stdout.write(
        f"{len(made)} photos, {pixels / 1e6:.0f} megapixels, {size / 1e9:.2f} GB, "
        f"{size * 8 / pixels:.2f} bits a pixel, {rows} truth boxes, "
        f"{time.perf_counter() - started:.0f} s\n"
    )


if __name__ == "__main__":
    main()
