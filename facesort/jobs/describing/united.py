"""Whose faces are who they seem to be, where the user has merged people.

Two people who were merged are unlike each other: the child and the grown-up, or with and without a
beard. Beside many faces of the one, all of the other look like somebody else's. The user has said
that they are not; so each of those who were merged is judged among the own faces.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.descriptors.coreset import choose_each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.descriptors.coreset import Rule
    from facesort.domain import FaceId, PersonId
    from facesort.protocols import Vectors

__all__ = ["fitting_own"]


def fitting_own(
    vectors: Vectors,
    quality: NDArray[np.float32],
    identities: Sequence[PersonId],
    rule: Rule,
    *,
    ids: Sequence[FaceId],
    there: NDArray[np.bool_],
    confirmed: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Say which faces fit the others of their own identity, where somebody has several.

    Args:
        vectors: (n, d) unit float32.
        quality: (n,) 0..1.
        identities: n, beneath merges.
        rule: what is odd. Where it knows what one person's faces are like, no share of them is odd
            in any case, as in `descriptors.best`.
        ids: n different ids.
        there: (n,) faces that can be compared and shown; the others are not judged.
        confirmed: (n,) faces that are never odd.

    Returns:
        (n,) False for all where there is one identity only: there is nothing to say then.
    """
    codes = np.unique(np.array(identities, dtype=np.str_), return_inverse=True)[1]
    if not len(codes) or codes.max() == 0:
        return np.zeros(len(codes), dtype=bool)
    if rule.one_person is not None:
        rule = replace(rule, odd_share=0.0)
    rows = np.flatnonzero(there)
    found = choose_each(
        vectors[rows],
        quality[rows],
        codes[rows],
        rule,
        ids=[ids[row] for row in rows.tolist()],
        trusted=confirmed[rows],
    )
    fits: NDArray[np.bool_] = np.ones(len(codes), dtype=bool)
    fits[rows[found.odd[found.left_out]]] = False
    # Of somebody all of whose faces differ, nobody knows which are somebody else's.
    people = int(codes.max()) + 1
    nobody = np.bincount(codes[rows], weights=fits[rows], minlength=people) == 0
    fits[nobody[codes]] = True
    return fits
