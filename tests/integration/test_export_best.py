"""`export DEST --best N`: the best different photos of each person, and the exports after it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

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
