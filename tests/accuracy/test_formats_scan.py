"""One scan of all the odd, huge, truncated and hostile files, with the real models."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]


def test_every_file_is_read_recorded_or_skipped(formats):
    photos = formats.report["photos"]
    files = sum(path.is_file() for path in formats.folder.rglob("*"))
    not_looked_at = Counter(photos["skipped"])
    # Files with a photo's suffix that turn out to be something else are seen and then skipped.
    seen_and_skipped = photos["seen"] - photos["new"] - photos["copies"] - photos["failed"]
    assert photos["seen"] + sum(not_looked_at.values()) - seen_and_skipped == files
    assert photos["new"] > 700
    assert 0 < photos["failed"] < 0.1 * photos["seen"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")
def test_memory_stays_below_two_gigabytes(formats):
    assert 0 < formats.ran.peak_bytes < 2 * 2**30


def test_each_failure_is_kept_with_its_reason(formats):
    failed = formats.facesort.ask("photos", "--failed")
    assert len(failed) == formats.report["photos"]["failed"]
    assert all(row["reason"] for row in failed)
    reasons = {Path(row["photo"]).name: row["reason"] for row in failed}
    assert reasons["truncated_jpeg.jpg"] == "the file ends early"
    assert "more than 300 megapixels" in reasons["decompression_bomb.gif"]
    assert "no readable picture header" in reasons["zero_width.gif"]


def test_the_terminal_shows_what_facesort_says_and_nothing_from_its_libraries(formats):
    ours = ("Looking at photos", "Grouping faces")
    stray = [
        line
        for line in formats.ran.stderr.splitlines()
        if not line.startswith((*ours, str(formats.folder)))
    ]
    assert stray == []


def test_a_second_scan_opens_nothing_and_still_counts_the_failures(formats, tmp_path):
    facesort = formats.facesort.copied(tmp_path / "library")
    ran = facesort.run("scan", formats.folder, expect=3)
    assert not [path for path in ran.opened if path.startswith(str(formats.folder))]
    assert f"{formats.report['photos']['failed']} failed" in ran.stdout


def test_faces_are_found_in_formats_that_cameras_and_phones_write(formats):
    suffixes = {face.photo.suffix.lower() for face in formats.facesort.faces()}
    assert suffixes >= {".jpg", ".png", ".webp", ".tif"}
