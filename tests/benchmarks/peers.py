"""Times facesort and two peers from the package registry on the same photos, by turns.

    python -m tests.benchmarks.peers PHOTOS --work FOLDER [--rounds 5] [--every 10] [--truth CSV]

The peers are installed into FOLDER, each in a virtual environment of its own: `albumit` (the same
YuNet and SFace weights, laid into its cache so that it downloads nothing) and `face-grouper` (dlib,
as the ready-built dlib-bin). Each round runs every program once as a photographer would, in an
order that moves on by one, on photos that have been read once before; results of earlier rounds are
deleted. Printed are medians, least and most of the wall seconds, CPU seconds, peak memory, the
ratios to facesort, and how many of the truth's boxes were found (intersection over union >= .5).

face-grouper does not say where it found faces: its boxes are those that the same call of the
library under it gives, asked for separately and not timed. It does not turn photos upright, so its
boxes on turned photos miss the truth's.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facesort.config import load_settings
from facesort.domain import Box
from facesort.evaluation.truth import read_truth
from facesort.registry import find_card, pull
from tests.benchmarks.photos import find_photos
from tests.fakes import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MIN_OVERLAP = 0.5

# What face-grouper asks for, but for dlib, whose source takes a quarter of an hour to compile.
# pkg_resources, which face_recognition_models imports, left setuptools with version 82.
_DLIB = (
    "dlib-bin==20.0.1.post1",
    "face_recognition_models==0.3.0",
    "setuptools<81",
    "scikit-learn",
    "click",
    "numpy",
    "rich",
    "pillow",
)
_DLIB_BOXES = """
import json, sys, face_recognition
found = {}
for path in sys.stdin.read().splitlines():
    image = face_recognition.load_image_file(path)
    boxes = face_recognition.face_locations(image, number_of_times_to_upsample=1, model="hog")
    found[path] = [[left, top, right, bottom] for top, right, bottom, left in boxes]
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a program took: seconds, CPU seconds with its children's, peak megabytes."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


class Program:
    """One of the programs that are compared.

    Args:
        name: as the tables call it.
        work: the folder of everything that it installs and writes.
    """

    name = ""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.out = work / "out" / self.name

    def install(self) -> None:
        """Make it ready to run."""

    def command(self, photos: Path) -> list[str]:
        """Return what a photographer would type."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return the environment it runs in."""
        return dict(os.environ)

    def boxes(self, wanted: Sequence[Path]) -> dict[Path, list[Box]]:
        """Return the faces that the last run found on these photos."""
        raise NotImplementedError

    def run(self, photos: Path) -> Run:
        """Run it once on the photos."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        log = self.work / f"{self.name}.log"
        started = time.perf_counter()
        with log.open("wb") as said:
            process = subprocess.Popen(
                self.command(photos),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        code = process.returncode = os.waitstatus_to_exitcode(status)
        if code != 0:
            raise SystemExit(f"{self.name} ended with {code}; see {log}")
        per_mb = 2**20 if sys.platform == "darwin" else 2**10
        return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / per_mb)


class Facesort(Program):
    """This checkout, in the environment that runs this script."""

    name = "facesort"

    def command(self, photos: Path) -> list[str]:
        """Scan, and group, into a new library."""
        return self._facesort("scan", str(photos))

    def boxes(self, wanted: Sequence[Path]) -> dict[Path, list[Box]]:
        """Read them from the library."""
        command = self._facesort("faces", "--format", "jsonl")
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found: dict[Path, list[Box]] = {path: [] for path in wanted}
        for face in map(json.loads, lines.splitlines()):
            found.setdefault(Path(face["photo"]), []).append(Box(*face["box"]))
        return found

    def _facesort(self, *arguments: str) -> list[str]:
        code = "from facesort.cli.app import main; main()"
        return [sys.executable, "-c", code, *arguments, "--library", str(self.out), "--quiet"]


class Albumit(Program):
    """albumit 0.1.0: YuNet at full size and SFace through OpenCV, DBSCAN, crops of every face."""

    name = "albumit"

    def install(self) -> None:
        """Install it, and give it the weights."""
        _environment(self.work / self.name, ["albumit==0.1.0"])
        models = self._home / ".cache" / "albumit" / "models"
        models.mkdir(parents=True, exist_ok=True)
        settings = load_settings({})
        for card, name in (("yunet", "face_detection_yunet"), ("sface", "face_recognition_sface")):
            weights = pull(find_card(card, settings.models_dir), settings, SilentProgress())
            shutil.copy(weights, models / f"{name}.onnx")

    @property
    def _home(self) -> Path:
        return self.work / "home"

    def environment(self) -> dict[str, str]:
        """Have it look for its cache where the weights are."""
        return {**os.environ, "HOME": str(self._home)}

    def command(self, photos: Path) -> list[str]:
        """Scan."""
        program = str(self.work / self.name / "bin" / "albumit")
        return [program, "scan", "--input", str(photos), "--output", str(self.out)]

    def boxes(self, wanted: Sequence[Path]) -> dict[Path, list[Box]]:
        """Read them from its album."""
        album = json.loads((self.out / "album_data.json").read_text(encoding="utf-8"))
        found: dict[Path, list[Box]] = {path: [] for path in wanted}
        for person in album["persons"].values():
            for face in person["faces"]:
                left, top, width, height = face["bbox"]
                box = Box(left, top, left + width, top + height)
                found.setdefault(Path(face["source_path"]), []).append(box)
        return found


class FaceGrouper(Program):
    """face-grouper 0.5.0 with its defaults: dlib's HOG detector and ResNet, DBSCAN."""

    name = "face-grouper"

    def install(self) -> None:
        """Install it."""
        _environment(
            self.work / self.name, _DLIB, bare=["face-recognition==1.3.0", "face-grouper==0.5.0"]
        )

    def command(self, photos: Path) -> list[str]:
        """Group."""
        program = str(self.work / self.name / "bin" / "face-grouper")
        return [program, "group", str(photos), "--output", str(self.out)]

    def boxes(self, wanted: Sequence[Path]) -> dict[Path, list[Box]]:
        """Ask the library under it."""
        answer = subprocess.run(
            [str(self.work / self.name / "bin" / "python"), "-W", "ignore", "-c", _DLIB_BOXES],
            input="\n".join(map(str, wanted)),
            check=True,
            capture_output=True,
            text=True,
        )
        found = json.loads(answer.stdout)
        return {Path(path): [Box(*box) for box in boxes] for path, boxes in found.items()}


