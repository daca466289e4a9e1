"""The model card: data, licences and recipe of a weight file, written by the run itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from novasr.families import in_torch, value_count
from novasr.training.datasets import Recording
from novasr.training.recipe import Recipe, as_toml

FILE = "card.md"


def write_card(
    folder: Path,
    recordings: Sequence[Recording],
    recipe: Recipe,
    *,
    steps: int,
    validation_lsd: float | None,
    device: str,
) -> None:
    """Write ``card.md`` beside the weights.

    Parameters
    ----------
    folder : path
        Output folder of the run.
    recordings : sequence of Recording
        The training data.
    recipe, steps, device
        As of :func:`novasr.training.loop.train`.
    validation_lsd : float, optional
        The last value in the log.
    """
    text = _card(recordings, recipe, steps, validation_lsd, device)
    (folder / FILE).write_text(text, encoding="utf-8")


def _card(
    recordings: Sequence[Recording],
    recipe: Recipe,
    steps: int,
    validation_lsd: float | None,
    device: str,
) -> str:
    task = in_torch(recipe.family).TASK
    hours = sum(recording.seconds for recording in recordings) / 3600
    voices = {
        recording.speaker for recording in recordings if recording.kind in ("speech", "singing")
    } - {""}
    seen = steps * recipe.data.clips * recipe.data.seconds / 3600
    lines = [
        f"# Model card: {recipe.name}",
        "",
        f"Model family {recipe.family}, {value_count(recipe.family):,} float16 values: {task}.",
        "",
        f"- Trained from scratch: {steps} steps of {recipe.data.clips} clips of "
        f"{recipe.data.seconds:g} s ({seen:.1f} hours of degraded audio), seed {recipe.seed}, on {device}.",
        f"- Data: {len(recordings)} recordings, {hours:.2f} hours, {len(voices)} voices.",
    ]
    if validation_lsd is not None:
        lines.append(
            f"- Log-spectral distance on recordings held out of the same collections: {validation_lsd:.3f}."
        )
    lines += ["", "| source | licence | kind | recordings | minutes |", "|---|---|---|---:|---:|"]
    groups: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for recording in recordings:
        groups[
            recording.source or recording.path.parent.name,
            recording.licence or "not stated",
            recording.kind,
        ].append(recording.seconds)
    for (source, licence, kind), seconds in sorted(groups.items()):
        lines.append(
            f"| {source} | {licence} | {kind} | {len(seconds)} | {sum(seconds) / 60:.1f} |"
        )
    lines += [
        "",
        "Limits: the network continues the sound that is there; it cannot know what a recording lost.",
        f"Input narrower than {task.lowest_band_hz / 1000:g} kHz stays without what is between.",
        "",
        "```toml",
        as_toml(recipe).rstrip(),
        "```",
        "",
    ]
    return "\n".join(lines)
