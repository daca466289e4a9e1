// SPDX-License-Identifier: GPL-3.0-or-later (it links JUCE)
// Cost of a session with many instances: 64 instances of the VST3 on one core, at 48 kHz in blocks of 128 frames,
// processed in turn like the tracks of a host. The time of a block is the sum over the instances; on a shared machine
// p1 is the undisturbed time.
#include <algorithm>
#include <cstdio>
#include <fstream>
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

/// Returns the instances to keep them alive, so that the next ones allocate their own memory.
std::vector<novasr::host::Instance> measure(const char* name, const novasr::test::Audio& input, int model = 0) {
  const auto channels = static_cast<int>(input.channels());
  std::vector<novasr::host::Instance> instances;
  instances.push_back(novasr::host::open(novasr::host::Format::vst3, kRate, kBlock, channels));  // loads the library
  const double before = resident_megabytes();
  const auto start = Clock::now();
  while (instances.size() < kInstances + 1)
    instances.push_back(novasr::host::open(novasr::host::Format::vst3, kRate, kBlock, channels));
  const double creation = seconds_since(start) / kInstances;
  if (model != 0) choose_model(instances, model);
  auto audio = input;
  juce::MidiBuffer midi;
  std::vector<double> loads;
  for (int block = 0; block < kBlocks; ++block) {
    double seconds = 0.0;
    for (std::size_t i = 1; i < instances.size(); ++i) {
      audio = input;
      std::vector<float*> pointers;
      for (int c = 0; c < channels; ++c) pointers.push_back(audio[static_cast<std::size_t>(c)].data());
      juce::AudioBuffer<float> buffer(pointers.data(), channels, kBlock);
      const auto begin = Clock::now();
      instances[i]->processBlock(buffer, midi);
      seconds += seconds_since(begin);
    }
    loads.push_back(100.0 * seconds * kRate / kBlock);
  }
  std::printf("| %s | %.1f %% | %.1f %% | %.1f %% | %.1f ms | %.2f MB |\n", name, quantile(loads, 0.01),
              quantile(loads, 0.5), quantile(loads, 0.99), 1e3 * creation,
              (resident_megabytes() - before) / kInstances);
  return instances;
}

}  // namespace

int main() {
  const juce::ScopedJuceInitialiser_GUI this_is_the_message_thread;
  std::printf("%s, %s, %d instances, blocks of %d frames, load of one core:\n\n", novasr::bench::cpu_name().c_str(),
              novasr::bench::compiler_name().c_str(), kInstances, kBlock);
  std::puts("| | p1 | p50 | p99 | creation | memory |");
  std::puts("|---|---:|---:|---:|---:|---:|");
  using novasr::test::Audio;
  const auto mono = measure("mono", Audio::noise(1, kBlock));
  const auto stereo = measure("stereo", Audio::noise(2, kBlock));
  Audio both = Audio::noise(2, kBlock);
  both[1] = both[0];
  const auto alike = measure("stereo, both sides alike", both);
  const auto silent = measure("stereo, silent", Audio(2, kBlock));
}
