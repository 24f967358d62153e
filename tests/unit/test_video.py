"""Videos as files: what is decoded of them, what they are called, and what damage does."""

from __future__ import annotations

import itertools
import os
import struct
import subprocess
import sys
from concurrent.futures import CancelledError
from pathlib import Path

import av
import numpy as np
import pytest

from facesort.errors import TooLarge, Unreadable, Unsupported
from facesort.imaging import formats
from facesort.imaging import video as module
from facesort.imaging.formats import is_video
from facesort.imaging.video import MAX_FRAMES, open_frame, open_video, video_key
from tests.fakes import COLOURS, paint
from tests.videos import film, film_of, grey

CONTAINERS = ("mp4", "mov", "mkv", "webm", "avi", "mpg", "mts", "m4v", "wmv", "3gp", "flv", "ts")


def frames_of(path: Path, max_megapixels: float = 300):
    with open_video(path, max_megapixels=max_megapixels) as video:
        return [(frame.seconds, frame.photo) for frame in video.frames()]


def middle(photo) -> tuple[int, ...]:
    """Return the colour inside the first square that `paint` paints, upright."""
    return tuple(photo.scaled(10_000)[60, 40].tolist())


def is_close(colour, person: str) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(colour, COLOURS[person], strict=True))


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_usual_container_gives_its_keyframes(tmp_path, suffix):
    frames = [paint("anna" if n < 75 else "bert") for n in range(150)]
    path = film(tmp_path / f"a.{suffix}", frames, rate=25, gop=25)
    found = frames_of(path)
    assert len(found) in {5, 6, 7}
    assert found[0][0] == 0.0
    times = [seconds for seconds, _ in found]
    assert all(later - earlier >= 0.9 for earlier, later in itertools.pairwise(times))
    assert is_close(middle(found[0][1]), "anna")
    assert is_close(middle(found[-1][1]), "bert")


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_a_frame_is_found_again_by_its_time(tmp_path, suffix):
    frames = [paint("anna", number=n // 10) for n in range(80)]
    path = film(tmp_path / f"a.{suffix}", frames, rate=25, gop=10)
    for seconds, photo in frames_of(path):
        again = open_frame(path, seconds, max_megapixels=300)
        np.testing.assert_array_equal(again.scaled(400), photo.scaled(400))


def test_keyframes_that_follow_closely_are_thinned_to_one_a_second(tmp_path):
    path = film(tmp_path / "a.mov", [paint("anna", number=n) for n in range(60)], rate=10, gop=1)
    assert [seconds for seconds, _ in frames_of(path)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_long_recording_is_looked_at_in_evenly_spread_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FRAMES", 5)
    path = film(tmp_path / "a.mp4", [grey(n) for n in range(40)])
    assert [seconds for seconds, _ in frames_of(path)] == [0.0, 8.0, 16.0, 24.0, 32.0]
    assert MAX_FRAMES == 600


def test_without_a_length_no_more_frames_are_looked_at_than_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FRAMES", 5)
    path = film(tmp_path / "a.mp4", [grey(n) for n in range(40)])
    monkeypatch.setattr(module.Video, "seconds", 0.0)
    assert [seconds for seconds, _ in frames_of(path)] == [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("degrees", "orientation"), [(0, 1), (90, 8), (180, 3), (270, 6), (-90, 6)]
)
def test_a_turned_video_stands_upright(tmp_path, degrees, orientation):
    upright = paint("anna")
    coded = upright.rotate(-degrees, expand=True)
    path = film(tmp_path / "a.mp4", [coded], rotation=degrees)
    with open_video(path, max_megapixels=300) as video:
        assert (video.width, video.height) == coded.size
        assert video.orientation == orientation
        ((_, photo),) = [(f.seconds, f.photo) for f in video.frames()]
    assert photo.upright_size == upright.size
    assert is_close(middle(photo), "anna")


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 180, 240, "yuv420p"
        stream.codec_context.sample_aspect_ratio = 2  # type: ignore[assignment]
        narrow = np.asarray(paint("anna").resize((180, 240)))
        file.mux(stream.encode(av.VideoFrame.from_ndarray(narrow, format="rgb24")))
        file.mux(stream.encode())
    ((_, photo),) = frames_of(path)
    assert (photo.width, photo.height) == (360, 240)
    assert is_close(middle(photo), "anna")


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv422p", "yuv444p"])
def test_other_pixel_formats_give_the_same_colours(tmp_path, pixels):
    path = film(tmp_path / "a.mkv", [paint("anna")], pixels=pixels)
    assert is_close(middle(frames_of(path)[0][1]), "anna")


def test_time_and_camera_come_from_the_container(tmp_path):
    written = {
        "creation_time": "2024-05-06T07:08:09Z",
        "com.apple.quicktime.model": "iPhone  15 Pro",
        "com.apple.quicktime.creationdate": "2024-05-06T09:08:09+0200",
    }
    local = film(tmp_path / "a.mov", [grey()], metadata=written)
    utc = film(tmp_path / "b.mp4", [grey()], metadata={"creation_time": "2024-05-06T07:08:09Z"})
    unset = film(tmp_path / "c.mp4", [grey()], metadata={"creation_time": "1970-01-01T00:00:00Z"})
    with open_video(local, max_megapixels=300) as video:
        assert (video.taken_at, video.camera) == ("2024-05-06T09:08:09", "iPhone 15 Pro")
    with open_video(utc, max_megapixels=300) as video:
        assert (video.taken_at, video.camera) == ("2024-05-06T07:08:09", "")
    with open_video(unset, max_megapixels=300) as video:
        assert video.taken_at == ""


def test_frames_are_let_go_of_one_by_one(tmp_path):
    memory = Path("/proc/self/statm")
    if not memory.exists():
        pytest.skip("the system does not tell how much memory a process has")
    size = (1280, 720)
    path = film(tmp_path / "a.mp4", [paint("anna", number=n, size=size) for n in range(60)])
    with open_video(path, max_megapixels=300) as video:
        frames = video.frames()
        for _ in range(10):
            next(frames)
        before = int(memory.read_text().split()[1])
        assert len([1 for _ in frames]) == 50
        grown = (int(memory.read_text().split()[1]) - before) * os.sysconf("SC_PAGESIZE")
    # One frame is 1.4 MB as it was coded, and 2.8 MB as RGB.
    assert grown < 20e6


# What a video is called


def test_metadata_and_rotation_leave_the_name_of_an_mp4_alone(tmp_path):
    plain = film_of(tmp_path / "a.mp4", ["anna"], ["bert"])
    titled = film_of(
        tmp_path / "b.mp4", ["anna"], ["bert"], metadata={"title": "Wedding"}, rotation=90
    )
    other = film_of(tmp_path / "c.mp4", ["anna"], ["cleo"])
    assert plain.read_bytes() != titled.read_bytes()
    assert video_key(plain) == video_key(titled)
    assert video_key(plain).startswith("video1:")
    assert video_key(other) != video_key(plain)


def test_the_name_does_not_depend_on_where_the_streams_lie(tmp_path):
    path = film_of(tmp_path / "a.mp4", ["anna"])
    key, data = video_key(path), path.read_bytes()
    path.write_bytes(data + struct.pack(">I4s", 16, b"uuid") + bytes(8))
    assert video_key(path) == key
    path.write_bytes(data[:4] + data[4:8] + data[8:] + struct.pack(">I4s", 9, b"mdat") + b"x")
    assert video_key(path) != key


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        b"\0\0\0\1mdat" + bytes(8),  # the long length is cut off
        b"\0\0\0\x08free",  # nothing coded
        b"\0\0\0\x04mdat",  # shorter than its header
        b"\0\1\0\0mdat" + bytes(20),  # longer than the file
        b"\x1aE\xdf\xa3" + bytes(100),  # Matroska
    ],
)
def test_what_is_no_whole_mp4_is_named_by_all_its_bytes(tmp_path, data):
    from facesort.imaging.content import content_key

    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    assert video_key(path) == content_key(data)


def test_a_box_that_runs_to_the_end_is_read_to_the_end(tmp_path):
    path = tmp_path / "a.mov"
    path.write_bytes(b"\0\0\0\0mdat" + b"x" * 3_000_000)
    open_ended = video_key(path)
    path.write_bytes(struct.pack(">I4s", 3_000_008, b"mdat") + b"x" * 3_000_000)
    assert video_key(path) == open_ended
    path.write_bytes(struct.pack(">I4sQ", 1, b"mdat", 3_000_016) + b"x" * 3_000_000)
    assert video_key(path) == open_ended


def test_a_video_that_cannot_be_read_keeps_the_systems_reason(tmp_path):
    with pytest.raises(Unreadable, match="No such file") as caught:
        video_key(tmp_path / "gone.mp4")
    assert isinstance(caught.value.__cause__, OSError)  # so that it is tried again
    with (
        pytest.raises(Unreadable, match="No such file") as caught,
        open_video(tmp_path / "gone.mp4", max_megapixels=300),
    ):
        pass
    assert isinstance(caught.value.__cause__, OSError)
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(Unreadable, match="not a file"):
        video_key(tmp_path / "pipe.mp4")


@pytest.mark.parametrize("start", [struct.pack(">I4s", 0, b"mdat"), b"\x1aE\xdf\xa3"])
def test_naming_a_long_video_ends_when_nobody_wants_the_name_any_more(tmp_path, start):
    path = tmp_path / "a.video"
    path.write_bytes(start + bytes(5 << 20))
    key, asked = video_key(path), itertools.count(1)
    with pytest.raises(CancelledError):
        video_key(path, lambda: next(asked) == 3)
    assert next(asked) == 4  # it was asked for every MiB, and nothing was read after that
    assert video_key(path, lambda: next(asked) > 100) == key


# Damage


def frames_or_error(path: Path) -> int | str:
    """Return the number of frames, or how the message begins that says why there are none."""
    try:
        return len(frames_of(path))
    except (Unreadable, TooLarge) as error:
        return error.message[: len(f"{path}: ")]


def test_a_photo_and_a_text_are_no_videos(tmp_path):
    for name, data in (("a.mp4", b"hello" * 100), ("b.mp4", b"\xff\xd8\xff\xe0" + bytes(2000))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Unreadable, match=f"{name}: ") as caught:
            frames_of(tmp_path / name)
        assert caught.value.hint
        assert caught.value.__cause__ is None


def test_an_empty_file_says_so(tmp_path):
    (tmp_path / "a.mov").touch()
    with pytest.raises(Unreadable, match="the file is empty"):
        frames_of(tmp_path / "a.mov")


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 8000), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 8000
        file.mux(stream.encode(silence))
        file.mux(stream.encode())
    with pytest.raises(Unreadable, match="there is no video in it"):
        frames_of(path)


