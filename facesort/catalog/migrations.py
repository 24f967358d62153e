"""The schema of `catalog.db`, as numbered steps that are never edited once released.

Each step runs in one transaction together with the record that it ran. Before the first step on a
catalog that already holds something, the file is backed up beside itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from facesort.catalog.schema_6 import SCHEMA_6
from facesort.catalog.schema_7 import SCHEMA_7
from facesort.errors import SchemaTooNew

if TYPE_CHECKING:
    import sqlite3

__all__ = ["MIGRATIONS", "Migration", "applied", "migrate", "pending"]


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step."""

    number: int
    name: str
    script: tuple[str, ...]


_SCHEMA_1 = (
    # Facts about the library itself: its id, the min-face filter, how it was last grouped.
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    # -- what was found: derived, recomputable -----------------------------------------------
    # Paths are bytes: file names need not be valid text, and must come back exactly.
    """CREATE TABLE roots (
        id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, scanned_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE photos (
        id INTEGER PRIMARY KEY,
        content_key TEXT NOT NULL UNIQUE,
        width INTEGER NOT NULL, height INTEGER NOT NULL,  -- raster pixels
        taken_at TEXT NOT NULL DEFAULT '', camera TEXT NOT NULL DEFAULT '',
        pipeline TEXT NOT NULL DEFAULT '',         -- detector and its settings
        embedder TEXT NOT NULL DEFAULT '',         -- model key
        min_face INTEGER NOT NULL DEFAULT 0,       -- smallest face that was looked for, pixels
        added_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE places (
        id INTEGER PRIMARY KEY,
        root_id INTEGER NOT NULL REFERENCES roots(id),
        path BLOB NOT NULL,                        -- relative, '/' between parts
        photo_id INTEGER REFERENCES photos(id),    -- NULL while it cannot be read
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        orientation INTEGER NOT NULL DEFAULT 1 CHECK (orientation BETWEEN 1 AND 8),
        state TEXT NOT NULL CHECK (state IN ('present', 'missing', 'failed', 'skipped')),
        reason TEXT NOT NULL DEFAULT '',
        tried_with TEXT NOT NULL DEFAULT '',       -- facesort version that failed on it
        UNIQUE (root_id, path)
    ) STRICT""",
    "CREATE INDEX places_by_photo ON places (photo_id)",
    """CREATE TABLE faces (
        id TEXT PRIMARY KEY,
        photo_id INTEGER NOT NULL REFERENCES photos(id),
        left REAL NOT NULL, top REAL NOT NULL,     -- raster pixels
        right REAL NOT NULL, bottom REAL NOT NULL,
        landmarks BLOB NOT NULL,                   -- 5 x (x, y) float32 little endian, raster
        score REAL NOT NULL, quality REAL NOT NULL,
        measures TEXT NOT NULL DEFAULT '{}',       -- JSON: what the quality was made from
        detector TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX faces_by_photo ON faces (photo_id)",
    # float16: measured elsewhere to change a cosine by at most 7e-5, at half the pages.
    """CREATE TABLE vectors (
        face_id TEXT NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
        model TEXT NOT NULL,
        vector BLOB NOT NULL,
        PRIMARY KEY (face_id, model)
    ) STRICT, WITHOUT ROWID""",
    # What the last grouping said, before the user's later decisions are laid over it.
    """CREATE TABLE assignments (
        face_id TEXT PRIMARY KEY REFERENCES faces(id) ON DELETE CASCADE,
        person_id TEXT NOT NULL REFERENCES people(id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX assignments_by_person ON assignments (person_id)",
    # -- identities: an id is never reused, so rows are never deleted -------------------------
    """CREATE TABLE people (
        id TEXT PRIMARY KEY,
        anchor_id INTEGER REFERENCES anchors(id),  -- founding face; NULL once forgotten
        founded_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    # -- authored: the user's word --------------------------------------------------------------
    """CREATE TABLE names (
        id INTEGER PRIMARY KEY,
        text TEXT                                  -- NULL once forgotten
    ) STRICT""",
    """CREATE TABLE anchors (
        id INTEGER PRIMARY KEY,
        content_key TEXT,                          -- NULL once forgotten
        left REAL, top REAL, right REAL, bottom REAL,  -- raster, relative 0..1
        UNIQUE (content_key, left, top, right, bottom)
    ) STRICT""",
    """CREATE TABLE decisions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        made_at TEXT NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('name', 'merge', 'split', 'reject', 'confirm',
            'ignore', 'not-a-face', 'cover', 'same', 'different', 'undo', 'redo')),
        name_id INTEGER REFERENCES names(id),
        target INTEGER REFERENCES decisions(id)
    ) STRICT""",
    """CREATE TABLE decision_people (
        decision_id INTEGER NOT NULL REFERENCES decisions(id),
        position INTEGER NOT NULL,
        person_id TEXT NOT NULL REFERENCES people(id),
        PRIMARY KEY (decision_id, position)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE decision_faces (
        decision_id INTEGER NOT NULL REFERENCES decisions(id),
        anchor_id INTEGER NOT NULL REFERENCES anchors(id),
        person_id TEXT NOT NULL REFERENCES people(id),
        role TEXT NOT NULL CHECK (role IN ('vote', 'confirmed', 'rejected', 'cover', 'not-a-face')),
        PRIMARY KEY (decision_id, anchor_id, person_id, role)
    ) STRICT, WITHOUT ROWID""",
    # The log only grows: the database itself refuses anything else.
    *(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END"
        for table in ("decisions", "decision_people", "decision_faces")
        for verb in ("UPDATE", "DELETE")
    ),
)

_SCHEMA_2 = (
    # Models whose vectors `library compact` has written as bytes; all others are float16.
    """CREATE TABLE vector_codes (
        model TEXT PRIMARY KEY,
        dimension INTEGER NOT NULL,                -- of the model's vectors
        size INTEGER NOT NULL,                     -- bytes of a coded vector
        scale REAL NOT NULL,                       -- what one step of a byte stands for
        slope REAL NOT NULL, shift REAL NOT NULL,  -- cosines become shift + slope * cosine
        axes BLOB                                  -- dimension x size float32; NULL: not projected
    ) STRICT, WITHOUT ROWID""",
)

_SCHEMA_3 = (
    # Faces that the last grouping saw and gave to nobody: all others without a person are new.
    """CREATE TABLE unassigned (
        face_id TEXT PRIMARY KEY REFERENCES faces(id) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID""",
    # Two faces of one photo that look like one person: mirror, collage, screen or twins. They are
    # kept apart, and the user is asked.
    """CREATE TABLE repeats (
        face_id TEXT NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
        other_id TEXT NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
        PRIMARY KEY (face_id, other_id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX repeats_by_other ON repeats (other_id)",
)

_SCHEMA_4 = (
    # -- what is shown: derived from the last grouping and the decisions (`jobs.showing.shown`) ----
    # One row for everybody who is shown; who was merged into them is in `shown_merges`.
    """CREATE TABLE shown_people (
        person_id TEXT PRIMARY KEY,
        named_at INTEGER,                          -- the decision that gave the name
        faces INTEGER NOT NULL, photos INTEGER NOT NULL,
        cover TEXT,                                -- face id
        confirmed INTEGER NOT NULL,                -- number of faces
        ignored INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX shown_people_named ON shown_people (named_at) WHERE named_at IS NOT NULL",
    """CREATE TABLE shown_merges (
        person_id TEXT PRIMARY KEY,
        survivor TEXT NOT NULL,
        position INTEGER NOT NULL                  -- the order in which they came
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX shown_merges_by_survivor ON shown_merges (survivor, position)",
    # Faces of which a decision says something else, or more, than the last grouping.
    """CREATE TABLE said_faces (
        face_id TEXT PRIMARY KEY,
        photo_id INTEGER NOT NULL,
        person_id TEXT,                            -- the identity; NULL: nobody's
        confirmed INTEGER NOT NULL, not_face INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX said_faces_by_person ON said_faces (person_id)",
    "CREATE INDEX said_faces_by_photo ON said_faces (photo_id)",
    # What has changed since: noted by the database itself, so that nobody can forget to.
    "CREATE TABLE stale_photos (photo_id INTEGER PRIMARY KEY) STRICT",
    "CREATE TABLE stale_people (person_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    *(
        f"CREATE TRIGGER {table}_stale_{event.split()[0].lower()} AFTER {event} ON {table} {when}"
        f" BEGIN {' '.join(f'INSERT INTO {stale} {one} ON CONFLICT DO NOTHING;' for one in rows)}"
        f" END"
        for table, event, when, stale, rows in (
            ("faces", "INSERT", "", "stale_photos", ["VALUES (NEW.photo_id)"]),
            ("faces", "DELETE", "", "stale_photos", ["VALUES (OLD.photo_id)"]),
            (
                "faces",
                "UPDATE",
                """WHEN (OLD.quality, OLD.left, OLD.top, OLD.right, OLD.bottom, OLD.photo_id)
                IS NOT (NEW.quality, NEW.left, NEW.top, NEW.right, NEW.bottom, NEW.photo_id)""",
                "stale_photos",
                ["VALUES (OLD.photo_id)", "VALUES (NEW.photo_id)"],
            ),
            (
                "places",
                "INSERT",
                "WHEN NEW.photo_id IS NOT NULL",
                "stale_photos",
                ["VALUES (NEW.photo_id)"],
            ),
            (
                "places",
                "DELETE",
                "WHEN OLD.photo_id IS NOT NULL",
                "stale_photos",
                ["VALUES (OLD.photo_id)"],
            ),
            (
                "places",
                "UPDATE OF photo_id",
                "WHEN OLD.photo_id IS NOT NEW.photo_id",
                "stale_photos",
                [
                    f"SELECT {row}.photo_id WHERE {row}.photo_id IS NOT NULL"
                    for row in ("OLD", "NEW")
                ],
            ),
            # A RAW has taken over from its JPEG, or the other way round.
            (
                "anchors",
                "UPDATE",
                "",
                "stale_photos",
                [
                    f"""SELECT id FROM photos WHERE content_key =
                    substr({row}.content_key, 1, instr({row}.content_key || '@', '@') - 1)"""  # noqa: S608 - constants
                    for row in ("OLD", "NEW")
                ],
            ),
            ("assignments", "INSERT", "", "stale_people", ["VALUES (NEW.person_id)"]),
            ("assignments", "DELETE", "", "stale_people", ["VALUES (OLD.person_id)"]),
            (
                "assignments",
                "UPDATE OF person_id",
                "WHEN OLD.person_id != NEW.person_id",
                "stale_people",
                ["VALUES (OLD.person_id)", "VALUES (NEW.person_id)"],
            ),
        )
    ),
    # All that is said of faces but plain votes, which only grouping needs.
    """CREATE INDEX decision_faces_said ON decision_faces (decision_id, anchor_id, person_id, role)
        WHERE role != 'vote'""",
)

_DROP_SUMS_OF = "DELETE FROM person_sums WHERE person_id"
_SCHEMA_5 = (
    # Everybody's vectors added up: derived, taken away by the database itself when they change.
    """CREATE TABLE person_sums (
        person_id TEXT NOT NULL, model TEXT NOT NULL,
        faces INTEGER NOT NULL,
        sum BLOB NOT NULL,                         -- float32 little endian
        PRIMARY KEY (person_id, model)
    ) STRICT, WITHOUT ROWID""",
    *(
        f"CREATE TRIGGER {table}_sums_{event.split()[0].lower()} AFTER {event} ON {table} "
        f"BEGIN {' '.join(f'{_DROP_SUMS_OF} {whom};' for whom in whose)} END"
        for table, event, whose in (
            ("assignments", "INSERT", ["= NEW.person_id"]),
            ("assignments", "DELETE", ["= OLD.person_id"]),
            ("assignments", "UPDATE OF person_id", ["IN (OLD.person_id, NEW.person_id)"]),
            *(
                (
                    "vectors",
                    event,
                    [
                        f"IN (SELECT person_id FROM assignments WHERE face_id = {row}.face_id)"  # noqa: S608 - constants
                    ],
                )
                for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
            ),
        )
    ),
    *(
        f"CREATE TRIGGER vector_codes_sums_{verb.lower()} AFTER {verb} ON vector_codes "  # noqa: S608 - constants
        f"BEGIN DELETE FROM person_sums WHERE model = {row}.model; END"
        for verb, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
    ),
)

MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "first schema", _SCHEMA_1),
    Migration(2, "128-byte vectors", _SCHEMA_2),
    Migration(3, "faces without a person", _SCHEMA_3),
    Migration(4, "what is shown", _SCHEMA_4),
    Migration(5, "sums of people", _SCHEMA_5),
    Migration(6, "what stands for people", SCHEMA_6),
    Migration(7, "what the user was not sure of", SCHEMA_7),
)

_RECORD = """CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT"""


def applied(connection: sqlite3.Connection) -> list[int]:
    """Return the numbers of the steps that have run, in order. Reads only."""
    exists = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'"
    ).fetchone()
    if exists is None:
        return []
    return [n for (n,) in connection.execute("SELECT number FROM migrations ORDER BY number")]


def pending(connection: sqlite3.Connection) -> list[Migration]:
    """Return the steps that have not run. Reads only.

    Raises:
        SchemaTooNew: the catalog holds a step that this version does not know.
    """
    done = applied(connection)
    known = {step.number for step in MIGRATIONS}
    unknown = [number for number in done if number not in known]
    if unknown:
        raise SchemaTooNew(
            f"this library was written by a newer facesort (schema {max(unknown)}, this one knows "
            f"{max(known)})",
            hint="Update facesort: pip install --upgrade facesort",
        )
    return [step for step in MIGRATIONS if step.number not in done]


def migrate(connection: sqlite3.Connection) -> list[int]:
    """Run the pending steps, each with its record in one transaction; return their numbers.

    The connection must be in autocommit mode (isolation_level None).
    """
    done = []
    for step in pending(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(_RECORD)
            # Another process may have run the step while this one waited for the lock.
            if step.number not in applied(connection):
                for statement in step.script:
                    connection.execute(statement)
                connection.execute(
                    "INSERT INTO migrations VALUES (?, ?, ?)",
                    (step.number, step.name, datetime.now(UTC).isoformat(timespec="seconds")),
                )
                done.append(step.number)
            connection.execute("COMMIT")
        except BaseException:
            # SQLite itself has already rolled back after some errors (a full disk, for one).
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return done
