from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import FaceId, PersonId
from facesort.errors import UsageError
from facesort.export.clashes import Occupant
from facesort.export.layout import DEFAULT_LAYOUT, FIELDS, date_fields, parse_layout
from facesort.export.manifest import FileEntry, Kind, Mode, is_inside
from facesort.export.names import comparable_path
from facesort.export.operations import (
    Found,
    Keep,
    Move,
    Plan,
    Remove,
    SourceFacts,
    Survey,
    Write,
)
from facesort.export.ordering import order_moves
from facesort.export.plan import plan_export
from facesort.export.targets import Album, AlbumPhoto, assign_folders, place_photos


def key(n: int) -> str:
    return f"jpeg:{n:02x}" + "a" * 62


def photo(n: int, name: str = "", **more) -> AlbumPhoto:
    name = name or f"IMG_{n}.jpg"
    return AlbumPhoto(key(n), more.pop("source", f"/photos/{n}/{name}"), name, **more)


def album(person: str, name: str | None, *photos: AlbumPhoto, named_at: int = 0) -> Album:
    return Album(PersonId(person), name, photos, named_at)


def disk(*albums: Album, missing: tuple[str, ...] = (), **more) -> Survey:
    """A disk on which every original of the albums is there."""
    paths = {
        path
        for a in albums
        for p in a.photos
        for path in (p.source, *p.companions)
        if path is not None and path not in missing
    } | set(more.pop("also", ()))
    sources = {path: SourceFacts(100, 7, 1, hash(path)) for path in paths}
    return Survey(sources, **more)


def plan(
    *albums: Album, layout: str = DEFAULT_LAYOUT, survey: Survey | None = None, **more
) -> Plan:
    return plan_export(
        albums,
        layout=parse_layout(layout),
        mode=more.get("mode", Mode.COPY),
        survey=survey or disk(*albums),
    )


def after(done: Plan, survey: Survey, **changes) -> Survey:
    """The disk after a plan has been carried out."""
    entries = []
    for op in done.operations:
        if isinstance(op, Write):
            entries.append(replace(op.entry, sha256="f" * 64, mtime_ns=7))
        elif isinstance(op, Move):
            entries = [e for e in entries if e.path != op.old.path]
            entries.append(op.new)
        elif isinstance(op, Keep):
            entries.append(op.entry)
    found = tuple(
        Found(e, edited=False, link=None, device=9, inode=i) for i, e in enumerate(entries)
    )
    return replace(survey, found=found, **changes)


def moves(done: Plan) -> list[Move]:
    return [op for op in done.operations if isinstance(op, Move)]


def targets(done: Plan) -> list[str]:
    return sorted(
        op.new.path if isinstance(op, Move) else op.entry.path
        for op in done.operations
        if not isinstance(op, Remove)
    )


# --- layout


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("/etc/{filename}", "absolute"),
        ("C:\\x\\{filename}", "absolute"),
        ("\\\\server\\{filename}", "absolute"),
        ("{person}/../{filename}", r"\.\."),
        ("..", r"\.\."),
        ("{person}/{size}", "unknown field"),
        ("{person}/{}", "unknown field"),
        ("{person!r}/{filename}", "unknown field"),
        ("{n:09}/{filename}", "unknown field"),
        ("{person/{filename}", "brace|unknown"),
        ("{person}}", "brace"),
        ("{person}/", "names no file"),
        ("", "names no file"),
        (".", "names no file"),
    ],
)
def test_a_layout_that_cannot_be_used_names_the_fields_that_can(template, why):
    with pytest.raises(UsageError, match=why) as caught:
        parse_layout(template)
    assert all(f"{{{field}}}" in caught.value.hint for field in FIELDS)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{person}/{filename}", "Anna/IMG_1.JPG"),
        ("{id}/{stem}.{ext}", "p1/IMG_1.JPG"),
        ("{person}/{stem}{ext}", "Anna/IMG_1.JPG"),
        ("{year}/{date} {person} {n}", "2024/2024-05-06 Anna 001.JPG"),
        ("{camera}\\{filename}", "Canon EOS R5/IMG_1.JPG"),
        ("all/{ext}/./{filename}", "all/JPG/IMG_1.JPG"),
        ("{filename}", "IMG_1.JPG"),
        ("{{{person}}}/{filename}", "{Anna}/IMG_1.JPG"),
        ("CON/{filename}", "_CON/IMG_1.JPG"),
    ],
)
def test_every_field_appears_in_the_path(template, path):
    one = photo(1, "IMG_1.JPG", taken_at="2024-05-06T07:08:09", camera="Canon EOS R5")
    assert targets(plan(album("p1", "Anna", one), layout=template)) == [path]


