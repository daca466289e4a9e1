"""Long files on several cores: the same bits as one stream."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from novasr import Stream
from novasr.offline import segments
from novasr.offline.files import enhance_file


def blocks_of(audio, frames=10_000):
    for start in range(0, len(audio), frames):
        yield audio[start : start + frames]


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.0, 0.01, 2.0, 7.3])
def test_segments_equal_one_stream_bit_for_bit(monkeypatch, rng, rate, channels, seconds):
    monkeypatch.setattr(segments, "_SEGMENT_SAMPLES", 48_000)  # many seams
    frames = int(seconds * rate) | 1  # odd: at 32 and 96 kHz the output ends on half a frame
    audio = (0.2 * rng.standard_normal((frames, channels))).astype(np.float32)

    def make_stream():
        return Stream(rate, channels, output_rate=48_000, offline=True)

    parallel = np.concatenate(
        list(segments.enhanced_in_parallel(blocks_of(audio), make_stream, workers=3))
    )
    one = make_stream()
    whole = np.concatenate([one.process(audio), one.flush()])[one.latency :]
    np.testing.assert_array_equal(parallel, whole)


def test_control_a_warm_up_too_short_is_noticed(monkeypatch, rng):
    monkeypatch.setattr(segments, "_SEGMENT_SAMPLES", 48_000)
    monkeypatch.setattr(segments, "_WARM_UP_SECONDS", 0.0)
    audio = (0.2 * rng.standard_normal((64_000, 1))).astype(np.float32)

    def make_stream():
        return Stream(16_000, offline=True)

    parallel = np.concatenate(
        list(segments.enhanced_in_parallel(blocks_of(audio), make_stream, workers=2))
    )
    one = make_stream()
    whole = np.concatenate([one.process(audio), one.flush()])[one.latency :]
    assert len(parallel) == len(whole)
    assert np.abs(parallel - whole).max() > 1e-4


def test_file_does_not_depend_on_the_number_of_jobs(tmp_path, rng):
    audio = 0.2 * rng.standard_normal((16_000 * 100, 2))
    soundfile.write(tmp_path / "long.wav", audio, 16_000, subtype="FLOAT")
    outputs = []
    for jobs in (1, 2, 5):
        result = enhance_file(tmp_path / "long.wav", tmp_path / f"{jobs}.wav", jobs=jobs)
        outputs.append(soundfile.read(result.destination, dtype="float32")[0])
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])


def test_failure_in_the_middle_leaves_nothing(tmp_path, monkeypatch, rng):
    audio = 0.2 * rng.standard_normal(16_000 * 10)
    soundfile.write(tmp_path / "talk.wav", audio, 16_000)

    def fail(done, total):
        raise RuntimeError("stop here")

    with pytest.raises(RuntimeError, match="stop here"):
        enhance_file(tmp_path / "talk.wav", jobs=2, progress=fail)
    assert [path.name for path in tmp_path.iterdir()] == ["talk.wav"]
