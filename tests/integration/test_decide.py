"""What the user says: accepted or refused with a reason, undone, redone, and never lost."""

from __future__ import annotations

import dataclasses
import random
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from facesort.catalog import decisions
from facesort.domain import Verdict
from facesort.errors import (
    AmbiguousPerson,
    DecisionConflict,
    FacesortError,
    LibraryUnwritable,
    NameTaken,
    UnknownPerson,
    UsageError,
)
from facesort.grouping import regroup as grouping
from facesort.grouping import update as updating
from facesort.jobs.grouping import job as group_job
from facesort.jobs.grouping.options import GroupOptions
from tests.albums import COLOURS, Album, people_of, seen_by
from tests.fakes import SilentProgress, dump, open_library, png
from tests.terminal import facesort

if TYPE_CHECKING:
    from facesort.library import Library

# -- names ---------------------------------------------------------------------------------------


def test_a_name_is_kept_as_it_was_typed_and_found_again(library, ids):
    assert library.name(ids["anna"], "  Anna Berg ").name == "Anna Berg"
    situation = library.situation()
    assert situation.person("Anna Berg").id == ids["anna"]
    assert situation.person("anna berg").id == ids["anna"]
    assert situation.person(" Anna Berg ").id == ids["anna"]


def test_a_name_may_be_typed_in_either_unicode_form(library, ids):
    library.name(ids["anna"], "Zoe\N{COMBINING DIAERESIS}")
    assert library.situation().person("Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}").name == "Zoë"
    assert library.situation().person("ZOE\N{COMBINING DIAERESIS}").name == "Zoë"


def test_an_id_is_found_however_it_is_typed(library, ids):
    assert library.situation().person(f" {ids['anna'].upper()} ").id == ids["anna"]
    face = library.situation().person(ids["anna"]).faces[0]
    assert library.situation().face(face.upper()).id == face


def test_the_id_of_somebody_is_no_name(album, library, ids):
    for name in (
        ids["bert"],
        ids["bert"].upper(),
        f" {ids['bert']}\N{ZERO WIDTH SPACE}",
        ids["anna"],
    ):
        refused = facesort("name", ids["anna"], name)
        assert refused.code == 2
        assert "that is the id of a person" in refused.err
    face = library.situation().person(ids["anna"]).faces[0]
    with pytest.raises(UsageError, match="id of a person"):
        library.split(ids["anna"], [face], name=ids["cleo"])
    assert facesort("log", "--json").json() == []
    library.name(ids["anna"], "p3k9")  # looks like one, and is nobody's
    assert library.situation().person("p3k9").id == ids["anna"]


def test_a_name_with_other_blanks_or_marks_that_nobody_sees_is_the_same_name(library, ids):
    library.name(ids["anna"], "Anna\N{NO-BREAK SPACE} Berg\N{ZERO WIDTH SPACE}")
    assert library.situation().person(ids["anna"]).name == "Anna Berg"
    assert library.situation().person("anna  berg\N{RIGHT-TO-LEFT OVERRIDE}").id == ids["anna"]
    with pytest.raises(NameTaken):
        library.name(ids["bert"], "An\N{WORD JOINER}na  Berg")


def test_somebody_who_was_once_called_like_an_id_is_found_by_that_name(library, ids):
    name = ids["bert"].upper()
    decisions.append(library._db, Verdict.NAME, people=(ids["anna"],), name=name)
    assert library.situation().person(ids["bert"].upper()).id == ids["anna"]
    assert library.situation().person(ids["bert"]).id == ids["bert"]


def test_renaming_keeps_the_person_and_forgets_the_old_name(library, ids):
    library.name(ids["anna"], "Anna")
    library.name("Anna", "Anna Berg")
    assert library.situation().person("Anna Berg").id == ids["anna"]
    with pytest.raises(UnknownPerson):
        library.situation().person("Anna")


