"""Fits what probability a similarity gives, and checks it on people it was not fitted on.

    python -m tests.benchmarks.reliability LFW [--libraries DIR] [--svg docs/images/reliability.svg]

LFW is a folder PERSON/PHOTO.jpg. Its photos and bad copies of them (`degraded`) are scanned with
the default models; the people whose SHA-256 of the name is even are fitted on, the others checked
on. Printed are the numbers of `[calibration.evidence]`, other forms of the formula beside them, and
how far the probabilities of the shipped card are from what is true: over all pairs, by quality, and
at other priors. The diagram shows all pairs at a prior of one half.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facesort.evaluation.probability import FacePairs, draw_pairs, fit_evidence
from facesort.evaluation.reliability import Reliability, judge_probabilities
from facesort.grouping.calibration import Calibration
from tests.benchmarks.degraded import spoil_folder
from tests.benchmarks.labelled import Labelled, read_labelled
from tests.watched import Facesort
from tests.weights import card

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    _Terms = Callable[[FacePairs], list[NDArray[np.float64]]]

__all__ = ["QUALITIES", "check", "pairs_of"]

QUALITIES = (0.0, 0.2, 0.3, 0.45, 0.6, 0.8, 1.01)
_PRIORS = (0.5, 0.1, 0.01)


def pairs_of(faces: Labelled, *, even: bool) -> FacePairs:
    """Draw pairs among half of the people; a photo and its bad copy are never one."""
    half = faces.named(even=even)
    return draw_pairs(half.vectors, half.qualities, half.people.tolist(), half.stems.tolist())


def check(calibration: Calibration, pairs: FacePairs, *, prior: float = 0.5) -> Reliability:
    """Judge the probabilities of a calibration."""
    given = calibration.probability(pairs.cosine, pairs.lower, pairs.higher, prior=prior)
    assert given is not None, "the card has no evidence"
    return judge_probabilities(given, pairs.same, weights=pairs.weights(prior))


# c: the cosine, q and Q: the quality of the poorer and of the better face.
_FORMS: Mapping[str, _Terms] = {
    "c": lambda p: [p.cosine],
    "c, q": lambda p: [p.cosine, p.lower],
    "c, q, cq": lambda p: [p.cosine, p.lower, p.cosine * p.lower],
    "c, c2": lambda p: [p.cosine, p.cosine**2],
    "c, c2, q": lambda p: [p.cosine, p.cosine**2, p.lower],
    "c, c2, q, Q": lambda p: [p.cosine, p.cosine**2, p.lower, p.higher],
    "c, c2, q, cq, q2 (chosen)": lambda p: [
        p.cosine, p.cosine**2, p.lower, p.cosine * p.lower, p.lower**2,
    ],
    "c, c2, q, cq, q2, Q": lambda p: [
        p.cosine, p.cosine**2, p.lower, p.cosine * p.lower, p.lower**2, p.higher,
    ],
}  # fmt: skip


def _compare(fitted: FacePairs, checked: FacePairs) -> None:
    """Print each form's loss on five parts of its own pairs, and on the other people."""
    parts = np.random.default_rng(0).integers(0, 5, len(fitted))
    _say(f"{'form':36}{'numbers':>8}{'log loss, left out':>20}{'others':>10}")
    for name, terms in _FORMS.items():
        held = np.empty(len(fitted))
        for part in range(5):
            numbers = _logistic(terms, fitted.take(parts != part))
            held[parts == part] = _ratio(terms, numbers, fitted.take(parts == part))
        numbers = _logistic(terms, fitted)
        other = _ratio(terms, numbers, checked)
        _say(f"{name:36}{len(numbers):8}{_loss(held, fitted):20.4f}{_loss(other, checked):10.4f}")


def _ratio(terms: _Terms, numbers: NDArray[np.float64], pairs: FacePairs) -> NDArray[np.float64]:
    return np.column_stack([np.ones(len(pairs)), *terms(pairs)]) @ numbers


def _logistic(terms: _Terms, pairs: FacePairs) -> NDArray[np.float64]:
    columns = np.column_stack([np.ones(len(pairs)), *terms(pairs)])
    weights, numbers = pairs.weights(), np.zeros(columns.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-columns @ numbers))
        curve = (columns * (weights * p * (1 - p))[:, None]).T @ columns
        numbers = numbers + np.linalg.solve(curve, columns.T @ (weights * (pairs.same - p)))
    return numbers


