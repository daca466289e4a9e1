"""Parameters, bytes and multiplications of the families, counted by hand."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import pytest

from novasr.evaluation import size
from novasr.evaluation.size import count_mmacs, size_of

WIDE = Path(__file__).parents[2] / "families" / "wide" / "neutral.safetensors"


def test_multiplications_are_those_of_the_layers_at_their_rates() -> None:
    first = 32 * 7 * 16_000
    filters = 2 * 32 * (12 + 12) * 48_000  # two activations: 6 taps for each of two phases, then 12
    convolutions = 2 * 32 * 32 * 11 * 48_000
    last = 32 * 7 * 48_000
    assert count_mmacs("novasr") == pytest.approx((first + filters + convolutions + last) / 1e6)

    block = 128 * 7 + 2 * 128 * 3 * 128
    hop = 135 * 128 + 5 * block + 128 * 128
    assert count_mmacs("wide") == pytest.approx(hop * 48_000 / 256 / 1e6)


def test_the_parameters_and_bytes_are_those_of_the_files() -> None:
    with as_file(files("novasr.weights") / "novasr.safetensors") as path:
        sizes = {None: path.stat().st_size, WIDE: WIDE.stat().st_size}
    for weights, expected in sizes.items():
        assert size_of(weights).weights_bytes == pytest.approx(expected, rel=2e-3)  # the header
    assert size_of(None).parameters == 23_248
    assert size_of(WIDE).parameters == 535_296


def test_a_family_without_pytorch_or_rates_has_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "in_torch", lambda name: object())
    assert count_mmacs("novasr") is None
    monkeypatch.setattr(size, "find_spec", lambda name: None)
    monkeypatch.setattr(size, "in_torch", lambda name: pytest.fail("imported PyTorch"))
    assert size_of(None).mmacs_per_second is None
