"""What similarities mean in one library: its embedder's calibration, as its vectors are stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from facesort.catalog import vectors
from facesort.grouping.calibration import Calibration
from facesort.grouping.refine import Refinement

if TYPE_CHECKING:
    from facesort.catalog.connection import Database
    from facesort.inference.card import ModelCard
    from facesort.protocols import Vectors

__all__ = [
    "calibration_of",
    "card_calibration",
    "poor_centre_of",
    "refinement_of",
    "remember",
    "remember_poor_centre",
]

_KEY = "refinement"
_CENTRE_KEY = "poor_centre"


def card_calibration(db: Database | None, card: ModelCard) -> Calibration | None:
    """Return the card's calibration of an embedder's vectors as they come out of a library.

    Args:
        db: the catalog; None where vectors come from the model itself.
        card: the embedder's.

    Returns:
        None when the card has none.
    """
    if not card.calibration:
        return None
    calibration = Calibration.from_card(card.calibration, card.path)
    code = None if db is None else vectors.code_of(db, card.model_key)
    if code is None or code.axes is None:
        return calibration
    return calibration.moved(code.slope, code.shift)


def calibration_of(db: Database | None, card: ModelCard) -> Calibration | None:
    """Return the same, refined by what the last grouping of everything learned in this library."""
    refinement = None if db is None else refinement_of(db, card)
    return card_calibration(db, card) if refinement is None else refinement.calibration


def remember(db: Database, card: ModelCard, refinement: Refinement | None) -> None:
    """Store what a grouping learned; belongs inside its transaction."""
    if refinement is None:
        db.set_meta(_KEY, "")
        return
    db.set_meta(
        _KEY,
        json.dumps(
            {
                "model": card.model_key,
                "shift": refinement.shift,
                "pairs": refinement.pairs,
                "weight": refinement.weight,
                "answers": refinement.answers,
            }
        ),
    )


def refinement_of(db: Database, card: ModelCard) -> Refinement | None:
    """Return what the last grouping of everything learned; None where it had nothing to learn."""
    stored = db.meta(_KEY)
    calibration = card_calibration(db, card)
    if not stored or calibration is None:
        return None
    said = _read(stored, card)
    if said is None:
        return None
    shift = float(said["shift"])
    return Refinement(
        calibration,
        calibration.shifted(shift),
        shift,
        int(said["pairs"]),
        float(said["weight"]),
        int(said["answers"]),
    )


def _read(stored: str, card: ModelCard) -> dict[str, Any] | None:
    """Read what was stored with a model; None where there is nothing, or nothing readable.

    It is derived: the next grouping of everything learns it again.
    """
    try:
        said = json.loads(stored)
    except ValueError:
        return None
    return said if isinstance(said, dict) and said.get("model") == card.model_key else None


def remember_poor_centre(db: Database, card: ModelCard, centre: Vectors | None) -> None:
    """Store what the poor faces of a library have in common; belongs inside a transaction."""
    said = {"model": card.model_key, "centre": centre.tolist()} if centre is not None else None
    db.set_meta(_CENTRE_KEY, json.dumps(said) if said else "")


def poor_centre_of(db: Database, card: ModelCard) -> Vectors | None:
    """Return (d,) what the poor faces had in common when all were grouped last."""
    said = _read(db.meta(_CENTRE_KEY), card)
    if said is None:
        return None
    return np.array(said["centre"], dtype=np.float32)