@pytest.mark.parametrize(
    "taken_at", ["", "0000-00-00T00:00:00", "2024-13-01", "yesterday", "2023-02-29"]
)
def test_a_photo_without_a_possible_date_is_undated(taken_at):
    one = photo(1, taken_at=taken_at, camera="")
    done = plan(album("p1", "Anna", one), layout="{year}/{date}/{camera}/{filename}")
    assert targets(done) == ["undated/undated/unknown/IMG_1.jpg"]


def test_exif_dates_with_colons_count_too():
    assert date_fields("2024:05:06 07:08:09") == ("2024-05-06", "2024")


def test_numbers_follow_time_then_content_and_undated_photos_come_last():
    a = album(
        "p1",
        "Anna",
        photo(3, "c.jpg", taken_at=""),
        photo(2, "b.jpg", taken_at="2024-01-02T00:00:00"),
        photo(1, "a.jpg", taken_at="2024-01-02T00:00:00"),
        photo(4, "d.jpg", taken_at="2023-01-01T00:00:00"),
    )
    assert targets(plan(a, layout="{n} {stem}")) == [
        "001 d.jpg",
        "002 a.jpg",
        "003 b.jpg",
        "004 c.jpg",
    ]


def test_more_than_999_photos_get_more_digits():
    a = album("p1", "Anna", *(AlbumPhoto(f"k:{i}", f"/o/{i}.jpg", f"{i}.jpg") for i in range(1000)))
    assert targets(plan(a, layout="{n}"))[0] == "0001.jpg"


# --- folders


def test_two_people_of_one_name_get_two_folders_and_the_earlier_named_the_plain_one():
    first = album("p9", "Anna", photo(1), named_at=3)
    second = album("p1", "Anna", photo(1), named_at=8)
    for albums in itertools.permutations([first, second]):
        assert targets(plan(*albums)) == ["Anna (p1)/IMG_1.jpg", "Anna/IMG_1.jpg"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Anna", "ANNA"), ("Zoë", "Zoe\u0308"), ("a/b", "a_b"), ("x" * 300, "x" * 301)],
)
def test_names_that_some_disk_takes_for_one_get_two_folders(one, other):
    folders = assign_folders([album("p1", one, named_at=1), album("p2", other, named_at=2)])
    assert folders[PersonId("p2")].endswith(" (p2)")
    assert len({comparable_path(folder) for folder in folders.values()}) == 2


def test_somebody_named_like_another_ones_folder_still_gets_a_folder():
    folders = assign_folders(
        [
            album("p1", "Anna", named_at=1),
            album("p2", "Anna (p3)", named_at=2),
            album("p3", "Anna", named_at=3),
        ]
    )
    assert folders == {"p1": "Anna", "p2": "Anna (p3)", "p3": "Anna (p3 2)"}


def test_an_unnamed_person_is_called_by_id_and_gives_way_to_a_name():
    folders = assign_folders([album("p1", None), album("p2", "person-p1", named_at=5)])
    assert folders == {"p1": "person-p1 (p1)", "p2": "person-p1"}


def test_a_person_called_like_a_path_or_the_manifest_stays_in_the_destination():
    done = plan(
        album("p1", "../../x", photo(1)),
        album("p2", "manifest.json", photo(2)),
        album("p3", "CON", photo(3)),
        album("p4", ".facesort-journal.jsonl", photo(4)),
    )
    assert targets(done) == [
        "_.._.._x/IMG_1.jpg",
        "_.facesort-journal.jsonl/IMG_4.jpg",
        "_CON/IMG_3.jpg",
        "_manifest.json/IMG_2.jpg",
    ]


# --- names that clash


