#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "chain/dry_path.hpp"
#include "spectrum.hpp"
#include "streaming.hpp"

using namespace novasr::test;
using novasr::DryPath;

namespace {

struct Heard {
  std::vector<float> before, after;
};

/// Plays the whole input; after each block, renders the outputs due at these rates.
Heard play(DryPath& path, const novasr::ProcessSpec& spec, const novasr::ChainPlan& plan,
           const std::vector<float>& input, const Cutter& block) {
  Heard heard;
  std::uint64_t done = 0;
  for (std::size_t first = 0; first < input.size();) {
    const std::size_t count = std::min(block(), input.size() - first);
    first += count;
    const std::uint64_t outputs = first * std::uint64_t{spec.output_rate_hz} / spec.sample_rate_hz - done;
    const auto room = path.append(count);
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(first - count), count, room.begin());
    const auto taps = path.advance(plan.dry, outputs);
    done += outputs;
    heard.before.insert(heard.before.end(), taps.before.begin(), taps.before.end());
    heard.after.insert(heard.after.end(), taps.after.begin(), taps.after.end());
  }
  return heard;
}

struct Rig {
  Rig(std::uint32_t in_hz, std::uint32_t out_hz)
      : spec{.sample_rate_hz = in_hz, .output_rate_hz = out_hz},
        plan(novasr::plan_chain(spec, InterpolatingEngine::kFormat, 43)) {
    path.prepare(spec, plan, 8'000, 16'000);
  }
  Heard play(const std::vector<float>& input, const Cutter& block) { return ::play(path, spec, plan, input, block); }

  novasr::ProcessSpec spec;
  novasr::ChainPlan plan;
  DryPath path;
};

}  // namespace

TEST_CASE("DryPath: without resampling both taps are bit-exact delays of the input", "[chain]") {
  const auto rate = GENERATE(44'100u, 48'000u, 96'000u);
  Rig rig(rate, rate);
  const auto input = uniform_noise(1, 4'000, 1)[0];
  const Heard heard = rig.play(input, random_blocks(2));
  const auto expect = [&](std::size_t delay) {
    auto audio = delayed({input}, delay);
    audio[0].resize(input.size());
    return audio;
  };
  CHECK(same_bits({heard.before}, expect(rig.plan.aligned_frames)));
  CHECK(same_bits({heard.after}, expect(rig.plan.latency_frames())));
}

TEST_CASE("DryPath: when resampling both taps are the input at the planned delay, to -80 dB", "[chain]") {
  const auto in_hz = GENERATE(16'000u, 32'000u, 44'100u);
  Rig rig(in_hz, 48'000);
  const double hz = 2'000.0;
  std::vector<float> input(6'000);
  for (std::size_t n = 0; n < input.size(); ++n)
    input[n] = static_cast<float>(std::sin(2.0 * std::numbers::pi * hz * static_cast<double>(n) / in_hz));
  const Heard heard = rig.play(input, blocks_of(500));
  const auto worst = [&](const std::vector<float>& output, std::size_t delay) {
    double error = 0.0;
    for (std::size_t m = 1'000; m < output.size(); ++m) {
      const double frames = static_cast<double>(m) - static_cast<double>(delay);
      error = std::max(error, std::abs(output[m] - std::sin(2.0 * std::numbers::pi * hz * frames / 48'000.0)));
    }
    return decibels(error);
  };
  CHECK(worst(heard.before, rig.plan.aligned_frames) < -80.0);
  CHECK(worst(heard.after, rig.plan.latency_frames()) < -80.0);
  CHECK(worst(heard.after, rig.plan.latency_frames() + 1) > -20.0);  // control
}

TEST_CASE("DryPath: bit-identical for any block size, and after a reset", "[chain]") {
  const auto in_hz = GENERATE(16'000u, 44'100u, 48'000u);
  Rig rig(in_hz, 48'000);
  const auto input = uniform_noise(1, 4'000, 3)[0];
  const Heard whole = rig.play(input, blocks_of(4'000));
  for (const Cutter& block : {blocks_of(1), blocks_of(64), random_blocks(4)}) {
    rig.path.reset();
    const Heard heard = rig.play(input, block);
    CHECK(same_bits({heard.before, heard.after}, {whole.before, whole.after}));
  }
}

TEST_CASE("DryPath: the rest of a stream is output after its end", "[chain]") {
  const auto in_hz = GENERATE(44'100u, 48'000u);
  Rig rig(in_hz, 48'000);
  rig.play(std::vector<float>(1'000, 0.5f), blocks_of(100));
  const std::size_t rest = rig.plan.latency_frames() + 100;
  rig.path.append_silence(rest);
  const auto taps = rig.path.advance(rig.plan.dry, rest);
  CHECK(taps.after.front() == Approx(0.5f).margin(1e-4));
  CHECK(taps.after[rest - 1] == 0.0f);
}
