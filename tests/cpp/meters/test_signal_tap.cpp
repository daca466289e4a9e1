#include <catch2/catch.hpp>
#include <numeric>

#include "allocation_counter.hpp"
#include "novasr/signal_tap.hpp"
#include "signals.hpp"

using novasr::SignalTap;
using novasr::test::Audio;

TEST_CASE("SignalTap: the peak is the largest magnitude of any channel since it was read", "[meters]") {
  SignalTap tap(1'024);
  Audio audio(3, 100);
  audio[1][50] = 0.5f;
  tap.write(audio.view());
  audio[1][50] = 0.0f;
  audio[2][99] = -0.75f;
  tap.write(audio.view());
  audio[2][99] = 0.25f;
  tap.write(audio.view());
  CHECK(tap.take_peak() == 0.75f);
  CHECK(tap.take_peak() == 0.0f);
  tap.write(audio.view());
  CHECK(tap.take_peak() == 0.25f);
}

TEST_CASE("SignalTap: the waveform is the average over the channels, frame by frame", "[meters]") {
  const auto channels = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{4});
  SignalTap tap(2'048);
  Audio audio = Audio::noise(channels, 1'500);
  tap.write(audio.view(0, 700));
  tap.write(audio.view(700, 800));
  REQUIRE(tap.readable() == 1'500);
  std::vector<float> waveform(2'000);
  REQUIRE(tap.read(waveform) == 1'500);
  for (std::size_t i = 0; i < 1'500; ++i) {
    double sum = 0.0;
    for (std::size_t c = 0; c < channels; ++c) sum += audio[c][i];
    REQUIRE(waveform[i] == Approx(sum / static_cast<double>(channels)).margin(1e-7));
  }
  CHECK(tap.readable() == 0);
}

TEST_CASE("SignalTap: unwatched, it records peaks only", "[meters]") {
  SignalTap tap(1'024);
  Audio audio = Audio::noise(1, 300);
  tap.write(audio.view(), false);
  CHECK(tap.take_peak() > 0.4f);
  CHECK(tap.readable() == 0);
  tap.write(audio.view(), true);
  CHECK(tap.readable() == 300);
}

TEST_CASE("SignalTap: a full ring drops new frames and keeps those it holds", "[meters]") {
  SignalTap tap(1'024);
  Audio audio(1, 3'000);
  std::iota(audio[0].begin(), audio[0].end(), 0.0f);
  tap.write(audio.view());
  std::vector<float> waveform(3'000);
  REQUIRE(tap.read(waveform) == 1'024);
  CHECK(waveform[0] == 0.0f);
  CHECK(waveform[1'023] == 1'023.0f);
  CHECK(tap.take_peak() == 2'999.0f);
}

TEST_CASE("SignalTap: writing and reading allocate nothing", "[meters][realtime]") {
  SignalTap tap(1'024);
  Audio audio = Audio::noise(2, 300);
  const auto view = audio.view();
  std::vector<float> waveform(300);
  CHECK(novasr::test::allocations_in([&] {
          tap.write(view);
          tap.read(waveform);
          tap.take_peak();
        }) == 0);
}
