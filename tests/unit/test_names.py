"""Names: what cannot be seen makes no other name, and what would look like nothing is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import comparable_name, tidy_name
from facesort.errors import UsageError
from facesort.jobs.decide import clean_name

LETTERS = st.text(
    st.one_of(
        st.sampled_from("aA \u00a0\u2003\u3000\u200b\u200c\u200d\u202e\u2066\ufeff\n\u2028e\u0301"),
        st.characters(),
    ),
    max_size=20,
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Anna   Berg ", "Anna Berg"),
        ("Anna\N{NO-BREAK SPACE}Berg", "Anna Berg"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}An\N{ZERO WIDTH SPACE}na", "Anna"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}Anna\N{POP DIRECTIONAL FORMATTING}", "Anna"),
        ("\N{LEFT-TO-RIGHT ISOLATE}Anna\N{POP DIRECTIONAL ISOLATE}", "Anna"),
        ("Anna\N{SOFT HYPHEN}Lena", "AnnaLena"),
        ("Anna\N{ZERO WIDTH JOINER}", "Anna"),
        ("Zoe\N{ZERO WIDTH SPACE}\N{COMBINING DIAERESIS}", "Zoë"),
        ("علی\N{ZERO WIDTH NON-JOINER}رضا", "علی\N{ZERO WIDTH NON-JOINER}رضا"),
        ("👩\N{ZERO WIDTH JOINER}🎤", "👩\N{ZERO WIDTH JOINER}🎤"),
        ("Anna\n", "Anna"),
    ],
)
def test_a_name_is_kept_without_what_cannot_be_seen(typed, kept):
    assert clean_name(typed) == kept
    assert comparable_name(typed) == comparable_name(kept)


@pytest.mark.parametrize(
    "name",
    [
        "\N{ZERO WIDTH SPACE}",
        "\N{RIGHT-TO-LEFT OVERRIDE}",
        "\N{ZERO WIDTH JOINER}",
        "\N{HANGUL FILLER}",
        "\N{BRAILLE PATTERN BLANK}",
        "\N{COMBINING ACUTE ACCENT}",
        "\N{VARIATION SELECTOR-16}",
        "\N{TAG SPACE}",
        "\N{NO-BREAK SPACE} \N{IDEOGRAPHIC SPACE}",
        "two\N{LINE SEPARATOR}lines",
        "two\nlines",
    ],
)
def test_what_looks_like_nothing_or_like_two_lines_is_no_name(name):
    with pytest.raises(UsageError, match="a name cannot"):
        clean_name(name)


def test_names_differ_where_something_that_can_be_seen_does():
    assert comparable_name("Anna Berg") != comparable_name("AnnaBerg")
    assert comparable_name("Zoe") != comparable_name("Zoë")
    assert comparable_name("STRASSE") == comparable_name("straße")


@given(LETTERS)
def test_a_tidy_name_stays_as_it_is(name):
    tidy = tidy_name(name)
    assert tidy_name(tidy) == tidy
    assert comparable_name(tidy) == comparable_name(name)
    assert "  " not in tidy
    assert tidy == tidy.strip()
