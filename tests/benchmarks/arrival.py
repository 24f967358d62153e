"""Does it matter in which order photos arrive? A library in one go, and in ten shuffled parts.

    python -m tests.benchmarks.arrival PEOPLE [--library DIR] [--orders 3] [--parts 10]

PEOPLE is a folder PERSON/PHOTO. It is scanned once with the default models, unless the library
holds it already. Its photos are then dealt into parts by chance, and a new library gets them part
by part, with `facesort group` after each. Printed is how far that agrees with `facesort group
--all` in the same library, how good both are, how many people there are, and how long the
groupings took (whole processes).

The photos come with the faces and vectors that the scan has found: nothing is detected twice.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog.connection import CATALOG_NAME
from facesort.catalog.opening import open_database
from facesort.evaluation.clustering import judge_clusters
from tests.watched import Facesort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facesort.evaluation.clustering import ClusterResult

__all__ = ["Arrival", "add_photos", "agreement", "arrive", "empty_copy", "keys_of", "owners_in"]

_SETTINGS = ("detector", "embedder", "min_face", "provider")

# Columns that are copied as they are; row ids of photos and places are given anew.
_PHOTO = "content_key, width, height, taken_at, camera, pipeline, embedder, min_face, added_at"
_PLACE = "root_id, path, size, mtime_ns, orientation, state, reason, tried_with"
_FACE = "id, left, top, right, bottom, landmarks, score, quality, measures, detector"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A library that grew part by part, compared with itself grouped anew.

    Args:
        facesort: the library, grouped anew.
        agreed: the people it had grown against those of `group --all`.
        people: how many had grown.
        people_anew: how many `group --all` finds.
        judged: the people it had grown against the truth (`bench clusters --json`).
        judged_anew: likewise after `group --all`.
        seconds: of each grouping, by the wall and with the start of the process; the last one is
            that of all faces.
    """

    facesort: Facesort
    agreed: ClusterResult
    people: int
    people_anew: int
    judged: Mapping[str, Mapping[str, float]]
    judged_anew: Mapping[str, Mapping[str, float]]
    seconds: tuple[float, ...]

    def line(self) -> str:
        """Return it as a row of a table; see `main`."""
        scores = (
            f"{judged[kind]['f']:.4f}"
            for judged in (self.judged, self.judged_anew)
            for kind in ("pairwise", "bcubed")
        )
        slowest, anew = max(self.seconds[:-1]), self.seconds[-1]
        return (
            f"{self.agreed.pairwise.f:.4f} | {' | '.join(scores)} | "
            f"{self.people:,} | {self.people_anew:,} | {slowest:.1f} | {anew:.1f}"
        )


def keys_of(library: Path) -> list[str]:
    """Return the content keys of a library's photos, rising."""
    with closing(sqlite3.connect(library / CATALOG_NAME)) as connection:
        rows = connection.execute("SELECT content_key FROM photos ORDER BY content_key")
        return [key for (key,) in rows]


def empty_copy(source: Path, folder: Path) -> Facesort:
    """Make a library with the folders and settings of another one, and without its photos."""
    open_database(folder, create=True).close()
    with closing(_attached(source, folder)) as connection, connection:
        connection.execute("INSERT INTO main.roots SELECT * FROM source.roots")
        connection.executemany(
            """INSERT INTO main.meta SELECT key, value FROM source.meta WHERE key = ?
                ON CONFLICT (key) DO UPDATE SET value = excluded.value""",
            [(key,) for key in _SETTINGS],
        )
    return Facesort(folder)


