"""What a library learns from its own photos or from others: for now, one vector of many faces."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from typing import TYPE_CHECKING

from facesort.errors import LibraryLocked
from facesort.jobs.viewing import Viewing

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.files import JobLock
    from facesort.jobs.looking import Looking
    from facesort.jobs.training.trained import TrainReport
    from facesort.protocols import Progress

__all__ = ["Learning"]


class Learning(Viewing):
    """What can be trained."""

    _progress: Progress

    @property
    @abstractmethod
    def _looking(self) -> Looking:
        """The models and settings."""

    @abstractmethod
    def _job(self, job: str) -> JobLock:
        """Admit one long job at a time."""

    def train_coreset(
        self, folder: Path | None, *, seed: int = 0, steps: int | None = None
    ) -> TrainReport:
        """Train what makes one vector of several faces, and use it if it is better.

        Args:
            folder: NAME/*.jpg; None: the faces that the user has confirmed.
            seed: of everything random.
            steps: of the training; None: as many as usual.

        Raises:
            LibraryLocked: another job is running on this library.
            ProviderUnavailable, UsageError, ModelError, LibraryUnwritable: see
                `jobs.training.train`.
        """
        from facesort.jobs.training.train import TrainOptions, train_coreset  # noqa: PLC0415 - rarely asked

        options = TrainOptions(seed=seed, steps=steps)
        with self._job("training"):
            return train_coreset(
                self._db,
                self._looking,
                folder,
                options,
                min_face=self.min_face,
                progress=self._progress,
            )

    def revert_coreset(self) -> bool:
        """Go back to the plain coreset; return whether anything else was in use.

        What an interrupted training has left is removed: vectors of other people.
        """
        from facesort.jobs.describing.aggregating import forget_work, revert  # noqa: PLC0415 - as above

        was = revert(self._db)
        # A training that runs right now still needs what it has made so far.
        with contextlib.suppress(LibraryLocked), self._job("revert"):
            forget_work(self._db)
        return was
