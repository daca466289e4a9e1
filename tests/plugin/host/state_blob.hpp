// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "default_weights.hpp"
#include "plugin_host.hpp"

/// The layout of plugin/source/PluginState.h, implemented a second time: existing sessions depend on it.
namespace novasr::host {

using Bytes = std::string;

/// `header` is JSON.
Bytes make_state(const std::string& header, const ModelWeights& weights, std::uint32_t version = 2);
Bytes make_state(const std::string& header, std::span<const float> values, std::uint32_t version = 2);

/// What the VST3 instance stores.
Bytes state_of(juce::AudioPluginInstance& instance);

/// Restores the VST3 instance from these bytes.
void restore(juce::AudioPluginInstance& instance, const Bytes& state);

/// The header in a state, and the object "parameters" in that of the VST3 instance.
juce::var header_of(const Bytes& state);
juce::var stored_parameters(juce::AudioPluginInstance& instance);

/// What the instance plays according to its state: the weights, and the header without "problem", which tells why the
/// last state was rejected.
Bytes content_of(juce::AudioPluginInstance& instance);

/// Weights that sound different from the built-in ones.
ModelWeights other_weights(float scale = 0.5f);

}  // namespace novasr::host
