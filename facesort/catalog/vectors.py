"""The embeddings: written as float16, or as bytes once the library was made compact.

A row whose length is that of the model's float16 vectors is one, whatever the library's form: what
`library compact` has not come to yet is read as if it had. So a library has changed its form in the
moment in which the code is stored, and the rest is a matter of bytes on the disk.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import FaceId, FaceMatrix, VectorCode
from facesort.domain.codes import unit
from facesort.errors import LibraryDamaged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.protocols import Vectors

__all__ = [
    "Decoder",
    "aligned",
    "code_of",
    "count",
    "face_ids",
    "matrix",
    "models",
    "pretend_code",
    "put",
    "recode",
    "set_code",
    "stored_bytes",
    "vector_dimension",
]

# Little endian, two bytes a number: changes a cosine by at most 7e-5, at half the pages of float32.
_FLOAT = np.dtype("<f2")


def matrix(db: Database, model: str, faces: Collection[FaceId] | None = None) -> FaceMatrix:
    """Return the vectors of one model, in order of face id.

    Args:
        db: the catalog.
        model: model key.
        faces: only of these; None: of all. Those without a vector are left out.

    Raises:
        LibraryDamaged: a stored vector is of a strange length.
    """
    most = _most_faces(db) if faces is None else len(set(faces))
    ids: list[FaceId] = []
    filled = np.zeros((0, 1), dtype=np.float32)
    for block, vectors in _read(db, model, faces):
        if not ids:
            # As large as can be needed: pages that nothing is written to take no memory.
            filled = np.empty((most, vectors.shape[1]), dtype=np.float32)
        filled[len(ids) : len(ids) + len(block)] = vectors
        ids += block
    return FaceMatrix(tuple(ids), filled[: len(ids)], model)


def aligned(db: Database, model: str, faces: Sequence[FaceId]) -> tuple[Vectors, NDArray[np.bool_]]:
    """Return the vectors of one model in the order of some faces: no copy is made to sort them.

    Args:
        db: the catalog.
        model: model key.
        faces: n different ids.

    Returns:
        (n, d) unit vectors, zeros where there is none; (n,) whether there is one.

    Raises:
        LibraryDamaged: a stored vector is of a strange length.
    """
    known = np.zeros(len(faces), dtype=bool)
    filled = np.zeros((len(faces), 1), dtype=np.float32)
    row_of = {face: row for row, face in enumerate(faces)}
    # Reading a few by their ids takes less than passing over all the others.
    few = faces if len(faces) * 5 < _most_faces(db) else None
    for block, vectors in _read(db, model, few):
        if filled.shape[1] != vectors.shape[1]:
            filled = np.zeros((len(faces), vectors.shape[1]), dtype=np.float32)
        rows = np.array([row_of.get(face, -1) for face in block], dtype=np.int64)
        wanted = rows >= 0
        if wanted.all():
            filled[rows] = vectors
        else:
            filled[rows[wanted]] = vectors[wanted]
        known[rows[wanted]] = True
    return filled, known


def _most_faces(db: Database) -> int:
    """Count faces: no model has more vectors, and counting those takes longer."""
    return int(db.execute("SELECT COUNT(*) FROM faces").fetchone()[0])


def _read(
    db: Database, model: str, faces: Collection[FaceId] | None
) -> Iterator[tuple[list[FaceId], Vectors]]:
    """Yield ids and unit vectors, some thousand at a time, in order of face id."""
    decode = Decoder(db, model)
    if faces is None:
        blocks = db.blocks(
            "SELECT face_id, vector FROM vectors WHERE model = ? ORDER BY face_id", (model,)
        )
    else:
        blocks = db.blocks(
            """SELECT face_id, vector FROM vectors WHERE model = ?
               AND face_id IN (SELECT value FROM json_each(?)) ORDER BY face_id""",
            (model, json.dumps(list(faces))),
        )
    for block in blocks:
        yield [face for face, _ in block], decode([vector for _, vector in block])


class Decoder:
    """Turns stored vectors of one model back into numbers, for any query that reads them.

    Args:
        db: the catalog; its form is read once.
        model: model key.
    """

    def __init__(self, db: Database, model: str) -> None:
        self._path = db.path
        self._code = code_of(db, model)
        # Bytes of a float16 row; without a code the first row tells.
        self._width = 0 if self._code is None else _FLOAT.itemsize * self._code.dimension

    def __call__(self, stored: Sequence[bytes]) -> Vectors:
        """Return (n, d) float32 unit vectors of n > 0 stored ones.

        Raises:
            LibraryDamaged: one is of a strange length.
        """
        code = self._code
        lengths = {len(row) for row in stored}
        if code is not None and lengths == {code.size}:
            return code.decode(_as_bytes(stored, code))
        self._width = self._width or len(stored[0])
        width = self._width
        if lengths == {width} and width and width % _FLOAT.itemsize == 0:
            vectors = _as_floats(stored, width)
            return vectors if code is None else code.seen(vectors)
        if code is None or not lengths <= {width, code.size}:
            raise LibraryDamaged(
                f"{self._path} holds vectors of {' and '.join(map(str, sorted(lengths)))} bytes "
                f"where {width if code is None else code.size} are expected",
                hint="Restore a backup of catalog.db.",
            )
        is_float = np.array([len(row) == width for row in stored], dtype=bool)
        mixed = np.empty((len(stored), code.size), dtype=np.float32)
        mixed[is_float] = code.seen(_as_floats([r for r in stored if len(r) == width], width))
        mixed[~is_float] = code.decode(_as_bytes([r for r in stored if len(r) != width], code))
        return mixed


def _as_floats(coded: Sequence[bytes], width: int) -> Vectors:
    raw = np.frombuffer(b"".join(coded), dtype=_FLOAT).reshape(-1, width // _FLOAT.itemsize)
    return unit(raw.astype(np.float32))  # float16 rounds lengths too


def _as_bytes(coded: Sequence[bytes], code: VectorCode) -> NDArray[np.int8]:
    return np.frombuffer(b"".join(coded), dtype=np.int8).reshape(-1, code.size)


def put(db: Database, model: str, vectors: Iterable[tuple[FaceId, NDArray[np.float32]]]) -> None:
    """Store vectors in the form that the library has; belongs inside a transaction.

    Args:
        db: the catalog.
        model: model key.
        vectors: face and (d,) unit float32.
    """
    pairs = list(vectors)
    if not pairs:
        return
    code = code_of(db, model)
    stacked = np.stack([vector for _, vector in pairs])
    written = stacked.astype(_FLOAT) if code is None else code.encode(stacked)
    db.executemany(
        """INSERT INTO vectors (face_id, model, vector) VALUES (?, ?, ?)
           ON CONFLICT (face_id, model) DO UPDATE SET vector = excluded.vector""",
        [(face, model, row.tobytes()) for (face, _), row in zip(pairs, written, strict=True)],
    )


# -- the form ------------------------------------------------------------------------------------


def code_of(db: Database, model: str) -> VectorCode | None:
    """Return how a model's vectors are written; None: as float16."""
    row = db.execute(
        "SELECT dimension, size, scale, slope, shift, axes FROM vector_codes WHERE model = ?",
        (model,),
    ).fetchone()
    if row is None:
        return None
    dimension, size, scale, slope, shift, axes = row
    columns = None
    if axes is not None:
        columns = np.frombuffer(axes, dtype="<f4").reshape(dimension, size)
    return VectorCode(model, dimension, size, scale, columns, slope, shift)


