"""`find`: photos by who is on them, and faces by what they look like."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesort.jobs.grouping import neighbours
from facesort.jobs.grouping.neighbours import publish_library_index
from facesort.jobs.recognising.find import FindOptions, find_like
from facesort.jobs.recognising.found import Found
from facesort.library import Library
from facesort.search import exact
from tests.fakes import FakeModels, SilentProgress, dump, open_library, paint, png
from tests.terminal import facesort

SMALL = 4  # faces that need no stored index, where a test wants one


def _library() -> Path:
    return Path(os.environ["FACESORT_LIBRARY"])


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of pictures that no scan has seen."""
    png(tmp_path / "outside" / "anna.png", "anna", number=40)
    png(tmp_path / "outside" / "bert.png", "bert", number=41)
    png(tmp_path / "outside" / "group.png", "bert", "anna", "hugo", number=50)
    paint(number=51).save(tmp_path / "outside" / "nobody.png")
    (tmp_path / "outside" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (tmp_path / "outside" / "notes.txt").write_text("not a picture")
    (tmp_path / "outside" / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    return tmp_path / "outside"


@pytest.fixture
def named(tmp_path: Path, models: FakeModels) -> dict[str, str]:
    """Anna, Annabel (bert) and cleo, together and alone; returns ids by colour."""
    photos = tmp_path / "photos"
    for number in range(4):
        png(photos / f"both{number}.png", "anna", "bert", number=number)
    for number in range(4, 8):
        png(photos / f"anna{number}.png", "anna", number=number)
    for number in range(8, 12):
        png(photos / f"cleo{number}.png", "cleo", number=number)
    assert facesort("scan", photos).code == 0
    faces = facesort("faces", "--json").json()
    ids = {
        "anna": next(f["person"] for f in faces if "anna" in f["photo"]),
        "cleo": next(f["person"] for f in faces if "cleo" in f["photo"]),
    }
    ids["bert"] = next(f["person"] for f in faces if f["person"] not in ids.values())
    assert facesort("name", ids["anna"], "Anna Ärmel").code == 0
    assert facesort("name", ids["bert"], "Annabel").code == 0
    return ids


def _photos(*args: str) -> list[str]:
    done = facesort("find", *args, "--json")
    assert done.code == 0, done.err
    return [Path(one["photo"]).stem for one in done.json()]


def _found(*args: str | Path) -> dict[str, Any]:
    done = facesort("find", "--probe", *args, "--json")
    assert done.code == 0, done.err
    document: dict[str, Any] = done.json()
    return document


# -- people --------------------------------------------------------------------------------------


def test_the_photos_of_whoever_has_the_text_in_the_name_are_listed_by_path(named):
    both, alone = [f"both{n}" for n in range(4)], [f"anna{n}" for n in range(4, 8)]
    assert _photos("ärm") == alone + both
    assert _photos("bel") == both
    assert _photos("ANNA") == alone + both
    assert _photos(named["cleo"][:8]) == [f"cleo{n}" for n in ("10", "11", "8", "9")]


def test_several_texts_find_the_photos_that_show_all_of_them(named):
    assert _photos("ärmel", "annabel") == [f"both{n}" for n in range(4)]
    done = facesort("find", "annabel", named["cleo"])
    assert (done.code, done.out) == (0, "")
    assert "No photo shows that" in done.err


def test_find_gives_photos_and_faces_to_scripts(named):
    one = facesort("find", "annabel", "--json").json()[0]
    assert set(one) == {"photo", "places", "taken_at", "faces"}
    assert one["places"] == [one["photo"]]
    assert one["taken_at"] is None
    (face,) = one["faces"]
    assert set(face) == {"face", "person", "name"}
    assert (face["person"], face["name"]) == (named["bert"], "Annabel")
    listed = {face["face"]: face for face in facesort("faces", "--json").json()}
    assert listed[face["face"]]["photo"] == one["photo"]


def test_a_table_says_who_is_on_which_photo(named):
    done = facesort("find", "anna")
    first = next(line for line in done.out.splitlines() if "both0.png" in line)
    assert "Anna Ärmel, Annabel" in first
    assert "8 photos." in done.err


def test_nobody_of_that_name_is_a_sentence(named):
    done = facesort("find", "zoe", "anna")
    assert (done.code, done.out) == (0, "")
    assert "Nobody's name contains 'zoe'" in done.err
    assert "'anna'" not in done.err
    assert facesort("find", "zoe", "--json").json() == []


def test_what_the_user_said_counts(named):
    face = next(f for f in facesort("faces", "--json").json() if "cleo8" in f["photo"])["face"]
    assert facesort("not-a-face", face).code == 0
    assert "cleo8" not in _photos(named["cleo"])
    assert facesort("merge", named["bert"], named["cleo"]).code == 0
    assert len(_photos("annabel")) == 7
    assert _photos(named["cleo"]) == _photos("annabel")  # who was merged away is the survivor


def test_ignored_people_are_found_only_when_asked_for(named):
    assert facesort("ignore", named["bert"]).code == 0
    done = facesort("find", "annabel")
    assert (done.code, done.out) == (0, "")
    assert "--ignored" in done.err
    assert _photos("annabel", "--ignored") == [f"both{n}" for n in range(4)]
    assert len(_photos("anna")) == 8


def test_a_photo_that_is_gone_is_said_to_be_missing(named, tmp_path):
    (tmp_path / "photos" / "both0.png").unlink()
    assert facesort("scan", tmp_path / "photos").code == 0
    assert "both0.png (missing)" in facesort("find", "annabel").out
    assert facesort("find", "annabel", "--json").json()[0]["photo"] is None


# -- faces like one ------------------------------------------------------------------------------


def test_the_faces_most_like_one_come_first_and_say_whose_they_are(named, outside):
    said = _found(outside / "anna.png", "--count", "10")
    assert set(said) == {
        "probe", "list", "ignored", "compared", "search", "note", "model",
    }  # fmt: skip
    assert (said["compared"], said["search"], said["note"]) == (16, "exact", None)
    assert [one["rank"] for one in said["list"]] == list(range(1, 11))
    assert [one["person"] for one in said["list"][:8]] == [named["anna"]] * 8
    assert {one["name"] for one in said["list"][:8]} == {"Anna Ärmel"}
    assert named["anna"] not in [one["person"] for one in said["list"][8:]]
    similarities = [one["similarity"] for one in said["list"]]
    assert similarities == sorted(similarities, reverse=True)
    first, last = said["list"][0], said["list"][-1]
    assert set(first) == {
        "rank", "similarity", "probability", "face", "photo", "places", "box", "quality",
        "person", "name", "status",
    }  # fmt: skip
    assert first["status"] == "automatic"
    assert first["probability"] > 0.99
    assert last["probability"] < 0.1
    assert (said["probe"]["faces"], said["probe"]["face"]) == (1, 1)
    assert said["probe"]["in_library"] is False


def test_similarity_and_probability_are_those_of_verify(named, outside):
    for picture in ("anna.png", "bert.png"):
        near = _found(outside / picture, "--count", "16")["list"]
        for one in (one for one in near if "anna" in one["photo"]):
            told = facesort("verify", outside / picture, one["photo"], "--json").json()
            assert one["similarity"] == pytest.approx(told["similarity"], abs=1e-3)
            assert one["probability"] == pytest.approx(told["probability"], abs=2e-3)


def test_a_table_says_how_alike_each_face_is(named, outside):
    done = facesort("find", "--probe", outside / "anna.png", "--count", "3")
    lines = done.out.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == [
        "rank", "similarity", "probability", "status", "who", "face", "photo",
    ]  # fmt: skip
    assert all(f"{named['anna']} Anna Ärmel" in line for line in lines[1:])
    assert "of two faces by themselves; among 16 faces strangers look alike" in done.err


def test_a_picture_of_the_library_finds_itself_first(named, tmp_path):
    said = _found(tmp_path / "photos" / "anna5.png")
    assert said["probe"]["in_library"] is True
    assert said["list"][0]["photo"].endswith("anna5.png")
    assert 0.999 < said["list"][0]["similarity"] <= 1


def test_of_several_faces_the_central_one_is_taken_and_another_can_be_asked_for(named, outside):
    done = facesort("find", "--probe", outside / "group.png", "--count", "1")
    assert "shows 3 faces; number 3 from the left was taken" in done.err
    assert "--face K" in done.err
    for number, colour in enumerate(("bert", "anna"), 1):
        said = _found(outside / "group.png", "--face", str(number), "--count", "1")
        assert said["probe"]["face"] == number
        assert said["list"][0]["person"] == named[colour]
    refused = facesort("find", "--probe", outside / "group.png", "--face", "4")
    assert refused.code == 2
    assert "shows 3 faces" in refused.err


@pytest.mark.parametrize("options", [(), ("--face", "2")])
def test_a_picture_without_a_face_is_a_sentence(named, outside, options):
    done = facesort("find", "--probe", outside / "nobody.png", *options)
    assert done.code == 0
    assert "no face was found" in done.out
    said = _found(outside / "nobody.png")
    assert (said["probe"]["faces"], said["probe"]["face"], said["list"]) == (0, None, [])


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("broken.jpg", 3, "broken.jpg"),
        ("notes.txt", 3, "notes.txt"),
        ("clip.mp4", 3, "this is a video"),
        ("gone.png", 2, "does not exist"),
        (".", 2, "is not a file"),
    ],
)
def test_what_is_no_picture_is_told_with_its_exit_code(named, outside, name, code, told):
    done = facesort("find", "--probe", outside / name)
    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert "Traceback" not in done.err


