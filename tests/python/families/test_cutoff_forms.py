"""The running cut-off estimator in PyTorch, TorchScript and ONNX, hop by hop beside the native one."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import needs
import numpy as np
import pytest
import soundfile as sf
import soxr
import torch

from novasr._native import CutoffEstimator
from novasr.audio.cutoff import CutoffMeter, _powers
from novasr.families.onnx_graph import Graph
from novasr.families.wide.architecture import LINE_HZ, LINES
from novasr.families.wide.cutoff import CutoffTracker
from novasr.families.wide.cutoff_onnx import NUMBERS, PEAKS, CutoffSteps

onnxruntime = needs.package("onnxruntime", "pip install onnxruntime")

RATE = 48_000
FULL_HZ = 24_000.0
BOUND_HZ = 1.0  # measured at worst: 0.04; lines are 94 Hz apart
RECORDINGS = [
    "eval_speech/vctk_p360_018.flac",
    "eval_speech/vctk_p361_009.flac",
    "eval_speech/vctk_p364_231.flac",
    "eval_music/music_fishin_20s.flac",
    "eval_music/sfx_guit_e_slide_0s.flac",
]
Form = Callable[[np.ndarray, float], tuple[np.ndarray, float]]


def native(power: np.ndarray, prior_hz: float) -> tuple[np.ndarray, float]:
    published = CutoffEstimator(prior_hz=prior_hz).push(power)
    return published[:, 0], published[-1, 1]


def in_pytorch() -> Form:
    tracker = CutoffTracker().eval()

    def run(power: np.ndarray, prior_hz: float) -> tuple[np.ndarray, float]:
        hz, numbers, _ = tracker(torch.from_numpy(power), *tracker.initial_state(prior_hz))
        return hz.numpy(), float(numbers[1])

    return run


def in_torchscript() -> Form:
    tracker = CutoffTracker().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script = torch.jit.freeze(torch.jit.script(tracker))

    def run(power: np.ndarray, prior_hz: float) -> tuple[np.ndarray, float]:
        hz, numbers, _ = script(torch.from_numpy(power), *tracker.initial_state(prior_hz))
        return hz.numpy(), float(numbers[1])

    return run


def in_onnx() -> Form:
    graph = Graph()
    power = graph.input("power", ("hops", LINES))
    numbers, peaks = graph.input("numbers", (NUMBERS,)), graph.input("peaks", PEAKS)
    steps = CutoffSteps(graph)

    def step(numbers, peaks, power):
        numbers, peaks = steps.push(power, numbers, peaks)
        return [numbers, peaks], [steps.cutoff_hz(numbers)]

    (numbers, _), (hz,) = graph.scan(
        step,
        state=[(steps.begin(numbers), (NUMBERS,)), (peaks, PEAKS)],
        items=[(power, (LINES,), 0)],
        outputs=[((1,), 0)],
    )
    graph.output("hz", hz, ("hops", 1))
    graph.output("after", numbers, (NUMBERS,))
    session = onnxruntime.InferenceSession(graph.model("cutoff").SerializeToString())

    def run(power: np.ndarray, prior_hz: float) -> tuple[np.ndarray, float]:
        start = np.zeros(NUMBERS, np.float32)
        start[0] = prior_hz
        inputs = {"power": power, "numbers": start, "peaks": np.zeros(PEAKS, np.float32)}
        hz, after = session.run(None, inputs)
        return hz[:, 0], after[1]

    return run


@pytest.fixture(scope="module", params=[in_pytorch, in_torchscript, in_onnx])
def form(request: pytest.FixtureRequest) -> Form:
    return request.param()


def spectra(audio: np.ndarray) -> np.ndarray:
    return np.concatenate(list(_powers(audio.astype(np.float32))))


def narrowed(audio: np.ndarray, rate: int) -> np.ndarray:
    return soxr.resample(soxr.resample(audio, RATE, rate), rate, RATE)[: len(audio)]


def assert_same(form: Form, power: np.ndarray, prior_hz: float = FULL_HZ) -> np.ndarray:
    """Compare each hop's cut-off, and the confidence at the end; give the native cut-offs."""
    (expected, certain), (hz, confidence) = native(power, prior_hz), form(power, prior_hz)
    assert np.abs(hz - expected).max() < BOUND_HZ
    assert abs(confidence - certain) < 1e-3
    return expected


@pytest.fixture(scope="module", params=RECORDINGS)
def recording(request: pytest.FixtureRequest, shared) -> np.ndarray:
    audio, rate = sf.read(shared / "data" / request.param, dtype="float32", frames=6 * RATE)
    assert rate == RATE
    return audio if audio.ndim == 1 else audio[:, 0]


@pytest.mark.parametrize("rate", [8_000, 12_000, 24_000])
def test_recordings_have_the_same_cutoff_in_every_hop(form, recording, rate):
    low = narrowed(recording, rate)
    hz = assert_same(form, spectra(low))
    meter = CutoffMeter(RATE)
    meter.add(low[:, None])
    found = form(spectra(low), FULL_HZ)[0]
    assert meter.highest_hz is None or np.abs(found - meter.highest_hz).min() < LINE_HZ
    assert hz[0] == FULL_HZ


def test_most_of_these_recordings_move_it(shared):
    """Control of the test above."""
    moved = 0
    for name in RECORDINGS:
        audio, _ = sf.read(shared / "data" / name, dtype="float32", frames=6 * RATE)
        hz, _ = native(spectra(narrowed(np.atleast_2d(audio.T)[0], 8_000)), FULL_HZ)
        moved += 3_000 < hz[-1] < 4_500
    assert moved == len(RECORDINGS)


def test_a_band_that_changes_is_followed_alike(form, rng):
    noise = 0.1 * rng.standard_normal(2 * RATE)
    parts = [noise, narrowed(noise, 8_000), narrowed(noise, 24_000), noise, narrowed(noise, 16_000)]
    hz = assert_same(form, spectra(np.concatenate(parts)))
    ends = hz[[len(hz) * part // 5 - 1 for part in range(1, 6)]]
    np.testing.assert_allclose(ends, [FULL_HZ, 3_900, 11_600, FULL_HZ, 7_700], rtol=0.02)


@pytest.mark.parametrize("prior_hz", [3_880.0, 24_000.0])
def test_what_is_assumed_holds_alike(form, rng, prior_hz):
    silence, noise = np.zeros(RATE // 2), 0.1 * rng.standard_normal(RATE)
    hz = assert_same(form, spectra(np.concatenate([silence, noise])), prior_hz)
    assert hz[50] == np.float32(prior_hz)
    assert hz[-1] == FULL_HZ


def test_tones_clicks_and_pauses_move_nothing(form):
    time = np.arange(3 * RATE) / RATE
    audio = 0.3 * np.sin(2 * np.pi * 1_000 * time)
    audio[RATE : 2 * RATE] = 0
    audio[::20_000] = 1
    assert (assert_same(form, spectra(audio)) == FULL_HZ).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e35])
def test_frames_that_are_no_sound_count_as_silence(form, rng, bad):
    power = spectra(narrowed(0.1 * rng.standard_normal(RATE), 8_000))
    spoiled = np.repeat(power, 2, 0)
    spoiled[1::2, 20] = bad
    hz = assert_same(form, spoiled)
    np.testing.assert_array_equal(hz[1::2], native(power, FULL_HZ)[0])
