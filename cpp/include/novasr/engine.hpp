#pragma once
#include <cstddef>
#include <cstdint>

#include "novasr/audio_view.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Largest block, in frames, that a caller may ask for.
inline constexpr std::size_t kMaxBlockFrames = 1 << 20;

/// What an engine is for its whole life; everything around it derives from this.
struct EngineFormat {
  std::uint32_t input_hz = 0;
  std::uint32_t output_hz = 0;    ///< a whole multiple of input_hz
  std::size_t hop_frames = 1;     ///< input frames computed together; streams may be spliced at its multiples
  std::size_t memory_frames = 0;  ///< input frames after which nothing of the past is heard
  std::size_t edge_frames = 0;    ///< output frames for which the start or end of a stream is heard
  std::size_t offset_frames = 0;  ///< output frame, less the latency, on which input frame 0 lies
  double band_hz = 0.0;           ///< where the input that the model uses ends
  bool linked_channels = false;   ///< a channel's output depends on the other channels' input

  /// Output frames for each input frame.
  [[nodiscard]] constexpr std::size_t ratio() const NOVASR_RT { return output_hz / input_hz; }

  /// Audio of this rate has a band above band_hz for the model to fill.
  [[nodiscard]] constexpr bool extends(std::uint32_t rate_hz) const NOVASR_RT { return rate_hz > 2.0 * band_hz; }

  bool operator==(const EngineFormat&) const = default;
};

/// What prepare() needs to size everything.
struct EngineSpec {
  std::size_t channels = 1;
  std::size_t max_block_frames = 8192;  ///< input frames per call of process()
};

/// Counters that only grow between two reset() calls. Frames are output frames.
struct EngineStats {
  std::uint64_t underrun_blocks = 0;  ///< process() calls that had to output dry audio
  std::uint64_t underrun_frames = 0;  ///< frames of dry audio in place of late ones
  std::uint64_t dropped_frames = 0;   ///< late frames discarded to stay aligned
  std::uint64_t failed_blocks = 0;    ///< blocks that the model could not compute (replaced by silence)
};

/// A model that computes audio as a stream, at the rates of its format and with constant latency.
///
/// N input frames give exactly N * format().ratio() output frames: first latency_frames() zeros, then the model's
/// output from its first sample on. flush() gives the latency_frames() frames still pending, with the model's right
/// edge computed as for a whole file; where the model itself ends early, zeros follow. Any block size gives the same
/// output.
///
/// Life: prepare() -> { process()* -> flush()? -> reset() }*.
class StreamingEngine {
 public:
  virtual ~StreamingEngine() = default;

  /// [any] Constant from construction on.
  [[nodiscard]] virtual const EngineFormat& format() const NOVASR_RT = 0;

  /// [control] Allocates; ends with a reset(). Throws ConfigError or ModelError.
  virtual void prepare(const EngineSpec& spec) = 0;

  /// [audio] The next block is treated as the first of a fresh stream.
  virtual void reset() NOVASR_RT = 0;

  /// [audio] Takes all of `in`, fills all of `out`. Input is finite.
  /// Precondition: both have the prepared channel count; in.frames() <= max_block_frames and
  /// out.frames() == in.frames() * format().ratio().
  virtual void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT = 0;

  /// [the thread of process()] Ends the stream; an engine with a thread of its own waits for it here.
  /// Precondition: out.frames() == latency_frames(); only reset() may follow.
  virtual void flush(AudioView<float> out) noexcept = 0;

  /// [any] The constant that lasting silence leads to, bit for bit, or 0 where it is not known.
  [[nodiscard]] virtual float silence_output() const NOVASR_RT { return 0.0f; }

  /// [any] Delay in output frames; constant between two prepare() calls.
  [[nodiscard]] virtual std::size_t latency_frames() const NOVASR_RT = 0;

  /// [any]
  [[nodiscard]] virtual EngineStats stats() const NOVASR_RT { return {}; }
};

}  // namespace novasr
