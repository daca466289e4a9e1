"""What the C++ core raises, as errors of this package."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from novasr import _native
from novasr.errors import NovasrError, ParameterError, StreamError


@dataclass(frozen=True)
class NativeErrors:
    """A context in which errors of the core become ours; it may be entered again and again.

    Parameters
    ----------
    config : type of NovasrError
        For what the core was asked to do and cannot.
    model : type of NovasrError
        For a model that cannot be used.
    subject : str
        What a model's error is about, such as ``"weights 'v1': "``.
    """

    config: type[NovasrError] = ParameterError
    model: type[NovasrError] = StreamError
    subject: str = ""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raise our error in place of the core's."""
        if isinstance(error, _native.ConfigError):
            raise self.config(str(error)) from error
        if isinstance(error, _native.ModelError):
            raise self.model(f"{self.subject}{error}") from error
