"""Why two are together or apart: what the pictures say, and what the user said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.albums import faces_of, owner_of
from tests.fakes import png
from tests.terminal import facesort

if TYPE_CHECKING:
    from facesort.library import Library
    from tests.albums import Album

WHEN = r"\(decision \d+, \d{4}-\d\d-\d\d \d\d:\d\d\)"


def explain(one: str, other: str) -> dict[str, Any]:
    document: dict[str, Any] = facesort("explain", one, other, "--json").json()
    return document


def test_alike_faces_are_together_and_their_numbers_are_told(album, library, ids):
    one, other = faces_of(library, ids["anna"])[:2]
    told = explain(one, other)
    assert told["together"]
    assert told["why"].startswith("They are together because they are alike")
    assert told["similarity"]["best"] == told["similarity"]["mean"] > 0.9
    assert told["similarity"]["probability"] > 0.99
    assert told["similarity"]["false_match_rate"] < 1e-6
    assert told["similarity"]["needed_mean"] < 0.9
    assert set(told["similarity"]["best_faces"]) == {one, other}
    assert told["threshold"] == pytest.approx(told["similarity"]["needed_mean"], abs=0.05)
    assert (told["same_model"], told["decisions"], told["shared_photos"]) == (True, [], [])


def test_people_on_one_photo_are_apart_and_the_photos_are_listed(album, library, ids):
    told = explain(ids["anna"], ids["bert"])
    assert not told["together"]
    assert "5 photos show both" in told["why"]
    assert {photo["photo"] for photo in told["shared_photos"]} == {
        str(album.photos / f"{number}.png") for number in range(5)
    }
    assert told["similarity"]["best"] < 0.5
    text = facesort("explain", ids["anna"], ids["bert"]).out
    assert "Mean cosine of 5 faces with 5 faces" in text
    assert f"Both are on {album.photos / '0.png'}" in text


def test_people_who_never_met_are_apart_because_they_are_not_alike(album, library, ids):
    png(album.photos / "alone.png", "hugo", number=30)
    library.scan([album.photos])
    (hugo,) = [p.id for p in library.situation().people.by_id.values() if p.photos == 1]
    told = explain(hugo, ids["anna"])
    assert "not alike enough" in told["why"]
    assert told["shared_photos"] == []
    assert told["similarity"]["mean"] < told["similarity"]["needed_mean"]


def test_a_face_and_a_person_are_compared_too(album, library, ids):
    face = faces_of(library, ids["anna"])[0]
    own = explain(face, ids["anna"])
    assert own["together"]
    assert own["b"]["faces"] == 4  # without the face itself
    assert not explain(ids["bert"], face)["together"]
    library.not_a_face([face])
    told = explain(face, ids["anna"])
    assert re.search(f"no face {WHEN}", told["why"])
    assert told["a"]["person"] is None


def test_a_merge_is_the_reason_and_its_parts_are_compared(album, library, ids):
    library.name(ids["anna"], "Anna")
    library.merge([ids["anna"], ids["bert"]])
    for one in (ids["anna"], "Anna"):
        told = explain(one, ids["bert"])
        assert told["together"]
        assert re.search(f"are one person {WHEN}", told["why"])
        assert (told["a"]["faces"], told["b"]["faces"]) == (5, 5)
        assert told["similarity"]["best"] < 0.5
    (merge,) = [d for d in told["decisions"] if d["verdict"] == "merge"]
    assert (merge["decision"], merge["speaks"]) == (2, "for")


def test_the_merge_between_the_two_is_cited_and_no_other(album, library, ids):
    anna, bert, cleo = ids["anna"], ids["bert"], ids["cleo"]
    library.merge([anna, bert])
    library.merge([anna, cleo])
    for one, other in ((anna, bert), (bert.upper(), anna)):
        told = explain(one, other)
        assert re.search(f"{anna} and {bert} are one person \\(decision 1,", told["why"])
        assert [d["decision"] for d in told["decisions"]] == [1]
        assert (told["a"]["faces"], told["b"]["faces"]) == (5, 5)
    assert [d["decision"] for d in explain(anna, cleo)["decisions"]] == [2]
    both = explain(bert, cleo)
    assert both["why"].count("you said that") == 2
    assert [d["decision"] for d in both["decisions"]] == [1, 2]


def test_of_a_face_of_somebody_merged_the_merge_between_is_cited(album, library, ids):
    one, two = faces_of(library, ids["anna"])[:2]
    berts = faces_of(library, ids["bert"])[0]
    library.merge([ids["anna"], ids["bert"]])
    library.merge([ids["anna"], ids["cleo"]])
    for other in (berts, ids["bert"]):
        told = explain(one, other)
        assert "(decision 1," in told["why"]
        assert [d["decision"] for d in told["decisions"]] == [1]
    # Two faces that the grouping had put together: no merge made them one.
    alike = explain(one, two)
    assert "because they are alike" in alike["why"]
    assert alike["decisions"] == []


@pytest.mark.parametrize("word", ["different", "reject", "split", "name"])
def test_what_was_decided_against_is_the_reason(album, library, ids, word):
    face = faces_of(library, ids["anna"])[0]
    other = ids["bert"]
    if word == "different":
        library.different([ids["anna"], other])
    elif word == "name":
        library.name(ids["anna"], "Anna")
        library.name(other, "Bert")
    else:
        made = library.reject([face]) if word == "reject" else library.split(ids["anna"], [face])
        other = str(made.owners[library.situation().face(face).id])
    told = explain(ids["anna"], other)
    assert not told["together"]
    assert re.search(f"They are apart because you .* {WHEN}", told["why"])
    assert {d["speaks"] for d in told["decisions"]} == {"against"}
    assert {d["verdict"] for d in told["decisions"]} == {word}
    shown = facesort("explain", ids["anna"], other).out
    assert re.search(f"^Against: you .* {WHEN}.$", shown, re.M)


def test_confirmed_faces_are_together_because_of_that(album, library, ids):
    one, other = faces_of(library, ids["anna"])[:2]
    library.confirm([one, other])
    told = explain(one, other)
    assert re.search(f"together because you confirmed .* {WHEN}", told["why"])


def test_a_confirmed_face_is_with_its_person_because_of_that(album, library, ids):
    mine, other = faces_of(library, ids["anna"])[:2]
    assert "because they are alike" in explain(mine, ids["anna"])["why"]
    stranger = faces_of(library, ids["bert"])[0]
    library.confirm([stranger], reference=ids["anna"], anyway=True)
    told = explain(ids["anna"], stranger)
    assert told["together"]
    assert re.search(f"because you confirmed that {stranger} is .* {WHEN}", told["why"])
    # Of two faces both must be: the other one may be there by its looks.
    assert "because you confirmed" not in explain(mine, other)["why"]


def test_alike_people_who_were_kept_apart_are_said_to_be_alike(album, library, ids):
    face = faces_of(library, ids["anna"])[0]
    library.reject([face])
    alone = owner_of(library, face)
    told = explain(str(alone), ids["anna"])
    assert told["similarity"]["mean"] > told["similarity"]["needed_mean"]
    assert not told["together"]


def test_faces_that_another_model_has_seen_are_not_compared(album: Album, library: Library, ids):
    library._db.execute("UPDATE vectors SET model = 'other'")
    told = explain(ids["anna"], ids["bert"])
    assert (told["same_model"], told["faces_without_vector"]) == (False, 10)
    assert told["similarity"] is None
    assert "scan again" in facesort("explain", ids["anna"], ids["bert"]).out


def test_nothing_is_explained_of_one_and_the_same(album, library, ids):
    face = faces_of(library, ids["anna"])[0]
    assert facesort("explain", face, face).code == 2
    assert facesort("explain", ids["anna"], ids["anna"]).code == 2
    assert facesort("explain", ids["anna"], "nobody").code == 14
    library.name(ids["anna"], "Anna")
    library.name(ids["bert"], "Anna", same=False)
    assert facesort("explain", "Anna", ids["cleo"]).code == 15
