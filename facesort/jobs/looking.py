"""How a library looks at photos: its models, its settings, and what makes an earlier look current.

What the user does not say now, the library remembers from when it was said.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from facesort.catalog import photos as catalog
from facesort.jobs.compare import Freshness

if TYPE_CHECKING:
    from collections.abc import Callable

    from facesort.catalog.connection import Database
    from facesort.config import Settings
    from facesort.inference.card import ModelCard, ModelKind
    from facesort.protocols import Progress
    from facesort.registry import LoadModels
    from facesort.stages import Pipeline

__all__ = ["DEFAULT_DETECTOR", "DEFAULT_EMBEDDER", "DEFAULT_MIN_FACE", "Looking"]

# Both are published for commercial use too; see their cards.
DEFAULT_DETECTOR, DEFAULT_EMBEDDER = "yunet", "sface"

# Pixels, shorter side. Below it most of SFace's 112-pixel crop is invented by interpolation.
DEFAULT_MIN_FACE = 24

# Long sides at which a photo is searched. At 1920 a face of 24 px in a 12-megapixel group photo
# still has 11; at 480 a face that fills the frame stays inside YuNet's range. YuNet takes 25 ns a
# pixel.
_SCALES = (1920, 480)


class Looking:
    """The models and settings of one open library.

    Args:
        db: the catalog, which remembers.
        settings: what the user says now.
        progress: is told of downloads.
        load_models: loads the models; None takes the real ones.
    """

    def __init__(
        self,
        db: Database,
        settings: Settings,
        progress: Progress,
        load_models: LoadModels | None,
    ) -> None:
        self._db = db
        self._settings = settings
        self._progress = progress
        self._load_models = load_models
        self.remark = ""  # why an accelerator that is there was not used

    @property
    def remembered_min_face(self) -> int:
        """Smallest face that counts: shorter side in original pixels."""
        return int(self._db.meta("min_face", str(DEFAULT_MIN_FACE)))

    @cached_property
    def detector(self) -> ModelCard:
        """The detector's card."""
        from facesort.inference.card import ModelKind  # noqa: PLC0415 - most commands need no model

        said = self._settings.detector
        return self._card(said or self._db.meta("detector", DEFAULT_DETECTOR), ModelKind.DETECTOR)

    @cached_property
    def embedder(self) -> ModelCard:
        """The embedder's card."""
        from facesort.inference.card import ModelKind  # noqa: PLC0415 - most commands need no model

        said = self._settings.embedder
        return self._card(said or self._db.meta("embedder", DEFAULT_EMBEDDER), ModelKind.EMBEDDER)

    def _card(self, name: str, kind: ModelKind) -> ModelCard:
        from facesort.registry import find_card  # noqa: PLC0415 - most commands need no model

        return find_card(name, self._settings.models_dir, kind)

    @property
    def model_keys(self) -> dict[str, str]:
        """Role to model key."""
        return {"detector": self.detector.model_key, "embedder": self.embedder.model_key}

    @property
    def freshness(self) -> Freshness:
        """What a photo must have been looked at with to need no look."""
        return Freshness(
            self._pipeline_key(),
            self.embedder.model_key,
            self._settings.min_face or self.remembered_min_face,
        )

    def _pipeline_key(self) -> str:
        """Name the detector and every setting that changes what it finds."""
        card, found = self.detector, self.detector.detection
        scales = ",".join(str(scale) for scale in _SCALES)
        numbers = f"{found.min_score:g};overlap={found.max_overlap:g}" if found else ""
        return f"{card.model_key};scales={scales};score={numbers}"

    def remember(self) -> None:
        """Store what was said, for the scans to come."""
        said = {
            "detector": self.detector.name,
            "embedder": self.embedder.name,
            "min_face": str(self.freshness.min_face),
        }
        if any(self._db.meta(key) != value for key, value in said.items()):
            with self._db.transaction():
                for key, value in said.items():
                    self._db.set_meta(key, value)
                catalog.bump_generation(self._db)  # other faces or vectors count now

    def pipeline(self, is_current: Callable[[str], bool]) -> Pipeline:
        """Load the models and return what looks at photos.

        Args:
            is_current: whether a content key needs no look any more.

        Raises:
            ModelError: the models cannot be loaded.
        """
        from facesort.registry import load_models  # noqa: PLC0415 - heavy; only new photos need it
        from facesort.stages import Pipeline  # noqa: PLC0415

        load = self._load_models or load_models
        models = load(self._settings, (self.detector, self.embedder), self._progress)
        self.remark = models.remark
        with self._db.transaction():
            self._db.set_meta("provider", models.provider)
        found = self.detector.detection
        return Pipeline(
            models.detector,
            models.embedder,
            models.quality,
            pipeline_key=self._pipeline_key(),
            scales=_SCALES,
            trusted_pixels=float(found.face_pixels[1]) if found else float("inf"),
            min_face=self.freshness.min_face,
            workers=self._settings.worker_threads,
            max_megapixels=self._settings.max_megapixels,
            is_current=is_current,
        )
