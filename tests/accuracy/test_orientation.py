"""The same photo in all eight EXIF orientations: the same faces, in the same places."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageOps

from tests.fakes import tagged
from tests.watched import CountedModels, Facesort, Scanned
from tests.weights import real_weights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.watched import FoundFace

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]

# How an upright picture must be turned so that EXIF's orientation turns it back.
AGAINST = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}

# An odd width, which no block of averaged pixels fits; a crowd of 25; a photo that is shrunk.
LOSSLESS = ("public_figures/LHL_6.jpg", "public_figures/Putin_8.jpg", "portraits/img54.jpg")

# JPEG compresses every orientation anew, which moves the landmarks of small faces (see
# docs/accuracy.md), so these are photos of larger ones.
LOSSY = ("public_figures/Diana_1.jpg", "public_figures/Diana_2.jpg", "portraits/img54.jpg")

SAVED: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "png": (LOSSLESS, {"compress_level": 1}),
    "tif": (LOSSLESS, {"compression": "tiff_lzw"}),
    "webp": (LOSSLESS, {"lossless": True, "quality": 0}),
    "jpg": (LOSSY, {"quality": 95, "subsampling": 0}),
}


def _write_all_orientations(source: Path, folder: Path, suffix: str, options: dict[str, Any]):
    with Image.open(source) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    upright.info.clear()  # its own EXIF and profile
    for orientation in range(1, 9):
        turn = AGAINST.get(orientation)
        exif = Image.Exif()
        exif[0x0112] = orientation
        raster = upright if turn is None else upright.transpose(turn)
        raster.save(folder / f"{source.stem}_{orientation}.{suffix}", exif=exif, **options)


def _by_motif_and_orientation(faces: list[FoundFace]) -> dict[str, dict[int, list[FoundFace]]]:
    found: dict[str, dict[int, list[FoundFace]]] = defaultdict(lambda: defaultdict(list))
    for face in faces:
        motif, _, orientation = face.photo.stem.rpartition("_")
        found[motif][int(orientation)].append(face)
    return found


@pytest.mark.parametrize("suffix", list(SAVED))
def test_all_eight_orientations_of_a_photo_give_the_same_faces(data, suffix, tmp_path):
    for model in ("yunet", "sface"):
        real_weights(model)
    photos = tmp_path / "photos"
    photos.mkdir()
    sources, options = SAVED[suffix]
    for source in sources:
        _write_all_orientations(data / "albums" / source, photos, suffix, options)
    scanned = Scanned.now(photos, tmp_path / "library")
    assert scanned.report["photos"]["new"] == 24
    matrix = scanned.facesort.vectors(scanned.model_key)
    row = {face: i for i, face in enumerate(matrix.face_ids)}
    motifs = _by_motif_and_orientation(scanned.facesort.faces())
    assert len(motifs) == 3
    for motif, turned in motifs.items():
        assert sorted(turned) == list(range(1, 9))
        assert len(turned[1]) >= 3
        for orientation, faces in turned.items():
            where = f"{motif} in orientation {orientation}"
            assert len(faces) == len(turned[1]), where
            for face in turned[1]:
                same = max(faces, key=lambda other: other.box.overlap(face.box))
                assert same.box.overlap(face.box) >= 0.96, where
                cosine = matrix.vectors[row[same.id]] @ matrix.vectors[row[face.id]]
                assert cosine >= 0.99, where


def test_a_new_orientation_tag_turns_the_boxes_and_costs_no_inference(data, tmp_path):
    for model in ("yunet", "sface"):
        real_weights(model)
    source = data / "albums" / "public_figures" / "Diana_1.jpg"
    with Image.open(source) as picture:
        width, height = picture.size
    photo = tmp_path / "photos" / source.name
    photo.parent.mkdir()
    photo.write_bytes(tagged(source.read_bytes(), 1))
    facesort = Facesort(tmp_path / "library")
    facesort.run("scan", photo.parent)
    before = {face.id: face for face in facesort.faces()}
    assert len(before) == 4
    # Two of them, in the dark behind, are too poor to be anybody.
    named = next(face.person for face in before.values() if face.person is not None)
    facesort.run("name", named, "Anna")

    photo.write_bytes(tagged(source.read_bytes(), 3))  # upside down
    models = CountedModels()
    with models.library(facesort.library) as library:
        counts = library.scan([photo.parent]).counts

    assert (counts.changed, counts.new) == (1, 0)
    assert (models.pictures, models.crops) == (0, 0)
    after = {face.id: face for face in facesort.faces()}
    assert after.keys() == before.keys()
    assert {f.person for f in after.values()} == {f.person for f in before.values()}
    assert [face.name for face in after.values()].count("Anna") == 1
    for face in before.values():
        turned = after[face.id].box
        assert turned.left == pytest.approx(width - face.box.right, abs=0.1)
        assert turned.top == pytest.approx(height - face.box.bottom, abs=0.1)
