// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "editor/SpectrumAnalyser.h"

namespace {
constexpr double kUpdateSeconds = 1.0 / 30.0;

/// Feeds the analyser as the editor does.
void play(SpectrumAnalyser& analyser, const std::vector<float>& samples, double sampleRate) {
  const auto step = static_cast<size_t>(sampleRate * kUpdateSeconds);
  for (size_t start = 0; start + step <= samples.size(); start += step) {
    analyser.push(std::span(samples).subspan(start, step));
    analyser.update(kUpdateSeconds);
  }
}

std::vector<float> sine(double hz, double sampleRate, double amplitude = 1.0, double seconds = 1.0) {
  std::vector<float> samples(static_cast<size_t>(seconds * sampleRate));
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<float>(
        amplitude * std::sin(juce::MathConstants<double>::twoPi * hz * static_cast<double>(i) / sampleRate));
  return samples;
}
}  // namespace

TEST_CASE("SpectrumAnalyser: a sine of any frequency reads its level in dBFS, and nothing shows elsewhere") {
  const double rate = GENERATE(8'000.0, 22'050.0, 44'100.0, 48'000.0, 96'000.0, 192'000.0);
  const double level = GENERATE(0.0, -40.0);
  SpectrumAnalyser analyser;
  analyser.prepare(rate);
  for (const double hz : {131.7, 440.0, 1'000.0, 0.2217 * rate, 0.25 * rate, 0.4431 * rate}) {
    play(analyser, sine(hz, rate, std::pow(10.0, level / 20.0)), rate);
    INFO(hz << " Hz at " << rate);
    CHECK(analyser.peakBetween(0.97 * hz, 1.03 * hz) < level + 0.1);
    CHECK(analyser.peakBetween(0.97 * hz, 1.03 * hz) > level - 0.4);  // Hann, a quarter of a line off: 0.35 dB
    CHECK(analyser.peakBetween(2.0 * hz, 4.0 * hz) < level - 60.0);
    for (int i = 0; i < 100; ++i)  // silence before the next one
      analyser.update(kUpdateSeconds);
  }
}

TEST_CASE("SpectrumAnalyser: a stopped stream decays to silence and then stays there") {
  constexpr double rate = 48'000.0;
  SpectrumAnalyser analyser;
  analyser.prepare(rate);
  play(analyser, sine(1'000.0, rate), rate);
  REQUIRE(analyser.peakBetween(900.0, 1'100.0) > -0.4f);
  for (int i = 0; i < 30; ++i) analyser.update(kUpdateSeconds);
  CHECK(analyser.peakBetween(900.0, 1'100.0) < -15.0f);  // 29 dB in a second, after the longest pause within a stream
  CHECK(analyser.peakBetween(900.0, 1'100.0) > -40.0f);
  for (int i = 0; i < 300; ++i) analyser.update(kUpdateSeconds);
  CHECK(analyser.peakBetween(20.0, 24'000.0) == SpectrumAnalyser::silence);
  CHECK_FALSE(analyser.update(kUpdateSeconds));
}

TEST_CASE("SpectrumAnalyser: recovers from samples that are not finite, or too large") {
  constexpr double rate = 48'000.0;
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                             std::numeric_limits<float>::max());
  SpectrumAnalyser analyser;
  analyser.prepare(rate);
  play(analyser, std::vector<float>(4'800, bad), rate);
  CHECK(std::isfinite(analyser.peakBetween(20.0, 24'000.0)));
  play(analyser, sine(1'000.0, rate, 0.1, 3.0), rate);
  CHECK(analyser.peakBetween(900.0, 1'100.0) == Approx(-20.0f).margin(0.4));
}

TEST_CASE("SpectrumAnalyser: without a stream the spectrum is silent") {
  SpectrumAnalyser analyser;
  for (const double rate : {0.0, 48'000.0, 0.0}) {
    analyser.prepare(rate);
    CHECK(analyser.peakBetween(20.0, 24'000.0) == SpectrumAnalyser::silence);
  }
  analyser.push(sine(1'000.0, 48'000.0));
  CHECK_FALSE(analyser.update(kUpdateSeconds));
}
