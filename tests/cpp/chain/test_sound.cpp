#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "chain/chain_plan.hpp"
#include "dsp/rate_converter.hpp"
#include "families/novasr/native_engine.hpp"
#include "families/novasr/weights.hpp"
#include "novasr/model.hpp"
#include "novasr/processor.hpp"
#include "spectrum.hpp"
#include "streaming.hpp"
#include "torchaudio_sinc.hpp"

using novasr::FrontEnd;
using novasr::Mode;
using novasr::Processor;
using novasr::ProcessSpec;

using namespace novasr::test;

namespace {

novasr::ChainPlan plan_of(const novasr::ProcessSpec& spec) {
  return novasr::plan_chain(spec, InterpolatingEngine::kFormat, 43);
}

/// Converts a whole signal.
std::vector<float> convert(const std::vector<float>& input, std::uint32_t in_hz, std::uint32_t out_hz,
                           const novasr::PolyphaseKernel& kernel) {
  novasr::RateConverter converter;
  converter.prepare(novasr::RateRatio(in_hz, out_hz),
                    {.left = kernel.row_length(), .right = kernel.right(), .max_append = input.size()});
  std::ranges::copy(input, converter.append(input.size()).begin());
  std::vector<float> output(converter.available());
  converter.render(kernel, output);
  return output;
}

/// Output level in dB at `heard_hz` for an input sine of amplitude 1 at `hz`.
double level_db(double hz, double heard_hz, std::uint32_t in_hz, std::uint32_t out_hz,
                const novasr::PolyphaseKernel& kernel) {
  const auto output = convert(tones({hz}, in_hz, in_hz / 8), in_hz, out_hz, kernel);
  const std::size_t edge = out_hz / 50;
  return decibels(2.0 *
                  std::abs(component(std::span(output).subspan(edge, output.size() - 2 * edge), heard_hz, out_hz)));
}

ProcessSpec same_rate(std::uint32_t rate) {
  return {.sample_rate_hz = rate, .output_rate_hz = rate};
}

}  // namespace

