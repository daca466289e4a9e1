#pragma once
#include "novasr/realtime.hpp"

namespace novasr {

/// Steers the ratio of a resampler between two clocks so that the delay between them is constant: proportional and
/// integral control of the filtered delay (F. Adriaensen, "Controlling adaptive resampling", Linux Audio Conference
/// 2012). Slow on purpose: a moving ratio is heard as vibrato.
class DriftControl {
 public:
  /// [audio] Restarts with a ratio (input frames per output frame) and the delay to keep.
  void reset(double ratio, double target_frames) NOVASR_RT;

  /// [audio] Takes the delay in input frames, `seconds` after the last one; returns the next ratio.
  double update(double delay_frames, double seconds, double input_frames_per_second) NOVASR_RT;

  /// [audio] How much faster the input runs, as a fraction.
  [[nodiscard]] double drift() const NOVASR_RT { return drift_; }

 private:
  double first_ratio_ = 1.0;
  double target_ = 0.0;
  double smooth_ = 0.0;  // error, low-passed
  double jump_ = 0.0;    // of the delay, still to be slewed back, in seconds
  double drift_ = 0.0;   // integral of the error: the estimate
  double elapsed_ = 0.0;
};

}  // namespace novasr
