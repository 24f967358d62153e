"""Makes one appearance of each face that a video shows over several frames. Pure but for the look.

The faces of successive frames are linked to tracks, and a track is handed on as the best picture in
it. A track that goes on after a frame without it is the same appearance; after a longer break a new
one begins: whether that is the same person, grouping decides with everything else it knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from facesort.imaging.raster import OpenPhoto
    from facesort.imaging.video import Frame
    from facesort.vision.multiscale import PhotoFace

__all__ = ["Appearance", "LinkRule", "Sighting", "find_appearances"]

# Faces of successive frames are in the same place when their boxes overlap this much, no more than
# so many seconds apart. A person who walks is not; then only the likeness counts.
_SAME_PLACE, _SAME_PLACE_SECONDS = 0.3, 2.5

# Frames that a track may be missing from and still go on: a blink, a hand, a detector's miss.
_MAX_MISSED = 1


@dataclass(frozen=True, slots=True)
class LinkRule:
    """When faces of successive frames are one person; cosines, None for "likeness unknown".

    Args:
        anywhere: of two faces wherever they are. The embedder's false match rate of 1e-4 is a safe
            choice: there are a few faces in a frame, not thousands.
        nearby: of two faces in the same place; 1e-2, because a head that turns away changes more
            than its place does, and strangers follow each other in one place only at a cut.
    """

    anywhere: float | None
    nearby: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A face in one frame.

    Args:
        face: upright full-size pixels.
        vector: (d,) unit length.
        quality: 0..1.
        measures: what the quality was made from.
    """

    face: PhotoFace
    vector: NDArray[np.float32]
    quality: float
    measures: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """A face that a video shows for a while.

    Two appearances whose times overlap (ends included) are seen in one frame: two people.

    Args:
        best: the sighting that stands for it.
        seconds: when that is.
        start: its first sighting.
        stop: its last.
    """

    best: Sighting
    seconds: float
    start: float
    stop: float


@dataclass(slots=True, eq=False)
class _Track:
    """Sightings by number of the frame, in order; one a frame at most."""

    sightings: dict[int, Sighting] = field(default_factory=dict)

    @property
    def last(self) -> int:
        return next(reversed(self.sightings))

    def gaps(self) -> list[int]:
        """Return the frames between first and last that it is missing from."""
        return [i for i in range(min(self.sightings), self.last) if i not in self.sightings]

    def cut(self, gap: int) -> _Track:
        """Keep what is before the gap; return what is behind it."""
        behind = {i: s for i, s in self.sightings.items() if i > gap}
        self.sightings = {i: s for i, s in self.sightings.items() if i < gap}
        return _Track(behind)


def find_appearances(
    frames: Iterable[Frame], look: Callable[[OpenPhoto], Sequence[Sighting]], rule: LinkRule
) -> list[Appearance]:
    """Look at the frames of a video and link what they show.

    Args:
        frames: in order of time; one is held at a time.
        look: finds and embeds the faces of one frame.
        rule: which of them are one person.

    Returns:
        In order of their first sighting, then by place.

    Raises:
        Whatever `frames` and `look` raise.
    """
    times: list[float] = []
    tracks: list[_Track] = []
    for number, frame in enumerate(frames):
        times.append(frame.seconds)
        going_on = [track for track in tracks if number - track.last <= _MAX_MISSED + 1]
        tracks += _link(going_on, look(frame.photo), times, rule)
    tracks = _unmixed(tracks)
    return [
        _appearance(track, times)
        for track in sorted(tracks, key=lambda t: (min(t.sightings), _first_box(t)))
    ]


def _link(
    going_on: Sequence[_Track], seen: Sequence[Sighting], times: Sequence[float], rule: LinkRule
) -> list[_Track]:
    """Continue each track with the face of the last frame that fits best; return new tracks."""
    number = len(times) - 1
    fits = []
    for i, track in enumerate(going_on):
        seconds = times[number] - times[track.last]
        for j, sighting in enumerate(seen):
            score = _fit(track.sightings[track.last], sighting, seconds, rule)
            if score is not None:
                fits.append((-score, i, j))
    continued: set[int] = set()
    placed: set[int] = set()
    for _, i, j in sorted(fits):
        if i not in continued and j not in placed:
            going_on[i].sightings[number] = seen[j]
            continued.add(i)
            placed.add(j)
    return [_Track({number: sighting}) for j, sighting in enumerate(seen) if j not in placed]


def _fit(before: Sighting, now: Sighting, seconds: float, rule: LinkRule) -> float | None:
    """Say how well a face continues another one, None where it is not the same."""
    overlap = before.face.box.overlap(now.face.box) if seconds <= _SAME_PLACE_SECONDS else 0.0
    cosine = float(before.vector @ now.vector)
    if rule.anywhere is not None and cosine >= rule.anywhere:
        return cosine + overlap
    if overlap >= _SAME_PLACE and (rule.nearby is None or cosine >= rule.nearby):
        return cosine + overlap
    return None


def _unmixed(tracks: Sequence[_Track]) -> list[_Track]:
    """Cut tracks so that two of them overlap in time only where one frame shows both.

    A face that is seen only while another track misses it (a turned head that was not recognised)
    may be that very person: nothing says that these are two people.
    """
    waiting, done = list(tracks), []
    by_frame: dict[int, list[_Track]] = {}
    for track in waiting:
        for number in track.sightings:
            by_frame.setdefault(number, []).append(track)
    while waiting:
        track = waiting.pop()
        gap = next(
            (
                gap
                for gap in track.gaps()
                for other in by_frame.get(gap, ())
                if gap in other.sightings and other.sightings.keys().isdisjoint(track.sightings)
            ),
            None,
        )
        if gap is None:
            done.append(track)
            continue
        behind = track.cut(gap)
        for number in behind.sightings:
            by_frame[number].append(behind)
        # Whoever shared a frame with one half may share none with the other.
        waiting += [track, behind, *(t for t in done if t.gaps())]
        done = [t for t in done if not t.gaps()]
    return done


def _appearance(track: _Track, times: Sequence[float]) -> Appearance:
    number, best = max(
        track.sightings.items(), key=lambda i: (i[1].quality, i[1].face.score, -i[0])
    )
    return Appearance(best, times[number], times[min(track.sightings)], times[track.last])


def _first_box(track: _Track) -> object:
    return track.sightings[min(track.sightings)].face.box
