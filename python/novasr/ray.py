"""Recordings in Ray Data and in `datasets`: a class that enhances batches; Ray's actors prepare its engine once."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from novasr.audio.analysis import judge_band, measure_bandwidth
from novasr.errors import FullBandWarning, NovasrError, ParameterError
from novasr.models import chosen_weights
from novasr.offline.arrays import enhance
from novasr.offline.enhancement import Settings
from novasr.offline.files import Storage
from novasr.offline.results import DEFAULT_RATE_HZ
from novasr.sets.outcome import Outcome
from novasr.sets.workplace import Treatment, Workplace, result_suffix
from novasr.types import Mode, ModelName

Batch = dict[str, np.ndarray[Any, Any]]

#: Columns that every batch has in addition.
REPORTED = ("status", "reason", "bandwidth_in")


class Enhance:
    """Enhance the recordings of a batch; one that cannot be enhanced stays as it is, and ``status`` says so.

    It takes batches in NumPy's format (``batch_format="numpy"``, Ray's default), or of lists as ``datasets.map`` gives
    them (``batched=True``), of any size, in one of these forms:

    - ``amplitude``, shape (channels, frames), and ``sample_rate``, as `ray.data.read_audio` reads them;
    - ``bytes``, whole audio files, as `ray.data.read_binary_files` reads them; ``path``, if there, gets the suffix of
      the result, WAV for WAV and FLAC for what was compressed;
    - a column of dictionaries with ``bytes`` and ``path``, as `datasets` keeps them in Parquet: name it by `column`.

    All other columns stay, and ``status`` (``"enhanced"``, ``"full band"``, ``"empty"``, ``"failed"``), ``reason`` and
    ``bandwidth_in`` (Hz) are added.

    Parameters
    ----------
    model : {"base", "wide"}, optional
        As for :func:`novasr.enhance_file`.
    column : str, optional
        The column with the recordings. Default: ``amplitude``, or ``bytes``.
    mode, weights, high_band_gain_db, force
        As for :func:`novasr.enhance_file`.

    Raises
    ------
    ParameterError
        If a value is out of range, or a batch has no such columns.
    WeightsError
        If the weights cannot be read.

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
        model: ModelName | None = None,
        column: str | None = None,
        mode: Mode = "extend",
        weights: str | Path | None = None,
        high_band_gain_db: float = 0.0,
        force: bool = False,
    ) -> None:
        settings = Settings(mode, "auto", chosen_weights(model, weights), high_band_gain_db, jobs=1)
        self._treatment = Treatment(settings, Storage(), force)
        self._column = column
        self._folder = tempfile.TemporaryDirectory(prefix="novasr-")
        place = Path(self._folder.name)
        self._workplace = Workplace(place, place, self._treatment, lambda outcome, weight: None)

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
        outcomes: list[Outcome] = []
        if column == "amplitude" or "sample_rate" in batch:
            values, rates = [], []
            for audio, rate in zip(batch[column], batch["sample_rate"], strict=True):
                result, made_rate, outcome = self._array(np.asarray(audio), int(rate))
                values.append(result)
                rates.append(made_rate)
                outcomes.append(outcome)
            made["sample_rate"] = np.asarray(rates)
        else:
            values = []
            paths = batch.get("path") if column == "bytes" else None
            names = []
            for number, value in enumerate(batch[column]):
                path = None if paths is None else str(paths[number])
                if isinstance(value, dict):
                    content, name, outcome = self._file(value["bytes"], value["path"])
                    values.append({**value, "bytes": content, "path": name})
                else:
                    content, name, outcome = self._file(value, path)
                    values.append(content)
                names.append(name)
                outcomes.append(outcome)
            if paths is not None:
                made["path"] = np.asarray(names, object)
        made[column] = _objects(values)
        made["status"] = np.asarray([outcome.status for outcome in outcomes])
        made["reason"] = np.asarray([outcome.reason for outcome in outcomes])
        made["bandwidth_in"] = np.asarray([outcome.bandwidth_in for outcome in outcomes])
        return made

    def _array(self, audio: np.ndarray[Any, Any], rate: int) -> tuple[Any, int, Outcome]:
        import warnings

        chosen = self._treatment.settings
        try:
            samples = np.atleast_2d(audio).T
            if len(samples) == 0:
                return audio, rate, Outcome("", "empty", "holds no audio (0 frames)")
            band = measure_bandwidth([samples], sample_rate=rate)
            verdict = judge_band(band, rate, any_band=chosen.any_band)
            if verdict.kind == "leave" and not self._treatment.force:
                return audio, rate, Outcome("", "full band", verdict.text, bandwidth_in=band)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FullBandWarning)
                made = enhance(
                    samples,
                    rate,
                    mode=chosen.mode,
                    weights=chosen.weights,
                    high_band_gain_db=chosen.high_band_gain_db,
                    force=True,
                )
        except NovasrError as error:
            return audio, rate, Outcome("", "failed", str(error))
        result = made.T if audio.ndim == 2 else made[:, 0]
        return (
            np.ascontiguousarray(result),
            DEFAULT_RATE_HZ,
            Outcome("", "enhanced", bandwidth_in=band),
        )

    def _file(
        self, content: bytes | None, path: str | None
    ) -> tuple[bytes | None, str | None, Outcome]:
        suffix = PurePosixPath(path or "").suffix or ".wav"
        source = Path(path or "")
        if content is not None:
            source = Path(self._folder.name) / f"source{suffix.lower()}"
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
