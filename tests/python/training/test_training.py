"""Training: its data, its losses, and that runs can be repeated and resumed."""

import csv
import dataclasses
import functools
import os
import shutil
import signal
import subprocess
import sys

import needs
import numpy as np
import pytest
import soundfile
from command_line import novasr
from scipy.signal import welch

from novasr.errors import AudioFileError, AudioFormatError, RecipeError, WeightsError
from novasr.training.datasets import read_recordings

torch = needs.package("torch", "pip install 'novasr[train]'")

from novasr.evaluation.metrics import lsd  # noqa: E402
from novasr.families.novasr import TASK, fast  # noqa: E402
from novasr.families.novasr.initial import kaiser_sinc, new_network  # noqa: E402
from novasr.training.clips import TrainingClips, gather, load_audio  # noqa: E402
from novasr.training.codecs import CODECS, through_codec  # noqa: E402
from novasr.training.degrade import (  # noqa: E402
    change_speed,
    degrade,
    margin_frames,
)
from novasr.training.filters import FILTERS, zero_phase_low_pass  # noqa: E402
from novasr.training.loop import _Run, score, train  # noqa: E402
from novasr.training.losses import _BAND_MARGIN_HZ, SpectralLoss  # noqa: E402
from novasr.training.recipe import (  # noqa: E402
    Data,
    Degradation,
    Loss,
    Optimizer,
    Recipe,
    as_toml,
    load_recipe,
)
from novasr.training.validate import band_limited  # noqa: E402
from novasr.weights import load as weights  # noqa: E402
from novasr.weights.save import save_weights  # noqa: E402

HIGH_HZ, LOW_HZ = TASK.high_hz, TASK.low_hz
TINY = Recipe(
    name="tiny",
    data=Data(clips=2, seconds=0.15, held_out_share=0.25),
    optimizer=Optimizer(steps=8, warm_up=2),
)
NEVER = Degradation(
    **dict.fromkeys(
        (f.name for f in dataclasses.fields(Degradation) if f.name.endswith("_chance")), 0.0
    )
)


@pytest.fixture(scope="module", autouse=True)
def threads():
    """Two, here and in subprocesses: runs repeat with the same number, and one would hide a race."""
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "2")
        torch.set_num_threads(2)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Eight voices: harmonics of a gliding tone under noise that follows their loudness."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(5)
    rows = ["file,seconds,bandwidth_khz,speaker,licence,source_repo"]
    for number in range(8):
        t = np.arange(HIGH_HZ) / HIGH_HZ
        phase = 2 * np.pi * np.cumsum(100 + 20 * number + 30 * np.sin(2 * np.pi * 2 * t)) / HIGH_HZ
        voice = sum(np.sin(k * phase) / k for k in range(1, 150))
        loud = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * t)
        audio = 0.1 * loud * (voice / 2 + 0.3 * rng.standard_normal(len(t)))
        soundfile.write(folder / f"voice_{number}.wav", audio, HIGH_HZ)
        rows.append(f"voice_{number}.wav,1.0,24,speaker_{number},CC0-1.0,made-up/voices")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.mark.parametrize(
    ("place", "speaker", "kind"),
    [
        ("music/a.wav", "", "music"),
        ("train_music2/a.wav", "naev_music", "music"),
        ("Our-SFX/a.wav", "wis_owl", "sfx"),
        ("musicians/a.wav", "", "speech"),
        ("music/album/a.wav", "", "music"),
        ("music/voices/a.wav", "", "music"),
        ("sfx/music/a.wav", "", "music"),
        ("voices/music_a.wav", "", "music"),
        ("music/sfx_a.wav", "", "sfx"),
        ("music/a.wav", "sung by martin", "singing"),
        ("voices/a.wav", "kathleen_F", "speech"),
    ],
)
def test_files_folders_and_speakers_tell_the_kind(tmp_path, place, speaker, kind):
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(4800), HIGH_HZ)
    folder = tmp_path / path.relative_to(tmp_path).parts[0]
    if not speaker:  # without a manifest, too
        assert read_recordings(folder)[0].kind == kind
    name = path.relative_to(folder).as_posix()
    manifest = f"file,seconds,bandwidth_khz,speaker\n{name},0.1,24,{speaker}\n"
    (folder / "manifest.csv").write_text(manifest)
    assert read_recordings(folder)[0].kind == kind


