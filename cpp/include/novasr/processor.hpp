#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "novasr/audio_view.hpp"
#include "novasr/engine.hpp"
#include "novasr/parameters.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

struct ProcessorStats {
  std::uint64_t input_frames = 0;
  std::uint64_t output_frames = 0;
  std::uint64_t nonfinite_samples = 0;  ///< NaN or Inf in the input, replaced by 0
  bool passthrough = false;  ///< the output rate has no band to extend: the input passes through without delay
  EngineStats engine;
};

/// The complete chain, shared by plugin, live and offline use:
/// input -> input resampler -> engine -> output resampler -> mix with the delayed input.
///
/// N input frames yield floor(N * output_rate / sample_rate) output frames in total, delayed by latency_frames().
/// flush() returns the rest, so that the whole stream has latency_frames() + round(N * output_rate / sample_rate)
/// frames; round() rounds halves to even.
class Processor {
 public:
  explicit Processor(std::unique_ptr<StreamingEngine> engine);
  ~Processor();
  Processor(Processor&&) noexcept;
  Processor& operator=(Processor&&) noexcept;

  /// [control] Allocates; ends with a reset(). Throws ConfigError.
  void prepare(const ProcessSpec& spec);

  /// [control] Takes effect within the next blocks, with fades of 10 ms; immediately before the first block of a
  /// stream. Throws ConfigError, also for parameters that low_latency rules out. Without this call the defaults of
  /// Parameters apply; with low_latency, Mode::full and FrontEnd::reference.
  void set_parameters(const Parameters& parameters);

  /// [audio] Replaces set_parameters() in hosts that deliver parameters with the audio: takes effect with the next
  /// block, so that renders are bit-identical.
  /// Precondition: all values are in range.
  void apply(const Parameters& parameters) NOVASR_RT;

  /// [audio] The next block is treated as the first of a fresh stream; keeps the parameters.
  void reset() NOVASR_RT;

  /// [audio] Consumes all of `in`; returns the number of frames written to `out`.
  /// Precondition: in.frames() <= max_block_frames, out.frames() >= max_output_frames(in.frames()).
  std::size_t process(AudioView<const float> in, AudioView<float> out) NOVASR_RT;

  /// [the thread of process()] Ends the stream and returns the number of frames written; only reset() may follow.
  /// Precondition: out.frames() >= latency_frames() + 1.
  std::size_t flush(AudioView<float> out) noexcept;

  /// [any] Latency in output frames; constant between two prepare() calls.
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT;

  /// [any] Format of the engine.
  [[nodiscard]] const EngineFormat& format() const NOVASR_RT;

  /// [any] Upper bound of the frames that process() writes for `input_frames` input frames.
  [[nodiscard]] std::size_t max_output_frames(std::size_t input_frames) const NOVASR_RT;

  /// [any]
  [[nodiscard]] ProcessorStats stats() const NOVASR_RT;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// [control] The latency_frames() of a Processor prepared with an engine of this format and latency.
/// Precondition: a valid spec.
[[nodiscard]] std::size_t processing_latency_frames(const ProcessSpec& spec, const EngineFormat& format,
                                                    std::size_t engine_latency_frames);

}  // namespace novasr
