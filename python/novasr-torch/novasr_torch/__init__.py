"""The LibTorch engine of NovaSR, which the package novasr opens."""

from pathlib import Path

from novasr_torch._built import TORCH_VERSION as TORCH_VERSION

#: Exports one C function (cpp/src/torch/factory.hpp); loading it loads LibTorch.
LIBRARY = Path(__file__).absolute().with_name("libnovasr_torch.so")
