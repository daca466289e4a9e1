// SPDX-License-Identifier: GPL-3.0-or-later
#include <dlfcn.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "audio_thread_guard.hpp"
#include "sound.hpp"
#include "state_blob.hpp"

using namespace novasr;
using host::Format;
using test::Breaches;

namespace {

constexpr int kBlocks = 2'000;
constexpr int kWarmUp = 50;

/// Plays blocks of 128 frames on a separate thread, which calls `before_each` with each block's number. Does not count
/// the first blocks, in which the host allocates.
Breaches breaches_while_playing(juce::AudioPluginInstance& instance, const std::function<void(int)>& before_each = {}) {
  Breaches counted;
  std::thread([&] {
    auto audio = host::noise(2, 128);
    Breaches before;
    for (int i = -kWarmUp; i < kBlocks; ++i) {
      if (i == 0) before = test::breaches_of_this_thread();
      if (before_each) before_each(i + kWarmUp);
      host::play(instance, audio.view(), std::vector{128});
    }
    counted = test::breaches_of_this_thread() - before;
  }).join();
  return counted;
}

template <typename Function>
Function* symbol(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

}  // namespace

TEST_CASE("Audio thread: the guard counts what a library does, and ignores the host") {
  if (!test::counts_breaches()) return;
  void* const library = dlopen(NOVASR_COUNTED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  auto* const allocate_by_new = symbol<void*()>(library, "allocate_by_new");
  auto* const free_by_delete = symbol<void(void*)>(library, "free_by_delete");
  auto* const allocate_by_malloc = symbol<void*()>(library, "allocate_by_malloc");
  auto* const free_by_free = symbol<void(void*)>(library, "free_by_free");
  auto* const lock = symbol<void()>(library, "lock");
  auto* const unlock = symbol<void()>(library, "unlock");

  const auto count = [](auto&& work) {
    const auto before = test::breaches_of_this_thread();
    work();
    return test::breaches_of_this_thread() - before;
  };
  void* volatile memory = nullptr;
  REQUIRE(count([&] { memory = allocate_by_new(); }).allocations == 1);
  REQUIRE(count([&] { free_by_delete(memory); }).frees == 1);
  REQUIRE(count([&] { memory = allocate_by_malloc(); }).allocations == 1);
  REQUIRE(count([&] { free_by_free(memory); }).frees == 1);
  const auto uncontended = count([&] { lock(); });
  REQUIRE((uncontended.locks == 1 && uncontended.waits == 0));
  Breaches contended;
  std::thread waiting([&] { contended = count([&] { lock(), unlock(); }); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  unlock();
  waiting.join();
  REQUIRE((contended.locks == 1 && contended.waits == 1));
  const auto own = count([&] {
    memory = ::operator new(8);
    ::operator delete(memory);
  });
  REQUIRE((own.allocations == 0 && own.frees == 0));
  dlclose(library);
}

TEST_CASE("Audio thread: the guard counts what the plugin does") {
  if (!test::counts_breaches()) return;
  const auto instance = host::open(Format::vst3, 48'000.0);
  const auto before = test::breaches_of_this_thread();
  host::state_of(*instance);
  const auto seen = test::breaches_of_this_thread() - before;
  REQUIRE(seen.allocations > 0);
  REQUIRE(seen.frees > 0);
  REQUIRE(seen.locks > 0);
}

TEST_CASE("Audio thread: playing neither allocates nor frees, and the only locks are JUCE's and uncontended") {
  if (!test::counts_breaches()) return;
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const double rate = GENERATE(8'000.0, 44'100.0, 48'000.0, 96'000.0);
  const auto instance = host::open(format, rate, 128);
  const auto seen = breaches_while_playing(*instance);
  REQUIRE(seen.allocations == 0);
  REQUIRE(seen.frees == 0);
  REQUIRE(seen.waits == 0);
  // LV2: JUCE also sets the bypass parameter in every block, and locks its list of listeners for that.
  REQUIRE(seen.locks <= (format == Format::vst3 ? 1 : 3) * kBlocks);
}

TEST_CASE("Audio thread: parameter changes, bypass and restarts neither allocate nor free") {
  if (!test::counts_breaches()) return;
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const auto instance = host::open(format, 48'000.0, 128);
  const auto seen = breaches_while_playing(*instance, [&](int block) {
    const auto parameters = instance->getParameters();
    parameters[block % parameters.size()]->setValue(static_cast<float>(block % 101) / 100.0f);
    if (format == Format::vst3 && block % 50 == 49) host::restart(*instance);
  });
  REQUIRE(seen.allocations == 0);
  REQUIRE(seen.frees == 0);
  REQUIRE(seen.waits == 0);
}

TEST_CASE("Audio thread: a change of model neither allocates nor frees there, and never waits") {
  if (!test::counts_breaches()) return;
  const auto instance = host::open(Format::vst3, 48'000.0, 128);
  std::atomic<bool> done = false;
  Breaches seen;
  std::thread audio([&] {
    seen = breaches_while_playing(*instance, [](int) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
    done = true;
  });
  int changes = 0;
  for (int latency = instance->getLatencySamples(), wide = 1; !done; wide = 1 - wide) {
    host::parameter(*instance, "Model").setValue(static_cast<float>(wide));
    for (int i = 0; i < 20 && !done && instance->getLatencySamples() == latency; ++i) host::run_messages(10);
    if (std::exchange(latency, instance->getLatencySamples()) != latency) ++changes;
  }
  audio.join();
  REQUIRE(changes > 3);
  REQUIRE(seen.allocations == 0);
  REQUIRE(seen.frees == 0);
  REQUIRE(seen.waits == 0);
}

TEST_CASE("Audio thread: a change of weights on another thread causes neither waiting nor freeing") {
  if (!test::counts_breaches()) return;
  const auto instance = host::open(Format::vst3, 48'000.0, 128);
  std::atomic<bool> done = false;
  Breaches seen;
  std::thread audio([&] {
    seen = breaches_while_playing(*instance, [](int) { std::this_thread::sleep_for(std::chrono::microseconds(300)); });
    done = true;
  });
  int changes = 0;
  while (!done) {
    host::restore(*instance,
                  host::make_state(R"({"parameters": {}})", host::other_weights(++changes % 2 == 0 ? 0.5f : 0.7f)));
    host::run_messages(1);
  }
  audio.join();
  REQUIRE(changes > 10);
  REQUIRE(seen.allocations == 0);
  REQUIRE(seen.frees == 0);
  REQUIRE(seen.waits == 0);
}
