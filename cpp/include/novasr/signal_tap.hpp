#pragma once
#include <atomic>
#include <cstddef>
#include <span>

#include "novasr/audio_view.hpp"
#include "novasr/frame_ring.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// What a display shows of one point in the signal: peak level, and waveform averaged over the channels. One audio
/// thread writes, one other thread reads, both wait-free.
class SignalTap {
 public:
  /// [control] `min_frames`: of the waveform that may wait to be read.
  explicit SignalTap(std::size_t min_frames) : ring_(min_frames) {}

  /// [audio] Takes the peak and, if `watched`, the waveform; frames that find no room are lost.
  void write(AudioView<const float> audio, bool watched = true) NOVASR_RT;

  /// [reader] Largest magnitude since the last call.
  float take_peak() NOVASR_RT { return peak_.exchange(0.0f, std::memory_order_relaxed); }

  /// [reader] Frames that read() is certain to find.
  [[nodiscard]] std::size_t readable() NOVASR_RT { return ring_.readable(); }

  /// [reader] Fills as much of `target` as there are frames and returns how many.
  std::size_t read(std::span<float> target) NOVASR_RT { return ring_.read(target); }

 private:
  FrameRing ring_;
  std::atomic<float> peak_{0.0f};
};

}  // namespace novasr
