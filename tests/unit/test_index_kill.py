"""Killing the process that publishes an index never makes a wrong answer."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.terminal import REPOSITORY
from tests.unit.test_index_store import assert_right, contents, opened, published

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("hnswlib")

# Publishes the index of ever other faces, so that most of its time goes into writing.
PUBLISHER = """
import sys
from pathlib import Path
from tests.unit.test_index_store import contents, opened
print("ready", flush=True)
while True:
    for rows in (range(400), range(500), range(300, 700)):
        opened(Path(sys.argv[1]), contents(rows), publish=True)
"""


def killed_while_publishing(folder: Path, seconds: float) -> None:
    """Let a process publish for a while, and end it without warning."""
    command = [sys.executable, "-c", PUBLISHER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        assert process.poll() is None
        process.kill()


@pytest.mark.slow
def test_whenever_publishing_is_killed_the_next_search_is_right(tmp_path):
    moments = random.Random(11)
    for _ in range(12):
        killed_while_publishing(tmp_path, moments.uniform(0.02, 0.6))
        for rows in (range(500), range(300, 700)):
            of = contents(rows)
            assert_right(opened(tmp_path, of), of)
    published(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3  # what the killed ones left is gone
