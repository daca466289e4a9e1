"""Title, artist and the like: one set of names for them, and which of them libsndfile can be given."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: What libsndfile has a place for; the other names are those of Vorbis comments.
LIBSNDFILE_NAMES = (
    *("title", "artist", "album", "date", "genre", "tracknumber"),
    *("comment", "copyright", "license", "software"),
)
COVER = "cover art"
#: Frames of ID3v2.4 by what they hold; TXXX takes the rest.
ID3_NAMES = {
    "COMM": "comment",
    "TALB": "album",
    "TBPM": "bpm",
    "TCMP": "compilation",
    "TCOM": "composer",
    "TCON": "genre",
    "TCOP": "copyright",
    "TDOR": "originaldate",
    "TDRC": "date",
    "TEXT": "lyricist",
    "TIT1": "grouping",
    "TIT2": "title",
    "TIT3": "subtitle",
    "TKEY": "key",
    "TLAN": "language",
    "TMED": "media",
    "TMOO": "mood",
    "TPE1": "artist",
    "TPE2": "albumartist",
    "TPE3": "conductor",
    "TPE4": "remixer",
    "TPOS": "discnumber",
    "TPUB": "organization",
    "TRCK": "tracknumber",
    "TSO2": "albumartistsort",
    "TSOA": "albumsort",
    "TSOC": "composersort",
    "TSOP": "artistsort",
    "TSOT": "titlesort",
    "TSRC": "isrc",
    "TSST": "discsubtitle",
    "USLT": "lyrics",
}
_SYNONYMS = {
    "album artist": "albumartist",
    "album_artist": "albumartist",
    "author": "artist",
    "disc": "discnumber",
    "publisher": "organization",
    "track": "tracknumber",
    "year": "date",
}
#: What described the old sound, its coding or its container, and holds no more.
_STALE = re.compile(
    r"replaygain_|r128_|mp3gain_|itunnorm|itunsmpb|itunpgap|loudness|accuraterip|ctdb|acoustid_fingerprint"
    r"|encoder|encoding|encoded.?by|length$|duration|bps|bit.?rate|number_of_|_statistics"
    r"|major_brand|minor_version|compatible_brands|handler_name|vendor_id|creation_time|timecode"
    r"|wmfsdk|deviceconformance|isvbr|cover ?art|metadata_block_picture"
)
#: In UTF-8 bytes: beyond, libsndfile writes WAV, AIFF, CAF and Opus files that it or others cannot read.
_LONGEST, _LONGEST_SUM = 8_000, 14_000
_UNLIMITED = ("FLAC", "MP3", "VORBIS")


def is_stale(name: str) -> bool:
    """Tell whether a tag of that name says nothing about another file with other sound."""
    return _STALE.match(name.lower()) is not None


def common_name(name: str) -> str:
    """Return the name by which Vorbis comments know a tag."""
    name = name.lower().removeprefix("wm/")
    return _SYNONYMS.get(name, name)


def cleaned(tags: Mapping[str, str]) -> dict[str, str]:
    """Return `tags` under their common names, without what is empty, stale or not to be encoded."""
    texts: dict[str, str] = {}
    for name, text in tags.items():
        known = common_name(name)
        text = text.split("\0")[0].encode("utf-8", "replace").decode()
        if known and text.strip() and not is_stale(known):
            texts.setdefault(known, text)
    return texts


def decoded(text: bytes, older: str) -> str:
    """Read UTF-8, or the code page `older` of programs that do not write it."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode(older, "replace")


def for_libsndfile(texts: Mapping[str, str], kind: str) -> dict[str, str]:
    """Return what libsndfile can be given for a file of format or subtype `kind`, the longest last.

    It reads a WAV's texts up to the first with more than 2 kB.
    """
    known = {name: texts[name] for name in LIBSNDFILE_NAMES if name in texts}
    fitting, total = {}, 0
    for name in sorted(known, key=lambda name: len(known[name].encode())):
        size = len(known[name].encode())
        total += size
        if kind in _UNLIMITED or (size <= _LONGEST and total <= _LONGEST_SUM):
            fitting[name] = known[name]
    return fitting
