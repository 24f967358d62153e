CREATE TABLE anchors (
        id INTEGER PRIMARY KEY,
        content_key TEXT,                          -- NULL once forgotten
        left REAL, top REAL, right REAL, bottom REAL,  -- raster, relative 0..1
        UNIQUE (content_key, left, top, right, bottom)
    ) STRICT;
CREATE TABLE assignments (
        face_id TEXT PRIMARY KEY REFERENCES faces(id) ON DELETE CASCADE,
        person_id TEXT NOT NULL REFERENCES people(id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE decision_faces (
        decision_id INTEGER NOT NULL REFERENCES decisions(id),
        anchor_id INTEGER NOT NULL REFERENCES anchors(id),
        person_id TEXT NOT NULL REFERENCES people(id),
        role TEXT NOT NULL CHECK (role IN ('vote', 'confirmed', 'rejected', 'cover', 'not-a-face')),
        PRIMARY KEY (decision_id, anchor_id, person_id, role)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE decision_people (
        decision_id INTEGER NOT NULL REFERENCES decisions(id),
        position INTEGER NOT NULL,
        person_id TEXT NOT NULL REFERENCES people(id),
        PRIMARY KEY (decision_id, position)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE decisions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        made_at TEXT NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('name', 'merge', 'split', 'reject', 'confirm',
            'ignore', 'not-a-face', 'cover', 'same', 'different', 'undo', 'redo')),
        name_id INTEGER REFERENCES names(id),
        target INTEGER REFERENCES decisions(id)
    ) STRICT;
CREATE TABLE faces (
        id TEXT PRIMARY KEY,
        photo_id INTEGER NOT NULL REFERENCES photos(id),
        left REAL NOT NULL, top REAL NOT NULL,     -- raster pixels
        right REAL NOT NULL, bottom REAL NOT NULL,
        landmarks BLOB NOT NULL,                   -- 5 x (x, y) float32 little endian, raster
        score REAL NOT NULL, quality REAL NOT NULL,
        measures TEXT NOT NULL DEFAULT '{}',       -- JSON: what the quality was made from
        detector TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE migrations (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT;
CREATE TABLE names (
        id INTEGER PRIMARY KEY,
        text TEXT                                  -- NULL once forgotten
    ) STRICT;
CREATE TABLE people (
        id TEXT PRIMARY KEY,
        anchor_id INTEGER REFERENCES anchors(id),  -- founding face; NULL once forgotten
        founded_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
CREATE TABLE photos (
        id INTEGER PRIMARY KEY,
        content_key TEXT NOT NULL UNIQUE,
        width INTEGER NOT NULL, height INTEGER NOT NULL,  -- raster pixels
        taken_at TEXT NOT NULL DEFAULT '', camera TEXT NOT NULL DEFAULT '',
        pipeline TEXT NOT NULL DEFAULT '',         -- detector and its settings
        embedder TEXT NOT NULL DEFAULT '',         -- model key
        min_face INTEGER NOT NULL DEFAULT 0,       -- smallest face that was looked for, pixels
        added_at TEXT NOT NULL
    ) STRICT;
CREATE TABLE places (
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
    ) STRICT;
CREATE TABLE repeats (
        face_id TEXT NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
        other_id TEXT NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
        PRIMARY KEY (face_id, other_id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE roots (
        id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, scanned_at TEXT NOT NULL
    ) STRICT;
CREATE TABLE unassigned (
        face_id TEXT PRIMARY KEY REFERENCES faces(id) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
CREATE TABLE vector_codes (
        model TEXT PRIMARY KEY,
        dimension INTEGER NOT NULL,                -- of the model's vectors
        size INTEGER NOT NULL,                     -- bytes of a coded vector
        scale REAL NOT NULL,                       -- what one step of a byte stands for
        slope REAL NOT NULL, shift REAL NOT NULL,  -- cosines become shift + slope * cosine
        axes BLOB                                  -- dimension x size float32; NULL: not projected
    ) STRICT, WITHOUT ROWID;
CREATE TABLE vectors (
        face_id TEXT NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
        model TEXT NOT NULL,
        vector BLOB NOT NULL,
        PRIMARY KEY (face_id, model)
    ) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_by_person ON assignments (person_id);
CREATE INDEX faces_by_photo ON faces (photo_id);
CREATE INDEX places_by_photo ON places (photo_id);
CREATE INDEX repeats_by_other ON repeats (other_id);
CREATE TRIGGER decision_faces_no_delete BEFORE DELETE ON decision_faces BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER decision_faces_no_update BEFORE UPDATE ON decision_faces BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER decision_people_no_delete BEFORE DELETE ON decision_people BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER decision_people_no_update BEFORE UPDATE ON decision_people BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
