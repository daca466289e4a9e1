#pragma once
#include <cstddef>
#include <cstdint>

#include "novasr/audio_view.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Largest block size, in frames, that a caller may request.
inline constexpr std::size_t kMaxBlockFrames = 1 << 20;

/// The constant properties of an engine, from which the rest of the chain is derived.
struct EngineFormat {
  std::uint32_t input_hz = 0;
  std::uint32_t output_hz = 0;    ///< an integer multiple of input_hz
  std::size_t hop_frames = 1;     ///< input frames computed together; streams may be spliced at its multiples
  std::size_t memory_frames = 0;  ///< input frames after which earlier input no longer affects the output
  std::size_t edge_frames = 0;    ///< output frames affected by the start or end of a stream
  std::size_t offset_frames = 0;  ///< output frame, minus the latency, that coincides with input frame 0
  double band_hz = 0.0;           ///< upper band edge of the input that the model uses
  bool linked_channels = false;   ///< a channel's output depends on the other channels' input
  bool forgets = true;            ///< no input before memory_frames affects the output at all: streams may be spliced
  bool adds_to_input = false;     ///< the output is what the model adds: the chain sums it with the input

  /// Output frames for each input frame.
  [[nodiscard]] constexpr std::size_t ratio() const NOVASR_RT { return output_hz / input_hz; }

  /// Whether audio at this rate has a band above band_hz for the model to fill.
  [[nodiscard]] constexpr bool extends(std::uint32_t rate_hz) const NOVASR_RT { return rate_hz > 2.0 * band_hz; }

  bool operator==(const EngineFormat&) const = default;
};

/// What prepare() allocates for.
struct EngineSpec {
  std::size_t channels = 1;
  std::size_t max_block_frames = 8192;  ///< input frames per call of process()
  double source_band_hz = 0.0;          ///< where the source's band ends, as far as is known; 0 = unknown
};

/// Counters that only increase between two reset() calls, in output frames, and what the engine knows of its input.
struct EngineStats {
  std::uint64_t underrun_blocks = 0;  ///< process() calls that returned dry audio
  std::uint64_t underrun_frames = 0;  ///< dry frames output in place of late ones
  std::uint64_t dropped_frames = 0;   ///< late frames discarded to keep the alignment
  std::uint64_t failed_blocks = 0;    ///< blocks that the model failed to compute (replaced by silence)
  float cutoff_hz = 0.0f;             ///< upper band edge of the input, above which the engine adds; 0: not looked for
};

/// Computes a model as a stream, at the rates of its format and with constant latency.
///
/// N input frames yield exactly N * format().ratio() output frames: latency_frames() zeros, then the model's output
/// from its first sample. flush() returns the latency_frames() frames still pending, with the same right edge as for a
/// whole file; if the model itself ends early, zeros follow. The output does not depend on the block size.
///
/// Life: prepare() -> { process()* -> flush()? -> reset() }*.
class StreamingEngine {
 public:
  virtual ~StreamingEngine() = default;

  /// [any] Constant after construction.
  [[nodiscard]] virtual const EngineFormat& format() const NOVASR_RT = 0;

  /// [control] Allocates; ends with a reset(). Throws ConfigError or ModelError.
  virtual void prepare(const EngineSpec& spec) = 0;

  /// [audio] The next block is treated as the first of a fresh stream.
  virtual void reset() NOVASR_RT = 0;

  /// [audio] Consumes all of `in`, fills all of `out`. The input is finite.
  /// Precondition: both have the prepared channel count; in.frames() <= max_block_frames and
  /// out.frames() == in.frames() * format().ratio().
  virtual void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT = 0;

  /// [the thread of process()] Ends the stream; an engine with a worker thread waits for it here.
  /// Precondition: out.frames() == latency_frames(); only reset() may follow.
  virtual void flush(AudioView<float> out) noexcept = 0;

  /// [any] The constant output for sustained silence, bit-exact, or 0 if unknown.
  [[nodiscard]] virtual float silence_output() const NOVASR_RT { return 0.0f; }

  /// [any] Latency in output frames; constant between two prepare() calls.
  [[nodiscard]] virtual std::size_t latency_frames() const NOVASR_RT = 0;

  /// [any]
  [[nodiscard]] virtual EngineStats stats() const NOVASR_RT { return {}; }
};

}  // namespace novasr
