#pragma once
#include <atomic>

#include "novasr/realtime.hpp"

namespace novasr {

/// The load of an audio thread: time taken / time given. One audio thread writes, any thread reads, all wait-free.
class LoadMeter {
 public:
  static constexpr double kSmoothingSeconds = 0.5;

  /// [audio] A block begins.
  void begin() NOVASR_RT;

  /// [audio] The block lasts `given_seconds` and has been processed since begin(); returns its load.
  float end(double given_seconds) NOVASR_RT;

  /// [audio] The same for a block whose processing took `taken_seconds`. A block without duration does not count.
  float update(double taken_seconds, double given_seconds) NOVASR_RT;

  /// [any] Smoothed over kSmoothingSeconds of audio.
  [[nodiscard]] float load() const NOVASR_RT { return load_.load(std::memory_order_relaxed); }

  /// [one reading thread] Of the largest block since the last call.
  float take_largest() NOVASR_RT { return largest_.exchange(0.0f, std::memory_order_relaxed); }

 private:
  double begin_seconds_ = 0.0;
  std::atomic<float> load_{0.0f};
  std::atomic<float> largest_{0.0f};
};

}  // namespace novasr
