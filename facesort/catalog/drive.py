"""Whether a library lies on a drive that several computers share.

SQLite's write-ahead log needs memory that all who use a catalog share; between computers there is
none, and the drivers of such drives often give none to processes of one computer either
(https://sqlite.org/wal.html, "disadvantages", and https://sqlite.org/howtocorrupt.html, 2.1).
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

__all__ = ["shared_drive"]

# As Linux and macOS name them: networks, clouds, and folders that a virtual machine shares.
_SHARED = frozenset(
    [
        "nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afpfs", "afs", "ceph", "lustre",
        "glusterfs", "beegfs", "ncpfs", "davfs", "webdav", "9p", "drvfs", "vboxsf", "vmhgfs",
        "prl_fs", "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs",
        "fuse.davfs2", "fuse.gvfsd-fuse", "fuse.vmhgfs-fuse", "macfuse.sshfs", "osxfuse.sshfs",
    ]
)  # fmt: skip
_WINDOWS_REMOTE = 4  # DRIVE_REMOTE of GetDriveTypeW
_MOUNT_LINE = re.compile(r".* on (?P<folder>/.*) \((?P<kind>[^,)]+)[^)]*\)")


def shared_drive(folder: Path) -> str | None:
    """Return the kind of a shared drive that a folder lies on; None for others and where unknown.

    Args:
        folder: need not exist.
    """
    place = Path(os.path.realpath(folder))
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - only there

        kind_number = ctypes.windll.kernel32.GetDriveTypeW(place.anchor)
        is_remote = kind_number == _WINDOWS_REMOTE or place.anchor.startswith("\\\\")
        return "network drive" if is_remote else None
    kind = _kind_of(place, _mounted())
    return kind if kind in _SHARED else None


def _kind_of(place: Path, mounted: dict[str, str]) -> str | None:
    """Return the kind of the file system that is mounted nearest above a place."""
    for above in (place, *place.parents):
        if str(above) in mounted:
            return mounted[str(above)]
    return None


def _mounted() -> dict[str, str]:
    """Return what is mounted: folder to kind; what was mounted last over a folder counts."""
    if sys.platform == "darwin":
        import subprocess  # noqa: PLC0415 - only there

        try:
            told = subprocess.run(
                ["/sbin/mount"], capture_output=True, text=True, timeout=5, check=False
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return {}
        return _from_mount(told)
    try:
        return _from_mountinfo(Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape"))
    except OSError:
        return {}


def _from_mount(told: str) -> dict[str, str]:
    lines = map(_MOUNT_LINE.fullmatch, told.splitlines())
    return {line["folder"]: line["kind"] for line in lines if line}


def _from_mountinfo(told: str) -> dict[str, str]:
    found = {}
    for line in told.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if dash and len(fields) > 4:
            # Spaces and the like are written as three octal digits.
            folder = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
            found[folder] = after.split(" ")[0]
    return found
