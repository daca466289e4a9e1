// Cost of the chain around a trivial model: microseconds of one core per millisecond of audio and channel, in blocks of
// 1 ms, median over many blocks.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "novasr/processor.hpp"

namespace {

constexpr novasr::EngineFormat kFormat{.input_hz = 16'000, .output_hz = 48'000, .edge_frames = 83, .band_hz = 8'000.0};

/// Repeats each frame three times.
class HoldingEngine final : public novasr::StreamingEngine {
 public:
  [[nodiscard]] const novasr::EngineFormat& format() const NOVASR_RT override { return kFormat; }
  void prepare(const novasr::EngineSpec&) override {}
  void reset() NOVASR_RT override {}
  void process(novasr::AudioView<const float> in, novasr::AudioView<float> out) NOVASR_RT override {
    for (std::size_t c = 0; c < in.channels(); ++c)
      for (std::size_t i = 0; i < out.frames(); ++i) out[c][i] = in[c][i / 3];
  }
  void flush(novasr::AudioView<float>) noexcept override {}
  std::size_t latency_frames() const NOVASR_RT override { return 43; }
};

double microseconds_per_block(std::uint32_t in_hz, std::uint32_t out_hz, novasr::Mode mode, std::size_t block) {
  const bool low_latency = mode == novasr::Mode::full;
  novasr::Processor processor(std::make_unique<HoldingEngine>());
  processor.prepare({.sample_rate_hz = in_hz, .output_rate_hz = out_hz, .low_latency = low_latency});
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
  std::vector<float> in(block);
  for (float& sample : in) sample = uniform(generator);
  std::vector<float> out(processor.max_output_frames(block));
  const float* in_pointer = in.data();
  float* out_pointer = out.data();
  std::vector<double> times;
  for (int i = 0; i < 4000; ++i) {
    const auto start = std::chrono::steady_clock::now();
    processor.process(novasr::AudioView<const float>(&in_pointer, 1, block),
                      novasr::AudioView<float>(&out_pointer, 1, out.size()));
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + 2000, times.end());
  return times[2000];
}

}  // namespace

int main() {
  std::puts("| in kHz | out kHz | full, low latency | extend |\n|---:|---:|---:|---:|");
  for (const auto& [in_hz, out_hz] : {std::pair{16'000u, 48'000u},
                                      {44'100u, 44'100u},
                                      {44'100u, 48'000u},
                                      {48'000u, 48'000u},
                                      {96'000u, 96'000u},
                                      {192'000u, 192'000u}}) {
    const std::size_t block = in_hz / 1000;
    std::printf("| %g | %g | %.2f us | %.2f us |\n", in_hz / 1e3, out_hz / 1e3,
                microseconds_per_block(in_hz, out_hz, novasr::Mode::full, block),
                microseconds_per_block(in_hz, out_hz, novasr::Mode::extend, block));
  }
}
