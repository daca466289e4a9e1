#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <random>

#include "allocation_counter.hpp"
#include "novasr/errors.hpp"
#include "novasr/live_bridge.hpp"
#include "novasr/model.hpp"
#include "streaming.hpp"

using novasr::LiveBridge;
using novasr::LiveStats;

using namespace novasr::test;

namespace {

#if defined(NOVASR_SLOW_BUILD)
constexpr double kDriftSeconds = 90.0;
#else
constexpr double kDriftSeconds = 600.0;
#endif

std::unique_ptr<novasr::StreamingEngine> engine() {
  return std::make_unique<InterpolatingEngine>(43);
}

/// Runs a bridge for a second in blocks of 128, with another engine from the middle on; returns what it plays.
std::vector<float> play_with_change(LiveBridge& bridge, std::span<const float> in, std::size_t new_latency) {
  std::vector<float> out(in.size());
  for (std::size_t first = 0; first + 128 <= in.size(); first += 128) {
    if (first == in.size() / 256 * 128) bridge.change_engine(std::make_unique<InterpolatingEngine>(new_latency));
    REQUIRE(allocations_in([&] {
              const RealtimeScope realtime;
              bridge.duplex(in.data() + first, out.data() + first, 128, {});
            }) == 0);
  }
  return out;
}

std::vector<float> interleaved_noise(std::size_t frames, std::size_t channels, unsigned seed) {
  return uniform_noise(1, frames * channels, seed)[0];
}

/// Two devices with independent clocks, whose callbacks are late by a random time.
class TwoClocks {
 public:
  struct Side {
    double rate_hz;  // true frames per second
    std::size_t block;
    double jitter_seconds;
    std::size_t burst = 1;  // blocks delivered or requested at once
  };

  TwoClocks(LiveBridge& bridge, Side input, Side output, double tone_hz)
      : bridge_(bridge), input_(input), output_(output), tone_(2.0 * std::numbers::pi * tone_hz / input.rate_hz) {}

  /// Runs both devices until `seconds`; appends the output to `heard`.
  void run_until(double seconds, std::vector<float>& heard) {
    while (true) {
      const double next_capture = static_cast<double>(captured_ + input_.burst * input_.block) / input_.rate_hz;
      const double next_play = static_cast<double>(played_) / output_.rate_hz + output_pause;
      if (std::min(next_capture, next_play) > seconds) return;
      if (next_capture <= next_play) {
        for (std::size_t i = 0; i < input_.burst; ++i) capture(next_capture);
      } else {
        for (std::size_t i = 0; i < output_.burst; ++i) play(next_play, heard);
      }
    }
  }

  /// The input device delivers audio from before it was opened.
  void hand_over_backlog(std::size_t frames) {
    for (std::size_t i = 0; i < frames; i += input_.block) {
      std::vector<float> block(input_.block);
      bridge_.capture(block.data(), block.size(), 0.0, {});
    }
  }

  bool deaf = false;          // the input device is stalled
  double output_pause = 0.0;  // seconds for which the output device was stalled

 private:
  void capture(double at) {
    std::vector<float> block(input_.block);
    for (std::size_t i = 0; i < block.size(); ++i)
      block[i] = static_cast<float>(0.5 * std::sin(tone_ * static_cast<double>(captured_ + i)));
    captured_ += input_.block;
    if (!deaf) bridge_.capture(block.data(), block.size(), late(at, input_), {});
  }

  void play(double at, std::vector<float>& heard) {
    std::vector<float> block(output_.block);
    bridge_.play(block.data(), block.size(), late(at, output_), {});
    played_ += output_.block;
    heard.insert(heard.end(), block.begin(), block.end());
  }

  double late(double at, const Side& side) {
    return at + side.jitter_seconds * std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  }

