"""Which aggregator makes the descriptors of a library: the plain coreset, or one trained here.

A trained one lies in `models/coreset-EMBEDDER/` of the library: a graph named for its hash, and a
card. The catalog's `aggregator` holds the model key of the one in use. Where that one is missing,
damaged or made for another embedder, the plain coreset takes its place: descriptors are derived,
and a library never fails for want of a file that was made from it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from facesort.catalog import vectors
from facesort.errors import CardInvalid, FacesortError, LibraryUnwritable, UsageError
from facesort.files import atomic_write, explain_os_error, make_private_dir, sha256_of
from facesort.inference.card import ModelKind
from facesort.inference.card_file import read_card

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facesort.catalog.connection import Database
    from facesort.inference.card import ModelCard
    from facesort.protocols import Aggregator, Progress

__all__ = [
    "WORK",
    "Facts",
    "Trained",
    "aggregator_key",
    "are_projected",
    "coreset_folder",
    "forget_work",
    "is_chosen",
    "library_aggregator",
    "models_folder",
    "not_used_folder",
    "revert",
    "tell_if_unusable",
    "trained_aggregator",
    "use",
    "write_model",
]

_Plain: TypeAlias = str | float | bool

_META = "aggregator"
_CARD = "card.toml"
_NOT_USED = "-not-used"

# Below `models_folder`: what a training has made until it is finished.
WORK = "work"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card of a trained aggregator says.

    Args:
        embedder: the card of the model whose vectors it takes.
        dimension: of those.
        training_data: in words.
        metrics: what was measured: numbers and texts by name.
    """

    embedder: ModelCard
    dimension: int
    training_data: str
    metrics: Mapping[str, _Plain]


def models_folder(db: Database) -> Path:
    """Return where a library keeps what is trained in it."""
    return db.path.parent / "models"


def coreset_folder(db: Database, embedder: ModelCard) -> Path:
    """Return where the aggregator is that was chosen for an embedder's vectors."""
    return models_folder(db) / f"coreset-{embedder.name}"


def not_used_folder(db: Database, embedder: ModelCard) -> Path:
    """Return where the last aggregator is that was trained and not chosen."""
    own = coreset_folder(db, embedder)
    return own.with_name(f"{own.name}{_NOT_USED}")


def forget_work(db: Database) -> None:
    """Remove what an unfinished training has made: vectors and copies of other people's faces."""
    shutil.rmtree(models_folder(db) / WORK, ignore_errors=True)


def write_model(folder: Path, graph: bytes, facts: Facts) -> ModelCard:
    """Write a graph and its card; a kill in between leaves the ones before in place.

    Args:
        folder: for the two, and nothing else; created.
        graph: the ONNX file.
        facts: for the card.

    Raises:
        LibraryUnwritable: they cannot be written.
    """
    make_private_dir(folder)
    digest = hashlib.sha256(graph).hexdigest()
    name = f"coreset-{digest[:12]}.onnx"
    try:
        atomic_write(folder / name, graph, mode=0o600)
        card = _card_text(name, len(graph), digest, facts)
        atomic_write(folder / _CARD, card.encode(), mode=0o600)
        for other in folder.glob("coreset-*.onnx"):
            if other.name != name:
                other.unlink(missing_ok=True)
    except OSError as error:
        raise LibraryUnwritable(
            f"{folder}: the trained network cannot be written", hint=explain_os_error(error)
        ) from error
    return read_card(folder / _CARD)


def _card_text(name: str, size: int, digest: str, facts: Facts) -> str:
    def table(values: Mapping[str, _Plain]) -> list[str]:
        return [f"{key} = {json.dumps(value)}" for key, value in values.items()]

    head: dict[str, _Plain] = {
        "name": f"coreset-{facts.embedder.name}",
        "family": "coreset-net",
        "kind": ModelKind.AGGREGATOR.value,
        "description": "FaceCoresetNet: one vector of several faces, trained on this machine",
    }
    weights: dict[str, _Plain] = {
        "file": name,
        "sha256": digest,
        "bytes": size,
        "licence": "whatever the terms of the photos that it was trained on allow",
        "licence_source": "the owner of those photos",
        "commercial_use": True,
        "training_data": facts.training_data,
    }
    aggregation: dict[str, _Plain] = {
        "embedder": facts.embedder.model_key,
        "dimension": facts.dimension,
    }
    lines = [
        *table(head),
        *("", "[weights]", *table(weights)),
        *("", "[aggregation]", *table(aggregation)),
        *("", "[metrics]", *table(facts.metrics)),
    ]
    return "\n".join(lines) + "\n"


def use(db: Database, card: ModelCard | None) -> None:
    """Choose the aggregator of a library; None: the plain coreset.

    Stored descriptors of the other one count no longer, and are made again when they are needed.
    """
    with db.transaction():
        db.set_meta(_META, "" if card is None else card.model_key)


