#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "live/drift_control.hpp"

using novasr::DriftControl;

namespace {

constexpr double kRate = 48'000.0;
constexpr double kTarget = 400.0;
constexpr double kBlockSeconds = 128.0 / kRate;

/// A buffer between an input that runs faster than its nominal rate and an output that takes `ratio` frames of it.
struct Buffer {
  explicit Buffer(double input_ppm) : input_rate(kRate * (1.0 + 1e-6 * input_ppm)) { control.reset(1.0, kTarget); }

  void run(double seconds) {
    largest_ratio_error = furthest = 0.0;
    for (double done = 0.0; done < seconds; done += kBlockSeconds) {
      const double ratio = control.update(delay, kBlockSeconds, kRate);
      delay += kBlockSeconds * (input_rate - ratio * kRate);
      largest_ratio_error = std::max(largest_ratio_error, std::abs(ratio - 1.0));
      furthest = std::max(furthest, std::abs(delay - kTarget));
    }
  }

  double input_rate;
  double delay = kTarget;
  double largest_ratio_error = 0.0;
  double furthest = 0.0;  // from the target
  DriftControl control;
};

}  // namespace

TEST_CASE("DriftControl: it follows a drifting clock and keeps the delay", "[live][clock]") {
  const double ppm = GENERATE(-200.0, 50.0, 200.0);
  Buffer buffer(ppm);
  buffer.run(300.0);
  CHECK(buffer.furthest < 0.002 * kRate);
  buffer.run(60.0);
  CHECK(buffer.furthest < 0.5);
  CHECK(1e6 * buffer.control.drift() == Approx(ppm).margin(1.0));
  CHECK(buffer.largest_ratio_error == Approx(1e-6 * std::abs(ppm)).margin(2e-6));
}

TEST_CASE("DriftControl: a jump in the delay is slewed back inaudibly and not mistaken for drift", "[live][clock]") {
  const double jump = GENERATE(-0.02, 0.02) * kRate;
  Buffer buffer(100.0);
  buffer.run(300.0);
  buffer.delay += jump;
  buffer.run(30.0);
  CHECK(buffer.largest_ratio_error < 2.1e-3);  // 3.5 cents
  CHECK(std::abs(buffer.delay - kTarget) < 0.004 * kRate);
  CHECK(1e6 * buffer.control.drift() == Approx(100.0).margin(200.0));
  buffer.run(300.0);
  CHECK(std::abs(buffer.delay - kTarget) < 1.0);
  CHECK(1e6 * buffer.control.drift() == Approx(100.0).margin(2.0));
}

TEST_CASE("DriftControl: no delay detunes by more than 3.5 cents", "[live][clock]") {
  DriftControl control;
  const double ratio = GENERATE(1.0, 48'000.0 / 44'100.0);
  control.reset(ratio, kTarget);
  for (const double delay : {-1e6, 0.0, 1e4, 1e7})
    for (int i = 0; i < 2'000; ++i) {
      const double cents = 1'200.0 * std::log2(control.update(delay, kBlockSeconds, kRate) / ratio);
      REQUIRE(std::abs(cents) < 3.5);
    }
}

TEST_CASE("DriftControl: a reset clears all state", "[live][clock]") {
  Buffer buffer(200.0);
  buffer.run(100.0);
  buffer.control.reset(1.0, kTarget);
  CHECK(buffer.control.drift() == 0.0);
  CHECK(buffer.control.update(kTarget, kBlockSeconds, kRate) == 1.0);
}
