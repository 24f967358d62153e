"""LFW's pairs of images, as its pairs.txt lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NamedImage", "Pair", "read_pairs"]


@dataclass(frozen=True, slots=True, order=True)
class NamedImage:
    """One image of LFW, as the pairs file names it."""

    person: str
    number: int

    @property
    def relative_path(self) -> str:
        """Where LFW keeps it: NAME/NAME_0001.jpg."""
        return f"{self.person}/{self.person}_{self.number:04d}.jpg"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images, and whether they show one person."""

    first: NamedImage
    second: NamedImage

    @property
    def same(self) -> bool:
        """Whether both images are of one person."""
        return self.first.person == self.second.person


def read_pairs(path: Path) -> tuple[tuple[Pair, ...], ...]:
    """Read an LFW pairs file: its folds, in file order.

    The first line is `FOLDS N`; each fold has N lines `name i j` and then N lines `name i name j`.

    Raises:
        UsageError: the file cannot be read, or a line is not what its place demands.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: the pairs cannot be read ({error})", hint="Name a pairs.txt of LFW."
        ) from error
    while lines and not lines[-1].strip():
        lines.pop()
    header = lines[0].split() if lines else []
    if len(header) != 2 or not all(entry.isdecimal() for entry in header):
        raise _bad_line(path, 1, "the number of folds and of pairs of each kind, like: 10 300")
    folds, per_kind = int(header[0]), int(header[1])
    if folds < 2 or per_kind < 1:
        raise _bad_line(path, 1, "at least two folds of one pair of each kind")
    expected = folds * 2 * per_kind
    if len(lines) - 1 != expected:
        raise UsageError(
            f"{path}: {len(lines) - 1} pairs, but its first line announces {expected}",
            hint="The file is cut off, or its first line is wrong.",
        )
    pairs = [
        _parse_pair(path, number, line, same=(number - 2) % (2 * per_kind) < per_kind)
        for number, line in enumerate(lines[1:], start=2)
    ]
    size = 2 * per_kind
    return tuple(tuple(pairs[start : start + size]) for start in range(0, expected, size))


def _parse_pair(path: Path, number: int, line: str, *, same: bool) -> Pair:
    fields = line.split()
    if same:
        if len(fields) != 3 or not (fields[1].isdecimal() and fields[2].isdecimal()):
            raise _bad_line(path, number, "a name and two numbers (two images of one person)")
        return Pair(NamedImage(fields[0], int(fields[1])), NamedImage(fields[0], int(fields[2])))
    if len(fields) != 4 or not (fields[1].isdecimal() and fields[3].isdecimal()):
        raise _bad_line(path, number, "name, number, name, number (two different people)")
    if fields[0] == fields[2]:
        raise _bad_line(path, number, "two different people")
    return Pair(NamedImage(fields[0], int(fields[1])), NamedImage(fields[2], int(fields[3])))


def _bad_line(path: Path, number: int, expected: str) -> UsageError:
    return UsageError(f"{path}, line {number}: expected {expected}", hint="Correct the line.")
