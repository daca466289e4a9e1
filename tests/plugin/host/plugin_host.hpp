// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <juce_audio_processors/juce_audio_processors.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "novasr/audio_view.hpp"

/// A small host for the built plugin, based on JUCE's. For the message thread unless marked otherwise.
namespace novasr::host {

enum class Format { vst3, lv2 };

using Instance = std::unique_ptr<juce::AudioPluginInstance>;

/// Describes the bundle's plugin. Throws std::runtime_error unless there is exactly one.
juce::PluginDescription scan(Format format);

/// [any] A new instance. On another thread it waits for the message thread, which must run its loop.
Instance open(const juce::PluginDescription& plugin);

/// scan() and open(), prepared for `channels` in and out; LV2 has two.
Instance open(Format format, double sample_rate, int block_frames = 512, int channels = 2);

/// The bus layout with these channel counts.
juce::AudioProcessor::BusesLayout layout(int in_channels, int out_channels);

/// The parameter with this name, as shown to users. Throws std::runtime_error if there is none.
juce::AudioProcessorParameter& parameter(juce::AudioPluginInstance& instance, std::string_view name);

/// [audio] Plays `audio` through the instance, in place, in blocks of the given sizes, repeated in turn.
void play(juce::AudioPluginInstance& instance, AudioView<float> audio, std::span<const int> block_frames);

/// [audio] Tells the instance that the following audio is unrelated to the previous audio. VST3 only.
void restart(juce::AudioPluginInstance& instance);

/// Runs the message loop for a moment, as hosts do between two user actions.
void run_messages(int milliseconds);

}  // namespace novasr::host
