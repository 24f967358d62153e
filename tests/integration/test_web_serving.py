"""The page's server begins and ends as a command does, and says where it is."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.albums import people_of

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from facesort.cli.review_web import review_web
from facesort.errors import UsageError
from facesort.web.security import Door
from facesort.web.server import serve
from tests.served import Visitor

_SERVE = """
import sys
from pathlib import Path
from facesort.cli.review_web import review_web
from tests.fakes import open_library
review_web(lambda: open_library(Path(sys.argv[1])), say=lambda line: print(line, flush=True),
           open_browser=False, min_photos=2)
print("over")
"""


_HERE = Path(__file__).parents[2]
_posix = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way there")


def visitor_of(line):
    """Return who has read the address, and its path."""
    found = re.search(r"http://127\.0\.0\.1:(\d+)(/enter\?token=[\w-]{40,})", line)
    assert found, line
    return Visitor(Door(int(found[1]))), found[2]


def come_in(visitor, path):
    visitor.cookie = visitor.get(path).headers["set-cookie"].partition(";")[0]
    assert visitor.get("/").status == 200


@_posix
def test_it_listens_on_this_machine_only_and_ctrl_c_ends_it(album):
    command = [sys.executable, "-c", _SERVE, str(album.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_HERE) as running:
        try:
            assert running.stdout is not None
            line = running.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)/enter\?token=[\w-]{40,}", line)
            assert found, line
            socket.create_connection(("127.0.0.1", int(found[1])), 10).close()
            with pytest.raises(OSError, match="refused"):  # another address of this very machine
                socket.create_connection(("127.0.0.2", int(found[1])), 10)
            running.send_signal(signal.SIGINT)
            rest, _ = running.communicate(timeout=30)
        finally:
            running.kill()
    assert rest == "over\n"
    assert running.returncode == 0


@_posix
def test_ctrl_c_ends_it_at_once_whatever_is_open(album):
    command = [sys.executable, "-c", _SERVE, str(album.folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=_HERE
    ) as running:
        try:
            assert running.stdout is not None
            visitor, path = visitor_of(running.stdout.readline())
            come_in(visitor, path)
            address = ("127.0.0.1", visitor.door.port)
            host = f"Host: 127.0.0.1:{visitor.door.port}\r\nCookie: {visitor.cookie}\r\n"
            cut_off = "Content-Length: 100\r\n\r\nab"
            beginnings = [
                "",  # says nothing
                "GET / HTT",
                f"GET / HTTP/1.1\r\n{host}\r\n",  # stays open afterwards
                # Announces more than it sends.
                f"POST /undo HTTP/1.1\r\n{host}Origin: {visitor.origin}\r\n{cut_off}",
            ]
            opened = []
            for beginning in beginnings:
                opened.append(socket.create_connection(address, 10))
                opened[-1].sendall(beginning.encode())
            assert opened[2].recv(12) == b"HTTP/1.1 200"
            began = time.monotonic()
            running.send_signal(signal.SIGINT)
            rest, complaints = running.communicate(timeout=30)
            took = time.monotonic() - began
            for one in opened:
                one.close()
        finally:
            running.kill()
    assert (rest, complaints, running.returncode) == ("over\n", "", 0)
    assert took < 5
    with socket.socket() as again:  # the port is free
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        again.bind(address)
    with album.open() as library:  # and so is the library
        assert library.scan([album.photos]).counts.unchanged == 5
        assert len(people_of(library)) == 4


@_posix
def test_enter_prints_a_new_address_and_the_sitting_goes_on(album):
    pexpect = pytest.importorskip("pexpect")
    running = pexpect.spawn(
        sys.executable, ["-c", _SERVE, str(album.folder)], cwd=str(_HERE), encoding="utf-8",
        timeout=30, dimensions=(24, 200),
    )  # fmt: skip
    try:
        running.expect("Ctrl-C ends it")
        first, path = visitor_of(running.before)
        come_in(first, path)
        stranger = Visitor(first.door)
        refused = stranger.get(path)
        assert (refused.status, "Press Enter where facesort runs" in refused.text) == (403, True)
        running.sendline("")
        running.expect(r"A new address: (\S+) \(works once\)")
        other, path = visitor_of(running.match[1])
        come_in(other, path)
        assert first.get("/").status == 200
        running.sendintr()
        running.expect("over")
        running.expect(pexpect.EOF)
        running.close()
        assert running.exitstatus == 0
    finally:
        running.close(force=True)


def test_a_port_that_is_taken_is_said(album):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="port"):
        serve(album.open, say=print, port=taken.getsockname()[1], open_browser=False)


def test_without_the_extra_it_says_how_to_install_it(monkeypatch, album):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "facesort.web.server")
    with pytest.raises(UsageError, match="uvicorn") as refused:
        review_web(album.open, say=print, open_browser=False)
    assert "facesort[web]" in refused.value.hint
