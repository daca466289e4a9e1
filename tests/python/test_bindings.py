"""The compiled extension itself: arrays of every shape, and threads that call it at once.

Short, as the sanitizers run it as well.
"""

from __future__ import annotations

import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor

import needs
import numpy as np
import pytest

from novasr import _native
from novasr.weights.load import load_weights
from novasr.weights.torch_runtime import find_torch_engine

RATE = 48_000


def native_engine():
    return _native.NativeModel(load_weights().values(), family="novasr").engine(offline=False)


def stream_of(engine=None, channels=1, **options):
    rates = {"sample_rate": RATE, "output_rate": RATE, "low_latency": False, **options}
    return _native.Stream(engine or native_engine(), channels=channels, **rates)


def noise(rng, *shape):
    return (0.1 * rng.standard_normal(shape)).astype(np.float32)


def all_at_once(*calls):
    """Call each on a separate thread, all started together; return their results."""
    start = threading.Barrier(len(calls))

    def run(call):
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


class TestStream:
    @pytest.mark.parametrize("channels", [1, 3])
    def test_arrays_of_any_length_join_to_the_whole(self, rng, channels):
        """Around 8192, the block size into which long arrays are split."""
        audio = noise(rng, 20_000, channels)
        stream, whole = stream_of(channels=channels), stream_of(channels=channels)
        parts = [
            stream.process(part)
            for part in np.split(audio, [0, 1, 2, 8193, 16_385, 16_385, 19_999])
        ]
        found = np.concatenate([*parts, stream.flush()])
        expected = np.concatenate([whole.process(audio), whole.flush()])
        np.testing.assert_array_equal(found, expected)
        assert len(found) == len(audio) + stream.latency

    @pytest.mark.parametrize(("rate", "out"), [(8000, 48_000), (44_100, 44_100), (192_000, 48_000)])
    def test_the_output_fits_at_any_rate(self, rng, rate, out):
        stream = stream_of(sample_rate=rate, output_rate=out)
        frames = [len(stream.process(noise(rng, count, 1))) for count in (1, 8191, 8193, 3)]
        assert sum(frames) == 16_388 * out // rate
        assert len(stream.flush()) >= stream.latency

    @pytest.mark.parametrize(
        "audio",
        [
            np.zeros(10, np.float32),
            np.zeros((10, 1), np.float32),
            np.zeros((2, 10), np.float32),
            np.zeros((10, 2, 1), np.float32),
            np.zeros((), np.float32),
        ],
    )
    def test_wrong_shapes_are_refused(self, audio):
        with pytest.raises(_native.ConfigError, match=r"\(frames, 2\)"):
            stream_of(channels=2).process(audio)

    @pytest.mark.parametrize(
        "audio",
        [
            np.zeros((10, 2)),
            np.zeros((2, 10), np.float32).T,
            np.zeros((10, 4), np.float32)[:, ::2],
            np.zeros((10, 2), ">f4"),
            [[0.0, 0.0]],
        ],
    )
    def test_only_plain_float32_is_read(self, audio):
        with pytest.raises(TypeError):
            stream_of(channels=2).process(audio)

    def test_calls_from_several_threads_take_turns(self, rng):
        stream = stream_of()
        blocks = [noise(rng, 480, 1) for _ in range(20)]
        parameters = _native.Parameters()

        def process():
            return sum(len(stream.process(block)) for block in blocks)

        def change():
            for step in range(20):
                parameters.mix = step / 20
                stream.set_parameters(parameters)
                assert stream.stats["input_frames"] <= 3 * 20 * 480

        frames = all_at_once(process, process, change, process)
        assert [f for f in frames if f is not None] == [20 * 480] * 3
        assert stream.stats["input_frames"] == 3 * 20 * 480

    def test_an_engine_serves_one_stream(self):
        engine = native_engine()
        stream_of(engine)
        with pytest.raises(_native.ConfigError, match="already belongs"):
            stream_of(engine)

    @pytest.mark.parametrize("count", [0, 1, 23_247, 23_249])
    def test_wrong_numbers_of_weights_are_refused(self, count):
        with pytest.raises(_native.ModelError):
            _native.NativeModel(np.zeros(count, np.float32), family="novasr")


