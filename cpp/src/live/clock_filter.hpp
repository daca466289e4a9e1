#pragma once
#include <cstddef>
#include <cstdint>

#include "novasr/realtime.hpp"

namespace novasr {

/// A device's clock at one moment; frames_at() extrapolates from it.
struct ClockReading {
  double seconds = 0.0;  ///< of the system's clock
  double frames = 0.0;   ///< of the device's clock at that moment
  double frames_per_second = 0.0;
};

/// [any] The device's clock at another moment, extrapolated.
[[nodiscard]] inline double frames_at(const ClockReading& reading, double seconds) NOVASR_RT {
  return reading.frames + (seconds - reading.seconds) * reading.frames_per_second;
}

/// Recovers a device's clock from the times at which its callbacks happen to run: a second-order delay-locked loop
/// (F. Adriaensen, "Using a DLL to filter time", Linux Audio Conference 2005). Its bandwidth falls from that of a quick
/// lock to kFinalBandwidthHz, which removes the jitter of the callbacks and follows the drift of the oscillator.
class ClockFilter {
 public:
  /// [control]
  void prepare(double nominal_frames_per_second) noexcept;

  /// [audio] Forgets everything but the nominal rate.
  void reset() NOVASR_RT;

  /// [audio] A callback began at `seconds` and transfers `frames` frames.
  void update(double seconds, std::size_t frames) NOVASR_RT;

  /// [audio] Filtered: the beginning of the latest callback, in frames since reset().
  [[nodiscard]] ClockReading reading() const NOVASR_RT { return reading_; }

  /// [audio] True once the loop has run for kSettlingSeconds since it (re)started. Devices deliver irregular block
  /// sizes while starting up.
  [[nodiscard]] bool settled() const NOVASR_RT { return running_ && elapsed_ >= kSettlingSeconds; }

  static constexpr double kFinalBandwidthHz = 0.02;
  static constexpr double kSettlingSeconds = 0.3;

 private:
  void start(double seconds, std::size_t frames) NOVASR_RT;

  double nominal_ = 0.0;
  bool running_ = false;
  ClockReading reading_;
  double elapsed_ = 0.0;          // seconds since the start of the loop
  double stepped_seconds_ = 0.0;  // how long the error has been large, with its sign
  double next_seconds_ = 0.0;     // when the next callback is expected
  double seconds_per_frame_ = 0.0;
  std::size_t last_frames_ = 0;  // of the latest callback
};

}  // namespace novasr
