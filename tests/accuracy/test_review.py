"""How many answers a review of the labelled photos takes; docs/review.md has the numbers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from facesort.domain import Box
from facesort.evaluation.orders import DBSCAN_EPS
from tests.benchmarks.labelled import read_labelled
from tests.benchmarks.review_orders import started, with_distance, with_prior
from tests.watched import Scanned

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.watched import Facesort

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]

AT_LAST = "0.99"


def answers(facesort: Facesort, truth: Path, *args: str) -> dict[str, Any]:
    said = facesort.ask("bench", "review", truth, *args)
    found: dict[str, Any] = said["answers"] | said["kinder"]
    return {order: costs[AT_LAST] for order, costs in found.items()} | {
        "names": said["names_alone"][AT_LAST],
        "faces": said["faces"],
        "people": said["people"],
    }


@pytest.fixture(scope="module")
def often_pictured(lfw: Scanned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The truth about the people of LFW with three photos or more: nobody else counts."""
    truth = tmp_path_factory.mktemp("truth") / "often.csv"
    with truth.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["photo", "person"])
        for folder in sorted(lfw.folder.iterdir()):
            photos = sorted(folder.glob("*.jpg"))
            if len(photos) >= 3:
                writer.writerows([photo, folder.name] for photo in photos)
    return truth


@pytest.fixture(scope="module")
def both_albums(
    scan_once: Callable[[str], Scanned], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Scanned, Path]:
    """Both albums in one library, and one truth of both: with boxes, as one of them has."""
    albums = scan_once("albums")
    truth = tmp_path_factory.mktemp("truth") / "albums.csv"
    portraits, figures = albums.folder / "portraits", albums.folder / "public_figures"
    boxes = {face.id: face.box for face in albums.facesort.faces()}
    central = read_labelled(albums.facesort, albums.model_key, portraits / "truth.csv")
    with truth.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["photo", "left", "top", "right", "bottom", "person"])
        for face, photo, person in zip(central.ids, central.photos, central.people, strict=True):
            if person:
                writer.writerow([photo, *(getattr(boxes[face], s) for s in Box.__slots__), person])
        with (figures / "truth.csv").open(encoding="utf-8", newline="") as boxed:
            for row in csv.DictReader(boxed):
                sides = [row[side] for side in Box.__slots__]
                writer.writerow([figures / row["photo"], *sides, row["person"]])
    return albums, truth


def test_people_among_thousands_of_strangers_are_named_with_few_answers(lfw, often_pictured):
    cost = answers(lfw.facesort, often_pictured)
    assert (cost["faces"], cost["people"]) == (3357, 420)
    assert cost["queue"] <= 0.75 * cost["similarity"]
    assert cost["queue"] <= 0.75 * cost["similarity_named"]
    assert cost["queue"] <= 0.60 * cost["one_by_one"]
    assert cost["queue"] <= cost["size"]


def test_both_albums_together_take_few_answers(both_albums):
    albums, truth = both_albums
    cost = answers(albums.facesort, truth)
    assert (cost["faces"], cost["people"]) == (111, 23)
    assert cost["queue"] <= 0.75 * cost["similarity"]
    assert cost["queue"] <= 0.60 * cost["one_by_one"]
    assert cost["queue"] <= cost["size"]


def test_where_only_names_are_missing_little_else_is_asked(portraits):
    cost = answers(portraits.facesort, portraits.folder / "truth.csv")
    # 13 names to be typed: no order can do with less, and hardly any other question is asked.
    assert cost["names"] == 26
    assert cost["queue"] <= 28
    assert cost["queue"] <= 0.75 * cost["similarity"]


def test_wrong_answers_make_the_queue_no_worse_than_the_others(both_albums):
    albums, truth = both_albums
    cost = answers(albums.facesort, truth, "--mistakes", "0.02", "--seeds", "5")
    assert cost["queue"] <= 0.75 * cost["similarity"]
    assert cost["queue"] <= 0.60 * cost["one_by_one"]


def test_the_tables_of_other_priors_and_distances_begin_where_the_benchmark_does(portraits):
    truth, library = portraits.folder / "truth.csv", portraits.facesort.library
    said = portraits.facesort.ask("bench", "review", truth)["answers"]
    with started(library, truth) as start:
        assert with_prior(start, start.chances.prior_piece).costs == said["queue"]
        assert with_distance(start.faces, DBSCAN_EPS).costs == said["one_by_one"]
