"""Where one worker makes results, and how it makes each of them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from novasr.audio.analysis import judge_band
from novasr.audio.reading import AudioReader
from novasr.audio.writing import AUDIO_SUFFIXES
from novasr.engines import is_script
from novasr.errors import DiskError, EmptyAudioError, NovasrError, blaming
from novasr.models import model_name
from novasr.offline.enhancement import Settings
from novasr.offline.files import Storage, enhance_recording
from novasr.sets.outcome import Outcome
from novasr.weights.hub import sha256
from novasr.weights.load import load_weights

#: Takes the outcome of a recording, if one is done, and how much of the unit's weight is done with it.
Tick: TypeAlias = Callable[[Outcome | None, float], None]

_COPIED_BYTES = 1 << 20
_HEADERS = {b"RIFF": ".wav", b"RF64": ".wav", b"fLaC": ".flac", b"FORM": ".aiff", b"OggS": ".ogg"}
_UNCOMPRESSED = frozenset(
    {".wav", ".aif", ".aifc", ".aiff", ".au", ".caf", ".rf64", ".snd", ".w64"}
)


@dataclass(frozen=True)
class Treatment:
    """How all recordings of a set are enhanced; see `enhance_file`.

    Attributes
    ----------
    settings : Settings
        What is to become of the sound.
    storage : Storage
        How to store it.
    force, allow_truncated : bool
        As for `enhance_file`.
    """

    settings: Settings
    storage: Storage
    force: bool = False
    allow_truncated: bool = False

    @property
    def model(self) -> str:
        """What the weights are, for people."""
        return model_name(self.settings.weights)

    def weights_sha256(self) -> str:
        """Give the SHA-256 of the weights file, in hexadecimal; without weights, of those that a bank adds to.

        Raises
        ------
        WeightsError
            If it cannot be read.
        """
        weights = self.settings.weights
        if weights is not None and is_script(weights):
            return hashlib.sha256(Path(weights).read_bytes()).hexdigest()
        if self.settings.refines and not self.settings.generates:
            weights = self.settings.chain_weights
        return load_weights(weights).sha256

    def bank(self) -> dict[str, object]:
        """Name the bank by its hash, and how far its levels are taken; nothing where there is none."""
        chosen = self.settings
        if chosen.bank is None:
            return {}
        return {"bank_sha256": sha256(Path(chosen.bank)), "index_rate": chosen.index_rate}

    def fingerprint(self) -> dict[str, object]:
        """Name everything on which the bytes of a result depend, for a run that goes on later."""
        from novasr import __version__

        chosen = self.settings
        return {
            "novasr": __version__,
            "model": self.model,
            "weights_sha256": self.weights_sha256(),
            "engine": chosen.engine,
            "mode": chosen.mode,
            "high_band_gain_db": chosen.high_band_gain_db,
            "steps": chosen.steps,
            "bank_sha256": None,
            "index_rate": None,
            **self.bank(),
            "rate": chosen.rate,
            "gain": chosen.gain,
            "subtype": self.storage.subtype,
            "dither": self.storage.dither,
            "force": self.force,
            "allow_truncated": self.allow_truncated,
        }


def suffix_of(name: str | None, head: bytes) -> str:
    """Tell the format of a recording by its name, or by its first bytes; MP3 and others are compressed.

    Examples
    --------
    >>> suffix_of("a/b.ogg", b""), suffix_of("talk.v1", b"RIFF"), suffix_of(None, b"")
    ('.ogg', '.wav', '.mp3')
    """
    suffix = PurePosixPath(name or "").suffix
    return suffix if suffix.lower() in AUDIO_SUFFIXES else _HEADERS.get(head[:4], ".mp3")


def result_suffix(suffix: str) -> str:
    """Give the format of a result: WAV for what is stored as samples, FLAC for what is compressed.

    Examples
    --------
    >>> result_suffix(".aiff"), result_suffix(".mp3")
    ('.wav', '.flac')
    """
    return ".wav" if suffix.lower() in _UNCOMPRESSED else ".flac"


class Workplace:
    """A worker's own folder, on the file system of the output.

    Parameters
    ----------
    output : Path
        Folder of the results.
    scratch : Path
        Folder that this worker alone uses; it is created.
    treatment : Treatment
        How recordings are enhanced.
    tick : callable
        Told of each recording.
    """

    def __init__(self, output: Path, scratch: Path, treatment: Treatment, tick: Tick) -> None:
        self.output, self.scratch, self.treatment, self.tick = output, scratch, treatment, tick
        with writing(output):
            scratch.mkdir(parents=True, exist_ok=True)

    def enhance(self, source: Path, name: str, suffix: str) -> tuple[Outcome, Path | None]:
        """Enhance one recording.

        Parameters
        ----------
        source : Path
            The file; what it is called tells nothing.
        name : str
            What outcome and messages call it.
        suffix : str
            Of the original, which decides the format of the result.

        Returns
        -------
        Outcome
            What became of it.
        Path or None
            The result, in `scratch` until the next call; ``None`` if the recording is to be passed through.

        Raises
        ------
        DiskError
            If nothing can be written: that is no fault of the recording.
        """
        result = self.scratch / f"result{result_suffix(suffix)}"
        try:
            with blaming(Path(name)):
                return self._enhance(source, name, result)
        except DiskError as error:
            raise DiskError(str(error).replace(str(result), str(self.output))) from error
        except EmptyAudioError as error:
            return Outcome(name, "empty", str(error)), None
        except NovasrError as error:
            return Outcome(name, "failed", str(error)), None

    def _enhance(self, source: Path, name: str, result: Path) -> tuple[Outcome, Path | None]:
        chosen = self.treatment
        reader = AudioReader(source, allow_truncated=chosen.allow_truncated, name=Path(name))
        with reader:
            storage = replace(chosen.storage, overwrite=True)
            made = enhance_recording(reader, result, chosen.settings, storage, force=chosen.force)
        outcome = Outcome(
            name,
            "enhanced",
            seconds=made.seconds,
            sample_rate=made.sample_rate,
            channels=made.channels,
            bandwidth_in=made.bandwidth_hz,
            warnings=made.warnings,
        )
        if made.extended:
            return outcome, result
        any_band = chosen.settings.any_band
        verdict = judge_band(made.bandwidth_hz, made.sample_rate, any_band=any_band)
        return replace(outcome, status="full band", reason=verdict.text, warnings=()), None

    def publish(self, made: Path, place: str) -> int:
        """Move a complete file from `scratch` to its place below the output folder; return its size."""
        target = self.output / place
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            size = made.stat().st_size
            made.replace(target)
        return size

    def publish_copy(self, source: Path, place: str) -> int:
        """Copy a file to its place below the output folder, where it appears complete; return its size.

        Raises
        ------
        OSError
            If `source` cannot be read.
        """
        copy = self.scratch / "copy"
        if not source.is_file():
            raise FileNotFoundError(source)
        with source.open("rb") as file:
            with writing(copy):
                kept = copy.open("wb")
            with kept:
                while block := file.read(_COPIED_BYTES):
                    with writing(copy):
                        kept.write(block)
        return self.publish(copy, place)


@contextlib.contextmanager
def writing(place: Path) -> Iterator[None]:
    """Make an OSError a DiskError that names the place."""
    try:
        yield
    except NovasrError:
        raise
    except OSError as error:
        raise DiskError(f"{place}: cannot be written: {error.strerror or error}") from error
