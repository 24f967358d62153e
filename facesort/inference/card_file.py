"""Reading model cards: TOML files, checked field by field."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from facesort.errors import CardInvalid
from facesort.inference.card import (
    NO_PIXELS,
    AggregationSettings,
    DetectionSettings,
    InputSettings,
    ModelCard,
    ModelKind,
    OutputSettings,
    PackageSource,
    Source,
    UrlSource,
    WeightsSettings,
)
from facesort.inference.fields import Fields
from facesort.inference.session import Precision

__all__ = ["load_cards", "read_card"]


_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_card(path: Path) -> ModelCard:
    """Parse and check one card.

    Raises:
        CardInvalid: the file is not readable TOML, or a field is missing, misspelt or senseless.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardInvalid(
            f"{path}: not a readable TOML file ({error})", hint="Correct the card, or remove it."
        ) from error
    top = Fields(path, values)
    name = top.text("name")
    if not _NAME.fullmatch(name):
        top.refuse("name", "lower-case letters, digits, dots and dashes")
    kind = ModelKind(top.text("kind", choices=[kind.value for kind in ModelKind]))
    embeds = kind is ModelKind.EMBEDDER
    aggregates = kind is ModelKind.AGGREGATOR
    card = ModelCard(
        name=name,
        family=top.text("family"),
        kind=kind,
        description=top.text("description", default=name),
        weights=_weights(top.table("weights")),
        input=NO_PIXELS if aggregates else _input(top.table("input"), fixed_crop=embeds),
        output=_output(top.table("output")) if embeds else None,
        detection=_detection(top.table("detection")) if kind is ModelKind.DETECTOR else None,
        calibration=top.numbers("calibration"),
        quality=top.numbers("quality"),
        path=path,
        aggregation=_aggregation(top) if aggregates else None,
    )
    top.done()
    return card


def _weights(table: Fields) -> WeightsSettings:
    sha256 = table.text("sha256")
    if not _SHA256.fullmatch(sha256):
        table.refuse("sha256", "64 lower-case hexadecimal digits")
    file = table.text("file")
    if Path(file).name != file or "\\" in file or ":" in file:
        table.refuse("file", "a file name without folders")
    weights = WeightsSettings(
        file=file,
        sha256=sha256,
        bytes=table.whole("bytes"),
        sources=tuple(_source(source) for source in table.tables("sources")),
        licence=table.text("licence"),
        licence_source=table.text("licence_source"),
        commercial_use=table.flag("commercial_use"),
        training_data=table.text("training_data"),
    )
    table.done()
    return weights


def _source(table: Fields) -> Source:
    source: Source
    if table.has("url"):
        url = table.text("url")
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?/[!-~]*", url):
            table.refuse("url", "an address like https://example.org/model.onnx")
        source = UrlSource(url)
    elif table.has("package"):
        package, version = table.text("package"), table.text("version")
        for value, name in ((package, "package"), (version, "version")):
            # They become an argument of pip: "--index-url" must not pass for a package.
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+!-]*", value):
                table.refuse(name, "a plain name")
        size = table.whole("bytes") if table.has("bytes") else 0
        source = PackageSource(package, version, table.text("member"), size)
    else:
        table.refuse("url", "given, or else package, version and member")
    table.done()
    return source


def _input(table: Fields, *, fixed_crop: bool) -> InputSettings:
    size: tuple[int, int] | None = None
    if fixed_crop:
        width, height = table.whole_list("size", length=2)
        size = (width, height)
    else:
        table.text("size", choices=["dynamic"])
    settings = InputSettings(
        size=size,
        multiple=table.whole("multiple", default=1),
        channels=table.text("channels", choices=["RGB", "BGR"]),
        mean=table.number("mean", default=0.0),
        scale=table.number("scale", default=1.0),
        template=table.text("template") if fixed_crop else "",
    )
    table.done()
    return settings


def _output(table: Fields) -> OutputSettings:
    precisions = [precision.value for precision in Precision]
    settings = OutputSettings(
        dimension=table.whole("dimension"),
        mirrored=table.flag("mirrored", default=False),
        precision=Precision(table.text("precision", choices=precisions, default=Precision.FP32)),
    )
    table.done()
    return settings


def _detection(table: Fields) -> DetectionSettings:
    smallest, largest = table.whole_list("face_pixels", length=2)
    if smallest >= largest:
        table.refuse("face_pixels", "the smallest and the largest width, in that order")
    settings = DetectionSettings(
        strides=table.whole_list("strides"),
        min_score=table.share("min_score"),
        max_overlap=table.share("max_overlap"),
        face_pixels=(smallest, largest),
    )
    table.done()
    return settings


def _aggregation(top: Fields) -> AggregationSettings:
    table = top.table("aggregation")
    settings = AggregationSettings(
        embedder=table.text("embedder"),
        dimension=table.whole("dimension"),
        metrics=top.numbers("metrics"),
    )
    table.done()
    return settings


def load_cards(extra_dir: Path | None = None) -> dict[str, ModelCard]:
    """Read the cards that ship with facesort and those of the user.

    Args:
        extra_dir: the user's folder, with NAME/card.toml or NAME.toml; it need not exist.

    Returns:
        Cards by name, in order of name.

    Raises:
        CardInvalid: a card is wrong, or two cards have one name.
    """
    paths = sorted(_shipped_folder().glob("*/card.toml"))
    if extra_dir is not None:
        paths += sorted([*extra_dir.glob("*/card.toml"), *extra_dir.glob("*.toml")])
    cards: dict[str, ModelCard] = {}
    for path in paths:
        card = read_card(path)
        if card.name in cards:
            raise CardInvalid(
                f"{path}: the name {card.name} is taken by {cards[card.name].path}",
                hint="Give one of the two cards another name.",
            )
        cards[card.name] = card
    return dict(sorted(cards.items()))


def _shipped_folder() -> Path:
    """Inside the package when it was installed from a wheel, beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"
