"""Who is known: the people of a library, each look of them as one stored descriptor.

A new face is compared with everybody. That is less to read than an index of the faces: a million
faces are some hundred thousand people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import showing
from facesort.errors import ModelMismatch
from facesort.grouping.openset import Gallery
from facesort.jobs.describing.descriptors import read_everybody

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import PersonId
    from facesort.inference.card import ModelCard
    from facesort.jobs.describing.descriptors import Made

__all__ = ["Known", "known_people"]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The people that a face is compared with.

    Args:
        gallery: their descriptors.
        persons: their ids, in the order of the gallery.
        names: of those who have one.
        ignored: those whom the user does not want to see.
        made: descriptors that were missing: store them when the snapshot is over.
    """

    gallery: Gallery
    persons: Sequence[PersonId]
    names: dict[PersonId, str]
    ignored: Collection[PersonId]
    made: Made


def known_people(db: Database, card: ModelCard, *, min_face: int) -> Known:
    """Read who a face may be; inside a snapshot of tables that are up to date.

    Args:
        db: the catalog.
        card: the embedder's.
        min_face: smaller faces do not count, pixels.

    Raises:
        ModelMismatch: there are people, and no face of theirs has a vector of this embedder.
    """
    everybody, made = read_everybody(db, card, min_face=min_face)
    faces = showing.face_counts(db)
    if faces and not everybody.people:
        raise ModelMismatch(
            f"no face of this library has a vector of {card.name}",
            hint="Scan again with this model, or name the one that it was scanned with: --model",
        )
    persons = list(dict.fromkeys(everybody.people))
    looks = np.unique(np.array(everybody.people), return_counts=True)[1].astype(np.int64)
    gallery = Gallery(
        everybody.vectors,
        everybody.cohesion,
        everybody.sizes,
        everybody.quality,
        np.array([faces[person] for person in persons], dtype=np.int64),
        looks,
    )
    return Known(gallery, persons, showing.names(db), showing.ignored(db), made)
