"""Whole recordings in memory."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from novasr.audio.analysis import judge_band, may_be_full_band, measure_bandwidth
from novasr.audio.resampling import resampled
from novasr.checks import check_audio
from novasr.errors import BankWarning, FullBandWarning
from novasr.models import chosen_weights
from novasr.offline.enhancement import Settings, new_stream, starting_band_hz
from novasr.offline.results import DEFAULT_RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike

    from novasr.offline.refining import RefinedStream
    from novasr.stream import Stream
    from novasr.types import FloatArray, Mode, OfflineEngine, OfflineModelName

# As the binding cuts longer input: LibTorch, whose last bits depend on it, gets the same pieces as in one call.
_PIECE_FRAMES = 8192


def enhance(
    audio: ArrayLike,
    sample_rate: int,
    *,
    model: OfflineModelName | None = None,
    mode: Mode = "extend",
    engine: OfflineEngine = "auto",
    weights: str | Path | None = None,
    high_band_gain_db: float = 0.0,
    steps: int | None = None,
    bank: str | Path | None = None,
    index_rate: float | None = None,
    force: bool = False,
) -> FloatArray:
    """Extend a recording to 48 kHz.

    One that has its full band already (see :func:`novasr.judge_band`) is only brought to 48 kHz, and a
    :class:`novasr.FullBandWarning` says so. A :class:`novasr.BankWarning` names a band too narrow for the bank.

    Parameters
    ----------
    audio : array_like of float, shape (frames,) or (frames, channels)
        Linear PCM, full scale at 1.0; at most 256 channels, and no more than frames.
    sample_rate : int
        Rate of `audio` in Hz, 8000 .. 192000.
    model : {"base", "wide", "studio"}, optional
        ``"base"``, from 16 kHz input on; ``"wide"``, for any band of 2 .. 16 kHz; or ``"studio"``, wide moved
        towards recordings of the voice, which needs a `bank` (docs/studio.md). Default: that of the weights, ``"base"``
        without any.
    mode : {"extend", "full"}
        Keep the input's own low band, or put out the model's alone.
    engine : {"auto", "native", "torch", "cuda"}
        What computes the network; a GPU by ``"cuda"`` (docs/gpu.md).
    weights : str or path, optional
        As for :func:`novasr.load_model`, or a ``.ts`` file.
    high_band_gain_db : float
        Brightness: -24 .. 12 dB on what the model adds, in ``"extend"`` mode.
    steps : {1, 2, 4, 8}, optional
        Of the flow of weights of the family studio (docs/studio.md). Default: 1.
    bank : str or path, optional
        For the model studio or weights of its family: the file of a bank, which ``novasr bank build`` makes.
    index_rate : float, optional
        How far levels are moved towards the bank's, from 0, not at all, to 1. Default: 1.
    force : bool
        Also extend what has its full band already.

    Returns
    -------
    ndarray of float32, shape (round(frames * 48000 / sample_rate),) or with channels as `audio`
        48 kHz, aligned with `audio`: the latency is removed.

    Raises
    ------
    AudioFormatError
        If the array is of another shape or type.
    ParameterError
        If a parameter is out of range, or `model` and `weights` contradict each other.
    WeightsError, BankError, StreamError
        If the weights, the bank or the engine cannot be used.
    MissingPackageError
        If what the weights or the bank need is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> enhance(np.zeros(1600, np.float32), 16_000).shape
    (4800,)
    """
    chosen = chosen_weights(model, weights, offline=True)
    settings = Settings(
        mode, engine, chosen, high_band_gain_db, steps=steps, bank=bank, index_rate=index_rate
    )
    return enhanced(audio, sample_rate, settings, force=force)


def enhanced(
    audio: ArrayLike, sample_rate: int, settings: Settings, *, force: bool = False
) -> FloatArray:
    """Do what :func:`enhance` does, with its errors and warnings, by settings."""
    samples = check_audio(audio)
    any_band = settings.any_band
    bandwidth_hz = None
    if any_band or not force:
        bandwidth_hz = _bandwidth_hz(samples, sample_rate, any_band=any_band)
    band_hz = starting_band_hz(bandwidth_hz)
    stream = new_stream(sample_rate, samples.shape[1], settings, band_hz)
    leave = not force and _has_full_band(bandwidth_hz, sample_rate, any_band=any_band)
    if not leave and bandwidth_hz is not None:
        for message in settings.unused_bank(bandwidth_hz):
            warnings.warn(message, BankWarning, stacklevel=3)
    made, rate = (samples, sample_rate) if leave else (_run(stream, samples), stream.output_rate)
    output = made if rate == DEFAULT_RATE_HZ and not leave else _resampled(made, rate)
    return output[:, 0] if np.ndim(audio) == 1 else output


def _bandwidth_hz(samples: FloatArray, sample_rate: int, *, any_band: bool) -> float | None:
    """Measure it where it decides anything."""
    if not any_band and not may_be_full_band(sample_rate):
        return None
    return measure_bandwidth([samples], sample_rate=sample_rate)


def _has_full_band(bandwidth_hz: float | None, sample_rate: int, *, any_band: bool) -> bool:
    if bandwidth_hz is None or not may_be_full_band(sample_rate, any_band=any_band):
        return False
    verdict = judge_band(bandwidth_hz, sample_rate, any_band=any_band)
    if verdict.kind == "leave":
        message = (
            f"{verdict.text}; returned as it is at 48 kHz (force=True extends it all the same)"
        )
        warnings.warn(message, FullBandWarning, stacklevel=4)
    return verdict.kind == "leave"


def _resampled(samples: FloatArray, sample_rate: int) -> FloatArray:
    """Bring samples to the rate of results."""
    clean = np.where(np.isfinite(samples), samples, np.float32(0))
    blocks = resampled(iter([clean]), sample_rate, DEFAULT_RATE_HZ, clean.shape[1])
    return np.concatenate(list(blocks))


def _run(stream: Stream | RefinedStream, samples: FloatArray) -> FloatArray:
    """Enhance piece by piece; in between Python hears Ctrl-C."""
    frames, channels = samples.shape
    output = np.empty(
        (round(frames * stream.output_rate / stream.sample_rate), channels), np.float32
    )
    pieces = (samples[start : start + _PIECE_FRAMES] for start in range(0, frames, _PIECE_FRAMES))
    position = 0
    for made in stream.aligned(pieces):
        output[position : position + len(made)] = made
        position += len(made)
    return output
