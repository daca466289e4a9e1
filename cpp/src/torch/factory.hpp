#pragma once
#include <cstddef>

#include "novasr/engine.hpp"

namespace novasr {

/// The one symbol of libnovasr_torch. Returns nullptr and a message instead of throwing across the library boundary.
extern "C" using TorchFactory =
    StreamingEngine * (const char* torchscript, std::size_t size, int threads, char* error, std::size_t error_size);
/// The number counts the layouts of StreamingEngine and what it returns: a plugin may meet the library of another
/// release.
inline constexpr const char* kTorchFactoryName = "novasr_make_torch_engine_3";

}  // namespace novasr
