"""What a stored index says of itself, and whether to believe it.

Three files make an index: the graph, the face ids in the order of its labels, and a JSON header
with the checksums of both. The header is written last, so that anything half-written is a mismatch.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from facesort import __version__

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMAT", "Header", "HeaderUnreadable", "IndexFiles"]

FORMAT = 1  # grows when an older facesort could not read the files
_NAME_LENGTH = 60  # characters of a model key that a file name keeps; the hash tells the rest apart


class HeaderUnreadable(Exception):
    """There is no header, or it is not one of this format; it never leaves this package."""


@dataclass(frozen=True, slots=True)
class IndexFiles:
    """Where the index of a model lies: `index/<model>.hnsw`, `.ids` and `.json`."""

    graph: Path
    ids: Path
    header: Path

    @classmethod
    def of(cls, folder: Path, model_key: str) -> IndexFiles:
        """Name the files of a model; its key may hold what no file name may."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", model_key)[:_NAME_LENGTH].strip(".-")
        name = f"{plain}-{hashlib.sha256(model_key.encode()).hexdigest()[:8]}"
        return cls(*(folder / f"{name}.{end}" for end in ("hnsw", "ids", "json")))


@dataclass(frozen=True, slots=True)
class Header:
    """The header.

    Args:
        model_key: of the vectors.
        dimension: of the vectors.
        space: what nearness is; cosines of unit vectors are inner products.
        stamp: the caller's; another one means that the vectors of known faces changed.
        count: vectors in the graph, removed ones too.
        removed: how many of them were removed: their lines in the list of ids are empty.
        parameters: of the graph.
        graph_sha256: of the graph's file.
        ids_sha256: of the list of ids.
        facesort: version that wrote it.
        format: of these files.
    """

    model_key: str
    dimension: int
    space: str
    stamp: str
    count: int
    removed: int
    parameters: dict[str, int]
    graph_sha256: str
    ids_sha256: str
    facesort: str = __version__
    format: int = FORMAT

    def to_json(self) -> bytes:
        """Return what the file holds."""
        return (json.dumps(asdict(self), indent=2, sort_keys=True) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> Header:
        """Read a header.

        Raises:
            HeaderUnreadable: there is none, it is damaged, or another format's.
        """
        try:
            content: Any = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise HeaderUnreadable("there is none") from error
        except (OSError, ValueError) as error:
            raise HeaderUnreadable("its header cannot be read") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise HeaderUnreadable("another version of facesort wrote it")
        if {field.name for field in fields(cls)} != set(content):
            raise HeaderUnreadable("its header is damaged")
        header = cls(**content)
        if not all(isinstance(n, int) and n >= 0 for n in (header.count, header.removed)):
            raise HeaderUnreadable("its header is damaged")
        return header
