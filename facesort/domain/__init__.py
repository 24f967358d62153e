"""The words facesort thinks in: photo, place, face, person, decision.

Everything here is frozen and knows nothing of files, models or SQL.

Conventions, everywhere: boxes are left, top, right, bottom in pixels, half-open. *Raster* means the
picture as it is coded in the file, before its orientation tag is applied; *upright* means after.
What is stored is raster (so that correcting the tag moves nothing); what is shown is upright.
"""

from facesort.domain.codes import VectorCode
from facesort.domain.faces import Face, FaceColumns, FaceMatrix
from facesort.domain.keys import FaceId, PersonId, PhotoId, frame_key, photo_key, short_hash
from facesort.domain.people import Decision, DecisionFace, FaceRole, FaceStatus, Person, Verdict
from facesort.domain.pictures import Anchor, Box, Photo, Place, PlaceState

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
    "Person",
    "PersonId",
    "Photo",
    "PhotoId",
    "Place",
    "PlaceState",
    "VectorCode",
    "Verdict",
    "frame_key",
    "photo_key",
    "short_hash",
]
