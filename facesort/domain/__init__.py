"""The words facesort thinks in: photo, place, face, person, decision.

Everything here is frozen and knows nothing of files, models or SQL.

Conventions, everywhere: boxes are left, top, right, bottom in pixels, half-open. *Raster* means the
picture as it is coded in the file, before its orientation tag is applied; *upright* means after.
What is stored is raster (so that correcting the tag moves nothing); what is shown is upright.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.domain.keys import FaceId, PersonId, PhotoId, frame_key, photo_key, short_hash
from facesort.domain.people import (
    Decision,
    DecisionFace,
    FaceRole,
    FaceStatus,
    Person,
    Verdict,
    comparable_name,
    tidy_name,
)
from facesort.domain.pictures import Anchor, Box, Photo, Place, PlaceState

if TYPE_CHECKING:
    from facesort.domain.codes import VectorCode
    from facesort.domain.faces import Face, FaceColumns, FaceMatrix, GroupedFaces

__all__ = [
    "Anchor",
    "Box",
    "Decision",
    "DecisionFace",
    "Face",
    "FaceColumns",
    "FaceId",
    "FaceMatrix",
    "FaceRole",
    "FaceStatus",
    "GroupedFaces",
    "Person",
    "PersonId",
    "Photo",
    "PhotoId",
    "Place",
    "PlaceState",
    "VectorCode",
    "Verdict",
    "comparable_name",
    "frame_key",
    "photo_key",
    "short_hash",
    "tidy_name",
]

# These bring NumPy along, which takes longer to import than `facesort people` has to do.
_ARRAYS = {
    "Face": "faces",
    "FaceColumns": "faces",
    "FaceMatrix": "faces",
    "GroupedFaces": "faces",
    "VectorCode": "codes",
}


def __getattr__(name: str) -> object:
    """Import what holds arrays when it is first asked for."""
    if name not in _ARRAYS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - as above

    return getattr(import_module(f"{__name__}.{_ARRAYS[name]}"), name)
