"""Bank files that are damaged, foreign or of another version are named and refused."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import needs
import numpy as np
import pytest

needs.package("faiss", "pip install 'novasr[studio]'")

from safetensors import safe_open  # noqa: E402
from safetensors.numpy import save  # noqa: E402

from novasr.errors import BankError  # noqa: E402
from novasr.retrieval.entries import Entries  # noqa: E402
from novasr.retrieval.file import Source, read, write  # noqa: E402
from novasr.retrieval.keys import LOW_KEYS  # noqa: E402

FRAMES = 1000


@pytest.fixture
def path(tmp_path: Path, rng: np.random.Generator) -> Path:
    stored = Entries(
        rng.integers(0, 256, (FRAMES, LOW_KEYS), np.uint8),
        rng.integers(0, 256, (FRAMES, 64), np.uint8),
    )
    path = tmp_path / "b.novabank"
    write(path, stored, [Source("a.wav", FRAMES, 20_000.0, "anna", "CC0", "here")], {})
    return path


def _rewritten(path: Path, change: Callable[[dict], None]) -> None:
    """Change the description and nothing else."""
    with safe_open(path, framework="numpy") as file:
        described = json.loads(file.metadata()["novasr_bank"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(described)
    path.write_bytes(save(tensors, metadata={"novasr_bank": json.dumps(described)}))


def test_a_bank_is_read_as_it_was_written(path: Path) -> None:
    stored, sources, tables = read(path)
    assert stored.low.shape == (FRAMES, LOW_KEYS)
    assert sources == [Source("a.wav", FRAMES, 20_000.0, "anna", "CC0", "here")]
    assert tables == {}


@pytest.mark.parametrize("place", [-1, -FRAMES * 64, -FRAMES * 64 - 1])
def test_a_changed_byte_is_noticed(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(BankError, match="is damaged"):
        read(path)


@pytest.mark.parametrize("length", [0, 7, 8, 100, 50_000])
def test_a_cut_off_file_is_noticed(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BankError, match=r"b\.novabank: is no bank, or damaged"):
        read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=2), "is of version 2, this novasr reads version 1"),
        (lambda d: d["meaning"].update(fft=512), "with its own bands"),
        (lambda d: d.pop("recordings"), "its description is damaged"),
        (
            lambda d: d["recordings"][0].update(frames=FRAMES + 1),
            "'low' is missing or not of shape",
        ),
        (lambda d: d["recordings"][0].update(frames="9"), "its description is damaged"),
        (lambda d: d["recordings"][0].update(colour="red"), "its description is damaged"),
    ],
)
def test_a_description_of_something_else_is_refused(
    path: Path, change: Callable[[dict], None], message: str
) -> None:
    _rewritten(path, change)
    with pytest.raises(BankError, match=message):
        read(path)


def test_files_that_are_no_banks_are_refused(tmp_path: Path) -> None:
    weights = Path(str(files("novasr.weights") / "wide.safetensors"))
    with pytest.raises(BankError, match="holds no bank"):
        read(weights)
    text = tmp_path / "text.novabank"
    text.write_text("FAISS index, or so it says, of some length\n" * 100)
    with pytest.raises(BankError, match="is no bank, or damaged"):
        read(text)
    with pytest.raises(BankError, match="no such file"):
        read(tmp_path / "missing.novabank")
    with pytest.raises(BankError, match="File name too long: give a file"):
        read(tmp_path / ("a" * 300))
