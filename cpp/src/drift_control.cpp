#include "novasr/drift_control.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace novasr {
namespace {

constexpr double kFirstBandwidthHz = 0.2;
constexpr double kFinalBandwidthHz = 0.01;
constexpr double kBandwidthByAge = 1.0;

/// No crystal is further off, and no ear hears 3.5 cents.
constexpr double kLargestCorrection = 2e-3;

}  // namespace

void DriftControl::reset(double ratio, double target_frames) NOVASR_RT {
  *this = DriftControl();
  first_ratio_ = ratio;
  target_ = target_frames;
}

double DriftControl::update(double delay_frames, double seconds, double input_frames_per_second) NOVASR_RT {
  const double bandwidth = std::clamp(kBandwidthByAge / std::max(elapsed_, 1e-3), kFinalBandwidthHz, kFirstBandwidthHz);
  const double omega = 2.0 * std::numbers::pi * bandwidth;
  const double error = (delay_frames - target_) / input_frames_per_second;  // seconds
  smooth_ += std::min(1.0, 4.0 * omega * seconds) * (error - smooth_);
  integral_ += omega * omega * smooth_ * seconds;
  integral_ = std::clamp(integral_, -kLargestCorrection, kLargestCorrection);
  correction_ = std::clamp(std::numbers::sqrt2 * omega * smooth_ + integral_, -kLargestCorrection, kLargestCorrection);
  elapsed_ += seconds;
  return first_ratio_ * (1.0 + correction_);
}

}  // namespace novasr
