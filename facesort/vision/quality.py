"""How good a face is for recognition and to look at: a number, and the reasons for it.

The measures of a face (`vision.measures`) are combined by a table of the embedder's card, never by
the rest of the library, so that an old face keeps its number. docs/quality.md describes the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from facesort.vision.measures import MEASURES
from facesort.vision.robustness import MOST_VIEWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["CardQuality", "NormQuality"]

# No single measure makes a face worthless: the logarithm of 0 would.
_LEAST = 0.01


@dataclass(frozen=True, slots=True)
class _Words:
    """What to say of a measure.

    Args:
        low: where it is too low.
        high: where it is too high.
        right: where nothing is wrong with it; empty where that is not worth a word.
        bad: value of the card's table below which one of the first two is said.
        good: value from which on the third is said.
        least: the measure itself must be as high for the third to be said, too.
    """

    low: str = ""
    high: str = ""
    right: str = ""
    bad: float = 0.75
    good: float = 0.95
    least: float = -math.inf


# What is good is said in this order. The table of `norm` says how recognisable a face is, and so
# reaches lower than the others. That eyes are open is said only where they show as much as a common
# face's do: lids drawn over the eyes leave .036 to .041 (docs/quality.md).
_WORDS = {
    "sharpness": _Words("blurred", right="sharp", good=0.86),
    "eyes": _Words("eyes hidden or closed", right="eyes open", least=0.05),
    "frontal": _Words("turned away", right="frontal"),
    "norm": _Words("hard to recognise", right="easy to recognise", bad=0.45, good=0.85),
    "light": _Words("dark", "overexposed", "well lit"),
    "pixels": _Words("small", right="large"),
    "clipped": _Words(high="overexposed"),
    "mouth": _Words("mouth hidden"),
    "pitch": _Words("looking up", "looking down"),
    "dark": _Words(high="deep shadows"),
    "contrast": _Words("flat light", "harsh light"),
    "score": _Words("hardly a face"),
    "robustness": _Words("hard to recognise"),
}


class NormQuality:
    """Quality from the embedding's length alone, through a table: what older cards have.

    Args:
        lengths: knots, increasing.
        qualities: their values, increasing, 0..1.

    Raises:
        ValueError: that is no table.
    """

    def __init__(self, lengths: Sequence[float], qualities: Sequence[float]) -> None:
        self.robustness_views = 0
        self._table = _Table(lengths, qualities)

    def score(self, measures: Mapping[str, float]) -> float:
        """Return the quality, 0..1, from `measures["norm"]`."""
        return self._table(measures["norm"])

    def reasons(self, measures: Mapping[str, float]) -> tuple[str, ...]:
        """Say in words what is bad and good about a face."""
        return _reasons(measures, {"norm": self._table})


class CardQuality:
    """Quality from several measures: their weighted geometric mean, through a table.

    Args:
        table: the card's `[quality]`, with `combined` and `value`, the knots of the table, and for
            each measure NAME that counts `NAME.at`, `NAME.value` and `NAME.weight`. A card that has
            `norm` and `value` alone is an older one, whose quality is that of `NormQuality`.
            `robustness_views` asks for that many disturbed copies of each crop (0 is common).

    Raises:
        ValueError: a part is missing, misspelt or senseless; the message says which.
    """

    def __init__(self, table: Mapping[str, float | tuple[float, ...] | str]) -> None:
        self.robustness_views = _views(table)
        self._tables: dict[str, _Table] = {}
        self._weights: dict[str, float] = {}
        if isinstance(table.get("norm"), tuple):
            self._combined = _Table((0.0, 1.0), (0.0, 1.0))
            self._tables["norm"] = _table_of(table, "norm", "value")
            self._weights["norm"] = 1.0
            return
        self._combined = _table_of(table, "combined", "value")
        for name in sorted({key.partition(".")[0] for key in table if "." in key}):
            if name not in MEASURES:
                raise ValueError(
                    f"there is no measure {name!r}; the measures are {', '.join(MEASURES)}"
                )
            weight = table.get(f"{name}.weight")
            if not isinstance(weight, float) or not weight >= 0:
                raise ValueError(f"[quality.{name}] needs a weight of 0 or more")
            self._tables[name] = _table_of(table, f"{name}.at", f"{name}.value")
            self._weights[name] = weight
        if not sum(self._weights.values()) > 0:
            raise ValueError("[quality] needs a measure with a weight above 0")

    def score(self, measures: Mapping[str, float]) -> float:
        """Return the quality, 0..1. A measure that is absent is as good as the others together.

        Raises:
            ValueError: none of the measures that count is there.
        """
        counted = [
            (weight, self._tables[name](measures[name]))
            for name, weight in self._weights.items()
            if weight > 0 and measures.get(name) is not None
        ]
        if not counted:
            raise ValueError("none of the measures that the card's quality is made from is there")
        if len(self._weights) == 1:  # as it is: no mean, and no least value
            return self._combined(counted[0][1])
        total = logarithm = 0.0  # not `sum`, which rounds as the version of Python does
        for weight, value in counted:
            total += weight
            logarithm += weight * math.log(max(value, _LEAST))
        return self._combined(math.exp(logarithm / total))

    def reasons(self, measures: Mapping[str, float]) -> tuple[str, ...]:
        """Say in words what is bad and good about a face: the worst first, then the best."""
        return _reasons(measures, self._tables)


class _Table:
    """Straight between knots, and level beyond them."""

    def __init__(self, at: Sequence[float], values: Sequence[float]) -> None:
        if len(at) != len(values) or len(at) < 2:
            raise ValueError("a table needs as many knots as values, and two at least")
        self._at: NDArray[np.float64] = np.asarray(at, dtype=np.float64)
        self._values: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
        if not (np.diff(self._at) > 0).all():
            raise ValueError("the knots of a table must increase")
        if not ((self._values >= 0) & (self._values <= 1)).all():
            raise ValueError("the values of a table must be from 0 to 1")

    def __call__(self, at: float) -> float:
        return float(np.interp(at, self._at, self._values))

    def is_below_best(self, at: float) -> bool:
        """Whether the best value lies further up."""
        return at < float(self._at[int(np.argmax(self._values))])


def _views(table: Mapping[str, float | tuple[float, ...] | str]) -> int:
    views = table.get("robustness_views", 0.0)
    if not isinstance(views, float) or views not in range(MOST_VIEWS + 1):
        raise ValueError(f"[quality] robustness_views must be a whole number, 0 to {MOST_VIEWS}")
    return int(views)


def _table_of(table: Mapping[str, float | tuple[float, ...] | str], at: str, value: str) -> _Table:
    knots, values = table.get(at), table.get(value)
    if not (isinstance(knots, tuple) and isinstance(values, tuple)):
        raise ValueError(f"[quality] needs the lists {at} and {value}")  # noqa: TRY004
    try:
        return _Table(knots, values)
    except ValueError as error:
        raise ValueError(f"[quality] {at} and {value}: {error}") from error


def _reasons(measures: Mapping[str, float], tables: Mapping[str, _Table]) -> tuple[str, ...]:
    bad: list[tuple[float, str]] = []
    good: list[str] = []
    for name, words in _WORDS.items():
        if name not in tables or name not in measures:
            continue
        value = tables[name](measures[name])
        if value < words.bad:
            is_low = tables[name].is_below_best(measures[name])
            bad.append((value / words.bad, words.low if is_low else words.high))
        elif value >= words.good and measures[name] >= words.least:
            good.append(words.right)
    said = [word for _, word in sorted(bad, key=itemgetter(0))] + good
    return tuple(word for word in dict.fromkeys(said) if word)
