#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "dsp/fir_design.hpp"
#include "spectrum.hpp"

using namespace novasr::test;
namespace {

/// Response of a symmetric filter, given as its centre and one half, at a frequency in cycles per frame.
double response(std::span<const float> half, double frequency) {
  double sum = half[0];
  for (std::size_t k = 1; k < half.size(); ++k)
    sum += 2.0 * static_cast<double>(half[k]) * std::cos(2.0 * std::numbers::pi * frequency * static_cast<double>(k));
  return sum;
}

std::vector<float> half_of(const novasr::KaiserSinc& filter) {
  std::vector<float> half;
  for (double time = 0.0; time < filter.half_width; time += 1.0) half.push_back(static_cast<float>(filter(time)));
  return half;
}

/// Half the width of the transition band that Kaiser's formula gives for a filter of 2 * half_width taps.
double half_transition(double attenuation_db, double half_width) {
  return 0.5 * (attenuation_db - 8.0) / (2.285 * 2.0 * half_width) / (2.0 * std::numbers::pi);
}

}  // namespace

TEST_CASE("FirDesign: the Bessel function matches published tables", "[dsp]") {
  CHECK(novasr::bessel_i0(0.0) == 1.0);
  CHECK(novasr::bessel_i0(1.0) == Approx(1.2660658777520084).epsilon(1e-14));
  CHECK(novasr::bessel_i0(10.0) == Approx(2815.716628466254).epsilon(1e-14));
  CHECK(novasr::bessel_i0(50.0) == Approx(2.9325537838493363e20).epsilon(1e-13));
}

TEST_CASE("FirDesign: Kaiser's beta for a stated attenuation", "[dsp]") {
  CHECK(novasr::kaiser_beta(20.0) == 0.0);
  CHECK(novasr::kaiser_beta(30.0) == Approx(2.11662).epsilon(1e-5));
  CHECK(novasr::kaiser_beta(60.0) == Approx(5.65326).epsilon(1e-5));
  CHECK(novasr::kaiser_beta(100.0) == Approx(10.06126).epsilon(1e-5));
}

TEST_CASE("FirDesign: a clean low-pass is flat, has -6 dB at its cut-off and the stated attenuation, to 2 dB",
          "[dsp]") {
  const double attenuation = GENERATE(40.0, 60.0, 80.0, 100.0);
  const double half_width = GENERATE(16.5, 48.5);
  const double cutoff = 0.2;
  const auto half = half_of(novasr::KaiserSinc::clean(cutoff * 48'000.0, half_width, attenuation, 48'000.0));
  const double transition = half_transition(attenuation, half_width);
  CHECK(decibels(response(half, cutoff)) == Approx(-6.02).margin(0.1));
  const double ripple_db = decibels(1.0 + 1.3 * std::pow(10.0, -attenuation / 20.0));
  for (double f = 0.0; f < cutoff - transition; f += 0.003) CHECK(std::abs(decibels(response(half, f))) < ripple_db);
  for (double f = cutoff + transition; f <= 0.5; f += 0.003)
    CHECK(decibels(std::abs(response(half, f))) < -attenuation + 2.0);
  CHECK(decibels(std::abs(response(half, cutoff + 0.3 * transition))) > -attenuation + 10.0);  // control
}

TEST_CASE("FirDesign: a high-pass blocks DC and the band below its cut-off, and passes what is above", "[dsp]") {
  constexpr double kRate = 48'000.0;
  constexpr std::size_t kDelay = 74;
  const double cutoff = GENERATE(5'000.0, 7'000.0, 12'000.0);
  novasr::HighPassDesigner designer(kDelay, 100.0, kRate);
  std::vector<float> half(kDelay + 1);
  designer.design(cutoff, half);
  const double transition = kRate * half_transition(100.0, kDelay);
  CHECK(decibels(std::abs(response(half, 0.0))) < -130.0);
  CHECK(decibels(response(half, cutoff / kRate)) == Approx(-6.02).margin(0.1));
  for (double hz = 0.0; hz < cutoff - transition; hz += 100.0)
    CHECK(decibels(std::abs(response(half, hz / kRate))) < -98.5);
  for (double hz = cutoff + transition; hz <= 24'000.0; hz += 100.0)
    CHECK(decibels(response(half, hz / kRate)) == Approx(0.0).margin(2e-4));
}

TEST_CASE("FirDesign: a high-pass designed again is the same as a new one", "[dsp]") {
  novasr::HighPassDesigner used(74, 105.0, 48'000.0);
  novasr::HighPassDesigner fresh(74, 105.0, 48'000.0);
  std::vector<float> first(75), second(75);
  used.design(4'000.0, first);
  used.design(7'000.0, first);
  fresh.design(7'000.0, second);
  CHECK(first == second);
}

TEST_CASE("FirDesign: a high-pass of one tap outputs silence, because it has to block DC", "[dsp]") {
  novasr::HighPassDesigner designer(0, 105.0, 48'000.0);
  std::vector<float> half(1, 1.0f);
  designer.design(7'000.0, half);
  CHECK(half[0] == 0.0f);
}
