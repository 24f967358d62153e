"""Vectors of people and faces as one file for other programs: `.npz` or Apache Parquet.

The file is what the library knows people by: only its owner can read it, and nothing in it can run
code when it is opened.

An `.npz` holds plain arrays (`numpy.load` opens it with `allow_pickle=False`), the same bytes for
the same content. Parquet has a single table, whose column `kind` says whether a row is a person or
a face; what a library is and which model its vectors are of is in the table's metadata.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from facesort.errors import DestinationOccupied, DestinationUnwritable, UsageError
from facesort.export.destination import check_outside
from facesort.files import PathKind, atomic_replace, explain_os_error, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["FORMAT", "Form", "PersonVector", "VectorFile", "check_file", "write_vectors"]

FORMAT = 1

# Only the owner: this is biometric data.
_RIGHTS = 0o600

# Zip files know no earlier day; a fixed one makes equal content equal bytes.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


# Arrays by which an .npz is known to be ours.
_MARKS = ("facesort", "library", "model_key", "person_descriptor", "face_vector")


class Form(StrEnum):
    """How vectors are written, by the end of the file's name."""

    NPZ = ".npz"
    PARQUET = ".parquet"


@dataclass(frozen=True, slots=True)
class PersonVector:
    """What one look of a person is known by; most people have one look.

    Args:
        person: the id.
        name: the label; empty without one, or where names were not asked for.
        look: from 1.
        faces: how many faces look so.
        cohesion: how much of one mind the chosen faces are, 0..1.
        chosen: ids of the faces that the descriptor was made from, in the order of their choice.
    """

    person: str
    name: str
    look: int
    faces: int
    cohesion: float
    chosen: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class VectorFile:
    """What is written.

    Args:
        library: its id.
        model_key: names the model and its weights; vectors of two models are not compared.
        aggregator: what made the descriptors: `coreset`, or the key of a trained model.
        stored: how exact the library keeps vectors: `float16`, or how they were made compact.
        people: p rows, by id and look.
        descriptors: (p, d) unit float32.
        face_ids: n faces, by person and id.
        face_people: whose each is: n ids.
        vectors: (n, d) unit float32.
        quality: (n,) float32, 0..1.
        photos: n content keys of the faces' photos.
    """

    library: str
    model_key: str
    aggregator: str
    stored: str
    people: Sequence[PersonVector]
    descriptors: Vectors
    face_ids: Sequence[str]
    face_people: Sequence[str]
    vectors: Vectors
    quality: NDArray[np.float32]
    photos: Sequence[str]


def check_file(file: Path, scanned_roots: Sequence[Path], library_folder: Path) -> Form:
    """Refuse a file that cannot take vectors, before any work; changes nothing.

    Returns:
        How it will be written.

    Raises:
        UsageError: its name ends otherwise, it is a folder, or what writes it is not installed.
        DestinationOccupied: there is a file that is no such file of facesort's.
        DestinationOverlaps: it lies in a scanned folder, or in the library's.
        DestinationUnwritable: nobody can say what is there.
    """
    suffix = file.suffix.lower()
    if suffix not in set(Form):
        raise UsageError(
            f"{file} is neither .npz nor .parquet",
            hint="The end of the name says how vectors are written: people.npz, people.parquet.",
        )
    kind = kind_of(file, DestinationUnwritable)
    if kind is PathKind.FOLDER:
        raise UsageError(f"{file} is a folder, not a file", hint="Name a file in it.")
    check_outside(file.parent, scanned_roots, library_folder)
    if suffix == Form.PARQUET:
        try:
            import pyarrow.parquet  # noqa: F401, PLC0415 - an extra, and heavy
        except ImportError as error:
            raise UsageError(
                f"{file} cannot be written: pyarrow is not installed",
                hint='Install it (pip install "facesort[parquet]"), or write an .npz file.',
            ) from error
    is_free = kind is PathKind.NOTHING
    if not is_free and not (kind is PathKind.FILE and _is_ours(file, Form(suffix))):
        raise DestinationOccupied(
            f"{file} is there and is no file of vectors from facesort",
            hint="Choose another name: only its own files are replaced.",
        )
    return Form(suffix)


