"""What can go wrong: every error that novasr raises on purpose is a `NovasrError`."""


class NovasrError(Exception):
    """Base class; the message is one line that names the cause and, if there is one, the cure."""


class AudioFormatError(NovasrError, ValueError):
    """Audio of a rate, shape, type or format that cannot be used."""


class AudioFileError(NovasrError, OSError):
    """A file that cannot be read or written."""


class WeightsError(NovasrError, ValueError):
    """Model weights that are missing, damaged or of another model."""


class RecipeError(NovasrError, ValueError):
    """A training recipe, or data for it, that cannot be used."""


class StreamError(NovasrError, RuntimeError):
    """A stream that was used out of order or whose engine failed."""


class PluginError(NovasrError, RuntimeError):
    """A plugin that is missing, cannot be loaded here, or refused what it was given."""


class PedalboardError(PluginError, ImportError):
    """Pedalboard is missing, or of a version that the effect does not know."""


class UnknownParameterError(AudioFormatError, AttributeError):
    """A parameter that the effect does not have."""


class DeviceError(NovasrError, RuntimeError):
    """A sound device that is missing, or that cannot do what is asked of it."""
