"""The main job on real photos with the real models: scan, name, export, and scan again.

The sample album has five people on 22 files (docs/samples.md). Most files are variations of one
photo; what is said about recognition rests on Barack Obama, of whom there are three photos from
three occasions. Nikola Tesla's two portraits may be one person or two: they are merged.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from facesort.imaging.content import content_key
from tests.fakes import tagged, with_segment
from tests.watched import CountedModels, Facesort, Scanned
from tests.weights import real_weights

if TYPE_CHECKING:
    from tests.samples import SampleAlbum

pytestmark = pytest.mark.weights

OBAMA, BIDEN, COLLINS = "Barack Obama", "Joe Biden", "Eileen Collins"
HOPPER, TESLA = "Grace Hopper", "Nikola Tesla"

OBAMA_ELSEWHERE = (
    "Porträts/portrait sitting 2012.jpg",
    "Reden & Empfänge/congress 2009.jpg",
    "Reden & Empfänge/blue room (1).jpg",
)
NOBODY = {"Archiv/tower.jpg", "Urlaub/hills.jpg"}
COPY, COPIED = "Telefon/Kopie von commodore.jpg", "Porträts/commodore.jpg"

# Someone's only face on one of these says who they are.
KNOWN = {
    OBAMA: ("Porträts/portrait sitting 2012.jpg",),
    BIDEN: ("Reden & Empfänge/blue room (2).jpg",),
    COLLINS: ("Raumfahrt/astronaut.png",),
    HOPPER: ("Porträts/commodore.jpg",),
    TESLA: ("Archiv/um 1890/tesla.jpg", "Archiv/um 1915/tesla.jpg"),
}


@pytest.fixture(scope="module")
def models(_isolated_session: None) -> None:
    """Both models, or a visible skip."""
    for model in ("yunet", "sface"):
        real_weights(model)


@pytest.fixture(scope="module")
def scanned(
    models: None, sample_photos: SampleAlbum, tmp_path_factory: pytest.TempPathFactory
) -> Scanned:
    """The album, scanned with default settings."""
    return Scanned.now(sample_photos.root, tmp_path_factory.mktemp("real") / "library")


@pytest.fixture(scope="module")
def named(
    scanned: Scanned, sample_photos: SampleAlbum, tmp_path_factory: pytest.TempPathFactory
) -> Facesort:
    """A library of the album in which everybody has a name."""
    facesort = scanned.facesort.copied(tmp_path_factory.mktemp("named") / "library")
    owner = {
        place.relative_to(sample_photos.root.resolve()).as_posix(): str(face.person)
        for face in facesort.faces()
        for place in face.places
    }
    for name, photos in KNOWN.items():
        first, *others = dict.fromkeys(owner[photo] for photo in photos)
        facesort.run("name", first, name)
        for other in others:
            facesort.run("merge", first, other)
    return facesort


def _people_by_file(facesort: Facesort, root: Path) -> dict[str, list[str | None]]:
    """Return the names on every file that shows a face, copies included."""
    found: dict[str, list[str | None]] = defaultdict(list)
    for face in facesort.faces():
        for place in face.places:
            found[place.relative_to(root.resolve()).as_posix()].append(face.name)
    return {path: sorted(names, key=str) for path, names in found.items()}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): _sha256(path)
        for path in folder.rglob("*")
        if path.is_file()
    }


# -- who is who ----------------------------------------------------------------------------------


def test_the_scan_counts_every_file_and_finds_the_copy(scanned):
    photos = scanned.report["photos"]
    assert (photos["seen"], photos["new"], photos["copies"]) == (22, 21, 1)
    assert (photos["failed"], photos["skipped"]) == (0, {})
    assert scanned.report["faces"] == 26
    assert scanned.report["provider"] != "none"


def test_photos_of_one_person_from_three_occasions_are_one_person(scanned):
    root = scanned.folder.resolve()
    on = {face.photo.relative_to(root).as_posix(): face.person for face in scanned.facesort.faces()}
    assert len({on[photo] for photo in OBAMA_ELSEWHERE}) == 1


def test_different_people_are_different_people(scanned):
    root = scanned.folder.resolve()
    on = {face.photo.relative_to(root).as_posix(): face.person for face in scanned.facesort.faces()}
    first = [on[photos[0]] for photos in KNOWN.values()]
    assert None not in first
    assert len(set(first)) == len(KNOWN)
    assert scanned.report["people"] in {5, 6}  # Tesla is one or two


def test_everybody_is_on_exactly_the_files_that_show_them(named, sample_photos):
    expected = {p.path: sorted(p.people) for p in sample_photos.photos if p.people}
    assert _people_by_file(named, sample_photos.root) == expected
    assert not NOBODY & expected.keys()


def test_a_copy_is_a_second_place_of_its_photo(scanned):
    root = scanned.folder.resolve()
    places = {face.places for face in scanned.facesort.faces() if len(face.places) > 1}
    assert places == {(root / COPIED, root / COPY)}


def test_people_are_listed_with_exact_counts(named, sample_photos):
    listed = {p["name"]: (p["photos"], p["faces"]) for p in named.ask("people")}
    # A copy is no second photo.
    distinct = {
        name: len({content_key(sample_photos.file(p).read_bytes()) for p in sample_photos.of(name)})
        for name in KNOWN
    }
    assert listed == {name: (count, count) for name, count in distinct.items()}


# -- albums --------------------------------------------------------------------------------------


def test_albums_hold_exactly_the_photos_of_each_person(named, sample_photos, tmp_path):
    before = _hashes(sample_photos.root)
    named.run("export", tmp_path / "albums")

    expected = {}
    for name in KNOWN:
        pictures: dict[str, Path] = {}
        for photo in sorted(sample_photos.of(name), key=lambda photo: photo.path):
            file = sample_photos.file(photo)
            pictures.setdefault(content_key(file.read_bytes()), file)
        names = [file.name for file in pictures.values()]
        for key, file in pictures.items():
            # Same name, other content: a suffix from the content key.
            suffix = f"-{key.partition(':')[2][:6]}" if names.count(file.name) > 1 else ""
            expected[f"{name}/{file.stem}{suffix}{file.suffix}"] = _sha256(file)
    written = _hashes(tmp_path / "albums")
    written.pop("manifest.json")
    assert written == expected
    assert _hashes(sample_photos.root) == before


def test_albums_below_the_scanned_folder_are_refused(named, sample_photos):
    refused = named.run("export", sample_photos.root / "albums", expect=42)
    assert "scanned" in refused.stderr
    assert not (sample_photos.root / "albums").exists()


# -- the same photos again -----------------------------------------------------------------------


@pytest.fixture
def album(named: Facesort, sample_photos: SampleAlbum, tmp_path: Path) -> tuple[Path, Facesort]:
    """A copy of the photos, scanned and named, for a test that changes files."""
    photos = tmp_path / "photos"
    shutil.copytree(sample_photos.root, photos)
    facesort = named.copied(tmp_path / "library")
    facesort.run("scan", photos)  # every photo now has a place here too
    return photos, facesort


def _names_in(facesort: Facesort, photos: Path) -> dict[str, list[str | None]]:
    root = photos.resolve()
    found: dict[str, list[str | None]] = defaultdict(list)
    for face in facesort.faces():
        for place in face.places:
            if place.is_relative_to(root):
                found[place.relative_to(root).as_posix()].append(face.name)
    return {path: sorted(names, key=str) for path, names in found.items()}


def test_a_second_scan_opens_no_photo_and_no_model(album):
    photos, facesort = album
    before = facesort.run("faces").stdout
    again = facesort.run("scan", photos)
    assert "22 unchanged" in again.stdout
    assert not [path for path in again.opened if path.startswith(str(photos))]
    assert facesort.run("faces").stdout == before


def test_keywords_a_turn_a_move_and_a_new_name_cost_no_inference_and_keep_every_name(album):
    photos, facesort = album
    before = _names_in(facesort, photos)
    keyworded = photos / "Gruppen/group of four.jpg"
    keyworded.write_bytes(with_segment(keyworded.read_bytes(), 0xED, b"Photoshop 3.0\x00family"))
    turned = photos / "Gruppen/two side by side.jpg"
    turned.write_bytes(tagged(turned.read_bytes(), 6))
    (photos / "Reden & Empfänge/congress 2009.jpg").rename(photos / "congress.jpg")
    (photos / "Raumfahrt").rename(photos / "Shuttle")

    models = CountedModels()
    with models.library(facesort.library) as library:
        counts = library.scan([photos]).counts

    assert (models.pictures, models.crops) == (0, 0)
    assert (counts.new, counts.changed, counts.moved) == (0, 2, 2)
    before["congress.jpg"] = before.pop("Reden & Empfänge/congress 2009.jpg")
    before["Shuttle/astronaut.png"] = before.pop("Raumfahrt/astronaut.png")
    assert _names_in(facesort, photos) == before


def test_a_crop_is_a_new_photo_of_the_same_person(album):
    photos, facesort = album
    with Image.open(photos / "Porträts/portrait sitting 2012.jpg") as picture:
        width, height = picture.size
        crop = picture.crop((width // 8, 0, width, height * 7 // 8))
        crop.save(photos / "cropped.jpg", quality=92)
    counts = facesort.ask("scan", photos)["photos"]
    assert (counts["new"], counts["changed"]) == (1, 0)
    assert _names_in(facesort, photos)["cropped.jpg"] == [OBAMA]


def test_grouping_again_in_any_way_keeps_every_name(named, sample_photos, tmp_path):
    facesort = named.copied(tmp_path / "library")
    before = _people_by_file(facesort, sample_photos.root)
    for method in ("threshold", "agglomerative", "linkage"):
        facesort.run("group", "--all", "--method", method)
        assert _people_by_file(facesort, sample_photos.root) == before


# -- pictures ------------------------------------------------------------------------------------


def test_embeddings_equal_those_of_opencv(scanned, sample_photos):
    """OpenCV's own SFace on the published file, from the same five points."""
    reference = cv2.FaceRecognizerSF.create(str(real_weights("sface")), "")
    matrix = scanned.facesort.vectors(scanned.model_key)
    row = {face: i for i, face in enumerate(matrix.face_ids)}
    compared = 0
    for face in scanned.facesort.faces():
        # A larger face is averaged down before it is aligned; OpenCV's aliases.
        if face.photo.suffix != ".png" or face.box.width > 112:
            continue
        with Image.open(face.photo) as picture:
            pixels = np.asarray(picture.convert("RGB"))[:, :, ::-1]
        found = np.zeros((1, 15), dtype=np.float32)
        found[0, 4:14] = np.asarray(face.landmarks, dtype=np.float32).ravel()
        crop = reference.alignCrop(np.ascontiguousarray(pixels), found)
        feature = reference.feature(crop).ravel()
        cosine = matrix.vectors[row[face.id]] @ feature / np.linalg.norm(feature)
        assert cosine >= 0.99
        compared += 1
    assert compared == 1


