from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from facesort.errors import UsageError
from facesort.evaluation.pairs import NamedImage, Pair, read_pairs
from facesort.evaluation.verification import (
    FALSE_MATCH_RATES,
    LfwResult,
    judge_all_pairs,
    judge_folds,
)

PAIRS = """2\t2
Ann\t1\t2
Bea\t3\t10
Ann\t1\tBea\t4
Cem\t2\tDora\t1
Cem\t1\t2
Dora\t1\t3
Ann\t2\tCem\t4
Bea\t1\tDora\t2
"""

LFW_PAIRS = Path(__file__).parents[3] / "shared" / "data" / "lfw" / "pairs.txt"


def write(folder: Path, text: str) -> Path:
    path = folder / "pairs.txt"
    path.write_text(text, encoding="utf-8")
    return path


Cosines = list[list[float | None]]
Same = list[list[bool]]


# The pairs file.


def test_folds_come_in_file_order_with_same_pairs_before_different_ones(tmp_path):
    folds = read_pairs(write(tmp_path, PAIRS))
    assert [[pair.same for pair in fold] for fold in folds] == [[True, True, False, False]] * 2
    assert folds[0][1] == Pair(NamedImage("Bea", 3), NamedImage("Bea", 10))
    assert folds[1][3] == Pair(NamedImage("Bea", 1), NamedImage("Dora", 2))


def test_an_image_is_where_lfw_keeps_it():
    assert NamedImage("Abel_Pacheco", 4).relative_path == "Abel_Pacheco/Abel_Pacheco_0004.jpg"


@pytest.mark.parametrize(
    ("number", "line", "expected"),
    [
        (1, "10", "folds"),
        (1, "x y", "folds"),
        (1, "1\t4", "two folds"),
        (2, "Ann\t1", "two numbers"),
        (2, "Ann\tone\t2", "two numbers"),
        (2, "Ann\t1\tBea\t4", "two numbers"),
        (4, "Ann\t1\t2", "two different people"),
        (4, "Ann\t1\tBea\tx", "two different people"),
        (4, "Ann\t1\tAnn\t2", "two different people"),
        (9, "", "7 pairs"),
    ],
)
def test_a_malformed_line_is_named_by_number(tmp_path, number, line, expected):
    lines = PAIRS.splitlines()
    lines[number - 1] = line
    path = write(tmp_path, "\n".join(lines))
    with pytest.raises(UsageError) as caught:
        read_pairs(path)
    assert str(path) in caught.value.message
    assert expected in caught.value.message
    assert not line or f"line {number}" in caught.value.message


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00"])
def test_a_file_that_holds_no_pairs_is_refused(tmp_path, content):
    path = tmp_path / "pairs.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"pairs\.txt"):
        read_pairs(path)


def test_an_absent_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.txt"):
        read_pairs(tmp_path / "absent.txt")


@pytest.mark.accuracy
def test_the_pairs_of_lfw_are_read():
    if not LFW_PAIRS.is_file():
        pytest.skip("there is no ../shared beside the repository")
    folds = read_pairs(LFW_PAIRS)
    assert [len(fold) for fold in folds] == [600] * 5
    assert all([pair.same for pair in fold] == [True] * 300 + [False] * 300 for fold in folds)


# The k-fold protocol, against the plainest loops that state it.


def plain_accuracy(cosines: Cosines, same: Same) -> tuple[list[float], list[float], list[float]]:
    """Accuracies and thresholds of the folds, as facenet's calculate_roc computes them."""
    grid = [0.01 * step for step in range(400)]

    def right(fold: int, threshold: float) -> list[bool]:
        return [
            (2 - 2 * cosine < threshold) == is_same
            for cosine, is_same in zip(cosines[fold], same[fold], strict=True)
            if cosine is not None
        ]

    accuracies, thresholds, wrong = [], [], []
    for fold in range(len(cosines)):
        others = [index for index in range(len(cosines)) if index != fold]
        scores = [sum(right(index, limit).count(True) for index in others) for limit in grid]
        best = grid[scores.index(max(scores))]
        hits = right(fold, best)
        accuracies.append(sum(hits) / len(hits))
        wrong.append(sum(hits) / len(cosines[fold]))
        thresholds.append(1 - best / 2)
    return accuracies, thresholds, wrong


