#include "Presets.h"

namespace
{
/// The gains compensate the mean brightness of the models in docs/quality.md, for inputs of 8 and 4 kHz and for music.
constexpr Preset all[] = { { "Voice", 0, 4.0f }, { "Telephone", 1, 3.0f }, { "Music", 1, 0.0f } };
} // namespace

void Preset::apply (ParameterSet& parameters) const
{
    for (juce::RangedAudioParameter* const parameter : std::initializer_list<juce::RangedAudioParameter*>{
             &parameters.mode, &parameters.frontEnd, &parameters.crossover, &parameters.mix })
        parameter->setValueNotifyingHost (parameter->getDefaultValue());
    parameters.highBandGain.setValueNotifyingHost (parameters.highBandGain.convertTo0to1 (highBandGainDecibels));
    parameters.model.setValueNotifyingHost (parameters.model.convertTo0to1 (static_cast<float> (model)));
}

std::span<const Preset> presets() { return all; }
