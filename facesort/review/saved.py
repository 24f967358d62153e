"""Columns that grow, and what is known of one row before it is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.review.crowd import Part, Suspect

__all__ = ["Saved", "put", "with_room"]

# Rows for people who come while the sitting lasts, before all columns have to be copied.
_SPARE_ROWS = 1024

_Number = TypeVar("_Number", bound=np.generic)
_Value = TypeVar("_Value")


class Saved(NamedTuple):
    """All that is known of one row."""

    total: NDArray[np.float32]
    numbers: tuple[int, int, int]
    flags: tuple[bool, bool, bool]
    name: str | None
    members: NDArray[np.int64] | None
    into: int | None
    apart: frozenset[int] | None
    suspects: tuple[Suspect, ...] | None
    part: Part | None


def with_room(column: NDArray[_Number]) -> NDArray[_Number]:
    """Return a column with spare rows of zeros behind."""
    rows = len(column) + max(_SPARE_ROWS, len(column) // 4)
    roomy = np.zeros((rows, *column.shape[1:]), dtype=column.dtype)
    roomy[: len(column)] = column
    return roomy


def put(table: dict[int, _Value], row: int, value: _Value | None) -> None:
    """Set the value of a row; None takes it away."""
    if value is None:
        table.pop(row, None)
    else:
        table[row] = value