def plain_val(cosines: Cosines, same: Same, rate: float = 1e-3) -> tuple[list[float], list[float]]:
    """VAL and FAR of the folds, as facenet's calculate_val computes them."""
    grid = [0.001 * step for step in range(4000)]

    def accepted(fold: int, threshold: float, *, kind: bool) -> tuple[int, int]:
        answers = [
            2 - 2 * cosine < threshold
            for cosine, is_same in zip(cosines[fold], same[fold], strict=True)
            if cosine is not None and is_same == kind
        ]
        return sum(answers), len(answers)

    val, far = [], []
    for fold in range(len(cosines)):
        others = [index for index in range(len(cosines)) if index != fold]
        rates = []
        for limit in grid:
            counts = [accepted(index, limit, kind=False) for index in others]
            rates.append(sum(hit for hit, _ in counts) / sum(size for _, size in counts))
        if max(rates) >= rate:
            above = next(index for index, value in enumerate(rates) if value > rate)
            below = above - 1
            part = (rate - rates[below]) / (rates[above] - rates[below])
            limit = grid[below] + part * (grid[above] - grid[below])
        else:
            limit = 0.0
        hit, size = accepted(fold, limit, kind=True)
        val.append(hit / size)
        hit, size = accepted(fold, limit, kind=False)
        far.append(hit / size)
    return val, far


def draw_folds(
    seed: int, *, folds: int = 4, pairs: int = 30, missing: float = 0.1
) -> tuple[Cosines, Same]:
    rng = np.random.default_rng(seed)
    same = [[index < pairs for index in range(2 * pairs)] for _ in range(folds)]
    cosines = [
        [
            None
            if rng.random() < missing
            else float(np.clip(rng.normal(0.6 if is_same else 0.1, 0.2), -1, 1))
            for is_same in fold
        ]
        for fold in same
    ]
    return cosines, same


@pytest.mark.parametrize("seed", range(5))
def test_the_folds_agree_with_a_plain_loop(seed):
    cosines, same = draw_folds(seed)
    result = judge_folds(cosines, same)
    accuracies, thresholds, wrong = plain_accuracy(cosines, same)
    val, far = plain_val(cosines, same)
    assert result.accuracy == pytest.approx(np.mean(accuracies), abs=1e-12)
    assert result.accuracy_std == pytest.approx(np.std(accuracies), abs=1e-12)
    assert result.min_cosine == pytest.approx(np.mean(thresholds), abs=1e-12)
    assert result.accuracy_skipped_wrong == pytest.approx(np.mean(wrong), abs=1e-12)
    assert result.val == pytest.approx(np.mean(val), abs=1e-12)
    assert result.val_std == pytest.approx(np.std(val), abs=1e-12)
    assert result.far_achieved == pytest.approx(np.mean(far), abs=1e-12)
    assert result.pairs == 240
    assert result.skipped == sum(value is None for fold in cosines for value in fold) > 0


def test_separable_pairs_are_judged_without_error():
    same = [[True, False]] * 10
    result = judge_folds([[0.8, 0.1]] * 10, same)
    assert (result.accuracy, result.accuracy_std, result.val) == (1.0, 0.0, 1.0)
    assert 0.1 <= result.min_cosine <= 0.8


def test_a_missing_face_lowers_only_the_accuracy_that_counts_it():
    same = [[True, False, True, False]] * 4
    cosines: list[list[float | None]] = [[0.8, 0.1, None, 0.1]] + [[0.8, 0.1, 0.8, 0.1]] * 3
    result = judge_folds(cosines, same)
    assert result.accuracy == 1.0
    assert result.accuracy_skipped_wrong == pytest.approx((0.75 + 3) / 4)
    assert (result.pairs, result.skipped) == (16, 1)


def test_when_no_threshold_reaches_the_rate_nothing_is_accepted():
    # Opposite vectors have distance 4, which the grid does not reach.
    result = judge_folds([[0.9, -1.0]] * 3, [[True, False]] * 3)
    assert (result.val, result.far_achieved) == (0.0, 0.0)


def test_a_fold_without_usable_pairs_is_a_usage_error():
    with pytest.raises(UsageError, match="fold 2"):
        judge_folds([[0.8, 0.1], [0.8, None]], [[True, False]] * 2)


# All pairs.


def crowd(
    seed: int, *, people: int, per_person: int, dimension: int = 16, spread: float = 0.6
) -> tuple[NDArray[np.float32], list[str]]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, dimension))
    names = [f"p{index % people}" for index in range(people * per_person)]
    vectors = np.stack([centres[int(name[1:])] for name in names])
    vectors += spread * rng.normal(size=vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), names


def plain_tar(
    vectors: NDArray[np.float32], names: list[str], rate: float
) -> tuple[float | None, float | None]:
    same: list[float] = []
    different: list[float] = []
    for first in range(len(names)):
        for second in range(first + 1, len(names)):
            score = float(vectors[first] @ vectors[second])
            (same if names[first] == names[second] else different).append(score)
    allowed = int(rate * len(different) + 1e-9)
    if allowed == 0:
        return None, None
    limit = sorted(different, reverse=True)[allowed]
    return sum(score > limit for score in same) / len(same), limit


