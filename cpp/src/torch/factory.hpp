#pragma once
#include <cstddef>

#include "novasr/engine.hpp"

namespace novasr {

/// The one symbol of libnovasr_torch. Returns nullptr and a message instead of throwing across the library boundary.
extern "C" using TorchFactory =
    StreamingEngine * (const char* torchscript, std::size_t size, int threads, char* error, std::size_t error_size);
/// The number is the version of the layout of StreamingEngine and its return types: a plugin may find the library of
/// another release.
inline constexpr const char* kTorchFactoryName = "novasr_make_torch_engine_3";

}  // namespace novasr
