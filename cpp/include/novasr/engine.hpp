#pragma once
#include <cstddef>
#include <cstdint>

#include "novasr/audio_view.hpp"
#include "novasr/realtime.hpp"
#include "novasr/types.hpp"

namespace novasr {

/// Counters that only grow between two reset() calls.
struct EngineStats {
  std::uint64_t underrun_blocks = 0;  ///< process() calls that had to put out dry audio
  std::uint64_t underrun_frames = 0;  ///< 48 kHz frames of dry audio put out in place of late ones
  std::uint64_t dropped_frames = 0;   ///< late 48 kHz frames thrown away to stay aligned
  std::uint64_t failed_blocks = 0;    ///< blocks that the model could not compute (replaced by silence)
};

/// 16 kHz audio in, 48 kHz audio out, channels independent, latency constant.
///
/// N input frames give exactly 3 N output frames: first latency_frames() zeros, then the model's output from its first
/// sample on. flush() gives the latency_frames() frames still owed, with the model's right edge computed as for a whole
/// file; the model itself ends 4 frames short of 3 N, and those are zeros. However the input is cut, the output is the
/// same.
///
/// Life: prepare() -> { process()* -> flush()? -> reset() }*.
class StreamingEngine {
 public:
  virtual ~StreamingEngine() = default;

  /// [control] Allocates; ends with a reset(). Throws ConfigError or ModelError.
  virtual void prepare(const EngineSpec& spec) = 0;

  /// [audio] The next block is treated as the first of a fresh stream.
  virtual void reset() NOVASR_RT = 0;

  /// [audio] Takes all of `in`, fills all of `out`.
  /// Precondition: both have the prepared channel count; out.frames() == 3 * in.frames() <= 3 * max_block_frames.
  virtual void process(AudioView<const float> in_16k, AudioView<float> out_48k) NOVASR_RT = 0;

  /// [the thread of process()] Ends the stream; an engine with a thread of its own waits for it here.
  /// Precondition: out.frames() == latency_frames(); only reset() may follow.
  virtual void flush(AudioView<float> out_48k) noexcept = 0;

  /// [any] The constant that lasting silence leads to, bit for bit, or 0 where it is not known.
  [[nodiscard]] virtual float silence_output() const NOVASR_RT { return 0.0f; }

  /// [any] Delay at 48 kHz; constant between two prepare() calls.
  [[nodiscard]] virtual std::size_t latency_frames() const NOVASR_RT = 0;

  /// [any]
  [[nodiscard]] virtual EngineStats stats() const NOVASR_RT { return {}; }
};

}  // namespace novasr
