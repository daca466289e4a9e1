#include "live/drift_control.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace novasr {
namespace {

constexpr double kFirstBandwidthHz = 0.02;
constexpr double kFinalBandwidthHz = 0.01;
constexpr double kBandwidthByAge = 1.0;

/// 3.5 cents: inaudible.
constexpr double kLargestCorrection = 2e-3;

/// No two oscillators are further apart.
constexpr double kLargestDrift = 1e-3;

/// A larger error is not drift but a jump (a device stalled, or the clock estimate was wrong): slew back at kGlide and
/// leave the drift estimate unchanged.
constexpr double kLargestErrorSeconds = 0.004;
constexpr double kGlide = 1e-3;

}  // namespace

void DriftControl::reset(double ratio, double target_frames) NOVASR_RT {
  *this = DriftControl();
  first_ratio_ = ratio;
  target_ = target_frames;
}

double DriftControl::update(double delay_frames, double seconds, double input_frames_per_second) NOVASR_RT {
  const double bandwidth = std::clamp(kBandwidthByAge / std::max(elapsed_, 1e-3), kFinalBandwidthHz, kFirstBandwidthHz);
  const double omega = 2.0 * std::numbers::pi * bandwidth;
  const double glide = std::clamp(jump_ / seconds, -kGlide, kGlide);
  jump_ -= glide * seconds;
  const double deviation = (delay_frames - target_) / input_frames_per_second - jump_;  // seconds
  const double error = std::clamp(deviation, -kLargestErrorSeconds, kLargestErrorSeconds);
  jump_ += deviation - error;
  smooth_ += std::min(1.0, 4.0 * omega * seconds) * (error - smooth_);
  drift_ = std::clamp(drift_ + omega * omega * smooth_ * seconds, -kLargestDrift, kLargestDrift);
  elapsed_ += seconds;
  const double correction = std::numbers::sqrt2 * omega * smooth_ + drift_ + glide;
  return first_ratio_ * (1.0 + std::clamp(correction, -kLargestCorrection, kLargestCorrection));
}

}  // namespace novasr
