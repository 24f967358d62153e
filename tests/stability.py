"""Whether what was said stays while photos are added: names, confirmed faces, companions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.inference.card import ModelKind
from facesort.registry import find_card
from tests.stored import store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.jobs.grouping.options import GroupOptions
    from facesort.library import Library
    from tests.stored import Stock

__all__ = [
    "Said",
    "add_in_parts",
    "changed_companions",
    "check_said",
    "model_key",
    "name_people",
    "owners_of",
]


@dataclass(frozen=True)
class Said:
    """What was decided: names by person id, and the faces that were confirmed."""

    names: dict[str, str]
    confirmed: dict[str, str]


def name_people(library: Library, stock: Stock, count: int) -> Said:
    """Name the people with the most photos; confirm two faces of each who are who most are."""
    truth = dict(zip(stock.ids(), stock.person.tolist(), strict=True))
    people = sorted(library.situation().people.by_id.values(), key=lambda p: (-p.photos, p.id))[
        :count
    ]
    names: dict[str, str] = {}
    confirmed: dict[str, str] = {}
    for number, person in enumerate(people):
        library.name(person.id, f"Person {number}")
        names[str(person.id)] = f"Person {number}"
        ((who, _),) = Counter(truth[face] for face in person.faces).most_common(1)
        chosen = [face for face in person.faces if truth[face] == who][:2]
        library.confirm(chosen)
        confirmed |= {str(face): str(person.id) for face in chosen}
    return Said(names, confirmed)


def owners_of(library: Library) -> dict[str, str | None]:
    owners = library.situation().people.owners
    return {str(f): None if o is None else str(o) for f, o in owners.items()}


def check_said(library: Library, said: Said) -> None:
    people = library.situation().people
    names = {str(p.id): p.name for p in people.by_id.values() if p.name is not None}
    assert names == said.names, "names were lost or moved"
    now = {face: str(people.owners[face]) for face in people.owners if face in said.confirmed}
    assert now == said.confirmed, "confirmed faces moved"


def changed_companions(
    before: dict[str, str | None], after: dict[str, str | None], said: Said
) -> float:
    """Return the share of faces that were there before whose companions are other ones now."""

    def companions(owners: dict[str, str | None]) -> dict[str, frozenset[str]]:
        together: dict[str | None, set[str]] = {}
        for face in before:
            together.setdefault(owners[face], set()).add(face)
        return {
            face: frozenset(together[owners[face]] if owners[face] is not None else [face])
            for face in before
        }

    old, new = companions(before), companions(after)
    asked = [face for face in before if face not in said.confirmed]
    return sum(old[face] != new[face] for face in asked) / len(asked)


def add_in_parts(
    library: Library, stock: Stock, photos: Sequence[int], options: GroupOptions
) -> None:
    """Add photos in four parts, and group after each."""
    for part in np.array_split(np.array(photos), 4):
        store(library, stock, part.tolist(), model_key=model_key())
        library.group(options)


def model_key(name: str = "sface") -> str:
    """Return the key of a shipped embedder."""
    return find_card(name, None, ModelKind.EMBEDDER).model_key