def test_a_photo_with_two_people_goes_into_both_albums():
    done = plan(album("p1", "Anna", photo(1)), album("p2", "Ben", photo(1)))
    assert targets(done) == ["Anna/IMG_1.jpg", "Ben/IMG_1.jpg"]


def test_a_layout_without_people_writes_a_shared_photo_once_and_says_who_is_in_it():
    one = photo(1, faces=(FaceId("f1"),))
    other = photo(1, faces=(FaceId("f2"),))
    done = plan(album("p1", "Anna", one), album("p2", "Ben", other), layout="{filename}")
    (op,) = done.operations
    assert isinstance(op, Write)
    assert op.entry.faces == ("f1", "f2")
    assert op.entry.reason == "shows Anna; shows Ben"


def test_why_a_photo_was_chosen_is_said_for_each_person_apart():
    albums = (
        album("pa", "Anna", photo(1, why="the best; sharp")),
        album("pb", "Bert", photo(1, why="best of a burst of 7")),
        album("pc", "Cleo", photo(1)),
    )
    written = [op for op in plan(*albums).operations if isinstance(op, Write)]
    reasons = {op.entry.path: op.entry.reason for op in written}
    assert reasons == {
        "Anna/IMG_1.jpg": "shows Anna; the best; sharp",
        "Bert/IMG_1.jpg": "shows Bert; best of a burst of 7",
        "Cleo/IMG_1.jpg": "shows Cleo",
    }
    (shared,) = plan(*albums, layout="{filename}").operations
    assert isinstance(shared, Write)
    assert shared.entry.reason == (
        "shows Anna; the best; sharp; shows Bert; best of a burst of 7; shows Cleo"
    )


def test_one_content_twice_in_an_album_is_one_file():
    one = photo(1, source="/a/IMG_1.jpg", faces=(FaceId("f1"),))
    copy = photo(1, source="/b/IMG_1.jpg", faces=(FaceId("f2"),))
    for photos in ((one, copy), (copy, one)):
        (op,) = plan(album("p1", "Anna", *photos)).operations
        assert isinstance(op, Write)
        assert (op.entry.source, op.entry.faces) == ("/a/IMG_1.jpg", ("f1", "f2"))


def test_of_photos_with_one_name_every_one_gets_its_own_suffix_in_any_order():
    photos = [photo(1, "x.jpg"), photo(2, "X.JPG"), photo(3, "y.jpg")]
    for order in itertools.permutations(photos):
        assert targets(plan(album("p1", "Anna", *order))) == [
            "Anna/X-02aaaa.JPG",
            "Anna/x-01aaaa.jpg",
            "Anna/y.jpg",
        ]


def test_one_photo_under_two_spellings_of_a_path_becomes_two_files():
    long = "x" * 119
    one = album("p1", long + "a", photo(1), named_at=1)
    other = album("p2", long.upper() + "A", photo(1), named_at=2)
    # Cut to the limit, the two folders differ in nothing but case.
    done = targets(plan(one, other, layout="2024 {person}/{filename}"))
    assert len({comparable_path(path) for path in done}) == 2


def test_a_key_that_is_no_hash_still_gives_a_suffix():
    odd = [
        AlbumPhoto(k, f"/{n}/x.jpg", "x.jpg") for n, k in enumerate(["odd", "../..", "k:\udc80"])
    ]
    done = targets(plan(album("p1", "Anna", *odd)))
    assert len(set(done)) == 3
    assert all(re.fullmatch(r"Anna/x-[0-9a-f]{6}\.jpg", path) for path in done)


def test_a_companion_with_a_long_name_of_its_own_gets_the_stem():
    one = photo(1, "a.jpg", companions=("/o/a" + "b" * 60 + ".mov",))
    assert targets(plan(album("p1", "Anna", one))) == ["Anna/a.jpg", "Anna/a.mov"]


def test_suffixes_grow_until_they_differ():
    alike = [AlbumPhoto("jpeg:" + "a" * 20 + tail * 44, f"/{tail}/x.jpg", "x.jpg") for tail in "01"]
    assert [len(t) for t in targets(plan(album("p1", "Anna", *alike)))] == [
        len("Anna/x-.jpg") + 40
    ] * 2
    same_hash = [
        AlbumPhoto(f"{algo}:" + "a" * 64, f"/{algo}/x.jpg", "x.jpg") for algo in ("jpeg", "png")
    ]
    assert len(set(targets(plan(album("p1", "Anna", *same_hash))))) == 2