class TestTraining:
    SIZES = (224, 32, 32, 32, 32, 32, 11_264, 32, 544, 224, 1, 12, 12, 12, 12)

    @pytest.fixture
    def values(self, rng):
        return [noise(rng, size) for size in self.SIZES]

    @pytest.mark.parametrize("frames", [2, 3, 80, 81, 170])
    def test_threads_change_no_output_and_hardly_a_gradient(self, rng, values, frames):
        audio, weights = noise(rng, 3, frames), noise(rng, 3, 3 * frames - 4)
        one, three = (_native.network_forward(values, audio, threads=n) for n in (1, 3))
        np.testing.assert_array_equal(one, three)
        assert one.shape == weights.shape
        one, three = (_native.network_backward(values, audio, weights, threads=n) for n in (1, 3))
        for a, b in zip(one, three, strict=True):  # sums in another order
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * np.abs(a).max())

    def test_two_callers_do_not_disturb_each_other(self, rng, values):
        audio, weights = noise(rng, 2, 200), noise(rng, 2, 596)

        def gradients():
            return _native.network_backward(values, audio, weights, threads=2)

        alone = gradients()
        for found in all_at_once(gradients, gradients):
            for a, b in zip(alone, found, strict=True):
                np.testing.assert_array_equal(a, b)

    @pytest.mark.parametrize("index", range(15))
    def test_values_of_the_wrong_size_are_refused(self, rng, values, index):
        values[index] = values[index][:-1]
        with pytest.raises(_native.ConfigError, match="size"):
            _native.network_forward(values, noise(rng, 1, 20), threads=1)

    @pytest.mark.parametrize("count", [0, 14])
    def test_too_few_values_are_refused(self, rng, values, count):
        with pytest.raises(_native.ConfigError, match="list"):
            _native.network_forward(values[:count], noise(rng, 1, 20), threads=1)

    @pytest.mark.parametrize(
        ("shape", "threads"), [((20,), 1), ((2, 1), 1), ((2, 0), 1), ((1, 2, 20), 1), ((2, 20), 0)]
    )
    def test_wrong_audio_is_refused(self, rng, values, shape, threads):
        with pytest.raises(_native.ConfigError, match="clips"):
            _native.network_forward(values, noise(rng, *shape), threads=threads)

    @pytest.mark.parametrize("shape", [(2, 55), (2, 57), (1, 56), (0, 56)])
    def test_gradients_of_another_shape_are_refused(self, rng, values, shape):
        with pytest.raises(_native.ConfigError, match="shape"):
            _native.network_backward(values, noise(rng, 2, 20), noise(rng, *shape), threads=1)

    def test_no_clips_give_no_gradient(self, values):
        nothing = np.zeros((0, 20), np.float32), np.zeros((0, 56), np.float32)
        assert not any(
            found.any() for found in _native.network_backward(values, *nothing, threads=2)
        )