def test_nothing_is_stored_of_the_picture(named, outside):
    assert facesort("people").code == 0  # whatever is derived is derived now
    files = [p for p in _library().rglob("*") if p.is_file() and p.suffix not in {".db-shm", ""}]
    before = dump(_library()), {p: hashlib.sha256(p.read_bytes()).digest() for p in files}
    assert facesort("find", "--probe", outside / "group.png").code == 0
    assert dump(_library()) == before[0]
    assert {p: hashlib.sha256(p.read_bytes()).digest() for p in files} == before[1]


def test_what_is_no_face_is_left_out_and_ignored_people_unless_asked_for(named, outside):
    near = _found(outside / "bert.png")["list"]
    assert facesort("not-a-face", near[0]["face"]).code == 0
    assert facesort("ignore", named["anna"]).code == 0
    said = _found(outside / "bert.png")
    assert len(said["list"]) == 7
    assert near[0]["face"] not in {one["face"] for one in said["list"]}
    assert named["anna"] not in {one["person"] for one in said["list"]}
    assert said["ignored"] == 8
    everything = _found(outside / "bert.png", "--ignored")
    assert (len(everything["list"]), everything["ignored"]) == (15, 0)
    assert {o["status"] for o in everything["list"] if o["person"] == named["anna"]} == {"ignored"}
    assert "8 faces of ignored people" in facesort("find", "--probe", outside / "bert.png").err


