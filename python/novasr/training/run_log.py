"""The log of a run: a CSV file, and TensorBoard's files where it is installed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from novasr.filesystem.replacing import replacing

COLUMNS = ("step", "learning_rate", "total", "log", "convergence", "low_band", "waveform",
           "reconstruction", "flow", "one_step", "discriminator", "adversarial", "validation_lsd")  # fmt: skip
_EVERY = 10


class RunLog:
    """Appends to ``log.csv``; a resumed run first drops the rows of steps that it repeats."""

    def __init__(self, folder: Path, step: int, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        path = folder / "log.csv"
        kept = _rows_until(path, step)
        with (
            replacing(path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            rows = csv.DictWriter(file, COLUMNS, restval="")
            rows.writeheader()
            rows.writerows(kept)
        self._file = path.open("a", newline="", encoding="utf-8")
        self._rows = csv.DictWriter(self._file, COLUMNS, restval="")
        self._board = _open_board(folder / "tensorboard", step)
        self._recent: dict[str, list[float]] = {}

    def step(
        self, step: int, learning_rate: float, terms: Mapping[str, float], *, last: bool
    ) -> None:
        """Log the mean of every ten steps, or of the steps since the run was resumed."""
        for name, value in terms.items():
            self._recent.setdefault(name, []).append(value)
        if step % _EVERY and not last:
            return
        means = {name: sum(values) / len(values) for name, values in self._recent.items()}
        self._write(step, {"learning_rate": learning_rate, **means})
        self._recent = {}

    def validation(
        self,
        step: int,
        lsd: float | None,
        examples: Callable[[], Sequence[tuple[Tensor, Tensor]]],
    ) -> None:
        """Log the distance on the validation set; for TensorBoard also audio and spectrograms."""
        if lsd is not None:
            self._write(step, {"validation_lsd": lsd})
        if self._board is None:
            return
        for number, (output, recording) in enumerate(examples()):
            for name, audio in (("output", output), ("recording", recording)):
                tag = f"{number}/{name}"
                self._board.add_audio(tag, audio.clamp(-1, 1), step, sample_rate=self._rate_hz)
                self._board.add_image(f"spectrogram {tag}", _picture(audio), step)

    def _write(self, step: int, values: Mapping[str, float]) -> None:
        rounded = {name: f"{value:.6g}" for name, value in values.items()}
        self._rows.writerow({"step": step, **rounded})
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()


def _rows_until(path: Path, step: int) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as text:
        rows = [
            row for row in csv.DictReader(text) if None not in row.values()
        ]  # the last may be cut
    return [row for row in rows if (row["step"] or "").isdigit() and int(row["step"]) <= step]


def _open_board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)


def _picture(audio: Tensor) -> Tensor:
    """Map -100 .. 0 dB to grey levels, the highest frequency on top: (1, bins, frames)."""
    spectrum = torch.stft(audio, 1024, 256, window=torch.hann_window(1024), return_complex=True)
    level = 20 * torch.log10(spectrum.abs() / 256 + 1e-5)
    return (1 + level / 100).clamp(0, 1).flip(0)[None]
