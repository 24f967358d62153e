"""Every error facesort raises on purpose, with its exit code.

    FacesortError (message, hint)              1
    ├ UsageError                               2   wrong flag, value or path
    ├ PhotoError                               3   recorded; the run goes on and ends with 3
    │   ├ Unreadable · Unsupported · TooLarge
    ├ LibraryError                            10
    │   ├ LibraryNotFound                     11
    │   ├ LibraryLocked                       12   a job is already running
    │   ├ SchemaTooNew                        13
    │   ├ UnknownPerson                       14   also an unknown face or decision
    │   ├ AmbiguousPerson                     15
    │   ├ LibraryUnwritable                   16   no space, no permission, drive gone
    │   └ LibraryDamaged                      17
    ├ ModelError                              20
    │   ├ UnknownModel                        21
    │   ├ CardInvalid                         22
    │   ├ WeightsMissing                      23
    │   ├ WeightsCorrupt                      24
    │   ├ ProviderUnavailable                 25
    │   ├ ModelMismatch                       26   vectors of two models were compared
    │   └ LicenceNotAccepted                  27   no commercial use: the user must agree once
    ├ DecisionConflict                        30
    │   ├ NameTaken                           30   the same person, or another of that name?
    │   └ StaleQuestion                       30   people have changed since it was asked
    └ ExportError                             40   also: an original is missing
        ├ DestinationOccupied                 41
        ├ DestinationOverlaps                 42
        └ DestinationUnwritable               43   no space, no permission

Anything else is a bug: traceback, exit 70. Ctrl-C is 130.
"""

from __future__ import annotations

__all__ = [
    "AmbiguousPerson",
    "CardInvalid",
    "DecisionConflict",
    "DestinationOccupied",
    "DestinationOverlaps",
    "DestinationUnwritable",
    "ExportError",
    "FacesortError",
    "LibraryDamaged",
    "LibraryError",
    "LibraryLocked",
    "LibraryNotFound",
    "LibraryUnwritable",
    "LicenceNotAccepted",
    "ModelError",
    "ModelMismatch",
    "NameTaken",
    "PhotoError",
    "ProviderUnavailable",
    "SchemaTooNew",
    "StaleQuestion",
    "TooLarge",
    "UnknownModel",
    "UnknownPerson",
    "Unreadable",
    "Unsupported",
    "UsageError",
    "WeightsCorrupt",
    "WeightsMissing",
]


class FacesortError(Exception):
    """Base of everything facesort raises on purpose.

    Args:
        message: one sentence: what happened, and to which file or person.
        hint: one sentence: what to do next; empty when there is nothing to do.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(FacesortError):
    """A flag, a value or a path that cannot be used; raised before any work."""

    exit_code = 2


class PhotoError(FacesortError):
    """One photo failed; it is recorded and the run goes on."""

    exit_code = 3


class Unreadable(PhotoError):
    """The file is of a supported format but cannot be read."""


class Unsupported(PhotoError):
    """The file is not in a format that this installation reads; it is skipped, not failed."""


class TooLarge(PhotoError):
    """The header announces more pixels than the limit; nothing was decoded."""


class LibraryError(FacesortError):
    """The library cannot do what was asked."""

    exit_code = 10


class LibraryNotFound(LibraryError):
    """There is no library at that place yet."""

    exit_code = 11


class LibraryLocked(LibraryError):
    """Another job is running on this library."""

    exit_code = 12


class SchemaTooNew(LibraryError):
    """A newer facesort wrote this library."""

    exit_code = 13


class UnknownPerson(LibraryError):
    """No person, face or decision answers to that id or name."""

    exit_code = 14


class AmbiguousPerson(LibraryError):
    """Several people answer to that name."""

    exit_code = 15


class LibraryUnwritable(LibraryError):
    """The library's folder cannot be written: no space, no permission, or the drive is gone."""

    exit_code = 16


class LibraryDamaged(LibraryError):
    """The catalog is not a readable SQLite database."""

    exit_code = 17


class ModelError(FacesortError):
    """A model cannot be used."""

    exit_code = 20


class UnknownModel(ModelError):
    """No card has that name."""

    exit_code = 21


class CardInvalid(ModelError):
    """A model card lacks a field or holds a value that makes no sense."""

    exit_code = 22


class WeightsMissing(ModelError):
    """The weights are not on this machine and could not be fetched."""

    exit_code = 23


class WeightsCorrupt(ModelError):
    """The weights' SHA-256 differs from the card's."""

    exit_code = 24


class ProviderUnavailable(ModelError):
    """The provider that was asked for does not run on this machine."""

    exit_code = 25


class ModelMismatch(ModelError):
    """Vectors of two different models were about to be compared."""

    exit_code = 26


class LicenceNotAccepted(ModelError):
    """The weights may not be used commercially, and the user has not yet agreed to that."""

    exit_code = 27


class DecisionConflict(FacesortError):
    """The decision contradicts an earlier one that still stands."""

    exit_code = 30


class NameTaken(DecisionConflict):
    """Somebody else already has that name: only the user knows whether it is the same person.

    Args:
        several: more than one person has it, so that "the same" would not say which.
    """

    def __init__(self, message: str, *, hint: str = "", several: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.several = several


class StaleQuestion(DecisionConflict):
    """People have changed since a question was asked: nothing was stored, it is asked anew."""


class ExportError(FacesortError):
    """Albums could not be written."""

    exit_code = 40


class DestinationOccupied(ExportError):
    """The destination holds files that facesort did not write."""

    exit_code = 41


class DestinationOverlaps(ExportError):
    """The destination lies inside a scanned folder, or the other way round."""

    exit_code = 42


class DestinationUnwritable(ExportError):
    """The destination cannot be written: no space or no permission."""

    exit_code = 43