def test_a_small_face_in_a_large_photo_is_cut_from_the_original_pixels(
    models, sample_photos, tmp_path
):
    """24 megapixels are searched at 1920 pixels across: faces of 60 pixels have 20 there."""
    photos = tmp_path / "photos"
    photos.mkdir()
    heads = {
        "obama": ("Porträts/portrait sitting 2012.jpg", (231, 0, 751, 650)),
        "biden": ("Reden & Empfänge/blue room (2).jpg", (267, 20, 867, 770)),
        "hopper": ("Porträts/commodore.jpg", (87, 30, 447, 480)),
    }
    for name, (source, box) in heads.items():
        with Image.open(sample_photos.root / source) as picture:
            head = picture.convert("RGB").crop(box)
        head = head.resize((132, 132 * head.height // head.width), Image.Resampling.LANCZOS)
        large = Image.new("RGB", (6000, 4000), (206, 202, 194))
        large.paste(head, (2000, 1500))
        large.save(photos / f"{name} large.png", compress_level=1)
        large.crop((1800, 1300, 2600, 2000)).save(photos / f"{name} alone.png")
        shrunken = large.resize((1920, 1280), Image.Resampling.LANCZOS)
        shrunken.save(photos / f"{name} shrunken.png", compress_level=1)
    facesort = Facesort(tmp_path / "library")
    report = facesort.ask("scan", photos, "--min-face", "10")
    matrix = facesort.vectors(report["models"]["embedder"])
    row = {face: i for i, face in enumerate(matrix.face_ids)}
    faces = {face.photo.stem: face for face in facesort.faces()}
    assert len(faces) == 9
    for name in heads:
        assert 50 <= faces[f"{name} large"].box.width <= 80
        alone, large, shrunken = (
            matrix.vectors[row[faces[f"{name} {how}"].id]] for how in ("alone", "large", "shrunken")
        )
        assert alone @ large >= 0.9
        assert alone @ large >= alone @ shrunken + 0.15


def test_one_damaged_photo_is_one_recorded_failure_and_no_noise(models, sample_photos, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    good, damaged = photos / "good.png", photos / "damaged.tif"
    shutil.copy(sample_photos.root / "Raumfahrt/astronaut.png", good)
    with Image.open(good) as picture:
        picture.save(damaged, compression="tiff_lzw")
    coded = bytearray(damaged.read_bytes())
    coded[8:2000] = b"\xff" * 1992  # libtiff: "Using code not yet in table.", printed from C
    damaged.write_bytes(coded)

    facesort = Facesort(tmp_path / "library")
    ran = facesort.run("scan", photos, expect=3)

    (failed,) = facesort.ask("photos", "--failed")
    assert failed["photo"] == str(damaged.resolve())
    assert failed["reason"]
    assert len(facesort.faces()) == 1
    ours = ("Looking", "Grouping", "Failed", "Who is who", str(damaged.resolve()))
    assert [line for line in ran.stderr.splitlines() if not line.startswith(ours)] == []
