"""`show PERSON --best N` and `coreset PERSON`: which faces are chosen, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.shoot import Frame, Shoot, burst
from tests.terminal import facesort

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600.0


@pytest.fixture
def wedding(tmp_path: Path) -> Shoot:
    """Three bursts, and two single frames of which one is poor."""
    return Shoot(
        tmp_path,
        [
            *burst("vows", 7, best=3),
            *burst("cake", 5, best=4, look=1, second=2 * HOUR),
            *burst("dance", 4, best=0, look=2, second=5 * HOUR),
            Frame("portrait", quality=0.9, look=3, second=HOUR),
            Frame("shadow", quality=0.15, look=4, second=6 * HOUR),
        ],
    )


def chosen(person: str, count: int) -> list[str]:
    shown = facesort("show", person, "--best", str(count), "--json")
    assert shown.code == 0, shown.err
    return [one["photo"].rpartition("/")[2].removesuffix(".jpg") for one in shown.json()["list"]]


# -- show --best ---------------------------------------------------------------------------------


def test_of_every_burst_the_best_frame_is_shown_and_poor_ones_come_last(wedding):
    shown = chosen(wedding.person("portrait"), 20)
    assert shown[-1] == "shadow"
    assert set(shown) == {"vows003", "cake004", "dance000", "portrait", "shadow"}
    assert chosen(wedding.person("portrait"), 4) == shown[:4]


def test_the_order_is_the_same_every_time(wedding):
    first = chosen(wedding.person("portrait"), 20)
    assert chosen(wedding.person("portrait"), 20) == first


def test_the_document_is_that_of_show_with_the_chosen_ones_and_why(wedding):
    person = wedding.person("portrait")
    plain = facesort("show", person, "--json").json()
    shown = facesort("show", person, "--best", "3", "--json").json()
    assert {key: shown[key] for key in plain if key != "list"} == {
        key: value for key, value in plain.items() if key != "list"
    }
    assert (shown["best"], shown["different"]) == (3, 5)
    every = {face["face"]: face for face in plain["list"]}
    for rank, one in enumerate(shown["list"], start=1):
        assert one["rank"] == rank
        assert {key: one[key] for key in every[one["face"]]} == every[one["face"]]
        assert one["reasons"]
    reasons = {one["burst"]: one["reasons"] for one in shown["list"]}
    assert "best of a burst of 7" in reasons[7]
    assert shown["list"][0]["reasons"][0] == "the best"


def test_the_table_says_how_many_different_pictures_there_are_and_why_each_was_taken(wedding):
    shown = facesort("show", wedding.person("portrait"), "--best", "2")
    head, columns, first, *rest = shown.out.splitlines()
    assert "the best 2 of 18 photos, which are 5 different pictures" in head
    assert columns.split() == ["face", "quality", "why", "photo"]
    assert "the best" in first
    assert "best of a burst of" in shown.out
    assert len(rest) == 1


def test_two_pictures_of_two_hours_are_two_however_alike(tmp_path):
    shoot = Shoot(tmp_path, [Frame("noon", second=0), Frame("one", second=HOUR)])
    assert set(chosen(shoot.person("noon"), 5)) == {"noon", "one"}


def test_pictures_without_a_time_are_one_where_they_are_nearly_the_same(tmp_path):
    shoot = Shoot(
        tmp_path,
        [
            *(Frame(f"same{i}", second=None, quality=0.5 + i / 10) for i in range(4)),
            Frame("other", second=None, look=1),
        ],
    )
    shown = facesort("show", shoot.person("other"), "--best", "5", "--json").json()["list"]
    assert {one["face"] for one in shown} == {shoot.face("same3"), shoot.face("other")}
    assert "best of 4 nearly the same" in shown[0]["reasons"] + shown[1]["reasons"]


def test_photos_that_are_gone_are_chosen_only_when_there_are_no_others(wedding):
    person = wedding.person("portrait")
    for name in ("portrait", "vows003"):
        wedding.path(name).unlink()
    with wedding.open() as library:
        library.scan([wedding.photos])
    shown = chosen(person, 3)
    assert "portrait" not in shown
    assert {name[:4] for name in shown} == {"vows", "cake", "danc"}
    document = facesort("show", person, "--best", "9", "--json").json()["list"]
    assert [one["photo"] for one in document[:4]].count(None) == 0
    assert document[-1]["face"] == wedding.face("portrait")
    assert "the original is missing" in document[-1]["reasons"]
    assert "(missing)" in facesort("show", person, "--best", "9").out


def test_faces_that_the_model_has_not_seen_come_in_order_of_quality(tmp_path):
    shoot = Shoot(
        tmp_path, [Frame(f"f{i}", quality=0.5 + i / 10, second=i * HOUR) for i in range(3)]
    )
    person = shoot.person("f0")
    with shoot.open() as library:
        library._db.execute("DELETE FROM vectors")
    assert chosen(person, 2) == ["f2", "f1"]
    document = facesort("coreset", person, "--json")
    assert (document.code, document.json()["chosen"], document.json()["described"]) == (0, [], 0)
    assert "scan again with this model" in document.json()["note"]


def test_one_face_is_the_best_of_one(tmp_path):
    shoot = Shoot(tmp_path, [Frame("only")])
    shown = facesort("show", shoot.person("only"), "--best", "20")
    assert (shown.code, len(shown.out.splitlines())) == (0, 3)
    assert "the best of 1 photo" in shown.out


def test_a_person_who_has_a_name_and_no_faces_is_no_error(wedding):
    person = wedding.person("shadow")
    assert facesort("name", person, "Anna").code == 0
    faces = [one["face"] for one in facesort("show", "Anna", "--json").json()["list"]]
    assert facesort("reject", *faces).code == 0
    shown = facesort("show", "Anna", "--best", "3")
    assert (shown.code, len(shown.out.splitlines())) == (0, 1)
    assert "no faces now" in shown.out
    assert facesort("show", "Anna", "--best", "3", "--json").json()["list"] == []
    document = facesort("coreset", "Anna", "--json")
    assert document.code == 0
    assert (document.json()["chosen"], document.json()["radius"]) == ([], None)
    assert "no faces now" in document.json()["note"]
    assert "no faces now" in facesort("coreset", "Anna").out


@pytest.mark.parametrize("command", [("show", "--best", "3"), ("coreset",)])
def test_somebody_unknown_is_the_error_that_it_is_everywhere(wedding, command):
    name, *options = command
    assert facesort(name, "Nobody", *options).code == 14


def test_a_senseless_number_is_refused(wedding):
    person = wedding.person("portrait")
    assert facesort("show", person, "--best", "0").code == 2
    assert facesort("coreset", person, "--size", "0").code == 2


# -- coreset -------------------------------------------------------------------------------------


def test_a_few_good_and_different_faces_stand_for_a_person(wedding):
    person = wedding.person("portrait")
    document = facesort("coreset", person, "--json").json()
    looks = {one["photo"].rpartition("/")[2][:4] for one in document["chosen"]}
    assert looks == {"vows", "cake", "danc", "port"}
    assert document["chosen"][0]["reasons"][0] == "the best"
    assert [one["rank"] for one in document["chosen"]] == list(range(1, 1 + len(looks)))
    assert document["model"].startswith("sface@")
    assert 0 <= document["radius"] < 0.05
    assert 0 < document["cohesion"] <= 1
    assert (document["faces"], document["described"], document["check"]) == (18, 18, [])
    shown = facesort("coreset", person).out
    assert "4 of 18 faces stand for this person" in shown
    assert "poor" in shown.splitlines()[-1]


def test_the_number_of_faces_can_be_said_and_faces_pinned(wedding):
    person = wedding.person("portrait")
    pinned = wedding.face("vows001")
    document = facesort("coreset", person, "--size", "2", "--pin", pinned, "--json").json()
    assert document["chosen"][0]["face"] == pinned
    assert [one["pinned"] for one in document["chosen"]] == [True, False]
    refused = facesort("coreset", person, "--pin", "fnobody")
    assert refused.code == 2
    assert "fnobody is no face of" in refused.err


def test_a_face_that_does_not_belong_stands_for_nobody_and_is_to_be_checked(tmp_path):
    frames = [Frame(f"f{i}", second=i * HOUR, look=i) for i in range(60)]
    shoot = Shoot(tmp_path, [*frames, Frame("guest", strange=True, second=90 * HOUR)])
    anna = shoot.person("f0")
    stranger = shoot.face("guest")
    with shoot.open() as library:  # as if the grouping had erred
        library._db.execute(
            "UPDATE assignments SET person_id = ? WHERE face_id = ?", (anna, stranger)
        )
    document = facesort("coreset", anna, "--json").json()
    assert document["check"][0]["face"] == stranger
    assert document["check"][0]["if_somebody_else"] == f"facesort reject {stranger}"
    assert stranger not in {one["face"] for one in document["chosen"]}
    shown = facesort("coreset", anna).out
    assert f"facesort reject {stranger}" in shown
    assert f"facesort confirm {stranger}" in shown
    best = facesort("show", anna, "--best", "99", "--json").json()
    assert stranger in best["check"]
    assert stranger not in {one["face"] for one in best["list"]}
    assert facesort("confirm", stranger, "--person", anna).code == 0
    assert stranger not in facesort("coreset", anna).out.partition("Check these")[2]
    best = facesort("show", anna, "--best", "99", "--json").json()
    assert stranger in {one["face"] for one in best["list"]}


def test_of_many_faces_to_check_a_terminal_shows_the_least_alike(tmp_path):
    frames = [Frame(f"f{i}", second=i * HOUR, look=i) for i in range(80)]
    guests = [Frame(f"g{i}", strange=True, second=(90 + i) * HOUR) for i in range(13)]
    shoot = Shoot(tmp_path, [*frames, *guests])
    anna = shoot.person("f0")
    with shoot.open() as library:
        library._db.execute("UPDATE assignments SET person_id = ?", (anna,))
    document = facesort("coreset", anna, "--json").json()
    suspects = [one["face"] for one in document["check"] if one["suspect"]]
    assert set(suspects) == {shoot.face(f"g{i}") for i in range(13)}
    likeness = [one["likeness"] for one in document["check"]][:13]
    assert likeness == sorted(likeness)
    shown = facesort("coreset", anna).out
    assert [face in shown for face in suspects] == [True] * 10 + [False] * 3
    assert "3 more faces (--json lists them)" in shown


def test_each_look_of_a_person_has_faces_of_its_own_and_a_vector_of_its_own(tmp_path):
    frames = [
        Frame(f"f{i}", second=(i + i % 2 * 5000) * HOUR, who=("anna", "bert")[i % 2], spread=0.5)
        for i in range(60)
    ]
    shoot = Shoot(tmp_path, frames)
    anna = shoot.person("f0")
    assert facesort("merge", anna, shoot.person("f1")).code == 0  # the child and the grown-up
    document = facesort("coreset", anna, "--json").json()
    assert [look["look"] for look in document["looks"]] == [1, 2]
    assert sorted(look["faces"] for look in document["looks"]) == [30, 30]
    assert [one["face"] for one in document["chosen"]] == [
        face for look in document["looks"] for face in look["chosen"]
    ]
    spans = sorted((look["since"], look["until"]) for look in document["looks"])
    assert spans[0][1] < spans[1][0]
    shown = facesort("coreset", anna).out
    assert "look 1: 30 faces, 2024" in shown
    assert "look 2: 30 faces, 202" in shown
    file = tmp_path / "vectors.npz"
    assert facesort("export", "--descriptors", file, "--unnamed").code == 0
    with np.load(file, allow_pickle=False) as read:
        assert read["person_id"].tolist() == [anna, anna]
        assert read["person_look"].tolist() == [1, 2]
        assert read["person_faces"].tolist() == [30, 30]
        chosen_faces = [face for face in read["person_chosen"].ravel().tolist() if face]
    assert chosen_faces == [one["face"] for one in document["chosen"]]


def test_one_face_is_said_to_be_the_only_one(tmp_path):
    alone = Shoot(tmp_path / "alone", [Frame("only")])
    assert "There is only this face." in facesort("coreset", alone.person("only")).out


def test_where_all_faces_are_poor_they_stand_for_the_person_all_the_same(tmp_path):
    shoot = Shoot(
        tmp_path, [Frame(f"p{i}", quality=0.1, look=i, second=i * HOUR) for i in range(3)]
    )
    ids = [shoot.face(f"p{i}") for i in range(3)]
    assert facesort("confirm", *ids).code == 0
    person = facesort("people", "--all", "--json").json()[0]["person"]
    document = facesort("coreset", person, "--json").json()
    assert {one["face"] for one in document["chosen"]} == set(ids)
    assert document["note"] == "all faces are poor"


def test_where_all_faces_are_the_same_picture_one_stands_for_them(tmp_path):
    shoot = Shoot(tmp_path, [Frame(f"d{i}", second=i) for i in range(6)])
    document = facesort("coreset", shoot.person("d0"), "--json").json()
    assert len(document["chosen"]) == 1
    assert "nearly the same picture" in document["note"]


# -- what is left out, and what is gone -----------------------------------------------------------


def two_looks(tmp_path: Path) -> Shoot:
    """Anna on twelve photos and Bert on four, who is nothing like her; no two photos of an hour."""
    return Shoot(
        tmp_path,
        [
            *(Frame(f"a{i:02d}", look=i, second=i * HOUR) for i in range(12)),
            *(Frame(f"b{i}", look=20 + i, second=(40 + i) * HOUR, who="bert") for i in range(4)),
        ],
    )


def test_whom_the_user_has_merged_is_left_out_of_nothing(tmp_path):
    shoot = two_looks(tmp_path)
    anna = shoot.person("a00")
    assert facesort("merge", anna, shoot.person("b0")).code == 0
    for _ in range(2):
        shown = facesort("show", anna, "--best", "99", "--json").json()
        assert (len(shown["list"]), shown["different"], shown["check"]) == (16, 16, [])
        assert facesort("group", "--all").code == 0  # and it stays so


def test_a_stranger_among_merged_people_is_left_out_all_the_same(tmp_path):
    shoot = Shoot(
        tmp_path,
        [
            *(Frame(f"a{i:02d}", look=i, second=i * HOUR) for i in range(12)),
            *(Frame(f"b{i}", look=20 + i, second=(40 + i) * HOUR, who="bert") for i in range(4)),
            Frame("guest", strange=True, second=90 * HOUR),
        ],
    )
    anna, stranger = shoot.person("a00"), shoot.face("guest")
    with shoot.open() as library:  # as if the grouping had erred
        library._db.execute(
            "UPDATE assignments SET person_id = ? WHERE face_id = ?", (anna, stranger)
        )
    assert facesort("merge", anna, shoot.person("b0")).code == 0
    shown = facesort("show", anna, "--best", "99", "--json").json()
    assert (shown["check"], len(shown["list"])) == ([stranger], 16)


def test_only_what_can_be_chosen_counts_as_different(tmp_path):
    shoot = two_looks(tmp_path)
    anna = shoot.person("a00")
    with shoot.open() as library:  # as if the grouping had erred
        library._db.execute(
            "UPDATE assignments SET person_id = ? WHERE face_id = ?", (anna, shoot.face("b0"))
        )
    shown = facesort("show", anna, "--best", "99", "--json").json()
    assert (len(shown["list"]), shown["different"], len(shown["check"])) == (12, 12, 1)
    text = facesort("show", anna, "--best", "99")
    assert "the best 12 of 12 photos" in text.out
    assert "Left out: 1 photo that may show somebody else" in text.err + text.out


def test_what_has_gone_since_the_last_scan_comes_last_and_is_said_to_be_missing(wedding):
    person = wedding.person("portrait")
    for name in ("portrait", "vows003"):
        wedding.path(name).unlink()
    shown = chosen(person, 3)
    assert {name[:4] for name in shown} == {"vows", "cake", "danc"}
    assert "vows003" not in shown
    last = facesort("show", person, "--best", "9", "--json").json()["list"][-1]
    assert (last["face"], last["photo"]) == (wedding.face("portrait"), None)
    assert "the original is missing" in last["reasons"]
    assert "(missing)" in facesort("show", person, "--best", "9").out.splitlines()[-1]


def test_of_a_poor_photo_is_said_whether_a_good_one_is_left(wedding):
    person = wedding.person("portrait")
    last = facesort("show", person, "--best", "9", "--json").json()["list"][-1]
    assert last["face"] == wedding.face("shadow")
    assert "poor, and no good one is left" in last["reasons"]
    wedding.path("portrait").unlink()  # good, but not to be had
    fourth = facesort("show", person, "--best", "4", "--json").json()["list"][-1]
    assert fourth["face"] == wedding.face("shadow")
    assert "poor" in fourth["reasons"]


def test_the_first_has_no_gain_for_there_is_nothing_before_it(wedding):
    person = wedding.person("portrait")
    best = facesort("show", person, "--best", "9", "--json").json()["list"]
    stand = facesort("coreset", person, "--json").json()["chosen"]
    for faces in (best, stand):
        first, *others = [one["gain"] for one in faces]
        assert first is None
        assert all(0 <= gain <= 1 for gain in others)


def test_of_a_photo_and_a_copy_that_is_smaller_the_photo_itself_is_chosen(tmp_path):
    shoot = Shoot(
        tmp_path,
        [
            *(
                Frame(f"same{i}", quality=0.8 if i == 2 else 0.81, second=None, spread=0.0)
                for i in range(4)
            ),
            Frame("other", second=None, look=1),
        ],
    )
    original = shoot.face("same2")
    for smaller in ("same0", "same1", "same3"):
        with shoot.open() as library:
            library._db.execute(
                "UPDATE faces SET right = (left + right) / 2, bottom = (top + bottom) / 2 "
                "WHERE id = ?",
                (shoot.face(smaller),),
            )
    shown = facesort("show", shoot.person("other"), "--best", "9", "--json").json()["list"]
    assert {one["face"] for one in shown} == {original, shoot.face("other")}
