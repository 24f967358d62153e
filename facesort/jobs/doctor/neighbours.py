"""Whether the neighbour index is there and whole, and how much it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog.health import reading
from facesort.catalog.vectors import models
from facesort.jobs.doctor.findings import Finding, Verdict
from facesort.jobs.grouping.neighbours import open_library_index, recall_at
from facesort.search import hnsw
from facesort.search.choose import EXACT_UP_TO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from facesort.jobs.grouping.neighbours import LibraryIndex

__all__ = ["check_hnswlib", "check_neighbours"]

_NEIGHBOURS = 10
_FEW = 0.9  # of the ten nearest: below, an index is worse than a rebuilt one


def check_hnswlib() -> Finding:
    """Say whether large libraries can have an index."""
    there = hnsw.available()
    facts = {"hnswlib": there}
    if there:
        return Finding("hnswlib", Verdict.OK, "is installed", facts=facts)
    return Finding(
        "hnswlib",
        Verdict.NOTE,
        f"is not installed: above {EXACT_UP_TO:,} faces every search reads all of them",
        'pip install "facesort[index]" builds it; that needs a C++ compiler.',
        facts=facts,
    )


def check_neighbours(folder: Path, *, exact_up_to: int = EXACT_UP_TO) -> Iterator[Finding]:
    """Open the index of the model with most faces and compare it with exact search.

    Args:
        folder: the library's.
        exact_up_to: faces that need no index.

    Raises:
        LibraryDamaged, LibraryUnwritable: the catalog cannot be read.
    """
    with reading(folder) as db:
        faces = models(db)
        if not faces:
            return
        model = max(faces, key=lambda key: (faces[key], key))
        if faces[model] <= exact_up_to:
            yield _exact(faces[model])
            return
        opened = open_library_index(db, folder, model, exact_up_to=exact_up_to)
        yield _stored(opened) if opened.index.kind == "hnsw" else _unindexed(opened)


def _exact(faces: int) -> Finding:
    told = f"{faces:,} faces are compared exactly: none is missed up to {EXACT_UP_TO:,}"
    facts: dict[str, object] = {"kind": "exact", "faces": faces, "waiting": 0, "recall_at_10": 1.0}
    return Finding("neighbours", Verdict.OK, told, facts=facts)


def _unindexed(opened: LibraryIndex) -> Finding:
    faces = len(opened.ids)
    facts: dict[str, object] = {"kind": "exact", "faces": faces, "waiting": 0, "recall_at_10": 1.0}
    told = f"{faces:,} faces are compared exactly, which takes longer: {opened.index.note}"
    hint = "facesort group builds it." if hnsw.available() else ""
    return Finding("neighbours", Verdict.NOTE, told, hint, facts=facts)


def _stored(opened: LibraryIndex) -> Finding:
    recall = recall_at(opened, _NEIGHBOURS)
    faces, waiting = len(opened.ids), opened.index.waiting
    told = (
        f"{faces:,} faces, indexed ({waiting:,} beside the index); of the {_NEIGHBOURS} nearest it "
        f"finds {recall:.1%} (sample)"
    )
    facts: dict[str, object] = {
        "kind": "hnsw",
        "faces": faces,
        "waiting": waiting,
        "recall_at_10": recall,
    }
    if recall < _FEW:
        hint = "Delete the library's folder index; facesort group builds it anew."
        return Finding("neighbours", Verdict.NOTE, told, hint, facts=facts)
    return Finding("neighbours", Verdict.OK, told, facts=facts)
