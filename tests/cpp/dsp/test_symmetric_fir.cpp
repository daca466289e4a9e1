#include <catch2/catch.hpp>
#include <cmath>

#include "dsp/history.hpp"
#include "dsp/kernels/table.hpp"
#include "dsp/symmetric_fir.hpp"
#include "realtime_scope.hpp"
#include "streaming.hpp"

using namespace novasr::test;
namespace {

constexpr std::size_t kFrames = 4'000;

/// The input filtered in blocks; the first half.size() - 1 outputs belong to the silence before it.
std::vector<float> filtered(const novasr::dsp::KernelTable& kernels, const std::vector<float>& half,
                            const std::vector<float>& input, const Cutter& block) {
  novasr::History history;
  history.prepare(2 * (half.size() - 1), input.size());
  history.reset();
  std::vector<float> output(input.size());
  for (std::size_t first = 0; first < input.size();) {
    const std::size_t count = std::min(block(), input.size() - first);
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(first), count, history.append(count).begin());
    const novasr::test::RealtimeScope realtime;
    novasr::symmetric_fir(kernels, half, history.end(), std::span(output).subspan(first, count));
    first += count;
  }
  return output;
}

/// The same as a plain sum.
double expected_at(const std::vector<float>& half, const std::vector<float>& input, std::size_t at) {
  const auto reach = static_cast<std::ptrdiff_t>(half.size()) - 1;
  double sum = 0.0;
  for (std::ptrdiff_t k = -reach; k <= reach; ++k) {
    const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(at) - reach + k;
    if (n >= 0)
      sum += static_cast<double>(half[static_cast<std::size_t>(std::abs(k))]) * input[static_cast<std::size_t>(n)];
  }
  return sum;
}

}  // namespace

TEST_CASE("SymmetricFir: every instruction set computes the plain sum", "[dsp]") {
  const auto taps = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{17}, std::size_t{75});
  const auto half = uniform_noise(1, taps, 1)[0];
  const auto input = uniform_noise(1, kFrames, 2)[0];
  for (const novasr::Isa isa : novasr::available_isas()) {
    INFO(novasr::isa_name(isa));
    const auto output = filtered(novasr::dsp::table_for(isa), half, input, blocks_of(kFrames));
    for (std::size_t i = 0; i < kFrames; ++i) REQUIRE(output[i] == Approx(expected_at(half, input, i)).margin(5e-6));
  }
}

TEST_CASE("SymmetricFir: bit-identical for any block size and instruction set", "[dsp]") {
  const auto half = uniform_noise(1, 75, 1)[0];
  const auto input = uniform_noise(1, kFrames, 2)[0];
  const auto expected = filtered(novasr::dsp::table_for(novasr::Isa::portable), half, input, blocks_of(kFrames));
  for (const novasr::Isa isa : novasr::available_isas()) {
    INFO(novasr::isa_name(isa));
    const auto& filter = novasr::dsp::table_for(isa);
    for (const Cutter& block : {blocks_of(1), blocks_of(16), blocks_of(37), random_blocks(3)})
      REQUIRE(same_bits({filtered(filter, half, input, block)}, {expected}));
  }
}
