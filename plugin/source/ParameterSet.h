#pragma once
#include <juce_audio_processors/juce_audio_processors.h>

#include "novasr/parameters.hpp"

/// The parameters as the host and the editor see them. Names and units become `mode`, `mix`, `crossover_hz`,
/// `high_band_gain_db`, `output_gain_db`, `front_end` and `bypass` in Python, as novasr.Stream calls them.
class ParameterSet
{
public:
    /// Adds the parameters to the processor, which owns them from then on.
    explicit ParameterSet (juce::AudioProcessor& owner);

    /// [audio] All values now; a value that is not finite counts as its default.
    novasr::Parameters snapshot() const noexcept;

    juce::AudioParameterChoice& mode;
    juce::AudioParameterChoice& frontEnd;
    juce::AudioParameterFloat& crossover;
    juce::AudioParameterFloat& mix;
    juce::AudioParameterFloat& highBandGain;
    juce::AudioParameterFloat& outputGain;
    juce::AudioParameterBool& bypass;

    /// In the order in which the host shows them.
    std::array<juce::RangedAudioParameter*, 7> all() noexcept;
};
