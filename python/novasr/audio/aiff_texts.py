"""Title, artist and the like of an AIFF (Apple, 1989): libsndfile reads ASCII alone, and no long ones."""

from __future__ import annotations

from novasr.audio.chunks import list_chunks
from novasr.audio.tags import decoded
from novasr.audio.window import Window

_NAMES = {b"NAME": "title", b"AUTH": "artist", b"(c) ": "copyright", b"ANNO": "comment"}
_LARGEST_BYTES = 1 << 20


def read_aiff_texts(window: Window) -> dict[str, str]:
    """Return the texts under libsndfile's names.

    Parameters
    ----------
    window : Window
        The file, its sizes put right.

    Returns
    -------
    dict
        The first of each kind.
    """
    texts: dict[str, str] = {}
    for name, body, size in list_chunks(window, "big"):
        if name in _NAMES:
            text = window.at(body, min(size, _LARGEST_BYTES)).split(b"\0")[0]
            texts.setdefault(_NAMES[name], decoded(text, "mac-roman"))
    return texts
