"""The suffix selects the format, in upper or lower case; an unknown one is rejected, and no file is made."""

from __future__ import annotations

from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
from command_line import assert_one_error_line, novasr

from novasr import (
    AudioFormatError,
    Stream,
    WeightsError,
    enhance,
    export_onnx,
    export_torchscript,
    export_weights,
    load_model,
)
from novasr.audio.plot import plot_spectrograms


def named(weights: Path) -> object:
    """Give what `novasr evaluate` makes of a name."""
    systems = needs.package("novasr.evaluation.systems", "pip install 'novasr[evaluate]'")
    return systems.named(str(weights))


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("name", ["m.pb", "m.pt", "m", ".ts"])
def test_export_makes_no_file_of_an_unknown_kind(tmp_path: Path, name: str) -> None:
    run = novasr("export", name, cwd=tmp_path)
    assert_one_error_line(run, f"{name}: the name must end in .onnx, .ts, .safetensors or .bin")
    for export in (export_onnx, export_torchscript, export_weights):
        with pytest.raises(AudioFormatError, match="must end in"):
            export(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_each_export_makes_its_own_kind(tmp_path: Path) -> None:
    with pytest.raises(AudioFormatError, match=r"must end in \.ts$"):
        export_torchscript(tmp_path / "m.safetensors")
    with pytest.raises(AudioFormatError, match=r"must end in \.safetensors or \.bin$"):
        export_weights(tmp_path / "m.ts")


def test_capitals_are_the_same_suffix(tmp_path: Path) -> None:
    torch = needs.package("torch", "pip install 'novasr[torch]'")
    needs.libtorch()
    for name in ("M.TS", "M.SafeTensors", "M.BIN"):
        assert novasr("export", name, cwd=tmp_path).returncode == 0
    torch.jit.load(tmp_path / "M.TS")
    assert load_model(tmp_path / "M.SafeTensors") is not None
    assert set(torch.load(tmp_path / "M.BIN")) == {
        f"dec.{name}" for name in load_model(tmp_path / "M.BIN").state_dict()
    }
    audio = 0.1 * np.random.default_rng(1).standard_normal(4000)
    played = enhance(audio, 16_000, weights=tmp_path / "M.TS")
    np.testing.assert_allclose(played, enhance(audio, 16_000), atol=1e-5)


@pytest.mark.parametrize("use", [load_model, named, lambda path: Stream(48_000, weights=path)])
def test_weights_of_an_unknown_kind_are_refused(tmp_path: Path, use) -> None:
    needs.package("torch", "pip install 'novasr[torch]'")
    export_weights(tmp_path / "m.bin").rename(tmp_path / "m.onnx")
    with pytest.raises(
        WeightsError, match=r"m\.onnx: the name must end in \.safetensors or \.bin, or in \.ts"
    ):
        use(str(tmp_path / "m.onnx"))


def test_a_plot_is_a_png(tmp_path: Path) -> None:
    needs.package("matplotlib", "pip install 'novasr[plot]'")
    needs.package("scipy", "pip install 'novasr[evaluate]'")
    sf.write(tmp_path / "s.wav", np.zeros(48_000), 48_000)
    with pytest.raises(AudioFormatError, match=r"s\.jpg: the name must end in \.png"):
        plot_spectrograms(tmp_path / "s.wav", tmp_path / "s.wav", tmp_path / "s.jpg")
    run = novasr("evaluate", tmp_path, "--plot", tmp_path / "scores.pdf")
    assert_one_error_line(run, "scores.pdf: the name must end in .png")
    plot_spectrograms(tmp_path / "s.wav", tmp_path / "s.wav", tmp_path / "S.PNG")
    assert (tmp_path / "S.PNG").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["S.PNG", "s.wav"]