@given(seed=st.integers(0, 10**6), people=st.integers(2, 25), per_person=st.integers(2, 4))
def test_all_pairs_agree_with_a_plain_loop(seed, people, per_person):
    vectors, names = crowd(seed, people=people, per_person=per_person)
    result = judge_all_pairs(vectors, names)
    for name, rate in FALSE_MATCH_RATES.items():
        tar, limit = plain_tar(vectors, names, rate)
        if tar is None:
            assert result.tar[name] is None
            assert result.min_cosine[name] is None
        else:
            # Another order of summation may move a score across the limit.
            assert result.tar[name] == pytest.approx(tar, abs=1.01 / result.same)
            assert result.min_cosine[name] == pytest.approx(limit, abs=1e-5)
    assert result.same + result.different == len(names) * (len(names) - 1) // 2


def test_blocks_do_not_change_the_result(monkeypatch):
    vectors, names = crowd(3, people=40, per_person=10)
    whole = judge_all_pairs(vectors, names)
    monkeypatch.setattr("facesort.evaluation.verification._BLOCK_SCORES", 1000)
    blocks = judge_all_pairs(vectors, names)
    for name, tar in whole.tar.items():
        if tar is None:
            assert blocks.tar[name] is None
        else:
            assert blocks.tar[name] == pytest.approx(tar, abs=3 / whole.same)
            assert blocks.min_cosine[name] == pytest.approx(whole.min_cosine[name], abs=1e-5)


def test_at_most_the_allowed_share_of_different_pairs_matches():
    vectors, names = crowd(5, people=60, per_person=5)
    result = judge_all_pairs(vectors, names)
    limit = result.min_cosine["1e-3"]
    assert limit is not None
    scores = vectors @ vectors.T
    different = np.triu(np.asarray(names)[:, None] != np.asarray(names)[None, :], k=1)
    share = (scores[different] > limit + 1e-6).mean()
    assert 0.0008 < share <= 1e-3


def test_the_order_of_the_faces_does_not_matter():
    vectors, names = crowd(7, people=50, per_person=4)
    order = np.random.default_rng(0).permutation(len(names))
    shuffled = judge_all_pairs(vectors[order], [names[index] for index in order])
    straight = judge_all_pairs(vectors, names)
    assert shuffled.same == straight.same
    assert shuffled.tar["1e-3"] == pytest.approx(straight.tar["1e-3"], abs=2 / straight.same)


def test_a_rate_that_too_few_pairs_can_measure_is_left_out():
    vectors, names = crowd(9, people=10, per_person=3)
    result = judge_all_pairs(vectors, names)
    assert result.different == 405
    assert set(result.tar.values()) == {None}


def test_people_with_one_face_each_give_no_rate():
    vectors, names = crowd(9, people=100, per_person=1)
    result = judge_all_pairs(vectors, names)
    assert (result.same, result.different) == (0, 4950)
    assert set(result.tar.values()) == {None}


def test_no_faces_at_all_are_no_crash():
    result = judge_all_pairs(np.empty((0, 4), dtype=np.float32), [])
    assert (result.same, result.different) == (0, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="reads the peak memory of POSIX")
def test_thousands_of_faces_need_no_matrix_of_all_pairs():
    # The full matrix of 12,000 faces alone would be 549 MiB.
    check = """
import resource, sys
import numpy as np
from facesort.evaluation.verification import judge_all_pairs

unit = 2**20 if sys.platform == "darwin" else 2**10
rng = np.random.default_rng(0)
vectors = rng.normal(size=(12_000, 32)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
judge_all_pairs(vectors, [str(index // 3) for index in range(12_000)])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit - before)
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 200.0


def test_the_report_has_the_documented_keys():
    vectors, names = crowd(3, people=40, per_person=10)
    cosines, same = draw_folds(1)
    report = LfwResult(judge_folds(cosines, same), judge_all_pairs(vectors, names)).to_json()
    assert json.loads(json.dumps(report)) == report
    assert list(report) == [
        "accuracy",
        "accuracy_std",
        "threshold",
        "val_at_1e3",
        "far_achieved",
        "tar",
        "pairs",
        "skipped",
        "accuracy_skipped_wrong",
    ]
    assert isinstance(report["tar"], dict)
    assert list(report["tar"]) == ["1e-3", "1e-4", "1e-5", "1e-6"]
