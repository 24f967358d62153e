"""People are reviewed while others change the library: nothing that was said is lost."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageEnhance

from facesort.errors import FacesortError
from facesort.jobs.grouping.options import GroupOptions
from facesort.review.questions import Answer, Given, Kind
from tests.keyed import SCRIPT, Sitter, Told, review, said
from tests.reviewed import in_pieces, open_pieces, spoil
from tests.terminal import REPOSITORY, environment
from tests.weights import real_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facesort.domain import PersonId
    from facesort.jobs.review.session import ReviewSession
    from tests.samples import SampleAlbum

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")

# Every original so many times, each time a little darker: photos of their own for a scan.
_COPIES = 6


@dataclass
class Apart:
    """What a sitting said through the library itself.

    Args:
        names: that were given.
        pairs: people who were said to be two.
        refused: answers that were not kept, because people had changed.
    """

    names: set[str] = field(default_factory=set)
    pairs: list[tuple[PersonId, PersonId]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def answer(self, session: ReviewSession, number: int, chance: random.Random) -> bool:
        """Answer the next question somehow; returns False when there is none."""
        asked = session.question()
        if asked is None:
            return False
        question = asked.question
        # Not the first: the terminal answers that one.
        later = [one for one in session.upcoming(8) if one.id != question.id]
        if later:
            question = chance.choice(later)
        if len(later) > 1 and number % 2:
            some = dict.fromkeys(one.people[0] for one in later if one.people)
            question = session.ask(Kind.SAME, tuple(some)[:2]).question
        name = None
        if question.kind is Kind.WHO:
            answer, name = Answer.NAME, f"Other {number}"
        else:
            answer = Answer.NO
        try:
            session.answer(Given(question.id, answer, name))
        except FacesortError as error:
            self.refused.append(error.message)
            return True
        if name is not None:
            self.names.add(name)
        if question.kind is Kind.SAME and answer is Answer.NO:
            self.pairs += [(question.people[0], other) for other in question.people[1:]]
        return True


@pytest.fixture
def folder() -> Path:
    """A library of people in pieces, where the command line looks."""
    folder = Path(os.environ["FACESORT_LIBRARY"])
    in_pieces(folder, 500)
    spoil(folder)
    return folder


@pytest.fixture
def photos(sample_photos: SampleAlbum, tmp_path: Path) -> Path:
    """Real photos for some seconds of scanning."""
    folder = tmp_path / "photos"
    shutil.copytree(sample_photos.root, folder)
    originals = [photo for photo in sample_photos.photos if photo.is_original]
    for original in originals:
        with Image.open(folder / original.path) as image:
            picture = image.convert("RGB")
        for number in range(_COPIES):
            darker = ImageEnhance.Brightness(picture).enhance(0.95 - number / 30)
            darker.save(folder / f"{Path(original.path).stem} {number}.jpg", quality=92)
    return folder


@contextmanager
def other(*args: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the review."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=REPOSITORY,
        env=environment(PYTHONPATH=str(REPOSITORY)),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def leave(sitter: Sitter) -> None:
    """End a review, which must not have complained of anything."""
    sitter.look()
    sitter.child.send("q")
    shown = sitter.child.read()
    sitter.child.close()
    assert sitter.child.exitstatus == 0, shown
    assert not re.search("(?i)traceback|locked|busy", sitter.screen + shown)


def check(folder: Path, *everything: Told | Apart) -> None:
    """Check that all that was told holds, also after everybody is grouped anew."""
    names = {name for one in everything for name in one.names}
    for again in (False, True):
        with open_pieces(folder) as library:
            if again:
                library.group(GroupOptions(), everything=True)
            situation = library.situation()
            assert names <= {row.name for row in library.people()}
            for one in everything:
                if isinstance(one, Told):
                    assert len(library.log()) >= one.decisions
                    continue
                for first, second in one.pairs:
                    assert situation.person(first).id != situation.person(second).id
    for one in everything:
        for sentence in one.refused:
            assert not re.search("(?i)locked|busy", sentence), sentence


@pytest.mark.weights
def test_a_review_during_a_scan_loses_nothing_and_neither_does_the_scan(folder, photos):
    for model in ("yunet", "sface"):
        real_weights(model)
    chance, told, apart = random.Random(1), Told(), Apart()
    during = number = 0
    with review("--min-photos", "2") as child, open_pieces(folder) as library:
        sitter = Sitter(child, chance, told)
        sitter.look()
        session = library.review(min_photos=2)
        before = len(library.situation().faces)
        with other("scan", str(photos)) as scan:
            while scan.poll() is None or number < 10:
                number += 1
                during += scan.poll() is None
                key = sitter.press(number, "nnn?i")
                sitter.note(key, said(child))
                assert apart.answer(session, number, chance)
                sitter.look()
            printed = scan.communicate(timeout=60)[0]
        sitter.press(number + 1, "?")
        leave(sitter)
    assert scan.returncode == 0, printed
    assert during > 3
    assert told.names
    assert apart.names
    assert apart.pairs
    with open_pieces(folder) as library:
        assert len(library.situation().faces) > before + _COPIES
    check(folder, told, apart)


def test_two_reviews_and_grouping_anew_at_the_same_time_lose_nothing(folder):
    chance, told, second = random.Random(2), Told(), Told()
    with review("--min-photos", "2") as one, review("--min-photos", "2") as two:
        sitters = [Sitter(one, chance, told), Sitter(two, chance, second)]
        for _ in range(3):  # so that they are asked different questions, mostly
            sitters[1].look()
            two.send("s")
            assert said(two) == "skipped"
        number = 0
        for _ in range(2):
            with other("group", "--all") as grouping:
                while grouping.poll() is None or number % 6:
                    number += 1
                    for place, sitter in enumerate(sitters):
                        sitter.look()
                        key = sitter.press(2 * number + place, "nnn?i")
                        sitter.note(key, said(sitter.child))
                assert grouping.returncode == 0, grouping.communicate()[0]
        for sitter in sitters:
            leave(sitter)
    assert told.names
    assert second.names
    check(folder, told, second)
