"""What a file says beside its sound, on its way to the file that becomes of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import soundfile as sf

from novasr.audio import chunks, mpeg, mutagen_tags
from novasr.audio.aiff_texts import read_aiff_texts
from novasr.audio.libsndfile import libsndfile_name
from novasr.audio.part import Part
from novasr.audio.tag_names import find_tag_names
from novasr.audio.tags import COVER, LIBSNDFILE_NAMES, cleaned, for_libsndfile
from novasr.audio.view import FileView
from novasr.audio.wav_metadata import (
    DamagedChunkError,
    WavChunk,
    append_chunks,
    convert,
    info_texts,
    read_wav_chunks,
)
from novasr.audio.window import Window
from novasr.errors import install_command

_WAV_FORMATS = ("WAV", "WAVEX", "RF64")
_NAMED = 8
_NO_FLAW = {"software"}  # its loss is none: another program wrote the result


@dataclass
class Metadata:
    """Tags, pictures and chunks of a source.

    Attributes
    ----------
    path : Path or None
        The source, for mutagen.
    sample_rate : int
        Of the source in Hz.
    texts : dict
        Tags by their names in Vorbis comments.
    names : set of str
        Tags that are known to be there, whether or not they are among `texts`.
    wav_chunks : list of WavChunk
        If it is a WAV or RF64.
    warnings : list of str
        What is damaged, and what the result does not keep; complete when that has been written.
    """

    path: Path | None = None
    sample_rate: int = 0
    texts: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    wav_chunks: list[WavChunk] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def for_libsndfile(self, format: str, subtype: str) -> dict[str, str]:
        """Return the tags to be set before the first sample: later, most formats refuse them."""
        if format in _WAV_FORMATS and self._has_info:
            return {}  # the chunk itself goes over
        return for_libsndfile(self.texts, subtype if format == "OGG" else format)

    def complete(self, path: Path, format: str, subtype: str, rate: int) -> None:
        """Add to a file what libsndfile did not write; an error becomes a warning.

        Parameters
        ----------
        path : Path
            The finished result.
        format, subtype : str
            As libsndfile names them.
        rate : int
            Of the result in Hz.
        """
        with self.guarded():
            self._complete(path, format, subtype, rate)

    def _complete(self, path: Path, format: str, subtype: str, rate: int) -> None:
        lost: list[str] = []
        if format in _WAV_FORMATS:
            self._add_chunks(path, rate)
        else:
            lost = list(dict.fromkeys(c.label for c in self.wav_chunks if not c.is_info))
        kind = subtype if format == "OGG" else format
        taggable = mutagen_tags.can_write(kind)
        lost_tags = self._add_tags(path, kind)
        if lost_tags and taggable and not mutagen_tags.has_mutagen():
            self.lose(lost_tags, install_command("tags"))
        elif taggable:
            self.lose(lost_tags)
        else:
            lost = [*lost_tags, *lost]
        self.lose(lost, "choose .wav", path.suffix)

    def leave_out(self) -> None:
        """Warn of all that there is: a pipe takes the sound alone."""
        chunks = dict.fromkeys(chunk.label for chunk in self.wav_chunks if not chunk.is_info)
        self.lose([*_named(self.names | self.texts.keys()), *chunks], "let -o name a file")

    @property
    def _has_info(self) -> bool:
        return any(chunk.is_info for chunk in self.wav_chunks)

    def _add_chunks(self, path: Path, rate: int) -> None:
        made = []
        for chunk in self.wav_chunks:
            try:
                made.append((chunk.name, convert(chunk, self.sample_rate, rate)))
            except DamagedChunkError as error:
                self.warnings.append(f"{chunk.label} left out: {error}")
        if made:
            try:
                append_chunks(path, made)
            except (OSError, DamagedChunkError) as error:
                labels = ", ".join(dict.fromkeys(chunk.label for chunk in self.wav_chunks))
                self.warnings.append(f"{labels} left out: {_reason(error)}")

    def _add_tags(self, path: Path, kind: str) -> list[str]:
        """Let mutagen add what is not there yet, and name what then is still missing."""
        stored = _stored(path)
        lost = (self.names | self.texts.keys()) - stored.keys()
        for name, text in stored.items():
            whole = self.texts.get(name, text)
            if whole != text and whole.startswith(text):
                lost.add(f"full {name}")  # MP3, as libsndfile writes it, has but the year of a date
        exact = all(stored.get(name) == self.texts[name] for name in self.texts.keys() - _NO_FLAW)
        if self.path is not None and mutagen_tags.has_mutagen() and (self.names or not exact):
            with self.guarded():
                lost = self._add_by_mutagen(path, kind, stored)
        return _named(lost)

    def _add_by_mutagen(self, path: Path, kind: str, stored: Mapping[str, str]) -> set[str]:
        assert self.path is not None
        tags = mutagen_tags.read_tags(self.path)
        texts = {name: text for name, text in self.texts.items() if name not in _NO_FLAW}
        wanted = {name: [text] for name, text in texts.items()} | tags.texts
        lost = self.names - wanted.keys() - tags.names
        if not mutagen_tags.can_write(kind):
            lost |= wanted.keys() | tags.names
        elif tags.names - tags.texts.keys() or any(
            [stored.get(name)] != text for name, text in wanted.items()
        ):
            lost |= mutagen_tags.write_tags(path, kind, tags, texts)
        return lost - stored.keys()

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Make a warning of any error: the sound is worth more."""
        try:
            yield
        except Exception as error:
            self.warnings.append(f"tags may be incomplete: {_reason(error)}")

    def lose(self, lost: Iterable[str], remedy: str = "", suffix: str = "") -> None:
        """Warn of what is not kept."""
        names = list(lost)
        if not names:
            return
        verb = "is" if len(names) == 1 and not names[0].endswith("s") else "are"
        if len(names) > _NAMED:
            names = [*names[:_NAMED], f"{len(names) - _NAMED} more"]
        place = f" in {suffix}" if suffix else ""
        said = f"{', '.join(names)} {verb} not kept{place}"
        self.warnings.append(f"{said}: {remedy}" if remedy else said)


