"""The pipeline: the same answers whatever runs them, bounded, and stoppable at any time."""

from __future__ import annotations

import io
import random
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from facesort import stages
from facesort.errors import ModelError, Unreadable
from facesort.imaging import decode
from facesort.stages import Looked, Pipeline, Task
from facesort.vision import look as vision_look
from facesort.vision.look import Looker
from facesort.vision.owner import ModelOwner
from facesort.vision.quality import NormQuality
from facesort.vision.tracks import LinkRule
from facesort.workers import StageTimes
from tests.fakes import COLOURS, SquareDetector, SquareEmbedder, jpeg, paint, png

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PEOPLE = list(COLOURS)


def pipeline(
    detector: Any = None,
    embedder: Any = None,
    *,
    workers: int = 3,
    batch: int = 4,
    is_current: Callable[[str], bool] = lambda key: False,
    times: StageTimes | None = None,
    robustness_views: int = 0,
) -> Pipeline:
    """Return a pipeline over painted squares."""
    quality = NormQuality((4.0, 15.0), (0.0, 1.0))
    quality.robustness_views = robustness_views
    times = times or StageTimes()
    embedder = embedder or SquareEmbedder("squares")
    looker = Looker(
        detector or SquareDetector(),
        crop_size=embedder.crop_size,
        trusted_pixels=300,
        min_score=0.5,
        min_face=24,
        max_megapixels=300,
        times=times,
    )
    return Pipeline(
        looker,
        embedder,
        quality,
        pipeline_key="squares",
        workers=workers,
        batch=batch,
        links=LinkRule(None, None),
        is_current=is_current,
        times=times,
    )


@pytest.fixture
def album(tmp_path: Path) -> list[Task]:
    """Photos of nobody to seven people, of several formats, and broken ones between them."""
    chosen = random.Random(0)
    paths = []
    for number in range(40):
        people = chosen.sample(PEOPLE, chosen.choice((0, 0, 1, 1, 2, 4)))
        write, suffix = chosen.choice(((png, "png"), (jpeg, "jpg")))
        paths.append(write(tmp_path / f"{number:02}.{suffix}", *people, number=number))
        if number % 13 == 5:
            paths[-1].write_bytes(paths[-1].read_bytes()[: 200 + number])
    paths.append(tmp_path / "gone.jpg")
    return [Task(number, path) for number, path in enumerate(paths)]


def content(answers: Sequence[Looked] | Iterator[Looked]) -> list[Any]:
    """Return all that can be compared of some answers."""
    return [
        (
            answer.task,
            answer.content_key,
            answer.orientation,
            str(answer.error),
            answer.photo
            and (
                answer.photo.width,
                answer.photo.height,
                [(f.id, f.box, f.quality, f.vector.tobytes()) for f in answer.photo.faces],
            ),
        )
        for answer in answers
    ]


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("batch", [1, 4, 64])
def test_the_answers_are_those_of_one_step_after_the_other(album, workers, batch):
    alone = content(pipeline(batch=batch).run_alone(album))
    assert len(alone) == len(album)
    assert sum(len(answer[4][2]) for answer in alone if answer[4]) > 30
    assert sum(answer[3] != "None" for answer in alone) == 4
    assert content(pipeline(workers=workers, batch=batch).run(album)) == alone


def test_models_that_one_thread_owns_give_the_same_answers(album):
    owner = ModelOwner(SquareDetector(), SquareEmbedder("squares"), detect_batch=8, embed_batch=16)
    owned = pipeline(owner.detector, owner.embedder, workers=6)
    assert content(owned.run(album)) == content(pipeline().run_alone(album))
    owner.close()


def test_disturbed_copies_are_embedded_only_where_the_card_asks_for_them(album):
    plain, asking = SquareEmbedder("squares"), SquareEmbedder("squares")
    faces, steady = (
        [face for answer in run for face in (answer.photo.faces if answer.photo else ())]
        for run in (
            list(pipeline(embedder=plain).run(album)),
            list(pipeline(embedder=asking, robustness_views=2).run(album)),
        )
    )
    assert asking.embedded == 3 * plain.embedded > 0
    for face, other in zip(faces, steady, strict=True):
        assert 0 < other.measures["robustness"] <= 1
        rest = {name: v for name, v in other.measures.items() if name != "robustness"}
        assert rest == face.measures
        assert {"norm", "sharpness", "eyes", "light", "frontal", "pixels"} <= rest.keys()
        assert np.array_equal(face.vector, other.vector)


