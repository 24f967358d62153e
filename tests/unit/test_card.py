from __future__ import annotations

import dataclasses
from pathlib import Path
from types import MappingProxyType

import pytest

from facesort.errors import CardInvalid
from facesort.inference.card import ModelKind, PackageSource, UrlSource
from facesort.inference.card_file import load_cards, read_card

EMBEDDER = """
name = "tiny"
family = "sface"
kind = "embedder"

[weights]
file = "tiny.onnx"
sha256 = "{sha}"
bytes = 10
licence = "MIT"
licence_source = "https://example.org"
commercial_use = true
training_data = "nothing"

[[weights.sources]]
url = "https://example.org/tiny.onnx"

[[weights.sources]]
package = "tiny-pack"
version = "1.0"
member = "tiny/tiny.onnx"

[input]
size = [112, 112]
channels = "RGB"
template = "arcface"

[output]
dimension = 8
""".format(sha="ab" * 32)

DETECTOR = (
    EMBEDDER.replace('kind = "embedder"', 'kind = "detector"')
    .replace("size = [112, 112]", 'size = "dynamic"')
    .replace('template = "arcface"\n', "")
    .replace(
        "[output]\ndimension = 8",
        "[detection]\nstrides = [8]\nmin_score = 0.5\nmax_overlap = 0.3\nface_pixels = [10, 300]",
    )
)