def is_chosen(db: Database) -> bool:
    """Whether a trained aggregator was chosen, usable or not."""
    return bool(db.meta(_META))


def revert(db: Database) -> bool:
    """Go back to the plain coreset; say whether anything else was in use.

    The trained network stays where it is until the next training.
    """
    was = is_chosen(db)
    if was:
        use(db, None)
    return was


def aggregator_key(db: Database, embedder: ModelCard) -> str:
    """Name the aggregator that really is in use: empty for the plain coreset."""
    if not db.meta(_META):
        return ""
    with contextlib.suppress(FacesortError):
        return _usable(db, embedder).model_key
    return ""


def library_aggregator(db: Database, embedder: ModelCard) -> Aggregator | None:
    """Return the trained aggregator of a library; None: the plain coreset makes its descriptors.

    Args:
        db: the catalog.
        embedder: whose vectors it will be given.
    """
    if not db.meta(_META):
        return None
    from facesort.registry import load_aggregator  # noqa: PLC0415 - few libraries have one

    with contextlib.suppress(FacesortError):
        card = _usable(db, embedder)
        return load_aggregator(card, card.path.parent / card.weights.file)
    return None


@dataclass(frozen=True, slots=True)
class Trained:
    """What was trained in a library, in use there or not."""

    aggregator: Aggregator
    card: ModelCard
    in_use: bool

    @property
    def knows_folders(self) -> bool:
        """Whether whom it was trained on follows from the names of their folders."""
        return (
            self.card.aggregation is not None
            and self.card.aggregation.metrics.get("people_by") == "folder names"
        )


def trained_aggregator(db: Database, embedder: ModelCard) -> Trained:
    """Return the network that was trained in a library: the one in use, or else the last one.

    Args:
        db: the catalog.
        embedder: whose vectors it will be given.

    Raises:
        UsageError: there is none for this embedder.
        CardInvalid: it is damaged, or made for another embedder.
        ModelError: it cannot be loaded.
    """
    from facesort.registry import load_aggregator  # noqa: PLC0415 - few libraries have one

    own = coreset_folder(db, embedder) / _CARD
    there = [one for one in (own, not_used_folder(db, embedder) / _CARD) if one.is_file()]
    if not there:
        raise UsageError(
            f"no network was trained in {db.path.parent} for {embedder.name}",
            hint="Name the library in which facesort train coreset was run.",
        )
    used = is_chosen(db) and own in there
    path = own if used else max(there, key=lambda one: one.stat().st_mtime)
    card = _checked(path, embedder)
    loaded = load_aggregator(card, path.parent / card.weights.file)
    return Trained(loaded, card, used and card.model_key == db.meta(_META))


def tell_if_unusable(db: Database, embedder: ModelCard, progress: Progress) -> None:
    """Say that a trained aggregator was chosen and cannot be used."""
    if not db.meta(_META):
        return
    try:
        _usable(db, embedder)
    except FacesortError as error:
        progress.note(
            f"The plain coreset takes the place of the trained aggregation: {error.message}. To "
            "settle that: facesort train coreset --revert, or train again."
        )


def are_projected(db: Database, embedder: ModelCard) -> bool:
    """Whether a library keeps fewer numbers of a vector than the embedder gives."""
    code = vectors.code_of(db, embedder.model_key)
    return code is not None and code.axes is not None


def _usable(db: Database, embedder: ModelCard) -> ModelCard:
    """Return the card of the chosen aggregator.

    Raises:
        CardInvalid: it is missing, damaged, another one, or made for another embedder.
    """
    path = coreset_folder(db, embedder) / _CARD
    card = read_card(path)
    if card.aggregation is None or card.model_key != db.meta(_META):
        raise CardInvalid(f"{path} is not the one that was chosen")
    if are_projected(db, embedder):
        raise CardInvalid(f"{path} takes vectors as they are, and library compact has cut them")
    return _checked(path, embedder)


def _checked(path: Path, embedder: ModelCard) -> ModelCard:
    """Return a card whose network is whole and takes an embedder's vectors.

    Raises:
        CardInvalid: it is not.
    """
    card = read_card(path)
    if card.aggregation is None:
        raise CardInvalid(f"{path} is no aggregator's")
    if card.aggregation.embedder != embedder.model_key:
        raise CardInvalid(f"{path} takes vectors of {card.aggregation.embedder}")
    weights = path.parent / card.weights.file
    try:
        digest = sha256_of(weights)
    except OSError as error:
        raise CardInvalid(f"{weights} cannot be read") from error
    if digest != card.weights.sha256:
        raise CardInvalid(f"{weights} is damaged")
    return card
