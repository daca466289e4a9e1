#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "live/variable_resampler.hpp"
#include "novasr/planar_buffer.hpp"
#include "realtime_scope.hpp"
#include "spectrum.hpp"
#include "streaming.hpp"

using namespace novasr::test;
using novasr::VariableResampler;

namespace {

constexpr std::size_t kMaxFrames = 700;

/// Feeds a sine to a resampler and compares each output with the sine at the time at which it should be.
class Rig {
 public:
  Rig(double nominal, double cycles_per_frame) : ratio_(nominal), omega_(2.0 * std::numbers::pi * cycles_per_frame) {
    resampler.prepare(nominal, 1, kMaxFrames);
    in_.prepare(1, resampler.max_needed());
    out_.prepare(1, kMaxFrames);
  }

  /// The error of the block's worst sample.
  double play(std::size_t frames, double ratio) {
    const auto in = in_.view(resampler.needed(frames, ratio));
    const auto out = out_.view(frames);
    double time = static_cast<double>(taken_) - 1.0 - resampler.delay_frames();
    for (float& x : in[0]) x = static_cast<float>(std::sin(omega_ * static_cast<double>(taken_++)));
    {
      const novasr::test::RealtimeScope realtime;
      resampler.process(in, ratio, out);
    }
    double worst = 0.0;
    for (std::size_t i = 0; i < frames; ++i) {
      if (time > 100.0) worst = std::max(worst, std::abs(out[0][i] - std::sin(omega_ * time)));
      time += ratio_ + (ratio - ratio_) * static_cast<double>(i + 1) / static_cast<double>(frames);
    }
    ratio_ = ratio;
    return worst;
  }

  VariableResampler resampler;

 private:
  double ratio_;
  double omega_;
  std::uint64_t taken_ = 0;
  novasr::PlanarBuffer in_, out_;
};

}  // namespace

TEST_CASE("VariableResampler: a steady ratio gives the input at evenly spaced times, to -95 dB", "[live][resampler]") {
  const double ratio = GENERATE(1.0, 1.00017, 0.99983, 48'000.0 / 44'100.0, 44'100.0 / 48'000.0, 2.0, 1.0 / 3.0);
  Rig rig(ratio, 0.3 / std::max(1.0, ratio));
  auto block = random_blocks(1);
  double worst = 0.0;
  for (int i = 0; i < 100; ++i) worst = std::max(worst, rig.play(block(), ratio));
  CHECK(decibels(worst) < -95.0);
}

TEST_CASE("VariableResampler: a moving ratio makes no step between blocks", "[live][resampler]") {
  Rig rig(1.0, 0.02);
  double worst = 0.0;
  for (int i = 0; i < 400; ++i) worst = std::max(worst, rig.play(128, 1.0 + 0.002 * std::sin(0.1 * i)));
  CHECK(decibels(worst) < -95.0);
}

TEST_CASE("VariableResampler: it consumes no more input than it needs, and never more than announced",
          "[live][resampler]") {
  const double nominal = GENERATE(1.0, 48'000.0 / 44'100.0, 16'000.0 / 48'000.0);
  Rig rig(nominal, 0.01);
  auto block = random_blocks(2);
  for (int i = 0; i < 300; ++i) {
    const double ratio = nominal * (1.0 + 0.002 * std::cos(0.3 * i));
    const std::size_t frames = block();
    REQUIRE(rig.resampler.needed(frames, ratio) <= rig.resampler.max_needed());
    if (frames == 0) continue;
    rig.play(frames, ratio);
    const double look_ahead = static_cast<double>(rig.resampler.right());
    REQUIRE(rig.resampler.delay_frames() > look_ahead - ratio - 1e-6);
    REQUIRE(rig.resampler.delay_frames() <= look_ahead + 1.0);
  }
}

TEST_CASE("VariableResampler: channels are independent, and a reset clears the past", "[live][resampler]") {
  VariableResampler two, one;
  two.prepare(1.0, 2, 500);
  one.prepare(1.0, 1, 500);
  const auto play = [](VariableResampler& resampler, Audio input) {
    std::vector<float*> in, out;
    Audio output(input.size(), std::vector<float>(500));
    for (auto& channel : input) in.push_back(channel.data());
    for (auto& channel : output) out.push_back(channel.data());
    resampler.process(novasr::AudioView<float>(in.data(), in.size(), resampler.needed(500, 1.0001)), 1.0001,
                      novasr::AudioView<float>(out.data(), out.size(), 500));
    return output;
  };
  const Audio input = uniform_noise(2, 600, 3);
  const Audio together = play(two, input);
  CHECK(same_bits({together[0]}, play(one, {input[0]})));
  one.reset();
  CHECK(same_bits({together[1]}, play(one, {input[1]})));
}
