"""`library compact`: descriptors of 128 bytes instead of float16 vectors.

The library has its new form from the moment in which the code is stored, in one transaction; what
is not rewritten yet is read as if it were (`catalog.vectors`). Rewriting goes in short
transactions, so that naming works meanwhile, and goes on where it was stopped.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from facesort.catalog import photos, vectors
from facesort.descriptors.compact import fit_code, loss
from facesort.errors import LibraryError
from facesort.jobs.grouping.group import grouped_anew
from facesort.jobs.grouping.options import GroupOptions
from facesort.search.store import erase_indexes

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from facesort.catalog.connection import Database
    from facesort.descriptors.compact import Loss
    from facesort.domain import FaceId, PersonId, VectorCode
    from facesort.inference.card import ModelCard
    from facesort.protocols import Progress

__all__ = ["Compaction", "carry_out", "faces_moved", "plan"]

# Vectors rewritten in one transaction. Of 4,096 it took .03 s at a million faces, .34 s at worst
# (2026-11-22); whoever names somebody meanwhile waits that long.
_BATCH = 1024

# Larger libraries are not grouped twice to count who would move: that takes minutes.
MOST_REGROUPED = 20_000

# In the catalog's facts while rewriting is not over.
_UNFINISHED = "compacting"


@dataclass(frozen=True, slots=True)
class Compaction:
    """What compacting a library changes.

    Args:
        model: the embedder's name.
        faces: how many vectors of it there are.
        code: how they are written; None where there is nothing to do.
        loss: what that changes; None for a compaction that is resumed.
        regrouped: how many faces were grouped in both forms; 0 where they are too many or too few.
        moved: how many of them have another person then.
        bytes_before: of the catalog on the disk.
        bytes_after: likewise, once it is done.
        remark: what did not work out.
    """

    model: str
    faces: int
    code: VectorCode | None
    loss: Loss | None = None
    regrouped: int = 0
    moved: int = 0
    bytes_before: int = 0
    bytes_after: int | None = None
    remark: str = ""

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier compaction was stopped, and only the rest of it is to be done."""
        return self.code is not None and self.loss is None

    def to_json(self) -> dict[str, object]:
        """Return the document of `library compact --json`."""
        lost = self.loss
        return {
            "model": self.model,
            "faces": self.faces,
            "needed": self.code is not None,
            "done": self.bytes_after is not None,
            "bytes_a_face": None if self.code is None else self.code.size,
            "cosine_change": None if lost is None else {
                "mean": lost.mean_change, "max": lost.max_change, "pairs": lost.pairs
            },
            "regrouped": {"faces": self.regrouped, "moved": self.moved} if self.regrouped else None,
            "catalog_bytes": {"before": self.bytes_before, "after": self.bytes_after},
            "remark": self.remark,
        }  # fmt: skip


def plan(db: Database, card: ModelCard, *, min_face: int) -> Compaction:
    """Say what compacting would do and cost; nothing is changed.

    Args:
        db: the catalog.
        card: the embedder in use.
        min_face: smaller faces do not count when groups are compared, pixels.
    """
    with db.snapshot():
        code = vectors.code_of(db, card.model_key)
        faces = vectors.count(db, card.model_key)
        size = db.file_bytes
        if code is not None or not faces:
            unfinished = code is not None and db.meta(_UNFINISHED) == card.model_key
            return Compaction(card.name, faces, code if unfinished else None, bytes_before=size)
        stored = vectors.matrix(db, card.model_key).vectors
        code = fit_code(stored, card.model_key)
        lost = loss(stored, code)
        del stored
        regrouped = moved = 0
        if faces <= MOST_REGROUPED:
            regrouped, moved = _compare(db, card, code, min_face)
    return Compaction(card.name, faces, code, lost, regrouped, moved, size)


def _compare(db: Database, card: ModelCard, code: VectorCode, min_face: int) -> tuple[int, int]:
    """Group everything in both forms; return how many faces were, and how many changed."""
    options = GroupOptions.from_meta(db.meta("group_options"))
    before = grouped_anew(db, card, options, min_face=min_face)
    vectors.pretend_code(db, code)
    after = grouped_anew(db, card, options, min_face=min_face)
    return len(before.keys() | after.keys()), faces_moved(before, after)


def faces_moved(before: Mapping[FaceId, PersonId], after: Mapping[FaceId, PersonId]) -> int:
    """Count the faces whose companions change between two groupings.

    Ids say little: who loses the face they were founded on gets another one. So people are matched
    one to one by the faces they share, largest share first, and the other faces have moved.

    Args:
        before: the person of each face that has one.
        after: likewise.
    """
    # Who is nobody's is alone.
    faces = before.keys() | after.keys()
    pairs: Counter[tuple[Hashable, Hashable]] = Counter(
        (before.get(face, ("nobody", face)), after.get(face, ("nobody", face))) for face in faces
    )
    kept = 0
    taken: set[tuple[int, Hashable]] = set()
    for (old, new), shared in sorted(pairs.items(), key=lambda pair: (-pair[1], repr(pair[0]))):
        if (0, old) not in taken and (1, new) not in taken:
            taken |= {(0, old), (1, new)}
            kept += shared
    return len(faces) - kept


def carry_out(db: Database, card: ModelCard, planned: Compaction, progress: Progress) -> Compaction:
    """Do what was planned; belongs under the job lock. Ctrl-C keeps what is done.

    Args:
        db: the catalog.
        card: the embedder in use.
        planned: from `plan`; where new faces came since, the scale of before is kept.
        progress: is told.

    Raises:
        LibraryUnwritable: there is no space; what was done stays.
    """
    code = vectors.code_of(db, card.model_key) or planned.code
    if code is None:
        return planned
    before = db.file_bytes
    if vectors.code_of(db, card.model_key) is None:
        with db.transaction():
            vectors.set_code(db, code)
            db.set_meta(_UNFINISHED, card.model_key)
            photos.bump_generation(db)  # what was made from the vectors before is out of date
        erase_indexes(db.path.parent / "index")
    progress.start("Rewriting vectors", vectors.count(db, card.model_key), "face")
    try:
        after: str | None = ""
        while after is not None:
            with db.transaction():
                after, looked_at = vectors.recode(db, code, after, most=_BATCH)
            progress.advance(looked_at)
    finally:
        progress.finish()
    remark = _shrink(db)
    with db.transaction():
        db.set_meta(_UNFINISHED, "")
    return replace(planned, bytes_before=before, bytes_after=db.file_bytes, remark=remark)


def _shrink(db: Database) -> str:
    """Free the space; without success the vectors are rewritten all the same."""
    try:
        db.shrink()
    except LibraryError as error:
        return f"The file could not be made smaller: {error.message}."
    return ""
