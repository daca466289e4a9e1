#include <catch2/catch.hpp>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "families/wide/bands.hpp"
#include "families/wide/fft.hpp"
#include "wide_support.hpp"

using namespace novasr;
using namespace novasr::test;
using namespace novasr::wide;

namespace {

struct alignas(64) Lines {
  float re[kLineRow], im[kLineRow];
};

double window_at(std::size_t n) {
  return std::sin(std::numbers::pi * (static_cast<double>(n) + 0.5) / kFrame);
}

/// By its definition, in double.
std::complex<double> line_of(const std::vector<float>& audio, std::size_t k) {
  std::complex<double> sum = 0.0;
  for (std::size_t n = 0; n < kFrame; ++n)
    sum += window_at(n) * static_cast<double>(audio[n]) *
           std::polar(1.0, -2.0 * std::numbers::pi * static_cast<double>(n * k % kFrame) / kFrame);
  return sum;
}

}  // namespace

TEST_CASE("Wide kernels: the spectrum is the windowed Fourier transform, and its inverse gives the frame", "[wide]") {
  const auto audio = gaussian_noise(kFrame, 1.0f);  // a line has a magnitude of about 16
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    Lines lines;
    kernels.analyse(fft_tables(), audio.data(), {lines.re, lines.im});
    for (std::size_t k = 0; k < kLines; ++k)
      REQUIRE(std::abs(std::complex<double>(lines.re[k], lines.im[k]) - line_of(audio, k)) < 3e-5);
    for (std::size_t k = kLines; k < kLineRow; ++k) REQUIRE((lines.re[k] == 0.0f && lines.im[k] == 0.0f));
    REQUIRE((lines.im[0] == 0.0f && lines.im[kLines - 1] == 0.0f));
    std::vector<float> back(kFrame);
    kernels.synthesise(fft_tables(), {lines.re, lines.im}, back.data());
    for (std::size_t n = 0; n < kFrame; ++n)
      REQUIRE(std::abs(back[n] - window_at(n) * window_at(n) * static_cast<double>(audio[n])) < 2e-6);
  }
}

TEST_CASE("Wide kernels: levels are natural logarithms of mean power, from silence to full scale", "[wide]") {
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    for (const float power : {0.0f, 1e-12f, 3e-7f, 1.0f, 1.5f, 65536.0f, 1e17f}) {
      alignas(64) float lines[kLineRow] = {}, levels[kInputBandRow], tonality[kInputBandRow];
      std::fill_n(lines, kLines, power);
      kernels.levels(bands().input, lines, levels, tonality);
      const double expected = std::log(static_cast<double>(power) + kPowerFloor);
      for (std::size_t b = 0; b < kInputBands; ++b) REQUIRE(levels[b] == Approx(expected).margin(5e-7).epsilon(2e-7));
    }
  }
}

TEST_CASE("Wide kernels: tonality is 0 for a flat band and large for separate lines", "[wide]") {
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    alignas(64) float lines[kLineRow] = {}, levels[kInputBandRow], tonality[kInputBandRow];
    for (const float power : {0.0f, 3e-7f, 1.0f, 65536.0f}) {
      std::fill_n(lines, kLines, power);
      kernels.levels(bands().input, lines, levels, tonality);
      // The logarithms are of up to 18, whose last bits differ from line to line.
      for (std::size_t b = 0; b < kInputBands; ++b) REQUIRE(std::abs(tonality[b]) < 5e-6f);
    }
    for (std::size_t k = 0; k < kLines; ++k) lines[k] = k % 4 == 0 ? 1.0f : 1e-6f;
    kernels.levels(bands().input, lines, levels, tonality);
    const std::size_t last = kInputBands - 1;  // of 27 lines, nearly a quarter is loud
    REQUIRE(tonality[last] == Approx(std::log(0.25) - 0.75 * std::log(1e-6 + kLinePowerFloor)).epsilon(0.03));
  }
}

TEST_CASE("Wide kernels: whitening gives lines of one power the power 1", "[wide]") {
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    for (const float power : {1e-4f, 1.0f, 1e17f}) {
      alignas(64) float lines[kLineRow] = {}, factor[kLineRow];
      std::fill_n(lines, kLines, power);
      kernels.whitening(lines, 0, factor);
      for (std::size_t k = 0; k < kLines; ++k) REQUIRE(factor[k] * std::sqrt(power) == Approx(1.0).epsilon(1e-5));
    }
  }
}

TEST_CASE("Wide kernels: logistic and GELU are within 4e-7 of the exact functions", "[wide]") {
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    alignas(64) float x[4096], logistic[4096], gelu[4096];
    for (std::size_t i = 0; i < 4096; ++i) x[i] = logistic[i] = gelu[i] = (static_cast<float>(i) - 2048.0f) / 100.0f;
    kernels.logistic(logistic, 4096);
    kernels.gelu(gelu, 4096);
    for (std::size_t i = 0; i < 4096; ++i) {
      const double v = x[i];
      REQUIRE(std::abs(logistic[i] - 1.0 / (1.0 + std::exp(-v))) < 4e-7);
      const double exact = 0.5 * v * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (v + 0.044715 * v * v * v)));
      REQUIRE(std::abs(gelu[i] - exact) < 4e-7 * std::max(1.0, std::abs(v)));
    }
  }
}

TEST_CASE("Wide kernels: a row's result does not depend on the number of rows", "[wide]") {
  const auto input = gaussian_noise(kMaxRows * kHiddenRow, 1.0f);
  const auto layer = lively_layers()->blocks[0].narrow.view();
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    alignas(64) float all[kMaxRows][kChannelRow], one[kChannelRow];
    kernels.dense(layer, input.data(), kHiddenRow, kMaxRows, all[0], kChannelRow);
    for (std::size_t r = 0; r < kMaxRows; ++r) {
      kernels.dense(layer, input.data() + r * kHiddenRow, kHiddenRow, 1, one, kChannelRow);
      REQUIRE(std::equal(one, one + kChannelRow, all[r]));
    }
  }
}
