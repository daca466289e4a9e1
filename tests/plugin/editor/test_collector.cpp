// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "PluginProcessor.h"

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kThreads = 4;

/// JUCE's message thread, separate from the thread that creates and destroys plugins, as in LV2 hosts. One per process.
class MessageThread {
 public:
  MessageThread() {
    juce::WaitableEvent started;
    thread_ = std::thread([&] {
      juce::MessageManager::getInstance()->setCurrentThreadAsMessageThread();
      started.signal();
      juce::MessageManager::getInstance()->runDispatchLoop();
    });
    started.wait();
  }
  ~MessageThread() {
    juce::MessageManager::getInstance()->stopDispatchLoop();
    thread_.join();
    juce::MessageManager::getInstance()->setCurrentThreadAsMessageThread();
  }

 private:
  std::thread thread_;
};

PluginModel quieter() {
  const auto& built_in = *novasr::default_model();
  std::vector<float> weights(built_in.values().begin(), built_in.values().end());
  const std::size_t last = built_in.family().tensors.back().size();  // of the output layer
  for (float& value : std::span(weights).last(last)) value *= 0.5f;
  return {.model = built_in.family().make(std::move(weights))};
}

void play(PluginProcessor& processor) {
  juce::AudioBuffer<float> audio(processor.getTotalNumInputChannels(), 9'600);
  audio.clear();
  juce::MidiBuffer midi;
  processor.processBlock(audio, midi);
}

/// A plugin that has just switched to the built-in weights, so that its former processor has yet to be freed.
std::unique_ptr<PluginProcessor> changed(const PluginModel& former) {
  auto processor = std::make_unique<PluginProcessor>();
  const auto channels = juce::AudioChannelSet::discreteChannels(16);
  processor->setBusesLayout({{channels}, {channels}});
  processor->enhancer().setModel(former);
  processor->setRateAndBufferSizeDetails(48'000.0, 9'600);
  processor->prepareToPlay(48'000.0, 9'600);
  play(*processor);
  processor->resetModel();
  play(*processor);
  return processor;
}

}  // namespace

TEST_CASE("Collector: frees retired processors; no timer uses a plugin that another thread destroys") {
  MessageThread messages;
  const auto former = quieter();
  const auto kept = changed(former);
  CHECK_FALSE(kept->enhancer().setModel(quieter()));  // a collector is already running
  play(*kept);
  std::this_thread::sleep_for(100ms);  // until the timers run
  juce::WaitableEvent go;
  juce::MessageManager::callAsync([&] { go.wait(); });
  std::vector<std::unique_ptr<PluginProcessor>> processors;
  for (int i = 0; i < 32; ++i) processors.push_back(changed(former));

  // A second later all are due. The message thread collects them in order while these threads destroy them in reverse.
  std::this_thread::sleep_for(1'100ms);
  for (const auto& processor : processors) processor->parameters().model = 1;  // to be followed at the same time
  go.signal();
  std::vector<std::thread> threads;
  for (std::size_t first = 0; first < kThreads; ++first)
    threads.emplace_back([&, first] {
      for (std::size_t i = first; i < processors.size(); i += kThreads) processors[processors.size() - 1 - i].reset();
    });
  for (auto& thread : threads) thread.join();

  std::this_thread::sleep_for(1'200ms);
  CHECK(kept->enhancer().setModel({}));  // no collector is running any more: all were freed
}
