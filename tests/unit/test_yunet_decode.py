from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import Box
from facesort.vision.yunet import FoundFace, YuNet, suppress

STRIDES = (8, 16, 32)
NAMES = tuple(f"{kind}_{s}" for kind in ("cls", "obj", "bbox", "kps") for s in STRIDES)


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


@dataclass
class FakeSession:
    """Answers with the tensors that mean the given faces: the inverse of the decoding."""

    faces: list[list[Painted]]  # per image
    provider: str = "cpu"
    remark: str = ""
    inputs: tuple[str, ...] = ("input",)
    outputs: tuple[str, ...] = NAMES
    fed: list[np.ndarray] = field(default_factory=list)

    def run(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        (batch,) = inputs.values()
        self.fed.append(batch)
        n, _, height, width = batch.shape
        tensors = {}
        for stride in STRIDES:
            cells = (height // stride) * (width // stride)
            for kind, channels in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
                tensors[f"{kind}_{stride}"] = np.zeros((n, cells, channels), dtype=np.float32)
        for i, faces in enumerate(self.faces):
            for face in faces:
                self._paint(tensors, i, face, width)
        return [tensors[name] for name in self.outputs]

    @staticmethod
    def _paint(tensors: dict[str, np.ndarray], i: int, face: Painted, width: int) -> None:
        s, box = face.stride, face.box
        cell = face.row * (width // s) + face.column
        # score = sqrt(cls * obj), split unevenly
        tensors[f"cls_{s}"][i, cell] = face.score * 0.9 if face.score < 0.9 else face.score**2
        tensors[f"obj_{s}"][i, cell] = face.score / 0.9 if face.score < 0.9 else 1.0
        tensors[f"bbox_{s}"][i, cell] = [
            (box.left + box.right) / 2 / s - face.column,
            (box.top + box.bottom) / 2 / s - face.row,
            np.log(box.width / s),
            np.log(box.height / s),
        ]
        corner = np.array([face.column, face.row])
        tensors[f"kps_{s}"][i, cell] = (face.landmarks / s - corner).ravel()


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


def test_the_picture_is_fed_as_blue_green_red_and_padded_in_black():
    image = blank(70, 40)
    image[:] = (10, 20, 30)
    session = FakeSession([[]])
    assert look(session, image) == [[]]
    (batch,) = session.fed
    assert batch.shape == (1, 3, 64, 96)
    assert batch.dtype == np.float32
    for channel, value in enumerate((30, 20, 10)):
        assert (batch[0, channel, :40, :70] == value).all()
    assert batch[:, :, 40:].max() == 0
    assert batch[:, :, :, 70:].max() == 0


def test_unsure_cells_are_no_faces():
    faces = [painted(8, 2, 3, score=0.59), painted(8, 15, 15, score=0.61)]
    (found,) = look(FakeSession([faces]), blank(160, 160))
    assert [face.score for face in found] == pytest.approx([0.61], abs=1e-5)


def test_of_two_boxes_on_one_face_the_surer_stays():
    sure, unsure = painted(8, 10, 10, score=0.9), painted(8, 11, 10, score=0.8)
    (found,) = look(FakeSession([[unsure, sure]]), blank(160, 160))
    assert len(found) == 1
    assert_same(found[0], sure)


def test_pictures_of_two_sizes_are_no_batch():
    with pytest.raises(ValueError, match="one size"):
        look(FakeSession([[], []]), blank(64, 64), blank(64, 96))


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
