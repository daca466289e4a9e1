// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>
#include <utility>

#include "sound.hpp"

using namespace novasr;
using host::Format;

TEST_CASE("Layouts: any channel count that is equal in and out is accepted") {
  for (int channels = 1; channels <= 8; ++channels) {
    const auto instance = host::open(Format::vst3, 48'000.0, 512, channels);
    const auto input = host::noise(static_cast<std::size_t>(channels), 9600);
    REQUIRE(host::equal(host::played(*instance, input), host::expected(input, 48'000.0)));
  }
}

TEST_CASE("Layouts: different channel counts in and out are rejected, and the plugin continues unchanged") {
  const auto instance = host::open(host::scan(Format::vst3));
  REQUIRE(instance->setBusesLayout(host::layout(2, 2)));  // control
  for (const auto& [in, out] : {std::pair{1, 2}, {2, 1}, {2, 6}, {6, 2}, {8, 7}}) {
    INFO(in << " in, " << out << " out");
    REQUIRE_FALSE(instance->setBusesLayout(host::layout(in, out)));
  }
  REQUIRE(instance->getBusesLayout() == host::layout(2, 2));
  instance->prepareToPlay(48'000.0, 512);
  const auto input = host::noise(2, 9600);
  REQUIRE(host::equal(host::played(*instance, input), host::expected(input, 48'000.0)));
}

TEST_CASE("Layouts: the channel count may change between two activations") {
  const auto instance = host::open(host::scan(Format::vst3));
  for (const int channels : {2, 1, 8, 2, 3}) {
    instance->releaseResources();
    REQUIRE(instance->setBusesLayout(host::layout(channels, channels)));
    instance->prepareToPlay(48'000.0, 512);
    const auto input = host::noise(static_cast<std::size_t>(channels), 4800);
    REQUIRE(host::equal(host::played(*instance, input), host::expected(input, 48'000.0)));
  }
}
