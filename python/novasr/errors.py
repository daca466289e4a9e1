"""What the package raises; every message names the offending value and the remedy."""


class NovasrError(Exception):
    """Base of all errors of this package; the command line turns it into exit code 2."""


class AudioFormatError(NovasrError, ValueError):
    """An array or a parameter outside what is accepted."""


class AudioFileError(NovasrError, OSError):
    """A file that cannot be read or written."""


class WeightsError(NovasrError, ValueError):
    """Weights that are missing, damaged or of another architecture."""


class StreamError(NovasrError, RuntimeError):
    """A stream used out of order, or an engine that failed or is not available."""
