"""Draw what enhancing changed: the spectrograms before and after, in one PNG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from novasr.audio.analysis import file_info, judge_band
from novasr.audio.reading import AudioReader
from novasr.errors import AudioFileError, MissingPackageError, install_command
from novasr.filesystem.replacing import replacing
from novasr.filesystem.suffixes import known_suffix
from novasr.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 900
_WINDOW_SECONDS = 0.032
_WINDOWS_PER_COLUMN = 4
_RANGE_DB = 90.0
_FLOOR_DB = -140.0
_TOP_HZ = 24_000.0


@dataclass(frozen=True)
class _Spectrogram:
    level_db: npt.NDArray[np.float64]  # (bins, columns), 0 dB for a sine of full scale
    seconds: float
    top_hz: float
    title: str


def plot_spectrograms(
    before: str | Path,
    after: str | Path,
    destination: str | Path,
    *,
    any_band: bool = False,
) -> None:
    """Draw the spectrograms of two files one above the other, on the same axes and scale.

    Of a long file a part of every column's time span is taken, so that the memory needed stays small.

    Parameters
    ----------
    before, after : str or path
        The file that was enhanced, and the result.
    destination : str or path
        PNG file to write; an existing one is replaced.
    any_band : bool
        The model adds what lies above the end of the source's band, wherever that is.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    ParameterError
        If `destination` does not end in ``.png``.
    AudioFileError
        If a file cannot be read or the PNG cannot be written.
    """
    known_suffix(destination, ".png")
    figure = _new_figure()
    pair = [_spectrogram(Path(before)), _spectrogram(Path(after))]
    source = file_info(before, allow_truncated=True)
    verdict = judge_band(source.bandwidth_hz, source.sample_rate, any_band=any_band)
    _draw(figure, pair, source.bandwidth_hz if verdict.kind == "extend" else None)
    with replacing(Path(destination)) as temporary:
        try:
            figure.savefig(temporary, format="png", dpi=120)
        except OSError as error:
            raise AudioFileError(f"{destination}: cannot be written: {error.strerror}") from error


def require_matplotlib() -> None:
    """Fail early where `plot_spectrograms` could not draw.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed; the message says how to install it.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        msg = f"plots need matplotlib: {install_command('plot')}"
        raise MissingPackageError(msg) from error


def _new_figure() -> Figure:
    require_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(10, 6.4), layout="constrained")


def _spectrogram(path: Path) -> _Spectrogram:
    with AudioReader(path, allow_truncated=True) as reader:
        frames, rate, kind = reader.frames, reader.sample_rate, reader.format
        if frames == 0:
            frames = sum(len(block) for block in reader.blocks())
    size = 2 * round(rate * _WINDOW_SECONDS / 2)
    hop = size // 4
    columns = max(1, min(_COLUMNS, frames // hop))
    window = np.hanning(size + 1)[:size]
    scale = 2 / window.sum()
    level = np.full((size // 2 + 1, columns), _FLOOR_DB)
    with AudioReader(path, allow_truncated=True) as reader:
        starts = [column * frames // columns for column in range(columns)]
        spans = _spans(reader.blocks(), starts, size + (_WINDOWS_PER_COLUMN - 1) * hop)
        for column, audio in enumerate(spans):
            padded = np.pad(audio, ((0, max(0, size - len(audio))), (0, 0)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=0)[::hop]
            amplitude = np.abs(np.fft.rfft(windows * window)) * scale
            level[:, column] = 10 * np.log10(np.mean(amplitude**2, axis=(0, 1)) + 1e-14)
    name = path.name.encode("utf-8", "replace").decode()  # fonts know no surrogates
    title = f"{name}   {rate / 1000:g} kHz {kind}"
    return _Spectrogram(level, frames / rate, rate / 2, title)


def _spans(blocks: Iterator[FloatArray], starts: list[int], length: int) -> Iterator[FloatArray]:
    """Yield `length` frames from each of `starts` on, which ascend; the last ones may be shorter."""
    held = next(blocks, np.zeros((0, 1), np.float32))
    first = 0
    for start in starts:
        while first + len(held) < start + length:
            block = next(blocks, None)
            if block is None:
                break
            kept = held[max(0, start - first) :]
            first += len(held) - len(kept)
            held = np.concatenate([kept, block])
        yield held[max(0, start - first) :][:length]


def _draw(figure: Figure, pair: list[_Spectrogram], restored_from_hz: float | None) -> None:
    loudest = max(float(item.level_db.max()) for item in pair)
    rows: Any = figure.subplots(2, 1, sharex=True, sharey=True)
    for axes, item, name in zip(rows, pair, ("Before", "After"), strict=True):
        image = axes.imshow(
            item.level_db,
            origin="lower",
            aspect="auto",
            extent=(0.0, item.seconds, 0.0, item.top_hz / 1000),
            cmap="magma",
            vmin=loudest - _RANGE_DB,
            vmax=loudest,
            interpolation="nearest",
        )
        axes.set_facecolor("black")
        axes.set_ylim(0, _TOP_HZ / 1000)
        axes.set_yticks(range(0, 25, 4))
        axes.set_title(f"{name}:  {item.title}", loc="left", fontsize=11, parse_math=False)
        axes.set_ylabel("kHz")
    rows[1].set_xlabel("seconds")
    if restored_from_hz is not None:
        _mark_restored_band(rows[1], restored_from_hz)
    figure.colorbar(image, ax=rows, label="dB re full scale", pad=0.01, aspect=40)


def _mark_restored_band(axes: Axes, from_hz: float) -> None:
    low = from_hz / 1000
    axes.axhline(low, color="white", linewidth=1, linestyle="--")
    axes.annotate(
        f"restored: {low:.1f} to {_TOP_HZ / 1000:.0f} kHz",
        (0.99, 0.94),
        xycoords="axes fraction",
        ha="right",
        va="top",
        color="white",
        fontsize=10,
        bbox={"facecolor": "black", "alpha": 0.6, "edgecolor": "none"},
    )