def test_where_all_of_the_nearest_are_hidden_the_next_are_found(named, outside, monkeypatch):
    monkeypatch.setattr("facesort.jobs.recognising.find._SPARE", 0)
    assert facesort("ignore", named["anna"]).code == 0
    said = _found(outside / "anna.png", "--count", "3")
    assert len(said["list"]) == 3
    assert said["ignored"] == 8


def test_an_empty_library_has_nothing_to_compare(tmp_path, outside, models):
    (tmp_path / "empty").mkdir()
    assert facesort("scan", tmp_path / "empty").code == 0
    done = facesort("find", "--probe", outside / "anna.png")
    assert done.code == 0
    assert "no face to compare with" in done.out
    assert _found(outside / "anna.png")["list"] == []
    assert facesort("find", "anna").code == 0


def test_a_library_of_another_model_is_not_compared(named, outside):
    done = facesort("find", "--probe", outside / "anna.png", "--model", "sface-bf16")
    assert done.code == 26
    assert "no face of this library has a vector of sface-bf16" in done.err


@pytest.mark.parametrize(
    "args",
    [(), ("",), ("anna", "--probe", "x.png"), ("anna", "--count", "3"), ("anna", "--face", "1")],
)
def test_what_makes_no_sense_is_refused(named, args):
    done = facesort("find", *args)
    assert (done.code, done.out) == (2, "")


