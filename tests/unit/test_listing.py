"""How people are listed: fast ways that print what the plain ways would."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.catalog.showing import PersonRow
from facesort.cli import listing
from facesort.cli.render import Screen
from facesort.domain import FaceId, PersonId

_ROWS = st.builds(
    PersonRow,
    st.just(PersonId("p3k9x2ab")),
    st.none() | st.text(min_size=1),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.none() | st.just(FaceId("f5m1q8z3t7ke")),
    st.integers(0, 99),
    st.booleans(),
    st.none() | st.integers(1, 99),
)


@given(_ROWS)
def test_a_person_s_line_is_what_the_json_encoder_would_write(row):
    assert json.loads(listing.person_line(row)) == listing.person_document(row)


@pytest.mark.parametrize("count", [0, 1, 2000, 2001, 4003])
def test_a_long_list_is_one_json_document(capsys, count):
    Screen().documents({"number": i} for i in range(count))
    assert json.loads(capsys.readouterr().out) == [{"number": i} for i in range(count)]


def test_columns_stand_below_each_other_whatever_is_in_them(capsys):
    rows = [["p1", "3", "東京"], ["p22", "12,345", "\x1b[2J"], ["p333", "7", "Zoë"]]
    Screen().table(["person", "photos", "name"], rows, numbers=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "person  photos  name"
    assert lines[1] == "p1           3  東京"
    assert lines[2] == "p22     12,345  \\x1b[2J"
    assert lines[3] == "p333         7  Zoë"


def test_wide_letters_take_two_columns(capsys):
    Screen().table(["name", "photos"], [["東京", "3"], ["Anna", "4"]], numbers=1)
    assert capsys.readouterr().out.splitlines()[1:] == ["東京       3", "Anna       4"]
