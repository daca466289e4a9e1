// Compares resamplers on the conversions of the chain: flatness, rejection, latency, cost, allocations while running.
// Input in blocks of 1 ms, as in a callback.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <vector>

#include "resamplers.hpp"
#include "spectrum.hpp"

// Counts every call of malloc in the process, including those inside the libraries (glibc).
static std::size_t malloc_calls = 0;
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_calloc(std::size_t count, std::size_t size);
extern "C" void* __libc_realloc(void* memory, std::size_t size);
extern "C" void* malloc(std::size_t size) {
  return ++malloc_calls, __libc_malloc(size);
}
extern "C" void* calloc(std::size_t count, std::size_t size) {
  return ++malloc_calls, __libc_calloc(count, size);
}
extern "C" void* realloc(void* memory, std::size_t size) {
  return ++malloc_calls, __libc_realloc(memory, size);
}

using namespace novasr::test;

namespace {

struct Conversion {
  std::uint32_t in_hz;
  std::uint32_t out_hz;
  double band_hz;  ///< upper edge of the pass band
  double stop_hz;  ///< to the model: lower edge of the stop band; from the model: tones that alias into the band or are
                   ///< its images
};

struct Run {
  std::vector<float> output;
  double longest_debt = 0.0;  ///< largest number of output frames due but not delivered
};

Run run(const Resampler& resample, const std::vector<float>& input, const Conversion& conversion) {
  Run result;
  const std::size_t block = conversion.in_hz / 1'000;
  std::vector<float> out(16 * block + 4'096);
  for (std::size_t first = 0; first + block <= input.size(); first += block) {
    const std::size_t written = resample(std::span(input).subspan(first, block), out);
    result.output.insert(result.output.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(written));
    const double due = static_cast<double>(first + block) * conversion.out_hz / conversion.in_hz;
    if (first > input.size() / 2)
      result.longest_debt = std::max(result.longest_debt, due - static_cast<double>(result.output.size()));
  }
  return result;
}

std::complex<double> heard(const Run& result, double hz, double rate_hz) {
  const std::size_t skip = result.output.size() / 4;
  return 2.0 * component(std::span(result.output).subspan(skip, result.output.size() / 2), hz, rate_hz,
                         static_cast<double>(skip));
}

void measure(const Candidate& candidate, const Conversion& conversion) {
  const auto [in_hz, out_hz, band_hz, stop_hz] = conversion;
  const auto sine = [&](double hz) {
    return run(candidate.make(in_hz, out_hz), tones({hz}, in_hz, in_hz / 2), conversion);
  };
  double ripple = 0.0;
  for (const double part : {0.01, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0})
    ripple = std::max(ripple, std::abs(decibels(std::abs(heard(sine(part * band_hz), part * band_hz, out_hz)))));

  double leak = -200.0;  // loudest product in the band
  const bool up = out_hz > in_hz;
  for (double hz = up ? 1'000.0 : stop_hz; hz < (up ? band_hz : 0.49 * in_hz); hz += 1'370.0) {
    const double product = up ? in_hz - hz : std::abs(hz - out_hz * std::round(hz / out_hz));
    if (product < 0.5 * out_hz) leak = std::max(leak, decibels(std::abs(heard(sine(hz), product, out_hz))));
  }

  // Group delay of the stream from the phases at two nearby frequencies, plus the frames that it holds back.
  const auto phase = [&](double hz, double& debt) {
    const Run result = sine(hz);
    debt = result.longest_debt;
    return std::arg(heard(result, hz, out_hz) / std::polar(1.0, hz - std::numbers::pi / 2.0));
  };
  double debt = 0.0;
  const double turn = std::remainder(phase(1'000.0, debt) - phase(1'010.0, debt), 2.0 * std::numbers::pi);
  const double delay_ms = 1e3 * turn / (2.0 * std::numbers::pi * 10.0);
  const double latency_ms = delay_ms + 1e3 * debt / out_hz;

  const Resampler resample = candidate.make(in_hz, out_hz);
  std::vector<float> in(in_hz / 1'000);
  std::mt19937 generator(1);
  for (float& sample : in) sample = std::uniform_real_distribution<float>(-0.5f, 0.5f)(generator);
  std::vector<float> out(16 * in.size() + 4'096);
  for (int i = 0; i < 200; ++i) resample(in, out);
  std::vector<double> seconds;
  seconds.reserve(5);
  const std::size_t calls_before = malloc_calls;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const std::clock_t start = std::clock();  // CPU time of this process only
    for (int i = 0; i < 1'000; ++i) resample(in, out);
    seconds.push_back(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  const std::size_t calls = malloc_calls - calls_before;
  std::printf("| %g -> %g | %s | %.3f | %.0f | %.2f | %.2f | %.1f |\n", in_hz / 1e3, out_hz / 1e3,
              candidate.name.c_str(), ripple, leak, latency_ms, 1e3 * *std::ranges::min_element(seconds),
              static_cast<double>(calls) / 5.0);
}

}  // namespace

int main() {
  std::puts(
      "| kHz | resampler | ripple dB | worst product dB | latency ms | CPU ms/s | malloc/s |\n"
      "|---|---|---:|---:|---:|---:|---:|");
  const std::vector<Conversion> conversions{{44'100, 16'000, 6'500.0, 9'500.0},
                                            {48'000, 16'000, 6'500.0, 9'500.0},
                                            {96'000, 16'000, 6'500.0, 9'500.0},
                                            {48'000, 44'100, 19'500.0, 23'500.0},
                                            {48'000, 96'000, 19'500.0, 0.0}};
  for (const Conversion& conversion : conversions)
    for (const Candidate& candidate : candidates()) measure(candidate, conversion);
}
