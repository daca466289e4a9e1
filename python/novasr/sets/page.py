"""A page about a set: what became of it, where its bands ended and end now, and a few spectrograms."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from novasr.audio.analysis import measure_bandwidth
from novasr.audio.plot import require_matplotlib
from novasr.audio.reading import AudioReader
from novasr.errors import NovasrError
from novasr.filesystem.replacing import replacing
from novasr.sets.summary import BAND_HZ, Sample, Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from novasr.sets.journal import Journal
    from novasr.sets.outcome import Outcome
    from novasr.sets.unit import DataSet, Unit
    from novasr.types import DoubleArray, FloatArray

EXAMPLES = 12
_MEASURED = 60  # results whose band is measured
_MEASURED_SECONDS = 30
_SHOWN_SECONDS = 6
_TOP_KHZ = 24
_RANGE_DB = 90.0
_WINDOW_SECONDS = 0.02

_STYLE = """
html { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; }
table { border-collapse: collapse; } td, th { padding: .2em 1em .2em 0; text-align: right; } th { text-align: left; }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(20em, 1fr)); gap: 1em; }
figure { margin: 0; } img { max-width: 100%; } figcaption { font-size: .8em; overflow-wrap: anywhere; }
"""


def write_page(
    dataset: DataSet,
    journal: Journal,
    summary: Summary,
    output: Path,
    scratch: Path,
    page: Path,
    facts: dict[str, Any],
) -> None:
    """Write a page of HTML that needs no other file.

    Parameters
    ----------
    dataset : DataSet
        The set.
    journal : Journal
        What its units became; all are done.
    summary : Summary
        Counts over them.
    output, scratch : Path
        Folder of the results, and one for what is extracted from shards.
    page : Path
        File to write.
    facts : dict
        What made the results, to be named.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    DiskError
        If the page cannot be written.
    """
    require_matplotlib()
    scratch.mkdir(parents=True, exist_ok=True)
    bands: Counter[int] = Counter()
    examples: list[str] = []
    measured = 0
    for unit, number, outcome in _sample(dataset, journal):
        try:
            result = unit.result(number, outcome, output, scratch)
            band = _band(result)
            measured += 1
            bands[int(band // BAND_HZ)] += 1
            if len(examples) < EXAMPLES:
                examples.append(_example(unit, number, outcome, result, scratch))
        except (NovasrError, OSError):  # moved away meanwhile: the page shows others
            continue
    text = _page(summary, bands, measured, examples, facts)
    with replacing(page) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")


def _sample(dataset: DataSet, journal: Journal) -> Iterator[tuple[Unit, int, Outcome]]:
    sample = Sample(_MEASURED)
    for unit in dataset.units():
        for number, outcome in enumerate(journal.made(unit.id).outcomes):
            if outcome.status == "enhanced":
                sample.add(unit.id, number, outcome)
    wanted = {unit_id for unit_id, _, _ in sample}
    units = {unit.id: unit for unit in dataset.units() if unit.id in wanted}
    return ((units[unit_id], number, outcome) for unit_id, number, outcome in sample)


def _band(path: Path) -> float:
    with AudioReader(path) as reader:
        return measure_bandwidth(_first(reader, _MEASURED_SECONDS), sample_rate=reader.sample_rate)


def _first(reader: AudioReader, seconds: float) -> Iterator[FloatArray]:
    left = round(seconds * reader.sample_rate)
    for block in reader.blocks():
        yield block[:left]
        left -= len(block)
        if left <= 0:
            return


def _example(unit: Unit, number: int, outcome: Outcome, result: Path, scratch: Path) -> str:
    before, after = _levels(unit.recording(number, scratch)), _levels(result)
    loudest = max(float(levels.max()) for levels, _, _ in (before, after))
    figure = _figure(4.2, 2.0)
    for place, (levels, seconds, top_khz) in enumerate((before, after)):
        axes = figure.add_subplot(1, 2, place + 1)
        axes.imshow(
            levels,
            origin="lower",
            aspect="auto",
            extent=(0.0, seconds, 0.0, top_khz),
            cmap="magma",
            vmin=loudest - _RANGE_DB,
            vmax=loudest,
        )
        axes.set_facecolor("black")
        axes.set_ylim(0, _TOP_KHZ)
        axes.tick_params(labelsize=7)
        axes.set_title("after" if place else "before", fontsize=8)
    caption = f"{outcome.id}: {outcome.bandwidth_in / 1000:.1f} kHz before"
    return f"<figure>{_image(figure, caption)}<figcaption>{escape(caption)}</figcaption></figure>"


def _levels(path: Path) -> tuple[DoubleArray, float, float]:
    """Give a spectrogram in dB, its length in seconds, and its highest frequency in kHz."""
    with AudioReader(path, allow_truncated=True) as reader:
        audio = np.concatenate(list(_first(reader, _SHOWN_SECONDS))).mean(axis=1)
        rate = reader.sample_rate
    size = 2 * round(rate * _WINDOW_SECONDS / 2)
    padded = np.pad(audio, (0, max(0, size - len(audio))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2]
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(size))) / size
    return 20 * np.log10(spectrum.T + 1e-7), len(audio) / rate, rate / 2000


def _histogram(before: Counter[int], after: Counter[int], measured: int) -> str:
    figure = _figure(8.0, 2.8)
    axes = figure.add_subplot()
    for offset, bands, name in (
        (0.3, before, "before"),
        (0.7, after, f"after ({measured} of them measured)"),
    ):
        count = max(1, bands.total())
        shares = [0.0] * _TOP_KHZ
        for place, number in bands.items():
            shares[min(place, _TOP_KHZ - 1)] += 100 * number / count
        axes.bar([place + offset for place in range(_TOP_KHZ)], shares, 0.4, label=name)
    axes.set_xlim(0, _TOP_KHZ)
    axes.set_xticks(range(0, _TOP_KHZ + 1, 2))
    axes.set_xlabel("end of the band, kHz")
    axes.set_ylabel("% of recordings")
    axes.legend(loc="upper center")
    return _image(figure, "Histogram of where the bands end, before and after")


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _image(figure: Figure, text: str) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{escape(text)}" src="data:image/png;base64,{data}">'


def _page(
    summary: Summary,
    bands: Counter[int],
    measured: int,
    examples: list[str],
    facts: dict[str, Any],
) -> str:
    rows = "".join(
        f"<tr><th>{escape(str(name)).replace('_', ' ')}</th><td>{escape(str(value))}</td></tr>"
        for name, value in {**summary.facts(), **facts}.items()
    )
    shown = "".join(examples)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Enhanced set</title>'
        f"<style>{_STYLE}</style><h1>Enhanced set</h1><table>{rows}</table>"
        f"<h2>Where the bands end</h2>{_histogram(summary.bands, bands, measured)}"
        f'<h2>Examples</h2><div class="examples">{shown or "None was enhanced."}</div></html>\n'
    )
