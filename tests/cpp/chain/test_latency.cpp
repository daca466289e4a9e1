#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "novasr/processor.hpp"
#include "spectrum.hpp"
#include "streaming.hpp"

using novasr::FrontEnd;
using novasr::Mode;
using novasr::Parameters;
using novasr::Processor;
using novasr::ProcessSpec;

using namespace novasr::test;

namespace {

constexpr std::array kRates{8'000u,  11'025u, 16'000u, 22'050u, 24'000u,  32'000u,
                            44'100u, 48'000u, 88'200u, 96'000u, 176'400u, 192'000u};
constexpr std::array kBlocks{1u, 7u, 32u, 63u, 64u, 441u, 480u, 512u, 1023u, 4096u};

/// No two share a period shorter than one second, so no wrong delay fits all three.
const std::vector<double> kTones{437.0, 1123.0, 2311.0};

/// Largest deviation, over the tones, of the measured delay from the reported one, in output frames.
double delay_error(const ProcessSpec& spec, const Audio& input, const Audio& output, std::size_t latency) {
  const auto in_skip = spec.sample_rate_hz / 100;  // skips the transient at the start of the tone
  const auto out_skip = spec.output_rate_hz / 100 + latency;
  const auto in_part = std::span(input[0]).subspan(in_skip, input[0].size() - 2 * in_skip);
  const auto out_part = std::span(output[0]).subspan(out_skip, output[0].size() - out_skip - spec.output_rate_hz / 100);
  double worst = 0.0;
  for (const double hz : kTones) {
    const auto before = component(in_part, hz, spec.sample_rate_hz, in_skip);
    const auto after = component(out_part, hz, spec.output_rate_hz, static_cast<double>(out_skip - latency));
    const double radians = std::arg(before / after);
    worst = std::max(worst, std::abs(radians) / (2.0 * std::numbers::pi * hz) * spec.output_rate_hz);
  }
  return worst;
}

ProcessSpec spec_of(std::uint32_t in_hz, std::uint32_t out_hz, bool low_latency) {
  return {.sample_rate_hz = in_hz, .output_rate_hz = out_hz, .max_block_frames = 4096, .low_latency = low_latency};
}

void check_delays(const ProcessSpec& spec, const std::vector<Parameters>& settings,
                  const novasr::EngineFormat& format = InterpolatingEngine::kFormat) {
  Processor processor = make_processor(spec, 43, format);
  const std::size_t latency = processor.latency_frames();
  const Audio input{tones(kTones, spec.sample_rate_hz, spec.sample_rate_hz / 8)};
  const std::size_t length = latency + static_cast<std::size_t>(std::llrint(static_cast<double>(input[0].size()) *
                                                                            spec.output_rate_hz / spec.sample_rate_hz));
  for (const Parameters& parameters : settings) {
    processor.set_parameters(parameters);
    CHECK(processor.latency_frames() == latency);
    const Audio whole = stream(processor, input, blocks_of(4096));
    INFO(spec.sample_rate_hz << " -> " << spec.output_rate_hz << " Hz, mode " << static_cast<int>(parameters.mode)
                             << ", front end " << static_cast<int>(parameters.front_end) << ", mix " << parameters.mix);
    CHECK(whole[0].size() == length);
    CHECK(delay_error(spec, input, whole, latency) < 0.01);
    for (const std::size_t block : kBlocks) {
      INFO("block " << block);
      CHECK(same_bits(stream(processor, input, blocks_of(block)), whole));
    }
    CHECK(same_bits(stream(processor, input, random_blocks(11)), whole));
    CHECK(processor.latency_frames() == latency);
  }
}

}  // namespace

TEST_CASE("Latency: the measured delay is the reported latency at every rate, wet and dry, for any block size",
          "[latency]") {
  const auto rate = GENERATE(from_range(kRates));
  check_delays(spec_of(rate, rate, false), {{.mode = Mode::full, .front_end = FrontEnd::clean},
                                            {.mode = Mode::full, .front_end = FrontEnd::reference},
                                            {.mode = Mode::extend},
                                            {.mix = 0.0f}});
}

TEST_CASE("Latency: the same holds from any rate to 48 kHz", "[latency]") {
  const auto rate = GENERATE(from_range(kRates));
  check_delays(spec_of(rate, 48'000, false), {{.mode = Mode::full}, {.mode = Mode::extend}, {.mix = 0.0f}});
}

TEST_CASE("Latency: the same holds with low latency", "[latency]") {
  const auto rate = GENERATE(from_range(kRates));
  const Parameters wet{.mode = Mode::full, .front_end = FrontEnd::reference};
  Parameters dry = wet;
  dry.mix = 0.0f;
  check_delays(spec_of(rate, rate, true), {wet, dry});
  check_delays(spec_of(rate, 48'000, true), {wet, dry});
}

TEST_CASE("Latency: rates coprime to 16 kHz work as well", "[latency]") {
  const auto rate = GENERATE(8'001u, 16'001u, 22'051u, 47'999u, 191'999u);
  check_delays(spec_of(rate, 48'000, false), {{.mode = Mode::full}, {.mix = 0.0f}});
  check_delays(spec_of(rate, rate, false), {{.mode = Mode::extend}});
}

TEST_CASE("Latency: the same holds around an engine of any input rate and ratio", "[latency]") {
  const auto input_hz = GENERATE(8'000u, 16'000u, 24'000u, 48'000u);
  const auto ratio = GENERATE(1u, 2u, 3u, 6u);
  const auto rate = GENERATE(22'050u, 44'100u, 48'000u, 96'000u);
  const novasr::EngineFormat format{.input_hz = input_hz, .output_hz = ratio * input_hz, .band_hz = 0.5 * input_hz};
  INFO("engine " << input_hz << " -> " << format.output_hz << " Hz");
  check_delays(spec_of(rate, rate, false), {{.mode = Mode::full}, {.mode = Mode::extend}, {.mix = 0.0f}}, format);
  check_delays(spec_of(rate, format.output_hz, true), {{.mode = Mode::full, .front_end = FrontEnd::reference}}, format);
}

TEST_CASE("Latency: standard is 3 ms at 48 kHz and at most 5 ms elsewhere, low latency 61 frames", "[latency]") {
  CHECK(make_processor(spec_of(48'000, 48'000, false)).latency_frames() == 144);
  CHECK(make_processor(spec_of(48'000, 48'000, true)).latency_frames() == 61);
  for (const std::uint32_t rate : kRates) {
    CHECK(make_processor(spec_of(rate, rate, false)).latency_frames() <= rate / 200);
    CHECK(make_processor(spec_of(rate, 48'000, false)).latency_frames() <= 240);
  }
}

TEST_CASE("Latency: a long engine latency is simply added", "[latency]") {
  CHECK(make_processor(spec_of(48'000, 48'000, true), 5003).latency_frames() == 18 + 5003);
  const ProcessSpec spec = spec_of(44'100, 44'100, false);
  Processor processor = make_processor(spec, 5003);
  const Audio input{tones(kTones, 44'100, 11'000)};
  const Audio whole = stream(processor, input, blocks_of(4096));
  CHECK(delay_error(spec, input, whole, processor.latency_frames()) < 0.01);
  CHECK(same_bits(stream(processor, input, random_blocks(2)), whole));
}
