#pragma once
#include <juce_audio_processors/juce_audio_processors.h>

#include "novasr/parameters.hpp"

/// The parameters for the host and the editor. Their names and units become `mode`, `mix`, `crossover_hz`,
/// `high_band_gain_db`, `output_gain_db`, `front_end` and `bypass` in Python, as in novasr.Stream.
class ParameterSet
{
public:
    /// Adds the parameters to the processor, which takes ownership.
    explicit ParameterSet (juce::AudioProcessor& owner);

    /// [audio] Current values; replaces non-finite values by the default.
    novasr::Parameters snapshot() const noexcept;

    juce::AudioParameterChoice& mode;
    juce::AudioParameterChoice& frontEnd;
    juce::AudioParameterFloat& crossover;
    juce::AudioParameterFloat& mix;
    juce::AudioParameterFloat& highBandGain;
    juce::AudioParameterFloat& outputGain;
    juce::AudioParameterBool& bypass;
    juce::AudioParameterChoice& model; ///< base or wide; not automatable, because it changes the latency

    /// In the order shown by the host.
    std::array<juce::RangedAudioParameter*, 8> all() noexcept;
};
