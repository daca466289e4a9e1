#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "live/clock_filter.hpp"

using novasr::ClockFilter;

namespace {

/// A device whose callbacks are late by a random time.
struct Device {
  double rate_hz = 48'000.0;
  double jitter_seconds = 0.0;
  std::size_t block = 128;
  double begin = 0.0;  // time of the first frame
  std::uint64_t frames = 0;
  std::mt19937 random{1};

  [[nodiscard]] double now() const { return begin + static_cast<double>(frames) / rate_hz; }

  void call(ClockFilter& filter) {
    filter.update(now() + jitter_seconds * std::uniform_real_distribution<double>(0.0, 1.0)(random), block);
    frames += block;
  }
  void run_until(ClockFilter& filter, double seconds) {
    while (now() < seconds) call(filter);
  }
  /// Frames of the device at a time, minus the filter's estimate.
  [[nodiscard]] double error_frames(const ClockFilter& filter, double seconds) const {
    return (seconds - begin) * rate_hz - novasr::frames_at(filter.reading(), seconds);
  }
};

ClockFilter filter_for(double nominal_hz) {
  ClockFilter filter;
  filter.prepare(nominal_hz);
  return filter;
}

}  // namespace

TEST_CASE("ClockFilter: it finds the rate to 5 ppm and the position to a tenth of the jitter", "[live][clock]") {
  const double ppm = GENERATE(-200.0, 0.0, 200.0);
  const std::size_t block = GENERATE(std::size_t{64}, std::size_t{480});
  constexpr double kJitter = 0.001;
  Device device{.rate_hz = 48'000.0 * (1.0 + 1e-6 * ppm), .jitter_seconds = kJitter, .block = block};
  ClockFilter filter = filter_for(48'000.0);
  device.run_until(filter, 60.0);
  double smallest = 1e9, largest = -1e9, rate_error_ppm = 0.0;
  for (double seconds = 60.0; seconds < 120.0; seconds += 0.05) {
    device.run_until(filter, seconds);
    const double error = device.error_frames(filter, seconds);
    smallest = std::min(smallest, error);
    largest = std::max(largest, error);
    rate_error_ppm =
        std::max(rate_error_ppm, 1e6 * std::abs(filter.reading().frames_per_second / device.rate_hz - 1.0));
  }
  CHECK(largest - smallest < 0.1 * kJitter * 48'000.0);
  CHECK(0.5 * (smallest + largest) == Approx(0.5 * kJitter * 48'000.0).margin(5.0));  // callbacks come late on average
  CHECK(rate_error_ppm < 5.0);
}

TEST_CASE("ClockFilter: it settles within a short time, and again after a stall", "[live][clock]") {
  Device device{.rate_hz = 48'000.0, .jitter_seconds = 0.001};
  ClockFilter filter = filter_for(48'000.0);
  CHECK_FALSE(filter.settled());
  device.run_until(filter, 0.9 * ClockFilter::kSettlingSeconds);
  CHECK_FALSE(filter.settled());
  device.run_until(filter, 1.2 * ClockFilter::kSettlingSeconds);
  CHECK(filter.settled());

  device.begin += 1.0;
  device.call(filter);
  CHECK_FALSE(filter.settled());
  device.run_until(filter, device.now() + 1.2 * ClockFilter::kSettlingSeconds);
  CHECK(filter.settled());
  filter.reset();
  CHECK_FALSE(filter.settled());
}

TEST_CASE("ClockFilter: it recovers from lost frames within a second", "[live][clock]") {
  Device device{.rate_hz = 48'000.0, .jitter_seconds = 0.001};
  ClockFilter filter = filter_for(48'000.0);
  device.run_until(filter, 60.0);
  device.begin += 0.03;  // 1440 frames never came
  device.call(filter);
  CHECK(device.error_frames(filter, device.now()) < -1'000.0);  // control: the loop alone is slow
  device.run_until(filter, 61.0);
  CHECK(std::abs(device.error_frames(filter, 61.0)) < 100.0);
}

TEST_CASE("ClockFilter: blocks of varying size do not disturb it", "[live][clock]") {
  Device device{.rate_hz = 48'000.0, .jitter_seconds = 0.0};
  ClockFilter filter = filter_for(48'000.0);
  for (int i = 0; i < 20'000; ++i) {
    device.block = 64 + device.random() % 400;
    device.call(filter);
  }
  CHECK(std::abs(device.error_frames(filter, device.now())) < 0.01);
  CHECK(filter.reading().frames_per_second == Approx(48'000.0).epsilon(1e-9));
}
