"""Recordings in Ray Data and in `datasets`: a class that enhances batches; Ray's actors prepare its engine once."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from novasr.audio.analysis import judge_band, measure_bandwidth
from novasr.errors import BankWarning, NovasrError, ParameterError
from novasr.models import chosen_weights
from novasr.offline.arrays import enhanced
from novasr.offline.enhancement import Settings
from novasr.offline.files import Storage
from novasr.offline.results import DEFAULT_RATE_HZ
from novasr.sets.outcome import Outcome
from novasr.sets.workplace import Treatment, Workplace, result_suffix, suffix_of
from novasr.types import Mode, OfflineModelName

Batch = dict[str, np.ndarray[Any, Any]]


class Enhance:
    """Enhance the recordings of a batch; one that cannot be enhanced stays as it is, and ``status`` says so.

    It takes batches in NumPy's format (``batch_format="numpy"``, Ray's default), or of lists as ``datasets.map`` gives
    them (``batched=True``), of any size, in one of these forms:

    - ``amplitude``, shape (channels, frames), and ``sample_rate``, as `ray.data.read_audio` reads them;
    - ``bytes``, whole audio files, as `ray.data.read_binary_files` reads them; ``path``, if there, gets the suffix of
      the result, WAV for WAV and FLAC for what was compressed;
    - a column of dictionaries with ``bytes`` and ``path``, as `datasets` keeps them in Parquet: name it by `column`.

    All other columns stay, and ``status`` (``"enhanced"``, ``"full band"``, ``"empty"``, ``"failed"``), ``reason``,
    ``warnings`` (what the result lacks) and ``bandwidth_in`` (Hz) are added.

    Parameters
    ----------
    model : {"base", "wide", "studio"}, optional
        As for :func:`novasr.enhance_file`.
    column : str, optional
        The column with the recordings. Default: ``amplitude``, or ``bytes``.
    mode, weights, high_band_gain_db, steps, bank, index_rate, force
        As for :func:`novasr.enhance_file`.

    Raises
    ------
    ParameterError
        If a value is out of range, or a batch has no such columns.
    WeightsError, BankError
        If the weights or the bank cannot be read.
    MissingPackageError
        If the model studio needs a package that is not installed.

    Examples
    --------
    ::

        import ray
        from novasr.ray import Enhance

        recordings = ray.data.read_audio("s3://bucket/speech/", include_paths=True)
        recordings.map_batches(Enhance, fn_constructor_kwargs={"model": "wide"},
                               batch_size=8, concurrency=(1, 64)).write_parquet("s3://bucket/enhanced/")
    """

    def __init__(
        self,
        *,
        model: OfflineModelName | None = None,
        column: str | None = None,
        mode: Mode = "extend",
        weights: str | Path | None = None,
        high_band_gain_db: float = 0.0,
        steps: int | None = None,
        bank: str | Path | None = None,
        index_rate: float | None = None,
        force: bool = False,
    ) -> None:
        settings = Settings(
            mode,
            "auto",
            chosen_weights(model, weights, offline=True),
            high_band_gain_db,
            jobs=1,
            steps=steps,
            bank=bank,
            index_rate=index_rate,
        )
        if settings.refines:
            settings.check_engine()
        self._treatment = Treatment(settings, Storage(), force)
        self._column = column

    def __getstate__(self) -> dict[str, Any]:
        """Leave the folder to this process: a copy in another one makes its own."""
        return {name: getattr(self, name) for name in ("_treatment", "_column")}

    def __call__(self, batch: Batch) -> Batch:
        """Give the batch with other recordings."""
        column = self._column or next(
            (name for name in ("amplitude", "bytes") if name in batch), None
        )
        if column is None or column not in batch:
            raise ParameterError(
                f"the batch has the columns {', '.join(batch)}: name the recordings with column="
            )
        made = dict(batch)
        first = next((value for value in batch[column] if value is not None), b"")
        if isinstance(first, dict | bytes):
            outcomes = self._files(made, column)
        elif "sample_rate" in batch:
            outcomes = self._arrays(made, column)
        else:
            raise ParameterError(
                f"{column}: recordings as arrays need the column sample_rate beside them"
            )
        made["status"] = np.asarray([outcome.status for outcome in outcomes])
        made["reason"] = np.asarray([outcome.reason for outcome in outcomes])
        made["warnings"] = np.asarray(["; ".join(outcome.warnings) for outcome in outcomes])
        made["bandwidth_in"] = np.asarray([outcome.bandwidth_in for outcome in outcomes])
        return made

    def _arrays(self, batch: Batch, column: str) -> list[Outcome]:
        rows = zip(batch[column], batch["sample_rate"], strict=True)
        made = [self._array(np.asarray(audio), int(rate)) for audio, rate in rows]
        batch[column] = _objects([audio for audio, _, _ in made])
        batch["sample_rate"] = np.asarray([rate for _, rate, _ in made])
        return [outcome for _, _, outcome in made]

    def _files(self, batch: Batch, column: str) -> list[Outcome]:
        values = list(batch[column])
        beside = column == "bytes" and "path" in batch
        paths = list(batch["path"]) if beside else [None] * len(values)
        outcomes = []
        for at, value in enumerate(values):
            if isinstance(value, dict):
                content, path, outcome = self._file(value["bytes"], value["path"])
                values[at] = {**value, "bytes": content, "path": path}
            else:
                values[at], paths[at], outcome = self._file(value, paths[at])
            outcomes.append(outcome)
        batch[column] = _objects(values)
        if beside:
            batch["path"] = _objects(paths)
        return outcomes

    @cached_property
    def _workplace(self) -> Workplace:
        place = Path(tempfile.mkdtemp(prefix="novasr-"))
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        return Workplace(place, place, self._treatment, lambda outcome, weight: None)

    def _array(self, audio: np.ndarray[Any, Any], rate: int) -> tuple[Any, int, Outcome]:
        chosen = self._treatment.settings
        try:
            samples = np.atleast_2d(audio).T
            if len(samples) == 0:
                return audio, rate, Outcome("", "empty", "holds no audio (0 frames)")
            band = measure_bandwidth([samples], sample_rate=rate)
            verdict = judge_band(band, rate, any_band=chosen.any_band)
            if verdict.kind == "leave" and not self._treatment.force:
                return audio, rate, Outcome("", "full band", verdict.text, bandwidth_in=band)
            with catch_warnings():
                simplefilter("ignore", BankWarning)
                made = enhanced(samples, rate, chosen, force=True)
        except NovasrError as error:
            return audio, rate, Outcome("", "failed", str(error))
        result = made.T if audio.ndim == 2 else made[:, 0]
        narrow = [verdict.text] if verdict.kind == "narrow" else []
        lacks = (*narrow, *chosen.unused_bank(band))
        return (
            np.ascontiguousarray(result),
            DEFAULT_RATE_HZ,
            Outcome("", "enhanced", bandwidth_in=band, warnings=lacks),
        )

    def _file(
        self, content: bytes | None, path: str | None
    ) -> tuple[bytes | None, str | None, Outcome]:
        if content is None and not path:
            return content, path, Outcome("", "empty", "holds no recording")
        suffix = suffix_of(path, content or b"")
        source = Path(path or "")
        if content is not None:
            source = self._workplace.scratch / f"source{suffix.lower()}"
            source.write_bytes(content)
        outcome, made = self._workplace.enhance(source, path or "recording", suffix)
        if made is None:
            return content, path, outcome
        name = path and str(PurePosixPath(path).with_suffix(result_suffix(suffix)))
        return made.read_bytes(), name, outcome


def _objects(values: list[Any]) -> np.ndarray[Any, Any]:
    """Keep recordings of any length side by side."""
    column = np.empty(len(values), object)
    for place, value in enumerate(values):
        column[place] = value
    return column
