"""The sixth step of the schema: what stands for each person.

Whatever changes whom a face is shown with, or what of it a descriptor is made of, takes the
descriptors of those people away; the database does it itself, so that nobody can forget to.
"""

from __future__ import annotations

__all__ = ["SCHEMA_6"]

# Shown people get a column for whether the user chose their cover. The table is derived, and is
# filled anew because `catalog.shown` knows another version of it.
_SHOWN = (
    "DROP TABLE shown_people",
    """CREATE TABLE shown_people (
        person_id TEXT PRIMARY KEY,
        named_at INTEGER,                          -- the decision that gave the name
        faces INTEGER NOT NULL, photos INTEGER NOT NULL,
        cover TEXT,                                -- face id: the chosen one, else the best
        confirmed INTEGER NOT NULL,                -- number of faces
        ignored INTEGER NOT NULL,
        picked INTEGER NOT NULL                    -- the user chose the cover
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX shown_people_named ON shown_people (named_at) WHERE named_at IS NOT NULL",
)

_TABLE = (
    # The faces that stand for a person as shown, and the vector made of them: one row a look.
    """CREATE TABLE descriptors (
        person_id TEXT NOT NULL, model TEXT NOT NULL,
        look INTEGER NOT NULL,                     -- from 0; the one of most faces first
        rule TEXT NOT NULL,                        -- how they were chosen, and of which faces
        faces INTEGER NOT NULL,                    -- of the look, with a vector
        size INTEGER NOT NULL,                     -- how many were chosen
        chosen TEXT NOT NULL, odd TEXT NOT NULL,   -- JSON: face ids
        radius REAL NOT NULL, cohesion REAL NOT NULL, quality REAL NOT NULL,
        cover TEXT,                                -- face id, where it is not the person's best
        since TEXT NOT NULL, until TEXT NOT NULL,  -- when the photos of the look were taken
        descriptor BLOB NOT NULL,                  -- float32 little endian
        PRIMARY KEY (person_id, model, look)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX descriptors_covers ON descriptors (model, person_id, cover) WHERE cover NOTNULL",
    # Whoever may be shown with a face, by the last grouping or a decision: rather too many.
    """CREATE VIEW face_owners AS
        SELECT face_id, person_id FROM assignments
        UNION ALL SELECT face_id, person_id FROM said_faces WHERE person_id NOTNULL
        UNION ALL SELECT a.face_id, m.survivor FROM assignments a
            JOIN shown_merges m ON m.person_id = a.person_id
        UNION ALL SELECT s.face_id, m.survivor FROM said_faces s
            JOIN shown_merges m ON m.person_id = s.person_id""",
)


def _owners_of(face: str) -> str:
    return f"person_id IN (SELECT person_id FROM face_owners WHERE face_id {face})"  # noqa: S608 - constants


def _on_photo(photo: str) -> str:
    return _owners_of(f"IN (SELECT id FROM faces WHERE photo_id = {photo})")  # noqa: S608


def _survivor_of(person: str) -> str:
    return f"person_id = (SELECT survivor FROM shown_merges WHERE person_id = {person})"  # noqa: S608 - constants


_TRIGGERS = (
    *(
        (
            table,
            event,
            "",
            [f"person_id = {row}.person_id", _survivor_of(f"{row}.person_id"), *more],
        )
        for table, event, row, more in (
            ("assignments", "INSERT", "NEW", []),
            ("assignments", "DELETE", "OLD", []),
            # Where a face comes from, or goes back to: the last grouping's person.
            ("said_faces", "INSERT", "NEW", [_owners_of("= NEW.face_id")]),
            ("said_faces", "DELETE", "OLD", [_owners_of("= OLD.face_id")]),
        )
    ),
    (
        "assignments",
        "UPDATE OF person_id",
        "WHEN OLD.person_id != NEW.person_id",
        [
            "person_id IN (OLD.person_id, NEW.person_id)",
            _survivor_of("OLD.person_id"),
            _survivor_of("NEW.person_id"),
        ],
    ),
    *(
        ("shown_merges", event, "", [f"person_id IN ({row}.person_id, {row}.survivor)"])
        for event, row in (("INSERT", "NEW"), ("DELETE", "OLD"))
    ),
    *(
        ("vectors", event, "", [f"{_owners_of(f'= {row}.face_id')} AND model = {row}.model"])
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
    ),
    *(
        ("vector_codes", event, "", [f"model = {row}.model"])
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
    ),
    (
        "faces",
        "UPDATE",
        """WHEN (OLD.quality, OLD.left, OLD.top, OLD.right, OLD.bottom, OLD.photo_id)
                IS NOT (NEW.quality, NEW.left, NEW.top, NEW.right, NEW.bottom, NEW.photo_id)""",
        [_owners_of("= NEW.id")],
    ),
    # A photo that lies nowhere shows nobody.
    *(
        (
            "places",
            event,
            f"""WHEN {row}.photo_id NOTNULL AND NOT EXISTS
                (SELECT 1 FROM places WHERE photo_id = {row}.photo_id AND id != {row}.id)""",  # noqa: S608 - constants
            [_on_photo(f"{row}.photo_id")],
        )
        for event, row in (("INSERT", "NEW"), ("DELETE", "OLD"))
    ),
    (
        "places",
        "UPDATE OF photo_id",
        "WHEN OLD.photo_id IS NOT NEW.photo_id",
        [_on_photo("OLD.photo_id"), _on_photo("NEW.photo_id")],
    ),
    # Bursts are told by the time, and looks are named by it.
    (
        "photos",
        "UPDATE OF taken_at",
        "WHEN OLD.taken_at != NEW.taken_at",
        [_on_photo("NEW.id")],
    ),
)


def _trigger(table: str, event: str, when: str, whose: list[str]) -> str:
    away = " ".join(f"DELETE FROM descriptors WHERE {whom};" for whom in whose)  # noqa: S608 - constants
    name = f"{table}_descriptors_{event.split(maxsplit=1)[0].lower()}"
    return f"CREATE TRIGGER {name} AFTER {event} ON {table} {when} BEGIN {away} END"


SCHEMA_6 = (*_SHOWN, *_TABLE, *(_trigger(*one) for one in _TRIGGERS))