def write(folder: Path, text: str, name: str = "card.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_cards_are_the_default_pair_and_allow_commercial_use():
    cards = load_cards()
    assert set(cards) == {"sface", "sface-bf16", "yunet"}
    assert cards["yunet"].kind is ModelKind.DETECTOR
    assert cards["sface"].kind is ModelKind.EMBEDDER
    assert all(card.weights.commercial_use for card in cards.values())
    assert all((card.path.parent / "LICENSE").is_file() for card in cards.values())


def test_the_shipped_cards_share_one_package_as_last_source():
    sources = [card.weights.sources for card in load_cards().values()]
    packages = {
        (last.package, last.version) if isinstance(last, PackageSource) else None
        for *_, last in sources
    }
    assert len(packages) == 1
    assert None not in packages
    assert all(isinstance(first, UrlSource) for first, *_ in sources)


def test_an_embedder_card_becomes_typed_data(tmp_path):
    card = read_card(write(tmp_path, EMBEDDER))
    assert card.input.size == (112, 112)
    assert card.output is not None
    assert card.output.dimension == 8
    assert card.detection is None
    assert card.weights.sources == (
        UrlSource("https://example.org/tiny.onnx"),
        PackageSource("tiny-pack", "1.0", "tiny/tiny.onnx"),
    )


def test_a_detector_card_becomes_typed_data(tmp_path):
    card = read_card(write(tmp_path, DETECTOR))
    assert card.input.size is None
    assert card.output is None
    assert card.detection is not None
    assert card.detection.strides == (8,)
    assert card.detection.face_pixels == (10, 300)


def test_the_model_key_names_the_weights_and_the_options(tmp_path):
    plain = read_card(write(tmp_path, EMBEDDER))
    mirrored = read_card(write(tmp_path, EMBEDDER + "mirrored = true\n"))
    assert plain.model_key == "tiny@abababababab"
    assert mirrored.model_key == "tiny@abababababab+mirrored"


def test_calibration_and_quality_are_frozen_numbers_with_flattened_tables(tmp_path):
    text = EMBEDDER + (
        "[calibration]\nslope = 3\nknots = [0, 0.5]\ndata = 'LFW'\n"
        "[calibration.pair]\nbias = -1.5\n"
        "[quality]\nsize = [24.0, 112.0]\n"
    )
    card = read_card(write(tmp_path, text))
    assert card.calibration == {
        "slope": 3.0,
        "knots": (0.0, 0.5),
        "data": "LFW",
        "pair.bias": -1.5,
    }
    assert card.quality == {"size": (24.0, 112.0)}
    assert isinstance(card.calibration, MappingProxyType)


def test_a_card_is_frozen_and_hashable(tmp_path):
    card = read_card(write(tmp_path, EMBEDDER + "[calibration]\nslope = 3\n"))
    assert card in {card}
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(card, "name", "other")  # noqa: B010 - an assignment would not pass the type check


@pytest.mark.parametrize(
    ("before", "after", "field", "expected"),
    [
        ('name = "tiny"', "", "name", "a text"),
        ('name = "tiny"', 'name = "My Model"', "name", "lower-case"),
        ('kind = "embedder"', 'kind = "dancer"', "kind", "detector, embedder"),
        ('sha256 = "ab', 'sha256 = "zz', "weights.sha256", "64 lower-case hexadecimal digits"),
        ("bytes = 10", "bytes = 0", "weights.bytes", "a whole number above 0"),
        ("bytes = 10", "bytes = true", "weights.bytes", "a whole number above 0"),
        ('file = "tiny.onnx"', 'file = "../tiny.onnx"', "weights.file", "without folders"),
        ("commercial_use = true", "commercial_use = 1", "weights.commercial_use", "true or false"),
        ('url = "https:', 'url = "file:', "weights.sources[0].url", "https://"),
        ('package = "tiny-pack"', 'package = "--pre"', "weights.sources[1].package", "plain name"),
        ('package = "tiny-pack"', "", "weights.sources[1].url", "package, version and member"),
        ("size = [112, 112]", "size = [112]", "input.size", "list of 2"),
        ("size = [112, 112]", "size = 'dynamic'", "input.size", "list of 2"),
        ('channels = "RGB"', 'channels = "GRB"', "input.channels", "RGB, BGR"),
        ('channels = "RGB"', 'channels = "RGB"\nscale = "x"', "input.scale", "a number"),
        ('template = "arcface"', "", "input.template", "a text"),
        ("dimension = 8", "dimension = 8\nmirored = true", "output.mirored", "absent"),
        ("[output]\ndimension = 8", "", "output", "a table"),
        ("dimension = 8", "dimension = 8\n[calibration]\na = [1, 'x']", "calibration.a", "numbers"),
        ("dimension = 8", "dimension = 8\n[quality]\na = true", "quality.a", "a number"),
        ("[input]", "[extra]\n[input]", "extra", "absent"),
    ],
)
def test_a_wrong_field_is_named_with_its_file_and_what_it_should_be(
    tmp_path, before, after, field, expected
):
    assert before in EMBEDDER
    path = write(tmp_path, EMBEDDER.replace(before, after, 1))
    with pytest.raises(CardInvalid) as caught:
        read_card(path)
    assert str(path) in caught.value.message
    assert f" {field} should be" in caught.value.message
    assert expected in caught.value.message


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("strides = [8]", "strides = []", "detection.strides"),
        ("min_score = 0.5", "min_score = 1.5", "detection.min_score"),
        ("face_pixels = [10, 300]", "face_pixels = [300, 10]", "detection.face_pixels"),
        ('size = "dynamic"', "size = [640, 640]", "input.size"),
    ],
)
def test_a_wrong_detector_field_is_named(tmp_path, before, after, field):
    assert before in DETECTOR
    with pytest.raises(CardInvalid, match=field.replace(".", r"\.")):
        read_card(write(tmp_path, DETECTOR.replace(before, after, 1)))


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe"])
def test_a_card_that_is_no_toml_is_refused_with_its_path(tmp_path, content):
    path = tmp_path / "card.toml"
    path.write_bytes(content)
    with pytest.raises(CardInvalid, match=r"card\.toml"):
        read_card(path)


def test_user_cards_join_the_shipped_ones(tmp_path):
    write(tmp_path, EMBEDDER, "tiny/card.toml")
    write(tmp_path, EMBEDDER.replace('"tiny"', '"flat"'), "flat.toml")
    assert list(load_cards(tmp_path)) == ["flat", "sface", "sface-bf16", "tiny", "yunet"]


def test_an_absent_user_folder_holds_no_cards(tmp_path):
    assert load_cards(tmp_path / "nowhere") == load_cards()


def test_two_cards_of_one_name_are_refused_and_both_files_named(tmp_path):
    path = write(tmp_path, EMBEDDER.replace('name = "tiny"', 'name = "yunet"'), "mine/card.toml")
    with pytest.raises(CardInvalid) as caught:
        load_cards(tmp_path)
    assert str(path) in caught.value.message
    assert str(load_cards()["yunet"].path) in caught.value.message
