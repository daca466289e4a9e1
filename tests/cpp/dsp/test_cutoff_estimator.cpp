#include <algorithm>
#include <atomic>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <numbers>
#include <thread>
#include <vector>

#include "allocation_counter.hpp"
#include "dsp/cutoff_estimator.hpp"
#include "realtime_scope.hpp"
#include "signals.hpp"
#include "spectrum.hpp"

using namespace novasr::test;
using novasr::CutoffEstimator;

namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kRate = CutoffEstimator::kSampleRateHz;
constexpr std::size_t kLength = CutoffEstimator::kFrameLength;
constexpr double kHopsPerSecond = kRate / CutoffEstimator::kHop;

using Power = std::array<float, CutoffEstimator::kBins>;
using Signal = std::vector<float>;

std::size_t frames_in(double seconds) {
  return static_cast<std::size_t>(seconds * kRate);
}

/// In place, of a power of two many points.
void fourier(std::vector<std::complex<double>>& x) {
  const std::size_t n = x.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n / 2;
    for (; (j & bit) != 0; bit /= 2) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t half = 1; half < n; half *= 2) {
    for (std::size_t k = 0; k < half; ++k) {
      const auto turn = std::polar(1.0, -kPi * static_cast<double>(k) / static_cast<double>(half));
      for (std::size_t i = k; i < n; i += 2 * half) {
        const auto odd = turn * x[i + half];
        x[i + half] = x[i] - odd;
        x[i] += odd;
      }
    }
  }
}

/// The frames that lie within `audio`.
std::vector<Power> power_of(const Signal& audio) {
  std::vector<Power> all;
  std::vector<std::complex<double>> frame(kLength);
  for (std::size_t first = 0; first + kLength <= audio.size(); first += CutoffEstimator::kHop) {
    for (std::size_t i = 0; i < kLength; ++i)
      frame[i] = static_cast<double>(audio[first + i]) * std::sin(kPi * static_cast<double>(i) / kLength);
    fourier(frame);
    std::ranges::transform(frame.begin(), frame.begin() + CutoffEstimator::kBins, all.emplace_back().begin(),
                           [](const auto& bin) { return static_cast<float>(std::norm(bin)); });
  }
  return all;
}

/// The published value after each frame.
std::vector<float> follow(CutoffEstimator& estimator, const std::vector<Power>& frames) {
  std::vector<float> published;
  for (const Power& power : frames) {
    {
      const RealtimeScope realtime;
      estimator.push(power);
    }
    published.push_back(estimator.cutoff_hz());
  }
  return published;
}

std::vector<float> follow(CutoffEstimator& estimator, const Signal& audio) {
  return follow(estimator, power_of(audio));
}

Signal sum(Signal a, const Signal& b) {
  std::ranges::transform(a, b, a.begin(), std::plus());
  return a;
}

