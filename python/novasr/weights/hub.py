"""Upstream's weights on the Hugging Face hub, each file pinned by its SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from novasr.errors import WeightsError


@dataclass(frozen=True)
class HubWeights:
    """One file of upstream's Hugging Face repository, pinned by its SHA-256."""

    filename: str
    sha256: str
    repository: str = "YatharthS/NovaSR"


NAMED_WEIGHTS = {
    "v1": HubWeights(
        "pytorch_model_v1.bin", "7ca4d3a650a8e3c80fe0b2e022975c8f57f41b9f1358fc856bcce67fd18d3124"
    ),
    "v2": HubWeights(
        "pytorch_model_v2.bin", "58a9aad7dccd70ea1a454dd46fe1d1ce56763b2cd1adea1e369c62b8ce6a316a"
    ),
}


def download(name: str) -> Path:
    """Fetch named weights from the Hugging Face hub, or from its cache, and check their SHA-256.

    Raises
    ------
    WeightsError
        If they cannot be reached, or are not the pinned file.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    pinned = NAMED_WEIGHTS[name]
    cached = try_to_load_from_cache(pinned.repository, pinned.filename)
    if isinstance(cached, str) and sha256(Path(cached)) == pinned.sha256:
        return Path(cached)
    try:
        with _quiet_client():
            path = Path(
                hf_hub_download(pinned.repository, pinned.filename, force_download=bool(cached))
            )
    except (EntryNotFoundError, RepositoryNotFoundError) as error:
        if _is_offline(error):
            raise WeightsError(_offline_message(name, pinned)) from error
        msg = f"weights {name!r}: {pinned.repository} has no {pinned.filename} any more"
        raise WeightsError(msg) from error
    except Exception as error:  # the hub client raises whatever its HTTP library does
        raise WeightsError(_offline_message(name, pinned)) from error
    if (found := sha256(path)) != pinned.sha256:
        msg = (
            f"weights {name!r}: {pinned.filename} from {pinned.repository} is not the pinned file "
            f"(SHA-256 {found[:12]}..., expected {pinned.sha256[:12]}...); it was not used"
        )
        raise WeightsError(msg)
    return path


@contextlib.contextmanager
def _quiet_client() -> Iterator[None]:
    """Keep the client's lines about each attempt from stderr: one error of ours follows."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _is_offline(error: Exception) -> bool:
    from huggingface_hub.errors import LocalEntryNotFoundError

    return isinstance(error, LocalEntryNotFoundError)


def _offline_message(name: str, pinned: HubWeights) -> str:
    return (
        f"weights {name!r}: cannot fetch {pinned.filename} from the Hugging Face repository "
        f"{pinned.repository}, and it is not in the cache; connect once, or download the file "
        "yourself and pass its path"
    )


def sha256(path: Path) -> str:
    """Give the SHA-256 of a file in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
