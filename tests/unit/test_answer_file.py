"""Answers out of files: whatever a spreadsheet, a script or a stranger has made of them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from facesort.errors import UsageError
from facesort.jobs.batch.folder import table_of
from facesort.review.answer_file import COLUMNS, read_answers
from facesort.review.answer_words import given_of
from facesort.review.filed import (
    Filed,
    FiledSide,
    Listed,
    about_of,
    filed_from_about,
    headline,
    letters,
    removable,
)
from facesort.review.questions import ALLOWED, Answer, Kind, question_id

IDS = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=4, max_size=10)
PEOPLE = IDS.map("p".__add__)
FACES = IDS.map("f".__add__)
# What a cell can hold: all but halves of characters.
# (and single carriage returns, which the writer here leaves bare.)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=30)


def ids(*given: str) -> Any:
    """Ids of people or faces, which are texts of their own types."""
    return given


def one(given: str) -> Any:
    return given


@st.composite
def filed_questions(draw):
    kind = draw(st.sampled_from(Kind))
    people = tuple(draw(st.lists(PEOPLE, min_size=1, max_size=4, unique=True)))
    faces = tuple(draw(st.lists(FACES, min_size=1, max_size=8, unique=True)))
    of_people = kind in {Kind.SAME, Kind.WHO}
    identity = question_id(kind, people, () if of_people else faces)
    sides = tuple(
        FiledSide(
            person,
            None,
            tuple(draw(st.lists(FACES, max_size=8, unique=True))),
            merged=draw(st.sampled_from([None, "", "abc123"])),
        )
        for person in [*people, *draw(st.lists(st.none(), max_size=1))]
    )
    listed = tuple(map(Listed, draw(st.lists(PEOPLE, max_size=9, unique=True))))
    return Filed(identity, kind, people, faces, listed, sides)


def who(*, parts=(), names=("Anna",)):
    faces = ids("f1", "f2")
    people = ids("p1", *parts)
    return Filed(
        question_id(Kind.WHO, people),
        Kind.WHO,
        people,
        (),
        tuple(Listed(one(f"p9{place}"), name) for place, name in enumerate(names)),
        (FiledSide(people[0], None, faces), *(FiledSide(p, None, ids(f"f{p}")) for p in parts)),
    )


def belongs():
    people, faces = ids("p1"), ids("f1", "f2")
    return Filed(
        question_id(Kind.BELONGS, people, faces),
        Kind.BELONGS,
        people,
        faces,
        (Listed(one("p9"), "Bert"),),
        (FiledSide(people[0], "Anna", faces), FiledSide(people[0], "Anna", ids("f7"))),
    )


def row_of(filed, **cells):
    """The only row of a table in which somebody has filled in these cells."""
    table = list(csv.reader(io.StringIO(table_of([filed]))))
    named = dict(zip(table[0], table[1], strict=True)) | {
        name.replace("_", " "): cell for name, cell in cells.items()
    }
    return read_answers(_csv([table[0], list(named.values())]))[0]


def _csv(rows, delimiter=",", encoding="utf-8-sig", end="\r\n"):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    return text.getvalue().encode(encoding)


def answered(filed, **cells):
    return given_of(row_of(filed, **cells), filed)


def test_a_column_or_a_field_that_is_there_twice_hides_nothing():
    filed = who()
    with pytest.raises(UsageError, match="two columns are called 'answer'"):
        read_answers(b"id,answer,Answer,name\nq1,ignore,,Anna\n")
    with pytest.raises(UsageError, match="two columns are called 'not these'"):
        read_answers(b"id,answer,not_these,not these\nq1,ignore,a,b\n")
    assert read_answers(b"id,answer,,,remark,remark\nq1,yes,,,,\n")[0].problem is None
    both = f'[{{"id": "{filed.id}", "answer": "yes", "answer": "no"}}, {{"id": "q2"}}]'
    first, second = read_answers(both.encode())
    assert first.id == filed.id
    assert first.problem is not None
    assert "'answer' is there twice" in first.problem.message
    assert second.problem is None
    with pytest.raises(UsageError, match="'answers' is there twice"):
        read_answers(b'{"answers": [{"id": "q1"}], "answers": []}')


def test_all_that_was_shown_of_somebody_cannot_be_taken_out():
    two = who(parts=("p2",))
    with pytest.raises(UsageError, match="all that was shown of p1"):
        answered(two, name="Anna", not_these="b c")
    with pytest.raises(UsageError, match="all that was shown of p2"):
        answered(two, name="Anna", not_these="d")
    assert answered(two, name="Anna", not_these="a d").but_people == ids("p2")


# -- there and back --------------------------------------------------------------------------------


@generated(filed_questions())
def test_a_question_survives_its_line(filed):
    back = filed_from_about(filed.id, about_of(filed))
    assert (back.kind, back.people, back.faces) == (filed.kind, filed.people, filed.faces)
    assert [one.person for one in back.listed] == [one.person for one in filed.listed]
    assert back.sides == filed.sides
    assert removable(back) == removable(filed)


@generated(
    st.lists(filed_questions(), min_size=1, max_size=4, unique_by=lambda filed: filed.id),
    st.lists(st.tuples(TEXTS, TEXTS), min_size=4, max_size=4),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_table_reads_the_same_whatever_saved_it(filed, said, delimiter, encoding, end):
    rows = list(csv.reader(io.StringIO(table_of(filed))))
    for cells, (answer, name) in zip(rows[1:], said, strict=False):
        cells[4], cells[5] = answer, name
    read = read_answers(_csv(rows, delimiter, encoding, end))
    assert [row.id for row in read] == [one.id for one in filed]
    for row, one, (answer, name) in zip(read, filed, said, strict=False):
        assert row.problem is None
        assert row.filed == filed_from_about(one.id, about_of(one))
        assert row.answer == answer.strip()
        assert row.name in {name.strip(), name.strip()[1:]}


@generated(st.binary(max_size=300))
def test_garbage_is_refused_with_a_sentence_or_read(data):
    try:
        rows = read_answers(data)
    except UsageError:
        return
    assert all(row.place for row in rows)


@generated(st.text(max_size=200), st.sampled_from(["id,answer\n", "id;answer;about\n", "[", "{"]))
def test_garbage_below_a_good_head_never_ends_otherwise(text, head):
    try:
        rows = read_answers((head + text).encode("utf-8", "surrogatepass"))
    except UsageError:
        return
    for row in rows:
        if row.problem is None and row.filed is not None:
            given_of(row, row.filed)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["id", "answer", "name", "person", "about", "kind", "people", "faces", "not_these", "another"]
)


@generated(st.lists(st.dictionaries(FIELDS, JSON, max_size=6), max_size=3))
def test_any_json_is_rows_with_or_without_a_problem(entries):
    rows = read_answers(json.dumps({"answers": entries}).encode())
    assert [row.place for row in rows] == [f"answer {n}" for n in range(1, len(entries) + 1)]


# -- what is wrong ---------------------------------------------------------------------------------


def test_what_is_wrong_with_one_row_is_said_of_that_line_alone():
    filed = belongs()
    table = table_of([filed]).splitlines()
    good = table[1].replace(",,,,", ",yes,,,", 1)
    lines = [
        table[0], good, "1,2,3", "", '1,q,a,b,"yes"x,,,', good.replace("yes", "caf\xe9"),
        "1," + "x" * 200_000 + ",,,,,,", ",,,,,,,", good.replace("belongs p1", "belongs p2"), good,
    ]  # fmt: skip
    rows = read_answers("\r\n".join(lines).encode("latin-1"))
    assert [row.place for row in rows] == [f"line {n}" for n in (2, 3, 5, 6, 7, 9, 10)]
    problems = ["" if row.problem is None else row.problem.message for row in rows]
    assert problems[0] == problems[6] == ""
    assert "3 cells where the first line has 8" in problems[1]
    assert "no row of a table" in problems[2]
    assert "not UTF-8" in problems[3]
    assert "field larger" in problems[4]
    assert "is not the question about these people" in problems[5]


def test_a_quotation_mark_that_is_never_closed_swallows_no_answer_silently():
    rows = read_answers(b'id,answer\nq1,"yes\nq2,no\n')
    assert [row.problem is not None for row in rows] == [True]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n\n", b"photo,person\na.jpg,Anna\n", b"{}", b"{", b"[1", b"[" * 100_000,
        b'{"answers": 3}', b"\x89PNG\r\n", b"\xff\xfe", b"1" * 5000, b"[" + b"1" * 5000 + b"]x",
    ],
)  # fmt: skip
def test_a_file_of_something_else_is_refused_as_a_whole(data):
    with pytest.raises(UsageError):
        read_answers(data)


def test_a_spreadsheet_s_own_first_line_is_passed_over():
    (row,) = read_answers(b"sep=;\r\nID;Answer;Not_These\r\nq1;yes;a b\r\n")
    assert (row.place, row.id, row.answer, row.not_these) == ("line 3", "q1", "yes", ("a", "b"))


def test_a_name_that_a_spreadsheet_would_compute_comes_back_as_it_was():
    assert row_of(who(), name="'=Anna").name == "=Anna"
    assert row_of(who(), name="'t Hooft").name == "'t Hooft"


@pytest.mark.parametrize(
    "entry",
    [
        3, {"answer": 3}, {"id": ["q"]}, {"nmae": "Anna"}, {"another": "yes"}, {"people": [3]},
        {"kind": "why"}, {"id": "q1", "kind": "who", "people": ["p1"]}, {"name": "\ud800"},
        {"id": "q1", "about": "who p1"},
    ],
)  # fmt: skip
def test_an_entry_of_json_that_means_nothing_says_so(entry):
    (row,) = read_answers(json.dumps([entry]).encode())
    assert row.problem is not None


# -- what was said ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("yes", Answer.YES), (" Yes. ", Answer.YES), ("Y", Answer.YES), ("no", Answer.NO),
        ("n", Answer.NO), ("Not sure", Answer.UNSURE), ("?", Answer.UNSURE), ("s", Answer.SKIP),
        ("not-a-face", Answer.NOT_A_FACE), ("Not a face!", Answer.NOT_A_FACE),
        ("x", Answer.NOT_A_FACE),
    ],
)  # fmt: skip
def test_an_answer_is_understood_as_people_write_it(written, means):
    assert answered(belongs(), answer=written).answer is means


def test_a_digit_is_somebody_listed_and_a_letter_is_taken_out():
    given = answered(belongs(), answer="1", not_these="B")
    assert (given.answer, given.person, given.but_faces) == (Answer.PERSON, "p9", ("f2",))


def test_a_name_alone_is_an_answer_also_after_no():
    assert answered(who(), name="Anna B.").name == "Anna B."
    assert answered(belongs(), answer="no", name="Cleo").answer is Answer.NAME


def test_whoever_is_taken_out_as_a_whole_keeps_their_faces():
    filed = who(parts=("p5", "p6"))
    assert [(one.letter, one.person, one.face) for one in removable(filed)] == [
        ("a", "p5", None), ("b", "p6", None), ("c", None, "f1"), ("d", None, "f2"),
        ("e", None, "fp5"), ("f", None, "fp6"),
    ]  # fmt: skip
    given = answered(filed, name="Anna", not_these="a, d; e")
    assert (given.but_people, given.but_faces) == (("p5",), ("f2",))


def test_an_open_row_is_no_answer():
    assert answered(who()) is None


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"answer": "yes"}, "'yes' is no answer to this question"),
        ({"answer": "maybe"}, "'maybe' is no answer"),
        ({"answer": "2"}, "nobody is listed under 2"),
        ({"answer": "0"}, "nobody is listed under 0"),
        ({"answer": "9" * 5000}, "nobody is listed"),
        ({"answer": "\u0661\u0661"}, "nobody is listed"),
        ({"answer": "\u00b2"}, "is no answer"),
        ({"answer": "name"}, "the name is missing"),
        ({"answer": "person"}, "does not say who"),
        ({"answer": "ignore", "name": "Anna"}, "which of them"),
        ({"answer": "1", "name": "Anna"}, "which of them"),
        ({"not_these": "a"}, "not of which answer"),
        ({"name": "Anna", "not_these": "z"}, "nothing has the letter 'z'"),
    ],
)
def test_what_is_no_answer_is_told_in_a_sentence(cells, told):
    with pytest.raises(UsageError, match=told):
        answered(who(), **cells)


def test_faces_that_were_not_shown_cannot_be_taken_out():
    filed = who()
    entry = {"id": filed.id, "about": about_of(filed), "name": "Anna", "not_faces": ["f99"]}
    (row,) = read_answers(json.dumps([entry]).encode())
    with pytest.raises(UsageError, match="was not shown"):
        given_of(row, filed)


def test_every_kind_of_question_has_its_own_sentence_and_takes_every_allowed_word():
    asked = set()
    for kind in Kind:
        people = ids("p1", "p2") if kind is Kind.SAME else ids("p1")
        faces = ids() if kind in {Kind.SAME, Kind.WHO} else ids("f1", "f2")
        listed = (Listed(one("p9"), "Anna"),)
        filed = Filed(question_id(kind, people, faces), kind, people, faces, listed)
        asked.add(headline(filed))
        for answer in ALLOWED[kind]:
            cells = {"answer": answer.value}
            if answer in {Answer.NAME, Answer.PERSON}:
                cells["name"] = "Anna"
            assert answered(filed, **cells).answer is answer
    assert len(asked) == len(Kind)


def test_letters_go_on_after_z():
    found = [letter for letter, _ in zip(letters(), range(28), strict=False)]
    assert (found[0], found[25], found[26], found[27]) == ("a", "z", "aa", "ab")


def test_the_table_has_the_columns_that_are_read():
    assert table_of([]).strip() == ",".join(COLUMNS)
