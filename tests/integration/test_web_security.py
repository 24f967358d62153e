"""The review's page lets in this machine's user and nobody else."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
from urllib.parse import quote

import pytest

from tests.albums import Album, faces_of, people_of, status_of

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from facesort.jobs.review.session import ReviewSession
from tests.served import Visitor, served


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Shared by all tests that must leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESORT_LIBRARY", str(tmp_path_factory.mktemp("library")))
        return Album(tmp_path_factory.mktemp("album"))


@pytest.fixture
def own(tmp_path):
    """For tests that change it: a library of theirs, and its user."""
    album = Album(tmp_path)
    with served(album.open) as visitor:
        visitor.enter()
        yield album, visitor


@pytest.fixture
def stranger(album):
    """Somebody on this machine without the address."""
    with served(album.open) as visitor:
        yield visitor


@pytest.fixture
def user(stranger):
    assert stranger.enter().status == 303
    return stranger


@pytest.fixture
def anna(album):
    return anna_of(album)


def anna_of(album) -> str:
    with album.open() as library:
        return str(album.ids(library)["anna"])


def names(album) -> set[str | None]:
    with album.open() as library:
        return {person.name for person in people_of(library).values()}


# -- coming in -----------------------------------------------------------------------------------


def test_the_address_works_once_and_gives_a_cookie_that_scripts_and_other_pages_cannot_use(
    stranger,
):
    address = stranger.door.address.removeprefix(stranger.origin)
    reply = stranger.enter()
    assert (reply.status, reply.headers["location"]) == (303, "/")
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert stranger.get("/").status == 200
    again = Visitor(stranger.door).get(address)
    assert again.status == 403
    assert "Start again: facesort review --web" in again.text
    assert "set-cookie" not in again.headers
    assert stranger.get("/").status == 200  # the second try has locked nobody out


def test_the_same_browser_may_open_the_address_again(user):
    reply = user.get("/enter?token=used")
    assert (reply.status, reply.headers["location"]) == (303, "/")
    assert "set-cookie" not in reply.headers


def test_a_new_address_lets_another_browser_in_and_the_first_one_stays(user):
    asked = user.door.renew().removeprefix(user.origin)
    renewed = user.door.renew().removeprefix(user.origin)
    other = Visitor(user.door)
    assert other.get(asked).status == 403  # only the newest works
    other.cookie = other.get(renewed).headers["set-cookie"].partition(";")[0]
    assert other.cookie != user.cookie
    assert (other.get("/").status, user.get("/").status) == (200, 200)
    assert Visitor(user.door).get(renewed).status == 403


def test_looking_ahead_does_not_use_the_address_up(stranger):
    address = stranger.door.address.removeprefix(stranger.origin)
    assert stranger.send("HEAD", address).status == 403
    assert stranger.enter().status == 303
    assert stranger.send("HEAD", "/").body == b""


@pytest.mark.parametrize("token", ["", "wrong", "%00", "é", "a" * 5000])
def test_a_wrong_token_gives_nothing_and_uses_nothing_up(stranger, token):
    assert stranger.get(f"/enter?token={quote(token)}").status == 403
    assert stranger.get("/enter").status == 403
    assert stranger.enter().status == 303


@pytest.mark.parametrize(
    "path", ["/", "/people", "/static/app.js", "/names?text=a", "/person/p1", "/nothing"]
)
@pytest.mark.parametrize("cookie", ["", "facesort_{port}=wrong", "facesort_{port}=", "=;;\x7f,"])
def test_without_the_session_nothing_is_shown(stranger, path, cookie):
    stranger.enter()
    stranger.cookie = cookie.format(port=stranger.door.port)
    assert stranger.get(path).status == 403


@pytest.mark.parametrize(
    "others",
    [
        'foo={{"a":1}}; {}',
        "{}; foo=a b; =; ;;",
        'x="; {}',
        "a[0]=1;{}",
        "\x01=2; {}; b",
        "f@o=1; {}",
    ],
)
def test_whatever_other_programs_of_this_machine_put_beside_the_cookie_locks_nobody_out(
    user, others
):
    user.cookie = others.format(user.cookie)
    assert user.get("/").status == 200


def test_an_unused_token_opens_nothing_with_an_empty_cookie(stranger):
    stranger.cookie = f"facesort_{stranger.door.port}="
    assert stranger.get("/").status == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "", None,
                                  "localhost.evil.example:{port}", "0.0.0.0:{port}",
                                  "127.0.0.1.:{port}", "localhost.:{port}", "[::1]:{port}",
                                  "127.1:{port}", "2130706433:{port}", "127.0.0.1:{port}@evil",
                                  "127.0.0.1:1", "a@127.0.0.1:{port}",
                                  "LOCALHOST:{port}"])  # fmt: skip
def test_a_foreign_host_is_refused_even_with_the_session(user, host):
    given = None if host is None else host.format(port=user.door.port)
    reply = user.get("/", Host=given)
    assert reply.status in {400, 421}
    assert b"<main" not in reply.body


def test_a_foreign_host_does_not_use_the_token_up(stranger):
    address = stranger.door.address.removeprefix(stranger.origin)
    assert stranger.get(address, Host="evil.example").status == 421
    assert stranger.enter().status == 303


# -- other pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": None},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/act/name", "/answer", "/undo", "/redo"])
def test_another_page_changes_nothing(user, album, anna, path, headers):
    before = names(album)
    reply = user.post(path, [("people", anna), ("name", "Mallory")], **headers)
    assert reply.status == 403
    assert names(album) == before


def test_localhost_may_talk_to_itself_but_not_to_the_address(own):
    album, user = own
    anna = anna_of(album)
    fields = [("people", anna), ("name", "Anna")]
    there = f"localhost:{user.door.port}"
    assert user.post("/act/name", fields, Origin=f"http://{there}").status == 403
    assert user.post("/act/name", fields, Origin=f"http://{there}", Host=there).status == 200
    assert "Anna" in names(album)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_no_other_method_is_known(user, method):
    assert user.send(method, "/people").status == 405


@pytest.mark.parametrize("path", ["/undo", "/act/ignore", "/answer"])
def test_following_a_link_changes_nothing(user, path):
    assert user.get(path).status == 405


@pytest.mark.parametrize("path", ["/", "/people", "/nothing", "/static/app.js", "/person/none"])
def test_every_answer_says_what_a_browser_may_do_with_it(user, path):
    headers = user.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


def test_refusals_carry_these_headers_too(stranger):
    headers = stranger.get("/").headers
    assert headers["cache-control"] == "no-store"
    assert "default-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/people"])
def test_a_page_brings_no_script_or_style_inside_and_none_from_elsewhere(user, path):
    page = user.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)", page)
    assert not re.search(r"\s(style|on\w+)=", page)
    assert "//" not in re.sub(r"http://www\.w3\.org/2000/svg", "", page)


# -- what is sent --------------------------------------------------------------------------------


def test_a_name_of_ten_megabytes_is_refused(user, album, anna):
    fields = [("people", anna), ("name", "A" * 10_000_000)]
    with contextlib.suppress(ConnectionError):  # hung up on while it was still sending
        assert user.post("/act/name", fields).status == 413
    assert names(album) == {None}
    assert user.get("/people").status == 200


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off(user, album, anna):
    chunk = b"10000\r\n" + b"A" * 0x10000 + b"\r\n"
    head = {"Content_Type": "application/x-www-form-urlencoded", "Transfer_Encoding": "chunked",
            "Origin": user.origin}  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", user.door.port, timeout=30)
    connection.putrequest("POST", "/act/name")
    connection.putheader("Cookie", user.cookie)
    for name, value in head.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    try:
        for _ in range(100):
            connection.send(chunk)
        connection.send(b"0\r\n\r\n")
        status = connection.getresponse().status
    except ConnectionError:
        status = 413
    finally:
        connection.close()
    assert status == 413
    assert names(album) == {None}


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data", "", "a/b"]
)
def test_what_is_no_form_changes_nothing(user, album, anna, kind):
    body = json.dumps({"people": [anna], "name": "Mallory"}).encode()
    reply = user.send("POST", "/act/name", body, Content_Type=kind, Origin=user.origin)
    assert reply.status == 400
    assert b"Traceback" not in reply.body
    assert names(album) == {None}


def test_a_file_is_not_taken(user, album, anna):
    body = (
        f'--x\r\nContent-Disposition: form-data; name="people"\r\n\r\n{anna}\r\n--x\r\n'
        'Content-Disposition: form-data; name="name"; filename="a.txt"\r\n\r\nMallory\r\n--x--\r\n'
    ).encode()
    kind = "multipart/form-data; boundary=x"
    reply = user.send("POST", "/act/name", body, Content_Type=kind, Origin=user.origin)
    assert reply.status == 400
    assert names(album) == {None}


def test_a_broken_form_with_parts_prints_nothing(user, capfd):
    for body in [b"--x\r\n\r\n--x--\r\ntrailing", b"x" * 100, b"--x\r\nbad"]:
        kind = "multipart/form-data; boundary=x"
        reply = user.send("POST", "/act/name", body, Content_Type=kind, Origin=user.origin)
        assert reply.status == 400
    assert capfd.readouterr() == ("", "")


def test_a_field_that_is_given_twice_is_taken_once(own):
    album, user = own
    fields = [("people", anna_of(album)), ("name", "Anna"), ("name", "Berta")]
    assert user.post("/act/name", fields).status == 200
    assert len(names(album) - {None}) == 1


def test_an_error_of_ours_shows_nothing_of_itself_and_ends_nothing(user, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("secret")

    with monkeypatch.context() as patch:
        patch.setattr(ReviewSession, "people", fail)
        reply = user.get("/people")
        answered = user.post("/act/merge", [("people", "a"), ("people", "b")])
    assert reply.status == 500
    assert answered.status == 404
    assert "secret" not in reply.text
    assert "Traceback" not in reply.text
    assert "default-src 'self'" in reply.headers["content-security-policy"]
    assert reply.headers["cache-control"] == "no-store"
    assert user.get("/people").status == 200


def test_headers_without_end_are_refused(user):
    with socket.create_connection(("127.0.0.1", user.door.port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"X-Long: " + b"a" * 8000 + b"\r\n")
            answer = connection.recv(100)
            assert answer == b"" or b" 400 " in answer
    assert user.get("/").status == 200


def test_a_hundred_silent_connections_hold_nothing_up(user):
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            address = ("127.0.0.1", user.door.port)
            silent = stack.enter_context(socket.create_connection(address, 10))
            silent.sendall(b"POST /answer HTTP/1.1\r\nHost: ")
        assert user.get("/people").status == 200


def test_html_in_a_name_is_shown_as_text_everywhere(own):
    album, user = own
    anna = anna_of(album)
    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&{{7*7}}"
    done = user.post("/act/name", [("people", anna), ("name", nasty)])
    assert done.status == 200, done.text
    assert nasty in names(album)
    with album.open() as library:
        face = faces_of(library, anna)[0]
    for path in ["/", "/people", f"/person/{anna}", f"/photo/{face}", "/names?text=%3Cscr",
                 f"/people/more?text={quote(nasty)}", f"/people?text={quote(nasty)}"]:  # fmt: skip
        page = user.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in re.findall(r"&amp;(\S+)", page)
    assert "&lt;script&gt;alert(1)" in user.get(f"/person/{anna}").text


@pytest.mark.parametrize(
    "path",
    [
        "/person/{}", "/person/{}/faces", "/photo/{}", "/face/{}.webp", "/whole/{}.webp",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "identity",
    ["unknown", "..%2f..%2fcatalog.db", "%2e%2e", "a" * 3000, "%00", "%27%20OR%201=1", "%3Cb%3E"],
)
def test_an_id_that_does_not_exist_is_refused(user, path, identity):
    reply = user.get(path.format(identity))
    assert reply.status == 404
    assert b"<b>" not in reply.body
    assert b"SQLite" not in reply.body


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fserver.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd", "/face/../../catalog.db", "/face/%2e%2e%2fcatalog.db.webp",
        "/static/", "/static/..%5capp.py",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_what_is_served(user, path):
    reply = user.get(path)
    assert reply.status == 404
    assert b"import" not in reply.body


@pytest.mark.parametrize(
    ("act", "fields"),
    [
        ("name", [("people", "nobody"), ("name", "Anna")]),
        ("merge", [("people", "nobody"), ("people", "none")]),
        ("reject", [("faces", "nothing")]),
        ("split", [("people", "nobody"), ("faces", "nothing")]),
        ("cover", [("people", "nobody"), ("faces", "nothing")]),
        ("not-a-face", [("faces", "../../x")]),
        ("reject", []),
        ("ignore", []),
        ("drop-table", []),
        ("__class__", []),
    ],
)
def test_an_act_on_what_is_not_there_is_refused_with_a_sentence(user, album, act, fields):
    reply = user.post(f"/act/{act}", fields)
    assert reply.status in {400, 404}
    assert json.loads(reply.text)["said"]
    assert names(album) == {None}


def test_an_answer_to_a_question_that_was_never_asked_is_refused_with_the_next_one(user):
    reply = user.post("/answer", [("id", "q12345678"), ("answer", "yes")])
    assert reply.status == 404
    assert 'role="alert"' in reply.text
    assert 'id="question"' in reply.text


@pytest.mark.parametrize("answer", ["", "maybe", "YES", "<b>"])
def test_an_answer_that_is_none_is_refused(user, answer):
    page = user.get("/").text
    question = re.search(r'name="id" value="(q\w+)"', page)
    assert question, page
    reply = user.post("/answer", [("id", question[1]), ("answer", answer)])
    assert reply.status == 400
    assert "<b>" not in reply.text


# -- pictures ------------------------------------------------------------------------------------


def test_a_face_is_cut_once_and_then_comes_from_the_cache_of_the_library(own):
    album, user = own
    anna = anna_of(album)
    with album.open() as library:
        face = faces_of(library, anna)[0]
        assert status_of(library, face)
    first = user.get(f"/face/{face}.webp")
    assert (first.status, first.headers["content-type"]) == (200, "image/webp")
    for photo in album.photos.iterdir():
        photo.unlink()
    again = user.get(f"/face/{face}.webp")
    assert again.status == 200
    assert user.get(f"/face/{face}.webp").body == again.body
    mark = first.headers["etag"]
    assert user.get(f"/face/{face}.webp", If_None_Match=mark).status == 304
    whole = user.get(f"/whole/{face}.webp")
    assert (whole.status, whole.headers["content-type"]) == (404, "image/svg+xml")
    assert whole.headers["cache-control"] == "no-store"  # the photo may come back
