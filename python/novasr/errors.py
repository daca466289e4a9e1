"""What can go wrong: every error that novasr raises on purpose is a `NovasrError`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

# Extras that bring another package of this repository.
_PARTS = {"torch": "novasr-torch", "plugin": "novasr-plugin", "pedalboard": "novasr-plugin"}


class NovasrError(Exception):
    """Base class; the message is one line that names the cause and, if there is one, the cure."""


class AudioFormatError(NovasrError, ValueError):
    """Audio of a rate, shape, type or format that cannot be used."""


class ParameterError(AudioFormatError):
    """A value that cannot be used: of a parameter, an option, a name or a column.

    Earlier versions raised `AudioFormatError`, which the next version no longer includes.
    """


class AudioFileError(NovasrError, OSError):
    """A file that cannot be read or written."""


class EmptyAudioError(AudioFileError):
    """A recording without a single frame."""


class DiskError(AudioFileError):
    """A disk that is full, or on which nothing can be written: no fault of the recording."""


class ExistsError(AudioFileError):
    """A result that exists, and that may not be replaced."""


class WeightsError(NovasrError, ValueError):
    """Model weights that are missing, damaged or of another model."""


class BankError(NovasrError, ValueError):
    """A retrieval bank that is missing, damaged or of another version, or recordings that make none."""


class RecipeError(NovasrError, ValueError):
    """A training recipe, or data for it, that cannot be used."""


class StreamError(NovasrError, RuntimeError):
    """A stream that was used out of order or whose engine failed."""


class MissingPackageError(StreamError):
    """An optional package that is not installed; the message says how to install it.

    Earlier versions raised `StreamError`, which the next version no longer includes.
    """


class PluginError(NovasrError, RuntimeError):
    """A plugin that is missing, cannot be loaded here, or refused what it was given."""


class PedalboardError(PluginError, ImportError):
    """Pedalboard is missing, or of a version that the effect does not know."""


class UnknownParameterError(ParameterError, AttributeError):
    """A parameter that the effect does not have."""


class DeviceError(NovasrError, RuntimeError):
    """A sound device that is missing, or that cannot do what is asked of it."""


class PassthroughWarning(UserWarning):
    """At this rate nothing can be added: the output is the input."""


class FullBandWarning(UserWarning):
    """The recording has its full band already and was not extended."""


class BankWarning(UserWarning):
    """The recording's band is too narrow to be looked up in the bank, which changes nothing."""


def install_command(extra: str) -> str:
    """Give the command that adds an optional package. Pip reads its name from the novasr that is installed.

    Examples
    --------
    >>> print(install_command("plot"))
    pip install 'novasr[plot]'
    >>> print(install_command("plugin"))
    pip install 'novasr[plugin]' (in the source tree, add ./python/novasr-plugin)
    """
    command = f"pip install 'novasr[{extra}]'"
    if extra not in _PARTS:
        return command
    return f"{command} (in the source tree, add ./python/{_PARTS[extra]})"


def describe(error: BaseException) -> str:
    """Put an exception in one line; one that nobody expected with its type."""
    if isinstance(error, NovasrError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes):
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    reason = str(error).partition("\n")[0]
    return f"unexpected {type(error).__name__}: {reason} (NOVASR_DEBUG=1 shows where)"


@contextlib.contextmanager
def blaming(path: Path) -> Iterator[None]:
    """Make what a library raises over one file a `NovasrError` that names it."""
    try:
        yield
    except NovasrError:
        raise
    except Exception as error:
        raise NovasrError(f"{path}: {describe(error)}") from error
