"""One thread that owns the library: every use of the sitting waits its turn there."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from facesort.config import Settings
    from facesort.jobs.review.picturing import Pictures
    from facesort.jobs.review.session import ReviewSession
    from facesort.library import Library

__all__ = ["Worker"]

T = TypeVar("T")


class Worker:
    """Runs what pages ask for, one after the other, in the thread in which the library was opened.

    Args:
        open_library: called in that thread.
        min_photos: as in `Library.review`.

    Attributes:
        pictures: of the library; only for what is done in that thread.
        settings: of the library.

    Raises:
        FacesortError: what opening the library raises.
    """

    def __init__(self, open_library: Callable[[], Library], *, min_photos: int = 3) -> None:
        self._thread = ThreadPoolExecutor(1, "review")
        try:
            self._library, self._session, self.pictures = self._thread.submit(
                self._open, open_library, min_photos
            ).result()
        except BaseException:
            self._thread.shutdown()
            raise
        self.settings: Settings = self._library.settings

    @staticmethod
    def _open(
        open_library: Callable[[], Library], min_photos: int
    ) -> tuple[Library, ReviewSession, Pictures]:
        library = open_library()
        made = library, library.review(min_photos=min_photos), library.pictures()
        gc.freeze()  # all of it stays: looking through it for garbage would delay answers
        return made

    async def call(self, work: Callable[[ReviewSession], T]) -> T:
        """Do something with the sitting as the library is now."""

        def fresh() -> T:
            self._session.refresh()
            return work(self._session)

        # An answer whose tab was closed meanwhile is still written to the end.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, fresh))

    def close(self) -> None:
        """Finish what was begun, and close the library."""
        self._thread.submit(self._library.close).result()
        self._thread.shutdown()
