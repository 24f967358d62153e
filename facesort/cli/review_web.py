"""`facesort review --web`: the review in a browser of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.errors import ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from facesort.library import Library

__all__ = ["review_web"]


def review_web(
    open_library: Callable[[], Library],
    *,
    say: Callable[[str], None],
    port: int = 0,
    open_browser: bool = True,
    min_photos: int = 3,
) -> None:
    """Serve the page until Ctrl-C; see `web.server.serve`.

    Raises:
        ProviderUnavailable: what the page needs is not installed.
    """
    try:
        from facesort.web.server import serve  # noqa: PLC0415 - an extra
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] == "facesort":
            raise
        raise ProviderUnavailable(
            f"the review in a browser needs {error.name}, which is not installed",
            hint='pip install "facesort[web]"; without it: facesort review',
        ) from error
    serve(open_library, say=say, port=port, open_browser=open_browser, min_photos=min_photos)
