"""Files are read before they are needed, within a limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from facesort.errors import Unreadable
from facesort.imaging.ahead import ReadAhead
from facesort.workers import StageTimes

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 10.0


def files(folder: Path, count: int, size: int) -> list[Path]:
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * size)
    return paths


def test_files_come_with_their_bytes(tmp_path: Path):
    paths, times = files(tmp_path, 20, 100), StageTimes()
    with ReadAhead(1000, times) as ahead:
        coming = [ahead.begin(path) for path in paths]
        for number, file in enumerate(coming):
            assert file.take() == bytes([number]) * 100
    assert times.seconds["read"] > 0


def test_no_more_than_the_limit_is_read_before_it_is_taken(tmp_path: Path):
    with ReadAhead(250, StageTimes()) as ahead:
        coming = [ahead.begin(path) for path in files(tmp_path, 4, 100)]
        deadline = time.monotonic() + PATIENCE
        while not coming[1].content.done() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.1)
        assert [file.content.done() for file in coming] == [True, True, False, False]
        coming[0].take()
        coming[2].content.result(PATIENCE)


def test_a_file_larger_than_the_limit_is_read_alone(tmp_path: Path):
    with ReadAhead(10, StageTimes()) as ahead:
        for file in [ahead.begin(path) for path in files(tmp_path, 3, 100)]:
            assert len(file.take()) == 100


def test_a_missing_file_is_an_error_where_it_is_taken_and_holds_nothing(tmp_path: Path):
    [path] = files(tmp_path, 1, 100)
    with ReadAhead(100, StageTimes()) as ahead:
        missing, present = ahead.begin(tmp_path / "gone.jpg"), ahead.begin(path)
        with pytest.raises(Unreadable, match=r"gone\.jpg"):
            missing.take()
        assert len(present.take()) == 100


def test_leaving_early_does_not_wait_for_files_that_nobody_takes(tmp_path: Path):
    started = time.monotonic()
    with ReadAhead(100, StageTimes()) as ahead:
        for path in files(tmp_path, 10, 100):
            ahead.begin(path)
    assert time.monotonic() - started < PATIENCE
