"""Once the models are cached, nothing that facesort does opens a connection."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import png
from tests.samples import album_or_skip
from tests.terminal import REPOSITORY, Outcome, environment, facesort_process
from tests.weights import real_weights

# Python runs this before anything else in the process, and in every process that it starts.
SITECUSTOMIZE = """
import os, socket
def forbidden(*args, **kwargs):
    with open(os.environ["NETWORK_LOG"], "a") as log:
        log.write(repr(args) + "\\n")
    raise OSError("this test forbids the network")
class Forbidden(socket.socket):
    connect = connect_ex = sendto = forbidden
socket.socket = Forbidden
socket.create_connection = socket.getaddrinfo = socket.gethostbyname = forbidden
"""


class Offline:
    """Runs commands in processes that cannot open a connection, and that write down each try."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "network.log"
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
        path = f"{folder / 'site'}{':' if sys.platform != 'win32' else ';'}{REPOSITORY}"
        self.env = environment(PYTHONPATH=path, NETWORK_LOG=str(self.log))

    def run(self, *args: str | Path, **changes: str) -> Outcome:
        return facesort_process(*args, env={**self.env, **changes})

    @property
    def tried(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def offline(tmp_path: Path) -> Offline:
    return Offline(tmp_path)


def test_the_guard_of_these_tests_notices_a_connection(offline, tmp_path):
    # A first fetch wants one: if this finds nothing, the other tests prove nothing.
    png(tmp_path / "photos" / "a.png", "anna", number=1)
    changes = {"FACESORT_CACHE": str(tmp_path / "empty"), "PIP_NO_INDEX": "1"}
    done = offline.run("scan", tmp_path / "photos", **changes)
    assert done.code == 23
    assert "Traceback" not in done.err
    assert offline.tried


@pytest.mark.slow
@pytest.mark.weights
def test_the_whole_path_from_photos_to_albums_opens_no_connection(offline, tmp_path):
    for name in ("yunet", "sface"):
        real_weights(name)
    photos = tmp_path / "photos"
    album_or_skip(photos, variations=False)
    scanned = offline.run("scan", photos, "--json")
    assert scanned.code == 0, scanned.err
    assert scanned.json()["faces"] > 0
    people = offline.run("people", "--json").json()
    assert offline.run("name", people[0]["person"], "Somebody").code == 0
    albums = tmp_path / "albums"
    assert offline.run("people", "--all", "--sheet", tmp_path / "sheets").code == 0
    assert offline.run("export", albums).code == 0
    assert len([path for path in (albums / "Somebody").iterdir() if path.is_file()]) >= 1
    assert json.loads((albums / "manifest.json").read_text())["facesort"]
    assert offline.run("models", "pull").code == 0  # they are here
    assert offline.run("models", "list").code == 0
    assert offline.run("group").code == 0
    assert offline.tried == ""


@pytest.mark.skipif(sys.platform == "win32", reason="reports elsewhere on Windows")
@pytest.mark.weights
def test_the_runtime_keeps_no_record_for_its_maker(tmp_path):
    # ONNX Runtime is compiled code: what it would send is seen by the files it queues it in.
    detector = real_weights("yunet")
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    program = (
        "import sys; from pathlib import Path\n"
        "from facesort.inference.session import open_session\n"
        "session = open_session(Path(sys.argv[1]), provider='cpu')\n"
        "print(session.provider)"
    )
    kept = {"HOME": str(home), "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(home / ".cache")}
    done = subprocess.run(
        [sys.executable, "-c", program, str(detector)],
        capture_output=True,
        text=True,
        check=False,
        env={**environment(), **kept},
        cwd=REPOSITORY,
    )
    assert done.stdout == "cpu\n", done.stderr
    left = [path for folder in (home, temporary) for path in folder.rglob("*")]
    assert [str(path) for path in left if path.is_file()] == []