def test_a_video_without_frames_is_unreadable(tmp_path):
    path = film(tmp_path / "a.mp4", [grey()])
    data = path.read_bytes()
    at = data.index(b"mdat")
    (size,) = struct.unpack(">I", data[at - 4 : at])
    path.write_bytes(data[: at + 4] + bytes(size - 8) + data[at + size - 4 :])
    with pytest.raises(Unreadable, match=r"a\.mp4: "):
        frames_of(path)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "mts", "webm"])
def test_a_video_that_is_cut_off_gives_what_is_there_or_one_error(tmp_path, suffix):
    whole = film(
        tmp_path / f"a.{suffix}", [paint("anna", number=n) for n in range(50)], rate=10, gop=10
    )
    data = whole.read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    seen = set()
    for share in (0.05, 0.3, 0.6, 0.9):
        cut.write_bytes(data[: int(len(data) * share)])
        seen.add(frames_or_error(cut))
    assert seen <= {*range(6), f"{cut}: "}


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "mts"])
def test_noise_in_a_video_costs_frames_and_never_more(tmp_path, suffix):
    data = film(
        tmp_path / f"a.{suffix}", [paint("anna", number=n) for n in range(50)], rate=10, gop=10
    ).read_bytes()
    noisy = tmp_path / f"noisy.{suffix}"
    for seed in range(20):
        rng = np.random.default_rng(seed)
        raw = np.frombuffer(data, np.uint8).copy()
        raw[rng.integers(0, len(raw), 40)] = rng.integers(0, 256, 40)
        noisy.write_bytes(raw.tobytes())
        assert frames_or_error(noisy) in {*range(1, 7), f"{noisy}: "}
        assert video_key(noisy)