def _loss(ratio: NDArray[np.float64], pairs: FacePairs) -> float:
    return float(pairs.weights() @ np.logaddexp(0, np.where(pairs.same, -ratio, ratio)))


def _describe(calibration: Calibration, pairs: FacePairs) -> None:
    _say(f"\n{'pairs':22}{'of one':>8}{'of two':>9}{'error':>8}{'Brier':>8}{'log loss':>10}")

    def line(name: str, some: FacePairs, prior: float = 0.5) -> None:
        judged, same = check(calibration, some, prior=prior), int(some.same.sum())
        _say(
            f"{name:22}{same:8,}{len(some) - same:9,}{judged.calibration_error:8.4f}"
            f"{judged.brier:8.4f}{judged.log_loss:10.4f}"
        )

    for prior in _PRIORS:
        line(f"all, prior {prior:g}", pairs, prior)
    for low, high in itertools.pairwise(QUALITIES):
        line(
            f"quality {low:.2f} to {min(high, 1):.2f}",
            pairs.take((pairs.lower >= low) & (pairs.lower < high)),
        )
    _say(f"\n{'said':>6}{'true':>8}{'share':>8}")
    for part in check(calibration, pairs).bins:
        _say(f"{part.predicted:6.3f}{part.observed:8.3f}{part.weight:8.4f}")


_SIZE, _LEFT, _TOP = 320, 52, 16

_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 392 392" role="img" font-family="sans-serif"
 font-size="12" fill="#444">
<title>Reliability: what was said and what was true</title>
<rect width="392" height="392" fill="#fff"/>
<rect x="52" y="16" width="320" height="320" fill="none" stroke="#bbb"/>
<path d="M52 336L372 16" stroke="#bbb" stroke-dasharray="4"/>
{ticks}
<path d="M{path}" fill="none" stroke="#1c6dd0" stroke-width="2"/>
{points}
<text x="212" y="384" text-anchor="middle">said: probability of one person</text>
<text transform="translate(14 176) rotate(-90)" text-anchor="middle">true: share of them</text>
<text x="62" y="36">calibration error {error:.3f}</text>
</svg>
"""


def _diagram(judged: Reliability) -> str:
    """Draw it by hand: the same bytes on every machine."""
    ticks = [
        f'<text x="{_LEFT + _SIZE * tick:.0f}" y="354" text-anchor="middle">{tick:g}</text>\n'
        f'<text x="44" y="{_TOP + _SIZE * (1 - tick) + 4:.0f}" text-anchor="end">{tick:g}</text>'
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    points = [
        (_LEFT + _SIZE * part.predicted, _TOP + _SIZE * (1 - part.observed)) for part in judged.bins
    ]
    return _SVG.format(
        ticks="\n".join(ticks),
        path="L".join(f"{x:.1f} {y:.1f}" for x, y in points),
        points="\n".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in points),
        error=judged.calibration_error,
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Parse the command line, scan where needed, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lfw", type=Path)
    parser.add_argument("--libraries", type=Path, help="kept there, and used again")
    parser.add_argument("--svg", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        faces = scanned(given.lfw, given.libraries or Path(scratch))
    fitted, checked = pairs_of(faces, even=True), pairs_of(faces, even=False)
    _say(f"{len(faces):,} faces")
    _compare(fitted, checked)
    numbers = ", ".join(f"{number:.2f}" for number in astuple(fit_evidence(fitted)))
    _say(f"\nfitted: {numbers}")
    shipped = Calibration.from_card(card("sface").calibration)
    _describe(shipped, checked)
    if given.svg is not None:
        given.svg.parent.mkdir(parents=True, exist_ok=True)
        given.svg.write_text(_diagram(check(shipped, checked)), encoding="utf-8")


def scanned(lfw: Path, libraries: Path) -> Labelled:
    """Scan the photos and bad copies of them, unless that was done before."""
    copies = libraries / "bad-copies"
    if not copies.is_dir():
        spoil_folder(lfw, copies)
    both = []
    for name, folder in (("photos", lfw), ("bad", copies)):
        facesort = Facesort(libraries / name)
        report = facesort.ask("scan", folder.resolve(), "--no-group")
        both.append(read_labelled(facesort, report["models"]["embedder"], folder.resolve()))
    return both[0].and_of(both[1])


if __name__ == "__main__":
    main()
