// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <juce_audio_processors/juce_audio_processors.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "novasr/audio_view.hpp"

/// A small host for the built plugin, on JUCE's. All of it belongs on the message thread unless it says otherwise.
namespace novasr::host {

enum class Format { vst3, lv2 };

using Instance = std::unique_ptr<juce::AudioPluginInstance>;

/// What the bundle holds. Throws std::runtime_error unless it is exactly one plugin.
juce::PluginDescription scan(Format format);

/// [any] A new instance. On another thread it waits for the message thread, which must run its loop.
Instance open(const juce::PluginDescription& plugin);

/// scan() and open(), made ready with so many channels in and out: LV2 has two.
Instance open(Format format, double sample_rate, int block_frames = 512, int channels = 2);

/// The bus layout of `channels` in and out.
juce::AudioProcessor::BusesLayout layout(int in_channels, int out_channels);

/// By the name that a user sees. Throws std::runtime_error if there is none.
juce::AudioProcessorParameter& parameter(juce::AudioPluginInstance& instance, std::string_view name);

/// [audio] Plays `audio` through the instance, in place, in blocks of the given sizes over and over.
void play(juce::AudioPluginInstance& instance, AudioView<float> audio, std::span<const int> block_frames);

/// [audio] Tells the instance that the audio which follows has nothing to do with what it heard. VST3 only.
void restart(juce::AudioPluginInstance& instance);

/// Runs the message loop for a moment, as hosts do between two gestures.
void run_messages(int milliseconds);

}  // namespace novasr::host
