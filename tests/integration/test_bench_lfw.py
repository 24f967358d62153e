"""`bench lfw` and `bench clusters` on painted people: what is printed, and what scripts get."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from facesort.descriptors.compact import fit_code
from facesort.jobs.benches import bench
from tests.fakes import FakeModels, jpeg, png
from tests.terminal import facesort

if TYPE_CHECKING:
    from facesort.domain import VectorCode
    from facesort.protocols import Vectors

PEOPLE = ("anna", "bert", "cleo", "dora", "emil", "fred")


@pytest.fixture
def lfw(tmp_path: Path, models: FakeModels) -> tuple[Path, Path]:
    """Six people of three photos each, one photo without a face, and two folds of pairs."""
    folder = tmp_path / "lfw"
    for number, name in enumerate(PEOPLE):
        for image in range(1, 4):
            jpeg(folder / name / f"{name}_{image:04}.jpg", name, number=3 * number + image)
    png(tmp_path / "nobody.png", number=99)
    (tmp_path / "nobody.png").rename(folder / "fred" / "fred_0003.jpg")
    lines = ["2\t3"]
    for three in (PEOPLE[:3], PEOPLE[3:]):
        lines += [f"{name}\t1\t3" for name in three]
        lines += [f"{a}\t1\t{b}\t2" for a, b in itertools.combinations(three, 2)]
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder, pairs


def test_everything_that_the_protocol_asks_for_is_printed(lfw):
    folder, pairs = lfw
    done = facesort("bench", "lfw", folder, "--pairs", pairs)
    assert done.code == 0, done.err
    said = facesort("bench", "lfw", folder, "--pairs", pairs, "--json").json()
    wrong = said["accuracy_skipped_wrong"]
    for text in (
        f"Accuracy {said['accuracy']:.4f} +- {said['accuracy_std']:.4f} at cosine",
        f"over 12 pairs, 1 of them skipped ({wrong:.4f} if those count as wrong)",
        f"VAL at FAR 1e-3: {said['val_at_1e3']:.4f}; FAR achieved: {said['far_achieved']:.5f}",
        *(f"All pairs: TAR at FAR {rate}:" for rate in ("1e-3", "1e-4", "1e-5", "1e-6")),
    ):
        assert text in done.out


def test_scripts_get_the_same_numbers(lfw):
    folder, pairs = lfw
    said = facesort("bench", "lfw", folder, "--pairs", pairs, "--json").json()
    assert set(said) >= {
        "accuracy", "accuracy_std", "threshold", "val_at_1e3", "far_achieved", "tar", "pairs",
        "skipped", "accuracy_skipped_wrong",
    }  # fmt: skip
    assert set(said["tar"]) == {"1e-3", "1e-4", "1e-5", "1e-6"}
    assert (said["pairs"], said["skipped"]) == (12, 1)
    assert 0.5 < said["accuracy_skipped_wrong"] < said["accuracy"]


def test_128_bytes_a_face_can_be_judged_before_a_library_is_made_compact(lfw, monkeypatch):
    folder, pairs = lfw
    coded: list[int] = []

    def fit(vectors: Vectors, model: str) -> VectorCode:
        coded.append(len(vectors))
        return fit_code(vectors, model)

    monkeypatch.setattr(bench, "fit_code", fit)
    small = facesort("bench", "lfw", folder, "--pairs", pairs, "--descriptor", "int8", "--json")
    assert small.code == 0, small.err
    assert coded == [17]
    full = facesort("bench", "lfw", folder, "--pairs", pairs, "--json")
    assert small.json()["accuracy"] == full.json()["accuracy"]
    assert coded == [17]


def test_an_unknown_descriptor_is_refused_before_any_work(lfw, models):
    folder, pairs = lfw
    done = facesort("bench", "lfw", folder, "--pairs", pairs, "--descriptor", "int4")
    assert done.code == 2
    assert "float16 or int8" in done.err
    assert models.loads == 0


def test_clusters_are_judged_in_every_way_that_is_promised(lfw):
    folder, _ = lfw
    assert facesort("scan", folder).code == 0
    done = facesort("bench", "clusters", folder)
    assert done.code == 0, done.err
    for text in ("pairwise", "BCubed", "V-measure", "clusters for 6 people", "18 faces"):
        assert text in done.out
    assert "1 not found, 0 unassigned; 1.0000 of the faces in pure clusters" in done.out
    said = facesort("bench", "clusters", folder, "--json").json()
    assert set(said) >= {
        "pairwise", "bcubed", "v_measure", "clusters", "people", "faces", "missing", "unassigned",
        "pure_share",
    }  # fmt: skip
    assert set(said["pairwise"]) == set(said["bcubed"]) == {"p", "r", "f"}
    assert (said["clusters"], said["people"], said["missing"]) == (7, 6, 1)
