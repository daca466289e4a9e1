"""Which loudspeaker each channel feeds: WAV's order, and Vorbis' other one."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Sample = TypeVar("Sample", bound=np.generic)

#: By number of channels, as Vorbis I 4.3.9 orders them: for each channel of WAV the place it has there.
_VORBIS_PLACES = {
    3: (0, 2, 1),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 5, 3, 4),
    7: (0, 2, 1, 6, 5, 3, 4),
    8: (0, 2, 1, 7, 5, 6, 3, 4),
}
#: What a file without a mask means, as FLAC (RFC 9639, 9.1.3) and Vorbis have it.
_MASKS = {1: 0x4, 2: 0x3, 3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x70F, 8: 0x63F}
_SIDE, _BACK = 0x600, 0x30
#: ffmpeg's names of other layouts.
_LAYOUTS = {
    "2.1": 0xB,
    "3.0(back)": 0x103,
    "4.0": 0x107,
    "quad(side)": 0x603,
    "3.1": 0xF,
    "5.0(side)": 0x607,
    "4.1": 0x10F,
    "5.1(side)": 0x60F,
    "6.0": 0x707,
    "6.1(back)": 0x13F,
    "7.0": 0x637,
    "7.1(wide)": 0xFF,
}


def default_mask(channels: int) -> int:
    """Return the loudspeakers of so many channels, 0 for more than eight."""
    return _MASKS.get(channels, 0)


def named_mask(layout: str, channels: int) -> int:
    """Return the loudspeakers that ffmpeg calls `layout`."""
    return _LAYOUTS.get(layout, default_mask(channels))


def is_usual(mask: int, channels: int) -> bool:
    """Tell whether formats that know no masks mean these loudspeakers; those behind may be beside."""
    usual = default_mask(channels)
    beside = usual & ~_BACK | _SIDE if usual & _BACK and not usual & _SIDE else usual
    return mask in (0, usual, beside)


def from_vorbis_order(audio: npt.NDArray[Sample]) -> npt.NDArray[Sample]:
    """Put the channels of a Vorbis or Opus file, shape (frames, channels), into WAV's order."""
    places = _VORBIS_PLACES.get(audio.shape[1])
    return audio if places is None else audio[:, places]


def to_vorbis_order(audio: npt.NDArray[Sample]) -> npt.NDArray[Sample]:
    """Put channels that are in WAV's order, shape (frames, channels), into that of Vorbis and Opus."""
    places = _VORBIS_PLACES.get(audio.shape[1])
    return audio if places is None else audio[:, np.argsort(places)]
