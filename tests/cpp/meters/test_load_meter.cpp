#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <thread>

#include "novasr/load_meter.hpp"

using novasr::LoadMeter;

namespace {

void run(LoadMeter& meter, double load, double seconds, double block_seconds) {
  for (double done = 0.0; done < seconds; done += block_seconds) meter.update(load * block_seconds, block_seconds);
}

}  // namespace

TEST_CASE("LoadMeter: a constant load reads as it is", "[meters]") {
  LoadMeter meter;
  run(meter, 0.3, 5.0, 0.01);
  CHECK(meter.load() == Approx(0.3).epsilon(1e-3));
}

TEST_CASE("LoadMeter: a change takes half a second of audio, for any block size", "[meters]") {
  const double block = GENERATE(0.001, 0.0053, 0.02);
  LoadMeter meter;
  run(meter, 1.0, LoadMeter::kSmoothingSeconds, block);
  CHECK(meter.load() == Approx(1.0 - std::exp(-1.0)).margin(0.02));
}

TEST_CASE("LoadMeter: a block longer than the smoothing time replaces the average", "[meters]") {
  LoadMeter meter;
  run(meter, 1.0, 5.0, 0.01);
  CHECK(meter.update(0.2, 2.0) == Approx(0.1));
  CHECK(meter.load() == Approx(0.1));
}

TEST_CASE("LoadMeter: the largest block is kept until it is read", "[meters]") {
  LoadMeter meter;
  run(meter, 0.2, 1.0, 0.01);
  meter.update(0.03, 0.01);
  run(meter, 0.2, 1.0, 0.01);
  CHECK(meter.take_largest() == Approx(3.0));
  CHECK(meter.take_largest() == 0.0f);
  run(meter, 0.2, 0.1, 0.01);
  CHECK(meter.take_largest() == Approx(0.2));
}

TEST_CASE("LoadMeter: a block without duration does not count", "[meters]") {
  LoadMeter meter;
  run(meter, 0.5, 5.0, 0.01);
  CHECK(meter.update(0.1, 0.0) == 0.0f);
  CHECK(meter.load() == Approx(0.5).epsilon(1e-3));
  CHECK(std::isfinite(meter.take_largest()));
}

TEST_CASE("LoadMeter: it measures the time that processing takes", "[meters]") {
  LoadMeter meter;
  meter.begin();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(meter.end(0.01) >= 2.0f);
  meter.begin();
  CHECK(meter.end(100.0) < 0.1f);  // control
}
