"""Which question comes next: the one that settles most faces for each answer it takes.

What a question is expected to settle is divided by what its answer is expected to cost: a key 1, a
typed name 2, each person or face taken out of an answer 1 more. So

    WHO      a large unnamed person comes early; one more key, not two, where the name is listed;
             small groups that almost surely are pieces of it are shown with it and named with it
    SAME     several pieces that are likely one known person's are shown together, for one answer.
             A single piece is asked WHO, which costs no more and settles it also when it is
             somebody else. Two unnamed people are asked about only when nobody could name them,
             and whoever is almost surely somebody ignored only with them
    BELONGS  the faces of a known person that are least like the rest, together
    ALSO     faces of nobody that are likely one known person's, up to eight together
    TWO      worth the faces of the smaller part, times how likely they are another person; where
             that is likely, it comes before the name, which would be wrong for some of them
    MIRROR   the faces that would join

Nothing that is expected to change nothing is asked: pairs below `_LEAST_CHANCE`, pairs on one
photo, declared different or different by what follows from other answers, or held back.

Each row has one entry a kind in a heap. An answer changes a few rows; these and those that are like
them are valued anew, and their old entries are dropped when they come up.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from facesort.review.answering import apply
from facesort.review.asking import Asking
from facesort.review.claims import Claims
from facesort.review.neighbours import Neighbours
from facesort.review.progress import Applied, Progress
from facesort.review.questions import Kind
from facesort.review.state import ReviewState
from facesort.review.worth import Worth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from facesort.domain import FaceId, PersonId
    from facesort.review.chances import Chances
    from facesort.review.crowd import Crowd
    from facesort.review.questions import Given, Question

__all__ = ["Applied", "Queue"]

_WORTH_PHOTOS = 3

# Cosines made before the first question: of the largest people with everybody. The others are
# compared when it is their turn.
_COSINES_AT_FIRST = 4 * 10**8

# And after each answer, with faces of nobody.
_COSINES_EACH_TIME = 10**5

# How many rows faces of nobody are compared with before a question at most: it may take several
# rounds until one of them holds.
_ROWS_COMPARED_AT_ONCE = 100_000


class _Entry(NamedTuple):
    """One heap entry; the smallest is asked first."""

    value: float  # negative
    key: tuple[str, str]  # of equal value the same one everywhere
    kind: Kind
    subject: int
    version: int


class Queue:
    """Questions about a crowd, best first.

    Args:
        crowd: everybody.
        chances: how likely likenesses are.
        min_photos: people on fewer photos and without a name are asked about late.
    """

    def __init__(self, crowd: Crowd, chances: Chances, *, min_photos: int = _WORTH_PHOTOS) -> None:
        self.state = ReviewState(crowd)
        self._min_photos = min_photos
        self._near = Neighbours(self.state, chances.floor)
        self._claims = Claims(self.state, self._near, chances)
        self._worth = Worth(self.state, self._near, self._claims, chances, min_photos=min_photos)
        self._asking = Asking(self.state, self._near, chances, self._worth)
        self._heap: list[_Entry] = []
        self._versions: defaultdict[tuple[Kind, int], int] = defaultdict(int)
        self._values: dict[tuple[Kind, int], float] = {}
        self._current: Question | None = None
        self._known_rows = len(self.state)
        self._unseen: list[int] = []
        self._look_at_first()

    def _look_at_first(self) -> None:
        n = len(self.state)
        order = np.argsort(-self.state.sizes[:n], kind="stable").tolist()
        self._near.look(order[: _COSINES_AT_FIRST // max(1, n)])
        self._worth.judge(range(n))
        for row in range(n):
            self._push_row(row)
        for number in range(len(self._worth.singles.photos)):
            self._push(Kind.MIRROR, number)
        known = [row for row in order if self._worth.singles.can_be_joined(row)]
        at_first = _COSINES_AT_FIRST // max(1, len(self.state.loose))
        self._unseen = known[at_first:]
        for row in self._claims.look(known[:at_first]):
            self._push(Kind.ALSO, row)

    # -- asking ----------------------------------------------------------------------------------

    def question(self) -> Question | None:
        """Return the question that comes next, None when nothing is left to ask.

        The same one until it is answered or another answer changes what it is about.
        """
        rounds, most = 0, max(1, _ROWS_COMPARED_AT_ONCE // max(1, len(self.state)))
        while self._current is None and self._heap:
            entry = self._heap[0]
            kind, subject = entry.kind, entry.subject
            if entry.version == self._versions[kind, subject]:
                if kind is Kind.WHO and not self._near.has_looked(subject):
                    self._look([subject])
                    continue
                if kind is Kind.ALSO and rounds < most and self._verify(subject):
                    rounds += 1
                    continue
                self._current = self._asking.build(kind, subject)
                if self._current is None:
                    self._values.pop((kind, subject), None)
            if self._current is None:
                heapq.heappop(self._heap)
        return self._current

    def _look(self, rows: Sequence[int]) -> None:
        """Compare rows with everybody, and value anew what that shows."""
        self._near.look(rows)
        around = {other for row in rows for other in self._near.of(row)[0].tolist()}
        for row in self._worth.judge(around.union(rows)).union(rows):
            self._push_row(row)

    def _verify(self, row: int) -> bool:
        """Compare faces of nobody that may be asked about with everybody; whether any were not."""
        likely = [place for place, _ in self._worth.singles.likely_theirs(row)]
        changed = self._claims.verify(row, likely)
        for other in changed or ():
            self._push(Kind.ALSO, other)
        return changed is not None

    def ask(
        self, kind: Kind, people: tuple[PersonId, ...], faces: tuple[FaceId, ...] = ()
    ) -> Question:
        """Return a question about some people and faces, whatever it is worth.

        Raises:
            UnknownPerson: somebody is not there.
        """
        return self._asking.about(kind, people, faces)

    def upcoming(self, count: int) -> list[Question]:
        """Return the questions that would come next, if all answers changed nothing else."""
        found: list[Question] = []
        for entry in heapq.nsmallest(4 * count + 64, self._heap):
            if entry.version == self._versions[entry.kind, entry.subject]:
                while entry.kind is Kind.ALSO and self._verify(entry.subject):
                    pass  # others come into question then, who were not compared either
                question = self._asking.build(entry.kind, entry.subject)
                if question is not None:
                    found.append(question)
        return found[:count]

    def to_show(self, question: Question) -> dict[PersonId, tuple[FaceId, ...]]:
        """Return up to eight faces of each person in a question, those in doubt first."""
        return self._asking.to_show(question)

    def _settled(self) -> int:
        state = self.state
        known = state.alive & (state.named | state.ignored)
        return int(state.sizes[known].sum())

    def progress(self) -> Progress:
        """Return how far the review has come."""
        state = self.state
        n = len(state)
        known = state.named[:n] | state.ignored[:n]
        alive = state.alive[:n]
        counts = alive & (known | (state.photos[:n] >= self._min_photos))
        sizes = state.sizes[:n]
        total = int(sizes[counts].sum())
        settled = int(sizes[alive & known].sum())
        asked = counts & ~known
        held = [row for row in state.holds.rows(Kind.WHO) if state.is_held(Kind.WHO, [row])]
        asked[held] = False  # no answer comes about those
        waiting = np.sort(sizes[asked])[::-1]
        missing = np.ceil(0.99 * total) - settled
        answers = int(np.searchsorted(np.cumsum(waiting), missing)) + 1 if missing > 0 else 0
        return Progress(settled, total, min(answers, len(waiting)))

    # -- answering -------------------------------------------------------------------------------

    def answer(
        self,
        given: Given,
        question: Question | None = None,
        *,
        founded: Mapping[FaceId, PersonId] | None = None,
    ) -> Applied:
        """Apply an answer.

        Args:
            given: the answer.
            question: what it answers; None: the next question.
            founded: ids of new people, by the face that each is founded on.

        Raises:
            UsageError, UnknownPerson, NameTaken: see `answering.apply`; nothing has changed.
        """
        asked = question or self.question()
        if asked is None:
            raise LookupError("there is no question to answer")
        before = self._settled()
        apply(self.state, asked, given, founded or {})
        return self._done(before)

    def change(self, act: Callable[[ReviewState], object]) -> Applied:
        """Change the state as no answer does; `undo` takes it back as it does an answer."""
        before = self._settled()
        with self.state.changing():
            act(self.state)
        return self._done(before)

    def _done(self, before: int) -> Applied:
        touched = self.state.touched()
        self._changed(touched)
        return Applied(len(touched), self._settled() - before)

    def undo(self) -> Applied | None:
        """Take back the last answer; None when there is none."""
        if not self.state.changes:
            return None
        before = self._settled()
        touched = self.state.undo()
        self._changed(touched)
        return Applied(len(touched), self._settled() - before)

    def _changed(self, rows: Iterable[int]) -> None:
        """Value anew what an answer has changed, and whoever is like it."""
        changed = set(rows)
        n = len(self.state)
        self._near.update(changed)
        survivors = {self.state.find(row) for row in changed if row < n}
        for row in changed:
            if row < n and self.state.find(row) != row:
                self._near.merge(self.state.find(row), row)
        self._near.look([row for row in sorted(changed) if row >= self._known_rows and row < n])
        self._known_rows = n
        around = {other for row in survivors for other in self._near.of(row)[0].tolist()}
        judged = [row for row in changed | survivors | around if row < n]
        for row in self._worth.judge(judged) | changed:
            self._push_row(row)
        for number in self._worth.singles.photos_of(survivors):
            self._push(Kind.MIRROR, number)
        self._look_for_loose(changed | survivors)
        self._current = None

    def _look_for_loose(self, changed: set[int]) -> None:
        """Say anew which faces of nobody are whose, and look a little further."""
        if not len(self.state.loose):
            return
        more = max(1, _COSINES_EACH_TIME // len(self.state.loose))
        self._unseen, looked = self._unseen[more:], self._unseen[:more]
        for row in self._claims.look(changed.union(looked)) | changed:
            self._push(Kind.ALSO, row)

    def _push_row(self, row: int) -> None:
        for kind in (Kind.WHO, Kind.SAME, Kind.BELONGS, Kind.TWO):
            self._push(kind, row)

    def _push(self, kind: Kind, subject: int) -> None:
        there = kind is Kind.MIRROR or subject < len(self.state)
        value = self._worth.value(kind, subject) if there else 0.0
        if value == self._values.get((kind, subject), 0.0):
            return
        self._versions[kind, subject] += 1
        self._values[kind, subject] = value
        if value > 0:
            key = self._worth.key(kind, subject)
            version = self._versions[kind, subject]
            heapq.heappush(self._heap, _Entry(-value, key, kind, subject, version))
