"""What is installed, and whether the models are there and run."""

from __future__ import annotations

import os
import platform
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from facesort import __version__
from facesort.errors import FacesortError, ModelError, ProviderUnavailable
from facesort.files import explain_os_error, folder_bytes
from facesort.imaging.formats import skip_reason
from facesort.jobs.doctor.findings import Finding, Verdict, failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from facesort.config import Settings
    from facesort.inference.environment import Environment, ProviderState

__all__ = [
    "check_cache",
    "check_formats",
    "check_models",
    "check_program",
    "check_review",
    "check_runtimes",
    "check_settings",
]

_NVIDIA = frozenset({"cuda", "tensorrt"})  # nothing helps these to start where there is no such GPU

# What the core installation may lack: what people call it, a file of it, and the extra for it.
_OPTIONAL_FORMATS = (
    ("HEIC", "photo.heic", "heic"),
    ("AVIF", "photo.avif", ""),
    ("RAW", "photo.dng", "raw"),
    ("JPEG XL", "photo.jxl", "jxl"),
    ("video", "clip.mp4", "video"),
)

# What is said of it, what it needs, what is there with it, and the extra.
_REVIEW = (
    ("review in a browser", "uvicorn", "facesort review --web", "web"),
    ("review with pictures", "textual_image", "where the terminal can show them", "review"),
)


def check_program() -> Finding:
    """Say which version runs where."""
    where = Path(__file__).parents[2]
    return Finding(
        "facesort",
        Verdict.OK,
        f"{__version__} in {where}; Python {platform.python_version()} on {platform.system()} "
        f"{platform.machine()}",
    )


def check_runtimes(found: Environment, wanted: str) -> Iterator[Finding]:
    """Say what runs models, and whether the provider that the settings ask for starts."""
    names = ", ".join(f"{runtime.name} {runtime.version}" for runtime in found.runtimes)
    if found.conflict is not None:
        yield failed("runtimes", found.conflict)
    elif not found.runtimes:
        yield Finding(
            "runtimes",
            Verdict.FAILED,
            "nothing that runs models is installed",
            "pip install --force-reinstall facesort",
            ModelError.exit_code,
        )
    else:
        yield Finding("runtimes", Verdict.OK, names)
    for state in found.providers:
        yield _provider(state, wanted, has_gpu=bool(found.gpus))
    names_of_all = [state.name for state in found.providers]
    if found.providers and wanted not in {"auto", *names_of_all}:
        yield Finding(
            f"provider {wanted}",
            Verdict.FAILED,
            "the settings ask for it, and nothing that is installed has it",
            f"Ask for auto, or one of {', '.join(names_of_all)}.",
            ProviderUnavailable.exit_code,
        )
    for gpu in found.gpus:
        memory = f"{gpu.total_bytes / 2**30:.0f} GB"
        yield Finding("NVIDIA GPU", Verdict.OK, f"{gpu.name}, {memory}, CUDA {found.cuda_version}")
    if not found.gpus:
        yield Finding("NVIDIA GPU", Verdict.NOTE, "none")


def _provider(state: ProviderState, wanted: str, *, has_gpu: bool) -> Finding:
    subject = f"provider {state.name}"
    if state.starts:
        return Finding(subject, Verdict.OK, "starts")
    if state.name in {"cpu", wanted}:
        code = ProviderUnavailable.exit_code
        return Finding(subject, Verdict.FAILED, state.reason, state.hint, code)
    helps = has_gpu or state.name not in _NVIDIA
    return Finding(subject, Verdict.NOTE, state.reason, state.hint if helps else "")


def check_formats() -> Iterator[Finding]:
    """Say which photos are read and what would read the others."""
    readable = ["JPEG, PNG, WebP, TIFF and others"]
    for label, example, extra in _OPTIONAL_FORMATS:
        if skip_reason(example) is None:
            readable.append(label)
            continue
        hint = f'pip install "facesort[{extra}]" reads it.' if extra else ""
        yield Finding(f"format {label}", Verdict.NOTE, "is skipped", hint)
    yield Finding("formats", Verdict.OK, f"reads {', '.join(readable)}")


def check_review() -> Iterator[Finding]:
    """Say how people can be reviewed, and what would add to that."""
    for subject, lacks, found, extra in _REVIEW:
        if find_spec(lacks) is None:
            hint = f'pip install "facesort[{extra}]"'
            yield Finding(subject, Verdict.NOTE, f"{lacks} is not installed", hint)
        else:
            yield Finding(subject, Verdict.OK, found)


def check_settings(settings: Settings) -> Finding:
    """Say where the settings come from."""
    import platformdirs  # noqa: PLC0415 - as in config

    given = os.environ.get("FACESORT_CONFIG")
    path = Path(given or Path(platformdirs.user_config_dir("facesort"), "config.toml"))
    there = f"{path}" if path.is_file() else f"no file at {path}, so the defaults"
    said = sorted(name for name in os.environ if name.startswith("FACESORT_"))
    also = f"; and {', '.join(said)}" if said else ""
    return Finding("settings", Verdict.OK, f"{there}{also}; provider {settings.provider}")


def check_models(settings: Settings, said: Mapping[str, str]) -> Iterator[Finding]:
    """Say whether models run and weights are there; `said` is what the library remembers."""
    from facesort.inference.weights import locate  # noqa: PLC0415
    from facesort.jobs.looking import (  # noqa: PLC0415
        DEFAULT_DETECTOR,
        DEFAULT_EMBEDDER,
        check_cards,
    )
    from facesort.registry import find_card  # noqa: PLC0415

    for name in (
        settings.detector or said.get("detector") or DEFAULT_DETECTOR,
        settings.embedder or said.get("embedder") or DEFAULT_EMBEDDER,
    ):
        try:
            card = find_card(name, settings.models_dir)
            check_cards(settings.provider, [card])
            path = locate(card, cache_dir=settings.cache_dir, models_dir=settings.models_dir)
        except FacesortError as error:
            yield failed(f"model {name}", error)
            continue
        if path is None:
            size = card.weights.bytes / 1e6
            yield Finding(
                f"model {name}",
                Verdict.NOTE,
                f"its weights ({size:.1f} MB) will be fetched by the first scan",
                "facesort models pull fetches them now.",
            )
        else:
            yield Finding(f"model {name}", Verdict.OK, f"{path}, verified")


def check_cache(folder: Path) -> Finding:
    """Say whether the cache can be used, and how large it is."""
    try:
        size = folder_bytes(folder)
        _check_writable(folder)
    except OSError as error:
        return Finding(
            "cache",
            Verdict.FAILED,
            f"{folder} cannot be used",
            explain_os_error(error),
            ModelError.exit_code,
        )
    return Finding("cache", Verdict.OK, f"{folder}, {size / 1e6:.0f} MB; it may be deleted")


def _check_writable(folder: Path) -> None:
    """Raise the system's refusal if a file could not be made in a folder, or the folder itself."""
    place = folder
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(20, os.strerror(20), str(place))
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(13, os.strerror(13), str(place))