def read_metadata(
    file: BinaryIO,
    path: Path,
    part: Part,
    sample_rate: int,
    tags: Mapping[str, str],
    *,
    pictured: bool = False,
) -> Metadata:
    """Read what a source says beside its sound, as far as that can be done without decoding.

    Parameters
    ----------
    file : binary file
        The source, open.
    path : Path
        Its name.
    part : Part
        Its first recording: what follows is another.
    sample_rate : int
        In Hz.
    tags : dict
        What libsndfile or ffmpeg has read.
    pictured : bool
        Whether ffmpeg has seen a picture.

    Returns
    -------
    Metadata
        For the result.
    """
    made = Metadata(path, sample_rate, cleaned(tags))
    with made.guarded():
        _read(file, part, made)
    if pictured:
        made.names.add(COVER)
    return made


def _read(file: BinaryIO, part: Part, made: Metadata) -> None:
    start = mpeg.skip_id3v2(whole := Window(file), 0)
    head = whole.at(start, 12)
    if not (chunks.is_wave(head) or chunks.is_aiff(head)):
        made.names = find_tag_names(whole)
        return
    patches, end = (part.patches, part.end) if part.start == start else ({}, whole.size)
    window = Window(FileView(file, start, end, patches))
    made.names = find_tag_names(window)
    if chunks.is_aiff(head):
        made.texts |= cleaned(read_aiff_texts(window))
        return
    # The rest of what ffmpeg finds is from the chunks.
    made.texts = {name: made.texts[name] for name in LIBSNDFILE_NAMES if name in made.texts}
    made.wav_chunks, dropped, made.warnings = read_wav_chunks(window)
    made.lose(dropped)
    try:
        made.texts |= cleaned(info_texts(made.wav_chunks))
    except DamagedChunkError:  # libsndfile may have read some of it
        made.wav_chunks = [chunk for chunk in made.wav_chunks if not chunk.is_info]


def _named(tags: set[str]) -> list[str]:
    return sorted(tags - _NO_FLAW, key=lambda name: (name != COVER, name))


def _reason(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return " ".join(str(said or type(error).__name__).split())


def _stored(path: Path) -> dict[str, str]:
    """Read the tags of a result."""
    unreadable = (sf.LibsndfileError, DamagedChunkError, OSError)
    with contextlib.suppress(*unreadable), sf.SoundFile(libsndfile_name(path)) as file:
        texts = cleaned(file.copy_metadata())
        with path.open("rb") as raw:
            if file.format in _WAV_FORMATS:
                texts |= cleaned(info_texts(read_wav_chunks(Window(raw))[0]))
            elif file.format == "AIFF":
                texts |= cleaned(read_aiff_texts(Window(raw)))
        return texts
    return {}
