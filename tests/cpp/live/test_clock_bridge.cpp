#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "allocation_counter.hpp"
#include "live/clock_bridge.hpp"
#include "streaming.hpp"

using namespace novasr::test;
using novasr::ClockBridge;

namespace {

constexpr double kRate = 48'000.0;
constexpr std::size_t kBlock = 128;
constexpr float kStep = 1e-7f;  // of the ramp, per frame

/// Two devices around a bridge, with a tone, or a ramp whose value identifies the frame.
class Rig {
 public:
  explicit Rig(double input_ppm = 0.0, double tone_hz = 0.0)
      : bridge({.block_frames = kBlock, .max_read_frames = kBlock}),
        input_rate_(kRate * (1.0 + 1e-6 * input_ppm)),
        omega_(2.0 * std::numbers::pi * tone_hz / kRate) {}

  void run_until(double seconds) {
    while (true) {
      const double next_capture = static_cast<double>(captured_ + kBlock) / input_rate_;
      const double next_play = static_cast<double>(played_) / kRate;
      if (std::min(next_capture, next_play) > seconds) return;
      if (next_capture <= next_play)
        capture(next_capture);
      else
        play(next_play);
    }
  }

  /// The delay, in input frames: from the current frame by the input's clock to the one being played.
  [[nodiscard]] double heard_delay() const {
    const double begin = static_cast<double>(played_ - kBlock) / kRate;
    return begin * input_rate_ - static_cast<double>(kBlock) - heard[heard.size() - kBlock] / kStep;
  }

  ClockBridge bridge;
  std::vector<float> heard;
  bool input_stalled = false;
  bool output_stalled = false;

 private:
  void capture(double seconds) {
    std::vector<float> block(kBlock);
    for (std::size_t i = 0; i < kBlock; ++i) block[i] = sample(captured_ + i);
    captured_ += kBlock;
    if (input_stalled) return;
    const float* channel = block.data();
    bridge.begin_capture(seconds, kBlock);
    bridge.write(novasr::AudioView<const float>(&channel, 1, kBlock));
    bridge.end_capture();
  }

  void play(double seconds) {
    std::vector<float> block(kBlock);
    float* channel = block.data();
    played_ += kBlock;
    if (output_stalled) return;
    bridge.begin_playback(seconds, kBlock);
    bridge.read(novasr::AudioView<float>(&channel, 1, kBlock));
    heard.insert(heard.end(), block.begin(), block.end());
  }

  [[nodiscard]] float sample(std::uint64_t frame) const {
    const auto at = static_cast<double>(frame);
    return static_cast<float>(omega_ == 0.0 ? kStep * at : 0.5 * std::sin(omega_ * at));
  }

  double input_rate_;
  double omega_;
  std::uint64_t captured_ = 0, played_ = 0;
};

double steepest(std::span<const float> audio) {
  double step = 0.0;
  for (std::size_t i = 1; i < audio.size(); ++i) step = std::max(step, std::abs(double{audio[i]} - audio[i - 1]));
  return step;
}

}  // namespace

TEST_CASE("ClockBridge: the output has the target delay, to a tenth of a millisecond", "[live][clock]") {
  const double ppm = GENERATE(-150.0, 0.0, 150.0);
  Rig rig(ppm);
  rig.run_until(100.0);
  for (double seconds = 100.0; seconds < 120.0; seconds += 1.0) {
    rig.run_until(seconds);
    REQUIRE(rig.heard_delay() == Approx(rig.bridge.target_frames()).margin(5.0));
    REQUIRE(rig.bridge.stats().delay_frames == Approx(rig.bridge.target_frames()).margin(5.0));
  }
  const auto stats = rig.bridge.stats();
  CHECK(stats.drift_ppm == Approx(ppm).margin(3.0));
  CHECK(stats.underruns + stats.overruns + stats.resyncs == 0);
}

TEST_CASE("ClockBridge: the delay is a block, 4 ms of headroom and the resampler's look-ahead", "[live][clock]") {
  const auto block = GENERATE(std::size_t{64}, std::size_t{512});
  const ClockBridge bridge({.block_frames = block});
  CHECK(bridge.target_frames() == Approx(static_cast<double>(block) + 0.004 * kRate + 26.0).margin(1.0));
}

TEST_CASE("ClockBridge: it is silent until both clocks have settled, then fades in", "[live][clock]") {
  Rig rig(0.0, 300.0);
  rig.run_until(1.0);
  const auto begin = std::ranges::find_if(rig.heard, [](float x) { return x != 0.0f; });
  REQUIRE(begin != rig.heard.end());
  const auto silent_seconds = static_cast<double>(begin - rig.heard.begin()) / kRate;
  CHECK(silent_seconds > 0.3);
  CHECK(silent_seconds < 0.7);
  CHECK(steepest(rig.heard) < 1.2 * 0.5 * 2.0 * std::numbers::pi * 300.0 / kRate);
  CHECK(std::ranges::max(rig.heard) == Approx(0.5f).margin(0.01));
}

TEST_CASE("ClockBridge: a stalled input ends without a click and plays again afterwards", "[live][clock]") {
  Rig rig(0.0, 300.0);
  rig.run_until(3.0);
  rig.input_stalled = true;
  rig.run_until(4.0);
  const auto middle = std::span(rig.heard).last(10'000);
  CHECK(std::ranges::all_of(middle, [](float x) { return x == 0.0f; }));
  CHECK(rig.bridge.stats().underruns >= 1);
  rig.input_stalled = false;
  rig.run_until(6.0);
  CHECK(steepest(rig.heard) < 0.5 * 2.0 * std::numbers::pi * 300.0 / kRate + 0.5 * 4.6 / 240.0);  // sine and decay
  CHECK(std::ranges::max(std::span(rig.heard).last(10'000)) == Approx(0.5f).margin(0.01));
}

TEST_CASE("ClockBridge: a stalled output is resynchronised and continues with recent audio", "[live][clock]") {
  Rig rig;
  rig.run_until(5.0);
  rig.output_stalled = true;
  rig.run_until(8.0);
  rig.output_stalled = false;
  rig.run_until(30.0);
  const auto stats = rig.bridge.stats();
  CHECK(stats.overruns >= 1);  // the ring holds a second
  CHECK(stats.overruns < 3 * 48'000 / kBlock);
  CHECK(rig.heard_delay() == Approx(rig.bridge.target_frames()).margin(100.0));
}

TEST_CASE("ClockBridge: the audio threads' calls allocate nothing", "[live][clock][realtime]") {
  ClockBridge bridge({.block_frames = kBlock, .max_read_frames = kBlock});
  Audio audio = uniform_noise(1, kBlock, 1);
  const float* in = audio[0].data();
  float* out = audio[0].data();
  CHECK(novasr::test::allocations_in([&] {
          for (int i = 0; i < 1'000; ++i) {
            const double seconds = i * kBlock / kRate;
            bridge.begin_capture(seconds, kBlock);
            bridge.write(novasr::AudioView<const float>(&in, 1, kBlock));
            bridge.end_capture();
            bridge.begin_playback(seconds + 0.001, kBlock);
            bridge.read(novasr::AudioView<float>(&out, 1, kBlock));
          }
        }) == 0);
}
