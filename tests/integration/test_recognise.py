"""`verify` and `identify`: pictures from anywhere, compared, and nothing of them kept."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from facesort import registry
from facesort.errors import LibraryLocked
from facesort.jobs.describing import descriptors as descriptors_job
from facesort.jobs.describing import making
from facesort.jobs.recognising import identify as identify_job
from tests.fakes import FakeModels, dump, open_library, paint, png
from tests.terminal import facesort

PROMISED_FACE = {"box", "score", "quality"}


def _library() -> Path:
    return Path(os.environ["FACESORT_LIBRARY"])


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of pictures that no scan has seen."""
    for number, name in enumerate(("anna", "anna", "bert", "gina")):
        png(tmp_path / "outside" / f"{name}{number}.png", name, number=number + 40)
    png(tmp_path / "outside" / "group.png", "bert", "anna", "hugo", number=50)
    paint(number=51).save(tmp_path / "outside" / "nobody.png")
    (tmp_path / "outside" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (tmp_path / "outside" / "notes.txt").write_text("not a picture")
    return tmp_path / "outside"


@pytest.fixture
def named(tmp_path: Path, models: FakeModels) -> dict[str, str]:
    """A library of four people, two of them named; returns ids by colour."""
    photos = tmp_path / "photos"
    for number in range(4):
        png(photos / f"{number}.png", "anna", "bert", "cleo", "dora", number=number)
    assert facesort("scan", photos).code == 0
    with open_library(_library(), models) as library:
        situation = library.situation()
        first = min(face.photo_id for face in situation.faces.values())
        faces = sorted(
            (f for f in situation.faces.values() if f.photo_id == first), key=lambda f: f.box
        )
        ids = {
            colour: str(situation.people.owners[face.id])
            for colour, face in zip(("anna", "bert", "cleo", "dora"), faces, strict=True)
        }
    assert facesort("name", ids["anna"], "Anna").code == 0
    assert facesort("people").code == 0  # whatever is derived is derived now
    return ids


def _bytes_of_library() -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(_library().rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


# -- verify --------------------------------------------------------------------------------------


def test_two_pictures_of_one_person_are_the_same(outside, models):
    done = facesort("verify", outside / "anna0.png", outside / "anna1.png")
    assert done.code == 0, done.err
    assert done.out.startswith("The same person: similarity 0.9")
    assert "over 99.9 %" in done.out
    assert "one in a million" in done.out
    assert not _library().exists()


def test_two_pictures_of_two_people_are_different(outside, models):
    done = facesort("verify", outside / "anna0.png", outside / "bert2.png")
    assert done.code == 0, done.err
    assert done.out.startswith("Two people: similarity ")
    assert "are at least this alike" in done.out


def test_verify_gives_its_numbers_to_scripts(outside, models):
    said = facesort("verify", outside / "anna0.png", outside / "group.png", "--json").json()
    assert set(said) == {
        "similarity", "probability", "false_match_rate", "verdict", "a", "b", "same_picture",
        "model",
    }  # fmt: skip
    assert said["verdict"] in {"same", "different", "unsure"}
    assert said["model"] == "sface"
    assert set(said["b"]) == {"photo", "faces", "low_quality", *PROMISED_FACE}
    assert (said["a"]["faces"], said["b"]["faces"]) == (1, 3)
    assert said["b"]["photo"] == str(outside / "group.png")


def test_of_several_faces_the_largest_central_one_is_taken_and_that_is_said(
    tmp_path, outside, models
):
    picture = paint("bert", "cleo", number=3)
    square = paint("anna", number=3).crop((24, 40, 72, 88)).resize((90, 90))
    picture.paste(square, (140, 100))
    picture.save(tmp_path / "three.png")
    done = facesort("verify", outside / "anna0.png", tmp_path / "three.png")
    assert done.out.startswith("The same person")
    assert f"{tmp_path / 'three.png'} shows 3 faces; the largest central one was taken" in done.err
    assert "90x90 px at 140,100" in done.err
    assert f"{outside / 'anna0.png'} shows" not in done.err


def test_the_same_picture_twice_is_said_to_be_that(tmp_path, outside, models):
    copy = tmp_path / "copy.png"
    copy.write_bytes((outside / "anna0.png").read_bytes())
    done = facesort("verify", outside / "anna0.png", copy)
    assert done.out.startswith("The same person: similarity 1.000")
    assert "Both files hold the same picture." in done.err
    assert facesort("verify", outside / "anna0.png", copy, "--json").json()["same_picture"] is True


def test_a_poor_face_is_said_to_be_poor(outside, models, monkeypatch):
    monkeypatch.setattr("tests.fakes.NormQuality.score", lambda self, measures: 0.05)
    done = facesort("verify", outside / "anna0.png", outside / "anna1.png")
    assert done.err.count("is of low quality (0.05)") == 2
    said = facesort("verify", outside / "anna0.png", outside / "anna1.png", "--json").json()
    assert said["a"]["low_quality"] is said["b"]["low_quality"] is True


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("nobody.png", 3, "no face was found"),
        ("broken.jpg", 3, "broken.jpg"),
        ("notes.txt", 3, "notes.txt"),
        ("clip.mp4", 3, "this is a video"),
        ("gone.png", 2, "does not exist"),
        (".", 2, "is not a file"),
    ],
)
def test_what_cannot_be_compared_is_told_with_its_exit_code(outside, models, name, code, told):
    (outside / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    for pair in ((name, "anna0.png"), ("anna0.png", name)):
        done = facesort("verify", *(outside / one for one in pair))
        assert (done.code, done.out) == (code, "")
        assert told in done.err
        assert "Traceback" not in done.err


def test_a_missing_picture_is_told_before_any_model_is_loaded(outside, models):
    facesort("verify", outside / "anna0.png", outside / "gone.png")
    assert models.loads == 0


def test_faces_below_the_smallest_size_can_be_asked_for(tmp_path, models):
    small = [png(tmp_path / f"{n}.png", "anna", number=n, face=16) for n in range(2)]
    refused = facesort("verify", *small)
    assert refused.code == 3
    assert "less than 24 pixels" in refused.err
    assert facesort("verify", *small, "--min-face", "12").code == 0


def test_verify_changes_nothing_in_a_library(named, outside, models):
    before, files = dump(_library()), _bytes_of_library()
    done = facesort("verify", outside / "anna0.png", outside / "anna1.png", "--min-face", "12")
    assert done.code == 0
    assert dump(_library()) == before
    assert _bytes_of_library() == files


def test_an_embedder_without_calibration_leaves_the_judgement_to_the_user(outside, monkeypatch):
    fakes = FakeModels()
    monkeypatch.setattr(registry, "load_models", fakes.load_models)
    monkeypatch.setattr("facesort.jobs.recognising.verify.card_calibration", lambda db, card: None)
    done = facesort("verify", outside / "anna0.png", outside / "anna1.png")
    assert done.code == 0
    assert done.out.startswith("Unsure: similarity 0.9")
    assert "does not say how sure" in done.err


# -- identify ------------------------------------------------------------------------------------


def _faces(*args: str | Path) -> list[dict[str, Any]]:
    done = facesort("identify", *args, "--json")
    assert done.code == 0, done.err
    return [face for photo in done.json()["photos"] for face in photo["faces"]]


def test_everybody_on_a_picture_is_named_or_unknown(named, outside):
    done = facesort("identify", outside / "group.png")
    assert done.code == 0, done.err
    bert, anna, hugo = [line for line in done.out.splitlines() if "group.png" in line]
    assert named["bert"] in bert
    assert f"{named['anna']} Anna" in anna
    assert "unknown" in hugo
    assert "Compared with 4 people" in done.err


def test_identify_gives_its_numbers_to_scripts(named, outside):
    done = facesort("identify", outside / "group.png", outside / "nobody.png", "--json")
    said = done.json()
    assert set(said) == {"photos", "people", "threshold", "model"}
    assert said["people"] == 4
    group, nobody = said["photos"]
    assert set(group) == {"photo", "error", "in_library", "faces"}
    assert (nobody["faces"], nobody["error"]) == ([], None)
    bert, anna, hugo = group["faces"]
    assert set(bert) == {
        *PROMISED_FACE, "low_quality", "verdict", "person", "name", "similarity", "probability",
        "nearest",
    }  # fmt: skip
    assert (anna["person"], anna["name"], anna["verdict"]) == (named["anna"], "Anna", "known")
    assert anna["similarity"] > 0.85
    assert anna["probability"] > 0.95
    assert (bert["person"], bert["name"]) == (named["bert"], None)
    assert (hugo["person"], hugo["similarity"], hugo["verdict"]) == (None, None, "unknown")
    assert len(hugo["nearest"]) == 2
    assert hugo["nearest"][0]["similarity"] >= hugo["nearest"][1]["similarity"]
    assert anna["nearest"][0]["person"] == named["anna"]


def test_identify_changes_nothing_in_the_library(named, outside):
    before, files = dump(_library()), _bytes_of_library()
    assert facesort("identify", *sorted(outside.glob("*.png"))).code == 0
    assert dump(_library()) == before
    assert _bytes_of_library() == files


def test_a_picture_that_the_library_has_is_said_to_be_there(named, tmp_path, outside):
    said = facesort("identify", tmp_path / "photos" / "0.png", outside / "anna0.png", "--json")
    assert [photo["in_library"] for photo in said.json()["photos"]] == [True, False]


def test_an_ignored_person_is_recognised_and_not_shown(named, outside):
    assert facesort("ignore", named["bert"]).code == 0
    (face,) = _faces(outside / "bert2.png")
    assert (face["verdict"], face["person"], face["name"]) == ("ignored", None, None)
    done = facesort("identify", outside / "bert2.png")
    assert "(ignored)" in done.out
    assert named["bert"] not in done.out


def test_what_is_no_face_stands_for_nobody(named, outside, models):
    with open_library(_library(), models) as library:
        cleos = library.situation().person(named["cleo"]).faces
    assert facesort("not-a-face", *cleos).code == 0
    said = facesort("identify", outside / "anna0.png", "--json").json()
    assert said["people"] == 3


def test_merged_people_are_one(named, outside):
    assert facesort("merge", named["anna"], named["bert"]).code == 0
    (face,) = _faces(outside / "bert2.png")
    assert face["nearest"][0]["person"] == named["anna"]
    assert face["nearest"][0]["name"] == "Anna"


def test_one_unreadable_picture_is_told_and_the_others_are_answered(named, outside):
    done = facesort("identify", outside / "broken.jpg", outside / "anna0.png")
    assert done.code == 3
    assert "Anna" in done.out
    assert "broken.jpg" in done.err
    said = facesort("identify", outside / "broken.jpg", outside / "anna0.png", "--json")
    assert said.code == 3
    assert [photo["error"] is None for photo in said.json()["photos"]] == [False, True]


@pytest.mark.parametrize("name", ["gone.png", "."])
def test_what_is_no_picture_file_ends_with_2_before_any_work(named, outside, models, name):
    loads = models.loads
    done = facesort("identify", outside / "anna0.png", outside / name)
    assert (done.code, done.out) == (2, "")
    assert models.loads == loads


@pytest.mark.parametrize(
    "options",
    [
        ("--wrong", "0"),
        ("--wrong", "1001"),
        ("--min-cosine", "1.5"),
        ("--wrong", "1", "--min-cosine", ".5"),
    ],
)
def test_an_option_out_of_range_is_refused(named, outside, options):
    assert facesort("identify", outside / "anna0.png", *options).code == 2


def test_identify_without_a_library_says_so(outside, models):
    done = facesort("identify", outside / "anna0.png")
    assert done.code == 11
    assert "facesort scan" in done.err
    assert not _library().exists()


def test_in_an_empty_library_everybody_is_unknown(tmp_path, outside, models):
    (tmp_path / "empty").mkdir()
    assert facesort("scan", tmp_path / "empty").code == 0
    done = facesort("identify", outside / "anna0.png")
    assert done.code == 0
    assert "unknown" in done.out
    assert "Nobody is in this library yet" in done.err


def test_a_library_of_another_model_is_not_compared(named, outside):
    done = facesort("identify", outside / "anna0.png", "--model", "sface-bf16")
    assert done.code == 26
    assert "no face of this library has a vector of sface-bf16" in done.err
    assert facesort("identify", outside / "anna0.png", "--model", "nothing").code == 21


def test_a_fixed_cosine_decides_alone(named, outside):
    (close,) = _faces(outside / "anna0.png", "--min-cosine", "0.5")
    (never,) = _faces(outside / "anna0.png", "--min-cosine", "1")
    assert (close["verdict"], never["verdict"]) == ("known", "unknown")


def test_without_calibration_a_fixed_cosine_is_asked_for(named, outside, monkeypatch):
    monkeypatch.setattr(identify_job, "calibration_of", lambda db, card: None)
    done = facesort("identify", outside / "anna0.png")
    assert done.code == 2
    assert "--min-cosine" in done.err
    (face,) = _faces(outside / "anna0.png", "--min-cosine", "0.5")
    assert (face["person"], face["probability"]) == (named["anna"], None)


def test_who_was_described_once_is_not_described_again(named, outside, monkeypatch):
    pictures = [outside / "group.png", outside / "anna0.png", outside / "gina3.png"]
    assert facesort("ignore", named["dora"]).code == 0
    assert facesort("merge", named["anna"], named["cleo"]).code == 0
    first = facesort("identify", *pictures, "--json").json()
    assert first["people"] == 3
    made: list[str] = []
    make = making.make

    def count(db, card, persons, **how):
        made.extend(persons)
        return make(db, card, persons, **how)

    monkeypatch.setattr(descriptors_job, "make", count)
    again = facesort("identify", *pictures, "--json").json()
    assert (again, made) == (first, [])


def test_only_people_who_changed_are_described_again(named, outside, monkeypatch):
    made: list[str] = []
    make = making.make

    def count(db, card, persons, **how):
        made.extend(persons)
        return make(db, card, persons, **how)

    monkeypatch.setattr(descriptors_job, "make", count)
    assert facesort("name", named["bert"], "Bert").code == 0
    listed = map(json.loads, facesort("faces", "--format", "jsonl").out.splitlines())
    face = next(face["face"] for face in listed if face["person"] == named["cleo"])
    assert facesort("reject", face).code == 0
    (anna,) = facesort("identify", outside / "anna0.png", "--json").json()["photos"][0]["faces"]
    assert anna["person"] == named["anna"]
    others = {named["anna"], named["bert"], named["dora"]}  # the rejected face is somebody new
    assert named["cleo"] in made
    assert others.isdisjoint(made)


def test_a_library_that_cannot_be_written_is_compared_all_the_same(named, outside, monkeypatch):
    first = facesort("identify", outside / "anna0.png", "--json").json()
    assert facesort("merge", named["bert"], named["cleo"]).code == 0

    def locked(*_args):
        raise LibraryLocked("busy")

    monkeypatch.setattr("facesort.catalog.descriptors.put", locked)
    second = facesort("identify", outside / "anna0.png", "--json").json()
    assert second["people"] == first["people"] - 1
    assert second["photos"][0]["faces"][0]["person"] == named["anna"]


def test_who_appears_in_a_video_is_named_with_the_time(named, tmp_path):
    pytest.importorskip("av")
    from tests.videos import film_of

    film_of(tmp_path / "clip.mp4", *[["anna"]] * 3, *[["gina"]] * 3)
    anna, gina = _faces(tmp_path / "clip.mp4")
    assert (anna["name"], gina["verdict"]) == ("Anna", "unknown")
    assert anna["seconds"] < gina["seconds"]
    done = facesort("identify", tmp_path / "clip.mp4")
    assert f", {anna['seconds']:.1f} s" in done.out
