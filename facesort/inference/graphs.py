"""Prepares published ONNX graphs for the runtime that will compute them, once, in the cache."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING

from facesort.errors import WeightsCorrupt, WeightsMissing
from facesort.files import atomic_write, explain_os_error, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import ModelProto

    from facesort.inference.card import ModelCard

__all__ = ["Shape", "prepared"]

# Part of the file name: raise it when the preparation changes. Old files are left alone.
_VERSION = 2


class Shape(StrEnum):
    """What a graph is shaped for: results are equal, speed is not."""

    CPU = "cpu"  # ONNX Runtime on the CPU
    PLAIN = "plain"  # everything else: accelerators and OpenVINO know the usual operators best


def prepared(
    card: ModelCard, weights: Path, cache_dir: Path, *, shape: Shape, rebuild: bool = False
) -> Path:
    """Return a graph of this model that takes batches of pictures, made once, kept in the cache.

    Its input is (n, height, width, 3) RGB uint8. A file that differs from what was written is made
    again. What ONNX Runtime makes of the graph when it loads it is not stored: that would save 40
    of SFace's 88 ms of CPU (1.31, 2026-11-22), and tie the file to one processor and one version.

    Args:
        card: names the family, and with it what is changed.
        weights: the verified ONNX file.
        cache_dir: facesort's cache.
        shape: what it will be computed by.
        rebuild: make it again although it exists, because the runtime could not load it.

    Raises:
        CardInvalid: the graph is not one of the card's family.
        WeightsCorrupt: the weights are not an ONNX file.
        WeightsMissing: the cache cannot be written.
    """
    target = cache_dir / "graphs" / f"{card.weights.sha256[:12]}-{_recipe(card)}-{shape}.onnx"
    if not rebuild and _is_whole(target):
        return target
    from facesort.inference.rewrite import rewrite_embedder, rewrite_yunet  # noqa: PLC0415 - rare

    model = _load(weights)
    rewrite = rewrite_yunet if card.family == "yunet" else rewrite_embedder
    rewrite(model, card, for_cpu=shape is Shape.CPU)
    content = model.SerializeToString()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(target, content)
        atomic_write(_hash_file(target), hashlib.sha256(content).hexdigest().encode())
    except OSError as error:
        raise WeightsMissing(
            f"the prepared graph of {card.name} cannot be stored in {target.parent}",
            hint=explain_os_error(error),
        ) from error
    return target


def _recipe(card: ModelCard) -> str:
    """Return a short name for everything of the card that the graph depends on."""
    parts = (_VERSION, card.family, card.input)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def _hash_file(graph: Path) -> Path:
    return graph.with_suffix(".sha256")


def _is_whole(graph: Path) -> bool:
    """Whether the graph is what was written: this file makes the vectors, so it is verified too."""
    try:
        return sha256_of(graph) == _hash_file(graph).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False


def _load(weights: Path) -> ModelProto:
    # Loading onnx takes 60 ms, and only the first run on a machine needs it.
    import onnx  # noqa: PLC0415
    from google.protobuf import message  # type: ignore[import-untyped]  # noqa: PLC0415  # no types

    try:
        return onnx.load_model(str(weights))
    except message.DecodeError as error:
        raise WeightsCorrupt(
            f"{weights}: not an ONNX model", hint="Correct the card's sources and hash."
        ) from error
