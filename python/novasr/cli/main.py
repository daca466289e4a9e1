"""Put the commands together, and turn errors into one line and an exit code."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from novasr.cli import (
    bank,
    bench,
    devices,
    enhance,
    evaluate,
    export,
    info,
    live,
    plugin,
    report,
    signals,
    streams,
    train,
)
from novasr.errors import NovasrError
from novasr.messages import EXIT_ERROR, debugging, print_error

EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_NO_READER = 128 + 13  # as of a program that SIGPIPE ends

# Typer passes on pydantic's messages.
_PLAIN_WORDS = (
    (r"Value error, ", ""),
    (r"Input should be greater than or equal to (.+)$", r"must be \1 or more"),
    (r"Input should be less than or equal to (.+)$", r"must be \1 or less"),
    (r"Input should be a valid integer.*$", "must be a whole number"),
    (r"Input should be a valid number.*$", "must be a number"),
)

app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(help=enhance.HELP)(enhance.enhance)
app.command(help=info.HELP)(info.info)
app.command(help=export.HELP)(export.export)
app.command(help=bench.HELP)(bench.bench)
app.command(help=evaluate.HELP)(evaluate.evaluate)
app.command(help=report.HELP)(report.report)
app.command(help=live.HELP)(live.live)
app.command(help=devices.HELP)(devices.devices)
app.command(help=train.HELP)(train.train)
app.add_typer(bank.app, name="bank")
app.add_typer(plugin.app, name="plugin")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after ``novasr``; by default those of the process.

    Returns
    -------
    int
        Exit code: 0 for success, 2 for an error, 130 after Ctrl-C, 141 if nobody reads stdout any more.
    """
    streams.open_missing()
    if not debugging():
        streams.mute_native_libraries()
    output = streams.open_output()
    with signals.stopping_once():
        return _run(arguments, output)


def _run(arguments: Sequence[str] | None, output: streams.Output) -> int:
    code = 0
    error: Exception | None = None
    try:
        code = app(arguments, prog_name="novasr", standalone_mode=False) or 0
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except SystemExit:
        if not isinstance(output.lost, BrokenPipeError):  # of which click makes an exit
            raise
    except Exception as caught:
        error = caught
    lost = output.finish()
    if lost is not None and code != EXIT_INTERRUPTED and not isinstance(error, NovasrError):
        if isinstance(lost, BrokenPipeError):
            return code or EXIT_NO_READER
        error = NovasrError(f"standard output: cannot be written: {lost.strerror}")
    if error is None:
        return code
    print_error(_usage(error, sys.argv[1:] if arguments is None else arguments) or error)
    return EXIT_ERROR


@app.callback(invoke_without_command=True)
def novasr(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show version, instruction set and weights, and exit.")
    ] = False,
) -> None:
    """Give 16 kHz speech its upper band back, at 48 kHz.

    Exit codes: 0 done, 2 error (a line on stderr names it), 130 interrupted.
    With NOVASR_DEBUG=1 an error shows its traceback.
    """
    if version:
        from novasr.cli.version import version_text

        print(version_text())
    elif context.invoked_subcommand is None:
        print(context.get_help())


def _usage(error: Exception, words: Sequence[str]) -> str | None:
    """Say what was wrong in the words typed; typer raises click's error or, by its version, its own."""
    if not hasattr(error, "format_message"):
        return None
    message = error.format_message()
    for theirs, plain in _PLAIN_WORDS:
        message = re.sub(theirs, plain, message)
    return f"{message} (see {_command(error, words)} --help)"


def _command(error: Exception, words: Sequence[str]) -> str:
    """Name the command whose help is wanted; an option without its value comes without a context."""
    context = getattr(error, "ctx", None)
    if context is not None:
        return str(context.command_path)
    known = {
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback
    }
    return " ".join(["novasr", *(word for word in words[:1] if word in known)])
