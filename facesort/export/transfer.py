"""Gets one original under a temporary name, as copy, hard link or symbolic link; only reads it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from facesort.errors import DestinationUnwritable, Unreadable
from facesort.export.manifest import Mode
from facesort.files import explain_os_error, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Transferred", "transfer"]

_CHUNK = 1 << 20
# Another drive, a file system without links, protected_hardlinks, Windows without the privilege.
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EINVAL}


@dataclass(frozen=True, slots=True)
class Transferred:
    """What the original was at the moment of its transfer."""

    sha256: str
    size: int
    mtime_ns: int


def transfer(source: str, temporary: Path, mode: Mode) -> Transferred:
    """Create `temporary` from the original.

    Raises:
        Unreadable: the original is gone, cannot be read, or changed while it was read.
        DestinationUnwritable: the destination cannot hold links of this mode.
        OSError: the destination cannot be written.
    """
    if mode is Mode.COPY:
        return _copy(source, temporary)
    try:
        status = os.stat(source)  # noqa: PTH116 - the source is text
        original = Transferred(sha256_of(source), status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise _unreadable(source, error) from error
    try:
        if mode is Mode.SYMLINK:
            temporary.symlink_to(source)
        else:
            # The real file: a hard link to a symbolic link would be neither.
            temporary.hardlink_to(os.path.realpath(source))
    except OSError as error:
        if error.errno not in _NO_LINKS and getattr(error, "winerror", None) != 1314:
            raise
        kind = "hard link" if mode is Mode.HARDLINK else "symbolic link"
        raise DestinationUnwritable(
            f"no {kind} to {source} is possible in {temporary.parent}: {error.strerror}",
            hint="Use --mode copy, or a destination on the drive of the originals.",
        ) from error
    return original


def _copy(source: str, temporary: Path) -> Transferred:
    try:
        original = Path(source).open("rb")  # noqa: SIM115 - closed below; its errors differ from writing's
    except OSError as error:
        raise _unreadable(source, error) from error
    digest = hashlib.sha256()
    written = 0
    with original:
        before = os.fstat(original.fileno())
        with temporary.open("xb") as copy:
            for chunk in _chunks(original, source):
                digest.update(chunk)
                written += copy.write(chunk)
            copy.flush()
            # Without it a power failure leaves an empty file under the photo's name.
            os.fsync(copy.fileno())
        after = os.fstat(original.fileno())
    if (written, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise Unreadable(f"{source} changed while it was copied", hint="Export again.")
    if temporary.stat().st_size != written:
        raise OSError(errno.EIO, "the copy is shorter than its original", str(temporary))
    # Some network drives refuse; the time in the picture's own metadata is not concerned.
    with contextlib.suppress(PermissionError):
        os.utime(temporary, ns=(before.st_atime_ns, before.st_mtime_ns))
    return Transferred(digest.hexdigest(), before.st_size, before.st_mtime_ns)


def _chunks(original: BinaryIO, source: str) -> Iterator[bytes]:
    try:
        while chunk := original.read(_CHUNK):
            yield chunk
    except OSError as error:
        raise _unreadable(source, error) from error


def _unreadable(source: str, error: OSError) -> Unreadable:
    return Unreadable(f"{source} cannot be read", hint=explain_os_error(error))
