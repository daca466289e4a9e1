#include <catch2/catch.hpp>
#include <cmath>
#include <locale>
#include <vector>

#include "novasr/band_verdict.hpp"

using novasr::band_end_hz;
using novasr::BandVerdict;
using novasr::judge_band;
using Kind = novasr::BandVerdict::Kind;

namespace {
double power_of(double decibels) {
  return std::pow(10.0, decibels / 10.0);
}

/// A flat spectrum up to `top_hz`, with a floor of `floor_db` above it.
std::vector<double> band(double top_hz, double hz_per_line, double level_db = -20.0, double floor_db = -200.0) {
  std::vector<double> power(static_cast<std::size_t>(24'000.0 / hz_per_line) + 1);
  for (std::size_t line = 0; line < power.size(); ++line)
    power[line] = power_of(static_cast<double>(line) * hz_per_line <= top_hz ? level_db : floor_db);
  return power;
}

void check(double bandwidth_hz, double sample_rate_hz, Kind kind, const char* text) {
  const BandVerdict verdict = judge_band(bandwidth_hz, sample_rate_hz);
  CHECK(verdict.kind == kind);
  CHECK(verdict.text == text);
}
}  // namespace

TEST_CASE("BandVerdict: each kind of band has its advice", "[band]") {
  check(0.0, 48'000.0, Kind::silent, "silence: nothing to extend");
  check(3'450.0, 8'000.0, Kind::narrow, "sound to 3.5 kHz only: 3.5 kHz to 8 kHz stays empty; the model wide fills it");
  check(7'900.0, 16'000.0, Kind::extend, "sound to 7.9 kHz: extend it");
  check(20'050.0, 48'000.0, Kind::leave, "already full band to 20.1 kHz: nothing to extend");
  check(15'800.0, 44'100.0, Kind::leave,
        "band ends at 15.8 kHz although the file runs at 44.1 kHz (lossy codec): leave it");
  check(16'000.0, 32'000.0, Kind::leave, "sound to 16.0 kHz: leave it, the model would replace all above 8 kHz");
}

TEST_CASE("BandVerdict: the limits between the kinds are those documented", "[band]") {
  CHECK(judge_band(4'999.0, 48'000.0).kind == Kind::narrow);
  CHECK(judge_band(5'000.0, 48'000.0).kind == Kind::extend);
  CHECK(judge_band(11'999.0, 48'000.0).kind == Kind::extend);
  CHECK(judge_band(12'000.0, 48'000.0).kind == Kind::leave);
  CHECK_FALSE(novasr::may_be_full_band(23'999.0));
  CHECK(novasr::may_be_full_band(24'000.0));
}

TEST_CASE("BandVerdict: a model for any band extends all that is not full band", "[band]") {
  for (const double end : {2'000.0, 4'999.0, 8'000.0, 12'000.0, 18'499.0})
    CHECK(judge_band(end, 48'000.0, true).kind == Kind::extend);
  CHECK(judge_band(3'400.0, 8'000.0, true).text == "sound to 3.4 kHz: extend it");
  CHECK(judge_band(novasr::kLeastFullBandHz, 48'000.0, true).kind == Kind::leave);
  CHECK(judge_band(0.0, 48'000.0, true).kind == Kind::silent);
  CHECK_FALSE(novasr::may_be_full_band(32'000.0, true));
  CHECK(novasr::may_be_full_band(44'100.0, true));
}

TEST_CASE("BandVerdict: a locale with decimal commas gives the same sentence", "[band]") {
  struct Commas : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
  };
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Commas));
  check(7'900.0, 22'050.0, Kind::extend, "sound to 7.9 kHz: extend it");
  std::locale::global(before);
}

TEST_CASE("BandVerdict: the band edge is found at any spectral resolution", "[band]") {
  const double hz_per_line = GENERATE(25.0, 5.859375, 2.93);
  const double top_hz = GENERATE(3'400.0, 7'800.0, 20'000.0);
  CHECK(band_end_hz(band(top_hz, hz_per_line), hz_per_line) == Approx(top_hz).margin(63.0 + hz_per_line));
  CHECK(band_end_hz(band(24'000.0, hz_per_line), hz_per_line) == Approx(24'000.0).margin(hz_per_line));
}

TEST_CASE("BandVerdict: levels 90 dB below the peak, or below 16-bit dither, count as silence", "[band]") {
  constexpr double hz_per_line = 25.0;
  CHECK(band_end_hz(band(4'000.0, hz_per_line, 10.0, -79.0), hz_per_line) == Approx(24'000.0).margin(63.0));
  CHECK(band_end_hz(band(4'000.0, hz_per_line, 10.0, -81.0), hz_per_line) == Approx(4'000.0).margin(63.0));
  CHECK(band_end_hz(band(4'000.0, hz_per_line, -20.0, -91.0), hz_per_line) == Approx(24'000.0).margin(63.0));
  CHECK(band_end_hz(band(4'000.0, hz_per_line, -20.0, -96.3), hz_per_line) == Approx(4'000.0).margin(63.0));
  CHECK(band_end_hz(band(24'000.0, hz_per_line, -96.3), hz_per_line) == 0.0);
  CHECK(band_end_hz(std::vector<double>(961), hz_per_line) == 0.0);
  CHECK(band_end_hz({}, hz_per_line) == 0.0);
}
