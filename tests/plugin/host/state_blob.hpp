// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "default_weights.hpp"
#include "plugin_host.hpp"

/// The plugin's state as plugin/source/PluginState.h lays it out, written here a second time: sessions depend on it.
namespace novasr::host {

using Bytes = std::string;

/// `header` is JSON.
Bytes make_state(const std::string& header, const ModelWeights& weights, std::uint32_t version = 2);
Bytes make_state(const std::string& header, std::span<const float> values, std::uint32_t version = 2);

/// What the VST3 instance stores.
Bytes state_of(juce::AudioPluginInstance& instance);

/// Gives the VST3 instance such bytes to restore.
void restore(juce::AudioPluginInstance& instance, const Bytes& state);

/// The header in a state, and the object "parameters" in that of the VST3 instance.
juce::var header_of(const Bytes& state);
juce::var stored_parameters(juce::AudioPluginInstance& instance);

/// What the instance plays, by its state: the header without "problem", which tells why the last state was refused, and
/// the weights.
Bytes content_of(juce::AudioPluginInstance& instance);

/// Weights that sound different from the built-in ones.
ModelWeights other_weights(float scale = 0.5f);

}  // namespace novasr::host
