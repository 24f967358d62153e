"""How the faces that stand for a person are chosen in a library, and what that depends on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from facesort.descriptors.coreset import Rule
from facesort.domain import short_hash
from facesort.jobs.describing.aggregating import aggregator_key
from facesort.jobs.grouping.calibrated import card_calibration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.inference.card import ModelCard

__all__ = ["alike_cosine", "coreset_rule", "min_quality", "rule_key", "seconds_of"]

# Another number, and all descriptors are made anew: belongs to what `descriptors` does.
_VERSION = 1

_START = datetime(1970, 1, 1)  # noqa: DTZ001 - cameras write no zone


def min_quality(card: ModelCard) -> float:
    """Return the quality below which a face starts no person, and stands for none if it can."""
    return float(str(card.quality.get("min_quality", Rule().floor)))


def coreset_rule(db: Database, card: ModelCard, *, size: int | None = None) -> Rule:
    """Return how the faces that stand for a person are chosen.

    Args:
        db: the catalog: its vectors may be in another form than the card speaks of.
        card: the embedder's.
        size: faces at most; None: as everywhere.
    """
    calibration = card_calibration(db, card)
    rule = Rule(floor=min_quality(card), one_person=calibration.one_person if calibration else None)
    return rule if size is None else replace(rule, size=size)


def alike_cosine(db: Database, card: ModelCard) -> float:
    """Return the mean cosine of somebody's faces from which on there is no need to find looks.

    As alike as two faces of one person are on average, says the card: one vector stands for them
    all. Of two looks that differ as a child and a grown-up do (.3), the smaller one may have a
    tenth of the faces then.
    """
    calibration = card_calibration(db, card)
    if calibration is None or calibration.one_person is None:
        return 1.0
    return calibration.one_person.mean


def rule_key(db: Database, card: ModelCard, *, min_face: int) -> str:
    """Name all that a stored descriptor depends on besides the faces themselves."""
    parts = (_VERSION, min_face, coreset_rule(db, card), aggregator_key(db, card))
    return short_hash(repr(parts), 8)


def seconds_of(moments: Sequence[str]) -> NDArray[np.float64]:
    """Return n moments, ISO 8601 without zone, in seconds; NaN for those that say nothing."""
    found = np.full(len(moments), np.nan)
    for row, moment in enumerate(moments):
        if not moment:
            continue
        try:
            taken = datetime.fromisoformat(moment)
        except ValueError:  # as some camera wrote it
            continue
        found[row] = (taken.replace(tzinfo=None) - _START).total_seconds()
    return found