def test_the_name_that_somebody_has_already_is_no_decision(album, library, ids):
    facesort("name", ids["dora"], "Dora")
    for reference in ("Dora", ids["dora"]):
        again = facesort("name", reference, " Dora ")
        assert again.code == 0
        assert f"{ids['dora']} is Dora already" in again.err
        assert "was" not in again.err
    assert facesort("name", "Dora", "Dora", "--json").json() == {
        "decision": None,
        "person": ids["dora"],
        "name": "Dora",
        "joined": None,
    }
    assert len(facesort("log", "--json").json()) == 1
    # Another spelling is another name.
    assert facesort("name", "Dora", "dora", "--json").json()["decision"] == 2


def test_the_name_that_somebody_has_already_is_an_answer_where_another_has_it_too(library, ids):
    library.name(ids["anna"], "Anna")
    library.name(ids["bert"], "Anna", same=False)
    assert library.name(ids["bert"], "Anna").decision is None
    assert library.name(ids["bert"], "Anna", same=False).decision is None
    assert library.name(ids["bert"], "Anna", same=True).joined is not None
    assert len(library.situation().person("Anna").faces) == 10


def test_an_ignored_person_is_shown_again_by_the_name_that_it_has(album, library, ids):
    library.name(ids["anna"], "Anna")
    library.ignore(["Anna"])
    told = facesort("name", "Anna", "Anna")
    assert "was ignored" in told.err
    assert "(was Anna)" not in told.err
    assert not people_of(library)[ids["anna"]].ignored


@pytest.mark.parametrize(
    "name",
    ["../../x", "[bold]", "[/]", "🎉", "-", "Ärzte & Söhne", "CON", "a" * 200, 'O\'Neil "B"'],
)
def test_any_text_may_be_a_name_and_the_tables_show_it(album, ids, name):
    assert facesort("name", "--", ids["anna"], name).code == 0
    listed = facesort("people")
    assert listed.code == 0
    assert name in listed.out
    assert name in facesort("show", ids["anna"]).out
    assert name in facesort("log").out
    (person,) = [p for p in facesort("people", "--json").json() if p["person"] == ids["anna"]]
    assert person["name"] == name


@pytest.mark.parametrize("name", ["", "  ", "a" * 300, "two\nlines", "bell\a", "nul\0", "\x1b[31m"])
def test_what_cannot_be_a_name_is_refused_and_nothing_is_stored(album, ids, name):
    refused = facesort("name", ids["anna"], name)
    assert refused.code == 2
    assert refused.err.startswith("facesort: a name")
    assert "Traceback" not in refused.err
    assert facesort("log", "--json").json() == []


def test_a_second_anna_is_a_question_first(album, ids):
    facesort("name", ids["anna"], "Anna")
    asked = facesort("name", ids["bert"], "Anna")
    assert asked.code == 30
    assert ids["anna"] in asked.err
    assert "--same" in asked.err
    assert "--another" in asked.err
    # A difference of letter case is the same name to a person.
    assert facesort("name", ids["bert"], "anna").code == 30
    assert len(facesort("log", "--json").json()) == 1


def test_another_anna_is_another_person(library, ids):
    library.name(ids["anna"], "Anna")
    library.name(ids["bert"], "Anna", same=False)
    with pytest.raises(AmbiguousPerson) as refused:
        library.situation().person("Anna")
    assert {ids["anna"], ids["bert"]} <= set(refused.value.message.replace(",", " ").split())
    assert facesort("show", "Anna").code == 15
    # Another photo of one of the two does not pull them together.
    library.group(GroupOptions())
    assert len(people_of(library)) == 4


def test_the_same_anna_joins_the_two(library, ids):
    library.name(ids["anna"], "Anna")
    naming = library.name(ids["bert"], "Anna", same=True)
    assert naming.joined is not None
    assert naming.joined.id == ids["anna"]
    people = people_of(library)
    assert (people[ids["anna"]].name, len(people[ids["anna"]].faces)) == ("Anna", 10)
    assert people[ids["anna"]].aliases == (ids["bert"],)


