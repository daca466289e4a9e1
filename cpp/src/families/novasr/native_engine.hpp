#pragma once
#include <memory>

#include "families/novasr/weights.hpp"
#include "novasr/engine.hpp"
#include "novasr/isa.hpp"

namespace novasr {

namespace kernels {
struct KernelTable;
}

/// How many frames the network's largest layer computes at a time; either way the block size never matters.
enum class Tile {
  streaming,  ///< 3 input frames: latency 43 frames at 48 kHz
  offline     ///< 13 input frames: latency 73 frames at 48 kHz, and faster on large blocks
};

/// The network in hand-made SIMD: runs inline on the audio thread, without allocation, lock or system call.
///
/// Denormals are flushed while it runs; the caller's floating-point mode is restored.
class NativeEngine final : public StreamingEngine {
 public:
  /// [control] Folds the weights for the kernels (milliseconds). The default instruction set is the best available.
  /// Throws ModelError if folding overflows; with `isa`, ConfigError if it is not available.
  explicit NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile = Tile::streaming);
  NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile, Isa isa);

  /// [control] With kernels of the caller's own; they must outlive the engine.
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
