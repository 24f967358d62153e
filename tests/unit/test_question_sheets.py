"""Contact sheets of questions."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facesort.jobs.batch import sheet
from facesort.jobs.batch.sheet import draw_sheets
from facesort.review.questions import Kind

FACES = {f"f{n}": np.full((160, 160, 3), 40 * n, np.uint8) for n in range(5)}


def question(number, *, kind="who", name=None, sides=1, listed=0):
    shown = [{"face": f"f{n}", "letter": "abcde"[n]} for n in range(5)]
    return {
        "number": number,
        "kind": kind,
        "asked": "Who is this?",
        "answers": ["unsure", "name", "person"],
        "sides": [
            {"name": name, "letter": "z" if place else None, "shown": shown}
            for place in range(sides)
        ],
        "listed": [
            {"digit": n, "name": name, "ignored": True, "shown": shown[:1]}
            for n in range(1, listed + 1)
        ],
    }


def pages(questions):
    return [Image.open(BytesIO(sheet)) for sheet in draw_sheets(questions, FACES)]  # type: ignore[arg-type]


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(Kind), st.integers(1, 9), st.integers(0, 9)), max_size=6))
def test_every_sheet_is_one_page_and_holds_at_least_one_question(asked):
    questions = [
        question(number, kind=kind.value, sides=sides, listed=listed, name="Anna")
        for number, (kind, sides, listed) in enumerate(asked)
    ]
    drawn = pages(questions)
    assert len(drawn) <= len(questions)
    assert all(page.size == (1240, 1754) for page in drawn)
    assert bool(drawn) is bool(questions)


def test_a_question_is_never_torn_apart():
    small, large = question(1), question(2, sides=9)
    assert len(pages([small])) == len(pages([large])) == 1
    assert len(pages([small] * 4 + [large])) == 2
    one = np.asarray(pages([large])[0])
    two = np.asarray(pages([small] * 4 + [large])[1])
    assert np.array_equal(one, two)


@pytest.mark.parametrize("fonts", [sheet._FONTS, ()])
def test_any_name_can_be_drawn_and_a_long_one_is_cut(monkeypatch, fonts):
    monkeypatch.setattr(sheet, "_FONTS", fonts)
    sheet._font.cache_clear()
    try:
        for name in ["Zo\xeb", "\u7530\u4e2d", "\U0001f600", "W" * 500, "a\nb", "\u202eanna"]:
            assert len(pages([question(1, name=name, listed=2)])) == 1
        assert sheet._fitting("W" * 500, 18, 300).endswith("...")
        assert sheet._drawable("Zo\xeb", 18) in {"Zo\xeb", "Zoe"}
    finally:
        sheet._font.cache_clear()