def test_the_same_anna_is_refused_when_there_are_two_and_the_message_lists_them(library, ids):
    library.name(ids["anna"], "Anna")
    library.name(ids["bert"], "Anna", same=False)
    with pytest.raises(NameTaken) as refused:
        library.name(ids["cleo"], "Anna", same=True)
    assert ids["anna"] in refused.value.message
    assert ids["bert"] in refused.value.message


def test_the_same_anna_takes_over_somebody_with_another_name_and_undo_gives_it_back(library, ids):
    library.name(ids["anna"], "Anna")
    library.name(ids["bert"], "Bert")
    before = seen_by(library)
    naming = library.name(ids["bert"], "Anna", same=True)
    assert naming.joined is not None
    assert [p.name for p in people_of(library).values() if p.name] == ["Anna"]
    assert len(library.situation().person("Anna").faces) == 10
    library.undo()
    assert seen_by(library) == before


# -- merging, rejecting, ignoring ----------------------------------------------------------------


def test_merging_joins_and_undoing_parts_exactly(library, ids):
    before = seen_by(library)
    merged = library.merge([ids["anna"], ids["bert"], ids["cleo"]])
    assert (merged.id, merged.faces, merged.photos) == (ids["anna"], 15, 5)
    assert set(people_of(library)[ids["anna"]].aliases) == {ids["bert"], ids["cleo"]}
    assert library.situation().person(ids["bert"]).id == ids["anna"]
    library.undo()
    assert seen_by(library) == before


def test_a_merge_survives_a_new_grouping(library, ids):
    library.merge([ids["anna"], ids["bert"]])
    before = seen_by(library)
    library.group(GroupOptions())
    assert seen_by(library) == before


def test_merging_people_of_different_names_is_refused_naming_both_decisions(album, ids):
    facesort("name", ids["anna"], "Anna")
    facesort("name", ids["bert"], "Bert")
    refused = facesort("merge", "Anna", "Bert")
    assert refused.code == 30
    assert "decision 1" in refused.err
    assert "decision 2" in refused.err
    assert f"facesort merge {ids['anna']} {ids['bert']} --yes" in refused.err
    assert facesort("merge", "Anna", "Bert", "--yes").code == 0
    assert facesort("show", "Anna", "--json").json()["faces"] == 10
    assert facesort("show", "Bert").code == 14


def test_the_first_name_given_is_the_name_of_all(library, ids):
    library.name(ids["bert"], "Bert")
    library.name(ids["cleo"], "Cleo")
    # Cleo has been merged into somebody without a name before: that came first in time.
    library.merge([ids["dora"], ids["cleo"]])
    assert people_of(library)[ids["dora"]].name == "Cleo"
    merged = library.merge([ids["anna"], ids["bert"], ids["dora"]], keep_first_name=True)
    assert (merged.id, merged.name) == (ids["anna"], "Bert")
    library.undo()
    assert people_of(library)[ids["dora"]].name == "Cleo"


def test_merging_somebody_with_themselves_is_refused(album, ids):
    for again in (ids["anna"], ids["anna"].upper()):
        refused = facesort("merge", ids["anna"], again)
        assert refused.code == 2
        assert "itself" in refused.err
    assert facesort("merge", ids["anna"]).code == 2


def test_merging_back_what_was_rejected_is_refused_and_says_which_decision_to_undo(album, ids):
    face = facesort("show", ids["anna"], "--json").json()["list"][0]["face"]
    rejected = facesort("reject", face, "--json").json()
    alone = rejected["faces"][face]
    assert alone != ids["anna"]
    refused = facesort("merge", ids["anna"], alone)
    assert refused.code == 30
    assert f"decision {rejected['decision']}" in refused.err
    assert f"facesort undo --decision {rejected['decision']}" in refused.err
    assert facesort("undo", "--decision", str(rejected["decision"])).code == 0
    assert facesort("show", ids["anna"], "--json").json()["faces"] == 5


