from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import Box
from facesort.inference.session import MemoryFull
from facesort.vision.yunet import FoundFace, YuNet, bucket, suppress

STRIDES = (8, 16, 32)
UNLIKELY = -20.0  # logit of a cell without a face


@dataclass(frozen=True)
class Painted:
    """A face, and the cell that is to report it."""

    box: Box
    landmarks: np.ndarray
    score: float
    stride: int
    column: int
    row: int


def painted(
    stride: int, column: int, row: int, *, score: float = 0.9, width: float = 40, height: float = 50
) -> Painted:
    x, y = (column + 0.3) * stride, (row - 0.4) * stride  # the centre may lie beside the cell
    box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    points = np.array([[x - 8, y - 9], [x + 8, y - 9.5], [x, y], [x - 6, y + 11], [x + 7, y + 11]])
    return Painted(box, points.astype(np.float32), score, stride, column, row)


def logit(share: float) -> float:
    return float(np.log(share) - np.log1p(-share)) if share < 1 else 20.0


@dataclass
class FakeSession:
    """Answers with the tensors that mean the given faces: the inverse of the decoding."""

    faces: list[list[Painted]]  # per image
    provider: str = "cpu"
    remark: str = ""
    inputs: tuple[str, ...] = ("pictures",)
    outputs: tuple[str, ...] = tuple(f"level_{s}" for s in STRIDES)
    largest: int = 1000  # batch that fits into memory
    fed: list[np.ndarray] = field(default_factory=list)
    answered: int = 0

    def run(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        (batch,) = inputs.values()
        if len(batch) > self.largest:
            raise MemoryFull("too much")
        self.fed.append(batch.copy())  # the memory may serve the next batch
        n, height, width, _ = batch.shape
        levels = []
        for stride in STRIDES:
            level = np.zeros((n, 16, height // stride, width // stride), dtype=np.float32)
            level[:, :2] = UNLIKELY
            levels.append(level)
        for i in range(n):
            for face in self.faces[self.answered]:
                self._paint(levels[STRIDES.index(face.stride)][i], face)
            self.answered += 1
        return levels

    @staticmethod
    def _paint(level: np.ndarray, face: Painted) -> None:
        s, box = face.stride, face.box
        # score = sqrt(cls * obj), split unevenly
        one, other = (
            (face.score * 0.9, face.score / 0.9) if face.score < 0.9 else (face.score**2, 1.0)
        )
        corner = np.array([face.column, face.row])
        level[:, face.row, face.column] = [
            logit(one),
            logit(other),
            (box.left + box.right) / 2 / s - face.column,
            (box.top + box.bottom) / 2 / s - face.row,
            np.log(box.width / s),
            np.log(box.height / s),
            *(face.landmarks / s - corner).ravel(),
        ]


def blank(width: int, height: int) -> np.ndarray:
    return np.zeros((height, width, 3), dtype=np.uint8)


def look(
    session: FakeSession, *images: np.ndarray, min_score: float = 0.6
) -> list[list[FoundFace]]:
    return YuNet(session, min_score=min_score, max_overlap=0.3).detect(images)


def assert_same(found: FoundFace, face: Painted) -> None:
    box, expected = found.box, face.box
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(
        (expected.left, expected.top, expected.right, expected.bottom), abs=1e-3
    )
    np.testing.assert_allclose(found.landmarks, face.landmarks, atol=1e-3)
    assert found.landmarks.shape == (5, 2)
    assert found.landmarks.dtype == np.float32
    assert found.score == pytest.approx(face.score, abs=1e-5)


@given(
    st.sampled_from(STRIDES),
    st.data(),
    st.floats(0.61, 1),
    st.floats(4, 600),
    st.floats(4, 600),
    st.sampled_from([(320, 256), (256, 320), (100, 75), (33, 32)]),
)
def test_a_face_comes_back_from_whichever_cell_reports_it(stride, data, score, w, h, size):
    width, height = (-(-side // 32) * 32 for side in size)
    column = data.draw(st.integers(0, width // stride - 1))
    row = data.draw(st.integers(0, height // stride - 1))
    face = painted(stride, column, row, score=score, width=w, height=h)
    ((found,),) = look(FakeSession([[face]]), blank(*size))
    assert_same(found, face)


def test_faces_of_all_strides_come_back_best_first():
    faces = [
        painted(32, 1, 2, score=0.7),
        painted(8, 30, 5, score=0.95),
        painted(16, 14, 14, score=0.8),
    ]
    (found,) = look(FakeSession([faces]), blank(320, 320))
    best_first = sorted(faces, key=lambda face: -face.score)
    assert len(found) == 3
    for one, other in zip(found, best_first, strict=True):
        assert_same(one, other)


def test_every_picture_of_a_batch_gets_its_own_faces():
    one, other = painted(8, 3, 4), painted(16, 9, 2)
    session = FakeSession([[one], [], [other]])
    first, second, third = look(session, *[blank(160, 96)] * 3)
    assert len(session.fed) == 1
    assert second == []
    assert_same(first[0], one)
    assert_same(third[0], other)


def test_a_picture_is_padded_in_black_whatever_was_in_memory_before():
    session = FakeSession([[], []])
    detector = YuNet(session, min_score=0.6, max_overlap=0.3)
    detector.detect([np.full((64, 96, 3), 255, dtype=np.uint8)[:60]])
    image = blank(70, 40)
    image[:] = (10, 20, 30)
    assert detector.detect([image]) == [[]]
    batch = session.fed[1]
    assert batch.shape == (1, 64, 96, 3)
    assert batch.dtype == np.uint8
    assert (batch[0, :40, :70] == (10, 20, 30)).all()
    assert batch[:, 40:].max() == 0
    assert batch[:, :, 70:].max() == 0


def test_a_picture_that_needs_no_padding_is_read_in_place():
    shared: list[bool] = []

    class Looking(FakeSession):
        def run(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
            shared.append(np.shares_memory(inputs["pictures"], image))
            return super().run(inputs)

    image = blank(96, 64)
    look(Looking([[]]), image)
    look(Looking([[]]), image[:, :70])
    assert shared == [True, False]


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_bucket_is_the_smallest_size_of_whole_cells_that_holds_the_picture(width, height):
    wide, high = bucket(width, height)
    assert wide % 32 == high % 32 == 0
    assert 0 <= wide - width < 32
    assert 0 <= high - height < 32


def test_unsure_cells_are_no_faces():
    faces = [painted(8, 2, 3, score=0.59), painted(8, 15, 15, score=0.61)]
    (found,) = look(FakeSession([faces]), blank(160, 160))
    assert [face.score for face in found] == pytest.approx([0.61], abs=1e-5)


def test_faint_faces_come_too_where_they_are_asked_for():
    faces = [painted(8, 2, 3, score=0.29), painted(8, 12, 3, score=0.31), painted(16, 6, 8)]
    session = FakeSession([faces])
    detector = YuNet(session, min_score=0.6, max_overlap=0.3, faint_score=0.3)
    (found,) = detector.detect([blank(160, 160)])
    assert [face.score for face in found] == pytest.approx([0.9, 0.31], abs=1e-5)


def test_of_very_many_faint_faces_only_the_surest_come_and_no_sure_one_is_left_out():
    # Noise is full of faint faces, which would take seconds to tell apart.
    cells = [(column, row) for row in range(30) for column in range(30)]
    faint = [
        painted(8, column, row, score=0.1 + i / 2000, width=6, height=6)
        for i, (column, row) in enumerate(cells)
    ]
    sure = [painted(8, column, 31, score=0.7, width=6, height=6) for column in range(30)]
    session = FakeSession([[*faint, *sure]])
    detector = YuNet(session, min_score=0.6, max_overlap=0.3, faint_score=0.1)
    (found,) = detector.detect([blank(256, 256)])
    assert [face.score for face in found] == pytest.approx(
        [0.7] * 30 + [0.1 + i / 2000 for i in range(899, 899 - 256, -1)], abs=1e-5
    )


def test_of_two_boxes_on_one_face_the_surer_stays():
    sure, unsure = painted(8, 10, 10, score=0.9), painted(8, 11, 10, score=0.8)
    (found,) = look(FakeSession([[unsure, sure]]), blank(160, 160))
    assert len(found) == 1
    assert_same(found[0], sure)


def test_pictures_of_several_sizes_are_padded_to_the_largest():
    one, other = painted(8, 3, 4), painted(16, 1, 2)
    session = FakeSession([[one], [other]])
    first, second = look(session, blank(100, 64), blank(64, 90))
    assert session.fed[0].shape == (2, 96, 128, 3)
    assert_same(first[0], one)
    assert_same(second[0], other)


def test_where_memory_is_full_the_batch_is_halved():
    faces = [painted(8, column, 4) for column in range(5)]
    session = FakeSession([[face] for face in faces], largest=2)
    found = look(session, *[blank(64, 64)] * 5)
    assert [len(batch) for batch in session.fed] == [2, 1, 2]
    for one, face in zip(found, faces, strict=True):
        assert_same(one[0], face)


def test_a_picture_that_does_not_fit_alone_is_an_error():
    with pytest.raises(MemoryFull):
        look(FakeSession([[]], largest=0), blank(64, 64))


def test_threads_do_not_share_memory_for_padding():
    both_in = threading.Barrier(2, timeout=10)

    class Waiting(FakeSession):
        def run(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
            both_in.wait()
            return super().run(inputs)

    session = Waiting([[], []])
    detector = YuNet(session, min_score=0.6, max_overlap=0.3)
    pictures = [np.full((40, 40, 3), value, dtype=np.uint8) for value in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda picture: detector.detect([picture]), pictures))
    assert sorted(int(batch.max()) for batch in session.fed) == [1, 2]


def test_no_picture_has_no_faces():
    session = FakeSession([])
    assert look(session) == []
    assert session.fed == []


found_faces = st.lists(
    st.builds(
        lambda x, y, side, score: FoundFace(
            Box(x, y, x + side, y + side), np.zeros((5, 2), dtype=np.float32), score
        ),
        st.integers(0, 100),
        st.integers(0, 100),
        st.integers(5, 60),
        st.floats(0, 1),
    ),
    max_size=12,
)


@given(found_faces, st.floats(0.05, 0.9), st.randoms())
def test_suppression_keeps_the_best_of_what_overlaps(faces, max_overlap, random):
    kept = suppress(faces, max_overlap)
    for i, face in enumerate(kept):
        assert all(face.box.overlap(better.box) <= max_overlap for better in kept[:i])
    for face in faces:
        assert any(
            face is other
            or (face.box.overlap(other.box) > max_overlap and other.score >= face.score)
            or face.box == other.box
            for other in kept
        )
    shuffled = list(faces)
    random.shuffle(shuffled)
    again = [(face.box, face.score) for face in suppress(shuffled, max_overlap)]
    assert again == [(face.box, face.score) for face in kept]
