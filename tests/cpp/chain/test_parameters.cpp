#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <thread>

#include "allocation_counter.hpp"
#include "novasr/errors.hpp"
#include "novasr/model.hpp"
#include "novasr/processor.hpp"
#include "spectrum.hpp"
#include "streaming.hpp"

using novasr::ConfigError;
using novasr::FrontEnd;
using novasr::Mode;
using novasr::Parameters;
using novasr::Processor;
using novasr::ProcessSpec;

using namespace novasr::test;

namespace {

template <typename Change>
Parameters changed(Change change) {
  Parameters parameters;
  change(parameters);
  return parameters;
}

/// Largest second difference, which is large at a step and therefore shows clicks.
float roughness(std::span<const float> audio) {
  float worst = 0.0f;
  for (std::size_t i = 2; i < audio.size(); ++i)
    worst = std::max(worst, std::abs(audio[i] - 2.0f * audio[i - 1] + audio[i - 2]));
  return worst;
}

}  // namespace

TEST_CASE("Parameters: a value outside its range is rejected, with value and range in the message", "[parameters]") {
  Processor processor = make_processor({});
  const auto refuses = [&](const Parameters& parameters, const std::string& message) {
    REQUIRE_THROWS_MATCHES(processor.set_parameters(parameters), ConfigError, Catch::Message(message));
  };
  refuses(changed([](auto& p) { p.crossover_hz = 3'999.0f; }),
          "crossover_hz is 3999 Hz; choose a value from 4000 to 8000 Hz");
  refuses(changed([](auto& p) { p.mix = 1.5f; }), "mix is 1.5; choose a value from 0 to 1");
  refuses(changed([](auto& p) { p.mix = std::numeric_limits<float>::quiet_NaN(); }),
          "mix is nan; choose a value from 0 to 1");
  refuses(changed([](auto& p) { p.high_band_gain_db = 13.0f; }),
          "high_band_gain_db is 13 dB; choose a value from -24 to 12 dB");
  refuses(changed([](auto& p) { p.output_gain_db = -61.0f; }),
          "output_gain_db is -61 dB; choose a value from -60 to 24 dB");
}

TEST_CASE("Parameters: a spec outside its range is rejected, with value and range in the message", "[parameters]") {
  Processor processor(std::make_unique<InterpolatingEngine>(43));
  const auto refuses = [&](const ProcessSpec& spec, const std::string& message) {
    REQUIRE_THROWS_MATCHES(processor.prepare(spec), ConfigError, Catch::Message(message));
  };
  refuses({.sample_rate_hz = 7'999}, "sample_rate_hz is 7999 Hz; choose a value from 8000 to 192000 Hz");
  refuses({.sample_rate_hz = 48'000, .output_rate_hz = 44'100},
          "output_rate_hz is 44100 Hz; choose 48000 Hz or the sample rate, 48000 Hz");
  refuses({.channels = 0}, "channels is 0; choose a value from 1 to 256");
  refuses({.sample_rate_hz = 16'000, .output_rate_hz = 16'000, .source_band_hz = 8'001.0},
          "source_band_hz is 8001 Hz; choose a value from 1000 to 8000 Hz");
  refuses({.source_band_hz = std::numeric_limits<double>::quiet_NaN()},
          "source_band_hz is nan Hz; choose a value from 1000 to 24000 Hz");
  refuses({.max_block_frames = 0}, "max_block_frames is 0 frames; choose a value from 1 to 1048576 frames");
}

TEST_CASE("Parameters: low latency rejects parameters that need more latency, and names the remedy", "[parameters]") {
  Processor processor = make_processor({.low_latency = true});
  REQUIRE_THROWS_WITH(processor.set_parameters({.front_end = FrontEnd::reference}),
                      Catch::Contains("use mode 'full' with front_end 'reference', or no low latency"));
  REQUIRE_THROWS_WITH(processor.set_parameters({.mode = Mode::full}),
                      Catch::Contains("use front_end 'reference' with mode 'full', or no low latency"));
  REQUIRE_NOTHROW(processor.set_parameters({.mode = Mode::full, .front_end = FrontEnd::reference}));
}

TEST_CASE("Parameters: values set before prepare() apply from the first frame", "[parameters]") {
  const ProcessSpec spec{.channels = 1, .max_block_frames = 512};
  const Audio input = uniform_noise(1, 4000, 1);
  Processor early(std::make_unique<InterpolatingEngine>(43));
  early.set_parameters({.mode = Mode::full});
  early.prepare(spec);
  Processor late = make_processor(spec);
  late.set_parameters({.mode = Mode::full});
  REQUIRE(same_bits(stream(early, input, blocks_of(64)), stream(late, input, blocks_of(512))));
  late.set_parameters({.mode = Mode::extend});
  REQUIRE_FALSE(same_bits(stream(early, input, blocks_of(64)), stream(late, input, blocks_of(64))));
}

TEST_CASE("Parameters: a change during playback causes no click", "[parameters]") {
  const Parameters from;
  const std::vector<Parameters> targets{changed([](auto& p) { p.mode = Mode::full; }),
                                        changed([](auto& p) { p.front_end = FrontEnd::reference; }),
                                        changed([](auto& p) { p.crossover_hz = 4'500.0f; }),
                                        changed([](auto& p) { p.mix = 0.0f; }),
                                        changed([](auto& p) { p.high_band_gain_db = -24.0f; }),
                                        changed([](auto& p) { p.output_gain_db = -30.0f; }),
                                        changed([](auto& p) { p.bypass = true; })};
  Processor processor = make_processor({.max_block_frames = 64});
  const Audio input{tones({500.0}, 48'000, 24'000)};
  for (const Parameters& to : targets) {
    processor.set_parameters(from);
    Streamer streamer(processor, 1);
    for (std::size_t first = 0; first + 64 <= 24'000; first += 64) {
      if (first == 12'032) processor.set_parameters(to);
      if (first == 16'000) processor.set_parameters(from);
      streamer.process(input, first, 64);
    }
    const std::span<const float> output(streamer.output()[0]);
    const float before = roughness(output.subspan(4'000, 8'000));
    const float after = roughness(output.subspan(14'000, 2'000));
    INFO("target " << &to - targets.data());
    REQUIRE(roughness(output.subspan(12'000, 1'000)) < 1.6f * std::max(before, after));
    REQUIRE(roughness(output.subspan(15'900, 1'000)) < 1.6f * std::max(before, after));
  }
  // Control: the same change as a step is far rougher.
  std::vector<float> step = input[0];
  for (std::size_t i = 12'010; i < step.size(); ++i) step[i] *= 0.03f;
  REQUIRE(roughness(std::span<const float>(step).subspan(12'000, 1'000)) > 10.0f * roughness(std::span(input[0])));
}

TEST_CASE("Parameters: after a fade the output is that of a processor that always had the new parameters",
          "[parameters]") {
  const Parameters to = changed([](auto& p) {
    p.crossover_hz = 5'000.0f;
    p.front_end = FrontEnd::reference;
    p.mix = 0.7f;
    p.output_gain_db = -3.0f;
  });
  const ProcessSpec spec{.max_block_frames = 64};
  const Audio input = uniform_noise(1, 6'400, 3);
  Processor changed_late = make_processor(spec);
  Streamer late(changed_late, 1);
  Processor processor = make_processor(spec);
  processor.set_parameters(to);
  Streamer straight(processor, 1);
  for (std::size_t first = 0; first < 6'400; first += 64) {
    if (first == 640) changed_late.set_parameters(to);
    late.process(input, first, 64);
    straight.process(input, first, 64);
  }
  const std::size_t settled = 640 + 64 + 480 + 160 * 3 + 200;  // the block, both fades, and the filters after them
  REQUIRE(std::ranges::equal(std::span(late.output()[0]).subspan(settled),
                             std::span(straight.output()[0]).subspan(settled)));
}

TEST_CASE("Parameters: a fade that ends with the stream is bit-identical for any block size", "[parameters]") {
  const Audio input = uniform_noise(1, 1'200, 12);
  const auto output = [&](const std::vector<std::size_t>& blocks) {
    Processor processor(novasr::default_model()->make_engine());
    processor.prepare({});
    Streamer streamer(processor, 1);
    streamer.process(input, 0, 600);
    processor.set_parameters({.mode = Mode::full});  // complete after 480 frames
    std::size_t first = 600;
    for (const std::size_t frames : blocks) {
      streamer.process(input, first, frames);
      first += frames;
    }
    streamer.flush();
    return streamer.output();
  };
  CHECK(same_bits(output({600}), output({480, 120})));
  CHECK(same_bits(output({600}), output({479, 1, 120})));
  CHECK(same_bits(output({480}), output({100, 380})));
}

TEST_CASE("Parameters: they may be set while another thread processes audio", "[parameters][thread]") {
  Processor processor = make_processor({.channels = 2, .max_block_frames = 64});
  const Audio input = uniform_noise(2, 64, 4);
  std::atomic<bool> done{false};
  std::thread control([&] {
    for (int i = 0; i < 300; ++i) {
      processor.set_parameters({.mode = i % 2 == 0 ? Mode::full : Mode::extend,
                                .front_end = i % 3 == 0 ? FrontEnd::clean : FrontEnd::reference,
                                .crossover_hz = 4'000.0f + 13.0f * static_cast<float>(i),
                                .mix = static_cast<float>(i % 5) / 4.0f,
                                .bypass = i % 7 == 0});
      (void)processor.stats();
      (void)processor.latency_frames();
      std::this_thread::yield();
    }
    done = true;
  });
  Streamer streamer(processor, 2);
  for (int blocks = 0; !done || blocks < 200; ++blocks) streamer.process(input, 0, 64);
  control.join();
  REQUIRE(std::ranges::all_of(streamer.output()[1], [](float sample) { return std::abs(sample) < 4.0f; }));
}

TEST_CASE("Processor: audio-thread calls never allocate", "[processor][realtime]") {
  void* volatile escaped = nullptr;
  REQUIRE(allocations_in([&] { escaped = ::operator new(8); }) == 1);  // control: the counter counts
  ::operator delete(escaped);

  const auto rate = GENERATE(8'000u, 44'100u, 48'000u, 191'999u);
  Processor processor = make_processor({.sample_rate_hz = rate, .channels = 2, .max_block_frames = 8'192});
  const Audio input = uniform_noise(2, 8'192, 5);
  Audio output(2, std::vector<float>(processor.max_output_frames(8'192)));
  std::vector<float*> out{output[0].data(), output[1].data()};
  const auto in = pointers(input, 0);
  const auto run = [&](std::size_t frames) {
    const novasr::test::RealtimeScope realtime;
    processor.process(novasr::AudioView<const float>(in.data(), 2, frames),
                      novasr::AudioView<float>(out.data(), 2, output[0].size()));
    (void)processor.stats();
    (void)processor.latency_frames();
  };
  for (const bool bypass : {false, true}) {
    processor.set_parameters(
        {.front_end = FrontEnd::reference, .crossover_hz = 5'000.0f, .mix = 0.5f, .bypass = bypass});
    REQUIRE(allocations_in([&] {
              for (const std::size_t frames : {1, 7, 64, 480, 8'192, 3}) run(frames);
              const novasr::test::RealtimeScope realtime;
              processor.reset();
            }) == 0);
  }
}
