from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import v_measure_score

from facesort.domain import Box, FaceId
from facesort.errors import UsageError
from facesort.evaluation.clustering import ClusterResult, Score, judge_clusters
from facesort.evaluation.truth import DetectedPhoto, TruthRow, match_faces, read_truth

SHARED = Path(__file__).parents[3] / "shared" / "data"

labelled = st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.sampled_from(["1", "2", "3", "4", None])),
    min_size=1,
    max_size=40,
)


def split(rows: list[tuple[str, str | None]]) -> tuple[list[str], list[str | None]]:
    return [person for person, _ in rows], [cluster for _, cluster in rows]


def alone_made_explicit(clusters: list[str | None]) -> list[str]:
    return [f"alone{row}" if label is None else label for row, label in enumerate(clusters)]


# The scores, against definitions by brute force.


@given(labelled)
def test_pairwise_agrees_with_counting_every_pair(rows):
    people, clusters = split(rows)
    labels = alone_made_explicit(clusters)
    pairs = list(permutations(range(len(rows)), 2))
    merged = [(a, b) for a, b in pairs if labels[a] == labels[b]]
    same = [(a, b) for a, b in pairs if people[a] == people[b]]
    both = len(set(merged) & set(same))
    score = judge_clusters(people, clusters).pairwise
    assert score.precision == pytest.approx(both / len(merged) if merged else 1.0)
    assert score.recall == pytest.approx(both / len(same) if same else 1.0)


@given(labelled)
def test_bcubed_agrees_with_looking_at_every_face(rows):
    people, clusters = split(rows)
    labels = alone_made_explicit(clusters)
    everybody = range(len(rows))
    precision, recall = 0.0, 0.0
    for face in everybody:
        cluster = {other for other in everybody if labels[other] == labels[face]}
        person = {other for other in everybody if people[other] == people[face]}
        precision += len(cluster & person) / len(cluster) / len(rows)
        recall += len(cluster & person) / len(person) / len(rows)
    score = judge_clusters(people, clusters).bcubed
    assert score.precision == pytest.approx(precision)
    assert score.recall == pytest.approx(recall)


@given(labelled)
def test_v_measure_agrees_with_scikit_learn(rows):
    people, clusters = split(rows)
    expected = v_measure_score(people, alone_made_explicit(clusters))
    assert judge_clusters(people, clusters).v_measure == pytest.approx(expected, abs=1e-9)


@given(labelled)
def test_pure_share_agrees_with_looking_at_every_face(rows):
    people, clusters = split(rows)
    labels = alone_made_explicit(clusters)
    pure = 0
    for label in labels:
        members = [people[row] for row, other in enumerate(labels) if other == label]
        largest = max(members.count(person) for person in members)
        pure += 100 * largest > 95 * len(members)
    assert judge_clusters(people, clusters).pure_share == pytest.approx(pure / len(rows))


@given(labelled, st.randoms(use_true_random=False))
def test_labels_and_order_do_not_matter(rows, draw):
    people, clusters = split(rows)
    order = list(range(len(rows)))
    draw.shuffle(order)
    renamed = {label: f"new{label}" for label in set(clusters) if label is not None}
    before = judge_clusters(people, clusters)
    after = judge_clusters(
        [people[row] for row in order],
        [renamed.get(clusters[row] or "") for row in order],
    )
    assert _close(after, before)


def _close(first: ClusterResult, second: ClusterResult) -> bool:
    return (
        first.pairwise.f == pytest.approx(second.pairwise.f)
        and first.bcubed.f == pytest.approx(second.bcubed.f)
        and first.v_measure == pytest.approx(second.v_measure)
        and first.pure_share == pytest.approx(second.pure_share)
        and (first.clusters, first.people) == (second.clusters, second.people)
    )


def test_a_perfect_grouping_scores_one_everywhere():
    result = judge_clusters(["A", "A", "B"], ["x", "x", "y"])
    assert result.pairwise == result.bcubed == Score(1.0, 1.0)
    assert (result.v_measure, result.pure_share) == (1.0, 1.0)
    assert (result.clusters, result.people, result.faces) == (2, 2, 3)


def test_missing_and_unassigned_faces_are_clusters_of_their_own_and_counted_apart():
    result = judge_clusters(
        ["A", "A", "A", "A"], ["x", "x", None, None], found=[True, True, True, False]
    )
    assert (result.missing, result.unassigned, result.faces) == (1, 1, 4)
    assert result.clusters == 3
    assert result.pairwise == Score(1.0, 2 / 12)


