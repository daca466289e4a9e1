#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <thread>

#include "allocation_counter.hpp"
#include "novasr/model.hpp"
#include "novasr/processor_switch.hpp"
#include "streaming.hpp"

using novasr::AudioView;
using novasr::Parameters;
using novasr::Processor;
using novasr::ProcessorSwitch;
using novasr::ProcessSpec;

using namespace novasr::test;

namespace {

constexpr ProcessSpec kSpec{.channels = 2, .max_block_frames = 4096};
constexpr std::size_t kChange = 20'000;   // frames before the offer
constexpr std::size_t kWait = 7;          // to a multiple of 9: a hop of 3 frames at 16 kHz
constexpr std::size_t kWarm = 960 + 144;  // 20 ms plus the latency
constexpr std::size_t kFade = 960;        // 20 ms
constexpr Parameters kFull{.mode = novasr::Mode::full, .mix = 0.75f};  // makes the engine audible at all frequencies

std::unique_ptr<Processor> native(const ProcessSpec& spec = kSpec) {
  auto processor = std::make_unique<Processor>(novasr::default_model()->make_engine());
  processor->prepare(spec);
  return processor;
}

std::unique_ptr<Processor> interpolating(std::size_t lag = 43) {
  return std::make_unique<Processor>(make_processor(kSpec, lag));
}

/// Plays `input` through the switch; calls `at_change` before the block that starts with frame kChange.
template <typename AtChange>
Audio play(ProcessorSwitch& machine, const Audio& input, const Cutter& next_block, AtChange at_change) {
  Audio output(input.size(), std::vector<float>(input[0].size()));
  bool changed = false;
  for (std::size_t first = 0; first < input[0].size();) {
    std::size_t frames = std::min(next_block(), input[0].size() - first);
    if (!changed && first + frames > kChange) frames = kChange - first;
    if (!changed && first == kChange) {
      at_change();
      changed = true;
      continue;
    }
    const auto in = pointers(input, first);
    std::vector<float*> out;
    for (auto& channel : output) out.push_back(channel.data() + first);
    {
      const novasr::test::RealtimeScope realtime;
      machine.apply(kFull);
      machine.process({in.data(), in.size(), frames}, {out.data(), out.size(), frames});
    }
    first += frames;
  }
  return output;
}

Audio play_one(std::unique_ptr<Processor> processor, const Audio& input) {
  ProcessorSwitch machine;
  machine.prepare(kSpec, std::move(processor));
  return play(machine, input, blocks_of(480), [] {});
}

double largest_difference(const Audio& a, const Audio& b, std::size_t first, std::size_t last) {
  double largest = 0.0;
  for (std::size_t c = 0; c < a.size(); ++c)
    for (std::size_t i = first; i < last; ++i) largest = std::max(largest, std::abs(double{a[c][i]} - b[c][i]));
  return largest;
}

}  // namespace