def test_a_photo_named_like_anothers_suffix_does_not_replace_it():
    done = plan(album("p1", "Anna", photo(1, "x.jpg"), photo(2, "x.jpg"), photo(3, "x-01aaaa.jpg")))
    assert len({comparable_path(t) for t in targets(done)}) == 3


def test_companions_take_the_stem_of_their_photo():
    one = photo(
        1,
        "IMG_1.JPG",
        companions=("/o/IMG_1.CR3", "/o/img_1.xmp", "/o/IMG_1.jpg.xmp", "/o/other.mov"),
    )
    assert targets(plan(album("p1", "Anna", one), layout="{person}/{n}")) == [
        "Anna/001.CR3",
        "Anna/001.JPG",
        "Anna/001.JPG.xmp",
        "Anna/001.mov",
        "Anna/001.xmp",
    ]


def test_companions_of_one_name_do_not_replace_each_other():
    one = photo(1, "a.jpg", companions=("/o/a.xmp", "/o/A.XMP", "/o/" + "b" * 90, "/o/a"))
    done = targets(plan(album("p1", "Anna", one)))
    assert len({comparable_path(t) for t in done}) == 5


def test_a_clash_of_companions_renames_the_whole_photo():
    jpg = photo(1, "x.jpg", companions=("/photos/1/x.xmp",))
    png = photo(2, "x.png", companions=("/photos/2/x.xmp",))
    assert targets(plan(album("p1", "Anna", jpg, png))) == [
        "Anna/x-01aaaa.jpg",
        "Anna/x-01aaaa.xmp",
        "Anna/x-02aaaa.png",
        "Anna/x-02aaaa.xmp",
    ]


def test_a_raw_that_is_photo_and_companion_is_written_once():
    jpg = photo(1, "x.jpg", source="/o/x.jpg", companions=("/o/x.cr3", "/o/x.xmp"))
    raw = photo(2, "x.cr3", source="/o/x.cr3", companions=("/o/x.xmp",))
    for photos in ((jpg, raw), (raw, jpg)):
        done = plan(album("p1", "Anna", *photos))
        assert targets(done) == ["Anna/x.cr3", "Anna/x.jpg", "Anna/x.xmp"]
        kinds = {op.entry.path: op.entry.kind for op in done.operations if isinstance(op, Write)}
        assert kinds["Anna/x.cr3"] is Kind.ORIGINAL


def test_a_strangers_file_keeps_its_place_and_the_photo_gets_a_suffix():
    a = album("p1", "Anna", photo(1))
    done = plan(a, survey=disk(a, foreign=frozenset({"ANNA/img_1.JPG"})))
    assert targets(done) == ["Anna/IMG_1-01aaaa.jpg"]
    assert done.notes == (
        "ANNA/img_1.JPG is not facesort's and stays; the photo goes to Anna/IMG_1-01aaaa.jpg",
    )


def test_a_stranger_who_knows_our_suffixes_still_loses_nothing():
    a = album("p1", "Anna", photo(1))
    foreign: set[str] = set()
    for _ in range(6):
        done = plan(a, survey=disk(a, foreign=frozenset(foreign)))
        assert not foreign & set(targets(done))
        foreign |= set(targets(done))


# --- re-exports


def test_an_unchanged_export_has_nothing_to_do():
    a = album("p1", "Anna", photo(1, companions=("/photos/1/IMG_1.xmp",)), photo(2))
    first = plan(a)
    again = plan(a, survey=after(first, disk(a)))
    assert again.changes == ()
    assert targets(again) == targets(first)


def test_renaming_a_person_moves_files():
    a = album("p1", "Anna", photo(1, companions=("/photos/1/IMG_1.xmp",)))
    renamed = replace(a, name="Anne")
    again = plan(renamed, survey=after(plan(a), disk(a)))
    assert [(op.old.path, op.new.path) for op in moves(again)] == [
        ("Anna/IMG_1.jpg", "Anne/IMG_1.jpg"),
        ("Anna/IMG_1.xmp", "Anne/IMG_1.xmp"),
    ]
    assert len(again.operations) == 2


