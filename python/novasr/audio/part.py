"""A stretch of a file that libsndfile can read as a file of its own."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """A recording in a file; most files are one.

    Attributes
    ----------
    start, end : int
        In bytes.
    patches : dict
        Offset in the file -> bytes that its header should have there.
    endless : bool
        libsndfile would estimate the length: read on to the end of the data.
    stated : float or None
        Length that the header states, as a multiple of what is there; None if it states none.
    frames : int or None
        Length that the header states in frames, where it does so.
    expected : int or None
        Length in frames as counted in the file itself, where that has been done.
    missing : bool
        Bytes that the header counts are not there.
    note : str
        What else is wrong with it.
    mask : int
        Loudspeakers of the channels, as WAVE_FORMAT_EXTENSIBLE numbers them; 0 if not stated.
    """

    start: int
    end: int
    patches: dict[int, bytes] = field(default_factory=dict)
    endless: bool = False
    stated: float | None = None
    frames: int | None = None
    expected: int | None = None
    missing: bool = False
    note: str = ""
    mask: int = 0
