"""`doctor`: is everything that facesort needs there and well, and if not, what helps?"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from facesort import __version__
from facesort.catalog.connection import catalog_exists
from facesort.catalog.health import examine, facts
from facesort.errors import (
    FacesortError,
    LibraryError,
    LibraryUnwritable,
    ModelError,
    ProviderUnavailable,
    UsageError,
)
from facesort.files import explain_os_error
from facesort.imaging.formats import skip_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from facesort.config import Settings
    from facesort.inference.environment import Environment, ProviderState

__all__ = ["Finding", "Verdict", "check_all", "exit_code"]

# Below, a scan of some thousand photos may end for want of space; and what SQLite itself needs.
_FEW_BYTES, _NO_BYTES = 10**9, 10**7

_NVIDIA = frozenset({"cuda", "tensorrt"})  # nothing helps these to start where there is no such GPU

# What the core installation may lack: what people call it, a file of it, and the extra for it.
_OPTIONAL_FORMATS = (
    ("HEIC", "photo.heic", "heic"),
    ("AVIF", "photo.avif", ""),
    ("RAW", "photo.dng", "raw"),
    ("JPEG XL", "photo.jxl", "jxl"),
    ("video", "clip.mp4", "video"),
)


class Verdict(StrEnum):
    """How a check ended; `NOTE` is worth knowing and hinders nothing."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        subject: what was looked at.
        verdict: how it is.
        message: one sentence or a few facts.
        hint: what to do; empty when there is nothing to do.
        code: exit code of a failure, 0 otherwise.
    """

    subject: str
    verdict: Verdict
    message: str
    hint: str = ""
    code: int = 0


def check_all(
    settings: Settings | FacesortError, environment: Callable[[], Environment]
) -> Iterator[Finding]:
    """Look at everything, one thing after the other; nothing is changed and nothing is fetched.

    Args:
        settings: in force, or why they make no sense.
        environment: looks at the runtimes of models, which takes a second.
    """
    yield _program()
    wanted = "auto" if isinstance(settings, FacesortError) else settings.provider
    yield from _runtimes(environment(), wanted)
    yield from _formats()
    if isinstance(settings, FacesortError):
        yield _failed("settings", settings)
        return
    yield _configuration(settings)
    yield from _models(settings)
    yield _cache(settings.cache_dir)
    yield from _library(settings.library)


def exit_code(findings: list[Finding]) -> int:
    """Return the code of the worst failure: the library's before the models', before others'."""
    codes = [finding.code for finding in findings if finding.verdict is Verdict.FAILED]
    return max(codes, key=_gravity, default=0)


def _gravity(code: int) -> int:
    tens = (LibraryError.exit_code // 10, ModelError.exit_code // 10)
    if code // 10 in tens:
        return 3 - tens.index(code // 10)
    return int(code == UsageError.exit_code)


def _failed(subject: str, error: FacesortError) -> Finding:
    return Finding(subject, Verdict.FAILED, error.message, error.hint, error.exit_code)


def _program() -> Finding:
    where = Path(__file__).parents[1]
    return Finding(
        "facesort",
        Verdict.OK,
        f"{__version__} in {where}; Python {platform.python_version()} on {platform.system()} "
        f"{platform.machine()}",
    )


def _runtimes(found: Environment, wanted: str) -> Iterator[Finding]:
    names = ", ".join(f"{runtime.name} {runtime.version}" for runtime in found.runtimes)
    if found.conflict is not None:
        yield _failed("runtimes", found.conflict)
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


def _formats() -> Iterator[Finding]:
    readable = ["JPEG, PNG, WebP, TIFF and others"]
    for label, example, extra in _OPTIONAL_FORMATS:
        if skip_reason(example) is None:
            readable.append(label)
            continue
        hint = f'pip install "facesort[{extra}]" reads it.' if extra else ""
        yield Finding(f"format {label}", Verdict.NOTE, "is skipped", hint)
    yield Finding("formats", Verdict.OK, f"reads {', '.join(readable)}")


def _configuration(settings: Settings) -> Finding:
    import platformdirs  # noqa: PLC0415 - as in config

    given = os.environ.get("FACESORT_CONFIG")
    path = Path(given or Path(platformdirs.user_config_dir("facesort"), "config.toml"))
    there = f"{path}" if path.is_file() else f"no file at {path}, so the defaults"
    said = sorted(name for name in os.environ if name.startswith("FACESORT_"))
    also = f"; and {', '.join(said)}" if said else ""
    return Finding("settings", Verdict.OK, f"{there}{also}; provider {settings.provider}")


def _models(settings: Settings) -> Iterator[Finding]:
    from facesort.inference.weights import locate  # noqa: PLC0415
    from facesort.jobs.looking import (  # noqa: PLC0415
        DEFAULT_DETECTOR,
        DEFAULT_EMBEDDER,
        check_cards,
    )
    from facesort.registry import find_card  # noqa: PLC0415

    said = _remembered(settings.library)
    for name in (
        settings.detector or said.get("detector") or DEFAULT_DETECTOR,
        settings.embedder or said.get("embedder") or DEFAULT_EMBEDDER,
    ):
        try:
            card = find_card(name, settings.models_dir)
            check_cards(settings.provider, [card])
            path = locate(card, cache_dir=settings.cache_dir, models_dir=settings.models_dir)
        except FacesortError as error:
            yield _failed(f"model {name}", error)
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


def _remembered(folder: Path) -> dict[str, str]:
    """Return what the library remembers; nothing where it cannot be read, as is told elsewhere."""
    try:
        return facts(folder) if catalog_exists(folder) else {}
    except (FacesortError, OSError):
        return {}


def _cache(folder: Path) -> Finding:
    try:
        size = sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir())
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


def _library(folder: Path) -> Iterator[Finding]:
    try:
        if not catalog_exists(folder):
            yield Finding(
                "library",
                Verdict.NOTE,
                f"there is none at {folder} yet",
                "facesort scan FOLDER makes it.",
            )
        else:
            yield _catalog(folder)
            yield from _rights(folder)
        yield _space(folder)
    except FacesortError as error:
        yield _failed("library", error)
    except OSError as error:
        problem = f"{folder} cannot be looked at"
        yield _failed("library", LibraryUnwritable(problem, hint=explain_os_error(error)))


def _catalog(folder: Path) -> Finding:
    health = examine(folder)
    behind = f" (this version brings it to {health.newest})" * (health.schema < health.newest)
    return Finding(
        "library",
        Verdict.OK,
        f"{folder}, whole: {health.photos:,} photos, {health.faces:,} faces, "
        f"{health.decisions:,} decisions, schema {health.schema}{behind}",
    )


def _rights(folder: Path) -> Iterator[Finding]:
    if sys.platform == "win32":
        return  # its folders below the user's own are private without modes
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding(
            "privacy",
            Verdict.FAILED,
            f"other users of this machine may enter {folder} (mode {mode:04o}), and faces are "
            "biometric data",
            f"chmod 700 {folder}",
            LibraryError.exit_code,
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LibraryUnwritable(
            f"{folder} cannot be written", hint="Check who owns it and its access rights."
        )


def _space(folder: Path) -> Finding:
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    told = f"{free / 1e9:,.1f} GB free for the library"
    if free < _NO_BYTES:
        problem = LibraryUnwritable(told, hint="Free some space, or choose another --library.")
        return _failed("space", problem)
    verdict = Verdict.NOTE if free < _FEW_BYTES else Verdict.OK
    return Finding("space", verdict, told)
