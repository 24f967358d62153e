"""Acts and answers of a tab that shows what is no longer so hit nobody else."""

from __future__ import annotations

import json
import re

import pytest

from tests.albums import Album, faces_of, owner_of, people_of
from tests.served import served

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")


@pytest.fixture
def user(album):
    with served(album.open) as visitor:
        visitor.enter()
        yield visitor


@pytest.fixture
def ids(album):
    with album.open() as library:
        return album.ids(library)


def alter(album: Album, change):
    """Do something beside the page, as another tab or a command does."""
    with album.open() as library:
        return change(library)


def people(album):
    return alter(album, people_of)


def refused(reply):
    said = json.loads(reply.text)
    assert (reply.status, said["ok"], said["stale"]) == (409, False, True), reply.text
    return said["said"]


def test_a_face_that_is_somebody_elses_meanwhile_stays_there(user, album, ids):
    face = alter(album, lambda library: faces_of(library, ids["bert"])[0])
    alter(album, lambda library: library.confirm([face], reference=ids["anna"]))
    fields = [("faces", face), ("owner", ids["bert"]), ("shown", f"{ids['bert']} ")]
    for act in ["reject", "not-a-face"]:
        assert f"not with {ids['bert']}" in refused(user.post(f"/act/{act}", fields))
    for act in ["confirm", "split", "cover"]:
        whom = ("people", ids["bert"])
        assert f"not with {ids['bert']}" in refused(user.post(f"/act/{act}", [*fields, whom]))
    assert alter(album, lambda library: owner_of(library, face)) == ids["anna"]


def test_one_of_many_faces_that_has_left_refuses_all_with_how_many(user, album, ids):
    faces = alter(album, lambda library: faces_of(library, ids["bert"]))
    alter(album, lambda library: library.confirm(faces[:1], reference=ids["anna"]))
    fields = [*(("faces", face) for face in faces[:3]), ("owner", ids["bert"])]
    assert "1 of these faces are not with" in refused(user.post("/act/reject", fields))
    assert len(people(album)[ids["bert"]].faces) == 4


@pytest.mark.parametrize("act", ["ignore", "name", "merge", "different", "split", "cover"])
def test_an_act_on_somebody_who_was_merged_away_does_not_hit_who_they_are_part_of(
    user, album, ids, act
):
    one, other, third = ids["anna"], ids["bert"], ids["cleo"]
    face = alter(album, lambda library: faces_of(library, one)[0])
    alter(album, lambda library: library.merge([other, one]))
    before = people(album)
    fields = [("people", one), ("shown", f"{one} "), ("name", "Mallory")]
    if act in {"merge", "different"}:
        fields += [("people", third), ("shown", f"{third} ")]
    if act in {"split", "cover"}:
        fields += [("owner", one), ("faces", face)]
    assert f"{one} is part of {other}" in refused(user.post(f"/act/{act}", fields))
    assert people(album) == before


@pytest.mark.parametrize("act", ["ignore", "name", "merge"])
def test_an_act_on_somebody_with_another_name_meanwhile_is_refused(user, album, ids, act):
    alter(album, lambda library: library.name(ids["anna"], "Totally Other"))
    before = people(album)
    fields = [("people", ids["bert"]), ("people", ids["anna"]), ("name", "Mallory")]
    if act != "merge":
        del fields[0]
    shown = [("shown", f"{ids['bert']} "), ("shown", f"{ids['anna']} Anna")]
    assert "Totally Other meanwhile" in refused(user.post(f"/act/{act}", [*fields, *shown]))
    assert people(album) == before


def test_what_is_as_it_was_shown_is_done(user, album, ids):
    anna = ids["anna"]
    alter(album, lambda library: library.name(anna, "Anna of the Hill"))
    faces = alter(album, lambda library: faces_of(library, anna))
    shown = ("shown", f"{anna} Anna of the Hill")
    fields = [("faces", faces[0]), ("owner", anna), shown]
    assert user.post("/act/reject", fields).status == 200
    assert user.post("/act/ignore", [("people", anna), shown]).status == 200
    assert people(album)[anna].ignored


@pytest.mark.parametrize("name", ["", "Anna"])
def test_somebody_ignored_is_shown_again_and_redo_or_undo_ignores_them(user, album, ids, name):
    anna, bert = ids["anna"], ids["bert"]
    if name:
        user.post("/act/name", [("people", anna), ("name", name)])
    assert user.post("/act/ignore", [("people", anna), ("people", bert)]).status == 200
    assert "Show again" in user.get(f"/person/{anna}").text
    done = json.loads(user.post("/act/show", [("people", anna), ("shown", f"{anna} {name}")]).text)
    assert done["ok"], done
    assert "shown again" in done["said"]
    assert [people(album)[one].ignored for one in (anna, bert)] == [False, True]
    assert "Show again" not in user.get(f"/person/{anna}").text
    again = user.post("/act/show", [("people", anna)])
    assert again.status == 400


