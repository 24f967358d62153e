"""Makes bad copies of good photos: small, blurred, badly compressed, dark.

    python -m tests.benchmarks.degraded FOLDER DEST

Press photos have hardly a poor face, so that whatever is said of poor ones must be learnt and
checked on copies: the whole photo is spoilt and then goes through detection, alignment and
embedding like any other. What is done to a photo depends on its name only.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "spoil_folder"]

KINDS = ("small", "blurred", "compressed", "dark")

# Of one person; more would only say the same again.
_PHOTOS_EACH = 4


def spoil_folder(folder: Path, dest: Path, *, alone_every: int = 4) -> int:
    """Write a bad copy of some photos of everybody: DEST/PERSON/NAME.png, or .jpg.

    Args:
        folder: FOLDER/PERSON/NAME.jpg.
        dest: created.
        alone_every: of the people with one photo, whose copies only serve as strangers, every so
            many is taken (by hash of the name).

    Returns:
        How many were written.
    """
    written = 0
    for person in sorted(path for path in folder.iterdir() if path.is_dir()):
        photos = sorted(person.glob("*.jpg"))
        if len(photos) == 1 and _draws(person.name)[0] >= 1 / alone_every:
            continue
        for photo in photos[:_PHOTOS_EACH]:
            (dest / person.name).mkdir(parents=True, exist_ok=True)
            _spoil(photo, dest / person.name)
            written += 1
    return written


def _draws(name: str) -> tuple[float, float]:
    """Return two numbers in [0, 1) that depend on the name only."""
    digest = hashlib.sha256(b"spoil " + name.encode()).digest()
    return tuple(int.from_bytes(digest[k : k + 4], "big") / 2**32 for k in (0, 4))  # type: ignore[return-value]  # two


def _spoil(photo: Path, dest: Path) -> None:
    read = cv2.imread(str(photo))
    assert read is not None, photo
    pixels = np.asarray(read, dtype=np.uint8)
    which, much = _draws(photo.name)
    kind = KINDS[int(which * len(KINDS))]
    if kind == "compressed":
        quality = round(12 - 11 * much)
        cv2.imwrite(str(dest / photo.name), pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return
    cv2.imwrite(str(dest / f"{photo.stem}.png"), _spoilt(pixels, kind, much, photo.name))


def _spoilt(pixels: NDArray[np.uint8], kind: str, much: float, name: str) -> NDArray[np.uint8]:
    if kind == "small":  # the face in the middle of an LFW photo is about 90 pixels wide
        side = round(250 * (0.5 - 0.24 * much))
        small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
        # On a larger ground, as a person far away is.
        ground = np.full((480, 640, 3), 128, dtype=np.uint8)
        ground[100 : 100 + side, 200 : 200 + side] = small
        return ground
    if kind == "blurred":
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 2 + 6 * much), dtype=np.uint8)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    noise = np.random.default_rng(seed).normal(0, 4, pixels.shape)
    return np.clip(pixels * (0.2 - 0.17 * much) + noise, 0, 255).astype(np.uint8)


def main() -> None:
    """Parse the command line and write the copies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("dest", type=Path)
    given = parser.parse_args()
    sys.stdout.write(f"{spoil_folder(given.folder, given.dest):,} photos\n")


if __name__ == "__main__":
    main()