def _is_ours(file: Path, form: Form) -> bool:
    """Whether a file holds what `write_vectors` writes.

    Raises:
        DestinationUnwritable: it cannot be read.
    """
    try:
        return _is_npz(file) if form is Form.NPZ else _is_parquet(file)
    except OSError as error:
        raise DestinationUnwritable(
            f"{file} is there and cannot be read", hint=explain_os_error(error)
        ) from error


def _is_npz(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return {f"{name}.npy" for name in _MARKS} <= set(archive.namelist())
    except zipfile.BadZipFile:
        return False


def _is_parquet(file: Path) -> bool:
    import pyarrow as pa  # noqa: PLC0415 - an extra, and heavy
    from pyarrow import parquet  # noqa: PLC0415

    try:
        facts = parquet.read_schema(file).metadata or {}
    except pa.ArrowInvalid:
        return False
    return {b"facesort", b"model_key"} <= set(facts)


def write_vectors(content: VectorFile, file: Path, form: Form) -> None:
    """Write the file as a whole or not at all, readable for its owner only.

    Raises:
        DestinationUnwritable: no space, or no permission.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_replace(file, mode=_RIGHTS) as target:
            if form is Form.NPZ:
                _write_npz(content, target)
            else:
                _write_parquet(content, target)
    except OSError as error:
        raise DestinationUnwritable(
            f"{file} cannot be written: {error.strerror or error}", hint=explain_os_error(error)
        ) from error


def _write_npz(content: VectorFile, target: BinaryIO) -> None:
    people = content.people
    most = max((len(person.chosen) for person in people), default=0)
    chosen = [[*person.chosen, *[""] * (most - len(person.chosen))] for person in people]
    arrays = {
        "facesort": np.array(FORMAT, dtype=np.int64),
        "library": np.array(content.library),
        "model_key": np.array(content.model_key),
        "aggregator": np.array(content.aggregator),
        "stored": np.array(content.stored),
        "person_id": _texts([person.person for person in people]),
        "person_name": _texts([person.name for person in people]),
        "person_look": np.array([person.look for person in people], dtype=np.int64),
        "person_faces": np.array([person.faces for person in people], dtype=np.int64),
        "person_cohesion": np.array([person.cohesion for person in people], dtype=np.float32),
        "person_chosen": _texts(chosen).reshape(len(people), most),
        "person_descriptor": content.descriptors.astype(np.float32, copy=False),
        "face_id": _texts(content.face_ids),
        "face_person": _texts(content.face_people),
        "face_photo": _texts(content.photos),
        "face_quality": content.quality.astype(np.float32, copy=False),
        "face_vector": content.vectors.astype(np.float32, copy=False),
    }
    with zipfile.ZipFile(target, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_NO_DATE)
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _texts(texts: Sequence[object]) -> NDArray[np.str_]:
    """Return texts as an array of fixed width: one of objects would need pickle."""
    return np.array(texts, dtype=np.str_) if len(texts) else np.zeros(0, dtype="<U1")


def _write_parquet(content: VectorFile, target: BinaryIO) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra, and heavy
    from pyarrow import parquet  # noqa: PLC0415

    people, faces = content.people, len(content.face_ids)
    none = [None] * faces
    both = np.concatenate([content.descriptors, content.vectors]).astype(np.float32, copy=False)
    columns = {
        "kind": pa.array(["person"] * len(people) + ["face"] * faces),
        "person": pa.array([*(person.person for person in people), *content.face_people]),
        "name": pa.array([*(person.name or None for person in people), *none], pa.string()),
        "look": pa.array([*(person.look for person in people), *none], pa.int32()),
        "faces": pa.array([*(person.faces for person in people), *none], pa.int64()),
        "cohesion": pa.array([*(person.cohesion for person in people), *none], pa.float32()),
        "chosen": pa.array([*(person.chosen for person in people), *none], pa.list_(pa.string())),
        "face": pa.array([*([None] * len(people)), *content.face_ids], pa.string()),
        "photo": pa.array([*([None] * len(people)), *content.photos], pa.string()),
        "quality": pa.array([*([None] * len(people)), *content.quality.tolist()], pa.float32()),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(both.reshape(-1)), both.shape[1]),
    }
    facts = {
        "facesort": str(FORMAT),
        "library": content.library,
        "model_key": content.model_key,
        "aggregator": content.aggregator,
        "stored": content.stored,
    }
    table = pa.table(columns).replace_schema_metadata(facts)
    parquet.write_table(table, target, compression="zstd")