def test_showing_again_can_be_brought_back_by_redo(user, album, ids):
    anna = ids["anna"]
    user.post("/act/ignore", [("people", anna)])
    user.post("/act/show", [("people", anna)])
    assert not people(album)[anna].ignored
    assert json.loads(user.post("/redo").text)["ok"]
    assert people(album)[anna].ignored
    assert json.loads(user.post("/undo").text)["ok"]
    assert not people(album)[anna].ignored


def test_whoever_was_ignored_twice_is_shown_again_and_ignored_again_as_one(user, album, ids):
    anna = ids["anna"]
    alter(album, lambda library: library.ignore([anna]))
    alter(album, lambda library: library.ignore([anna]))
    assert json.loads(user.post("/act/show", [("people", anna)]).text)["ok"]
    assert not people(album)[anna].ignored
    assert json.loads(user.post("/redo").text)["ok"]
    assert people(album)[anna].ignored


def test_redo_can_be_pressed_only_when_something_was_taken_back(user, ids):
    def is_disabled():
        button = re.search(r"<button[^>]*data-step=\"redo\"[^>]*>", user.get("/status").text)
        assert button
        return "disabled" in button[0]

    user.post("/act/ignore", [("people", ids["anna"])])
    assert is_disabled()
    user.post("/undo")
    assert not is_disabled()


# -- the question --------------------------------------------------------------------------------


def shown_by(page):
    """What a page would send back: the question and what was shown of it."""
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("id", "version")}
    return [(name, one[1]) for name, one in found.items() if one]


def test_a_name_is_refused_where_the_tab_has_not_shown_who_was_merged_since(user, album):
    first = shown_by(user.get("/").text)
    asked = re.search(r'<legend>\s*<a href="/person/(\w+)"', user.get("/").text)
    assert asked
    other = next(one for one in people(album) if one != asked[1])
    assert user.post("/act/merge", [("people", asked[1]), ("people", other)]).status == 200
    user.get("/")  # the other tab shows the question as it is now
    reply = user.post("/answer", [*first, ("answer", "name"), ("name", "Anna")])
    assert reply.status == 409
    assert 'role="alert"' in reply.text
    assert not any(one.name for one in people(album).values())


def test_ticks_and_name_are_there_again_after_a_refusal(user, album, ids):
    alter(album, lambda library: library.name(ids["dora"], "Dora"))
    page = user.get("/").text
    faces = re.findall(r'name="but_faces" value="(\w+)"', page)
    fields = [*shown_by(page), ("answer", "name"), ("name", "Dora"), ("but_faces", faces[1])]
    reply = user.post("/answer", fields)
    assert reply.status == 409
    assert shown_by(reply.text) == shown_by(page)
    ticked = re.findall(r'name="but_faces" value="(\w+)"[^>]* checked', reply.text)
    assert ticked == [faces[1]]
    assert 'value="Dora" list="names"' in reply.text


def test_refusals_name_no_command(user, album, ids):
    faces = alter(album, lambda library: faces_of(library, ids["anna"]))
    fields_of = {"reject": [("faces", face) for face in faces], "ignore": [("people", "nobody")]}
    for act, fields in fields_of.items():
        reply = user.post(f"/act/{act}", fields)
        assert reply.status in {400, 404}
        assert "facesort " not in json.loads(reply.text)["said"]


def test_a_search_is_for_words_without_the_space_around_them(user):
    everybody = user.get("/people/more?text=").text
    assert everybody.count('class="card"') == 4
    assert user.get("/people/more?text=%20").text.count('class="card"') == 4


def test_the_wall_is_given_as_far_as_it_was_scrolled(user):
    assert user.get("/people/more?count=3").text.count('class="card"') == 3


def test_a_photo_that_is_gone_is_said_and_no_box_floats_over_nothing(user, album, ids):
    face = alter(album, lambda library: faces_of(library, ids["anna"])[0])
    there = user.get(f"/photo/{face}", HX_Request="true").text
    assert re.search(r"<strong>\d\.png</strong>", there)
    assert there.count('class="box') == 4
    for photo in album.photos.iterdir():
        photo.unlink()
    gone = user.get(f"/photo/{face}", HX_Request="true").text
    assert "cannot be read now" in gone
    assert 'class="box' not in gone