def test_a_missing_face_counts_once_even_when_it_has_a_label():
    result = judge_clusters(["A", "A"], ["x", "x"], found=[True, False])
    assert (result.missing, result.unassigned, result.clusters) == (1, 0, 2)
    assert result.pairwise.recall == 0.0


def test_a_cluster_is_pure_above_ninety_five_percent_only():
    assert judge_clusters(["A"] * 19 + ["B"], ["x"] * 20).pure_share == 0.0
    assert judge_clusters(["A"] * 20 + ["B"], ["x"] * 21).pure_share == 1.0


def test_a_score_of_nothing_right_has_no_harmonic_mean_but_zero():
    assert Score(0.0, 0.0).f == 0.0
    assert judge_clusters(["A", "B"], ["x", "x"]).pairwise == Score(0.0, 1.0)


def test_lists_of_different_length_are_a_bug():
    with pytest.raises(ValueError, match="2 people"):
        judge_clusters(["A", "B"], ["x"])


def test_the_report_has_the_documented_keys():
    report = judge_clusters(["A", "A", "B"], ["x", "x", None]).to_json()
    assert json.loads(json.dumps(report)) == report
    assert list(report) == [
        "pairwise",
        "bcubed",
        "v_measure",
        "clusters",
        "people",
        "faces",
        "missing",
        "unassigned",
        "pure_share",
    ]
    assert report["pairwise"] == {"p": 1.0, "r": 1.0, "f": 1.0}


# The truth file.


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "truth.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_rows_without_boxes_mean_the_central_face(tmp_path):
    rows = read_truth(write(tmp_path, "photo,person\nsub/a.jpg,Zoë\n/abs/b.jpg,Bob\n"))
    assert rows == (
        TruthRow(tmp_path / "sub" / "a.jpg", "Zoë", None),
        TruthRow(Path("/abs/b.jpg").absolute(), "Bob", None),
    )


def test_rows_with_boxes_keep_them_and_other_columns_are_ignored(tmp_path):
    text = "photo,left,top,right,bottom,person,note\na.jpg,1,2.5,30,40,Ann,by eye\n"
    assert read_truth(write(tmp_path, text)) == (
        TruthRow(tmp_path / "a.jpg", "Ann", Box(1.0, 2.5, 30.0, 40.0)),
    )


def test_a_spreadsheets_byte_order_mark_quotes_and_spaces_are_understood(tmp_path):
    path = write(tmp_path, '"photo", person\r\n"a, b.jpg", Ann \r\n', "utf-8-sig")
    assert read_truth(path) == (TruthRow(tmp_path / "a, b.jpg", "Ann", None),)


def test_a_path_is_taken_relative_to_the_file_not_to_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path, "photo,person\n../a.jpg,Ann\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    (row,) = read_truth(Path("../truth.csv"))
    assert row.photo == tmp_path.parent / "a.jpg"


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("name,person\na.jpg,Ann\n", "line 1", "photo,person"),
        ("photo,left,top,person\na.jpg,1,2,Ann\n", "line 1", "photo,person"),
        ("", "line 1", "photo,person"),
        ("photo,person\na.jpg,Ann\nb.jpg\n", "line 3", "a photo and a person"),
        ("photo,person\n,Ann\n", "line 2", "a photo and a person"),
        ("photo,left,top,right,bottom,person\na.jpg,1,2,x,4,Ann\n", "line 2", "four numbers"),
        ("photo,left,top,right,bottom,person\na.jpg,5,2,1,4,Ann\n", "line 2", "left < right"),
        ("photo,left,top,right,bottom,person\na.jpg,5,nan,9,4,Ann\n", "line 2", "top < bottom"),
        ("photo,person\na.jpg,Ann\na.jpg,Bob\n", "line 3", "listed above"),
        ("photo,person\n", "truth.csv", "no row"),
        ('photo,person\n"a.jpg,Ann\n', "truth.csv", "cannot be read"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(tmp_path, text, place, expected):
    with pytest.raises(UsageError) as caught:
        read_truth(write(tmp_path, text))
    assert "truth.csv" in caught.value.message
    assert place in caught.value.message
    assert expected in caught.value.message


@pytest.mark.parametrize("content", [b"photo,person\n\xff\xfe,Ann\n", None])
def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path, content):
    path = tmp_path / "truth.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"truth\.csv"):
        read_truth(path)


