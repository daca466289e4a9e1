// An engine whose output is what it adds: the chain sums it with the input, without a crossover.
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "novasr/processor.hpp"
#include "streaming.hpp"

using namespace novasr;
using namespace novasr::test;

namespace {

constexpr std::size_t kLatency = 100;

/// Adds the input once more, times a factor.
class AddingEngine final : public StreamingEngine {
 public:
  static constexpr EngineFormat kFormat{.input_hz = 48'000, .output_hz = 48'000, .adds_to_input = true};

  explicit AddingEngine(float factor) : factor_(factor) {}
  [[nodiscard]] const EngineFormat& format() const NOVASR_RT override { return kFormat; }
  void prepare(const EngineSpec& spec) override {
    pending_.assign(spec.channels, std::vector<float>(kLatency));
    reset();
  }
  void reset() NOVASR_RT override {
    at_ = 0;
    for (auto& channel : pending_) std::ranges::fill(channel, 0.0f);
  }
  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override {
    for (std::size_t i = 0; i < in.frames(); ++i, at_ = (at_ + 1) % kLatency)
      for (std::size_t c = 0; c < pending_.size(); ++c) out[c][i] = std::exchange(pending_[c][at_], factor_ * in[c][i]);
  }
  void flush(AudioView<float> out) noexcept override {
    for (std::size_t i = 0; i < out.frames(); ++i, at_ = (at_ + 1) % kLatency)
      for (std::size_t c = 0; c < pending_.size(); ++c) out[c][i] = std::exchange(pending_[c][at_], 0.0f);
  }
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT override { return kLatency; }

 private:
  float factor_;
  std::size_t at_ = 0;
  std::vector<std::vector<float>> pending_;
};

Processor make(float factor, std::uint32_t rate_hz, bool low_latency = false) {
  Processor processor(std::make_unique<AddingEngine>(factor));
  processor.prepare({.sample_rate_hz = rate_hz, .output_rate_hz = rate_hz, .channels = 2, .low_latency = low_latency});
  return processor;
}

}  // namespace

TEST_CASE("Adding engine: an engine that adds nothing leaves the input bit-exact at any rate", "[chain][adds]") {
  const auto rate = GENERATE(16'000u, 44'100u, 48'000u, 96'000u);
  const auto mode = GENERATE(Mode::extend, Mode::full);
  Processor processor = make(0.0f, rate);
  processor.set_parameters({.mode = mode});
  const Audio input = uniform_noise(2, 9'001, 3);
  const Audio output = stream(processor, input, random_blocks(5));
  const Audio expected = delayed(input, processor.latency_frames());
  REQUIRE(output[0].size() == expected[0].size());
  CHECK(same_bits(output, expected));
}

TEST_CASE("Adding engine: no crossover adds to its latency", "[chain][adds][latency]") {
  CHECK(make(0.5f, 48'000).latency_frames() == kLatency);
  CHECK(make(0.5f, 48'000, true).latency_frames() == kLatency);
}

TEST_CASE("Adding engine: both modes are the input plus what it adds, times the gain of its band", "[chain][adds]") {
  const auto mode = GENERATE(Mode::extend, Mode::full);
  const auto gain_db = GENERATE(0.0f, -6.0f);
  Processor processor = make(0.5f, 48'000);
  processor.set_parameters({.mode = mode, .high_band_gain_db = gain_db});
  const Audio input = uniform_noise(2, 5'000, 4);
  const Audio output = stream(processor, input, random_blocks(6));
  const float factor = 1.0f + 0.5f * std::pow(10.0f, gain_db / 20);
  for (std::size_t i = 0; i < 5'000; ++i) REQUIRE(output[1][kLatency + i] == Approx(factor * input[1][i]).margin(1e-6));
}