def test_stages_report_their_times(album):
    times = StageTimes()
    list(pipeline(times=times).run(album))
    assert set(times.seconds) == {"read", "decode", "detect", "align", "embed"}
    assert all(seconds > 0 for seconds in times.seconds.values())


def test_a_failing_model_ends_the_run_with_its_error_and_no_thread_is_left(album):
    class Failing(SquareDetector):
        def detect(self, images: Sequence[np.ndarray]) -> Any:
            raise ModelError("the model failed", hint="try again")

    before = threading.active_count()
    with pytest.raises(ModelError, match="failed"):
        list(pipeline(Failing()).run(album))
    assert threading.active_count() == before


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_a_run_that_is_left_early_ends_its_threads(album, taken):
    before = threading.active_count()
    with closing(pipeline(SquareDetector(seconds=0.01)).run(album)) as answers:
        for _ in range(taken):
            next(answers)
    assert threading.active_count() == before


def test_only_so_many_photos_are_begun_before_the_first_answer_is_taken(tmp_path):
    detector = SquareDetector()
    paths = [png(tmp_path / f"{number}.png", "anna", number=number) for number in range(60)]
    with closing(
        pipeline(detector, workers=2, batch=1).run(Task(i, p) for i, p in enumerate(paths))
    ) as answers:
        next(answers)
        threading.Event().wait(0.5)
        assert detector.looked < 30


def test_a_photo_whose_content_is_known_is_not_looked_at(tmp_path):
    detector = SquareDetector()
    path = jpeg(tmp_path / "a.jpg", "anna")
    [answer] = pipeline(detector, is_current=lambda key: True).run([Task(0, path)])
    assert answer.photo is None
    assert answer.error is None
    assert answer.content_key.startswith("jpeg1:")
    assert detector.looked == 0


def _large(path: Path, *, face: int) -> Path:
    written = io.BytesIO()
    paint("anna", face=face, size=(6000, 4000)).save(written, format="JPEG", quality=95)
    path.write_bytes(written.getvalue())
    return path


@pytest.fixture
def openings(monkeypatch) -> list[int | None]:
    """The sizes at which photos were opened."""
    asked: list[int | None] = []

    def watched(*args: Any, long_side: int | None = None, **kwargs: Any) -> Any:
        photo = decode.open_photo(*args, long_side=long_side, **kwargs)
        asked.append(max(photo.raster.size))
        return photo

    monkeypatch.setattr(vision_look, "open_photo", watched)
    return asked


def test_a_large_photo_with_large_faces_is_decoded_once_and_small(tmp_path, openings):
    [answer] = pipeline().run([Task(0, _large(tmp_path / "a.jpg", face=1200))])
    assert answer.photo is not None
    assert len(answer.photo.faces) == 1
    assert (answer.photo.width, answer.photo.height) == (6000, 4000)
    assert answer.photo.faces[0].box.width == pytest.approx(1200, abs=6)
    assert len(openings) == 1
    assert openings[0] <= 3000


def test_a_small_face_of_a_large_photo_is_cut_from_all_its_pixels(tmp_path, openings):
    [answer] = pipeline().run([Task(0, _large(tmp_path / "a.jpg", face=120))])
    assert answer.photo is not None
    assert answer.photo.faces[0].box.width == pytest.approx(120, abs=4)
    assert len(openings) == 2
    assert openings[-1] == 6000


def test_large_files_do_not_wait_for_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "_READ_BYTES", 1000)
    together = threading.Barrier(3, timeout=10)  # breaks unless three photos are in hand at a time

    class Meeting(SquareDetector):
        def detect(self, images: Sequence[np.ndarray]) -> Any:
            together.wait()
            return super().detect(images)

    paths = [png(tmp_path / f"{number}.png", "anna", number=number) for number in range(6)]
    for path in paths:
        path.write_bytes(path.read_bytes() + bytes(2000))
    answers = list(pipeline(Meeting(), workers=3).run(Task(i, p) for i, p in enumerate(paths)))
    assert [len(answer.photo.faces) for answer in answers if answer.photo] == [1] * 6


def test_a_slow_video_keeps_no_photo_from_being_answered(tmp_path, monkeypatch):
    film = tmp_path / "film.mp4"
    released = threading.Event()

    def slow(path: Path, *_: Any) -> str:
        assert released.wait(10)
        raise Unreadable(f"{path}: no film")

    monkeypatch.setattr(stages, "video_key", slow)
    tasks = [Task(0, png(tmp_path / "a.png", "anna")), Task(1, film)]
    with closing(pipeline(batch=64).run(tasks)) as answers:
        assert next(answers).photo is not None  # although its batch is not full
        released.set()
        assert next(answers).error is not None
