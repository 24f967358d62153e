"""Two files that want one name: every one of them gets a suffix of its own. Pure.

The suffix comes from the content key, so neither order nor earlier exports decide.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.export.names import MAX_BYTES, comparable_path, cut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facesort.export.manifest import Kind

__all__ = ["Group", "Member", "Occupant", "resolve"]

_HEX = re.compile(r"[0-9a-f]{24,}")
_LENGTHS = (6, 12, 40)  # digits of the content key; 24 bits already part all but adversaries


@dataclass(frozen=True, slots=True)
class Occupant:
    """Something in the destination that stays where it is.

    Args:
        path: as it is on disk, relative.
        identity: which file of ours it is (`entry_identity`), None for somebody else's.
    """

    path: str
    identity: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a group.

    Args:
        tail: what follows the common stem: `.jpg`, `.xmp`, `.jpg.xmp`.
        source: absolute path, None when the original is missing.
        kind: original or companion.
        identity: which file it is over several exports.
        file: equal for two members that are one file on disk (a RAW that is photo and companion).
    """

    tail: str
    source: str | None
    kind: Kind
    identity: tuple[str, str]
    file: str


@dataclass(frozen=True, slots=True)
class Group:
    """A photo with its companions: they share a stem, so a clash of one renames all.

    Args:
        content_key: of the photo; makes the suffix.
        folder: relative, empty or ending with `/`.
        stem: safe, without extension.
        members: the photo first.
    """

    content_key: str
    folder: str
    stem: str
    members: tuple[Member, ...]

    def targets(self, level: int) -> list[str]:
        """Return every member's relative path; a higher level means a longer suffix, 0 none."""
        suffix = self._suffix(level)
        room = MAX_BYTES - len(suffix) - max(len(member.tail.encode()) for member in self.members)
        stem = cut(self.stem, room) + suffix
        return [self.folder + stem + member.tail for member in self.members]

    def _suffix(self, level: int) -> str:
        if level == 0:
            return ""
        if level > len(_LENGTHS):
            # Two algorithms with one hash, one photo under two spellings of a path, or a stranger's
            # file of exactly our name: the plain path tells them apart.
            return f"-{_sha256(f'{self.content_key}/{self.folder}{self.stem}')[:24]}-{level}"
        digest = self.content_key.rpartition(":")[2].lower()
        if not _HEX.fullmatch(digest):
            digest = _sha256(self.content_key)
        return "-" + digest[: _LENGTHS[level - 1]]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def resolve(groups: Sequence[Group], occupants: Mapping[str, Occupant]) -> list[int]:
    """Return the level of each group at which no two files share a path.

    Every round lengthens the suffix of all that still clash, so order does not matter.

    Args:
        groups: in any order.
        occupants: by comparable path.
    """
    levels = [0] * len(groups)
    while clashing := _clashing(groups, levels, occupants):
        for index in clashing:
            levels[index] += 1
    return levels


def _clashing(
    groups: Sequence[Group], levels: Sequence[int], occupants: Mapping[str, Occupant]
) -> set[int]:
    claims: dict[str, dict[tuple[str, str], list[int]]] = defaultdict(lambda: defaultdict(list))
    clashing = set()
    for index, group in enumerate(groups):
        for member, target in zip(group.members, group.targets(levels[index]), strict=True):
            key = comparable_path(target)
            claims[key][member.file, target].append(index)
            occupant = occupants.get(key)
            if occupant and (occupant.path, occupant.identity) != (target, member.identity):
                clashing.add(index)
    for files in claims.values():
        if len(files) > 1:
            clashing.update(index for indices in files.values() for index in indices)
    return clashing
