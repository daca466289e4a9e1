// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugin_host.hpp"

#include <pluginterfaces/vst/ivstaudioprocessor.h>
#include <pluginterfaces/vst/ivstcomponent.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace novasr::host {
namespace {

/// Deleted when JUCE shuts down, because the LV2 format owns a folder of temporary files.
struct Formats final : juce::AudioPluginFormatManager, juce::DeletedAtShutdown {
  Formats() {
    addFormat(new juce::VST3PluginFormat);
    addFormat(new juce::LV2PluginFormat);
  }
};

juce::AudioPluginFormatManager& formats() {
  static auto* const created = new Formats;
  return *created;
}

juce::AudioPluginFormat& format_of(Format format) {
  return *formats().getFormat(format == Format::vst3 ? 0 : 1);
}

juce::PluginDescription find_plugin(Format format) {
  const juce::File bundle(format == Format::vst3 ? NOVASR_VST3 : NOVASR_LV2);
  juce::OwnedArray<juce::PluginDescription> found;
  auto& plugin_format = format_of(format);
  for (const auto& identifier : plugin_format.searchPathsForPlugins(
           juce::FileSearchPath(bundle.getParentDirectory().getFullPathName()), false, false))
    if (format == Format::lv2 ? identifier.contains("novasr") : juce::File(identifier) == bundle)
      plugin_format.findAllTypesForFile(found, identifier);
  if (found.size() != 1) {
    throw std::runtime_error(bundle.getFullPathName().toStdString() + " holds " + std::to_string(found.size()) +
                             " plugins");
  }
  return *found.getFirst();
}

}  // namespace

juce::PluginDescription scan(Format format) {
  static std::map<Format, juce::PluginDescription> known;
  if (!known.contains(format)) known.emplace(format, find_plugin(format));
  return known.at(format);
}

Instance open(const juce::PluginDescription& plugin) {
  juce::String error;
  auto instance = formats().createPluginInstance(plugin, 48'000.0, 512, error);
  if (instance == nullptr) throw std::runtime_error(error.toStdString());
  return instance;
}

Instance open(Format format, double sample_rate, int block_frames, int channels) {
  auto instance = open(scan(format));
  if (format == Format::vst3 && !instance->setBusesLayout(layout(channels, channels)))
    throw std::runtime_error("refused " + std::to_string(channels) + " channels");
  instance->prepareToPlay(sample_rate, block_frames);
  return instance;
}

juce::AudioProcessor::BusesLayout layout(int in_channels, int out_channels) {
  juce::AudioProcessor::BusesLayout buses;
  buses.inputBuses.add(juce::AudioChannelSet::canonicalChannelSet(in_channels));
  buses.outputBuses.add(juce::AudioChannelSet::canonicalChannelSet(out_channels));
  return buses;
}

juce::AudioProcessorParameter& parameter(juce::AudioPluginInstance& instance, std::string_view name) {
  for (auto* const candidate : instance.getParameters())
    if (candidate->getName(100).toStdString() == name) return *candidate;
  throw std::runtime_error("the plugin has no parameter " + std::string(name));
}

void play(juce::AudioPluginInstance& instance, AudioView<float> audio, std::span<const int> block_frames) {
  std::vector<float*> channels;
  for (std::size_t c = 0; c < audio.channels(); ++c) channels.push_back(audio[c].data());
  juce::MidiBuffer midi;
  std::size_t turn = 0;
  for (std::size_t first = 0; first < audio.frames();) {
    const auto wanted = static_cast<std::size_t>(block_frames[turn++ % block_frames.size()]);
    const auto count = std::min(wanted, audio.frames() - first);
    juce::AudioBuffer<float> block(channels.data(), static_cast<int>(channels.size()), static_cast<int>(first),
                                   static_cast<int>(count));
    instance.processBlock(block, midi);
    first += count;
  }
}

void restart(juce::AudioPluginInstance& instance) {
  struct : juce::ExtensionsVisitor {
    void visitVST3Client(const VST3Client& client) override { component = client.getIComponentPtr(); }
    Steinberg::Vst::IComponent* component = nullptr;
  } vst3;
  instance.getExtensions(vst3);
  Steinberg::Vst::IAudioProcessor* processor = nullptr;
  if (vst3.component == nullptr ||
      vst3.component->queryInterface(Steinberg::Vst::IAudioProcessor::iid, reinterpret_cast<void**>(&processor)) !=
          Steinberg::kResultOk)
    throw std::runtime_error("the component is no audio processor");
  processor->setProcessing(false);
  processor->setProcessing(true);
  processor->release();
}

void run_messages(int milliseconds) {
  juce::MessageManager::getInstance()->runDispatchLoopUntil(milliseconds);
}

}  // namespace novasr::host
