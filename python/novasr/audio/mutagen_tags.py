"""All tags and pictures, by the package mutagen: imported only for a source with tags."""

from __future__ import annotations

import base64
import io
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import soundfile as sf

from novasr.audio.libsndfile import libsndfile_name
from novasr.audio.tags import COVER, ID3_NAMES, common_name, is_stale
from novasr.audio.wav_metadata import append_chunks
from novasr.filesystem.replacing import replacing

_MP4_NAMES = {
    "\xa9alb": "album",
    "\xa9ART": "artist",
    "\xa9cmt": "comment",
    "\xa9day": "date",
    "\xa9gen": "genre",
    "\xa9grp": "grouping",
    "\xa9lyr": "lyrics",
    "\xa9nam": "title",
    "\xa9wrt": "composer",
    "aART": "albumartist",
    "cprt": "copyright",
    "desc": "description",
    "disk": "discnumber",
    "ldes": "synopsis",
    "soaa": "albumartistsort",
    "soal": "albumsort",
    "soar": "artistsort",
    "soco": "composersort",
    "sonm": "titlesort",
    "tmpo": "bpm",
    "trkn": "tracknumber",
}
_MP4_FREE = "----:"
_ASF_NAMES = {"albumtitle": "album", "partofset": "discnumber", "description": "comment"}
_ID3_STALE = frozenset(
    {"RVA2", "RVAD", "RGAD", "XRVA", "EQU2", "EQUA", "TSSE", "TLEN", "TSIZ", "TFLT"}
    | {"MLLT", "ASPI", "SEEK", "RBUF", "PRIV"}
)
_ID3_FRAMES = {name: frame for frame, name in ID3_NAMES.items()}
_NOT_IN_KEYS = re.compile(r"[^ -<>-}]")  # of Vorbis comments
_ID3_LANGUAGE = "und"  # undetermined, in ISO 639-2
_FRONT = 3
_RIFF = ("WAV", "WAVEX", "RF64")


@dataclass(frozen=True)
class Picture:
    """A picture, most often the cover.

    Attributes
    ----------
    data : bytes
        A file of type `mime`.
    mime, description : str
        For example ``"image/png"``.
    kind : int
        As ID3 numbers them; 3: front cover.
    """

    data: bytes
    mime: str
    description: str = ""
    kind: int = _FRONT


@dataclass
class Tags:
    """What a file's tags say.

    Attributes
    ----------
    texts : dict
        Lists of text by the names that Vorbis comments use.
    pictures : list of Picture
        In their order.
    frames : list
        Those of ID3, for another ID3.
    others : set of str
        Names of what only ID3 can hold.
    """

    texts: dict[str, list[str]] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    frames: list[Any] = field(default_factory=list)
    others: set[str] = field(default_factory=set)

    @property
    def names(self) -> set[str]:
        """Name all that there is."""
        return {*self.texts, *self.others, *([COVER] if self.pictures else [])}

    def add(self, name: str, texts: Iterable[str]) -> None:
        """Add texts, but for what does not hold of other sound."""
        name = common_name(name)
        found = [text for text in texts if text.strip()]
        if found and not is_stale(name):
            self.texts.setdefault(name, []).extend(found)

    def add_picture(self, read: Callable[[Any], Picture], data: str | bytes) -> None:
        """Add a picture, if `read` can make one of `data`; damage to it costs nothing else."""
        try:
            self.pictures.append(read(data))
        except Exception:  # mutagen's reader lets through what it stumbles over
            self.others.add("a damaged picture")


def has_mutagen() -> bool:
    """Tell whether the package is installed, without importing it."""
    return find_spec("mutagen") is not None


def can_write(kind: str) -> bool:
    """Tell whether files of a format or subtype of libsndfile's take such tags."""
    return kind in (*_RIFF, "AIFF", "MP3", "FLAC", "VORBIS", "OPUS")


