#pragma once
#include <memory>

#include "families/novasr/weights.hpp"
#include "novasr/engine.hpp"
#include "novasr/isa.hpp"

namespace novasr {

namespace kernels {
struct KernelTable;
}

/// Number of frames that the network's largest layer computes at a time; independent of the block size.
enum class Tile {
  streaming,  ///< 3 input frames: latency 43 frames at 48 kHz
  offline     ///< 13 input frames: latency 73 frames at 48 kHz, and faster on large blocks
};

/// The network in hand-written SIMD: runs inline on the audio thread, without allocation, lock or system call.
///
/// Flushes denormals while it runs, then restores the caller's floating-point mode.
class NativeEngine final : public StreamingEngine {
 public:
  /// [control] Folds the weights for the kernels (milliseconds). The default instruction set is the best available.
  /// Throws ModelError if folding overflows, ConfigError if `isa` is not available.
  explicit NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile = Tile::streaming);
  NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile, Isa isa);

  /// [control] Uses the caller's kernels, which must outlive the engine.
  NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile, const kernels::KernelTable& kernels);

  ~NativeEngine() override;

  [[nodiscard]] const EngineFormat& format() const NOVASR_RT override;
  void prepare(const EngineSpec& spec) override;
  void reset() NOVASR_RT override;
  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override;
  void flush(AudioView<float> out) noexcept override;
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT override;
  [[nodiscard]] float silence_output() const NOVASR_RT override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace novasr
