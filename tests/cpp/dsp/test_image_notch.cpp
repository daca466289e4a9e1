#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "dsp/image_notch.hpp"
#include "realtime_scope.hpp"
#include "spectrum.hpp"
#include "streaming.hpp"

using namespace novasr;
using namespace novasr::test;

namespace {

constexpr std::size_t kMost = 2'048;

/// The signal without its lines.
std::vector<float> without_lines(std::size_t ratio, const std::vector<float>& audio, const Cutter& next_block) {
  ImageNotch notch;
  notch.prepare(ratio, kMost);
  std::vector<float> output;
  for (std::size_t first = 0; first < audio.size();) {
    const std::size_t frames = std::min({next_block(), audio.size() - first, kMost});
    const auto lines = [&] {
      const RealtimeScope realtime;
      return notch.lines(std::span(audio).subspan(first, frames));
    }();
    for (std::size_t i = 0; i < frames; ++i) output.push_back(audio[first + i] - lines[i]);
    first += frames;
  }
  return output;
}

double gain_db(std::size_t ratio, double hz, double input_hz) {
  const double rate = input_hz * static_cast<double>(ratio);
  const std::size_t settled = ImageNotch::kFrames * ratio + ratio;
  const auto audio = tones({hz}, static_cast<std::uint32_t>(rate), settled + static_cast<std::size_t>(rate));
  const auto output = without_lines(ratio, audio, blocks_of(500));
  const auto before = component(std::span(audio).subspan(settled), hz, rate);
  const auto after = component(std::span(output).subspan(settled), hz, rate);
  return decibels(std::abs(after) / std::abs(before));
}

}  // namespace

TEST_CASE("ImageNotch: what repeats with an input frame goes, and its mean stays", "[dsp]") {
  const std::size_t ratio = GENERATE(2u, 3u, 6u);
  std::vector<float> audio(20'000);
  for (std::size_t i = 0; i < audio.size(); ++i) audio[i] = 0.25f + (i % ratio == 0 ? 0.5f : 0.0f);
  const auto output = without_lines(ratio, audio, blocks_of(480));
  const float mean = 0.25f + 0.5f / static_cast<float>(ratio);
  for (std::size_t i = ImageNotch::kFrames * ratio + ratio; i < output.size(); ++i)
    REQUIRE(output[i] == Approx(mean).margin(1e-6));
}

TEST_CASE("ImageNotch: it takes the lines alone", "[dsp]") {
  CHECK(gain_db(3, 16'000.0, 16'000.0) < -100.0);
  CHECK(gain_db(6, 16'000.0, 8'000.0) < -100.0);
  for (const double hz : {50.0, 1'000.0, 8'000.0, 12'000.0, 15'700.0, 16'300.0, 20'000.0})
    CHECK(std::abs(gain_db(3, hz, 16'000.0)) < 0.15);
}

TEST_CASE("ImageNotch: any partition gives the same bits, and silence stays silent", "[dsp]") {
  const auto audio = gaussian_noise(10'000, 0.1f);
  const auto whole = without_lines(3, audio, blocks_of(kMost));
  for (unsigned seed = 0; seed < 20; ++seed) REQUIRE(without_lines(3, audio, random_blocks(seed)) == whole);
  REQUIRE(without_lines(3, audio, blocks_of(1)) == whole);
  const auto silence = without_lines(3, std::vector<float>(2'000), blocks_of(100));
  REQUIRE(std::ranges::all_of(silence, [](float x) { return x == 0.0f; }));
}
