"""The entry point: global options, the commands, and what errors look like."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from threading import enumerate as enumerate_threads
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from facesort import __version__
from facesort.cli.commands import Commands, summaries
from facesort.cli.context import Context
from facesort.cli.render import finish_output, say_error
from facesort.errors import FacesortError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["app", "main"]

_EXIT_BUG = 70
_EXIT_INTERRUPTED = 130

_LIBRARY_HINT = "For example: facesort people --library wedding"
_GLOBAL_FLAGS = ("--json", "--quiet", "--no-color")


class _ReaderGone(Exception):
    """Whoever read our output (head, less) has seen enough."""


class _Root(TyperGroup):
    """Accepts the global options after the command too, by moving them before it."""

    def __init__(self, **attrs: Any) -> None:  # noqa: ANN401 - typer's own
        super().__init__(**attrs)
        self.commands = Commands()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - likewise
        """Return the names of all commands."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - likewise
        """Write what each command does, without reading it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(summaries()))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own type moves between its versions
        """Read the options; `--help` prints here already."""
        with _watching_the_reader():
            return super().parse_args(ctx, _global_first(args))

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - likewise
        """Run the command."""
        with _watching_the_reader():
            return super().invoke(ctx)


@contextlib.contextmanager
def _watching_the_reader() -> Iterator[None]:
    # Typer itself would end with 1.
    try:
        yield
    except BrokenPipeError as error:
        raise _ReaderGone from error


def _global_first(args: list[str]) -> list[str]:
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(args)
    for arg in waiting:
        if arg == "--":  # everything behind it is meant literally
            rest += [arg, *waiting]
        elif arg in _GLOBAL_FLAGS or arg.startswith("--library="):
            first.append(arg)
        elif arg == "--library":
            value = next(waiting, None)
            if value is None:
                raise UsageError("--library needs a name or a path", hint=_LIBRARY_HINT)
            first += [arg, value]
        else:
            rest.append(arg)
    return first + rest


app = typer.Typer(
    cls=_Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"facesort {__version__}")
        raise typer.Exit


@app.callback(
    epilog="The options above are accepted before and after every command. "
    "Start with: facesort scan ~/Pictures"
)
def _global_options(
    ctx: typer.Context,
    library: Annotated[
        str | None,
        typer.Option(
            "--library",
            metavar="NAME|PATH",
            help="Which library; one per job is normal. Also FACESORT_LIBRARY.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no messages.")] = False,
    no_color: Annotated[
        bool, typer.Option("--no-color", help="No colours. Also NO_COLOR.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Find the people in your photo folders, name them once, and write albums.

    Originals are only read. Everything stays on this machine.
    """
    ctx.obj = Context(library=library, json=json, quiet=quiet, no_color=no_color)


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave the process with the documented exit code."""
    code = _reported(args)
    with contextlib.suppress(BrokenPipeError, FacesortError):  # told before, or of no interest now
        finish_output()
    if code == _EXIT_INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it has been heard
        if any(thread.name.startswith("facesort") for thread in enumerate_threads()):
            # Ctrl-C again while threads were being waited for: they are inside compiled code, which
            # the interpreter's own end would pull away from under them.
            os._exit(code)
    sys.exit(code)


def _reported(args: list[str] | None) -> int:
    """Run a command; whatever ends it early becomes a sentence and an exit code."""
    try:
        code = _command(args)
        finish_output()
    except FacesortError as error:
        say_error(error.message, error.hint)
        return error.exit_code
    except (_ReaderGone, BrokenPipeError):
        return 0
    except OSError as error:  # the disk's refusal is no bug, even where nobody foresaw it
        from facesort.files import explain_os_error  # noqa: PLC0415

        place = error.filename2 or error.filename
        told = str(error.strerror or error)
        say_error(f"{place}: {told}" if place else told, explain_os_error(error))
        return FacesortError.exit_code
    except Exception:  # noqa: BLE001 - the only broad handler: what nobody meant to raise is a bug
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        say_error("this is a bug in facesort. Your library and your photos are unharmed.")
        return _EXIT_BUG
    if code == _EXIT_INTERRUPTED:
        say_error("stopped. What a library had stored is kept; the same command goes on.")
    return code


def _command(args: list[str] | None) -> int:
    try:
        typer.main.get_command(app).main(args=args, prog_name="facesort")
    except SystemExit as ended:  # typer ends so always
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
