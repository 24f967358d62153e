"""Every extension point, on one page; each has two implementations or more, a fake included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facesort.domain import Box, Face, FaceId

Image: TypeAlias = NDArray[np.uint8]  # (h, w, 3) RGB; upright unless a name says otherwise
Vectors: TypeAlias = NDArray[np.float32]  # (n, d), unit length unless a name says otherwise
Landmarks: TypeAlias = NDArray[np.float32]  # (5, 2): two eyes, nose tip, two mouth corners


class Progress(Protocol):
    """Is told how far a long job has come; the terminal's bar, or nothing."""

    def start(self, label: str, total: int | None, unit: str = "") -> None:
        """A stage begins; `total` is None when it is not known, `unit` is for the rate."""

    def advance(self, n: int = 1) -> None:
        """`n` more units are done."""

    def note(self, message: str) -> None:
        """Say one line without breaking the bar."""

    def finish(self) -> None:
        """The stage is over."""


class Detection(Protocol):
    """What a detector says of one face, in pixels of the picture that it was given."""

    @property
    def box(self) -> Box:
        """Left, top, right, bottom."""

    @property
    def landmarks(self) -> Landmarks:
        """The five points."""

    @property
    def score(self) -> float:
        """How sure the detector is, 0..1."""


class Detector(Protocol):
    """Finds faces in one picture."""

    def detect(self, images: Sequence[Image]) -> Sequence[Sequence[Detection]]:
        """Return the faces of each image (all of one size), best score first."""


class Embedder(Protocol):
    """Turns aligned crops into vectors."""

    @property
    def model_key(self) -> str:
        """Names the weights and every option that changes the vectors."""

    @property
    def crop_size(self) -> int:
        """Side of the square crops, pixels."""

    def embed(self, crops: NDArray[np.uint8]) -> tuple[Vectors, NDArray[np.float32]]:
        """Map (n, s, s, 3) RGB crops to (n, d) unit vectors and (n,) lengths before scaling."""


class QualityScorer(Protocol):
    """Says how good a face is for recognition."""

    @property
    def robustness_views(self) -> int:
        """How many disturbed copies of each crop it wants embedded (`vision.robustness`)."""

    def score(self, measures: Mapping[str, float]) -> float:
        """Combine the separate measures into one number, 0..1."""


class Aggregator(Protocol):
    """Makes one vector of several faces of one person."""

    @property
    def name(self) -> str:
        """What users call it."""

    def aggregate(self, vectors: Vectors, quality: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (d,) unit vector that stands for n > 0 faces.

        Args:
            vectors: (n, d) unit float32; their order does not matter.
            quality: (n,) 0..1.
        """


class CropSource(Protocol):
    """Where pictures of faces come from, for layers that never open a file."""

    def crop(self, face: Face, size: int) -> Image | None:
        """Return a (size, size, 3) upright picture of the face, None without an original."""


class NeighbourIndex(Protocol):
    """Finds the nearest faces; an approximate one may miss some."""

    def neighbours(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each of n rows its k nearest other rows and their cosines, nearest first.

        Both are (n, k) with k shrunk to n - 1; where fewer were found, -1 and -inf fill the end.
        """

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each of m unit vectors its k nearest rows and their cosines, nearest first.

        Both are (m, k) with k shrunk to n; where fewer were found, -1 and -inf fill the end.
        """


class Clusterer(Protocol):
    """Puts faces into clusters; constraints are already in what it is given."""

    def cluster(self, faces: Sequence[FaceId]) -> NDArray[np.int64]:
        """Return one label per face; -1 means unassigned."""
