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
  bool passthrough = false;             ///< the output rate has no band to extend: the input passes without delay
  EngineStats engine;
};

/// The whole chain, the same for plugin, live and offline use:
/// input -> input resampler -> engine -> output resampler -> mix with the delayed input.
///
/// N input frames give floor(N * output_rate / sample_rate) output frames in all, delayed by latency_frames();
/// flush() gives the rest, so that the whole stream is latency_frames() + round(N * output_rate / sample_rate) frames;
/// round() takes a half to the even neighbour.
class Processor {
 public:
  explicit Processor(std::unique_ptr<StreamingEngine> engine);
  ~Processor();
  Processor(Processor&&) noexcept;
  Processor& operator=(Processor&&) noexcept;

  /// [control] Allocates; ends with a reset(). Throws ConfigError.
  void prepare(const ProcessSpec& spec);

  /// [control] Takes effect within the next blocks, in fades of 10 ms; at once before the first block of a stream.
  /// Throws ConfigError, also for what low_latency leaves out. Without this call the defaults of Parameters apply, in
  /// low_latency Mode::full and FrontEnd::reference.
  void set_parameters(const Parameters& parameters);

  /// [audio] set_parameters() for hosts that bring parameters along with the audio, to be used instead of it: takes
  /// effect from the next block on, so that renders repeat exactly.
  /// Precondition: all values are in range.
  void apply(const Parameters& parameters) NOVASR_RT;

  /// [audio] The next block is treated as the first of a fresh stream; parameters stay.
  void reset() NOVASR_RT;

  /// [audio] Takes all of `in`; returns how many frames it wrote to `out`.
  /// Precondition: in.frames() <= max_block_frames, out.frames() >= max_output_frames(in.frames()).
  std::size_t process(AudioView<const float> in, AudioView<float> out) NOVASR_RT;

  /// [the thread of process()] Ends the stream and returns how many frames it wrote; only reset() may follow.
  /// Precondition: out.frames() >= latency_frames() + 1.
  std::size_t flush(AudioView<float> out) noexcept;

  /// [any] Output frames by which the output lags behind the input; constant between two prepare() calls.
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT;

  /// [any] Of the engine.
  [[nodiscard]] const EngineFormat& format() const NOVASR_RT;

  /// [any] Upper bound of what process() writes for so many input frames.
  [[nodiscard]] std::size_t max_output_frames(std::size_t input_frames) const NOVASR_RT;

  /// [any]
  [[nodiscard]] ProcessorStats stats() const NOVASR_RT;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// [control] What latency_frames() of a Processor is once prepared with an engine of that format and latency.
/// Precondition: a valid spec.
[[nodiscard]] std::size_t processing_latency_frames(const ProcessSpec& spec, const EngineFormat& format,
                                                    std::size_t engine_latency_frames);

}  // namespace novasr
