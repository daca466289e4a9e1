// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "default_weights.hpp"
#include "novasr/processor.hpp"
#include "plugin_host.hpp"
#include "signals.hpp"

/// What the tests compare: the plugin's output and the core's.
namespace novasr::host {

/// All rates that the tests visit; validators try those outside 8 .. 192 kHz and the fractions.
inline constexpr double kRates[] = {8'000.0,   11'025.0,   16'000.0,   22'050.0,   32'000.0,  44'100.0,
                                    48'000.0,  88'200.0,   96'000.0,   176'400.0,  192'000.0, 384'000.0,
                                    1234.5678, 12'345.678, 123'456.78, 1'234'567.8};

/// Noise, different in each channel.
test::Audio noise(std::size_t channels, std::size_t frames);

/// The plugin's output for `input`, in blocks of the given sizes, repeated in turn.
test::Audio played(juce::AudioPluginInstance& instance, const test::Audio& input,
                   const std::vector<int>& block_frames = {512});

/// The expected output, computed by the core alone.
test::Audio expected(const test::Audio& input, double sample_rate, const Parameters& parameters = {},
                     std::shared_ptr<const ModelWeights> weights = default_weights());

/// The latency that the plugin should report.
int expected_latency(double sample_rate);

/// `input` delayed by `frames`, its length unchanged.
test::Audio delayed(const test::Audio& input, int frames);

/// Sets all of the plugin's parameters.
void set_parameters(juce::AudioPluginInstance& instance, const Parameters& parameters);

/// Whether both are bit-identical from frame `first` on.
bool equal(const test::Audio& a, const test::Audio& b, std::size_t first = 0);

/// Largest difference from frame `first` on; infinite if a value is not finite.
float difference(const test::Audio& a, const test::Audio& b, std::size_t first = 0);

/// Largest magnitude of the frames from `first` on; infinite if one is not finite.
float peak(const test::Audio& audio, std::size_t first = 0);

/// The delay, 0 .. longest, with the highest cross-correlation of the first channels.
int measured_lag(const test::Audio& input, const test::Audio& output, int longest);

}  // namespace novasr::host
