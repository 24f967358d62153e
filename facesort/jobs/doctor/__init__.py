"""`doctor`: is everything that facesort needs there and well, and if not, what helps?

installation  the program, what runs models, formats, settings, models, the cache
library       the catalog, who may read it, the space
neighbours    the index of faces and how much it finds
findings      what each of these says
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.errors import FacesortError
from facesort.jobs.doctor.findings import Finding, Verdict, exit_code, failed
from facesort.jobs.doctor.installation import (
    check_cache,
    check_formats,
    check_models,
    check_program,
    check_review,
    check_runtimes,
    check_settings,
)
from facesort.jobs.doctor.library import check_library, remembered
from facesort.jobs.doctor.neighbours import check_hnswlib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from facesort.config import Settings
    from facesort.inference.environment import Environment

__all__ = ["Finding", "Verdict", "check_all", "exit_code"]


def check_all(
    settings: Settings | FacesortError, environment: Callable[[], Environment]
) -> Iterator[Finding]:
    """Look at everything, one thing after the other; nothing is changed and nothing is fetched.

    Args:
        settings: in force, or why they make no sense.
        environment: looks at the runtimes of models, which takes a second.
    """
    yield check_program()
    wanted = "auto" if isinstance(settings, FacesortError) else settings.provider
    yield from check_runtimes(environment(), wanted)
    yield from check_formats()
    yield from check_review()
    yield check_hnswlib()
    if isinstance(settings, FacesortError):
        yield failed("settings", settings)
        return
    yield check_settings(settings)
    yield from check_models(settings, remembered(settings.library))
    yield check_cache(settings.cache_dir)
    yield from check_library(settings.library)
