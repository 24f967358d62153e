CREATE TABLE anchors (
        id INTEGER PRIMARY KEY,
        content_key TEXT,                          -- NULL once forgotten
        left REAL, top REAL, right REAL, bottom REAL,  -- raster, relative 0..1
        UNIQUE (content_key, left, top, right, bottom)
    ) STRICT;
CREATE TABLE answer_decisions (
        decision_id INTEGER PRIMARY KEY REFERENCES decisions(id),
        answer INTEGER NOT NULL REFERENCES decisions(id)  -- the first of that answer
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
CREATE TABLE descriptors (
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
    ) STRICT, WITHOUT ROWID;
CREATE TABLE doubt_anchors (
        doubt_id INTEGER NOT NULL REFERENCES doubts(id),
        position INTEGER NOT NULL,
        anchor_id INTEGER NOT NULL REFERENCES anchors(id),
        PRIMARY KEY (doubt_id, position)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE doubt_people (
        doubt_id INTEGER NOT NULL REFERENCES doubts(id),
        position INTEGER NOT NULL,
        person_id TEXT NOT NULL REFERENCES people(id),
        faces INTEGER NOT NULL,                    -- how many they had
        PRIMARY KEY (doubt_id, position)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE doubts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        made_at TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('same', 'who', 'belongs', 'also', 'two', 'mirror')),
        -- 'no' where a no changes nobody's faces, so that no decision can hold it.
        answer TEXT NOT NULL CHECK (answer IN ('unsure', 'no', 'undo')),
        last_decision INTEGER NOT NULL,            -- the newest of the log at that time, or 0
        target INTEGER REFERENCES doubts(id)       -- of 'undo': the row taken back
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
CREATE TABLE person_sums (
        person_id TEXT NOT NULL, model TEXT NOT NULL,
        faces INTEGER NOT NULL,
        sum BLOB NOT NULL,                         -- float32 little endian
        PRIMARY KEY (person_id, model)
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
CREATE TABLE said_faces (
        face_id TEXT PRIMARY KEY,
        photo_id INTEGER NOT NULL,
        person_id TEXT,                            -- the identity; NULL: nobody's
        confirmed INTEGER NOT NULL, not_face INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
CREATE TABLE shown_merges (
        person_id TEXT PRIMARY KEY,
        survivor TEXT NOT NULL,
        position INTEGER NOT NULL                  -- the order in which they came
    ) STRICT, WITHOUT ROWID;
CREATE TABLE shown_people (
        person_id TEXT PRIMARY KEY,
        named_at INTEGER,                          -- the decision that gave the name
        faces INTEGER NOT NULL, photos INTEGER NOT NULL,
        cover TEXT,                                -- face id: the chosen one, else the best
        confirmed INTEGER NOT NULL,                -- number of faces
        ignored INTEGER NOT NULL,
        picked INTEGER NOT NULL                    -- the user chose the cover
    ) STRICT, WITHOUT ROWID;
CREATE TABLE stale_people (person_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE stale_photos (photo_id INTEGER PRIMARY KEY) STRICT;
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
CREATE INDEX decision_faces_said ON decision_faces (decision_id, anchor_id, person_id, role)
        WHERE role != 'vote';
CREATE INDEX descriptors_covers ON descriptors (model, person_id, cover) WHERE cover NOTNULL;
CREATE INDEX faces_by_photo ON faces (photo_id);
CREATE INDEX places_by_photo ON places (photo_id);
CREATE INDEX repeats_by_other ON repeats (other_id);
CREATE INDEX said_faces_by_person ON said_faces (person_id);
CREATE INDEX said_faces_by_photo ON said_faces (photo_id);
CREATE INDEX shown_merges_by_survivor ON shown_merges (survivor, position);
CREATE INDEX shown_people_named ON shown_people (named_at) WHERE named_at IS NOT NULL;
CREATE TRIGGER anchors_stale_update AFTER UPDATE ON anchors  BEGIN INSERT INTO stale_photos SELECT id FROM photos WHERE content_key =
                    substr(OLD.content_key, 1, instr(OLD.content_key || '@', '@') - 1) ON CONFLICT DO NOTHING; INSERT INTO stale_photos SELECT id FROM photos WHERE content_key =
                    substr(NEW.content_key, 1, instr(NEW.content_key || '@', '@') - 1) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER answer_decisions_no_delete BEFORE DELETE ON answer_decisions BEGIN SELECT RAISE(ABORT, 'what was said in a review is only added to'); END;
CREATE TRIGGER answer_decisions_no_update BEFORE UPDATE ON answer_decisions BEGIN SELECT RAISE(ABORT, 'what was said in a review is only added to'); END;
CREATE TRIGGER assignments_descriptors_delete AFTER DELETE ON assignments  BEGIN DELETE FROM descriptors WHERE person_id = OLD.person_id; DELETE FROM descriptors WHERE person_id = (SELECT survivor FROM shown_merges WHERE person_id = OLD.person_id); END;
CREATE TRIGGER assignments_descriptors_insert AFTER INSERT ON assignments  BEGIN DELETE FROM descriptors WHERE person_id = NEW.person_id; DELETE FROM descriptors WHERE person_id = (SELECT survivor FROM shown_merges WHERE person_id = NEW.person_id); END;
CREATE TRIGGER assignments_descriptors_update AFTER UPDATE OF person_id ON assignments WHEN OLD.person_id != NEW.person_id BEGIN DELETE FROM descriptors WHERE person_id IN (OLD.person_id, NEW.person_id); DELETE FROM descriptors WHERE person_id = (SELECT survivor FROM shown_merges WHERE person_id = OLD.person_id); DELETE FROM descriptors WHERE person_id = (SELECT survivor FROM shown_merges WHERE person_id = NEW.person_id); END;
CREATE TRIGGER assignments_stale_delete AFTER DELETE ON assignments  BEGIN INSERT INTO stale_people VALUES (OLD.person_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER assignments_stale_insert AFTER INSERT ON assignments  BEGIN INSERT INTO stale_people VALUES (NEW.person_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER assignments_stale_update AFTER UPDATE OF person_id ON assignments WHEN OLD.person_id != NEW.person_id BEGIN INSERT INTO stale_people VALUES (OLD.person_id) ON CONFLICT DO NOTHING; INSERT INTO stale_people VALUES (NEW.person_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER assignments_sums_delete AFTER DELETE ON assignments BEGIN DELETE FROM person_sums WHERE person_id = OLD.person_id; END;
CREATE TRIGGER assignments_sums_insert AFTER INSERT ON assignments BEGIN DELETE FROM person_sums WHERE person_id = NEW.person_id; END;
CREATE TRIGGER assignments_sums_update AFTER UPDATE OF person_id ON assignments BEGIN DELETE FROM person_sums WHERE person_id IN (OLD.person_id, NEW.person_id); END;
CREATE TRIGGER decision_faces_no_delete BEFORE DELETE ON decision_faces BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER decision_faces_no_update BEFORE UPDATE ON decision_faces BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER decision_people_no_delete BEFORE DELETE ON decision_people BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER decision_people_no_update BEFORE UPDATE ON decision_people BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'the decision log only grows'); END;
CREATE TRIGGER doubt_anchors_no_delete BEFORE DELETE ON doubt_anchors BEGIN SELECT RAISE(ABORT, 'what was said in a review is only added to'); END;
CREATE TRIGGER doubt_anchors_no_update BEFORE UPDATE ON doubt_anchors BEGIN SELECT RAISE(ABORT, 'what was said in a review is only added to'); END;
CREATE TRIGGER doubt_people_no_delete BEFORE DELETE ON doubt_people BEGIN SELECT RAISE(ABORT, 'what was said in a review is only added to'); END;
CREATE TRIGGER doubt_people_no_update BEFORE UPDATE ON doubt_people BEGIN SELECT RAISE(ABORT, 'what was said in a review is only added to'); END;
CREATE TRIGGER doubts_no_delete BEFORE DELETE ON doubts BEGIN SELECT RAISE(ABORT, 'what was said in a review is only added to'); END;
CREATE TRIGGER doubts_no_update BEFORE UPDATE ON doubts BEGIN SELECT RAISE(ABORT, 'what was said in a review is only added to'); END;
CREATE TRIGGER faces_descriptors_update AFTER UPDATE ON faces WHEN (OLD.quality, OLD.left, OLD.top, OLD.right, OLD.bottom, OLD.photo_id)
                IS NOT (NEW.quality, NEW.left, NEW.top, NEW.right, NEW.bottom, NEW.photo_id) BEGIN DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id = NEW.id); END;
CREATE TRIGGER faces_stale_delete AFTER DELETE ON faces  BEGIN INSERT INTO stale_photos VALUES (OLD.photo_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER faces_stale_insert AFTER INSERT ON faces  BEGIN INSERT INTO stale_photos VALUES (NEW.photo_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER faces_stale_update AFTER UPDATE ON faces WHEN (OLD.quality, OLD.left, OLD.top, OLD.right, OLD.bottom, OLD.photo_id)
                IS NOT (NEW.quality, NEW.left, NEW.top, NEW.right, NEW.bottom, NEW.photo_id) BEGIN INSERT INTO stale_photos VALUES (OLD.photo_id) ON CONFLICT DO NOTHING; INSERT INTO stale_photos VALUES (NEW.photo_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER photos_descriptors_update AFTER UPDATE OF taken_at ON photos WHEN OLD.taken_at != NEW.taken_at BEGIN DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id IN (SELECT id FROM faces WHERE photo_id = NEW.id)); END;
CREATE TRIGGER places_descriptors_delete AFTER DELETE ON places WHEN OLD.photo_id NOTNULL AND NOT EXISTS
                (SELECT 1 FROM places WHERE photo_id = OLD.photo_id AND id != OLD.id) BEGIN DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id IN (SELECT id FROM faces WHERE photo_id = OLD.photo_id)); END;
CREATE TRIGGER places_descriptors_insert AFTER INSERT ON places WHEN NEW.photo_id NOTNULL AND NOT EXISTS
                (SELECT 1 FROM places WHERE photo_id = NEW.photo_id AND id != NEW.id) BEGIN DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id IN (SELECT id FROM faces WHERE photo_id = NEW.photo_id)); END;
CREATE TRIGGER places_descriptors_update AFTER UPDATE OF photo_id ON places WHEN OLD.photo_id IS NOT NEW.photo_id BEGIN DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id IN (SELECT id FROM faces WHERE photo_id = OLD.photo_id)); DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id IN (SELECT id FROM faces WHERE photo_id = NEW.photo_id)); END;
CREATE TRIGGER places_stale_delete AFTER DELETE ON places WHEN OLD.photo_id IS NOT NULL BEGIN INSERT INTO stale_photos VALUES (OLD.photo_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER places_stale_insert AFTER INSERT ON places WHEN NEW.photo_id IS NOT NULL BEGIN INSERT INTO stale_photos VALUES (NEW.photo_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER places_stale_update AFTER UPDATE OF photo_id ON places WHEN OLD.photo_id IS NOT NEW.photo_id BEGIN INSERT INTO stale_photos SELECT OLD.photo_id WHERE OLD.photo_id IS NOT NULL ON CONFLICT DO NOTHING; INSERT INTO stale_photos SELECT NEW.photo_id WHERE NEW.photo_id IS NOT NULL ON CONFLICT DO NOTHING; END;
CREATE TRIGGER said_faces_descriptors_delete AFTER DELETE ON said_faces  BEGIN DELETE FROM descriptors WHERE person_id = OLD.person_id; DELETE FROM descriptors WHERE person_id = (SELECT survivor FROM shown_merges WHERE person_id = OLD.person_id); DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id = OLD.face_id); END;
CREATE TRIGGER said_faces_descriptors_insert AFTER INSERT ON said_faces  BEGIN DELETE FROM descriptors WHERE person_id = NEW.person_id; DELETE FROM descriptors WHERE person_id = (SELECT survivor FROM shown_merges WHERE person_id = NEW.person_id); DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id = NEW.face_id); END;
CREATE TRIGGER shown_merges_descriptors_delete AFTER DELETE ON shown_merges  BEGIN DELETE FROM descriptors WHERE person_id IN (OLD.person_id, OLD.survivor); END;
CREATE TRIGGER shown_merges_descriptors_insert AFTER INSERT ON shown_merges  BEGIN DELETE FROM descriptors WHERE person_id IN (NEW.person_id, NEW.survivor); END;
CREATE TRIGGER vector_codes_descriptors_delete AFTER DELETE ON vector_codes  BEGIN DELETE FROM descriptors WHERE model = OLD.model; END;
CREATE TRIGGER vector_codes_descriptors_insert AFTER INSERT ON vector_codes  BEGIN DELETE FROM descriptors WHERE model = NEW.model; END;
CREATE TRIGGER vector_codes_descriptors_update AFTER UPDATE ON vector_codes  BEGIN DELETE FROM descriptors WHERE model = NEW.model; END;
CREATE TRIGGER vector_codes_sums_delete AFTER DELETE ON vector_codes BEGIN DELETE FROM person_sums WHERE model = OLD.model; END;
CREATE TRIGGER vector_codes_sums_insert AFTER INSERT ON vector_codes BEGIN DELETE FROM person_sums WHERE model = NEW.model; END;
CREATE TRIGGER vector_codes_sums_update AFTER UPDATE ON vector_codes BEGIN DELETE FROM person_sums WHERE model = NEW.model; END;
CREATE TRIGGER vectors_descriptors_delete AFTER DELETE ON vectors  BEGIN DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id = OLD.face_id) AND model = OLD.model; END;
CREATE TRIGGER vectors_descriptors_insert AFTER INSERT ON vectors  BEGIN DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id = NEW.face_id) AND model = NEW.model; END;
CREATE TRIGGER vectors_descriptors_update AFTER UPDATE ON vectors  BEGIN DELETE FROM descriptors WHERE person_id IN (SELECT person_id FROM face_owners WHERE face_id = NEW.face_id) AND model = NEW.model; END;
CREATE TRIGGER vectors_sums_delete AFTER DELETE ON vectors BEGIN DELETE FROM person_sums WHERE person_id IN (SELECT person_id FROM assignments WHERE face_id = OLD.face_id); END;
CREATE TRIGGER vectors_sums_insert AFTER INSERT ON vectors BEGIN DELETE FROM person_sums WHERE person_id IN (SELECT person_id FROM assignments WHERE face_id = NEW.face_id); END;
CREATE TRIGGER vectors_sums_update AFTER UPDATE ON vectors BEGIN DELETE FROM person_sums WHERE person_id IN (SELECT person_id FROM assignments WHERE face_id = NEW.face_id); END;
CREATE VIEW face_owners AS
        SELECT face_id, person_id FROM assignments
        UNION ALL SELECT face_id, person_id FROM said_faces WHERE person_id NOTNULL
        UNION ALL SELECT a.face_id, m.survivor FROM assignments a
            JOIN shown_merges m ON m.person_id = a.person_id
        UNION ALL SELECT s.face_id, m.survivor FROM said_faces s
            JOIN shown_merges m ON m.person_id = s.person_id;