def test_merging_people_moves_what_is_new_and_removes_what_is_twice():
    anna = album("p1", "Anna", photo(1))
    ben = album("p2", "Ben", photo(1), photo(2))
    merged = album("p1", "Anna", photo(1), photo(2))
    again = plan(merged, survey=after(plan(anna, ben), disk(ben)))
    assert [type(op) for op in again.operations] == [Remove, Move, Keep]
    assert [op.entry.path for op in again.operations if isinstance(op, Remove)] == ["Ben/IMG_1.jpg"]
    assert [op.new.path for op in moves(again)] == ["Anna/IMG_2.jpg"]
    assert [op.new.person for op in moves(again)] == ["p1"]


def test_a_clashing_photo_that_comes_later_moves_the_earlier_one():
    a = album("p1", "Anna", photo(1, "x.jpg"))
    both = album("p1", "Anna", photo(1, "x.jpg"), photo(2, "x.jpg"))
    again = plan(both, survey=after(plan(a), disk(both)))
    assert [type(op) for op in again.operations] == [Move, Write]
    assert targets(again) == targets(plan(both))
    back = plan(a, survey=after(again, disk(both)))
    assert [type(op) for op in back.operations] == [Remove, Move]
    assert targets(back) == ["Anna/x.jpg"]


def test_files_that_swap_names_are_parked_in_between():
    early, late = "2024-01-01T00:00:00", "2024-01-02T00:00:00"
    a = album("p1", "Anna", photo(1, taken_at=early), photo(2, taken_at=late))
    swapped = album("p1", "Anna", photo(1, taken_at=late), photo(2, taken_at=early))
    again = plan(swapped, layout="{n}", survey=after(plan(a, layout="{n}"), disk(a)))
    assert len(moves(again)) == 3
    assert moves(again)[0].new.path.startswith(".facesort-parked/")


def entry(path: str, photo_key: str = "k:1") -> FileEntry:
    person = PersonId("p")
    return FileEntry(path, person, photo_key, "/o", "f", 1, 1, 1, Kind.ORIGINAL, "", ())


@given(
    st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.permutations(range(n)))),
    st.integers(0, 3),
)
def test_moves_in_order_never_meet_a_file_and_end_where_they_should(numbers, shift):
    count, order = numbers
    drawn = [
        Move(entry(f"a/{i}", f"k:{i}"), entry(f"a/{target + shift}", f"k:{i}"))
        for i, target in enumerate(order)
        if target + shift != i
    ]
    where = {move.old.path: move.old.photo for move in drawn}
    for move in order_moves(drawn):
        assert move.new.path not in where
        assert where.pop(move.old.path) == move.old.photo
        where[move.new.path] = move.new.photo
    assert where == {move.new.path: move.new.photo for move in drawn}
    assert count >= len(drawn)


def test_a_rename_of_case_alone_is_one_move():
    (move,) = order_moves([Move(entry("Anna/x"), entry("ANNA/x"))])
    assert (move.old.path, move.new.path) == ("Anna/x", "ANNA/x")


def test_an_original_that_changed_is_written_again():
    a = album("p1", "Anna", photo(1))
    survey = after(plan(a), disk(a))
    changed = replace(survey, sources={k: replace(v, size=99) for k, v in survey.sources.items()})
    (op,) = plan(a, survey=changed).operations
    assert isinstance(op, Write)
    assert op.replaces is not None
    renamed = plan(replace(a, name="Anne"), survey=changed)
    assert [type(op) for op in renamed.operations] == [Remove, Write]


def test_another_mode_renews_every_file():
    a = album("p1", "Anna", photo(1))
    survey = after(plan(a), disk(a))
    for mode in (Mode.HARDLINK, Mode.SYMLINK):
        done = plan(a, survey=survey, mode=mode)
        assert [type(op) for op in done.operations] == [Write]
        assert "edits the original" in done.notes[0]