def test_a_rejected_face_never_comes_back_by_itself(library, ids):
    face = library.situation().person(ids["anna"]).faces[0]
    library.reject([face])
    for _ in range(2):
        library.group(GroupOptions())
        people = library.situation().people
        assert people.owners[face] not in {None, ids["anna"]}
        assert len(people.by_id[people.owners[face]].faces) == 1
        assert len(people_of(library)[ids["anna"]].faces) == 4


def test_the_only_face_of_an_unnamed_person_cannot_be_rejected(album, ids):
    face = facesort("show", ids["anna"], "--json").json()["list"][0]["face"]
    assert facesort("reject", face).code == 0
    refused = facesort("reject", face)
    assert refused.code == 2
    assert "facesort ignore" in refused.err


def test_a_named_person_whose_faces_are_all_rejected_still_exists(library, ids):
    library.name(ids["anna"], "Anna")
    library.reject(list(library.situation().person("Anna").faces))
    assert library.situation().person("Anna").faces == ()
    library.group(GroupOptions())
    assert library.situation().person("Anna").faces == ()


def test_ignored_people_are_out_of_sight_with_their_future_faces(album, ids):
    assert facesort("ignore", ids["anna"]).code == 0
    assert ids["anna"] not in facesort("people").out
    assert "1 ignored" in facesort("people").out
    png(album.photos / "later.png", "anna", number=20)
    with album.open() as library:
        library.scan([album.photos])
    rows = [r for r in facesort("faces", "--json").json() if r["person"] == ids["anna"]]
    assert [row["status"] for row in rows] == ["ignored"] * 6
    facesort("undo")
    assert ids["anna"] in facesort("people").out


# -- undo, redo, log -----------------------------------------------------------------------------


def test_the_log_tells_everything_and_what_stands(album, ids):
    facesort("name", ids["anna"], "Anna")
    facesort("merge", ids["anna"], ids["bert"])
    facesort("undo")
    told = facesort("log", "--json").json()
    assert [(d["decision"], d["verdict"], d["stands"]) for d in told] == [
        (1, "name", True),
        (2, "merge", False),
        (3, "undo", False),
    ]
    text = facesort("log").out
    assert "(undone)" in text
    assert "Anna" in text


def test_undo_takes_back_one_or_several_or_a_particular_decision(album, ids):
    for colour in COLOURS:
        facesort("name", ids[colour], colour.title())
    assert facesort("undo", "--decision", "1").code == 0
    assert facesort("undo", "2").code == 0
    named = {p["name"] for p in facesort("people", "--json").json()}
    assert named == {"Bert", None}
    assert facesort("redo", "3").code == 0
    assert len({p["name"] for p in facesort("people", "--json").json()}) == 4


def test_a_decision_that_does_not_stand_cannot_be_undone(album, ids):
    facesort("name", ids["anna"], "Anna")
    facesort("undo")
    for number, code in (("1", 30), ("2", 30), ("77", 14)):
        refused = facesort("undo", "--decision", number)
        assert refused.code == code
        assert number in refused.err
        assert "facesort" in refused.err.splitlines()[1]  # what to do
    assert facesort("undo", "0").code == 2


def test_undo_takes_a_number_of_decisions_or_one_of_them_not_both(album, ids):
    for colour in ("anna", "bert", "cleo"):
        facesort("name", ids[colour], colour.title())
    for count in ("1", "2"):
        refused = facesort("undo", count, "--decision", "3")
        assert refused.code == 2
        assert "--decision" in refused.err
        assert "facesort undo" in refused.err.splitlines()[1]
    assert [d["verdict"] for d in facesort("log", "--json").json()] == ["name"] * 3
    assert facesort("undo", "--decision", "1").code == 0
    assert facesort("undo").code == 0
    assert [d["target"] for d in facesort("log", "--json").json()][3:] == [1, 3]


