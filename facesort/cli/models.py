"""`facesort models`: what is there, where it comes from, and who may use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context

if TYPE_CHECKING:
    from facesort.config import Settings
    from facesort.inference.card import ModelCard

__all__ = ["register"]

_ModelsDir = Annotated[
    Path | None, typer.Option(help="Look here first for weights, and for own model cards.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    models = typer.Typer(
        help="Face models: list, fetch, explain.",
        epilog="Example: facesort models list",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    models.command("list", epilog="Example: facesort models list")(list_models)
    models.command(epilog="Example: facesort models pull")(pull)
    models.command(epilog="Example: facesort models info sface")(info)
    app.add_typer(models, name="models")


def list_models(ctx: typer.Context, models_dir: _ModelsDir = None) -> None:
    """List the models, their licences, and whether their weights are on this machine."""
    shared = context.of(ctx)
    screen = shared.screen()
    settings = shared.settings(models_dir=models_dir)
    from facesort.inference.card_file import load_cards  # noqa: PLC0415 - kept out of --help

    cards = list(load_cards(settings.models_dir).values())
    if screen.json:
        screen.document([_document(card, settings) for card in cards])
        return
    screen.table(
        ["name", "kind", "licence", "commercial use", "weights", "what"],
        [
            [
                card.name,
                card.kind.value,
                card.weights.licence,
                "allowed" if card.weights.commercial_use else "forbidden",
                "here"
                if _cached(card, settings)
                else f"{card.weights.bytes / 1e6:.1f} MB to fetch",
                card.description,
            ]
            for card in cards
        ],
        numbers=0,
    )


def pull(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="All, if none is named.")
    ] = None,
    models_dir: _ModelsDir = None,
    accept: Annotated[
        bool,
        typer.Option("--accept-licence", help="Agree to terms that forbid commercial use."),
    ] = False,
) -> None:
    """Fetch weights now, so that later runs need no network."""
    shared = context.of(ctx)
    screen = shared.screen()
    settings = shared.settings(models_dir=models_dir)
    from facesort import registry  # noqa: PLC0415 - kept out of --help
    from facesort.inference.card_file import load_cards  # noqa: PLC0415

    wanted = names or list(load_cards(settings.models_dir))
    pulled = []
    for name in wanted:
        card = registry.find_card(name, settings.models_dir)
        if accept:
            registry.accept_licence(card, settings)
        path = registry.pull(card, settings, screen.progress())
        pulled.append({"name": name, "path": str(path)})
        screen.say(f"{name}: {path}")
    if screen.json:
        screen.document(pulled)


def info(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    models_dir: _ModelsDir = None,
) -> None:
    """Show a model's card: origin, licence, training data, calibration."""
    shared = context.of(ctx)
    screen = shared.screen()
    settings = shared.settings(models_dir=models_dir)
    from facesort import registry  # noqa: PLC0415 - kept out of --help

    card = registry.find_card(name, settings.models_dir)
    document = _document(card, settings)
    if screen.json:
        screen.document(document)
        return
    for key, value in document.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        screen.text(f"{key.replace('_', ' '):>16}: {shown}")
    screen.say("The licence is the publisher's statement, not legal advice.")


def _cached(card: ModelCard, settings: Settings) -> Path | None:
    from facesort.errors import WeightsMissing  # noqa: PLC0415 - kept out of --help
    from facesort.files import PathKind, kind_of  # noqa: PLC0415
    from facesort.inference.weights import cached_path  # noqa: PLC0415

    path = cached_path(card, settings.cache_dir)
    return path if kind_of(path, WeightsMissing) is PathKind.FILE else None


def _document(card: ModelCard, settings: Settings) -> dict[str, object]:
    from facesort.inference.card import UrlSource  # noqa: PLC0415 - kept out of --help

    weights = card.weights
    path = _cached(card, settings)
    return {
        "name": card.name,
        "kind": card.kind.value,
        "family": card.family,
        "description": card.description,
        "model_key": card.model_key,
        "licence": weights.licence,
        "licence_source": weights.licence_source,
        "commercial_use": weights.commercial_use,
        "training_data": weights.training_data,
        "file": weights.file,
        "sha256": weights.sha256,
        "bytes": weights.bytes,
        "sources": [
            source.url
            if isinstance(source, UrlSource)
            else f"Python package {source.package} {source.version}: {source.member}"
            for source in weights.sources
        ],
        "path": str(path) if path else None,
        "calibration": {key: _plain(value) for key, value in card.calibration.items()},
        "card": str(card.path),
    }


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
