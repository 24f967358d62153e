"""`export DEST --best N`: the best different photos of each person, and the exports after it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.shoot import Frame, Shoot, burst
from tests.terminal import facesort

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600.0


@pytest.fixture
def shoot(tmp_path: Path) -> Shoot:
    """Anna in two bursts and a portrait, Bert in one burst; both have names."""
    shoot = Shoot(
        tmp_path,
        [
            *burst("vows", 7, best=3),
            *burst("cake", 5, best=4, look=1, second=2 * HOUR),
            Frame("portrait", quality=0.9, look=2, second=HOUR),
            *(
                Frame(f"bert{i}", quality=0.5 + i / 10, look=3, second=4 * HOUR + i, who="bert")
                for i in range(4)
            ),
        ],
    )
    for who, frame in (("Anna", "portrait"), ("Bert", "bert0")):
        assert facesort("name", shoot.person(frame), who).code == 0
    return shoot


def files(dest: Path) -> set[str]:
    return {
        path.relative_to(dest).as_posix()
        for path in dest.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def reasons(dest: Path) -> dict[str, str]:
    manifest = json.loads((dest / "manifest.json").read_text(encoding="utf-8"))
    return {file["path"]: file["reason"] for file in manifest["files"]}


def test_each_person_gets_the_best_photo_of_each_burst_with_the_reason(shoot, tmp_path):
    dest = tmp_path / "albums"
    assert facesort("export", dest, "--best", "20").code == 0
    assert files(dest) == {
        "Anna/vows003.jpg", "Anna/cake004.jpg", "Anna/portrait.jpg", "Bert/bert3.jpg",
    }  # fmt: skip
    why = reasons(dest)
    assert why["Bert/bert3.jpg"].startswith("shows Bert; the best; best of a burst of 4")
    assert "best of a burst of 7" in why["Anna/vows003.jpg"]
    assert why["Anna/portrait.jpg"].startswith("shows Anna; a different picture")


def test_the_same_order_again_changes_nothing(shoot, tmp_path):
    dest = tmp_path / "albums"
    facesort("export", dest, "--best", "2")
    before = (dest / "manifest.json").read_bytes()
    again = facesort("export", dest, "--best", "2", "--json").json()
    assert (again["kept"], again["written"], again["removed"]) == (3, 0, 0)
    assert (dest / "manifest.json").read_bytes() == before


def test_another_number_or_none_brings_the_folder_up_to_date(shoot, tmp_path):
    dest = tmp_path / "albums"
    facesort("export", dest, "--best", "3")
    own = dest / "Anna" / "mine.txt"
    own.write_text("kept", encoding="utf-8")
    fewer = facesort("export", dest, "--best", "1", "--json").json()
    assert (fewer["removed"], fewer["kept"]) == (2, 2)
    every = facesort("export", dest, "--json").json()
    assert (every["written"], every["kept"]) == (15, 2)
    assert set(reasons(dest).values()) == {"shows Anna", "shows Bert"}
    fewer = facesort("export", dest, "--best", "1", "--json").json()
    assert fewer["removed"] == 15
    assert own.read_text(encoding="utf-8") == "kept"


def test_a_copy_that_the_user_has_worked_on_stays_when_it_is_chosen_no_more(shoot, tmp_path):
    dest = tmp_path / "albums"
    facesort("export", dest, "--best", "3")
    worked = next(path for path in files(dest) if reasons(dest)[path].count("different"))
    (dest / worked).write_bytes(b"retouched")
    after = facesort("export", dest, "--best", "1", "--json").json()
    assert any(worked in line and "stays" in line for line in after["reported"])
    assert (dest / worked).read_bytes() == b"retouched"


def test_companions_go_along(shoot, tmp_path):
    shoot.path("vows003").with_suffix(".xmp").write_text("<x/>", encoding="utf-8")
    shoot.path("vows002").with_suffix(".xmp").write_text("<x/>", encoding="utf-8")
    dest = tmp_path / "albums"
    facesort("export", dest, "--best", "20")
    assert "Anna/vows003.xmp" in files(dest)
    assert "Anna/vows002.xmp" not in files(dest)


def test_a_photo_that_is_gone_is_left_out_where_another_of_its_burst_is_there(shoot, tmp_path):
    shoot.path("vows003").unlink()  # and no scan has noticed
    dest = tmp_path / "albums"
    done = facesort("export", dest, "--best", "3")
    assert done.code == 0, done.err
    vows = [path for path in files(dest) if "vows" in path]
    assert len(vows) == 1


def test_it_goes_with_every_other_option(shoot, tmp_path):
    dest = tmp_path / "albums"
    planned = facesort(
        "export", dest, "--best", "2", "--layout", "{year}/{person} {n}", "--dry-run", "--json"
    ).json()
    assert [one["target"] for one in planned["operations"]] == [
        "2024/Anna 001.jpg", "2024/Anna 002.jpg", "2024/Bert 001.jpg",
    ]  # fmt: skip
    assert not dest.exists()
    facesort("undo", "2")
    options = ("--unnamed", "--min-photos", "5", "--best", "2", "--mode", "hardlink")
    assert facesort("export", dest, *options).code == 0
    assert len(files(dest)) == 2  # Bert's four photos are too few
    assert all(path.startswith("person-") for path in files(dest))
    taken = next(iter(files(dest)))
    name = taken.rpartition("/")[2]
    assert (dest / taken).samefile(shoot.photos / name)


@pytest.mark.parametrize("mode", ["hardlink", "symlink"])
def test_an_export_without_a_mode_says_that_it_turns_links_into_copies(shoot, tmp_path, mode):
    dest = tmp_path / "albums"
    facesort("export", dest, "--mode", mode)
    said = f"become copies; --mode {mode} keeps them links"
    planned = facesort("export", dest, "--dry-run", "--json").json()
    assert any(said in note for note in planned["notes"])
    done = facesort("export", dest)
    assert done.code == 0
    assert said in done.err
    assert said not in facesort("export", dest).err  # they are copies now


def test_a_senseless_number_is_refused(shoot, tmp_path):
    assert facesort("export", tmp_path / "albums", "--best", "0").code == 2
    assert not (tmp_path / "albums").exists()


# -- what is said of the choice -------------------------------------------------------------------


def manifest(dest: Path) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = json.loads((dest / "manifest.json").read_text(encoding="utf-8"))[
        "files"
    ]
    return files


def test_photos_that_may_show_somebody_else_are_left_out_and_that_is_said(tmp_path):
    frames = [Frame(f"f{i:02d}", second=i * HOUR, look=i) for i in range(20)]
    shoot = Shoot(tmp_path, [*frames, Frame("guest", strange=True, second=90 * HOUR)])
    anna = shoot.person("f00")
    with shoot.open() as library:  # as if the grouping had erred
        library._db.execute(
            "UPDATE assignments SET person_id = ? WHERE face_id = ?", (anna, shoot.face("guest"))
        )
    assert facesort("name", anna, "Anna").code == 0
    line = f"Anna: 1 photo left out, it may show somebody else: facesort coreset {anna}"
    dest = tmp_path / "albums"
    assert line in facesort("export", dest, "--best", "30", "--dry-run").err
    assert line in facesort("export", dest, "--best", "30", "--dry-run", "--json").json()["notes"]
    assert line in facesort("export", dest, "--best", "30").err
    again = facesort("export", dest, "--best", "30", "--json").json()
    assert (again["kept"], again["reported"]) == (20, [line])
    assert facesort("export", dest, "--json").json()["reported"] == []


def test_both_of_two_merged_people_are_exported(tmp_path):
    shoot = Shoot(
        tmp_path,
        [
            *(Frame(f"a{i:02d}", look=i, second=i * HOUR) for i in range(12)),
            *(Frame(f"b{i}", look=20 + i, second=(40 + i) * HOUR, who="bert") for i in range(4)),
        ],
    )
    anna = shoot.person("a00")
    assert facesort("name", anna, "Anna").code == 0
    assert facesort("merge", anna, shoot.person("b0")).code == 0
    done = facesort("export", tmp_path / "albums", "--best", "20", "--json").json()
    assert (done["written"], done["reported"]) == (16, [])


def test_the_manifest_says_rank_quality_burst_and_reasons_of_each_photo(shoot, tmp_path):
    shoot.path("vows003").with_suffix(".xmp").write_text("<x/>", encoding="utf-8")
    dest = tmp_path / "albums"
    assert facesort("export", dest, "--best", "2").code == 0
    shown = facesort("show", "Anna", "--best", "2", "--json").json()["list"]
    found = {
        file["faces"][0]: file["best"]
        for file in manifest(dest)
        if file["path"].startswith("Anna/") and file["kind"] == "original"
    }
    assert found == {
        one["face"]: {key: one[key] for key in ("rank", "quality", "burst", "reasons")}
        for one in shown
    }
    assert [file for file in manifest(dest) if file["kind"] == "companion" and "best" in file] == []
    assert facesort("export", dest).code == 0
    assert not any("best" in file for file in manifest(dest))  # all go, so none was chosen


def test_a_manifest_from_before_is_read_and_brought_up_to_date(shoot, tmp_path):
    dest = tmp_path / "albums"
    facesort("export", dest, "--best", "2")
    new = (dest / "manifest.json").read_text(encoding="utf-8")
    document = json.loads(new)
    for file in document["files"]:
        del file["best"]
    (dest / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    again = facesort("export", dest, "--best", "2", "--json").json()
    assert (again["kept"], again["written"], again["removed"]) == (3, 0, 0)
    assert (
        json.loads((dest / "manifest.json").read_text(encoding="utf-8"))["files"]
        == (json.loads(new)["files"])
    )


def test_n_in_a_layout_is_the_rank_of_the_choice_and_by_date_without_one(shoot, tmp_path):
    facesort("export", tmp_path / "best", "--best", "20", "--layout", "{person}/{n} {filename}")
    ranks = {
        file["path"].split("/")[1][:3]: file["best"]["rank"]
        for file in manifest(tmp_path / "best")
        if file["path"].startswith("Anna/")
    }
    assert ranks == {"001": 1, "002": 2, "003": 3}
    shown = facesort("show", "Anna", "--best", "20", "--json").json()["list"]
    names = [path.split(" ")[1] for path in sorted(files(tmp_path / "best")) if "Anna" in path]
    assert names == [one["photo"].rpartition("/")[2] for one in shown]
    facesort("export", tmp_path / "all", "--layout", "{person}/{n} {filename}")
    assert "Anna/001 vows000.jpg" in files(tmp_path / "all")


def test_a_dry_run_says_why_each_photo_is_taken(shoot, tmp_path):
    text = facesort("export", tmp_path / "albums", "--best", "20", "--dry-run").out
    assert "shows Bert; the best; best of a burst of 4" in text
    planned = facesort("export", tmp_path / "albums", "--best", "20", "--dry-run", "--json").json()
    (bert,) = [one for one in planned["operations"] if one["target"].startswith("Bert/")]
    assert bert["reason"].startswith("shows Bert; the best")
    assert (bert["best"]["rank"], bert["best"]["burst"]) == (1, 4)
    assert bert["best"]["reasons"][:2] == ["the best", "best of a burst of 4"]
    plain = facesort("export", tmp_path / "albums", "--dry-run")
    assert "shows Bert" not in plain.out


def test_somebody_who_has_a_name_and_no_photos_is_not_called_nobody(tmp_path):
    shoot = Shoot(tmp_path, [Frame("only")])
    person, face = shoot.person("only"), shoot.face("only")
    assert facesort("name", person, "Anna").code == 0
    assert facesort("reject", face).code == 0
    for options in ((), ("--best", "3")):
        said = facesort("export", tmp_path / "albums", *options).out
        assert "no photos of named people, nothing to write" in said
    said = facesort("export", "--descriptors", tmp_path / "people.npz").out
    assert "no named people with faces, so no vectors" in said


def test_where_all_originals_are_gone_nothing_is_said_to_have_been_written(tmp_path):
    shoot = Shoot(tmp_path, [Frame("only")])
    assert facesort("name", shoot.person("only"), "Anna").code == 0
    shoot.path("only").unlink()
    done = facesort("export", tmp_path / "albums", "--best", "3")
    assert (done.code, "nothing was written" in done.out) == (40, True)