def test_links_that_become_copies_are_told_with_the_option_that_keeps_them():
    albums = (album("pa", "Anna", photo(1), photo(2)),)
    before = disk(*albums)
    written = after(plan(*albums, mode=Mode.HARDLINK), before)
    facts = [before.sources[found.entry.source] for found in written.found]
    hard = tuple(
        replace(found, device=fact.device, inode=fact.inode)
        for found, fact in zip(written.found, facts, strict=True)
    )
    soft = tuple(replace(found, link=found.entry.source) for found in written.found)
    for found, mode in ((hard, Mode.HARDLINK), (soft, Mode.SYMLINK)):
        said = plan(*albums, survey=replace(written, found=found)).notes
        assert [note for note in said if f"--mode {mode} keeps them links" in note]
        assert not plan(*albums, survey=replace(written, found=found), mode=mode).changes
    assert plan(*albums, survey=written).notes == ()


def test_links_are_known_by_where_they_lead():
    a = album("p1", "Anna", photo(1))
    (source,) = disk(a).sources
    survey = after(plan(a), disk(a))
    (found,) = survey.found
    facts = survey.sources[source]
    hard = replace(survey, found=(replace(found, device=facts.device, inode=facts.inode),))
    soft = replace(survey, found=(replace(found, link=source),))
    for mode, good in ((Mode.HARDLINK, hard), (Mode.SYMLINK, soft), (Mode.COPY, survey)):
        assert plan(a, survey=good, mode=mode).changes == ()
        for bad in (hard, soft, survey):
            assert bad is good or len(plan(a, survey=bad, mode=mode).changes) == 1


def test_a_missing_original_is_listed_and_its_copy_stays_and_follows_a_rename():
    one = photo(1, companions=("/photos/1/IMG_1.xmp",))
    a = album("p1", "Anna", one)
    gone = album("p1", "Anna", replace(one, source=None, companions=()))
    survey = after(plan(a), Survey({}))
    again = plan(gone, survey=survey)
    assert again.changes == ()
    assert targets(again) == ["Anna/IMG_1.jpg", "Anna/IMG_1.xmp"]
    assert [lost.photo for lost in again.missing] == [key(1)]
    renamed = plan(replace(gone, name="Anne"), survey=survey)
    assert targets(renamed) == ["Anne/IMG_1.jpg", "Anne/IMG_1.xmp"]
    assert all(isinstance(op, Move) for op in renamed.operations)


def test_a_missing_original_that_was_never_exported_is_listed_and_the_rest_is_written():
    a = album("p1", "Anna", photo(1, source=None), photo(2), photo(3))
    done = plan(a, survey=disk(a, missing=("/photos/3/IMG_3.jpg",)))
    assert targets(done) == ["Anna/IMG_2.jpg"]
    assert [lost.filename for lost in done.missing] == ["/photos/3/IMG_3.jpg", "IMG_1.jpg"]


def test_a_companion_that_is_gone_is_noted_and_is_no_missing_original():
    a = album("p1", "Anna", photo(1, companions=("/photos/1/IMG_1.xmp",)))
    done = plan(a, survey=disk(a, missing=("/photos/1/IMG_1.xmp",)))
    assert done.notes == ("/photos/1/IMG_1.xmp is not there and was left out",)
    assert done.missing == ()


def test_the_last_copy_of_a_forgotten_photo_is_not_removed_and_keeps_its_name():
    a = album("p1", "Anna", photo(1, "x.jpg"))
    other = album("p1", "Anna", photo(2, "x.jpg"))
    done = plan(other, survey=after(plan(a), disk(other)))
    assert [type(op) for op in done.operations] == [Write, Keep]
    assert targets(done) == ["Anna/x-02aaaa.jpg", "Anna/x.jpg"]
    assert "last copy" in done.notes[0]
    # With its original in reach it is an ordinary leftover.
    there = after(plan(a), disk(other, also=("/photos/1/x.jpg",)))
    assert [type(op) for op in plan(other, survey=there).operations] == [Remove, Write]


def test_an_edited_file_stays_and_is_not_written_again():
    a = album("p1", "Anna", photo(1))
    survey = after(plan(a), disk(a))
    edited = replace(survey, found=(replace(survey.found[0], edited=True),))
    done = plan(a, survey=edited)
    assert done.changes == ()
    assert "was changed since" in done.notes[0]
    renamed = plan(replace(a, name="Anne"), survey=edited)
    assert targets(renamed) == ["Anne/IMG_1.jpg"]
    assert [type(op) for op in renamed.operations] == [Write]
    assert "it is yours" in renamed.notes[0]
    assert plan(survey=edited).operations == ()


