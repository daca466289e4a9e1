#include "Presets.h"

namespace
{
/// The gains compensate the mean brightness of the models in docs/quality.md, for inputs of 8 and 4 kHz and for music.
constexpr Preset all[] = { { "Voice", 0, 4.0f }, { "Telephone", 1, 3.0f }, { "Music", 1, 0.0f } };

void set (juce::RangedAudioParameter& parameter, float normalised)
{
    parameter.beginChangeGesture();
    parameter.setValueNotifyingHost (normalised);
    parameter.endChangeGesture();
}
} // namespace

void Preset::apply (ParameterSet& parameters) const
{
    for (juce::RangedAudioParameter* const parameter : std::initializer_list<juce::RangedAudioParameter*>{
             &parameters.mode, &parameters.frontEnd, &parameters.crossover, &parameters.mix })
        set (*parameter, parameter->getDefaultValue());
    set (parameters.highBandGain, parameters.highBandGain.convertTo0to1 (highBandGainDecibels));
    set (parameters.model, parameters.model.convertTo0to1 (static_cast<float> (model)));
}

std::span<const Preset> presets() { return all; }
