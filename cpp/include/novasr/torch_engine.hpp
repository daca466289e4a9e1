#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "novasr/engine.hpp"

namespace novasr {

struct TorchOptions {
  int threads = 1;           ///< LibTorch threads per call; the caller's own torch keeps its setting
  std::string library = {};  ///< path of libnovasr_torch; empty: in the folder of the binary that contains this code
};

/// Makes an engine that runs a TorchScript stream (see docs/torchscript.md for the contract).
///
/// LibTorch allocates and locks, so on an audio thread wrap the engine in a WorkerEngine. This function opens
/// libnovasr_torch, so programs that never call it neither need nor load LibTorch.
///
/// Thread: control.  Throws ModelError when LibTorch or the script cannot be loaded.
[[nodiscard]] std::unique_ptr<StreamingEngine> make_torch_engine(std::span<const char> torchscript,
                                                                 const TorchOptions& options = {});

}  // namespace novasr
