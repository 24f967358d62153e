"""A library of a million faces, without a photo, and how long the commands take in it.

    python -m tests.benchmarks.million LIBRARY 1000000 --published
    python -m tests.benchmarks.million LIBRARY --measure

The first line builds a library in a new folder: photos that lie nowhere, faces on them, vectors
shaped like SFace's (two faces of one person: cosine .70 +- .08; of two people: .09 +- .09), people
of very different sizes. With `--published` it is grouped as the truth says, so that everything but
grouping can be measured at once; `truth.npz` beside the catalog holds the face ids and the person
of each. The second runs the commands as processes of their own, on a copy of the library beside it,
and prints a table: the least of three runs where a command changes nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import people, showing
from facesort.catalog import photos as catalog
from facesort.catalog.connection import CATALOG_NAME, now
from facesort.catalog.opening import open_database
from facesort.domain import Anchor, Box, FaceId, PersonId, short_hash
from facesort.grouping.identity import unused_person
from facesort.inference.card import ModelKind
from facesort.registry import find_card

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_DIMENSION = 128
_WIDTH, _HEIGHT = 6000, 4000
_BLOCK = 20_000
_LARGEST = 0.02  # share of all faces that the person with most of them has at most

# Shares of a vector's squared length: what all faces have in common, the person, the picture.
_COMMON, _PERSON = 0.09, 0.61
# Vectors of a recognition model do not fill all directions alike.
_FADING = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Synthetic faces in the order in which they are stored: that of their ids.

    Args:
        ids: n ids.
        keys: n content keys of their photos.
        photo: (n,) numbers of their photos, from 1.
        person: (n,) the truth.
        boxes: (n, 4) pixels.
        quality: (n,) 0..1.
    """

    ids: list[str]
    keys: list[str]
    photo: NDArray[np.int64]
    person: NDArray[np.int64]
    boxes: NDArray[np.float64]
    quality: NDArray[np.float64]


