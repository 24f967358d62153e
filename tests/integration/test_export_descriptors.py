"""`export --descriptors FILE`: vectors for other programs, whole, private, and the same again."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.shoot import Frame, Shoot, burst
from tests.terminal import REPOSITORY, environment, facesort, unprivileged

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shoot(tmp_path: Path) -> Shoot:
    """Anna on nine photos, Bert on three and Cleo on two; the first two have names."""
    shoot = Shoot(
        tmp_path,
        [
            *burst("a", 5, best=1),
            *(Frame(f"b{i}", look=1 + i, second=9000 + i * 60) for i in range(4)),
            *(Frame(f"bert{i}", look=i, second=500 * i, who="bert") for i in range(3)),
            *(Frame(f"cleo{i}", look=i, second=700 * i, who="cleo") for i in range(2)),
        ],
    )
    for who, frame in (("Anna", "a000"), ("Bert", "bert0")):
        assert facesort("name", shoot.person(frame), who).code == 0
    return shoot


def test_an_npz_holds_people_and_faces_and_the_model_without_pickle(shoot, tmp_path):
    file = tmp_path / "people.npz"
    done = facesort("export", "--descriptors", file, "--json")
    assert done.code == 0, done.err
    assert done.json()["people"] == 2
    assert done.json()["faces"] == 12
    with np.load(file, allow_pickle=False) as read:
        content = dict(read)
    assert str(content["model_key"]).startswith("sface@")
    assert str(content["stored"]) == "float16"
    anna, bert = shoot.person("a000"), shoot.person("bert0")
    assert dict(
        zip(content["person_id"].tolist(), content["person_name"].tolist(), strict=True)
    ) == {
        anna: "Anna",
        bert: "Bert",
    }
    sizes = dict(zip(content["person_id"].tolist(), content["person_faces"].tolist(), strict=True))
    assert sizes == {anna: 9, bert: 3}
    for name in ("person_descriptor", "face_vector"):
        assert content[name].dtype == np.float32
        assert np.linalg.norm(content[name], axis=1) == pytest.approx(1, abs=1e-5)
    faces = content["face_id"].tolist()
    assert content["face_person"][faces.index(shoot.face("bert2"))] == bert
    assert set(content["face_person"].tolist()) == {anna, bert}
    assert len(set(content["face_photo"].tolist())) == 12
    chosen = [face for face in content["person_chosen"].ravel().tolist() if face]
    assert set(chosen) <= set(faces)
    best = faces.index(shoot.face("a001"))
    assert content["face_quality"][best] == pytest.approx(0.95)
    own = content["person_descriptor"][content["person_id"].tolist().index(anna)]
    assert float(own @ content["face_vector"][best]) > 0.6


def test_parquet_holds_the_same_with_the_model_in_its_metadata(shoot, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra [parquet]")
    assert facesort("export", "--descriptors", tmp_path / "people.npz").code == 0
    assert facesort("export", "--descriptors", tmp_path / "people.parquet").code == 0
    with np.load(tmp_path / "people.npz", allow_pickle=False) as read:
        plain = dict(read)
    table = parquet.read_table(tmp_path / "people.parquet")
    facts = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert facts["model_key"] == str(plain["model_key"])
    rows = table.to_pylist()
    people = [row for row in rows if row["kind"] == "person"]
    faces = [row for row in rows if row["kind"] == "face"]
    assert [row["person"] for row in people] == plain["person_id"].tolist()
    assert [row["name"] for row in people] == plain["person_name"].tolist()
    assert [row["faces"] for row in people] == plain["person_faces"].tolist()
    for row, chosen in zip(people, plain["person_chosen"].tolist(), strict=True):
        assert row["chosen"] == [face for face in chosen if face]
    assert [row["face"] for row in faces] == plain["face_id"].tolist()
    assert [row["person"] for row in faces] == plain["face_person"].tolist()
    assert [row["photo"] for row in faces] == plain["face_photo"].tolist()
    vectors = np.array([row["vector"] for row in rows], dtype=np.float32)
    both = np.concatenate([plain["person_descriptor"], plain["face_vector"]])
    assert np.array_equal(vectors, both)


@pytest.mark.parametrize("end", ["npz", "parquet"])
def test_the_same_library_gives_the_same_bytes(shoot, tmp_path, end):
    if end == "parquet":
        pytest.importorskip("pyarrow", reason="needs the extra [parquet]")
    for number in (1, 2):
        assert facesort("export", "--descriptors", tmp_path / f"{number}.{end}").code == 0
    assert (tmp_path / f"1.{end}").read_bytes() == (tmp_path / f"2.{end}").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other access rights")
def test_only_the_owner_can_read_it_also_where_others_could_read_what_it_replaces(shoot, tmp_path):
    file = tmp_path / "new folder" / "people.npz"
    before = os.umask(0)
    try:
        assert facesort("export", "--descriptors", file).code == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.chmod(0o644)
        said = facesort("export", "--descriptors", file)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "biometric data with names" in said.err
    assert [path.name for path in file.parent.iterdir()] == ["people.npz"]


def test_names_are_left_out_on_request(shoot, tmp_path):
    file = tmp_path / "people.npz"
    done = facesort("export", "--descriptors", file, "--no-names", "--json")
    assert done.json()["names"] is False
    with np.load(file, allow_pickle=False) as read:
        assert read["person_name"].tolist() == ["", ""]
    assert b"A\0\0\0n\0\0\0n\0\0\0a" not in file.read_bytes()


def test_people_without_a_name_come_on_request_and_ignored_ones_never(shoot, tmp_path):
    file = tmp_path / "people.npz"
    facesort("export", "--descriptors", file, "--unnamed")
    with np.load(file, allow_pickle=False) as read:
        assert len(read["person_id"]) == 3
    facesort("export", "--descriptors", file, "--unnamed", "--min-photos", "3")
    with np.load(file, allow_pickle=False) as read:
        assert len(read["person_id"]) == 2
    assert facesort("ignore", shoot.person("bert0")).code == 0
    assert facesort("not-a-face", shoot.face("a004")).code == 0
    facesort("export", "--descriptors", file, "--unnamed")
    with np.load(file, allow_pickle=False) as read:
        assert shoot.person("bert0") not in read["person_id"].tolist()
        assert shoot.face("bert0") not in read["face_id"].tolist()
        assert shoot.face("a004") not in read["face_id"].tolist()
        assert len(read["face_id"]) == 10


def test_without_named_people_the_file_is_there_and_empty(tmp_path):
    Shoot(tmp_path, [Frame("only")])
    file = tmp_path / "people.npz"
    done = facesort("export", "--descriptors", file)
    assert (done.code, "no named people" in done.out) == (0, True)
    with np.load(file, allow_pickle=False) as read:
        assert read["person_descriptor"].shape == (0, 128)
        assert read["face_vector"].shape == (0, 128)
        assert read["person_chosen"].shape == (0, 0)


def test_merged_people_are_one(shoot, tmp_path):
    anna, cleo = shoot.person("a000"), shoot.person("cleo0")
    assert facesort("merge", anna, cleo).code == 0
    file = tmp_path / "people.npz"
    facesort("export", "--descriptors", file)
    with np.load(file, allow_pickle=False) as read:
        faces = dict(zip(read["face_id"].tolist(), read["face_person"].tolist(), strict=True))
    assert faces[shoot.face("cleo1")] == anna


def test_a_dry_run_writes_nothing(shoot, tmp_path):
    done = facesort("export", "--descriptors", tmp_path / "people.npz", "--dry-run")
    assert done.code == 0
    assert "2 people, 12 faces" in done.out
    assert not (tmp_path / "people.npz").exists()


# -- refusals ------------------------------------------------------------------------------------


def test_nothing_is_written_among_the_originals_or_into_the_library(shoot):
    for folder in (shoot.photos, shoot.photos / "deep", shoot.folder, shoot.folder / "index"):
        refused = facesort("export", "--descriptors", folder / "people.npz")
        assert refused.code == 42, refused.err
        assert not (folder / "people.npz").exists()


def test_a_wrong_place_or_combination_is_refused_before_any_work(shoot, tmp_path):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for arguments in (
        ("--descriptors", tmp_path / "people.txt"),
        ("--descriptors", tmp_path / "folder.npz"),
        ("--descriptors", tmp_path / "file" / "people.npz"),
        ("--descriptors", tmp_path / "people.npz", tmp_path / "albums"),
        ("--descriptors", tmp_path / "people.npz", "--best", "3"),
        ("--descriptors", tmp_path / "people.npz", "--mode", "copy"),
        (tmp_path / "albums", "--no-names"),
        (),
    ):
        refused = facesort("export", *arguments)
        assert (refused.code, refused.out) == (2, ""), arguments
        assert len(refused.err.splitlines()) == 2, refused.err
    assert {path.name for path in tmp_path.iterdir()} >= {"folder.npz", "file", "photos"}
    assert not (tmp_path / "people.npz").exists()
    assert not (tmp_path / "albums").exists()


def test_a_folder_that_cannot_be_written_is_told(shoot, tmp_path):
    prefix = unprivileged()
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    done = subprocess.run(
        [*prefix, sys.executable, "-c", "from facesort.cli.app import main; main()",
         "export", "--descriptors", str(closed / "people.npz")],
        capture_output=True, text=True, check=False, cwd=REPOSITORY, env=environment(),
    )  # fmt: skip
    assert done.returncode == 43, done.stderr
    assert not list(closed.iterdir())


def test_without_the_extra_parquet_is_refused_and_the_message_says_how_to_install_it(
    shoot, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    refused = facesort("export", "--descriptors", tmp_path / "people.parquet")
    assert refused.code == 2
    assert 'pip install "facesort[parquet]"' in refused.err
    assert not (tmp_path / "people.parquet").exists()
    assert facesort("export", "--descriptors", tmp_path / "people.npz").code == 0


@pytest.mark.parametrize("end", ["npz", "parquet"])
def test_only_its_own_files_are_replaced(shoot, tmp_path, end):
    if end == "parquet":
        pytest.importorskip("pyarrow", reason="needs the extra [parquet]")
    own = tmp_path / f"people.{end}"
    assert facesort("export", "--descriptors", own).code == 0
    assert facesort("export", "--descriptors", own).code == 0
    photo = tmp_path / f"photo.{end}"
    photo.write_bytes(shoot.path("a000").read_bytes())
    empty = tmp_path / f"empty.{end}"
    empty.touch()
    others = tmp_path / f"others.{end}"
    _write_others(others, own)
    for file in (photo, empty, others):
        before = file.read_bytes()
        for options in ((), ("--dry-run",)):
            refused = facesort("export", "--descriptors", file, *options)
            assert (refused.code, refused.out) == (41, ""), refused.err
            assert "Choose another name" in refused.err
        assert file.read_bytes() == before


def _write_others(file: Path, own: Path) -> None:
    """Write a file of the same form as somebody else would, with most of our columns."""
    if file.suffix == ".npz":
        with np.load(own, allow_pickle=False) as read:
            np.savez(file, **{name: read[name] for name in read.files if name != "facesort"})
        return
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(parquet.read_table(own).replace_schema_metadata(None), file)


def test_a_file_that_was_cut_off_is_not_taken_for_its_own(shoot, tmp_path):
    file = tmp_path / "people.npz"
    assert facesort("export", "--descriptors", file).code == 0
    file.write_bytes(file.read_bytes()[:-30])
    assert facesort("export", "--descriptors", file).code == 41
