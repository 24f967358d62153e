"""The order in which photos arrive, and the order in which they are stored, hardly matter."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.arrival import add_photos, arrive, empty_copy, keys_of

if TYPE_CHECKING:
    from tests.watched import Facesort

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]


def say_a_few_things(facesort: Facesort) -> None:
    """Name, merge, reject, split, confirm and call no face: the same in every library."""
    people = sorted(
        facesort.ask("people", "--all"), key=lambda person: (-person["faces"], person["person"])
    )
    ids = [person["person"] for person in people]
    faces: dict[str, list[str]] = {}
    for face in sorted(facesort.faces(), key=lambda face: face.id):
        faces.setdefault(face.person or "", []).append(face.id)
    for number, person in enumerate(ids[:10]):
        facesort.run("name", person, f"Person {number}")
    facesort.run("merge", ids[0], ids[40], ids[41])
    facesort.run("reject", faces[ids[1]][0])
    facesort.run("split", ids[2], "--face", faces[ids[2]][0], "--face", faces[ids[2]][1])
    facesort.run("confirm", faces[ids[3]][0], "--person", ids[4])
    facesort.run("not-a-face", faces[ids[5]][0])
    facesort.run("different", ids[6], ids[50])


def test_a_library_in_ten_shuffled_parts_agrees_with_one_in_one_go(lfw, tmp_path):
    for seed in range(2):
        folder = tmp_path / f"order{seed}"
        arrival = arrive(lfw.facesort.library, lfw.folder, folder, seed=seed)
        sys.stdout.write(f"order {seed}: {arrival.line()}\n")
        assert arrival.agreed.pairwise.f >= 0.995
        assert arrival.people == pytest.approx(arrival.people_anew, rel=0.01)
        for kind in ("pairwise", "bcubed"):
            anew = arrival.judged_anew[kind]["f"]
            assert arrival.judged[kind]["f"] == pytest.approx(anew, abs=0.005)


def test_grouping_anew_depends_on_faces_and_decisions_only(lfw, tmp_path):
    shuffled = empty_copy(lfw.facesort.library, tmp_path / "shuffled")
    keys = keys_of(lfw.facesort.library)
    # Backwards, in three parts that are grouped one by one: other row ids and another past.
    for part in (keys[4000:], keys[1000:4000], keys[:1000]):
        add_photos(lfw.facesort.library, shuffled.library, part[::-1])
        shuffled.run("group")
    copy = lfw.facesort.copied(tmp_path / "copy")
    for facesort in (copy, shuffled):
        facesort.run("group", "--all")
    before = copy.run("faces").stdout
    assert sorted(shuffled.run("faces").stdout.splitlines()) == sorted(before.splitlines())

    say_a_few_things(copy)
    say_a_few_things(shuffled)
    for facesort in (copy, shuffled):
        facesort.run("group", "--all")
    after = copy.run("faces", "--format", "jsonl").stdout
    assert after != before
    assert sorted(shuffled.run("faces").stdout.splitlines()) == sorted(after.splitlines())
    copy.run("group", "--all")
    assert copy.run("faces", "--format", "jsonl").stdout == after
