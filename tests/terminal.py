"""Running the command line in tests: in this process, in its own, or without root's rights."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from facesort.cli.app import main

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["REPOSITORY", "Outcome", "environment", "facesort", "facesort_process", "unprivileged"]

REPOSITORY = Path(__file__).resolve().parents[1]

# What the `facesort` script does.
_SCRIPT = (sys.executable, "-c", "from facesort.cli.app import main; main()")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Parse stdout, which must be one document and nothing else."""
        return json.loads(self.out)


class _Stream(io.TextIOWrapper):
    """Stdout or stderr as a command finds it in a pipe: bytes beneath, and no terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()


def facesort(*args: str | os.PathLike[str]) -> Outcome:
    """Run a command in this process: fast, and `monkeypatch` reaches it."""
    out, err = _Stream(), _Stream()
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([os.fspath(arg) for arg in args])
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int | None)
    return Outcome(code or 0, out.text(), err.text())


def environment(**changes: str | None) -> dict[str, str]:
    """Return this test's environment with changes; None removes."""
    values = {**os.environ, **changes}
    return {name: value for name, value in values.items() if value is not None}


def facesort_process(
    *args: str | os.PathLike[str],
    prefix: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Outcome:
    """Run a command in a process of its own, as a user does."""
    done = subprocess.run(
        [*prefix, *_SCRIPT, *(os.fspath(arg) for arg in args)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment(PYTHONPATH=str(REPOSITORY)) if env is None else dict(env),
        cwd=cwd or REPOSITORY,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def unprivileged() -> list[str]:
    """Return what to put before a command so that file permissions bind it; or skip the test."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has other access rights")
    if os.geteuid() != 0:
        return []
    lost = "-dac_override,-dac_read_search"
    prefix = ["setpriv", f"--bounding-set={lost}", f"--inh-caps={lost}"]
    if (
        shutil.which("setpriv") is None
        or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("permissions do not bind root, and setpriv is not here to change that")
    return prefix
