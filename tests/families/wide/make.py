"""Make the files of this folder anew, after the network's shape has changed: python tests/families/wide/make.py."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from novasr.families.wide import WideNetwork
from novasr.families.wide.architecture import HOP

HERE = Path(__file__).parent
FRAMES = 24 * HOP + 77
CUTOFFS_HZ = (8_000.0, 4_000.0, 16_000.0, 11_000.0)  # for seven hops each


class Uniform:
    """The values of tests/cpp/families/wide/wide_support.hpp, in [-1, 1)."""

    def __init__(self) -> None:
        self.state = 1

    def draw(self, count: int) -> np.ndarray:
        values = np.empty(count)
        for i in range(count):
            self.state = (1_664_525 * self.state + 1_013_904_223) % 2**32
            values[i] = self.state / 2**31 - 1
        return values


def neutral() -> dict[str, torch.Tensor]:
    """No gains: with a full band, the engine only delays its input."""
    tensors = {
        name: torch.zeros_like(tensor) for name, tensor in WideNetwork().state_dict().items()
    }
    tensors["leave.bias"].fill_(-100.0)
    return {name: tensor.half() for name, tensor in tensors.items()}


def lively(uniform: Uniform) -> WideNetwork:
    """Weights with which every layer matters."""
    network = WideNetwork().eval()
    tensors = network.state_dict()
    for name, tensor in tensors.items():
        if tensor.dim() > 1:
            scale, offset = math.sqrt(3 / (tensor.numel() // tensor.shape[0])), 0.0
        elif name.endswith("norm.weight"):
            scale, offset = 0.2, 1.0
        elif name.endswith("scale"):
            scale, offset = 0.2, 0.5
        elif name == "leave.bias":  # an upper band of about -14 dBFS
            scale, offset = 0.1, -3.0
        else:
            scale, offset = 0.1, 0.0
        values = offset + scale * uniform.draw(tensor.numel())
        tensors[name] = torch.from_numpy(values).float().reshape(tensor.shape)
    network.load_state_dict(tensors)
    return network


def recording(uniform: Uniform) -> np.ndarray:
    """Noise that falls towards high frequencies."""
    audio, value = np.empty(FRAMES, np.float32), 0.0
    for i, step in enumerate(uniform.draw(FRAMES)):
        value = 0.9 * value + 0.1 * step
        audio[i] = value
    return audio


def main() -> None:
    save_file(neutral(), HERE / "neutral.safetensors", metadata={"family": "wide"})
    uniform = Uniform()
    network, audio = lively(uniform), recording(uniform)
    hops = -(-FRAMES // HOP) + 1
    cutoffs = torch.tensor([[CUTOFFS_HZ[hop // 7] for hop in range(hops)]])
    with torch.inference_mode():
        output = network(torch.from_numpy(audio)[None, None], cutoffs)[0, 0]
    output.numpy().astype("<f4").tofile(HERE / "reference.f32")


if __name__ == "__main__":
    main()
