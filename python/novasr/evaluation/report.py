"""Output of scores: tables, CSV, JSON and a figure."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novasr.audio.plot import require_matplotlib

if TYPE_CHECKING:
    from novasr.evaluation.runner import Score
    from novasr.evaluation.summary import Mean, Row

_PANEL_INCHES = (4.0, 3.0)
_GROUP_INCHES = 0.7

#: Heading and digits of each column.
COLUMNS = {
    "lsd": ("LSD", 2),
    "lsd_lf": ("LSD-LF", 2),
    "lsd_hf": ("LSD-HF", 2),
    "detail": ("detail", 2),
    "brightness": ("bright. dB", 1),
    "modulation": ("modul. dB", 1),
    "distribution": ("distr. dB", 2),
    "mrstft": ("MR-STFT", 2),
    "si_sdr": ("SI-SDR dB", 1),
    "consistency": ("consist. dB", 1),
    "f0_cents": ("F0 cents", 1),
    "f0_gross": ("F0 gross %", 1),
    "voicing": ("voicing %", 1),
    "visqol": ("ViSQOL", 2),
}


def mean_cell(mean: Mean | None, digits: int) -> str:
    """Format "mean ± half of the interval", without the latter where there is none."""
    if mean is None:
        return "-"
    half = (mean.high - mean.low) / 2
    return f"{mean.mean:.{digits}f}" + ("" if math.isnan(half) else f" ±{half:.{digits}f}")


def difference_cell(mean: Mean | None, digits: int) -> str:
    """Format as :func:`mean_cell`, with a sign, and * where the interval excludes 0."""
    if mean is None:
        return "-"
    sign = "+" if mean.mean >= 0 else ""
    apart = mean.low > 0 or mean.high < 0
    return f"{sign}{mean_cell(mean, digits)}" + (" *" if apart else "")


def score_table(
    rows: Sequence[Row],
    *,
    markdown: bool,
    vary: Sequence[str] = (),
    only: Sequence[str] = tuple(COLUMNS),
    cell: Callable[[Mean | None, int], str] = mean_cell,
) -> str:
    """Format summary rows, "mean ± half of the 95 % interval" in each cell.

    Parameters
    ----------
    rows : sequence of Row
        One line each.
    markdown : bool
        Write a Markdown table instead of aligned text.
    vary : sequence of {"band_khz", "variant", "condition"}
        Attributes of the rows to show as well.
    only : sequence of str
        Columns that may be shown.
    cell : callable
        How to format a mean with so many digits.
    """
    columns = [name for name in only if any(name in row.means for row in rows)]
    heading = ["system", "class", *(name.replace("_khz", " kHz") for name in vary), "n", "clusters"]
    lines = [
        [
            row.system,
            row.kind,
            *(_label(getattr(row, name)) for name in vary),
            str(row.recordings),
            str(row.clusters),
            *(cell(row.means.get(name), COLUMNS[name][1]) for name in columns),
        ]
        for row in rows
    ]
    return layout([*heading, *(COLUMNS[name][0] for name in columns)], lines, markdown=markdown)


def layout(heading: Sequence[str], lines: Sequence[Sequence[str]], *, markdown: bool) -> str:
    """Align a table as text, or as Markdown."""
    table = [list(heading), *map(list, lines)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    text = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in table]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in text)
    rule = ["-" * width for width in widths]
    return "\n".join(f"| {' | '.join(line)} |" for line in [text[0], rule, *text[1:]])


def _label(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def write_csv(destination: Path, scores: Sequence[Score]) -> None:
    """Write a line for every recording, system, variant, condition and band."""
    names = [field.name for field in dataclasses.fields(scores[0]) if field.name != "values"]
    columns = [name for name in COLUMNS if any(name in score.values for score in scores)]
    # File names need not be text.
    with destination.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow([*names, *columns])
        for score in scores:
            known = [score.values.get(name, "") for name in columns]
            writer.writerow([*(getattr(score, name) for name in names), *known])


def write_json(destination: Path, figures: dict[str, Any]) -> None:
    """Write figures; non-finite values become null."""
    text = json.dumps(_finite(figures), indent=2)
    destination.write_text(text + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_figure(destination: Path, rows: Sequence[Row]) -> None:
    """Draw a panel of bars for every column: a group for each class and band, a bar for each system.

    Raises
    ------
    NovasrError
        If matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    names = [name for name in COLUMNS if any(name in row.means for row in rows)]
    groups = list(dict.fromkeys((row.kind, row.band_khz) for row in rows))
    bands = {band for _, band in groups}
    labels = [f"{kind}\n{band:g} kHz" if len(bands) > 1 else kind for kind, band in groups]
    systems = list(dict.fromkeys(row.system for row in rows))
    across = 1 if len(bands) > 1 else min(3, len(names))
    down = math.ceil(len(names) / across)
    width, height = _PANEL_INCHES
    width = max(width, _GROUP_INCHES * len(groups))
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).flat
    for panel, name in zip(panels, names, strict=False):
        for row in rows:
            if (mean := row.means.get(name)) is None or not math.isfinite(mean.mean):
                continue
            number = systems.index(row.system)
            group = groups.index((row.kind, row.band_khz))
            place = group + (number - (len(systems) - 1) / 2) * 0.8 / len(systems)
            panel.bar(place, mean.mean, 0.8 / len(systems), color=f"C{number % 10}")
            panel.vlines(place, mean.low, mean.high, color="black", linewidth=1)
        panel.set_xticks(range(len(groups)), labels)
        panel.set_title(COLUMNS[name][0], loc="left")
    for panel in list(figure.axes)[len(names) :]:
        panel.remove()
    for number, system in enumerate(systems):
        figure.axes[0].bar(0, 0, color=f"C{number % 10}", label=system)
    figure.legend(loc="outside lower center", ncols=min(6, len(systems)))
    figure.savefig(destination, format="png", dpi=120)