def test_frames_that_are_too_large_are_refused_before_any_is_decoded(tmp_path):
    path = film(tmp_path / "a.mp4", [grey()])
    with pytest.raises(TooLarge, match=r"360 x 240 pixels, more than 0\.05 megapixels"):
        frames_of(path, max_megapixels=0.05)


def test_a_playlist_that_is_called_a_video_leads_nowhere(tmp_path):
    film(tmp_path / "secret.ts", [grey()])
    for name, text in (
        ("hls.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.ts\n#EXT-X-ENDLIST\n"),
        ("concat.mkv", f"ffconcat version 1.0\nfile {tmp_path / 'secret.ts'}\n"),
        (
            "sdp.mov",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
        ),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(Unreadable):
            frames_of(tmp_path / name)


def test_without_the_extra_a_video_is_unsupported_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "installed_extras", frozenset)
    path = film(tmp_path / "a.mp4", [grey()])
    with pytest.raises(Unsupported, match=r"facesort\[video\]"):
        frames_of(path)


def test_ffmpeg_writes_nothing_to_the_terminal(tmp_path):
    data = film(
        tmp_path / "a.mp4", [paint("anna", number=n) for n in range(30)], rate=10, gop=10
    ).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    (tmp_path / "noisy.mts").write_bytes(
        film(tmp_path / "b.mts", [paint("anna")] * 9).read_bytes().replace(b"\0\0\1", b"\0\1\1", 3)
    )
    (tmp_path / "text.mkv").write_text("no video")
    script = """
import sys
from pathlib import Path
from facesort.errors import Unreadable
from facesort.imaging.video import open_video
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        with open_video(path, max_megapixels=300) as video:
            list(video.frames())
    except Unreadable:
        pass
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, check=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_name_that_is_no_text_is_opened_all_the_same(tmp_path):
    path = film_of(tmp_path / "a.mp4", ["anna"])
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff%d.mp4"))
    path.rename(odd)
    assert len(frames_of(odd)) == 1


def test_a_video_is_told_by_its_name():
    assert is_video("/a/b.MOV")
    assert is_video("b.insv")
    assert not is_video("b.jpg")
    assert not is_video("mov")
