"""The folded network as one Triton kernel.

A program computes tiles of 69 inputs, one after another, each from its own inputs alone, with what the filters reach
on either side. All layers of a tile pass through a scratch memory of the program's own, small enough for the caches,
as Triton gives no access to shared memory. A tile's output does not depend on which program computes it, nor on the
other recordings: every sum has one order.

Rows are (time, 32 channels). Those outside the recording are zeroed layer by layer, which is the layers' own padding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl
from torch import Tensor

from novasr.families.novasr.cuda import HALO_FRAMES, RATIO, TILE_FRAMES, folded
from novasr.families.novasr.cuda.folded import FoldedNetwork

if TYPE_CHECKING:
    from novasr.families.cuda_family import Precision

_COMPUTED_ROWS = 256
_CHUNK_ROWS = 64  # at once; the interpreter takes as long for 64 as for all
_REACH_ROWS = 48
_SPARE_ROWS = 16  # read, and not used, by the last rows of a layer
_BUFFERS = 3
_WITH_TF32X3 = (8, 9, 12)  # major compute capabilities; for 10 Triton 3.7 writes a trap
_BUFFER = (_COMPUTED_ROWS + _SPARE_ROWS) * folded.CHANNELS
_EDGE_ROWS = 16
_WARPS = 4
_PROGRAMS_PER_PROCESSOR = 2

assert RATIO * TILE_FRAMES + _REACH_ROWS <= _COMPUTED_ROWS

_CHANNELS = tl.constexpr(folded.CHANNELS)
_FRAMES = tl.constexpr(RATIO * TILE_FRAMES)
_INPUTS = tl.constexpr(TILE_FRAMES)
_HALO = tl.constexpr(HALO_FRAMES)
_ROWS = tl.constexpr(_COMPUTED_ROWS)
_SIZE = tl.constexpr(_BUFFER)
_EDGE = tl.constexpr(_EDGE_ROWS)
_S1, _S3, _S5, _S7, _S9 = (tl.constexpr(c) for c in folded.SINE)


class TiledNetwork:
    """The folded network on one device; a :class:`novasr.families.cuda_family.CudaNetwork`.

    Parameters
    ----------
    network : FoldedNetwork
        Its constants.
    device : torch.device
        A CUDA device, or the CPU with Triton's interpreter.
    precision : {"tf32x3", "ieee"}, optional
        Products of the convolutions; by default the first one where Triton compiles it.
    """

    def __init__(
        self, network: FoldedNetwork, device: torch.device, precision: Precision | None
    ) -> None:
        self._constants = [
            torch.from_numpy(value).to(device) for value in network.arrays().values()
        ]
        self._silence, self._device = network.silence, device
        self._precision = precision or default_precision(device)
        self._programs = (
            _PROGRAMS_PER_PROCESSOR * torch.cuda.get_device_properties(device).multi_processor_count
            if device.type == "cuda"
            else 1
        )
        self._quiet_sums = torch.zeros(RATIO * TILE_FRAMES, device=device)
        self.silence_output = 0.0
        self._measure_silence()

    def scratch(self) -> Tensor:
        """Allocate what one call needs; calls that run at the same time need one each."""
        return torch.zeros(self._programs * _BUFFERS * _BUFFER, device=self._device)

    def __call__(
        self, audio: Tensor, start: Tensor, total: Tensor, out: Tensor, scratch: Tensor
    ) -> None:
        """Compute segments of recordings, whose frames are a multiple of TILE_FRAMES."""
        self._run(audio, start, total, out, scratch, self._silence, squash=True)

    def _run(
        self,
        audio: Tensor,
        start: Tensor,
        total: Tensor,
        out: Tensor,
        scratch: Tensor,
        constant: float,
        *,
        squash: bool,
    ) -> None:
        batch, width = audio.shape
        tiles = (width - 2 * HALO_FRAMES) // TILE_FRAMES
        _compute_tiles[(min(self._programs, batch * tiles),)](
            audio,
            start,
            total,
            out,
            scratch,
            self._quiet_sums,
            *self._constants,
            constant,
            batch * tiles,
            tiles,
            int(squash),
            CHUNK=_CHUNK_ROWS if self._device.type == "cuda" else _COMPUTED_ROWS,
            PRECISION=self._precision,
            **compile_options(),
        )

    def _measure_silence(self) -> None:
        """Run on silence without ends: its sums are subtracted from then on, so that silence is exact."""
        audio = torch.zeros(1, TILE_FRAMES + 2 * HALO_FRAMES, device=self._device)
        start = torch.full((1,), 100 * TILE_FRAMES, dtype=torch.int32, device=self._device)
        total = 2 * start
        out = torch.empty(1, RATIO * TILE_FRAMES, device=self._device)
        self._run(audio, start, total, out, self.scratch(), 0.0, squash=False)
        self._quiet_sums = out[0].clone()
        self._run(audio, start, total, out, self.scratch(), self._silence, squash=True)
        self.silence_output = float(out[0, 0])


def default_precision(device: torch.device) -> Precision:
    """Choose how to multiply on a device."""
    if device.type == "cpu":
        return "ieee"
    major, _ = torch.cuda.get_device_capability(device)
    return "tf32x3" if major in _WITH_TF32X3 else "ieee"


def compile_options() -> dict[str, int]:
    """Give Triton's options; one stage, as a loop's loads must not overtake the barrier before it."""
    return {"num_warps": _WARPS, "num_stages": 1, "enable_fp_fusion": True}


@triton.jit
def _snake(v, kappa):
    """Map v to kappa v + 1 - cos(2 pi v); with q = |v - round(v)| - 1/4 the cosine is -sin(2 pi q)."""
    q = tl.abs(v - tl.floor(v + 0.5)) - 0.25
    q2 = q * q
    sine = (((_S9 * q2 + _S7) * q2 + _S5) * q2 + _S3) * q2 + _S1
    return kappa * v + 1.0 + q * sine


@triton.jit
def _tanh(x):
    """Divide two polynomials, as the native engine does (cpp/src/simd/functions.inl)."""
    x = tl.minimum(tl.maximum(x, -7.90531110763549805), 7.90531110763549805)
    x2 = x * x
    p = -2.76076847742355e-16 * x2 + 2.00018790482477e-13
    p = p * x2 - 8.60467152213735e-11
    p = p * x2 + 5.12229709037114e-08
    p = p * x2 + 1.48572235717979e-05
    p = p * x2 + 6.37261928875436e-04
    p = p * x2 + 4.89352455891786e-03
    q = 1.19825839466702e-06 * x2 + 1.18534705686654e-04
    q = q * x2 + 2.26843463243900e-03
    q = q * x2 + 4.89352518554385e-03
    return x * p / q


@triton.jit
def _neighbours(t, length):
    """Give the two 16 kHz frames between which 48 kHz frame t >= -30 lies, and the weight of the first."""
    before = (t + 29) // 3 - 10  # no negative dividend: its rounding differs
    after = (t + 31) // 3 - 10
    phase = (t + 30) % 3
    weight = tl.where(phase == 0, 1.0 / 3.0, tl.where(phase == 1, 1.0, 2.0 / 3.0))
    before = tl.minimum(tl.maximum(before, 0), length - 1)
    after = tl.minimum(tl.maximum(after, 0), length - 1)
    return before, after, weight


@triton.jit
def _input(audio, frame, first, length, used):
    """Load frames of a recording from the segment that holds its frame `first`; 0 outside."""
    inside = (frame >= 0) & (frame < length) & used
    return tl.load(audio + (frame - first), mask=inside, other=0.0)


@triton.jit
def _interpolated(audio, first, length, start, pre_weight, pre_bias, to, CHUNK: tl.constexpr):
    """First convolution and interpolation: the 48 kHz frames from `start` on."""
    channel, rows = tl.arange(0, _CHANNELS), tl.arange(0, CHUNK)
    for chunk in range(_ROWS // CHUNK):
        row = chunk * CHUNK + rows
        t = start + row
        before, after, weight = _neighbours(t, length)
        x = tl.zeros((CHUNK, _CHANNELS), tl.float32) + tl.load(pre_bias + channel)[None, :]
        for k in tl.static_range(7):
            left = _input(audio, before + (k - 3), first, length, True)
            right = _input(audio, after + (k - 3), first, length, True)
            value = weight * left + (1.0 - weight) * right
            x += value[:, None] * tl.load(pre_weight + k * _CHANNELS + channel)[None, :]
        inside = (t >= 0) & (t < 3 * length)
        tl.store(
            to + row[:, None] * _CHANNELS + channel[None, :], tl.where(inside[:, None], x, 0.0)
        )


@triton.jit
def _up_sampled(source, start, length, up, kappa, even, odd, CHUNK: tl.constexpr):
    """Up-sampler and snake: the two 96 kHz rows of each step from `start` on, of `length` frames."""
    channel, rows = tl.arange(0, _CHANNELS), tl.arange(0, CHUNK)
    slope = tl.load(kappa + channel)[None, :]
    for chunk in range(_ROWS // CHUNK):
        row = chunk * CHUNK + rows
        place = row[:, None] * _CHANNELS + channel[None, :]
        first = tl.zeros((CHUNK, _CHANNELS), tl.float32)
        second = tl.zeros((CHUNK, _CHANNELS), tl.float32)
        for j in tl.static_range(6):
            x = tl.load(source + j * _CHANNELS + place)
            first += x * tl.load(up + j)
            second += x * tl.load(up + 6 + j)
        step = start + row
        inside = ((step >= 1) & (step < length - 1))[:, None]
        tl.store(even + place, tl.where(inside, _snake(first, slope), 0.0))
        tl.store(odd + place, tl.where(inside, _snake(second, slope), 0.0))


@triton.jit
def _low_passed(even, odd, start, length, row, low_pass, CHUNK: tl.constexpr):
    """Low-pass of rows at 96 kHz, of which `even` and `odd` begin two frames earlier: the frames `start` + row."""
    channel = tl.arange(0, _CHANNELS)
    place = row[:, None] * _CHANNELS + channel[None, :]
    x = tl.zeros((CHUNK, _CHANNELS), tl.float32)
    for j in tl.static_range(6):
        x += tl.load(odd + j * _CHANNELS + place) * tl.load(low_pass + 2 * j)
        x += tl.load(even + (j + 1) * _CHANNELS + place) * tl.load(low_pass + 2 * j + 1)
    inside = (start + row >= 0) & (start + row < length)
    return tl.where(inside[:, None], x, 0.0)


@triton.jit
def _edge_frames(
    audio, first, length, frames, start, begin, end, rows, branch, residual, bias, out
):
    """Compute 16 frames from `begin` on whose last convolution reaches past an end, and store those before `end`.

    `rows` holds the second activation from eight frames before `start` on.
    """
    t = begin + tl.arange(0, _EDGE)
    pre_tap = tl.arange(0, 8)[None, :]
    taken = pre_tap < 7
    branch_tap = tl.arange(0, 16 * _CHANNELS)[None, :]  # and channel; the rows follow each other
    total = tl.zeros((_EDGE,), tl.float32)
    for j in range(7):
        at = t + (j - 3)
        inside = (at >= 0) & (at < frames) & (t < end)
        before, after, weight = _neighbours(at, length)
        left = _input(audio, before[:, None] + pre_tap - 3, first, length, taken)
        right = _input(audio, after[:, None] + pre_tap - 3, first, length, taken)
        x = weight[:, None] * left + (1.0 - weight[:, None]) * right
        part = tl.sum(x * tl.load(residual + j * 7 + pre_tap, mask=taken, other=0.0), axis=1)
        used = inside[:, None] & (branch_tap < 11 * _CHANNELS)
        x = tl.load(rows + (t - start + j)[:, None] * _CHANNELS + branch_tap, mask=used, other=0.0)
        taps = tl.load(
            branch + j * 11 * _CHANNELS + branch_tap, mask=branch_tap < 11 * _CHANNELS, other=0.0
        )
        part += tl.sum(x * taps, axis=1) + tl.load(bias + j)
        total += tl.where(inside, part, 0.0)
    tl.store(out + (t - start), _tanh(total), mask=t < end)


@triton.jit(do_not_specialize=["tiles", "segment_tiles", "squash"])  # compiled once
def _compute_tiles(
    all_audio,
    starts,
    totals,
    all_out,
    scratch,
    quiet_sums,
    pre_weight,
    pre_bias,
    up,
    kappa,
    low_pass,
    conv_weight,
    conv_bias,
    output_weight,
    residual_weight,
    residual_bias,
    edge_branch,
    edge_residual,
    edge_bias,
    constant,
    tiles,
    segment_tiles,
    squash,
    CHUNK: tl.constexpr,
    PRECISION: tl.constexpr,
):
    program = tl.program_id(0)
    buffer_0 = scratch + program * (3 * _SIZE)
    buffer_1 = buffer_0 + _SIZE
    buffer_2 = buffer_1 + _SIZE
    channel = tl.arange(0, _CHANNELS)
    rows = tl.arange(0, CHUNK)
    square = channel[:, None] * _CHANNELS + channel[None, :]
    for tile in range(program, tiles, tl.num_programs(0)):
        segment = tile // segment_tiles
        first = tl.load(starts + segment)
        length = tl.load(totals + segment)
        audio = all_audio + segment * (segment_tiles * _INPUTS + 2 * _HALO) + _HALO
        begin = first + (tile % segment_tiles) * _INPUTS
        out = all_out + segment * (segment_tiles * _FRAMES) + (tile % segment_tiles) * _FRAMES
        start = 3 * begin  # the tile's first frame at 48 kHz
        frames = 3 * length - 4  # of the recording's output
        if begin < length:
            _interpolated(audio, first, length, start - 21, pre_weight, pre_bias, buffer_0, CHUNK)
            tl.debug_barrier()
            _up_sampled(buffer_0, start - 19, 3 * length, up, kappa, buffer_1, buffer_2, CHUNK)
            tl.debug_barrier()
            for chunk in range(_ROWS // CHUNK):
                row = chunk * CHUNK + rows
                x = _low_passed(
                    buffer_1, buffer_2, start - 17, 3 * length - 2, row, low_pass, CHUNK
                )
                tl.store(buffer_0 + row[:, None] * _CHANNELS + channel[None, :], x)
            tl.debug_barrier()
            for chunk in range(_ROWS // CHUNK):
                row = chunk * CHUNK + rows
                place = row[:, None] * _CHANNELS + channel[None, :]
                x = tl.zeros((CHUNK, _CHANNELS), tl.float32) + tl.load(conv_bias + channel)[None, :]
                for k in tl.static_range(11):
                    x = tl.dot(
                        tl.load(buffer_0 + k * _CHANNELS + place),
                        tl.load(conv_weight + k * _CHANNELS * _CHANNELS + square),
                        x,
                        input_precision=PRECISION,
                    )
                t = start - 12 + row
                inside = (t >= 0) & (t < 3 * length - 2)
                tl.store(buffer_1 + place, tl.where(inside[:, None], x, 0.0))
            tl.debug_barrier()
            _up_sampled(
                buffer_1,
                start - 10,
                3 * length - 2,
                up + 12,
                kappa + _CHANNELS,
                buffer_2,
                buffer_0,
                CHUNK,
            )
            tl.debug_barrier()
            for chunk in range(_ROWS // CHUNK):  # all taps of the last filter on each row
                row = chunk * CHUNK + rows
                x = _low_passed(buffer_2, buffer_0, start - 8, frames, row, low_pass + 12, CHUNK)
                x = tl.dot(x, tl.load(output_weight + square), input_precision=PRECISION)
                tl.store(buffer_1 + row[:, None] * _CHANNELS + channel[None, :], x)
            tl.debug_barrier()
            for chunk in range(_ROWS // CHUNK):
                row = chunk * CHUNK + rows
                t = start + row
                phase = row % 3
                used = (row < _FRAMES)[:, None]
                tap = tl.arange(0, 16)[None, :]
                at = (begin + row // 3)[:, None] + tap - 5
                x = _input(audio, at, first, length, used & (tap < 11))
                weight = tl.load(
                    residual_weight + phase[:, None] * 11 + tap, mask=tap < 11, other=0.0
                )
                total = tl.load(residual_bias + phase) + tl.sum(x * weight, axis=1)
                tap = channel[None, :]
                place = (row[:, None] + tap) * _CHANNELS + tap
                x = tl.load(buffer_1 + place, mask=used & (tap < 17), other=0.0)
                total += tl.sum(x, axis=1)
                total -= tl.load(quiet_sums + row, mask=row < _FRAMES, other=0.0)
                total = tl.where(squash != 0, _tanh(constant + total), total)
                tl.store(out + row, tl.where(t < frames, total, 0.0), mask=row < _FRAMES)
            tl.debug_barrier()
            if (begin == 0) | (start + _FRAMES > frames - 3):
                for chunk in range(_ROWS // CHUNK):
                    row = chunk * CHUNK + rows
                    x = _low_passed(
                        buffer_2, buffer_0, start - 8, frames, row, low_pass + 12, CHUNK
                    )
                    tl.store(buffer_1 + row[:, None] * _CHANNELS + channel[None, :], x)
                tl.debug_barrier()
                _edge_frames(
                    audio,
                    first,
                    length,
                    frames,
                    start,
                    start,
                    tl.where(begin == 0, tl.minimum(4, frames), start),
                    buffer_1,
                    edge_branch,
                    edge_residual,
                    edge_bias,
                    out,
                )
                _edge_frames(
                    audio,
                    first,
                    length,
                    frames,
                    start,
                    tl.maximum(frames - 3, start),
                    tl.minimum(frames, start + _FRAMES),
                    buffer_1,
                    edge_branch,
                    edge_residual,
                    edge_bias,
                    out,
                )
                tl.debug_barrier()
