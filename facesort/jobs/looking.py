"""How a library looks at photos: its models, its settings, and what makes an earlier look current.

What the user does not say now, the library remembers from when it was said.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from facesort.catalog import photos as catalog
from facesort.jobs.scanning.compare import Freshness
from facesort.jobs.viewing import DEFAULT_MIN_FACE
from facesort.vision.views import plan_key
from facesort.workers import StageTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.config import Settings
    from facesort.inference.card import ModelCard, ModelKind
    from facesort.protocols import Progress
    from facesort.registry import LoadModels, Models
    from facesort.stages import Pipeline
    from facesort.vision.tracks import LinkRule

__all__ = ["DEFAULT_DETECTOR", "DEFAULT_EMBEDDER", "DEFAULT_MIN_FACE", "Looking", "check_cards"]

# Both are published for commercial use too; see their cards.
DEFAULT_DETECTOR, DEFAULT_EMBEDDER = "yunet", "sface"


# False match rates of one comparison at which faces of successive frames are one person: see
# `vision.tracks.LinkRule`.
_LINK_ANYWHERE, _LINK_NEARBY = 1e-4, 1e-2


def check_cards(provider: str, cards: Iterable[ModelCard]) -> None:
    """Check that models can run here in the precision of their cards; nothing is loaded.

    Raises:
        ProviderUnavailable: one cannot.
    """
    from facesort.inference.session import Precision, check_available  # noqa: PLC0415 - heavy

    for card in cards:
        # In fp32 every runtime computes.
        if card.output is not None and card.output.precision is not Precision.FP32:
            check_available(provider, card.output.precision)


class Looking:
    """The models and settings of one open library.

    Args:
        db: the catalog, which remembers; None looks without a library, with the defaults.
        settings: what the user says now.
        progress: is told of downloads.
        load_models: loads the models; None takes the real ones.
    """

    def __init__(
        self,
        db: Database | None,
        settings: Settings,
        progress: Progress,
        load_models: LoadModels | None,
    ) -> None:
        self._db = db
        self._settings = settings
        self._progress = progress
        self._load_models = load_models
        self._loaded = False
        self.remark = ""  # why an accelerator that is there was not used

    @property
    def settings(self) -> Settings:
        """What the user says now."""
        return self._settings

    @property
    def remembered_min_face(self) -> int:
        """Smallest face that counts: shorter side in original pixels."""
        return int(self._remembered("min_face", str(DEFAULT_MIN_FACE)))

    def _remembered(self, key: str, default: str) -> str:
        return default if self._db is None else self._db.meta(key, default)

    @cached_property
    def detector(self) -> ModelCard:
        """The detector's card."""
        from facesort.inference.card import ModelKind  # noqa: PLC0415 - most commands need no model

        said = self._settings.detector
        return self._card(
            said or self._remembered("detector", DEFAULT_DETECTOR), ModelKind.DETECTOR
        )

    @cached_property
    def embedder(self) -> ModelCard:
        """The embedder's card."""
        from facesort.inference.card import ModelKind  # noqa: PLC0415 - most commands need no model

        said = self._settings.embedder
        return self._card(
            said or self._remembered("embedder", DEFAULT_EMBEDDER), ModelKind.EMBEDDER
        )

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
        numbers = f"{found.min_score:g};overlap={found.max_overlap:g}" if found else ""
        return f"{card.model_key};{plan_key()};score={numbers}"

    def _links(self) -> LinkRule:
        """Say when faces of successive frames of a video are one person."""
        from facesort.grouping.calibration import Calibration  # noqa: PLC0415 - with the models
        from facesort.vision.tracks import LinkRule  # noqa: PLC0415

        if not self.embedder.calibration:
            return LinkRule(None, None)
        calibration = Calibration.from_card(self.embedder.calibration, self.embedder.path)
        return LinkRule(
            calibration.min_cosine(_LINK_ANYWHERE), calibration.min_cosine(_LINK_NEARBY)
        )

    def remember(self) -> None:
        """Store what was said, for the scans to come.

        Raises:
            ProviderUnavailable: the models do not run here; nothing is stored.
        """
        said = {
            "detector": self.detector.name,
            "embedder": self.embedder.name,
            "min_face": str(self.freshness.min_face),
        }
        db = self._db
        if db is not None and any(db.meta(key) != value for key, value in said.items()):
            if not self._loaded:  # no photo needed them; those to come will
                check_cards(self._settings.provider, (self.detector, self.embedder))
            with db.transaction():
                for key, value in said.items():
                    db.set_meta(key, value)
                catalog.bump_generation(db)  # other faces or vectors count now

    def pipeline(self, is_current: Callable[[str], bool], times: StageTimes) -> Pipeline:
        """Load the models and return what looks at photos.

        Args:
            is_current: whether a content key needs no look any more.
            times: is told how long each stage takes, loading the models included.

        Raises:
            ModelError: the models cannot be loaded.
        """
        models = self._load(times)
        self.remember()  # here, for what cannot be loaded must not fail the scans to come as well
        if self._db is not None:
            with self._db.transaction():
                self._db.set_meta("provider", models.provider)
        return self._pipeline(models, is_current, times)

    def glance(self) -> Pipeline:
        """Load the models and return what looks at any photo; nothing is remembered of it.

        Raises:
            ModelError: the models cannot be loaded.
        """
        times = StageTimes()
        return self._pipeline(self._load(times), lambda _: False, times)

    def beside(self, db: Database, library: Path) -> Looking:
        """Return how to look in the same way for another library."""
        settings = replace(
            self._settings,
            library=library,
            detector=self.detector.name,
            embedder=self.embedder.name,
            min_face=self.freshness.min_face,
        )
        return Looking(db, settings, self._progress, self._load_models)

    def models(self) -> Models:
        """Load the models, for work on faces that are cut out already; nothing is remembered of it.

        Raises:
            ModelError: the models cannot be loaded.
        """
        return self._load(StageTimes())

    def _load(self, times: StageTimes) -> Models:
        from facesort.registry import load_models  # noqa: PLC0415 - heavy; only new photos need it

        load = self._load_models or load_models
        with times.measure("load"):
            models = load(self._settings, (self.detector, self.embedder), self._progress)
        self.remark, self._loaded = models.remark, True
        return models

    def _pipeline(
        self, models: Models, is_current: Callable[[str], bool], times: StageTimes
    ) -> Pipeline:
        from facesort.stages import Pipeline  # noqa: PLC0415 - heavy
        from facesort.vision.look import Looker  # noqa: PLC0415
        from facesort.vision.owner import ModelOwner  # noqa: PLC0415

        detector, embedder = models.detector, models.embedder
        workers = self._settings.worker_threads
        owner: ModelOwner | None = None
        if models.lanes < workers:
            owner = ModelOwner(
                detector,
                embedder,
                detect_batch=models.detect_batch,
                embed_batch=models.embed_batch,
            )
            detector, embedder = owner.detector, owner.embedder
            # Some of them wait for the models while the others decode.
            workers = self._settings.workers or 2 * workers
        found = self.detector.detection
        looker = Looker(
            detector,
            crop_size=embedder.crop_size,
            trusted_pixels=float(found.face_pixels[1]) if found else float("inf"),
            min_score=found.min_score if found else 0.0,
            min_face=self.freshness.min_face,
            max_megapixels=self._settings.max_megapixels,
            times=times,
        )
        return Pipeline(
            looker,
            embedder,
            models.quality,
            links=self._links(),
            pipeline_key=self._pipeline_key(),
            workers=workers,
            batch=models.embed_batch,
            is_current=is_current,
            times=times,
            on_close=owner.close if owner else lambda: None,
        )
