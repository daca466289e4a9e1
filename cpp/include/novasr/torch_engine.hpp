#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "novasr/engine.hpp"

namespace novasr {

struct TorchOptions {
  int threads = 1;           ///< LibTorch threads per call; the caller's own torch keeps its setting
  std::string library = {};  ///< path of libnovasr_torch; empty: beside the binary that this code is linked into
};

/// Makes an engine that runs a TorchScript stream (docs/torchscript.md states what the script must offer).
///
/// LibTorch allocates and locks, so on an audio thread wrap the engine in a WorkerEngine. libnovasr_torch is opened
/// here and not before, so that programs which never call this neither need nor load LibTorch.
///
/// Thread: control.  Throws ModelError when LibTorch or the script cannot be loaded.
[[nodiscard]] std::unique_ptr<StreamingEngine> make_torch_engine(std::span<const char> torchscript,
                                                                 const TorchOptions& options = {});

}  // namespace novasr