def test_a_folder_names_the_person_by_its_subfolder(tmp_path):
    for name in (
        "Ann/1.jpg",
        "Ann/beach/2.PNG",
        "Ann/notes.txt",
        "Ann/._1.jpg",
        "Bob/3.webp",
        ".hidden/4.jpg",
        "Bob/.thumbs/5.jpg",
        "loose.jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert read_truth(tmp_path) == (
        TruthRow(tmp_path / "Ann" / "1.jpg", "Ann", None),
        TruthRow(tmp_path / "Ann" / "beach" / "2.PNG", "Ann", None),
        TruthRow(tmp_path / "Bob" / "3.webp", "Bob", None),
    )


def test_a_folder_without_photos_is_a_usage_error(tmp_path):
    (tmp_path / "Ann").mkdir()
    with pytest.raises(UsageError, match="no subfolder holds a photo"):
        read_truth(tmp_path)


@pytest.mark.accuracy
def test_the_shared_albums_are_read():
    if not SHARED.is_dir():
        pytest.skip("there is no ../shared beside the repository")
    rows = read_truth(SHARED / "albums" / "public_figures" / "truth.csv")
    assert all(row.box is not None and row.photo.is_file() for row in rows)
    assert len(read_truth(SHARED / "albums" / "portraits" / "truth.csv")) == 61
    assert len(read_truth(SHARED / "lfw" / "images")) == 6132


# Which detected face a row means.


def photo(*boxes: Box, width: int = 400, height: int = 300) -> DetectedPhoto:
    return DetectedPhoto(
        width, height, [(FaceId(f"f{index}"), box) for index, box in enumerate(boxes)]
    )


def matched(detected: DetectedPhoto, *boxes: Box | None) -> tuple[FaceId | None, ...]:
    path = Path("/album/a.jpg")
    return match_faces([TruthRow(path, "Ann", box) for box in boxes], {path: detected})


def test_a_box_means_the_face_that_overlaps_it_most():
    detected = photo(Box(0, 0, 100, 100), Box(10, 10, 110, 110), Box(200, 0, 300, 100))
    assert matched(detected, Box(12, 12, 112, 112)) == ("f1",)


def test_a_box_that_covers_less_than_half_means_no_face():
    assert matched(photo(Box(0, 0, 100, 100)), Box(0, 0, 49, 100)) == (None,)
    assert matched(photo(Box(0, 0, 100, 100)), Box(0, 0, 50, 100)) == ("f0",)


def test_two_boxes_never_share_a_face_and_the_better_one_has_it():
    detected = photo(Box(0, 0, 100, 100))
    assert matched(detected, Box(0, 0, 100, 80), Box(0, 0, 100, 95)) == (None, "f0")


def test_a_box_whose_face_is_taken_gets_the_next_one():
    detected = photo(Box(0, 0, 100, 100), Box(20, 0, 120, 100))
    assert matched(detected, Box(0, 0, 100, 100), Box(8, 0, 108, 100)) == ("f0", "f1")


def test_without_a_box_a_central_face_beats_a_larger_one_at_the_edge():
    edge, centre = Box(0, 0, 110, 110), Box(150, 100, 250, 200)
    assert matched(photo(edge, centre), None) == ("f1",)


def test_without_a_box_a_much_larger_face_beats_a_central_small_one():
    large, small = Box(100, 20, 340, 280), Box(195, 145, 205, 155)
    assert matched(photo(small, large), None) == ("f1",)


def test_a_photo_that_is_unknown_or_without_faces_means_no_face():
    row = TruthRow(Path("/album/b.jpg"), "Ann", None)
    assert match_faces([row], {}) == (None,)
    assert match_faces([row], {row.photo: photo()}) == (None,)


def test_copies_of_one_photo_each_find_its_face():
    detected = photo(Box(100, 100, 200, 200))
    rows = [TruthRow(Path(f"/album/{name}.jpg"), "Ann", None) for name in "ab"]
    assert match_faces(rows, {row.photo: detected for row in rows}) == ("f0", "f0")


boxes = st.builds(
    lambda left, top, side: Box(left, top, left + side, top + side),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(5, 60),
)


@given(st.lists(boxes, max_size=6, unique=True), st.lists(boxes, max_size=6, unique=True))
def test_boxes_and_faces_are_matched_one_to_one_by_at_least_half(faces, wanted):
    result = matched(photo(*faces), *wanted)
    used = [face for face in result if face is not None]
    assert len(used) == len(set(used))
    by_id = {f"f{index}": box for index, box in enumerate(faces)}
    for box, face in zip(wanted, result, strict=True):
        if face is not None:
            assert by_id[face].overlap(box) >= 0.5
        else:
            assert all(
                other.overlap(box) < 0.5 or f"f{index}" in used for index, other in enumerate(faces)
            )