def test_nothing_to_undo_or_redo_is_said_and_is_fine(album):
    for command in ("undo", "redo"):
        done = facesort(command)
        assert done.code == 0
        assert f"nothing to {command}" in done.err


def test_a_new_decision_ends_what_could_be_redone(library, ids):
    library.name(ids["anna"], "Anna")
    library.undo()
    library.name(ids["bert"], "Bert")
    assert library.redo() == []


def test_an_unknown_person_or_face_is_an_error_with_a_hint(album, ids):
    for command in (
        ("show", "Nobody"),
        ("name", "Nobody", "Anna"),
        ("merge", ids["anna"], "Nobody"),
        ("ignore", "p0000000"),
        ("reject", "f000000000000"),
    ):
        refused = facesort(*command)
        assert refused.code == 14, command
        assert len(refused.err.splitlines()) == 2
    assert facesort("log", "--json").json() == []


def _random_decision(library: Library, chance: random.Random) -> None:
    people = list(people_of(library).values())
    person = chance.choice(people)
    other = chance.choice(people)
    faces = [face for p in people for face in p.faces]
    kind = chance.choice(["name", "name", "same", "merge", "merge", "reject", "ignore"])
    if kind == "name":
        library.name(person.id, chance.choice(["Anna", "Bert", "Cleo"]), same=False)
    elif kind == "same":
        library.name(person.id, chance.choice(["Anna", "Bert"]), same=True)
    elif kind == "merge":
        library.merge([person.id, other.id], keep_first_name=chance.random() < 0.5)
    elif kind == "reject":
        library.reject(chance.sample(faces, chance.randint(1, 3)))
    else:
        library.ignore([person.id, other.id])


def _decide_at_random(library: Library, chance: random.Random, count: int) -> int:
    made, before = 0, len(library.log())
    for _ in range(count * 20):
        try:
            _random_decision(library, chance)
        except (DecisionConflict, UsageError):
            continue
        made = len(library.log()) - before  # the name that somebody has already is no decision
        if made == count:
            break
    return made


@pytest.mark.parametrize("seed", range(4))
def test_undoing_everything_gives_the_beginning_and_redoing_everything_the_end(library, seed):
    before = seen_by(library)
    made = _decide_at_random(library, random.Random(seed), 50)
    after = seen_by(library)
    assert made == 50
    assert len(library.undo(made)) == made
    assert seen_by(library) == before
    assert len(library.redo(made)) == made
    assert seen_by(library) == after


@pytest.mark.slow
def test_two_hundred_decisions_can_all_be_undone_and_redone(library):
    before = seen_by(library)
    assert _decide_at_random(library, random.Random(99), 200) == 200
    after = seen_by(library)
    for _ in range(20):
        library.undo(10)
    assert seen_by(library) == before
    for _ in range(20):
        library.redo(10)
    assert seen_by(library) == after


@pytest.mark.parametrize("seed", range(4))
def test_no_grouping_and_no_scan_loses_a_name_or_moves_it(album, library, seed):
    chance = random.Random(seed)
    _decide_at_random(library, chance, 15)

    def names() -> dict[str, str]:
        return {p.id: p.name for p in people_of(library).values() if p.name is not None}

    said = names()
    assert said
    library.group(GroupOptions())
    assert names() == said
    png(album.photos / "later.png", "anna", "dora", number=20)
    library.scan([album.photos])
    assert names() == said
    library.group(GroupOptions(min_cosine=0.99))
    assert names() == said
    library.group(GroupOptions(method="threshold"))
    assert names() == said


@pytest.mark.parametrize("seed", range(4))
def test_undoing_what_a_grouping_was_shaped_by_groups_anew(library, seed):
    def partition() -> set[frozenset[str]]:
        return {frozenset(p.faces) for p in people_of(library).values() if p.faces}

    before = partition()
    made = _decide_at_random(library, random.Random(seed), 10)
    library.group(GroupOptions())
    library.undo(made)
    assert partition() == before
    assert {p.name for p in people_of(library).values()} == {None}


