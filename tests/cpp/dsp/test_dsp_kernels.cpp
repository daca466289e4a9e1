#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "dsp/kernels/table.hpp"
#include "dsp/symmetric_fir.hpp"
#include "novasr/isa.hpp"

using namespace novasr;

namespace {

constexpr std::size_t kOffsets[] = {0, 1, 3, 4, 7, 13};  // from an aligned start: alignments of every kind

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  std::ranges::generate(values, [&] { return normal(generator); });
  return values;
}

/// The filter on signal[taps - 1 ..], in blocks of `block` frames.
std::vector<float> filtered(const dsp::KernelTable& kernels, std::span<const float> half, std::span<const float> signal,
                            std::size_t frames, std::size_t block) {
  std::vector<float> out(frames + 1, -77.0f);
  for (std::size_t done = 0; done < frames; done += block) {
    const std::size_t count = std::min(block, frames - done);
    const float* const end = signal.data() + done + count + 2 * (half.size() - 1);
    symmetric_fir(kernels, half, end, std::span(out).subspan(done, count));
  }
  CHECK(out.back() == -77.0f);
  out.pop_back();
  return out;
}

}  // namespace

TEST_CASE("DSP kernels: the FIR filter is bit-identical on every instruction set, for any block size and alignment",
          "[dsp][isa]") {
  const std::size_t taps = GENERATE(1u, 2u, 12u, 75u), frames = GENERATE(1u, 15u, 16u, 17u, 131u);
  const auto half = random_values(taps, 1);
  const auto signal = random_values(frames + 2 * (taps - 1) + dsp::kFirFrames, 2);
  const auto expected = filtered(dsp::table_for(Isa::portable), half, signal, frames, frames);
  for (std::size_t i = 0; i < frames; ++i) {
    double sum = static_cast<double>(half[0]) * signal[i + taps - 1];
    for (std::size_t k = 1; k < taps; ++k)
      sum += static_cast<double>(half[k]) * (static_cast<double>(signal[i + taps - 1 - k]) + signal[i + taps - 1 + k]);
    REQUIRE(expected[i] == Approx(sum).margin(1e-4));
  }
  for (const Isa isa : available_isas()) {
    INFO(isa_name(isa) << ", " << taps << " taps, " << frames << " frames");
    for (const std::size_t block : {1u, 5u, 16u, 33u, 131u})
      REQUIRE(filtered(dsp::table_for(isa), half, signal, frames, block) == expected);
    for (const std::size_t offset : kOffsets) {
      std::vector<float> moved(offset + signal.size());
      std::ranges::copy(signal, moved.begin() + static_cast<std::ptrdiff_t>(offset));
      REQUIRE(filtered(dsp::table_for(isa), half, std::span(moved).subspan(offset), frames, frames) == expected);
    }
  }
}

TEST_CASE("DSP kernels: dot products are bit-identical on every instruction set, for any alignment", "[dsp][isa]") {
  const std::size_t length = dsp::kDotLanes * GENERATE(1u, 2u, 3u, 9u, 20u);
  const std::size_t reach = length + std::ranges::max(kOffsets);
  const auto x = random_values(reach, 3), h0 = random_values(reach, 4), h1 = random_values(reach, 5);
  const float fraction = 0.3f;
  for (const std::size_t offset : kOffsets) {
    const float* const at = x.data() + offset;
    double sum = 0.0, between = 0.0;
    for (std::size_t k = 0; k < length; ++k) {
      sum += static_cast<double>(at[k]) * h0[k];
      between += static_cast<double>(at[k]) * (h0[k] + static_cast<double>(fraction) * (h1[k] - h0[k]));
    }
    const auto& portable = dsp::table_for(Isa::portable);
    const float dot = portable.dot(at, h0.data(), length);
    const float dot_between = portable.dot_between(at, h0.data(), h1.data(), fraction, length);
    REQUIRE(dot == Approx(sum).margin(1e-4));
    REQUIRE(dot_between == Approx(between).margin(1e-4));
    for (const Isa isa : available_isas()) {
      INFO(isa_name(isa) << ", " << length << " factors from " << offset);
      const auto& kernels = dsp::table_for(isa);
      REQUIRE(kernels.dot(at, h0.data(), length) == dot);
      REQUIRE(kernels.dot_between(at, h0.data(), h1.data(), fraction, length) == dot_between);
      // The other factor may have any alignment, too.
      std::vector<float> moved(offset + length);
      std::copy_n(h0.begin(), length, moved.begin() + static_cast<std::ptrdiff_t>(offset));
      REQUIRE(kernels.dot(at, moved.data() + offset, length) == dot);
    }
  }
}
