#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "dsp/rate_converter.hpp"
#include "realtime_scope.hpp"
#include "spectrum.hpp"
#include "streaming.hpp"

using namespace novasr::test;
using novasr::KaiserSinc;
using novasr::PolyphaseKernel;
using novasr::RateConverter;
using novasr::RateRatio;

namespace {

struct Rates {
  std::uint32_t in, out;
};

/// A kernel with a stop band of -100 dB that passes all but the top fifth of the band common to both rates.
PolyphaseKernel kernel_for(Rates rates) {
  const double lower = std::min(rates.in, rates.out);
  const double scale = std::max(1.0, rates.in / lower);
  return {RateRatio(rates.in, rates.out), KaiserSinc::clean(0.45 * lower, 48.5 * scale, 100.0, rates.in), true};
}

/// Converts a whole signal, rendering after each block.
std::vector<float> convert(RateConverter& converter, const PolyphaseKernel& kernel, const std::vector<float>& input,
                           const Cutter& block) {
  std::vector<float> output;
  for (std::size_t first = 0; first < input.size();) {
    const std::size_t count = std::min(block(), input.size() - first);
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(first), count, converter.append(count).begin());
    std::vector<float> piece(converter.available());
    {
      const novasr::test::RealtimeScope realtime;
      converter.render(kernel, piece);
      converter.advance(piece.size());
    }
    output.insert(output.end(), piece.begin(), piece.end());
    first += count;
  }
  return output;
}

RateConverter prepared(Rates rates, const PolyphaseKernel& kernel, std::int64_t start = 0) {
  RateConverter converter;
  converter.prepare(RateRatio(rates.in, rates.out),
                    {.left = kernel.row_length(), .right = kernel.right(), .start = start, .max_append = 8'000});
  return converter;
}

}  // namespace

TEST_CASE("RateConverter: output m is the input at the time of output m, to -95 dB", "[dsp][rate]") {
  const Rates rates = GENERATE(Rates{48'000, 44'100}, Rates{44'100, 48'000}, Rates{16'000, 48'000},
                               Rates{48'000, 16'000}, Rates{47'999, 48'000}, Rates{192'000, 48'000});
  const std::int64_t delay_frames = GENERATE(0, 25);
  const auto kernel = kernel_for(rates);
  const RateRatio ratio(rates.in, rates.out);
  RateConverter converter = prepared(rates, kernel, -delay_frames * ratio.out);
  const double hz = 0.3 * std::min(rates.in, rates.out);
  const auto sine = [&](double seconds) { return std::sin(2.0 * std::numbers::pi * hz * seconds); };
  std::vector<float> input(8'000);
  for (std::size_t n = 0; n < input.size(); ++n) input[n] = static_cast<float>(sine(static_cast<double>(n) / rates.in));
  const auto output = convert(converter, kernel, input, blocks_of(8'000));
  double worst = 0.0;
  const auto edge = 100 * rates.out / std::min(rates.in, rates.out) + 200;  // the silence before the input
  REQUIRE(output.size() > 2 * edge);
  for (std::size_t m = edge; m < output.size(); ++m) {
    const double time = static_cast<double>(m) / rates.out - static_cast<double>(delay_frames) / rates.in;
    worst = std::max(worst, std::abs(output[m] - sine(time)));
  }
  INFO(rates.in << " to " << rates.out);
  CHECK(decibels(worst) < -95.0);
}

TEST_CASE("RateConverter: bit-identical for any block size", "[dsp][rate]") {
  const Rates rates = GENERATE(Rates{48'000, 44'100}, Rates{16'000, 48'000}, Rates{47'999, 48'000});
  const auto kernel = kernel_for(rates);
  RateConverter converter = prepared(rates, kernel, -7);
  const auto input = uniform_noise(1, 8'000, 1)[0];
  const auto expected = convert(converter, kernel, input, blocks_of(8'000));
  for (const Cutter& block : {blocks_of(1), blocks_of(64), random_blocks(2)}) {
    converter.reset();
    REQUIRE(same_bits({convert(converter, kernel, input, block)}, {expected}));
  }
}

TEST_CASE("RateConverter: the identity kernel gives a bit-exact delay", "[dsp][rate]") {
  const PolyphaseKernel wire;
  RateConverter converter = prepared({48'000, 48'000}, wire, -30);
  const auto input = uniform_noise(1, 2'000, 3)[0];
  const auto output = convert(converter, wire, input, random_blocks(4));
  CHECK(same_bits(delayed({input}, 30), {output}));
}

TEST_CASE("RateConverter: missing() frames are enough for that many outputs, one less is not", "[dsp][rate]") {
  const Rates rates =
      GENERATE(Rates{48'000, 44'100}, Rates{44'100, 48'000}, Rates{16'000, 48'000}, Rates{48'000, 16'000});
  const auto kernel = kernel_for(rates);
  RateConverter converter = prepared(rates, kernel);
  for (std::size_t outputs = 1; outputs < 200; outputs += 7) {
    const std::size_t missing = converter.missing(outputs);
    if (missing > 0) {
      std::ranges::fill(converter.append(missing - 1), 0.0f);
      CHECK(converter.available() < outputs);
      std::ranges::fill(converter.append(1), 0.0f);
    }
    CHECK(converter.available() >= outputs);
    converter.advance(outputs);
  }
}

TEST_CASE("RateConverter: a level before the signal causes no step", "[dsp][rate]") {
  const Rates rates{44'100, 48'000};
  const auto kernel = kernel_for(rates);
  RateConverter converter = prepared(rates, kernel);
  converter.reset(0.5f);
  for (const float y : convert(converter, kernel, std::vector<float>(1'000, 0.5f), blocks_of(100)))
    REQUIRE(y == Approx(0.5f).margin(1e-6));
}
