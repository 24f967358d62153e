"""What a check finds, and which failure decides how `doctor` ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from facesort.errors import LibraryError, ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facesort.errors import FacesortError

__all__ = ["Finding", "Verdict", "exit_code", "failed"]


class Verdict(StrEnum):
    """How a check ended; `NOTE` is worth knowing and hinders nothing."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        subject: what was looked at.
        verdict: how it is.
        message: one sentence or a few facts.
        hint: what to do; empty when there is nothing to do.
        code: exit code of a failure, 0 otherwise.
        facts: the numbers in it, for programs.
    """

    subject: str
    verdict: Verdict
    message: str
    hint: str = ""
    code: int = 0
    facts: Mapping[str, object] = field(default_factory=dict)


def exit_code(findings: list[Finding]) -> int:
    """Return the code of the worst failure: the library's before the models', before others'."""
    codes = [finding.code for finding in findings if finding.verdict is Verdict.FAILED]
    return max(codes, key=_gravity, default=0)


def _gravity(code: int) -> int:
    tens = (LibraryError.exit_code // 10, ModelError.exit_code // 10)
    if code // 10 in tens:
        return 3 - tens.index(code // 10)
    return int(code == UsageError.exit_code)


def failed(subject: str, error: FacesortError) -> Finding:
    """Return what an error means."""
    return Finding(subject, Verdict.FAILED, error.message, error.hint, error.exit_code)
