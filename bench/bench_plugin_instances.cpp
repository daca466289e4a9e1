// SPDX-License-Identifier: GPL-3.0-or-later (it links JUCE)
// Cost of a session with many instances: 64 instances of the VST3 on one core, at 48 kHz in blocks of 128 frames,
// processed in turn like the tracks of a host. The time of a block is the sum over the instances; on a shared machine
// p1 is the undisturbed time.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <numbers>
#include <random>
#include <vector>

#include "machine.hpp"
#include "plugin_host.hpp"
#include "signals.hpp"

using novasr::bench::Clock;
using novasr::bench::seconds_since;

namespace {

constexpr int kInstances = 64;
constexpr double kRate = 48'000.0;
constexpr int kBlock = 128;
constexpr int kBlocks = 5'000;
constexpr int kPeriodBlocks = 75;    // of the noise
constexpr int kWarmUpBlocks = 225;   // 0.6 s: the model that looks for the end of the band has found it
constexpr double kBandHz = 7'000.0;  // of the noise: both models have a band to add

double resident_megabytes() {
  double pages = 0.0;
  double resident = 0.0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * 4096.0 / 1e6;
}

double quantile(std::vector<double> values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

/// Noise at -20 dB that ends at kBandHz and repeats.
novasr::test::Audio noise(std::size_t channels, bool alike = false) {
  constexpr std::size_t kFrames = kPeriodBlocks * kBlock;
  const auto lines = static_cast<std::size_t>(kBandHz / kRate * kFrames);
  std::mt19937 random(1);
  std::uniform_real_distribution<double> phases(0.0, 2.0 * std::numbers::pi);
  novasr::test::Audio audio(channels, kFrames);
  for (std::size_t c = 0; c < channels; ++c) {
    if (alike && c > 0) {
      audio[c] = audio[0];
      continue;
    }
    for (std::size_t line = 1; line <= lines; ++line) {
      const double phase = phases(random), step = 2.0 * std::numbers::pi * static_cast<double>(line) / kFrames;
      for (std::size_t i = 0; i < kFrames; ++i)
        audio[c][i] += static_cast<float>(0.1 * std::sqrt(2.0 / static_cast<double>(lines)) *
                                          std::cos(phase + step * static_cast<double>(i)));
    }
  }
  return audio;
}

/// Processes one block in place; returns the seconds that it took.
double process(juce::AudioPluginInstance& instance, const novasr::test::Audio& input, int block) {
  static juce::MidiBuffer midi;
  novasr::test::Audio audio(input.channels(), kBlock);
  std::vector<float*> pointers;
  for (std::size_t c = 0; c < input.channels(); ++c) {
    std::copy_n(input[c].begin() + block % kPeriodBlocks * kBlock, kBlock, audio[c].begin());
    pointers.push_back(audio[c].data());
  }
  juce::AudioBuffer<float> buffer(pointers.data(), static_cast<int>(pointers.size()), kBlock);
  const auto begin = Clock::now();
  instance.processBlock(buffer, midi);
  return seconds_since(begin);
}

/// Plays until the model has taken over, with the message loop in between, as a host does.
void choose_wide(juce::AudioPluginInstance& instance, const novasr::test::Audio& input) {
  const int latency = instance.getLatencySamples();
  novasr::host::parameter(instance, "Model").setValue(1.0f);
  for (int block = 0; instance.getLatencySamples() == latency; ++block) {
    if (block % 40 == 0) novasr::host::run_messages(10);
    process(instance, input, block);
  }
}

/// Returns the instances to keep them alive, so that the next ones allocate their own memory.
std::vector<novasr::host::Instance> measure(const char* name, const novasr::test::Audio& input, bool wide = false) {
  const auto channels = static_cast<int>(input.channels());
  std::vector<novasr::host::Instance> instances;
  instances.push_back(novasr::host::open(novasr::host::Format::vst3, kRate, kBlock, channels));  // loads the library
  const double before = resident_megabytes();
  const auto start = Clock::now();
  while (instances.size() < kInstances + 1)
    instances.push_back(novasr::host::open(novasr::host::Format::vst3, kRate, kBlock, channels));
  const double creation = seconds_since(start) / kInstances;
  if (wide)
    for (auto& instance : instances) choose_wide(*instance, input);
  std::vector<double> loads;
  for (int block = 0; block < kWarmUpBlocks + kBlocks; ++block) {
    double seconds = 0.0;
    for (std::size_t i = 1; i < instances.size(); ++i) seconds += process(*instances[i], input, block);
    if (block >= kWarmUpBlocks) loads.push_back(100.0 * seconds * kRate / kBlock);
  }
  std::printf("| %s | %.1f %% | %.1f %% | %.1f %% | %.1f ms | %.2f MB |\n", name, quantile(loads, 0.01),
              quantile(loads, 0.5), quantile(loads, 0.99), 1e3 * creation,
              (resident_megabytes() - before) / kInstances);
  std::fflush(stdout);
  return instances;
}

}  // namespace

int main() {
  const juce::ScopedJuceInitialiser_GUI this_is_the_message_thread;
  std::printf("%s, %s, %d instances, blocks of %d frames, load of one core:\n\n", novasr::bench::cpu_name().c_str(),
              novasr::bench::compiler_name().c_str(), kInstances, kBlock);
  std::puts("| | p1 | p50 | p99 | creation | memory |");
  std::puts("|---|---:|---:|---:|---:|---:|");
  const auto mono = measure("mono", noise(1));
  const auto wide_mono = measure("mono, wide", noise(1), true);
  const auto stereo = measure("stereo", noise(2));
  const auto wide_stereo = measure("stereo, wide", noise(2), true);
  const auto alike = measure("stereo, both sides alike", noise(2, true));
  const auto silent = measure("stereo, silent", novasr::test::Audio(2, kPeriodBlocks * kBlock));
}