def test_a_decision_made_while_a_grouping_computes_is_in_its_result(album, library, ids):
    face = library.situation().person(ids["anna"]).faces[0]
    computed: list[int] = []

    def regroup_and_decide(*args: object, **kwargs: object) -> grouping.Grouping:
        result = grouping.regroup(*args, **kwargs)  # type: ignore[arg-type]  # passed through
        computed.append(len(result.owners))
        if len(computed) == 1:
            thread = threading.Thread(target=_reject_elsewhere, args=(album, face))
            thread.start()
            thread.join()
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(group_job, "regroup", regroup_and_decide)
        library.group(GroupOptions(), everything=True)
    assert len(computed) == 2
    (assigned,) = [person for one, person in dump(album.folder)["assignments"] if one == face]
    assert assigned != ids["anna"]


def _reject_elsewhere(album: Album, face: str) -> None:
    with album.open() as other:
        other.reject([face])
        other.name(_owner(other, face), "Nora")


def _owner(library: Library, face: str) -> str:
    return str(library.situation().people.owners[library.situation().face(face).id])


def test_deciding_without_end_does_not_keep_a_grouping_from_ending(album, library, ids):
    names = iter(range(100))
    tries: list[int] = []

    def regroup_and_decide(*args: object, **kwargs: object) -> grouping.Grouping:
        tries.append(1)
        if len(tries) < 3:  # the last time, the grouping holds the lock and the user waits
            thread = threading.Thread(target=decide)
            thread.start()
            thread.join()
        return grouping.regroup(*args, **kwargs)  # type: ignore[arg-type]  # passed through

    def decide() -> None:
        with album.open() as other:
            other.name(ids["anna"], f"Anna {next(names)}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(group_job, "regroup", regroup_and_decide)
        library.group(GroupOptions(), everything=True)
    assert len(tries) == 3
    assert library.situation().person("Anna 1").id == ids["anna"]


def test_an_undo_while_new_faces_are_grouped_groups_everything(album, library, ids):
    face = library.situation().person(ids["anna"]).faces[0]
    library.not_a_face([face])
    library.group(GroupOptions(), everything=True)
    undone: list[object] = []

    def add_and_undo(*args: object, **kwargs: object) -> object:
        if not undone:
            with open_library(album.folder, progress=SilentProgress()) as other:
                undone.extend(other.undo())
        return updating.group_new(*args, **kwargs)  # type: ignore[arg-type]  # passed through

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(group_job, "group_new", add_and_undo)
        library.group(GroupOptions())
    assert len(undone) == 1
    assert _owner(library, face) == ids["anna"]


def test_an_undo_while_a_job_runs_is_kept_and_grouped_afterwards(album, library, ids):
    face = library.situation().person(ids["anna"]).faces[0]
    library.reject([face])
    library.group(GroupOptions())
    progress = SilentProgress()
    with library._job("scan"), open_library(album.folder, progress=progress) as other:
        other.undo()
    assert progress.notes == ["A job is running; it will group anew with this in mind."]
    library.scan([album.photos])
    assert len(library.situation().person(ids["anna"]).faces) == 5


@pytest.mark.parametrize(
    ("trouble", "note"),
    [
        (
            LibraryUnwritable("the disk is full"),
            "Not grouped anew yet: the disk is full. Later: facesort group",
        ),
        (
            KeyboardInterrupt(),
            "That stands, but is not grouped anew yet. Later: facesort group",
        ),
    ],
)
def test_an_undo_stands_though_grouping_anew_fails_or_is_stopped(
    album, library, ids, monkeypatch, trouble, note
):
    face = library.situation().person(ids["anna"]).faces[0]
    library.reject([face])
    library.group(GroupOptions())
    progress = SilentProgress()
    with open_library(album.folder, progress=progress) as other:

        def fail(*_: object) -> None:
            raise trouble

        monkeypatch.setattr(other, "_group_as_before", fail)
        stopped = isinstance(trouble, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt) if stopped else nullcontext():
            other.undo()
    assert progress.notes == [note]
    library.group(GroupOptions())
    assert len(library.situation().person(ids["anna"]).faces) == 5


def test_every_refusal_leaves_the_log_as_it_was(library, ids):
    library.name(ids["anna"], "Anna")
    before = library.log()
    for refused in (
        lambda: library.name(ids["bert"], "Anna"),
        lambda: library.name(ids["bert"], ""),
        lambda: library.merge([ids["anna"], ids["anna"]]),
        lambda: library.reject(["f0"]),
        lambda: library.undo(decision=55),
        lambda: library.ignore(["nobody"]),
        lambda: library.group(GroupOptions(method="magic")),
        lambda: library.group(GroupOptions(min_cosine=7)),
    ):
        with pytest.raises(FacesortError):
            refused()
    assert library.log() == before


def test_undoing_a_wrong_merge_frees_the_faces_that_were_rejected_from_it(library, ids):
    first, second = ids["anna"], ids["bert"]
    library.name(first, "Eva")
    library.name(second, "Uma")
    before = set(library.situation().person("Uma").faces)
    library.merge(["Eva", "Uma"], keep_first_name=True)
    merge_number = library.log()[-1].id
    rejected = sorted(before)[:1]
    library.reject(rejected)
    assert rejected[0] not in library.situation().person("Eva").faces
    library.undo(decision=merge_number)
    library.group(GroupOptions())
    assert set(library.situation().person("Uma").faces) == before


def test_merging_a_named_person_into_an_ignored_one_does_not_hide_the_name(library, ids):
    library.ignore([ids["anna"]])
    library.name(ids["bert"], "Bob")
    merged = library.merge([ids["anna"], ids["bert"]])
    assert merged.name == "Bob"
    assert not merged.ignored


def test_rejected_faces_find_each_other_again_at_the_next_grouping(library, ids):
    real = set(library.situation().person(ids["bert"]).faces)
    library.merge([ids["anna"], ids["bert"]])
    library.reject(sorted(real))
    apart = {library.situation().people.owners[face] for face in real}
    assert ids["anna"] not in apart
    library.group(GroupOptions())
    together = {library.situation().people.owners[face] for face in real}
    assert len(together) == 1
    assert ids["anna"] not in together


def test_an_id_that_is_nobody_s_any_more_is_not_somebody_else_to_a_decision(library, ids):
    library.name(ids["bert"], "Bert")
    face = library.situation().person(ids["anna"]).faces[0]
    gone = library.situation().people.owners[face]
    library.reject([face])
    alone = library.situation().people.owners[face]
    assert alone not in {None, gone}
    library.confirm([face], reference="Bert", anyway=True)
    for decide_ in (
        lambda: library.name(str(alone), "Carl"),
        lambda: library.ignore([str(alone)]),
        lambda: library.merge([ids["anna"], str(alone)]),
    ):
        with pytest.raises(UnknownPerson) as error:
            decide_()
        assert ids["bert"] in error.value.message
        assert "'Bert'" in error.value.message
    assert library.situation().person(str(alone)).name == "Bert"  # to look at, it leads there


def test_faces_of_a_model_without_calibration_are_stored_and_the_way_on_is_told(
    album, library, monkeypatch
):
    progress = SilentProgress()
    with open_library(album.folder, progress=progress) as other:
        card = dataclasses.replace(other._looking.embedder, calibration={})
        monkeypatch.setattr(type(other._looking), "embedder", property(lambda _: card))
        assert other._group_as_before() is None
    assert "facesort group --min-cosine" in progress.notes[-1]
    assert "card.toml" in progress.notes[-1]