TEST_CASE("Sound: in extend mode the output below 6 kHz is the delayed input, to -100 dB", "[sound][extend]") {
  const auto rate = GENERATE(22'050u, 32'000u, 44'100u, 48'000u, 96'000u, 192'000u);
  Processor processor = make_processor(same_rate(rate));
  const Audio input = uniform_noise(1, rate / 4, 1);
  const Audio output = stream(processor, input, blocks_of(512));
  const auto length = input[0].size();
  std::vector<float> difference(length);
  for (std::size_t i = 0; i < length; ++i) difference[i] = output[0][i + processor.latency_frames()] - input[0][i];
  double level = 0.0;
  double worst = 0.0;
  for (double hz = 0.0; hz <= 6'000.0; hz += 100.0) {
    level += std::norm(component(input[0], hz, rate)) / 61.0;
    worst = std::max(worst, std::abs(component(difference, hz, rate)));
  }
  CHECK(decibels(worst / std::sqrt(level)) < -100.0);
  CHECK(decibels(std::abs(component(difference, 9'000.0, rate)) / std::sqrt(level)) > -20.0);  // control
}

TEST_CASE("Sound: in extend mode the output above the crossover is the model's, but for the images of its input rate",
          "[sound][extend]") {
  const Audio input = uniform_noise(1, 24'000, 2);
  Processor processor = make_processor({});
  const Audio extended = stream(processor, input, blocks_of(512));
  processor.set_parameters({.mode = Mode::full});
  const Audio full = stream(processor, input, blocks_of(512));
  for (double hz = 8'300.0; hz < 23'000.0; hz += 700.0) {
    if (std::abs(hz - 16'000.0) < 300.0) continue;
    const auto wanted = component(full[0], hz, 48'000);
    CHECK(std::abs(component(extended[0], hz, 48'000) - wanted) < 2e-6 + 0.018 * std::abs(wanted));  // 0.15 dB
  }
}

TEST_CASE("Sound: in extend mode the model's image of its own constant is not heard", "[sound][extend]") {
  Processor processor(novasr::default_model()->make_engine());
  processor.prepare(ProcessSpec{});
  const Audio input(1, tones({300.0, 450.0, 600.0, 750.0, 900.0}, 48'000, 48'000));
  const Audio extended = stream(processor, input, blocks_of(512));
  processor.set_parameters({.mode = Mode::full});
  const Audio full = stream(processor, input, blocks_of(512));
  const auto line = [](const Audio& audio) {
    return std::abs(component(std::span(audio[0]).subspan(9'600, 38'400), 16'000.0, 48'000));
  };
  CHECK(decibels(line(full)) > -110.0);  // control
  CHECK(decibels(line(extended) / line(full)) < -40.0);
}

TEST_CASE("Sound: the high-band gain acts only above the crossover", "[sound][extend]") {
  const Audio input = uniform_noise(1, 24'000, 3);
  Processor processor = make_processor({});
  const Audio plain = stream(processor, input, blocks_of(512));
  processor.set_parameters({.high_band_gain_db = 6.0f});
  const Audio louder = stream(processor, input, blocks_of(512));
  CHECK(std::abs(component(louder[0], 5'000, 48'000) - component(plain[0], 5'000, 48'000)) < 1e-7);
  for (const double hz : {9'000.0, 12'000.0, 20'000.0})
    CHECK(decibels(std::abs(component(louder[0], hz, 48'000) / component(plain[0], hz, 48'000))) ==
          Approx(6.0).margin(0.02));
}

TEST_CASE("Sound: the clean input resampler is flat to 6.5 kHz, with aliases below -45 dB", "[sound][front_end]") {
  const auto rate = GENERATE(22'050u, 24'000u, 32'000u, 44'100u, 48'000u, 88'200u, 96'000u, 176'400u, 192'000u);
  const auto plan = plan_of(same_rate(rate));
  for (const double hz : {50.0, 1'000.0, 3'000.0, 5'000.0, 6'500.0})
    CHECK(level_db(hz, hz, rate, 16'000, plan.clean) == Approx(0.0).margin(0.1));
  for (double hz = 9'500.0; hz < 0.48 * rate; hz += 1'300.0) {
    const double folded = std::abs(hz - 16'000.0 * std::round(hz / 16'000.0));
    INFO(rate << " Hz: " << hz << " Hz folds to " << folded);
    CHECK(level_db(hz, folded, rate, 16'000, plan.clean) < -45.0);
  }
}

TEST_CASE("Sound: the reference input resampler is torchaudio's formula at any rate", "[sound][front_end]") {
  const auto rate = GENERATE(8'000u, 22'050u, 44'100u, 48'000u, 96'000u);
  const auto plan = plan_of({.sample_rate_hz = rate});
  const Audio input = uniform_noise(1, 800, 4);
  const auto output = convert(input[0], rate, 16'000, plan.reference);
  const double base = 0.99 * std::min(rate, 16'000u) / rate;
  for (std::size_t j = 0; j < output.size(); ++j) {
    double expected = 0.0;
    for (std::size_t k = 0; k < 800; ++k) {
      const double frames = static_cast<double>(k) - static_cast<double>(j) * rate / 16'000.0;
      expected += torchaudio_sinc(frames * base) * base * input[0][k];
    }
    REQUIRE(output[j] == Approx(expected).margin(3e-7));
  }
}

TEST_CASE("Sound: the output resampler is flat to 0.4 of the rate or 19.5 kHz, aliases and images are below -90 dB",
          "[sound][output_resampler]") {
  const auto rate = GENERATE(22'050u, 32'000u, 44'100u, 47'999u, 88'200u, 96'000u, 192'000u);
  const auto plan = plan_of(same_rate(rate));
  const double band = std::min(0.4 * rate, 19'500.0);
  for (const double part : {0.01, 0.3, 0.7, 1.0})
    CHECK(level_db(part * band, part * band, 48'000, rate, plan.output_resampler) == Approx(0.0).margin(0.01));
  for (double hz = 1'000.0; hz < 24'000.0; hz += 1'850.0) {
    const double mirror = rate < 48'000 ? rate - hz : 48'000.0 - hz;  // frequency of the alias or image
    const bool alias = rate < 48'000 && hz > rate - band && mirror < band;
    const bool image = rate > 48'000 && hz < band && mirror < 0.5 * rate;
    if (!alias && !image) continue;
    INFO(rate << " Hz: " << hz << " Hz seen at " << mirror);
    CHECK(level_db(hz, mirror, 48'000, rate, plan.output_resampler) < -90.0);
  }
}

TEST_CASE("Sound: NaN and infinity in the input count as zero", "[sound][nonfinite]") {
  const auto rate = GENERATE(16'000u, 44'100u, 48'000u);
  Processor processor = make_processor({.sample_rate_hz = rate, .channels = 2});
  Audio zeroed = uniform_noise(2, 5'000, 5);
  Audio broken = zeroed;
  const float infinity = std::numeric_limits<float>::infinity();
  for (const std::size_t at : {0, 1, 777, 2'500, 2'501, 4'999}) {
    zeroed[1][at] = 0.0f;
    broken[1][at] = at % 3 == 0 ? std::numeric_limits<float>::quiet_NaN() : at % 3 == 1 ? infinity : -infinity;
  }
  const Audio expected = stream(processor, zeroed, blocks_of(100));
  CHECK(processor.stats().nonfinite_samples == 0);
  CHECK(same_bits(stream(processor, broken, blocks_of(512)), expected));
  CHECK(processor.stats().nonfinite_samples == 6);
}

TEST_CASE("Sound: the output recovers from input of any finite magnitude", "[sound][nonfinite]") {
  Processor processor = make_processor({});
  Audio input = uniform_noise(1, 9'000, 6);
  for (std::size_t i = 3'000; i < 3'100; ++i)
    input[0][i] = (i % 2 == 0 ? 1.0f : -1.0f) * std::numeric_limits<float>::max();
  const Audio output = stream(processor, input, blocks_of(256));
  REQUIRE(std::ranges::all_of(std::span(output[0]).subspan(3'500), [](float y) { return std::abs(y) < 2.0f; }));
}

TEST_CASE("Sound: with nothing to extend, the input passes through with gain and without delay",
          "[sound][passthrough]") {
  const auto rate = GENERATE(8'000u, 11'025u, 16'000u);
  Processor processor = make_processor(same_rate(rate));
  CHECK(processor.latency_frames() == 0);
  CHECK(processor.stats().passthrough);
  const Audio input = uniform_noise(1, 3'000, 7);
  CHECK(same_bits(stream(processor, input, random_blocks(8)), input));
  processor.set_parameters({.output_gain_db = -6.0f});
  CHECK(stream(processor, input, random_blocks(8))[0][100] == Approx(0.5012 * input[0][100]).epsilon(1e-3));
}

TEST_CASE("Sound: channels are independent", "[sound]") {
  const Audio input = uniform_noise(3, 3'000, 9);
  Processor three = make_processor({.channels = 3});
  Processor one = make_processor({});
  const Audio together = stream(three, input, blocks_of(128));
  for (std::size_t c = 0; c < 3; ++c) CHECK(same_bits({together[c]}, stream(one, {input[c]}, blocks_of(128))));
}

TEST_CASE("Sound: empty or very short input gives output of the right length", "[sound]") {
  const auto rate = GENERATE(8'000u, 16'000u, 44'100u, 48'000u);
  Processor processor = make_processor({.sample_rate_hz = rate});
  for (const std::size_t frames : {1, 2, 5}) {
    const Audio output = stream(processor, uniform_noise(1, frames, 10), blocks_of(1));
    CHECK(output[0].size() == processor.latency_frames() + (2 * frames * 48'000 + rate) / (2 * rate));
  }
  Streamer streamer(processor, 1);
  streamer.flush();
  CHECK(streamer.output()[0] == std::vector<float>(processor.latency_frames()));
}
