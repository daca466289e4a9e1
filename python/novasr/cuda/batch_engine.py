"""The network for many recordings at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from novasr.checks import check_audio, check_choice, check_count
from novasr.cuda.device import find_device, has_triton
from novasr.cuda.packing import Batch, Grid, Packer
from novasr.engines import is_script, weights_stamp
from novasr.errors import MissingPackageError, ParameterError, StreamError, install_command
from novasr.families import in_cuda
from novasr.families.cuda_family import Precision
from novasr.models import chosen_weights
from novasr.weights.load import load_weights

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from numpy.typing import ArrayLike
    from torch import Tensor

    from novasr.families.cuda_family import CudaNetwork
    from novasr.types import FloatArray, Mode, ModelName

#: How the network is computed.
Compute: TypeAlias = Literal["auto", "fused", "plain", "compiled"]

_BATCHES = {"fused": 1024, "plain": 128, "compiled": 128}
_LARGEST_BATCH = 1 << 16
_SLOTS = 3  # batches on their way: one goes to the device, one is computed, one comes back
_LOUDEST = 1000.0  # +60 dBFS, as in the chain
_one_at_a_time = threading.Lock()
_LARGEST_ERROR = 1e-5


class BatchEngine:
    """Computes recordings on a CUDA GPU, segments of many in one batch.

    The result of a recording does not depend on the others: with ``compute="fused"`` not in a single bit.
    Calls from several threads take turns.

    Parameters
    ----------
    weights : str or path, optional
        As for :func:`novasr.load_model`, of the family of ``"base"``.
    model : {"base"}, optional
        The model of this package; ``"wide"`` has no form for GPUs.
    batch : int, optional
        Segments (of 0.28 s with the model base) that are computed together, a power of two, 1 .. 65536.
        Default: 1024, or 128 for PyTorch's layers, which take 20 MB of the GPU's memory for each.
    compute : {"auto", "fused", "plain", "compiled"}
        One Triton kernel; PyTorch's layers, or these by ``torch.compile``. ``"auto"`` is fused where
        Triton is installed, otherwise plain.
    precision : {"tf32x3", "ieee"}, optional
        Products of the fused kernel: three of TF32 tensor cores each, or float32. Default: the first one
        on GPUs of compute capability 8, 9 and 12, else the second.

    Attributes
    ----------
    device : torch.device
        Where it computes.
    family : CudaFamily
        Its network's form for GPUs.
    compute : str
        How it computes; never ``"auto"``.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or the model has no form for GPUs.
    WeightsError
        If the weights cannot be used.
    StreamError
        If there is no GPU, or the kernel's output differs from that of PyTorch's layers there;
        MissingPackageError if PyTorch or Triton is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from novasr.cuda import BatchEngine
    >>> engine = BatchEngine()
    >>> clips = [np.zeros(100, np.float32), np.zeros(50, np.float32)]
    >>> [len(clip) for clip in engine.enhance(clips, 8_000)]
    [600, 300]
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        model: ModelName | None = None,
        batch: int | None = None,
        compute: Compute = "auto",
        precision: Precision | None = None,
    ) -> None:
        if batch is not None:
            check_count("batch", batch, most=_LARGEST_BATCH)
            if batch & (batch - 1):
                raise ParameterError(f"batch must be a power of two, not {batch}")
        check_choice("compute", compute, get_args(Compute))
        if precision is not None:
            check_choice("precision", precision, get_args(Precision))
        self.weights = chosen_weights(model, weights)
        if is_script(self.weights):
            msg = f"engine='cuda' takes weights, not TorchScript ({self.weights})"
            raise ParameterError(msg)
        loaded = load_weights(self.weights)
        self.family = in_cuda(loaded.family)
        family = self.family
        self._grid = Grid(family.SEGMENT_FRAMES, family.HALO_FRAMES, family.RATIO)
        self.device = find_device()
        self.compute = ("fused" if has_triton() else "plain") if compute == "auto" else compute
        if precision is not None and self.compute != "fused":
            raise ParameterError(
                f"precision is of the fused kernel: leave it out with compute={self.compute!r}"
            )
        self._network = self._make_network(loaded.tensors, precision)
        self._batch = batch or _BATCHES[self.compute]
        self._slots: list[_Slot] = []
        self._lock = threading.Lock()
        if self.compute == "fused" and self.device.type == "cuda":
            self._refuse_errors()

    @property
    def silence_output(self) -> float:
        """What the network gives for sustained silence."""
        return self._network.silence_output

    def run(self, recordings: Sequence[ArrayLike]) -> list[FloatArray]:
        """Compute the network's output, without the chain around it.

        Parameters
        ----------
        recordings : sequence of array_like of float, shape (frames,)
            16 kHz, full scale at 1.0; of any lengths. NaN and infinite samples count as 0.

        Returns
        -------
        list of ndarray of float32, shape (family.RATIO * frames,)
            48 kHz; the network ends four frames early, zeros follow.

        Raises
        ------
        AudioFormatError
            If an array has another shape or holds no real numbers.
        """
        packer = Packer(self._grid, [check_audio(audio, 1)[:, 0] for audio in recordings])
        waiting: deque[tuple[Batch, _Slot]] = deque()
        with self._lock, _exact_products():
            for index, batch in enumerate(packer.batches(self._batch)):
                if len(waiting) == _SLOTS:
                    _collect(packer, *waiting.popleft())
                slot = self._slot(index % _SLOTS)
                packer.fill(batch, *slot.input(batch.size))
                slot.start(batch.size, self._network)
                waiting.append((batch, slot))
            while waiting:
                _collect(packer, *waiting.popleft())
        return packer.outputs

    def enhance(
        self,
        recordings: Sequence[ArrayLike],
        sample_rate: int | Sequence[int],
        *,
        mode: Mode = "extend",
        high_band_gain_db: float = 0.0,
        jobs: int | None = None,
    ) -> list[FloatArray]:
        """Extend recordings to 48 kHz, as :func:`novasr.enhance` does with ``force=True``.

        Parameters
        ----------
        recordings : sequence of array_like of float, shape (frames,) or (frames, channels)
            Linear PCM, full scale at 1.0; of any lengths.
        sample_rate : int or sequence of int
            Of all recordings, or of each, in Hz, 8000 .. 192000.
        mode, high_band_gain_db
            As for :func:`novasr.enhance`.
        jobs : int, optional
            Threads for the chain around the network; one per CPU by default.

        Returns
        -------
        list of ndarray of float32, shape (round(frames * 48000 / sample_rate),) or with channels
            48 kHz, each aligned with its recording.

        Raises
        ------
        AudioFormatError, ParameterError
            As for :func:`novasr.enhance`.
        """
        from novasr.cuda.chain import enhance_recordings

        return enhance_recordings(
            self, recordings, sample_rate, mode=mode, gain_db=high_band_gain_db, jobs=jobs
        )

    def difference(self) -> float:
        """Compare with PyTorch's layers on the same device.

        Returns
        -------
        float
            The largest difference for noise of 2 to 300 frames, in one batch, full scale at
            1.0; below 1e-5 for float32.
        """
        rng = np.random.default_rng(0)
        recordings = [0.25 * rng.standard_normal(frames, np.float32) for frames in (2, 70, 300)]
        plain = BatchEngine(self.weights, batch=4, compute="plain")
        pairs = zip(self.run(recordings), plain.run(recordings), strict=True)
        return max(float(np.abs(here - there).max()) for here, there in pairs)

    def _refuse_errors(self) -> None:
        """Trust the kernel on this GPU, with its compiler and driver, only once it has been right."""
        found = self.difference()
        if not found <= _LARGEST_ERROR:
            msg = (
                f"the fused kernel is off by {found:.1e} on this GPU: use compute='plain', or engine='native', "
                "and report it with the output of nvidia-smi"
            )
            raise StreamError(msg)

    def _make_network(
        self, tensors: Mapping[str, FloatArray], precision: Precision | None
    ) -> CudaNetwork:
        if self.compute != "fused":
            return self.family.plain_network(
                tensors, self.device, compiled=self.compute == "compiled"
            )
        if not has_triton():
            msg = f"compute='fused' needs Triton: {install_command('cuda')}"
            raise MissingPackageError(msg)
        return self.family.fused_network(tensors, self.device, precision)

    def _slot(self, index: int) -> _Slot:
        if index == len(self._slots):
            scratch = self._network.scratch()
            self._slots.append(_Slot(self._grid, self._batch, self.device, scratch))
        return self._slots[index]


