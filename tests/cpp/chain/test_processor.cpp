#include <catch2/catch.hpp>

#include "novasr/processor.hpp"
#include "streaming.hpp"
#include "torchaudio_sinc.hpp"

using novasr::FrontEnd;
using novasr::Mode;
using novasr::Parameters;
using novasr::Processor;
using novasr::ProcessSpec;

using namespace novasr::test;

namespace {

constexpr ProcessSpec kLow48{.channels = 2, .max_block_frames = 4096, .low_latency = true};
constexpr ProcessSpec kLow16{.sample_rate_hz = 16'000, .channels = 2, .max_block_frames = 4096, .low_latency = true};

}  // namespace

TEST_CASE("Processor: low latency at 48 kHz is the input resampler's 18 frames plus the engine's latency",
          "[processor][latency]") {
  const auto lag = GENERATE(std::size_t{37}, std::size_t{43});
  REQUIRE(make_processor(kLow48, lag).latency_frames() == 18 + lag);
}

TEST_CASE("Processor: low latency from 16 to 48 kHz is the engine's latency", "[processor][latency]") {
  const auto lag = GENERATE(std::size_t{37}, std::size_t{43});
  REQUIRE(make_processor(kLow16, lag).latency_frames() == lag);
}

TEST_CASE("Processor: the output does not depend on the block size", "[processor]") {
  const ProcessSpec spec = GENERATE(kLow48, kLow16);
  Processor processor = make_processor(spec);
  const Audio input = uniform_noise(2, 5001, 1);
  const Audio whole = stream(processor, input, blocks_of(4096));
  REQUIRE(whole[0].size() == processor.latency_frames() + input[0].size() * 48'000 / spec.sample_rate_hz);
  for (const std::size_t size : {1, 7, 32, 63, 64, 441, 480, 512, 1023})
    REQUIRE(same_bits(stream(processor, input, blocks_of(size)), whole));
  REQUIRE(same_bits(stream(processor, input, random_blocks(3)), whole));
}

TEST_CASE("Processor: with a pass-through input resampler, 16 kHz input gives the engine's own output", "[processor]") {
  Processor processor = make_processor(kLow16, 43);
  const Audio input = uniform_noise(2, 1000, 2);
  const Audio output = stream(processor, input, random_blocks(4));
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t n = 0; n + 1 < 1000; ++n) {
      REQUIRE(output[c][43 + 3 * n] == input[c][n]);
      REQUIRE(output[c][44 + 3 * n] == Approx(input[c][n] + (input[c][n + 1] - input[c][n]) / 3.0f).margin(1e-6));
    }
}

TEST_CASE("Processor: mix 0 and bypass output the delayed input, bit for bit", "[processor]") {
  Processor processor = make_processor(kLow48);
  Parameters parameters{.mode = Mode::full, .front_end = FrontEnd::reference};
  if (GENERATE(true, false))
    parameters.mix = 0.0f;
  else
    parameters.bypass = true;
  processor.set_parameters(parameters);
  const Audio input = uniform_noise(2, 5000, 5);
  REQUIRE(same_bits(stream(processor, input, random_blocks(6)), delayed(input, processor.latency_frames())));
}

TEST_CASE("Processor: the reference input resampler is torchaudio's kaiser_window resampler",
          "[processor][front_end]") {
  Processor processor = make_processor(kLow48, 43);
  const Audio input = uniform_noise(2, 1000, 7);
  const Audio output = stream(processor, input, random_blocks(8));
  const auto tap = [](int k) { return torchaudio_sinc(k * 0.99 / 3.0) * 0.99 / 3.0; };  // from 48 to 16 kHz
  REQUIRE(output[0].size() == 1000 + 61);
  for (int n = 0; n < 334; ++n) {
    double expected = 0.0;
    for (int k = -18; k <= 18; ++k) {
      const int frame = 3 * n + k;
      if (frame >= 0 && frame < 1000) expected += tap(k) * input[0][static_cast<std::size_t>(frame)];
    }
    REQUIRE(output[0][static_cast<std::size_t>(61 + 3 * n)] == Approx(expected).margin(2e-7));  // not interpolated
  }
}

TEST_CASE("Processor: after a reset it behaves like a new one", "[processor]") {
  Processor processor = make_processor(kLow48);
  const Audio input = uniform_noise(2, 3000, 9);
  const Audio first = stream(processor, input, blocks_of(100));
  REQUIRE(same_bits(stream(processor, input, blocks_of(100)), first));
  REQUIRE(processor.stats().input_frames == 3000);
  REQUIRE(processor.stats().output_frames == 3061);
}

TEST_CASE("Processor: prepared for blocks of one frame, it gives the same output", "[processor]") {
  const auto rate = GENERATE(8'000u, 16'000u, 44'100u, 48'000u, 192'000u);
  Processor wide = make_processor({.sample_rate_hz = rate, .max_block_frames = 8'192});
  Processor narrow = make_processor({.sample_rate_hz = rate, .max_block_frames = 1});
  const Audio input = uniform_noise(1, 700, 10);
  REQUIRE(same_bits(stream(narrow, input, blocks_of(1)), stream(wide, input, blocks_of(8'192))));
}
