"""What the user says of single faces, and what contradicts it: explained, and never lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from facesort.errors import DecisionConflict, FacesortError, NameTaken, UsageError
from facesort.jobs.grouping.options import GroupOptions
from tests.albums import faces_of, owner_of, people_of, seen_by, status_of
from tests.fakes import open_library, png
from tests.terminal import facesort

if TYPE_CHECKING:
    from facesort.library import Library
    from tests.albums import Album

WHEN = r"decision \d+, \d{4}-\d\d-\d\d \d\d:\d\d"


def _group_all(library: Library) -> None:
    library.group(GroupOptions(), everything=True)


# -- split -----------------------------------------------------------------------------------------


def test_split_faces_are_a_confirmed_person_of_their_own_and_undo_gives_them_back(library, ids):
    before = seen_by(library)
    one, two, *rest = faces_of(library, ids["anna"])
    decided = library.split(ids["anna"], [one, two, one], name="Eva")
    eva = library.situation().person("Eva")
    assert decided.owners == {one: eva.id, two: eva.id}
    assert (set(eva.faces), eva.confirmed) == ({one, two}, 2)
    assert faces_of(library, ids["anna"]) == rest
    after = seen_by(library)
    library.undo()
    assert seen_by(library) == before
    library.redo()
    assert seen_by(library) == after


def test_a_split_holds_when_everything_is_grouped_again(library, ids):
    one, two, *rest = faces_of(library, ids["anna"])
    library.split(ids["anna"], [one, two])
    after = seen_by(library)
    for _ in range(2):
        _group_all(library)
        assert seen_by(library) == after
    library.undo()
    assert faces_of(library, ids["anna"]) == sorted([one, two, *rest])


def test_the_split_command_prints_the_new_id_only(album, ids):
    faces = facesort("show", ids["anna"], "--json").json()["list"]
    done = facesort("split", ids["anna"], "--face", faces[0]["face"], "--face", faces[1]["face"])
    assert done.code == 0
    made = done.out.strip()
    assert facesort("show", made, "--json").json()["confirmed"] == 2
    told = facesort("split", ids["bert"], "--face", _first(ids["bert"]), "--json").json()
    assert told["decision"] == 2
    assert told["person"] == facesort("show", told["person"], "--json").json()["person"]
    assert f"split off as {made}" in facesort("log").out


def _first(person: str) -> str:
    return str(facesort("show", person, "--json").json()["list"][0]["face"])


def test_a_split_of_all_faces_of_nobody_s_or_of_somebody_else_s_is_refused(album, library, ids):
    everything = faces_of(library, ids["anna"])
    with pytest.raises(UsageError, match="nobody would be left"):
        library.split(ids["anna"], everything)
    with pytest.raises(UsageError, match=f"not with {ids['anna']}"):
        library.split(ids["anna"], [everything[0], faces_of(library, ids["bert"])[0]])
    assert facesort("split", ids["anna"]).code == 2
    assert facesort("split", ids["anna"], "--face", "f00").code == 14
    assert facesort("split", "Nobody", "--face", everything[0]).code == 14
    assert library.log() == []


def test_a_split_off_name_that_somebody_has_is_a_question(album, library, ids):
    library.name(ids["bert"], "Bert")
    one, two = faces_of(library, ids["anna"])[:2]
    with pytest.raises(NameTaken) as refused:
        library.split(ids["anna"], [one, two], name="bert")
    assert f"facesort confirm {one} {two} --person {ids['bert']}" in refused.value.hint
    library.split(ids["anna"], [one, two], name="Bert", another=True)
    assert [p.name for p in people_of(library).values()].count("Bert") == 2
    with pytest.raises(UsageError):
        library.split(ids["anna"], faces_of(library, ids["anna"])[:1], name=" ")


def test_a_split_from_a_merged_person_is_from_all_of_it(library, ids):
    bert = faces_of(library, ids["bert"])
    library.merge([ids["anna"], ids["bert"]])
    made = library.split(ids["anna"], bert[:2]).owners[bert[0]]
    _group_all(library)
    assert {owner_of(library, face) for face in bert[:2]} == {made}
    assert {owner_of(library, face) for face in bert[2:]} == {ids["anna"]}
    library.undo(decision=1)
    assert faces_of(library, ids["bert"]) == bert[2:]
    assert {owner_of(library, face) for face in bert[:2]} == {made}


def test_what_was_said_of_a_split_off_person_still_stands_without_the_split(album, ids):
    face = _first(ids["anna"])
    made = facesort("split", ids["anna"], "--face", face).out.strip()
    facesort("name", made, "Eva")
    told = facesort("undo", "--decision", "1").err
    assert f"Still stands: decision 2, {made} is Eva" in told


# -- confirm ---------------------------------------------------------------------------------------


def test_confirmed_faces_stay_through_any_grouping(library, ids):
    faces = faces_of(library, ids["anna"])
    decided = library.confirm([faces[0], faces[1], faces[0]])
    assert decided.owners == {faces[0]: ids["anna"], faces[1]: ids["anna"]}
    library.group(GroupOptions(min_cosine=1.0), everything=True)  # nobody is like anybody
    assert {owner_of(library, face) for face in faces[:2]} == {ids["anna"]}
    assert status_of(library, faces[0]) == "confirmed"


def test_a_face_confirmed_with_somebody_else_moves_there_and_stays(library, ids):
    face = faces_of(library, ids["anna"])[0]
    library.name(ids["bert"], "Bert")
    situation = library.situation()
    photo = situation.face(face).photo_id
    # Whoever is beside Bert on that photo is somebody else.
    elsewhere = {f for f in situation.person("Bert").faces if situation.faces[f].photo_id != photo}
    decided = library.confirm([face], reference="Bert", anyway=True)
    assert decided.owners == {face: ids["bert"]}
    for everything in (False, True):
        library.group(GroupOptions(), everything=everything)
        assert owner_of(library, face) == ids["bert"]
        # One face that looks like nobody of them takes neither name nor faces along.
        assert elsewhere < set(faces_of(library, "Bert"))
        assert len(faces_of(library, ids["anna"])) == 4
    library.undo()
    assert owner_of(library, face) == ids["anna"]


def test_a_rejected_face_can_be_confirmed_after_all_and_that_is_said(album, library, ids):
    face = faces_of(library, ids["anna"])[0]
    library.reject([face])
    done = facesort("confirm", face, "--person", ids["anna"])
    assert done.code == 0
    assert re.search(f"was rejected from {ids['anna']} \\({WHEN}\\)", done.err)
    _group_all(library)
    assert owner_of(library, face) == ids["anna"]
    library.undo()
    _group_all(library)
    assert owner_of(library, face) != ids["anna"]


def test_confirming_again_is_no_second_decision(album, ids):
    face = _first(ids["anna"])
    assert facesort("confirm", face, "--json").json() == {
        "decision": 1,
        "faces": {face: ids["anna"]},
    }
    assert facesort("confirm", face, "--json").json()["decision"] is None
    assert "already" in facesort("confirm", face, face).err
    assert len(facesort("log", "--json").json()) == 1


def _of_nobody(album: Album, library: Library, *people: str) -> list[str]:
    """Add a photo of people whose faces are too poor to tell; return these faces."""
    before = set(library.situation().faces)
    png(album.photos / "poor.png", *people, number=40)
    library.scan([album.photos], group=False)
    faces = sorted(set(library.situation().faces) - before)
    for face in faces:
        library._db.execute("UPDATE faces SET quality = 0 WHERE id = ?", (face,))
    _group_all(library)
    assert {status_of(library, face) for face in faces} == {"unassigned"}
    return [str(face) for face in faces]


def test_a_face_of_nobody_that_is_confirmed_is_a_new_person(album, library, ids):
    (face,) = _of_nobody(album, library, "hugo")
    before, known = seen_by(library), set(people_of(library))
    done = facesort("confirm", face)
    assert done.code == 0
    made = done.out.strip()
    assert made not in known
    assert f"facesort name {made} NAME" in done.err
    assert faces_of(library, made) == [face]
    assert status_of(library, face) == "confirmed"
    facesort("name", made, "Hugo")
    for _ in range(2):
        _group_all(library)
        assert faces_of(library, "Hugo") == [face]
        assert owner_of(library, face) == made
    library.undo(2)
    assert seen_by(library) == before
    library.redo(2)
    assert faces_of(library, "Hugo") == [face]


def test_faces_of_nobody_that_are_confirmed_together_are_one_new_person(album, library, ids):
    (first,) = _of_nobody(album, library, "hugo")
    png(album.photos / "again.png", "hugo", number=41)
    library.scan([album.photos], group=False)  # it is with nobody until it is grouped
    (second,) = [f for f, s in library.situation().people.status.items() if s == "unassigned"
                 and f != first]  # fmt: skip
    annas = _first(ids["anna"])
    told = facesort("confirm", second, annas, first, "--json").json()
    made = told["faces"][first]
    assert told == {"decision": 1, "faces": {second: made, annas: ids["anna"], first: made}}
    assert made not in ids.values()
    assert faces_of(library, made) == sorted([first, str(second)])
    assert {status_of(library, face) for face in (first, second, annas)} == {"confirmed"}
    assert len(facesort("log", "--json").json()) == 1
    library.undo()
    assert {status_of(library, face) for face in (first, second)} == {"unassigned"}
    assert status_of(library, annas) == "automatic"


def test_two_faces_of_nobody_on_one_photo_are_two_people_unless_it_is_meant(album, library, ids):
    pair = _of_nobody(album, library, "hugo", "gina")
    refused = facesort("confirm", *pair)
    assert refused.code == 30
    assert all(face in refused.err for face in pair)
    assert "one after the other" in refused.err
    assert library.log() == []
    one, other = (facesort("confirm", face).out.strip() for face in pair)
    assert one != other
    library.undo(2)
    mirrored = facesort("confirm", *pair, "--yes").out.strip()
    assert faces_of(library, mirrored) == sorted(pair)


def test_what_was_called_no_face_starts_nobody(album, library, ids):
    (face,) = _of_nobody(album, library, "hugo")
    library.not_a_face([face])
    assert facesort("confirm", face).code == 30
    refused = facesort("confirm", face, "--yes")
    assert refused.code == 2
    assert "--person" in refused.err
    assert status_of(library, face) == "not-a-face"


def test_what_was_called_no_face_is_confirmed_only_with_a_person(album, library, ids):
    face = _first(ids["anna"])
    library.not_a_face([face])
    assert facesort("confirm", face).code == 30  # it was called none
    refused = facesort("confirm", face, "--yes")
    assert refused.code == 2
    assert "--person" in refused.err
    assert facesort("confirm", face, "--person", ids["anna"], "--yes").code == 0
    assert status_of(library, face) == "confirmed"
    library.undo()
    assert status_of(library, face) == "not-a-face"


def test_somebody_is_confirmed_twice_on_one_photo_only_knowingly(album, library, ids):
    situation = library.situation()
    mine = situation.face(faces_of(library, ids["anna"])[0])
    beside = next(
        str(f)
        for f in situation.person(ids["bert"]).faces
        if situation.faces[f].photo_id == mine.photo_id
    )
    library.confirm([mine.id])
    refused = facesort("confirm", beside, "--person", ids["anna"])
    assert refused.code == 30
    assert re.search(WHEN, refused.err)
    assert "mirror" in refused.err
    assert facesort("confirm", beside, "--person", ids["anna"], "--yes").code == 0
    _group_all(library)
    assert {owner_of(library, face) for face in (mine.id, beside)} == {ids["anna"]}


def test_two_faces_of_one_photo_confirmed_at_once_are_noticed_too(library, ids):
    situation = library.situation()
    photo = next(iter(situation.faces.values())).photo_id
    pair = [f.id for f in situation.faces.values() if f.photo_id == photo][:2]
    with pytest.raises(DecisionConflict, match="twice"):
        library.confirm(pair, reference=ids["anna"])
    assert library.log() == []


def test_a_confirmed_face_can_still_be_rejected_and_that_is_said(album, library, ids):
    library.merge([ids["anna"], ids["bert"]])
    face = faces_of(library, ids["bert"])[-1]
    library.confirm([face])
    done = facesort("reject", face)
    assert re.search(f"was confirmed with .* \\({WHEN}\\)", done.err)
    for _ in range(2):
        assert owner_of(library, face) != ids["anna"]
        _group_all(library)


# -- not a face ------------------------------------------------------------------------------------


def test_what_is_no_face_stays_out_and_undo_brings_it_back(album, library, ids):
    before = seen_by(library)
    face = faces_of(library, ids["anna"])[0]
    library.not_a_face([face, face])
    assert (owner_of(library, face), status_of(library, face)) == (None, "not-a-face")
    assert len(faces_of(library, ids["anna"])) == 4
    for everything in (False, True):
        library.group(GroupOptions(), everything=everything)
        assert status_of(library, face) == "not-a-face"
    row = next(r for r in facesort("faces", "--json").json() if r["face"] == face)
    assert (row["person"], row["status"]) == (None, "not-a-face")
    assert library.not_a_face([face]).decision is None
    library.undo()
    assert seen_by(library) == before


def test_what_is_no_face_is_remembered_when_the_photo_comes_back(album, library, ids):
    face = faces_of(library, ids["anna"])[0]
    situation = library.situation()
    photo = library.photos()[situation.face(face).photo_id].places[0].path
    kept = photo.read_bytes()
    library.not_a_face([face])
    photo.unlink()
    library.scan([album.photos])
    library.prune(library.plan_prune([]))
    with pytest.raises(FacesortError):
        library.situation().face(face)
    photo.write_bytes(kept)
    library.scan([album.photos])
    assert status_of(library, face) == "not-a-face"


def test_the_only_face_of_somebody_can_be_none(library, ids):
    faces = faces_of(library, ids["anna"])
    library.reject(faces[:1])
    library.not_a_face(faces[:1])
    assert status_of(library, faces[0]) == "not-a-face"
    assert sum(len(p.faces) for p in people_of(library).values()) == 19


# -- cover -----------------------------------------------------------------------------------------


def test_a_chosen_cover_stands_for_the_person_until_it_is_taken_back(album, library, ids):
    faces = faces_of(library, ids["anna"])
    first = library.situation().person(ids["anna"]).cover
    other = next(face for face in faces if face != first)
    assert facesort("cover", ids["anna"], other, "--json").json()["faces"] == {other: ids["anna"]}
    _group_all(library)
    assert people_of(library)[ids["anna"]].cover == other
    library.undo()
    assert people_of(library)[ids["anna"]].cover == first


def test_a_chosen_cover_is_kept_when_its_person_is_merged_into_another(album, library, ids):
    first = library.situation().person(ids["anna"]).cover
    other = next(face for face in faces_of(library, ids["anna"]) if face != first)
    library.cover(ids["anna"], other)
    library.merge([ids["bert"], ids["anna"]])
    assert people_of(library)[ids["bert"]].cover == other
    (row,) = [row for row in library.people() if row.id == ids["bert"]]
    assert (row.cover, row.picked) == (other, True)
    _group_all(library)
    assert people_of(library)[ids["bert"]].cover == other


def test_somebody_else_s_face_is_no_cover(album, library, ids):
    refused = facesort("cover", ids["anna"], _first(ids["bert"]))
    assert refused.code == 2
    assert ids["bert"] in refused.err
    assert library.log() == []


# -- different people ------------------------------------------------------------------------------


def test_different_people_are_not_merged_without_a_word_about_it(album, library, ids):
    assert facesort("different", ids["anna"], ids["bert"], "--json").json() == {"decision": 1}
    assert facesort("different", ids["bert"], ids["anna"], "--json").json() == {"decision": None}
    refused = facesort("merge", ids["anna"], ids["bert"])
    assert refused.code == 30
    assert re.search(WHEN, refused.err)
    assert "facesort undo --decision 1" in refused.err
    assert len(facesort("log", "--json").json()) == 1
    assert facesort("merge", ids["anna"], ids["bert"], "--yes").code == 0
    assert len(faces_of(library, ids["anna"])) == 10
    library.undo()
    with pytest.raises(DecisionConflict, match="different people"):
        library.merge([ids["anna"], ids["bert"]])
    library.undo(decision=1)
    library.merge([ids["anna"], ids["bert"]])


def test_no_grouping_joins_different_people(library, ids):
    library.different([ids["anna"], ids["bert"], ids["cleo"]])
    library.group(GroupOptions(min_cosine=-1.0), everything=True)  # everybody is like everybody
    situation = library.situation()
    three = [situation.person(ids[who]).id for who in ("anna", "bert", "cleo")]
    assert three == [ids[who] for who in ("anna", "bert", "cleo")]
    assert all(len(situation.person(person).faces) >= 5 for person in three)


def test_who_was_merged_is_not_called_different_without_a_word_about_it(album, ids):
    facesort("merge", ids["anna"], ids["bert"])
    refused = facesort("different", ids["anna"], ids["bert"])
    assert refused.code == 30
    assert "facesort undo --decision 1" in refused.err
    assert facesort("different", ids["anna"], ids["anna"]).code == 30
    assert facesort("different", ids["cleo"], ids["cleo"]).code == 2
    assert facesort("different", ids["cleo"]).code == 2


def test_of_several_merges_the_one_between_the_two_is_named(album, ids):
    anna, bert, cleo = ids["anna"], ids["bert"], ids["cleo"]
    facesort("merge", anna, bert)
    facesort("merge", anna, cleo)
    for one, other, number in ((anna, bert, 1), (bert.upper(), anna, 1), (cleo, anna, 2)):
        refused = facesort("different", one, other)
        assert refused.code == 30
        assert re.findall(r"decision (\d+)", refused.err) == [str(number)] * 2
        assert f"facesort undo --decision {number}" in refused.err
    both = facesort("different", bert, cleo)
    assert both.code == 30
    assert "facesort undo --decision 1" in both.err
    assert "facesort undo --decision 2" in both.err
    assert facesort("undo", "--decision", "1").code == 0
    assert facesort("different", anna, bert).code == 0


def test_who_is_merged_with_somebody_different_is_different_too(library, ids):
    library.different([ids["anna"], ids["bert"]])
    library.merge([ids["cleo"], ids["bert"]])
    with pytest.raises(DecisionConflict, match="different people"):
        library.merge([ids["dora"], ids["anna"], ids["cleo"]])


# -- merges against earlier words ------------------------------------------------------------------


def test_a_merge_against_a_rejection_counts_when_it_is_meant(album, library, ids):
    face = faces_of(library, ids["anna"])[0]
    library.reject([face])
    alone = owner_of(library, face)
    assert alone is not None
    refused = facesort("merge", ids["anna"], alone)
    assert refused.code == 30
    assert re.search(WHEN, refused.err)
    assert facesort("merge", ids["anna"], alone, "--yes").code == 0
    for _ in range(2):
        assert owner_of(library, face) == ids["anna"]
        _group_all(library)
    library.undo()
    _group_all(library)
    assert owner_of(library, face) != ids["anna"]


def test_people_confirmed_on_one_photo_are_merged_only_knowingly(album, library, ids):
    situation = library.situation()
    photo = next(iter(situation.faces.values())).photo_id
    for who in ("anna", "bert"):
        (face,) = [
            f for f in situation.person(ids[who]).faces if situation.faces[f].photo_id == photo
        ]
        library.confirm([face])
    refused = facesort("merge", ids["anna"], ids["bert"])
    assert refused.code == 30
    assert "one photo" in refused.err
    assert "facesort undo --decision" in refused.err
    assert facesort("merge", ids["anna"], ids["bert"], "--yes").code == 0


def test_naming_somebody_ignored_shows_them_again_and_says_so(album, library, ids):
    library.ignore([ids["anna"]])
    told = facesort("name", ids["anna"], "Anna").err
    assert re.search(f"was ignored \\({WHEN}\\)", told)
    assert not people_of(library)[ids["anna"]].ignored


def test_a_merge_made_long_ago_is_taken_back_after_photos_came_and_more_was_said(
    album, library, ids
):
    library.name(ids["anna"], "Anna")
    library.merge(["Anna", ids["bert"]])
    for number in range(10, 13):
        png(album.photos / f"later-{number}.png", "anna", "bert", number=number)
    library.scan([album.photos])
    library.name(ids["cleo"], "Cleo")
    library.cover("Anna", faces_of(library, "Anna")[0])
    assert len(faces_of(library, "Anna")) == 16
    assert facesort("undo", "--decision", "2").code == 0
    assert {p.name or p.id: len(p.faces) for p in people_of(library).values()} == {
        "Anna": 8,
        ids["bert"]: 8,
        "Cleo": 5,
        ids["dora"]: 5,
    }


def test_every_refusal_about_faces_leaves_the_log_as_it_was(library, ids):
    mine = faces_of(library, ids["anna"])
    for refused in (
        lambda: library.split(ids["anna"], []),
        lambda: library.split(ids["anna"], [mine[0], "f0"]),
        lambda: library.confirm([]),
        lambda: library.confirm([mine[0], "f0"]),
        lambda: library.confirm([mine[0]], reference="Nobody"),
        lambda: library.not_a_face([mine[0], "f0"]),
        lambda: library.cover(ids["bert"], mine[0]),
        lambda: library.different([ids["anna"]]),
        lambda: library.reject([]),
    ):
        with pytest.raises(FacesortError):
            refused()
    assert library.log() == []


def test_a_new_detector_finds_the_faces_that_were_spoken_of(album, library, ids):
    """Boxes of another detector differ; later words about a face take the place of earlier ones."""
    face, other = faces_of(library, ids["anna"])[:2]
    library.reject([face])
    library.not_a_face([other])
    _draw_other_boxes(album)
    with open_library(album.folder) as later:
        moved = _faces_now(later)
        assert owner_of(later, moved[face]) != ids["anna"]
        assert status_of(later, moved[other]) == "not-a-face"
        assert later.confirm([moved[face]], reference=ids["anna"]).notes
        _group_all(later)
        assert owner_of(later, moved[face]) == ids["anna"]
        later.reject([moved[face]])
        _group_all(later)
        assert owner_of(later, moved[face]) != ids["anna"]


def _draw_other_boxes(album: Album) -> None:
    """Do what a scan with another detector does: other boxes, other ids, the same photos."""
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(album.folder / "catalog.db")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in ("faces", "vectors", "assignments"):
            column = "id" if table == "faces" else "face_id"
            connection.execute(f"UPDATE {table} SET {column} = 'x' || {column}")
        connection.execute("UPDATE faces SET left = left + 6, top = top - 5, right = right + 4")
        connection.execute(
            "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'generation'"
        )
        connection.commit()


def _faces_now(library: Library) -> dict[str, str]:
    return {str(face)[1:]: str(face) for face in library.situation().faces}
