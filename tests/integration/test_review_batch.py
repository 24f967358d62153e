"""A review through files: questions out to somebody without facesort, answers in."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from facesort.catalog import people
from facesort.jobs.batch.answers import Came
from facesort.jobs.batch.page import page_of
from facesort.jobs.batch.questions import choose, document_of, filed_of, filed_questions
from facesort.jobs.batch.sheet import draw_sheets
from facesort.review.answer_file import read_answers
from facesort.review.filed import Listed, about_of
from facesort.review.questions import ALLOWED, Answer, Kind
from tests.albums import people_of
from tests.reviewed import in_pieces, let_go, open_pieces, partition, spoil
from tests.terminal import REPOSITORY, environment, facesort

if TYPE_CHECKING:
    from facesort.jobs.review.shown import Asked


@pytest.fixture
def out(album, tmp_path):
    """An exported folder."""
    done = facesort("review", "--export-questions", tmp_path / "out")
    assert done.code == 0, done.err
    return tmp_path / "out"


def table(folder):
    with (folder / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(folder, answers, *, delimiter=",", name="answers.csv"):
    """Write into answers.csv what somebody says to each number."""
    rows = [row | answers.get(int(row["number"]), {}) for row in table(folder)]
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    (folder / name).write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    return folder / name


def names(album):
    with album.open() as library:
        return sorted(person.name or "" for person in people_of(library).values())


def log():
    return facesort("log", "--json").json()


def came(done):
    """How many rows came to what."""
    document = done.json()
    return {word.value: len(document[word.value]) for word in Came if document[word.value]}


# -- out -------------------------------------------------------------------------------------------


def test_an_exported_folder_has_all_that_is_needed_and_nothing_of_the_photos(album, out):
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    faces = {name for name in files if name.startswith("faces/")}
    assert files - faces == {
        "answers.csv", "how-to.txt", "index.html", "manifest.json", "questions.json",
        "sheets/sheet-01.jpg",
    }  # fmt: skip
    questions = json.loads((out / "questions.json").read_text())
    assert [one["kind"] for one in questions["questions"]] == ["who"] * 4
    shown = {
        face["picture"]
        for one in questions["questions"]
        for side in one["sides"]
        for face in side["shown"]
    }
    assert shown == faces
    for path in out.rglob("*"):
        if path.is_file():
            assert str(album.photos.parent).encode() not in path.read_bytes()
    for path in out.glob("faces/*.jpg"):
        with Image.open(path) as picture:
            assert picture.size == (160, 160)
            assert not picture.getexif()
            assert "comment" not in picture.info


def test_exporting_changes_nothing_in_the_library(album, tmp_path):
    with album.open() as library:
        before = partition(library)
        library.export_questions(tmp_path / "out", most=10)
        assert partition(library) == before
    assert log() == []


def test_count_bounds_the_questions_and_a_scan_does_not_enter_the_folder(album, tmp_path):
    folder = tmp_path / "out"
    done = facesort("review", "--export-questions", folder, "--count", "2", "--json")
    assert done.json()["questions"] == 2
    assert len(table(folder)) == 2
    with album.open() as library:
        library.scan([tmp_path])
        assert len(library.photos()) == 5


def test_a_folder_that_holds_anything_else_is_left_alone(album, out):
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    done = facesort("review", "--export-questions", out)
    assert done.code == 41
    assert "holds other files" in done.err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    inside = facesort("review", "--export-questions", album.photos / "out")
    assert inside.code == 42
    assert not (album.photos / "out").exists()
    assert facesort("review", "--export-questions", album.photos / "0.png").code == 2


def test_stopped_in_the_middle_it_leaves_nothing(album, tmp_path, monkeypatch):
    def stop(_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("facesort.jobs.batch.folder.page_of", stop)
    assert facesort("review", "--export-questions", tmp_path / "out").code == 130
    assert not (tmp_path / "out").exists()
    (tmp_path / "empty").mkdir()
    assert facesort("review", "--export-questions", tmp_path / "empty").code == 130
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals and modes of this system")
@pytest.mark.parametrize("ended", ["SIGTERM", "SIGHUP"])
def test_ended_in_the_middle_by_a_signal_it_leaves_nothing(album, tmp_path, monkeypatch, ended):
    from facesort.jobs.batch import folder

    put = folder._Folder._put

    def put_and_be_ended(self, name, data):
        put(self, name, data)
        if name.startswith("faces/"):
            assert (tmp_path / "out" / "manifest.json").exists()  # should it be a kill
            os.kill(os.getpid(), getattr(signal, ended))

    monkeypatch.setattr(folder._Folder, "_put", put_and_be_ended)
    before = signal.getsignal(getattr(signal, ended))
    done = facesort("review", "--export-questions", tmp_path / "out")
    assert done.code == 130
    assert not (tmp_path / "out").exists()
    assert signal.getsignal(getattr(signal, ended)) is before


@pytest.mark.skipif(sys.platform == "win32", reason="modes of this system")
def test_nobody_else_on_the_machine_can_look_into_the_folder(album, out):
    for path in (out, *out.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_same_questions_shown_otherwise_are_another_document(album, out):
    with album.open() as library:
        chosen = choose(library.review(), 5)
    one = document_of(chosen, {})
    assert document_of(chosen, {})["id"] == one["id"]
    side = chosen[0].sides[0]
    turned = replace(chosen[0], sides=(replace(side, shown=side.shown[::-1]),))
    other = document_of([turned, *chosen[1:]], {})
    assert [q["id"] for q in other["questions"]] == [q["id"] for q in one["questions"]]
    assert other["id"] != one["id"]  # the page keeps what was clicked under this


def test_questions_whose_photos_are_gone_are_left_out(album, tmp_path):
    for path in album.photos.iterdir():
        path.unlink()
    done = facesort("review", "--export-questions", tmp_path / "out", "--json")
    assert (done.json()["questions"], done.json()["unseen"]) == (0, 4)
    assert not (tmp_path / "out").exists()


def test_a_name_is_text_on_the_page(album, tmp_path):
    evil = "</script><script>alert(1)</script>\u2028<b>Anna"
    with album.open() as library:
        library.name(album.ids(library)["anna"], evil.replace("\u2028", " "))
        asked = library.review().upcoming(10)
        session = library.review()
        some = session.ask(Kind.WHO, (asked[0].people[0],))
    named = replace(some, sides=(replace(some.sides[0], name=evil),))
    page = page_of(document_of([named], {}))
    assert evil not in page
    assert page.count("<script") == page.count("</script>") == 2
    data = page.split('id="data">')[1].split("</script>")[0]
    assert json.loads(data)["questions"][0]["sides"][0]["name"] == evil
    assert "http://" not in page.replace("http-equiv", "")
    assert "https://" not in page


def test_questions_that_go_out_together_touch_nobody_twice(tmp_path):
    in_pieces(tmp_path / "lib")
    spoil(tmp_path / "lib")
    with open_pieces(tmp_path / "lib") as library:
        session = library.review()
        for number, person in enumerate(session.people(count=12)[0]):
            session.name(person.id, f"Name {number}")
        chosen = choose(session, 500)
    kinds = {one.question.kind for one in chosen}
    assert len(kinds) > 1
    touched = [
        {*one.question.people, *one.question.faces}
        | {face.id for side in one.sides for face in side.shown}
        for one in chosen
    ]
    assert len(chosen) > 20
    assert sum(map(len, touched)) == len(set().union(*touched))
    filed = {one.question.id: filed_of(one) for one in chosen}
    data = json.dumps(document_of(chosen, {})).encode()
    back = filed_questions(data)
    assert {one.id: (one.people, one.faces, one.sides) for one in back.values()} == {
        one.id: (one.people, one.faces, one.sides) for one in filed.values()
    }
    assert len(list(draw_sheets(json.loads(data)["questions"], {}))) > 1


# -- in --------------------------------------------------------------------------------------------


def test_what_somebody_has_filled_in_is_read(album, out):
    answers = {
        1: {"name": "Anna"}, 2: {"answer": "ignore"}, 3: {"answer": "not sure"}, 4: {}
    }  # fmt: skip
    done = facesort("review", "--answers", fill(out, answers, delimiter=";"), "--json")
    assert (done.code, came(done)) == (0, {"applied": 3, "skipped": 1})
    assert names(album) == ["", "", "", "Anna"]
    applied = done.json()["applied"]
    assert [one["decisions"] for one in applied] == [[1], [2], []]
    assert applied[2]["doubt"] == 1
    assert [entry["verdict"] for entry in log()] == ["name", "ignore", "unsure"]


def test_read_twice_it_does_nothing_twice(album, out):
    answers = {
        1: {"name": "Anna"}, 2: {"name": "anna"}, 3: {"answer": "not sure"},
        4: {"answer": "not a face"},
    }  # fmt: skip
    file = fill(out, answers)
    assert came(facesort("review", "--answers", file, "--json")) == {"applied": 4}
    before = log()
    again = facesort("review", "--answers", file, "--json")
    assert (again.code, came(again)) == (0, {"already": 4})
    assert log() == before
    assert [name for name in names(album) if name] == ["Anna"]


def test_a_dry_run_says_what_would_be_and_writes_nothing(album, out):
    file = fill(out, {1: {"name": "Anna"}, 2: {"name": "Anna"}, 3: {"answer": "yes"}})
    done = facesort("review", "--answers", file, "--dry-run", "--json")
    assert (done.code, came(done)) == (3, {"applied": 2, "skipped": 1, "refused": 1})
    assert done.json()["dry_run"]
    assert log() == []


def test_one_bad_row_is_refused_with_its_line_and_the_others_hold(album, out):
    answers = {
        1: {"answer": "yes"}, 2: {"name": "A" * 100_000}, 3: {"answer": "Anna"},
        4: {"name": "<b>Dora</b>"},
    }  # fmt: skip
    file = fill(out, answers)
    done = facesort("review", "--answers", file)
    assert done.code == 3
    lines = done.out.splitlines()
    for number, told in enumerate(["is no answer to this question", "too long", "'Anna' is no"], 2):
        assert f"{file}, line {number} ({number - 1}): refused: " in lines[number - 2]
        assert told in lines[number - 2]
    assert lines[-1] == "1 answer kept; 3 refused."
    assert "Traceback" not in done.out + done.err
    assert "<b>Dora</b>" in names(album)


def test_people_who_have_changed_meanwhile_are_refused_and_the_others_go_on(album, out):
    said = ["Anna", "Bert", "Cleo", "Dora"]
    file = fill(out, {number: {"name": name} for number, name in enumerate(said, 1)})
    questions = json.loads((out / "questions.json").read_text())["questions"]
    first, second, third, _ = (one["people"][0] for one in questions)
    face = questions[2]["sides"][0]["shown"][0]["face"]
    facesort("merge", first, second)
    facesort("split", third, "--face", face)
    before = log()
    done = facesort("review", "--answers", file, "--json")
    document = done.json()
    assert (done.code, came(done)) == (3, {"applied": 1, "refused": 3})
    # The survivor of the merge is who was shown, and somebody who was not.
    assert [one["number"] for one in document["refused"]] == ["1", "2", "3"]
    assert "one person with" in document["refused"][0]["reason"]
    assert "by now" in document["refused"][1]["reason"]
    assert "not" in document["refused"][2]["reason"]
    assert len(log()) == len(before) + 1


@pytest.mark.parametrize("is_alone", [False, True])
@pytest.mark.parametrize("answer", ["ignore", "not a face"])
def test_whoever_was_merged_into_those_shown_is_not_meant(album, out, answer, is_alone):
    file = fill(out, {1: {"answer": answer}})
    questions = json.loads((out / "questions.json").read_text())["questions"]
    facesort("merge", questions[0]["people"][0], questions[1]["people"][0])
    before = log()
    if is_alone:
        file = file.rename(out.parent / "alone.csv")
    done = facesort("review", "--answers", file, "--json")
    assert (done.code, came(done)) == (3, {"refused": 1, "skipped": 3})
    assert log() == before
    facesort("undo")
    done = facesort("review", "--answers", file, "--json")
    assert came(done) == {"applied": 1, "skipped": 3}


def test_new_faces_by_a_scan_are_no_reason_to_refuse(tmp_path):
    in_pieces(tmp_path / "library")
    with open_pieces(tmp_path / "library") as library:
        found = library.situation().people.by_id.values()
        largest = max(found, key=lambda person: (len(person.faces), person.id))
        let_go(library, [largest.faces[-1]])
        asked = library.review().ask(Kind.WHO, (largest.id,))
        filed = filed_of(asked)
        with library._db.transaction():
            people.publish_changes(library._db, {largest.faces[-1]: largest.id}, ())
        assert len(library.situation().person(largest.id).faces) == len(largest.faces)
        rows = read_answers(json.dumps([{"id": filed.id, "answer": "ignore"}]).encode())
        (outcome,) = library.batch({filed.id: filed}).apply(rows)
    assert outcome.came is Came.APPLIED


def _listing(filed, *persons):
    """The question as another export wrote it: with others under the digits."""
    return replace(filed, listed=tuple(map(Listed, persons)))


def test_digits_and_letters_mean_what_stood_in_their_own_export(tmp_path):
    in_pieces(tmp_path / "library")
    with open_pieces(tmp_path / "library") as library:
        session = library.review()
        first, second, third = sorted(library.situation().people.by_id)[:3]
        session.name(first, "Anna")
        session.name(second, "Bert")
        filed = filed_of(session.ask(Kind.WHO, (third,)))
        old, new = _listing(filed, first, second), _listing(filed, second, first)
        row = {"id": filed.id, "answer": "1", "about": about_of(old)}
        rows = read_answers(json.dumps([row]).encode())
        (outcome,) = library.batch({filed.id: new}).apply(rows)
        assert outcome.came is Came.APPLIED
        assert library.situation().person(third).name == "Anna"


def test_letters_mean_the_faces_that_had_them_in_their_own_export(tmp_path):
    in_pieces(tmp_path / "library")
    with open_pieces(tmp_path / "library") as library:
        found = library.situation().people.by_id.values()
        largest = max(found, key=lambda person: (len(person.faces), person.id))
        old = filed_of(library.review().ask(Kind.WHO, (largest.id,)))
        side = old.sides[0]
        new = replace(old, sides=(replace(side, faces=side.faces[::-1]),))
        row = {"id": old.id, "name": "Anna", "not_these": "a", "about": about_of(old)}
        list(library.batch({old.id: new}).apply(read_answers(json.dumps([row]).encode())))
        (anna,) = library.situation().called("Anna")
        assert set(side.faces) - set(anna.faces) == {side.faces[0]}


def test_names_beside_answers_of_another_export_were_not_read(album, out):
    questions = json.loads((out / "questions.json").read_text())["questions"]
    facesort("name", questions[1]["people"][0], "Anna")
    file = fill(out, {1: {"name": "Anna"}})
    for question in questions[:2]:  # as a later export would have it
        question["listed"] = [
            {"digit": 1, "person": questions[1]["people"][0], "name": "Anna", "chance": 1,
             "ignored": False, "shown": []}
        ]  # fmt: skip
    document = {"format": "facesort questions", "schema": 1, "questions": questions}
    (out / "questions.json").write_text(json.dumps(document))
    done = facesort("review", "--answers", file, "--json")
    assert came(done) == {"refused": 1, "skipped": 3}  # which Anna is meant has to be said
    assert "already the name" in done.json()["refused"][0]["reason"]


def test_all_that_was_shown_taken_out_leaves_nothing_to_answer(album, out):
    questions = json.loads((out / "questions.json").read_text())["questions"]
    shown = questions[0]["sides"][0]["shown"]
    letters = " ".join(face["letter"] for face in shown)
    assert len(shown) > 1
    file = fill(out, {1: {"name": "Anna", "not these": letters}})
    done = facesort("review", "--answers", file, "--json")
    assert came(done) == {"refused": 1, "skipped": 3}
    assert "all that was shown" in done.json()["refused"][0]["reason"]
    assert log() == []


def test_who_is_not_sure_and_says_a_name_is_asked_which(album, out):
    file = fill(out, {1: {"answer": "not sure", "name": "Anna"}, 2: {"answer": "s", "name": "Bo"}})
    done = facesort("review", "--answers", file, "--json")
    assert came(done) == {"refused": 2, "skipped": 2}
    assert log() == []


def test_ignoring_all_but_some_is_not_known_from_ignoring_all(album, out):
    questions = json.loads((out / "questions.json").read_text())["questions"]
    facesort("ignore", questions[0]["people"][0])
    file = fill(out, {1: {"answer": "ignore"}})
    assert came(facesort("review", "--answers", file, "--json")) == {"already": 1, "skipped": 3}
    file = fill(out, {1: {"answer": "ignore", "not these": "a"}})
    done = facesort("review", "--answers", file, "--json")
    assert came(done) == {"refused": 1, "skipped": 3}
    facesort("undo")
    assert came(facesort("review", "--answers", file, "--json")) == {"applied": 1, "skipped": 3}
    assert came(facesort("review", "--answers", file, "--json")) == {"already": 1, "skipped": 3}


def test_people_who_were_named_or_ignored_meanwhile_are_refused(album, out):
    said = ["Anna", "Bert", "Cleo", "Dora"]
    file = fill(out, {number: {"name": name} for number, name in enumerate(said, 1)})
    questions = json.loads((out / "questions.json").read_text())["questions"]
    first, second, third, fourth = (one["people"][0] for one in questions)
    facesort("name", first, "Zoe")
    facesort("ignore", second)
    facesort("name", third, "cleo")
    before = log()
    done = facesort("review", "--answers", file, "--json")
    assert (done.code, came(done)) == (3, {"applied": 1, "already": 1, "refused": 2})
    reasons = [one["reason"] for one in done.json()["refused"]]
    assert reasons == [f"{first} is called 'Zoe' by now", f"{second} is ignored by now"]
    assert len(log()) == len(before) + 1
    (out.parent / "alone.csv").write_bytes(file.read_bytes())
    done = facesort("review", "--answers", out.parent / "alone.csv", "--json")
    assert came(done) == {"already": 2, "refused": 2}
    questions[3]["listed"] = [
        {"digit": 1, "person": first, "name": "Anna", "chance": 1, "ignored": False, "shown": []}
    ]
    facesort("undo")
    (out / "questions.json").write_text(
        json.dumps({"format": "facesort questions", "schema": 1, "questions": questions})
    )
    (out / "a.json").write_text(json.dumps([{"id": questions[3]["id"], "answer": "1"}]))
    done = facesort("review", "--answers", out / "a.json", "--json")
    assert came(done) == {"refused": 1}
    assert fourth not in done.json()["refused"][0]["reason"]


def test_a_name_of_somebody_who_was_not_listed_is_not_guessed(album, out):
    questions = json.loads((out / "questions.json").read_text())["questions"]
    facesort("name", questions[0]["people"][0], "Anna")
    file = fill(out, {2: {"name": "Anna"}})
    done = facesort("review", "--answers", file, "--json")
    assert (done.code, came(done)) == (3, {"skipped": 3, "refused": 1})
    assert "--same" in done.json()["refused"][0]["hint"]
    assert facesort("review", "--answers", file, "--dry-run").code == 3
    assert facesort("review", "--answers", file, "--same").code == 0
    assert names(album) == ["", "", "Anna"]
    facesort("undo")
    assert facesort("review", "--answers", file, "--another").code == 0
    assert names(album) == ["", "", "Anna", "Anna"]


def test_a_name_that_any_of_the_questions_lists_means_that_person(album, out):
    questions = list(filed_questions((out / "questions.json").read_bytes()).values())
    anna = questions[0].people[0]
    facesort("name", anna, "Anna")
    listing = replace(questions[3], listed=(Listed(anna),))
    rows = [
        {"id": one.id, "about": about_of(one), "name": name}
        for one, name in [(questions[1], "Anna"), (listing, ""), (questions[2], "anna")]
    ]
    alone = out.parent / "answers.json"
    alone.write_text(json.dumps({"answers": rows}))
    done = facesort("review", "--answers", alone, "--json")
    assert (done.code, came(done)) == (0, {"applied": 2, "skipped": 1})
    with album.open() as library:
        assert len(people_of(library)[anna].faces) == 15


def test_the_table_alone_is_enough_and_so_is_json_with_ids_of_questions_to_come(
    album, out, tmp_path
):
    file = fill(out, {1: {"name": "Anna"}})
    alone = tmp_path / "answers from anna.csv"
    alone.write_bytes(file.read_bytes())
    assert came(facesort("review", "--answers", alone, "--json")) == {"applied": 1, "skipped": 3}
    with album.open() as library:
        question = library.review().upcoming(1)[0]
    entries = [
        {"id": question.id, "answer": "name", "name": "Bert"},
        {"id": "qnothing", "answer": "yes"},
        {"id": question.id, "answer": "name", "name": "Bert"},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"answers": entries}))
    done = facesort("review", "--answers", tmp_path / "a.json", "--json")
    assert (done.code, came(done)) == (3, {"applied": 1, "already": 1, "refused": 1})
    assert done.json()["refused"][0]["place"] == "answer 2"
    assert names(album) == ["", "", "Anna", "Bert"]


def test_answers_come_from_standard_input_too(album, out):
    script = "from facesort.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "review", "--answers", "-"],
        input=fill(out, {1: {"name": "Anna"}}).read_bytes(),
        capture_output=True,
        check=False,
        cwd=REPOSITORY,
        env=environment(PYTHONPATH=str(REPOSITORY)),
    )
    assert (done.returncode, done.stdout.decode().splitlines()) == (
        0,
        ["stdin, line 2 (1): Anna: 5 faces", "1 answer kept; 3 left open."],
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "is not there"),
        (b"photo,person\n", "columns"),
        (b"\x89PNG", "columns"),
        (b'{"answers": [', "not JSON"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(album, tmp_path, content, told):
    file = tmp_path / "answers.csv"
    if content is not None:
        file.write_bytes(content)
    done = facesort("review", "--answers", file)
    assert done.code == 2
    assert str(file) in done.err
    assert told in done.err
    assert "Traceback" not in done.err
    assert facesort("review", "--answers", tmp_path).code == 2


@pytest.mark.parametrize("field", ["id", "answer", "name", "person", "about", "kind", "not_these"])
def test_ten_megabytes_in_a_field_are_a_short_sentence(album, out, field):
    entry = {"id": table(out)[0]["id"], "answer": "name"} | {"name": "Anna"}
    entry = {**entry, "answer": "person"} if field == "person" else entry
    entry[field] = "x" * 10_000_000
    (out / "a.json").write_text(json.dumps([entry]))
    done = facesort("review", "--answers", out / "a.json")
    assert done.code == 3
    assert "refused" in done.out
    assert len(done.out + done.err) < 1000
    assert log() == []


def test_damaged_questions_beside_the_answers_are_told(album, out):
    file = fill(out, {1: {"name": "Anna"}})
    (out / "short.csv").write_text(f"id,answer,name\n{table(out)[0]['id']},,Anna\n")
    for content in (b"{}", b"[3", b'{"format": "facesort questions", "schema": 99}', b"\xff"):
        (out / "questions.json").write_bytes(content)
        done = facesort("review", "--answers", out / "short.csv")
        assert done.code == 2
        assert "questions.json" in done.err
        # This one says itself what was asked: whose the other file is does not matter.
        assert facesort("review", "--answers", file, "--dry-run").code == 0
    assert log() == []


@pytest.mark.parametrize(
    "args",
    [
        ("--answers", "a", "--web"),
        ("--answers", "a", "--export-questions", "b"),
        ("--export-questions", "b", "--web"),
        ("--count", "3"),
        ("--count", "3", "--answers", "a"),
        ("--dry-run",),
        ("--same", "--export-questions", "b"),
    ],
)
def test_ways_that_exclude_each_other_are_refused(album, args):
    done = facesort("review", *args)
    assert done.code == 2
    assert len(done.err.splitlines()) == 2


# -- every kind, every answer ----------------------------------------------------------------------


@pytest.fixture
def everything(tmp_path):
    """A library with a question of each kind for each of its answers, and the answers."""
    in_pieces(tmp_path / "lib", 600)
    with open_pieces(tmp_path / "lib") as library:
        everybody = library.situation().people.by_id.values()
        large = sorted(everybody, key=lambda person: (-len(person.faces), person.id))
        with library._db.transaction():
            for person in large:  # a face of each is nobody's
                if len(person.faces) > 2:
                    library._db.execute(
                        "DELETE FROM assignments WHERE face_id = ?", (person.faces[-1],)
                    )
    with open_pieces(tmp_path / "lib") as library:
        session = library.review()
        anna = session.name(large[0].id, "Anna").person
        asked: list[Asked] = []
        entries: list[dict[str, Any]] = []
        free = iter(large[1:])
        for kind in sorted(Kind):  # "also" first: it needs people of several faces
            for answer in sorted(ALLOWED[kind]):
                one, other = next(free), next(free)
                asked.append(session.ask(kind, *_subject(kind, one, other)))
                entry = {"id": asked[-1].question.id, "answer": answer.value}
                if answer is Answer.NAME:
                    entry["name"] = f"Somebody {len(entries)}"
                if answer is Answer.PERSON:
                    entry["person"] = str(anna)
                entries.append(entry)
        yield library, asked, entries


def _subject(kind, one, other):
    """People and faces that such a question can be about."""
    if kind is Kind.SAME:
        return (one.id, other.id), ()
    if kind is Kind.WHO:
        return (one.id,), ()
    if kind is Kind.MIRROR:
        return (one.id, other.id), (one.faces[0], other.faces[0])
    return (one.id,), one.faces[-1:] if kind is Kind.ALSO else one.faces[:1]


def test_every_answer_to_every_kind_is_read_once_and_known_afterwards(everything):
    library, asked, entries = everything
    rows = read_answers(json.dumps(entries).encode())
    filed = filed_questions(json.dumps(document_of(asked, {})).encode())

    def read(**options):
        return list(library.batch(filed, **options).apply(rows))

    skips = sum(entry["answer"] == "skip" for entry in entries)
    wanted = [Came.SKIPPED if entry["answer"] == "skip" else Came.APPLIED for entry in entries]
    before = partition(library)
    assert [one.came for one in read(dry_run=True)] == wanted
    assert partition(library) == before
    assert [(one.came, one.sentence) for one in read() if one.came is Came.REFUSED] == []
    after = partition(library)
    again = read()
    assert [one for one in again if one.came not in {Came.ALREADY, Came.SKIPPED}] == []
    assert sum(one.came is Came.SKIPPED for one in again) == skips == len(Kind)
    assert partition(library) == after != before


# -- stopped ---------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")
def test_what_was_reported_before_a_kill_is_kept_and_reading_on_does_the_rest(tmp_path):
    folder = tmp_path / "lib"
    in_pieces(folder)
    with open_pieces(folder) as library:
        chosen = choose(library.review(), 40)
    entries = [
        {"id": one.question.id, "answer": "name", "name": f"N{number}"}
        for number, one in enumerate(chosen)
        if one.question.kind is Kind.WHO
    ]
    (tmp_path / "questions.json").write_text(json.dumps(document_of(chosen, {})))
    (tmp_path / "a.json").write_text(json.dumps(entries))
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", "from facesort.cli.app import main; main()",
         "review", "--answers", str(tmp_path / "a.json"), "--library", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", cwd=REPOSITORY,
        env=environment(PYTHONPATH=str(REPOSITORY)),
    )  # fmt: skip
    assert child.stdout is not None
    told = [child.stdout.readline() for _ in range(len(entries) // 2)]
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    done = facesort("review", "--answers", tmp_path / "a.json", "--json", "--library", folder)
    document = done.json()
    assert done.code == 0
    assert len(document["already"]) >= len([line for line in told if ": N" in line]) > 5
    assert len(document["already"]) + len(document["applied"]) == len(entries)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of this system")
def test_ctrl_c_keeps_what_was_reported(album, out, monkeypatch):
    file = fill(out, {1: {"name": "Anna"}, 2: {"name": "Bert"}, 3: {"name": "Cleo"}})
    from facesort.jobs.review.session import ReviewSession

    answer = ReviewSession.answer

    def answer_and_stop(self, given):
        if given.name == "Cleo":
            raise KeyboardInterrupt
        return answer(self, given)

    monkeypatch.setattr(ReviewSession, "answer", answer_and_stop)
    done = facesort("review", "--answers", file, "--json")
    assert done.code == 130
    assert came(done) == {"applied": 2}
    assert not done.json()["complete"]
    assert names(album) == ["", "", "Anna", "Bert"]
