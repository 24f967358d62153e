"""From a model's family to the code that runs it: a literal table, imports in the factories."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from facesort.errors import CardInvalid, LicenceNotAccepted, UnknownModel, WeightsCorrupt
from facesort.inference.card import ModelCard, ModelKind, load_cards

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from facesort.config import Settings
    from facesort.inference.session import Session
    from facesort.protocols import Detector, Embedder, Progress, QualityScorer

__all__ = ["LoadModels", "Models", "accept_licence", "find_card", "load_models", "pull"]


class Models(NamedTuple):
    """The models of one run.

    `provider` is where they really run; `remark` says why `auto` did not take an accelerator.
    """

    detector: Detector
    embedder: Embedder
    quality: QualityScorer
    detector_card: ModelCard
    embedder_card: ModelCard
    provider: str
    remark: str


def _yunet(session: Session, card: ModelCard) -> Detector:
    from facesort.vision.yunet import YuNet  # noqa: PLC0415

    if card.detection is None:
        raise CardInvalid(f"{card.path}: a detector's card needs a [detection] table")
    return YuNet(
        session, min_score=card.detection.min_score, max_overlap=card.detection.max_overlap
    )


def _onnx_embedder(session: Session, card: ModelCard, batch_size: int) -> Embedder:
    from facesort.vision.embedder import OnnxEmbedder  # noqa: PLC0415

    return OnnxEmbedder(session, card, batch_size=batch_size)


_DETECTORS: dict[str, Callable[[Session, ModelCard], Detector]] = {"yunet": _yunet}
_EMBEDDERS: dict[str, Callable[[Session, ModelCard, int], Embedder]] = {"sface": _onnx_embedder}

# Crops per run. SFace on two CPU cores: batches of 16 take .98 of the CPU time of one of 64 and the
# same wall time, and hold less (64 crops, seven turns, medians; onnxruntime 1.31, 2026-11-22). The
# GPU's number is a guess: no GPU has been tried.
_CPU_BATCH, _GPU_BATCH = 16, 128


def find_card(name: str, models_dir: Path | None, kind: ModelKind | None = None) -> ModelCard:
    """Return the card of that name.

    Raises:
        UnknownModel: there is none, or it is of another kind.
    """
    cards = load_cards(models_dir)
    card = cards.get(name)
    if card is None or (kind is not None and card.kind is not kind):
        names = sorted(n for n, c in cards.items() if kind is None or c.kind is kind)
        raise UnknownModel(
            f"there is no {kind or 'model'} called {name!r}",
            hint=f"Known: {', '.join(names)}. More about them: facesort models list",
        )
    return card


def accept_licence(card: ModelCard, settings: Settings) -> None:
    """Remember, beside the weights, that the user accepts their terms."""
    note = _acceptance(card, settings)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(f"{card.weights.licence}\n", encoding="utf-8")


def _acceptance(card: ModelCard, settings: Settings) -> Path:
    return settings.cache_dir / "licences" / f"{card.weights.sha256}.txt"


def pull(card: ModelCard, settings: Settings, progress: Progress) -> Path:
    """Make sure that the weights are on this machine; return their file.

    Raises:
        LicenceNotAccepted: they may not be used commercially, and the user has not yet agreed.
    """
    if not card.weights.commercial_use and not _acceptance(card, settings).exists():
        raise LicenceNotAccepted(
            f"the weights of {card.name} ({card.weights.licence}) may not be used commercially",
            hint=f"If that suits you, say so once: facesort models pull {card.name} "
            "--accept-licence",
        )
    from facesort.inference.weights import find_or_fetch  # noqa: PLC0415

    return find_or_fetch(
        card, cache_dir=settings.cache_dir, models_dir=settings.models_dir, progress=progress
    )


class LoadModels(Protocol):
    """Loads a detector and an embedder: `load_models`, or a test's fake."""

    def __call__(
        self, settings: Settings, cards: tuple[ModelCard, ModelCard], progress: Progress
    ) -> Models:
        """Return them, ready to run."""


def load_models(
    settings: Settings, cards: tuple[ModelCard, ModelCard], progress: Progress
) -> Models:
    """Load a detector and an embedder.

    The detector runs on one CPU thread per picture, because several pictures are looked at side by
    side; the embedder runs on all cores, because one thread feeds it.

    Raises:
        CardInvalid, LicenceNotAccepted, WeightsMissing, WeightsCorrupt, ProviderUnavailable.
    """
    from facesort.vision.quality import NormQuality  # noqa: PLC0415

    detector_card, embedder_card = cards
    for card, table in ((detector_card, _DETECTORS), (embedder_card, _EMBEDDERS)):
        if card.family not in table:
            raise CardInvalid(
                f"{card.path}: no code runs the family {card.family!r}",
                hint=f"Known: {', '.join(sorted(table))}.",
            )
    detector_session = _open(detector_card, settings, progress, threads=1)
    embedder_session = _open(embedder_card, settings, progress, threads=settings.worker_threads)
    on_cpu = embedder_session.provider == "cpu"
    batch_size = settings.batch_size or (_CPU_BATCH if on_cpu else _GPU_BATCH)
    return Models(
        _DETECTORS[detector_card.family](detector_session, detector_card),
        _EMBEDDERS[embedder_card.family](embedder_session, embedder_card, batch_size),
        NormQuality(*quality_table(embedder_card)),
        detector_card,
        embedder_card,
        embedder_session.provider,
        embedder_session.remark,
    )


def quality_table(card: ModelCard) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the knots and values of the card's quality table.

    Raises:
        CardInvalid: the card has none.
    """
    norm, value = card.quality.get("norm"), card.quality.get("value")
    if not isinstance(norm, tuple) or not isinstance(value, tuple):
        raise CardInvalid(f"{card.path}: an embedder's card needs [quality] norm and value")
    return norm, value


def _open(card: ModelCard, settings: Settings, progress: Progress, *, threads: int) -> Session:
    from facesort.inference.graphs import prepared  # noqa: PLC0415
    from facesort.inference.session import open_session  # noqa: PLC0415

    weights = pull(card, settings, progress)
    graph = prepared(card, weights, settings.cache_dir)
    try:
        return open_session(graph, provider=settings.provider, threads=threads)
    except WeightsCorrupt:
        # The weights are verified, so it is the prepared copy in the cache that is damaged.
        graph = prepared(card, weights, settings.cache_dir, rebuild=True)
        return open_session(graph, provider=settings.provider, threads=threads)
