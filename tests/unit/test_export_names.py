from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facesort.export.names import (
    MAX_BYTES,
    comparable,
    comparable_path,
    cut,
    safe_component,
    split_extension,
    with_suffix,
)

# Lone surrogates are what Python makes of file names that are no text; hypothesis leaves them out.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200) | st.text(
    st.sampled_from('./\\:*?"<>| ~CONaux1\u0301\u202e\u200d\ud800\U0001f469\U0001f3fd\u00df\ufb01')
)
FORBIDDEN = set('<>:"/\\|?*') | {chr(c) for c in range(32)} | {"\x7f"}


@given(ANY_TEXT)
@example("../../x")
@example("CON" + " " * 150 + "x")
@example("e" + "\u202e" + "\u0301")
@example("\u0301" * 300)
@example("a" * 119 + ". b")
def test_a_safe_name_is_safe_on_every_file_system(text):
    name = safe_component(text)
    assert name
    assert not FORBIDDEN & set(name)
    assert name[-1] not in ". "
    assert name[0] not in ". "
    assert len(name.encode()) <= MAX_BYTES  # also proves that no lone surrogate is left
    assert unicodedata.is_normalized("NFC", name)
    stem = name.split(".")[0].strip().upper()
    assert stem not in {"CON", "PRN", "AUX", "NUL", "COM1", "COM9", "LPT1", "COM¹"}
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(name)


@given(ANY_TEXT)
def test_making_a_name_safe_twice_changes_nothing_more(text):
    assert safe_component(safe_component(text)) == safe_component(text)


@given(ANY_TEXT)
def test_composed_and_decomposed_spelling_give_one_name(text):
    assert safe_component(unicodedata.normalize("NFD", text)) == safe_component(
        unicodedata.normalize("NFC", text)
    )


@given(ANY_TEXT, st.sampled_from([".jpg", ".JPEG", ".cr3", ".heic"]))
def test_an_extension_outlives_every_cut(stem, extension):
    assert safe_component("x" + stem + extension).endswith(extension)


@given(st.text("abcXYZ0189 _-äß中👩", min_size=1, max_size=25).map(str.strip).filter(bool))
def test_an_ordinary_name_stays_as_it_is(text):
    name = unicodedata.normalize("NFC", text)
    assert safe_component(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Anna", "Anna"),
        ("Zoë Müller-Weiß", "Zoë Müller-Weiß"),
        ("../../x", "_.._.._x"),
        ("..", "_"),
        ("", "_"),
        ("   ", "_"),
        (".hidden", "_.hidden"),
        ("CON", "_CON"),
        ("nul.jpg", "_nul.jpg"),
        ("Com1 .txt", "_Com1 .txt"),
        ("LPT³", "_LPT³"),
        ("console", "console"),
        ("Anna.", "Anna"),
        ("Anna . .", "Anna"),
        ("a/b\\c:d", "a_b_c_d"),
        ("tab\there", "tab_here"),
        ("photo\udcff.jpg", "photo_.jpg"),
        ("Anna\u202egpj.exe", "Annagpj.exe"),
        ("Mia 👩‍👩‍👧 2024", "Mia 👩‍👩‍👧 2024"),
        ("cafe\u0301", "café"),
    ],
)
def test_known_difficult_names(text, name):
    assert safe_component(text) == name


def test_a_cut_does_not_split_what_the_user_sees_as_one_character():
    family = "👩‍👩‍👧"
    assert cut(family * 10, 100) == family * 5
    assert cut("e\u0323\u0301" * 3, 7) == "e\u0323\u0301"
    assert cut("👍🏽👍🏽", 13) == "👍🏽"


def test_a_cut_of_one_endless_character_still_leaves_something():
    assert cut("e" + "\u0301" * 100, 9) == "e" + "\u0301" * 4


@given(ANY_TEXT.map(safe_component), st.sampled_from([" (p1)", " (0123456789abcdef)"]))
def test_a_suffixed_folder_is_still_a_safe_name(name, suffix):
    suffixed = with_suffix(name, suffix)
    assert suffixed.endswith(suffix)
    assert safe_component(suffixed) == suffixed


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("IMG_1.JPG", ("IMG_1", ".JPG")),
        ("a.b.c", ("a.b", ".c")),
        ("noextension", ("noextension", "")),
        (".jpg", (".jpg", "")),
        ("J. R. Smith", ("J. R. Smith", "")),
        ("x.averylongextension", ("x.averylongextension", "")),
    ],
)
def test_extensions_are_short_and_plain(name, parts):
    assert split_extension(name) == parts


@given(ANY_TEXT)
def test_names_equal_in_casefolded_nfc_are_comparable(text):
    folded = unicodedata.normalize("NFC", text).casefold()
    assert comparable(folded) == comparable(text)


@given(ANY_TEXT)
def test_comparing_does_not_care_for_form_or_case(text):
    assert comparable(unicodedata.normalize("NFD", text)) == comparable(text)
    assert comparable(text.lower()) == comparable(text.lower().casefold())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ANNA", "anna"),
        ("Zoe\u0308", "zoë"),
        ("STRASSE", "straße"),
        ("ılk", "Ilk"),
        ("a\u200db", "ab"),
    ],
)
def test_names_that_some_disk_takes_for_one_are_comparable(one, other):
    assert comparable(one) == comparable(other)


def test_different_names_stay_different():
    assert comparable("Anna") != comparable("Anne")
    assert comparable_path("Anna/x.JPG") == "anna/x.jpg"