def read_tags(path: Path) -> Tags:
    """Read the tags of any file that mutagen knows; none from others.

    Parameters
    ----------
    path : Path
        The source.

    Returns
    -------
    Tags
        Without what is stale.

    Raises
    ------
    Exception
        Of any kind, if they are damaged.
    """
    import mutagen
    from mutagen.apev2 import APEv2
    from mutagen.asf import ASFTags
    from mutagen.id3 import ID3
    from mutagen.mp4 import MP4Tags

    made = Tags()
    file = mutagen.File(path)
    tags = None if file is None else file.tags
    if isinstance(tags, ID3):
        _read_id3(tags, made)
    elif isinstance(tags, MP4Tags):
        _read_mp4(tags, made)
        if getattr(file, "chapters", None):
            made.others.add("chapters")
    elif isinstance(tags, ASFTags):
        _read_asf(tags, made)
    elif isinstance(tags, APEv2):
        _read_ape(tags, made)
    elif tags is not None:
        for name, text in tags:
            _read_comment(name, text, made)
        for picture in getattr(file, "pictures", []):
            made.pictures.append(_from_flac(picture))
    return made


def write_tags(path: Path, kind: str, tags: Tags, texts: Mapping[str, str]) -> set[str]:
    """Add tags to a complete file; on an error it stays as it was.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        One for which `can_write` is true.
    tags : Tags
        Of the source.
    texts : dict
        What else is known of it.

    Returns
    -------
    set of str
        Names of what it cannot hold.

    Raises
    ------
    Exception
        Of any kind.
    """
    if kind in _RIFF:
        append_chunks(path, [(b"id3 ", _id3_bytes(tags, texts))])
        return set() if tags.frames else tags.others
    with replacing(path) as trial:
        shutil.copyfile(path, trial)
        if kind in ("AIFF", "MP3"):
            _write_id3(trial, kind, tags, texts)
        else:
            _write_comments(trial, kind, tags, texts)
        before, after = (sf.info(libsndfile_name(file)).frames for file in (path, trial))
        if before != after:
            raise ValueError("the sound would be damaged")
    return set() if kind in ("AIFF", "MP3") and tags.frames else tags.others


def _read_id3(tags: Any, made: Tags) -> None:
    for frame in tags.values():
        name = _id3_name(frame)
        if frame.FrameID in _ID3_STALE or is_stale(name):
            continue
        made.frames.append(frame)
        if frame.FrameID == "APIC":
            made.pictures.append(Picture(frame.data, frame.mime, frame.desc, int(frame.type)))
        elif frame.FrameID == "TCON":
            made.add(name, frame.genres)
        elif frame.FrameID == "TMCL":
            made.add("performer", [f"{person} ({part})" for part, person in frame.people])
        elif frame.FrameID == "TIPL":
            for part, person in frame.people:
                made.add(part, [person])
        elif frame.FrameID in ("COMM", "USLT") or frame.FrameID.startswith("T"):
            text = frame.text
            made.add(name, [text] if isinstance(text, str) else map(str, text))
        elif frame.FrameID.startswith("W"):
            made.add("license" if frame.FrameID == "WCOP" else "website", [frame.url])
        elif frame.FrameID == "CHAP":
            made.others.add("chapters")


def _id3_name(frame: Any) -> str:
    described = str(getattr(frame, "desc", ""))
    if frame.FrameID == "TXXX" or (frame.FrameID == "COMM" and described.startswith("iTun")):
        return common_name(described) or "comment"
    return ID3_NAMES.get(frame.FrameID, str(frame.FrameID).lower())


def _read_mp4(tags: Any, made: Tags) -> None:
    for name, values in tags.items():
        if name == "covr":
            for cover in values:
                made.pictures.append(_from_bytes(bytes(cover)))
        elif name.startswith(_MP4_FREE):
            texts = [bytes(value).decode("utf-8", "replace") for value in values]
            made.add(name.split(":")[-1], texts)
        elif name in _MP4_NAMES:
            made.add(_MP4_NAMES[name], [_counted(value) for value in values])
        elif name == "cpil" and values:
            made.add("compilation", ["1"])


def _counted(value: object) -> str:
    """Write (3, 12) as 3/12, and (3, 0) as 3."""
    if isinstance(value, tuple):
        return "/".join(str(number) for number in value if number)
    return str(value)


def _read_asf(tags: Any, made: Tags) -> None:
    from mutagen.asf import ASFByteArrayAttribute, ASFGUIDAttribute

    for name, value in tags:
        if name == "WM/Picture":
            made.add_picture(_from_asf, bytes(value))
        elif not isinstance(value, ASFByteArrayAttribute | ASFGUIDAttribute):
            made.add(_ASF_NAMES.get(common_name(name), name), [str(value)])


