#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "dsp/cutoff_estimator.hpp"
#include "families/wide/extender.hpp"
#include "novasr/engine.hpp"
#include "novasr/planar_buffer.hpp"

namespace novasr::wide {

/// The network in SIMD, whose output is what it adds to the input: runs inline on the audio thread, without allocation,
/// lock or system call.
///
/// The cut-off is estimated from all channels together, unless it is given. Flushes denormals while it runs, then
/// restores the caller's floating-point mode.
class WideEngine final : public StreamingEngine {
 public:
  /// [control] A given cut-off, in Hz, replaces the estimate.
  WideEngine(std::shared_ptr<const Layers> layers, const kernels::KernelTable& kernels,
             std::optional<float> cutoff_hz = {});

  [[nodiscard]] const EngineFormat& format() const NOVASR_RT override;
  void prepare(const EngineSpec& spec) override;
  void reset() NOVASR_RT override;
  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override;
  void flush(AudioView<float> out) noexcept override;
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT override;
  [[nodiscard]] EngineStats stats() const NOVASR_RT override;

 private:
  [[nodiscard]] std::size_t next_hops(std::size_t frames) const NOVASR_RT;
  void append(AudioView<const float> in) NOVASR_RT;
  void append_zeros(std::size_t frames) NOVASR_RT;
  void run_hops() NOVASR_RT;
  void deliver(AudioView<float> out) NOVASR_RT;
  [[nodiscard]] float cutoff_hz() const NOVASR_RT;
  [[nodiscard]] Extension next_extension() NOVASR_RT;

  Extender extender_;
  std::optional<float> fixed_cutoff_hz_;
  CutoffEstimator estimator_;
  PlanarBuffer input_;   ///< the last complete hop, then `waiting_` frames
  PlanarBuffer output_;  ///< `ready_` frames
  std::size_t channels_ = 0;
  std::size_t waiting_ = 0;
  std::size_t ready_ = 0;
  float last_cutoff_hz_ = 0.0f;
  std::size_t hops_since_jump_ = 0;
};

}  // namespace novasr::wide