def add_photos(source: Path, folder: Path, keys: Sequence[str]) -> None:
    """Copy photos with their places, faces and vectors, as a scan would have stored them.

    Args:
        source: the library that has them.
        folder: the library that gets them.
        keys: content keys, in the order in which the photos get their row ids.
    """
    with closing(_attached(source, folder)) as connection, connection:
        connection.execute("CREATE TEMP TABLE wanted (place INTEGER PRIMARY KEY, key TEXT UNIQUE)")
        connection.executemany("INSERT INTO wanted (key) VALUES (?)", [(key,) for key in keys])
        connection.execute(
            f"""INSERT INTO main.photos ({_PHOTO}) SELECT {_PHOTO}
                FROM wanted JOIN source.photos ON content_key = key ORDER BY place"""
        )
        connection.execute(
            """CREATE TEMP TABLE given AS SELECT old.id AS old, new.id AS new
                FROM wanted JOIN source.photos old ON old.content_key = key
                JOIN main.photos new ON new.content_key = key ORDER BY place"""
        )
        connection.execute(
            f"""INSERT INTO main.places (photo_id, {_PLACE}) SELECT new, {_PLACE}
                FROM given JOIN source.places ON photo_id = old"""
        )
        connection.execute(
            f"""INSERT INTO main.faces (photo_id, {_FACE}) SELECT new, {_FACE}
                FROM given JOIN source.faces ON photo_id = old"""
        )
        connection.execute(
            """INSERT INTO main.vectors SELECT v.* FROM given JOIN source.faces f ON photo_id = old
                JOIN source.vectors v ON v.face_id = f.id"""
        )
        connection.execute(
            """INSERT INTO main.meta VALUES ('generation', '1')
                ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INT) + 1 AS TEXT)"""
        )


def _attached(source: Path, folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / CATALOG_NAME)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("ATTACH ? AS source", (str(source / CATALOG_NAME),))
    return connection


def owners_in(facesort: Facesort) -> dict[str, str | None]:
    """Return the person of each face of a library."""
    return {face.id: face.person for face in facesort.faces()}


def agreement(one: Mapping[str, str | None], other: Mapping[str, str | None]) -> ClusterResult:
    """Compare two groupings of the same faces, the second taken for the truth.

    Whoever is with nobody is a person alone.
    """
    faces = sorted(other)
    return judge_clusters([other[f] or f for f in faces], [one[f] for f in faces])


def arrive(source: Path, truth: Path, folder: Path, *, seed: int, parts: int = 10) -> Arrival:
    """Let the photos of a library arrive in another one, part by part, and judge the result.

    Args:
        source: a scanned library.
        truth: folder PERSON/PHOTO.
        folder: where the new library is made.
        seed: of the order.
        parts: into how many parts the photos are dealt.
    """
    facesort = empty_copy(source, folder)
    keys = np.random.default_rng(seed).permutation(np.array(keys_of(source)))
    seconds = []
    for part in np.array_split(keys, parts):
        add_photos(source, folder, part.tolist())
        seconds.append(facesort.run("group").seconds)
    grown, judged = owners_in(facesort), facesort.ask("bench", "clusters", truth)
    seconds.append(facesort.run("group", "--all").seconds)
    anew = owners_in(facesort)
    return Arrival(
        facesort,
        agreed=agreement(grown, anew),
        people=_people(grown),
        people_anew=_people(anew),
        judged=judged,
        judged_anew=facesort.ask("bench", "clusters", truth),
        seconds=tuple(seconds),
    )


def _people(owners: Mapping[str, str | None]) -> int:
    return len(set(owners.values()) - {None})


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("people", type=Path)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--orders", type=int, default=3)
    parser.add_argument("--parts", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        library = given.library or Path(folder) / "scanned"
        if not (library / CATALOG_NAME).exists():
            Facesort(library).run("scan", given.people, "--no-group")
        say = sys.stdout.write
        say("order | agreement, pairwise F | grown: pairwise F | BCubed F | --all: pairwise F | ")
        say("BCubed F | people grown | people --all | slowest part, s | --all, s\n")
        for seed in range(given.orders):
            grown = Path(folder) / f"order{seed}"
            arrival = arrive(library, given.people, grown, seed=seed, parts=given.parts)
            say(f"{seed + 1} | {arrival.line()}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
