#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "novasr/engine.hpp"
#include "novasr/model_weights.hpp"

namespace novasr {

namespace kernels {
struct KernelTable;
}

/// Instruction sets that the kernels are compiled for.
enum class Isa {
  portable,  ///< four floats: SSE2 on x86-64, NEON on ARM64
  sse41,
  avx2,  ///< with FMA
  avx512
};

/// How many frames the network's largest layer computes at a time; either way the cut of the input never matters.
enum class Tile {
  streaming,  ///< 3 input frames: latency 43 frames at 48 kHz
  offline     ///< 13 input frames: latency 73 frames at 48 kHz, and faster on large blocks
};

/// [any]
[[nodiscard]] std::string_view isa_name(Isa isa) noexcept;

/// [control] Those that this processor runs and this build has, slowest first; the last is the default. The environment
/// variable NOVASR_ISA leaves out those above the one that it names, as on a processor without them.
[[nodiscard]] std::vector<Isa> available_isas();

/// [control] Throws ConfigError if NOVASR_ISA names none that is available. Everything else ignores such a name: the
/// environment of a host must not end it.
void check_isa_choice();

/// The network in hand-made SIMD: runs inline on the audio thread, without allocation, lock or system call.
///
/// Non-finite input samples count as 0. Denormals are flushed while it runs; the caller's floating-point mode is
/// restored.
class NativeEngine final : public StreamingEngine {
 public:
  /// [control] Folds the weights for the kernels (milliseconds). The default instruction set is the best available.
  /// Throws ModelError if folding overflows; with `isa`, ConfigError if it is not available.
  explicit NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile = Tile::streaming);
  NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile, Isa isa);

  /// [control] With kernels of the caller's own; they must outlive the engine.
  NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile, const kernels::KernelTable& kernels);

  ~NativeEngine() override;

  void prepare(const EngineSpec& spec) override;
  void reset() NOVASR_RT override;
  void process(AudioView<const float> in_16k, AudioView<float> out_48k) NOVASR_RT override;
  void flush(AudioView<float> out_48k) noexcept override;
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT override;
  [[nodiscard]] float silence_output() const NOVASR_RT override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace novasr
