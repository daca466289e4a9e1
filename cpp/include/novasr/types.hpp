#pragma once
#include <cstddef>
#include <cstdint>

namespace novasr {

inline constexpr std::uint32_t kModelInputHz = 16'000;
inline constexpr std::uint32_t kModelOutputHz = 48'000;
inline constexpr std::size_t kUpsampling = kModelOutputHz / kModelInputHz;

/// Largest block, in frames, that a caller may ask for.
inline constexpr std::size_t kMaxBlockFrames = 1 << 20;

/// What prepare() needs to size everything.
struct EngineSpec {
  std::size_t channels = 1;
  std::size_t max_block_frames = 8192;  ///< at 16 kHz, per call of process()
};

}  // namespace novasr