def _environment(folder: Path, packages: Sequence[str], *, bare: Sequence[str] = ()) -> None:
    """Make a virtual environment, once.

    Args:
        folder: of the environment.
        packages: installed with what they need.
        bare: installed alone.
    """
    mark = folder / "installed"
    if mark.exists():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
    subprocess.run([*install, *packages], check=True)
    if bare:
        subprocess.run([*install, "--no-deps", *bare], check=True)
    mark.touch()


def count_found(truth: Mapping[Path, list[Box]], boxes: Mapping[Path, list[Box]]) -> int:
    """Count the boxes of the truth that some found box covers well enough."""
    return sum(
        any(box.overlap(other) >= _MIN_OVERLAP for other in boxes.get(path, ()))
        for path, wanted in truth.items()
        for box in wanted
    )


def _truth_of(photos: Path, files: Sequence[Path]) -> dict[Path, list[Box]]:
    """Read every truth.csv with boxes below the folder."""
    truth: dict[Path, list[Box]] = {}
    known = set(files)
    for path in sorted(photos.rglob("truth.csv")):
        for row in read_truth(path):
            if row.box is not None and row.photo in known:
                truth.setdefault(row.photo, []).append(row.box)
    return truth


def copy_every(photos: Path, n: int, dest: Path) -> Path:
    """Copy every n-th photo, and what its truth says, to another folder."""
    shutil.rmtree(dest, ignore_errors=True)
    chosen = find_photos(photos)[::n]
    for path in chosen:
        copy = dest / path.relative_to(photos)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for path in photos.rglob("truth.csv"):
        folder = dest / path.parent.relative_to(photos)
        if folder.is_dir():
            with path.open(encoding="utf-8-sig", newline="") as file:
                header, *rows = csv.reader(file)
            at = header.index("photo")
            with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as file:
                kept = [row for row in rows if (folder / row[at]).is_file()]
                csv.writer(file).writerows([header, *kept])
    return dest


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _report(programs: Sequence[Program], runs: Mapping[str, list[Run]], found: str) -> None:
    base = statistics.median(run.seconds for run in runs["facesort"])
    _say("| | wall s (median) | least - most | CPU s | peak MB | times facesort | per round |")
    _say("|---|--:|---|--:|--:|--:|---|")
    for program in programs:
        mine = runs[program.name]
        seconds = [run.seconds for run in mine]
        ratios = [
            run.seconds / other.seconds for run, other in zip(mine, runs["facesort"], strict=True)
        ]
        _say(
            f"| {program.name} | {statistics.median(seconds):.2f} "
            f"| {min(seconds):.2f} - {max(seconds):.2f} "
            f"| {statistics.median(run.cpu_seconds for run in mine):.2f} "
            f"| {statistics.median(run.peak_mb for run in mine):.0f} "
            f"| {statistics.median(seconds) / base:.2f} "
            f"| {min(ratios):.2f} - {max(ratios):.2f} |"
        )
    _say(found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description="Time facesort and its peers by turns.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder to install and write to")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--every", type=int, default=1, help="take every n-th photo only")
    parser.add_argument("--without", action="append", default=[], help="leave out a peer")
    given = parser.parse_args(arguments)
    work, photos = given.work.resolve(), given.photos.resolve()
    work.mkdir(parents=True, exist_ok=True)
    every: list[type[Program]] = [Facesort, Albumit, FaceGrouper]
    programs = [kind(work) for kind in every if kind.name not in given.without]
    for program in programs:
        program.install()
    if given.every > 1:
        photos = copy_every(photos, given.every, work / "photos")
    files = find_photos(photos)
    size = sum(len(path.read_bytes()) for path in files)  # and they are in the system's cache
    _say(f"{platform.machine()}, {os.cpu_count()} cores; {len(files)} photos, {size / 1e6:.0f} MB")
    runs: dict[str, list[Run]] = {program.name: [] for program in programs}
    for i in range(given.rounds):
        first = i % len(programs)
        for program in programs[first:] + programs[:first]:
            run = program.run(photos)
            runs[program.name].append(run)
            _say(f"round {i + 1}: {program.name} {run.seconds:.2f} s")
    truth = _truth_of(photos, files)
    total = sum(map(len, truth.values()))
    counts = (
        [f"{p.name} {count_found(truth, p.boxes(list(truth)))}" for p in programs] if total else []
    )
    _report(programs, runs, f"Of {total} truth boxes found: {', '.join(counts) or 'no truth'}.")


if __name__ == "__main__":
    main()