TEST_CASE("ProcessorSwitch: before the first block a successor takes over immediately", "[switch]") {
  const Audio input = uniform_noise(2, 30'000, 1);
  ProcessorSwitch machine;
  machine.prepare(kSpec, interpolating());
  machine.offer(native());
  REQUIRE(same_bits(play(machine, input, blocks_of(480), [] {}), play_one(native(), input)));
}

TEST_CASE("ProcessorSwitch: after a reset a successor takes over immediately", "[switch]") {
  const Audio input = uniform_noise(2, 30'000, 2);
  ProcessorSwitch machine;
  machine.prepare(kSpec, interpolating());
  play(machine, input, blocks_of(480), [&] { machine.offer(native()); });
  machine.collect();
  const bool in_the_middle_of_the_next = GENERATE(false, true);
  if (in_the_middle_of_the_next) {
    machine.offer(interpolating());
    const auto in = pointers(input, 0);
    Audio out(2, std::vector<float>(100));
    float* const to[] = {out[0].data(), out[1].data()};
    machine.apply(kFull);
    machine.process({in.data(), 2, 100}, {to, 2, 100});
  }
  machine.reset();
  const Audio expected = play_one(in_the_middle_of_the_next ? interpolating() : native(), input);
  REQUIRE(same_bits(play(machine, input, blocks_of(480), [] {}), expected));
}

TEST_CASE("ProcessorSwitch: a successor warms up inaudibly, fades in, and takes over", "[switch]") {
  const Audio input = uniform_noise(2, 40'000, 3);
  const Audio before = play_one(interpolating(), input);
  const Audio after = play_one(native(), input);
  ProcessorSwitch machine;
  machine.prepare(kSpec, interpolating());
  const Audio output = play(machine, input, random_blocks(4), [&] { machine.offer(native()); });
  const std::size_t fade = kChange + kWait + kWarm;
  REQUIRE(largest_difference(output, before, 0, fade) == 0.0);
  REQUIRE(largest_difference(output, before, fade, fade + kFade) > 0.01);  // control: they do differ
  REQUIRE(largest_difference(output, after, fade + kFade, 40'000) == 0.0);
}

TEST_CASE("ProcessorSwitch: of several offers in quick succession the last one takes over, even without collect()",
          "[switch]") {
  const Audio input = uniform_noise(2, 60'000, 6);
  ProcessorSwitch machine;
  machine.prepare(kSpec, interpolating());
  Audio start(2, std::vector<float>(900));
  play(machine, start, blocks_of(480), [] {});
  machine.offer(interpolating());
  play(machine, start, blocks_of(480), [] {});  // accepts the offer
  machine.offer(interpolating());
  machine.offer(native());
  const Audio output = play(machine, input, blocks_of(480), [] {});
  const std::size_t settled = 2 * (kWarm + kFade) + kWait;
  REQUIRE(largest_difference(output, play_one(native(), input), settled, 60'000) == 0.0);
  REQUIRE(largest_difference(output, play_one(interpolating(), input), settled, 60'000) > 0.01);  // control
}

TEST_CASE("ProcessorSwitch: switching to an identical processor is bit-exact", "[switch]") {
  const Audio input = uniform_noise(2, 40'000, 5);
  ProcessorSwitch machine;
  machine.prepare(kSpec, native());
  const Audio output = play(machine, input, random_blocks(6), [&] { machine.offer(native()); });
  REQUIRE(same_bits(output, play_one(native(), input)));
}

TEST_CASE("ProcessorSwitch: switching causes no step", "[switch]") {
  Audio input(2, std::vector<float>(40'000));
  for (auto& channel : input)
    for (std::size_t i = 0; i < channel.size(); ++i)
      channel[i] =
          0.5f * static_cast<float>(std::sin(2.0 * std::numbers::pi * 200.0 / 48'000.0 * static_cast<double>(i)));
  ProcessorSwitch machine;
  machine.prepare(kSpec, native());
  const Audio output =
      play(machine, input, blocks_of(64), [&] { machine.offer(interpolating(90)); });  // another latency
  double steepest = 0.0;
  for (std::size_t i = kChange - 2'000; i < 30'000; ++i)
    steepest = std::max(steepest, std::abs(double{output[0][i]} - output[0][i - 1]));
  REQUIRE(steepest < 0.5 * 2.0 * std::numbers::pi * 200.0 / 48'000.0 * 1.2);
}

TEST_CASE("ProcessorSwitch: the rates of input and output may differ", "[switch]") {
  const auto rate = GENERATE(std::uint32_t{16'000}, std::uint32_t{22'050});
  const ProcessSpec spec{.sample_rate_hz = rate, .channels = 1, .max_block_frames = 4096};
  const Audio input = uniform_noise(1, rate, 13);
  const auto play_all = [&](std::unique_ptr<Processor> first, std::unique_ptr<Processor> second) {
    ProcessorSwitch machine;
    machine.prepare(spec, std::move(first));
    const std::size_t room = machine.max_output_frames(50);
    std::vector<float> output(48'000 + room);
    std::size_t written = 0;
    for (std::size_t at = 0; at < rate; at += 50) {
      if (at == 5'000 && second) machine.offer(std::move(second));
      const float* const in[] = {input[0].data() + at};
      float* const out[] = {output.data() + written};
      machine.apply(kFull);
      written += machine.process({in, 1, 50}, {out, 1, room});
    }
    REQUIRE(written == 48'000);
    output.resize(written);
    return Audio{output};
  };
  const auto other = [&] {
    auto processor = std::make_unique<Processor>(std::make_unique<InterpolatingEngine>(90));
    processor->prepare(spec);
    return processor;
  };
  const Audio changed = play_all(native(spec), other());
  const Audio before = play_all(native(spec), nullptr), after = play_all(other(), nullptr);
  REQUIRE(largest_difference(changed, before, 0, 10'000) == 0.0);
  REQUIRE(largest_difference(changed, before, 20'000, 48'000) > 0.01);  // control: they do differ
  REQUIRE(largest_difference(changed, after, 20'000, 48'000) == 0.0);
}

TEST_CASE("ProcessorSwitch: the output depends neither on the block size nor on processing in place", "[switch]") {
  const Audio input = uniform_noise(2, 40'000, 7);
  const auto change_of = [&](const Cutter& cutter) {
    ProcessorSwitch machine;
    machine.prepare(kSpec, interpolating());
    return play(machine, input, cutter, [&] { machine.offer(native()); });
  };
  const Audio whole = change_of(blocks_of(4'000));
  for (const std::size_t size : {1, 7, 64, 441, 1'023}) REQUIRE(same_bits(change_of(blocks_of(size)), whole));
  REQUIRE(same_bits(change_of(random_blocks(8)), whole));

  Audio shared = input;
  ProcessorSwitch machine;
  machine.prepare(kSpec, interpolating());
  for (std::size_t first = 0; first < 40'000; first += 500) {
    if (first == kChange) machine.offer(native());
    float* const memory[] = {shared[0].data() + first, shared[1].data() + first};
    machine.apply(kFull);
    machine.process(AudioView<float>(memory, 2, 500), AudioView<float>(memory, 2, 500));
  }
  REQUIRE(same_bits(shared, whole));
}

TEST_CASE("ProcessorSwitch: what happened to the stream counts once, whichever processor was active", "[switch]") {
  Audio input{gaussian_noise(30'000, 0.1f), gaussian_noise(30'000, 0.1f)};
  std::size_t bad = 0;
  for (std::size_t i = 5; i < input[0].size(); i += 97, ++bad) input[0][i] = std::numeric_limits<float>::quiet_NaN();
  ProcessorSwitch machine;
  machine.prepare(kSpec, native());
  play(machine, input, random_blocks(3), [&] { machine.offer(interpolating()); });
  CHECK(machine.stats().nonfinite_samples == bad);
  CHECK(machine.stats().input_frames == input[0].size());
  CHECK(machine.stats().output_frames == input[0].size());
  machine.reset();
  CHECK(machine.stats().input_frames == 0);
}

TEST_CASE("ProcessorSwitch: collect() returns whether a predecessor has yet to be freed", "[switch]") {
  const Audio input = uniform_noise(2, 2 * kChange, 12);
  ProcessorSwitch machine;
  machine.prepare(kSpec, native());
  REQUIRE_FALSE(machine.collect());
  play(machine, input, blocks_of(480), [&] {
    machine.offer(interpolating());
    REQUIRE(machine.collect());
    machine.offer(native());  // replaces the pending offer
    REQUIRE(machine.collect());
  });
  REQUIRE_FALSE(machine.collect());
  machine.offer(native());
  REQUIRE(machine.collect());
  machine.prepare(kSpec, native());
  REQUIRE_FALSE(machine.collect());
}

TEST_CASE("ProcessorSwitch: switching neither allocates nor frees on the audio thread", "[switch][realtime]") {
  void* volatile escaped = nullptr;
  REQUIRE(allocations_in([&] { escaped = ::operator new(8); }) == 1);  // control
  ::operator delete(escaped);
  const Audio input = uniform_noise(2, 40'000, 9);
  Audio output = input;
  ProcessorSwitch machine;
  machine.prepare(kSpec, native());
  std::uint64_t allocations = 0;
  for (std::size_t first = 0; first + 480 <= 40'000; first += 480) {
    if (first == 9'600 || first == 24'000) machine.offer(native());
    Parameters parameters;
    parameters.crossover_hz = 5'000.0f + static_cast<float>(first) / 20.0f;
    const float* const in[] = {input[0].data() + first, input[1].data() + first};
    float* const out[] = {output[0].data() + first, output[1].data() + first};
    allocations += allocations_in([&] {
      const novasr::test::RealtimeScope realtime;
      machine.apply(parameters);
      machine.process({in, 2, 480}, {out, 2, 480});
    });
  }
  allocations += allocations_in([&] { machine.reset(); });
  REQUIRE(allocations == 0);
}

TEST_CASE("ProcessorSwitch: offers may come from another thread at any time", "[switch][threads]") {
  const Audio input = uniform_noise(2, 480, 10);
  Audio output = input;
  ProcessorSwitch machine;
  machine.prepare(kSpec, native());
  std::atomic<bool> done{false};
  std::thread control([&] {
    for (int i = 0; i < 20; ++i) {
      machine.offer(native());
      std::this_thread::sleep_for(std::chrono::milliseconds(i % 7));
      machine.collect();
    }
    done = true;
  });
  double peak = 0.0;
  for (std::size_t block = 0; !done || block < 500; ++block) {
    const auto in = pointers(input, 0);
    float* const out[] = {output[0].data(), output[1].data()};
    machine.apply({});
    machine.process({in.data(), 2, 480}, {out, 2, 480});
    for (const float sample : output[0]) peak = std::max(peak, std::abs(double{sample}));
    if (block % 97 == 0) machine.reset();
  }
  control.join();
  REQUIRE(peak < 2.0);
}

TEST_CASE("Processor: apply() is set_parameters() for the audio thread", "[processor]") {
  const Audio input = uniform_noise(2, 9'000, 11);
  const Parameters changed{.crossover_hz = 5'000.0f, .mix = 0.5f, .high_band_gain_db = 3.0f};
  auto told = native();
  auto following = native();
  told->set_parameters(changed);
  following->apply(changed);
  REQUIRE(same_bits(stream(*following, input, blocks_of(480)), stream(*told, input, blocks_of(480))));
  REQUIRE(same_bits(stream(*following, input, blocks_of(480)), stream(*told, input, blocks_of(480))));  // after reset

  auto plain = native();
  REQUIRE_FALSE(same_bits(stream(*following, input, blocks_of(480)), stream(*plain, input, blocks_of(480))));
}
