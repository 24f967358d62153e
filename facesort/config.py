"""Flags, environment and the configuration file become one frozen Settings, checked once.

What is given on the command line wins over the environment, that over `config.toml` in the user's
configuration folder, and that over the defaults here.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesort.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Settings", "load_settings", "usable_cores"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set.

    Args:
        library: folder of the library.
        cache_dir: weights and prepared graphs, shared by all libraries; may be deleted at any time.
        models_dir: where weights are looked for first, and cards of one's own.
        detector: name of a model card; None takes the library's own.
        embedder: likewise.
        provider: "auto", "cpu", "cuda"...
        workers: threads that decode and detect.
        batch_size: crops per run of the embedder; 0 chooses. On the CPU at most 64 are taken.
        min_face: smallest face, shorter side in original pixels; None takes the library's own.
        max_megapixels: larger photos are recorded as too large and not decoded.
    """

    library: Path
    cache_dir: Path
    models_dir: Path | None = None
    detector: str | None = None
    embedder: str | None = None
    provider: str = "auto"
    workers: int = 0
    batch_size: int = 0
    min_face: int | None = None
    max_megapixels: float = 300.0

    def __post_init__(self) -> None:
        for name in _RANGES:
            value = getattr(self, name)
            if value is not None:
                _check_range(name, value, source="the settings")

    @property
    def worker_threads(self) -> int:
        """Decoding threads: as asked, or one per core that this process may use."""
        return self.workers or usable_cores()


def usable_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_RANGES = {
    "workers": (0, 256),
    "batch_size": (0, 4096),
    "max_megapixels": (0.01, 100_000),
    "min_face": (1, 10_000),
}
_ENVIRONMENT = {
    "FACESORT_LIBRARY": "library",
    "FACESORT_CACHE": "cache_dir",
    "FACESORT_MODELS_DIR": "models_dir",
    "FACESORT_PROVIDER": "provider",
    "FACESORT_WORKERS": "workers",
}
_PATHS = {"library", "cache_dir", "models_dir"}
_NUMBERS: dict[str, type] = {
    "workers": int,
    "batch_size": int,
    "min_face": int,
    "max_megapixels": float,
}


def load_settings(
    flags: Mapping[str, object], *, environment: Mapping[str, str] | None = None
) -> Settings:
    """Build the settings.

    Args:
        flags: values given on the command line; None means not given.
        environment: instead of the process's own.

    Raises:
        UsageError: an unknown or senseless value; the message says where it came from.
    """
    env = os.environ if environment is None else environment
    import platformdirs  # noqa: PLC0415 - `facesort --help` does without

    values: dict[str, Any] = _from_file(
        Path(
            env.get("FACESORT_CONFIG")
            or Path(platformdirs.user_config_dir("facesort"), "config.toml")
        )
    )
    for variable, name in _ENVIRONMENT.items():
        if env.get(variable):
            values[name] = _parsed(name, env[variable], source=variable)
    for name, value in flags.items():
        if value is not None:
            values[name] = _parsed(name, value, source=f"--{name.replace('_', '-')}")
    data_dir = Path(platformdirs.user_data_dir("facesort"))
    values["library"] = _library_folder(values.get("library"), data_dir)
    values.setdefault("cache_dir", Path(platformdirs.user_cache_dir("facesort")))
    return Settings(**values)


def _library_folder(given: object, data_dir: Path) -> Path:
    """A bare word names a library under the data folder; anything with a separator is a path."""
    if given is None:
        return data_dir / "default"
    text = str(given)
    if not text.strip():
        raise UsageError("a library needs a name", hint="For example: --library wedding")
    if os.sep in text or "/" in text or text.startswith((".", "~")):
        return _absolute(text)
    return data_dir / text


def _absolute(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # ~nobody
        raise UsageError(
            f"{text}: there is no such home folder", hint="Give the whole path."
        ) from error


def _from_file(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="Correct or remove it.") from error
    known = {field.name for field in fields(Settings)}
    for name in table:
        if name not in known:
            raise UsageError(
                f"{path}: unknown setting {name!r}", hint=f"Known: {', '.join(sorted(known))}."
            )
    return {name: _parsed(name, value, source=str(path)) for name, value in table.items()}


def _parsed(name: str, value: object, *, source: str) -> object:
    if name == "library":
        return str(value)
    if name in _PATHS:
        return _absolute(str(value))
    if name == "provider":
        return str(value).strip().lower()
    if name == "batch_size" and value == "auto":
        return 0
    if name in _NUMBERS:
        try:
            number = _NUMBERS[name](str(value))
        except ValueError as error:
            raise UsageError(
                f"{source}: {name} must be a number, not {value!r}",
                hint=_range_hint(name),
            ) from error
        _check_range(name, number, source=source)
        return number
    return str(value)


def _check_range(name: str, value: float, *, source: str) -> None:
    low, high = _RANGES[name]
    if not low <= value <= high:
        raise UsageError(
            f"{source}: {name} = {value} is not between {low:g} and {high:,}",
            hint=_range_hint(name),
        )


def _range_hint(name: str) -> str:
    low, high = _RANGES[name]
    return f"Give a number from {low:g} to {high:,}."
