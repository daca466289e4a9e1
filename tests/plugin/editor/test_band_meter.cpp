// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "band_noise.hpp"
#include "editor/BandMeter.h"

namespace {
/// An analyser with its meter, fed as in the editor.
struct Listener {
  explicit Listener(double rate) : sampleRate(rate) {
    analyser.prepare(rate);
    meter.prepare(rate);
  }

  void play(const std::vector<float>& samples) {
    constexpr double kUpdateSeconds = 1.0 / 30.0;
    const auto step = static_cast<size_t>(sampleRate * kUpdateSeconds);
    for (size_t start = 0; start + step <= samples.size(); start += step) {
      analyser.push(std::span(samples).subspan(start, step));
      analyser.update(kUpdateSeconds);
      meter.add(analyser);
    }
  }

  std::vector<float> silence(double seconds) const {
    return std::vector<float>(static_cast<size_t>(seconds * sampleRate));
  }

  double sampleRate;
  SpectrumAnalyser analyser;
  BandMeter meter;
};

constexpr double kCoarse = 100.0;  // reach of the smoothing, and two spectral lines
}  // namespace

TEST_CASE("BandMeter: finds where a band ends, at every rate") {
  const double rate = GENERATE(22'050.0, 44'100.0, 48'000.0, 96'000.0);
  const double top = GENERATE(3'400.0, 7'800.0, 0.4 * 44'100.0);
  Listener listener(rate);
  listener.play(bandNoise(std::min(top, 0.45 * rate), rate, 3.0));
  REQUIRE(listener.meter.bandwidthHz());
  CHECK(*listener.meter.bandwidthHz() == Approx(std::min(top, 0.45 * rate)).margin(kCoarse));
}

TEST_CASE("BandMeter: noise that fills the band ends at the Nyquist frequency") {
  Listener listener(48'000.0);
  listener.play(bandNoise(0.0, 48'000.0, 3.0));
  REQUIRE(listener.meter.bandwidthHz());
  CHECK(*listener.meter.bandwidthHz() == 24'000.0);
}

TEST_CASE("BandMeter: waits for enough sound, and reads 0 for silence") {
  Listener listener(48'000.0);
  CHECK_FALSE(listener.meter.bandwidthHz());
  listener.play(listener.silence(1.0));
  CHECK_FALSE(listener.meter.bandwidthHz());
  listener.play(listener.silence(2.0));
  CHECK(listener.meter.bandwidthHz() == 0.0);
  listener.play(bandNoise(7'800.0, 48'000.0, 1.0));
  CHECK_FALSE(listener.meter.bandwidthHz());
  listener.play(bandNoise(7'800.0, 48'000.0, 2.0));
  const auto found = listener.meter.bandwidthHz();
  REQUIRE(found);
  listener.play(listener.silence(20.0));  // a pause
  CHECK(*listener.meter.bandwidthHz() == Approx(*found).margin(100.0));
  listener.meter.prepare(44'100.0);
  CHECK_FALSE(listener.meter.bandwidthHz());
}

TEST_CASE("BandMeter: the dither of a 16-bit track is silence") {
  Listener listener(48'000.0);
  juce::Random random(5);
  auto dither = listener.silence(4.0);
  for (auto& sample : dither) sample = std::round(random.nextFloat() - random.nextFloat()) / 32'768.0f;
  listener.play(dither);
  CHECK(listener.meter.bandwidthHz() == 0.0);
}

TEST_CASE("BandMeter: after ten seconds only the new recording counts") {
  Listener listener(48'000.0);
  listener.play(bandNoise(0.0, 48'000.0, 10.0));
  listener.play(bandNoise(3'400.0, 48'000.0, 10.5, 0.01));
  CHECK(*listener.meter.bandwidthHz() == Approx(3'400.0).margin(kCoarse));
}

TEST_CASE("BandMeter: a click, a jump and non-finite samples do not fill the band") {
  Listener listener(48'000.0);
  auto noise = bandNoise(7'800.0, 48'000.0, 4.0);
  noise[40'000] = 1.0f;
  noise[41'000] = std::numeric_limits<float>::quiet_NaN();
  noise.erase(noise.begin() + 150'000, noise.begin() + 170'123);
  listener.play(noise);
  listener.play(bandNoise(7'800.0, 48'000.0, 2.0));
  CHECK(*listener.meter.bandwidthHz() == Approx(7'800.0).margin(kCoarse));
}
