"""From a model's family to the code that runs it: a literal table, imports in the factories."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from facesort.errors import CardInvalid, LicenceNotAccepted, UnknownModel, WeightsCorrupt
from facesort.inference.card import ModelCard, ModelKind
from facesort.inference.card_file import load_cards

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.config import Settings
    from facesort.inference.session import Session
    from facesort.protocols import Aggregator, Detector, Embedder, Progress, QualityScorer
    from facesort.vision.embedder import OnnxEmbedder
    from facesort.vision.quality import CardQuality

__all__ = [
    "LoadModels",
    "Models",
    "accept_licence",
    "find_card",
    "load_aggregator",
    "load_models",
    "pull",
    "quality_of",
]


class Models(NamedTuple):
    """The models of one run.

    Args:
        detector: any thread may call it at any time.
        embedder: likewise.
        quality: combines the measures of a face.
        detector_card: what it is.
        embedder_card: likewise.
        provider: where they really run; two names where they differ, the embedder's first.
        remark: why `auto` did not take an accelerator; else empty.
        lanes: how many threads may run the models at once with profit: on the CPU each run takes
            one thread, so there is one for every worker; an accelerator is kept busy by one.
        detect_batch: pictures of one `yunet.bucket` that are best detected together.
        embed_batch: crops that are best embedded together.
    """

    detector: Detector
    embedder: Embedder
    quality: QualityScorer
    detector_card: ModelCard
    embedder_card: ModelCard
    provider: str
    remark: str
    lanes: int = 1
    detect_batch: int = 1
    embed_batch: int = 8


def _yunet(session: Session, card: ModelCard) -> Detector:
    from facesort.vision.views import FAINT_SCORE  # noqa: PLC0415
    from facesort.vision.yunet import YuNet  # noqa: PLC0415

    if card.detection is None:
        raise CardInvalid(f"{card.path}: a detector's card needs a [detection] table")
    return YuNet(
        session,
        min_score=card.detection.min_score,
        max_overlap=card.detection.max_overlap,
        faint_score=FAINT_SCORE,
    )


def _onnx_embedder(session: Session, card: ModelCard, batch_size: int) -> OnnxEmbedder:
    from facesort.vision.embedder import OnnxEmbedder  # noqa: PLC0415

    return OnnxEmbedder(session, card, batch_size=batch_size)


_DETECTORS: dict[str, Callable[[Session, ModelCard], Detector]] = {"yunet": _yunet}
_EMBEDDERS: dict[str, Callable[[Session, ModelCard, int], OnnxEmbedder]] = {"sface": _onnx_embedder}


def _coreset_net(session: Session, card: ModelCard) -> Aggregator:
    from facesort.vision.aggregator import OnnxAggregator  # noqa: PLC0415

    return OnnxAggregator(session, card)


_AGGREGATORS: dict[str, Callable[[Session, ModelCard], Aggregator]] = {"coreset-net": _coreset_net}

# On the CPU. Crops: SFace takes 12.6, 12.2, 12.0 and 12.8 ms of one thread a face in batches of 2,
# 4, 8 and 16, and holds 8 MB for each on every worker: 4. Pictures: YuNet's cost a pixel grows with
# the picture, so two together cost more than one after the other. (onnxruntime 1.31, 2026-11-22.)
_CPU_EMBED_BATCH, _CPU_DETECT_BATCH = 4, 1

# More together take no less time on the CPU, but some 10 MB a crop on every worker.
_MOST_CPU_CROPS = 64

# On an accelerator the sizes are found by trying, from and to these, where trying is quick; the
# guess is for the others, which compile for every new shape. No accelerator has been tried by us.
_TRIED = frozenset({"cuda", "directml"})
_EMBED_BATCHES, _DETECT_BATCHES, _GUESSED_EMBED_BATCH = (16, 512), (1, 16), 32
_TRIAL_PICTURE = (1280, 1920)  # height and width, pixels: a photo's first look


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

    On the CPU a run takes one thread, and several threads run the models side by side: YuNet as
    published takes 30.6 ns a pixel on one thread, and 40 of two threads' CPU time when both work on
    one picture (onnxruntime 1.31, 2026-11-22).

    Raises:
        CardInvalid, LicenceNotAccepted, WeightsMissing, WeightsCorrupt, ProviderUnavailable.
    """
    from facesort.inference.session import ON_CPU  # noqa: PLC0415 - heavy

    detector_card, embedder_card = cards
    for card, table in ((detector_card, _DETECTORS), (embedder_card, _EMBEDDERS)):
        if card.family not in table:
            raise CardInvalid(
                f"{card.path}: no code runs the family {card.family!r}",
                hint=f"Known: {', '.join(sorted(table))}.",
            )
    detecting = _open(detector_card, settings, progress)
    embedding = _open(embedder_card, settings, progress)
    detector = _DETECTORS[detector_card.family](detecting, detector_card)
    embedder = _EMBEDDERS[embedder_card.family](embedding, embedder_card, _CPU_EMBED_BATCH)
    embed_batch = _asked_batch(settings.batch_size, embedding.provider, progress) or _embed_batch(
        embedder, embedding.provider
    )
    embedder.batch_size = embed_batch
    providers = dict.fromkeys((embedding.provider, detecting.provider))
    return Models(
        detector,
        embedder,
        quality_of(embedder_card),
        detector_card,
        embedder_card,
        " + ".join(providers),
        embedding.remark or detecting.remark,
        lanes=settings.worker_threads if providers.keys() <= ON_CPU else 1,
        detect_batch=_detect_batch(detector, detecting.provider),
        embed_batch=embed_batch,
    )


