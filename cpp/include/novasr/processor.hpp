#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "novasr/audio_view.hpp"
#include "novasr/engine.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// What is heard below and above the crossover.
enum class Mode {
  extend,  ///< the input itself below the crossover, the model above it
  full     ///< the model's output alone, as upstream NovaSR
};

/// The filter that brings the input to 16 kHz.
enum class FrontEnd {
  clean,     ///< sharp linear-phase low-pass: flat pass band, no audible aliasing
  reference  ///< torchaudio's kaiser_window resampler (width 6), which upstream's weights were trained behind
};

/// Fixed by prepare(); the latency depends on this and on nothing else.
struct ProcessSpec {
  std::uint32_t sample_rate_hz = 48'000;  ///< 8 000 .. 192 000
  std::uint32_t output_rate_hz = 48'000;  ///< 48 000, or equal to sample_rate_hz
  std::size_t channels = 1;
  std::size_t max_block_frames = 8192;  ///< input frames per call of process()
  bool low_latency = false;             ///< shortest path: Mode::full and FrontEnd::reference only
};

/// May change while audio runs; none of it changes the latency.
struct Parameters {
  Mode mode = Mode::extend;
  FrontEnd front_end = FrontEnd::clean;
  float crossover_hz = 7'100.0f;   ///< -6 dB, 4 000 .. 8 000; input below 16 kHz: at most 7/16 of its rate
  float mix = 1.0f;                ///< 0 = the delayed input, 1 = enhanced
  float high_band_gain_db = 0.0f;  ///< -24 .. +12, on the band above the crossover (Mode::extend only)
  float output_gain_db = 0.0f;     ///< -60 .. +24
  bool bypass = false;

  bool operator==(const Parameters&) const = default;
};

struct ProcessorStats {
  std::uint64_t input_frames = 0;
  std::uint64_t output_frames = 0;
  std::uint64_t nonfinite_samples = 0;  ///< NaN or Inf in the input, replaced by 0
  bool passthrough = false;             ///< output rate <= 16 kHz: nothing to extend, the input passes without delay
  EngineStats engine;
};

/// The whole chain, the same for plugin, live and offline use:
/// input -> front end (to 16 kHz) -> engine (to 48 kHz) -> back end (to the output rate) -> mix with the delayed input.
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
  void follow(const Parameters& parameters) NOVASR_RT;

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

  /// [any] Upper bound of what process() writes for so many input frames.
  [[nodiscard]] std::size_t max_output_frames(std::size_t input_frames) const NOVASR_RT;

  /// [any]
  [[nodiscard]] ProcessorStats stats() const NOVASR_RT;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace novasr