def damage(*paths):
    """Replace the second half of FLAC files with zeros."""
    for path in paths:
        audio, rate = soundfile.read(path)
        soundfile.write(path, audio, rate, format="FLAC")
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] + bytes(len(content) // 2))


def assert_same_weights(a, b):
    first, second = weights.load_tensors(a), weights.load_tensors(b)
    assert all(np.array_equal(first[name], second[name]) for name in first)


class TestGradients:
    """The compiled network against PyTorch's."""

    @pytest.mark.parametrize("frames", [6, 17, 40, 81, 400])
    @pytest.mark.parametrize("textbook", [False, True])
    def test_values_and_all_gradients_are_those_of_pytorch(self, frames, textbook):
        network = new_network(4, textbook_phases=textbook)
        generator = torch.Generator().manual_seed(frames)
        audio = 0.1 * torch.randn(3, 1, frames, generator=generator)
        weights = torch.randn(3, 1, 3 * frames - 4, generator=generator)
        expected, found = network(audio), fast.forward(network, audio)
        assert torch.allclose(found, expected, atol=2e-6)
        parameters = dict(network.named_parameters())
        wanted = torch.autograd.grad(
            (expected * weights).sum(), parameters.values(), allow_unused=True
        )
        got = torch.autograd.grad((found * weights).sum(), parameters.values(), allow_unused=True)
        for name, a, b in zip(parameters, wanted, got, strict=True):
            assert torch.allclose(b, a, rtol=1e-3, atol=2e-5 * float(a.abs().max()) + 1e-9), name

    def test_the_number_of_threads_changes_only_last_bits(self):
        network = new_network(4)
        audio = 0.1 * torch.randn(2, 1, 700, generator=torch.Generator().manual_seed(0))
        threads, found = torch.get_num_threads(), []
        try:
            for count in (1, 3):
                torch.set_num_threads(count)
                loss = fast.forward(network, audio).square().sum()
                found.append(torch.autograd.grad(loss, network.block.convs1[0].weight)[0])
        finally:
            torch.set_num_threads(threads)
        assert torch.allclose(*found, rtol=1e-4, atol=1e-6)


class TestInitialNetwork:
    def test_filters_are_those_of_the_published_weights(self):
        stored = weights.load_tensors()["resblocks.0.activations.0.downsample.lowpass.filter"]
        assert np.abs(stored.ravel() - kaiser_sinc().numpy()).max() < 2.5e-4  # float16 of 0.44

    def test_both_orders_of_the_phases_play_in_the_native_engine(self, tmp_path):
        import novasr

        rng = np.random.default_rng(1)
        audio = (0.05 * rng.standard_normal(4000)).astype(np.float32)
        outputs = []
        for textbook in (False, True):
            path = tmp_path / f"{textbook}.safetensors"
            save_weights(new_network(3, textbook_phases=textbook), path)
            with torch.inference_mode():
                expected = weights.load_model(path)(torch.from_numpy(audio)[None, None])[0, 0]
            found = novasr.enhance(audio, 16_000, mode="full", weights=path)
            assert np.abs(found.ravel()[: len(expected)] - expected.numpy()).max() < 2e-6
            outputs.append(expected)
        assert (outputs[0] - outputs[1]).abs().max() > 1e-3  # they are two different networks

    def test_a_weight_file_is_as_small_as_upstreams(self, tmp_path):
        save_weights(new_network(3), tmp_path / "w.safetensors")
        assert (tmp_path / "w.safetensors").stat().st_size <= 53_300


class TestDegradation:
    def clip(self, seed=0, frames=3 * 4096):
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal(frames + 2 * margin_frames(TASK))
        return (0.05 * noise * (1 + np.sin(np.arange(len(noise)) / 500))).astype(np.float32)

    @pytest.mark.parametrize("seed", range(12))
    def test_low_and_high_are_aligned(self, seed):
        """For any degradation, the input correlates best with the target at lag 0."""
        chances = dataclasses.replace(
            NEVER, filter_chance=0.5, quantise_chance=0.5, level_chance=0.5
        )
        low, high, _ = degrade(self.clip(seed), chances, TASK, np.random.default_rng(seed))
        assert len(high) == 3 * len(low)
        lags = range(-4, 5)
        scores = [float(low[100:-100] @ np.roll(high, lag)[300:-300:3]) for lag in lags]
        assert lags[int(np.argmax(scores))] == 0

    @pytest.mark.parametrize("seed", range(2))
    @pytest.mark.parametrize("codec", CODECS)
    def test_codecs_keep_time_and_length(self, codec, seed):
        low = self.clip(seed)[::3]
        decoded = through_codec(low, codec, LOW_HZ, np.random.default_rng(seed))
        assert len(decoded) == len(low)
        assert not np.array_equal(decoded, low)
        lags = range(-5, 6)
        scores = [float(low[50:-50] @ np.roll(decoded, lag)[50:-50]) for lag in lags]
        assert lags[int(np.argmax(scores))] == 0

    def test_recipes_know_all_filters_and_codecs(self):
        assert set(Degradation().filters) == set(FILTERS)
        assert set(Degradation().codecs) == set(CODECS)

    @pytest.mark.parametrize("codec", CODECS)
    def test_codecs_take_audio_beyond_full_scale(self, codec):
        """The integers of some wrap around: a loud sine would come back inverted."""
        low = (1.1 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype(np.float32)
        decoded = through_codec(low, codec, LOW_HZ, np.random.default_rng(0))
        assert np.abs(decoded - low)[1000:-1000].max() < 0.5

    @pytest.mark.parametrize("order", [2, 10])
    @pytest.mark.parametrize("design", FILTERS)
    def test_filters_cut_at_their_frequency_and_keep_time(self, design, order):
        pulse = np.zeros(4800, np.float32)
        pulse[2400] = 1.0
        heard = zero_phase_low_pass(pulse, design, order, 6000.0, HIGH_HZ)
        assert np.allclose(heard[1:], heard[:0:-1], atol=1e-6)
        gain = 20 * np.log10(np.abs(np.fft.rfft(heard)))
        edge = -0.5 if design in ("chebyshev", "elliptic") else -3.01
        at = np.fft.rfftfreq(len(heard), 1 / HIGH_HZ)
        assert gain[at == 6000][0] == pytest.approx(edge, abs=0.05)
        assert gain[at < 1000].min() > -0.6
        assert gain[at > 16_000].max() < -12

    def test_speed_moves_pitch(self):
        tone = np.sin(2 * np.pi * 1000 * np.arange(48_000) / HIGH_HZ).astype(np.float32)
        fast_tone = change_speed(tone, 1.25, 24_000, HIGH_HZ)
        peak = np.argmax(np.abs(np.fft.rfft(fast_tone * np.hanning(24_000)))) * 2.0
        assert peak == pytest.approx(1250, abs=2)

    def test_silence_stays_silence(self):
        chances = dataclasses.replace(NEVER, silence_chance=1.0)
        low, high, _ = degrade(self.clip(), chances, TASK, np.random.default_rng(0))
        assert not low.any()
        assert not high.any()

    @pytest.mark.parametrize("fall", [-1.0, 0.0, 0.5])
    def test_noise_falls_with_the_frequency(self, fall):
        """Twice the exponent in power: -3 dB an octave for pink noise, +6 dB for rising noise of -1."""
        chances = dataclasses.replace(
            NEVER, noise_chance=1.0, noise_db=(-20.0, -20.0), noise_fall=(fall, fall)
        )
        silence = np.zeros(2**19 + 2 * margin_frames(TASK), np.float32)
        _, noise, _ = degrade(silence, chances, TASK, np.random.default_rng(0))
        assert 20 * np.log10(np.std(noise)) == pytest.approx(-20.0, abs=0.2)
        hertz, power = welch(noise, HIGH_HZ, nperseg=4096)
        low, high = (power[(hertz > f) & (hertz < 2 * f)].mean() for f in (1_000, 8_000))
        assert 10 * np.log10(high / low) / 3 == pytest.approx(-6.02 * fall, abs=0.3)

    def test_noise_below_the_peak_follows_the_level(self):
        """The same clip at another level has the same noise, at that level."""
        chances = dataclasses.replace(
            NEVER, noise_chance=1.0, noise_db=(-60.0, -60.0), noise_below_peak=True
        )
        clip = self.clip()
        loud, quiet = (
            degrade(gain * clip, chances, TASK, np.random.default_rng(0))[1] for gain in (1.0, 0.01)
        )
        assert np.abs(loud * 0.01 - quiet).max() < 1e-7
        margin = margin_frames(TASK)
        added = loud - clip[margin:-margin]
        expected = np.abs(clip).max() * 10 ** (-60 / 20)
        assert np.std(added) == pytest.approx(expected, rel=0.1)

    def test_an_onset_follows_digital_silence(self):
        """The target is silent up to some point and the recording from there on; so is the input."""
        chances = dataclasses.replace(NEVER, onset_chance=1.0)
        clip, margin, starts = self.clip(), margin_frames(TASK), []
        for seed in range(20):
            low, high, _ = degrade(clip, chances, TASK, np.random.default_rng(seed))
            start = int(np.argmax(high != 0)) if high.any() else len(high)
            assert np.array_equal(high[start:], clip[margin:-margin][start:])
            ringing = 500  # of the resampler, at the low rate
            assert np.abs(low[: max(0, start // TASK.ratio - ringing)]).max(initial=0.0) < 1e-6
            starts.append(start)
        assert min(starts) < 3_000 < 6_000 < max(starts)

    def test_a_batch_depends_on_its_number_and_the_seed_alone(self, recordings):
        training, _ = gather([recordings], TINY)
        once, again = TrainingClips(training, TINY), TrainingClips(training, TINY)
        once[3]
        assert all(torch.equal(a, b) for a, b in zip(once[7], again[7], strict=True))
        other = TrainingClips(training, dataclasses.replace(TINY, seed=2))
        assert not torch.equal(once[7][1], other[7][1])


class TestLoss:
    def test_a_gain_costs_its_logarithm(self):
        """LSD(x, x / 10) is 2, since the power differs by a factor of 100."""
        audio = 0.1 * torch.randn(2, 1, 9600, generator=torch.Generator().manual_seed(0))
        terms = SpectralLoss(Loss(), TASK)(audio / 10, audio, torch.full((2,), 24_000.0))
        assert terms.log.item() == pytest.approx(2.0, abs=1e-3)

    def test_nothing_is_asked_above_the_true_band(self):
        generator = torch.Generator().manual_seed(0)
        audio = 0.1 * torch.randn(1, 1, 19_200, generator=generator)
        spectrum = torch.fft.rfft(audio)
        hertz = torch.fft.rfftfreq(19_200, 1 / HIGH_HZ)
        cut = torch.fft.irfft(torch.where(hertz < 16_000, spectrum, 0), 19_200)
        loss = SpectralLoss(Loss(waveform=0.0), TASK)
        masked = loss(audio, cut, torch.tensor([15_000.0]))
        assert masked.log.item() < 0.2
        assert loss(audio, cut, torch.tensor([24_000.0])).log.item() > 1.0


class TestRuns:
    @pytest.mark.parametrize(
        "changes", [{}, {"family": "wide"}, {"family": "wide", "cell": "gru"}], ids=str
    )
    def test_same_seed_same_bytes_other_seed_others(self, recordings, tmp_path, changes):
        recipe = dataclasses.replace(TINY, **changes)
        training, validation = gather([recordings], recipe)
        a, b = (train(training, validation, tmp_path / name, recipe) for name in "ab")
        assert a.read_bytes() == b.read_bytes()
        c = train(training, validation, tmp_path / "c", dataclasses.replace(recipe, seed=2))
        assert a.read_bytes() != c.read_bytes()

    def test_interrupted_within_a_step_it_goes_on_bit_for_bit(
        self, recordings, tmp_path, monkeypatch
    ):
        """Ctrl-C between the optimiser and the average leaves the checkpoint of the step before."""
        training, validation = gather([recordings], TINY)
        whole = train(training, validation, tmp_path / "whole", TINY)
        move, steps = _Run._move_average, []

        def interrupt(run):
            steps.append(run.step)
            if run.step == 5:
                raise KeyboardInterrupt
            move(run)

        monkeypatch.setattr(_Run, "_move_average", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(training, validation, tmp_path / "cut", TINY, save_every_seconds=0)
        monkeypatch.undo()
        assert torch.load(tmp_path / "cut" / "checkpoint.pt")["step"] == 4
        assert_same_weights(whole, train(training, validation, tmp_path / "cut", TINY))

    def test_a_run_is_not_taken_up_on_other_recordings(self, recordings, tmp_path):
        training, validation = gather([recordings], TINY)
        train(training, validation, tmp_path, TINY)
        with pytest.raises(WeightsError, match="other recordings"):
            train(training[1:], validation, tmp_path, TINY)

    def test_bad_recordings_are_told_and_left_out(self, recordings, tmp_path):
        """Some for training, one for validation; they open and report their length, but end in the middle."""
        data = shutil.copytree(recordings, tmp_path / "data")
        training, validation = gather([data], TINY)
        bad = [training[0].path, validation[0].path]
        damage(*bad)
        others = [training[1]] * 12  # two of less than 20 would be too many
        told = []
        run = functools.partial(train, validation=validation, output=tmp_path / "run", recipe=TINY)
        assert run([*training, *others], steps=1, left_out=told.append).is_file()
        assert [str(error).split(": ")[0] for error in told] == list(map(str, bad))
        shutil.copy(training[1].path, bad[0])
        with pytest.raises(WeightsError, match="other recordings"):
            run([*training, *others], steps=1, left_out=told.append)
        damage(bad[0])
        with pytest.raises(AudioFileError, match="2 of 8 recordings cannot be used"):
            run(training, output=tmp_path / "other", steps=1, left_out=told.append)

    def test_the_log_has_each_row_once_after_a_cut(self, recordings, tmp_path):
        recipe = dataclasses.replace(TINY, optimizer=Optimizer(steps=43, warm_up=2))
        training, validation = gather([recordings], recipe)

        def stop(progress):
            if progress.step == 25:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(training, validation, tmp_path, recipe, report=stop)
        with (tmp_path / "log.csv").open("a") as log:
            log.write("30,0.00")  # as a kill leaves it
        train(training, validation, tmp_path, recipe)
        with (tmp_path / "log.csv").open(newline="") as text:
            steps = [int(row["step"]) for row in csv.DictReader(text) if row["total"]]
        assert steps == [10, 20, 30, 40, 43]

    @pytest.mark.parametrize("adversarial", [0.0, 0.1])
    def test_a_killed_run_goes_on_bit_for_bit(self, recordings, tmp_path, adversarial):
        recipe = dataclasses.replace(
            TINY,
            loss=Loss(adversarial=adversarial, adversarial_from=0.25),
            optimizer=dataclasses.replace(TINY.optimizer, steps=20),
        )
        (tmp_path / "recipe.toml").write_text(as_toml(recipe))
        training, validation = gather([recordings], recipe)
        whole = train(training, validation, tmp_path / "whole", recipe)
        program = (
            "import sys; from pathlib import Path\n"
            "from novasr.training.clips import gather; from novasr.training.loop import train\n"
            "from novasr.training.recipe import load_recipe\n"
            "recipe = load_recipe(sys.argv[2])\n"
            "train(*gather([sys.argv[1]], recipe), Path(sys.argv[3]), recipe, save_every_seconds=0,"
            " report=lambda p: print(p.step, flush=True))\n"
        )
        words = [
            sys.executable,
            "-c",
            program,
            recordings,
            tmp_path / "recipe.toml",
            tmp_path / "killed",
        ]
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            while int(process.stdout.readline()) < 8:
                pass
            os.killpg(process.pid, signal.SIGKILL)
        assert torch.load(tmp_path / "killed" / "checkpoint.pt")["step"] < 20
        resumed = train(training, validation, tmp_path / "killed", recipe)
        assert_same_weights(whole, resumed)

    def test_it_learns(self, recordings, tmp_path):
        """Sixty steps give a much lower LSD on unseen recordings than the first six."""
        recipe = dataclasses.replace(TINY, optimizer=Optimizer(steps=60, warm_up=5))
        training, validation = gather([recordings], recipe)
        found = []
        train(
            training,
            validation,
            tmp_path / "run",
            recipe,
            report=lambda p: found.append(p.validation_lsd),
        )
        assert found[-1] < 0.8 * next(lsd for lsd in found if lsd is not None)


class TestRecordings:
    def test_none_is_on_both_sides(self, recordings):
        """Not even one that is named twice."""
        training, validation = gather([recordings, recordings], TINY)
        assert len(training) + len(validation) == 8
        assert not {one.path for one in training} & {one.path for one in validation}

    def test_files_that_cannot_be_read_are_told_and_left_out(self, tmp_path):
        rng = np.random.default_rng(0)
        for name in "abcd":
            soundfile.write(tmp_path / f"{name}.wav", 0.1 * rng.standard_normal(48_000), HIGH_HZ)
        (tmp_path / "bad.wav").write_text("no audio")
        told = []
        training, validation = gather([tmp_path], TINY, told.append)
        assert len(training) + len(validation) == 4
        assert len(told) == 1
        assert str(tmp_path / "bad.wav") in str(told[0])

    def test_few_recordings_still_leave_one_for_validation(self, recordings):
        training, validation = gather([recordings], Recipe())
        assert (len(training), len(validation)) == (7, 1)

    def test_licences_are_left_out_by_their_beginning(self, recordings, tmp_path):
        rows = (recordings / "manifest.csv").read_text().splitlines()
        rows[1:3] = (row.replace("CC0-1.0", "GPL: 3 or later") for row in rows[1:3])
        for file in recordings.glob("*.wav"):
            (tmp_path / file.name).symlink_to(file)
        (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
        data = dataclasses.replace(TINY.data, left_out_licences=("gpl:",), held_out_share=0.0)
        training, _ = gather([tmp_path], dataclasses.replace(TINY, data=data))
        assert {one.licence for one in training} == {"CC0-1.0"}
        assert len(training) == 6

    def test_held_out_speakers_are_not_heard(self, recordings):
        data = dataclasses.replace(TINY.data, held_out_speakers=("speaker_3",))
        training, _ = gather([recordings], dataclasses.replace(TINY, data=data))
        assert "speaker_3" not in {one.speaker for one in training}

    def test_unusable_data_is_refused_with_its_reason(self, recordings):
        for data, reason in [
            (Data(kind_shares={"music": 1.0}), "speech"),
            (Data(held_out_speakers=tuple(f"speaker_{n}" for n in range(8))), "held out"),
            (Data(left_out_licences=("cc0",)), "cc0"),
        ]:
            with pytest.raises(RecipeError, match=reason):
                gather([recordings], dataclasses.replace(TINY, data=data))

    def test_shares_and_weights_rule_how_often_a_speaker_is_heard(self, recordings):
        weights = {"speaker_0": 3.0}
        recipe = dataclasses.replace(TINY, data=Data(speaker_weights=weights, held_out_share=0.0))
        training, _ = gather([recordings], recipe)
        assert TrainingClips(training, recipe).weights == pytest.approx([0.3, *[0.1] * 7])

    def test_the_louder_channel_is_taken_and_nan_refused(self, tmp_path):
        rng = np.random.default_rng(0)
        stereo = np.stack([np.zeros(48_000), 0.1 * rng.standard_normal(48_000)], axis=1)
        soundfile.write(tmp_path / "right.wav", stereo, HIGH_HZ)
        assert np.abs(load_audio(tmp_path / "right.wav", HIGH_HZ)).max() > 0.1
        stereo[7, 1] = np.nan
        soundfile.write(tmp_path / "nan.wav", stereo, HIGH_HZ, subtype="FLOAT")
        with pytest.raises(AudioFileError, match="NaN"):
            load_audio(tmp_path / "nan.wav", HIGH_HZ)

    def test_manifests_of_spreadsheets_are_read_and_other_encodings_refused(self, tmp_path):
        rng = np.random.default_rng(0)
        soundfile.write(tmp_path / "a.wav", 0.1 * rng.standard_normal(4800), HIGH_HZ)
        rows = "file,bandwidth_khz,speaker\na.wav,24,Zo\u00eb\n"
        (tmp_path / "manifest.csv").write_text(rows, encoding="utf-8-sig")
        assert read_recordings(tmp_path)[0].speaker == "Zo\u00eb"
        (tmp_path / "manifest.csv").write_text(rows, encoding="latin-1")
        with pytest.raises(AudioFormatError, match="UTF-8"):
            read_recordings(tmp_path)


class TestRecipes:
    def test_a_recipe_written_out_is_read_back(self, tmp_path):
        packaged = load_recipe("novasr-base")
        data = dataclasses.replace(packaged.data, speaker_weights={"Jane Doe": 0.5})
        recipe = dataclasses.replace(packaged, data=data)
        (tmp_path / "r.toml").write_text(as_toml(recipe))
        assert load_recipe(tmp_path / "r.toml") == recipe

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("sed = 1", "sed"),
            ("seed = 'x'", "seed"),
            ("[data]\nclip = 1", "clip"),
            ("seed = ", "recipe"),
            ("seed = true", "seed"),
            ("data = 3", "data"),
            ("[optimizer]\nbetas = 0.9", "betas"),
            ("[optimizer]\nbetas = ['a', 'b']", "betas"),
            ("[optimizer]\nsteps = 0", "steps"),
            ("[optimizer]\ncycles = [0.5]", "cycles"),
            ("[loss]\nfft_sizes = [2048]", "fft_sizes"),
            ("[degradation]\nspeed = [2.0, 1.0]", "speed"),
            ("[degradation]\nroom_chance = 2", "room_chance"),
            ("[degradation]\nfilters = []", "filters"),
            ("[degradation]\ncodecs = ['amr']", "codecs"),
            ("[data]\nheld_out_share = 1.0", "held_out_share"),
            ("family = 'task'", "family must be one of novasr"),
            ("family = 'wide'\ncell = 'lstm'", "cell must be one of conv, gru"),
            ("cell = 'gru'", "cell is for the family wide"),
            ("[degradation]\nnoise_fall = [0.5, 3.0]", "noise_fall"),
        ],
    )
    def test_a_mistake_is_named(self, tmp_path, text, named):
        (tmp_path / "r.toml").write_text(text)
        with pytest.raises(RecipeError, match=named):
            load_recipe(tmp_path / "r.toml")


class TestCommand:
    def test_a_run_leaves_weights_card_and_log(self, recordings, tmp_path):
        run = tmp_path / "run"
        (tmp_path / "tiny.toml").write_text(as_toml(TINY))
        words = ["train", recordings, "-o", run, "--recipe", tmp_path / "tiny.toml"]
        done = novasr(*words, "--steps", 10)
        assert done.returncode == 0, done.stderr
        assert str(run / "weights.safetensors") in done.stdout
        weights.load_tensors(run / "weights.safetensors")
        card = (run / "card.md").read_text()
        assert "CC0-1.0" in card
        assert "made-up/voices" in card
        assert "validation_lsd" in (run / "log.csv").read_text()
        assert "resumed" not in done.stdout
        other = novasr(*words, "--steps", 11)
        assert other.returncode == 2
        assert "remove it" in other.stderr

    def test_a_run_is_tested_on_recordings_of_its_own(self, recordings, tmp_path):
        """The printed loss is that of the weights on those recordings, and needs a run."""
        run = tmp_path / "run"
        (tmp_path / "tiny.toml").write_text(as_toml(TINY))
        words = ["train", recordings, "-o", run, "--recipe", tmp_path / "tiny.toml", "--steps", 4]
        done = novasr(*words, "--test", recordings)
        assert done.returncode == 0, done.stderr
        found = read_recordings(recordings)
        loss, count = score(run, found, TINY)
        assert count == len(found)
        assert f"test loss: {loss:.3f} (log-spectral distance, first 4 s of {count}" in done.stdout
        network = weights.load_model(run / "weights.safetensors")
        distances = []
        for recording in found:
            high = load_audio(recording.path, HIGH_HZ)
            with torch.inference_mode():
                made = network(torch.from_numpy(band_limited(high, 8_000.0, TASK))[None, None])
            made = np.pad(made[0, 0].numpy(), (0, len(high) - made.shape[-1]))
            band_hz = recording.bandwidth_hz - _BAND_MARGIN_HZ
            distances.append(lsd(high, made, TASK, bandwidth_hz=band_hz)["lsd"])
        assert loss == pytest.approx(np.mean(distances), abs=2e-3)
        with pytest.raises(WeightsError, match="holds no run"):
            score(tmp_path / "none", found, TINY)

    def test_a_run_that_goes_on_says_so_once(self, capsys):
        from novasr.cli.train import _telling_resumption
        from novasr.training.loop import Progress

        steps = []
        report = _telling_resumption(lambda progress: steps.append(progress.step))
        for step in (8, 9):
            report(Progress(step, 20, 1.0, None))
        assert capsys.readouterr().out == "resumed after step 7 of 20\n"
        assert steps == [8, 9]
        _telling_resumption(lambda progress: None)(Progress(1, 20, 1.0, None))
        assert capsys.readouterr().out == ""

    def test_minutes_become_steps_that_are_kept(self, recordings, tmp_path):
        (tmp_path / "tiny.toml").write_text(as_toml(TINY))
        words = ["train", recordings, "-o", tmp_path / "run", "--recipe", tmp_path / "tiny.toml"]
        first, second = (novasr(*words, "--minutes", 0.1) for _ in range(2))
        assert first.returncode == second.returncode == 0, first.stderr + second.stderr
        (steps,) = [line for line in first.stdout.splitlines() if "--steps" in line]
        assert steps in second.stdout

    def test_bad_input_is_one_line_and_exit_code_2(self, recordings, tmp_path):
        narrow, damaged = tmp_path / "narrow", tmp_path / "damaged"
        narrow.mkdir()
        tone = 0.5 * np.sin(2 * np.pi * 300 * np.arange(48_000) / HIGH_HZ)
        soundfile.write(narrow / "tone.wav", tone, HIGH_HZ)
        damaged.mkdir()
        unreadable = tmp_path / "unreadable"
        unreadable.mkdir()
        (unreadable / "a.wav").write_text("no audio")
        (damaged / "checkpoint.pt").write_bytes(b"not a checkpoint")
        run = ["-o", tmp_path / "run"]
        for words, named in [
            ([tmp_path / "nowhere", *run], "nowhere"),
            ([narrow, *run], "16 kHz"),
            ([unreadable, *run], "a.wav"),
            ([recordings, *run, "--recipe", "nosuch"], "nosuch"),
            ([recordings, *run, "--device", "tpu"], "--device"),
            ([recordings, *run, "--steps", 5, "--minutes", 1], "--minutes"),
            ([recordings, "-o", damaged], "checkpoint.pt"),
        ]:
            done = novasr("train", *words)
            assert done.returncode == 2
            assert named in done.stderr
            assert done.stderr.count("\n") == 1
            assert not (tmp_path / "run").exists()

    def test_a_folder_without_a_manifest_is_measured(self, tmp_path):
        rng = np.random.default_rng(0)
        soundfile.write(tmp_path / "a.wav", 0.1 * rng.standard_normal(48_000), HIGH_HZ)
        (recording,) = read_recordings(tmp_path)
        assert recording.bandwidth_hz > 23_000
        assert recording.seconds == 1.0


class TestWeightFiles:
    def test_silence_stays_silent_in_float16(self, tmp_path):
        """Rounded independently, the biases would leave an offset."""
        network = new_network(7)
        save_weights(network, tmp_path / "w.safetensors")
        saved = weights.load_model(tmp_path / "w.safetensors")
        silence = torch.zeros(1, 1, 500)
        with torch.no_grad():
            assert network(silence)[0, 0, 100:-100].abs().max() > 1e-4
        assert saved(silence)[0, 0, 100:-100].abs().max() < 1e-6  # -120 dBFS

    def test_all_but_a_constant_stays(self, tmp_path):
        network = new_network(7)
        save_weights(network, tmp_path / "w.safetensors")
        saved = weights.load_model(tmp_path / "w.safetensors")
        audio = 0.1 * torch.randn(1, 1, 500, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            changed = (torch.atanh(saved(audio)) - torch.atanh(network(audio)))[0, 0, 50:-50]
            assert (changed - changed.mean()).abs().max() < 5e-3 * network(audio).abs().max()
