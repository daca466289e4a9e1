// SPDX-License-Identifier: GPL-3.0-or-later
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "sound.hpp"

using namespace novasr;
using host::Format;

TEST_CASE("Scan: each bundle contains one effect and describes it") {
  const auto vst3 = host::scan(Format::vst3);
  REQUIRE(vst3.name == "NovaSR");
  REQUIRE(vst3.manufacturerName == "NovaSR Live");
  REQUIRE(vst3.category == "Fx|Restoration");
  REQUIRE_FALSE(vst3.isInstrument);
  REQUIRE((vst3.numInputChannels == 2 && vst3.numOutputChannels == 2));

  const auto lv2 = host::scan(Format::lv2);
  REQUIRE(lv2.name == "NovaSR");
  REQUIRE(lv2.fileOrIdentifier == "https://novasr.live/plugins/novasr");
  REQUIRE((lv2.numInputChannels == 2 && lv2.numOutputChannels == 2));
}

TEST_CASE("Instances come and go, used or not") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const auto plugin = host::scan(format);
  const auto input = host::noise(2, 4800);
  const auto output = host::expected(input, 48'000.0);
  for (int i = 0; i < 50; ++i) {
    const auto instance = host::open(plugin);
    if (i % 3 == 0) continue;
    instance->prepareToPlay(48'000.0, 480);
    if (i % 3 == 1) continue;
    REQUIRE(host::equal(host::played(*instance, input, {480}), output));
    instance->releaseResources();
  }
}

TEST_CASE("Instances are independent of each other") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const auto input = host::noise(2, 9600);
  std::vector<host::Instance> instances;
  for (int i = 0; i < 8; ++i) {
    instances.push_back(host::open(format, 48'000.0));
    host::set_parameters(*instances.back(), {.mix = static_cast<float>(i) / 8.0f});
  }
  std::vector<test::Audio> outputs(instances.size(), test::Audio(2, input.frames()));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < instances.size(); ++i)
    threads.emplace_back([&, i] { outputs[i] = host::played(*instances[i], input); });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < instances.size(); ++i) {
    const auto own = host::expected(input, 48'000.0, {.mix = static_cast<float>(i) / 8.0f});
    const auto others = host::expected(input, 48'000.0, {.mix = static_cast<float>(i + 1) / 8.0f});
    REQUIRE(host::difference(outputs[i], own) <= 1e-6f);
    REQUIRE(host::difference(outputs[i], others) > 1e-3f);  // control
  }
}

TEST_CASE("Two threads may create instances at the same time") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const auto plugin = host::scan(format);
  std::atomic<int> opened = 0;
  std::atomic<int> threads_done = 0;
  const auto open_some = [&] {
    for (int i = 0; i < 10; ++i) {
      auto instance = host::open(plugin);
      opened += instance != nullptr;
      juce::MessageManager::callAsync([kept = std::shared_ptr(std::move(instance))] {});  // freed on the message thread
    }
    ++threads_done;
  };
  std::thread one(open_some);
  std::thread two(open_some);
  while (threads_done < 2) host::run_messages(5);
  one.join();
  two.join();
  host::run_messages(50);
  REQUIRE(opened == 20);
}

TEST_CASE("LV2: the library is unloaded with its last instance") {
  const auto loaded = [] { return juce::File("/proc/self/maps").loadFileAsString().contains("libNovaSR.so"); };
  auto instance = host::open(Format::lv2, 48'000.0);
  host::played(*instance, host::noise(2, 4'800));
  REQUIRE(loaded());
  instance.reset();
  REQUIRE_FALSE(loaded());
}