def load_aggregator(card: ModelCard, weights: Path) -> Aggregator:
    """Load an aggregator: on the CPU, where its few sums take less time than the way elsewhere.

    Args:
        card: its.
        weights: its graph, already verified.

    Raises:
        CardInvalid: no code runs its family.
        WeightsCorrupt: it is no graph.
    """
    from facesort.inference.session import open_session  # noqa: PLC0415 - heavy

    if card.family not in _AGGREGATORS:
        raise CardInvalid(
            f"{card.path}: no code runs the family {card.family!r}",
            hint=f"Known: {', '.join(sorted(_AGGREGATORS))}.",
        )
    return _AGGREGATORS[card.family](open_session(weights, provider="cpu"), card)


def _asked_batch(asked: int, provider: str, progress: Progress) -> int:
    """Return the batch that the user asks for, 0 for none, no more than the CPU can use."""
    from facesort.inference.session import ON_CPU  # noqa: PLC0415

    if provider not in ON_CPU or asked <= _MOST_CPU_CROPS:
        return asked
    progress.note(
        f"On the CPU {_MOST_CPU_CROPS} crops are embedded together, not {asked}: more would take "
        "memory and save no time."
    )
    return _MOST_CPU_CROPS


def _embed_batch(embedder: OnnxEmbedder, provider: str) -> int:
    """Find how many crops are best embedded together."""
    from facesort.inference.batching import best_batch, seconds_of  # noqa: PLC0415
    from facesort.inference.session import ON_CPU  # noqa: PLC0415

    if provider not in _TRIED:
        return _CPU_EMBED_BATCH if provider in ON_CPU else _GUESSED_EMBED_BATCH

    def seconds(size: int) -> float:
        side = embedder.crop_size
        crops = np.zeros((size, side, side, 3), dtype=np.uint8)
        return seconds_of(lambda: embedder.embed_together(crops))

    smallest, largest = _EMBED_BATCHES
    return best_batch(seconds, smallest=smallest, largest=largest)


def _detect_batch(detector: Detector, provider: str) -> int:
    """Find how many pictures are best detected together."""
    from facesort.inference.batching import best_batch, seconds_of  # noqa: PLC0415

    if provider not in _TRIED:
        return _CPU_DETECT_BATCH
    picture = np.zeros((*_TRIAL_PICTURE, 3), dtype=np.uint8)
    smallest, largest = _DETECT_BATCHES
    return best_batch(
        lambda size: seconds_of(lambda: detector.detect([picture] * size)),
        smallest=smallest,
        largest=largest,
    )


def quality_of(card: ModelCard) -> CardQuality:
    """Return what makes a face's quality of its measures, by the card's table.

    Raises:
        CardInvalid: the table is missing or wrong.
    """
    from facesort.vision.quality import CardQuality  # noqa: PLC0415

    try:
        return CardQuality(card.quality)
    except ValueError as error:
        raise CardInvalid(
            f"{card.path}: {error}", hint="Correct the card; docs/quality.md describes the table."
        ) from error


def _trial(card: ModelCard) -> NDArray[np.uint8]:
    """Return one picture or crop as large as they come."""
    size = _TRIAL_PICTURE if card.input.size is None else card.input.size[::-1]
    return np.zeros((1, *size, 3), dtype=np.uint8)


def _open(card: ModelCard, settings: Settings, progress: Progress) -> Session:
    from facesort.inference.graphs import Shape, prepared  # noqa: PLC0415
    from facesort.inference.session import Opening, Precision, open_session  # noqa: PLC0415

    weights = pull(card, settings, progress)
    opening = Opening(
        lanes=settings.worker_threads,
        precision=Precision.FP32 if card.output is None else card.output.precision,
        cache_dir=settings.cache_dir,
        detects=card.kind is ModelKind.DETECTOR,
        trial=_trial(card),
    )

    def opened(*, rebuild: bool) -> Session:
        def graph(provider: str) -> Path:
            shape = Shape.CPU if provider == "cpu" else Shape.PLAIN
            return prepared(card, weights, settings.cache_dir, shape=shape, rebuild=rebuild)

        return open_session(graph, provider=settings.provider, opening=opening)

    try:
        return opened(rebuild=False)
    except WeightsCorrupt:
        # The weights are verified, so it is the prepared copy in the cache that is damaged.
        return opened(rebuild=True)
