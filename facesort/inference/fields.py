"""Takes typed fields out of a TOML table, and says exactly which one is wrong."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from facesort.errors import CardInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Fields", "Numbers"]

Numbers: TypeAlias = "Mapping[str, float | tuple[float, ...] | str]"


class Fields:
    """One table of a card, from which every field is taken once.

    Args:
        path: the card's file, for the message.
        values: the table as `tomllib` returns it.
        name: the table's dotted name; empty for the top level.
    """

    def __init__(self, path: Path, values: Mapping[str, object], name: str = "") -> None:
        self._path = path
        self._values = dict(values)
        self._name = name
        self._expected: list[str] = []

    def refuse(self, field: str, expected: str) -> NoReturn:
        """Raise CardInvalid for a field of this table."""
        dotted = f"{self._name}.{field}" if self._name else field
        raise CardInvalid(
            f"{self._path}: {dotted} should be {expected}",
            hint="Correct the card, or remove it.",
        )

    def _take(self, field: str) -> object:
        self._expected.append(field)
        return self._values.pop(field, None)

    def text(self, field: str, *, choices: Sequence[str] = (), default: str | None = None) -> str:
        """Take a non-empty string, one of `choices` when any are given."""
        value = self._take(field)
        if value is None and default is not None:
            return default
        expected = f"one of {', '.join(choices)}" if choices else "a text"
        if not isinstance(value, str) or not value.strip() or (choices and value not in choices):
            self.refuse(field, expected)
        return value

    def flag(self, field: str, *, default: bool | None = None) -> bool:
        """Take true or false."""
        value = self._take(field)
        if value is None and default is not None:
            return default
        if not isinstance(value, bool):
            self.refuse(field, "true or false")
        return value

    def whole(self, field: str, *, default: int | None = None) -> int:
        """Take a whole number of at least one."""
        value = self._take(field)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.refuse(field, "a whole number above 0")
        return value

    def number(self, field: str, *, default: float | None = None) -> float:
        """Take a number."""
        value = self._take(field)
        if value is None and default is not None:
            return default
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            self.refuse(field, "a number")
        return float(value)

    def share(self, field: str) -> float:
        """Take a number from 0 to 1."""
        value = self.number(field)
        if not 0.0 <= value <= 1.0:
            self.refuse(field, "a number from 0 to 1")
        return value

    def whole_list(self, field: str, *, length: int | None = None) -> tuple[int, ...]:
        """Take a list of whole numbers above 0, of exactly `length` when that is given."""
        values = self._take(field)
        count = "some" if length is None else str(length)
        expected = f"a list of {count} whole numbers above 0"
        if not isinstance(values, list) or not values or len(values) != (length or len(values)):
            self.refuse(field, expected)
        for value in values:
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                self.refuse(field, expected)
        return tuple(values)

    def has(self, field: str) -> bool:
        """Whether the field is there and has not been taken."""
        return field in self._values

    def table(self, field: str) -> Fields:
        """Take a table that must be there."""
        value = self._take(field)
        if not isinstance(value, dict):
            self.refuse(field, "a table")
        return Fields(self._path, value, self._dotted(field))

    def tables(self, field: str) -> list[Fields]:
        """Take an array of tables; none when it is absent."""
        values = self._take(field)
        if values is None:
            return []
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.refuse(field, "an array of tables")
        return [
            Fields(self._path, value, f"{self._dotted(field)}[{index}]")
            for index, value in enumerate(values)
        ]

    def numbers(self, field: str) -> Numbers:
        """Take a table of numbers, lists of numbers and texts; absent is empty.

        Tables inside it are flattened: `[calibration.pair] slope` becomes the key `pair.slope`.
        """
        values = self._take(field)
        if values is None:
            return MappingProxyType({})
        if not isinstance(values, dict):
            self.refuse(field, "a table")
        return MappingProxyType(dict(self._flattened(field, values, "")))

    def _flattened(
        self, field: str, values: Mapping[str, object], prefix: str
    ) -> list[tuple[str, float | tuple[float, ...] | str]]:
        flat: list[tuple[str, float | tuple[float, ...] | str]] = []
        for key, value in values.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict):
                flat += self._flattened(field, value, f"{name}.")
            elif isinstance(value, list):
                if not all(_is_number(entry) for entry in value):
                    self.refuse(f"{field}.{name}", "a list of numbers")
                flat.append((name, tuple(float(entry) for entry in value)))
            elif isinstance(value, str):
                flat.append((name, value))
            elif isinstance(value, (int, float)) and _is_number(value):
                flat.append((name, float(value)))
            else:
                self.refuse(f"{field}.{name}", "a number, a list of numbers or a text")
        return flat

    def done(self) -> None:
        """Refuse what nobody has taken: a misspelt field must not be ignored silently."""
        for field in sorted(self._values):
            known = ", ".join(sorted(self._expected))
            self.refuse(field, f"absent; the fields here are {known}")

    def _dotted(self, field: str) -> str:
        return f"{self._name}.{field}" if self._name else field


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