def set_code(db: Database, code: VectorCode) -> None:
    """Say that a model's vectors are bytes from now on; belongs inside a transaction.

    There is no way back, so a code is never replaced.
    """
    axes = None if code.axes is None else code.axes.astype("<f4").tobytes()
    db.execute(
        """INSERT INTO vector_codes (model, dimension, size, scale, slope, shift, axes)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (
            code.model_key,
            code.dimension,
            code.size,
            code.scale,
            code.slope,
            code.shift,
            axes,
        ),
    )


def pretend_code(db: Database, code: VectorCode) -> None:
    """Read a model's vectors as if a code had been stored, until this snapshot ends.

    Belongs inside a snapshot, whose end takes it back. Nobody else sees it, and nobody waits: a
    temporary table hides the real one.
    """
    db.execute("CREATE TEMP TABLE vector_codes AS SELECT * FROM main.vector_codes WHERE 0")
    set_code(db, code)


def recode(db: Database, code: VectorCode, after: str, *, most: int) -> tuple[str | None, int]:
    """Write some vectors that still are float16 as bytes; belongs inside a transaction.

    Args:
        db: the catalog.
        code: the model's, stored before.
        after: where to go on: the id that this returned last, or ''.
        most: rows looked at.

    Returns:
        The last id looked at, None at the end; and how many were looked at.
    """
    rows = db.rows(
        """SELECT face_id, vector FROM vectors WHERE model = ? AND face_id > ?
           ORDER BY face_id LIMIT ?""",
        (code.model_key, after, most),
    )
    if not rows:
        return None, 0
    width = _FLOAT.itemsize * code.dimension
    old = [(face, vector) for face, vector in rows if len(vector) == width]
    if old:
        coded = code.encode(_as_floats([vector for _, vector in old], width))
        db.executemany(
            "UPDATE vectors SET vector = ? WHERE face_id = ? AND model = ?",
            [
                (row.tobytes(), face, code.model_key)
                for (face, _), row in zip(old, coded, strict=True)
            ],
        )
    return rows[-1][0], len(rows)


def models(db: Database) -> dict[str, int]:
    """Return every model that has vectors, and how many."""
    return dict(db.rows("SELECT model, COUNT(*) FROM vectors GROUP BY model ORDER BY model"))


def count(db: Database, model: str) -> int:
    """Return how many vectors of a model there are."""
    row = db.execute("SELECT COUNT(*) FROM vectors WHERE model = ?", (model,)).fetchone()
    return int(row[0])


def stored_bytes(db: Database, model: str) -> int:
    """Return how many bytes the vectors of a model take, without what SQLite adds."""
    row = db.execute("SELECT SUM(LENGTH(vector)) FROM vectors WHERE model = ?", (model,)).fetchone()
    return int(row[0] or 0)


def vector_dimension(db: Database, model: str) -> int | None:
    """Return the length of a model's vectors as the model makes them; None without any."""
    code = code_of(db, model)
    if code is not None:
        return code.dimension
    row = db.execute("SELECT LENGTH(vector) FROM vectors WHERE model = ? LIMIT 1", (model,))
    found = row.fetchone()
    return None if found is None else int(found[0]) // _FLOAT.itemsize


def face_ids(db: Database, model: str) -> list[FaceId]:
    """Return the faces that have a vector of a model, in order of id: the order of `matrix`."""
    return [
        FaceId(face)
        for (face,) in db.execute(
            "SELECT face_id FROM vectors WHERE model = ? ORDER BY face_id", (model,)
        )
    ]
