"""The network as a stream: explicit state in and out, scriptable, exact for any number of hops at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from novasr.families.wide.architecture import (
    ACTIVE_LEVEL,
    BAND,
    CHANNELS,
    CROSSOVER_LINES,
    CROSSOVER_START,
    DECAY,
    EDGE,
    FADE_HOPS,
    FFT,
    FULL_BAND_HZ,
    FULL_SOURCE_HZ,
    GAIN_BANDS,
    HIGHEST_GAIN,
    HOP,
    JUMP,
    KERNEL,
    LEVEL_BANDS,
    LINE_HZ,
    LINE_POWER_FLOOR,
    LOOK_AHEAD,
    LOWEST_GAIN,
    MEMORY,
    MOST_RAISED,
    NOISE_FRAMES,
    OFFSET,
    POWER_FLOOR,
    SOURCE_SHARE,
    TAIL,
    WHITENING_FLOOR,
    WHITENING_LINES,
)
from novasr.families.wide.cutoff import CutoffTracker
from novasr.families.wide.network import Block, WideNetwork


class StreamingWide(nn.Module):
    """Runs a network hop by hop.

    Gives what the whole-signal result adds to the audio, except that a frame of digital silence, and one
    whose cut-off is `FULL_BAND_HZ` or more, adds exactly nothing, and that after a jump of the cut-off it fades in.

    The channels of a batch are linked: the cut-off is one for all, and quieter channels are extended as if they were as
    loud as the loudest, so that a source sounds alike wherever it is panned.

    Parameters
    ----------
    network : WideNetwork
        With the cell "conv".
    cutoff_hz : float, optional
        Where the band of the input ends, instead of what :class:`CutoffTracker` finds.
    """

    def __init__(self, network: WideNetwork, cutoff_hz: float | None = None) -> None:
        super().__init__()
        self.tracker = CutoffTracker()
        self.follows_band = cutoff_hz is None
        self.enter, self.norm, self.leave = network.enter, network.norm, network.leave
        self.blocks = nn.ModuleList(_StreamingBlock(block) for block in network.blocks)
        self.window: Tensor
        self.input_bands: Tensor
        self.gain_curve: Tensor
        self.centres_hz: Tensor
        self.hertz: Tensor
        self.noise: Tensor
        self.register_buffer("window", network.window.clone())
        self.register_buffer("input_bands", network.input_bands.clone())
        self.register_buffer("gain_curve", network.gain_curve.clone())
        self.register_buffer("centres_hz", network.centres_hz.clone())
        self.register_buffer("hertz", network.hertz.clone())
        self.register_buffer("noise", network.noise.clone())  # (LINES, hops, 2)
        self.given_cutoff_hz = 0.0 if cutoff_hz is None else max(cutoff_hz, float(BAND))
        self.input_rate, self.output_rate = network.input_rate, network.output_rate
        self.look_ahead, self.tail, self.hop = LOOK_AHEAD, TAIL, HOP
        self.memory, self.edge, self.offset, self.band = MEMORY, EDGE, OFFSET, BAND
        # TorchScript sees no globals.
        self.fft, self.noise_frames = FFT, NOISE_FRAMES
        self.channels, self.past_hops = CHANNELS, KERNEL - 1
        self.gain_bands, self.lowest_gain, self.highest_gain = GAIN_BANDS, LOWEST_GAIN, HIGHEST_GAIN
        self.level_bands = LEVEL_BANDS
        self.power_floor, self.line_power_floor = POWER_FLOOR, LINE_POWER_FLOOR
        self.most_raised = MOST_RAISED
        self.active_level, self.decay = ACTIVE_LEVEL, DECAY
        self.whitening_lines, self.whitening_floor = WHITENING_LINES, WHITENING_FLOOR
        self.crossover_start, self.crossover_hz = CROSSOVER_START, CROSSOVER_LINES * LINE_HZ
        self.full_band_hz, self.lowest_cutoff_hz = FULL_BAND_HZ, float(BAND)
        self.jump, self.fade_hops = JUMP, FADE_HOPS
        self.source_share, self.full_source_hz = SOURCE_SHARE, FULL_SOURCE_HZ

    @torch.jit.export
    def metadata(self) -> dict[str, int]:
        """Tell what a host must know, in Hz and frames; docs/torchscript.md explains each."""
        return {
            "input_rate": self.input_rate,
            "output_rate": self.output_rate,
            "look_ahead": self.look_ahead,
            "tail": self.tail,
            "hop": self.hop,
            "memory": self.memory,
            "edge": self.edge,
            "offset": self.offset,
            "band": self.band,
            "linked_channels": 1,
            "adds_to_input": 1,
        }

    @torch.jit.export
    def initial_state(self, batch: int, source_band_hz: float = 0.0) -> list[Tensor]:
        """State before the first frame, for `batch` channels.

        Parameters
        ----------
        batch : int
            Channels.
        source_band_hz : float
            Where the source's band ends as far as is known, which is assumed until there is evidence; 0 if unknown.

        Returns
        -------
        list of Tensor
            Last hop of the input; second half of the last frame's change; leaky sums of shape, level and
            activity; number of the next hop; the two of :class:`CutoffTracker`; hops for which what is added still
            fades in; past hops of each block.
        """
        audio = self.window.new_zeros(batch, self.hop)
        sums = self.window.new_zeros(batch, self.centres_hz.shape[0] + 2)
        state = [audio, audio, sums, torch.zeros(1, dtype=torch.long)]
        cutoff_hz = self.given_cutoff_hz
        if self.follows_band:
            band_hz = self.source_share * source_band_hz
            known = source_band_hz > 0 and band_hz <= self.full_source_hz
            cutoff_hz = band_hz if known else self.tracker.rules.full_band_hz
        state += self.tracker.initial_state(cutoff_hz)
        state.append(torch.zeros(1))
        for _ in self.blocks:
            state.append(self.window.new_zeros(batch, self.channels, self.past_hops))
        return state

    def forward(self, audio: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Take (batch, 1, hops * HOP) at 48 kHz; give as many frames, one hop late.

        The first hop of a stream gives none.
        """
        padded = torch.cat([state[0], audio[:, 0]], -1)
        change, kept = self._change(padded, state)
        first, second = change[..., : self.hop], change[..., self.hop :]
        late = torch.cat([state[1][:, None], second[:, :-1]], 1)
        output = (late + first).flatten(1)
        started = bool(state[3] > 0)
        state = [padded[:, -self.hop :], second[:, -1]] + kept  # noqa: RUF005 - TorchScript has no *
        return output[:, None, 0 if started else self.hop :], state

    @torch.jit.export
    def flush(self, state: list[Tensor]) -> Tensor:
        """Give the last frames: (batch, 1, TAIL)."""
        return self.forward(state[0].new_zeros(state[0].shape[0], 1, self.hop), state)[0]

    def _change(self, padded: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Give what each frame adds to the audio, (batch, hops, FFT), and the state behind it."""
        spectrum = self._spectrum(padded)
        power = _power_of(spectrum)
        cutoffs_hz, tracking, peaks = self._cutoffs(power, state)
        shares, fade = self._shares(cutoffs_hz, state)
        raised = self._raised(power)
        spectrum = raised * spectrum
        power = _power_of(spectrum)
        features, level, sums = self._features(power, cutoffs_hz, state[2])
        x = self.enter(features)
        kept = [sums, state[3] + spectrum.shape[-1], tracking, peaks, fade]
        for number, block in enumerate(self.blocks):
            x, past = block(x, state[7 + number])
            kept.append(past)
        gains = self.leave(self.norm(x.transpose(1, 2))).transpose(1, 2)
        hops = (state[3] + torch.arange(spectrum.shape[-1])) % self.noise_frames
        noise = torch.view_as_complex(self.noise[:, hops].contiguous())
        voiced, hiss = (
            gains[:, : self.gain_bands] + level / 2,
            gains[:, self.gain_bands :] + level / 2,
        )
        upper = self._whitened(raised * self._spectrum(padded.relu())) * self._curve(voiced)
        upper = upper + noise[None] * self._curve(hiss)
        start = self.crossover_start * cutoffs_hz
        share = (self.hertz[:, None] - start) / self.crossover_hz + 0.5
        changed = share.clamp(0, 1) * shares * (upper - spectrum) / raised
        pieces = torch.fft.irfft(changed.transpose(1, 2), self.fft) * self.window
        changes = (power.sum(1)[..., None] > 0) & (cutoffs_hz < self.full_band_hz)[:, None]
        return torch.where(changes, pieces, torch.zeros_like(pieces)), kept

    def _cutoffs(self, power: Tensor, state: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Give where the band of all channels together ends, in Hz for each hop, and the tracker's state."""
        if not self.follows_band:
            return state[4][:1].expand(power.shape[-1]), state[4], state[5]
        hertz, tracking, peaks = self.tracker(power.sum(0).t(), state[4], state[5])
        return hertz.clamp(min=self.lowest_cutoff_hz), tracking, peaks

    def _shares(self, cutoffs_hz: Tensor, state: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Fade in what is added after the cut-off has jumped, while the blocks remember another band."""
        before = float(state[4][0].clamp(min=self.lowest_cutoff_hz))
        left = float(state[6])
        hertz: list[float] = cutoffs_hz.tolist()
        shares: list[float] = []
        for hz in hertz:
            if max(hz, before) > self.jump * min(hz, before):
                left = float(self.fade_hops)
            done = 1 - left / self.fade_hops
            shares.append(done * done * (3 - 2 * done))
            left = max(left - 1, 0.0)
            before = hz
        return torch.tensor(shares), torch.full_like(state[6], left)

    def _spectrum(self, audio: Tensor) -> Tensor:
        spectra: Tensor = torch.fft.rfft(audio.unfold(-1, self.fft, self.hop) * self.window)
        return spectra.transpose(1, 2)

    def _raised(self, power: Tensor) -> Tensor:
        """Give the factors with which quieter channels are as loud as the loudest: (batch, 1, hops)."""
        level = torch.log(torch.matmul(self.input_bands, power) + self.power_floor)
        level = level[:, : self.level_bands].mean(1, keepdim=True)
        return torch.exp((level.amax(0, keepdim=True) - level) / 2).clamp(max=self.most_raised)

    def _curve(self, gains: Tensor) -> Tensor:
        curve = torch.matmul(self.gain_curve.t(), gains)
        return torch.exp(curve.clamp(self.lowest_gain, self.highest_gain))

    def _features(
        self, power: Tensor, cutoffs_hz: Tensor, sums: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean = torch.matmul(self.input_bands, power)
        logs = torch.log(mean + self.power_floor)
        level = logs[:, : self.level_bands].mean(1, keepdim=True)
        shape = logs - level
        activity = torch.sigmoid(level - self.active_level)
        active = torch.cat([shape, level, torch.ones_like(level)], 1) * activity
        averages, sums = self._leaky_sums(active, sums)
        weight = averages[:, -1:] + 1e-2
        mean_shape, mean_level = averages[:, :-2] / weight, averages[:, -2:-1] / weight
        lines = torch.matmul(self.input_bands, torch.log(power + self.line_power_floor))
        tonality = torch.log(mean + self.line_power_floor) - lines
        present = torch.sigmoid((0.93 * cutoffs_hz - self.centres_hz[:, None]) / 80.0)
        cutoff = torch.log(cutoffs_hz / 8_000).expand_as(level)
        parts = [
            present * shape / 4,
            level / 6 + 1,
            cutoff,
            present * mean_shape / 4,
            (level - mean_level) / 6,
            present * tonality / 2,
        ]
        return torch.cat(parts, 1), level, sums

    def _whitened(self, spectrum: Tensor) -> Tensor:
        sides = self.whitening_lines // 2
        power = F.pad(_power_of(spectrum).transpose(1, 2), (sides, sides), mode="replicate")
        smooth = F.avg_pool1d(power, self.whitening_lines, 1).transpose(1, 2)
        return spectrum * torch.rsqrt(smooth + self.whitening_floor)

    def _leaky_sums(self, x: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Sum (batch, values, hops) over the hops so far, and give the sums after the last one."""
        sums: list[Tensor] = []
        for hop in range(x.shape[-1]):
            before = self.decay * before + x[..., hop]
            sums.append(before)
        return torch.stack(sums, -1), before


class _StreamingBlock(nn.Module):
    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        assert isinstance(block, Block)
        self.depthwise, self.norm = block.depthwise, block.norm
        self.widen, self.narrow, self.scale = block.widen, block.narrow, block.scale
        self.past_hops = KERNEL - 1

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.cat([past, x], -1)
        y = self.norm(self.depthwise(rows).transpose(1, 2))
        y = self.narrow(F.gelu(self.widen(y), approximate="tanh")) * self.scale
        return x + y.transpose(1, 2), rows[..., -self.past_hops :]


def _power_of(spectrum: Tensor) -> Tensor:
    return torch.view_as_real(spectrum).square().sum(-1)
