"""How much changes for people when the other half of the photos comes, on labelled faces.

    python -m tests.benchmarks.stability LIBRARY TRUTH

LIBRARY has scanned the photos of TRUTH (a CSV file, or a folder whose subfolders are people) with
the default model. Half of the photos are stored in a library of its own, as a scan would store
them; fifty people are named, two faces of each confirmed; then the other half comes in four parts,
in five orders and with other thresholds. Nothing of LIBRARY is changed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from facesort.grouping.calibration import DEFAULT_WRONG_MERGES
from facesort.jobs.grouping.options import GroupOptions
from tests.benchmarks.labelled import Labelled, read_labelled
from tests.fakes import open_library
from tests.stability import (
    Said,
    add_in_parts,
    changed_companions,
    check_said,
    model_key,
    name_people,
    owners_of,
)
from tests.stored import Stock, store
from tests.watched import Facesort

_ORDERS = 5
_WRONG_MERGES = (DEFAULT_WRONG_MERGES, 0.1, 10.0)


def _stock(labelled: Labelled) -> Stock:
    """Number photos and people; a face that the truth does not know is a person of its own."""
    _, photo = np.unique(labelled.photos, return_inverse=True)
    names = [name or f"nobody {row}" for row, name in enumerate(labelled.people.tolist())]
    _, person = np.unique(names, return_inverse=True)
    order = np.argsort(photo, kind="stable")
    return Stock(
        labelled.vectors[order],
        person[order],
        photo[order],
        labelled.qualities[order].astype(np.float32),
    )


def _moved(before: dict[str, str | None], after: dict[str, str | None], said: Said) -> float:
    """Return the share of unconfirmed faces that are with another person than before."""
    asked = [face for face in before if face not in said.confirmed]
    return sum(before[face] != after[face] for face in asked) / len(asked)


def _measure(folder: Path, half: Path, stock: Stock, said: Said, order: int, wrong: float) -> None:
    shutil.copytree(half, folder)
    photos = np.random.default_rng(order).permutation(stock.photos[1::2]).tolist()
    with open_library(folder, create=False) as library:
        before = owners_of(library)
        add_in_parts(library, stock, photos, GroupOptions(wrong_merges=wrong))
        check_said(library, said)
        after = owners_of(library)
    shutil.rmtree(folder)
    sys.stdout.write(
        f"--wrong-merges {wrong:<4g} order {order}: names lost 0, confirmed faces moved 0; of "
        f"{len(before) - len(said.confirmed):,} unconfirmed faces {_moved(before, after, said):.2%}"
        f" changed the person, {changed_companions(before, after, said):.2%} a companion\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--named", type=int, default=50)
    given = parser.parse_args()
    stock = _stock(read_labelled(Facesort(given.library), model_key(), given.truth))
    with tempfile.TemporaryDirectory() as scratch:
        half = Path(scratch) / "half"
        with open_library(half) as library:
            store(library, stock, stock.photos[::2].tolist(), model_key=model_key())
            library.group(GroupOptions())
            said = name_people(library, stock, given.named)
        for wrong in _WRONG_MERGES:
            for order in range(_ORDERS):
                _measure(Path(scratch) / "added", half, stock, said, order, wrong)


if __name__ == "__main__":
    main()
