"""Somebody who answers questions about an album from its truth, and is wrong now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.evaluation.simulated import KEY, TYPED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from facesort.evaluation.simulated import Album, Key

__all__ = ["Answerer"]


class Answerer:
    """Somebody who knows the truth, and presses a wrong key now and then.

    Args:
        mistakes: the share of wrong answers, 0..1.
        seed: of chance.
    """

    def __init__(self, mistakes: float = 0.0, seed: int = 0) -> None:
        self._mistakes = mistakes
        self._chance = np.random.default_rng(seed)
        self._typos = 0

    @property
    def slips_at_all(self) -> bool:
        """Whether there may be a wrong answer."""
        return self._mistakes > 0

    def slips(self) -> bool:
        """Whether this answer is a wrong one."""
        return self._mistakes > 0 and bool(self._chance.random() < self._mistakes)

    def below(self, count: int) -> int:
        """Return a number from 0 on, by chance."""
        return int(self._chance.integers(count))

    def typo(self, name: str) -> str:
        """Return a name that nobody has."""
        self._typos += 1
        return f"{name} (typing error {self._typos})"

    def says(self, truth: bool) -> bool:  # noqa: FBT001 - the answer itself
        """Answer yes or no."""
        return truth != self.slips()

    def tell(self, album: Album, person: Key, listed: Sequence[Key] = ()) -> Iterator[int]:
        """Name an open person, or ignore them where the truth does not speak of them.

        A wrong answer is one of: another of the listed (else of the named) people, a typing error,
        ignoring somebody who is wanted.

        Args:
            album: it is changed.
            person: who is asked about.
            listed: people whose names are offered.

        Yields:
            What each step has cost.
        """
        who = album.majority(person)
        if self.slips():
            yield self._tell_wrongly(album, person, who, listed)
        elif who is None:
            album.ignore(person)
            yield KEY
        else:
            yield from album.identify(person, who)

    def _tell_wrongly(
        self, album: Album, person: Key, who: str | None, listed: Sequence[Key]
    ) -> int:
        others = [p for p in listed or album.bearers() if album.name(p) not in {None, who}]
        wrongs = ["other"] if others else []
        wrongs += ["typing"] if who is not None else []
        wrongs += ["ignore"] if who is not None else []
        match wrongs[self.below(len(wrongs))] if wrongs else "ignore":
            case "other":
                album.merge(others[self.below(len(others))], person)
                return KEY
            case "typing":
                album.call(person, self.typo(str(who)))
                return TYPED
            case _:
                album.ignore(person)
                return KEY