def test_find_without_a_library_says_so(outside, models):
    for args in (("anna",), ("--probe", outside / "anna.png")):
        assert facesort("find", *args).code == 11
    assert not _library().exists()


def test_a_compact_library_is_searched_with_its_own_vectors(named, outside):
    before = _found(outside / "anna.png")
    assert facesort("library", "compact", "--yes").code == 0
    after = _found(outside / "anna.png")
    nearest = [[one["face"] for one in said["list"][:8]] for said in (before, after)]
    assert sorted(nearest[0]) == sorted(nearest[1])
    for one, other in zip(before["list"][:8], after["list"][:8], strict=True):
        assert one["similarity"] == pytest.approx(other["similarity"], abs=0.02)


# -- the stored index ----------------------------------------------------------------------------


def _find(library: Library, probe: Path, *, exact_up_to: int, ignored: bool = False) -> Found:
    return find_like(
        library._db,
        library._looking,
        library.settings.library,
        probe,
        FindOptions(5, ignored=ignored),
        min_face=library.min_face,
        exact_up_to=exact_up_to,
    )


def _publish(library: Library) -> None:
    publish_library_index(
        library._db,
        library.settings.library,
        library._looking.embedder.model_key,
        SilentProgress(),
        exact_up_to=SMALL,
    )


def _told(found: Found) -> list[tuple[str, float]]:
    return [(one.seen.face.id, round(one.similarity, 4)) for one in found.faces]


def test_a_large_library_answers_from_its_index_without_reading_all_faces(
    named, outside, models, monkeypatch
):
    pytest.importorskip("hnswlib")
    with open_library(_library(), models) as library:
        _publish(library)
        expected = _find(library, outside / "anna.png", exact_up_to=1000)
        assert expected.search == "exact"
        looked: list[int] = []
        compare = exact.ExactNeighbours.__init__

        def count(self, vectors):
            looked.append(len(vectors))
            compare(self, vectors)

        monkeypatch.setattr(exact.ExactNeighbours, "__init__", count)
        found = _find(library, outside / "anna.png", exact_up_to=SMALL)
    assert (found.search, found.note, found.compared) == ("hnsw", "", 16)
    assert _told(found) == _told(expected)
    assert looked == [0]  # nothing waits beside the index


def test_new_faces_are_found_before_the_index_has_them(
    named, outside, models, tmp_path, monkeypatch
):
    pytest.importorskip("hnswlib")
    with open_library(_library(), models) as library:
        _publish(library)
        # A scan erases what so small a library does not need.
        monkeypatch.setattr(neighbours, "publish_library_index", lambda *_args: "")
        png(tmp_path / "photos" / "new.png", "anna", number=40)
        library.scan([tmp_path / "photos"])
        found = _find(library, outside / "anna.png", exact_up_to=SMALL)
    assert (found.search, found.compared) == ("hnsw", 17)
    assert "new.png" in str(found.faces[0].seen.photo.places[0].path)


def test_an_index_that_is_spoilt_is_told_and_not_asked(named, outside, models):
    pytest.importorskip("hnswlib")
    with open_library(_library(), models) as library:
        _publish(library)
        expected = _find(library, outside / "anna.png", exact_up_to=1000)
        for graph in (_library() / "index").glob("*.hnsw"):
            graph.write_bytes(graph.read_bytes()[:-9])
        found = _find(library, outside / "anna.png", exact_up_to=SMALL)
    assert found.search == "exact"
    assert "is not used" in found.note
    assert _told(found) == _told(expected)


def test_where_the_index_finds_only_hidden_faces_all_are_compared(
    named, outside, models, monkeypatch
):
    pytest.importorskip("hnswlib")
    monkeypatch.setattr("facesort.jobs.recognising.find._SPARE", 0)
    assert facesort("ignore", named["anna"]).code == 0
    with open_library(_library(), models) as library:
        _publish(library)
        found = _find(library, outside / "anna.png", exact_up_to=SMALL)
        assert (found.search, len(found.faces), found.ignored) == ("exact", 5, 8)
        shown = _find(library, outside / "anna.png", exact_up_to=SMALL, ignored=True)
    assert (shown.search, shown.ignored) == ("hnsw", 0)
    assert np.all(np.diff([one.similarity for one in shown.faces]) <= 0)
