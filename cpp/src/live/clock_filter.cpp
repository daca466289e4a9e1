#include "live/clock_filter.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace novasr {
namespace {

constexpr double kFirstBandwidthHz = 2.0;

/// Bandwidth times the age of the loop: it averages over about the last half of its life, until the final bandwidth.
constexpr double kBandwidthByAge = 0.5;

/// A larger error is not jitter: the loop restarts.
constexpr double kLargestErrorSeconds = 0.25;

/// Nor is an error that keeps this size and its sign for this long: frames were lost, and the loop is too slow to
/// follow.
constexpr double kStepSeconds = 0.008;
constexpr double kStepPatienceSeconds = 0.5;

}  // namespace

void ClockFilter::prepare(double nominal_frames_per_second) noexcept {
  nominal_ = nominal_frames_per_second;
  reset();
}

void ClockFilter::reset() NOVASR_RT {
  running_ = false;
  reading_ = {};
}

void ClockFilter::start(double seconds, std::size_t frames) NOVASR_RT {
  running_ = true;
  elapsed_ = 0.0;
  stepped_seconds_ = 0.0;
  seconds_per_frame_ = 1.0 / nominal_;
  reading_.seconds = seconds;
  reading_.frames_per_second = nominal_;
  next_seconds_ = seconds + static_cast<double>(frames) * seconds_per_frame_;
}

void ClockFilter::update(double seconds, std::size_t frames) NOVASR_RT {
  if (running_) reading_.frames += static_cast<double>(last_frames_);
  const double error = seconds - next_seconds_;
  const bool same_side = std::abs(error) > kStepSeconds && (error > 0.0) == (stepped_seconds_ > 0.0);
  const double since = static_cast<double>(last_frames_) / nominal_;
  stepped_seconds_ =
      std::abs(error) < kStepSeconds ? 0.0 : std::copysign(since, error) + (same_side ? stepped_seconds_ : 0.0);
  if (!running_ || std::abs(error) > kLargestErrorSeconds || std::abs(stepped_seconds_) > kStepPatienceSeconds) {
    start(seconds, frames);
  } else {
    const double period = static_cast<double>(last_frames_) * seconds_per_frame_;
    const double bandwidth =
        std::clamp(kBandwidthByAge / std::max(elapsed_, 1e-3), kFinalBandwidthHz, kFirstBandwidthHz);
    const double omega = 2.0 * std::numbers::pi * bandwidth * period;
    reading_.seconds = next_seconds_ + std::numbers::sqrt2 * omega * error;
    if (last_frames_ > 0) seconds_per_frame_ += omega * omega * error / static_cast<double>(last_frames_);
    reading_.frames_per_second = 1.0 / seconds_per_frame_;
    next_seconds_ = reading_.seconds + static_cast<double>(frames) * seconds_per_frame_;
    elapsed_ += period;
  }
  last_frames_ = frames;
}

}  // namespace novasr