  LiveBridge& bridge_;
  Side input_, output_;
  double tone_;
  std::uint64_t captured_ = 0, played_ = 0;
  std::mt19937 random_{1};
};

novasr::Parameters dry() {
  return {.bypass = true};
}

/// Frequency of the tone, and the largest component beside it in dB relative to the tone; Blackman-Harris window.
struct ToneReport {
  double hz = 0.0;
  double worst_db = -400.0;
};

double power_at(std::span<const float> audio, double hz) {
  const auto n = static_cast<double>(audio.size());
  double re = 0.0, im = 0.0;
  for (std::size_t i = 0; i < audio.size(); ++i) {
    const double x = 2.0 * std::numbers::pi * static_cast<double>(i) / n;
    const double window = 0.35875 - 0.48829 * std::cos(x) + 0.14128 * std::cos(2 * x) - 0.01168 * std::cos(3 * x);
    const double angle = 2.0 * std::numbers::pi * hz / 48'000.0 * static_cast<double>(i);
    re += window * audio[i] * std::cos(angle);
    im += window * audio[i] * std::sin(angle);
  }
  return re * re + im * im;
}

ToneReport analyse(std::span<const float> audio, double near_hz) {
  ToneReport report{.hz = near_hz};
  double best = 0.0;
  for (double hz = near_hz - 2.0; hz <= near_hz + 2.0; hz += 0.05)
    if (const double power = power_at(audio, hz); power > best) best = power, report.hz = hz;
  for (double offset = 2.0; offset <= 60.0; offset += 0.5)  // 8 bins or more: outside the window's main lobe
    for (const double hz : {report.hz - offset, report.hz + offset})
      report.worst_db = std::max(report.worst_db, 10.0 * std::log10(power_at(audio, hz) / best));
  return report;
}

}  // namespace

