"""Put the commands together, and turn errors into one line and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

from novasr.cli import bench, devices, enhance, evaluate, export, info, live, plugin, train
from novasr.cli.messages import EXIT_ERROR, debugging, open_missing_streams, print_error
from novasr.errors import NovasrError

EXIT_INTERRUPTED = 128 + signal.SIGINT

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command(help=enhance.HELP)(enhance.enhance)
app.command(help=info.HELP)(info.info)
app.command(help=export.HELP)(export.export)
app.command(help=bench.HELP)(bench.bench)
app.command(help=evaluate.HELP)(evaluate.evaluate)
app.command(help=live.HELP)(live.live)
app.command(help=devices.HELP)(devices.devices)
app.command(help=train.HELP)(train.train)
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
        Exit code: 0 for success, 2 for an error, 130 after Ctrl-C.
    """
    open_missing_streams()
    if not debugging():
        _mute_native_libraries()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be text
    signal.signal(signal.SIGTERM, _exit_on_signal)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _exit_on_signal)  # the terminal was closed
    try:
        return app(arguments, prog_name="novasr", standalone_mode=False) or 0
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except NovasrError as error:
        print_error(error)
        return EXIT_ERROR
    except OSError as error:
        if error.filename is None or debugging():
            raise
        print_error(f"{os.fsdecode(error.filename)}: {error.strerror}")
        return EXIT_ERROR
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        # Wrong usage; depending on its version typer raises click's error or one of its own.
        print_error(f"{error.format_message()} (see novasr --help)")
        return EXIT_ERROR


@app.callback(invoke_without_command=True)
def novasr(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Give 16 kHz speech its upper band back, at 48 kHz.

    Exit codes: 0 done, 2 error (one line on stderr says which), 130 interrupted.
    With NOVASR_DEBUG=1 an error shows its traceback.
    """
    if version:
        from novasr import __version__

        print(f"novasr {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


def _mute_native_libraries() -> None:
    """Keep sys.stderr but detach descriptor 2, where libmpg123 comments on damaged MP3 files."""
    sys.stderr.flush()
    terminal = os.dup(2)
    sys.stderr = open(terminal, "w", buffering=1, errors="backslashreplace")  # noqa: PTH123, SIM115
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _exit_on_signal(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