Signal joined(Signal a, const Signal& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Signal white(double seconds, float rms_db, std::uint32_t seed = 1) {
  return gaussian_noise(frames_in(seconds), std::pow(10.0f, rms_db / 20.0f), seed);
}

Signal sine(double hz, double seconds, float amplitude = 0.5f) {
  Signal audio = tones({hz}, kRate, frames_in(seconds));
  for (float& sample : audio) sample *= amplitude;
  return audio;
}

/// Windowed sinc of Blackman's window: 74 dB of attenuation 500 Hz above the edge.
Signal brick_wall(const Signal& audio, double edge_hz) {
  constexpr int kReach = 256;
  std::vector<double> taps;
  for (int i = -kReach; i <= kReach; ++i) {
    const double t = 2.0 * edge_hz / kRate * i;
    const double phase = kPi * i / (kReach + 1.0);
    const double window = 0.42 + 0.5 * std::cos(phase) + 0.08 * std::cos(2.0 * phase);
    taps.push_back(2.0 * edge_hz / kRate * window * (i == 0 ? 1.0 : std::sin(kPi * t) / (kPi * t)));
  }
  Signal out(audio.size());
  for (std::size_t n = 0; n + taps.size() <= audio.size(); ++n) {
    double y = 0.0;
    for (std::size_t i = 0; i < taps.size(); ++i) y += taps[i] * static_cast<double>(audio[n + i]);
    out[n] = static_cast<float>(y);
  }
  return out;
}

/// Second-order sections by the bilinear transform (R. Bristow-Johnson, Audio EQ Cookbook), Q of Butterworth's poles.
Signal butterworth(const Signal& audio, int order, double edge_hz) {
  std::vector<double> x(audio.begin(), audio.end());
  const double w = 2.0 * kPi * edge_hz / kRate;
  for (int section = 0; section < order / 2; ++section) {
    const double alpha = std::sin(w) * std::sin(kPi * (2 * section + 1) / (2.0 * order));
    const double a0 = 1.0 + alpha, a1 = -2.0 * std::cos(w) / a0, a2 = (1.0 - alpha) / a0;
    const double b1 = (1.0 - std::cos(w)) / a0;
    double s1 = 0.0, s2 = 0.0;
    for (double& sample : x) {
      const double y = b1 / 2.0 * sample + s1;
      s1 = b1 * sample - a1 * y + s2;
      s2 = b1 / 2.0 * sample - a2 * y;
      sample = y;
    }
  }
  return {x.begin(), x.end()};
}

/// Where a Butterworth filter attenuates by 20 dB, with the bilinear transform's warping.
double twenty_db_point(int order, double edge_hz) {
  const double warped = std::tan(kPi * edge_hz / kRate) * std::pow(99.0, 0.5 / order);
  return std::atan(warped) * kRate / kPi;
}

Signal telephone(double seconds) {
  return sum(brick_wall(white(seconds, -20.0f), 3'400.0), white(seconds, -96.0f, 2));
}

/// Seconds until the published value is near `hz`.
double time_to(const std::vector<float>& published, double hz) {
  const auto found = std::ranges::find_if(
      published, [=](float value) { return std::abs(static_cast<double>(value) - hz) < 0.05 * hz; });
  return static_cast<double>(found - published.begin()) / kHopsPerSecond;
}

std::vector<float> after(const std::vector<float>& published, double seconds) {
  return {published.begin() + static_cast<std::ptrdiff_t>(seconds * kHopsPerSecond), published.end()};
}

bool all_equal(const std::vector<float>& values, float value) {
  return std::ranges::all_of(values, [=](float other) { return other == value; });
}

}  // namespace

TEST_CASE("CutoffEstimator: the edge of band-limited noise is found within 3 % or a bin", "[dsp]") {
  const double edge_hz = GENERATE(2'000.0, 3'400.0, 4'000.0, 4'500.0, 8'000.0, 11'000.0, 12'000.0, 16'000.0);
  CutoffEstimator estimator;
  follow(estimator, sum(brick_wall(white(1.0, -20.0f), edge_hz), white(1.0, -96.0f, 2)));
  const double slope_hz = 120.0;  // half of the filter's transition, down to -16 dB
  CHECK(estimator.cutoff_hz() == Approx(edge_hz).epsilon(0.03).margin(slope_hz));
  CHECK(estimator.confidence() > 0.8f);  // at least 32 dB within 100 to 900 Hz
}

TEST_CASE("CutoffEstimator: of a soft slope it finds about the 20 dB point", "[dsp]") {
  const int order = GENERATE(8, 10, 12);
  const double edge_hz = GENERATE(3'400.0, 6'000.0, 9'000.0);
  CutoffEstimator estimator;
  follow(estimator, sum(butterworth(white(2.0, -20.0f), order, edge_hz), white(2.0, -96.0f, 2)));
  CHECK(estimator.cutoff_hz() == Approx(twenty_db_point(order, edge_hz)).epsilon(0.15));
}

TEST_CASE("CutoffEstimator: hiss does not hide the edge of a telephone", "[dsp]") {
  const float hiss_db = GENERATE(-75.0f, -60.0f, -50.0f);
  CutoffEstimator estimator;
  follow(estimator, sum(telephone(1.0), white(1.0, hiss_db, 3)));
  CHECK(estimator.cutoff_hz() == Approx(3'400.0).epsilon(0.05));
}

TEST_CASE("CutoffEstimator: neither DC nor hum is a signal", "[dsp]") {
  Signal hum = sum(sine(50.0, 1.0, 0.3f), sine(150.0, 1.0, 0.1f));
  for (float& sample : hum) sample += 0.1f;
  CutoffEstimator with, alone;
  follow(with, sum(telephone(1.0), hum));
  CHECK(with.cutoff_hz() == Approx(3'400.0).epsilon(0.05));
  follow(alone, hum);
  CHECK(alone.cutoff_hz() == CutoffEstimator::kFullBandHz);
}

TEST_CASE("CutoffEstimator: noise of any natural slope is full band and never moves it", "[dsp]") {
  const double pole = GENERATE(0.0, 0.7, 0.95);  // up to 12 dB an octave with the second
  Signal audio = white(6.0, -20.0f);
  double last = 0.0;
  for (float& sample : audio) {
    last = static_cast<double>(sample) + pole * last;
    sample = static_cast<float>(last);
  }
  CutoffEstimator estimator;
  CHECK(all_equal(follow(estimator, audio), CutoffEstimator::kFullBandHz));
  CHECK(estimator.confidence() > 0.5f);
}

TEST_CASE("CutoffEstimator: without evidence the prior holds", "[dsp]") {
  const float prior_hz = GENERATE(4'000.0f, 24'000.0f);
  CutoffEstimator estimator(prior_hz);
  CHECK(estimator.cutoff_hz() == prior_hz);
  const Signal audio = GENERATE(Signal(frames_in(1.0)), white(1.0, -96.0f), white(0.2, -20.0f));
  CHECK(all_equal(follow(estimator, audio), prior_hz));
  CHECK(estimator.confidence() == 0.0f);
}

TEST_CASE("CutoffEstimator: a prior that is too narrow is left", "[dsp]") {
  CutoffEstimator estimator(4'000.0f);
  const auto published = follow(estimator, white(1.0, -20.0f));
  CHECK(time_to(published, CutoffEstimator::kFullBandHz) < 0.6);
}

TEST_CASE("CutoffEstimator: a tone is no evidence of a band", "[dsp]") {
  const double hz = GENERATE(220.0, 1'000.0, 3'000.0, 5'000.0, 12'000.0, 16'000.0);
  CutoffEstimator fresh;
  CHECK(all_equal(follow(fresh, sine(hz, 3.0)), CutoffEstimator::kFullBandHz));
  CutoffEstimator settled;
  follow(settled, telephone(1.0));
  const float edge_hz = settled.cutoff_hz();
  CHECK(all_equal(follow(settled, sine(std::min(hz, 3'000.0), 3.0)), edge_hz));
}

TEST_CASE("CutoffEstimator: tones more than 600 Hz apart are no band", "[dsp]") {
  std::vector<double> partials;
  for (int i = 1; i <= 6; ++i) partials.push_back(700.0 * i);
  CutoffEstimator estimator;
  CHECK(all_equal(follow(estimator, tones(partials, kRate, frames_in(3.0))), CutoffEstimator::kFullBandHz));
}

TEST_CASE("CutoffEstimator: drums and clicks do not move it", "[dsp]") {
  CutoffEstimator estimator;
  follow(estimator, telephone(1.0));
  const float edge_hz = estimator.cutoff_hz();
  SECTION("kick drum, alone") {
    Signal kicks(frames_in(3.0));
    for (std::size_t i = 0; i < kicks.size(); ++i) {
      const double t = std::fmod(static_cast<double>(i) / kRate, 0.5);
      kicks[i] = static_cast<float>(0.8 * std::exp(-15.0 * t) * std::sin(2.0 * kPi * 60.0 * t));
    }
    CHECK(all_equal(follow(estimator, kicks), edge_hz));
  }
  SECTION("a click of full scale each second") {
    Signal audio = telephone(4.0);
    for (std::size_t i = frames_in(0.5); i < audio.size(); i += frames_in(1.0)) audio[i] = 1.0f;
    CHECK(all_equal(follow(estimator, audio), edge_hz));
  }
}

TEST_CASE("CutoffEstimator: pauses change nothing", "[dsp]") {
  CutoffEstimator estimator;
  follow(estimator, telephone(1.0));
  const float edge_hz = estimator.cutoff_hz();
  const float confidence = estimator.confidence();
  const Signal pause = GENERATE(Signal(frames_in(5.0)), white(5.0, -96.0f));
  CHECK(all_equal(follow(estimator, pause), edge_hz));
  CHECK(estimator.confidence() == confidence);
  CHECK(all_equal(follow(estimator, telephone(1.0)), edge_hz));
}

TEST_CASE("CutoffEstimator: hiss in long pauses of a telephone call does not widen it", "[dsp]") {
  CutoffEstimator estimator;
  follow(estimator, sum(telephone(1.0), white(1.0, -60.0f, 3)));
  const float edge_hz = estimator.cutoff_hz();
  CHECK(all_equal(follow(estimator, white(10.0, -60.0f, 4)), edge_hz));
}

TEST_CASE("CutoffEstimator: it follows a new band within half a second", "[dsp]") {
  const double first_hz = GENERATE(3'400.0, 8'000.0, 12'000.0, 24'000.0);
  const double second_hz = GENERATE(3'400.0, 8'000.0, 12'000.0, 24'000.0);
  const auto band = [](double edge_hz) {
    const Signal audio = white(1.5, -20.0f);
    return edge_hz < 24'000.0 ? sum(brick_wall(audio, edge_hz), white(1.5, -96.0f, 2)) : audio;
  };
  CutoffEstimator estimator;
  const auto published = follow(estimator, joined(band(first_hz), band(second_hz)));
  CHECK(time_to(after(published, 1.5), second_hz) < 0.5);
  CHECK(published.back() == Approx(second_hz).epsilon(0.05));
}

TEST_CASE("CutoffEstimator: in steady material it does not move once settled", "[dsp]") {
  const double edge_hz = GENERATE(2'000.0, 3'400.0, 8'000.0, 16'000.0);
  const bool soft = GENERATE(false, true);
  const Signal audio = white(10.0, -20.0f);
  CutoffEstimator estimator;
  const auto published = follow(
      estimator, sum(soft ? butterworth(audio, 10, edge_hz) : brick_wall(audio, edge_hz), white(10.0, -75.0f, 2)));
  CHECK(all_equal(after(published, 1.5), published.back()));
}

TEST_CASE("CutoffEstimator: frames with NaN or infinity count as silence", "[dsp]") {
  auto frames = power_of(telephone(1.0));
  CutoffEstimator clean;
  follow(clean, frames);
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e35f);
  const std::size_t bin = GENERATE(std::size_t{0}, std::size_t{20}, CutoffEstimator::kBins - 1);
  CutoffEstimator estimator;
  for (const Power& power : frames) {
    estimator.push(power);
    Power spoiled = power;
    spoiled[bin] = bad;
    estimator.push(spoiled);
  }
  CHECK(estimator.cutoff_hz() == clean.cutoff_hz());
  CHECK(estimator.confidence() == clean.confidence());
}

TEST_CASE("CutoffEstimator: after reset it is as new", "[dsp]") {
  const auto noise = power_of(sum(brick_wall(white(1.0, -20.0f), 8'000.0), white(1.0, -96.0f, 2)));
  CutoffEstimator fresh(12'000.0f), used(12'000.0f);
  follow(used, telephone(1.0));
  used.reset();
  CHECK(used.cutoff_hz() == 12'000.0f);
  CHECK(used.confidence() == 0.0f);
  CHECK(follow(used, noise) == follow(fresh, noise));
}

TEST_CASE("CutoffEstimator: the same bits on every instruction set", "[dsp]") {
  CutoffEstimator estimator;
  for (std::size_t frame = 0; frame < 100; ++frame) {
    Power power;  // exact in float: no rounding before the estimator's own
    for (std::size_t k = 0; k < power.size(); ++k) power[k] = (0.75f + noise_at(frame, k)) * (k < 80 ? 1.0f : 0x1p-16f);
    estimator.push(power);
  }
  CHECK(std::bit_cast<std::uint32_t>(estimator.cutoff_hz()) == 0x45E7'710Du);  // 7.4 kHz, recorded
  CHECK(std::bit_cast<std::uint32_t>(estimator.confidence()) == 0x3F80'0000u);
}

TEST_CASE("CutoffEstimator: push and the read-out never allocate", "[dsp]") {
  const auto frames = power_of(telephone(0.5));
  CutoffEstimator estimator;
  float* volatile escaped = nullptr;
  CHECK(allocations_in([&] { escaped = new float; }) == 1);  // control
  delete escaped;
  CHECK(allocations_in([&] {
          for (const Power& power : frames) estimator.push(power);
          estimator.reset();
        }) == 0);
}

TEST_CASE("CutoffEstimator: another thread reads while frames arrive", "[dsp]") {
  const auto frames = power_of(joined(telephone(0.6), white(0.6, -20.0f)));
  CutoffEstimator estimator;
  std::atomic<bool> done{false};
  bool plausible = true;
  std::thread reader([&] {
    while (!done.load(std::memory_order_relaxed)) {
      const float hz = estimator.cutoff_hz();
      const float confidence = estimator.confidence();
      plausible = plausible && hz > 1'000.0f && hz <= 24'000.0f && confidence >= 0.0f && confidence <= 1.0f;
    }
  });
  for (int round = 0; round < 10; ++round) follow(estimator, frames);
  done = true;
  reader.join();
  CHECK(plausible);
  CHECK(estimator.cutoff_hz() == CutoffEstimator::kFullBandHz);
}