def _from_asf(data: bytes) -> Picture:
    """Take a WM_PICTURE apart: kind, size, two texts in UTF-16, the picture."""
    size = int.from_bytes(data[1:5], "little")
    words = data[5 : len(data) - size].decode("utf-16-le", "replace").split("\0")
    return Picture(data[len(data) - size :], words[0], words[1], data[0])


def _read_ape(tags: Any, made: Tags) -> None:
    from mutagen.apev2 import BINARY, TEXT

    for name, value in tags.items():
        if value.kind == TEXT:
            made.add(name, list(value))
        elif value.kind == BINARY and name.lower().startswith("cover art"):
            made.pictures.append(_from_bytes(value.value.split(b"\0", 1)[-1]))


def _read_comment(name: str, text: str, made: Tags) -> None:
    from mutagen import flac

    if name.lower() == "metadata_block_picture":
        made.add_picture(lambda block: _from_flac(flac.Picture(base64.b64decode(block))), text)
    elif name.lower() == "coverart":
        made.add_picture(lambda data: _from_bytes(base64.b64decode(data)), text)
    else:
        made.add(name, [text])


def _from_flac(picture: Any) -> Picture:
    return Picture(picture.data, picture.mime, picture.desc, int(picture.type))


def _to_flac(picture: Picture) -> Any:
    from mutagen import flac

    made = flac.Picture()
    made.data, made.mime = picture.data, picture.mime
    made.desc, made.type = picture.description, picture.kind
    return made


def _from_bytes(data: bytes) -> Picture:
    return Picture(data, "image/png" if data[:4] == b"\x89PNG" else "image/jpeg")


def _write_id3(path: Path, kind: str, tags: Tags, texts: Mapping[str, str]) -> None:
    from mutagen.aiff import AIFF
    from mutagen.mp3 import MP3

    file = {"AIFF": AIFF, "MP3": MP3}[kind](path)
    if file.tags is None:
        file.add_tags()
    _fill_id3(file.tags, tags, texts)
    file.save()


def _id3_bytes(tags: Tags, texts: Mapping[str, str]) -> bytes:
    from mutagen.id3 import ID3

    made, file = ID3(), io.BytesIO()
    _fill_id3(made, tags, texts)
    made.save(file, padding=lambda _: 0)
    return file.getvalue()


def _fill_id3(made: Any, tags: Tags, texts: Mapping[str, str]) -> None:
    from mutagen import id3

    known = {name: [text] for name, text in texts.items()}
    if tags.frames:
        for name in {frame.FrameID for frame in tags.frames}:
            made.delall(name)
        for frame in tags.frames:
            made.add(frame)
        known = {name: known[name] for name in known.keys() - tags.texts.keys()}
    else:
        known |= tags.texts
        for picture in tags.pictures:
            made.add(id3.APIC(3, picture.mime, picture.kind, picture.description, picture.data))
    for name, values in known.items():
        frame = _ID3_FRAMES.get(name, "TXXX")
        if frame == "TXXX":
            made.add(id3.TXXX(3, name, values))
        elif frame == "USLT":
            made.setall(frame, [id3.USLT(3, _ID3_LANGUAGE, "", "\n".join(values))])
        elif frame == "COMM":
            made.setall(frame, [id3.COMM(3, _ID3_LANGUAGE, "", values)])
        else:
            made.setall(frame, [getattr(id3, frame)(3, values)])


def _write_comments(path: Path, kind: str, tags: Tags, texts: Mapping[str, str]) -> None:
    from mutagen.flac import FLAC
    from mutagen.oggopus import OggOpus
    from mutagen.oggvorbis import OggVorbis

    file = {"FLAC": FLAC, "VORBIS": OggVorbis, "OPUS": OggOpus}[kind](path)
    if file.tags is None:
        file.add_tags()
    for name, values in ({name: [text] for name, text in texts.items()} | tags.texts).items():
        file[_NOT_IN_KEYS.sub("_", name).upper()] = values
    pictures = [_to_flac(picture) for picture in tags.pictures]
    if kind == "FLAC":
        for picture in pictures:
            file.add_picture(picture)
    elif pictures:
        file["METADATA_BLOCK_PICTURE"] = [
            base64.b64encode(picture.write()).decode() for picture in pictures
        ]
    file.save()