def heavy_tailed(faces: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return sizes of people that add up to the number of faces: many strangers, few friends."""
    largest = max(3, int(faces * _LARGEST))
    sizes = np.minimum(largest, (1 - random.random(faces)) ** (-1 / 0.95)).astype(np.int64)
    last = int(np.searchsorted(np.cumsum(sizes), faces))
    sizes = sizes[: last + 1]
    sizes[-1] -= int(sizes.sum()) - faces
    return np.sort(sizes[sizes > 0])[::-1]


def vectors_of(
    person: NDArray[np.int64], quality: NDArray[np.float64], random: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    """Yield unit vectors of faces, some thousand at a time.

    Args:
        person: (n,) numbers of people, from 0.
        quality: (n,) 0..1; poor faces say less of the person.
        random: the source.
    """
    axes = np.linspace(1.0, _FADING, _DIMENSION)
    common = _unit(random.standard_normal(_DIMENSION))
    people_ = _unit(random.standard_normal((int(person.max()) + 1, _DIMENSION)) * axes)
    for start in range(0, len(person), _BLOCK):
        block = slice(start, start + _BLOCK)
        noise = _unit(random.standard_normal((len(person[block]), _DIMENSION)) * axes)
        share = (_PERSON * (0.2 + 1.1 * quality[block]))[:, None]
        raw = (
            np.sqrt(_COMMON) * common
            + np.sqrt(share) * people_[person[block]]
            + np.sqrt(np.maximum(0.05, 1 - _COMMON - share)) * noise
        )
        yield _unit(raw).astype(np.float32)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return scaled


def make_faces(n: int, random: np.random.Generator) -> Faces:
    """Draw people, and put each face on a photo with others."""
    sizes = heavy_tailed(n, random)
    person = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    on_photo = random.choice([1, 2, 3, 4, 6, 8], size=n, p=[0.5, 0.25, 0.12, 0.08, 0.03, 0.02])
    photo = np.repeat(np.arange(1, n + 1), on_photo)[:n]
    _part_repeats(person, photo, random)
    first = np.searchsorted(photo, photo)
    place = np.arange(n) - first
    side = np.clip(random.lognormal(5.2, 0.6, n), 30, 700).round()
    left = place * (_WIDTH / 8) + (random.random(n) * 40).round()
    top = (random.random(n) * (_HEIGHT - 1000)).round()
    boxes = np.stack([left, top, left + side, top + side], axis=1)
    quality = np.clip(random.beta(6, 2.2, n), 0.02, 1.0)
    keys = [f"jpeg1:{short_hash(f'photo {number}', 40)}" for number in range(1, photo[-1] + 1)]
    # As in `vision.found`.
    ids = [
        "f" + short_hash(f"{keys[number - 1]} {tuple(round(v) for v in box)}", 12)
        for number, box in zip(photo.tolist(), boxes.tolist(), strict=True)
    ]
    order = np.array(sorted(range(n), key=ids.__getitem__))
    return Faces(
        [ids[row] for row in order],
        [keys[number - 1] for number in photo[order].tolist()],
        photo[order],
        person[order],
        boxes[order],
        quality[order],
    )


def _part_repeats(
    person: NDArray[np.int64], photo: NDArray[np.int64], random: np.random.Generator
) -> None:
    """Exchange faces until nobody is twice on one photo."""
    for _ in range(100):
        order = np.lexsort((person, photo))
        twice = (np.diff(person[order]) == 0) & (np.diff(photo[order]) == 0)
        rows = order[1:][twice]
        if not len(rows):
            return
        others = random.integers(0, len(person), len(rows))
        for row, other in zip(rows.tolist(), others.tolist(), strict=True):
            person[row], person[other] = person[other], person[row]


def build(folder: Path, n: int, *, seed: int, published: bool) -> Faces:
    """Build the library; `published`: grouped as the truth says."""
    random = np.random.default_rng(seed)
    faces = make_faces(n, random)
    open_database(folder, create=True).close()
    embedder = find_card("sface", None, ModelKind.EMBEDDER).model_key
    with closing(sqlite3.connect(folder / CATALOG_NAME, isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        _insert_photos(connection, faces, embedder)
        _insert_faces(connection, faces)
        _insert_vectors(connection, faces, embedder, random)
        for key, value in {"min_face": "24", "generation": str(n), "provider": "cpu"}.items():
            connection.execute("INSERT INTO meta VALUES (?, ?)", (key, value))
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    np.savez_compressed(
        folder / "truth.npz", faces=np.array(faces.ids), person=faces.person.astype(np.int32)
    )
    if published:
        publish(folder, faces)
    return faces


def _insert_photos(connection: sqlite3.Connection, faces: Faces, embedder: str) -> None:
    key_of = dict(zip(faces.photo.tolist(), faces.keys, strict=True))
    time_ = now()
    connection.execute("INSERT INTO roots VALUES (1, ?, ?)", (b"/nowhere/photos", time_))
    connection.executemany(
        """INSERT INTO photos (id, content_key, width, height, pipeline, embedder, min_face,
               added_at) VALUES (?, ?, ?, ?, 'synthetic', ?, 24, ?)""",
        ((i, key_of[i], _WIDTH, _HEIGHT, embedder, time_) for i in sorted(key_of)),
    )
    connection.executemany(
        """INSERT INTO places (root_id, path, photo_id, size, mtime_ns, state)
           VALUES (1, ?, ?, 4000000, 0, 'present')""",
        ((b"%03d/IMG_%07d.JPG" % (i // 1000, i), i) for i in sorted(key_of)),
    )


def _insert_faces(connection: sqlite3.Connection, faces: Faces) -> None:
    points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    for start in range(0, len(faces.ids), _BLOCK):
        block = slice(start, start + _BLOCK)
        boxes = faces.boxes[block]
        corner, side = boxes[:, None, :2], (boxes[:, 2:] - boxes[:, :2])[:, None]
        landmarks = (corner + side * points).astype("<f4")
        measures = '{"contrast": 0.51, "norm": 11.25, "sharpness": 0.43, "yaw": 0.12}'
        connection.executemany(
            "INSERT INTO faces VALUES (?, ?, ?, ?, ?, ?, ?, 0.91, ?, ?, 'synthetic')",
            (
                (face, photo, *box, marks.tobytes(), quality, measures)
                for face, photo, box, marks, quality in zip(
                    faces.ids[block],
                    faces.photo[block].tolist(),
                    boxes.tolist(),
                    landmarks,
                    faces.quality[block].tolist(),
                    strict=True,
                )
            ),
        )


def _insert_vectors(
    connection: sqlite3.Connection, faces: Faces, embedder: str, random: np.random.Generator
) -> None:
    start = 0
    for block in vectors_of(faces.person, faces.quality, random):
        connection.executemany(
            "INSERT INTO vectors VALUES (?, ?, ?)",
            (
                (face, embedder, row.tobytes())
                for face, row in zip(faces.ids[start:], block.astype("<f2"), strict=False)
            ),
        )
        start += len(block)


def publish(folder: Path, faces: Faces) -> None:
    """Group the library as the truth says."""
    relative = faces.boxes / [_WIDTH, _HEIGHT, _WIDTH, _HEIGHT]
    order = sorted(range(len(faces.ids)), key=lambda row: (faces.keys[row], *relative[row]))
    ids: dict[int, PersonId] = {}
    founders: dict[PersonId, Anchor] = {}
    for row, number in zip(order, faces.person[order].tolist(), strict=True):
        if number not in ids:
            anchor = Anchor(faces.keys[row], Box(*relative[row].tolist()))
            ids[number] = unused_person(anchor, founders.__contains__)
            founders[ids[number]] = anchor
    owners = {
        FaceId(face): ids[number]
        for face, number in zip(faces.ids, faces.person.tolist(), strict=True)
    }
    with closing(open_database(folder, create=False)) as db, db.transaction():
        people.found_all(db, founders)
        people.publish(db, owners)
        said = {
            "grouped_generation": str(catalog.generation(db)),
            "grouped_decision": "0",
            "threshold": "0.5",
        }
        for key, value in said.items():
            db.set_meta(key, value)


def measure(folder: Path) -> Iterator[str]:
    """Yield the lines of a table: seconds on the clock, of a processor, and memory of commands."""
    copy = folder.with_name(folder.name + ".measured")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.backup.db", "truth.npz"))
    try:
        yield f"{'command':44} {'wall s':>7} {'CPU s':>7} {'MB':>6}\n"
        _run(copy, "people")  # fills the tables of what is shown
        with closing(open_database(copy, create=False)) as db:
            listed = [(row.id, row.faces) for row in showing.people(db)]
        for title, times, arguments in _commands(listed):
            yield f"{title:44} {_best_of(copy, times, arguments)}\n"
    finally:
        shutil.rmtree(copy)


def _commands(listed: list[tuple[PersonId, int]]) -> Iterator[tuple[str, int, list[str]]]:
    random = np.random.default_rng(1)
    about = {n: min(listed, key=lambda one: abs(one[1] - n)) for n in (10, 100, 1000, 10**9)}
    yield "people", 3, ["people"]
    yield "people --json", 3, ["people", "--json"]
    for person, faces in about.values():
        yield f"show, {faces:,} faces", 3, ["show", person]
    yield "show --json, 100 faces", 3, ["show", about[100][0], "--json"]
    yield "name, 100 faces", 1, ["name", about[100][0], "Anna Berg"]
    yield "show by name", 3, ["show", "Anna Berg"]
    yield f"name, {about[10**9][1]:,} faces", 1, ["name", about[10**9][0], "Bert"]
    some = random.choice(len(listed), 200, replace=False).tolist()
    for title, rows in (("any", some), ("upper", range(2000, 2200)), ("largest", range(200))):
        if rows[-1] < len(listed):
            faces = sum(listed[row][1] for row in rows)
            merged = ["merge", *(listed[row][0] for row in rows), "--yes"]
            yield f"merge of 200 ({title}: {faces:,} faces)", 1, merged
            yield "undo", 1, ["undo"]
    yield "log", 3, ["log"]


def _run(folder: Path, *arguments: str) -> tuple[float, float, float]:
    """Run a command; return seconds on the clock and of a processor, and MB of memory."""
    environment = {**os.environ, "FACESORT_LIBRARY": os.fspath(folder)}
    command = [sys.executable, "-c", "from facesort.cli.app import main; main()", *arguments]
    clock = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        told = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)[:80]}: {told.decode()}")
    return time.perf_counter() - clock, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _best_of(folder: Path, times: int, arguments: Sequence[str]) -> str:
    runs = [_run(folder, *arguments) for _ in range(times)]
    wall, processor, memory = map(min, zip(*runs, strict=True))
    return f"{wall:7.2f} {processor:7.2f} {memory:6.0f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Build a library, or measure the commands in one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("library", type=Path)
    parser.add_argument("faces", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--published", action="store_true", help="grouped as the truth says")
    parser.add_argument("--measure", action="store_true", help="run the commands in it")
    given = parser.parse_args(arguments)
    if given.measure:
        for line in measure(given.library):
            sys.stdout.write(line)
            sys.stdout.flush()
        return
    clock = time.perf_counter()
    faces = build(given.library, given.faces, seed=given.seed, published=given.published)
    size = (given.library / CATALOG_NAME).stat().st_size
    sys.stdout.write(
        f"{len(faces.ids):,} faces of {faces.person.max() + 1:,} people on "
        f"{len(set(faces.keys)):,} photos, {size / 1e6:,.0f} MB, "
        f"built in {time.perf_counter() - clock:.0f} s\n"
    )


if __name__ == "__main__":
    main()