TEST_CASE("LiveBridge: duplex() equals the Processor for any block size", "[live]") {
  const auto channels = GENERATE(std::size_t{1}, std::size_t{2});
  LiveBridge bridge(engine(), {.input_channels = channels, .output_channels = channels});
  novasr::Processor processor(engine());
  processor.prepare({.channels = channels, .max_block_frames = 5'000});
  const auto in = interleaved_noise(5'000, channels, 1);
  std::vector<float> out(in.size());
  auto block = random_blocks(2);
  for (std::size_t done = 0; done < 5'000;) {
    const std::size_t frames = std::min(block(), 5'000 - done);
    bridge.duplex(in.data() + done * channels, out.data() + done * channels, frames, {});
    done += frames;
  }
  Audio planar(channels, std::vector<float>(5'000));
  for (std::size_t i = 0; i < 5'000; ++i)
    for (std::size_t c = 0; c < channels; ++c) planar[c][i] = in[i * channels + c];
  Streamer streamer(processor, channels);
  streamer.process(planar, 0, 5'000);
  for (std::size_t i = 0; i < 5'000; ++i)
    for (std::size_t c = 0; c < channels; ++c) REQUIRE(out[i * channels + c] == streamer.output()[c][i]);
  REQUIRE(bridge.latency_frames() == static_cast<double>(processor.latency_frames()));
  REQUIRE(bridge.stats().input_frames == 5'000);
}

TEST_CASE("LiveBridge: another engine takes over without a step, and the latency follows", "[live]") {
  LiveBridge bridge(engine(), {});
  std::vector<float> in(48'000);
  for (std::size_t i = 0; i < in.size(); ++i)
    in[i] = static_cast<float>(0.5 * std::sin(2.0 * std::numbers::pi * 200.0 / 48'000.0 * static_cast<double>(i)));
  const double latency = bridge.latency_frames();
  const auto out = play_with_change(bridge, in, 500);
  REQUIRE(bridge.latency_frames() == latency + 500 - 43);
  double steepest = 0.0;
  for (std::size_t i = 2'000; i < out.size(); ++i) steepest = std::max(steepest, std::abs(double{out[i]} - out[i - 1]));
  REQUIRE(steepest < 0.5 * 2.0 * std::numbers::pi * 200.0 / 48'000.0 * 1.2);
  const LiveStats stats = bridge.stats();
  REQUIRE(stats.input_frames == stats.output_frames);
  REQUIRE(stats.record_lost == 0);
}

TEST_CASE("LiveBridge: a recording stays aligned when an engine of another latency takes over", "[live]") {
  const auto [old_latency, new_latency] =
      GENERATE(std::pair<std::size_t, std::size_t>(43, 500), std::pair<std::size_t, std::size_t>(500, 43));
  LiveBridge bridge(std::make_unique<InterpolatingEngine>(old_latency), {.record = true});
  bridge.set_parameters(dry());
  const bool before_the_start = GENERATE(false, true);
  const auto in = interleaved_noise(48'000, 1, 8);
  if (before_the_start) bridge.change_engine(std::make_unique<InterpolatingEngine>(new_latency));
  play_with_change(bridge, in, new_latency);
  const std::size_t lag = bridge.recording_latency_frames();
  const auto read = [](novasr::FrameRing& ring) {
    std::vector<float> frames(ring.readable());
    float* const channel[] = {frames.data()};
    ring.read(novasr::AudioView<float>(channel, 1, frames.size()));
    return frames;
  };
  const auto before = read(bridge.recorded_before()), after = read(bridge.recorded_after());
  REQUIRE(bridge.stats().record_lost == 457);
  REQUIRE(before.size() + 457 + 128 > 48'000);
  const std::size_t settled = 40'000;
  REQUIRE(std::equal(before.begin() + settled, before.begin() + 47'000, after.begin() + settled + lag));
}

TEST_CASE("LiveBridge: a value out of range is refused", "[live]") {
  LiveBridge bridge(engine(), {});
  REQUIRE_THROWS_AS(bridge.set_parameters({.mix = 1.5f}), novasr::ConfigError);
}

TEST_CASE("LiveBridge: mono in is copied to all outputs, mono out is the average of the inputs", "[live]") {
  const auto in = interleaved_noise(2'000, 1, 3);
  std::vector<float> one(2'000), two(4'000), mixed(2'000), doubled(4'000);
  for (std::size_t i = 0; i < 2'000; ++i) doubled[2 * i] = doubled[2 * i + 1] = in[i];
  LiveBridge mono(engine(), {});
  LiveBridge spread(engine(), {.output_channels = 2});
  LiveBridge mixing(engine(), {.input_channels = 2});
  mono.duplex(in.data(), one.data(), 2'000, {});
  spread.duplex(in.data(), two.data(), 2'000, {});
  mixing.duplex(doubled.data(), mixed.data(), 2'000, {});
  for (std::size_t i = 0; i < 2'000; ++i) {
    REQUIRE(two[2 * i] == one[i]);
    REQUIRE(two[2 * i + 1] == one[i]);
    REQUIRE(mixed[i] == one[i]);
  }
}

TEST_CASE("LiveBridge: two drifting clocks keep their delay, and a tone stays pure", "[live][drift][long]") {
  const double ppm = GENERATE(-200.0, 200.0);
  const std::size_t block = GENERATE(std::size_t{128}, std::size_t{480});
  LiveBridge bridge(engine(), {.block_frames = block, .two_clocks = true});
  bridge.set_parameters(dry());
  TwoClocks devices(bridge, {48'000.0 * (1.0 + 1e-6 * ppm), block, 0.001}, {48'000.0, block, 0.001}, 1'000.0);
  std::vector<float> heard;
  devices.run_until(2.0, heard);
  double furthest = 0.0;
  for (double seconds = 2.0; seconds < kDriftSeconds; seconds += 0.1) {
    heard.clear();
    devices.run_until(seconds, heard);
    const LiveStats stats = bridge.stats();
    furthest = std::max(furthest, std::abs(stats.buffered_frames - stats.target_frames));
  }
  const LiveStats stats = bridge.stats();
  REQUIRE(furthest <= static_cast<double>(block));
  REQUIRE(stats.underruns == 0);
  REQUIRE(stats.overruns == 0);
  REQUIRE(stats.resyncs == 0);
  REQUIRE(stats.drift_ppm == Approx(ppm).margin(5.0));

  heard.clear();
  devices.run_until(kDriftSeconds + 4.0, heard);
  const ToneReport tone = analyse(heard, 1'000.0);
  REQUIRE(std::abs(1200.0 * std::log2(tone.hz / 1'000.0)) < 5.0);
  REQUIRE(tone.worst_db < -80.0);
}

TEST_CASE("LiveBridge: a stalled input gives silence, and the delay is restored when it resumes", "[live][drift]") {
  LiveBridge bridge(engine(), {.two_clocks = true});
  bridge.set_parameters(dry());
  TwoClocks devices(bridge, {48'000.0, 128, 0.0005}, {48'000.0, 128, 0.0005}, 200.0);
  std::vector<float> heard;
  devices.run_until(5.0, heard);
  devices.deaf = true;
  devices.run_until(7.0, heard);
  devices.deaf = false;
  const std::size_t back = heard.size();
  devices.run_until(12.0, heard);
  double steepest = 0.0;
  for (std::size_t i = 1; i < heard.size(); ++i)
    steepest = std::max(steepest, std::abs(double{heard[i]} - heard[i - 1]));
  REQUIRE(steepest < 0.5 * 2.0 * std::numbers::pi * 200.0 / 48'000.0 + 0.5 * 4.6 / 240.0);  // the sine, and the decay
  REQUIRE(std::ranges::all_of(std::span(heard).subspan(back - 24'000, 20'000), [](float x) { return x == 0.0f; }));
  double late_peak = 0.0;
  for (std::size_t i = heard.size() - 48'000; i < heard.size(); ++i)
    late_peak = std::max(late_peak, std::abs(double{heard[i]}));
  REQUIRE(late_peak == Approx(0.5).margin(0.01));
  const LiveStats stats = bridge.stats();
  REQUIRE(stats.underruns >= 1);
  REQUIRE(std::abs(stats.buffered_frames - stats.target_frames) < 128.0);
}

TEST_CASE("LiveBridge: input in bursts of many blocks plays without gaps once their length is known", "[live][drift]") {
  const std::size_t burst = GENERATE(std::size_t{1}, std::size_t{4}, std::size_t{10}, std::size_t{20});
  LiveBridge bridge(engine(), {.two_clocks = true});
  bridge.set_parameters(dry());
  TwoClocks devices(bridge, {48'000.0, 128, 0.001, burst}, {48'000.0, 128, 0.001}, 200.0);
  std::vector<float> heard;
  devices.run_until(5.0, heard);
  const LiveStats learnt = bridge.stats();
  heard.clear();
  devices.run_until(60.0, heard);
  const LiveStats stats = bridge.stats();
  REQUIRE(stats.underruns == learnt.underruns);
  REQUIRE(stats.resyncs == learnt.resyncs);
  REQUIRE(learnt.underruns <= 6);  // the headroom doubles
  REQUIRE(bridge.latency_frames() < 2.0 * static_cast<double>(burst) * 128.0 + 512.0);
  double steepest = 0.0;
  for (std::size_t i = 1; i < heard.size(); ++i)
    steepest = std::max(steepest, std::abs(double{heard[i]} - heard[i - 1]));
  REQUIRE(steepest < 1.01 * 0.5 * 2.0 * std::numbers::pi * 200.0 / 48'000.0);
}

TEST_CASE("LiveBridge: devices that start irregularly and request audio in bursts play without gaps after a second",
          "[live][drift]") {
  LiveBridge bridge(engine(), {.block_frames = 256, .two_clocks = true});
  bridge.set_parameters(dry());
  TwoClocks devices(bridge, {48'009.6, 256, 0.001, 2}, {48'000.0, 256, 0.001, 4}, 200.0);  // 200 ppm
  devices.hand_over_backlog(31'200);
  std::vector<float> heard;
  devices.run_until(1.0, heard);
  REQUIRE(std::ranges::max(heard) == Approx(0.5f).margin(0.01));
  double furthest = 0.0;
  for (double seconds = 2.0; seconds < 60.0; seconds += 0.1) {
    devices.run_until(seconds, heard);
    const LiveStats stats = bridge.stats();
    furthest = std::max(furthest, std::abs(stats.buffered_frames - stats.target_frames));
  }
  const LiveStats stats = bridge.stats();
  REQUIRE(stats.underruns == 0);
  REQUIRE(stats.overruns == 0);
  REQUIRE(stats.resyncs == 0);
  REQUIRE(furthest <= 256.0);
  REQUIRE(stats.drift_ppm == Approx(200.0).margin(20.0));
  REQUIRE(bridge.latency_frames() < 256.0 + 3.0 * 256.0 + 1'024.0);  // one block, the bursts, headroom and filters
}

TEST_CASE("LiveBridge: a short output stall causes no underrun and is not mistaken for drift", "[live][drift]") {
  LiveBridge bridge(engine(), {.block_frames = 256, .two_clocks = true});
  bridge.set_parameters(dry());
  TwoClocks devices(bridge, {48'000.0, 256, 0.001}, {48'000.0, 256, 0.001}, 200.0);
  std::vector<float> heard;
  devices.run_until(30.0, heard);
  devices.output_pause = 0.025;
  double largest_ppm = 0.0;
  for (double seconds = 30.0; seconds < 100.0; seconds += 0.1) {
    devices.run_until(seconds, heard);
    largest_ppm = std::max(largest_ppm, std::abs(bridge.stats().drift_ppm));
  }
  const LiveStats stats = bridge.stats();
  REQUIRE(stats.underruns == 0);
  REQUIRE(stats.resyncs == 0);
  REQUIRE(largest_ppm < 500.0);
  REQUIRE(std::abs(stats.buffered_frames - stats.target_frames) < 256.0);
}

TEST_CASE("LiveBridge: after the input loses a few frames, the delay recovers within two seconds", "[live][drift]") {
  LiveBridge bridge(engine(), {.two_clocks = true});
  bridge.set_parameters(dry());
  TwoClocks devices(bridge, {48'000.0, 128, 0.001}, {48'000.0, 128, 0.001}, 200.0);
  std::vector<float> heard;
  devices.run_until(60.0, heard);  // the clock estimates have converged, so they adapt slowly
  devices.deaf = true;
  devices.run_until(60.08, heard);
  devices.deaf = false;
  devices.run_until(62.0, heard);
  const LiveStats recovered = bridge.stats();
  heard.clear();
  devices.run_until(70.0, heard);
  REQUIRE(recovered.underruns >= 1);
  REQUIRE(bridge.stats().underruns == recovered.underruns);
  REQUIRE(bridge.stats().resyncs == recovered.resyncs);
  REQUIRE(std::ranges::max(heard) == Approx(0.5f).margin(0.01));
}

TEST_CASE("LiveBridge: callbacks allocate nothing", "[live][realtime]") {
  void* volatile escaped = nullptr;
  REQUIRE(allocations_in([&] { escaped = ::operator new(8); }) > 0);  // NOLINT(*-NewDeleteLeaks): control
  ::operator delete(escaped);
  const auto in = interleaved_noise(4'000, 1, 4);
  std::vector<float> out(4'000);
  LiveBridge duplex(novasr::default_model()->make_engine(), {.record = true});
  LiveBridge drifting(novasr::default_model()->make_engine(), {.two_clocks = true});
  double seconds = 0.0;
  REQUIRE(allocations_in([&] {
            for (std::size_t done = 0; done + 128 <= 4'000; done += 128, seconds += 128 / 48'000.0) {
              duplex.duplex(in.data() + done, out.data() + done, 128, {});
              drifting.capture(in.data() + done, 128, seconds, {});
              drifting.play(out.data() + done, 128, seconds + 0.001, {});
            }
          }) == 0);
}

TEST_CASE("LiveBridge: the recording contains the input and the output, frame by frame", "[live]") {
  LiveBridge bridge(engine(), {.record = true});
  const auto in = interleaved_noise(3'000, 1, 5);
  std::vector<float> out(3'000), before(3'000), after(3'000);
  bridge.duplex(in.data(), out.data(), 3'000, {});
  REQUIRE(bridge.recorded_before().read(before) == 3'000);
  REQUIRE(bridge.recorded_after().read(after) == 3'000);
  REQUIRE(before == in);
  REQUIRE(after == out);
}
