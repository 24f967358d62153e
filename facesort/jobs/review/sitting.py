"""People and questions in memory, kept as the catalog has them, whoever changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog import reviewing
from facesort.errors import DecisionConflict, UnknownPerson, UsageError
from facesort.jobs.review.acting import Acting, Step
from facesort.jobs.review.reading import read_crowd
from facesort.jobs.showing.part import owners_of
from facesort.review.crowd import Doubt
from facesort.review.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.reviewing import Moment
    from facesort.domain import FaceId
    from facesort.jobs.review.access import Access

__all__ = ["Sitting"]


class Sitting(Acting):
    """What a sitting knows, and how it follows what is stored.

    Args:
        access: the open library.
        min_photos: people on fewer photos and without a name are asked about late.
    """

    def __init__(self, access: Access, *, min_photos: int) -> None:
        super().__init__(access)
        self._min_photos = min_photos
        self._sitting = 0
        self._held: list[Doubt] = []
        self._steps: list[Step] = []
        self._undone: list[Step] = []
        self._regrouped = False
        self._stale = False
        self._read()

    @property
    def _queue(self) -> Queue:
        """The questions; read anew where memory could not follow."""
        self._settle()
        return self._questions

    def _settle(self) -> None:
        if self._stale:
            self._read()

    def _read(self) -> None:
        """Read everybody anew."""
        access = self._access
        with access.up_to_date():
            self._version = access.db.version()
            self._moment = reviewing.moment(access.db)
            crowd, chances = read_crowd(
                access.db, access.card, min_face=access.min_face(), held=self._held
            )
        self._questions = Queue(crowd, chances, min_photos=self._min_photos)
        self._sitting += 1
        self._stale = self._regrouped = False

    def refresh(self) -> bool:
        """Take over what others have done meanwhile; returns whether people have changed."""
        access = self._access
        if self._stale:
            self._read()
            return True
        if access.db.version() == self._version:
            return False
        if self._now() == self._moment:
            return False
        self._read()
        return True

    def _distrust(self) -> None:
        """Read everybody anew before anything else: what was known has turned out to be wrong."""
        self._stale = True

    def _now(self) -> Moment:
        access = self._access
        with access.up_to_date():
            self._version = access.db.version()
            return reviewing.moment(access.db)

    def _remember(self, step: Step) -> None:
        """Follow in memory what was stored; where that is not possible, read anew."""
        self._undone.clear()
        self._follow(step)
        self._steps.append(step)

    def _follow(self, step: Step) -> None:
        before = self._version
        now = self._now()
        self._stale |= self._version != before or self._regrouped
        if self._stale or step.follow is None:
            self._stale = True
            return
        try:
            step.follow(self._queue)
        except (UsageError, UnknownPerson, DecisionConflict):
            self._stale = True
        if self._stale or not self._is_as_stored(step.faces):
            self._stale = True
            return
        step.sitting = self._sitting
        self._moment = now

    def _is_as_stored(self, faces: Sequence[FaceId]) -> bool:
        """Whether faces are in memory with whom the catalog says.

        A face that was moved by hand before may go back to where grouping had put it.
        """
        if not faces:
            return True
        access, state = self._access, self._queue.state
        with access.up_to_date():
            owners = owners_of(access.db, faces)
        for face, said in owners.items():
            if said.owner is None:
                continue
            try:
                row = state.row(said.owner)
            except UnknownPerson:
                return False
            if state.owner_of(face, [row]) is None:
                return False
        return True