def test_an_edited_file_keeps_its_name_against_a_new_photo():
    a = album("p1", "Anna", photo(1, "x.jpg"))
    edited = after(plan(a), disk(a))
    edited = replace(edited, found=(replace(edited.found[0], edited=True),))
    other = album("p1", "Anna", photo(2, "x.jpg"))
    done = plan(other, survey=replace(edited, sources=disk(other).sources))
    assert targets(done) == ["Anna/x-02aaaa.jpg"]


# --- for all albums

NAMES = st.sampled_from(
    ["Anna", "ANNA", "anna ", "../..", "CON", "", "Zoë", "Zoe\u0308", "x" * 300]
) | st.text(max_size=12)
FILENAMES = st.sampled_from(
    ["x.jpg", "X.JPG", "x.cr3", "nul.jpg", "..", "manifest.json", "y" * 300 + ".jpg"]
)
PHOTOS = st.builds(
    lambda n, name, missing, companion, taken: photo(
        n,
        name,
        source=None if missing else f"/photos/{n}/{name}",
        companions=(f"/photos/{n}/{name.rpartition('.')[0]}.xmp",) if companion else (),
        taken_at=taken,
    ),
    st.integers(0, 9),
    FILENAMES,
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "2024-05-06T07:08:09", "2023-01-01T00:00:00"]),
)
ALBUMS = st.lists(
    st.builds(
        lambda person, name, photos, at: album(person, name, *photos, named_at=at),
        st.sampled_from(["p1", "p2", "p3", "p4"]),
        st.none() | NAMES,
        st.lists(PHOTOS, max_size=5),
        st.integers(0, 3),
    ),
    max_size=4,
    unique_by=lambda a: a.person,
)
LAYOUTS = st.sampled_from(
    [DEFAULT_LAYOUT, "{filename}", "{person}/{year}/{n}", "{date}/{person} {stem}{ext}", "{camera}"]
)


@given(ALBUMS, LAYOUTS)
def test_every_target_is_inside_unique_on_every_disk_and_short(albums, layout):
    paths = targets(plan(*albums, layout=layout))
    assert all(is_inside(path) and not path.startswith((".", "manifest.json")) for path in paths)
    assert len({comparable_path(path) for path in paths}) == len(paths)
    assert all(len(part.encode()) <= 120 for path in paths for part in path.split("/"))
    assert not any(re.search(r"[. ](/|\Z)", path) for path in paths)


@given(ALBUMS, LAYOUTS, st.randoms())
def test_the_order_of_albums_and_photos_changes_nothing(albums, layout, random):
    shuffled = [replace(a, photos=tuple(random.sample(a.photos, len(a.photos)))) for a in albums]
    random.shuffle(shuffled)
    survey = disk(*albums)
    one = plan(*albums, layout=layout, survey=survey)
    other = plan(*shuffled, layout=layout, survey=survey)
    assert one == other


@given(ALBUMS, ALBUMS, LAYOUTS, LAYOUTS)
def test_what_a_plan_does_is_final_whatever_was_there_before(before, now, layout, next_layout):
    survey = disk(*before, *now)
    first = plan(*before, layout=layout, survey=survey)
    second = plan(*now, layout=next_layout, survey=after(first, survey))
    third = plan(*now, layout=next_layout, survey=after(second, survey))
    assert third.changes == ()
    assert third.missing == second.missing


def test_an_occupant_of_our_own_is_no_obstacle_at_its_own_place():
    a = album("p1", "Anna", photo(1))
    folders = {PersonId("p1"): "Anna"}
    layout = parse_layout(DEFAULT_LAYOUT)
    own = {"anna/img_1.jpg": Occupant("Anna/IMG_1.jpg", (key(1), ""))}
    other = {"anna/img_1.jpg": Occupant("Anna/IMG_1.jpg", (key(2), ""))}
    (want,) = place_photos([a], folders, layout=layout, occupants=own)
    assert want.target == want.plain == "Anna/IMG_1.jpg"
    (want,) = place_photos([a], folders, layout=layout, occupants=other)
    assert want.target == "Anna/IMG_1-01aaaa.jpg"
