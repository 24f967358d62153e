"""Reads who is on which photo, as a person noted it, and finds the detected face that is meant."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facesort.domain import Box
from facesort.errors import UsageError
from facesort.imaging.formats import PHOTO_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facesort.domain import FaceId

__all__ = ["DetectedPhoto", "TruthRow", "match_faces", "read_truth"]

_BOX_COLUMNS = ("left", "top", "right", "bottom")
_MIN_OVERLAP = 0.5  # intersection over union from which two boxes mean one face (WIDER FACE, VOC)


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One face that somebody has named.

    Args:
        photo: absolute path.
        person: whose face it is.
        box: upright pixels; None means the largest central face.
    """

    photo: Path
    person: str
    box: Box | None


def read_truth(path: Path) -> tuple[TruthRow, ...]:
    """Read a truth file, or a folder whose subfolders are named for the people on their photos.

    The file has the columns `photo,person` or `photo,left,top,right,bottom,person`; others are
    ignored. Paths in it are absolute or relative to the file.

    Raises:
        UsageError: it cannot be read, or a line makes no sense; names the file and the line.
    """
    try:
        if path.is_dir():
            return _from_folder(path)
        # utf-8-sig: spreadsheets begin their files with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True, restkey="", restval="")
            rows = _from_lines(path, reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"{path}: the truth cannot be read ({error})",
            hint="Name a CSV file in UTF-8, or a folder with one subfolder for each person.",
        ) from error
    if not rows:
        raise UsageError(f"{path}: there is no row below the header", hint="List some faces.")
    return rows


def _from_folder(folder: Path) -> tuple[TruthRow, ...]:
    root = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links: places do not
    rows = tuple(
        TruthRow(photo, person.name, None)
        for person in sorted(root.iterdir())
        if person.is_dir()
        for photo in sorted(person.rglob("*"))
        if photo.suffix[1:].lower() in PHOTO_SUFFIXES and not _is_hidden(photo.relative_to(root))
    )
    if not rows:
        raise UsageError(
            f"{folder}: no subfolder holds a photo",
            hint="Put the photos of each person into a subfolder named for them.",
        )
    return rows


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _from_lines(path: Path, reader: csv.DictReader[str]) -> tuple[TruthRow, ...]:
    columns = {name.strip() for name in reader.fieldnames or ()}
    boxed = columns.issuperset(_BOX_COLUMNS)
    if not columns.issuperset({"photo", "person"}) or (
        not boxed and not columns.isdisjoint(_BOX_COLUMNS)
    ):
        raise UsageError(
            f"{path}, line 1: the columns should be photo,person or"
            " photo,left,top,right,bottom,person",
            hint="Correct the first line.",
        )
    rows: list[TruthRow] = []
    seen: set[tuple[Path, Box | None]] = set()
    for fields in reader:
        line = {name.strip(): value.strip() for name, value in fields.items() if name}
        row = _parse_row(path, reader.line_num, line, boxed=boxed)
        if (row.photo, row.box) in seen:
            raise _bad_line(path, reader.line_num, "another face: this one is listed above")
        seen.add((row.photo, row.box))
        rows.append(row)
    return tuple(rows)


def _parse_row(path: Path, number: int, line: Mapping[str, str], *, boxed: bool) -> TruthRow:
    if not line["photo"] or not line["person"]:
        raise _bad_line(path, number, "a photo and a person")
    photo = Path(os.path.abspath(path.parent / line["photo"]))  # noqa: PTH100 - as above
    box: Box | None = None
    if boxed:
        try:
            box = Box(*(float(line[name]) for name in _BOX_COLUMNS))
        except ValueError as error:
            raise _bad_line(path, number, "four numbers: left, top, right, bottom") from error
        if not box.area > 0 or box.area == float("inf"):
            raise _bad_line(path, number, "a box with left < right and top < bottom")
    return TruthRow(photo, line["person"], box)


def _bad_line(path: Path, number: int, expected: str) -> UsageError:
    return UsageError(f"{path}, line {number}: expected {expected}", hint="Correct the line.")


@dataclass(frozen=True, slots=True)
class DetectedPhoto:
    """What a library knows of one photo.

    Args:
        width: upright pixels.
        height: upright pixels.
        faces: ids and upright boxes.
    """

    width: int
    height: int
    faces: Sequence[tuple[FaceId, Box]]


def match_faces(
    rows: Sequence[TruthRow], photos: Mapping[Path, DetectedPhoto]
) -> tuple[FaceId | None, ...]:
    """Choose the detected face that each row means; None when there is none.

    A row with a box gets the face with the highest overlap of at least one half; within a photo
    each face goes to one row, best overlap first. A row without a box gets the face for which area
    minus twice the squared distance from the picture's centre is largest.

    Args:
        rows: the truth.
        photos: by the path that the rows use; a photo may be listed under several paths.

    Source: davidsandberg/facenet, src/align/align_dataset_mtcnn.py, for the central face.
    """
    chosen: list[FaceId | None] = [None] * len(rows)
    boxed: dict[Path, list[int]] = {}
    for index, row in enumerate(rows):
        photo = photos.get(row.photo)
        if photo is None or not photo.faces:
            continue
        if row.box is None:
            chosen[index] = _central_face(photo)
        else:
            boxed.setdefault(row.photo, []).append(index)
    for path, indices in boxed.items():
        overlaps = [
            (overlap, index, face_id)
            for index in indices
            for face_id, box in photos[path].faces
            if (overlap := _overlap(rows[index].box, box)) >= _MIN_OVERLAP
        ]
        taken: set[FaceId] = set()
        for _, index, face_id in sorted(overlaps, key=lambda entry: (-entry[0], *entry[1:])):
            if chosen[index] is None and face_id not in taken:
                chosen[index] = face_id
                taken.add(face_id)
    return tuple(chosen)


def _overlap(wanted: Box | None, box: Box) -> float:
    return wanted.overlap(box) if wanted is not None else 0.0


def _central_face(photo: DetectedPhoto) -> FaceId:
    def prominence(box: Box) -> float:
        across = (box.left + box.right - photo.width) / 2.0
        down = (box.top + box.bottom - photo.height) / 2.0
        return box.area - 2.0 * (across**2 + down**2)

    # The id breaks ties, so that the order of the faces does not matter.
    return max(photo.faces, key=lambda face: (prominence(face[1]), face[0]))[0]
