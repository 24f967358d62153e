"""Runs facesort with its real models and says what it did."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesort.catalog import vectors
from facesort.catalog.opening import open_database
from facesort.config import load_settings
from facesort.domain import Box, FaceId, FaceMatrix
from facesort.library import Library
from facesort.registry import load_models
from tests.weights import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from facesort.config import Settings
    from facesort.inference.card import ModelCard
    from facesort.protocols import Detection, Detector, Embedder, Image, Progress, Vectors
    from facesort.registry import Models

__all__ = ["CountedModels", "Facesort", "FoundFace", "Ran", "Scanned"]

# The peak is the kernel's word for this process alone: getrusage's is inherited from the parent.
_SCRIPT = r"""
import atexit, json, os, re, sys

report, opened = sys.argv.pop(1), []

def watch(event, args):
    if event == "open" and not isinstance(args[0], int):
        opened.append(os.fsdecode(args[0]))

def tell():
    paths = list(opened)
    try:
        with open("/proc/self/status") as status:
            peak = int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) * 1024
    except OSError:
        peak = 0
    with open(report, "w") as file:
        json.dump({"opened": paths, "peak_bytes": peak}, file)

sys.addaudithook(watch)
atexit.register(tell)
from facesort.cli.app import main
main()
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """One call of facesort.

    Args:
        stdout: all of it.
        stderr: likewise.
        seconds: by the wall, from starting the process to its end.
        opened: every file that Python code opened in it, in order.
        peak_bytes: most memory in use; 0 where the system does not tell.
    """

    stdout: str
    stderr: str
    seconds: float
    opened: tuple[str, ...]
    peak_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """A line of `faces --format jsonl`."""

    id: FaceId
    photo: Path
    places: tuple[Path, ...]
    box: Box
    landmarks: tuple[tuple[float, float], ...]
    person: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Facesort:
    """The command line with one library."""

    library: Path

    def run(self, *args: str | Path, expect: int = 0) -> Ran:
        """Run a command and require its exit code."""
        self.library.parent.mkdir(parents=True, exist_ok=True)
        report = self.library.parent / f"{self.library.name}.ran.json"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-c", _SCRIPT, str(report), *map(str, args)]
        started = time.perf_counter()
        done = subprocess.run(
            [*command, "--library", str(self.library)],
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            check=False,
        )
        seconds = time.perf_counter() - started
        assert done.returncode == expect, f"{args}: exit {done.returncode}\n{done.stderr[-4000:]}"
        seen = json.loads(report.read_text("utf-8"))
        return Ran(done.stdout, done.stderr, seconds, tuple(seen["opened"]), seen["peak_bytes"])

    def ask(self, *args: str | Path, expect: int = 0) -> Any:  # whatever the document is
        """Run a command with --json and return its document."""
        return json.loads(self.run(*args, "--json", expect=expect).stdout)

    def faces(self) -> list[FoundFace]:
        """Return every face of the library."""
        lines = [json.loads(line) for line in self.run("faces").stdout.splitlines()]
        return [
            FoundFace(
                FaceId(line["face"]),
                Path(line["photo"]),
                tuple(map(Path, line["places"])),
                Box(*line["box"]),
                tuple((x, y) for x, y in line["landmarks"]),
                line["person"],
                line["name"],
            )
            for line in lines
        ]

    def vectors(self, model_key: str) -> FaceMatrix:
        """Return the stored embeddings, which no command prints."""
        database = open_database(self.library, create=False)
        try:
            return vectors.matrix(database, model_key)
        finally:
            database.close()

    def copied(self, library: Path) -> Facesort:
        """Return the command line with a copy of the library, for a test that changes it."""
        shutil.copytree(self.library, library)
        return Facesort(library)


@dataclass(frozen=True, slots=True)
class Scanned:
    """A folder of photos that was scanned with default settings.

    Args:
        folder: the photos.
        facesort: its library.
        report: the document of `scan --json`.
        ran: the call.
    """

    folder: Path
    facesort: Facesort
    report: dict[str, Any]
    ran: Ran

    @classmethod
    def now(cls, folder: Path, library: Path, *, expect: int = 0) -> Scanned:
        """Scan a folder into a new library."""
        facesort = Facesort(library)
        ran = facesort.run("scan", folder, "--json", expect=expect)
        return cls(folder, facesort, json.loads(ran.stdout), ran)

    @property
    def model_key(self) -> str:
        """Of the embedder."""
        return str(self.report["models"]["embedder"])


class CountedModels:
    """Hands out the real models, and counts what they are asked.

    `pictures` were searched for faces, and `crops` embedded.
    """

    def __init__(self) -> None:
        self.pictures = 0
        self.crops = 0

    def library(self, folder: Path) -> Library:
        """Open a library in this process that uses these models."""
        settings = load_settings({"library": str(folder)})
        return Library(settings, progress=SilentProgress(), load_models=self._load)

    def _load(
        self, settings: Settings, cards: tuple[ModelCard, ModelCard], progress: Progress
    ) -> Models:
        models = load_models(settings, cards, progress)
        return models._replace(
            detector=_CountedDetector(models.detector, self),
            embedder=_CountedEmbedder(models.embedder, self),
        )


class _CountedDetector:
    def __init__(self, detector: Detector, counts: CountedModels) -> None:
        self._detector = detector
        self._counts = counts

    def detect(self, images: Sequence[Image]) -> Sequence[Sequence[Detection]]:
        self._counts.pictures += len(images)
        return self._detector.detect(images)


class _CountedEmbedder:
    def __init__(self, embedder: Embedder, counts: CountedModels) -> None:
        self._embedder = embedder
        self._counts = counts
        self.model_key = embedder.model_key
        self.crop_size = embedder.crop_size

    def embed(self, crops: NDArray[np.uint8]) -> tuple[Vectors, NDArray[np.float32]]:
        self._counts.crops += len(crops)
        return self._embedder.embed(crops)
