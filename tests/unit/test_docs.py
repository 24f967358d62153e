"""What the documents point at exists, and the numbers they compute are the code's."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from facesort.grouping.calibration import Calibration, merge_rule
from tests.weights import card

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_link_leads_to_a_file_that_exists(document):
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))
    files = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert not [target for target in files if not (document.parent / target).exists()]


@pytest.mark.parametrize("picture", sorted(ROOT.glob("docs/images/*.svg")), ids=_name)
def test_every_picture_is_used_is_well_formed_and_says_what_it_shows(picture):
    assert any(picture.name in document.read_text(encoding="utf-8") for document in DOCUMENTS)
    root = ElementTree.fromstring(picture.read_bytes())
    assert root.findtext("{http://www.w3.org/2000/svg}title")


def test_the_bars_in_the_document_about_identity_are_those_of_the_default_rule():
    text = (ROOT / "docs" / "identity.md").read_text(encoding="utf-8")
    rows = [row.strip("| ").split(" | ") for row in re.findall(r"^\| .* \|$", text, re.M)]
    table = {row[0]: row[1:] for row in rows}
    people = [int(number.replace(",", "")) for number in table["people"]]
    rule = merge_rule(Calibration.from_card(card("sface").calibration))
    titles = {1: "two single faces", 5: "five faces each", 20: "twenty faces each"}
    for faces, title in titles.items():
        bars = [rule.min_cosine(number, faces) for number in people]
        assert [float(bar) for bar in table[title]] == pytest.approx(bars, abs=0.002)
