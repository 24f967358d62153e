"""The entry point: global options, the commands, and what errors look like."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from facesort import __version__
from facesort.cli import bench, export, models, people, scan
from facesort.cli.context import Context
from facesort.errors import FacesortError, UsageError

__all__ = ["app", "main"]

_EXIT_BUG = 70
_EXIT_INTERRUPTED = 130

_LIBRARY_HINT = "For example: facesort people --library wedding"
_GLOBAL_FLAGS = ("--json", "--quiet", "--no-color")


class _ReaderGone(Exception):
    """Whoever read our output (head, less) has seen enough."""


class _Root(TyperGroup):
    """Accepts the global options after the command too, by moving them before it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own type moves between its versions
        return super().parse_args(ctx, _global_first(args))

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - likewise
        """Run the command; typer itself would end with 1 when the reader is gone."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # at exit it would be too late to stay silent
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


scan.register(app)
people.register(app)
export.register(app)
models.register(app)
bench.register(app)


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave the process with the documented exit code."""
    try:
        typer.main.get_command(app).main(args=args, prog_name="facesort")
    except FacesortError as error:
        _say(f"facesort: {error.message}")
        if error.hint:
            _say(f"  {error.hint}")
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == _EXIT_INTERRUPTED:
            _say("facesort: stopped. Everything stored so far is kept; the same command goes on.")
        raise
    except _ReaderGone:
        # Python would complain again while closing stdout.
        sys.stdout = None
        sys.exit(0)
    except Exception:  # noqa: BLE001 - the only broad handler: what nobody meant to raise is a bug
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        _say("facesort: this is a bug in facesort. Your library and your photos are unharmed.")
        sys.exit(_EXIT_BUG)


def _say(text: str) -> None:
    # A file name need not be printable in the terminal's encoding.
    stream = sys.stderr
    stream.write(
        text.encode(stream.encoding or "utf-8", "backslashreplace").decode(
            stream.encoding or "utf-8"
        )
        + "\n"
    )