class TestLiveBridge:
    """Its callbacks, called as by PortAudio: on threads that do not belong to Python."""

    BLOCK = 256
    BLOCKS = 100

    class TimeInfo(ctypes.Structure):
        _fields_ = [(name, ctypes.c_double) for name in ("input_adc", "current", "output_dac")]

    @staticmethod
    def callback(address):
        return ctypes.CFUNCTYPE(
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_ulong,
            ctypes.c_void_p,
            ctypes.c_ulong,
            ctypes.c_void_p,
        )(address)

    def bridge(self, **options):
        spec = {
            "input_rate": RATE,
            "output_rate": RATE,
            "input_channels": 2,
            "output_channels": 2,
            "block_frames": self.BLOCK,
            "two_clocks": False,
            "low_latency": False,
            "record": True,
            **options,
        }
        return _native.LiveBridge(native_engine(), **spec)

    def call(self, address, bridge, source, destination):
        function, flags = self.callback(address), 0
        time = self.TimeInfo(1.0, 1.005, 1.01)
        for begin in range(0, self.BLOCKS * self.BLOCK, self.BLOCK):
            block = [
                None if audio is None else audio[begin : begin + self.BLOCK].ctypes.data
                for audio in (source, destination)
            ]
            assert function(*block, self.BLOCK, ctypes.byref(time), flags, bridge.address) == 0

    @staticmethod
    def watch(bridge, until):
        """Read everything that a display reads, and change a parameter, until the audio ends."""
        parameters, before, recorded = _native.Parameters(), [], []
        while True:
            last = until.is_set()
            before.append(bridge.read_before(1000))
            bridge.read_after(1000)
            recorded.append(np.concatenate(bridge.read_recording(), axis=1))
            parameters.output_gain_db = -float(len(before) % 3)
            bridge.set_parameters(parameters)
            bridge.stats()
            if last:
                return np.concatenate(before), np.concatenate(recorded)

    def test_one_clock(self, rng):
        bridge, done = self.bridge(), threading.Event()
        audio, out = noise(rng, self.BLOCKS * self.BLOCK, 2), np.zeros((25_600, 2), np.float32)

        def play():
            self.call(_native.duplex_callback, bridge, audio, out)
            done.set()

        _, (_, recorded) = all_at_once(play, lambda: self.watch(bridge, done))
        stats = bridge.stats()
        assert stats["input_frames"] == stats["output_frames"] == len(audio)
        assert stats["device_seconds"] == pytest.approx(0.01)
        assert len(recorded) + stats["record_lost"] == len(audio)
        if not stats["record_lost"]:
            np.testing.assert_array_equal(recorded, np.concatenate([audio, out], axis=1))

    def test_two_clocks(self, rng):
        bridge, done = self.bridge(two_clocks=True), threading.Event()
        audio, out = noise(rng, self.BLOCKS * self.BLOCK, 2), np.zeros((25_600, 2), np.float32)

        def capture():
            self.call(_native.capture_callback, bridge, audio, None)

        def play():
            self.call(_native.play_callback, bridge, None, out)
            done.set()

        all_at_once(capture, play, lambda: self.watch(bridge, done))
        stats = bridge.stats()
        assert (stats["input_frames"], stats["output_frames"]) == (len(audio), len(out))
        assert np.isfinite(out).all()

    def test_silence_of_a_device_that_hands_over_nothing(self):
        bridge = self.bridge(record=False)
        out = np.ones((25_600, 2), np.float32)
        self.call(_native.duplex_callback, bridge, None, out)
        assert not out.any()


@pytest.fixture(scope="module")
def script():
    needs.package("torch", "pip install 'novasr[torch]'")
    needs.libtorch()
    from novasr.weights.export import torchscript_bytes

    return torchscript_bytes()


class TestTorchEngine:
    def engine(self, script, threads=1):
        return _native.torch_engine(script, threads=threads, library=str(find_torch_engine()))

    @pytest.mark.parametrize("threads", [1, 2])
    def test_it_is_the_native_engine(self, rng, script, threads):
        audio = noise(rng, 9600, 2)
        outputs = []
        for engine in (native_engine(), self.engine(script, threads)):
            stream = stream_of(engine, 2)
            parts = [stream.process(part) for part in np.split(audio, [1, 481, 961, 5000])]
            outputs.append(np.concatenate([*parts, stream.flush()])[stream.latency :])
        assert np.abs(outputs[0] - outputs[1]).max() < 4.5e-6  # what both may be off: test_engines

    def test_on_a_thread_of_its_own(self, rng, script):
        """As fast as possible, so the worker may be late; the length is always right, and it never hangs."""
        worker = _native.worker_engine(self.engine(script, 2), hop_frames=160, headroom_frames=500)
        stream = stream_of(worker)
        blocks = [stream.process(noise(rng, 480, 1)) for _ in range(50)]
        assert sum(map(len, blocks)) == 50 * 480
        assert len(stream.flush()) == stream.latency
        stream.reset()
        assert stream.stats["failed_blocks"] == 0
        assert np.isfinite(stream.process(noise(rng, 480, 1))).all()

    def test_two_streams_at_once(self, rng, script):
        audio = noise(rng, 4800, 1)

        def output():
            return stream_of(self.engine(script)).process(audio)

        first, second = all_at_once(output, output)
        np.testing.assert_array_equal(first, second)

    @pytest.mark.parametrize("cut", [0, 1, 1000])
    def test_a_damaged_script_is_refused(self, script, cut):
        with pytest.raises(_native.ModelError, match="TorchScript"):
            self.engine(script[:cut])
