"""What a list showed when something was done from it: acts must not hit anybody else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facesort.domain import PersonId
from facesort.errors import StaleQuestion
from facesort.jobs.decide.voicing import called

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facesort.jobs.showing.situation import Situation

__all__ = ["Sight"]

_HINT = "Nothing was stored; the page is as it is now."


@dataclass(frozen=True, slots=True)
class Sight:
    """Who was shown, and as whom.

    Args:
        names: what people were called (None: unnamed) who are spoken of, by id.
        owner: whose the faces were, where faces of one person were shown.
    """

    names: Mapping[PersonId, str | None] = field(default_factory=dict)
    owner: PersonId | None = None

    @property
    def references(self) -> list[str]:
        """Everybody who has to be read to judge."""
        return [*self.names, *filter(None, [self.owner])]

    def check(self, now: Situation, faces: Sequence[str] = ()) -> None:
        """Make sure that people and faces are still what was shown.

        Args:
            now: who is who.
            faces: that something is said about.

        Raises:
            StaleQuestion: somebody was merged or has another name, or a face is somebody else's.
            UnknownPerson: somebody or a face is not there any more.
        """
        for identity in dict.fromkeys(map(PersonId, self.references)):
            person = now.person(identity)
            if person.id != identity:
                raise StaleQuestion(f"{identity} is part of {called(person)} meanwhile", hint=_HINT)
            if identity in self.names and person.name != self.names[identity]:
                before = self.names[identity] or f"unnamed {identity}"
                raise StaleQuestion(f"{before} is {called(person)} meanwhile", hint=_HINT)
        if self.owner is not None:
            left = [f for f in faces if now.people.owners.get(now.face(f).id) != self.owner]
            if left:
                who = called(now.person(self.owner))
                many = f"{len(left):,} of these faces are" if len(faces) > 1 else "this face is"
                raise StaleQuestion(f"{many} not with {who} any more", hint=_HINT)
