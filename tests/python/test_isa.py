"""The native engine on each instruction set of this processor, by NOVASR_ISA."""

from __future__ import annotations

from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
from command_line import assert_one_error_line, novasr
from plugin_support import run_python

from novasr import _native

ISAS = _native.available_isas()


@pytest.mark.parametrize("isa", ISAS)
def test_silence_is_exact_zeros_from_the_first_sample_to_the_last(isa):
    code = """if True:
        import numpy as np, novasr
        zeros = np.zeros((24_000, 2), np.float32)
        for rate in (8_000, 16_000, 44_100, 48_000):
            print(novasr.enhance(zeros, rate).any(), end=" ")
        # Control: the network itself starts with a click.
        print(novasr.enhance(zeros, 16_000, mode="full").any())
    """
    assert run_python(code, NOVASR_ISA=isa).split() == ["False"] * 4 + ["True"]


@pytest.mark.parametrize("isa", ISAS)
def test_the_reported_instruction_set_is_the_forced_one(isa):
    code = "from novasr.evaluation import benchmark; print(benchmark.conditions()['isa'])"
    assert run_python(code, NOVASR_ISA=isa).strip() == isa


@pytest.mark.parametrize("isa", ISAS)
def test_pedalboard_keeps_an_instance_that_clears_on_reset(isa):
    needs.package("pedalboard", "pip install 'novasr[pedalboard]'")
    code = """if True:
        import pedalboard
        from novasr.plugin.bundle import find_bundle
        kind = pedalboard.VST3Plugin(str(find_bundle()))._reload_type
        print(kind == pedalboard.ExternalPluginReloadType.ClearsAudioOnReset)
    """
    assert run_python(code, NOVASR_ISA=isa).strip() == "True"


def test_a_name_that_means_nothing_is_refused_with_those_that_do(tmp_path: Path):
    audio = tmp_path / "in.wav"
    sf.write(audio, np.zeros(16_000, np.float32), 16_000)
    run = novasr("enhance", audio, "-o", tmp_path / "out.wav", NOVASR_ISA="mmx")
    assert_one_error_line(run, "NOVASR_ISA is 'mmx'", *ISAS)
    assert not (tmp_path / "out.wav").exists()
