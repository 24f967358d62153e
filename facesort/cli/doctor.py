"""`facesort doctor`: what is there, what is wrong, and what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from facesort.cli import context

if TYPE_CHECKING:
    from facesort.cli.context import Context
    from facesort.config import Settings
    from facesort.errors import FacesortError
    from facesort.jobs.doctor import Finding

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: facesort doctor --library wedding")(doctor)


def doctor(ctx: typer.Context) -> None:
    """Check the installation, the models and the library, and say what to do.

    Nothing is changed, and nothing is fetched. Exits with 0 when nothing is wrong, otherwise with
    the code of what is worst: the library's (10-19) before the models' (20-29).
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - kept out of --help
    from facesort.inference.environment import report  # noqa: PLC0415
    from facesort.jobs.doctor import check_all, exit_code  # noqa: PLC0415

    with quiet_libraries():
        findings = list(check_all(_settings(shared), report))
    code = exit_code(findings)
    if screen.json:
        screen.document({"ok": code == 0, "checks": [_document(f) for f in findings]})
    else:
        screen.table(["", "what", "finding"], list(_rows(findings)), numbers=0)
        screen.say("Nothing is wrong." if code == 0 else "See what failed, above.")
    if code:
        raise typer.Exit(code)


def _settings(shared: Context) -> Settings | FacesortError:
    from facesort.errors import FacesortError  # noqa: PLC0415 - kept out of --help

    try:
        return shared.settings(models_dir=None)
    except FacesortError as error:
        return error


def _rows(findings: list[Finding]) -> list[list[str]]:
    rows = []
    for finding in findings:
        rows.append([finding.verdict.value, finding.subject, finding.message])
        if finding.hint:
            rows.append(["", "", finding.hint])
    return rows


def _document(finding: Finding) -> dict[str, object]:
    return {
        "subject": finding.subject,
        "verdict": finding.verdict.value,
        "message": finding.message,
        "hint": finding.hint,
        **finding.facts,
    }
