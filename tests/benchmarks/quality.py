"""Says what the quality of a face is worth, beside each single measure that it is made from.

    python -m tests.benchmarks.quality LFW [--libraries DIR] [--svg docs/images/quality.svg]

LFW is a folder PERSON/PHOTO.jpg; its photos and bad copies of them (`degraded`) are scanned with
the default models. Everything printed is on the people whose SHA-256 of the name is odd: the card's
table was made with the others. `tests.benchmarks.burst_quality` does the same for bursts.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facesort.evaluation.quality import JudgedQuality, QualityTest
from facesort.registry import quality_of
from facesort.vision.measures import MEASURES, measure
from facesort.vision.quality import CardQuality
from tests.benchmarks.reliability import scanned
from tests.watched import Facesort
from tests.weights import card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.evaluation.quality import Interval
    from facesort.inference.fields import Numbers
    from tests.benchmarks.labelled import Labelled

_SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
_TOLD = (0, 1, 2, 4, 6)  # of those in the table
_SCALES = (0.0, 0.5, 1.0, 2.0)


def only(quality: Numbers, name: str) -> CardQuality:
    """Return the quality that a card's table makes of one measure alone."""
    own = {key: value for key, value in quality.items() if key.startswith(f"{name}.")}
    return CardQuality({"combined": (0.0, 1.0), "value": (0.0, 1.0), **own})


def scaled(quality: Numbers, times: float) -> CardQuality:
    """Return the card's quality with other weights for everything but the length."""
    others = {
        key: value * times
        for key, value in quality.items()
        if key.endswith(".weight") and key != "norm.weight" and isinstance(value, float)
    }
    # Other weights, another mean: only the order counts here.
    return CardQuality({**quality, **others, "combined": (0.0, 1.0), "value": (0.0, 1.0)})


def _measures_of(faces: Labelled, libraries: Path) -> list[Mapping[str, float]]:
    seen: dict[str, Mapping[str, float]] = {}
    for name in ("photos", "bad"):
        for text in Facesort(libraries / name).run("faces").stdout.splitlines():
            line = json.loads(text)
            seen[line["face"]] = line["measures"]
    return [seen[face] for face in faces.ids]


def _scores(quality: CardQuality, seen: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    return np.array([quality.score(one) for one in seen])


def _line(name: str, judged: JudgedQuality) -> str:
    def number(of: Interval) -> str:
        return f"{of.value:.3f} ({of.low:+.3f}..{of.high:+.3f})"

    missed = "".join(f"{100 * judged.missed[k].value:8.2f}" for k in _TOLD)
    return f"{name:16}{number(judged.pooled):26}{number(judged.within):26}{missed}"


def _compare(
    title: str, faces: Labelled, seen: Sequence[Mapping[str, float]]
) -> dict[str, JudgedQuality]:
    """Print what each quality is worth on these faces."""
    names, photos = faces.people.tolist(), faces.stems.tolist()
    test = QualityTest(faces.vectors, names, photos, shares=_SHARES)
    table = card("sface").quality
    own = _scores(quality_of(card("sface")), seen)
    norm = np.array([one["norm"] for one in seen])
    shares = "".join(f"{f'-{_SHARES[k]:.0%}':>8}" for k in _TOLD)
    _say(f"\n{title}: {len(faces):,} faces; false non-match rate, %, without the poorest")
    _say(f"{'':16}{'over all faces':26}{'inside each person':26}{shares}")
    judged = {"all together": test.judge(own), "norm": test.judge(norm)}
    for name in MEASURES:
        if name != "norm" and f"{name}.at" in table:
            judged[name] = test.judge(_scores(only(table, name), seen))
    for name, one in judged.items():
        _say(_line(name, one))
    _say(_line("more: norm", test.compare(own, norm)))
    for times in _SCALES:
        _say(_line(f"others x {times:g}", test.judge(_scores(scaled(table, times), seen))))
    return judged


def _cost(libraries: Path) -> None:
    """Print how long measuring takes beside embedding, in processor time."""
    from facesort.config import load_settings
    from facesort.domain import Box
    from facesort.imaging.align import TEMPLATE
    from facesort.registry import find_card, load_models
    from tests.weights import SilentProgress

    settings = load_settings({"library": str(libraries / "none"), "workers": 1})
    cards = (find_card("yunet", None), find_card("sface", None))
    models = load_models(settings, cards, SilentProgress())
    crops = np.random.default_rng(0).integers(0, 256, (64, 112, 112, 3), dtype=np.uint8)
    ratios = []
    for _ in range(5):
        started = time.process_time()
        models.embedder.embed(crops)
        embedded = time.process_time()
        for crop in crops:
            models.quality.score(measure(crop, TEMPLATE, Box(0, 0, 90, 110), 0.9, 12.0))
        ratios.append(((time.process_time() - embedded), embedded - started))
    measuring, embedding = np.median(np.array(ratios), axis=0).tolist()
    _say(
        f"\nmeasuring {1000 * measuring / 64:.2f} ms a face, embedding {1000 * embedding / 64:.2f}:"
        f" {measuring / embedding:.3f}"
    )


_CURVES = {"all together": "#1c6dd0", "norm": "#d0661c", "score": "#3a9d4f", "sharpness": "#888"}
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 440 300" role="img" font-family="sans-serif"
 font-size="12" fill="#444">
<title>Pairs of one person that are missed when the poorest faces are left out</title>
<rect width="440" height="300" fill="#fff"/>
<rect x="60" y="16" width="260" height="230" fill="none" stroke="#bbb"/>
{parts}
<text x="190" y="286" text-anchor="middle">share of faces left out</text>
<text transform="translate(16 131) rotate(-90)" text-anchor="middle">missed at FAR 1e-3</text>
</svg>
"""


def _diagram(judged: Mapping[str, JudgedQuality]) -> str:
    """Draw the curves by hand, on a logarithmic scale: the same bytes on every machine."""
    top, bottom = np.log(0.1), np.log(1e-4)

    def y_of(rate: float) -> float:
        return 16 + 230 * float((top - np.log(max(rate, 1e-4))) / (top - bottom))

    parts = [
        f'<text x="54" y="{y_of(rate) + 4:.1f}" text-anchor="end">{rate:.2%}</text>'
        for rate in (0.1, 0.01, 0.001, 0.0001)
    ]
    parts += [
        f'<text x="{60 + 260 * share / 0.3:.1f}" y="262" text-anchor="middle">{share:.0%}</text>'
        for share in (0.0, 0.1, 0.2, 0.3)
    ]
    for row, (name, colour) in enumerate(_CURVES.items()):
        points = [
            f"{60 + 260 * share / 0.3:.1f} {y_of(one.value):.1f}"
            for share, one in zip(_SHARES, judged[name].missed, strict=True)
        ]
        path = "L".join(points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="330" y="{40 + 20 * row}" fill="{colour}">{name}</text>')
    return _SVG.format(parts="\n".join(parts))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


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
        libraries = (given.libraries or Path(scratch)).resolve()
        odd = scanned(given.lfw, libraries).named(even=False)
        seen = _measures_of(odd, libraries)
        judged = _compare("photos and bad copies", odd, seen)
        is_photo = np.array([str(libraries) not in photo for photo in odd.photos.tolist()])
        photos = [one for one, keep in zip(seen, is_photo.tolist(), strict=True) if keep]
        _compare("photos", odd.take(is_photo), photos)
        _cost(libraries)
    if given.svg is not None:
        given.svg.parent.mkdir(parents=True, exist_ok=True)
        given.svg.write_text(_diagram(judged), encoding="utf-8")


if __name__ == "__main__":
    main()
