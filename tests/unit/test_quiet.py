"""What image libraries print from C stays off the terminal; what facesort says does not."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from facesort.cli.quiet import quiet_libraries

# Writing to descriptor 2 is what C does.
SCRIPT = """
import os, sys, warnings
from facesort.cli.quiet import quiet_libraries

os.write(2, b"before\\n")
try:
    with quiet_libraries():
        os.write(2, b"_tiffReadProc: Invalid Read\\n")
        sys.stderr.write("a message of facesort, ä\\n")
        warnings.warn_explicit("odd metadata", UserWarning, "x.py", 1, module="PIL.TiffImagePlugin")
        {inside}
finally:
    os.write(2, b"after\\n")
    sys.stderr.write("the last word\\n")
"""


def _stderr_of(inside: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", SCRIPT.format(inside=inside)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stderr.splitlines()


def test_c_is_silenced_and_python_is_not():
    assert _stderr_of("pass") == ["before", "a message of facesort, ä", "after", "the last word"]


def test_an_error_inside_is_reported_on_the_real_terminal():
    said = _stderr_of("raise ValueError('a bug')")
    assert said[:4] == ["before", "a message of facesort, ä", "after", "the last word"]
    assert said[-1] == "ValueError: a bug"


def test_no_descriptor_is_left_open():
    # The copy of the terminal and the null device would both take the next number otherwise.
    check = "pass\n    free = os.dup(0)\n    assert free == 3, free"
    assert _stderr_of(check)[-1] == "the last word"


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_stream_that_is_no_terminal_is_left_alone(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    with quiet_libraries():
        assert sys.stderr is stream
    assert sys.stderr is stream
