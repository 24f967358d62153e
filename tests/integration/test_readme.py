"""Every command that the README shows is run, in order, and prints what the README says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.samples import album_or_skip

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


def session() -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the README's session with the lines below it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```console\n(.*?)```", text, re.S)
    assert block is not None
    command = ""
    shown: list[str] = []
    for line in block[1].splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        else:
            shown.append(line.rstrip())
    yield command, shown


def as_pattern(shown: list[str]) -> str:
    return "".join(
        ".*".join(re.escape(part) for part in line.split("...", 1)) + "\n" for line in shown
    )


@pytest.mark.slow
@pytest.mark.weights
def test_the_readme_session_prints_what_it_shows(tmp_path, monkeypatch):
    album_or_skip(tmp_path / "photos")
    monkeypatch.setenv("FACESORT_LIBRARY", str(tmp_path / "library"))
    commands = list(session())
    assert len(commands) >= 8
    for command, shown in commands:
        program, *arguments = shlex.split(command)
        assert program == "facesort"
        ran = subprocess.run(
            [sys.executable, "-c", "from facesort.cli.app import main; main()", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert ran.returncode == 0, (command, ran.stderr)
        printed = "".join(line.rstrip() + "\n" for line in ran.stdout.splitlines())
        if shown != ["..."]:
            assert re.fullmatch(as_pattern(shown), printed), (command, printed)


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.skipif(sys.platform == "win32", reason="pexpect needs a pseudo-terminal")
def test_the_readme_s_ways_to_review_work(tmp_path, monkeypatch):
    import pexpect

    album_or_skip(tmp_path / "photos")
    monkeypatch.setenv("FACESORT_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("BROWSER", "true")  # the program that does nothing and is content
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    facesort (review\b[^#\n]*)", text, re.M)
    assert [line.split()[1:2] for line in shown] == [
        [], ["--web"], ["--export-questions"], ["--answers"]
    ]  # fmt: skip
    program = ["-c", "from facesort.cli.app import main; main()"]

    def spawn(line: str) -> pexpect.spawn[str]:
        arguments = [*program, *shlex.split(line)]
        return pexpect.spawn(
            sys.executable, arguments, cwd=tmp_path, encoding="utf-8", timeout=60
        )  # fmt: skip

    def wait(child: pexpect.spawn[str]) -> str:
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0, child.before
        return str(child.before)

    wait(spawn("scan photos"))
    terminal, page, export, answers = shown
    child = spawn(terminal)
    child.expect("Who is this")
    child.expect("quit.*> ")  # keys that come before a question is on the screen are forgotten
    child.send("q")
    wait(child)
    child = spawn(page)
    child.expect(r"http://127\.0\.0\.1:")
    child.sendintr()
    wait(child)
    assert "6 questions with 26 faces" in wait(spawn(export))
    filled = tmp_path / "client" / "answers.csv"
    lines = filled.read_text(encoding="utf-8-sig").splitlines()
    header = lines[0].split(",")
    filled.write_text(
        "\n".join([lines[0], lines[1].replace(",,,,", ",name,Anna,,")]), encoding="utf-8-sig"
    )
    assert header[4:6] == ["answer", "name"]
    assert "1 answer kept" in wait(spawn(answers))


def test_every_command_of_the_readme_table_exists_and_every_command_is_in_it():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {
        word
        for row in re.findall(r"^\| (`.*?) \|", text, re.M)
        for word in re.findall(r"`([a-z-]+)", row)
    }
    from typer.main import get_command

    from facesort.cli.app import app

    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert commands <= named, commands - named


def test_every_extra_is_in_the_readme_and_every_extra_of_the_readme_exists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shown = re.findall(r"facesort\[(\w+)\]", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(shown) == set(project["optional-dependencies"])