def shared_engine(weights: str | Path | None) -> BatchEngine:
    """Give the engine for these weights that this process has; parameters and errors as for `BatchEngine`."""
    with _one_at_a_time:
        return _shared(weights, weights_stamp(weights))


@lru_cache(maxsize=2)
def _shared(weights: str | Path | None, stamp: tuple[int, int] | None) -> BatchEngine:
    return BatchEngine(weights)


class _Slot:
    """Memory of one batch on its way to the device and back, and the CUDA stream that it takes."""

    def __init__(self, grid: Grid, rows: int, device: torch.device, scratch: Tensor) -> None:
        import torch

        on_gpu = device.type == "cuda"
        self._stream = torch.cuda.Stream(device) if on_gpu else None  # type: ignore[no-untyped-call]
        shapes = {
            "audio": ((rows, grid.width), torch.float32),
            "start": ((rows,), torch.int32),
            "total": ((rows,), torch.int32),
            "out": ((rows, grid.ratio * grid.frames), torch.float32),
        }
        self._host = {
            name: torch.empty(shape, dtype=kind, pin_memory=on_gpu)
            for name, (shape, kind) in shapes.items()
        }
        self._device = (
            {name: torch.empty_like(value, device=device) for name, value in self._host.items()}
            if on_gpu
            else self._host
        )
        self._scratch = scratch
        if on_gpu:  # which was filled in another stream
            torch.cuda.synchronize(device)

    def input(self, size: int) -> tuple[Any, Any, Any]:
        """Give arrays to write a batch of this size to."""
        audio, start, total = (
            self._host[name][:size].numpy() for name in ("audio", "start", "total")
        )
        return audio, start, total

    def start(self, size: int, network: CudaNetwork) -> None:
        """Begin to compute what was written; on a GPU it returns at once."""
        import torch

        with torch.inference_mode(), torch.cuda.stream(self._stream):
            for name in ("audio", "start", "total"):
                self._copy(self._host[name][:size], self._device[name][:size])
            audio, start, total, out = (value[:size] for value in self._device.values())
            audio.nan_to_num_(0.0, 0.0, 0.0).clamp_(-_LOUDEST, _LOUDEST)
            network(audio, start, total, out, self._scratch)
            self._copy(out, self._host["out"][:size])

    def finish(self, size: int) -> FloatArray:
        """Wait for the output."""
        if self._stream is not None:
            self._stream.synchronize()
        output: FloatArray = self._host["out"][:size].numpy()
        return output

    @staticmethod
    def _copy(source: Tensor, target: Tensor) -> None:
        if source is not target and source.device != target.device:
            target.copy_(source, non_blocking=True)


def _collect(packer: Packer, batch: Batch, slot: _Slot) -> None:
    packer.take(batch, slot.finish(batch.size))


@contextmanager
def _exact_products() -> Iterator[None]:
    """Keep PyTorch's own convolutions from TF32, whose error is 1e-3."""
    import torch

    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield
