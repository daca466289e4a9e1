#include <catch2/catch.hpp>

#include "novasr/interleave.hpp"
#include "signals.hpp"

using novasr::test::Audio;

TEST_CASE("Interleave: a round trip restores the audio", "[dsp]") {
  const auto channels = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{5});
  Audio audio = Audio::noise(channels, 100);
  std::vector<float> interleaved(100 * channels);
  novasr::interleave(audio.view(), interleaved.data(), channels);
  for (std::size_t i = 0; i < 100; ++i)
    for (std::size_t c = 0; c < channels; ++c) REQUIRE(interleaved[i * channels + c] == audio[c][i]);
  Audio back(channels, 100);
  novasr::deinterleave(interleaved.data(), channels, back.view());
  for (std::size_t c = 0; c < channels; ++c) REQUIRE(back[c] == audio[c]);
}

TEST_CASE("Interleave: extra inputs of a device are ignored, its extra outputs silent", "[dsp]") {
  const std::vector<float> in{1, 2, 3, 4, 5, 6};
  Audio two(2, 2);
  novasr::deinterleave(in.data(), 3, two.view());
  CHECK(two[0] == std::vector<float>{1, 4});
  CHECK(two[1] == std::vector<float>{2, 5});
  std::vector<float> out(6, 7.0f);
  novasr::interleave(two.view(), out.data(), 3);
  CHECK(out == std::vector<float>{1, 2, 0, 4, 5, 0});
}
