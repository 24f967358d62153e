"""The seventh step of the schema: what the user could not say in a review, and what was one answer.

Authored like the log of decisions, and append-only like it: a row is taken back by another row.
"""

from __future__ import annotations

__all__ = ["SCHEMA_7"]

_TABLES = (
    """CREATE TABLE doubts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        made_at TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('same', 'who', 'belongs', 'also', 'two', 'mirror')),
        -- 'no' where a no changes nobody's faces, so that no decision can hold it.
        answer TEXT NOT NULL CHECK (answer IN ('unsure', 'no', 'undo')),
        last_decision INTEGER NOT NULL,            -- the newest of the log at that time, or 0
        target INTEGER REFERENCES doubts(id)       -- of 'undo': the row taken back
    ) STRICT""",
    """CREATE TABLE doubt_people (
        doubt_id INTEGER NOT NULL REFERENCES doubts(id),
        position INTEGER NOT NULL,
        person_id TEXT NOT NULL REFERENCES people(id),
        faces INTEGER NOT NULL,                    -- how many they had
        PRIMARY KEY (doubt_id, position)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE doubt_anchors (
        doubt_id INTEGER NOT NULL REFERENCES doubts(id),
        position INTEGER NOT NULL,
        anchor_id INTEGER NOT NULL REFERENCES anchors(id),
        PRIMARY KEY (doubt_id, position)
    ) STRICT, WITHOUT ROWID""",
    # Decisions that were made with one answer are taken back as one. An answer that made only one
    # has no rows.
    """CREATE TABLE answer_decisions (
        decision_id INTEGER PRIMARY KEY REFERENCES decisions(id),
        answer INTEGER NOT NULL REFERENCES decisions(id)  -- the first of that answer
    ) STRICT""",
)

SCHEMA_7 = (
    *_TABLES,
    *(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'what was said in a review is only added to'); END"
        for table in ("doubts", "doubt_people", "doubt_anchors", "answer_decisions")
        for verb in ("UPDATE", "DELETE")
    ),
)
